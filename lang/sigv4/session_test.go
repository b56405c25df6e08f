package sigv4_test

import (
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/sigv4"
)

// issuer is a keyring with one temporary key.
type issuer struct{ keyring }

const (
	tempID, tempSecret, tempToken = "ASIAEXAMPLE", "temporary secret", "a+b/c%20=="
)

var (
	tempPrincipal = &sockgate.Principal{ARN: "arn:aws:sts::000000000000:assumed-role/r/s"}
	sessionEnd    = signedAt.Add(2 * time.Minute)
)

func (issuer) Session(id, token string, now time.Time) (string, *sockgate.Principal, error) {
	switch {
	case id != tempID || token != tempToken:
		return "", nil, sigv4.ErrNoSession
	case !now.Before(sessionEnd):
		return "", nil, sigv4.ErrSessionEnded
	}
	return tempSecret, tempPrincipal, nil
}

func TestSessionToken(t *testing.T) {
	temp := sigv4.Credentials{AccessKeyID: tempID, Secret: tempSecret, SessionToken: tempToken}
	with := func(c sigv4.Credentials) func() sigv4.Request {
		return func() sigv4.Request {
			r, _ := message()
			resign(c, executor, signedAt)(&r)
			return r
		}
	}
	presigned := func() sigv4.Request {
		r := sigv4.Request{Method: "GET", Path: "/prod", Host: "h"}
		r.RawQuery = sigv4.Presign(&r, sha256.Sum256(nil), temp, executor, signedAt, time.Hour)
		return r
	}
	tests := []struct {
		name    string
		request func() sigv4.Request
		now     time.Time
		kind    string // "" is accepted
		text    string
	}{
		{name: "in a signed header", request: with(temp)},
		{name: "in an unsigned header", request: func() sigv4.Request {
			r := with(sigv4.Credentials{AccessKeyID: tempID, Secret: tempSecret})()
			add(&r, "X-Amz-Security-Token", tempToken)
			return r
		}},
		{name: "in the query", request: presigned},
		{name: "in the query and in a header", request: func() sigv4.Request {
			r := presigned()
			add(&r, "X-Amz-Security-Token", tempToken)
			return r
		}},
		{name: "two that differ", request: func() sigv4.Request {
			r := presigned()
			add(&r, "X-Amz-Security-Token", "other")
			return r
		}, kind: sigv4.UnrecognizedClient},
		{name: "twice", request: func() sigv4.Request {
			r := with(sigv4.Credentials{AccessKeyID: tempID, Secret: tempSecret})()
			add(&r, "X-Amz-Security-Token", tempToken)
			add(&r, "X-Amz-Security-Token", tempToken)
			return r
		}, kind: sigv4.UnrecognizedClient},
		{name: "not there", request: with(sigv4.Credentials{AccessKeyID: tempID, Secret: tempSecret}), kind: sigv4.UnrecognizedClient},
		{name: "of another key", request: with(sigv4.Credentials{AccessKeyID: keyID, Secret: secret, SessionToken: tempToken}), kind: sigv4.UnrecognizedClient},
		{name: "another", request: with(sigv4.Credentials{AccessKeyID: tempID, Secret: tempSecret, SessionToken: "x"}), kind: sigv4.UnrecognizedClient},
		{name: "huge", request: with(sigv4.Credentials{AccessKeyID: tempID, Secret: tempSecret, SessionToken: strings.Repeat("x", 1<<20)}), kind: sigv4.UnrecognizedClient},
		{name: "wrong secret", request: with(sigv4.Credentials{AccessKeyID: tempID, Secret: "x", SessionToken: tempToken}), kind: sigv4.InvalidSignature},
		{name: "expired", request: with(temp), now: sessionEnd, kind: sigv4.ExpiredToken, text: "The security token included in the request is expired"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			now := signedAt
			if !tt.now.IsZero() {
				now = tt.now
			}
			v := sigv4.New(issuer{keys}, sigv4.Options{Region: "us-east-1", Clock: func() time.Time { return now }})
			r := tt.request()
			body := []byte(`{"action":"hello"}`)
			if r.Method == "GET" {
				body = nil
			}
			got, err := v.Verify(&r, sha256.Sum256(body))
			if tt.kind != "" {
				refused(t, err, tt.kind, tt.text)
				return
			}
			if err != nil || got.Principal != tempPrincipal {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

func TestGlobalServices(t *testing.T) {
	v := sigv4.New(keys, sigv4.Options{Region: "eu-west-1", Global: []string{"iam", "sts"}, Clock: func() time.Time { return signedAt }})
	for scope, ok := range map[sigv4.Scope]bool{
		{Region: "us-east-1", Service: "iam"}:    true,
		{Region: "us-east-1", Service: "sts"}:    true,
		{Region: "eu-west-1", Service: "sts"}:    true,
		{Region: "us-west-2", Service: "sts"}:    false,
		{Region: "us-east-1", Service: "lambda"}: false,
	} {
		for range 2 { // the second time with a key that is remembered
			r, body := message()
			resign(creds, scope, signedAt)(&r)
			got, err := v.Verify(&r, sha256.Sum256(body))
			if !ok {
				refused(t, err, sigv4.InvalidSignature, "Credential should be scoped to a valid region, not '"+scope.Region+"'.")
			} else if err != nil || got.Region != scope.Region {
				t.Errorf("%v: %+v, %v", scope, got, err)
			}
		}
	}
}
