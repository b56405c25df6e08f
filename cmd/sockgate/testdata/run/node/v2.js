// With aws-sdk-js v2, which does not know AWS_ENDPOINT_URL: its calls go to hosts of amazonaws.com.
const AWS = require('aws-sdk')

const main = async ([api, connection]) => {
  const gateway = new AWS.ApiGatewayV2()
  const { ApiId } = await gateway.createApi({ Name: 'v2', ProtocolType: 'WEBSOCKET', RouteSelectionExpression: '$request.body.action' }).promise()
  const { Items } = await gateway.getApis().promise()
  if (!Items.some((a) => a.ApiId === ApiId && a.Name === 'v2')) throw new Error('the API is not listed')
  await new AWS.DynamoDB().putItem({ TableName: 'items', Item: { id: { S: 'v2' } } }).promise()
  const endpoint = `https://${api}.execute-api.${process.env.AWS_REGION}.amazonaws.com/dev`
  await new AWS.ApiGatewayManagementApi({ endpoint }).postToConnection({ ConnectionId: connection, Data: 'from v2' }).promise()
}
main(process.argv.slice(2)).catch((e) => { console.error(e); process.exit(1) })
