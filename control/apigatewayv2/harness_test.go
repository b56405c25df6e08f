package apigatewayv2_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/smithy-go"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/apigatewayv2"
	"github.com/sockgate/sockgate/control/awswire"
	"github.com/sockgate/sockgate/state/catalog"
	"github.com/sockgate/sockgate/state/store"
	"github.com/sockgate/sockgate/state/store/memory"
)

var ctx = context.Background()

// start is what the clock shows first.
var start = time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC)

// gateway is a control plane over a store in memory, with the real SDK as its client. Signatures are another package's.
type gateway struct {
	t       testing.TB
	url     string
	client  *http.Client
	sdk     *sdk.Client
	catalog *catalog.Catalog
	now     atomic.Int64 // seconds after start

	// check and checkStage are what compiling says, nil for all is well.
	check      func(*sockgate.Definition) error
	checkStage func(*sockgate.Definition, *sockgate.Stage) error
}

func newGateway(t testing.TB) *gateway { return newGatewayOn(t, memory.New()) }

func newGatewayOn(t testing.TB, st store.Store, edits ...func(*apigatewayv2.Config)) *gateway {
	g := &gateway{t: t, catalog: catalog.New(st, nil)}
	cfg := apigatewayv2.Config{
		Catalog: g.catalog,
		Check: func(d *sockgate.Definition) error {
			if g.check == nil {
				return nil
			}
			return g.check(d)
		},
		CheckSchema: func(schema string) error {
			var object map[string]any
			if err := json.Unmarshal([]byte(schema), &object); err != nil || object == nil {
				return errors.New("Invalid model schema specified")
			}
			return nil
		},
		StatusMessage: func(*sockgate.Definition) string { return "" },
		CheckStage: func(d *sockgate.Definition, s *sockgate.Stage) error {
			if g.checkStage == nil {
				return nil
			}
			return g.checkStage(d, s)
		},
		Account: "000000000000", Region: "us-east-1",
		Endpoint: func(id string) string { return "wss://" + id + ".execute-api.localhost:4566" },
		Clock:    func() time.Time { return start.Add(time.Duration(g.now.Load()) * time.Second) },
		Log:      slog.New(slog.DiscardHandler),
	}
	for _, edit := range edits {
		edit(&cfg)
	}
	svc := apigatewayv2.New(cfg)
	srv := httptest.NewServer(awswire.New(awswire.Config{
		Verify: func(*http.Request, []byte, ...string) (*sockgate.Principal, error) {
			return &sockgate.Principal{Root: true}, nil
		},
		Screen:   func(*http.Request, ...string) error { return nil },
		Services: []awswire.Service{svc}, Account: "000000000000", Region: "us-east-1", Log: slog.New(slog.DiscardHandler),
	}))
	g.url, g.client = srv.URL, srv.Client()
	g.sdk = sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(srv.URL), RetryMaxAttempts: 1, HTTPClient: srv.Client(),
		Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", ""),
	})
	t.Cleanup(func() {
		srv.Close()
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return g
}

// forFuzz is the same gateway for one run of a fuzz target.
func (g *gateway) forFuzz(t *testing.T) *gateway {
	return &gateway{t: t, url: g.url, client: g.client, catalog: g.catalog}
}

// answer is a raw reply.
type answer struct {
	t      testing.TB
	status int
	typ    string
	body   string
}

// do sends a request without the SDK's own checks.
func (g *gateway) do(method, path, body string) answer {
	g.t.Helper()
	req, err := http.NewRequest(method, g.url+path, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/apigateway/aws4_request, SignedHeaders=host, Signature=00")
	resp, err := g.client.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	return answer{g.t, resp.StatusCode, resp.Header.Get("x-amzn-ErrorType"), string(raw)}
}

func (a answer) message() string {
	var b struct{ Message string }
	_ = json.Unmarshal([]byte(a.body), &b)
	return b.Message
}

// ok fails the test unless the reply has the given status, and returns its body.
func (a answer) ok(status int) map[string]any {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	var m map[string]any
	if a.body != "" {
		if err := json.Unmarshal([]byte(a.body), &m); err != nil {
			a.t.Fatal(err)
		}
	}
	return m
}

// str returns a member of a successful reply.
func (a answer) str(member string) string {
	a.t.Helper()
	m := a.ok(a.status)
	v, ok := m[member].(string)
	if !ok || a.status > 299 {
		a.t.Fatalf("no %s in %d %s", member, a.status, a.body)
	}
	return v
}

// refused fails the test unless the reply is the error.
func (a answer) refused(status int, message string) {
	a.t.Helper()
	types := map[int]string{400: "BadRequestException", 404: "NotFoundException", 409: "ConflictException", 501: "NotImplementedException"}
	if a.status != status || a.typ != types[status] || a.message() != message {
		a.t.Errorf("got  %d %s %q\nwant %d %s %q", a.status, a.typ, a.message(), status, types[status], message)
	}
}

// newAPI creates an API and returns its path.
func (g *gateway) newAPI() string {
	g.t.Helper()
	return "/v2/apis/" + g.do("POST", "/v2/apis", `{"name":"chat","protocolType":"WEBSOCKET","routeSelectionExpression":"$request.body.action"}`).str("apiId")
}

// newRoute creates a MOCK integration and a route to it, and returns the ids of both.
func (g *gateway) newRoute(api, key string) (routeID, integrationID string) {
	g.t.Helper()
	integrationID = g.do("POST", api+"/integrations", `{"integrationType":"MOCK"}`).str("integrationId")
	routeID = g.do("POST", api+"/routes", `{"routeKey":"`+key+`","target":"integrations/`+integrationID+`"}`).str("routeId")
	return routeID, integrationID
}

// record reads an API as it is stored.
func (g *gateway) record(api string) *sockgate.APIRecord {
	g.t.Helper()
	rec, err := g.catalog.API(ctx, strings.TrimPrefix(api, "/v2/apis/"))
	if err != nil {
		g.t.Fatal(err)
	}
	return rec
}

const lambdaURI = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000:function:f/invocations"

// must returns a value that an SDK call answered.
func must[T any](t *testing.T) func(v *T, err error) *T {
	return func(v *T, err error) *T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// code returns the AWS name of an error.
func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}
