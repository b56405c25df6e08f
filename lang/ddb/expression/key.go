package expression

import (
	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/ddb/value"
)

// Operator is what a condition on one attribute asks, in the words of the older parameters.
type Operator uint8

// The operators.
const (
	EQ Operator = iota
	NE
	LE
	LT
	GE
	GT
	NotNull
	Null
	Contains
	NotContains
	BeginsWith
	In
	Between
)

var operatorNames = [...]string{
	"EQ", "NE", "LE", "LT", "GE", "GT", "NOT_NULL", "NULL", "CONTAINS", "NOT_CONTAINS", "BEGINS_WITH", "IN", "BETWEEN",
}

// String returns the operator's name on the wire: "BEGINS_WITH".
func (o Operator) String() string { return operatorNames[o] }

// ParseOperator returns the operator called name on the wire; ok is false when there is none.
func ParseOperator(name string) (o Operator, ok bool) {
	for i, n := range operatorNames {
		if n == name {
			return Operator(i), true
		}
	}
	return 0, false
}

// KeyCondition is what a Query asks of the key attributes, one condition for each of one or two attributes; it is not yet
// compared with a schema.
type KeyCondition struct {
	conditions []AttributeCondition
}

// Schema is the part of a table's or index's schema that a Query needs.
type Schema struct {
	Hash, Range         string // attribute names; Range is "" when there is none
	HashKind, RangeKind value.Kind
}

// KeyRange is a Query's key condition against a schema.
type KeyRange struct {
	Hash     value.Value // what the hash key equals
	HasRange bool
	Op       Operator    // on the range key: EQ, LT, LE, GT, GE, BeginsWith or Between
	Low      value.Value // the operand; the lower bound of Between
	High     value.Value // the upper bound of Between
}

// Matches reports whether a range key meets the condition on it. Without a condition every key does.
func (r KeyRange) Matches(v value.Value) bool {
	switch {
	case !r.HasRange:
		return true
	case r.Op == BeginsWith:
		prefix := r.Low.Text()
		return v.Kind() == r.Low.Kind() && len(v.Text()) >= len(prefix) && v.Text()[:len(prefix)] == prefix
	case r.Op == Between:
		return compare(greaterOrEqual, v, r.Low) && compare(lessOrEqual, v, r.High)
	}
	return compare(comparisons[r.Op], v, r.Low)
}

// comparisons are the operators that compare with one value.
var comparisons = map[Operator]comparator{EQ: equal, NE: notEqual, LT: less, LE: lessOrEqual, GT: greater, GE: greaterOrEqual}

// Check compares the conditions with a schema and returns the range to read.
//
// visit, unless nil, is called for the hash key and then the range key, each before the conditions on it are looked at: a
// Query's starting key is checked in between. Its error ends the check.
// Errors: "Query condition missed key schema element: id", "Query key condition not supported", …
func (k *KeyCondition) Check(s Schema, visit func(attribute string, hash bool) error) (KeyRange, error) {
	var r KeyRange
	for i, name := range []string{s.Hash, s.Range} {
		hash := i == 0
		if name == "" {
			break
		}
		if visit != nil {
			if err := visit(name, hash); err != nil {
				return r, err
			}
		}
		if hash && s.Range == "" && len(k.conditions) > 1 {
			return r, sockgate.Invalidf("Query key condition not supported")
		}
		c := k.on(name)
		if c == nil {
			if hash || len(k.conditions) > 1 {
				return r, sockgate.Invalidf("Query condition missed key schema element: %s", name)
			}
			continue
		}
		kind := s.RangeKind
		if hash {
			kind = s.HashKind
		}
		if err := c.check(kind, hash); err != nil {
			return r, err
		}
		if hash {
			r.Hash = c.Values[0]
			continue
		}
		r.HasRange, r.Op, r.Low = true, c.Op, c.Values[0]
		if c.Op == Between {
			r.High = c.Values[1]
		}
	}
	return r, nil
}

// Attributes returns the names of the attributes that have a condition, in order.
func (k *KeyCondition) Attributes() []string {
	names := make([]string, len(k.conditions))
	for i := range k.conditions {
		names[i] = k.conditions[i].Attribute
	}
	return names
}

func (k *KeyCondition) on(attribute string) *AttributeCondition {
	for i := range k.conditions {
		if k.conditions[i].Attribute == attribute {
			return &k.conditions[i]
		}
	}
	return nil
}

// check checks a condition on a key attribute of a type.
func (c *AttributeCondition) check(kind value.Kind, hash bool) error {
	switch c.Op {
	case Null, NotNull, NE, Contains, NotContains, In:
		return sockgate.Invalidf("Attempted conditional constraint is not an indexable operation")
	}
	for _, v := range c.Values {
		if v.Kind() != kind {
			return sockgate.Invalidf("One or more parameter values were invalid: Condition parameter type does not match schema type")
		}
	}
	if hash && c.Op != EQ {
		return sockgate.Invalidf("Query key condition not supported")
	}
	return nil
}

// newKeyCondition makes the conditions of a KeyConditionExpression that is otherwise right.
func (e *bound) newKeyCondition() (*KeyCondition, error) {
	k := &KeyCondition{}
	if err := e.collect(e.root, k); err != nil {
		return nil, err
	}
	return k, checkKeyConditions(k.conditions)
}

// collect adds the conditions of n to k.
func (e *bound) collect(n *node, k *KeyCondition) error {
	switch {
	case n.kind == nAnd:
		return e.each(n, func(arg *node) error { return e.collect(arg, k) })
	case n.kind == nOr || n.kind == nNot || n.kind == nIn || n.kind == nCompare && n.cmp == notEqual,
		n.kind == nCall && n.fn != beginsWith && n.fn != size:
		return sockgate.Invalidf("Invalid operator used in KeyConditionExpression: %s", n.op)
	case (n.kind == nBetween || n.kind == nCall && n.fn == beginsWith) && n.args[0].kind != nPath:
		return sockgate.Invalidf("Invalid condition in KeyConditionExpression: %s operator must have the key attribute as its first operand", n.op)
	}
	var path Path
	at := 0
	for i, arg := range n.args {
		switch arg.kind {
		case nPath:
			p := e.paths[arg.slot]
			switch {
			case path != nil:
				return sockgate.Invalidf("Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition")
			case len(p) > 1:
				return sockgate.Invalidf("KeyConditionExpressions cannot have conditions on nested attributes")
			}
			path, at = p, i
		case nCall:
			return sockgate.Invalidf("KeyConditionExpressions cannot contain nested operations")
		}
	}
	switch {
	case path == nil:
		return sockgate.Invalidf("Invalid condition in KeyConditionExpression: No key attribute specified")
	case k.on(path[0].Name) != nil:
		return sockgate.Invalidf("KeyConditionExpressions must only contain one condition per key")
	}
	c := AttributeCondition{Attribute: path[0].Name, Op: keyOperator(n, at)}
	for i, arg := range n.args {
		if i != at {
			c.Values = append(c.Values, e.values[arg.slot])
		}
	}
	k.conditions = append(k.conditions, c)
	return nil
}

// keyOperator returns what n asks of the path that is its operand at. ":a < b" asks of b that it be greater.
func keyOperator(n *node, at int) Operator {
	switch n.kind {
	case nBetween:
		return Between
	case nCall:
		return BeginsWith
	}
	straight := [...]Operator{equal: EQ, less: LT, lessOrEqual: LE, greater: GT, greaterOrEqual: GE}
	turned := [...]Operator{equal: EQ, less: GT, lessOrEqual: GE, greater: LT, greaterOrEqual: LE}
	if at == 1 {
		return turned[n.cmp]
	}
	return straight[n.cmp]
}
