package vtl

import (
	"fmt"

	"github.com/sockgate/sockgate/lang/jsonvalue"
)

// onList calls a method of a list or a document's array.
func (c *invocation) onList(l *[]any, self any) (any, error) {
	items := *l
	switch sig := c.signature(); sig {
	case "size":
		return int64(len(items)), nil
	case "length":
		return nil, nil
	case "isEmpty":
		return len(items) == 0, nil
	case "toString", "toJSONString":
		return c.r.text(c.step.pos, self)
	case "get:i", "getFirst", "getLast":
		i := 0
		switch sig {
		case "get:i":
			i = c.int(0)
		case "getLast":
			i = len(items) - 1
		}
		if i < 0 || i >= len(items) {
			return nil, outOfBounds(i, len(items))
		}
		return items[i], nil
	case "clear":
		*l = nil
		return "", nil // void methods print as nothing
	}
	switch {
	case c.is("add", 1):
		return true, c.insert(l, len(items), c.args)
	case c.is("add", 2) && kindOf(c.args[0]) == 'i':
		return "", c.insert(l, c.int(0), c.args[1:])
	case c.is("addAll", 1), c.is("addAll", 2) && kindOf(c.args[0]) == 'i':
		return c.addAll(l)
	case c.is("set", 2) && kindOf(c.args[0]) == 'i':
		i := c.int(0)
		if i < 0 || i >= len(items) {
			return nil, outOfBounds(i, len(items))
		}
		was := items[i]
		items[i] = c.args[1]
		return was, c.r.keep(c.step.pos, c.args[1])
	case c.is("remove", 1):
		return c.remove(l)
	case c.is("removeAll", 1), c.is("retainAll", 1):
		return c.filter(l)
	case c.is("contains", 1):
		i, err := c.find(items, c.args[0])
		return i >= 0, err
	case c.is("indexOf", 1):
		i, err := c.find(items, c.args[0])
		return int64(i), err
	case c.is("lastIndexOf", 1):
		return c.findLast(items)
	case c.is("containsAll", 1):
		return c.containsAll(items)
	case c.is("equals", 1):
		return c.r.equal(c.step.pos, self, c.args[0], 0)
	case c.is("subList", 2) && kindOf(c.args[0]) == 'i' && kindOf(c.args[1]) == 'i':
		from, to := c.int(0), c.int(1)
		if from < 0 || to > len(items) || from > to {
			return nil, fmt.Errorf("begin %d, end %d, length %d", from, to, len(items))
		}
		return c.r.copied(c.step.pos, to-from, func(i int) any { return items[from+i] })
	}
	return nil, nil
}

func (c *invocation) is(name string, args int) bool { return c.name == name && len(c.args) == args }

func outOfBounds(i, length int) error {
	return fmt.Errorf("index %d is out of bounds for length %d", i, length)
}

// insert puts items into a list.
func (c *invocation) insert(l *[]any, at int, items []any) error {
	if at < 0 || at > len(*l) {
		return outOfBounds(at, len(*l))
	}
	for _, item := range items {
		if err := c.r.keep(c.step.pos, item); err != nil {
			return err
		}
	}
	if err := c.takes(len(*l) - at); err != nil {
		return err
	}
	out := *l
	if at == len(out) {
		*l = append(out, items...)
		return nil
	}
	tail := append([]any(nil), out[at:]...)
	*l = append(append(out[:at:at], items...), tail...)
	return c.r.step(c.step.pos, len(out)/8)
}

func (c *invocation) addAll(l *[]any) (any, error) {
	at := len(*l)
	if len(c.args) == 2 {
		at = c.int(0)
	}
	from := listOf(c.args[len(c.args)-1])
	if from == nil {
		return nil, nil
	}
	items := append([]any(nil), *from...)
	return len(items) > 0, c.insert(l, at, items)
}

// remove takes out the item at an index, or the first that equals the argument.
func (c *invocation) remove(l *[]any) (any, error) {
	items := *l
	at := 0
	byIndex := kindOf(c.args[0]) == 'i'
	if byIndex {
		if at = c.int(0); at < 0 || at >= len(items) {
			return nil, outOfBounds(at, len(items))
		}
	} else {
		var err error
		if at, err = c.find(items, c.args[0]); err != nil || at < 0 {
			return false, err
		}
	}
	if err := c.r.step(c.step.pos, 1+len(items)/8); err != nil {
		return nil, err
	}
	was := items[at]
	*l = append(items[:at:at], items[at+1:]...)
	if byIndex {
		return was, nil
	}
	return true, nil
}

// filter takes out the items that are in the other list, or those that are not.
func (c *invocation) filter(l *[]any) (any, error) {
	other := listOf(c.args[0])
	if other == nil {
		return nil, nil
	}
	var kept []any
	for _, item := range *l {
		i, err := c.find(*other, item)
		if err != nil {
			return nil, err
		}
		if (i >= 0) == (c.name == "retainAll") {
			kept = append(kept, item)
		}
	}
	changed := len(kept) != len(*l)
	*l = kept
	return changed, nil
}

func (c *invocation) find(items []any, v any) (int, error) {
	for i, item := range items {
		if same, err := c.r.equal(c.step.pos, item, v, 0); same || err != nil {
			return i, err
		}
	}
	return -1, nil
}

func (c *invocation) findLast(items []any) (any, error) {
	for i := len(items) - 1; i >= 0; i-- {
		if same, err := c.r.equal(c.step.pos, items[i], c.args[0], 0); same || err != nil {
			return int64(i), err
		}
	}
	return int64(-1), nil
}

func (c *invocation) containsAll(items []any) (any, error) {
	wanted := listOf(c.args[0])
	if wanted == nil {
		return nil, nil
	}
	for _, w := range *wanted {
		if i, err := c.find(items, w); i < 0 || err != nil {
			return false, err
		}
	}
	return true, nil
}

// equal is Java's equals: numbers of the same kind, texts, and lists and maps with equal content.
func (r *rendering) equal(pos int, a, b any, depth int) (bool, error) {
	if err := r.step(pos, 1); err != nil {
		return false, err
	}
	if depth > maxPrinted {
		return false, faultf(pos, "values that are nested deeper than %d levels cannot be compared", maxPrinted)
	}
	if null(a) || null(b) {
		return null(a) && null(b), nil
	}
	if s, ok := a.(string); ok {
		t, ok := b.(string)
		if ok && len(s) == len(t) {
			return s == t, r.step(pos, len(s)/64)
		}
		return false, nil
	}
	if x, ok := numberOf(a); ok {
		y, ok := numberOf(b)
		return ok && x.float == y.float && x.compare(y) == 0, nil
	}
	if x := listOf(a); x != nil {
		return r.equalLists(pos, x, listOf(b), depth)
	}
	if m := mapOf(a); m != nil {
		return r.equalMaps(pos, m, mapOf(b), depth)
	}
	switch a := a.(type) {
	case bool:
		y, ok := b.(bool)
		return ok && a == y, nil
	case entry:
		e, ok := b.(entry)
		if !ok {
			return false, nil
		}
		if same, err := r.equal(pos, a.key, e.key, depth+1); !same || err != nil {
			return false, err
		}
		return r.equal(pos, a.value, e.value, depth+1)
	case *defined:
		d, ok := b.(*defined)
		return ok && a == d, nil
	}
	return false, nil
}

func (r *rendering) equalLists(pos int, a, b *[]any, depth int) (bool, error) {
	if b == nil || len(*a) != len(*b) {
		return false, nil
	}
	for i := range *a {
		if same, err := r.equal(pos, (*a)[i], (*b)[i], depth+1); !same || err != nil {
			return false, err
		}
	}
	return true, nil
}

func (r *rendering) equalMaps(pos int, a, b mapping, depth int) (bool, error) {
	if b == nil || a.Len() != b.Len() {
		return false, nil
	}
	for i := range a.Len() {
		v, ok := b.Get(a.at(i))
		if !ok {
			return false, nil
		}
		if same, err := r.equal(pos, valueAt(a, i), v, depth+1); !same || err != nil {
			return false, err
		}
	}
	return true, nil
}

// same is the operator ==: nulls are the same, numbers compare by value, things of one kind by content, and all else by its text.
func (r *rendering) same(pos int, a, b any) (bool, error) {
	if null(a) || null(b) {
		return null(a) && null(b), nil
	}
	x, okX := numberOf(a)
	y, okY := numberOf(b)
	if okX && okY {
		return x.compare(y) == 0, nil
	}
	if sameKind(a, b) {
		return r.equal(pos, a, b, 0)
	}
	s, err := r.text(pos, a)
	if err != nil {
		return false, err
	}
	t, err := r.text(pos, b)
	return s == t, err
}

func sameKind(a, b any) bool {
	switch a.(type) {
	case string:
		return isText(b)
	case bool:
		_, ok := b.(bool)
		return ok
	case *List, *jsonvalue.Array:
		return listOf(b) != nil
	case *Map, *jsonvalue.Object:
		return mapOf(b) != nil
	}
	return false
}
