package expression

import (
	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/ddb/value"
)

// The parameters that expressions replaced. Their maps are lists here, in the order of the request or of names.

// AttributeCondition is a member of KeyConditions, QueryFilter or ScanFilter.
type AttributeCondition struct {
	Attribute string
	Op        Operator
	Values    []value.Value // AttributeValueList
}

// Expectation is a member of Expected.
type Expectation struct {
	Attribute string
	Exists    *bool       // nil when not given
	Value     value.Value // Absent when not given
	Op        *Operator   // nil when not given
	Values    []value.Value
	HasValues bool // AttributeValueList was given
}

// AttributeUpdate is a member of AttributeUpdates.
type AttributeUpdate struct {
	Attribute string
	Action    string      // PUT, ADD or DELETE; "" is PUT
	Value     value.Value // Absent when not given
}

func invalidParameter(format string, args ...any) error {
	return sockgate.Invalidf("One or more parameter values were invalid: "+format, args...)
}

// argumentsFit reports whether an operator can have so many values.
func (o Operator) argumentsFit(n int) bool {
	switch o {
	case Null, NotNull:
		return n == 0
	case In:
		return n > 0
	case Between:
		return n == 2
	}
	return n == 1
}

// takes reports whether an operator can be asked with values of a type.
func (o Operator) takes(k value.Kind) bool {
	switch o {
	case LE, LT, GE, GT, In, Between:
		return ordered(k)
	case Contains, NotContains:
		return !k.IsSet() && k != value.M && k != value.L
	case BeginsWith:
		return k == value.S || k == value.B
	}
	return true
}

// checkArguments checks an operator's values: how many, of which types, in which order.
func checkArguments(o Operator, values []value.Value) error {
	for _, v := range values {
		if err := checkValue(v); err != nil {
			return err
		}
	}
	if !o.argumentsFit(len(values)) {
		return invalidParameter("Invalid number of argument(s) for the %s ComparisonOperator", o)
	}
	for _, v := range values {
		if v.Kind() != values[0].Kind() {
			return invalidParameter("AttributeValues inside AttributeValueList must be of same type")
		}
	}
	for _, v := range values {
		if !o.takes(v.Kind()) {
			return invalidParameter("ComparisonOperator %s is not valid for %s AttributeValue type", o, v.Kind())
		}
	}
	if o == Between {
		if order, ok := value.Compare(values[0], values[1]); ok && order > 0 {
			return sockgate.Invalidf("The BETWEEN condition was provided a range where the lower bound is greater than the upper bound")
		}
	}
	return nil
}

// checkValue returns what rule a value breaks; an Absent one, JSON's null, is an empty one.
func checkValue(v value.Value) error {
	if v.Kind() == value.Absent {
		return sockgate.Invalidf("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
	}
	return v.Err()
}

// CheckConditions checks QueryFilter's, ScanFilter's or KeyConditions' members by themselves.
func CheckConditions(conditions []AttributeCondition) error {
	for _, c := range conditions {
		if err := checkArguments(c.Op, c.Values); err != nil {
			return err
		}
	}
	return nil
}

// CompileFilter checks and compiles QueryFilter or ScanFilter; either says that one of the conditions is enough
// (ConditionalOperator OR). No conditions give a nil Condition.
func CompileFilter(conditions []AttributeCondition, either bool) (*Condition, error) {
	if err := CheckConditions(conditions); err != nil {
		return nil, err
	}
	return newLegacyCondition(conditions, either), nil
}

// CompileKeyConditions checks and compiles KeyConditions.
func CompileKeyConditions(conditions []AttributeCondition) (*KeyCondition, error) {
	if err := checkKeyConditions(conditions); err != nil {
		return nil, err
	}
	return &KeyCondition{conditions}, nil
}

func checkKeyConditions(conditions []AttributeCondition) error {
	if err := CheckConditions(conditions); err != nil {
		return err
	}
	if len(conditions) != 1 && len(conditions) != 2 {
		return sockgate.Invalidf("Conditions can be of length 1 or 2 only")
	}
	return nil
}

// CompileExpected checks and compiles Expected; either says that one of the expectations is enough (ConditionalOperator OR).
// No expectations give a nil Condition.
func CompileExpected(expectations []Expectation, either bool) (*Condition, error) {
	conditions := make([]AttributeCondition, len(expectations))
	for i := range expectations {
		c, err := expectations[i].condition()
		if err != nil {
			return nil, err
		}
		conditions[i] = c
	}
	return newLegacyCondition(conditions, either), nil
}

// condition returns what an expectation asks.
func (e *Expectation) condition() (AttributeCondition, error) {
	given := e.Value.Kind() != value.Absent
	none := AttributeCondition{}
	switch {
	case e.HasValues && given:
		return none, invalidParameter("Value and AttributeValueList cannot be used together for Attribute: %s", e.Attribute)
	case e.Op != nil:
		return e.operatorCondition(given)
	case e.HasValues:
		return none, invalidParameter("AttributeValueList can only be used with a ComparisonOperator for Attribute: %s", e.Attribute)
	}
	exists := e.Exists == nil || *e.Exists
	switch {
	case exists && !given:
		word := "null"
		if e.Exists != nil {
			word = "true"
		}
		return none, invalidParameter("Value must be provided when Exists is %s for Attribute: %s", word, e.Attribute)
	case !exists && given:
		return none, invalidParameter("Value cannot be used when Exists is false for Attribute: %s", e.Attribute)
	case !exists:
		return AttributeCondition{Attribute: e.Attribute, Op: Null}, nil
	}
	return AttributeCondition{e.Attribute, EQ, []value.Value{e.Value}}, checkValue(e.Value)
}

func (e *Expectation) operatorCondition(given bool) (AttributeCondition, error) {
	c := AttributeCondition{e.Attribute, *e.Op, e.Values}
	if given {
		c.Values = []value.Value{e.Value}
	}
	switch {
	case e.Exists != nil:
		return c, invalidParameter("Exists and ComparisonOperator cannot be used together for Attribute: %s", e.Attribute)
	case c.Op != Null && c.Op != NotNull && !e.HasValues && !given:
		return c, invalidParameter("Value or AttributeValueList must be used with ComparisonOperator: %s for Attribute: %s", c.Op, e.Attribute)
	}
	return c, checkArguments(c.Op, c.Values)
}

// newLegacyCondition compiles conditions that were checked.
func newLegacyCondition(conditions []AttributeCondition, either bool) *Condition {
	if len(conditions) == 0 {
		return nil
	}
	c := &Condition{root: &node{kind: nAnd}}
	if either {
		c.root.kind = nOr
	}
	for _, a := range conditions {
		c.root.args = append(c.root.args, c.legacy(a))
	}
	return c
}

func (c *Condition) legacy(a AttributeCondition) *node {
	c.paths = append(c.paths, Path{{Name: a.Attribute}})
	args := []*node{{kind: nPath, slot: len(c.paths) - 1}}
	for _, v := range a.Values {
		c.values = append(c.values, v)
		args = append(args, &node{kind: nValue, slot: len(c.values) - 1})
	}
	switch a.Op {
	case Null:
		return &node{kind: nCall, fn: attributeNotExists, args: args}
	case NotNull:
		return &node{kind: nCall, fn: attributeExists, args: args}
	case Contains:
		return &node{kind: nCall, fn: contains, args: args}
	case NotContains:
		return &node{kind: nNot, args: []*node{{kind: nCall, fn: contains, args: args}}}
	case BeginsWith:
		return &node{kind: nCall, fn: beginsWith, args: args}
	case In:
		return &node{kind: nIn, args: args}
	case Between:
		return &node{kind: nBetween, args: args}
	}
	return &node{kind: nCompare, cmp: comparisons[a.Op], args: args}
}

// CompileUpdates checks and compiles AttributeUpdates.
func CompileUpdates(updates []AttributeUpdate) (*Update, error) {
	e := &bound{parsed: &parsed{kind: update}}
	u := &Update{legacy: true, values: &Condition{}}
	for _, a := range updates {
		if err := a.check(); err != nil {
			return nil, err
		}
		p := Path{{Name: a.Attribute}}
		u.values.paths = append(u.values.paths, p)
		c := change{section: map[string]section{"PUT": set, "": set, "ADD": add, "DELETE": del}[a.Action]}
		if a.Value.Kind() == value.Absent {
			c.section = remove
		} else {
			e.values = append(e.values, a.Value)
			c.value = &node{kind: nValue, slot: len(e.values) - 1}
		}
		u.change(p, c, e)
	}
	u.values.values = e.values
	return u, nil
}

func (a *AttributeUpdate) check() error {
	k := a.Value.Kind()
	if k == value.Absent {
		if a.Action != "DELETE" {
			return invalidParameter("Only DELETE action is allowed when no attribute value is specified")
		}
		return nil
	}
	if err := a.Value.Err(); err != nil {
		return err
	}
	switch {
	case a.Action == "DELETE" && !k.IsSet():
		return invalidParameter("DELETE action with value is not supported for the type %s", k)
	case a.Action == "ADD" && !k.IsSet() && k != value.L && k != value.N:
		return invalidParameter("ADD action is not supported for the type %s", k)
	}
	return nil
}

// CompileAttributesToGet checks and compiles AttributesToGet. No names give a nil Projection.
func CompileAttributesToGet(names []string) (*Projection, error) {
	if len(names) == 0 {
		return nil, nil
	}
	paths := make([]Path, len(names))
	seen := make(map[string]struct{}, len(names))
	for i, name := range names {
		if _, ok := seen[name]; ok {
			return nil, invalidParameter("Duplicate value in attribute name: %s", name)
		}
		seen[name] = struct{}{}
		paths[i] = Path{{Name: name}}
	}
	return newProjection(paths), nil
}
