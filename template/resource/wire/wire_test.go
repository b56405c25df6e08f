package wire_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sockgate/sockgate/lang/sigv4"
	"github.com/sockgate/sockgate/template/resource/wire"
)

// serve returns a client of a server that gives these answers, the last one for ever.
func serve(t *testing.T, answers ...func(http.ResponseWriter, *http.Request)) (*wire.Client, *[]*http.Request) {
	var seen []*http.Request
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		seen = append(seen, r)
		answers[min(len(seen), len(answers))-1](w, r)
	}))
	t.Cleanup(s.Close)
	return &wire.Client{
		Endpoint: s.URL + "/", Region: "us-east-1", Keys: sigv4.Credentials{AccessKeyID: "AKID", Secret: "secret", SessionToken: "token"},
		Now: func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) },
	}, &seen
}

func reply(status int, header, body string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		if name, value, ok := strings.Cut(header, ": "); ok {
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestProtocols(t *testing.T) {
	c, seen := serve(t, reply(201, "", `{"a": {"b": 1}, "list": ["x"]}`), reply(200, "", ""), reply(200, "", `{}`),
		reply(200, "", `<R xmlns="x"><ListThingsResult><Things><member><N>a</N></member><member><N>b</N></member></Things><Empty/></ListThingsResult></R>`))
	got, err := c.REST(t.Context(), "lambda", http.MethodPost, "/a%2Fb?q=1", map[string]any{"x": "<&>"})
	if err != nil || wire.Text(got, "a", "b") != "1" || len(wire.List(got, "list")) != 1 {
		t.Errorf("REST gives %v, %v", got, err)
	}
	if _, err := c.REST(t.Context(), "lambda", http.MethodDelete, "/x", nil); err != nil {
		t.Error(err)
	}
	if _, err := c.JSON(t.Context(), "dynamodb", "DynamoDB_20120810.ListTables", map[string]any{}); err != nil {
		t.Error(err)
	}
	got, err = c.Query(t.Context(), "iam", "2010-05-08", "ListThings", url.Values{"A": {"b&c"}})
	want := map[string]any{"Things": map[string]any{"member": []any{map[string]any{"N": "a"}, map[string]any{"N": "b"}}}, "Empty": ""}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("Query gives %s, %v", diff, err)
	}
	r := *seen
	body, _ := io.ReadAll(r[0].Body)
	if r[0].RequestURI != "/a%2Fb?q=1" || string(body) != `{"x":"<&>"}` {
		t.Errorf("sent %s %s", r[0].RequestURI, body)
	}
	if a := r[0].Header.Get("Authorization"); !strings.HasPrefix(a, "AWS4-HMAC-SHA256 Credential=AKID/20260102/us-east-1/lambda/aws4_request, ") {
		t.Errorf("signed %s", a)
	}
	if r[2].Header.Get("X-Amz-Target") != "DynamoDB_20120810.ListTables" || r[2].Header.Get("X-Amz-Security-Token") != "token" {
		t.Errorf("JSON-RPC headers %v", r[2].Header)
	}
	if body, _ := io.ReadAll(r[3].Body); string(body) != "A=b%26c&Action=ListThings&Version=2010-05-08" {
		t.Errorf("a form %s", body)
	}
}

func TestErrors(t *testing.T) {
	for name, tc := range map[string]struct {
		answer           func(http.ResponseWriter, *http.Request)
		typ, message     string
		notFound, unsure bool
	}{
		"rest":      {reply(409, "x-amzn-ErrorType: ConflictException:http://x", `{"message": "taken"}`), "ConflictException", "taken", false, false},
		"lambda":    {reply(404, "x-amzn-ErrorType: ResourceNotFoundException", `{"Type": "User", "Message": "gone"}`), "ResourceNotFoundException", "gone", true, false},
		"dynamodb":  {reply(400, "", `{"__type": "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException", "message": "no table"}`), "ResourceNotFoundException", "no table", true, false},
		"query":     {reply(404, "", `<ErrorResponse><Error><Code>NoSuchEntity</Code><Message>no role</Message></Error></ErrorResponse>`), "NoSuchEntity", "no role", true, false},
		"not built": {reply(501, "x-amzn-ErrorType: NotImplementedException", `{"message": "no"}`), "NotImplementedException", "no", false, false},
		"internal":  {reply(500, "", `oops`), "500 Internal Server Error", "", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			c, seen := serve(t, tc.answer)
			_, err := c.REST(t.Context(), "x", http.MethodGet, "/", nil)
			e, ok := errors.AsType[*wire.Error](err)
			if !ok || e.Type != tc.typ || e.Message != tc.message || wire.NotFound(err) != tc.notFound || wire.Unsure(err) != tc.unsure {
				t.Errorf("got %+v (not found: %t, unsure: %t)", err, wire.NotFound(err), wire.Unsure(err))
			}
			if len(*seen) != 1 {
				t.Errorf("%d attempts", len(*seen))
			}
		})
	}
	c := &wire.Client{Endpoint: "http://127.0.0.1:1"}
	if _, err := c.REST(t.Context(), "x", http.MethodGet, "/", nil); !wire.Unsure(err) {
		t.Errorf("no answer gives %v", err)
	}
}

func TestRetries(t *testing.T) {
	busy := reply(409, "x-amzn-ErrorType: ConflictException", `{"message": "Unable to complete operation due to concurrent modification. Please try again later."}`)
	c, seen := serve(t, busy, reply(429, "", `{}`), reply(503, "", `{}`), reply(200, "", `{"ok": true}`))
	if got, err := c.REST(t.Context(), "x", http.MethodPost, "/", map[string]any{"a": 1}); err != nil || got["ok"] != true {
		t.Errorf("got %v, %v", got, err)
	}
	if body, _ := io.ReadAll((*seen)[3].Body); len(*seen) != 4 || string(body) != `{"a":1}` {
		t.Errorf("%d attempts, the last with %s", len(*seen), body)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.REST(ctx, "x", http.MethodGet, "/", nil); err == nil {
		t.Error("a call after its context's end succeeds")
	}
}
