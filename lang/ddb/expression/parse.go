package expression

import (
	"slices"
	"strconv"
	"strings"
)

// kind is which parameter an expression is.
type kind uint8

const (
	update kind = iota
	condition
	keyCondition
	filter
	projection
)

func (k kind) label() string {
	return [...]string{"UpdateExpression", "ConditionExpression", "KeyConditionExpression", "FilterExpression", "ProjectionExpression"}[k]
}

// nodeKind is what a node of a parsed expression is.
type nodeKind uint8

const (
	nPath    nodeKind = iota // slot is its path
	nValue                   // slot is its value
	nCall                    // op is the function's name
	nCompare                 // op is the comparator
	nBetween
	nIn
	nAnd
	nOr
	nNot
	nSum // op is "+" or "-"
)

// node is a part of a parsed expression. It is never changed after it was parsed.
type node struct {
	kind nodeKind
	op   string
	fn   function // of nCall
	cmp  comparator
	slot int
	args []*node
}

// operand reports whether the node has a value: it is no condition by itself.
func (n *node) operand() bool { return n.kind == nPath || n.kind == nValue || n.kind == nCall }

// parsed is an expression that is right as far as its text tells. Paths, names and values are known by slots: their place in
// the lists here.
type parsed struct {
	kind    kind
	root    *node    // of a condition
	actions []action // of an update
	paths   []pathTemplate
	names   []string // "#name"s, each once, in the order in which they appear
	values  []string // ":name"s, likewise

	operators int
}

// action is one write of an update.
type action struct {
	section section
	path    int   // slot
	value   *node // nil of REMOVE
}

type section uint8

const (
	set section = iota
	remove
	add
	del
)

func (s section) String() string { return [...]string{"SET", "REMOVE", "ADD", "DELETE"}[s] }

// pathTemplate is a path whose names may be "#name"s.
type pathTemplate struct {
	steps []Step
	refs  []int // for each step, the slot of its name, or -1; nil when no step has one
}

type parser struct {
	kind   kind
	src    string
	tokens []token
	at     int
	out    *parsed

	// What is wrong with the text beyond its syntax; the first of each. DynamoDB reports them in an order of its own.
	redundant bool
	reserved  string
	index     string

	repeatedSection string
}

// parse parses and checks what can be checked before names and values are known.
func parse(k kind, src string) (*parsed, error) {
	p := &parser{kind: k, src: src, out: &parsed{kind: k}}
	switch {
	case src == "":
		return nil, p.fail("The expression can not be empty;")
	case len(src) > maxSize:
		return nil, p.fail("Expression size has exceeded the maximum allowed size; expression size: %d", len(src))
	}
	p.tokens = lex(src)
	if p.tokens[0].kind == eof {
		return nil, p.fail("The expression can not be empty;")
	}
	var err error
	switch k {
	case update:
		err = p.update()
	case projection:
		err = p.projection()
	default:
		p.out.root, err = p.condition()
	}
	if err != nil {
		return nil, err
	}
	if p.tokens[p.at].kind != eof {
		return nil, p.syntaxError(p.at)
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	return p.out, nil
}

// isSign reports whether the token ahead is the operator or punctuation s.
func (p *parser) isSign(s string) bool { return p.tokens[p.at].kind == sign && p.text(p.at) == s }

// takeSign skips s and reports whether it was there.
func (p *parser) takeSign(s string) bool {
	if p.isSign(s) {
		p.at++
		return true
	}
	return false
}

// expect skips s, or complains about what is there instead.
func (p *parser) expect(s string) error {
	if !p.takeSign(s) {
		return p.syntaxError(p.at)
	}
	return nil
}

// isWord reports whether the token ahead is a keyword, in any case.
func (p *parser) isWord(word string) bool {
	return p.tokens[p.at].kind == identifier && strings.EqualFold(p.text(p.at), word)
}

func (p *parser) takeWord(word string) bool {
	if p.isWord(word) {
		p.at++
		return true
	}
	return false
}

// keyword reports whether the identifier ahead has a meaning of its own in this kind of expression, so that it names nothing.
func (p *parser) keyword() bool {
	words := []string{"BETWEEN", "IN", "AND", "OR", "NOT"}
	switch p.kind {
	case update:
		words = []string{"SET", "REMOVE", "ADD", "DELETE"}
	case projection:
		return false
	}
	return slices.ContainsFunc(words, p.isWord)
}

// path parses a document path.
func (p *parser) path() (*node, error) {
	var t pathTemplate
	if err := p.element(&t); err != nil {
		return nil, err
	}
	if err := p.rest(&t); err != nil {
		return nil, err
	}
	return p.pathNode(t), nil
}

func (p *parser) pathNode(t pathTemplate) *node {
	p.out.paths = append(p.out.paths, t)
	return &node{kind: nPath, slot: len(p.out.paths) - 1}
}

// element parses a name or "#name" of a path.
func (p *parser) element(t *pathTemplate) error {
	name := p.text(p.at)
	switch p.tokens[p.at].kind {
	case identifier:
		if p.keyword() {
			return p.syntaxError(p.at)
		}
		if p.reserved == "" && reservedWord(name) {
			p.reserved = name
		}
		t.add(Step{Name: name}, -1)
	case nameRef:
		t.add(Step{}, slot(&p.out.names, name))
	default:
		return p.syntaxError(p.at)
	}
	p.at++
	return nil
}

// rest parses what follows a path's first element.
func (p *parser) rest(t *pathTemplate) error {
	for {
		switch {
		case p.takeSign("."):
			if err := p.element(t); err != nil {
				return err
			}
		case p.takeSign("["):
			if p.tokens[p.at].kind != digits {
				return p.syntaxError(p.at)
			}
			text := p.text(p.at)
			n, err := strconv.ParseInt(text, 10, 64)
			if (err != nil || n > maxIndex) && p.index == "" {
				p.index = text
			}
			t.add(Step{Index: int(n), Indexed: true}, -1)
			p.at++
			if err := p.expect("]"); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

func (t *pathTemplate) add(s Step, ref int) {
	t.steps = append(t.steps, s)
	if ref >= 0 && t.refs == nil {
		t.refs = make([]int, 0, len(t.steps))
		for range len(t.steps) - 1 {
			t.refs = append(t.refs, -1)
		}
	}
	if t.refs != nil {
		t.refs = append(t.refs, ref)
	}
}

// slot returns text's place in list, where it is put if need be.
func slot(list *[]string, text string) int {
	if i := slices.Index(*list, text); i >= 0 {
		return i
	}
	*list = append(*list, text)
	return len(*list) - 1
}

// simpleOperand parses a path, a value or a call.
func (p *parser) simpleOperand() (*node, error) {
	switch p.tokens[p.at].kind {
	case valueRef:
		n := &node{kind: nValue, slot: slot(&p.out.values, p.text(p.at))}
		p.at++
		return n, nil
	case identifier:
		if next := p.tokens[p.at+1]; next.kind == sign && p.src[next.start] == '(' && !p.keyword() {
			return p.call()
		}
	}
	return p.path()
}

// call parses a function call.
func (p *parser) call() (*node, error) {
	name := p.text(p.at)
	n := &node{kind: nCall, op: name, fn: functions[name]}
	p.out.operators++
	p.at += 2
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

// argument parses an operand that may be in parentheses. In conditions a path may go on after its parentheses.
func (p *parser) argument() (*node, error) {
	n, _, err := p.parenthesized()
	return n, err
}

func (p *parser) parenthesized() (n *node, inParentheses bool, err error) {
	if !p.takeSign("(") {
		n, err = p.simpleOperand()
		return n, false, err
	}
	n, nested, err := p.parenthesized()
	if err != nil {
		return nil, false, err
	}
	if err := p.expect(")"); err != nil {
		return nil, false, err
	}
	p.redundant = p.redundant || nested
	inParentheses, err = p.continuePath(n)
	return n, inParentheses, err
}

// continuePath parses what follows "(a.b)" in "(a.b).c", which only conditions have. It reports whether nothing follows, so
// that n is still all in parentheses.
func (p *parser) continuePath(n *node) (inParentheses bool, err error) {
	if n.kind != nPath || p.kind == update {
		return true, nil
	}
	at := p.at
	err = p.rest(&p.out.paths[n.slot])
	return p.at == at, err
}

// projection parses a list of paths.
func (p *parser) projection() error {
	for {
		if _, err := p.path(); err != nil {
			return err
		}
		if !p.takeSign(",") {
			return nil
		}
	}
}
