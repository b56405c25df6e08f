package vtl

import (
	"encoding/json"
	"strconv"
	"strings"
)

func boolWord(s string) bool { return s == "true" || s == "false" }

// value reads a literal or a reference.
func (p *parser) value() (expression, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	switch c := p.peek(); {
	case c == '$' || c == '\\':
		ref, err := p.reference()
		if err == nil && ref == nil {
			err = p.unexpected("a value")
		}
		return ref, err
	case c == '"' || c == '\'':
		return p.stringLiteral()
	case c == '[':
		return p.list()
	case c == '{':
		return p.mapLiteral()
	case c == '-' || c == '.' || digit(c):
		return p.number()
	case letter(c):
		if n := wordLength(p.rest()); boolWord(p.rest()[:n]) {
			p.pos += n
			return constant{n == len("true")}, nil
		}
	}
	return nil, p.unexpected("a value")
}

func (p *parser) number() (expression, error) {
	digits := func(i int) int {
		for i < len(p.src) && digit(p.src[i]) {
			i++
		}
		return i
	}
	start, i := p.pos, p.pos
	if p.src[i] == '-' {
		i++
	}
	end := digits(i)
	whole := end > i
	float := false
	if end < len(p.src) && p.src[end] == '.' && !(whole && strings.HasPrefix(p.src[end:], "..")) {
		if e := digits(end + 1); whole || e > end+1 {
			float, end = true, e
		}
	}
	if !whole && !float {
		return nil, p.unexpected("a value")
	}
	if end < len(p.src) && p.src[end]|0x20 == 'e' {
		e := end + 1
		if e < len(p.src) && (p.src[e] == '+' || p.src[e] == '-') {
			e++
		}
		if d := digits(e); d > e {
			float, end = true, d
		}
	}
	text := p.src[start:end]
	p.pos = end
	if float {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, faultf(p.base+start, "the number is too large")
		}
		return constant{f}, nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return constant{n}, nil
	}
	return constant{json.Number(text)}, nil
}

// list reads a list or a range.
func (p *parser) list() (expression, error) {
	start := p.pos
	p.pos++
	p.skipSpace()
	if p.peek() == ']' {
		p.pos++
		return listLiteral{pos: p.base + start}, nil
	}
	first, err := p.value()
	if err != nil {
		return nil, err
	}
	p.skipSpace()
	if strings.HasPrefix(p.rest(), "..") {
		p.pos += 2
		p.skipSpace()
		last, err := p.value()
		if err != nil {
			return nil, err
		}
		if !rangeEnd(first) || !rangeEnd(last) {
			return nil, faultf(p.base+start, "a range goes from an integer or a reference to another")
		}
		if p.skipSpace(); p.peek() != ']' {
			return nil, p.unexpected("a range")
		}
		p.pos++
		return &rangeLiteral{first: first, last: last, pos: p.base + start}, nil
	}
	items := []expression{first}
	switch p.peek() {
	case ']':
		p.pos++
	case ',':
		p.pos++
		more, err := p.arguments(']', "a list")
		if err != nil {
			return nil, err
		}
		if len(more) == 0 {
			return nil, p.fail("a list ends with a comma")
		}
		items = append(items, more...)
	default:
		return nil, p.unexpected("a list")
	}
	return listLiteral{items: items, pos: p.base + start}, nil
}

// rangeEnd reports whether Velocity takes a value as the end of a range.
func rangeEnd(e expression) bool {
	if _, ok := e.(*reference); ok {
		return true
	}
	k, ok := e.(constant)
	return ok && kindOf(k.value) == 'i'
}

func (p *parser) mapLiteral() (expression, error) {
	m := mapLiteral{pos: p.base + p.pos}
	p.pos++
	if p.skipSpace(); p.peek() == '}' {
		p.pos++
		return m, nil
	}
	for {
		p.skipSpace()
		key, err := p.value()
		if err != nil {
			return nil, err
		}
		if p.skipSpace(); p.peek() != ':' {
			return nil, p.unexpected("a map, which wants a ':'")
		}
		p.pos++
		p.skipSpace()
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		m.keys, m.values = append(m.keys, key), append(m.values, v)
		p.skipSpace()
		switch p.peek() {
		case '}':
			p.pos++
			return m, nil
		case ',':
			p.pos++
		default:
			return nil, p.unexpected("a map")
		}
	}
}

// stringLiteral reads a string. A double-quoted one with a "$" or "#" in it is a template of its own.
func (p *parser) stringLiteral() (expression, error) {
	quote := p.src[p.pos : p.pos+1]
	start := p.pos + 1
	end := start
	for {
		n := strings.Index(p.src[end:], quote)
		if n < 0 {
			return nil, p.fail("the string has no end")
		}
		end += n + 1
		if !strings.HasPrefix(p.src[end:], quote) {
			break
		}
		end++
	}
	text := strings.ReplaceAll(p.src[start:end-1], quote+quote, quote)
	p.pos = end
	if quote == "'" {
		return constant{text}, nil
	}
	text = unescapeUnicode(text)
	if !strings.ContainsAny(text, "$#") {
		return constant{text}, nil
	}
	inner := &parser{src: text, base: p.base + start, depth: p.depth, shared: p.shared}
	body, err := inner.template()
	if err != nil {
		return nil, err
	}
	return &interpolation{body: body, pos: p.base + start}, nil
}

// unescapeUnicode replaces \uXXXX by the character it stands for.
func unescapeUnicode(s string) string {
	if !strings.Contains(s, `\u`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		if strings.HasPrefix(s[i:], `\u`) && i+6 <= len(s) {
			if n, err := strconv.ParseUint(s[i+2:i+6], 16, 16); err == nil {
				b.WriteRune(rune(n))
				i += 6
				continue
			}
		}
		b.WriteByte(s[i])
		i++
	}
	return b.String()
}

// The operators by rising precedence. A word must not be followed by another letter, which wordLength sees to.
var precedence = [][]struct {
	text string
	op   operator
}{
	{{"||", opOr}, {"or", opOr}},
	{{"&&", opAnd}, {"and", opAnd}},
	{{"==", opEqual}, {"eq", opEqual}, {"!=", opNotEqual}, {"ne", opNotEqual}},
	{{"<=", opLessEqual}, {"le", opLessEqual}, {"<", opLess}, {"lt", opLess}, {">=", opGreaterEqual}, {"ge", opGreaterEqual}, {">", opGreater}, {"gt", opGreater}},
	{{"+", opAdd}, {"-", opSubtract}},
	{{"*", opMultiply}, {"/", opDivide}, {"%", opModulo}},
}

func (p *parser) expression() (expression, error) { return p.binary(0) }

// binary reads operands joined by operators of one level. They bind to the left and are kept in one flat node.
func (p *parser) binary(level int) (expression, error) {
	if level == len(precedence) {
		return p.unary()
	}
	start := p.pos
	first, err := p.binary(level + 1)
	if err != nil {
		return nil, err
	}
	c := &chain{first: first}
	for {
		before := strings.TrimSpace(p.src[start:p.pos])
		p.skipSpace()
		pos := p.base + p.pos
		op := p.operator(level)
		if op == 0 {
			break
		}
		from := p.pos
		operand, err := p.binary(level + 1)
		if err != nil {
			return nil, err
		}
		c.rest = append(c.rest, link{op: op, operand: operand, before: before, source: strings.TrimSpace(p.src[from:p.pos]), pos: pos})
	}
	if len(c.rest) == 0 {
		return first, nil
	}
	return c, nil
}

func (p *parser) operator(level int) operator {
	s := p.rest()
	word := s[:wordLength(s)]
	for _, o := range precedence[level] {
		switch {
		case letter(o.text[0]):
			if word == o.text {
				p.pos += len(word)
				return o.op
			}
		case strings.HasPrefix(s, o.text) && !(o.op == opSubtract && len(s) > 1 && digit(s[1])): // "-1" is a number: Velocity refuses "5 -1"
			p.pos += len(o.text)
			return o.op
		}
	}
	return 0
}

func (p *parser) unary() (expression, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	p.skipSpace()
	s := p.rest()
	switch {
	case strings.HasPrefix(s, "!") && !strings.HasPrefix(s, "!="):
		p.pos++
	case s[:wordLength(s)] == "not":
		p.pos += len("not")
	case strings.HasPrefix(s, "("):
		p.pos++
		e, err := p.expression()
		if err != nil {
			return nil, err
		}
		if p.skipSpace(); p.peek() != ')' {
			return nil, p.unexpected("parentheses")
		}
		p.pos++
		return e, nil
	default:
		return p.value()
	}
	e, err := p.unary()
	return not{e}, err
}
