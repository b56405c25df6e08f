package value

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// ShapeError says that JSON has not the shape of what was expected: DynamoDB's SerializationException, HTTP status 400,
// type "com.amazon.coral.service#SerializationException", the text in "Message". The text is empty for what is not JSON.
type ShapeError struct{ Message string }

func (e *ShapeError) Error() string {
	if e.Message == "" {
		return "malformed JSON"
	}
	return e.Message
}

var errSyntax = &ShapeError{}

// scanner walks JSON text.
type scanner struct {
	src string
	at  int
}

// next skips white space and returns the byte there, 0 at the end.
func (s *scanner) next() byte {
	for ; s.at < len(s.src); s.at++ {
		switch c := s.src[s.at]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// take skips white space and the byte c, and reports whether it was there.
func (s *scanner) take(c byte) bool {
	if s.next() != c {
		return false
	}
	s.at++
	return true
}

// literal skips a word and reports whether it was there.
func (s *scanner) literal(word string) bool {
	if !strings.HasPrefix(s.src[s.at:], word) {
		return false
	}
	s.at += len(word)
	return true
}

// text reads a string, whose quotation mark is next. A string without escapes shares src's memory. What is no UTF-8 comes out
// with replacement characters.
func (s *scanner) text() (string, error) {
	s.at++
	start, ascii := s.at, true
	for {
		s.at += plain(s.src[s.at:])
		if s.at == len(s.src) {
			return "", errSyntax
		}
		switch c := s.src[s.at]; {
		case c == '"':
			out := s.src[start:s.at]
			s.at++
			if !ascii && !utf8.ValidString(out) {
				out = strings.ToValidUTF8(out, "\uFFFD")
			}
			return out, nil
		case c == '\\':
			return s.escaped(start)
		case c < ' ':
			return "", errSyntax
		}
		ascii = false
		s.at++
	}
}

// plain returns how many bytes at the start of s are printable ASCII without quotation marks and backslashes, which is what
// most strings are made of: they need no look at each byte.
func plain[T string | []byte](s T) int {
	const (
		ones  = 0x0101010101010101
		highs = 0x80 * ones
	)
	i := 0
	for ; i+8 <= len(s); i += 8 {
		w := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
			uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
		quote, slash := w^'"'*ones, w^'\\'*ones
		// A byte below n sets the high bit of (byte - n) &^ byte; borrows only reach bytes above a hit.
		if (w|(w-' '*ones)&^w|(quote-ones)&^quote|(slash-ones)&^slash)&highs != 0 {
			break
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			break
		}
	}
	return i
}

// escaped reads the rest of a string that began at start and has an escape where the scanner is.
func (s *scanner) escaped(start int) (string, error) {
	var out strings.Builder
	out.WriteString(s.src[start:s.at])
	for s.at < len(s.src) {
		c := s.src[s.at]
		switch {
		case c == '"':
			s.at++
			text := out.String()
			if !utf8.ValidString(text) {
				text = strings.ToValidUTF8(text, "\uFFFD")
			}
			return text, nil
		case c < ' ':
			return "", errSyntax
		case c != '\\':
			out.WriteByte(c)
			s.at++
			continue
		}
		s.at++
		if s.at >= len(s.src) {
			break
		}
		c = s.src[s.at]
		s.at++
		if c == 'u' {
			r, ok := s.hex()
			if !ok {
				return "", errSyntax
			}
			if utf16.IsSurrogate(r) {
				r = s.pair(r)
			}
			out.WriteRune(r)
			continue
		}
		i := strings.IndexByte(`"\/bfnrt`, c)
		if i < 0 {
			return "", errSyntax
		}
		out.WriteByte("\"\\/\b\f\n\r\t"[i])
	}
	return "", errSyntax
}

// pair completes a surrogate pair; a surrogate alone is the replacement character.
func (s *scanner) pair(first rune) rune {
	if strings.HasPrefix(s.src[s.at:], `\u`) {
		back := s.at
		s.at += 2
		if second, ok := s.hex(); ok {
			if r := utf16.DecodeRune(first, second); r != utf8.RuneError {
				return r
			}
		}
		s.at = back
	}
	return utf8.RuneError
}

func (s *scanner) hex() (rune, bool) {
	if len(s.src)-s.at < 4 {
		return 0, false
	}
	var r rune
	for _, c := range []byte(s.src[s.at : s.at+4]) {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	s.at += 4
	return r, true
}

// number skips a number and says what DynamoDB calls its token.
func (s *scanner) number() (token string, err error) {
	token = "NUMBER_VALUE"
	if s.src[s.at] == '-' {
		s.at++
	}
	if s.digits() == 0 {
		return "", errSyntax
	}
	if s.at < len(s.src) && s.src[s.at] == '.' {
		token = "DECIMAL_VALUE"
		s.at++
		if s.digits() == 0 {
			return "", errSyntax
		}
	}
	if s.at < len(s.src) && (s.src[s.at] == 'e' || s.src[s.at] == 'E') {
		token = "DECIMAL_VALUE"
		s.at++
		if s.at < len(s.src) && (s.src[s.at] == '-' || s.src[s.at] == '+') {
			s.at++
		}
		if s.digits() == 0 {
			return "", errSyntax
		}
	}
	return token, nil
}

func (s *scanner) digits() int {
	start := s.at
	for s.at < len(s.src) && s.src[s.at] >= '0' && s.src[s.at] <= '9' {
		s.at++
	}
	return s.at - start
}

// maxSkipDepth bounds how deep skipped JSON nests: far more than any request has, far less than a stack.
const maxSkipDepth = 1000

// skip skips any value.
func (s *scanner) skip(depth int) error {
	if depth > maxSkipDepth {
		return errSyntax
	}
	switch s.next() {
	case '{':
		return s.object(func(string) error { return s.skip(depth + 1) })
	case '[':
		return s.array(func() error { return s.skip(depth + 1) })
	}
	_, err := s.scalar()
	return err
}

// scalar skips a string, a number or a word, and says what DynamoDB calls its token.
func (s *scanner) scalar() (token string, err error) {
	switch c := s.next(); {
	case c == '"':
		_, err = s.text()
		return "STRING_VALUE", err
	case c == '-' || c >= '0' && c <= '9':
		return s.number()
	case s.literal("true"):
		return "TRUE_VALUE", nil
	case s.literal("false"):
		return "FALSE_VALUE", nil
	case s.literal("null"):
		return "", nil
	}
	return "", errSyntax
}

// object calls member for each member of an object, whose brace is next, with the scanner before its value.
func (s *scanner) object(member func(name string) error) error {
	s.at++
	if s.take('}') {
		return nil
	}
	for {
		if s.next() != '"' {
			return errSyntax
		}
		name, err := s.text()
		if err != nil {
			return err
		}
		if !s.take(':') {
			return errSyntax
		}
		if err := member(name); err != nil {
			return err
		}
		if s.take('}') {
			return nil
		}
		if !s.take(',') {
			return errSyntax
		}
	}
}

// array calls element for each element of an array, whose bracket is next, with the scanner before it.
func (s *scanner) array(element func() error) error {
	s.at++
	if s.take(']') {
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		if s.take(']') {
			return nil
		}
		if !s.take(',') {
			return errSyntax
		}
	}
}
