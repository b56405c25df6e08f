package vtl

// expression is what has a value. A nil value is null.
type expression interface {
	eval(r *rendering) (any, error)
}

type constant struct{ value any }

func (c constant) eval(*rendering) (any, error) { return c.value, nil }

type listLiteral struct {
	items []expression
	pos   int
}

func (l listLiteral) eval(r *rendering) (any, error) {
	out := &List{Items: make([]any, 0, len(l.items))}
	for _, item := range l.items {
		v, err := item.eval(r)
		if err != nil {
			return nil, err
		}
		if err := r.keep(l.pos, v); err != nil {
			return nil, err
		}
		out.Items = append(out.Items, v)
	}
	return out, r.keep(l.pos, nil)
}

type mapLiteral struct {
	keys, values []expression
	pos          int
}

func (m mapLiteral) eval(r *rendering) (any, error) {
	out := &Map{}
	for i := range m.keys {
		k, err := m.keys[i].eval(r)
		if err != nil {
			return nil, err
		}
		v, err := m.values[i].eval(r)
		if err != nil {
			return nil, err
		}
		if err := r.put(m.pos, out, k, v); err != nil {
			return nil, err
		}
	}
	return out, r.keep(m.pos, nil)
}

type rangeLiteral struct {
	first, last expression
	pos         int
}

// bounds evaluates the ends. ok is false, and the range null, when one is no number.
func (l *rangeLiteral) bounds(r *rendering) (first, last int64, ok bool, err error) {
	a, err := l.first.eval(r)
	if err != nil {
		return 0, 0, false, err
	}
	b, err := l.last.eval(r)
	if err != nil {
		return 0, 0, false, err
	}
	x, okA := numberOf(a)
	y, okB := numberOf(b)
	return x.int32(), y.int32(), okA && okB, nil
}

func (l *rangeLiteral) eval(r *rendering) (any, error) {
	first, last, ok, err := l.bounds(r)
	if !ok || err != nil {
		return nil, err
	}
	return r.copied(l.pos, spanLength(first, last), func(i int) any { return spanItem(first, last, i) })
}

// spanLength returns how many integers there are from first to last, whichever is larger.
func spanLength(first, last int64) int { return int(max(first-last, last-first)) + 1 }

func spanItem(first, last int64, i int) any {
	if last < first {
		return first - int64(i)
	}
	return first + int64(i)
}

type not struct{ operand expression }

func (n not) eval(r *rendering) (any, error) {
	yes, err := r.condition(n.operand)
	return !yes, err
}

// condition evaluates what #if, !, && and || ask for. Null and false are false, and every other value of a reference is true, 0 and "" too.
// Literals but true, strings and sums are false, as in Velocity 1.7; UNCONFIRMED for AWS.
func (r *rendering) condition(e expression) (bool, error) {
	v, err := e.eval(r)
	switch e.(type) {
	case *reference:
		b, ok := v.(bool)
		return ok && b || !ok && !null(v), err
	}
	b, _ := v.(bool)
	return b, err
}

type operator uint8

const (
	opOr operator = iota + 1
	opAnd
	opEqual
	opNotEqual
	opLess
	opLessEqual
	opGreater
	opGreaterEqual
	opAdd
	opSubtract
	opMultiply
	opDivide
	opModulo
)

// chain is operands joined by operators of the same precedence.
type chain struct {
	first expression
	rest  []link
}

type link struct {
	op      operator
	operand expression
	before  string // what stands left of the operator, as it is written
	source  string // the operand as it is written
	pos     int
}

func (c *chain) eval(r *rendering) (any, error) {
	if op := c.rest[0].op; op == opOr || op == opAnd { // all of a chain's operators have one precedence
		return c.logical(r, op)
	}
	left, err := c.first.eval(r)
	if err != nil {
		return nil, err
	}
	for i := range c.rest {
		l := &c.rest[i]
		if err := r.step(l.pos, 1); err != nil {
			return nil, err
		}
		right, err := l.operand.eval(r)
		if err != nil {
			return nil, err
		}
		if left, err = r.operate(l, left, right); err != nil {
			return nil, err
		}
	}
	return left, nil
}

// logical joins conditions up to the one that decides.
func (c *chain) logical(r *rendering, op operator) (any, error) {
	yes, err := r.condition(c.first)
	for i := 0; i < len(c.rest) && err == nil && yes == (op == opAnd); i++ {
		if err := r.step(c.rest[i].pos, 1); err != nil {
			return nil, err
		}
		yes, err = r.condition(c.rest[i].operand)
	}
	return yes, err
}

// operate applies one operator that is not logical.
func (r *rendering) operate(l *link, left, right any) (any, error) {
	switch l.op {
	case opEqual, opNotEqual:
		same, err := r.same(l.pos, left, right)
		return same == (l.op == opEqual), err
	case opAdd:
		if isText(left) || isText(right) {
			return r.concat(l, left, right)
		}
	}
	a, okA := numberOf(left)
	b, okB := numberOf(right)
	switch {
	case l.op >= opAdd && okA && okB:
		return arithmetic(l.op, a, b), nil
	case l.op >= opAdd:
		return nil, nil
	case !okA || !okB: // Velocity compares only numbers; all else is false
		return false, nil
	}
	return compares(l.op, a.compare(b)), nil
}

func compares(op operator, order int) bool {
	switch op {
	case opLess:
		return order == -1
	case opLessEqual:
		return order == -1 || order == 0
	case opGreater:
		return order == 1
	}
	return order == 1 || order == 0
}

func isText(v any) bool {
	_, ok := v.(string)
	return ok
}

// concat joins two values' texts. A null counts as the text of its reference.
func (r *rendering) concat(l *link, left, right any) (any, error) {
	return r.capture(l.pos, func() error {
		if err := r.printOr(l.pos, left, l.before); err != nil {
			return err
		}
		return r.printOr(l.pos, right, l.source)
	})
}

func (r *rendering) printOr(pos int, v any, source string) error {
	if v == nil {
		return r.write(pos, source)
	}
	return r.print(pos, v)
}

// null reports whether a value is nil or Blank.
func null(v any) bool {
	if v == nil {
		return true
	}
	_, blank := v.(Blank)
	return blank
}
