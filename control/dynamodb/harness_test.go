package dynamodb_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/awswire"
	"github.com/sockgate/sockgate/control/dynamodb"
	"github.com/sockgate/sockgate/lang/sigv4"
	"github.com/sockgate/sockgate/service/table"
)

const (
	account = "000000000000"
	region  = "us-east-1"
	rootKey = "AKIDROOT"
	userKey = "AKIDUSER"
	secret  = "secret"
)

// keys knows a root user and another one.
type keys struct{}

func (keys) Secret(id string) (string, *sockgate.Principal, bool) {
	switch id {
	case rootKey:
		return secret, &sockgate.Principal{AccountID: account, ARN: "arn:aws:iam::" + account + ":root", Root: true}, true
	case userKey:
		return secret, &sockgate.Principal{AccountID: account, ARN: "arn:aws:iam::" + account + ":user/ann", UserName: "ann"}, true
	}
	return "", nil, false
}

// harness is the service behind the real front, on a directory of its own.
type harness struct {
	*ddb.Client
	url    string
	engine *table.Engine
	ahead  atomic.Int64 // by how much the clock is ahead, in nanoseconds
	allow  awswire.Authorize
}

func (h *harness) now() time.Time { return time.Now().Add(time.Duration(h.ahead.Load())) }

func start(t testing.TB) *harness {
	t.Helper()
	h := &harness{}
	engine, err := table.Open(table.Options{Dir: t.TempDir(), Clock: h.now, Settle: 20 * time.Millisecond, Sweep: 50 * time.Millisecond, Relaxed: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- engine.Run(ctx) }()
	server := httptest.NewServer(front(h, engine))
	t.Cleanup(func() {
		server.Close()
		cancel()
		if err := errors.Join(<-done, engine.Close()); err != nil {
			t.Error(err)
		}
	})
	h.engine, h.url, h.Client = engine, server.URL, client(server.URL, rootKey)
	return h
}

func front(h *harness, engine *table.Engine) http.Handler {
	verifier := sigv4.New(keys{}, sigv4.Options{Region: region})
	told := func(err error) error {
		if e, ok := errors.AsType[*sigv4.Error](err); ok {
			return &awswire.StatusError{Status: e.Status, Type: e.Type, Message: e.Message}
		}
		return err
	}
	return awswire.New(awswire.Config{
		Verify: func(r *http.Request, body []byte, services ...string) (*sockgate.Principal, error) {
			req := sigv4.FromHTTP(r)
			signature, err := verifier.Verify(&req, sha256.Sum256(body), services...)
			if err != nil {
				return nil, told(err)
			}
			return signature.Principal, nil
		},
		Screen: func(r *http.Request, services ...string) error {
			req := sigv4.FromHTTP(r)
			return told(verifier.Screen(&req, services...))
		},
		Authorize: func(p *sockgate.Principal, action string, resources []string, keys awswire.Keys) error {
			if h.allow == nil {
				return awswire.Denied(p, action, resources[0])
			}
			return h.allow(p, action, resources, keys)
		},
		Services: []awswire.Service{dynamodb.New(dynamodb.Config{Tables: engine, Account: account, Region: region, Clock: h.now})},
		Account:  account, Region: region, Log: slog.New(slog.DiscardHandler), MaxBody: 17 << 20,
	})
}

func client(url, key string) *ddb.Client {
	return ddb.New(ddb.Options{
		BaseEndpoint: aws.String(url), Region: region, Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""),
		RetryMaxAttempts: 1,
	})
}

// raw sends a body to an operation, signed, and returns the status and the answer.
func (h *harness) raw(t testing.TB, target, body string, edit ...func(*http.Request)) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest("POST", h.url+"/", bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Target", target)
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	for _, e := range edit {
		e(r)
	}
	sign(t, r, []byte(body), rootKey)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(answer)
}

const items = "DynamoDB_20120810."

// told sends a body and returns the error's type, without its namespace, and its message.
func (h *harness) told(t testing.TB, operation, body string) (typ, message string) {
	t.Helper()
	resp, answer := h.raw(t, items+operation, body)
	var e struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal([]byte(answer), &e); err != nil {
		t.Fatalf("%s: %v", answer, err)
	}
	if resp.StatusCode != 400 {
		return "", answer
	}
	return e.Type, e.Message
}

// create makes a table and waits for it.
func (h *harness) create(t testing.TB, in *ddb.CreateTableInput) {
	t.Helper()
	if in.BillingMode == "" && in.ProvisionedThroughput == nil {
		in.BillingMode = types.BillingModePayPerRequest
	}
	if _, err := h.CreateTable(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	h.settled(t, *in.TableName)
}

func (h *harness) settled(t testing.TB, name string) *types.TableDescription {
	t.Helper()
	for range 1000 {
		out, err := h.DescribeTable(t.Context(), &ddb.DescribeTableInput{TableName: &name})
		if err != nil {
			t.Fatal(err)
		}
		if out.Table.TableStatus == types.TableStatusActive {
			return out.Table
		}
	}
	t.Fatal("the table does not become active")
	return nil
}

// hashTable is a table with the string key "id".
func hashTable(name string) *ddb.CreateTableInput {
	return &ddb.CreateTableInput{
		TableName:            &name,
		AttributeDefinitions: []types.AttributeDefinition{attr("id", "S")},
		KeySchema:            []types.KeySchemaElement{hash("id")},
	}
}

func attr(name string, kind types.ScalarAttributeType) types.AttributeDefinition {
	return types.AttributeDefinition{AttributeName: &name, AttributeType: kind}
}

func hash(name string) types.KeySchemaElement {
	return types.KeySchemaElement{AttributeName: &name, KeyType: types.KeyTypeHash}
}

func rng(name string) types.KeySchemaElement {
	return types.KeySchemaElement{AttributeName: &name, KeyType: types.KeyTypeRange}
}

func s(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }
func n(v string) types.AttributeValue { return &types.AttributeValueMemberN{Value: v} }

type item = map[string]types.AttributeValue

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func same(t testing.TB, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		g, _ := json.Marshal(got)
		w, _ := json.Marshal(want)
		t.Errorf("%s is %s, not %s", what, g, w)
	}
}

func sign(t testing.TB, r *http.Request, body []byte, key string) {
	t.Helper()
	req := sigv4.FromHTTP(r)
	for _, h := range sigv4.Sign(&req, sha256.Sum256(body), sigv4.Credentials{AccessKeyID: key, Secret: secret}, sigv4.Scope{Region: region, Service: "dynamodb"}, time.Now()) {
		r.Header.Set(h.Name, h.Value)
	}
}
