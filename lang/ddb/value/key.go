package value

import (
	"bytes"
	"strings"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/ddb/number"
)

// A string's or binary's key: its bytes with 00 written as 00 FF, then 00 01. So the end sorts before every byte, and a 00
// after every end.
const (
	escapedZero = 0xFF
	terminator  = 0x01
)

// AppendKey appends v, of type S, N or B, as bytes that sort as the values do, and end so that nothing that follows can
// disturb the order. Key encodings of one type are never prefixes of one another.
func AppendKey(dst []byte, v Value) []byte {
	if v.kind == N {
		return number.AppendKey(dst, v.text)
	}
	return append(AppendKeyPrefix(dst, v), 0, terminator)
}

// AppendKeyPrefix appends what the key encodings of all strings (or binaries) that begin with v have in common: the start of a
// begins_with scan. v is of type S or B.
func AppendKeyPrefix(dst []byte, v Value) []byte {
	s := v.text
	for {
		i := strings.IndexByte(s, 0)
		if i < 0 {
			return append(dst, s...)
		}
		dst = append(append(dst, s[:i]...), 0, escapedZero)
		s = s[i+1:]
	}
}

// ReadKey reads one value of type k that AppendKey wrote at the start of src, and returns the bytes after it. The value shares
// nothing with src. Errors: sockgate.Internal.
func ReadKey(src []byte, k Kind) (v Value, rest []byte, err error) {
	if k == N {
		text, rest, err := number.ReadKey(src)
		return Value{kind: N, text: text}, rest, err
	}
	if k != S && k != B {
		return Value{}, nil, sockgate.Internalf("no keys are of type %v", k)
	}
	var text strings.Builder
	for {
		i := bytes.IndexByte(src, 0)
		if i < 0 || i+1 >= len(src) {
			return Value{}, nil, sockgate.Internalf("a key has no end")
		}
		text.Write(src[:i])
		mark := src[i+1]
		src = src[i+2:]
		switch mark {
		case terminator:
			return Value{kind: k, text: text.String()}, src, nil
		case escapedZero:
			text.WriteByte(0)
		default:
			return Value{}, nil, sockgate.Internalf("a key has the escape %#x", mark)
		}
	}
}
