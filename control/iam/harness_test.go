package iam_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/smithy-go"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/awswire"
	"github.com/sockgate/sockgate/control/iam"
	"github.com/sockgate/sockgate/lang/sigv4"
	"github.com/sockgate/sockgate/service/identity"
	"github.com/sockgate/sockgate/state/store/memory"
)

var ctx = context.Background()

// gateway is the API behind the real front and the real verifier.
type gateway struct {
	t         *testing.T
	url       string
	directory *identity.Directory
	root      *awsiam.Client
}

func newGateway(t *testing.T) *gateway {
	st := memory.New()
	d, err := identity.Open(ctx, identity.Config{Store: st, Account: "000000000000", Region: "eu-west-1", RootID: "AKIDROOT", RootSecret: "root", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	// Another region than IAM's, which has one for all.
	v := sigv4.New(d, sigv4.Options{Region: "eu-west-1", Global: []string{"iam", "sts"}})
	srv := httptest.NewServer(awswire.New(awswire.Config{
		Verify: func(r *http.Request, body []byte, services ...string) (*sockgate.Principal, error) {
			req := sigv4.FromHTTP(r)
			s, err := v.Verify(&req, sha256.Sum256(body), services...)
			if e, ok := errors.AsType[*sigv4.Error](err); ok {
				return nil, &awswire.StatusError{Status: e.Status, Type: e.Type, Message: e.Message}
			}
			if err != nil {
				return nil, err
			}
			d.Used(s.Principal.AccessKeyID, s.Service, s.Region)
			return s.Principal, nil
		},
		Screen: func(*http.Request, ...string) error { return nil },
		Authorize: func(p *sockgate.Principal, action string, resources []string, keys awswire.Keys) error {
			return d.Authorize(p, action, resources, keys)
		},
		Services: []awswire.Service{iam.New(d)}, Account: "000000000000", Region: "eu-west-1", Log: slog.New(slog.DiscardHandler),
	}))
	g := &gateway{t: t, url: srv.URL, directory: d}
	g.root = g.as("AKIDROOT", "root", "")
	t.Cleanup(func() {
		srv.Close()
		st.Close()
	})
	return g
}

// as returns a client that signs with a key.
func (g *gateway) as(id, secret, token string) *awsiam.Client {
	return awsiam.New(awsiam.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(g.url), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(id, secret, token),
	})
}

// key makes an access key for a user and returns a client that signs with it.
func (g *gateway) key(user string) *awsiam.Client {
	g.t.Helper()
	k := must(g.root.CreateAccessKey(ctx, &awsiam.CreateAccessKeyInput{UserName: aws.String(user)}))(g.t).AccessKey
	return g.as(*k.AccessKeyId, *k.SecretAccessKey, "")
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

// refused fails the test unless err is AWS's error of this code, status and text.
func refused(t *testing.T, err error, status int, code, text string) {
	t.Helper()
	var api smithy.APIError
	var resp interface{ HTTPStatusCode() int }
	if !errors.As(err, &api) || !errors.As(err, &resp) {
		t.Errorf("got %v, want %s", err, code)
		return
	}
	if api.ErrorCode() != code || api.ErrorMessage() != text || resp.HTTPStatusCode() != status {
		t.Errorf("got  %d %s %q\nwant %d %s %q", resp.HTTPStatusCode(), api.ErrorCode(), api.ErrorMessage(), status, code, text)
	}
}

// post sends a signed form as the root and returns status and body, with ids and dates made plain.
func (g *gateway) post(form string) (int, string) {
	g.t.Helper()
	r, err := http.NewRequest("POST", g.url+"/", strings.NewReader(form))
	if err != nil {
		g.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	req := sigv4.FromHTTP(r)
	for _, h := range sigv4.Sign(&req, sha256.Sum256([]byte(form)), sigv4.Credentials{AccessKeyID: "AKIDROOT", Secret: "root"},
		sigv4.Scope{Region: "us-east-1", Service: "iam"}, time.Now()) {
		r.Header.Set(h.Name, h.Value)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	if ct := resp.Header.Get("Content-Type"); ct != "text/xml" {
		g.t.Errorf("content type %q", ct)
	}
	text := string(raw)
	for _, p := range []struct{ pattern, with string }{
		{`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`, "UUID"},
		{`(AIDA|AROA|ANPA|AKIA)[A-Z2-7]{16}`, "$1…"},
		{`20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z`, "DATE"},
	} {
		text = regexp.MustCompile(p.pattern).ReplaceAllString(text, p.with)
	}
	return resp.StatusCode, text
}

const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

func statement(effect, action, resource string) string {
	b, _ := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{"Effect": effect, "Action": action, "Resource": resource}}})
	return string(b)
}

func unescape(t *testing.T, s *string) string {
	t.Helper()
	v, err := url.PathUnescape(*s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
