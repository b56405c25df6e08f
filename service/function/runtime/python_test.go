package runtime_test

import (
	"testing"
)

func TestPython(t *testing.T) {
	runHandlers(t, "python3.12", []handlerCase{
		{name: "returns", files: python("def handler(event, context):\n    return {'got': event['n']}\n"), want: `{"got": 1}`},
		{name: "none", files: python("def handler(event, context):\n    pass\n"), want: `null`},
		{name: "characters", files: python("def handler(event, context):\n    return event\n"), payload: `{"s":"é€😀"}`, want: `{"s": "é€😀"}`},
		{name: "bytes", files: python("def handler(event, context):\n    return b'[1,2]'\n"), want: `[1,2]`},
		{name: "decimals", files: python("from decimal import Decimal\ndef handler(event, context):\n    return [Decimal('3'), Decimal('1.5')]\n"), want: `[3, 1.5]`},
		{name: "package", files: map[string]string{"pkg/__init__.py": "", "pkg/sub.py": "from . import other\ndef go(event, context):\n    return other.x\n", "pkg/other.py": "x = 'o'\n"}, handler: "pkg.sub.go", want: `"o"`},
		{name: "path with slashes", files: map[string]string{"src/app.py": "def go(event, context):\n    return 's'\n"}, handler: "src/app.go", want: `"s"`},
		{name: "raises", files: python("class Mine(Exception):\n    pass\ndef handler(event, context):\n    inner()\ndef inner():\n    raise Mine('bad')\n"), failed: true,
			want: `/^{"errorMessage": "bad", "errorType": "Mine", "requestId": "[0-9a-f-]{36}", "stackTrace": \["  File \\".*app.py\\", line 4, in handler\\n    inner\(\)\\n", "  File \\".*app.py\\", line 6, in inner\\n    raise Mine\('bad'\)\\n"\]}$/`,
			log:  []string{"[ERROR] Mine: bad\nTraceback (most recent call last):\n  File "}},
		{name: "what cannot be JSON", files: python("def handler(event, context):\n    return {1, 2}\n"), failed: true,
			want: `/^{"errorMessage": "Unable to marshal response: Object of type set is not JSON serializable", "errorType": "Runtime.MarshalError", "requestId": "[0-9a-f-]{36}", "stackTrace": \[\]}$/`},
		{name: "missing module", files: python("import nothing_here\ndef handler(e, c): pass\n"), failed: true,
			want: `{"errorMessage": "Unable to import module 'app': No module named 'nothing_here'", "errorType": "Runtime.ImportModuleError", "requestId": "", "stackTrace": []}`,
			log:  []string{"[ERROR] Runtime.ImportModuleError: Unable to import module 'app': No module named 'nothing_here'\nTraceback (most recent call last):\n", "/INIT_REPORT Init Duration: [0-9.]+ ms\tPhase: invoke\tStatus: error\tError Type: Runtime.ImportModuleError/"}},
		{name: "missing file", files: python(""), handler: "other.handler", failed: true, want: `{"errorMessage": "Unable to import module 'other': No module named 'other'", "errorType": "Runtime.ImportModuleError", "requestId": "", "stackTrace": []}`},
		{name: "missing handler", files: python("x = 1\n"), failed: true, want: `{"errorMessage": "Handler 'handler' missing on module 'app'", "errorType": "Runtime.HandlerNotFound", "requestId": "", "stackTrace": []}`},
		{name: "malformed handler", files: python(""), handler: "app", failed: true, want: `{"errorMessage": "Bad handler 'app': not enough values to unpack (expected 2, got 1)", "errorType": "Runtime.MalformedHandlerName", "requestId": "", "stackTrace": []}`},
		{name: "built-in module", files: python(""), handler: "sys.exit", failed: true, want: `/^{"errorMessage": "Cannot use built-in module sys as a handler module", "errorType": "Runtime.BuiltInModuleConflict",/`},
		{name: "syntax error", files: python("def handler(:\n"), failed: true, want: `/^{"errorMessage": "Syntax error in module 'app': invalid syntax \(app.py, line 1\)", "errorType": "Runtime.UserCodeSyntaxError", "requestId": "", "stackTrace": \["  File \\".*app.py\\" Line 1\\n    def handler\(:\\n"\]}$/`},
		{name: "raises while loading", files: python("raise ValueError('at load')\n"), failed: true, want: `/^{"errorMessage": "at load", "errorType": "ValueError", "requestId": "", "stackTrace": \["  File \\".*app.py\\", line 1, in <module>\\n    raise ValueError\('at load'\)\\n"\]}$/`},
		{name: "exits", files: python("import sys\ndef handler(e, c):\n    sys.exit(4)\n"), failed: true, want: `/^{"errorType":"Runtime.ExitError","errorMessage":"RequestId: [0-9a-f-]{36} Error: Runtime exited with error: exit status 4"}$/`},
		{name: "exit without site", files: python("def handler(e, c):\n    exit(2)\n"), failed: true, want: `/exit status 2"}$/`},
		{name: "prints", files: python("import sys\ndef handler(e, c):\n    print('one', 2)\n    print('é', file=sys.stderr)\n    print('no end', end='')\n"), want: `null`, log: []string{"one 2\n", "é\n", "no end\n"}},
		{name: "logs", files: python("import logging\nlog = logging.getLogger()\nlog.setLevel(logging.INFO)\nlog.info('at load')\ndef handler(e, c):\n    log.info('x=%d', 1)\n    log.debug('hidden')\n"), want: `null`,
			log: []string{`/\n\[INFO\]\t\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\t[0-9a-f-]{36}\tx=1\n/`}, noLog: []string{"hidden"}},
		{name: "context", files: python("import os, re\ndef handler(e, c):\n    return [c.function_name == os.environ['AWS_LAMBDA_FUNCTION_NAME'], c.function_version, c.invoked_function_arn.split(':')[5], c.memory_limit_in_mb,\n" +
			"        bool(re.match('^[0-9a-f-]{36}$', c.aws_request_id)), c.log_group_name.startswith('/aws/lambda/'), '[$LATEST]' in c.log_stream_name,\n" +
			"        8000 < c.get_remaining_time_in_millis() <= 10000, c.client_context, c.identity.cognito_identity_id, os.environ['_X_AMZN_TRACE_ID'], str(c).startswith('LambdaContext([aws_request_id=')]\n"),
			want: `[true, "$LATEST", "function", "256", true, true, true, true, null, null, "Root=1-5759e988-bd862e3fe1be46a994272793", true]`},
	})
}

func TestClientContext(t *testing.T) {
	e := newEnv(t)
	const given = `{"client":{"app_title":"T"},"custom":{"k":"v"},"env":{}}`
	for name, s := range map[string]struct{ runtime, code, want string }{
		"node":   {"nodejs20.x", `exports.handler = async (e, c) => c.clientContext.custom.k + c.clientContext.client.app_title`, `"vT"`},
		"python": {"python3.12", "def handler(e, c):\n    return c.client_context.custom['k'] + c.client_context.client.app_title\n", `"vT"`},
	} {
		t.Run(name, func(t *testing.T) {
			files := node(s.code)
			if name == "python" {
				files = python(s.code)
			}
			spec := e.function(t, s.runtime, files)
			inv := newInvocation(spec, "{}")
			inv.ClientContext = given
			r, err := e.Invoke(t.Context(), spec, inv)
			if err != nil || string(r.Payload) != s.want {
				t.Errorf("%s, %v", r.Payload, err)
			}
		})
	}
}
