package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/config"
	"github.com/sockgate/sockgate/control/dev"
	"github.com/sockgate/sockgate/internal/gatewaytest"
	"github.com/sockgate/sockgate/server"
)

// startDev runs a gateway as "sockgate dev" does.
func startDev(t *testing.T) *gatewaytest.Gateway {
	t.Helper()
	cfg := config.Default()
	cfg.Listen, cfg.Data, cfg.RootAccessKeyID, cfg.RootSecretAccessKey = "127.0.0.1:0", t.TempDir(), "test", "test"
	s := must(server.StartDev(t.Context(), cfg, slog.New(slog.DiscardHandler), new(dev.Recorder), nil))(t)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), gatewaytest.Patience)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return gatewaytest.Attach(t, s.Addr().String(), "test", "test")
}

// askDev calls the API for development without a signature.
func askDev(t *testing.T, g *gatewaytest.Gateway, method, path string, header ...string) (int, map[string]any) {
	t.Helper()
	req := must(http.NewRequestWithContext(t.Context(), method, "http://"+g.Addr()+path, nil))(t)
	for i := 0; i+1 < len(header); i += 2 {
		if req.Header.Set(header[i], header[i+1]); header[i] == "Host" {
			req.Host = header[i+1]
		}
	}
	resp := must((&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req))(t)
	defer resp.Body.Close()
	var body map[string]any
	raw := must(io.ReadAll(resp.Body))(t)
	if err := json.Unmarshal(raw, &body); err != nil && resp.StatusCode == http.StatusOK {
		t.Fatalf("%s %s answers %s", method, path, raw)
	}
	return resp.StatusCode, body
}

func TestDevelopment(t *testing.T) {
	g := startDev(t)
	d := deploy(t, g)
	c, id := d.connect(t)
	if err := c.Send("hello"); err != nil {
		t.Fatal(err)
	}

	_, body := askDev(t, g, "GET", "/_sockgate/connections?stage=dev")
	list := body["connections"].([]any)
	if len(list) != 1 || list[0].(map[string]any)["connectionId"] != id || list[0].(map[string]any)["apiId"] != d.api {
		t.Errorf("connections: %v", body)
	}
	if _, body = askDev(t, g, "GET", "/_sockgate/connections?stage=prod"); len(body["connections"].([]any)) != 0 {
		t.Errorf("connections of another stage: %v", body)
	}
	_, body = askDev(t, g, "GET", "/_sockgate/events?wait=10s&type=MESSAGE&connectionId="+id)
	events := body["events"].([]any)
	if len(events) != 1 {
		t.Fatalf("events: %v", body)
	}
	if e := events[0].(map[string]any); e["routeKey"] != "$default" || e["body"] != "hello" || e["status"] != 200.0 || e["error"] != nil {
		t.Errorf("event %v", e)
	}

	status, body := askDev(t, g, "POST", "/_sockgate/reset")
	if status != 200 {
		t.Fatalf("reset: %d %v", status, body)
	}
	for { // the route's answer, perhaps, and then the end
		if _, err := c.Read(); err != nil {
			if e, ok := errors.AsType[*gatewaytest.CloseError](err); !ok || e.Code != 1001 {
				t.Errorf("the connection ends with %v", err)
			}
			break
		}
	}
	if _, body = askDev(t, g, "GET", "/_sockgate/connections"); len(body["connections"].([]any)) != 0 {
		t.Errorf("connections after the reset: %v", body)
	}
	if apis := must(g.Control().GetApis(t.Context(), &apigatewayv2.GetApisInput{}))(t).Items; len(apis) != 0 {
		t.Errorf("APIs after the reset: %v", apis)
	}
	_, body = askDev(t, g, "GET", "/_sockgate/events?limit=10000")
	var seen []string
	for _, e := range body["events"].([]any) {
		if typ := e.(map[string]any)["type"].(string); typ != dev.Log {
			seen = append(seen, typ)
		}
	}
	if got := strings.Join(seen, " "); got != "CONNECT MESSAGE DISCONNECT RESET" {
		t.Errorf("what happened: %s", got)
	}
	if _, err := gatewaytest.Dial(g.Addr(), g.Host(d.api), "/dev"); err == nil {
		t.Error("the stage is still served")
	}
}

// signedCall calls an API as the root user and returns the answer.
func signedCall(t *testing.T, g *gatewaytest.Gateway, service, method, path, body, target string) string {
	t.Helper()
	req := must(http.NewRequestWithContext(t.Context(), method, "http://"+g.Addr()+path, strings.NewReader(body)))(t)
	switch {
	case target != "":
		req.Header.Set("X-Amz-Target", target)
		req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	case path == "/":
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	default:
		req.Header.Set("Content-Type", "application/json")
	}
	if err := g.Sign(req, service, []byte(body), time.Now()); err != nil {
		t.Fatal(err)
	}
	resp := must(g.HTTP().Do(req))(t)
	defer resp.Body.Close()
	raw := must(io.ReadAll(resp.Body))(t)
	if resp.StatusCode >= 300 {
		t.Fatalf("%s %s %s: %s %s", service, method, path, resp.Status, raw)
	}
	return string(raw)
}

func TestPinnedID(t *testing.T) {
	g := startDev(t)
	create := func(id string) (*apigatewayv2.CreateApiOutput, error) {
		return g.Control().CreateApi(t.Context(), &apigatewayv2.CreateApiInput{Name: aws.String("a"), ProtocolType: types.ProtocolTypeWebsocket,
			RouteSelectionExpression: aws.String("$request.body.action"), Tags: map[string]string{"sockgate:id": id}})
	}
	if api := must(create("chat"))(t); *api.ApiId != "chat" {
		t.Errorf("the id is %s", *api.ApiId)
	}
	for _, id := range []string{"chat", "no.dots", "UPPER"} {
		if api, err := create(id); err == nil {
			t.Errorf("%q makes %s", id, *api.ApiId)
		}
	}
}

// TestDevelopmentIsGuarded: web pages of other sites cannot reach it, and no gateway that is not for development has it.
func TestDevelopmentIsGuarded(t *testing.T) {
	g := startDev(t)
	for _, header := range [][]string{{"Origin", "https://example.com"}, {"Origin", "null"}, {"Host", "rebound.example.com"}} {
		if status, body := askDev(t, g, "POST", "/_sockgate/reset", header...); status != 403 {
			t.Errorf("%v: %d %v", header, status, body)
		}
	}
	if status, _ := askDev(t, g, "GET", "/_sockgate/connections", "Origin", "http://localhost:3000"); status != 200 {
		t.Errorf("a page of this machine: %d", status)
	}
	if status, _ := askDev(t, g, "GET", "/_sockgate/reset"); status != 405 {
		t.Errorf("GET of reset: %d", status)
	}
	for _, query := range []string{"since=x", "limit=0", "wait=2h"} {
		if status, _ := askDev(t, g, "GET", "/_sockgate/events?"+query); status != 400 {
			t.Errorf("%s: %d", query, status)
		}
	}
	plain := gatewaytest.Start(t, nil)
	for path, method := range map[string]string{"/_sockgate/reset": "POST", "/_sockgate/events": "GET", "/_sockgate/connections": "GET"} {
		if status, _ := askDev(t, plain, method, path); status != 403 && status != 404 {
			t.Errorf("%s of a gateway for the public: %d", path, status)
		}
	}
	cfg := config.Default()
	cfg.Listen, cfg.Data = "0.0.0.0:0", t.TempDir()
	if _, err := server.StartDev(t.Context(), cfg, slog.New(slog.DiscardHandler), new(dev.Recorder), nil); sockgate.KindOf(err) != sockgate.Invalid {
		t.Errorf("on all addresses: %v", err)
	}
}
