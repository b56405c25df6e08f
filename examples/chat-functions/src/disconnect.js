import { DeleteCommand } from "@aws-sdk/lib-dynamodb";
import { documents, table } from "./table.js";

export const handler = async ({ requestContext: { connectionId } }) => {
  await documents.send(new DeleteCommand({ TableName: table, Key: { connectionId } }));
  return { statusCode: 200 };
};
