package expression

// update parses the sections of an update. That each comes once is checked later.
func (p *parser) update() error {
	for {
		var err error
		switch {
		case p.takeWord("SET"):
			err = p.list(set, func(a *action) (err error) {
				if err := p.expect("="); err != nil {
					return err
				}
				a.value, err = p.sum()
				return err
			})
		case p.takeWord("REMOVE"):
			err = p.list(remove, func(*action) error { return nil })
		case p.takeWord("ADD"):
			err = p.list(add, p.valueOf)
		case p.takeWord("DELETE"):
			err = p.list(del, p.valueOf)
		default:
			return p.syntaxError(p.at)
		}
		if err != nil {
			return err
		}
		if p.tokens[p.at].kind == eof {
			return nil
		}
	}
}

// list parses a section's actions: a path, and what rest parses.
func (p *parser) list(s section, rest func(*action) error) error {
	first := true
	for {
		path, err := p.path()
		if err != nil {
			return err
		}
		a := action{section: s, path: path.slot}
		if first {
			p.repeated(s)
			first = false
		}
		if err := rest(&a); err != nil {
			return err
		}
		p.out.actions = append(p.out.actions, a)
		if !p.takeSign(",") {
			return nil
		}
	}
}

// repeated notes a section that was there before.
func (p *parser) repeated(s section) {
	for _, a := range p.out.actions {
		if a.section == s && p.repeatedSection == "" {
			p.repeatedSection = s.String()
		}
	}
}

// valueOf parses the ":value" of ADD and DELETE.
func (p *parser) valueOf(a *action) error {
	if p.tokens[p.at].kind != valueRef {
		return p.syntaxError(p.at)
	}
	var err error
	a.value, err = p.simpleOperand()
	return err
}

// sum parses what SET sets: an operand, or two with a sign between them.
func (p *parser) sum() (*node, error) {
	var left *node
	var err error
	if p.takeSign("(") {
		if left, err = p.sum(); err == nil {
			err = p.expect(")")
		}
	} else {
		left, err = p.simpleOperand()
	}
	if err != nil || !left.operand() || !p.isSign("+") && !p.isSign("-") {
		return left, err
	}
	n := &node{kind: nSum, op: p.text(p.at)}
	p.at++
	p.out.operators++
	right, err := p.argument()
	n.args = []*node{left, right}
	return n, err
}
