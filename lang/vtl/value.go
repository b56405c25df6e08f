package vtl

import (
	"github.com/sockgate/sockgate/lang/jsonvalue"
)

// List is a list that a template made: a literal, a range, what split returned. It prints as [a, b]; a document's array prints as JSON.
type List struct{ Items []any }

// Map is a map that a template made, or one that is to print as {a=1, b=2}, as a document's object does. Keys keep the order in which they were
// first set. The zero value is an empty map.
type Map struct {
	keys   []any
	values map[any]any
}

// Len returns the number of keys.
func (m *Map) Len() int { return len(m.keys) }

// Keys returns the keys in order. The caller must not change the slice.
func (m *Map) Keys() []any { return m.keys }

// Get returns a key's value, and whether there is such a key.
func (m *Map) Get(key any) (any, bool) {
	v, ok := m.values[keyOf(key)]
	return v, ok
}

// Set gives a key a value. Keys are strings, booleans, numbers and nil; all else counts by identity.
func (m *Map) Set(key, value any) {
	key = keyOf(key)
	if _, ok := m.values[key]; !ok {
		if m.values == nil {
			m.values = make(map[any]any)
		}
		m.keys = append(m.keys, key)
	}
	m.values[key] = value
}

// Delete removes a key and returns its value.
func (m *Map) Delete(key any) (any, bool) {
	key = keyOf(key)
	was, ok := m.values[key]
	if !ok {
		return nil, false
	}
	delete(m.values, key)
	for i, k := range m.keys {
		if k == key {
			m.keys = append(m.keys[:i:i], m.keys[i+1:]...)
			break
		}
	}
	return was, true
}

// keyOf makes equal numbers equal keys, and every value one that a Go map takes.
func keyOf(v any) any {
	switch v := v.(type) {
	case nil, string, bool, *List, *Map, *jsonvalue.Array, *jsonvalue.Object:
		return v
	}
	if n, ok := numberOf(v); ok {
		return n.value()
	}
	return Text(v)
}

// mapping is a Map or a document's object.
type mapping interface {
	Len() int
	Get(key any) (any, bool)
	Set(key, value any)
	Delete(key any) (any, bool)
	at(i int) any // the i-th key
}

func (m *Map) at(i int) any { return m.keys[i] }

// document is a JSON object as a mapping. Its keys are strings, so no other key is found in it.
type document struct{ o *jsonvalue.Object }

func (d document) Len() int     { return d.o.Len() }
func (d document) at(i int) any { return d.o.Names()[i] }

func (d document) Get(key any) (any, bool) {
	name, ok := key.(string)
	if !ok {
		return nil, false
	}
	return d.o.Get(name)
}

func (d document) Set(key, value any) {
	name, ok := key.(string)
	if !ok {
		name = Text(key)
	}
	d.o.Set(name, value)
}

func (d document) Delete(key any) (any, bool) {
	name, ok := key.(string)
	if !ok {
		return nil, false
	}
	return d.o.Delete(name)
}

// mapOf returns v as a mapping, or nil.
func mapOf(v any) mapping {
	switch v := v.(type) {
	case *Map:
		return v
	case *jsonvalue.Object:
		return document{v}
	case Table:
		return v.Map()
	}
	return nil
}

func valueAt(m mapping, i int) any {
	v, _ := m.Get(m.at(i))
	return v
}

// listOf returns the items of a list or a document's array, or nil.
func listOf(v any) *[]any {
	switch v := v.(type) {
	case *List:
		return &v.Items
	case *jsonvalue.Array:
		return &v.Items
	}
	return nil
}

// entry is an element of a map's entrySet.
type entry struct{ key, value any }

// Foreach is $foreach in a loop.
type Foreach struct {
	parent       *Foreach
	index, count int
	stopped      bool
}

var _ Object = (*Foreach)(nil)

// Property returns index, count, hasNext, first, last, parent or topmost.
func (f *Foreach) Property(name string) (any, bool) {
	switch name {
	case "index":
		return int64(f.index), true
	case "count":
		return int64(f.index + 1), true
	case "hasNext":
		return f.index+1 < f.count, true
	case "first":
		return f.index == 0, true
	case "last":
		return f.index+1 == f.count, true
	case "parent":
		if f.parent != nil {
			return f.parent, true
		}
	case "topmost":
		for f.parent != nil {
			f = f.parent
		}
		return f, true
	}
	return nil, false
}

// Call calls a getter, hasNext() or stop(), which ends the loop at once.
func (f *Foreach) Call(method string, _ []any) (any, error) {
	switch method {
	case "hasNext", "isHasNext", "getHasNext":
		return f.index+1 < f.count, nil
	case "getIndex":
		return int64(f.index), nil
	case "getCount":
		return int64(f.index + 1), nil
	case "isFirst", "getFirst":
		return f.index == 0, nil
	case "isLast", "getLast":
		return f.index+1 == f.count, nil
	case "getParent":
		v, _ := f.Property("parent")
		return v, nil
	case "stop":
		f.stopped = true
		return nil, errStopLoop
	}
	return nil, nil
}

func (f *Foreach) String() string { return "{}" }

// keep counts a value that a collection takes up.
func (r *rendering) keep(pos int, v any) error {
	if err := r.step(pos, 1); err != nil {
		return err
	}
	return r.hold(pos, cost+weight(v))
}

// put sets a map's key and counts it.
func (r *rendering) put(pos int, m mapping, key, value any) error {
	if err := r.keep(pos, value); err != nil {
		return err
	}
	if _, simple := key.(string); !simple {
		key = r.plainKey(key)
	}
	if err := r.hold(pos, weight(key)); err != nil {
		return err
	}
	m.Set(key, value)
	return nil
}

// plainKey spares a key the printing that keyOf does with strange values.
func (r *rendering) plainKey(key any) any {
	if _, ok := key.(*defined); ok {
		return "#define"
	}
	return key
}

// copied makes a list of n items.
func (r *rendering) copied(pos, n int, item func(int) any) (*List, error) {
	if err := r.step(pos, n); err != nil {
		return nil, err
	}
	if err := r.hold(pos, cost*(n+1)); err != nil {
		return nil, err
	}
	l := &List{Items: make([]any, n)}
	for i := range l.Items {
		l.Items[i] = item(i)
	}
	return l, nil
}
