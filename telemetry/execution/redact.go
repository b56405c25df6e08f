package execution

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/sockgate/sockgate"
)

// Bounds of what a line repeats, in bytes.
const (
	maxBody    = 1024 // reference section 15
	maxValue   = 256  // of one value from a client, such as its User-Agent
	maxHeaders = 8192 // of one line of headers
)

const (
	redacted  = "[REDACTED]"
	truncated = "[TRUNCATED]"
)

// headers appends "{name=value, name=value}".
func (n *line) headers(hs sockgate.Headers) *line {
	n.s("{")
	start := len(n.b)
	for i, h := range hs {
		if i > 0 {
			n.s(", ")
		}
		if len(n.b)-start > maxHeaders {
			n.s(truncated)
			break
		}
		n.s(cut(h.Name, maxValue)).s("=")
		if secretName(h.Name) {
			n.s(redacted)
		} else {
			n.s(cut(h.Value, maxBody))
		}
	}
	return n.s("}")
}

// body appends a message's first bytes, if it is text.
func (n *line) body(b []byte) *line {
	head := b[:min(len(b), maxBody)]
	if n.key != "" { // before the cut, which may run through it
		most := maxBody + 6*len(n.key) // as JSON may escape it
		head = hide(bytes.Clone(b[:min(len(b), most)]), n.key)
		head = head[:min(len(head), maxBody)]
	}
	for len(head) < len(b) && len(head) > maxBody-utf8.UTFMax && !utf8.RuneStart(b[len(head)]) {
		head = head[:len(head)-1]
	}
	if !utf8.Valid(head) {
		return n.s("[Binary Data, ").i(len(b)).s(" bytes]")
	}
	n.b = append(n.b, head...)
	if len(head) < len(b) {
		n.s(truncated)
	}
	return n
}

// hide masks an API key wherever text has it, as it is or as JSON or a URL spells it. Functions get the key in their events, and a header
// or parameter that carries it may be mapped anywhere. A mask is as long as what it hides. text is changed.
func hide(text []byte, key string) []byte {
	masked := func(spelt string) {
		for rest := text; ; {
			at := bytes.Index(rest, []byte(spelt))
			if at < 0 {
				return
			}
			copy(rest[at:], mask(spelt))
			rest = rest[at+len(spelt):]
		}
	}
	masked(key)
	escaped := url.QueryEscape(key)
	if escaped == key { // as nearly all are: JSON has nothing to escape then either
		return text
	}
	masked(escaped)
	for _, html := range []bool{false, true} {
		var quoted bytes.Buffer
		enc := json.NewEncoder(&quoted)
		enc.SetEscapeHTML(html)
		if err := enc.Encode(key); err == nil {
			masked(strings.Trim(quoted.String(), "\"\n"))
		}
	}
	return text
}

// cut shortens text to most bytes, at a character's boundary.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	end := most
	for end > most-utf8.UTFMax && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + truncated
}

// secretName reports whether a header or query parameter of this name may carry a secret. It would rather hide too much.
func secretName(name string) bool {
	name = strings.ToLower(name)
	switch name {
	case "authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "key", "sig",
		"sec-websocket-protocol": // browsers can set no other header, so pages put tokens there
		return true
	}
	for _, part := range []string{"token", "secret", "password", "passwd", "signature", "credential", "api-key", "api_key", "apikey", "auth"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// redactURI hides a URI's password and the values of query parameters that may be secret, and bounds its length.
func redactURI(uri string) string {
	const most = 2048 // bytes
	if scheme, rest, ok := strings.Cut(uri, "://"); ok {
		end := strings.IndexAny(rest, "/?#")
		if end < 0 {
			end = len(rest)
		}
		if at := strings.LastIndexByte(rest[:end], '@'); at >= 0 {
			uri = scheme + "://" + redacted + rest[at:]
		}
	}
	path, query, ok := strings.Cut(uri, "?")
	if !ok {
		return cut(uri, most)
	}
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		if name, _, ok := strings.Cut(pair, "="); ok && secretName(name) {
			pairs[i] = name + "=" + redacted
		}
	}
	return cut(path+"?"+strings.Join(pairs, "&"), most)
}
