// Who may connect: everyone who knows the password. The name that somebody chose stays with the connection, and so does the API key.
import { createHash, timingSafeEqual } from 'node:crypto'

const sum = (text) => createHash('sha256').update(text).digest()

export const handler = async (event) => {
  const { name, token, key } = event.queryStringParameters
  if (!/^[\w.-]{1,32}$/.test(name)) throw new Error('Unauthorized') // 401
  const known = timingSafeEqual(sum(token), sum(process.env.PASSWORD))
  return {
    principalId: name,
    policyDocument: {
      Version: '2012-10-17',
      Statement: [{ Action: 'execute-api:Invoke', Effect: known ? 'Allow' : 'Deny', Resource: event.methodArn }],
    },
    context: { name },
    // Browsers cannot send the header x-api-key. The stage variable is what lets everyone into the stage dev.
    usageIdentifierKey: key ?? event.headers['x-api-key'] ?? event.stageVariables.key,
  }
}
