// With aws-sdk-js v3.
import { ApiGatewayManagementApiClient, PostToConnectionCommand } from '@aws-sdk/client-apigatewaymanagementapi'
import { ApiGatewayV2Client, CreateApiCommand, GetApisCommand } from '@aws-sdk/client-apigatewayv2'
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb'

const [api, connection] = process.argv.slice(2)
const gateway = new ApiGatewayV2Client()
const { ApiId } = await gateway.send(new CreateApiCommand({ Name: 'v3', ProtocolType: 'WEBSOCKET', RouteSelectionExpression: '$request.body.action' }))
const { Items } = await gateway.send(new GetApisCommand({}))
if (!Items.some((a) => a.ApiId === ApiId && a.Name === 'v3')) throw new Error('the API is not listed')
await new DynamoDBClient().send(new PutItemCommand({ TableName: 'items', Item: { id: { S: 'v3' } } }))
const endpoint = `https://${api}.execute-api.${process.env.AWS_REGION}.amazonaws.com/dev`
await new ApiGatewayManagementApiClient({ endpoint }).send(new PostToConnectionCommand({ ConnectionId: connection, Data: 'from v3' }))
