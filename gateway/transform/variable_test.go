package transform_test

import (
	"net/netip"
	"testing"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/transform"
	"github.com/sockgate/sockgate/lang/expr"
)

func TestContextVariable(t *testing.T) {
	const none = "no value"
	tests := map[string]struct{ connect, message, failed, disconnect string }{
		"apiId":                         {"dl7ptocha9", "dl7ptocha9", "dl7ptocha9", "dl7ptocha9"},
		"connectedAt":                   {"1701245041796", "1701245041796", "1701245041796", "1701245041796"},
		"connectionId":                  {"PJqB0fHsqRcCHlw=", "PJqB0fHsqRcCHlw=", "PJqB0fHsqRcCHlw=", "PJqB0fHsqRcCHlw="},
		"domainName":                    {"dl7ptocha9.execute-api.localhost:4566", "dl7ptocha9.execute-api.localhost:4566", "dl7ptocha9.execute-api.localhost:4566", "dl7ptocha9.execute-api.localhost:4566"},
		"domainPrefix":                  {"dl7ptocha9", "dl7ptocha9", "dl7ptocha9", "dl7ptocha9"},
		"eventType":                     {"CONNECT", "MESSAGE", "MESSAGE", "DISCONNECT"},
		"extendedRequestId":             {"PJqCFEqHqRcFd0w=", "PJqCFEqHqRcFd0w=", "PJqCFEqHqRcFd0w=", "PJqCFEqHqRcFd0w="},
		"requestId":                     {"PJqCFEqHqRcFd0w=", "PJqCFEqHqRcFd0w=", "PJqCFEqHqRcFd0w=", "PJqCFEqHqRcFd0w="},
		"messageDirection":              {"IN", "IN", "IN", "IN"},
		"messageId":                     {none, "PJqCFfHyKRcCHlw=", "PJqCFfHyKRcCHlw=", none},
		"requestTime":                   {"29/Nov/2023:08:04:03 +0000", "29/Nov/2023:08:04:03 +0000", "29/Nov/2023:08:04:03 +0000", "29/Nov/2023:08:04:03 +0000"},
		"requestTimeEpoch":              {"1701245043417", "1701245043417", "1701245043417", "1701245043417"},
		"routeKey":                      {"$connect", "sendMessage", "sendMessage", "$disconnect"},
		"stage":                         {"production", "production", "production", "production"},
		"status":                        {"200", "200", "504", "200"},
		"disconnectStatusCode":          {none, none, none, "1005"},
		"disconnectReason":              {none, none, none, "Client-side close frame status not set"},
		"error.message":                 {none, none, `Endpoint "x" timed out`, none},
		"error.messageString":           {none, none, `"Endpoint \"x\" timed out"`, none},
		"error.responseType":            {none, none, "INTEGRATION_TIMEOUT", none},
		"identity.sourceIp":             {"203.0.113.9", "203.0.113.9", "203.0.113.9", "203.0.113.9"},
		"identity.apiKey":               {"secretkey", "secretkey", "secretkey", "secretkey"},
		"identity.apiKeyId":             {"k1", "k1", "k1", "k1"},
		"identity.accountId":            {none, none, none, none},
		"identity.cognitoIdentityId":    {none, none, none, none},
		"authorizer.principalId":        {"user|a", "user|a", "user|a", "user|a"},
		"authorizer.role":               {"admin", "admin", "admin", "admin"},
		"authorizer.empty":              {"", "", "", ""},
		"authorizer.nothing":            {none, none, none, none},
		"authorizer.integrationLatency": {"12", "12", "12", "12"},
		"integration.error":             {none, none, "dial 127.0.0.1:9: refused", none},
		"integration.latency":           {none, none, "1", none},
		"integrationStatus":             {none, none, "502", none},
		"waf.status":                    {none, none, none, none},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			read, ok := transform.ContextVariable(name)
			if !ok {
				t.Fatal("there is no such variable")
			}
			for event, want := range map[string]string{
				"connect": tt.connect, "message": tt.message, "failed": tt.failed, "disconnect": tt.disconnect,
			} {
				got, ok := read(sampleEvent(t, event))
				if !ok {
					got = none
				}
				if got != want {
					t.Errorf("in %s: %q, want %q", event, got, want)
				}
			}
		})
	}
}

func TestContextVariableOfAPrincipal(t *testing.T) {
	ev := sampleEvent(t, "message")
	ev.Connection.Identity = &sockgate.Principal{AccountID: "000000000000", AccessKeyID: "AKIA", ARN: "arn:aws:iam::000000000000:root", UserID: "000"}
	for name, want := range map[string]string{
		"identity.accessKey": "AKIA", "identity.accountId": "000000000000", "identity.caller": "000", "identity.user": "000",
		"identity.userArn": "arn:aws:iam::000000000000:root",
	} {
		read, _ := transform.ContextVariable(name)
		if got, _ := read(ev); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// An authorizer may use a name that the access log knows too; its own value comes first.
func TestContextVariableOfBothAuthorizerAndLog(t *testing.T) {
	read, _ := transform.ContextVariable("authorizer.status")
	ev := sampleEvent(t, "connect")
	ev.AuthorizerStatus = 403
	if got, _ := read(ev); got != "403" {
		t.Errorf("without a property: %q", got)
	}
	ev.Connection.Authorizer.Context["status"] = "gold"
	if got, _ := read(ev); got != "gold" {
		t.Errorf("with a property: %q", got)
	}
}

func TestContextVariableUnknown(t *testing.T) {
	for _, name := range []string{"", "httpMethod", "authorizer.", "authorizer", "identity", "connectionid", "context.stage"} {
		if _, ok := transform.ContextVariable(name); ok {
			t.Errorf("%q is known", name)
		}
	}
}

// Every variable must bear an event of which nothing is known.
func TestContextVariablesOfAnEmptyEvent(t *testing.T) {
	for _, name := range append(transform.ContextNames(), "authorizer.x") {
		read, ok := transform.ContextVariable(name)
		if !ok {
			t.Fatalf("%s is listed and not known", name)
		}
		if value, ok := read(&sockgate.Event{}); ok && name != "messageDirection" {
			t.Errorf("%s of an empty event is %q", name, value)
		}
		read(&sockgate.Event{Connection: &sockgate.Connection{SourceIP: netip.Addr{}}})
	}
}

func TestEventVariables(t *testing.T) {
	ev := sampleEvent(t, "connect")
	ev.Body = []byte(`{"a":1}`)
	for source, want := range map[string]string{
		"$context.stage":                   "production",
		"$context.nothing":                 "none",
		"$request.header.X-MANY":           "two",
		"$request.header.nothing":          "none",
		"$request.querystring.item":        "2",
		"$request.querystring.Item":        "none",
		"$request.basepath":                "none",
		"${request.body.a}/$context.apiId": "1/dl7ptocha9",
	} {
		e, err := expr.Compile(source)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := e.Eval(transform.EventVariables{Event: ev})
		if !ok {
			got = "none"
		}
		if got != want {
			t.Errorf("%s is %q, want %q", source, got, want)
		}
	}
}
