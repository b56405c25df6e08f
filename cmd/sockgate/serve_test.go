package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
)

func TestServe(t *testing.T) {
	dir, backend := t.TempDir(), startBackend(t)
	p := startProcess(t, dir)
	info, err := os.Stat(filepath.Join(dir, "credentials"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("credentials: mode %v, %v", info.Mode(), err)
	}
	resp, err := p.HTTP().Get("http://" + p.Addr() + "/_sockgate/health")
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("health: %v, %v", resp, err)
	}
	resp.Body.Close()
	api := newAPI(t, p.Gateway, backend.Addr())
	c := connect(t, p.Gateway, api)

	code, text := refuse(t, "--listen", "127.0.0.1:0", "--data", dir)
	if code != 1 || !strings.Contains(text, dir) || !strings.Contains(text, "process") {
		t.Errorf("a second gateway on the same data ends with %d:\n%s", code, text)
	}
	code, text = refuse(t, "--listen", p.Addr(), "--data", t.TempDir())
	if code != 1 || !strings.Contains(text, "address already in use") || !strings.Contains(text, "--listen") {
		t.Errorf("a gateway on a port that is taken ends with %d:\n%s", code, text)
	}
	echo(t, c) // neither disturbed the first

	told := make(chan error, 1)
	go func() {
		_, err := c.Read()
		told <- err
	}()
	if state := p.end(t, syscall.SIGTERM); state.ExitCode() != 0 {
		t.Errorf("after SIGTERM it ended with %v", state)
	}
	if err := <-told; err == nil || err.Error() != `closed with 1001 "Going away"` {
		t.Errorf("the client read %v", err)
	}
	last := backend.Requests()[len(backend.Requests())-1]
	if last.Path() != "/disconnect" || last.Header.Get("code") != "1001" {
		t.Errorf("the last request is %s with code %s, not $disconnect", last.Path(), last.Header.Get("code"))
	}

	p = startProcess(t, dir)
	connect(t, p.Gateway, api)
}

// TestKill: a gateway that is killed in the middle of many writes has every resource that it acknowledged when it is back.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	p := startProcess(t, dir)
	shared, err := p.Control().CreateApi(t.Context(), apiInput("shared"))
	if err != nil {
		t.Fatal(err)
	}
	const writes = 200
	acknowledged := make(chan string, writes) // "api ID" or "route ID"
	half := make(chan struct{})
	var done atomic.Int32
	var wg sync.WaitGroup
	for i := range writes {
		wg.Go(func() {
			name, err := write(t, p, i, shared.ApiId)
			if err != nil {
				return // killed
			}
			acknowledged <- name
			if done.Add(1) == writes/2 {
				close(half)
			}
		})
	}
	<-half
	p.end(t, syscall.SIGKILL)
	wg.Wait()
	close(acknowledged)
	t.Logf("%d of %d writes were acknowledged", len(acknowledged), writes)

	p = startProcess(t, dir)
	for name := range acknowledged {
		kind, id, _ := strings.Cut(name, " ")
		var err error
		if kind == "api" {
			_, err = p.Control().GetApi(t.Context(), &apigatewayv2.GetApiInput{ApiId: &id})
		} else {
			_, err = p.Control().GetRoute(t.Context(), &apigatewayv2.GetRouteInput{ApiId: shared.ApiId, RouteId: &id})
		}
		if err != nil {
			t.Errorf("%s was acknowledged: %v", name, err)
		}
	}
	if _, err := p.Control().CreateApi(t.Context(), apiInput("after")); err != nil {
		t.Error(err)
	}
}

// write makes an API, or a route of the shared one.
func write(t *testing.T, p *process, i int, shared *string) (string, error) {
	if i%2 == 0 {
		out, err := p.Control().CreateApi(t.Context(), apiInput("x"))
		if err != nil {
			return "", err
		}
		return "api " + *out.ApiId, nil
	}
	out, err := p.Control().CreateRoute(t.Context(), &apigatewayv2.CreateRouteInput{ApiId: shared, RouteKey: aws.String("key" + strconv.Itoa(i))})
	if err != nil {
		return "", err
	}
	return "route " + *out.RouteId, nil
}
