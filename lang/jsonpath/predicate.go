package jsonpath

import (
	"github.com/sockgate/sockgate/lang/boundedre"
	"github.com/sockgate/sockgate/lang/jsonvalue"
)

// predicate is a filter, or a part of one.
type predicate interface {
	test(s scope) (bool, error)
}

type (
	anyOf      []predicate
	allOf      []predicate
	negation   struct{ predicate }
	exists     struct{ path *Path }
	comparison struct {
		left, right operand
		op          string
	}
)

// operand is a path or a literal. A regular expression is a literal of its own kind.
type operand struct {
	path    *Path
	value   any
	pattern *boundedre.Regexp
}

// undefined is what a path that leads nowhere stands for in a comparison. It equals nothing, not even itself.
type undefined struct{}

func (ps anyOf) test(s scope) (bool, error) {
	for _, p := range ps {
		if ok, err := p.test(s); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

func (ps allOf) test(s scope) (bool, error) {
	for _, p := range ps {
		if ok, err := p.test(s); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

func (n negation) test(s scope) (bool, error) {
	ok, err := n.predicate.test(s)
	return !ok && err == nil, err
}

// test holds when the path leads somewhere, be it to null. An indefinite path exists even with an empty result, unless a member
// that it names is missing.
func (e exists) test(s scope) (bool, error) {
	s.require = true
	_, err := e.path.evaluate(s)
	if err == errMissing {
		return false, nil
	}
	return err == nil, err
}

func (o *operand) evaluate(s scope) (any, error) {
	switch {
	case o.pattern != nil:
		return o.pattern, nil
	case o.path == nil:
		return o.value, nil
	}
	v, err := o.path.evaluate(s)
	if err == errMissing {
		return undefined{}, nil
	}
	return v, err
}

func (c *comparison) test(s scope) (bool, error) {
	l, err := c.left.evaluate(s)
	if err != nil {
		return false, err
	}
	r, err := c.right.evaluate(s)
	if err != nil {
		return false, err
	}
	ok, err := c.apply(l, r, meter{s.budget})
	if *s.budget < 0 {
		return false, errLimit
	}
	return ok, err
}

func (c *comparison) apply(l, r any, m meter) (bool, error) {
	switch c.op {
	case "==":
		return m.equal(l, r), nil
	case "!=":
		return !m.equal(l, r), nil
	case "===":
		return typeOf(l) == typeOf(r) && m.equal(l, r), nil
	case "!==":
		return typeOf(l) != typeOf(r) || !m.equal(l, r), nil
	case "<", "<=", ">", ">=":
		return ordered(l, r, c.op), nil
	case "=~":
		return m.matches(l, r), nil
	case "CONTAINS":
		return m.contains(l, r), nil
	case "SIZE":
		return hasSize(l, r), nil
	case "EMPTY":
		return isEmpty(l, r)
	}
	return m.listed(l, r, c.op)
}

// listed is the operators whose right side is a list.
func (m meter) listed(l, r any, op string) (bool, error) {
	list, ok := r.(*jsonvalue.Array)
	if !ok {
		return withoutList(op, r)
	}
	if op == "IN" || op == "NIN" {
		return m.member(l, list) == (op == "IN"), nil
	}
	left, ok := l.(*jsonvalue.Array)
	if !ok {
		return withoutList(op, l)
	}
	switch op {
	case "SUBSETOF":
		return m.subset(left, list), nil
	case "ALL":
		return m.subset(list, left), nil
	}
	for _, item := range left.Items {
		if m.member(item, list) {
			return op == "ANYOF", nil
		}
	}
	return op == "NONEOF", nil
}

// withoutList is what a list operator says when a side is no list. An object makes it false, and so NIN true.
func withoutList(op string, v any) (bool, error) {
	if _, ok := v.(*jsonvalue.Object); ok {
		return op == "NIN", nil
	}
	return false, errMisused
}
