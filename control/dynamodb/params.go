package dynamodb

import (
	"strings"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/ddb/expression"
	"github.com/sockgate/sockgate/lang/ddb/value"
)

// params are the parameters of an operation, or of one action or table in it, that expressions are among.
type params struct {
	shape *shape
	nodes []node
}

func (c *call) params() params { return params{c.op.shape, c.nodes} }

func (p params) node(name string) *node { return in(p.shape, p.nodes, name) }

// checkMix checks that expressions and their older equivalents are not mixed, and that names and values come with expressions.
// Both lists are in the order in which they are told.
func (p params) checkMix(expressions, older []string) error {
	given := p.given(expressions)
	if len(given) > 0 {
		var mixed []string
		for _, name := range p.given(older) {
			// KeyConditions go with the other expressions.
			if name != "KeyConditions" || p.node("KeyConditionExpression").set {
				mixed = append(mixed, name)
			}
		}
		if len(mixed) > 0 {
			return sockgate.Invalidf("Can not use both expression and non-expression parameters in the same request: "+
				"Non-expression parameters: {%s} Expression parameters: {%s}", strings.Join(mixed, ", "), strings.Join(given, ", "))
		}
	}
	if p.node("ExpressionAttributeNames").set && len(given) == 0 {
		return sockgate.Invalidf("ExpressionAttributeNames can only be specified when using expressions")
	}
	if !p.node("ExpressionAttributeValues").set {
		return nil
	}
	var with []string
	for _, name := range expressions {
		if name != "ProjectionExpression" {
			with = append(with, name)
		}
	}
	if len(with) > 0 && len(p.given(with)) == 0 {
		verb := "is"
		if len(with) > 1 {
			verb = "are"
		}
		return sockgate.Invalidf("ExpressionAttributeValues can only be specified when using expressions: %s %s null", strings.Join(with, " and "), verb)
	}
	return nil
}

// given returns those of names that are set.
func (p params) given(names []string) []string {
	var set []string
	for _, name := range names {
		if p.node(name).set {
			set = append(set, name)
		}
	}
	return set
}

// bind compiles the expressions.
func (p params) bind(c *expression.Cache) (expression.Bound, error) {
	t := expression.Texts{
		Update: p.node("UpdateExpression").optional(), Condition: p.node("ConditionExpression").optional(),
		KeyCondition: p.node("KeyConditionExpression").optional(), Filter: p.node("FilterExpression").optional(),
		Projection: p.node("ProjectionExpression").optional(), Values: p.node("ExpressionAttributeValues").item,
	}
	if n := p.node("ExpressionAttributeNames"); n.set {
		t.Names = make(map[string]string, len(n.keys))
		for i, key := range n.keys {
			t.Names[key] = n.nodes[i].text
		}
	}
	if t.Update == nil && t.Condition == nil && t.KeyCondition == nil && t.Filter == nil && t.Projection == nil && t.Names == nil && t.Values == nil {
		return expression.Bound{}, nil
	}
	return c.Bind(t)
}

// expected compiles Expected.
func (p params) expected() (*expression.Condition, error) {
	n := p.node("Expected")
	if !n.set {
		return nil, p.checkOperator(n)
	}
	s := expectations.elem
	list := make([]expression.Expectation, len(n.keys))
	for i, key := range n.keys {
		m := n.nodes[i].nodes
		if m == nil {
			m = make([]node, len(s.fields))
		}
		e := expression.Expectation{Attribute: key}
		if exists := in(s, m, "Exists"); exists.set {
			e.Exists = &exists.truth
		}
		if v := in(s, m, "Value"); v.set {
			e.Value = *v.value
		}
		if op := in(s, m, "ComparisonOperator"); op.set {
			o, _ := expression.ParseOperator(op.text) // the shape has checked it
			e.Op = &o
		}
		values := in(s, m, "AttributeValueList")
		e.HasValues, e.Values = values.set, values.values()
		list[i] = e
	}
	cond, err := expression.CompileExpected(list, p.node("ConditionalOperator").text == "OR")
	if err != nil {
		return nil, err
	}
	return cond, p.checkOperator(n)
}

// checkOperator checks that ConditionalOperator comes with conditions.
func (p params) checkOperator(conditions *node) error {
	if p.node("ConditionalOperator").set && len(conditions.keys) == 0 {
		return invalid("ConditionalOperator cannot be used without Filter or Expected")
	}
	return nil
}

// values returns the members of a list of attribute values.
func (n *node) values() []value.Value {
	var vs []value.Value
	for i := range n.nodes {
		if n.nodes[i].set {
			vs = append(vs, *n.nodes[i].value)
		}
	}
	return vs
}

// texts returns the members of a list of texts.
func (n *node) texts() []string {
	var ts []string
	for i := range n.nodes {
		ts = append(ts, n.nodes[i].text)
	}
	return ts
}

// conditions returns the members of QueryFilter, ScanFilter or KeyConditions.
func (n *node) conditions() []expression.AttributeCondition {
	var list []expression.AttributeCondition
	for i, key := range n.keys {
		m := n.nodes[i].nodes
		if m == nil {
			m = make([]node, len(condition.fields))
		}
		op, _ := expression.ParseOperator(in(condition, m, "ComparisonOperator").text) // the shape has checked it
		list = append(list, expression.AttributeCondition{Attribute: key, Op: op, Values: in(condition, m, "AttributeValueList").values()})
	}
	return list
}

// updates compiles AttributeUpdates; nil when there are none.
func (p params) updates() (*expression.Update, error) {
	n := p.node("AttributeUpdates")
	if len(n.keys) == 0 { // no update at all makes an item, where one that takes away makes none
		return nil, nil
	}
	s := updates.elem
	list := make([]expression.AttributeUpdate, len(n.keys))
	for i, key := range n.keys {
		m := n.nodes[i].nodes
		if m == nil {
			m = make([]node, len(s.fields))
		}
		list[i] = expression.AttributeUpdate{Attribute: key, Action: in(s, m, "Action").text}
		if v := in(s, m, "Value"); v.set {
			list[i].Value = *v.value
		}
	}
	return expression.CompileUpdates(list)
}
