package dynamodb

import (
	"slices"
	"strings"

	"github.com/sockgate/sockgate/lang/ddb/expression"
)

// conditionKeys returns what policies can ask of a request besides its partition keys: dynamodb:Attributes, the top-level attributes
// that it names anywhere, and dynamodb:Select, ReturnValues and ReturnConsumedCapacity as given. A request for several tables has the
// attributes of all. Source: Developer Guide, "Using IAM policy conditions for fine-grained access control".
func (c *call) conditionKeys() map[string][]string {
	keys := make(map[string][]string, 3)
	for _, name := range [...]string{"Select", "ReturnValues", "ReturnConsumedCapacity"} {
		if n := c.node(name); n.set {
			keys["dynamodb:"+strings.ToLower(name)] = []string{n.text}
		}
	}
	if names := mentioned(nil, c.op.shape, c.nodes); len(names) > 0 {
		slices.Sort(names)
		keys["dynamodb:attributes"] = slices.Compact(names)
	}
	return keys
}

// mentioned appends the attributes that the members of a structure name.
func mentioned(names []string, s *shape, nodes []node) []string {
	for i := range s.fields {
		f, n := &s.fields[i], &nodes[i]
		switch {
		case !n.set || f.name == "ExpressionAttributeValues" || f.name == "ExpressionAttributeNames":
		case strings.HasSuffix(f.name, "Expression"):
			refs := in(s, nodes, "ExpressionAttributeNames")
			names = append(names, expression.Attributes(n.text, func(ref string) (string, bool) {
				at := slices.Index(refs.keys, ref)
				if at < 0 {
					return "", false
				}
				return refs.nodes[at].text, true
			})...)
		case f.name == "AttributesToGet":
			names = append(names, n.texts()...)
		case f.kind == item:
			for _, field := range n.item {
				names = append(names, field.Name)
			}
		case f.kind == dictionary && f.elem.kind == structure && !f.keyNamed: // by attribute
			names = append(names, n.keys...)
		case f.kind == structure:
			names = mentioned(names, f.shape, n.nodes)
		case f.kind == list || f.kind == dictionary:
			names = mentionedIn(names, f.elem, n.nodes)
		}
	}
	return names
}

// mentionedIn is mentioned for elements.
func mentionedIn(names []string, s *shape, nodes []node) []string {
	for i := range nodes {
		switch {
		case !nodes[i].set:
		case s.kind == structure:
			names = mentioned(names, s, nodes[i].nodes)
		case s.kind == list:
			names = mentionedIn(names, s.elem, nodes[i].nodes)
		case s.kind == item:
			for _, field := range nodes[i].item {
				names = append(names, field.Name)
			}
		}
	}
	return names
}
