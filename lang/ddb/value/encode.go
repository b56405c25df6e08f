package value

import (
	"encoding/base64"
	"unicode/utf8"
)

// AppendJSON appends the value as DynamoDB JSON. An Absent or Invalid value is written as {}.
func (v Value) AppendJSON(dst []byte) []byte {
	switch v.kind {
	case S, N:
		dst = openJSON(dst, v.kind)
		dst = AppendString(dst, v.text)
	case B:
		dst = openJSON(dst, B)
		dst = appendBase64(dst, v.text)
	case BOOL:
		dst = appendBool(openJSON(dst, BOOL), v.truth)
	case NULL:
		dst = append(openJSON(dst, NULL), "true"...)
	case M:
		dst = Item(v.fields).AppendJSON(openJSON(dst, M))
	case L:
		dst = append(openJSON(dst, L), '[')
		for i := range v.fields {
			dst = v.fields[i].Value.AppendJSON(comma(dst, i))
		}
		dst = append(dst, ']')
	case SS, NS, BS:
		dst = append(openJSON(dst, v.kind), '[')
		for i := range v.fields {
			dst = comma(dst, i)
			if v.kind == BS {
				dst = appendBase64(dst, v.fields[i].Value.text)
			} else {
				dst = AppendString(dst, v.fields[i].Value.text)
			}
		}
		dst = append(dst, ']')
	default:
		dst = append(dst, '{')
	}
	return append(dst, '}')
}

// AppendJSON appends the item as a JSON object of attribute values.
func (it Item) AppendJSON(dst []byte) []byte {
	dst = append(dst, '{')
	for i := range it {
		dst = AppendString(comma(dst, i), it[i].Name)
		dst = append(dst, ':')
		dst = it[i].Value.AppendJSON(dst)
	}
	return append(dst, '}')
}

func openJSON(dst []byte, k Kind) []byte {
	dst = append(dst, '{', '"')
	dst = append(dst, kindNames[k]...)
	return append(dst, '"', ':')
}

func comma(dst []byte, i int) []byte {
	if i > 0 {
		return append(dst, ',')
	}
	return dst
}

func appendBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, "true"...)
	}
	return append(dst, "false"...)
}

func appendBase64(dst []byte, bytes string) []byte {
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, []byte(bytes))
	return append(dst, '"')
}

// AppendString appends s as a JSON string. What is no UTF-8 is written as replacement characters.
func AppendString[T string | []byte](dst []byte, s T) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		if i += plain(s[i:]); i == len(s) {
			break
		}
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(string(s[i:min(len(s), i+utf8.UTFMax)]))
			if r == utf8.RuneError && size == 1 {
				dst = append(append(dst, s[start:i]...), "\uFFFD"...)
				start = i + 1
			}
			i += size
			continue
		}
		dst = append(dst, s[start:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		start = i
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}
