package sigv4_test

import (
	"context"
	"crypto/sha256"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/sigv4"
)

// sent is a signed request on its way.
type sent struct {
	sigv4.Request
	body string
}

const suiteToken = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"

// sdkSigned is a push to a client as the AWS SDK signs it, with a session token or without.
func sdkSigned(t *testing.T, token string) sent {
	body := `{"action":"hello"}`
	r, err := http.NewRequest("POST", "https://abc.execute-api.us-east-1.amazonaws.com/prod/%40connections/JKH2_fU2IAMCE8g%3D?b=two%20words&a=1", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Amz-Meta", "one two")
	r.Header.Set("X-Amz-Content-Sha256", hash([]byte(body)))
	c := aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret, SessionToken: token}
	if err := v4.NewSigner().SignHTTP(context.Background(), c, r, hash([]byte(body)), "execute-api", "us-east-1", signedAt); err != nil {
		t.Fatal(err)
	}
	return sent{sigv4.FromHTTP(r), body}
}

// sdkPresigned is a connection's URL as the AWS SDK presigns it, good for an hour.
func sdkPresigned(t *testing.T, token string) sent {
	r, err := http.NewRequest("GET", "https://abc.execute-api.us-east-1.amazonaws.com/prod?room=a%2Bb&X-Amz-Expires=3600", nil)
	if err != nil {
		t.Fatal(err)
	}
	c := aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret, SessionToken: token}
	url, _, err := v4.NewSigner().PresignHTTP(context.Background(), c, r, hash(nil), "execute-api", "us-east-1", signedAt)
	if err != nil {
		t.Fatal(err)
	}
	if r, err = http.NewRequest("GET", url, nil); err != nil {
		t.Fatal(err)
	}
	return sent{Request: sigv4.FromHTTP(r)}
}

// Each case is a request that the AWS SDK signed and that is accepted, with one thing changed on the way, which is not.
func TestRefusesTamperedSDKRequests(t *testing.T) {
	type change = func(*sent)
	on := func(f func(*sigv4.Request)) change { return func(s *sent) { f(&s.Request) } }
	query := func(from, to string) change {
		return func(s *sent) { s.RawQuery = strings.Replace(s.RawQuery, from, to, 1) }
	}
	inQuery := func(text string) change { return func(s *sent) { s.RawQuery += text } }
	path := func(from, to string) change {
		return func(s *sent) { s.Path = strings.Replace(s.Path, from, to, 1) }
	}
	header := func(name, value string) change { return func(s *sent) { set(&s.Request, name, value) } }
	extra := func(name, value string) change { return func(s *sent) { add(&s.Request, name, value) } }
	without := func(name string) change { return func(s *sent) { remove(&s.Request, name) } }
	method := func(m string) change { return func(s *sent) { s.Method = m } }
	host := func(h string) change { return func(s *sent) { s.Host = h } }
	flip := func(text string) string { // another hex digit in place of the first
		return string("0123456789abcdef"[(strings.IndexByte("0123456789abcdef", text[0])+1)%16]) + text[1:]
	}
	originals := []struct {
		name    string
		make    func(*testing.T) sent
		changes map[string]change
	}{
		{"signed", func(t *testing.T) sent { return sdkSigned(t, "") }, map[string]change{
			"method":                   method("DELETE"),
			"method in lower case":     method("post"),
			"stage":                    path("/prod/", "/dev/"),
			"connection":               path("8g%3D", "9g%3D"),
			"escape in the path":       path("%40", "@"),
			"escape of a slash":        path("/prod/", "/prod%2F"),
			"path longer":              func(s *sent) { s.Path += "/" },
			"path shorter":             path("%3D", ""),
			"dots in the path":         path("/prod/", "/dev/../prod/"),
			"parameter's value":        query("a=1", "a=2"),
			"parameter's name":         query("a=1", "A=1"),
			"parameter added":          inQuery("&c=1"),
			"parameter doubled":        inQuery("&a=1"),
			"parameter removed":        query("a=1", ""),
			"query removed":            func(s *sent) { s.RawQuery = "" },
			"blank in a parameter":     query("%20", "%2520"),
			"host":                     host("abd.execute-api.us-east-1.amazonaws.com"),
			"host with a port":         host("abc.execute-api.us-east-1.amazonaws.com:8443"),
			"host in upper case":       host("ABC.execute-api.us-east-1.amazonaws.com"),
			"body":                     func(s *sent) { s.body = `{"action":"hellO"}` },
			"body longer":              func(s *sent) { s.body += " " },
			"body gone":                func(s *sent) { s.body = "" },
			"body and its hash":        func(s *sent) { s.body = "x"; set(&s.Request, "X-Amz-Content-Sha256", hash([]byte("x"))) },
			"hash of the body":         header("X-Amz-Content-Sha256", hash(nil)),
			"body said to be unsigned": header("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"),
			"hash of the body gone":    without("X-Amz-Content-Sha256"),
			"type":                     header("Content-Type", "text/plain"),
			"type gone":                without("Content-Type"),
			"type twice":               extra("content-type", "application/json"),
			"header's value":           header("X-Amz-Meta", "one  three"),
			"header's case":            header("X-Amz-Meta", "One two"),
			"header gone":              without("X-Amz-Meta"),
			"date":                     header("X-Amz-Date", "20150830T123601Z"),
			"date gone":                without("X-Amz-Date"),
			"date long ago":            header("X-Amz-Date", "20150829T123600Z"),
			"date twice":               extra("X-Amz-Date", "20150830T123600Z"),
			"target added":             extra("X-Amz-Target", "DynamoDB_20120810.DeleteTable"),
			"token added":              extra("X-Amz-Security-Token", "of somebody else"),
			"signature":                on(func(r *sigv4.Request) { change := cutSignature(r); set(r, "Authorization", change[0]+flip(change[1])) }),
			"signature shorter":        on(func(r *sigv4.Request) { change := cutSignature(r); set(r, "Authorization", change[0]+change[1][:63]) }),
			"signature in upper case": on(func(r *sigv4.Request) {
				change := cutSignature(r)
				set(r, "Authorization", change[0]+strings.ToUpper(change[1]))
			}),
			"signature gone":              on(func(r *sigv4.Request) { set(r, "Authorization", cutSignature(r)[0]) }),
			"Authorization gone":          without("Authorization"),
			"Authorization twice":         func(s *sent) { add(&s.Request, "Authorization", s.Headers.Get("Authorization")) },
			"another key":                 on(authorization("AKIDEXAMPLE", "AKIDOTHER")),
			"unknown key":                 on(authorization("AKIDEXAMPLE", "AKIDNOBODY")),
			"day of the scope":            on(authorization("/20150830/", "/20150831/")),
			"region of the scope":         on(authorization("/us-east-1/", "/eu-west-1/")),
			"service of the scope":        on(authorization("/execute-api/", "/lambda/")),
			"end of the scope":            on(authorization("aws4_request", "aws4_requesT")),
			"algorithm":                   on(authorization("SHA256", "SHA512")),
			"host not among the signed":   on(authorization("host;", "")),
			"header not among the signed": on(authorization(";x-amz-meta", "")),
			"one more among the signed":   on(authorization("x-amz-meta", "x-amz-meta;x-z")),
		}},
		{"signed in a session", func(t *testing.T) sent { return sdkSigned(t, suiteToken) }, map[string]change{
			"token":                      header("X-Amz-Security-Token", "7e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"),
			"another good token":         header("X-Amz-Security-Token", "AQoDYXdzEPT//////////wEXAMPLE"),
			"token gone":                 without("X-Amz-Security-Token"),
			"token twice":                extra("X-Amz-Security-Token", suiteToken),
			"another token in the query": inQuery("&X-Amz-Security-Token=AQoDYXdzEPT//////////wEXAMPLE"),
			"token not among the signed": on(authorization(";x-amz-security-token", "")),
			"key":                        on(authorization("AKIDEXAMPLE", "AKIDOTHER")),
		}},
		{"presigned", func(t *testing.T) sent { return sdkPresigned(t, "") }, map[string]change{
			"method":                   method("POST"),
			"stage":                    path("/prod", "/dev"),
			"slash behind the stage":   path("/prod", "/prod/"),
			"host":                     host("abd.execute-api.us-east-1.amazonaws.com"),
			"parameter":                query("room=a%2Bb", "room=a"),
			"plus for an escaped plus": query("room=a%2Bb", "room=a+b"),
			"parameter added":          inQuery("&admin=1"),
			"parameter removed":        query("room=a%2Bb", ""),
			"longer":                   query("X-Amz-Expires=3600", "X-Amz-Expires=7200"),
			"for ever":                 query("X-Amz-Expires=3600", ""),
			"later":                    query("X-Amz-Date=20150830T123600Z", "X-Amz-Date=20150830T123700Z"),
			"signature": func(s *sent) {
				head, sig, _ := strings.Cut(s.RawQuery, "X-Amz-Signature=")
				s.RawQuery = head + "X-Amz-Signature=" + flip(sig)
			},
			"signature twice":   inQuery("&X-Amz-Signature=00"),
			"key":               query("AKIDEXAMPLE", "AKIDOTHER"),
			"region":            query("us-east-1", "eu-west-1"),
			"service":           query("execute-api", "lambda"),
			"algorithm":         query("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"),
			"signed headers":    query("SignedHeaders=host", "SignedHeaders=host%3Borigin"),
			"body":              func(s *sent) { s.body = "x" },
			"unsigned body":     inQuery("&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD"),
			"header as well":    extra("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/execute-api/aws4_request, SignedHeaders=host, Signature=00"),
			"token in a header": extra("X-Amz-Security-Token", "of somebody else"),
		}},
		{"presigned in a session", func(t *testing.T) sent { return sdkPresigned(t, suiteToken) }, map[string]change{
			"token":      query("Token=6e", "Token=7e"),
			"token gone": query("X-Amz-Security-Token="+suiteToken+"&", ""),
			"longer":     query("X-Amz-Expires=3600", "X-Amz-Expires=36000"),
		}},
	}
	v := sigv4.New(suiteKeys{keys}, sigv4.Options{Region: "us-east-1", Clock: func() time.Time { return signedAt.Add(time.Minute) }})
	n := 0
	for _, o := range originals {
		for name, change := range o.changes {
			n++
			t.Run(o.name+"/"+name, func(t *testing.T) {
				s := o.make(t)
				if _, err := v.Verify(&s.Request, sha256.Sum256([]byte(s.body)), "execute-api"); err != nil {
					t.Fatalf("the original is refused: %v", err)
				}
				before := s
				before.Headers = slices.Clone(s.Headers)
				change(&s)
				if reflect.DeepEqual(before, s) {
					t.Fatal("nothing was changed")
				}
				got, err := v.Verify(&s.Request, sha256.Sum256([]byte(s.body)), "execute-api")
				if err == nil {
					t.Fatalf("accepted %+v\nas %+v", s, got)
				}
				if sockgate.KindOf(err) != sockgate.Forbidden {
					t.Errorf("kind %v: %v", sockgate.KindOf(err), err)
				}
			})
		}
	}
	if n < 80 {
		t.Errorf("only %d changes", n)
	}
}

// cutSignature cuts the Authorization header before the signature's digits.
func cutSignature(r *sigv4.Request) [2]string {
	a := r.Headers.Get("Authorization")
	at := strings.Index(a, "Signature=") + len("Signature=")
	return [2]string{a[:at], a[at:]}
}
