package resource

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/sockgate/sockgate/template"
)

// Change is one difference between two states of a resource. Old or New is nil where there is nothing.
type Change struct {
	Path     string // "Environment.Variables.TABLE", "Tags.0.Value"
	Old, New any
}

// Compare returns the differences between two sets of checked properties, and the top-level properties whose change needs another
// resource. A template.Unknown differs from everything.
func (t *Type) Compare(old, now map[string]any) (changes []Change, replaces []string) {
	for _, name := range names(old, now) {
		before, after := old[name], now[name]
		if reflect.DeepEqual(before, after) {
			continue
		}
		changes = differ(changes, name, before, after)
		if m := t.shape.member(name); m != nil && m.replacedBy(before, after) && (m.replaces || !t.rebuilds) {
			replaces = append(replaces, name)
		}
	}
	return changes, replaces
}

// replacedBy reports whether a change of the property needs another resource.
func (m *member) replacedBy(before, after any) bool {
	if m.replaces {
		return true
	}
	if after == nil {
		return m.reset == nil && m.kind != mapping || m.kind == mapping && m.reset == nil && m.lessen == ""
	}
	if m.kind != mapping || m.lessen != "" || m.reset != nil {
		return false
	}
	was, _ := before.(map[string]any)
	is, known := after.(map[string]any)
	for key := range was {
		if _, there := is[key]; known && !there {
			return true
		}
	}
	return false
}

func names(a, b map[string]any) []string {
	all := make(map[string]bool, len(a)+len(b))
	for k := range a {
		all[k] = true
	}
	for k := range b {
		all[k] = true
	}
	return slices.Sorted(maps.Keys(all))
}

// differ adds the differences between two values, as deep as both are of the same form.
func differ(list []Change, path string, before, after any) []Change {
	if reflect.DeepEqual(before, after) {
		return list
	}
	was, ok1 := before.(map[string]any)
	is, ok2 := after.(map[string]any)
	if ok1 && ok2 {
		for _, k := range names(was, is) {
			list = differ(list, path+"."+k, was[k], is[k])
		}
		return list
	}
	a, ok1 := before.([]any)
	b, ok2 := after.([]any)
	if ok1 && ok2 && len(a) == len(b) {
		for i := range a {
			list = differ(list, path+"."+strconv.Itoa(i), a[i], b[i])
		}
		return list
	}
	return append(list, Change{Path: path, Old: before, New: after})
}

// HasUnknown reports whether a value, or anything in it, is not known yet.
func HasUnknown(v any) bool {
	switch v := v.(type) {
	case template.Unknown:
		return true
	case []any:
		return slices.ContainsFunc(v, HasUnknown)
	case map[string]any:
		for _, item := range v {
			if HasUnknown(item) {
				return true
			}
		}
	}
	return false
}

// lowerFirst is the name that the REST-JSON APIs give to a property.
func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }

// onWire turns a checked value into the form of a REST-JSON API: members by the API's names.
func onWire(s *shape, v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, item := range v {
			switch s.kind {
			case structure:
				if m := s.member(k); m != nil {
					out[m.onWire()] = onWire(m.shape, item)
				}
			case mapping:
				out[k] = onWire(s.of, item)
			default:
				out[k] = item
			}
		}
		return out
	case []any:
		if s.kind != array {
			return v
		}
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = onWire(s.of, item)
		}
		return out
	}
	return v
}

func (m *member) onWire() string {
	if m.wire != "" {
		return m.wire
	}
	return lowerFirst(m.name)
}
