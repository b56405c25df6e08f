package vtl

import (
	"strings"
)

// hash reads what begins with "#". A word that ends a block is returned unread.
func (p *parser) hash(w *textWriter) (stop string, err error) {
	s := p.rest()
	switch {
	case strings.HasPrefix(s, "##"):
		n := strings.IndexAny(s, "\r\n")
		if n < 0 {
			n = len(s)
		}
		p.pos += n
		p.skipLineEnd()
		w.flush()
		return "", nil
	case strings.HasPrefix(s, "#[["):
		n := strings.Index(s, "]]#")
		if n < 0 {
			return "", p.fail("#[[ has no ]]#")
		}
		w.text(s[3:n])
		p.pos += n + 3
		return "", nil
	case strings.HasPrefix(s, "#*"):
		n := strings.Index(s[2:], "*#")
		if n < 0 { // the end of the template ends it too
			n = len(s) - 4
		}
		p.pos += n + 4
		w.flush()
		return "", nil
	}
	word := directiveWord(s[1:])
	switch name := trimBraces(word); name {
	case "":
		w.text("#")
		p.pos++
		return "", nil
	case "end", "else", "elseif":
		return name, nil
	case "stop":
		p.pos += 1 + len(word)
		w.statement(stopStatement{})
	default:
		var st statement
		if st, err = p.directive(name, 1+len(word)); err != nil {
			return "", err
		}
		w.statement(st)
	}
	return "", nil
}

// directive reads the directive or macro call called name, whose head has size bytes.
func (p *parser) directive(name string, size int) (statement, error) {
	start := p.pos
	switch name {
	case "include", "parse", "evaluate":
		return nil, p.fail("#%s does not exist here", name)
	}
	p.pos += size
	switch name {
	case "if":
		return p.ifStatement(start)
	case "foreach":
		return p.foreach(start)
	case "macro":
		return p.macro(start)
	case "define":
		return p.define(start)
	case "literal":
		return p.literal(start)
	case "break":
		return p.breakStatement()
	}
	return p.call(start, name)
}

// open reads the "(" of a directive, and blanks around it.
func (p *parser) open(name string) error {
	p.skipSpace()
	if p.peek() != '(' {
		return p.fail("#%s wants a '('", name)
	}
	p.pos++
	p.skipSpace()
	return nil
}

// close reads a directive's ")" and the line's end behind it.
func (p *parser) close(name string) error {
	p.skipSpace()
	if p.peek() != ')' {
		return p.unexpected("#" + name)
	}
	p.pos++
	p.skipLineEnd()
	return nil
}

// unexpected says that what comes next does not belong into where.
func (p *parser) unexpected(where string) error {
	if p.pos >= len(p.src) {
		return p.fail("%s does not end", where)
	}
	return p.fail("%q is unexpected in %s", clip(p.rest()), where)
}

// set reads a #set whose head, parenthesis included, has n bytes.
func (p *parser) set(n int) (statement, error) {
	p.pos += n
	p.skipSpace()
	pos := p.base + p.pos
	ref, err := p.reference()
	if err != nil {
		return nil, err
	}
	if ref == nil {
		return nil, p.fail("#set wants a reference")
	}
	p.skipSpace()
	if p.peek() != '=' || strings.HasPrefix(p.rest(), "==") {
		return nil, p.unexpected("#set, which wants a '='")
	}
	p.pos++
	value, err := p.expression()
	if err != nil {
		return nil, err
	}
	return &setStatement{target: ref, value: value, pos: pos}, p.close("set")
}

func (p *parser) ifStatement(start int) (statement, error) {
	s := &ifStatement{}
	for word := "if"; ; {
		if err := p.open(word); err != nil {
			return nil, err
		}
		cond, err := p.expression()
		if err != nil {
			return nil, err
		}
		if err := p.close(word); err != nil {
			return nil, err
		}
		body, stop, err := p.block()
		if err != nil {
			return nil, err
		}
		s.branches = append(s.branches, branch{cond, body})
		switch stop {
		case "":
			return nil, faultf(p.base+start, "#if has no #end")
		case "end":
			p.endWord("end")
			return s, nil
		case "else":
			p.endWord("else")
			s.otherwise, err = p.finish(start, "if")
			return s, err
		}
		p.pos += 1 + len(directiveWord(p.rest()[1:]))
		word = "elseif"
	}
}

// variable reads a reference that is only a name.
func (p *parser) variable(where string) (string, error) {
	ref, err := p.reference()
	if err != nil {
		return "", err
	}
	if ref == nil || len(ref.steps) > 0 {
		return "", p.fail("%s wants a variable", where)
	}
	return ref.root, nil
}

func (p *parser) foreach(start int) (statement, error) {
	if err := p.open("foreach"); err != nil {
		return nil, err
	}
	s := &foreachStatement{pos: p.base + start}
	var err error
	if s.name, err = p.variable("#foreach"); err != nil {
		return nil, err
	}
	p.skipSpace()
	n := wordLength(p.rest()) // any word does for Velocity
	if n == 0 {
		return nil, p.unexpected("#foreach, which wants 'in'")
	}
	p.pos += n
	p.skipSpace()
	if s.over, err = p.value(); err != nil {
		return nil, err
	}
	if err := p.close("foreach"); err != nil {
		return nil, err
	}
	s.body, err = p.finish(start, "foreach")
	return s, err
}

func (p *parser) macro(start int) (statement, error) {
	if err := p.open("macro"); err != nil {
		return nil, err
	}
	n := wordLength(p.rest())
	if n == 0 {
		return nil, p.fail("#macro wants a name")
	}
	m := &macro{name: p.rest()[:n], index: make(map[string]int)}
	p.pos += n
	for {
		if p.separator(); p.peek() == ')' {
			break
		}
		name, err := p.variable("#macro")
		if err != nil {
			return nil, err
		}
		m.index[name] = len(m.params)
		m.params = append(m.params, name)
	}
	if err := p.close("macro"); err != nil {
		return nil, err
	}
	var err error
	if m.body, err = p.finish(start, "macro"); err != nil {
		return nil, err
	}
	p.shared.macros[m.name] = m
	return literal(""), nil
}

// separator skips what stands between a directive's arguments: blanks, and at most one comma.
func (p *parser) separator() {
	p.skipSpace()
	if p.peek() == ',' {
		p.pos++
		p.skipSpace()
	}
}

func (p *parser) define(start int) (statement, error) {
	if err := p.open("define"); err != nil {
		return nil, err
	}
	name, err := p.variable("#define")
	if err != nil {
		return nil, err
	}
	if err := p.close("define"); err != nil {
		return nil, err
	}
	body, err := p.finish(start, "define")
	return &defineStatement{name: name, body: body}, err
}

// literal reads #literal() … #end, whose inside must parse although it is text.
func (p *parser) literal(start int) (statement, error) {
	if err := p.open("literal"); err != nil {
		return nil, err
	}
	if err := p.close("literal"); err != nil {
		return nil, err
	}
	from := p.pos
	_, stop, err := p.block()
	if err != nil {
		return nil, err
	}
	if stop != "end" {
		return nil, faultf(p.base+start, "#literal has no #end")
	}
	text := p.src[from:p.pos]
	p.endWord("end")
	return literal(text), nil
}

func (p *parser) breakStatement() (statement, error) {
	s := breakStatement{errBreak}
	if !p.parenthesis() {
		return s, nil
	}
	if err := p.open("break"); err != nil {
		return nil, err
	}
	if p.peek() != ')' {
		ref, err := p.reference()
		if err != nil {
			return nil, err
		}
		if ref == nil {
			return nil, p.fail("#break wants a scope")
		}
		if ref.root == "foreach" {
			s.signal = errBreakLoop
		}
	}
	return s, p.close("break")
}

// parenthesis reports whether "(" comes next, blanks and lines aside.
func (p *parser) parenthesis() bool {
	return strings.HasPrefix(strings.TrimLeft(p.rest(), " \t\r\n"), "(")
}

// call reads the arguments of what may be a macro; if it is none in the end, it prints as it is written.
func (p *parser) call(start int, name string) (statement, error) {
	blocky := strings.HasPrefix(name, "@")
	c := &call{name: strings.TrimPrefix(name, "@"), pos: p.base + start}
	p.shared.calls = append(p.shared.calls, c)
	if !p.parenthesis() {
		c.source = p.src[start:p.pos]
		return c, nil
	}
	if err := p.open(name); err != nil {
		return nil, err
	}
	for {
		if p.separator(); p.peek() == ')' {
			break
		}
		if n := wordLength(p.rest()); n > 0 && !boolWord(p.rest()[:n]) {
			c.word = p.rest()[:n]
			p.pos += n
			continue
		}
		from := p.pos
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		c.args = append(c.args, argument{v, p.src[from:p.pos]})
	}
	if err := p.close(name); err != nil {
		return nil, err
	}
	if blocky {
		body, err := p.finish(start, name)
		if err != nil {
			return nil, err
		}
		c.body, c.hasBody = body, true
	}
	c.source = p.src[start:p.pos]
	return c, nil
}
