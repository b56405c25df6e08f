package expr

import (
	"bytes"

	"github.com/tidwall/gjson"
)

// MaxDepth is how deep arrays and objects of a body may be nested. AWS's parser is not documented here; the Java parser it
// resembles stops at 400. A bound keeps a message of 128 KiB of '[' from costing a stack of many megabytes.
const MaxDepth = 400

// Body is a message that was found to be JSON. The zero Body has no values.
type Body struct {
	raw []byte // one value, without space around it
}

// ParseBody checks that b is one JSON value, no deeper than MaxDepth. It keeps b, which must not change while the Body is
// in use.
//
// UNCONFIRMED: AWS's parser also takes unquoted names and single quotes, to an extent that nobody wrote down. Here JSON is
// what RFC 8259 says.
func ParseBody(b []byte) (Body, bool) {
	if len(b) > MaxDepth && tooDeep(b) || !gjson.ValidBytes(b) {
		return Body{}, false
	}
	return Body{raw: bytes.Trim(b, " \t\r\n")}, true
}

func tooDeep(b []byte) bool {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			i = stringEnd(b, i) - 1
		case '[', '{':
			if depth++; depth > MaxDepth {
				return true
			}
		case ']', '}':
			depth--
		}
	}
	return false
}

// The functions below read JSON that was checked. On anything else their results are meaningless, but they end and do
// not panic.

// memberOf returns the value of an object's last member called key, or nil.
func memberOf(raw []byte, key string) []byte {
	if len(raw) == 0 || raw[0] != '{' {
		return nil
	}
	var found []byte
	for i := skipTo(raw, 1); i < len(raw) && raw[i] != '}'; i = skipTo(raw, i) {
		nameEnd := valueEnd(raw, i)
		start := skipTo(raw, nameEnd)
		end := valueEnd(raw, start)
		if nameIs(raw[i:nameEnd], key) {
			found = raw[start:end]
		}
		i = end
	}
	return found
}

// elementOf returns an array's element, or nil.
func elementOf(raw []byte, index int) []byte {
	if len(raw) == 0 || raw[0] != '[' {
		return nil
	}
	for i := skipTo(raw, 1); i < len(raw) && raw[i] != ']'; i = skipTo(raw, i) {
		end := valueEnd(raw, i)
		if index == 0 {
			return raw[i:end]
		}
		index--
		i = end
	}
	return nil
}

// skipTo returns the index of the next byte that is not space, comma or colon.
func skipTo(raw []byte, i int) int {
	for i < len(raw) {
		switch raw[i] {
		case ' ', '\t', '\r', '\n', ',', ':':
			i++
		default:
			return i
		}
	}
	return i
}

// valueEnd returns the index after the value that begins at i.
func valueEnd(raw []byte, i int) int {
	if i >= len(raw) {
		return len(raw)
	}
	switch raw[i] {
	case '"':
		return stringEnd(raw, i)
	case '{', '[':
		return nestedEnd(raw, i)
	}
	for i++; i < len(raw); i++ {
		switch raw[i] {
		case ' ', '\t', '\r', '\n', ',', ':', ']', '}':
			return i
		}
	}
	return i
}

func nestedEnd(raw []byte, i int) int {
	depth := 0
	for ; i < len(raw); i++ {
		switch raw[i] {
		case '"':
			i = stringEnd(raw, i) - 1
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(raw)
}

// stringEnd returns the index after the closing quote of the string that begins at i.
func stringEnd(raw []byte, i int) int {
	i++
	end := bytes.IndexByte(raw[i:], '"')
	if end < 0 {
		return len(raw)
	}
	escape := bytes.IndexByte(raw[i:i+end], '\\')
	if escape < 0 {
		return i + end + 1
	}
	for i += escape; i < len(raw); i++ {
		switch raw[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(raw)
}

// nameIs reports whether a string in its quotes, perhaps with escapes, spells key.
func nameIs(quoted []byte, key string) bool {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return len(quoted) == len(key)+2 && string(quoted[1:len(quoted)-1]) == key
	}
	return gjson.ParseBytes(quoted).String() == key
}

// appendText appends a value as a selection expression prints it. JSON differs from Java's form token by token only, so
// one pass is enough however deep the value is. A member that is there twice is printed twice, which Java would not do.
func appendText(dst, raw []byte) []byte {
	for i := 0; i < len(raw); {
		switch raw[i] {
		case ' ', '\t', '\r', '\n':
			i++
		case ',':
			dst = append(dst, ", "...)
			i++
		case ':':
			dst = append(dst, '=')
			i++
		case '[', ']', '{', '}':
			dst = append(dst, raw[i])
			i++
		case '"':
			end := stringEnd(raw, i)
			dst = appendString(dst, raw[i:end])
			i = end
		default:
			end := valueEnd(raw, i)
			dst = append(dst, raw[i:end]...)
			i = end
		}
	}
	return dst
}

func appendString(dst, quoted []byte) []byte {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return append(dst, quoted[1:len(quoted)-1]...)
	}
	return append(dst, gjson.ParseBytes(quoted).String()...)
}
