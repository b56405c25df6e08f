package dynamodb

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// errJSON says that a body is no JSON. Its client reads SerializationException without a message.
var errJSON = errors.New("the body is not JSON")

// reader reads JSON from a text, without making copies of what has no escapes.
type reader struct {
	src string
	at  int
}

// peek skips white space and returns the next byte without taking it; 0 at the end.
func (r *reader) peek() byte {
	for r.at < len(r.src) {
		switch c := r.src[r.at]; c {
		case ' ', '\t', '\n', '\r':
			r.at++
		default:
			return c
		}
	}
	return 0
}

// take takes the next byte, which must be c.
func (r *reader) take(c byte) error {
	if r.peek() != c {
		return errJSON
	}
	r.at++
	return nil
}

// null takes a null, if that is what comes next.
func (r *reader) null() bool {
	if r.peek() == 'n' && strings.HasPrefix(r.src[r.at:], "null") {
		r.at += 4
		return true
	}
	return false
}

// members calls visit with each name of the object that comes next; visit takes the value.
func (r *reader) members(visit func(name string) error) error {
	if err := r.take('{'); err != nil {
		return err
	}
	if r.peek() == '}' {
		r.at++
		return nil
	}
	for {
		name, err := r.text()
		if err != nil {
			return err
		}
		if err := r.take(':'); err != nil {
			return err
		}
		if err := visit(name); err != nil {
			return err
		}
		if done, err := r.next('}'); done || err != nil {
			return err
		}
	}
}

// elements calls visit for each element of the array that comes next; visit takes it.
func (r *reader) elements(visit func() error) error {
	if err := r.take('['); err != nil {
		return err
	}
	if r.peek() == ']' {
		r.at++
		return nil
	}
	for {
		if err := visit(); err != nil {
			return err
		}
		if done, err := r.next(']'); done || err != nil {
			return err
		}
	}
}

// next takes a comma, or the end of the object or array.
func (r *reader) next(end byte) (done bool, err error) {
	switch r.peek() {
	case ',':
		r.at++
		return false, nil
	case end:
		r.at++
		return true, nil
	}
	return false, errJSON
}

// text takes a string.
func (r *reader) text() (string, error) {
	if err := r.take('"'); err != nil {
		return "", err
	}
	start := r.at
	for ; r.at < len(r.src); r.at++ {
		switch c := r.src[r.at]; {
		case c == '"':
			r.at++
			return r.src[start : r.at-1], nil
		case c == '\\':
			return r.escaped(start)
		case c < ' ':
			return "", errJSON
		}
	}
	return "", errJSON
}

// escaped takes the rest of a string that has an escape at r.at.
func (r *reader) escaped(start int) (string, error) {
	i := r.at
	for i < len(r.src) && r.src[i] != '"' {
		if r.src[i] == '\\' {
			i++
		}
		i++
	}
	if i >= len(r.src) {
		return "", errJSON
	}
	r.at = i + 1
	return unquote(r.src[start:i])
}

// unquote replaces the escapes of a JSON string's inside.
func unquote(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c < ' ' {
			return "", errJSON
		}
		if c != '\\' {
			b.WriteByte(c)
			continue
		}
		i++
		switch s[i] { // escaped saw that there is one
		case '"', '\\', '/':
			b.WriteByte(s[i])
		case 'b':
			b.WriteByte('\b')
		case 'f':
			b.WriteByte('\f')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		case 'u':
			c, ok := hex4(s[i+1:])
			if !ok {
				return "", errJSON
			}
			i += 4
			if c >= 0xd800 && c < 0xdc00 && strings.HasPrefix(s[i+1:], `\u`) {
				if low, ok := hex4(s[i+3:]); ok && low >= 0xdc00 && low < 0xe000 {
					c = (c-0xd800)<<10 + (low - 0xdc00) + 0x10000
					i += 6
				}
			}
			if c >= 0xd800 && c < 0xe000 {
				c = utf8.RuneError
			}
			b.WriteRune(c)
		default:
			return "", errJSON
		}
	}
	return b.String(), nil
}

func hex4(s string) (rune, bool) {
	if len(s) < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(s[:4], 16, 32)
	return rune(n), err == nil
}

// number takes a number and returns its text.
func (r *reader) number() (string, error) {
	r.peek()
	start := r.at
	for r.at < len(r.src) && strings.IndexByte("+-.0123456789eE", r.src[r.at]) >= 0 {
		r.at++
	}
	if r.at == start {
		return "", errJSON
	}
	return r.src[start:r.at], nil
}

// skip takes a value and forgets it. Nesting costs no stack.
func (r *reader) skip() error {
	depth := 0
	for {
		switch c := r.peek(); c {
		case '{', '[':
			r.at++
			depth++
			continue
		case '}', ']':
			r.at++
			depth--
		case ',', ':':
			r.at++
			if depth == 0 {
				return errJSON
			}
			continue
		case '"':
			if _, err := r.text(); err != nil {
				return err
			}
		case 0:
			return errJSON
		default:
			start := r.at
			for r.at < len(r.src) && strings.IndexByte(" \t\r\n,:]}{[\"", r.src[r.at]) < 0 {
				r.at++
			}
			if r.at == start {
				return errJSON
			}
		}
		if depth < 0 {
			return errJSON
		}
		if depth == 0 {
			return nil
		}
	}
}

// appendText appends s as a JSON string. What is no UTF-8 becomes the replacement character.
func appendText(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				b = append(append(b, s[start:i]...), "\uFFFD"...)
				start = i + 1
			}
			i += n
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			const digits = "0123456789abcdef"
			b = append(b, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		}
		i++
		start = i
	}
	return append(append(b, s[start:]...), '"')
}
