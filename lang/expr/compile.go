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

// closingBrace returns the index of the '}' that ends the "${" at the start of s, or -1. One in square brackets does not count,
// unless they are never closed: the brace then ends the variable, and the fault is found when its path is read.
func closingBrace(s string) int {
	for i := 2; i < len(s); i++ {
		switch s[i] {
		case '}':
			return i
		case '[':
			if size := bracketSize(s[i:]); size > 0 {
				i += size - 1
			}
		}
	}
	return -1
}

// bareName returns how many bytes of s belong to a name that stands without braces. A function's parentheses do not.
func bareName(s string) int {
	i := 0
	for i < len(s) {
		switch {
		case s[i] == '.' || isWord(s[i]) || s[i] == '*' && i > 0 && s[i-1] == '.':
			i++
		case s[i] == '[':
			size := bracketSize(s[i:])
			if size == 0 {
				return len(s) // leave the fault in the name, where CompilePath finds and explains it
			}
			i += size
		default:
			return i
		}
	}
	return i
}

// bracketSize returns how many bytes the square brackets at the start of s take, with brackets and quoted text in them, or 0 when they
// are not closed.
func bracketSize(s string) int {
	depth := 0
	quote := byte(0)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0 && c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '[':
			depth++
		case c == ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
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
