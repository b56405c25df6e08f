// Finds packages for ES modules where NODE_PATH says, on a Node.js without registerHooks. See useNodePath in index.js.

let parents = [];

export function initialize(data) {
  parents = data;
}

export async function resolve(specifier, context, next) {
  try {
    return await next(specifier, context);
  } catch (e) {
    if (e?.code !== 'ERR_MODULE_NOT_FOUND' || /^(\.|\/|\w+:)/.test(specifier)) throw e;
    for (const parentURL of parents) {
      try {
        return await next(specifier, { ...context, parentURL });
      } catch {}
    }
    throw e;
  }
}
