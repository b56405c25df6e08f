package apigateway_test

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
	sdk "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/smithy-go"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/apigateway"
	"github.com/sockgate/sockgate/control/awswire"
	"github.com/sockgate/sockgate/state/catalog"
	"github.com/sockgate/sockgate/state/store"
	"github.com/sockgate/sockgate/state/store/memory"
)

var ctx = context.Background()

// start is what the clock shows first.
var start = time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC)

// gateway is a control plane over a store in memory, with the real SDK as its client. Signatures are another package's.
// It has the API "chat" with the stages "prod" and "dev" and the routes $connect and send, and the API "news" with the stage "prod".
type gateway struct {
	t       testing.TB
	url     string
	client  *http.Client
	sdk     *sdk.Client
	catalog *catalog.Catalog
	usage   *counts
	now     atomic.Int64 // seconds after start
}

func newGateway(t testing.TB, edits ...func(*apigateway.Config)) *gateway {
	return newGatewayOn(t, memory.New(), edits...)
}

func newGatewayOn(t testing.TB, st store.Store, edits ...func(*apigateway.Config)) *gateway {
	g := &gateway{t: t, catalog: catalog.New(st, nil), usage: &counts{granted: make(map[string]int64)}}
	balancers := newBalancers()
	g.catalog.OnBalancing(balancers.Told)
	cfg := apigateway.Config{
		Catalog: g.catalog, Meter: g.usage, Links: balancers, Region: "us-east-1", Throttle: sockgate.Throttle{Burst: 5000, Rate: 10000},
		Clock: func() time.Time { return start.Add(time.Duration(g.now.Load()) * time.Second) },
	}
	for _, edit := range edits {
		edit(&cfg)
	}
	for id, stages := range map[string][]string{"chat": {"prod", "dev"}, "news": {"prod"}} {
		rec := &sockgate.APIRecord{Definition: sockgate.Definition{API: sockgate.API{ID: id, Name: id}}}
		rec.Routes = []sockgate.Route{{Key: "$connect"}, {Key: "send"}, {Key: "a/b/"}}
		for _, name := range stages {
			rec.Stages = append(rec.Stages, sockgate.Stage{Name: name})
		}
		if err := g.catalog.CreateAPI(ctx, rec); err != nil {
			t.Fatal(err)
		}
	}
	srv := httptest.NewServer(awswire.New(awswire.Config{
		Verify: func(*http.Request, []byte, ...string) (*sockgate.Principal, error) {
			return &sockgate.Principal{Root: true}, nil
		},
		Screen:   func(*http.Request, ...string) error { return nil },
		Services: []awswire.Service{apigateway.New(cfg)}, Account: "000000000000", Region: "us-east-1", Log: slog.New(slog.DiscardHandler),
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

// counts is a meter on which each key used as many requests as its id has characters, each day, out of 100.
type counts struct{ granted map[string]int64 }

func (c *counts) Usage(_ context.Context, planID, keyID string, from, to time.Time) ([][2]int64, error) {
	var days [][2]int64
	for d := from; !d.After(to); d = d.AddDate(0, 0, 1) {
		used := int64(len(keyID))
		remaining, ok := c.granted[planID+keyID]
		if !ok {
			remaining = 100 - used
		}
		days = append(days, [2]int64{used, remaining})
	}
	return days, nil
}

func (c *counts) SetRemaining(_ context.Context, planID, keyID string, remaining int64) error {
	c.granted[planID+keyID] = remaining
	return nil
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

// refused fails the test unless the reply is the error.
func (a answer) refused(status int, message string) {
	a.t.Helper()
	types := map[int]string{400: "BadRequestException", 403: "AccessDeniedException", 404: "NotFoundException", 409: "ConflictException",
		429: "LimitExceededException", 501: "NotImplementedException"}
	if a.status != status || a.typ != types[status] || a.message() != message {
		a.t.Errorf("got  %d %s %q\nwant %d %s %q", a.status, a.typ, a.message(), status, types[status], message)
	}
}

// newKey makes a key and returns its id.
func (g *gateway) newKey(body string) string {
	g.t.Helper()
	return g.do("POST", "/apikeys", body).ok(201)["id"].(string)
}

// newPlan makes a plan and returns its id.
func (g *gateway) newPlan(body string) string {
	g.t.Helper()
	return g.do("POST", "/usageplans", body).ok(201)["id"].(string)
}

// join makes a key a member of a plan.
func (g *gateway) join(plan, key string) answer {
	g.t.Helper()
	return g.do("POST", "/usageplans/"+plan+"/keys", `{"keyId":"`+key+`","keyType":"API_KEY"}`)
}

// patch returns the body of a PATCH with one operation; an empty value is left out.
func patch(op, path, value string) string {
	p := map[string]string{"op": op, "path": path}
	if value != "" {
		p["value"] = value
	}
	b, _ := json.Marshal(map[string]any{"patchOperations": []any{p}})
	return string(b)
}

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
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return ""
}

const value = "0123456789abcdefghij" // the shortest value of a key
