package sigv4_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"pgregory.net/rapid"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/sigv4"
)

var sdkCredentials = aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}

// AWS's published example and the simplest case of its published test suite.
func TestPublishedSignatures(t *testing.T) {
	tests := []struct {
		r         sigv4.Request
		service   string
		signature string
	}{
		{sigv4.Request{Method: "GET", Path: "/", RawQuery: "Action=ListUsers&Version=2010-05-08", Host: "iam.amazonaws.com",
			Headers: sockgate.Headers{{Name: "Content-Type", Value: "application/x-www-form-urlencoded; charset=utf-8"}}},
			"iam", "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"},
		{sigv4.Request{Method: "GET", Path: "/", Host: "example.amazonaws.com"},
			"service", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
	}
	for _, test := range tests {
		headers := sigv4.Sign(&test.r, sha256.Sum256(nil), creds, sigv4.Scope{Region: "us-east-1", Service: test.service}, signedAt)
		if a := headers.Get("Authorization"); !strings.HasSuffix(a, ", Signature="+test.signature) {
			t.Errorf("%s: %s", test.service, a)
		}
	}
}

// request draws a request such as clients send, with odd bytes wherever a client may put them.
func request(t *rapid.T) (*http.Request, []byte) {
	text := rapid.StringOf(rapid.SampledFrom([]rune("aZ09-._~ @=%+/&?;:!$'()*,\"<>[]{}|^\\`#éß世")))
	var path strings.Builder
	for _, segment := range rapid.SliceOfN(text, 0, 5).Draw(t, "path") {
		if segment == "." || segment == ".." {
			continue // net/url leaves them and so do we: TestVerifyNormalizedPath
		}
		path.WriteString("/" + url.PathEscape(segment))
	}
	if path.Len() == 0 || rapid.Bool().Draw(t, "trailing slash") {
		path.WriteByte('/')
	}
	u := "https://" + rapid.SampledFrom([]string{"abc.execute-api.us-east-1.amazonaws.com", "localhost:4566", "ws.example.com:8443", "[::1]:4566"}).Draw(t, "host") + path.String()
	query := url.Values{}
	for range rapid.IntRange(0, 5).Draw(t, "parameters") {
		query.Add(text.Draw(t, "name"), text.Draw(t, "value"))
	}
	body := rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "body")
	r, err := http.NewRequest(rapid.SampledFrom([]string{"GET", "POST", "DELETE", "PUT", "PATCH"}).Draw(t, "method"), u, strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	r.URL.RawQuery = query.Encode()
	for range rapid.IntRange(0, 4).Draw(t, "headers") {
		name := rapid.SampledFrom([]string{"Content-Type", "Accept", "X-Amz-Target", "X-Amz-Meta", "X-Custom", "x-lower", "Amz-Sdk-Request", "User-Agent"}).Draw(t, "header")
		r.Header.Add(name, text.Draw(t, "header value"))
	}
	if rapid.Bool().Draw(t, "says its hash") {
		r.Header.Set("X-Amz-Content-Sha256", hash(body))
	}
	return r, body
}

func hash(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// accepted checks that a request is accepted, and refused with another body.
func accepted(t *rapid.T, r sigv4.Request, body []byte, service string) *sigv4.Signature {
	v := verifier(signedAt.Add(time.Minute))
	got, err := v.Verify(&r, sha256.Sum256(body), service)
	if err != nil {
		t.Fatalf("%+v\n%v", r, err)
	}
	if got, err := v.Verify(&r, sha256.Sum256(append(body, 0)), service); err == nil {
		t.Fatalf("accepted with another body: %+v", got)
	}
	return got
}

func TestAcceptsWhatTheSDKSigns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, body := request(t)
		service := rapid.SampledFrom([]string{"execute-api", "apigateway", "dynamodb", "lambda"}).Draw(t, "service")
		if err := v4.NewSigner().SignHTTP(context.Background(), sdkCredentials, r, hash(body), service, "us-east-1", signedAt); err != nil {
			t.Fatal(err)
		}
		if got := accepted(t, sigv4.FromHTTP(r), body, service); got.Presigned || got.Service != service {
			t.Fatalf("%+v", got)
		}
	})
}

func TestAcceptsWhatTheSDKPresigns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, body := request(t)
		query := r.URL.Query()
		query.Set("X-Amz-Expires", "3600")
		r.URL.RawQuery = query.Encode()
		r.Header.Del("X-Amz-Target") // the SDK moves it to the query
		signed, headers, err := v4.NewSigner().PresignHTTP(context.Background(), sdkCredentials, r, hash(body), "execute-api", "us-east-1", signedAt)
		if err != nil {
			t.Fatal(err)
		}
		sent, err := http.NewRequest(r.Method, signed, strings.NewReader(string(body)))
		if err != nil {
			t.Fatal(err)
		}
		for name, values := range headers {
			if name != "Host" && name != "Content-Length" {
				sent.Header[name] = values
			}
		}
		if got := accepted(t, sigv4.FromHTTP(sent), body, "execute-api"); !got.Presigned {
			t.Fatalf("%+v", got)
		}
	})
}

// Where the SDK signs the same headers as Sign and Presign, the signatures must be the same.
func TestSignsAsTheSDK(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, _ := request(t)
		for name := range r.Header {
			if name != "Content-Type" && name != "X-Amz-Meta" {
				r.Header.Del(name)
			}
		}
		delete(r.Header, "x-lower")
		r.Body, r.ContentLength = nil, 0
		ours := sigv4.FromHTTP(r)
		got := sigv4.Sign(&ours, sha256.Sum256(nil), creds, executor, signedAt).Get("Authorization")
		if err := v4.NewSigner().SignHTTP(context.Background(), sdkCredentials, r, hash(nil), "execute-api", "us-east-1", signedAt); err != nil {
			t.Fatal(err)
		}
		if want := r.Header.Get("Authorization"); got != want {
			t.Fatalf("got  %s\nwant %s", got, want)
		}

		r.Header = http.Header{}
		query := r.URL.Query()
		got = sigv4.Presign(&ours, sha256.Sum256(nil), creds, executor, signedAt, time.Hour)
		query.Set("X-Amz-Expires", "3600")
		r.URL.RawQuery = query.Encode()
		signed, _, err := v4.NewSigner().PresignHTTP(context.Background(), sdkCredentials, r, hash(nil), "execute-api", "us-east-1", signedAt)
		if err != nil {
			t.Fatal(err)
		}
		if _, want, _ := strings.Cut(signed, "&X-Amz-Signature="); !strings.HasSuffix(got, "&X-Amz-Signature="+want) {
			t.Fatalf("got  %s\nwant %s", got, signed)
		}
	})
}

// A request that crossed net/http is still the one that was signed.
func TestFromHTTPServer(t *testing.T) {
	body := []byte("hello")
	failure := make(chan error, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got := sigv4.FromHTTP(r)
		_, err := verifier(signedAt).Verify(&got, sha256.Sum256(body), "execute-api")
		failure <- err
	}))
	defer server.Close()
	for _, path := range []string{"/prod/@connections/a=", "/prod/%40connections/a%3D", "/a//b/", "/?q=%20&p", "/a%2Fb"} {
		r, err := http.NewRequest("POST", server.URL+path, strings.NewReader(string(body)))
		if err != nil {
			t.Fatal(err)
		}
		if err := v4.NewSigner().SignHTTP(context.Background(), sdkCredentials, r, hash(body), "execute-api", "us-east-1", signedAt); err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if err := <-failure; err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// Requests that the AWS SDK for Python signed (botocore 1.43.11, at signedAt). Unlike the SDK for Go it normalizes the path.
func TestAcceptsWhatBotocoreSigned(t *testing.T) {
	data, err := os.ReadFile("testdata/botocore.json")
	if err != nil {
		t.Fatal(err)
	}
	var tests []struct {
		Name, Method, Path, Query, Host, Body, Service string
		Headers                                        sockgate.Headers
	}
	if err := json.Unmarshal(data, &tests); err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		t.Run(test.Name, func(t *testing.T) {
			r := sigv4.Request{Method: test.Method, Path: test.Path, RawQuery: test.Query, Host: test.Host, Headers: test.Headers}
			got, err := verifier(signedAt).Verify(&r, sha256.Sum256([]byte(test.Body)), test.Service)
			if err != nil {
				t.Fatal(err)
			}
			if want := strings.HasSuffix(test.Name, ", presigned"); got.Presigned != want {
				t.Errorf("presigned: %v", got.Presigned)
			}
		})
	}
	if len(tests) == 0 {
		t.Error("no recorded requests")
	}
}
