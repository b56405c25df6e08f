package expr

import (
	"strconv"
	"strings"

	"github.com/sockgate/sockgate"
)

// Path is a compiled way into a JSON document: the part of a variable after "request.body".
// It is immutable and may be used by many goroutines.
type Path struct {
	steps []step
}

// step is a member of an object or, when key is not used, an element of an array.
type step struct {
	key     string
	index   int
	element bool
}

// CompilePath reads a path: "" (the whole document), or steps such as ".a", "['a b']" and "[0]".
// The error is sockgate.Invalid.
//
// This is the one place where full JSONPath would come in: AWS takes any JSONPath after the body. Until then wildcards,
// filters, slices, functions and recursive descent are refused here, with a text that says so.
func CompilePath(source string) (*Path, error) {
	p := &Path{}
	for rest := source; rest != ""; {
		var s step
		var size int
		var err error
		if rest[0] == '[' {
			s, size, err = readBracket(rest)
		} else {
			s, size, err = readDotted(rest)
		}
		if err != nil {
			return nil, err
		}
		p.steps = append(p.steps, s)
		rest = rest[size:]
	}
	return p, nil
}

func readDotted(s string) (step, int, error) {
	if s[0] != '.' {
		return step{}, 0, sockgate.Invalidf("expected '.' or '[' before %q", s)
	}
	end := 1
	for end < len(s) && s[end] != '.' && s[end] != '[' {
		end++
	}
	key := s[1:end]
	switch {
	case strings.HasPrefix(s, ".."):
		return step{}, 0, sockgate.Invalidf("recursive descent ('..') is not supported in a path")
	case key == "":
		return step{}, 0, sockgate.Invalidf("a name must follow '.' in a path")
	case key == "*":
		return step{}, 0, sockgate.Invalidf("the wildcard '*' is not supported in a path")
	case strings.Contains(key, "("):
		return step{}, 0, sockgate.Invalidf("functions are not supported in a path: %q", key)
	case strings.ContainsAny(key, " \t\r\n'\"{}]"):
		return step{}, 0, sockgate.Invalidf("name %q in a path must be written as ['name']", key)
	}
	return step{key: key}, end, nil
}

// readBracket reads "['key']", `["key"]` or "[index]" at the start of s and returns how many bytes it takes.
// In quotes a backslash stands before a quote or another backslash.
func readBracket(s string) (step, int, error) {
	if len(s) > 1 && (s[1] == '\'' || s[1] == '"') {
		return readQuoted(s)
	}
	end := strings.IndexByte(s, ']')
	if end < 0 {
		return step{}, 0, sockgate.Invalidf("'[' is not closed in a path")
	}
	inside := s[1:end]
	switch {
	case inside == "*":
		return step{}, 0, sockgate.Invalidf("the wildcard '[*]' is not supported in a path")
	case strings.HasPrefix(inside, "?"):
		return step{}, 0, sockgate.Invalidf("filters are not supported in a path: [%s]", inside)
	case strings.ContainsAny(inside, ":,"):
		return step{}, 0, sockgate.Invalidf("slices and unions are not supported in a path: [%s]", inside)
	}
	for _, c := range []byte(inside) {
		if c < '0' || c > '9' {
			return step{}, 0, sockgate.Invalidf("[%s] in a path must be a number from 0, or a name in quotes", inside)
		}
	}
	index, err := strconv.Atoi(inside)
	if err != nil {
		return step{}, 0, sockgate.Invalidf("[%s] in a path must be a number from 0, or a name in quotes", inside)
	}
	return step{index: index, element: true}, end + 1, nil
}

func readQuoted(s string) (step, int, error) {
	var key strings.Builder
	quote := s[1]
	for i := 2; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			key.WriteByte(s[i])
		case s[i] != quote:
			key.WriteByte(s[i])
		case i+1 < len(s) && s[i+1] == ']':
			return step{key: key.String()}, i + 2, nil
		default:
			return step{}, 0, sockgate.Invalidf("']' must follow the closing quote in a path")
		}
	}
	return step{}, 0, sockgate.Invalidf("a quoted name is not closed in a path")
}

// AppendTo appends to dst the text of the value that the path leads to, and reports whether there is one.
//
// A string is appended without its quotes, a number or boolean as it stands in the document, an array as "[a, b]", an
// object as "{a=1, b=2}" (both as Java prints them). Of members with the same name the last counts, as in Java and in
// almost every backend: the route must not be chosen by another value than the one the backend will see.
//
// UNCONFIRMED: null counts as no value, like a missing member; inside of an array or object it prints "null".
func (p *Path) AppendTo(dst []byte, body Body) ([]byte, bool) {
	raw := body.raw
	for i := range p.steps {
		s := &p.steps[i]
		switch {
		case s.element:
			raw = elementOf(raw, s.index)
		default:
			raw = memberOf(raw, s.key)
		}
		if raw == nil {
			return dst, false
		}
	}
	if len(raw) == 0 || raw[0] == 'n' {
		return dst, false
	}
	return appendText(dst, raw), true
}
