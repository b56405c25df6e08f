package sigv4_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/sigv4"
)

const noMatch = "The request signature we calculated does not match the signature you provided."

// Each case changes one thing about a good request, which then must be refused for the right reason.
func TestVerifyRefuses(t *testing.T) {
	const both = "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."
	const unknown = "The security token included in the request is invalid."
	hourAgo := signedAt.Add(-time.Hour)
	tests := []struct {
		name   string
		change func(*sigv4.Request)
		kind   string
		text   string
	}{
		{"no signature", func(r *sigv4.Request) { remove(r, "Authorization") }, sigv4.MissingAuthenticationToken, "Missing Authentication Token"},
		{"empty Authorization", func(r *sigv4.Request) { set(r, "Authorization", "  ") }, sigv4.MissingAuthenticationToken, ""},
		{"only a signature in the query", func(r *sigv4.Request) { remove(r, "Authorization"); r.RawQuery = "X-Amz-Signature=00" }, sigv4.MissingAuthenticationToken, ""},

		{"another scheme", func(r *sigv4.Request) { set(r, "Authorization", "Bearer abc") }, sigv4.IncompleteSignature, "Invalid key=value pair (missing equal-sign) in Authorization header (hashed"},
		{"basic", func(r *sigv4.Request) { set(r, "Authorization", "Basic a2V5OnZhbHVl=") }, sigv4.IncompleteSignature,
			"Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. " +
				"Authorization header requires 'SignedHeaders' parameter. (Hashed with SHA-256 and encoded with Base64) Authorization="},
		{"nothing at all", func(r *sigv4.Request) { set(r, "Authorization", "a"); remove(r, "X-Amz-Date") }, sigv4.IncompleteSignature,
			"'SignedHeaders' parameter. Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. (Hashed"},
		{"no Credential", authorization("Credential=", "Credentials="), sigv4.IncompleteSignature, "requires 'Credential' parameter. (Hashed"},
		{"empty Credential", authorization("Credential=AKIDEXAMPLE/20150830/us-east-1/execute-api/aws4_request", "Credential="), sigv4.IncompleteSignature, "requires 'Credential'"},
		{"no Signature", authorization("Signature=", "signature="), sigv4.IncompleteSignature, "requires 'Signature' parameter. (Hashed"},
		{"no SignedHeaders", authorization("SignedHeaders=", "Signed="), sigv4.IncompleteSignature, "requires 'SignedHeaders' parameter. (Hashed"},
		{"Credential twice", authorization(", Signed", ", Credential=AKIDOTHER/20150830/us-east-1/execute-api/aws4_request, Signed"), sigv4.IncompleteSignature, "'Credential'"},
		{"Signature twice", authorization(", Signed", ", Signature=00, Signed"), sigv4.IncompleteSignature, "'Signature'"},
		{"SignedHeaders twice", authorization(", Signed", ", SignedHeaders=host, Signed"), sigv4.IncompleteSignature, "'SignedHeaders'"},
		{"Authorization twice", func(r *sigv4.Request) { add(r, "authorization", r.Headers.Get("Authorization")) }, sigv4.IncompleteSignature, "missing equal-sign"},
		{"blank in Credential", authorization("Credential=", "Credential= "), sigv4.IncompleteSignature, "missing equal-sign"},

		{"no date", func(r *sigv4.Request) { remove(r, "X-Amz-Date") }, sigv4.IncompleteSignature, "either a 'X-Amz-Date' or a 'Date' header. (Hashed"},
		{"date not ISO", func(r *sigv4.Request) { set(r, "X-Amz-Date", "2015-08-30T12:36:00Z") }, sigv4.IncompleteSignature,
			"Date must be in ISO-8601 'basic format'. Got '2015-08-30T12:36:00Z'. See http://en.wikipedia.org/wiki/ISO_8601"},
		{"date without letters", func(r *sigv4.Request) { set(r, "X-Amz-Date", "2015083001236000") }, sigv4.IncompleteSignature, "ISO-8601"},
		{"date with letters", func(r *sigv4.Request) { set(r, "X-Amz-Date", "2015083OT123600Z") }, sigv4.IncompleteSignature, "ISO-8601"},
		{"no such day", func(r *sigv4.Request) { set(r, "X-Amz-Date", "20150231T123600Z") }, sigv4.IncompleteSignature, "ISO-8601"},
		{"a colon for a ten", func(r *sigv4.Request) { set(r, "X-Amz-Date", "2015082:T123600Z") }, sigv4.IncompleteSignature, "ISO-8601"},
		{"no such minute", func(r *sigv4.Request) { set(r, "X-Amz-Date", "20150830T116000Z") }, sigv4.IncompleteSignature, "ISO-8601"},
		{"no such month", func(r *sigv4.Request) { set(r, "X-Amz-Date", "20151330T123600Z") }, sigv4.IncompleteSignature, "ISO-8601"},
		{"no such hour", func(r *sigv4.Request) { set(r, "X-Amz-Date", "20150830T243600Z") }, sigv4.IncompleteSignature, "ISO-8601"},
		{"date twice", func(r *sigv4.Request) { add(r, "X-Amz-Date", "20150830T123600Z") }, sigv4.IncompleteSignature, "Got '20150830T123600Z,20150830T123600Z'"},
		{"date changed", func(r *sigv4.Request) { set(r, "X-Amz-Date", "20150830T123601Z") }, sigv4.InvalidSignature, noMatch},
		{"another Date header", func(r *sigv4.Request) { remove(r, "X-Amz-Date"); add(r, "Date", "Sun, 30 Aug 2015 12:36:01 GMT") }, sigv4.InvalidSignature, noMatch},
		{"expired", resign(creds, executor, signedAt.Add(-5*time.Minute-time.Second)), sigv4.InvalidSignature,
			"Signature expired: 20150830T123059Z is now earlier than 20150830T123100Z (20150830T123600Z - 5 min.)"},
		{"future", resign(creds, executor, signedAt.Add(5*time.Minute+time.Second)), sigv4.InvalidSignature,
			"Signature not yet current: 20150830T124101Z is still later than 20150830T124100Z (20150830T123600Z + 5 min.)"},
		{"expired, new date", func(r *sigv4.Request) { resign(creds, executor, hourAgo)(r); set(r, "X-Amz-Date", "20150830T123600Z") }, sigv4.InvalidSignature, noMatch},

		{"host not signed", authorization("host;", ""), sigv4.InvalidSignature, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."},
		{"nothing signed", authorization("content-type;host;x-amz-date;x-amz-meta", ""), sigv4.InvalidSignature, "'Host' or ':authority' must"},
		{"target not signed", func(r *sigv4.Request) { add(r, "X-Amz-Target", "DynamoDB_20120810.DeleteTable") }, sigv4.InvalidSignature, "'X-Amz-Target' must be a 'SignedHeader'"},
		{"too many signed", authorization("host;", "host;"+strings.Repeat("i;", 200)), sigv4.InvalidSignature, "more than 128"},
		{"one signed less", authorization("content-type;", ""), sigv4.InvalidSignature, noMatch},
		{"one signed more", authorization("host;", "host;user-agent;"), sigv4.InvalidSignature, noMatch},
		{"signed but absent", authorization("host;", "host;if-match;"), sigv4.InvalidSignature, noMatch},
		{"signed twice", authorization("host;", "host;host;"), sigv4.InvalidSignature, noMatch},
		{"signed in other order", authorization("content-type;host", "host;content-type"), sigv4.InvalidSignature, noMatch},
		{"signed in upper case", authorization("content-type;host", "content-type;Host"), sigv4.InvalidSignature, noMatch},
		{"trailing semicolon", authorization("x-amz-meta,", "x-amz-meta;,"), sigv4.InvalidSignature, noMatch},
		{"leading semicolon", authorization("Headers=", "Headers=;"), sigv4.InvalidSignature, noMatch},

		{"algorithm", authorization("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA25"), sigv4.IncompleteSignature, "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA25' (only AWS4-HMAC-SHA256 for now)."},
		{"algorithm in lower case", authorization("AWS4-HMAC-SHA256", "aws4-hmac-sha256"), sigv4.IncompleteSignature, "Unsupported AWS 'algorithm'"},
		{"asymmetric", authorization("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"), sigv4.IncompleteSignature, "Unsupported AWS 'algorithm'"},

		{"credential too short", authorization("/aws4_request", ""), sigv4.IncompleteSignature,
			"Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'AKIDEXAMPLE/20150830/us-east-1/execute-api'"},
		{"slash in the key", authorization("AKID", "AK/ID"), sigv4.IncompleteSignature, "exactly 5"},
		{"region", authorization("us-east-1", "us-west-2"), sigv4.InvalidSignature, "Credential should be scoped to a valid region, not 'us-west-2'."},
		{"service", authorization("/execute-api", "/apigateway"), sigv4.InvalidSignature, "Credential should be scoped to correct service: 'execute-api'."},
		{"service signed for", resign(creds, sigv4.Scope{Region: "us-east-1", Service: "apigateway"}, signedAt), sigv4.InvalidSignature, "correct service: 'execute-api'."},
		{"region signed for", resign(creds, sigv4.Scope{Region: "eu-west-1", Service: "execute-api"}, signedAt), sigv4.InvalidSignature, "valid region, not 'eu-west-1'."},
		{"terminator", authorization("aws4_request", "aws5_request"), sigv4.InvalidSignature, "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'."},
		{"scope date", authorization("/20150830", "/20150829"), sigv4.InvalidSignature,
			"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20150829' != '20150830', from '20150830T123600Z'."},
		{"whole scope", authorization("/20150830/us-east-1/execute-api/aws4_request", "/b/c/d/e"), sigv4.InvalidSignature,
			"not 'c'. Credential should be scoped to correct service: 'execute-api'. Credential should be scoped with a valid terminator: 'aws4_request', not 'e'. Date in"},

		{"unknown key", authorization("AKIDEXAMPLE", "AKIDUNKNOWN"), sigv4.UnrecognizedClient, unknown},
		{"key in lower case", authorization("AKIDEXAMPLE", "akidexample"), sigv4.UnrecognizedClient, unknown},
		{"empty key", authorization("AKIDEXAMPLE", ""), sigv4.UnrecognizedClient, unknown},
		{"key without a secret", resign(sigv4.Credentials{AccessKeyID: "AKIDEMPTY"}, executor, signedAt), sigv4.UnrecognizedClient, unknown},
		{"key without a name", resign(sigv4.Credentials{Secret: keys[""]}, executor, signedAt), sigv4.UnrecognizedClient, unknown},
		{"another's key", authorization("AKIDEXAMPLE", "AKIDOTHER"), sigv4.InvalidSignature, noMatch},
		{"wrong secret", resign(sigv4.Credentials{AccessKeyID: keyID, Secret: "guess"}, executor, signedAt), sigv4.InvalidSignature, noMatch},
		{"session token signed", resign(sigv4.Credentials{AccessKeyID: keyID, Secret: secret, SessionToken: "t"}, executor, signedAt), sigv4.UnrecognizedClient, unknown},
		{"session token unsigned", func(r *sigv4.Request) { add(r, "X-Amz-Security-Token", "t") }, sigv4.UnrecognizedClient, unknown},

		{"empty signature", authorization("Signature=", "Signature=, x="), sigv4.IncompleteSignature, "'Signature'"},
		{"short signature", authorization("Signature=", "Signature=00, x="), sigv4.InvalidSignature, noMatch},
		{"long signature", func(r *sigv4.Request) { set(r, "Authorization", r.Headers.Get("Authorization")+"0") }, sigv4.InvalidSignature, noMatch},
		{"signature of zeros", authorization("Signature=", "Signature="+strings.Repeat("0", 64)+", x="), sigv4.InvalidSignature, noMatch},
		{"signature in upper case", func(r *sigv4.Request) {
			head, sig, _ := strings.Cut(r.Headers.Get("Authorization"), "Signature=")
			set(r, "Authorization", head+"Signature="+strings.ToUpper(sig))
		}, sigv4.InvalidSignature, noMatch},

		{"method", func(r *sigv4.Request) { r.Method = "DELETE" }, sigv4.InvalidSignature, noMatch},
		{"method in lower case", func(r *sigv4.Request) { r.Method = "post" }, sigv4.InvalidSignature, noMatch},
		{"path", func(r *sigv4.Request) { r.Path = "/prod/@connections/JKH2_fU2IAMCE9g%3D" }, sigv4.InvalidSignature, noMatch},
		{"path in another spelling", func(r *sigv4.Request) { r.Path = "/prod/%40connections/JKH2_fU2IAMCE8g%3D" }, sigv4.InvalidSignature, noMatch},
		{"path by way of another", func(r *sigv4.Request) { r.Path = "/dev/.." + r.Path }, sigv4.InvalidSignature, noMatch},
		{"trailing slash", func(r *sigv4.Request) { r.Path += "/" }, sigv4.InvalidSignature, noMatch},
		{"query value", func(r *sigv4.Request) { r.RawQuery = "b=two%20words&a=2" }, sigv4.InvalidSignature, noMatch},
		{"query name", func(r *sigv4.Request) { r.RawQuery = "b=two%20words&A=1" }, sigv4.InvalidSignature, noMatch},
		{"query longer", func(r *sigv4.Request) { r.RawQuery += "&c" }, sigv4.InvalidSignature, noMatch},
		{"query repeated", func(r *sigv4.Request) { r.RawQuery += "&a=1" }, sigv4.InvalidSignature, noMatch},
		{"query shorter", func(r *sigv4.Request) { r.RawQuery = "a=1" }, sigv4.InvalidSignature, noMatch},
		{"query gone", func(r *sigv4.Request) { r.RawQuery = "" }, sigv4.InvalidSignature, noMatch},
		{"query with semicolon", func(r *sigv4.Request) { r.RawQuery = "b=two%20words;a=1" }, sigv4.InvalidSignature, noMatch},
		{"host", func(r *sigv4.Request) { r.Host = "xyz.execute-api.localhost:4566" }, sigv4.InvalidSignature, noMatch},
		{"host without port", func(r *sigv4.Request) { r.Host = "abc.execute-api.localhost" }, sigv4.InvalidSignature, noMatch},
		{"no host", func(r *sigv4.Request) { r.Host = "" }, sigv4.InvalidSignature, noMatch},
		{"header value", func(r *sigv4.Request) { set(r, "Content-Type", "text/plain") }, sigv4.InvalidSignature, noMatch},
		{"header value case", func(r *sigv4.Request) { set(r, "Content-Type", "Application/json") }, sigv4.InvalidSignature, noMatch},
		{"header repeated", func(r *sigv4.Request) { add(r, "Content-Type", "application/json") }, sigv4.InvalidSignature, noMatch},
		{"header removed", func(r *sigv4.Request) { remove(r, "Content-Type") }, sigv4.InvalidSignature, noMatch},
		{"blank removed", func(r *sigv4.Request) { set(r, "X-Amz-Meta", "onetwo") }, sigv4.InvalidSignature, noMatch},

		{"wrong hash", func(r *sigv4.Request) { add(r, "X-Amz-Content-Sha256", strings.Repeat("0", 64)) }, sigv4.InvalidSignature, noMatch},
		{"hash too long", func(r *sigv4.Request) { add(r, "X-Amz-Content-Sha256", helloHash+"00") }, sigv4.InvalidSignature, noMatch},
		{"hash too short", func(r *sigv4.Request) { add(r, "X-Amz-Content-Sha256", helloHash[:62]) }, sigv4.InvalidSignature, noMatch},
		{"unsigned payload", func(r *sigv4.Request) {
			add(r, "X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
			resign(creds, executor, signedAt)(r)
		}, sigv4.InvalidSignature, noMatch},
		{"unsigned payload in query", func(r *sigv4.Request) {
			r.RawQuery += "&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD"
			resign(creds, executor, signedAt)(r)
		}, sigv4.InvalidSignature, noMatch},

		{"presigned as well", func(r *sigv4.Request) { r.RawQuery += "&X-Amz-Algorithm=AWS4-HMAC-SHA256" }, sigv4.InvalidSignature, both},
		{"presigned as well, hidden", func(r *sigv4.Request) { r.RawQuery += "&X%2damz-Algorithm" }, sigv4.InvalidSignature, noMatch},
		{"presigned as well, escaped", func(r *sigv4.Request) { r.RawQuery += "&X%2dAmz-Algorithm" }, sigv4.InvalidSignature, both},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, body := message()
			signature := r.Headers.Get("Authorization")
			test.change(&r)
			got, err := verifier(signedAt).Verify(&r, sha256.Sum256(body), "execute-api", "lambda")
			if got != nil {
				t.Fatalf("accepted: %+v", got)
			}
			refused(t, err, test.kind, test.text)
			if strings.Contains(err.Error(), signature[strings.Index(signature, "Signature=")+10:]) || strings.Contains(err.Error(), secret) {
				t.Errorf("the message tells the signature or the secret: %v", err)
			}
		})
	}
	t.Run("body", func(t *testing.T) {
		r, _ := message()
		_, err := verifier(signedAt).Verify(&r, sha256.Sum256([]byte(`{"action":"hellO"}`)), "execute-api")
		refused(t, err, sigv4.InvalidSignature, noMatch)
	})
	t.Run("no services is any service", func(t *testing.T) {
		r, body := message()
		if _, err := verifier(signedAt).Verify(&r, sha256.Sum256(body)); err != nil {
			t.Error(err)
		}
	})
}

// A client with the right secret that signs another canonical request than SigV4 asks for is refused, too.
func TestVerifyRefusesOtherCanonicalRequests(t *testing.T) {
	tests := []struct {
		name    string
		headers string // canonical headers
		names   string
		ok      bool
	}{
		{"as it should be", "a:1\nhost:h\nx:2\n", "a;host;x", true},
		{"absent header", "a:1\nhost:h\nnone:\n", "a;host;none", false},
		{"out of order", "host:h\na:1\n", "host;a", false},
		{"twice", "a:1\na:1\nhost:h\n", "a;a;host", false},
		{"upper case", "A:1\nhost:h\n", "A;host", false},
		{"upper case in the list only", "a:1\nhost:h\n", "A;host", false},
		{"trailing semicolon", "a:1\nhost:h\n", "a;host;", false},
		{"leading semicolon", ":\na:1\nhost:h\n", ";a;host", false},
		{"untrimmed", "a: 1\nhost:h\n", "a;host", false},
	}
	mac := func(key, text string) string {
		h := hmac.New(sha256.New, []byte(key))
		h.Write([]byte(text))
		return string(h.Sum(nil))
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			toSign := "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/execute-api/aws4_request\n" +
				hash([]byte("GET\n/\n\n"+test.headers+"\n"+test.names+"\n"+hash(nil)))
			key := mac(mac(mac(mac("AWS4"+secret, "20150830"), "us-east-1"), "execute-api"), "aws4_request")
			r := sigv4.Request{Method: "GET", Path: "/", Host: "h", Headers: sockgate.Headers{
				{Name: "A", Value: " 1"}, {Name: "X", Value: "2"}, {Name: "X-Amz-Date", Value: "20150830T123600Z"},
				{Name: "Authorization", Value: "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/execute-api/aws4_request, SignedHeaders=" +
					test.names + ", Signature=" + hex.EncodeToString([]byte(mac(key, toSign)))}}}
			_, err := verifier(signedAt).Verify(&r, sha256.Sum256(nil))
			if test.ok {
				if err != nil {
					t.Error(err)
				}
				return
			}
			refused(t, err, sigv4.InvalidSignature, noMatch)
		})
	}
}

func TestVerifyPresigned(t *testing.T) {
	const incomplete = "Re-examine the query-string parameters."
	replace := func(from, to string) func(*sigv4.Request) {
		return func(r *sigv4.Request) { r.RawQuery = strings.Replace(r.RawQuery, from, to, 1) }
	}
	tests := []struct {
		name   string
		change func(*sigv4.Request)
		late   time.Duration // how long after the signature
		kind   string        // "" when it is accepted
		text   string
	}{
		{name: "as it is", late: time.Minute},
		{name: "at the end", late: time.Hour},
		{name: "clock ahead", late: -5 * time.Minute},
		{name: "parameters in another order", change: func(r *sigv4.Request) {
			parts := strings.Split(r.RawQuery, "&")
			parts[0], parts[len(parts)-1] = parts[len(parts)-1], parts[0]
			r.RawQuery = strings.Join(parts, "&")
		}},
		{name: "headers added", change: func(r *sigv4.Request) { add(r, "Origin", "https://example.com"); add(r, "X-Amz-Date", "ignored") }},
		{name: "expired", late: time.Hour + time.Second, kind: sigv4.InvalidSignature,
			text: "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T133601Z - 60 min.)"},
		{name: "not yet", late: -5*time.Minute - time.Second, kind: sigv4.InvalidSignature, text: "Signature not yet current"},
		{name: "longer than signed", change: replace("Expires=3600", "Expires=7200"), kind: sigv4.InvalidSignature, text: noMatch},
		{name: "no expiry", change: replace("X-Amz-Expires=3600&", ""), kind: sigv4.InvalidSignature, text: noMatch},
		{name: "no expiry is five minutes", change: replace("X-Amz-Expires=3600&", ""), late: 301 * time.Second, kind: sigv4.InvalidSignature, text: "Signature expired"},
		{name: "expiry too long", change: replace("Expires=3600", "Expires=604801"), kind: sigv4.IncompleteSignature, text: "less than a week"},
		{name: "expiry zero", change: replace("Expires=3600", "Expires=0"), kind: sigv4.IncompleteSignature, text: "non-negative"},
		{name: "expiry negative", change: replace("Expires=3600", "Expires=-1"), kind: sigv4.IncompleteSignature, text: "non-negative"},
		{name: "expiry not a number", change: replace("Expires=3600", "Expires=1h"), kind: sigv4.IncompleteSignature, text: "should be a number"},
		{name: "expiry too large a number", change: replace("Expires=3600", "Expires=99999999999999999999"), kind: sigv4.IncompleteSignature, text: "should be a number"},
		{name: "expiry twice", change: replace("X-Amz-Expires=3600", "X-Amz-Expires=3600&X-Amz-Expires=3600"), kind: sigv4.IncompleteSignature, text: "should be a number"},
		{name: "signature twice", change: func(r *sigv4.Request) { r.RawQuery += "&X-Amz-Signature=00" }, kind: sigv4.IncompleteSignature, text: "'X-Amz-Signature'. " + incomplete},
		{name: "credential twice", change: func(r *sigv4.Request) { r.RawQuery += "&X-Amz-Credential=00" }, kind: sigv4.IncompleteSignature, text: "'X-Amz-Credential'. " + incomplete},
		{name: "no signature", change: replace("X-Amz-Signature=", "x="), kind: sigv4.IncompleteSignature, text: "AWS query-string parameters must include 'X-Amz-Signature'. " + incomplete},
		{name: "only the name of the algorithm", change: func(r *sigv4.Request) { r.RawQuery = "X-Amz-Algorithm" }, kind: sigv4.IncompleteSignature,
			text: "AWS query-string parameters must include 'X-Amz-Algorithm'. AWS query-string parameters must include 'X-Amz-Credential'. " +
				"AWS query-string parameters must include 'X-Amz-Signature'. AWS query-string parameters must include 'X-Amz-SignedHeaders'. " +
				"AWS query-string parameters must include 'X-Amz-Date'. " + incomplete},
		{name: "date as in a Date header", change: replace("X-Amz-Date=20150830T123600Z", "X-Amz-Date=Sun,%2030%20Aug%202015%2012:36:00%20GMT"), kind: sigv4.IncompleteSignature, text: "ISO-8601"},
		{name: "algorithm", change: replace("HMAC-SHA256", "HMAC-SHA1"), kind: sigv4.IncompleteSignature, text: "Unsupported"},
		{name: "another signed header", change: replace("SignedHeaders=host", "SignedHeaders=host%3Borigin"), kind: sigv4.InvalidSignature, text: noMatch},
		{name: "no signed host", change: replace("SignedHeaders=host", "SignedHeaders=origin"), kind: sigv4.InvalidSignature, text: "'Host' or"},
		{name: "line break in signed headers", change: replace("SignedHeaders=host", "SignedHeaders=host%3Bx%0Ay"), kind: sigv4.InvalidSignature, text: noMatch},
		{name: "parameter added", change: func(r *sigv4.Request) { r.RawQuery += "&admin=1" }, kind: sigv4.InvalidSignature, text: noMatch},
		{name: "parameter changed", change: replace("room=a%2Bb", "room=a+b"), kind: sigv4.InvalidSignature, text: noMatch},
		{name: "session token", change: func(r *sigv4.Request) { r.RawQuery += "&X-Amz-Security-Token=t" }, kind: sigv4.UnrecognizedClient},
		{name: "session token in a header", change: func(r *sigv4.Request) { add(r, "X-Amz-Security-Token", "t") }, kind: sigv4.UnrecognizedClient},
		{name: "operation in a header", change: func(r *sigv4.Request) { add(r, "X-Amz-Target", "t") }, kind: sigv4.InvalidSignature, text: "'X-Amz-Target' must"},
		{name: "Authorization as well", change: func(r *sigv4.Request) { add(r, "Authorization", "Bearer x") }, kind: sigv4.InvalidSignature, text: "Found both"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := sigv4.Request{Method: "GET", Path: "/prod/", RawQuery: "room=a%2Bb", Host: "abc.execute-api.localhost:4566", Headers: sockgate.Headers{{Name: "Upgrade", Value: "websocket"}}}
			r.RawQuery = sigv4.Presign(&r, sha256.Sum256(nil), creds, executor, signedAt, time.Hour)
			if test.change != nil {
				test.change(&r)
			}
			got, err := verifier(signedAt.Add(test.late)).Verify(&r, sha256.Sum256(nil), "execute-api")
			if test.kind != "" {
				refused(t, err, test.kind, test.text)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !got.Presigned || got.Principal != principal || sigv4.Service(&r) != "execute-api" {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// A session token is escaped whole in a presigned URL ("+" and "/" are common in them) and refused, as this key has none.
func TestPresignSessionToken(t *testing.T) {
	r := sigv4.Request{Method: "GET", Path: "/", Host: "h"}
	c := creds
	c.SessionToken = "a+b/c%20=="
	r.RawQuery = sigv4.Presign(&r, sha256.Sum256(nil), c, executor, signedAt, time.Minute)
	if want := "&X-Amz-Security-Token=a%2Bb%2Fc%2520%3D%3D&"; !strings.Contains(r.RawQuery, want) {
		t.Errorf("%s lacks %s", r.RawQuery, want)
	}
	_, err := verifier(signedAt).Verify(&r, sha256.Sum256(nil))
	refused(t, err, sigv4.UnrecognizedClient, "The security token included in the request is invalid.")
}

func TestService(t *testing.T) {
	for authorization, want := range map[string]string{
		"": "", "Bearer x": "", "AWS4-HMAC-SHA256 Credential=a/b/c, SignedHeaders=host, Signature=0": "",
		"AWS4-HMAC-SHA256 Credential=a/b/c/dynamodb/e, SignedHeaders=host, Signature=0": "dynamodb",
	} {
		r := sigv4.Request{Headers: sockgate.Headers{{Name: "authorization", Value: authorization}, {Name: "Date", Value: "x"}}}
		if got := sigv4.Service(&r); got != want {
			t.Errorf("%q: got %q, want %q", authorization, got, want)
		}
	}
}

// Helpers of other tests rely on this constant being the hash of message's body.
func TestHelloHash(t *testing.T) {
	_, body := message()
	sum := sha256.Sum256(body)
	if hex.EncodeToString(sum[:]) != helloHash {
		t.Error(hex.EncodeToString(sum[:]))
	}
}
