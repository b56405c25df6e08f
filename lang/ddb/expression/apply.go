package expression

import (
	"slices"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/ddb/number"
	"github.com/sockgate/sockgate/lang/ddb/value"
)

// What can be wrong with an update once the item is seen.
var (
	errPath     = sockgate.Invalidf("The document path provided in the update expression is invalid for update")
	errOperand  = sockgate.Invalidf("An operand in the update expression has an incorrect data type")
	errAbsent   = sockgate.Invalidf("The provided expression refers to an attribute that does not exist in the item")
	errMismatch = sockgate.Invalidf("Type mismatch for attribute to update")
)

// Update is a compiled update.
type Update struct {
	actions []Action
	paths   []Path // written, in order
	root    tree   // of paths; a change at each end
	values  *Condition
	legacy  bool // AttributeUpdates: other words, and ADD takes lists
}

// Action is one write of an update.
type Action struct {
	Path   Path
	Kind   value.Kind // of what is written, when it is known beforehand; Absent otherwise
	Remove bool       // nothing is written: a REMOVE, or a DELETE without value
}

// change is an action at the end of its path in the tree.
type change struct {
	section section
	value   *node
}

func (e *bound) newUpdate() (*Update, error) {
	u := &Update{values: &Condition{paths: e.paths, values: e.values}}
	for _, a := range e.actions {
		u.change(e.paths[a.path], change{a.section, a.value}, e)
	}
	return u, nil
}

// change adds a change to the update. Paths are checked before: none is added twice.
func (u *Update) change(p Path, c change, e *bound) {
	u.paths = append(u.paths, p)
	a := Action{Path: p, Remove: c.section == remove}
	if c.value != nil {
		a.Kind = e.static(c.value)
	}
	u.actions = append(u.actions, a)
	if u.legacy {
		// There may be thousands: they are one name each, so no beginning is looked for.
		u.root.children = append(u.root.children, &tree{step: p[0], change: &c})
		return
	}
	u.root.plant(p).change = &c
}

// Actions returns the update's writes in order. A table checks its keys and its indexes' keys with them. The caller must not
// change the slice.
func (u *Update) Actions() []Action { return u.actions }

// Paths calls visit with each document path that the update mentions, read or written.
func (u *Update) Paths(visit func(Path)) { u.values.Paths(visit) }

// Touched returns, of item, only what the update's paths lead to: UPDATED_OLD of the item before, UPDATED_NEW of the item
// after.
func (u *Update) Touched(item value.Item) value.Item {
	if u == nil {
		return nil
	}
	return u.root.item(item)
}

// Apply returns the item after the update. item is what was there: the key alone when nothing was. A nil Update returns it as
// it is. All operands are read from item as it was before.
// Errors: sockgate.Invalid ("An operand in the update expression has an incorrect data type", number.ErrOverflow, …).
func (u *Update) Apply(item value.Item) (value.Item, error) {
	if u == nil {
		return item, nil
	}
	r := updating{update: u, before: item}
	after, err := r.members(&u.root, item)
	if err != nil {
		if operand := r.check(); operand != nil {
			return nil, operand
		}
		return nil, err
	}
	return after, after.CheckDepth()
}

// updating is one application of an update.
type updating struct {
	update *Update
	before value.Item
}

// check resolves what SET sets, in order, for its error: DynamoDB complains about operands before paths.
func (r *updating) check() error {
	for _, end := range r.update.root.ends(nil) {
		if end.change.section == set && end.change.value.kind != nValue {
			if _, err := r.resolve(end.change.value); err != nil {
				return err
			}
		}
	}
	return nil
}

// ends returns the ends of the tree's paths.
func (t *tree) ends(list []*tree) []*tree {
	if t.change != nil {
		list = append(list, t)
	}
	for _, child := range t.children {
		list = child.ends(list)
	}
	return list
}

// members returns a map's members, or an item's attributes, after the changes below t.
func (r *updating) members(t *tree, before value.Item) (value.Item, error) {
	after := make(value.Item, len(before), len(before)+len(t.children))
	copy(after, before)
	// Putting each in its place is quicker for a few, sorting all for many.
	few := len(t.children) <= 32
	for _, child := range t.children {
		if child.step.Indexed {
			return nil, errPath
		}
		old, _ := before.Get(child.step.Name)
		v, err := r.replace(child, old)
		switch {
		case err != nil:
			return nil, err
		case !few:
			after = append(after, value.Field{Name: child.step.Name, Value: v})
		case v.Kind() == value.Absent:
			after = after.Without(child.step.Name)
		default:
			after = after.Put(child.step.Name, v)
		}
	}
	if !few {
		after = slices.DeleteFunc(value.MakeItem(after), func(f value.Field) bool { return f.Value.Kind() == value.Absent })
	}
	return after, nil
}

// elements returns a list after the changes below t. Indexes are those of the list before; what is set beyond its end is
// appended, what is removed leaves no gap.
func (r *updating) elements(t *tree, before value.Value) (value.Value, error) {
	all := make([]value.Value, before.Len(), before.Len()+len(t.children))
	for i := range all {
		all[i] = before.At(i)
	}
	for _, child := range t.byIndex() {
		var old value.Value
		inside := child.step.Indexed && child.step.Index < before.Len()
		if inside {
			old = before.At(child.step.Index)
		} else if !child.step.Indexed {
			return value.Value{}, errPath
		}
		v, err := r.replace(child, old)
		if err != nil {
			return value.Value{}, err
		}
		if inside {
			all[child.step.Index] = v
		} else {
			all = append(all, v)
		}
	}
	kept := all[:0]
	for _, v := range all {
		if v.Kind() != value.Absent {
			kept = append(kept, v)
		}
	}
	return value.List(kept...), nil
}

// replace returns what stands at t after the update, where old stood; Absent for nothing.
func (r *updating) replace(t *tree, old value.Value) (value.Value, error) {
	if t.change != nil {
		return r.apply(t.change, old)
	}
	switch {
	case old.Kind() == value.M && !t.children[0].step.Indexed:
		members, err := r.members(t, old.Item())
		return value.Map(members), err
	case old.Kind() == value.L && t.children[0].step.Indexed:
		return r.elements(t, old)
	}
	return value.Value{}, errPath
}

// apply returns the result of one action.
func (r *updating) apply(c *change, old value.Value) (value.Value, error) {
	if c.section == remove {
		return value.Value{}, nil
	}
	v, err := r.resolve(c.value)
	if err != nil || c.section == set {
		return v, err
	}
	switch {
	case old.Kind() == value.Absent && c.section == add:
		return v, nil
	case old.Kind() == value.Absent:
		return old, nil
	case old.Kind() != v.Kind() && r.update.legacy:
		return value.Value{}, errMismatch
	case old.Kind() != v.Kind():
		return value.Value{}, errOperand
	case c.section == del:
		if left := old.Difference(v); left.Len() > 0 {
			return left, nil
		}
		return value.Value{}, nil
	case v.Kind() == value.N:
		return sum("+", old, v)
	case v.Kind() == value.L:
		return joined(old, v), nil
	}
	return old.Union(v), nil
}

// resolve returns the value of what an action sets.
func (r *updating) resolve(n *node) (value.Value, error) {
	switch n.kind {
	case nPath, nValue:
		v := r.update.values.operand(n, r.before)
		if v.Kind() == value.Absent {
			return v, errAbsent
		}
		return v, nil
	case nCall:
		if n.fn == ifNotExists {
			if v := r.update.values.operand(n.args[0], r.before); v.Kind() != value.Absent {
				return v, nil
			}
			return r.resolve(n.args[1])
		}
	}
	want := value.N
	if n.kind == nCall {
		want = value.L
	}
	var operands [2]value.Value
	for i, arg := range n.args {
		v, err := r.resolve(arg)
		if err != nil {
			return v, err
		}
		if v.Kind() != want {
			return v, errOperand
		}
		operands[i] = v
	}
	if want == value.L {
		return joined(operands[0], operands[1]), nil
	}
	return sum(n.op, operands[0], operands[1])
}

func sum(op string, a, b value.Value) (value.Value, error) {
	f := number.Add
	if op == "-" {
		f = number.Subtract
	}
	text, err := f(a.Text(), b.Text())
	if err != nil {
		return value.Value{}, err
	}
	return value.Number(text)
}

// joined returns the list of a's elements and then b's.
func joined(a, b value.Value) value.Value {
	all := make([]value.Value, 0, a.Len()+b.Len())
	for i := range a.Len() {
		all = append(all, a.At(i))
	}
	for i := range b.Len() {
		all = append(all, b.At(i))
	}
	return value.List(all...)
}
