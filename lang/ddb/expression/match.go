package expression

import (
	"strings"
	"unicode/utf8"

	"github.com/sockgate/sockgate/lang/ddb/value"
)

// Condition is a condition or a filter.
type Condition struct {
	root   *node
	paths  []Path
	values []value.Value
}

func (e *bound) newCondition() *Condition {
	return &Condition{root: e.root, paths: e.paths, values: e.values}
}

// Match reports whether the item meets the condition. A nil Condition is met by every item. An item that does not exist is
// matched as an empty one.
func (c *Condition) Match(item value.Item) bool {
	return c == nil || c.match(c.root, item)
}

// Paths calls visit with each document path that the condition mentions, in order.
func (c *Condition) Paths(visit func(Path)) {
	if c == nil {
		return
	}
	for _, p := range c.paths {
		visit(p)
	}
}

func (c *Condition) match(n *node, item value.Item) bool {
	switch n.kind {
	case nAnd:
		for _, arg := range n.args {
			if !c.match(arg, item) {
				return false
			}
		}
		return true
	case nOr:
		for _, arg := range n.args {
			if c.match(arg, item) {
				return true
			}
		}
		return false
	case nNot:
		return !c.match(n.args[0], item)
	case nCompare:
		return compare(n.cmp, c.operand(n.args[0], item), c.operand(n.args[1], item))
	case nBetween:
		v := c.operand(n.args[0], item)
		return compare(greaterOrEqual, v, c.operand(n.args[1], item)) && compare(lessOrEqual, v, c.operand(n.args[2], item))
	case nIn:
		v := c.operand(n.args[0], item)
		for _, arg := range n.args[1:] {
			if compare(equal, v, c.operand(arg, item)) {
				return true
			}
		}
		return false
	}
	return c.call(n, item)
}

// operand returns an operand's value; Absent when the item does not have it.
func (c *Condition) operand(n *node, item value.Item) value.Value {
	switch n.kind {
	case nValue:
		return c.values[n.slot]
	case nPath:
		v, _ := c.paths[n.slot].find(item)
		return v
	}
	return sizeOf(c.operand(n.args[0], item))
}

// sizeOf returns what the function size returns: Absent for what has no size.
// UNCONFIRMED: that a string's size counts UTF-16 units, as the service's own language does.
func sizeOf(v value.Value) value.Value {
	switch v.Kind() {
	case value.S:
		n := 0
		for _, r := range v.Text() {
			n++
			if r > 0xFFFF && utf8.ValidRune(r) {
				n++
			}
		}
		return value.Integer(int64(n))
	case value.B:
		return value.Integer(int64(len(v.Text())))
	case value.SS, value.NS, value.BS, value.L, value.M:
		return value.Integer(int64(v.Len()))
	}
	return value.Value{}
}

// compare compares two values. What is absent equals nothing, not even what is absent too, and is ordered before nothing.
// Source: the alternator tests.
func compare(c comparator, a, b value.Value) bool {
	switch c {
	case equal:
		return a.Kind() != value.Absent && value.Equal(a, b)
	case notEqual:
		return a.Kind() == value.Absent || !value.Equal(a, b)
	}
	order, ok := value.Compare(a, b)
	if !ok {
		return false
	}
	switch c {
	case less:
		return order < 0
	case lessOrEqual:
		return order <= 0
	case greater:
		return order > 0
	}
	return order >= 0
}

func (c *Condition) call(n *node, item value.Item) bool {
	v := c.operand(n.args[0], item)
	switch n.fn {
	case attributeExists:
		return v.Kind() != value.Absent
	case attributeNotExists:
		return v.Kind() == value.Absent
	}
	arg := c.operand(n.args[1], item)
	switch n.fn {
	case attributeType:
		return v.Kind() != value.Absent && v.Kind().String() == arg.Text()
	case beginsWith:
		return v.Kind() == arg.Kind() && (v.Kind() == value.S || v.Kind() == value.B) && strings.HasPrefix(v.Text(), arg.Text())
	case contains:
		if v.Kind() == arg.Kind() && (v.Kind() == value.S || v.Kind() == value.B) {
			return strings.Contains(v.Text(), arg.Text())
		}
		return arg.Kind() != value.Absent && v.Has(arg)
	}
	return false
}
