package template

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// conditions works the conditions out. Those that fail are false, and told of.
type conditions struct {
	run   *run
	exprs map[string]*node
	path  []string // being worked out now
}

func (t *Template) bindConditions(r *run) {
	c := conditions{run: r, exprs: map[string]*node{}}
	for _, p := range t.conditions {
		c.exprs[p.key.text] = p.value
	}
	r.early = "the Conditions block of the template"
	for _, p := range t.conditions {
		c.named(p.value, p.key.text)
	}
	c.rules(t.rules)
	r.early = ""
}

func (c *conditions) named(at *node, name string) bool {
	if v, done := c.run.conditions[name]; done {
		return v
	}
	if i := slices.Index(c.path, name); i >= 0 {
		cycle := append(slices.Clone(c.path[i:]), name)
		c.run.fail(at, "Template validation error: Circular dependency between conditions: %s", strings.Join(cycle, " → "))
		return false
	}
	c.path = append(c.path, name)
	v := c.value(c.exprs[name])
	c.path = c.path[:len(c.path)-1]
	c.run.conditions[name] = v
	return v
}

func (c *conditions) value(n *node) bool {
	if n.kind == mapping && n.pairs[0].key.text == "Condition" {
		return c.named(n.pairs[0].value, n.pairs[0].value.text)
	}
	name, argument, _ := n.function()
	switch items := argument.items; name {
	case "Fn::Equals":
		return c.equal(items[0], items[1])
	case "Fn::Not":
		return !c.value(items[0])
	case "Fn::And":
		all := true
		for _, i := range items {
			all = c.value(i) && all
		}
		return all
	case "Fn::Or":
		some := false
		for _, i := range items {
			some = c.value(i) || some
		}
		return some
	case "Fn::Contains":
		return c.contains(items[0], []*node{items[1]})
	case "Fn::EachMemberIn", "Fn::EachMemberEquals":
		return c.eachMember(items[0], items[1])
	}
	return false
}

func (c *conditions) operand(n *node) any {
	if name, _, ok := n.function(); ok && functions[name].rule {
		return c.run.fail(n, "%s is not supported; there is nothing to look the values up in", name)
	}
	return c.run.value(n)
}

// equal compares as CloudFormation does: 1 and "1", true and "true" are the same.
func (c *conditions) equal(a, b *node) bool {
	left, right := c.operand(a), c.operand(b)
	for _, v := range []any{left, right} {
		if _, bad := v.(failed); bad {
			return false
		}
	}
	return comparedText(left) == comparedText(right)
}

func comparedText(v any) string {
	if s, ok := plainText(v); ok {
		return s
	}
	if items, ok := v.([]any); ok {
		texts := make([]string, len(items))
		for i := range items {
			texts[i] = comparedText(items[i])
		}
		return fmt.Sprintf("%q", texts)
	}
	out, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(out)
}

func (c *conditions) members(n *node) []string {
	var out []string
	switch v := c.operand(n).(type) {
	case []any:
		for _, i := range v {
			out = append(out, comparedText(i))
		}
	case failed:
	default:
		out = append(out, comparedText(v))
	}
	return out
}

// contains: Fn::Contains looks for one text in a list of texts.
func (c *conditions) contains(listAt *node, valuesAt []*node) bool {
	all := c.members(listAt)
	for _, v := range valuesAt {
		if !slices.Contains(all, comparedText(c.operand(v))) {
			return false
		}
	}
	return true
}

// eachMember: every member of the first is in the second, which may be one text.
func (c *conditions) eachMember(first, second *node) bool {
	all := c.members(second)
	for _, m := range c.members(first) {
		if !slices.Contains(all, m) {
			return false
		}
	}
	return true
}

// rules checks the assertions of the Rules section.
// Source: CloudFormation User Guide, "Rules section".
func (c *conditions) rules(rules []pair) {
	for _, p := range rules {
		if on := p.value.get("RuleCondition"); on != nil && !c.value(on) {
			continue
		}
		for _, a := range p.value.get("Assertions").items {
			if c.value(a.get("Assert")) {
				continue
			}
			description := a.get("AssertDescription").textOr("an assertion is false")
			c.run.fail(a, "Template validation error: Rule %s: %s", p.key.text, description)
		}
	}
}
