package expression

// condition parses a whole condition.
func (p *parser) condition() (*node, error) {
	n, _, err := p.or()
	if err != nil {
		return nil, err
	}
	return n, p.mustBeCondition(n)
}

// mustBeCondition complains about what follows a path or value that is not compared with anything. A call passes: whether its
// function is a condition is checked later.
func (p *parser) mustBeCondition(n *node) error {
	if n.kind == nPath || n.kind == nValue {
		return p.syntaxError(p.at)
	}
	return nil
}

// or parses conditions joined by OR. It also takes a lone operand, which parentheses may contain; the second result tells
// whether all of it was one pair of parentheses.
func (p *parser) or() (*node, bool, error) { return p.joined(nOr, "OR", p.and) }

func (p *parser) and() (*node, bool, error) { return p.joined(nAnd, "AND", p.not) }

func (p *parser) joined(k nodeKind, word string, part func() (*node, bool, error)) (*node, bool, error) {
	n, inParentheses, err := part()
	if err != nil || !p.isWord(word) {
		return n, inParentheses, err
	}
	all := &node{kind: k, op: word}
	for {
		if err := p.mustBeCondition(n); err != nil {
			return nil, false, err
		}
		all.args = append(all.args, n)
		if !p.takeWord(word) {
			return all, false, nil
		}
		p.out.operators++
		if n, _, err = part(); err != nil {
			return nil, false, err
		}
	}
}

func (p *parser) not() (*node, bool, error) {
	if !p.takeWord("NOT") {
		return p.predicate()
	}
	p.out.operators++
	n, _, err := p.not()
	if err != nil {
		return nil, false, err
	}
	return &node{kind: nNot, op: "NOT", args: []*node{n}}, false, p.mustBeCondition(n)
}

func (p *parser) predicate() (*node, bool, error) {
	left, inParentheses, err := p.primary()
	if err != nil {
		return nil, false, err
	}
	if !left.operand() {
		return left, inParentheses, nil
	}
	if p.tokens[p.at].kind == sign {
		if c, ok := comparators[p.text(p.at)]; ok {
			n := &node{kind: nCompare, op: p.text(p.at), cmp: c}
			p.at++
			right, err := p.argument()
			n.args = []*node{left, right}
			p.out.operators++
			return n, false, err
		}
	}
	switch {
	case p.takeWord("BETWEEN"):
		n, err := p.between(left)
		return n, false, err
	case p.takeWord("IN"):
		n, err := p.in(left)
		return n, false, err
	}
	return left, inParentheses, nil
}

func (p *parser) between(left *node) (*node, error) {
	p.out.operators++
	low, err := p.argument()
	if err != nil {
		return nil, err
	}
	if !p.takeWord("AND") {
		return nil, p.syntaxError(p.at)
	}
	high, err := p.argument()
	return &node{kind: nBetween, op: "BETWEEN", args: []*node{left, low, high}}, err
}

func (p *parser) in(left *node) (*node, error) {
	p.out.operators++
	n := &node{kind: nIn, op: "IN", args: []*node{left}}
	if err := p.expect("("); err != nil {
		return nil, err
	}
	for {
		arg, err := p.argument()
		if err != nil {
			return nil, err
		}
		n.args = append(n.args, arg)
		if p.takeSign(",") {
			continue
		}
		return n, p.expect(")")
	}
}

// primary parses an operand, or anything in parentheses.
func (p *parser) primary() (*node, bool, error) {
	if !p.takeSign("(") {
		n, err := p.simpleOperand()
		return n, false, err
	}
	n, nested, err := p.or()
	if err != nil {
		return nil, false, err
	}
	if err := p.expect(")"); err != nil {
		return nil, false, err
	}
	p.redundant = p.redundant || nested
	inParentheses, err := p.continuePath(n)
	return n, inParentheses, err
}
