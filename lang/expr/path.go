package expr

import (
	"errors"
	"strconv"
	"strings"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/jsonpath"
	"github.com/sockgate/sockgate/lang/jsonvalue"
)

// Path is a compiled way into a JSON document: the part of a variable after "request.body".
// It is immutable and may be used by many goroutines.
type Path struct {
	steps []step
	full  *jsonpath.Path // instead of steps, for a path that has more than members and elements
}

// step is a member of an object or, when key is not used, an element of an array.
type step struct {
	key     string
	index   int
	element bool
}

// errBeyond says that a path has more than plain steps, so that it is one for package jsonpath.
var errBeyond = errors.New("not a plain path")

// CompilePath reads a path: "" (the whole document), or steps such as ".a", "['a b']" and "[0]", or any other JSONPath without its
// "$". The error is sockgate.Invalid.
//
// Plain steps are followed in the message's own text; only other paths have the message parsed into a document each time.
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
		if err == errBeyond {
			full, err := jsonpath.Compile("$" + source)
			return &Path{full: full}, err
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
		return step{}, 0, errBeyond
	case key == "":
		return step{}, 0, sockgate.Invalidf("a name must follow '.' in a path")
	case key == "*":
		return step{}, 0, errBeyond
	case strings.Contains(key, "("):
		return step{}, 0, errBeyond
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
	case strings.HasPrefix(inside, "?"), inside != "" && strings.Trim(inside, "*:,-0123456789 ") == "" && strings.Trim(inside, "0123456789") != "":
		return step{}, 0, errBeyond
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
		case i+1 < len(s) && s[i+1] == ',':
			return step{}, 0, errBeyond
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
	var raw []byte
	if p.full != nil {
		raw = find(p.full, body.raw)
	} else {
		raw = p.Raw(body)
	}
	if len(raw) == 0 || raw[0] == 'n' {
		return dst, false
	}
	return appendText(dst, raw), true
}

// Plain reports whether the path has plain steps only, so that Raw can follow it.
func (p *Path) Plain() bool { return p.full == nil }

// Raw returns the JSON text of the value that a plain path leads to, as it stands in the body, or nil if there is none.
func (p *Path) Raw(body Body) []byte {
	raw := body.raw
	for i := range p.steps {
		if s := &p.steps[i]; s.element {
			raw = elementOf(raw, s.index)
		} else {
			raw = memberOf(raw, s.key)
		}
		if raw == nil {
			return nil
		}
	}
	return raw
}

// find returns the JSON text of what a path finds in the document raw, or nil.
func find(p *jsonpath.Path, raw []byte) []byte {
	document, err := jsonvalue.Parse(raw)
	if err != nil {
		return nil
	}
	value, found := p.Get(document)
	if !found {
		return nil
	}
	text, err := jsonvalue.Append(nil, value)
	if err != nil {
		return nil
	}
	return text
}
