package elbv2_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/smithy-go"
	"go.uber.org/goleak"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/awswire"
	"github.com/sockgate/sockgate/control/elbv2"
	"github.com/sockgate/sockgate/service/balancer"
	"github.com/sockgate/sockgate/state/catalog"
	"github.com/sockgate/sockgate/state/store/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var ctx = context.Background()

// start is what the clock shows first.
var start = time.Date(2026, 1, 2, 3, 4, 5, 678000000, time.UTC)

// gateway is a control plane over a store in memory, with the real SDK as its client. Signatures are another package's.
type gateway struct {
	t         *testing.T
	url       string
	sdk       *sdk.Client
	catalog   *catalog.Catalog
	balancers *balancer.Service
	now       atomic.Int64 // seconds after start
	asked     atomic.Pointer[string]
}

const declaredARN = "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/net/fixed/1111111111111111"

func newGateway(t *testing.T) *gateway {
	st := memory.New()
	g := &gateway{t: t, catalog: catalog.New(st, nil)}
	fixed := sockgate.TargetGroup{ARN: strings.Replace(declaredARN, "loadbalancer/net", "targetgroup", 1), Name: "fixed", Protocol: "TCP", Port: 80, TargetType: "ip",
		HealthCheck: balancer.DefaultCheck(), Declared: true, Targets: []sockgate.Target{{ID: "10.1.1.1", Port: 80}}}
	g.balancers = balancer.New(balancer.Config{
		Dial: func(context.Context, string) (net.Conn, error) { return nil, errors.New("there is nothing") },
		Declared: balancer.Declared{Groups: []sockgate.TargetGroup{fixed}, Balancers: []sockgate.LoadBalancer{{ARN: declaredARN, Name: "fixed", Declared: true,
			Listeners: []sockgate.Listener{{ARN: strings.Replace(declaredARN, "loadbalancer", "listener", 1) + "/2222222222222222", Protocol: "TCP", Port: 80, TargetGroupARN: fixed.ARN}}}}},
		Log: slog.New(slog.DiscardHandler),
	})
	g.catalog.OnBalancing(g.balancers.Told)
	srv := httptest.NewServer(awswire.New(awswire.Config{
		Verify: func(*http.Request, []byte, ...string) (*sockgate.Principal, error) {
			return &sockgate.Principal{ARN: "arn:aws:iam::000000000000:user/ada"}, nil
		},
		Screen: func(*http.Request, ...string) error { return nil },
		Authorize: func(_ *sockgate.Principal, action string, resources []string, _ awswire.Keys) error {
			asked := action + " " + strings.Join(resources, " ")
			g.asked.Store(&asked)
			return nil
		},
		Services: []awswire.Service{elbv2.New(elbv2.Config{
			Catalog: g.catalog, Balancers: g.balancers, Account: "000000000000", Region: "us-east-1",
			Clock: func() time.Time { return start.Add(time.Duration(g.now.Load()) * time.Second) },
		})}, Account: "000000000000", Region: "us-east-1", Log: slog.New(slog.DiscardHandler),
	}))
	g.url = srv.URL
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

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// refused fails the test unless err is an error of the API with this code and text.
func refused(t *testing.T, err error, code, text string) {
	t.Helper()
	var api smithy.APIError
	var resp interface{ HTTPStatusCode() int }
	if !errors.As(err, &api) || !errors.As(err, &resp) {
		t.Errorf("got %v, want %s", err, code)
		return
	}
	if api.ErrorCode() != code || api.ErrorMessage() != text || resp.HTTPStatusCode() != 400 {
		t.Errorf("got  %d %s %q\nwant 400 %s %q", resp.HTTPStatusCode(), api.ErrorCode(), api.ErrorMessage(), code, text)
	}
}

// post sends a form without the SDK's own checks and returns status and body.
func (g *gateway) post(form string) (int, string) {
	g.t.Helper()
	req, err := http.NewRequest("POST", g.url+"/", strings.NewReader(form))
	if err != nil {
		g.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/elasticloadbalancing/aws4_request, SignedHeaders=host, Signature=00")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	http.DefaultClient.CloseIdleConnections()
	return resp.StatusCode, string(raw)
}

func escape(s string) string { return url.QueryEscape(s) }
