package jsonpath

import (
	"strconv"
	"strings"

	"github.com/sockgate/sockgate"
)

// parser reads text, a part of source.
type parser struct {
	source  string // the whole path, for messages
	text    string
	pos     int
	offset  int // of text in source; negative when "$." was put in front
	nesting int
}

func fault(source string, pos int, format string, args ...any) error {
	e := sockgate.Invalidf(format, args...)
	return sockgate.Invalidf("JSONPath %q, character %d: %s", source, max(pos, 0)+1, e.Message)
}

func (p *parser) fail(format string, args ...any) error {
	return fault(p.source, p.offset+p.pos, format, args...)
}

// inner returns a parser for text[from:to].
func (p *parser) inner(from, to int) *parser {
	return &parser{source: p.source, text: p.text[from:to], offset: p.offset + from, nesting: p.nesting + 1}
}

func (p *parser) more() bool { return p.pos < len(p.text) }

// is reports whether the next byte is c.
func (p *parser) is(c byte) bool { return p.pos < len(p.text) && p.text[p.pos] == c }

func (p *parser) has(prefix string) bool { return strings.HasPrefix(p.text[p.pos:], prefix) }

func (p *parser) blanks() {
	for p.is(' ') {
		p.pos++
	}
}

// path reads all of the text as a path.
func (p *parser) path() (*Path, error) {
	if p.nesting > MaxNesting {
		return nil, p.fail("nested deeper than %d levels", MaxNesting)
	}
	left := strings.TrimLeft(p.text, " ")
	p.offset += len(p.text) - len(left)
	source := p.text
	p.text = strings.TrimRight(left, " ")
	switch {
	case p.text == "":
		return nil, p.fail("a path must not be empty")
	case p.text[0] != '$' && p.text[0] != '@':
		p.text = "$." + p.text
		p.offset -= 2
	}
	path := &Path{source: source, root: p.text[0] == '$'}
	p.pos = 1
	if p.more() && !p.is('.') && !p.is('[') {
		return nil, p.fail("expected '.' or '[' after '%c'", p.text[0])
	}
	var steps []step
	for p.more() {
		s, err := p.steps()
		if err != nil {
			return nil, err
		}
		steps = append(steps, s...)
		if last := s[len(s)-1]; last.kind == function && p.more() {
			return nil, p.fail("a function must come last in a path")
		}
	}
	path.steps = invert(steps)
	path.definite = settle(path.steps)
	return path, nil
}

// invert makes a function behind a path that starts with a deep scan work on all that the path finds at once, as if it were
// its argument: $..a.sum() is $.sum($..a). Behind other indefinite paths a function works on each value.
func invert(steps []step) []step {
	n := len(steps)
	if n < 2 || steps[0].kind != scan || steps[n-1].kind != function {
		return steps
	}
	inner := &Path{steps: steps[: n-1 : n-1], root: true}
	inner.definite = settle(inner.steps)
	f := steps[n-1]
	f.call.arguments = []argument{{path: inner}}
	return []step{f}
}

// steps reads one step, with the ".." before it when there is one.
func (p *parser) steps() ([]step, error) {
	var found []step
	switch {
	case p.has("..."):
		return nil, p.fail("too many dots")
	case p.has(".."):
		found = append(found, step{kind: scan})
		p.pos += 2
	case p.is('.'):
		p.pos++
	}
	if !p.more() {
		return nil, p.fail("a path must not end with '.'")
	}
	var s step
	var err error
	switch {
	case p.is('['):
		s, err = p.bracket()
	case p.is('*'):
		p.pos++
		s.kind = wildcard
	default:
		s, err = p.dotted()
	}
	if err == nil && p.more() && !p.is('.') && !p.is('[') {
		err = p.fail("expected '.', '[' or the end of the path")
	}
	return append(found, s), err
}

// dotted reads a bare name, or a function with its arguments.
func (p *parser) dotted() (step, error) {
	start := p.pos
	for p.more() && !p.is('.') && !p.is('[') && !p.is('(') {
		if p.is(' ') {
			return step{}, p.fail("a name with blanks must be written as ['name']")
		}
		p.pos++
	}
	name := p.text[start:p.pos]
	if !p.is('(') {
		return step{kind: names, names: []string{name}}, nil
	}
	if !isFunction(name) {
		p.pos = start
		return step{}, p.fail("there is no function %q", name)
	}
	arguments, err := p.arguments()
	return step{kind: function, call: &call{name: name, arguments: arguments}}, err
}

func (p *parser) arguments() ([]argument, error) {
	end := p.closing('(', ')')
	if end < 0 {
		return nil, p.fail("the arguments of a function are not closed")
	}
	var found []argument
	for p.pos++; ; {
		p.blanks()
		if p.pos == end && len(found) == 0 {
			break
		}
		arg, err := p.argument(end)
		if err != nil {
			return nil, err
		}
		found = append(found, arg)
		p.blanks()
		if p.pos >= end {
			break
		}
		if !p.is(',') {
			return nil, p.fail("expected ',' or ')' after an argument")
		}
		p.pos++
	}
	p.pos = end + 1
	return found, nil
}

func (p *parser) argument(end int) (argument, error) {
	if p.is('$') || p.is('@') {
		to := p.pos
		for to < end && p.text[to] != ',' {
			if c := p.text[to]; c == '[' || c == '(' {
				inner := parser{text: p.text[:end], pos: to}
				if c == '[' {
					to = inner.closing('[', ']')
				} else {
					to = inner.closing('(', ')')
				}
				if to < 0 {
					return argument{}, p.fail("a bracket is not closed")
				}
			}
			to++
		}
		path, err := p.inner(p.pos, to).path()
		p.pos = to
		return argument{path: path}, err
	}
	in := p.inner(0, end)
	in.offset, in.pos = p.offset, p.pos
	v, err := in.literal()
	p.pos = in.pos
	return argument{value: v}, err
}

// closing returns the index of the bracket that closes the one at pos, passing over quoted text, or -1.
func (p *parser) closing(open, close byte) int {
	depth := 0
	for i := p.pos; i < len(p.text); i++ {
		switch c := p.text[i]; c {
		case '\'', '"':
			end := quoteEnd(p.text, i)
			if end < 0 {
				return -1
			}
			i = end
		case open:
			depth++
		case close:
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// quoteEnd returns the index of the quote that closes the one at i, or -1.
func quoteEnd(s string, i int) int {
	quote := s[i]
	for i++; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case quote:
			return i
		}
	}
	return -1
}

// bracket reads a step in brackets.
func (p *parser) bracket() (step, error) {
	p.pos++
	p.blanks()
	switch {
	case p.is('\'') || p.is('"'):
		return p.quotedNames()
	case p.is('*'):
		p.pos++
		return step{kind: wildcard}, p.endBracket()
	case p.is('?'):
		p.pos++
		p.blanks()
		if !p.is('(') {
			return step{}, p.fail("expected '(' after '?'")
		}
		p.pos++
		test, err := p.filter()
		if err == nil {
			err = p.expect(')')
		}
		if err == nil {
			err = p.endBracket()
		}
		return step{kind: filter, test: test}, err
	}
	return p.numbers()
}

func (p *parser) expect(c byte) error {
	p.blanks()
	if !p.is(c) {
		return p.fail("expected '%c'", c)
	}
	p.pos++
	return nil
}

func (p *parser) endBracket() error { return p.expect(']') }

func (p *parser) quotedNames() (step, error) {
	s := step{kind: names}
	for {
		p.blanks()
		if !p.is('\'') && !p.is('"') {
			return s, p.fail("expected a name in quotes")
		}
		name, err := p.quoted()
		if err != nil {
			return s, err
		}
		s.names = append(s.names, name)
		p.blanks()
		if !p.is(',') {
			return s, p.endBracket()
		}
		p.pos++
	}
}

// numbers reads indices or a slice up to the closing bracket. What follows a slice's second number (Jayway has no steps) is ignored.
func (p *parser) numbers() (step, error) {
	end := strings.IndexByte(p.text[p.pos:], ']')
	if end < 0 {
		return step{}, p.fail("'[' is not closed")
	}
	inside := strings.TrimRight(p.text[p.pos:p.pos+end], " ")
	if inside == "" || strings.Trim(inside, "0123456789-:, ") != "" {
		return step{}, p.fail("expected a number, a name in quotes, '*' or '?' in brackets")
	}
	var s step
	var err error
	if strings.Contains(inside, ":") {
		s, err = p.sliceOf(inside)
	} else {
		s.kind = indices
		for part := range strings.SplitSeq(inside, ",") {
			i, err := p.integer(strings.Trim(part, " "))
			if err != nil {
				return s, err
			}
			s.indices = append(s.indices, i)
		}
	}
	p.pos += end + 1
	return s, err
}

func (p *parser) sliceOf(inside string) (step, error) {
	s := step{kind: slice}
	for i, part := range strings.Split(inside, ":") {
		if i > 1 || part == "" {
			continue
		}
		n, err := p.integer(part)
		if err != nil {
			return s, err
		}
		if i == 0 {
			s.from = &n
		} else {
			s.to = &n
		}
	}
	if s.from == nil && s.to == nil {
		return s, p.fail("a slice needs a start or an end")
	}
	return s, nil
}

// integer reads a number of 32 bits, which is all that Jayway takes.
func (p *parser) integer(s string) (int, error) {
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil {
		return 0, p.fail("%q is not a number of 32 bits", s)
	}
	return int(n), nil
}
