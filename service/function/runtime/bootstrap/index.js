// The bootstrap of Node.js functions: loads the handler, asks the Runtime API for calls, and answers them.
//
// It speaks HTTP over one raw socket, and sends an answer and the request for the next call in one piece: a call costs one
// read and one write. Only modules that are loaded anyway are required, for the sake of the cold start.
'use strict';

const net = require('net');
const path = require('path');
const { existsSync, readdirSync, readFileSync } = require('fs');

const env = process.env;
const [apiHost, apiPort] = env.AWS_LAMBDA_RUNTIME_API.split(':');
const prefix = '/2018-06-01/runtime/';
const requestIdSymbol = Symbol.for('aws.lambda.runtime.requestId');

// --- Errors ---

class RuntimeError extends Error {
  constructor(name, message) {
    super(message);
    Object.defineProperty(this, 'name', { value: 'Runtime.' + name });
  }
}

function looksLikeError(e) {
  return e instanceof Error || (e && typeof e.name === 'string' && typeof e.message === 'string' && typeof e.stack === 'string');
}

function errorDocument(e) {
  try {
    if (looksLikeError(e)) {
      return { errorType: e.name, errorMessage: e.message, trace: String(e.stack).split('\n') };
    }
    return { errorType: typeof e, errorMessage: String(e), trace: [] };
  } catch {
    return {
      errorType: 'handled',
      errorMessage: 'callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack',
    };
  }
}

function logError(title, e) {
  const error = e instanceof Error ? e : new Error(e);
  let text;
  try {
    text = JSON.stringify(error, (_, v) => {
      if (!(v instanceof Error)) return v;
      const fields = { errorType: v.name, errorMessage: v.message, code: v.code, ...v };
      if (typeof v.stack === 'string') fields.stack = v.stack.split('\n');
      return fields;
    });
  } catch {
    text = JSON.stringify(errorDocument(error));
  }
  console.error(title, '\t' + text);
}

// --- Console ---

function patchConsole() {
  const levels = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
  const lowest = Math.max(0, levels.indexOf((env.AWS_LAMBDA_LOG_LEVEL || '').toUpperCase()));
  let format; // util is loaded with the first line
  const print = (level) => (...args) => {
    format ??= require('util').format;
    process.stdout.write(`${new Date().toISOString()}\t${globalThis[requestIdSymbol]}\t${level}\t${format(...args)}\n`);
  };
  const methods = { trace: 'TRACE', debug: 'DEBUG', info: 'INFO', log: 'INFO', warn: 'WARN', error: 'ERROR', fatal: 'FATAL' };
  for (const [name, level] of Object.entries(methods)) {
    console[name] = levels.indexOf(level) < lowest ? () => {} : print(level);
  }
}

// --- The Runtime API ---

const client = {
  socket: null,
  received: null, // bytes that no whole answer could be made of
  expected: [], // what the answers to come are for: functions of the headers and the body

  connect() {
    const socket = net.connect(Number(apiPort), apiHost);
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.read(chunk));
    // The gateway closes the connection when it is done with this process, or is gone itself.
    socket.on('close', () => process.exit(0));
    socket.on('error', () => process.exit(0));
    this.socket = socket;
  },

  read(chunk) {
    if (this.received) chunk = Buffer.concat([this.received, chunk]);
    this.received = null;
    while (chunk.length > 0) {
      const end = chunk.indexOf('\r\n\r\n');
      if (end < 0) break;
      const headers = {};
      for (const line of chunk.utf8Slice(0, end).split('\r\n').slice(1)) {
        const colon = line.indexOf(': ');
        headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 2);
      }
      const stop = end + 4 + Number(headers['content-length']);
      if (chunk.length < stop) {
        if (chunk.length > 65536) return this.readLarge(chunk, stop);
        break;
      }
      const body = chunk.utf8Slice(end + 4, stop);
      chunk = chunk.subarray(stop);
      this.expected.shift()?.(headers, body);
    }
    if (chunk.length > 0) this.received = chunk;
  },

  // Gathers a large answer without joining its chunks each time one comes.
  readLarge(first, size) {
    const chunks = [first];
    let length = first.length;
    const socket = this.socket;
    socket.removeAllListeners('data');
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length < size) return;
      socket.removeAllListeners('data');
      socket.on('data', (c) => this.read(c));
      this.read(Buffer.concat(chunks));
    });
  },

  post(what, body, errorType) {
    const type = errorType ? `Lambda-Runtime-Function-Error-Type: ${errorType.replace(/[^\x21-\x7e]/g, '?').slice(0, 256)}\r\n` : '';
    return `POST ${prefix}${what} HTTP/1.1\r\nHost: ${env.AWS_LAMBDA_RUNTIME_API}\r\nContent-Type: application/json\r\n${type}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  },

  // Asks for the next call, behind an answer to the last one.
  next(answer = '') {
    if (answer) this.expected.push(() => {});
    this.expected.push(invoke);
    this.socket.ref();
    this.socket.write(`${answer}GET ${prefix}invocation/next HTTP/1.1\r\nHost: ${env.AWS_LAMBDA_RUNTIME_API}\r\n\r\n`);
  },

  // Tells of an error and ends the process.
  fail(what, e, code) {
    const document = errorDocument(e);
    this.expected.push(() => process.exit(code));
    this.socket.ref();
    this.socket.write(this.post(what, JSON.stringify(document), document.errorType));
  },
};

// --- Calls ---

let handler;
let onIdle = null; // what to do when the event loop is empty
let failed = (e, code) => client.fail('init/error', e, code);

function invoke(headers, body) {
  const id = headers['lambda-runtime-aws-request-id'];
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  globalThis[requestIdSymbol] = id;
  if (headers['lambda-runtime-trace-id']) env._X_AMZN_TRACE_ID = headers['lambda-runtime-trace-id'];
  else delete env._X_AMZN_TRACE_ID;
  // While the handler works, only what it started keeps the event loop going.
  client.socket.unref();

  let answered = false;
  const answer = (what, document, errorType) => {
    onIdle = null;
    if (answered) return;
    answered = true;
    failed = (e, code) => process.exit(code); // there is no call to blame
    client.next(client.post(`invocation/${id}/${what}`, document, errorType));
  };
  const fail = (e) => {
    if (answered) return;
    logError('Invoke Error', e);
    const document = errorDocument(e);
    answer('error', JSON.stringify(document), document.errorType);
  };
  const succeed = (result) => {
    let document;
    try {
      document = JSON.stringify(result === undefined ? null : result) ?? 'null';
    } catch (e) {
      return fail(new RuntimeError('MarshalError', `Unable to stringify response body as json: ${e.message}`));
    }
    answer('response', document);
  };
  failed = (e, code) => {
    if (answered) process.exit(code);
    answered = true;
    client.fail(`invocation/${id}/error`, e, code);
  };

  let waits = true;
  let called = false;
  const once = (f) => (...args) => {
    if (called) return;
    called = true;
    f(...args);
  };
  const done = (e, result) => (e === undefined || e === null ? succeed(result) : fail(e));
  const callback = (e, result) => {
    if (e !== undefined && e !== null) fail(e);
    else if (waits) onIdle = () => succeed(result);
    else succeed(result);
  };
  const parsed = (name) => (headers[name] ? JSON.parse(headers[name]) : undefined);
  let context;
  try {
    context = {
      get callbackWaitsForEmptyEventLoop() {
        return waits;
      },
      set callbackWaitsForEmptyEventLoop(value) {
        waits = value;
      },
      succeed: once((result) => done(null, result)),
      fail: once((e) => done(e === undefined || e === null ? 'handled' : e)),
      done: once(done),
      functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
      functionName: env.AWS_LAMBDA_FUNCTION_NAME,
      memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
      logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
      logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
      clientContext: parsed('lambda-runtime-client-context'),
      identity: parsed('lambda-runtime-cognito-identity'),
      invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
      awsRequestId: id,
      getRemainingTimeInMillis: () => deadline - Date.now(),
    };
    onIdle = () => succeed(null); // a handler that never answers
    const result = handler(JSON.parse(body), context, once(callback));
    if (result && typeof result.then === 'function') result.then(context.succeed, context.fail);
  } catch (e) {
    once(callback)(e);
  }
}

// --- Loading ---

// isModule says whether .js files in a folder are ES modules: the nearest package.json decides.
function isModule(folder) {
  for (;;) {
    if (folder.endsWith('/node_modules')) return false;
    const file = path.join(folder, 'package.json');
    if (existsSync(file)) {
      try {
        return JSON.parse(readFileSync(file, 'utf8'))?.type === 'module';
      } catch {
        return false;
      }
    }
    const parent = path.dirname(folder);
    if (parent === folder) return false;
    folder = parent;
  }
}

// useNodePath lets ES modules, too, be found in layers and among the machine's packages, as Lambda does. Where that takes a
// thread of hooks, which costs time, it is done only if there is something to find.
let nodePathUsed = false;
function useNodePath() {
  if (nodePathUsed) return;
  nodePathUsed = true;
  const tools = ['npm', 'corepack', 'yarn', 'pnpm', '.package-lock.json', '.bin'];
  const folders = (env.NODE_PATH || '').split(':').filter((dir) => {
    try {
      return dir.endsWith('/node_modules') && readdirSync(dir).some((name) => !tools.includes(name));
    } catch {
      return false;
    }
  });
  if (folders.length === 0) return;
  const { register, registerHooks } = require('module');
  const parents = folders.map((dir) => require('url').pathToFileURL(dir).href);
  if (registerHooks) {
    const resolve = (specifier, context, next) => {
      try {
        return next(specifier, context);
      } catch (e) {
        if (e?.code !== 'ERR_MODULE_NOT_FOUND' || /^(\.|\/|\w+:)/.test(specifier)) throw e;
        for (const parentURL of parents) {
          try {
            return next(specifier, { ...context, parentURL });
          } catch {}
        }
        throw e;
      }
    };
    registerHooks({ resolve });
  } else {
    register?.(require('url').pathToFileURL(path.join(__dirname, 'resolve.mjs')).href, { data: parents });
  }
}

function load(file) {
  if (!existsSync(file)) return undefined;
  // Code that is required may import() later on; that it says so is looked for, since most does not.
  if (/\bimport\s*\(/.test(readFileSync(file, 'latin1'))) useNodePath();
  return require(file);
}
function loadModule(file) {
  if (!existsSync(file)) return undefined;
  useNodePath();
  return import(require('url').pathToFileURL(file).href);
}

async function loadCode(root, folder, name) {
  const file = path.resolve(root, folder, name);
  if (path.extname(file)) {
    const code = load(file);
    if (code) return code;
  }
  const modules = isModule(path.dirname(file));
  const code =
    (!modules && load(file + '.js')) ||
    (modules && (await loadModule(file + '.js'))) ||
    (await loadModule(file + '.mjs')) ||
    load(file + '.cjs');
  return code || require(require.resolve(name, { paths: [root, path.join(root, folder)] }));
}

async function loadHandler(root, name) {
  if (name.includes('..')) {
    throw new RuntimeError(
      'MalformedHandlerName',
      `'${name}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`,
    );
  }
  const base = path.basename(name);
  const dot = base.indexOf('.');
  if (dot < 0) throw new RuntimeError('MalformedHandlerName', 'Bad handler');
  let code;
  try {
    code = await loadCode(root, name.slice(0, name.indexOf(base)), base.slice(0, dot));
  } catch (e) {
    if (e instanceof SyntaxError) throw new RuntimeError('UserCodeSyntaxError', String(e));
    if (e?.code === 'MODULE_NOT_FOUND') throw new RuntimeError('ImportModuleError', String(e));
    throw e;
  }
  const found = base.slice(dot + 1).split('.').reduce((o, key) => o && o[key], code);
  if (!found) throw new RuntimeError('HandlerNotFound', `${name} is undefined or not exported`);
  if (typeof found !== 'function') throw new RuntimeError('HandlerNotFound', `${name} is not a function`);
  return found;
}

// --- Start ---

process.on('uncaughtException', (e) => {
  logError('Uncaught Exception', e);
  failed(e, 129);
});
process.on('unhandledRejection', (reason) => {
  const e = new RuntimeError('UnhandledPromiseRejection', String(reason));
  e.reason = reason;
  logError('Unhandled Promise Rejection', e);
  failed(e, 128);
});
process.on('beforeExit', () => {
  const idle = onIdle;
  onIdle = null;
  idle?.();
});

patchConsole();
client.connect();
loadHandler(env.LAMBDA_TASK_ROOT, env._HANDLER).then(
  (h) => {
    handler = h;
    client.next();
  },
  (e) => {
    logError('Uncaught Exception', e);
    failed(e, 129);
  },
);
