package function_test

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/integrate/function"
)

const domain = "dl7ptocha9.execute-api.us-east-1.amazonaws.com"

// event returns an event of reference section 2.5.
func event(t sockgate.EventType) *sockgate.Event {
	c := &sockgate.Connection{
		ID: "PJqB0fHsqRcCHlw=", APIID: "dl7ptocha9", Stage: "production", DomainName: domain,
		SourceIP: netip.MustParseAddr("203.0.113.9"), Port: 443, TLS: true, ConnectedAt: time.UnixMilli(1701245041796),
	}
	ev := &sockgate.Event{Type: t, Connection: c, TraceID: "Root=1-62fb87cb-4dbfce250f33864344a762b9"}
	switch t {
	case sockgate.Connect:
		ev.RouteKey, ev.RequestID, ev.Time = "$connect", "PJqB0E1tKRcF-Qw=", time.UnixMilli(1701245041798)
		ev.Headers = sockgate.Headers{
			{Name: "host", Value: domain}, {Name: "Connection", Value: "Upgrade"}, {Name: "Upgrade", Value: "WebSocket"},
			{Name: "sec-websocket-version", Value: "13"}, {Name: "Sec-WebSocket-Key", Value: "NysmUTUM1SWo5oeJuKHZhw=="},
			{Name: "Sec-WebSocket-Extensions", Value: "permessage-deflate; client_max_window_bits"},
			{Name: "X-Forwarded-Proto", Value: "forged"}, {Name: "x-amzn-trace-id", Value: "forged"},
		}
		ev.Query = []sockgate.Header{{Name: "token", Value: "abc"}}
	case sockgate.Message:
		ev.RouteKey, ev.RequestID, ev.Time = "sendMessage", "PJqCFEqHqRcFd0w=", time.UnixMilli(1701245043417)
		ev.MessageID = "PJqCFfHyKRcCHlw="
		ev.Body = []byte("{\"action\":\"sendMessage\",\"data\":1,\r\n \"é\":\"\\n\"}")
	case sockgate.Disconnect:
		ev.RouteKey, ev.RequestID, ev.Time = "$disconnect", "PJqCOG4zqRcFcPw=", time.UnixMilli(1701245044314)
		ev.DisconnectCode, ev.DisconnectReason = 1005, "Client-side close frame status not set"
	}
	return ev
}

// A client that came by a domain name with mutual TLS is shown with its certificate.
func TestClientCertInEvents(t *testing.T) {
	for _, kind := range []sockgate.EventType{sockgate.Connect, sockgate.Message, sockgate.Disconnect} {
		ev := event(kind)
		ev.Connection.ClientCert = &sockgate.ClientCert{PEM: "-----BEGIN CERTIFICATE-----\nA==\n-----END CERTIFICATE-----\n", SubjectDN: `CN=one,O=\"X\"`,
			IssuerDN: "CN=ca", SerialNumber: "0a:1b", NotBefore: "May 28 12:30:02 2019 GMT", NotAfter: "Aug  5 09:36:04 2021 GMT"}
		var got struct {
			RequestContext struct {
				Identity struct {
					ClientCert map[string]any
				}
			}
		}
		if err := json.Unmarshal(function.AppendEvent(nil, ev, nil, nil), &got); err != nil {
			t.Fatal(err)
		}
		want := map[string]any{"clientCertPem": "-----BEGIN CERTIFICATE-----\nA==\n-----END CERTIFICATE-----\n", "subjectDN": `CN=one,O=\"X\"`, "issuerDN": "CN=ca",
			"serialNumber": "0a:1b", "validity": map[string]any{"notBefore": "May 28 12:30:02 2019 GMT", "notAfter": "Aug  5 09:36:04 2021 GMT"}}
		if diff := cmp.Diff(want, got.RequestContext.Identity.ClientCert); diff != "" {
			t.Errorf("%s (-want +got):\n%s", kind, diff)
		}
	}
}

func richConnect() *sockgate.Event {
	ev := event(sockgate.Connect)
	c := ev.Connection
	c.TLS, c.Port, c.UserAgent = false, 80, `agent "5"`
	c.Authorizer = &sockgate.Authorization{PrincipalID: "user|a", Latency: 12*time.Millisecond + 900*time.Microsecond,
		Context: map[string]string{"role": "admin", "n": "1", "principalId": "hidden", "integrationLatency": "hidden"}}
	c.Identity = &sockgate.Principal{AccountID: "000000000000", AccessKeyID: "AKIAIOSFODNN7EXAMPLE",
		ARN: "arn:aws:iam::000000000000:user/ann", UserID: "AIDAQ3EGGVEXAMPLE"}
	c.APIKey = &sockgate.APIKeyUse{ID: "k1", Value: "0123456789abcdefghij"}
	ev.Headers = sockgate.Headers{
		{Name: "Host", Value: "h"}, {Name: "test", Value: "a"}, {Name: "HeaderAuth1", Value: "v"}, {Name: "TEST", Value: "b"},
		{Name: "X-Forwarded-For", Value: "10.0.0.1"}, {Name: "user-agent", Value: `agent "5"`}, {Name: "Content-Length", Value: "0"},
		{Name: "Authorization", Value: "AWS4-HMAC-SHA256 Credential=AKIA"}, {Name: "Authorization", Value: "Bearer x"},
	}
	ev.Query = []sockgate.Header{{Name: "token", Value: "a b/é"}, {Name: "item", Value: "1"}, {Name: "item", Value: "2"}}
	return ev
}

func TestEventsAreThoseOfTheReference(t *testing.T) {
	variables := function.Variables(map[string]string{"url": "a<b>&c", "fn": "chat"})
	authorizer := event(sockgate.Connect)
	authorizer.Query = nil
	for _, tt := range []struct {
		name string
		got  []byte
	}{
		{"connect", function.AppendEvent(nil, event(sockgate.Connect), nil, nil)},
		{"connect-rich", function.AppendEvent(nil, richConnect(), variables, nil)},
		{"message", function.AppendEvent(nil, event(sockgate.Message), nil, nil)},
		{"disconnect", function.AppendEvent(nil, event(sockgate.Disconnect), nil, nil)},
		{"authorizer", function.AppendAuthorizerEvent(nil, authorizer, "arn:aws:execute-api:us-east-1:123456789012:dl7ptocha9/production/$connect", nil)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want, err := os.ReadFile("testdata/events/" + tt.name + ".json")
			if err != nil {
				t.Fatal(err)
			}
			var shortened bytes.Buffer
			if err := json.Compact(&shortened, want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(indented(t, shortened.Bytes()), indented(t, tt.got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// indented keeps the members in their order, and says where they differ.
func indented(t *testing.T, doc []byte) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, doc, "", " "); err != nil {
		t.Fatalf("%v in %s", err, doc)
	}
	return b.String()
}

func TestAuthorizersSeeWhatConnectDoesNot(t *testing.T) {
	var got struct {
		Headers        map[string]string
		StageVariables map[string]string
	}
	doc := function.AppendAuthorizerEvent(nil, richConnect(), "arn", function.Variables(map[string]string{"fn": "chat"}))
	if err := json.Unmarshal(doc, &got); err != nil {
		t.Fatal(err)
	}
	if got.Headers["Connection"] != "upgrade" || got.Headers["Upgrade"] != "websocket" || got.Headers["content-length"] != "0" {
		t.Errorf("headers: %v", got.Headers)
	}
	if got.StageVariables["fn"] != "chat" {
		t.Errorf("stage variables: %v", got.StageVariables)
	}
}

func TestBodies(t *testing.T) {
	for _, tt := range []struct {
		name, body, base64 string
		want               string
		encoded            bool
	}{
		{name: "nothing", want: ""},
		{name: "white space", body: " \r\n\t", want: " \r\n\t"},
		{name: "control characters", body: "\x00\x1f\x7f", want: "\x00\x1f\x7f"},
		{name: "HTML", body: "<a href='x'>&</a>", want: "<a href='x'>&</a>"},
		{name: "beyond ASCII", body: "é\u2028\U0001F600", want: "é\u2028\U0001F600"},
		{name: "not UTF-8", body: "a\xffb\xe2\x82", want: "a\ufffdb\ufffd\ufffd"},
		{name: "binary", body: "aGk=", base64: "aGk=", want: "aGk=", encoded: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ev := event(sockgate.Message)
			ev.Body = []byte(tt.body)
			var encoded []byte
			if tt.base64 != "" {
				encoded = []byte(tt.base64)
			}
			var got struct {
				Body            *string
				IsBase64Encoded bool
			}
			doc := function.AppendEvent(nil, ev, nil, encoded)
			if err := json.Unmarshal(doc, &got); err != nil {
				t.Fatalf("%v in %s", err, doc)
			}
			if got.Body == nil || *got.Body != tt.want || got.IsBase64Encoded != tt.encoded {
				t.Errorf("got %s", doc)
			}
		})
	}
}

func FuzzEvent(f *testing.F) {
	f.Add("a\x00\"\\\xff\u2028", "x-y", "v\r\n", "reason")
	f.Add(`{"a":[1]}`, "", "", "")
	f.Fuzz(func(t *testing.T, body, name, value, reason string) {
		for _, kind := range []sockgate.EventType{sockgate.Connect, sockgate.Message, sockgate.Disconnect} {
			ev := event(kind)
			ev.Body, ev.DisconnectReason = []byte(body), reason
			ev.Headers = append(ev.Headers, sockgate.Header{Name: name, Value: value})
			ev.Query = append(ev.Query, sockgate.Header{Name: name, Value: value})
			ev.Connection.UserAgent = value
			for _, doc := range [][]byte{function.AppendEvent(nil, ev, nil, nil), function.AppendAuthorizerEvent(nil, ev, value, nil)} {
				if !json.Valid(doc) {
					t.Fatalf("not JSON: %q", doc)
				}
			}
		}
	})
}

func BenchmarkMessageEvent(b *testing.B) {
	ev := event(sockgate.Message)
	ev.Body = bytes.Repeat([]byte(`{"action":"sendMessage","text":"hello there"}`), 22) // 1 KB
	ev.Connection.Authorizer = &sockgate.Authorization{PrincipalID: "user|a", Context: map[string]string{"role": "admin", "tenant": "t1"}}
	b.ReportAllocs()
	b.SetBytes(int64(len(ev.Body)))
	for b.Loop() {
		function.AppendEvent(make([]byte, 0, function.EventSize(ev)), ev, nil, nil)
	}
}

func BenchmarkConnectEvent(b *testing.B) {
	ev := event(sockgate.Connect)
	b.ReportAllocs()
	for b.Loop() {
		function.AppendEvent(make([]byte, 0, function.EventSize(ev)), ev, nil, nil)
	}
}
