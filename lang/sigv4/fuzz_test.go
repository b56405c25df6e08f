package sigv4_test

import (
	"crypto/sha256"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/sockgate/sockgate/lang/sigv4"
)

// Whatever stands in the header, a request is accepted only with the signature that the secret makes for it.
func FuzzAuthorization(f *testing.F) {
	good, body := message()
	authorization := good.Headers.Get("Authorization")
	_, signature, _ := strings.Cut(authorization, "Signature=")
	f.Add(authorization, "20150830T123600Z")
	f.Add("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/execute-api/aws4_request,SignedHeaders=host,Signature="+strings.Repeat("0", 64), "20150830T123600Z")
	f.Add("AWS4-HMAC-SHA256 SignedHeaders=host;;;=, Signature==, Credential=////", "Sun, 30 Aug 2015 12:36:00 GMT")
	f.Add("Bearer ,,, =", "20150830T123600.1Z")
	v := verifier(signedAt)
	f.Fuzz(func(t *testing.T, authorization, date string) {
		r := good
		r.Headers = append(r.Headers[:0:0], r.Headers...)
		set(&r, "Authorization", authorization)
		set(&r, "X-Amz-Date", date)
		sigv4.Service(&r)
		if _, err := v.Verify(&r, sha256.Sum256(body), "execute-api"); err == nil {
			if !strings.Contains(authorization, signature) || strings.Trim(date, " \t") != "20150830T123600Z" {
				t.Errorf("accepted %q at %q", authorization, date)
			}
		}
	})
}

// Whatever is changed about a signed request, it is accepted only while it still means the same.
func FuzzVerify(f *testing.F) {
	good, body := message()
	meaning, err := url.ParseQuery(good.RawQuery)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good.Method, good.Path, good.RawQuery, good.Host, "application/json", body)
	f.Add("GET", "/a/./b//../c/", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a/b/c/d/e&X-Amz-Date=20150830T123600Z&X-Amz-SignedHeaders=host&X-Amz-Signature=0", "", "", []byte(nil))
	f.Add("POST\n", "prod", "%&%2&%zz=+&a=%e4", " h", "\t a  b\t\tc ", []byte("x"))
	v := verifier(signedAt)
	f.Fuzz(func(t *testing.T, method, path, query, host, contentType string, sent []byte) {
		r := good
		r.Headers = append(r.Headers[:0:0], r.Headers...)
		r.Method, r.Path, r.RawQuery, r.Host = method, path, query, host
		set(&r, "Content-Type", contentType)
		unsigned := r
		unsigned.Headers = nil
		if _, err := v.Verify(&unsigned, sha256.Sum256(sent)); err == nil {
			t.Fatalf("accepted without a header: %+v", unsigned)
		}
		if _, err := v.Verify(&r, sha256.Sum256(sent), "execute-api"); err != nil {
			return
		}
		values, err := url.ParseQuery(query)
		clean := strings.Join(strings.FieldsFunc(strings.ReplaceAll(path, "/./", "/"), func(c rune) bool { return c == '/' }), "/")
		if method != good.Method || "/"+clean != good.Path || err != nil || !reflect.DeepEqual(values, meaning) ||
			strings.Trim(host, " \t") != good.Host || strings.Trim(contentType, " \t") != "application/json" || string(sent) != string(body) {
			t.Errorf("accepted %+v with body %q", r, sent)
		}
	})
}
