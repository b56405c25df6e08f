package sigv4

import (
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sockgate/sockgate"
)

// Credentials are what a client signs with.
type Credentials struct {
	AccessKeyID  string
	Secret       string
	SessionToken string // "" for a long-term key
}

// Scope is what a client signs for.
type Scope struct {
	Region, Service string
}

// Sign returns the headers to add to r: X-Amz-Date, X-Amz-Security-Token if there is a session token, and Authorization.
// It signs the host, the added headers and those of r that are called Content-Type or X-Amz-*; r must have none of the added
// ones yet. body is the SHA-256 of the whole body.
func Sign(r *Request, body [32]byte, c Credentials, s Scope, at time.Time) sockgate.Headers {
	signed := *r
	added := sockgate.Headers{{Name: "X-Amz-Date", Value: at.UTC().Format(isoBasic)}}
	if c.SessionToken != "" {
		added = append(added, sockgate.Header{Name: "X-Amz-Security-Token", Value: c.SessionToken})
	}
	signed.Headers = append(slices.Clone(r.Headers), added...)
	names := signedNames(signed.Headers)
	signature, full := sign(&signed, body, c, s, at, parseQuery(r.RawQuery, nil), names)
	return append(added, sockgate.Header{Name: "Authorization", Value: algorithm + " Credential=" + c.AccessKeyID + "/" + full +
		", SignedHeaders=" + names + ", Signature=" + signature})
}

// Presign returns the raw query that makes r a URL which anybody may use for as long as expires says, 1 second to 7 days.
// Only the host is signed of the headers, so that a browser can use it.
func Presign(r *Request, body [32]byte, c Credentials, s Scope, at time.Time, expires time.Duration) string {
	full := string(appendScope(nil, dated(s, at)))
	raw := r.RawQuery
	add := func(name, value string) {
		if raw != "" {
			raw += "&"
		}
		b := []byte(raw + name + "=")
		for i := range len(value) {
			b = appendEscaped(b, value[i])
		}
		raw = string(b)
	}
	add("X-Amz-Algorithm", algorithm)
	add("X-Amz-Credential", c.AccessKeyID+"/"+full)
	add("X-Amz-Date", at.UTC().Format(isoBasic))
	add("X-Amz-Expires", strconv.FormatInt(int64(expires/time.Second), 10))
	if c.SessionToken != "" {
		add("X-Amz-Security-Token", c.SessionToken)
	}
	add("X-Amz-SignedHeaders", "host")
	signature, _ := sign(r, body, c, s, at, parseQuery(raw, nil), "host")
	return raw + "&X-Amz-Signature=" + signature
}

func dated(s Scope, at time.Time) scope { return scope{at.UTC().Format(day), s.Region, s.Service} }

// sign returns a signature in hex and the credential scope for which it is made.
func sign(r *Request, body [32]byte, c Credentials, s Scope, at time.Time, query []param, names string) (signature, full string) {
	sc := dated(s, at)
	canonical, _ := appendCanonical(nil, r, r.Path, query, names, &body)
	toSign := appendStringToSign(nil, at.UTC().Format(isoBasic), sc, canonical)
	key := signingKey(c.Secret, sc)
	return hex.EncodeToString(mac(nil, key[:], toSign)), string(appendScope(nil, sc))
}

func signedNames(headers sockgate.Headers) string {
	names := []string{"host"}
	for _, h := range headers {
		if name := strings.ToLower(h.Name); name == "content-type" || strings.HasPrefix(name, "x-amz-") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ";")
}
