package sigv4_test

import (
	"crypto/sha256"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/sigv4"
)

// The access key of AWS's own documentation.
const (
	keyID  = "AKIDEXAMPLE"
	secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
)

var (
	signedAt  = time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)
	principal = &sockgate.Principal{AccountID: "000000000000", AccessKeyID: keyID, Root: true}
	creds     = sigv4.Credentials{AccessKeyID: keyID, Secret: secret}
	executor  = sigv4.Scope{Region: "us-east-1", Service: "execute-api"}
)

// keyring maps access keys to secrets.
type keyring map[string]string

func (k keyring) Secret(id string) (string, *sockgate.Principal, bool) {
	s, ok := k[id]
	return s, principal, ok
}

var keys = keyring{keyID: secret, "AKIDOTHER": "another secret", "AKIDEMPTY": "", "": "secret of nobody"}

func verifier(now time.Time) *sigv4.Verifier {
	return sigv4.New(keys, sigv4.Options{Region: "us-east-1", Clock: func() time.Time { return now }})
}

// message is a signed POST to a connection, with something in each part that a signature covers.
func message() (sigv4.Request, []byte) {
	body := []byte(`{"action":"hello"}`)
	r := sigv4.Request{
		Method: "POST", Path: "/prod/@connections/JKH2_fU2IAMCE8g%3D", RawQuery: "b=two%20words&a=1", Host: "abc.execute-api.localhost:4566",
		Headers: sockgate.Headers{{Name: "Content-Type", Value: "application/json"}, {Name: "X-Amz-Meta", Value: "one  two"}, {Name: "User-Agent", Value: "test"}},
	}
	r.Headers = append(r.Headers, sigv4.Sign(&r, sha256.Sum256(body), creds, executor, signedAt)...)
	return r, body
}

// set replaces the value of a header.
func set(r *sigv4.Request, name, value string) {
	for i := range r.Headers {
		if strings.EqualFold(r.Headers[i].Name, name) {
			r.Headers[i].Value = value
		}
	}
}

func add(r *sigv4.Request, name, value string) {
	r.Headers = append(r.Headers, sockgate.Header{Name: name, Value: value})
}

func remove(r *sigv4.Request, name string) {
	var kept sockgate.Headers
	for _, h := range r.Headers {
		if !strings.EqualFold(h.Name, name) {
			kept = append(kept, h)
		}
	}
	r.Headers = kept
}

// authorization replaces a part of the Authorization header.
func authorization(from, to string) func(*sigv4.Request) {
	return func(r *sigv4.Request) {
		set(r, "Authorization", strings.Replace(r.Headers.Get("Authorization"), from, to, 1))
	}
}

// resign signs again after a change, as a client would that is wrong rather than dishonest.
func resign(c sigv4.Credentials, s sigv4.Scope, at time.Time) func(*sigv4.Request) {
	return func(r *sigv4.Request) {
		remove(r, "Authorization")
		remove(r, "X-Amz-Date")
		r.Headers = append(r.Headers, sigv4.Sign(r, sha256.Sum256([]byte(`{"action":"hello"}`)), c, s, at)...)
	}
}

func refused(t *testing.T, err error, kind, text string) {
	t.Helper()
	e, ok := errors.AsType[*sigv4.Error](err)
	if !ok {
		t.Fatalf("got %v, want a *sigv4.Error of type %s", err, kind)
	}
	if e.Type != kind || !strings.Contains(e.Message, text) {
		t.Errorf("got %s\nwant %s: ...%s...", e, kind, text)
	}
	if e.Status != 403 || sockgate.KindOf(err) != sockgate.Forbidden {
		t.Errorf("status %d, kind %v", e.Status, sockgate.KindOf(err))
	}
}

func TestVerifyAccepts(t *testing.T) {
	r, body := message()
	got, err := verifier(signedAt.Add(time.Minute)).Verify(&r, sha256.Sum256(body), "apigateway", "execute-api")
	if err != nil {
		t.Fatal(err)
	}
	if want := (sigv4.Signature{Principal: principal, Service: "execute-api", Region: "us-east-1"}); *got != want {
		t.Errorf("got %+v, want %+v", *got, want)
	}
	if s := sigv4.Service(&r); s != "execute-api" {
		t.Errorf("claimed service %q", s)
	}
}

// TestScreen: every refusal that needs no body is the same before the body is there, and nothing is proven by passing.
func TestScreen(t *testing.T) {
	tests := []struct {
		name   string
		change func(*sigv4.Request)
		refuse string // "" passes
	}{
		{"untouched", func(*sigv4.Request) {}, ""},
		{"wrong signature", authorization("Signature=", "Signature=0"), ""},
		{"no signature", func(r *sigv4.Request) { remove(r, "Authorization") }, sigv4.MissingAuthenticationToken},
		{"no date", func(r *sigv4.Request) { remove(r, "X-Amz-Date") }, sigv4.IncompleteSignature},
		{"unknown key", authorization(keyID, "AKIDNOBODY"), sigv4.UnrecognizedClient},
		{"key without a secret", authorization(keyID, "AKIDEMPTY"), sigv4.UnrecognizedClient},
		{"expired", func(r *sigv4.Request) { set(r, "X-Amz-Date", "20150830T123000Z") }, sigv4.InvalidSignature},
		{"another service", authorization("execute-api", "lambda"), sigv4.InvalidSignature},
		{"another region", authorization("us-east-1", "eu-west-1"), sigv4.InvalidSignature},
		{"another algorithm", authorization("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA512"), sigv4.IncompleteSignature},
		{"host not signed", authorization("host;", ""), sigv4.InvalidSignature},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, _ := message()
			tt.change(&r)
			err := verifier(signedAt).Screen(&r, "execute-api")
			if tt.refuse != "" {
				refused(t, err, tt.refuse, "")
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// What a proxy or another client may do to a request without changing what is signed.
func TestVerifyAcceptsEquivalents(t *testing.T) {
	tests := map[string]func(*sigv4.Request){
		"header names in other case":      func(r *sigv4.Request) { r.Headers[0].Name = "CONTENT-type" },
		"header order":                    func(r *sigv4.Request) { r.Headers[0], r.Headers[1] = r.Headers[1], r.Headers[0] },
		"blanks around a value":           func(r *sigv4.Request) { set(r, "Content-Type", "\t application/json  ") },
		"fewer blanks inside a value":     func(r *sigv4.Request) { set(r, "X-Amz-Meta", "one two") },
		"an unsigned header changed":      func(r *sigv4.Request) { set(r, "User-Agent", "other") },
		"a proxy's header":                func(r *sigv4.Request) { add(r, "X-Amz-Cf-Id", "x") },
		"query order":                     func(r *sigv4.Request) { r.RawQuery = "a=1&b=two%20words" },
		"query with a plus":               func(r *sigv4.Request) { r.RawQuery = "a=1&b=two+words" },
		"query escaped without need":      func(r *sigv4.Request) { r.RawQuery = "%61=1&b=two%20word%73" },
		"query with empty parts":          func(r *sigv4.Request) { r.RawQuery = "&a=1&&b=two%20words&" },
		"no blanks in Authorization":      authorization(", ", ","),
		"only blanks in Authorization":    authorization(", SignedHeaders", " SignedHeaders"),
		"unknown Authorization parameter": authorization(", SignedHeaders", ", Extra=1, SignedHeaders"),
		"the true hash unsigned":          func(r *sigv4.Request) { add(r, "X-Amz-Content-Sha256", helloHash) },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			r, body := message()
			change(&r)
			if _, err := verifier(signedAt).Verify(&r, sha256.Sum256(body), "execute-api"); err != nil {
				t.Error(err)
			}
		})
	}
}

const helloHash = "39a2270d06aef456a02ed1153806a171efb651fd5376abbbf609387ee9dbbfc4" // SHA-256 of message's body

func TestVerifyNormalizedPath(t *testing.T) {
	tests := []struct {
		signed, sent string
		ok           bool
	}{
		{"/a/b", "/a/b", true},
		{"/a//b", "/a//b", true},
		{"/a/b", "/a//b", true},
		{"/a/b", "//a/./b", true},
		{"/a/b/", "/a/b/.", true},
		{"/a/b/", "/a/b//", true},
		{"/", "", true},
		{"/", "//", true},
		{"/a/../b", "/a/../b", true},
		{"/.well-known/x", "/.well-known/x", true},
		{"/.well-known/x", "/./.well-known/x", true},
		{"/b", "/a/../b", false},
		{"/b", "/./a/../b", false},
		{"/a/../b", "/./a/../b", false},
		{"/a//b", "/a/b", false},
		{"/a/b", "/a/b/", false},
		{"/a/b/", "/a/b", false},
		{"/a/b", "/a/%2E/b", false},
		{"/a/b", "/a%2Fb", false},
		{"/a/@b", "/a/%40b", false},
		{"/a/b=", "/a/b%3D", false},
		{"/a/b%3D", "/a/b%3d", false},
	}
	for _, test := range tests {
		r := sigv4.Request{Method: "GET", Path: test.signed, Host: "h"}
		r.Headers = sigv4.Sign(&r, sha256.Sum256(nil), creds, executor, signedAt)
		r.Path = test.sent
		_, err := verifier(signedAt).Verify(&r, sha256.Sum256(nil))
		if test.ok && err != nil {
			t.Errorf("signed %s, sent %s: %v", test.signed, test.sent, err)
		}
		if !test.ok {
			refused(t, err, sigv4.InvalidSignature, "does not match")
		}
	}
}

// The text of a mismatch shows the canonical request, which is where AWS's rules can be seen.
func TestCanonicalRequest(t *testing.T) {
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	tests := map[string]struct {
		r    sigv4.Request
		want string
	}{
		"plain":               {sigv4.Request{Path: "/"}, "/\n\nhost:h\n\nhost\n"},
		"connection":          {sigv4.Request{Path: "/wss/@connections/Ab_-c="}, "/wss/%40connections/Ab_-c%3D\n\nhost:h\n\nhost\n"},
		"escaped connection":  {sigv4.Request{Path: "/wss/%40connections/Ab%3D"}, "/wss/%2540connections/Ab%253D\n\nhost:h\n\nhost\n"},
		"bytes in a path":     {sigv4.Request{Path: "/~a b/é!*'()"}, "/~a%20b/%C3%A9%21%2A%27%28%29\n\nhost:h\n\nhost\n"},
		"parameters":          {sigv4.Request{Path: "/", RawQuery: "b=2&a&c=&a=1"}, "/\na=&a=1&b=2&c=\nhost:h\n\nhost\n"},
		"name before value":   {sigv4.Request{Path: "/", RawQuery: "a-b=1&a=2&A=3"}, "/\nA=3&a=2&a-b=1\nhost:h\n\nhost\n"},
		"sorted when escaped": {sigv4.Request{Path: "/", RawQuery: "k=a-b&k=a/b"}, "/\nk=a%2Fb&k=a-b\nhost:h\n\nhost\n"},
		"escapes":             {sigv4.Request{Path: "/", RawQuery: "k=%7e%2f%zz%&l=a=b"}, "/\nk=~%2F%25zz%25&l=a%3Db\nhost:h\n\nhost\n"},
		"repeated header": {sigv4.Request{Path: "/", Headers: sockgate.Headers{{Name: "X-Amz-M", Value: " b  c "}, {Name: "x-amz-m", Value: "a"}}},
			"/\n\nhost:h\nx-amz-m:b c,a\n\nhost;x-amz-m\n"},
		"names out of order": {sigv4.Request{Path: "/", Headers: sockgate.Headers{{Name: "A", Value: "1"}}}, "/\n\na:1\nhost:h\n\na;host\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := test.r
			r.Method, r.Host = "GET", "h"
			names := "host"
			if r.Headers != nil {
				names += ";" + strings.ToLower(r.Headers[0].Name)
			}
			add(&r, "Date", "Sun, 30 Aug 2015 12:36:00 GMT")
			add(&r, "Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/execute-api/aws4_request, SignedHeaders="+
				names+", Signature=00")
			_, err := verifier(signedAt).Verify(&r, sha256.Sum256(nil))
			refused(t, err, sigv4.InvalidSignature, "The Canonical String for this request should have been\n'GET\n"+test.want+empty+
				"'\n\nThe String-to-Sign should have been\n'AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/execute-api/aws4_request\n")
		})
	}
}

// A replaced or withdrawn secret must not live on among the derived keys.
func TestVerifySecretChanges(t *testing.T) {
	ring := keyring{keyID: secret}
	v := sigv4.New(ring, sigv4.Options{Region: "us-east-1", Clock: func() time.Time { return signedAt }})
	r, body := message()
	verify := func() error { _, err := v.Verify(&r, sha256.Sum256(body)); return err }
	for range 2 {
		if err := verify(); err != nil {
			t.Fatal(err)
		}
	}
	ring[keyID] = "new"
	refused(t, verify(), sigv4.InvalidSignature, "does not match")
	resign(sigv4.Credentials{AccessKeyID: keyID, Secret: "new"}, executor, signedAt)(&r)
	if err := verify(); err != nil {
		t.Fatal(err)
	}
	delete(ring, keyID)
	refused(t, verify(), sigv4.UnrecognizedClient, "The security token included in the request is invalid.")
}

// More keys, services and days than are remembered, from several goroutines.
func TestVerifyConcurrently(t *testing.T) {
	ring := keyring{}
	now := signedAt
	v := sigv4.New(ring, sigv4.Options{Region: "us-east-1", Clock: func() time.Time { return now }})
	var requests []sigv4.Request
	for i := range 100 {
		c := sigv4.Credentials{AccessKeyID: "AKID" + string(rune('A'+i%26)) + string(rune('A'+i/26)), Secret: "s"}
		ring[c.AccessKeyID] = c.Secret
		at := signedAt.Add(-time.Duration(i%3) * 24 * time.Hour)
		r := sigv4.Request{Method: "GET", Path: "/", Host: "h"}
		r.RawQuery = sigv4.Presign(&r, sha256.Sum256(nil), c, executor, at, 7*24*time.Hour)
		requests = append(requests, r)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range requests {
				if _, err := v.Verify(&requests[i], sha256.Sum256(nil)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkVerify(b *testing.B) {
	body := []byte(strings.Repeat("x", 1024))
	r := sigv4.Request{Method: "POST", Path: "/prod/@connections/JKH2_fU2IAMCE8g%3D", Host: "abc.execute-api.localhost:4566",
		Headers: sockgate.Headers{{Name: "User-Agent", Value: "bench"}, {Name: "Content-Type", Value: "application/octet-stream"}, {Name: "Accept-Encoding", Value: "gzip"}}}
	r.Headers = append(r.Headers, sigv4.Sign(&r, sha256.Sum256(body), creds, executor, signedAt)...)
	benchmark(b, &r, body)
}

func BenchmarkVerifyPresigned(b *testing.B) {
	r := sigv4.Request{Method: "GET", Path: "/prod", Host: "abc.execute-api.localhost:4566"}
	r.RawQuery = sigv4.Presign(&r, sha256.Sum256(nil), creds, executor, signedAt, time.Minute)
	benchmark(b, &r, nil)
}

func benchmark(b *testing.B, r *sigv4.Request, body []byte) {
	v := verifier(signedAt)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(r, sha256.Sum256(body), "execute-api"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSign(b *testing.B) {
	r, _ := message()
	remove(&r, "Authorization")
	remove(&r, "X-Amz-Date")
	body := sha256.Sum256(nil)
	b.ReportAllocs()
	for b.Loop() {
		sigv4.Sign(&r, body, creds, executor, signedAt)
	}
}
