package jsonpath

import (
	"strings"

	"github.com/sockgate/sockgate/lang/boundedre"
)

// filter reads what stands between "?(" and ")".
func (p *parser) filter() (predicate, error) {
	if p.nesting++; p.nesting > MaxNesting {
		return nil, p.fail("nested deeper than %d levels", MaxNesting)
	}
	defer func() { p.nesting-- }()
	var either anyOf
	for {
		all, err := p.conjunction()
		if err != nil {
			return nil, err
		}
		either = append(either, all)
		if p.blanks(); !p.has("||") {
			break
		}
		p.pos += 2
	}
	if len(either) == 1 {
		return either[0], nil
	}
	return either, nil
}

func (p *parser) conjunction() (predicate, error) {
	var all allOf
	for {
		one, err := p.term()
		if err != nil {
			return nil, err
		}
		all = append(all, one)
		if p.blanks(); !p.has("&&") {
			break
		}
		p.pos += 2
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return all, nil
}

// term reads a comparison, an existence check, or either in parentheses or negated. "!" before the path of a comparison is
// without effect, as in Jayway; before an existence check and before a parenthesis it negates.
func (p *parser) term() (predicate, error) {
	p.blanks()
	negated := p.is('!')
	if negated {
		p.pos++
		p.blanks()
		if !p.is('$') && !p.is('@') {
			if p.nesting++; p.nesting > MaxNesting {
				return nil, p.fail("nested deeper than %d levels", MaxNesting)
			}
			inner, err := p.term()
			p.nesting--
			return negation{inner}, err
		}
	}
	if p.is('(') {
		p.pos++
		inner, err := p.filter()
		if err == nil {
			err = p.expect(')')
		}
		return inner, err
	}
	left, err := p.operand()
	if err != nil {
		return nil, err
	}
	op, err := p.operator()
	switch {
	case err != nil:
		return nil, err
	case op == "" && left.path == nil:
		return nil, p.fail("expected an operator")
	case op == "" && negated:
		return negation{exists{left.path}}, nil
	case op == "":
		return exists{left.path}, nil
	}
	right, err := p.operand()
	return &comparison{left, right, op}, err
}

// operator reads an operator, or returns "" when the expression ends here.
func (p *parser) operator() (string, error) {
	p.blanks()
	if !p.more() || p.is(')') || p.is('&') || p.is('|') {
		return "", nil
	}
	start := p.pos
	for p.more() && isRelational(p.text[p.pos]) {
		p.pos++
	}
	if p.pos == start {
		for p.more() && !p.is(' ') && !p.is(')') {
			p.pos++
		}
	}
	op := strings.ToUpper(p.text[start:p.pos])
	switch op {
	case "==", "!=", "===", "!==", "<", "<=", ">", ">=", "=~",
		"IN", "NIN", "SUBSETOF", "ANYOF", "NONEOF", "ALL", "CONTAINS", "SIZE", "EMPTY":
		return op, nil
	}
	p.pos = start
	return "", p.fail("%q is not an operator", op)
}

func isRelational(c byte) bool { return strings.IndexByte("<>=~!", c) >= 0 }

func (p *parser) operand() (operand, error) {
	p.blanks()
	switch {
	case p.is('$') || p.is('@'):
		end, err := p.pathEnd()
		if err != nil {
			return operand{}, err
		}
		path, err := p.inner(p.pos, end).path()
		p.pos = end
		return operand{path: path}, err
	case p.is('/'):
		re, err := p.pattern()
		return operand{pattern: re}, err
	}
	v, err := p.literal()
	return operand{value: v}, err
}

// pathEnd returns where the path at pos ends: at a blank, an operator, or a parenthesis that no function opened. Like Jayway it
// takes "&&" and "||" without a blank before them as part of a name.
func (p *parser) pathEnd() (int, error) {
	for i := p.pos; i < len(p.text); i++ {
		switch c := p.text[i]; {
		case c == '[' || c == '(':
			inner := parser{text: p.text, pos: i}
			if c == '[' {
				i = inner.closing('[', ']')
			} else {
				i = inner.closing('(', ')')
			}
			if i < 0 {
				return 0, p.fail("a bracket is not closed")
			}
		case c == ')' || c == ' ' || isRelational(c):
			return i, nil
		}
	}
	return len(p.text), nil
}

// pattern reads "/expression/flags". It must match all of a text, as Java's matches() does. The flags i, m and s are Java's; u is
// without effect because case is folded for all of Unicode anyway.
func (p *parser) pattern() (*boundedre.Regexp, error) {
	end := quoteEnd(p.text, p.pos)
	if end < 0 {
		return nil, p.fail("a regular expression is not closed")
	}
	expression := strings.ReplaceAll(p.text[p.pos+1:end], `\/`, `/`)
	flags := ""
	for i := end + 1; i < len(p.text) && 'a' <= p.text[i] && p.text[i] <= 'z'; i++ {
		end = i
		switch c := p.text[i]; c {
		case 'i', 'm', 's':
			flags += string(c)
		case 'u':
		default:
			return nil, p.fail("a regular expression has no flag %q here", c)
		}
	}
	if flags != "" {
		flags = "(?" + flags + ")"
	}
	if _, err := boundedre.Compile(expression); err != nil {
		return nil, p.fail("%s", err)
	}
	re, err := boundedre.Compile(`\A(?:` + flags + expression + `)\z`)
	if err != nil {
		return nil, p.fail("%s", err)
	}
	p.pos = end + 1
	return re, nil
}
