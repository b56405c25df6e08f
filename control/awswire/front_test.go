package awswire_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/awswire"
)

// fake is an API that does what its function says.
type fake struct {
	name  string
	serve func(*awswire.Request) (*awswire.Response, error)
}

func (f fake) Name() string { return f.name }
func (f fake) Serve(_ context.Context, r *awswire.Request) (*awswire.Response, error) {
	return f.serve(r)
}

func auth(scope string) string {
	return "AWS4-HMAC-SHA256 Credential=AK/ID/20260101/us-east-1/" + scope + "/aws4_request, SignedHeaders=host, Signature=00"
}

type harness struct {
	log     bytes.Buffer
	scopes  []string // what Verify was asked for
	refusal error    // what Verify answers
	who     sockgate.Principal
	serve   func(*awswire.Request) (*awswire.Response, error)
	maxBody int64
	known   bool // whether Screen knows the client; one that it does not know is refused
	handler http.Handler
}

func (h *harness) do(r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	h.front().ServeHTTP(w, r)
	return w.Result()
}

func (h *harness) front() http.Handler {
	if h.handler != nil {
		return h.handler
	}
	h.handler = awswire.New(awswire.Config{
		Verify: func(_ *http.Request, _ []byte, services ...string) (*sockgate.Principal, error) {
			h.scopes = services
			return &h.who, h.refusal
		},
		Screen: func(*http.Request, ...string) error {
			if h.known {
				return nil
			}
			return &awswire.StatusError{Status: 403, Type: "UnrecognizedClientException", Message: "who?"}
		},
		Services: []awswire.Service{fake{"apigatewayv2", func(r *awswire.Request) (*awswire.Response, error) { return h.serve(r) }}},
		Account:  "000000000000", Region: "us-east-1", MaxBody: h.maxBody,
		Log: slog.New(slog.NewTextHandler(&h.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	return h.handler
}

func newHarness() *harness {
	return &harness{
		who:   sockgate.Principal{Root: true, ARN: "arn:aws:iam::000000000000:root"},
		serve: func(*awswire.Request) (*awswire.Response, error) { return &awswire.Response{Body: []byte("{}")}, nil },
	}
}

// header reads a header whatever its spelling; the recorder keeps the one that was written.
func header(resp *http.Response, name string) string {
	for k, v := range resp.Header {
		if strings.EqualFold(k, name) {
			return v[0]
		}
	}
	return ""
}

func message(t *testing.T, resp *http.Response) string {
	t.Helper()
	var body struct{ Message string }
	raw, _ := io.ReadAll(resp.Body)
	if err := json.Unmarshal(raw, &body); err != nil {
		t.Fatalf("body %q: %v", raw, err)
	}
	return body.Message
}

func TestFront(t *testing.T) {
	tests := []struct {
		name                 string
		method, target, body string
		header               map[string]string
		prepare              func(*harness)
		status               int
		typ, message         string
	}{
		{name: "unsigned", method: "GET", target: "/v2/apis", status: 403, typ: "MissingAuthenticationTokenException", message: "Missing Authentication Token"},
		{name: "unsigned and too large is still unsigned", method: "POST", target: "/v2/apis", body: strings.Repeat("x", 100),
			prepare: func(h *harness) { h.maxBody = 10 }, status: 403, typ: "MissingAuthenticationTokenException", message: "Missing Authentication Token"},
		{name: "served", method: "GET", target: "/v2/apis", header: map[string]string{"Authorization": auth("apigateway")}, status: 200},
		{name: "presigned", method: "GET", target: "/v2/apis?X-Amz-Credential=AK%2F20260101%2Fus-east-1%2Fapigateway%2Faws4_request&X-Amz-Signature=00", status: 200},
		{name: "refused with its own form", method: "GET", target: "/v2/apis", header: map[string]string{"Authorization": auth("apigateway")},
			prepare: func(h *harness) {
				h.refusal = fmt.Errorf("verify: %w", &awswire.StatusError{Status: 403, Type: "InvalidSignatureException", Message: "no match"})
			},
			status: 403, typ: "InvalidSignatureException", message: "no match"},
		{name: "refused by kind", method: "GET", target: "/v2/apis", header: map[string]string{"Authorization": auth("apigateway")},
			prepare: func(h *harness) { h.refusal = sockgate.Forbiddenf("no") }, status: 403, typ: "AccessDeniedException", message: "no"},
		{name: "not the root", method: "PATCH", target: "/v2/apis/abc", header: map[string]string{"Authorization": auth("apigateway")},
			prepare: func(h *harness) { h.who = sockgate.Principal{ARN: "arn:aws:iam::000000000000:user/ann"} }, status: 403, typ: "AccessDeniedException",
			message: "User: arn:aws:iam::000000000000:user/ann is not authorized to perform: apigateway:PATCH on resource: arn:aws:apigateway:us-east-1::/apis/abc"},
		{name: "body at the limit", method: "POST", target: "/v2/apis", body: strings.Repeat("x", 10), header: map[string]string{"Authorization": auth("apigateway")},
			prepare: func(h *harness) { h.maxBody = 10 }, status: 200},
		{name: "body over the limit", method: "POST", target: "/v2/apis", body: strings.Repeat("x", 11), header: map[string]string{"Authorization": auth("apigateway")},
			prepare: func(h *harness) { h.maxBody = 10 }, status: 413, typ: "RequestEntityTooLargeException", message: "Request body must be at most 10 bytes"},
		{name: "bad query", method: "GET", target: "/v2/apis?a=%zz", header: map[string]string{"Authorization": auth("apigateway")},
			status: 400, typ: "BadRequestException", message: "The query string is malformed"},
		{name: "an API of the gateway that is not served", method: "POST", target: "/apikeys", header: map[string]string{"Authorization": auth("apigateway")},
			status: 501, typ: "NotImplementedException", message: "apigateway POST /apikeys is not built"},
		{name: "json api by target", method: "POST", target: "/", header: map[string]string{"Authorization": auth("dynamodb"), "X-Amz-Target": "DynamoDB_20120810.PutItem"},
			status: 501, typ: "NotImplementedException", message: "dynamodb PutItem is not built"},
		{name: "query api by form", method: "POST", target: "/", body: "Action=GetCallerIdentity&Version=2011-06-15",
			header: map[string]string{"Authorization": auth("autoscaling"), "Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
			status: 501, typ: "NotImplementedException", message: "autoscaling GetCallerIdentity is not built"},
		{name: "rest api", method: "GET", target: "/2015-03-31/functions", header: map[string]string{"Authorization": auth("lambda")},
			status: 501, typ: "NotImplementedException", message: "lambda GET /2015-03-31/functions is not built"},
		{name: "a path of another api", method: "GET", target: "/v2/apisx", header: map[string]string{"Authorization": auth("lambda")},
			status: 501, typ: "NotImplementedException", message: "lambda GET /v2/apisx is not built"},
		{name: "panic", method: "GET", target: "/v2/apis", header: map[string]string{"Authorization": auth("apigateway")},
			prepare: func(h *harness) { h.serve = func(*awswire.Request) (*awswire.Response, error) { panic("boom") } },
			status:  500, typ: "InternalServerException", message: "Internal server error"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHarness()
			if tt.prepare != nil {
				tt.prepare(h)
			}
			r := httptest.NewRequest(tt.method, tt.target, strings.NewReader(tt.body))
			for k, v := range tt.header {
				r.Header.Set(k, v)
			}
			resp := h.do(r)
			if resp.StatusCode != tt.status || header(resp, "x-amzn-ErrorType") != tt.typ {
				t.Fatalf("got %d %q, want %d %q", resp.StatusCode, header(resp, "x-amzn-ErrorType"), tt.status, tt.typ)
			}
			if tt.typ != "" {
				if got := message(t, resp); got != tt.message {
					t.Errorf("message %q, want %q", got, tt.message)
				}
			}
			if id := header(resp, "x-amzn-RequestId"); !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(id) {
				t.Errorf("request id %q", id)
			} else if tt.typ != "" && !strings.Contains(h.log.String(), id) {
				t.Errorf("the log does not have the request id: %s", h.log.String())
			}
		})
	}
}

// What a service sets in Request.Reply goes out, and beside what its Response has.
func TestReply(t *testing.T) {
	h := newHarness()
	h.serve = func(r *awswire.Request) (*awswire.Response, error) {
		r.Reply["x-amz-crc32"] = []string{"1"}
		return &awswire.Response{Header: http.Header{"X-Other": {"2"}}, Body: []byte("{}")}, nil
	}
	r := httptest.NewRequest("GET", "/v2/apis", nil)
	r.Header.Set("Authorization", auth("apigateway"))
	resp := h.do(r)
	if header(resp, "x-amz-crc32") != "1" || header(resp, "X-Other") != "2" || header(resp, "Content-Type") != "application/json" {
		t.Errorf("got %v", resp.Header)
	}
}

func TestUnknownLengthBody(t *testing.T) {
	h := newHarness()
	h.maxBody = 10
	r := httptest.NewRequest("POST", "/v2/apis", io.NopCloser(io.LimitReader(endless{}, 1<<20)))
	r.ContentLength = -1
	r.Header.Set("Authorization", auth("apigateway"))
	if resp := h.do(r); resp.StatusCode != 413 {
		t.Errorf("status %d", resp.StatusCode)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// TestLargeBody: what is over 64 KiB is held only for clients that are known, and only so much of it at once.
func TestLargeBody(t *testing.T) {
	const size = 8 << 20
	post := func(body io.Reader, length int64) *http.Request {
		r := httptest.NewRequest("POST", "/v2/apis", body)
		r.ContentLength = length
		r.Header.Set("Authorization", auth("apigateway"))
		return r
	}
	for _, length := range []int64{size, -1} {
		h := newHarness()
		sent := &counted{r: io.LimitReader(endless{}, size)}
		if resp := h.do(post(sent, length)); resp.StatusCode != 403 || message(t, resp) != "who?" {
			t.Errorf("a stranger's body: status %d", resp.StatusCode)
		}
		if sent.n > 128<<10 {
			t.Errorf("%d bytes of a stranger's body were read", sent.n)
		}
		h.known = true
		var got int
		h.serve = func(r *awswire.Request) (*awswire.Response, error) {
			got = len(r.Body)
			return &awswire.Response{}, nil
		}
		for range 9 { // more than is held at once: what one call held is there for the next
			if resp := h.do(post(io.LimitReader(endless{}, size), length)); resp.StatusCode != 200 || got != size {
				t.Fatalf("status %d, %d bytes", resp.StatusCode, got)
			}
		}
	}

	h := newHarness()
	h.known = true
	nested, refused := 0, false
	h.serve = func(*awswire.Request) (*awswire.Response, error) {
		if nested++; nested < 30 {
			resp := h.do(post(io.LimitReader(endless{}, size), size))
			refused = refused || resp.StatusCode == 429 && header(resp, "x-amzn-ErrorType") == "TooManyRequestsException"
		}
		return &awswire.Response{}, nil
	}
	h.do(post(io.LimitReader(endless{}, size), size))
	if !refused || nested > 18 {
		t.Errorf("%d bodies of 8 MiB were held at once", nested)
	}
	if resp := h.do(post(strings.NewReader("x"), 1)); resp.StatusCode != 200 {
		t.Errorf("a small one: status %d", resp.StatusCode)
	}
}

type counted struct {
	r io.Reader
	n int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}

func TestScopeIsVerified(t *testing.T) {
	tests := []struct{ name, target, signedFor, want string }{
		{"as it should be", "/v2/apis", "apigateway", "apigateway"},
		{"the data path's", "/v2/apis", "execute-api", "apigateway"},
		{"another api's", "/v2/tags/arn", "lambda", "apigateway"},
		{"another api's, on its path", "/2015-03-31/functions", "lambda", "lambda"},
		{"none", "/v2/apis", "", "apigateway"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHarness()
			r := httptest.NewRequest("GET", tt.target, nil)
			r.Header.Set("Authorization", auth(tt.signedFor))
			resp := h.do(r)
			if len(h.scopes) != 1 || h.scopes[0] != tt.want {
				t.Errorf("verified for %q, want %s", h.scopes, tt.want)
			}
			if tt.signedFor == "apigateway" && header(resp, "x-amz-apigw-id") == "" {
				t.Error("no x-amz-apigw-id")
			}
		})
	}
}

// TestKinds has one case for each kind, so that a new kind without a line in the table fails.
func TestKinds(t *testing.T) {
	want := map[sockgate.Kind]string{
		sockgate.Internal: "500 InternalServerException", sockgate.Invalid: "400 BadRequestException",
		sockgate.Unauthorized: "401 UnauthorizedException", sockgate.Forbidden: "403 AccessDeniedException",
		sockgate.NotFound: "404 NotFoundException", sockgate.Conflict: "409 ConflictException",
		sockgate.TooLarge: "413 RequestEntityTooLargeException", sockgate.Throttled: "429 TooManyRequestsException",
		sockgate.Gone: "410 GoneException", sockgate.Timeout: "504 TimeoutException",
		sockgate.Unavailable: "503 ServiceUnavailableException",
	}
	for k := sockgate.Kind(0); !strings.HasPrefix(k.String(), "kind("); k++ {
		t.Run(k.String(), func(t *testing.T) {
			h := newHarness()
			h.serve = func(*awswire.Request) (*awswire.Response, error) {
				return nil, (&sockgate.Error{Kind: k, Message: "told"}).Because(errors.New("kept"))
			}
			r := httptest.NewRequest("GET", "/v2/apis", nil)
			r.Header.Set("Authorization", auth("apigateway"))
			resp := h.do(r)
			if got := fmt.Sprintf("%d %s", resp.StatusCode, header(resp, "x-amzn-ErrorType")); got != want[k] {
				t.Errorf("got %s, want %s", got, want[k])
			}
			wantMessage := "told"
			if k == sockgate.Internal {
				wantMessage = "Internal server error"
			}
			if got := message(t, resp); got != wantMessage {
				t.Errorf("message %q", got)
			}
			if !strings.Contains(h.log.String(), "kept") {
				t.Errorf("the cause is not in the log: %s", h.log.String())
			}
		})
	}
}

func TestErrorNameInBodyOfJSONRPC(t *testing.T) {
	h := newHarness()
	r := httptest.NewRequest("POST", "/", nil)
	r.Header.Set("Authorization", auth("dynamodb"))
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810.PutItem")
	raw, _ := io.ReadAll(h.do(r).Body)
	if want := `{"__type":"NotImplementedException","message":"dynamodb PutItem is not built"}`; string(raw) != want {
		t.Errorf("got %s", raw)
	}
}

// TestSignedHeadersStayOutOfTheLog: AWS's answer to a wrong signature quotes the signed headers, a session's token among them.
func TestSignedHeadersStayOutOfTheLog(t *testing.T) {
	h := newHarness()
	h.refusal = &awswire.StatusError{Status: 403, Type: "InvalidSignatureException", Message: "The Canonical String should have been 'x-amz-security-token:hush'"}
	r := httptest.NewRequest("GET", "/v2/apis", nil)
	r.Header.Set("Authorization", auth("apigateway"))
	if resp := h.do(r); resp.StatusCode != 403 {
		t.Errorf("status %d", resp.StatusCode)
	}
	if log := h.log.String(); !strings.Contains(log, "type=InvalidSignatureException") || strings.Contains(log, "hush") {
		t.Errorf("the log says %s", log)
	}
}

// TestGatewayResources: a policy is asked about one resource, however its path is spelled.
func TestGatewayResources(t *testing.T) {
	for path, want := range map[string]string{
		"/v2/apis":                          "/apis",
		"/v2/apis/abc":                      "/apis/abc",
		"/v2/apis/%61bc":                    "/apis/abc",
		"/v2/apis/%61%62%63/stages/dev":     "/apis/abc/stages/dev",
		"/v2/apis/abc/stages/%24default":    "/apis/abc/stages/$default",
		"/v2/apis/abc%2Fstages%2Fdev":       "/apis/abc%2Fstages%2Fdev",
		"/v2/apis/abc%252Fx":                "/apis/abc%2Fx",
		"/v2/tags/arn:aws:apigateway:x":     "/tags/arn%3Aaws%3Aapigateway%3Ax",
		"/v2/tags/arn%3aaws%3Aapigateway:x": "/tags/arn%3Aaws%3Aapigateway%3Ax",
		"/v2/tags/a%20b%2F":                 "/tags/a%20b%2F",
		"/apikeys/%6b":                      "/apikeys/k",
	} {
		h := newHarness()
		h.who = sockgate.Principal{ARN: "arn:aws:iam::000000000000:user/ann"}
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Authorization", auth("apigateway"))
		const sentence = "User: arn:aws:iam::000000000000:user/ann is not authorized to perform: apigateway:GET on resource: arn:aws:apigateway:us-east-1::"
		if got := message(t, h.do(r)); got != sentence+want {
			t.Errorf("%s: %s", path, got)
		}
	}
}

// TestNoSecretsInTheLog: a secret that came in the place of a name is answered as ever, and not logged.
func TestNoSecretsInTheLog(t *testing.T) {
	for path, text := range map[string]string{
		"/apikeys/a1b2c3d4e5f6g7h8SECRET":                   "Invalid API Key identifier specified",
		"/_sockgate/link-tokens/sglink_abc_SECRET":          `There is no link token "sglink_abc_SECRET".`,
		"/v2/domainnames/-----BEGIN%20PRIVATE%20KEY-SECRET": "Value '-----BEGIN PRIVATE KEY-----\nSECRET' is not valid",
	} {
		h := newHarness()
		h.serve = func(*awswire.Request) (*awswire.Response, error) { return nil, sockgate.NotFoundf("%s", text) }
		h.refusal = sockgate.NotFoundf("%s", text)
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Authorization", auth("apigateway"))
		if got := message(t, h.do(r)); got != text {
			t.Errorf("answered %s, want %s", got, text)
		}
		if log := h.log.String(); strings.Contains(log, "SECRET") || !strings.Contains(log, "path=") {
			t.Errorf("logged %s", log)
		}
	}
}
