package stacks_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/awswire"
	"github.com/sockgate/sockgate/control/stacks"
	"github.com/sockgate/sockgate/state/store/memory"
)

type api struct {
	t   *testing.T
	s   *stacks.Service
	now time.Time
}

func newAPI(t *testing.T) *api {
	a := &api{t: t, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	a.s = stacks.New(stacks.Config{Store: memory.New(), Account: "000000000000", Region: "us-east-1", Clock: func() time.Time { return a.now }})
	return a
}

func (a *api) call(method, path, body string) (map[string]any, error) {
	a.t.Helper()
	path, query, _ := strings.Cut(path, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		a.t.Fatal(err)
	}
	resp, err := a.s.Serve(context.Background(), &awswire.Request{Method: method, Path: stacks.Path + path, Query: values, Body: []byte(body)})
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	if resp.Body != nil {
		if err := json.Unmarshal(resp.Body, &out); err != nil {
			a.t.Fatal(err)
		}
	}
	return out, nil
}

func (a *api) must(method, path, body string) map[string]any {
	a.t.Helper()
	out, err := a.call(method, path, body)
	if err != nil {
		a.t.Fatalf("%s %s: %v", method, path, err)
	}
	return out
}

func (a *api) refused(kind sockgate.Kind, text, method, path, body string) {
	a.t.Helper()
	_, err := a.call(method, path, body)
	if err == nil || sockgate.KindOf(err) != kind || !strings.Contains(err.Error(), text) {
		a.t.Errorf("%s %s gives %v, want %v with %q", method, path, err, kind, text)
	}
}

func TestCompareAndSet(t *testing.T) {
	a := newAPI(t)
	a.refused(sockgate.NotFound, "Stack with id one does not exist", http.MethodGet, "/one", "")
	if got := a.must(http.MethodPut, "/one", `{"revision":0,"status":"A","document":{"x":1}}`); got["revision"] != 1.0 {
		t.Errorf("the first revision is %v", got["revision"])
	}
	a.refused(sockgate.Conflict, "changed by somebody else", http.MethodPut, "/one", `{"revision":0,"document":{}}`)
	a.must(http.MethodPut, "/one", `{"revision":1,"status":"B","document":{"x":2}}`)
	got := a.must(http.MethodGet, "/one", "")
	if fmt.Sprint(got["document"]) != "map[x:2]" || got["status"] != "B" || got["lock"] != nil {
		t.Errorf("read %v", got)
	}
	a.refused(sockgate.Conflict, "changed", http.MethodDelete, "/one?revision=1", "")
	a.refused(sockgate.Invalid, "revision", http.MethodDelete, "/one", "")
	a.must(http.MethodDelete, "/one?revision=2", "")
	a.refused(sockgate.NotFound, "does not exist", http.MethodDelete, "/one?revision=2", "")
	if got := a.must(http.MethodGet, "", ""); len(got["stacks"].([]any)) != 0 || got["region"] != "us-east-1" || got["account"] != "000000000000" {
		t.Errorf("the list is %v", got)
	}
}

func TestLock(t *testing.T) {
	a := newAPI(t)
	first := a.must(http.MethodPost, "/one/lock", `{"owner":"me","seconds":10}`)
	token := first["token"].(string)
	if busy := a.must(http.MethodPost, "/one/lock", `{"owner":"you","seconds":10}`); busy["busy"] != true || busy["owner"] != "me" {
		t.Errorf("a second lock gives %v", busy)
	}
	a.refused(sockgate.Conflict, "being deployed by me", http.MethodPut, "/one", `{"revision":0,"document":{}}`)
	a.must(http.MethodPut, "/one", `{"revision":0,"token":"`+token+`","document":{}}`)
	a.refused(sockgate.Conflict, "being deployed by me", http.MethodDelete, "/one?revision=1", "")
	a.now = a.now.Add(11 * time.Second) // it ran out, and nobody else took it
	if again := a.must(http.MethodPost, "/one/lock", `{"owner":"me","seconds":10,"token":"`+token+`"}`); again["token"] != token {
		t.Errorf("a renewal gives %v", again)
	}
	if taken := a.must(http.MethodPost, "/one/lock", `{"owner":"you","seconds":10,"break":"`+token+`"}`); taken["owner"] != "you" || taken["token"] == token {
		t.Errorf("a broken lock gives %v", taken)
	}
	if busy := a.must(http.MethodPost, "/one/lock", `{"seconds":0,"token":"`+token+`"}`); busy["busy"] != true {
		t.Errorf("another's lock was given up: %v", busy)
	}
	a.refused(sockgate.Invalid, "lock", http.MethodPost, "/one/lock", `{"seconds":3600}`)
}

func TestExports(t *testing.T) {
	a := newAPI(t)
	a.must(http.MethodPut, "/one", `{"exports":{"url":"x"},"document":{}}`)
	a.refused(sockgate.Conflict, "Export with name url is already exported by stack one", http.MethodPut, "/two", `{"exports":{"url":"y"},"document":{}}`)
	a.must(http.MethodPut, "/two", `{"imports":["url"],"document":{}}`)
	a.refused(sockgate.Conflict, "Export url cannot be updated as it is in use by two", http.MethodPut, "/one", `{"revision":1,"exports":{"url":"z"},"document":{}}`)
	a.refused(sockgate.Conflict, "Export url cannot be deleted as it is in use by two", http.MethodPut, "/one", `{"revision":1,"document":{}}`)
	a.refused(sockgate.Conflict, "Export url cannot be deleted as it is in use by two", http.MethodDelete, "/one?revision=1", "")
	a.must(http.MethodDelete, "/two?revision=1", "")
	a.must(http.MethodDelete, "/one?revision=1", "")
}

func TestRefusals(t *testing.T) {
	a := newAPI(t)
	for _, name := range []string{"/-x", "/1x", "/a_b", "/" + strings.Repeat("a", 129), "/a%2fb"} {
		a.refused(sockgate.Invalid, "name", http.MethodGet, name, "")
	}
	a.refused(sockgate.Invalid, "document", http.MethodPut, "/one", `{`)
	a.refused(sockgate.Invalid, "document", http.MethodPut, "/one", `{}`)
	a.refused(sockgate.TooLarge, "Split the stack", http.MethodPut, "/one", `{"document":"`+strings.Repeat("a", stacks.MaxDocument)+`"}`)
	for _, call := range []string{"POST /one", "PATCH /one", "GET /one/lock", "POST /one/lock/x", "DELETE ", "GET x"} {
		method, path, _ := strings.Cut(call, " ")
		if _, err := a.call(method, path, ""); err == nil {
			t.Errorf("%s is served", call)
		}
	}
}

func TestPermissions(t *testing.T) {
	a := newAPI(t)
	for call, want := range map[string]string{
		"GET ":           "sockgate:ListStacks *",
		"GET /one":       "sockgate:GetStack arn:aws:sockgate:us-east-1:000000000000:stack/one",
		"PUT /one":       "sockgate:PutStack arn:aws:sockgate:us-east-1:000000000000:stack/one",
		"DELETE /one":    "sockgate:DeleteStack arn:aws:sockgate:us-east-1:000000000000:stack/one",
		"POST /one/lock": "sockgate:PutStack arn:aws:sockgate:us-east-1:000000000000:stack/one",
	} {
		method, path, _ := strings.Cut(call, " ")
		action, resources := a.s.Permission(&awswire.Request{Method: method, Path: stacks.Path + path})
		if got := action + " " + strings.Join(resources, " "); got != want {
			t.Errorf("%s needs %q, want %q", call, got, want)
		}
	}
}
