import { ApiGatewayManagementApiClient, PostToConnectionCommand } from "@aws-sdk/client-apigatewaymanagementapi";
import { DeleteCommand, ScanCommand } from "@aws-sdk/lib-dynamodb";
import { documents, table } from "./table.js";

// Sends what one said to everyone.
export const handler = async ({ requestContext: { domainName, stage, connectionId }, body }) => {
  const { data } = JSON.parse(body);
  const { Items: people } = await documents.send(new ScanCommand({ TableName: table }));
  const from = people.find((p) => p.connectionId === connectionId)?.name;
  const api = new ApiGatewayManagementApiClient({ endpoint: `https://${domainName}/${stage}` });
  await Promise.all(people.map(async (p) => {
    try {
      await api.send(new PostToConnectionCommand({ ConnectionId: p.connectionId, Data: JSON.stringify({ from, data }) }));
    } catch (error) {
      if (error.name !== "GoneException") throw error; // somebody left without a word
      await documents.send(new DeleteCommand({ TableName: table, Key: { connectionId: p.connectionId } }));
    }
  }));
  return { statusCode: 200 };
};
