package expression

import (
	"slices"

	"github.com/sockgate/sockgate/lang/ddb/value"
)

// Projection is a list of paths.
type Projection struct {
	paths []Path
	root  tree
}

func (e *bound) newProjection() *Projection { return newProjection(e.paths) }

func newProjection(paths []Path) *Projection {
	p := &Projection{paths: paths}
	for _, path := range paths {
		p.root.plant(path)
	}
	return p
}

// Project returns, of item, only what the paths lead to, as parts of what they lead through. Of a list, the chosen elements
// close up in their order. A nil Projection returns the item.
func (p *Projection) Project(item value.Item) value.Item {
	if p == nil {
		return item
	}
	return p.root.item(item)
}

// Paths calls visit with each path.
func (p *Projection) Paths(visit func(Path)) {
	if p == nil {
		return
	}
	for _, path := range p.paths {
		visit(path)
	}
}

func (t *tree) item(item value.Item) value.Item {
	fields := make([]value.Field, 0, len(t.children))
	for _, child := range t.children {
		if v, ok := item.Get(child.step.Name); ok {
			if v, ok = child.part(v); ok {
				fields = append(fields, value.Field{Name: child.step.Name, Value: v})
			}
		}
	}
	return value.MakeItem(fields)
}

// part returns what of v the paths from here lead to; false for nothing.
func (t *tree) part(v value.Value) (value.Value, bool) {
	switch {
	case len(t.children) == 0:
		return v, true
	case v.Kind() == value.M && !t.children[0].step.Indexed:
		members := t.item(v.Item())
		return value.Map(members), len(members) > 0
	case v.Kind() == value.L && t.children[0].step.Indexed:
		var elements []value.Value
		for _, child := range t.byIndex() {
			if child.step.Index < v.Len() {
				if e, ok := child.part(v.At(child.step.Index)); ok {
					elements = append(elements, e)
				}
			}
		}
		return value.List(elements...), len(elements) > 0
	}
	return value.Value{}, false
}

// byIndex returns the children in the order of their indexes.
func (t *tree) byIndex() []*tree {
	return slices.SortedFunc(slices.Values(t.children), func(a, b *tree) int { return a.step.Index - b.step.Index })
}
