package authorize_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/authorize"
)

// issuer is an identity provider.
type issuer struct {
	*httptest.Server
	mu      sync.Mutex
	keys    []map[string]string
	config  func(url string) string // nil: an honest one
	broken  bool
	fetches int
}

func newIssuer(t *testing.T) *issuer {
	i := &issuer{}
	i.Server = httptest.NewServer(http.HandlerFunc(i.serve))
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) serve(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case i.broken:
		http.Error(w, "broken", 500)
	case r.URL.Path == "/.well-known/openid-configuration":
		doc := fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, i.URL, i.URL+"/keys")
		if i.config != nil {
			doc = i.config(i.URL)
		}
		fmt.Fprint(w, doc)
	case r.URL.Path == "/keys":
		i.fetches++
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": i.keys})
	default:
		http.Redirect(w, r, "/keys", http.StatusFound)
	}
}

func (i *issuer) set(f func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	f()
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// signer is a private key: its public half as the issuer publishes it, and how it signs.
type signer struct {
	id, alg string
	jwk     map[string]string
	sign    func(text string) []byte
}

func newSigner(t testing.TB, id, alg string) *signer {
	t.Helper()
	s := &signer{id: id, alg: alg}
	switch alg {
	case "RS256":
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		s.jwk = map[string]string{"kty": "RSA", "kid": id, "use": "sig", "alg": alg, "n": b64(k.N.Bytes()), "e": b64(big.NewInt(int64(k.E)).Bytes())}
		s.sign = func(text string) []byte {
			h := sha256.Sum256([]byte(text))
			sig, err := rsa.SignPKCS1v15(nil, k, crypto.SHA256, h[:])
			if err != nil {
				t.Fatal(err)
			}
			return sig
		}
	case "ES256":
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		point, err := k.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		s.jwk = map[string]string{"kty": "EC", "crv": "P-256", "kid": id, "x": b64(point[1:33]), "y": b64(point[33:])}
		s.sign = func(text string) []byte {
			h := sha256.Sum256([]byte(text))
			r, v, err := ecdsa.Sign(rand.Reader, k, h[:])
			if err != nil {
				t.Fatal(err)
			}
			return append(r.FillBytes(make([]byte, 32)), v.FillBytes(make([]byte, 32))...)
		}
	case "EdDSA":
		pub, k, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		s.jwk = map[string]string{"kty": "OKP", "crv": "Ed25519", "kid": id, "alg": alg, "x": b64(pub)}
		s.sign = func(text string) []byte { return ed25519.Sign(k, []byte(text)) }
	}
	return s
}

// token signs claims. header replaces the usual header when it is not empty.
func (s *signer) token(claims map[string]any, header string) string {
	if header == "" {
		header = fmt.Sprintf(`{"alg":%q,"kid":%q,"typ":"JWT"}`, s.alg, s.id)
	}
	body, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	text := b64([]byte(header)) + "." + b64(body)
	return text + "." + b64(s.sign(text))
}

var now = time.Unix(1700000000, 0)

// claims are good ones, with some replaced; nil leaves one out.
func (i *issuer) claims(changes map[string]any) map[string]any {
	c := map[string]any{"iss": i.URL, "aud": "chat", "sub": "ann", "exp": now.Unix() + 3600, "iat": now.Unix() - 10}
	maps.Copy(c, changes)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

func (i *issuer) authorizer(t *testing.T, source string) *authorize.Authorizer {
	return compile(t, sockgate.Authorizer{Type: "JWT", JWTIssuer: i.URL, JWTAudience: []string{"other", "chat"}, IdentitySource: []string{source}}, nil)
}

func bearing(value string) *sockgate.Event {
	ev := handshake()
	ev.Time = now
	ev.Headers = append(ev.Headers, sockgate.Header{Name: "Authorization", Value: value})
	return ev
}

func checkerAt(clock func() time.Time) *authorize.Checker {
	return authorize.New(authorize.Config{Tokens: authorize.NewTokens(authorize.TokensConfig{Clock: clock}), Clock: clock})
}

func TestTokens(t *testing.T) {
	i := newIssuer(t)
	rs, es, ed, stranger := newSigner(t, "rs", "RS256"), newSigner(t, "es", "ES256"), newSigner(t, "ed", "EdDSA"), newSigner(t, "es", "ES256")
	i.keys = []map[string]string{rs.jwk, es.jwk, ed.jwk,
		{"kty": "RSA", "kid": "small", "n": b64([]byte{0xff, 1}), "e": "AQAB"}, {"kty": "EC", "crv": "P-256", "kid": "off", "x": b64(make([]byte, 32)), "y": b64(make([]byte, 32))},
		{"kty": "oct", "kid": "shared", "k": "c2VjcmV0"}}
	hs := func() string { // the classic: a public key as the secret of an HMAC
		text := b64([]byte(`{"alg":"HS256","kid":"rs"}`)) + "." + b64([]byte(fmt.Sprintf(`{"iss":%q,"aud":"chat","exp":9999999999}`, i.URL)))
		mac := hmac.New(sha256.New, []byte(rs.jwk["n"]))
		mac.Write([]byte(text))
		return text + "." + b64(mac.Sum(nil))
	}
	none := func(alg string) string {
		return b64([]byte(`{"alg":"`+alg+`","kid":"rs"}`)) + "." + b64([]byte(fmt.Sprintf(`{"iss":%q,"aud":"chat","exp":9999999999}`, i.URL))) + "."
	}
	good := es.token(i.claims(nil), "")
	for _, tt := range []struct {
		name, token string
		why         string // empty: let in
	}{
		{"RS256", rs.token(i.claims(nil), ""), ""},
		{"ES256", good, ""},
		{"EdDSA", ed.token(i.claims(nil), ""), ""},
		{"with its scheme", "Bearer " + good, ""},
		{"with its scheme in another case", "bearer  " + good, ""},
		{"several audiences", es.token(i.claims(map[string]any{"aud": []string{"x", "chat"}}), ""), ""},
		{"client id", es.token(i.claims(map[string]any{"aud": nil, "client_id": "other"}), ""), ""},
		{"expired a moment ago", es.token(i.claims(map[string]any{"exp": now.Unix() - 59}), ""), ""},
		{"issued by a clock that is ahead", es.token(i.claims(map[string]any{"iat": now.Unix() + 60}), ""), ""},

		{"no token", "", "identity source"},
		{"a word", "hello", "three parts"},
		{"two parts", "a.b", "three parts"},
		{"not base64", "!.!.!", "base64url"},
		{"padded", good + "=", "signature is not base64url"},
		{"four parts", good + ".x", "base64url"},
		{"header that is a list", b64([]byte("[]")) + ".e30.x", "not a JSON object"},
		{"too long", strings.Repeat("x", 8193), "8193 bytes"},
		{"expired", es.token(i.claims(map[string]any{"exp": now.Unix() - 60}), ""), "expired"},
		{"never expires", es.token(i.claims(map[string]any{"exp": nil}), ""), "expired"},
		{"expires on a word", es.token(i.claims(map[string]any{"exp": "9999999999"}), ""), "expired"},
		{"expires in the far past", es.token(i.claims(map[string]any{"exp": -1e300}), ""), "expired"},
		{"not valid yet", es.token(i.claims(map[string]any{"nbf": now.Unix() + 61}), ""), "nbf is in the future"},
		{"issued in the future", es.token(i.claims(map[string]any{"iat": now.Unix() + 61}), ""), "iat is in the future"},
		{"another issuer", es.token(i.claims(map[string]any{"iss": i.URL + "/"}), ""), "issuer"},
		{"no issuer", es.token(i.claims(map[string]any{"iss": nil}), ""), "issuer"},
		{"another audience", es.token(i.claims(map[string]any{"aud": "chats"}), ""), "audience"},
		{"an audience that hides behind a client id", es.token(i.claims(map[string]any{"aud": "x", "client_id": "chat"}), ""), "audience"},
		{"no audience", es.token(i.claims(map[string]any{"aud": nil}), ""), "audience"},
		{"another's key", stranger.token(i.claims(nil), ""), "not by the issuer's key"},
		{"unknown key", es.token(i.claims(nil), `{"alg":"ES256","kid":"zz"}`), "no key"},
		{"no key named among several", es.token(i.claims(nil), `{"alg":"ES256"}`), "no key"},
		{"key of another algorithm", es.token(i.claims(nil), `{"alg":"ES256","kid":"rs"}`), "not by the issuer's key"},
		{"another algorithm", rs.token(i.claims(nil), `{"alg":"RS512","kid":"rs"}`), "not by the issuer's key"},
		{"HMAC with the public key", hs(), "not by the issuer's key"},
		{"key that is a secret", es.token(i.claims(nil), `{"alg":"HS256","kid":"shared"}`), "no key"},
		{"small key", es.token(i.claims(nil), `{"alg":"RS256","kid":"small"}`), "no key"},
		{"point off the curve", es.token(i.claims(nil), `{"alg":"ES256","kid":"off"}`), "no key"},
		{"none", none("none"), "not by the issuer's key"},
		{"None", none("None"), "not by the issuer's key"},
		{"no algorithm", none(""), "not by the issuer's key"},
		{"critical extension", es.token(i.claims(nil), `{"alg":"ES256","kid":"es","crit":["b64"],"b64":false}`), "critical"},
		{"changed claims", strings.Replace(good, ".", "."+b64([]byte(`{"a":`)), 1), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			who, err := checkerAt(func() time.Time { return now }).Check(t.Context(), i.authorizer(t, "route.request.header.Authorization"), bearing(tt.token))
			if tt.name == "changed claims" {
				if err == nil {
					t.Error("let in")
				}
				return
			}
			if tt.why == "" {
				if err != nil || who.PrincipalID != "ann" {
					t.Errorf("%+v, %v", who, err)
				}
				return
			}
			refusal, ok := errors.AsType[*authorize.Refusal](err)
			if !ok || refusal.Outcome != authorize.Unauthorized || !strings.Contains(err.Error(), tt.why) {
				t.Errorf("%v, want Unauthorized with %q", err, tt.why)
			}
		})
	}
}

func TestWhereTokensStand(t *testing.T) {
	i := newIssuer(t)
	ed := newSigner(t, "ed", "EdDSA")
	i.keys = []map[string]string{ed.jwk}
	token := ed.token(i.claims(map[string]any{"n": 1, "list": []any{"a", 2}, "o": map[string]int{"x": 1}, "b": true, "gone": nil}), `{"alg":"EdDSA"}`)
	for _, tt := range []struct {
		source string
		ev     func(*sockgate.Event)
	}{
		{"route.request.header.Authorization", func(ev *sockgate.Event) {
			ev.Headers = sockgate.Headers{{Name: "authorization", Value: "Bearer " + token}}
		}},
		{"route.request.querystring.token", func(ev *sockgate.Event) { ev.Query = []sockgate.Header{{Name: "token", Value: token}} }},
		{"route.request.header.Sec-WebSocket-Protocol", func(ev *sockgate.Event) {
			ev.Headers = sockgate.Headers{{Name: "Sec-WebSocket-Protocol", Value: "chat, " + token}}
		}},
	} {
		ev := handshake()
		ev.Time = now
		tt.ev(ev)
		who, err := checkerAt(func() time.Time { return now }).Check(t.Context(), i.authorizer(t, tt.source), ev)
		if err != nil {
			t.Errorf("%s: %v", tt.source, err)
			continue
		}
		want := map[string]string{"iss": i.URL, "aud": "chat", "sub": "ann", "exp": "1700003600", "iat": "1699999990",
			"n": "1", "list": "[a 2]", "o": `{"x":1}`, "b": "true"}
		if diff := cmp.Diff(want, who.Context); diff != "" {
			t.Errorf("%s: -want +got:\n%s", tt.source, diff)
		}
	}
}

func TestKeysAreRememberedAndRotate(t *testing.T) {
	i := newIssuer(t)
	old, next := newSigner(t, "old", "EdDSA"), newSigner(t, "next", "EdDSA")
	i.keys = []map[string]string{old.jwk}
	at := now
	checker, a := checkerAt(func() time.Time { return at }), i.authorizer(t, "route.request.header.Authorization")
	come := func(s *signer) error {
		ev := bearing(s.token(i.claims(map[string]any{"exp": at.Unix() + 60}), ""))
		ev.Time = at
		_, err := checker.Check(t.Context(), a, ev)
		return err
	}
	wants := func(what string, s *signer, in bool, fetches int) {
		t.Helper()
		if err := come(s); (err == nil) != in {
			t.Errorf("%s: %v", what, err)
		}
		if i.set(func() {}); i.fetches != fetches {
			t.Errorf("%s: %d fetches, want %d", what, i.fetches, fetches)
		}
	}
	wants("first", old, true, 1)
	wants("second", old, true, 1)
	wants("an unknown key right after a fetch", next, false, 1)
	i.set(func() { i.keys = []map[string]string{next.jwk, old.jwk} })
	at = at.Add(time.Minute)
	wants("rotated", next, true, 2)
	wants("the old key still", old, true, 2)
	i.set(func() { i.broken = true })
	at = at.Add(time.Hour)
	wants("an issuer that is down", next, true, 2)
	at = at.Add(time.Hour)
	wants("an issuer that stays down", next, false, 2)
	i.set(func() { i.broken = false; i.keys = []map[string]string{next.jwk} })
	at = at.Add(time.Minute)
	wants("an issuer that is back", next, true, 3)
	wants("a key that was withdrawn", old, false, 3)

	// Strangers who name keys that are not there do not make us ask for each, and a key is known soon after it is.
	for range 600 {
		at = at.Add(100 * time.Millisecond)
		_ = come(old)
	}
	i.set(func() {
		if asked := i.fetches - 3; asked < 3 || asked > 7 {
			t.Errorf("%d fetches in a minute of unknown keys", asked)
		}
		i.fetches = 0
	})
	at = at.Add(time.Minute)
	i.set(func() { i.keys = []map[string]string{next.jwk, old.jwk} })
	wants("a new key", old, true, 1)
	third := newSigner(t, "third", "EdDSA")
	i.set(func() { i.keys = []map[string]string{third.jwk} })
	at = at.Add(time.Second)
	wants("the next one, a second later", third, true, 2)
}

func TestIssuersThatAreNotBelieved(t *testing.T) {
	for _, tt := range []struct{ name, config, why string }{
		{"another's configuration", `{"issuer":"https://other.example","jwks_uri":"%s/keys"}`, "issuer"},
		{"no keys", `{"issuer":"%[1]s"}`, "jwks_uri"},
		{"keys in a file", `{"issuer":"%[1]s","jwks_uri":"file:///etc/passwd"}`, "jwks_uri"},
		{"keys elsewhere", `{"issuer":"%[1]s","jwks_uri":"%[1]s/moved"}`, "redirect"},
		{"keys at a link-local address", `{"issuer":"%[1]s","jwks_uri":"http://169.254.169.254/keys"}`, "refused"},
		{"not JSON", `<html>%s`, "issuer"},
		{"without end", `{"issuer":"%[1]s","x":"` + strings.Repeat("x", 256<<10) + `"}`, "over"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			i := newIssuer(t)
			ed := newSigner(t, "ed", "EdDSA")
			i.keys, i.config = []map[string]string{ed.jwk}, func(url string) string { return fmt.Sprintf(tt.config, url) }
			_, err := checkerAt(func() time.Time { return now }).Check(t.Context(), i.authorizer(t, "route.request.header.Authorization"), bearing(ed.token(i.claims(nil), "")))
			refusal, ok := errors.AsType[*authorize.Refusal](err)
			if !ok || refusal.Outcome != authorize.Failed || !strings.Contains(err.Error(), tt.why) {
				t.Errorf("%v, want Failed with %q", err, tt.why)
			}
		})
	}
}

func TestTokensAreOffUnlessTurnedOn(t *testing.T) {
	a := compile(t, sockgate.Authorizer{Type: "JWT", JWTIssuer: "https://i.example", JWTAudience: []string{"a"}, IdentitySource: []string{"route.request.header.Auth"}}, nil)
	_, err := authorize.New(authorize.Config{Clock: time.Now}).Check(t.Context(), a, handshake())
	if refusal, ok := errors.AsType[*authorize.Refusal](err); !ok || refusal.Outcome != authorize.Misconfigured {
		t.Errorf("%v, want Misconfigured", err)
	}
	for _, bad := range []sockgate.Authorizer{
		{JWTIssuer: "i.example", JWTAudience: []string{"a"}, IdentitySource: []string{"route.request.header.Auth"}},
		{JWTIssuer: "https://u:p@i.example", JWTAudience: []string{"a"}, IdentitySource: []string{"route.request.header.Auth"}},
		{JWTIssuer: "https://i.example", IdentitySource: []string{"route.request.header.Auth"}},
		{JWTIssuer: "https://i.example", JWTAudience: []string{"a"}},
	} {
		bad.Type = "JWT"
		if _, err := authorize.Compile(&bad, authorize.Place{}); err == nil {
			t.Errorf("%+v compiles", bad)
		}
	}
}

func FuzzToken(f *testing.F) {
	f.Add("eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJ4In0.AA")
	f.Add("..")
	a, err := authorize.Compile(&sockgate.Authorizer{Type: "JWT", JWTIssuer: "http://127.0.0.1:1", JWTAudience: []string{"a"},
		IdentitySource: []string{"route.request.header.Authorization"}}, authorize.Place{})
	if err != nil {
		f.Fatal(err)
	}
	checker := checkerAt(func() time.Time { return now })
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := checker.Check(t.Context(), a, bearing(token)); err == nil {
			t.Errorf("let in with %q", token)
		}
	})
}
