package transform

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sockgate/sockgate"
)

// MaxFormat is the longest access-log format, in bytes (reference section 14; the API model's 1024 is older).
const MaxFormat = 3 << 10

// Format is a compiled access-log format: a line of text with context variables in it. It is immutable and may be used
// by many goroutines.
type Format struct {
	pieces []logPiece
}

// logPiece is a literal text or a variable.
type logPiece struct {
	text     string
	variable Variable // nil with an empty text: a name that does not exist
	quoted   bool     // the variable stands between double quotes
}

// CompileFormat reads an access-log format. The error is sockgate.Invalid: the format is empty, over MaxFormat or more than
// one line, names another variable than $context's, or lacks both $context.requestId and $context.extendedRequestId.
//
// A variable is $context.NAME, where NAME is dotted words of letters, digits and underscores; a dash belongs to it only
// after "authorizer.", where names are the authorizer's. A name that does not exist is no error: it prints "-".
// Source: reference section 6.3.
//
// UNCONFIRMED: ${context.NAME} is taken as the same variable. A dollar sign that no letter or brace follows is text.
func CompileFormat(format string) (*Format, error) {
	switch {
	case format == "":
		return nil, sockgate.Invalidf("the access log format must not be empty")
	case len(format) > MaxFormat:
		return nil, sockgate.Invalidf("the access log format is %d bytes; the limit is %d", len(format), MaxFormat)
	case strings.ContainsAny(format, "\r\n\x00"):
		return nil, sockgate.Invalidf("the access log format must be a single line")
	}
	f := &Format{}
	var names []string
	quoted := false
	for rest := format; rest != ""; {
		literal, variable := cutVariable(rest)
		if literal != "" {
			f.pieces = append(f.pieces, logPiece{text: literal})
			quoted = quoted != oddQuotes(literal)
			rest = rest[len(literal):]
		}
		if variable == "" {
			continue
		}
		name, ok := contextName(variable)
		if !ok {
			return nil, sockgate.Invalidf("the access log format may name $context variables only, not %s", variable)
		}
		read, _ := ContextVariable(name)
		if name == "identity.apiKey" {
			read = apiKey(func(k *sockgate.APIKeyUse) string { return masked(k.Value) })
		}
		f.pieces = append(f.pieces, logPiece{variable: read, quoted: quoted})
		names = append(names, name)
		rest = rest[len(variable):]
	}
	if !slices.Contains(names, "requestId") && !slices.Contains(names, "extendedRequestId") {
		return nil, sockgate.Invalidf("the access log format must contain $context.requestId or $context.extendedRequestId")
	}
	return f, nil
}

// masked hides an API key as execution logs do: secrets do not belong in a log. The last six characters of one that is long enough stay.
func masked(key string) string {
	const shown, least = 6, 20
	if len(key) < least {
		return strings.Repeat("*", len(key))
	}
	return strings.Repeat("*", len(key)-shown) + key[len(key)-shown:]
}

// cutVariable splits what s begins with into text and the variable after it, as written.
func cutVariable(s string) (literal, variable string) {
	for i := range len(s) {
		if s[i] != '$' || i+1 == len(s) {
			continue
		}
		switch next := s[i+1]; {
		case next == '{':
			end := strings.IndexByte(s[i:], '}')
			if end < 0 {
				return s[:i], s[i:]
			}
			return s[:i], s[i : i+end+1]
		case 'a' <= next && next <= 'z' || 'A' <= next && next <= 'Z':
			return s[:i], s[i : i+1+nameLength(s[i+1:])]
		}
	}
	return s, ""
}

// nameLength returns how many bytes of s are a variable's name. A dot at its end is the sentence's.
func nameLength(s string) int {
	end := 0
	for end < len(s) && (s[end] == '.' || variableName(s[end:end+1]) || s[end] == '-' && strings.HasPrefix(s, "context.authorizer.")) {
		end++
	}
	return len(strings.TrimRight(s[:end], ".-"))
}

// contextName returns NAME of $context.NAME or ${context.NAME}.
func contextName(variable string) (string, bool) {
	s := variable[1:]
	if inner, ok := strings.CutPrefix(s, "{"); ok {
		if s, ok = strings.CutSuffix(inner, "}"); !ok {
			return "", false
		}
	}
	name, ok := strings.CutPrefix(s, "context.")
	return name, ok && name != ""
}

// oddQuotes reports whether a text opens or closes a double-quoted string.
func oddQuotes(s string) bool {
	odd := false
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			odd = !odd
		}
	}
	return odd
}

// AppendTo appends the event's line to dst, without a line end.
//
// A variable without a value prints "-". Control characters, line separators and bytes that are not UTF-8 are printed as
// JSON escapes, so that a client cannot begin a line of its own. UNCONFIRMED: between double quotes, where the samples of
// both JSON and Apache's format put what clients send, quotes and backslashes of values are escaped too; elsewhere not.
func (f *Format) AppendTo(dst []byte, ev *sockgate.Event) []byte {
	for i := range f.pieces {
		p := &f.pieces[i]
		if p.text != "" {
			dst = append(dst, p.text...)
			continue
		}
		value, ok := "", false
		if p.variable != nil {
			value, ok = p.variable(ev)
		}
		if !ok {
			dst = append(dst, '-')
			continue
		}
		dst = appendLogged(dst, value, p.quoted)
	}
	return dst
}

// appendLogged appends a value with JSON's escapes for what could break the line, and, in quotes, for what could break
// the string.
func appendLogged(dst []byte, s string, quoted bool) []byte {
	if plain(s, quoted) {
		return append(dst, s...)
	}
	for _, r := range s {
		switch {
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\r':
			dst = append(dst, `\r`...)
		case r == '\t':
			dst = append(dst, `\t`...)
		case quoted && (r == '"' || r == '\\'):
			dst = append(dst, '\\', byte(r))
		case r < ' ' || 0x7f <= r && r <= 0x9f || r == '\u2028' || r == '\u2029' || r == utf8.RuneError:
			dst = append(dst, '\\', 'u', lowerHex[r>>12&15], lowerHex[r>>8&15], lowerHex[r>>4&15], lowerHex[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst
}

const lowerHex = "0123456789abcdef"

// plain reports whether a value needs no second look: ASCII without anything to escape.
func plain(s string, quoted bool) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || quoted && (c == '"' || c == '\\') {
			return false
		}
	}
	return true
}
