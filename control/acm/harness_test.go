package acm_test

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/smithy-go"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/acm"
	"github.com/sockgate/sockgate/control/awswire"
	"github.com/sockgate/sockgate/edge/domain"
	"github.com/sockgate/sockgate/service/certificate"
	"github.com/sockgate/sockgate/state/store/memory"
)

const account = "000000000000"

// world is the API over a store in memory.
type world struct {
	t       *testing.T
	now     time.Time
	users   map[string][]string // InUseBy
	service *certificate.Service
	url     string
	client  *sdk.Client
}

type authority struct{ ca *domain.LocalCA }

func (a authority) Issue(key crypto.PublicKey, names []string) ([][]byte, error) {
	return a.ca.Issue(key, names)
}

// open starts the API. edit may change how certificates are kept.
func open(t *testing.T, edit func(*certificate.Config)) *world {
	t.Helper()
	w := &world{t: t, now: time.Now(), users: map[string][]string{}}
	clock := func() time.Time { return w.now }
	cfg := certificate.Config{
		Store: memory.New(), SealKey: make([]byte, 32), Account: account, Region: "us-east-1", Authority: authority{domain.NewLocalCA(t.TempDir(), clock)},
		InUseBy: func(arn string) []string { return w.users[arn] }, Clock: clock,
	}
	if edit != nil {
		edit(&cfg)
	}
	var err error
	if w.service, err = certificate.New(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	front := awswire.New(awswire.Config{
		Verify: func(*http.Request, []byte, ...string) (*sockgate.Principal, error) {
			return &sockgate.Principal{Root: true}, nil
		},
		Screen:   func(*http.Request, ...string) error { return nil },
		Services: []awswire.Service{acm.New(acm.Config{Certificates: w.service, Account: account, Region: "us-east-1", Clock: clock})},
		Account:  account, Region: "us-east-1", Log: slog.New(slog.DiscardHandler),
	})
	server := httptest.NewServer(front)
	t.Cleanup(server.Close)
	w.url = server.URL
	w.client = sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: &w.url, Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", ""), RetryMaxAttempts: 1,
	})
	return w
}

// raw makes a call with a body of any form, and returns the answer's status, its error's type and its body.
func (w *world) raw(operation, body string) (status int, typ, text string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.url+"/", strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "CertificateManager."+operation)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/acm/aws4_request, SignedHeaders=host, Signature=00")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	var fault struct {
		Type string `json:"__type"`
	}
	_ = json.Unmarshal(b, &fault) // an empty answer is none
	return resp.StatusCode, fault.Type, string(b)
}

// wantError checks an SDK's error.
func wantError(t *testing.T, err error, code, message string) {
	t.Helper()
	var e smithy.APIError
	if !errors.As(err, &e) {
		t.Errorf("got %v, want %s", err, code)
		return
	}
	if e.ErrorCode() != code || !strings.Contains(e.ErrorMessage(), message) {
		t.Errorf("got  %s: %s\nwant %s: %s", e.ErrorCode(), e.ErrorMessage(), code, message)
	}
}

func do[In, Out any](t *testing.T, call func(context.Context, *In, ...func(*sdk.Options)) (*Out, error), in *In) *Out {
	t.Helper()
	out, err := call(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

var str = aws.String
