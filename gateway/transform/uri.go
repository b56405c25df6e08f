package transform

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/sockgate/sockgate"
)

// URI is a compiled address of an HTTP integration. It is immutable and may be used by many goroutines.
type URI struct {
	scheme  string
	host    string // with the port when the URI has one; IPv6 in brackets
	port    int
	pieces  []piece // path and query; the first piece begins with '/'
	query   bool    // the template has a '?'
	missing []string
}

// piece is literal text, already escaped, or a placeholder.
type piece struct {
	text string
	name string // of a placeholder
}

// CompileURI reads an integration's URI. It may hold ${stageVariables.X} anywhere, which are filled in now, and {name} in
// the path or the query, which Expand fills with the values mapped to integration.request.path.name.
//
// A stage variable that vars lacks is no error: the URI then has a Missing list, and the integration cannot be called.
// Faults that remain when all variables are there are sockgate.Invalid: another scheme than http or https, no host, a host
// that is no host, user information, a placeholder outside of path and query, control characters. A fragment is cut off,
// since it is never sent.
// Source: reference section 3.2.
//
// UNCONFIRMED: placeholders are documented for REST APIs only.
func CompileURI(uri string, vars map[string]string) (*URI, error) {
	full, missing := Substitute(uri, vars)
	if len(missing) > 0 {
		return &URI{missing: missing}, nil
	}
	scheme, rest, ok := strings.Cut(full, "://")
	u := &URI{scheme: strings.ToLower(scheme)}
	if !ok || u.scheme != "http" && u.scheme != "https" {
		return nil, invalidURI(uri, "it must begin with http:// or https://")
	}
	rest, _, _ = strings.Cut(rest, "#")
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	if fault := u.setAuthority(rest[:end]); fault != "" {
		return nil, invalidURI(uri, fault)
	}
	tail := rest[end:]
	if tail == "" || tail[0] == '?' {
		tail = "/" + tail
	}
	if fault := u.setTail(tail); fault != "" {
		return nil, invalidURI(uri, fault)
	}
	return u, nil
}

func invalidURI(uri, fault string) error {
	return sockgate.Invalidf("Invalid HTTP endpoint specified for URI: %s (%s)", uri, fault)
}

func (u *URI) setAuthority(s string) (fault string) {
	if strings.Contains(s, "@") {
		return "it must not hold a user name or password"
	}
	if strings.ContainsAny(s, "{}") {
		return "a placeholder may stand in the path or the query only"
	}
	host, port := s, ""
	if i := strings.LastIndexByte(s, ':'); i > strings.LastIndexByte(s, ']') {
		host, port = s[:i], s[i+1:]
	}
	if !validHost(host) {
		return "it has no valid host"
	}
	u.port = 80
	if u.scheme == "https" {
		u.port = 443
	}
	u.host = host
	if port == "" {
		return ""
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return "its port is not a number from 1 to 65535"
	}
	u.port = int(n)
	u.host = host + ":" + strconv.Itoa(u.port)
	return ""
}

// validHost accepts a name of letters, digits, '-', '_' and '.', an IPv4 address, or an IPv6 address in brackets.
// The length is that of a DNS name (RFC 1035, section 2.3.4).
func validHost(s string) bool {
	if len(s) > 2 && s[0] == '[' && s[len(s)-1] == ']' {
		addr, err := netip.ParseAddr(s[1 : len(s)-1])
		return err == nil && addr.Is6() && addr.Zone() == ""
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return s != "" && len(s) <= 253
}

func (u *URI) setTail(s string) (fault string) {
	for s != "" {
		before, after, found := strings.Cut(s, "{")
		if strings.Contains(before, "}") {
			return "'}' stands without '{'"
		}
		literal, ok := escapeLiteral(before)
		if !ok {
			return "it holds a control character"
		}
		u.query = u.query || strings.Contains(literal, "?")
		if literal != "" {
			u.pieces = append(u.pieces, piece{text: literal})
		}
		if !found {
			return ""
		}
		name, rest, closed := strings.Cut(after, "}")
		if !closed || !parameterName(name) {
			return "a placeholder must be a name in braces, as {name}"
		}
		u.pieces = append(u.pieces, piece{name: name})
		s = rest
	}
	return ""
}

// Scheme returns "http" or "https".
func (u *URI) Scheme() string { return u.scheme }

// Host returns the host as the URI has it: with the port only when that is written, IPv6 in brackets. It is the value of
// the Host header, unless one was mapped.
func (u *URI) Host() string { return u.host }

// Port returns the port to dial: the written one, or the scheme's.
func (u *URI) Port() int { return u.port }

// Missing returns the stage variables that the URI needs and the stage lacks, each once. Where there are any, the URI has
// no other parts and must not be called: the client gets Internal server error, and the log should name them
// (UNCONFIRMED, reference section 3.2).
func (u *URI) Missing() []string { return slices.Clone(u.missing) }

// Placeholders returns the names that Expand needs values for, each once and in order.
func (u *URI) Placeholders() []string {
	var names []string
	for _, p := range u.pieces {
		if p.name != "" {
			names = appendOnce(names, p.name)
		}
	}
	return names
}

// Expand returns the path and query to request, escaped: the template with its placeholders filled from r.Path, and
// r.Query added after the template's own parameters. Each value is escaped whole, so it cannot leave its place.
//
// The error is sockgate.Internal. A placeholder without a value is one: calling /users/ where /users/{id} was meant could do
// harm. So is a value that makes its path segment "." or "..", which a backend would resolve.
func (u *URI) Expand(r *Request) (string, error) {
	if len(u.missing) > 0 {
		return "", sockgate.Internalf("the stage has no variable %s, which the integration's URI needs", strings.Join(u.missing, ", "))
	}
	if len(u.pieces) == 1 && len(r.Query) == 0 && u.pieces[0].name == "" {
		return u.pieces[0].text, nil
	}
	var room [256]byte
	b := room[:0]
	dots := false
	for i := range u.pieces {
		p := &u.pieces[i]
		if p.name == "" {
			b = append(b, p.text...)
			continue
		}
		value, ok := last(r.Path, p.name, equal)
		if !ok || value == "" {
			return "", sockgate.Internalf("the integration's URI needs a value for {%s}, and none is mapped or present", p.name)
		}
		dots = dots || strings.Trim(value, ".") == ""
		b = appendEscaped(b, value)
	}
	if dots && hasDotSegment(b) {
		return "", sockgate.Internalf("a value for the integration's URI makes a path segment of dots")
	}
	return string(u.appendQuery(b, r.Query)), nil
}

func (u *URI) appendQuery(b []byte, query []sockgate.Header) []byte {
	separator := byte('?')
	if u.query {
		separator = '&'
	}
	for _, q := range query {
		if last := b[len(b)-1]; last != '?' && last != '&' {
			b = append(b, separator)
		}
		separator = '&'
		b = appendEscaped(b, q.Name)
		b = append(b, '=')
		b = appendEscaped(b, q.Value)
	}
	return b
}

func hasDotSegment(b []byte) bool {
	path, _, _ := strings.Cut(string(b), "?")
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

const upperHex = "0123456789ABCDEF"

// appendEscaped appends s with all but RFC 3986's unreserved characters percent-encoded.
func appendEscaped(b []byte, s string) []byte {
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c == '~':
			b = append(b, c)
		default:
			b = append(b, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return b
}

// escapeLiteral percent-encodes what may not stand in a URI and leaves the rest, existing escapes included, as it is
// written. It refuses control characters.
func escapeLiteral(s string) (string, bool) {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case c < ' ' || c == 0x7f:
			return "", false
		case c == ' ' || c >= 0x80 || strings.IndexByte("\"<>\\^`|", c) >= 0:
			b.WriteByte('%')
			b.WriteByte(upperHex[c>>4])
			b.WriteByte(upperHex[c&15])
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), true
}
