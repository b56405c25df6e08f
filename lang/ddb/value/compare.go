package value

import (
	"slices"
	"strings"

	"github.com/sockgate/sockgate/lang/ddb/number"
)

// Equal reports whether a and b are the same value: same type, numbers by magnitude, sets in any order.
func Equal(a, b Value) bool {
	if a.kind != b.kind || len(a.fields) != len(b.fields) {
		return false
	}
	switch a.kind {
	case S, N, B:
		return a.text == b.text
	case BOOL:
		return a.truth == b.truth
	case NULL:
		return true
	case L, M:
		for i := range a.fields {
			if a.fields[i].Name != b.fields[i].Name || !Equal(a.fields[i].Value, b.fields[i].Value) {
				return false
			}
		}
		return true
	case SS, NS, BS:
		return equalSets(a.fields, b.fields)
	}
	return false
}

// Equal reports whether both items have the same attributes.
func (it Item) Equal(other Item) bool {
	return Equal(Value{kind: M, fields: it}, Value{kind: M, fields: other})
}

// equalSets compares two sets of the same number of members.
func equalSets(a, b []Field) bool {
	if len(a) > 16 {
		x, y := memberTexts(a), memberTexts(b)
		slices.Sort(x)
		slices.Sort(y)
		return slices.Equal(x, y)
	}
	for i := range a {
		if !hasMember(b, a[i].Value.text) {
			return false
		}
	}
	return true
}

func memberTexts(members []Field) []string {
	texts := make([]string, len(members))
	for i := range members {
		texts[i] = members[i].Value.text
	}
	return texts
}

func hasMember(members []Field, text string) bool {
	for i := range members {
		if members[i].Value.text == text {
			return true
		}
	}
	return false
}

// Has reports whether a set or a list has an element that equals v.
func (v Value) Has(element Value) bool {
	switch {
	case v.kind.IsSet():
		return element.kind == v.kind.Member() && hasMember(v.fields, element.text)
	case v.kind == L:
		for i := range v.fields {
			if Equal(v.fields[i].Value, element) {
				return true
			}
		}
	}
	return false
}

// Union returns the set with the members of other that it lacks after its own. Both are of one type.
func (v Value) Union(other Value) Value {
	fields := slices.Clone(v.fields)
	absent := v.lacks()
	for _, f := range other.fields {
		if absent(f.Value.text) {
			fields = append(fields, f)
		}
	}
	return Value{kind: v.kind, fields: fields}
}

// Difference returns the set without other's members. Both are of one type. The result may be empty.
func (v Value) Difference(other Value) Value {
	var fields []Field
	kept := other.lacks()
	for _, f := range v.fields {
		if kept(f.Value.text) {
			fields = append(fields, f)
		}
	}
	return Value{kind: v.kind, fields: fields}
}

// lacks returns a function that says whether a text is no member of the set.
func (v Value) lacks() func(text string) bool {
	if len(v.fields) <= 16 {
		return func(text string) bool { return !hasMember(v.fields, text) }
	}
	members := make(map[string]struct{}, len(v.fields))
	for i := range v.fields {
		members[v.fields[i].Value.text] = struct{}{}
	}
	return func(text string) bool {
		_, ok := members[text]
		return !ok
	}
}

// Compare orders two values of one of the types S, N, B; ok is false when the types differ or have no order.
// Strings are ordered by their UTF-8 bytes.
func Compare(a, b Value) (order int, ok bool) {
	if a.kind != b.kind {
		return 0, false
	}
	switch a.kind {
	case S, B:
		return strings.Compare(a.text, b.text), true
	case N:
		return number.Compare(a.text, b.text), true
	}
	return 0, false
}

// What maps and lists count for besides their elements. Source: Developer Guide, "DynamoDB item sizes and formats".
const (
	containerSize = 3
	elementSize   = 1
)

// Size returns how many bytes the item counts for: names and values by DynamoDB's rules ("DynamoDB item sizes and
// formats"). Limit: 400 KB = 409,600.
func (it Item) Size() int {
	size := 0
	for i := range it {
		size += len(it[i].Name) + it[i].Value.Size()
	}
	return size
}

// Size returns how many bytes the value counts for, without its name.
func (v Value) Size() int {
	switch v.kind {
	case S, B:
		return len(v.text)
	case N:
		return number.Size(v.text)
	case SS, NS, BS:
		size := 0
		for i := range v.fields {
			size += v.fields[i].Value.Size()
		}
		return size
	case L, M:
		return containerSize + elementSize*len(v.fields) + Item(v.fields).Size()
	case BOOL, NULL:
		return 1
	}
	return 0
}
