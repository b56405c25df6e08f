package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
	isoBasic   = "20060102T150405Z" // the time of a signature, UTC
	day        = "20060102"         // the date of a credential scope
)

// unreserved are the bytes that SigV4 never escapes (RFC 3986, section 2.3).
func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}

const upperHex = "0123456789ABCDEF"

func appendEscaped(b []byte, c byte) []byte {
	if unreserved(c) {
		return append(b, c)
	}
	return append(b, '%', upperHex[c>>4], upperHex[c&15])
}

// appendPath appends the canonical URI: the path as it was sent with every segment escaped once more, so that "@connections"
// becomes "%40connections" and "%40connections" becomes "%2540connections". (S3 alone escapes once; it is not served here.)
func appendPath(b []byte, path string) []byte {
	if path == "" {
		return append(b, '/')
	}
	for i := range len(path) {
		if path[i] == '/' {
			b = append(b, '/')
		} else {
			b = appendEscaped(b, path[i])
		}
	}
	return b
}

// normalizedPath returns path without empty and "." segments, and whether that differs from path and may be verified instead.
//
// SigV4 asks clients to normalize the path that they sign, and to send what they like. The AWS SDKs for Python and JavaScript do
// normalize, the one for Go does not, so either form is accepted. Empty and "." segments change nothing about which resource is
// meant. A ".." does: whoever routes the request by the path as sent could be led to another resource than the one that was
// signed. A path with ".." is therefore verified only as it was sent.
func normalizedPath(path string) (string, bool) {
	if !strings.Contains(path, "//") && !strings.Contains(path, "/.") {
		return path, false
	}
	var b strings.Builder
	for segment := range strings.SplitSeq(path, "/") {
		switch segment {
		case "", ".":
		case "..":
			return path, false
		default:
			b.WriteByte('/')
			b.WriteString(segment)
		}
	}
	if strings.HasSuffix(path, "/") || strings.HasSuffix(path, "/.") {
		b.WriteByte('/')
	}
	return b.String(), b.String() != path
}

// param is one query parameter, name and value canonically escaped.
type param struct{ name, value string }

// parseQuery returns the parameters of a raw query in canonical order. Empty parts between two "&" are left out, and a
// parameter without "=" has the empty value. Not documented by AWS: "+" is a space, as in a form.
func parseQuery(raw string, params []param) []param {
	for raw != "" {
		var part string
		part, raw, _ = strings.Cut(raw, "&")
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		params = append(params, param{escapeQuery(name), escapeQuery(value)})
	}
	slices.SortFunc(params, func(a, b param) int {
		if c := strings.Compare(a.name, b.name); c != 0 {
			return c
		}
		return strings.Compare(a.value, b.value)
	})
	return params
}

// escapeQuery returns the canonical spelling of a query component, which is s itself when a careful client wrote it.
// A "%" that begins no escape stands for itself.
func escapeQuery(s string) string {
	i := 0
	for i < len(s) {
		if unreserved(s[i]) {
			i++
		} else if c, ok := escapedByte(s[i:]); ok && !unreserved(c) && !lowerHex(s[i+1]) && !lowerHex(s[i+2]) {
			i += 3
		} else {
			break
		}
	}
	if i == len(s) {
		return s
	}
	b := make([]byte, i, len(s)+16)
	copy(b, s)
	for ; i < len(s); i++ {
		c, escaped := escapedByte(s[i:])
		switch {
		case escaped:
			i += 2
		case s[i] == '+':
			c = ' '
		default:
			c = s[i]
		}
		b = appendEscaped(b, c)
	}
	return string(b)
}

// unescapeQuery is the inverse of escapeQuery.
func unescapeQuery(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if c, ok := escapedByte(s[i:]); ok {
			b, i = append(b, c), i+2
		} else {
			b = append(b, s[i])
		}
	}
	return string(b)
}

// escapedByte returns the byte for which the escape at the beginning of s stands, if there is one.
func escapedByte(s string) (byte, bool) {
	if len(s) < 3 || s[0] != '%' {
		return 0, false
	}
	hi, lo := hexDigit(s[1]), hexDigit(s[2])
	return hi<<4 | lo, hi < 16 && lo < 16
}

func hexDigit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	case lowerHex(c):
		return c - 'a' + 10
	}
	return 255
}

func lowerHex(c byte) bool { return 'a' <= c && c <= 'f' }

// appendCanonical appends the canonical request. It also reports whether the signed headers are all there and named as they
// must be (lower case, ascending, each once): if not, the request is not to be accepted whatever its signature.
func appendCanonical(b []byte, r *Request, path string, query []param, signed string, body *[32]byte) ([]byte, bool) {
	b = append(b, r.Method...)
	b = append(b, '\n')
	b = appendPath(b, path)
	b = append(b, '\n')
	for i, p := range query {
		if i > 0 {
			b = append(b, '&')
		}
		b = append(b, p.name...)
		b = append(b, '=')
		b = append(b, p.value...)
	}
	b = append(b, '\n')
	whole, last := true, ""
	for name, rest := "", signed; rest != ""; last = name {
		name, rest, _ = strings.Cut(rest, ";")
		whole = whole && name > last && lowerCase(name)
		b = append(b, name...)
		b = append(b, ':')
		var found bool
		b, found = appendValues(b, r, name)
		b = append(b, '\n')
		whole = whole && found
	}
	b = append(b, '\n')
	b = append(b, signed...)
	b = append(b, '\n')
	return hex.AppendEncode(b, body[:]), whole && !strings.HasSuffix(signed, ";")
}

func lowerCase(name string) bool {
	for i := range len(name) {
		if 'A' <= name[i] && name[i] <= 'Z' {
			return false
		}
	}
	return true
}

// appendValues appends the values of a header in the order in which they came, joined with commas.
func appendValues(b []byte, r *Request, name string) (_ []byte, found bool) {
	if name == "host" {
		return appendTrimmed(b, r.Host), r.Host != ""
	}
	for i := range r.Headers {
		h := &r.Headers[i]
		if len(h.Name) != len(name) || !strings.EqualFold(h.Name, name) {
			continue
		}
		if found {
			b = append(b, ',')
		}
		b, found = appendTrimmed(b, h.Value), true
	}
	return b, found
}

// appendTrimmed appends a value without blanks around it and with each run of blanks inside made one space.
func appendTrimmed(b []byte, v string) []byte {
	v = strings.Trim(v, " \t")
	for i := range len(v) {
		switch {
		case v[i] != ' ' && v[i] != '\t':
			b = append(b, v[i])
		case v[i-1] != ' ' && v[i-1] != '\t': // v[0] is no blank
			b = append(b, ' ')
		}
	}
	return b
}

// scope is what a credential is good for.
type scope struct{ date, region, service string }

func appendStringToSign(b []byte, at string, s scope, canonical []byte) []byte {
	b = append(b, algorithm+"\n"...)
	b = append(b, at...)
	b = append(b, '\n')
	b = appendScope(b, s)
	b = append(b, '\n')
	sum := sha256.Sum256(canonical)
	return hex.AppendEncode(b, sum[:])
}

func appendScope(b []byte, s scope) []byte {
	for _, part := range [...]string{s.date, s.region, s.service} {
		b = append(b, part...)
		b = append(b, '/')
	}
	return append(b, terminator...)
}

// signingKey derives the key of one day, region and service from a secret.
func signingKey(secret string, s scope) (key [32]byte) {
	k := []byte("AWS4" + secret)
	for _, part := range [...]string{s.date, s.region, s.service, terminator} {
		k = mac(key[:0], k, []byte(part))
	}
	return key
}

// mac appends the HMAC-SHA256 of message to b, which may share key's memory.
func mac(b, key, message []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(message)
	return h.Sum(b)
}
