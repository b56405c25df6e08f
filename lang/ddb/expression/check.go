package expression

// function is a function's number, which calls are dispatched by.
type function uint8

const (
	unknownFunction function = iota
	attributeExists
	attributeNotExists
	attributeType
	beginsWith
	contains
	size
	ifNotExists
	listAppend
)

var functions = map[string]function{
	"attribute_exists": attributeExists, "attribute_not_exists": attributeNotExists, "attribute_type": attributeType,
	"begins_with": beginsWith, "contains": contains, "size": size, "if_not_exists": ifNotExists, "list_append": listAppend,
}

// operands returns how many operands the function takes.
func (f function) operands() int {
	if f == attributeExists || f == attributeNotExists || f == size {
		return 1
	}
	return 2
}

// ofUpdates reports whether the function is for updates; the others are for conditions.
func (f function) ofUpdates() bool { return f == ifNotExists || f == listAppend }

// comparator is "=", "<" and so on.
type comparator uint8

const (
	equal comparator = iota
	notEqual
	less
	lessOrEqual
	greater
	greaterOrEqual
)

var comparators = map[string]comparator{
	"=": equal, "<>": notEqual, "<": less, "<=": lessOrEqual, ">": greater, ">=": greaterOrEqual,
}

// check finds what is wrong with the text beyond its syntax, in DynamoDB's order, as public conformance suites show it.
func (p *parser) check() error {
	if p.kind == update {
		return p.checkUpdate()
	}
	if p.redundant {
		return p.fail("The expression has redundant parentheses;")
	}
	if p.out.root != nil {
		if n := p.badFunction(p.out.root); n != nil {
			return p.functionError(n)
		}
		if n := misused(p.out.root, true); n != nil {
			return p.fail("The function is not allowed to be used this way in an expression; function: %s", n.op)
		}
	}
	if err := p.checkNames(); err != nil {
		return err
	}
	return p.checkOperators()
}

func (p *parser) checkUpdate() error {
	if err := p.checkNames(); err != nil {
		return err
	}
	for _, a := range p.out.actions {
		if a.value == nil {
			continue
		}
		if n := p.badFunction(a.value); n != nil {
			return p.functionError(n)
		}
	}
	if p.repeatedSection != "" {
		return p.fail("The \"%s\" section can only be used once in an update expression;", p.repeatedSection)
	}
	return p.checkOperators()
}

func (p *parser) checkNames() error {
	switch {
	case p.reserved != "":
		return p.fail("Attribute name is a reserved keyword; reserved keyword: %s", p.reserved)
	case p.index != "":
		return p.fail("List index is not within the allowable range; index: [%s]", p.index)
	}
	return nil
}

// checkOperators limits an expression's operators and functions.
// UNCONFIRMED: that a condition's limit counts as an update's does, and the words after the semicolon.
func (p *parser) checkOperators() error {
	if p.out.operators > maxOperators {
		return p.fail("The expression contains too many operators; operator count: %d", p.out.operators)
	}
	return nil
}

// badFunction returns the first call of a function that does not exist or is not for this kind of expression.
func (p *parser) badFunction(n *node) *node {
	for _, arg := range n.args {
		if bad := p.badFunction(arg); bad != nil {
			return bad
		}
	}
	if n.kind == nCall && (n.fn == unknownFunction || n.fn.ofUpdates() != (p.kind == update)) {
		return n
	}
	return nil
}

func (p *parser) functionError(n *node) error {
	switch {
	case n.fn == unknownFunction:
		return p.fail("Invalid function name; function: %s", n.op)
	case p.kind == update:
		return p.fail("The function is not allowed in an update expression; function: %s", n.op)
	}
	return p.fail("The function is not allowed in a condition expression; function: %s", n.op)
}

// misused returns the first call that stands where its function has no business: a condition as an operand, or size as a
// condition. here tells whether n stands for a condition.
func misused(n *node, here bool) *node {
	inside := n.kind == nAnd || n.kind == nOr || n.kind == nNot
	for _, arg := range n.args {
		if bad := misused(arg, inside); bad != nil {
			return bad
		}
	}
	if n.kind == nCall && here == (n.fn == size) {
		return n
	}
	return nil
}
