package pipeline_test

import (
	"context"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/authorize"
	"github.com/sockgate/sockgate/gateway/deploy"
	"github.com/sockgate/sockgate/gateway/pipeline"
	"github.com/sockgate/sockgate/state/catalog"
	"github.com/sockgate/sockgate/state/store/memory"
	"github.com/sockgate/sockgate/telemetry/execution"
	"github.com/sockgate/sockgate/telemetry/metrics"
)

const lambda = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000:function:NAME/invocations"

func uri(name string) string { return strings.Replace(lambda, "NAME", name, 1) }

// functions is a function service: by name, what is answered. It remembers its calls.
type functions struct {
	mu     sync.Mutex
	answer map[string]func() (*sockgate.FunctionAnswer, error)
	calls  []sockgate.FunctionCall
}

func (f *functions) Call(_ context.Context, c *sockgate.FunctionCall) (*sockgate.FunctionAnswer, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, *c)
	name := c.Function[strings.Index(c.Function, ":function:")+len(":function:"):]
	if answer := f.answer[name]; answer != nil {
		return answer()
	}
	return nil, sockgate.NotFoundf("Function not found: %s", c.Function)
}

func returns(payload string) func() (*sockgate.FunctionAnswer, error) {
	return func() (*sockgate.FunctionAnswer, error) {
		return &sockgate.FunctionAnswer{Payload: []byte(payload), RequestID: "6dd0f6ad"}, nil
	}
}

func throws(payload string) func() (*sockgate.FunctionAnswer, error) {
	return func() (*sockgate.FunctionAnswer, error) {
		return &sockgate.FunctionAnswer{Payload: []byte(payload), Error: "Unhandled", RequestID: "6dd0f6ad"}, nil
	}
}

func fails(err error) func() (*sockgate.FunctionAnswer, error) {
	return func() (*sockgate.FunctionAnswer, error) { return nil, err }
}

// page is what logs are written to.
type page struct {
	mu sync.Mutex
	strings.Builder
}

func (p *page) Write(line []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Builder.Write(append(line, '\n'))
}

// gateway is a pipeline over one stage of one API, with what its functions were asked and its execution log.
type gateway struct {
	*pipeline.Pipeline
	functions *functions
	log       page
}

const accessFormat = "$context.requestId $context.status $context.integration.status $context.integration.integrationStatus $context.integration.requestId " +
	"$context.integration.error | $context.authorizer.status $context.authorizer.integrationStatus $context.authorizer.requestId $context.authorizer.error " +
	"$context.authorizer.role | $context.authenticate.status $context.authorize.status"

func open(t testing.TB, def *sockgate.Definition, vars map[string]string, answer map[string]func() (*sockgate.FunctionAnswer, error), edit func(*pipeline.Config)) *gateway {
	t.Helper()
	def.API.ID, def.API.RouteSelectionExpression = "abc", "$request.body.action"
	g := &gateway{functions: &functions{answer: answer}}
	s, table, m := memory.New(), deploy.NewTable(), metrics.New()
	cat := catalog.New(s, func(context.Context, string) {})
	if err := cat.Freeze(t.Context(), "abc", "d1", def); err != nil {
		t.Fatal(err)
	}
	rec := &sockgate.APIRecord{Definition: *def, Stages: []sockgate.Stage{{Name: "dev", DeploymentID: "d1", Variables: vars}}}
	if err := cat.CreateAPI(t.Context(), rec); err != nil {
		t.Fatal(err)
	}
	d := deploy.NewDeployer(deploy.Config{
		Catalog: cat, Table: table, Place: deploy.Place{Account: "000000000000", Region: "us-east-1"},
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Retired: func(deploy.StageKey) {},
		Attach: func(st *deploy.Stage) {
			st.Metrics = m.Stage("abc", "dev")
			st.Log = execution.New(&g.log, "abc", "dev", execution.Info, false)
			for key, r := range st.Routes {
				r.Log, r.Metrics = st.Log, st.Metrics.Route(key, false)
			}
		},
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	<-d.Ready()
	t.Cleanup(func() {
		cancel()
		<-done
		s.Close()
	})
	if table.Stage("abc", "dev") == nil {
		t.Fatal("the stage does not compile")
	}
	c := pipeline.Config{Table: table, Functions: g.functions, Clock: time.Now, Log: slog.New(slog.DiscardHandler), MaxReply: 128 << 10,
		Authorizers: authorize.New(authorize.Config{Functions: g.functions, Clock: time.Now})}
	if edit != nil {
		edit(&c)
	}
	g.Pipeline = pipeline.New(c)
	return g
}

func session() *pipeline.Session {
	return &pipeline.Session{Connection: sockgate.Connection{ID: "C1", APIID: "abc", Stage: "dev", DomainName: "h",
		SourceIP: netip.MustParseAddr("203.0.113.9"), ConnectedAt: time.Now()}}
}

// replies is a client of messages.
type replies []string

func (r *replies) Reply(_ context.Context, payload []byte) error {
	*r = append(*r, string(payload))
	return nil
}

// say sends a message and returns what the client reads, without the request's id.
func (g *gateway) say(s *pipeline.Session, body string) string {
	var r replies
	g.Message(context.Background(), s, []byte(body), &r)
	text, _, _ := strings.Cut(strings.Join(r, "|"), `, "requestId"`)
	return text
}

func frame(message string) string { return `{"message": "` + message + `", "connectionId":"C1"` }

func one(in sockgate.Integration, route sockgate.Route) *sockgate.Definition {
	in.ID, in.Timeout = "i1", time.Second
	route.Target = "integrations/i1"
	return &sockgate.Definition{Routes: []sockgate.Route{route}, Integrations: []sockgate.Integration{in}}
}

var twoWay = sockgate.Route{Key: "$default", RouteResponseSelectionExpression: "$default", Responses: []sockgate.RouteResponse{{Key: "$default"}}}
