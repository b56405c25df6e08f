package awswire_test

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/awswire"
)

// guarded is an API with a protocol and a permission.
type guarded struct {
	fake
	protocol  awswire.Protocol
	action    string
	resources []string
}

func (g guarded) Protocol() awswire.Protocol { return g.protocol }

func (g guarded) Permission(*awswire.Request) (string, []string) { return g.action, g.resources }

var requestIDs = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`)

// TestFaults has every kind of fault in every protocol.
func TestFaults(t *testing.T) {
	query := func(code, message string) string {
		return "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\n  <Error>\n    <Type>Sender</Type>\n    <Code>" + code + "</Code>\n    <Message>" + message +
			"</Message>\n  </Error>\n  <RequestId>ID</RequestId>\n</ErrorResponse>\n"
	}
	status := func(status int, typ, message string) error {
		return &awswire.StatusError{Status: status, Type: typ, Message: message}
	}
	tests := []struct {
		name, service string
		unsigned      bool
		verify, serve error
		status        int
		body          string
	}{
		{name: "rest, bad signature", service: "lambda", verify: status(403, "InvalidSignatureException", "no"), status: 403, body: `{"message":"no"}`},
		{name: "json, bad signature", service: "dynamodb", verify: status(403, "InvalidSignatureException", "no"), status: 400, body: `{"__type":"com.amazon.coral.service#InvalidSignatureException","message":"no"}`},
		{name: "query, bad signature", service: "iam", verify: status(403, "InvalidSignatureException", "no"), status: 403, body: query("SignatureDoesNotMatch", "no")},
		{name: "json, expired", service: "dynamodb", verify: status(403, "ExpiredTokenException", "old"), status: 400, body: `{"__type":"com.amazon.coral.service#ExpiredTokenException","message":"old"}`},
		{name: "query, expired", service: "iam", verify: status(403, "ExpiredTokenException", "old"), status: 403, body: query("ExpiredToken", "old")},
		{name: "query, unknown key", service: "iam", verify: status(403, "UnrecognizedClientException", "who"), status: 403, body: query("InvalidClientTokenId", "who")},
		{name: "query, incomplete", service: "iam", verify: status(403, "IncompleteSignatureException", "half"), status: 403, body: query("IncompleteSignature", "half")},
		{name: "json, unsigned", service: "dynamodb", unsigned: true, status: 400, body: `{"__type":"com.amazon.coral.service#MissingAuthenticationTokenException","message":"Request is missing Authentication Token"}`},
		{name: "rest, own error", service: "lambda", serve: status(404, "ResourceNotFoundException", "gone"), status: 404, body: `{"message":"gone"}`},
		{name: "json, own error", service: "dynamodb", serve: status(400, "ResourceNotFoundException", "gone"), status: 400, body: `{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"gone"}`},
		{name: "json, an error with a namespace", service: "dynamodb", serve: status(400, "com.amazon.coral.validate#ValidationException", "bad"), status: 400, body: `{"__type":"com.amazon.coral.validate#ValidationException","message":"bad"}`},
		{name: "query, own error", service: "iam", serve: status(409, "DeleteConflict", "a<b"), status: 409, body: query("DeleteConflict", "a&lt;b")},
		{name: "query, not built", service: "iam", serve: awswire.NotBuilt("iam", "X"), status: 501, body: query("NotImplemented", "iam X is not built")},
		{name: "query, by kind", service: "iam", serve: sockgate.Unavailablef("later"), status: 503, body: strings.Replace(query("ServiceUnavailable", "later"), "Sender", "Receiver", 1)},
		{name: "query, internal", service: "iam", serve: errors.New("secret"), status: 500, body: strings.Replace(query("InternalFailure", "Internal server error"), "Sender", "Receiver", 1)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			serve := func(*awswire.Request) (*awswire.Response, error) { return nil, tt.serve }
			front := awswire.New(awswire.Config{
				Verify: func(*http.Request, []byte, ...string) (*sockgate.Principal, error) {
					return &sockgate.Principal{Root: true}, tt.verify
				},
				Screen: func(*http.Request, ...string) error { return nil },
				Services: []awswire.Service{
					fake{"lambda", serve},
					guarded{fake: fake{"dynamodb", serve}, protocol: awswire.JSON10{Prefix: "com.amazonaws.dynamodb.v20120810#"}},
					guarded{fake: fake{"iam", serve}, protocol: awswire.Query{Namespace: "https://iam.amazonaws.com/doc/2010-05-08/"}},
				},
				Log: slog.New(slog.DiscardHandler),
			})
			r := httptest.NewRequest("POST", "/", nil)
			if tt.service == "dynamodb" {
				r.Header.Set("X-Amz-Target", "DynamoDB_20120810.PutItem")
			}
			if !tt.unsigned {
				r.Header.Set("Authorization", auth(tt.service))
			}
			w := httptest.NewRecorder()
			front.ServeHTTP(w, r)
			if got := requestIDs.ReplaceAllString(w.Body.String(), "ID"); w.Code != tt.status || got != tt.body {
				t.Errorf("got %d %s\nwant %d %s", w.Code, got, tt.status, tt.body)
			}
			want := map[string]string{"lambda": "application/json", "dynamodb": "application/x-amz-json-1.0", "iam": "text/xml"}[tt.service]
			if ct := w.Header().Get("Content-Type"); ct != want {
				t.Errorf("content type %q", ct)
			}
		})
	}
}

// TestPermission: the front asks for what each API says, of everyone but the root.
func TestPermission(t *testing.T) {
	var asked []string
	root := false
	now := time.Unix(1700000000, 0)
	served := func(*awswire.Request) (*awswire.Response, error) { return &awswire.Response{Body: []byte("{}")}, nil }
	front := awswire.New(awswire.Config{
		Verify: func(*http.Request, []byte, ...string) (*sockgate.Principal, error) {
			return &sockgate.Principal{ARN: "arn:aws:iam::000000000000:user/ann", Root: root}, nil
		},
		Screen: func(*http.Request, ...string) error { return nil },
		Authorize: func(p *sockgate.Principal, action string, resources []string, keys awswire.Keys) error {
			line := action + " on " + strings.Join(resources, ",")
			for _, k := range []string{"aws:sourceip", "aws:securetransport", "aws:useragent", "aws:epochtime", "aws:currenttime", "x:more"} {
				if v, ok := keys.Key(k); ok {
					line += " " + k + "=" + strings.Join(v, "+")
				}
			}
			asked = append(asked, line)
			if strings.Contains(action, "Forbidden") {
				return awswire.Denied(p, action, resources[0])
			}
			return nil
		},
		Services: []awswire.Service{
			guarded{fake: fake{"good", served}, protocol: awswire.RESTJSON{}, action: "good:Do", resources: []string{"r1", "r2"}},
			guarded{fake: fake{"bad", served}, protocol: awswire.RESTJSON{}, action: "bad:Forbidden", resources: []string{"r"}},
			guarded{fake: fake{"own", func(r *awswire.Request) (*awswire.Response, error) {
				return &awswire.Response{}, r.Allowed("own:Forbidden", []string{"r"}, map[string][]string{"x:more": {"1", "2"}})
			}}, protocol: awswire.RESTJSON{}},
			fake{"careless", served},
			fake{"apigatewayv2", served},
		},
		Region: "us-east-1", Clock: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler),
	})
	const keys = " aws:sourceip=192.0.2.1 aws:securetransport=false aws:useragent=test aws:epochtime=1700000000 aws:currenttime=2023-11-14T22:13:20Z"
	tests := []struct {
		name, service, path, asked string
		status                     int
	}{
		{"allowed", "good", "/", "good:Do on r1,r2" + keys, 200},
		{"refused", "bad", "/", "bad:Forbidden on r" + keys, 403},
		{"asks by itself", "own", "/", "own:Forbidden on r" + keys + " x:more=1+2", 403},
		{"says nothing", "careless", "/", "", 403},
		{"api gateway", "apigateway", "/v2/apis/abc", "apigateway:DELETE on arn:aws:apigateway:us-east-1::/apis/abc" + keys, 200},
		{"api gateway's older API", "apigateway", "/apikeys/k", "apigateway:DELETE on arn:aws:apigateway:us-east-1::/apikeys/k" + keys, 501},
		{"an API that is not served", "sns", "/", "", 403},
	}
	for _, tt := range tests {
		for _, root = range []bool{false, true} {
			asked = nil
			r := httptest.NewRequest("DELETE", tt.path, nil)
			r.Header.Set("Authorization", auth(tt.service))
			r.Header.Set("User-Agent", "test")
			w := httptest.NewRecorder()
			front.ServeHTTP(w, r)
			if root {
				if w.Code == 403 || asked != nil {
					t.Errorf("%s: the root: %d, asked %q", tt.name, w.Code, asked)
				}
			} else if got := strings.Join(asked, "\n"); w.Code != tt.status || got != tt.asked {
				t.Errorf("%s: %d, asked %q, want %d, %q", tt.name, w.Code, got, tt.status, tt.asked)
			}
		}
	}
}

func TestQueryForm(t *testing.T) {
	body := &awswire.Request{Method: "POST", Body: []byte("Action=A&N.member.1=x&N.member.2=&N.member.4=z"), Query: url.Values{"Action": {"B"}}}
	form, err := awswire.QueryForm(body)
	if err != nil || awswire.QueryAction(body) != "A" {
		t.Fatal(form, err)
	}
	if got := awswire.QueryList(form, "N", 10); strings.Join(got, "|") != "x|" {
		t.Errorf("%q", got)
	}
	if got := awswire.QueryList(form, "N", 1); len(got) != 2 {
		t.Errorf("one too many is not told: %q", got)
	}
	if a := awswire.QueryAction(&awswire.Request{Method: "GET", Query: url.Values{"Action": {"B"}}}); a != "B" {
		t.Errorf("%q", a)
	}
	if _, err := awswire.QueryForm(&awswire.Request{Method: "POST", Body: []byte("%zz")}); sockgate.KindOf(err) != sockgate.Invalid {
		t.Error(err)
	}
}
