package execution_test

import (
	"errors"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/telemetry/execution"
	"github.com/sockgate/sockgate/telemetry/logs"
)

var update = flag.Bool("update", false, "rewrite testdata")

var _ execution.Sink = (*logs.Group)(nil)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// page collects lines.
type page struct{ strings.Builder }

func (p *page) Write(line []byte) {
	p.Builder.Write(line)
	p.WriteByte('\n')
}

var conn = &sockgate.Connection{
	ID: "L0SM9cOFvHcCIhw=", APIID: "abc123defg", Stage: "prod", SourceIP: netip.MustParseAddr("203.0.113.9"),
}

func event(kind sockgate.EventType, route string) *sockgate.Event {
	return &sockgate.Event{Type: kind, Connection: conn, RequestID: "JKJaXmPLvHcESHA=", RouteKey: route}
}

// story logs one request of each kind, as the pipeline does.
func story(l *execution.Logger) {
	connect := event(sockgate.Connect, "$connect")
	connect.Headers = sockgate.Headers{
		{Name: "Host", Value: "x"}, {Name: "AUTHORIZATION", Value: "Bearer hush"}, {Name: "Cookie", Value: "a=hush"},
		{Name: "X-Amz-Security-Token", Value: "hush"}, {Name: "x-api-key", Value: "hush"}, {Name: "Sec-WebSocket-Protocol", Value: "chat, hush"},
	}
	l.Begin(connect)
	l.UsagePlan(connect, false)
	l.Start(connect)
	l.Authorizing(connect, "a1b2c3")
	l.Authorized(connect, "tokens", "user-1")
	l.Request(connect, "https://u:hush@backend.example/connect?id=1&X-Amz-Signature=hush&access_token=hush",
		sockgate.Headers{{Name: "Content-Type", Value: "application/json"}, {Name: "Proxy-Authorization", Value: "hush"}}, []byte(`{"id":1}`))
	connect.IntegrationLatency = 12 * time.Millisecond
	l.Response(connect, 200, sockgate.Headers{{Name: "Set-Cookie", Value: "hush"}, {Name: "Content-Length", Value: "2"}}, []byte("ok"))
	connect.Status = 200
	l.Done(connect)

	message := event(sockgate.Message, "join")
	message.Body = []byte(`{"action":"join"}`)
	l.Begin(message)
	l.RouteChosen(message, "$request.body.action", "join", true)
	l.Start(message)
	l.Note(message, "Integration response [$default] was selected")
	l.Reply(message, []byte("welcome"))
	message.Status = 500
	l.Failed(message, sockgate.Internalf("dial 127.0.0.1:9: connection refused"))

	other := event(sockgate.Message, "$default")
	other.Body = []byte("\xff\xfe binary")
	l.RouteChosen(other, "$request.body.action", "", false)
	l.Start(other)
	other.Status = 403
	l.Refused(other, "request validation", `model "join": /room is missing`)
	l.RouteChosen(event(sockgate.Message, ""), "$request.body.action", "nope", true)
	l.FunctionFailed(other, 200, "boom", "6dd0f6ad-4f21-4c39-9e1b-0d7a5fd2a1a5")
	l.Failed(other, errors.New("configuration error: stage variable url is not set"))

	disconnect := event(sockgate.Disconnect, "$disconnect")
	disconnect.DisconnectCode, disconnect.DisconnectReason = 1001, "Going away"
	l.Start(disconnect)
}

func TestStories(t *testing.T) {
	for _, tt := range []struct {
		name      string
		level     string
		dataTrace bool
	}{
		{"info", "INFO", false},
		{"trace", "INFO", true},
		{"error", "ERROR", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var p page
			synctest.Test(t, func(*testing.T) { // for the time that lines begin with
				story(execution.New(&p, "abc123defg", "prod", execution.ParseLevel(tt.level), tt.dataTrace))
			})
			golden := filepath.Join("testdata", tt.name+".log")
			if *update {
				if err := os.WriteFile(golden, []byte(p.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), p.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if strings.Contains(p.String(), "hush") {
				t.Error("a secret is in the log")
			}
		})
	}
}

func TestOffCostsNothing(t *testing.T) {
	var p page
	for _, level := range []string{"OFF", "", "DEBUG"} {
		l := execution.New(&p, "a", "b", execution.ParseLevel(level), true)
		if l != nil || l.Info() || l.Trace() {
			t.Errorf("level %q is on", level)
		}
		story(l)
	}
	if p.Len() > 0 {
		t.Errorf("written: %s", p.String())
	}
	var off *execution.Logger
	e, headers, body := event(sockgate.Message, "join"), sockgate.Headers{{Name: "a", Value: "b"}}, []byte("x")
	if n := testing.AllocsPerRun(100, func() {
		off.Begin(e)
		off.RouteChosen(e, "$request.body.action", "join", true)
		off.Start(e)
		off.Request(e, "http://b/", headers, body)
		off.Response(e, 200, headers, body)
		off.Done(e)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestAPIKeysAreMasked(t *testing.T) {
	for _, tt := range []struct {
		name, key string
		required  bool
		want      string
	}{
		{"long", "abcdefghijklmnopqrstuvwxyz", true, "API Key ********************uvwxyz authorized for route '$connect'"},
		{"short", "abcdefgh", true, "API Key ******** authorized for route '$connect'"},
		{"not needed", "abcdefgh", false, "API Key ******** authorized because route '$connect' does not require API Key. "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var p page
			e := event(sockgate.Connect, "$connect")
			c := *conn
			c.APIKey = &sockgate.APIKeyUse{ID: "k1", Value: tt.key}
			e.Connection = &c
			execution.New(&p, "a", "b", execution.Info, false).UsagePlan(e, tt.required)
			if !strings.Contains(p.String(), tt.want) || strings.Contains(p.String(), "abcdef") {
				t.Errorf("got %s", p.String())
			}
		})
	}
}

func TestBounds(t *testing.T) {
	long := strings.Repeat("é", 5000)
	many := make(sockgate.Headers, 5000)
	for i := range many {
		many[i] = sockgate.Header{Name: "x", Value: long}
	}
	e := event(sockgate.Message, "r")
	e.Body = []byte(long)
	var p page
	l := execution.New(&p, "a", "b", execution.Info, true)
	l.Start(e)
	l.Request(e, "http://b/"+long+"?"+long, many, []byte("x"+long))
	l.Failed(e, errors.New(long))
	l.RouteChosen(e, "$request.body.action", long, true)
	for text := range strings.Lines(p.String()) {
		if len(text) > 12<<10 || strings.ContainsRune(text, '\uFFFD') {
			t.Errorf("%d bytes: %.100s…", len(text), text)
		}
	}
	if n := strings.Count(p.String(), "[TRUNCATED]"); n < 7 {
		t.Errorf("%d texts are marked as truncated", n)
	}
	if want := "[" + long[:1024] + "[TRUNCATED]]"; !strings.Contains(p.String(), want) {
		t.Error("the message is not cut at 1024 bytes")
	}
	if want := ": x" + long[:1022] + "[TRUNCATED]"; !strings.Contains(p.String(), want) {
		t.Error("the request body is not cut before the character at 1024 bytes")
	}
}

func TestURIs(t *testing.T) {
	for _, tt := range []struct{ uri, want string }{
		{"http://b/p", "http://b/p"},
		{"http://b/p?a=1&b", "http://b/p?a=1&b"},
		{"http://b/p?a=1&API_KEY=x&sig=y", "http://b/p?a=1&API_KEY=[REDACTED]&sig=[REDACTED]"},
		{"http://u:p@b/p@q", "http://[REDACTED]@b/p@q"},
		{"http://u:p@b", "http://[REDACTED]@b"},
		{"http://b/a@b?token", "http://b/a@b?token"},
		{"arn:aws:lambda:us-east-1:0:function:f", "arn:aws:lambda:us-east-1:0:function:f"},
		{"", ""},
	} {
		var p page
		execution.New(&p, "a", "b", execution.Info, false).Request(event(sockgate.Message, "r"), tt.uri, nil, nil)
		if !strings.Contains(p.String(), "Endpoint request URI: "+tt.want+"\n") {
			t.Errorf("%s: %s", tt.uri, p.String())
		}
	}
}

// nowhere forgets lines.
type nowhere struct{}

func (nowhere) Write([]byte) {}

func BenchmarkInfo(b *testing.B) {
	l := execution.New(nowhere{}, "a", "b", execution.Info, false)
	e := event(sockgate.Message, "join")
	b.ReportAllocs()
	for b.Loop() {
		l.Begin(e)
		l.RouteChosen(e, "$request.body.action", "join", true)
		l.Start(e)
		l.Request(e, "http://backend/x", nil, nil)
		l.Response(e, 200, nil, nil)
		l.Done(e)
	}
}
