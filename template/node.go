package template

import (
	"strings"
)

type kind uint8

const (
	null kind = iota
	text
	boolean
	number // text is a JSON number
	list
	mapping
)

func (k kind) String() string {
	return [...]string{"nothing", "text", "a boolean", "a number", "a list", "an object"}[k]
}

// node is one value of the source (or of a SAM expansion), with its place. Nodes are shared (aliases) and never changed
// after they were made.
type node struct {
	kind         kind
	text         string  // of a scalar; "true" and "false" for a boolean
	raw          string  // of a boolean in YAML: as it was written
	items        []*node // of a list
	pairs        []pair  // of a mapping, in source order
	line, column int
	size         int // what the node weighs with everything below it, aliases counted at each use
}

type pair struct{ key, value *node }

// get returns the value under a key, or nil.
func (n *node) get(key string) *node {
	if n == nil {
		return nil
	}
	for _, p := range n.pairs {
		if p.key.text == key {
			return p.value
		}
	}
	return nil
}

// child is get, and for a list the item whose number stands in key.
func (n *node) child(key string) *node {
	if n.kind != list {
		return n.get(key)
	}
	i := 0
	for _, c := range key {
		if c < '0' || c > '9' || i > len(n.items) {
			return nil
		}
		i = i*10 + int(c-'0')
	}
	if key == "" || i >= len(n.items) {
		return nil
	}
	return n.items[i]
}

// function returns the name and argument of an intrinsic function. The name of a Condition is only one where conditions
// are written; elsewhere it is a key like any other (policies have it).
func (n *node) function() (name string, argument *node, ok bool) {
	if n == nil || n.kind != mapping || len(n.pairs) != 1 {
		return "", nil, false
	}
	name = n.pairs[0].key.text
	if name == "Ref" || strings.HasPrefix(name, "Fn::") {
		return name, n.pairs[0].value, true
	}
	return "", nil, false
}

// isFunction reports whether n is a call of the named function.
func (n *node) isFunction(name string) bool {
	f, _, ok := n.function()
	return ok && f == name
}

// isScalar: text, boolean or number.
func (n *node) isScalar() bool {
	return n != nil && (n.kind == text || n.kind == boolean || n.kind == number)
}

// at makes new nodes that stand at the place of another, for SAM expansions.
type at struct{ line, column int }

func (n *node) place() at { return at{n.line, n.column} }

func (p at) node(k kind) *node { return &node{kind: k, line: p.line, column: p.column} }

func (p at) text(s string) *node {
	n := p.node(text)
	n.text = s
	return n
}

func (p at) boolean(b bool) *node {
	n := p.node(boolean)
	n.text = "false"
	if b {
		n.text = "true"
	}
	return n
}

func (p at) list(items ...*node) *node {
	n := p.node(list)
	n.items = items
	return n
}

// object makes a mapping of a name, a value, a name …; pairs with a nil value are left out.
func (p at) object(namesAndValues ...any) *node {
	n := p.node(mapping)
	for i := 0; i+1 < len(namesAndValues); i += 2 {
		v := namesAndValues[i+1]
		if s, isText := v.(string); isText {
			v = p.text(s)
		}
		if value := v.(*node); value != nil {
			n.pairs = append(n.pairs, pair{p.text(namesAndValues[i].(string)), value})
		}
	}
	return n
}

func (p at) ref(id string) *node { return p.object("Ref", id) }

func (p at) getAtt(id, attribute string) *node {
	return p.object("Fn::GetAtt", p.list(p.text(id), p.text(attribute)))
}

func (p at) sub(s string) *node { return p.object("Fn::Sub", s) }

func (p at) subWith(s, name string, value *node) *node {
	return p.object("Fn::Sub", p.list(p.text(s), p.object(name, value)))
}
