package transform_test

import (
	"flag"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sockgate/sockgate"
)

var update = flag.Bool("update", false, "rewrite the expected results in testdata")

// sampleEvent returns one of the events that the cases in testdata name.
func sampleEvent(t testing.TB, name string) *sockgate.Event {
	t.Helper()
	conn := &sockgate.Connection{
		ID: "PJqB0fHsqRcCHlw=", APIID: "dl7ptocha9", Stage: "production",
		DomainName: "dl7ptocha9.execute-api.localhost:4566", SourceIP: netip.MustParseAddr("203.0.113.9"), Port: 4566,
		UserAgent: "wscat \"5\"\\\n\t\u2028\u00e9\xff", ConnectedAt: time.UnixMilli(1701245041796),
		Authorizer: &sockgate.Authorization{
			PrincipalID: "user|a", Context: map[string]string{"role": "admin", "tenant-id": "t1", "empty": ""}, Latency: 12 * time.Millisecond,
		},
		APIKey: &sockgate.APIKeyUse{ID: "k1", Value: "secretkey"},
	}
	ev := &sockgate.Event{
		Connection: conn, RequestID: "PJqCFEqHqRcFd0w=", TraceID: "Root=1-62fb87cb-4dbfce250f33864344a762b9",
		Time: time.UnixMilli(1701245043417), Status: 200,
	}
	switch name {
	case "connect":
		ev.Type, ev.RouteKey = sockgate.Connect, "$connect"
		ev.Headers = sockgate.Headers{
			{Name: "Host", Value: "dl7ptocha9.execute-api.localhost:4566"},
			{Name: "Connection", Value: "Upgrade, X-Hop"}, {Name: "Upgrade", Value: "websocket"}, {Name: "X-Hop", Value: "1"},
			{Name: "Sec-WebSocket-Version", Value: "13"}, {Name: "Sec-WebSocket-Key", Value: "NysmUTUM1SWo5oeJuKHZhw=="},
			{Name: "authorization", Value: "Bearer x"}, {Name: "x-tenant", Value: "t1"},
			{Name: "X-Many", Value: "one"}, {Name: "x-many", Value: "two"},
		}
		ev.Query = []sockgate.Header{
			{Name: "token", Value: "a b/c&d=é"}, {Name: "item", Value: "1"}, {Name: "item", Value: "2"},
		}
	case "message", "failed":
		ev.Type, ev.RouteKey, ev.MessageID = sockgate.Message, "sendMessage", "PJqCFfHyKRcCHlw="
		ev.Body = []byte(`{"action":"sendMessage","room":"général","to":["a","b"],"user name":{"first":"Ann"},` +
			`"evil":"x\r\nX-Injected: 1","long":"` + strings.Repeat("x", 10241) + `"}`)
		if name == "failed" {
			ev.Status, ev.ErrorMessage, ev.ErrorType = 504, "Endpoint \"x\" timed out", "INTEGRATION_TIMEOUT"
			ev.ValidationError = `[object has missing required properties (["address"])]`
			ev.IntegrationError, ev.IntegrationStatus, ev.IntegrationLatency = "dial 127.0.0.1:9: refused", 502, 1500*time.Microsecond
		}
	case "disconnect":
		ev.Type, ev.RouteKey = sockgate.Disconnect, "$disconnect"
		ev.DisconnectCode, ev.DisconnectReason = 1005, "Client-side close frame status not set"
	default:
		t.Fatalf("there is no sample event %q", name)
	}
	return ev
}

// golden runs each case of a file in testdata through answer and compares, or rewrites, what is below its rule.
func golden(t *testing.T, file string, answer func(ev *sockgate.Event, input string) string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, cases, _ := strings.Cut(string(text), "\n== ")
	var got strings.Builder
	got.WriteString(head)
	for c := range strings.SplitSeq(cases, "\n== ") {
		input, _, ok := strings.Cut(c, "\n----\n")
		title, rest, _ := strings.Cut(input, "\n")
		event, rest, _ := strings.Cut(rest, "\n")
		if !ok || !strings.HasPrefix(event, "event: ") {
			t.Fatalf("case %q has no event or no rule", title)
		}
		ev := sampleEvent(t, strings.TrimPrefix(event, "event: "))
		got.WriteString("\n== " + input + "\n----\n" + answer(ev, rest) + "\n")
	}
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(text), got.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
