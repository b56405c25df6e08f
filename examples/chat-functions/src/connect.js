import { PutCommand } from "@aws-sdk/lib-dynamodb";
import { documents, table } from "./table.js";

// Remembers who is there.
export const handler = async ({ requestContext: { connectionId }, queryStringParameters }) => {
  const name = queryStringParameters?.name ?? "somebody";
  await documents.send(new PutCommand({ TableName: table, Item: { connectionId, name } }));
  return { statusCode: 200 };
};
