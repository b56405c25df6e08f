package expr

import (
	"strings"

	"github.com/sockgate/sockgate"
)

// Compile reads an expression. The error is sockgate.Invalid; it says at which byte (from 1) what is wrong.
func Compile(source string) (*Expr, error) {
	e := &Expr{source: source}
	switch source {
	case "":
		return nil, sockgate.Invalidf("a selection expression must not be empty")
	case sockgate.DefaultRoute:
		// UNCONFIRMED: read strictly this is a variable called "default"; every sample that writes it means the text.
		e.parts = []part{{text: source}}
		return e, nil
	}
	var text strings.Builder
	flush := func() {
		if text.Len() > 0 {
			e.parts = append(e.parts, part{text: text.String()})
			text.Reset()
		}
	}
	for i := 0; i < len(source); {
		switch {
		case strings.HasPrefix(source[i:], `\$`):
			text.WriteByte('$')
			i += 2
		case source[i] == '$':
			flush()
			p, size, err := compileVariable(source[i:])
			if err != nil {
				return nil, sockgate.Invalidf("at character %d: %s", i+1, err)
			}
			e.parts = append(e.parts, p)
			e.body = e.body || p.path != nil
			i += size
		default:
			text.WriteByte(source[i])
			i++
		}
	}
	flush()
	return e, nil
}

// compileVariable reads the variable that s begins with and returns how many bytes it takes.
func compileVariable(s string) (part, int, error) {
	var name string
	var size int
	if strings.HasPrefix(s, "${") {
		end := closingBrace(s)
		if end < 0 {
			return part{}, 0, sockgate.Invalidf("'${' is not closed")
		}
		name, size = s[2:end], end+1
	} else {
		size = 1 + bareName(s[1:])
		name = s[1:size]
	}
	if name == "" {
		return part{}, 0, sockgate.Invalidf(`a variable name must follow '$'; write \$ for a dollar sign`)
	}
	p := part{name: name}
	if tail, ok := bodyTail(name); ok {
		var err error
		p.path, err = CompilePath(tail)
		return p, size, err
	}
	return p, size, checkName(name)
}

// closingBrace returns the index of the '}' that ends the "${" at the start of s, or -1. One in quotes does not count.
func closingBrace(s string) int {
	quote := byte(0)
	for i := 2; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0 && c == '\\':
			i++
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
		case c == '}':
			return i
		case s[i-1] == '[' && (c == '\'' || c == '"'):
			quote = c
		}
	}
	return -1
}

// bareName returns how many bytes of s belong to a name that stands without braces.
func bareName(s string) int {
	i := 0
	for i < len(s) {
		switch {
		case s[i] == '.' || isWord(s[i]):
			i++
		case s[i] == '[':
			_, size, err := readBracket(s[i:])
			if err != nil {
				return len(s) // leave the fault in the name, where CompilePath finds and explains it
			}
			i += size
		default:
			return i
		}
	}
	return i
}

// checkName accepts dotted words; a header's or parameter's name may hold a dollar sign too.
func checkName(name string) error {
	for word := range strings.SplitSeq(name, ".") {
		if word == "" {
			return sockgate.Invalidf("variable %q has an empty part", name)
		}
		for i := range len(word) {
			if !isWord(word[i]) && word[i] != '$' {
				return sockgate.Invalidf("variable %q has a character that names do not have: %q", name, word[i:i+1])
			}
		}
	}
	return nil
}

// isWord reports whether a name without quotes may hold c. Bytes above ASCII belong to letters of other scripts.
func isWord(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-' || c >= 0x80
}
