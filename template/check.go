package template

import (
	"strings"
)

// functions says how many arguments each takes: max 0 is one argument that is not a list of arguments.
var functions = map[string]struct {
	min, max  int
	condition bool // only where conditions are written
	extension bool // only with AWS::LanguageExtensions
	rule      bool // only in Rules
}{
	"Ref":             {},
	"Fn::GetAtt":      {},
	"Fn::Sub":         {},
	"Fn::Base64":      {},
	"Fn::ImportValue": {},
	"Fn::GetAZs":      {},
	"Fn::Join":        {min: 2, max: 2},
	"Fn::Select":      {min: 2, max: 2},
	"Fn::Split":       {min: 2, max: 2},
	"Fn::Cidr":        {min: 2, max: 3},
	"Fn::If":          {min: 3, max: 3},
	"Fn::FindInMap":   {min: 3, max: 4},

	"Fn::Length":       {extension: true},
	"Fn::ToJsonString": {extension: true},

	"Fn::And":    {min: 2, max: 10, condition: true},
	"Fn::Or":     {min: 2, max: 10, condition: true},
	"Fn::Not":    {min: 1, max: 1, condition: true},
	"Fn::Equals": {min: 2, max: 2, condition: true},

	"Fn::Contains":         {min: 2, max: 2, condition: true, rule: true},
	"Fn::EachMemberEquals": {min: 2, max: 2, condition: true, rule: true},
	"Fn::EachMemberIn":     {min: 2, max: 2, condition: true, rule: true},
	"Fn::RefAll":           {rule: true},
	"Fn::ValueOf":          {min: 2, max: 2, rule: true},
	"Fn::ValueOfAll":       {min: 2, max: 2, rule: true},
}

// checker looks at what a template says of itself, without values: the names of conditions and mappings, the shape of
// functions.
type checker struct {
	t      *Template
	faults *faults
}

func (c *checker) template() {
	ids := map[string]bool{}
	for i := range c.t.Parameters {
		ids[c.t.Parameters[i].Name] = true
	}
	for _, r := range c.t.resources {
		if ids[r.id] {
			c.faults.add(r.key, "Template format error: %s is a parameter and a resource; names must be unique", r.id)
		}
		c.resource(r)
	}
	for _, p := range c.t.conditions {
		c.condition(p.value, false)
	}
	for _, p := range c.t.rules {
		c.rule(p)
	}
	if c.t.globals != nil {
		c.value(c.t.globals)
	}
	for _, p := range c.t.outputs {
		c.output(p)
	}
}

func (c *checker) resource(r *resource) {
	if r.conditionAt != nil {
		c.conditionName(r.conditionAt)
	}
	if r.properties != nil {
		c.value(r.properties)
	}
	for _, policy := range []*node{r.deletion, r.replacement} {
		if policy == nil {
			continue
		}
		switch policy.text {
		case "Delete", "Retain", "RetainExceptOnCreate", "Snapshot":
		default:
			// With AWS::LanguageExtensions it may be a function of parameters.
			if policy.kind != mapping || !c.t.LanguageExtensions {
				c.faults.add(policy, "Template format error: DeletionPolicy and UpdateReplacePolicy are Delete, Retain, RetainExceptOnCreate or Snapshot")
			}
		}
	}
	if strings.HasPrefix(r.typ, "AWS::Serverless::") && !c.t.Serverless {
		c.faults.add(r.typeAt, "resource type %s needs \"Transform: %s\" in the template", r.typ, serverlessTransform)
	}
}

func (c *checker) output(p pair) {
	if p.value.kind != mapping {
		c.faults.add(p.value, "Template format error: Outputs member %s must be an object with a Value", p.key.text)
		return
	}
	for _, a := range p.value.pairs {
		switch a.key.text {
		case "Value":
			c.value(a.value)
		case "Description":
			if !a.value.isScalar() {
				c.faults.add(a.value, "Template format error: Description of output %s must be text", p.key.text)
			}
		case "Condition":
			c.conditionName(a.value)
		case "Export":
			if a.value.get("Name") == nil || len(a.value.pairs) != 1 {
				c.faults.add(a.value, "Template format error: Export of output %s must be an object with a Name", p.key.text)
			}
			c.value(a.value)
		default:
			c.faults.add(a.key, "Template format error: unknown member %s of output %s%s", a.key.text, p.key.text,
				maybe(Nearest(a.key.text, []string{"Value", "Description", "Condition", "Export"}), ""))
		}
	}
	if v := p.value.get("Value"); v == nil {
		c.faults.add(p.key, "Template format error: Output %s must have a Value", p.key.text)
	}
}

func (c *checker) conditionName(n *node) {
	if n.kind != text {
		c.faults.add(n, "Template format error: a condition is named by its name, and this is %s", n.kind)
		return
	}
	var names []string
	for _, p := range c.t.conditions {
		if p.key.text == n.text {
			return
		}
		names = append(names, p.key.text)
	}
	c.faults.add(n, "Template validation error: Unresolved condition dependency %s in the template%s", n.text, maybe(Nearest(n.text, names), ""))
}

// value checks everything below n where values are written.
func (c *checker) value(n *node) {
	if name, argument, ok := n.function(); ok {
		c.call(n, name, argument)
		return
	}
	for _, p := range n.pairs {
		switch {
		case strings.HasPrefix(p.key.text, "Fn::ForEach"):
			c.faults.add(p.key, "Fn::ForEach is not supported; write the loop out")
		case strings.HasPrefix(p.key.text, "Fn::"):
			c.faults.add(p.key, "Template format error: %s must be the only key of its object", p.key.text)
		}
		c.value(p.value)
	}
	for _, i := range n.items {
		c.value(i)
	}
}

func (c *checker) call(n *node, name string, argument *node) {
	f, known := functions[name]
	switch {
	case strings.HasPrefix(name, "Fn::ForEach"):
		c.faults.add(n, "Fn::ForEach is not supported; write the loop out")
		return
	case name == "Fn::Transform":
		c.faults.add(n, "Fn::Transform (%s) is not supported", argument.get("Name").textOr("a macro"))
		return
	case !known:
		all := make([]string, 0, len(functions))
		for other := range functions {
			all = append(all, other)
		}
		c.faults.add(n, "Template format error: unknown function %s%s", name, maybe(nearestSorted(name, all), ""))
		return
	case f.condition:
		c.faults.add(n, "Template error: %s can only stand in Conditions", name)
		return
	case f.rule:
		c.faults.add(n, "Template error: %s can only stand in Rules", name)
		return
	case f.extension && !c.t.LanguageExtensions:
		c.faults.add(n, "Template error: %s needs \"Transform: %s\"", name, languageTransform)
		return
	}
	c.arguments(n, name, argument)
}

// arguments checks the number and the literal names of a known function's arguments, and then what is inside of them.
func (c *checker) arguments(n *node, name string, argument *node) {
	f := functions[name]
	if f.max > 0 && (argument.kind != list || len(argument.items) < f.min || len(argument.items) > f.max) {
		c.faults.add(n, "Template error: %s takes a list of %s", name, countText(f.min, f.max))
		return
	}
	switch name {
	case "Ref":
		if argument.kind != text || argument.text == "" {
			c.faults.add(n, "Template format error: Ref takes the name of a parameter or resource, and this is %s", argument.kind)
		}
		return
	case "Fn::GetAtt":
		c.getAtt(n, argument)
		return
	case "Fn::Sub":
		c.sub(n, argument)
		return
	case "Fn::If":
		c.conditionName(argument.items[0])
		c.value(argument.items[1])
		c.value(argument.items[2])
		return
	case "Fn::FindInMap":
		c.findInMap(argument)
	}
	c.value(argument)
}

func countText(low, high int) string {
	words := [...]string{"no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"}
	s := words[low]
	if high != low {
		s += " to " + words[high]
	}
	if high == 1 {
		return s + " value"
	}
	return s + " values"
}

func (c *checker) getAtt(n, argument *node) {
	switch argument.kind {
	case text:
		if id, attribute, ok := strings.Cut(argument.text, "."); ok && id != "" && attribute != "" {
			return
		}
	case list:
		if len(argument.items) == 2 && argument.items[0].kind == text {
			if _, _, isCall := argument.items[1].function(); isCall || argument.items[1].kind == text {
				c.value(argument.items[1])
				return
			}
		}
	}
	c.faults.add(n, "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute")
}

func (c *checker) sub(n, argument *node) {
	body, variables := argument, (*node)(nil)
	if argument.kind == list && len(argument.items) == 2 {
		body, variables = argument.items[0], argument.items[1]
	}
	if body.kind != text || variables != nil && variables.kind != mapping {
		c.faults.add(n, "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as first argument, and an optional second argument to specify a mapping of values to replace in the string")
		return
	}
	if _, err := subParts(body.text); err != "" {
		c.faults.add(body, "%s", err)
	}
	if variables != nil {
		c.value(variables)
	}
}

func (c *checker) findInMap(argument *node) {
	name := argument.items[0]
	if name.kind == text && c.t.mappings.get(name.text) == nil {
		c.faults.add(name, "Template error: Mapping named '%s' is not present in the 'Mappings' section of template.", name.text)
	}
	if len(argument.items) == 4 && (!c.t.LanguageExtensions || argument.items[3].get("DefaultValue") == nil) {
		c.faults.add(argument.items[3], "Template error: the fourth value of Fn::FindInMap is {DefaultValue: …}, and needs \"Transform: %s\"", languageTransform)
	}
}

// condition checks an expression of the Conditions section (or, with inRule, of a rule).
func (c *checker) condition(n *node, inRule bool) {
	if n.kind == mapping && len(n.pairs) == 1 && n.pairs[0].key.text == "Condition" {
		c.conditionName(n.pairs[0].value)
		return
	}
	name, argument, ok := n.function()
	f := functions[name]
	if !ok || !f.condition || f.rule && !inRule {
		c.faults.add(n, "Template format error: a condition is made of Fn::And, Fn::Or, Fn::Not, Fn::Equals and Condition")
		return
	}
	if argument.kind != list || len(argument.items) < f.min || len(argument.items) > f.max {
		c.faults.add(n, "Template error: %s takes a list of %s", name, countText(f.min, f.max))
		return
	}
	for _, i := range argument.items {
		switch {
		case name == "Fn::Equals", f.rule:
			c.operand(i, inRule)
		default:
			c.condition(i, inRule)
		}
	}
}

// operand checks one side of an Fn::Equals. Rules have functions of their own there, of which those that look things
// up are refused when the rule is evaluated.
func (c *checker) operand(n *node, inRule bool) {
	if name, _, ok := n.function(); ok && inRule && functions[name].rule {
		return
	}
	c.value(n)
}

func (c *checker) rule(p pair) {
	if p.value.kind != mapping || p.value.get("Assertions") == nil || p.value.get("Assertions").kind != list {
		c.faults.add(p.key, "Template format error: rule %s must be an object with a list of Assertions", p.key.text)
		return
	}
	for _, a := range p.value.pairs {
		switch a.key.text {
		case "RuleCondition":
			c.condition(a.value, true)
		case "Assertions":
			for _, i := range a.value.items {
				if i.get("Assert") == nil {
					c.faults.add(i, "Template format error: an assertion of rule %s has no Assert", p.key.text)
					continue
				}
				c.condition(i.get("Assert"), true)
			}
		default:
			c.faults.add(a.key, "Template format error: unknown member %s of rule %s", a.key.text, p.key.text)
		}
	}
}
