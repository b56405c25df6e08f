// Package value holds DynamoDB's attribute values and items: how they are read from DynamoDB JSON and written back, how they
// are stored, compared, measured, and turned into bytes that sort as DynamoDB sorts keys.
//
// Values are immutable: nothing in this package, nor in package expression, changes a Value or an Item after it was made, so
// both are copied by assignment and shared by goroutines freely. Whoever wants another value makes a new one.
//
// Reading happens in two steps, as with DynamoDB. What is not an attribute value's shape at all ({"S": 1}) is a *ShapeError
// (SerializationException) and ends the reading. What has the shape and breaks a rule ({"N": "x"}, {}, two types at once)
// becomes a Value of kind Invalid that remembers the rule, because DynamoDB reports it only when it comes to check that
// parameter: see Value.Err and Item.Err.
//
// It does not know about tables, keys' schemas or expressions.
package value

import (
	"sort"
	"strings"
)

// Kind is a value's data type.
type Kind uint8

// The data types. Absent is the zero Value's: no value.
const (
	Absent  Kind = iota
	S            // string
	N            // number
	B            // binary
	SS           // string set
	NS           // number set
	BS           // binary set
	M            // map
	L            // list
	BOOL         // boolean
	NULL         // null
	Invalid      // breaks a rule; Err says which
)

var kindNames = [...]string{"", "S", "N", "B", "SS", "NS", "BS", "M", "L", "BOOL", "NULL", ""}

// String returns the name that the type has on the wire: "S", "NS", "BOOL".
func (k Kind) String() string { return kindNames[k] }

// IsSet reports whether k is SS, NS or BS.
func (k Kind) IsSet() bool { return k == SS || k == NS || k == BS }

// Member returns the type of a set's members: S for SS, and so on; Absent for what is no set.
func (k Kind) Member() Kind {
	if k.IsSet() {
		return k - SS + S
	}
	return Absent
}

// Value is one attribute value. The zero Value is Absent.
type Value struct {
	kind   Kind
	truth  bool    // BOOL
	broken bool    // it is Invalid, or something inside it is
	text   string  // S: UTF-8; N: canonical decimal; B: the bytes; Invalid: the rule's message
	fields []Field // M: by name; L and sets: in order, without names
}

// Field is a named value: an attribute of an item, a member of a map.
type Field struct {
	Name  string
	Value Value
}

// Item is an item's attributes, or a map's members: sorted by name (by bytes), each name once. A nil Item is an empty one.
type Item []Field

// String returns a value of type S.
func String(s string) Value { return Value{kind: S, text: s} }

// Binary returns a value of type B. The string holds the bytes themselves.
func Binary(b string) Value { return Value{kind: B, text: b} }

// Bool returns a value of type BOOL.
func Bool(b bool) Value { return Value{kind: BOOL, truth: b} }

// Null returns the value of type NULL.
func Null() Value { return Value{kind: NULL} }

// List returns a value of type L.
func List(elements ...Value) Value {
	fields := make([]Field, len(elements))
	broken := false
	for i, e := range elements {
		fields[i].Value = e
		broken = broken || e.broken
	}
	return Value{kind: L, fields: fields, broken: broken}
}

// Map returns a value of type M. It keeps item.
func Map(item Item) Value {
	broken := false
	for i := range item {
		broken = broken || item[i].Value.broken
	}
	return Value{kind: M, fields: item, broken: broken}
}

// Kind returns the value's type.
func (v Value) Kind() Kind { return v.kind }

// Text returns the string of an S, the canonical decimal text of an N and the bytes of a B; "" of anything else.
func (v Value) Text() string {
	if v.kind == S || v.kind == N || v.kind == B {
		return v.text
	}
	return ""
}

// Truth returns the boolean of a BOOL.
func (v Value) Truth() bool { return v.truth }

// Len returns how many elements a list, a set or a map has; 0 of anything else.
func (v Value) Len() int { return len(v.fields) }

// At returns element i of a list or a set, counted from 0; i must be below Len.
func (v Value) At(i int) Value { return v.fields[i].Value }

// Item returns a map's members; nil of anything else.
func (v Value) Item() Item {
	if v.kind == M {
		return Item(v.fields)
	}
	return nil
}

// Get returns the attribute called name; ok is false when there is none.
func (it Item) Get(name string) (v Value, ok bool) {
	if i, ok := it.search(name); ok {
		return it[i].Value, true
	}
	return Value{}, false
}

// few is how many names are looked through one by one: cheaper than halving, for most items.
const few = 8

// search returns where name is, or would be.
func (it Item) search(name string) (int, bool) {
	low := 0
	for high := len(it); high-low > few; {
		middle := (low + high) / 2
		if it[middle].Name < name {
			low = middle + 1
		} else {
			high = middle
		}
		if high-low <= few {
			break
		}
	}
	for ; low < len(it); low++ {
		switch c := strings.Compare(it[low].Name, name); {
		case c == 0:
			return low, true
		case c > 0:
			return low, false
		}
	}
	return low, false
}

// With returns a copy of the item in which the attribute name has the value v.
func (it Item) With(name string, v Value) Item {
	i, found := it.search(name)
	if found {
		out := append(Item(nil), it...)
		out[i].Value = v
		return out
	}
	out := make(Item, 0, len(it)+1)
	out = append(out, it[:i]...)
	out = append(out, Field{Name: name, Value: v})
	return append(out, it[i:]...)
}

// Without returns a copy of the item that lacks the attribute name; the item itself when it has none.
func (it Item) Without(name string) Item {
	i, found := it.search(name)
	if !found {
		return it
	}
	out := make(Item, 0, len(it)-1)
	out = append(out, it[:i]...)
	return append(out, it[i+1:]...)
}

// MakeItem returns an item of fields in any order; of several with one name the last stays. It sorts fields in place and
// keeps them.
func MakeItem(fields []Field) Item {
	for i := 1; i < len(fields); i++ {
		if fields[i-1].Name >= fields[i].Name {
			return sorted(fields)
		}
	}
	return Item(fields)
}

func sorted(fields []Field) Item {
	if len(fields) <= 12 {
		for i := 1; i < len(fields); i++ {
			for j := i; j > 0 && fields[j-1].Name > fields[j].Name; j-- {
				fields[j-1], fields[j] = fields[j], fields[j-1]
			}
		}
	} else {
		sort.SliceStable(fields, func(i, j int) bool { return fields[i].Name < fields[j].Name })
	}
	out := fields[:1]
	for _, f := range fields[1:] {
		if last := &out[len(out)-1]; last.Name == f.Name {
			last.Value = f.Value
			continue
		}
		out = append(out, f)
	}
	return Item(out)
}

// Put sets the attribute name to v in the item itself, which nobody else may know yet, and returns it: it may have moved.
func (it Item) Put(name string, v Value) Item {
	i, found := it.search(name)
	if !found {
		it = append(it, Field{})
		copy(it[i+1:], it[i:])
		it[i].Name = name
	}
	it[i].Value = v
	return it
}
