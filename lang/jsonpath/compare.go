package jsonpath

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/sockgate/sockgate/lang/boundedre"
	"github.com/sockgate/sockgate/lang/jsonvalue"
)

// meter charges comparisons to the budget of an evaluation. Once it is used up every comparison is false, and test gives up.
type meter struct{ budget *int }

func (m meter) spent() bool {
	*m.budget--
	return *m.budget < 0
}

func (m meter) member(v any, list *jsonvalue.Array) bool {
	for _, item := range list.Items {
		if m.equal(v, item) {
			return true
		}
	}
	return false
}

func (m meter) subset(inner, outer *jsonvalue.Array) bool {
	for _, item := range inner.Items {
		if !m.member(item, outer) {
			return false
		}
	}
	return true
}

// typeOf names the type that === compares. Arrays and objects are one.
func typeOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case *jsonvalue.Array, *jsonvalue.Object:
		return "json"
	case undefined:
		return "undefined"
	case *boundedre.Regexp:
		return "pattern"
	}
	return "number"
}

// equal is Jayway's ==. A number equals a string on its right that reads as the same number, a string equals a number on its
// right only in the number's own spelling.
func (m meter) equal(l, r any) bool {
	if m.spent() {
		return false
	}
	switch l := l.(type) {
	case nil:
		return r == nil
	case bool:
		b, ok := r.(bool)
		return ok && b == l
	case string:
		if s, ok := r.(string); ok {
			return s == l
		}
		text, ok := numberText(r)
		return ok && text == l
	case *jsonvalue.Array, *jsonvalue.Object:
		return m.same(l, r, 0)
	case undefined, *boundedre.Regexp:
		return false
	}
	text, ok := numberText(r)
	if s, isString := r.(string); isString {
		text, ok = s, true
	}
	if !ok {
		return false
	}
	left, _ := numberText(l)
	if left == text && isNumber(left) {
		return true
	}
	a, aok := parseDecimal(left)
	b, bok := parseDecimal(text)
	return aok && bok && a.compare(b) == 0
}

func isNumber(s string) bool {
	_, ok := parseDecimal(s)
	return ok
}

// same is Java's equality of lists and maps: an integer never equals a number with fraction or exponent.
func (m meter) same(l, r any, depth int) bool {
	if depth > maxDepth || m.spent() {
		return false
	}
	switch l := l.(type) {
	case *jsonvalue.Array:
		a, ok := r.(*jsonvalue.Array)
		if !ok || len(a.Items) != len(l.Items) {
			return false
		}
		for i := range l.Items {
			if !m.same(l.Items[i], a.Items[i], depth+1) {
				return false
			}
		}
		return true
	case *jsonvalue.Object:
		o, ok := r.(*jsonvalue.Object)
		if !ok || o.Len() != l.Len() {
			return false
		}
		for _, name := range l.Names() {
			a, _ := l.Get(name)
			if b, ok := o.Get(name); !ok || !m.same(a, b, depth+1) {
				return false
			}
		}
		return true
	case json.Number:
		text, ok := numberText(r)
		return ok && strings.ContainsAny(text, ".eE") == strings.ContainsAny(string(l), ".eE") && m.equal(l, r)
	}
	return typeOf(l) == typeOf(r) && m.equal(l, r)
}

// ordered compares two numbers, or two strings. Values of different types are in no order.
func ordered(l, r any, op string) bool {
	var c int
	if text, ok := l.(string); ok {
		other, ok := r.(string)
		if !ok {
			return false
		}
		c = compareText(text, other)
	} else {
		a, _ := numberText(l)
		b, _ := numberText(r)
		x, xok := parseDecimal(a)
		y, yok := parseDecimal(b)
		if !xok || !yok {
			return false
		}
		c = x.compare(y)
	}
	switch op {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	}
	return c >= 0
}

// compareText orders strings by their UTF-16 units, as Java does. That differs from the order of bytes only above U+FFFF.
func compareText(a, b string) int {
	if strings.IndexFunc(a, supplementary) < 0 && strings.IndexFunc(b, supplementary) < 0 {
		return strings.Compare(a, b)
	}
	return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
}

func supplementary(r rune) bool { return r > 0xFFFF }

// matches applies the pattern on one side to the other: to any element of an array, else to its text. Neither or both are no match.
func (m meter) matches(l, r any) bool {
	pattern, ok := r.(*boundedre.Regexp)
	subject := l
	other, both := l.(*boundedre.Regexp)
	switch {
	case ok && both, !ok && !both:
		return false
	case both:
		pattern, subject = other, r
	}
	if a, ok := subject.(*jsonvalue.Array); ok {
		for _, item := range a.Items {
			if !m.spent() && pattern.MatchString(subjectText(item)) {
				return true
			}
		}
		return false
	}
	return pattern.MatchString(subjectText(subject))
}

// subjectText is what a pattern is matched against: null, missing values and objects count as the empty string.
func subjectText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		if v {
			return "true"
		}
		return "false"
	}
	text, _ := numberText(v)
	return text
}

func (m meter) contains(l, r any) bool {
	if s, ok := l.(string); ok {
		part, ok := r.(string)
		return ok && strings.Contains(s, part)
	}
	a, ok := l.(*jsonvalue.Array)
	return ok && m.member(r, a)
}

// hasSize compares a string's UTF-16 units, or an array's elements, with a number.
func hasSize(l, r any) bool {
	want, ok := number(r)
	if !ok {
		return false
	}
	switch l := l.(type) {
	case string:
		return len(utf16.Encode([]rune(l))) == int(want)
	case *jsonvalue.Array:
		return len(l.Items) == int(want)
	}
	return false
}

func isEmpty(l, r any) (bool, error) {
	var empty bool
	switch l := l.(type) {
	case string:
		empty = l == ""
	case *jsonvalue.Array:
		empty = len(l.Items) == 0
	case *jsonvalue.Object:
		empty = l.Len() == 0
	default:
		return false, nil
	}
	want, ok := r.(bool)
	if !ok {
		return false, errMisused
	}
	return empty == want, nil
}
