package expression

import (
	"strconv"
	"strings"

	"github.com/sockgate/sockgate/lang/ddb/value"
)

// Path is where something is in an item: an attribute's name, then names and indexes.
type Path []Step

// Step is one element of a path: a name, or, when Indexed is true, a list index.
type Step struct {
	Name    string
	Index   int
	Indexed bool
}

// String returns the path as DynamoDB's messages show it: [a, [1], b].
func (p Path) String() string {
	var b strings.Builder
	for i, s := range p {
		b.WriteString([]string{"[", ", "}[min(i, 1)])
		if s.Indexed {
			b.WriteString("[" + strconv.Itoa(s.Index) + "]")
		} else {
			b.WriteString(s.Name)
		}
	}
	return b.String() + "]"
}

// find returns what the path leads to in an item.
func (p Path) find(item value.Item) (value.Value, bool) {
	v, ok := item.Get(p[0].Name)
	for i := 1; i < len(p) && ok; i++ {
		s := &p[i]
		switch {
		case s.Indexed && v.Kind() == value.L && s.Index < v.Len():
			v = v.At(s.Index)
		case !s.Indexed && v.Kind() == value.M:
			v, ok = v.Item().Get(s.Name)
		default:
			ok = false
		}
	}
	return v, ok
}

func (p Path) equal(other Path) bool {
	if len(p) != len(other) {
		return false
	}
	for i := range p {
		if p[i] != other[i] {
			return false
		}
	}
	return true
}

// clash says how two paths cannot stand together: one is the other or a part of it, or they take the same thing for a list and
// for a map.
type clash uint8

const (
	apart clash = iota
	overlap
	conflict
)

func clashOf(a, b Path) clash {
	for i := range min(len(a), len(b)) {
		switch {
		case a[i].Indexed != b[i].Indexed:
			return conflict
		case a[i] != b[i]:
			return apart
		}
	}
	return overlap
}

// checkPaths looks for paths that cannot stand together: overlaps first, then conflicts, each the first that reading finds.
func (e *bound) checkPaths(paths []Path) error {
	var first [2]Path
	for i, b := range paths {
		for _, a := range paths[:i] {
			switch clashOf(a, b) {
			case overlap:
				return e.fail("Two document paths overlap with each other; must remove or rewrite one of these paths; path one: %s, path two: %s", a, b)
			case conflict:
				if first[0] == nil {
					first = [2]Path{a, b}
				}
			}
		}
	}
	if first[0] != nil {
		return e.fail("Two document paths conflict with each other; must remove or rewrite one of these paths; path one: %s, path two: %s", first[0], first[1])
	}
	return nil
}

// tree is paths put together by their beginnings. A node without children ends a path.
type tree struct {
	step     Step
	children []*tree
	change   *change // of an update, at the end of a path
}

// plant adds a path and returns its end. Paths must not overlap or conflict.
func (t *tree) plant(p Path) *tree {
next:
	for _, s := range p {
		for _, child := range t.children {
			if child.step == s {
				t = child
				continue next
			}
		}
		child := &tree{step: s}
		t.children = append(t.children, child)
		t = child
	}
	return t
}
