"""The bootstrap of Python functions: loads the handler, asks the Runtime API for calls, and answers them.

It speaks HTTP over one raw socket and imports little, for the sake of the cold start: json and what the interpreter has loaded
anyway. It runs on Python 3.8 and later. The gateway starts it without site; the packages' folders come as arguments.
"""

import json
import os
import sys
import time

import _socket

environ = os.environ
PREFIX = "/2018-06-01/runtime/"
request_id = ""


class Fault(Exception):
    """An error that the runtime itself finds."""

    def __init__(self, kind, message, trace=None):
        super().__init__(message)
        self.kind, self.message, self.trace = "Runtime." + kind, message, trace or []


class API:
    """The Runtime API, over one connection."""

    def __init__(self, address):
        self.address = address
        host, _, port = address.partition(":")
        self.socket = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
        self.socket.connect((host, int(port)))
        self.socket.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        self.received = b""

    def request(self, method, path, body=b"", more=b""):
        if isinstance(body, str):
            body = body.encode("utf-8", "surrogatepass")
        return b"%s %s%s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n%s" % (
            method, PREFIX.encode(), path.encode(), self.address.encode(), len(body), more, body)

    def answer(self):
        """Reads one answer: its headers, with names in lower case, and its body."""
        data = self.received
        while True:
            end = data.find(b"\r\n\r\n")
            if end >= 0:
                break
            data += self.read()
        headers = {}
        for line in data[:end].decode("utf-8", "replace").split("\r\n")[1:]:
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
        end += 4
        stop = end + int(headers["content-length"])
        if len(data) < stop:
            parts, length = [data], len(data)
            while length < stop:
                parts.append(self.read())
                length += len(parts[-1])
            data = b"".join(parts)
        self.received = data[stop:]
        return headers, data[end:stop]

    def read(self):
        data = self.socket.recv(65536)
        if not data:  # the gateway is done with this process, or is gone
            os._exit(0)
        return data

    def next(self, behind=b""):
        """Sends an answer, if there is one, and asks for the next call in one piece."""
        self.socket.sendall(behind + self.request(b"GET", "invocation/next"))
        if behind:
            self.answer()
        return self.answer()

    def init_error(self, document):
        kind = b"Lambda-Runtime-Function-Error-Type: " + header(document["errorType"])
        self.socket.sendall(self.request(b"POST", "init/error", json.dumps(document), kind))
        self.answer()


def header(value):
    return "".join(c if " " < c < "\x7f" else "?" for c in value)[:256].encode() + b"\r\n"


def error(message, kind, trace=(), call=""):
    return {"errorMessage": message, "errorType": kind, "requestId": call, "stackTrace": list(trace)}


def caught(call=""):
    """The document of the exception that is being handled, without this file's frames."""
    import traceback

    kind, value, tb = sys.exc_info()
    frames = [f for f in traceback.extract_tb(tb)]
    for i, frame in enumerate(frames):
        if frame.filename != __file__ and not frame.filename.startswith("<frozen importlib"):
            frames = frames[i:]
            break
    return error(str(value), kind.__name__, traceback.format_list(frames), call)


def log_error(document):
    lines = ["[ERROR] %s: %s" % (document["errorType"], document["errorMessage"]) if document["errorMessage"]
             else "[ERROR] " + document["errorType"], "Traceback (most recent call last):"]
    for entry in document["stackTrace"]:
        lines += entry.splitlines()
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


# --- The handler ---


def load(name):
    module, dot, function = name.rpartition(".")
    if not dot:
        raise Fault("MalformedHandlerName", "Bad handler '%s': not enough values to unpack (expected 2, got 1)" % name)
    if module.split(".")[0] in sys.builtin_module_names:
        raise Fault("BuiltInModuleConflict", "Cannot use built-in module %s as a handler module" % module)
    try:
        import importlib

        loaded = importlib.import_module(module.replace("/", "."))
    except ImportError as e:
        raise Fault("ImportModuleError", "Unable to import module '%s': %s" % (module, e))
    except SyntaxError as e:
        raise Fault("UserCodeSyntaxError", "Syntax error in module '%s': %s" % (module, e),
                    ['  File "%s" Line %s\n    %s' % (e.filename, e.lineno, e.text)])
    try:
        return getattr(loaded, function)
    except AttributeError:
        raise Fault("HandlerNotFound", "Handler '%s' missing on module '%s'" % (function, module))


class Fields:
    """An object with the given attributes, which print themselves."""

    def __init__(self, names, values):
        for name in names:
            setattr(self, name, values.get(name))

    def __repr__(self):
        return type(self).__name__ + "([" + ",".join("%s=%s" % item for item in vars(self).items()) + "])"


class CognitoIdentity(Fields):
    pass


class Client(Fields):
    pass


class ClientContext(Fields):
    pass


class LambdaContext:
    def __init__(self, headers):
        self.aws_request_id = headers["lambda-runtime-aws-request-id"]
        self.log_group_name = environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.function_version = environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.invoked_function_arn = headers.get("lambda-runtime-invoked-function-arn")
        self.tenant_id = None
        self._epoch_deadline_time_in_ms = int(headers["lambda-runtime-deadline-ms"])
        self.identity = CognitoIdentity(("cognito_identity_id", "cognito_identity_pool_id"), {})
        self.client_context = None
        if "lambda-runtime-client-context" in headers:
            try:
                given = json.loads(headers["lambda-runtime-client-context"])
            except ValueError as e:
                raise Fault("LambdaContextUnmarshalError", "Unable to parse Client Context JSON: %s" % e)
            if isinstance(given, dict):
                self.client_context = ClientContext(("custom", "env", "client"), given)
                if isinstance(given.get("client"), dict):
                    self.client_context.client = Client(
                        ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name"), given["client"])

    def get_remaining_time_in_millis(self):
        return max(0, self._epoch_deadline_time_in_ms - int(time.time() * 1000))

    def log(self, message):
        sys.stdout.write(str(message))

    def __repr__(self):
        return "LambdaContext([" + ",".join("%s=%s" % item for item in vars(self).items() if item[0][0] != "_") + "])"


# Lambda writes other characters than ASCII as they are since Python 3.12.
ASCII = environ.get("AWS_EXECUTION_ENV", "")[len("AWS_Lambda_python3."):] in ("6", "7", "8", "9", "10", "11")


def plain(value):
    """What json does not know: a Decimal is a number in Lambda's JSON."""
    decimal = sys.modules.get("decimal")
    if decimal and isinstance(value, decimal.Decimal):
        if value.is_finite() and value == value.to_integral_value():
            return int(value)
        return float(value)
    raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)


encode = json.JSONEncoder(ensure_ascii=ASCII, default=plain).encode


def handle(handler, headers, body):
    """Runs one call. Returns what to answer: the kind, the body and the error's type as a header."""
    call = headers["lambda-runtime-aws-request-id"]
    try:
        context = LambdaContext(headers)
        try:
            event = json.loads(body)
        except ValueError as e:
            raise Fault("UnmarshalError", "Unable to unmarshal input: %s" % e)
        result = handler(event, context)
        if isinstance(result, bytes):
            return "response", result, b""
        try:
            return "response", encode(result), b""
        except Exception as e:
            raise Fault("MarshalError", "Unable to marshal response: %s" % e)
    except Fault as fault:
        document = error(fault.message, fault.kind, fault.trace, call)
    except Exception:
        document = caught(call)
    log_error(document)
    return "error", json.dumps(document), b"Lambda-Runtime-Function-Error-Type: " + header(document["errorType"])


# --- Logging ---


def set_up(logging):
    """Gives the root logger the handler that functions in Lambda find there."""

    class LambdaLoggerHandler(logging.Handler):
        def emit(self, record):
            sys.stdout.write(self.format(record))
            sys.stdout.flush()

    class LambdaLoggerFilter(logging.Filter):
        def filter(self, record):
            record.aws_request_id = request_id
            return True

    logging.Formatter.converter = time.gmtime
    handler = LambdaLoggerHandler()
    handler.setFormatter(logging.Formatter(
        "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n", "%Y-%m-%dT%H:%M:%S"))
    handler.addFilter(LambdaLoggerFilter())
    logging.getLogger().addHandler(handler)


class LoggingFinder:
    """Sets logging up when the function imports it, which costs those nothing that do not."""

    def find_spec(self, name, path=None, target=None):
        if name != "logging":
            return None
        sys.meta_path.remove(self)
        import importlib.util

        spec = importlib.util.find_spec(name)
        load_module = spec.loader.exec_module

        def exec_module(module):
            load_module(module)
            set_up(module)

        spec.loader.exec_module = exec_module
        return spec


def main():
    global request_id
    root = environ["LAMBDA_TASK_ROOT"]
    sys.path[0] = root
    sys.path.extend(sys.argv[1:])
    sys.argv[1:] = []
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, encoding="utf-8", errors="backslashreplace")
    import builtins

    builtins.exit = builtins.quit = sys.exit  # which site would have added
    if environ.get("SOCKGATE_REDIRECT"):
        import sitecustomize  # noqa: F401
    sys.meta_path.insert(0, LoggingFinder())
    api = API(environ["AWS_LAMBDA_RUNTIME_API"])
    try:
        handler = load(environ["_HANDLER"])
    except Exception as e:
        document = error(e.message, e.kind, e.trace) if isinstance(e, Fault) else caught()
        log_error(document)
        api.init_error(document)
        sys.exit(1)
    headers, body = api.next()
    while True:
        request_id = headers["lambda-runtime-aws-request-id"]
        if "lambda-runtime-trace-id" in headers:
            environ["_X_AMZN_TRACE_ID"] = headers["lambda-runtime-trace-id"]
        else:
            environ.pop("_X_AMZN_TRACE_ID", None)
        kind, answer, more = handle(handler, headers, body)
        sys.stdout.flush()
        sys.stderr.flush()
        headers, body = api.next(api.request(b"POST", "invocation/%s/%s" % (request_id, kind), answer, more))


main()
