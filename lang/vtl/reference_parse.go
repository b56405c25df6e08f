package vtl

import "strings"

// pathStart reports whether s begins like what follows the "$" of a reference.
func pathStart(s string) bool {
	s = strings.TrimPrefix(s, "{")
	return s != "" && (letter(s[0]) || s[0] == '_')
}

// name reads an identifier, whose first byte is known to be one's.
func (p *parser) name() string {
	start := p.pos
	for p.pos < len(p.src) && (letter(p.src[p.pos]) || digit(p.src[p.pos]) || p.src[p.pos] == '_' || p.src[p.pos] == '-') {
		p.pos++
	}
	return p.src[start:p.pos]
}

// reference reads a reference and the backslashes before it, or returns nil without moving when there is none.
func (p *parser) reference() (*reference, error) {
	s := strings.TrimLeft(p.rest(), `\`)
	slashes := len(p.rest()) - len(s)
	if !strings.HasPrefix(s, "$") {
		return nil, nil
	}
	ref := &reference{}
	s, ref.quiet = strings.CutPrefix(s[1:], "!")
	if !pathStart(s) {
		return nil, nil
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	start := p.pos + slashes
	ref.pos = p.base + start
	p.pos = len(p.src) - len(s)
	formal := p.peek() == '{'
	if formal {
		p.pos++
	}
	ref.root = p.name()
	if err := p.steps(ref); err != nil {
		return nil, err
	}
	if formal {
		if p.peek() != '}' {
			return nil, p.unexpected("${" + clip(ref.root))
		}
		p.pos++
	}
	ref.source = p.src[start:p.pos]
	ref.escape(slashes)
	return ref, nil
}

// steps reads what follows a reference's first name.
func (p *parser) steps(ref *reference) error {
	for {
		s := p.rest()
		pos := p.base + p.pos
		switch {
		case strings.HasPrefix(s, "["):
			p.pos++
			p.skipSpace()
			index, err := p.value()
			if err != nil {
				return err
			}
			if !indexable(index) {
				return faultf(pos, "an index is a string, an integer, a boolean or a reference")
			}
			p.skipSpace()
			if p.peek() != ']' {
				return p.unexpected("an index")
			}
			p.pos++
			ref.steps = append(ref.steps, step{kind: indexStep, args: []expression{index}, pos: pos})
		case len(s) > 1 && s[0] == '.' && letter(s[1]):
			p.pos++
			st := step{kind: propertyStep, name: p.name(), pos: pos}
			if p.peek() == '(' && p.pos+1 < len(p.src) {
				p.pos++
				st.kind = methodStep
				var err error
				if st.args, err = p.arguments(')', "the arguments of "+clip(st.name)); err != nil {
					return err
				}
				st.precompile()
			}
			ref.steps = append(ref.steps, st)
		default:
			return nil
		}
	}
}

// indexable reports whether Velocity takes a value between the brackets of an index.
func indexable(e expression) bool {
	switch e := e.(type) {
	case *reference, *interpolation:
		return true
	case constant:
		return kindOf(e.value) != 'd'
	}
	return false
}

// arguments reads values with commas between them, up to and with the closing byte.
func (p *parser) arguments(end byte, where string) ([]expression, error) {
	var out []expression
	p.skipSpace()
	if p.peek() == end {
		p.pos++
		return out, nil
	}
	for {
		p.skipSpace()
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		out = append(out, v)
		p.skipSpace()
		switch c := p.peek(); {
		case c == end:
			p.pos++
			return out, nil
		case c != ',':
			return nil, p.unexpected(where)
		}
		p.pos++
	}
}
