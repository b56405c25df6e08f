package resource

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sockgate/sockgate/template"
)

// kind is the type of a property.
type kind uint8

const (
	textual kind = iota
	integer
	number
	boolean
	array
	mapping   // keys of the template's choice
	structure // members of the table
	document  // any JSON
)

var kindNames = [...]string{"a string", "an integer", "a number", "true or false", "a list", "an object", "an object", "a document"}

// shape is the type of a value.
type shape struct {
	kind    kind
	of      *shape // of an array's or mapping's values
	members []member
}

// member is one property.
type member struct {
	name string
	*shape
	required bool
	replaces bool   // a change needs another resource
	wire     string // the API's name; "" is the name with a small first letter
	outside  bool   // not part of the API's body: in its path, or set by a call of its own
	created  bool   // sent when the resource is made only: a change is made by a call of its own
	// reset is what an update sends when the property is taken away; nil is that this needs another resource.
	reset any
	// lessen says how an entry of a mapping is taken away: "" needs another resource, blanks sends an empty value, and a
	// path deletes it ("/requestparameters/").
	lessen string
	// refused explains why the property is known but cannot be used.
	refused string
}

const blanks = "blank"

// kept is the reset of a property that the API cannot take away and that does no harm: it stays.
type kept struct{}

func str() *shape                       { return &shape{kind: textual} }
func whole() *shape                     { return &shape{kind: integer} }
func num() *shape                       { return &shape{kind: number} }
func flag() *shape                      { return &shape{kind: boolean} }
func anything() *shape                  { return &shape{kind: document} }
func listOf(of *shape) *shape           { return &shape{kind: array, of: of} }
func mapOf(of *shape) *shape            { return &shape{kind: mapping, of: of} }
func object(members ...member) *shape   { return &shape{kind: structure, members: members} }
func opt(name string, s *shape) member  { return member{name: name, shape: s} }
func need(name string, s *shape) member { return member{name: name, shape: s, required: true} }
func fixed(name string, s *shape) member {
	return member{name: name, shape: s, replaces: true}
}
func needFixed(name string, s *shape) member {
	return member{name: name, shape: s, required: true, replaces: true}
}
func refused(name, why string) member { return member{name: name, shape: anything(), refused: why} }

func (m member) as(wire string) member { m.wire = wire; return m }
func (m member) apart() member         { m.outside = true; return m }
func (m member) onCreate() member      { m.created = true; return m }
func (m member) keep() member          { m.reset = kept{}; return m }
func (m member) back(to any) member    { m.reset = to; return m }
func (m member) less(how string) member {
	m.lessen = how
	return m
}

// tagList is how most types write tags: [{Key, Value}].
func tagList() *shape { return listOf(object(need("Key", str()), need("Value", str()))) }

// member finds a member by its name in templates.
func (s *shape) member(name string) *member {
	for i := range s.members {
		if s.members[i].name == name {
			return &s.members[i]
		}
	}
	return nil
}

// Fault is something wrong with a property.
type Fault struct {
	Path    []string // names and list indexes
	Key     bool     // the name is wrong rather than the value
	Message string
}

// Check brings properties into the form in which they are compared and kept: every value of the type that the table says, converted as
// CloudFormation does ("true" for true, 5 for "5"), without nulls. template.Unknown stands for itself.
func (t *Type) Check(props map[string]any) (map[string]any, []Fault) {
	c := &checker{}
	out, _ := c.value(t.shape, props, nil).(map[string]any)
	if out == nil {
		out = map[string]any{}
	}
	if len(c.faults) == 0 && t.further != nil {
		if err := t.further(out); err != nil {
			c.faults = append(c.faults, Fault{Message: err.Error()})
		}
	}
	return out, c.faults
}

type checker struct{ faults []Fault }

func (c *checker) fault(path []string, key bool, format string, args ...any) {
	c.faults = append(c.faults, Fault{Path: slices.Clone(path), Key: key, Message: fmt.Sprintf(format, args...)})
}

func (c *checker) value(s *shape, v any, path []string) any {
	if _, unknown := v.(template.Unknown); unknown {
		return v
	}
	switch s.kind {
	case document:
		return plain(v)
	case array:
		list, ok := v.([]any)
		if !ok {
			return c.wrong(s, v, path)
		}
		out := make([]any, 0, len(list))
		for i, item := range list {
			if item != nil {
				out = append(out, c.value(s.of, item, append(path, strconv.Itoa(i))))
			}
		}
		return out
	case mapping:
		m, ok := v.(map[string]any)
		if !ok {
			return c.wrong(s, v, path)
		}
		out := make(map[string]any, len(m))
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if m[k] != nil {
				out[k] = c.value(s.of, m[k], append(path, k))
			}
		}
		return out
	case structure:
		m, ok := v.(map[string]any)
		if !ok {
			return c.wrong(s, v, path)
		}
		return c.structure(s, m, path)
	}
	return c.scalar(s, v, path)
}

func (c *checker) structure(s *shape, m map[string]any, path []string) any {
	out := make(map[string]any, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if m[k] == nil {
			continue
		}
		at := append(path, k)
		switch member := s.member(k); {
		case member == nil:
			c.fault(at, true, "unknown property %s%s", strings.Join(at, "."), suggest(k, s.members))
		case member.refused != "":
			c.fault(at, true, "%s %s", strings.Join(at, "."), member.refused)
		default:
			out[k] = c.value(member.shape, m[k], at)
		}
	}
	for _, member := range s.members {
		if member.required && m[member.name] == nil {
			c.fault(path, false, "property %s is required", strings.Join(append(path, member.name), "."))
		}
	}
	return out
}

// scalar converts between strings, numbers and booleans where the text of one is the text of the other.
func (c *checker) scalar(s *shape, v any, path []string) any {
	var given string
	switch v := v.(type) {
	case string:
		given = v
	case json.Number:
		given = v.String()
	case bool:
		given = strconv.FormatBool(v)
	case int:
		given = strconv.Itoa(v)
	case float64:
		given = strconv.FormatFloat(v, 'g', -1, 64)
	default:
		return c.wrong(s, v, path)
	}
	switch s.kind {
	case integer:
		n, err := strconv.ParseInt(given, 10, 64)
		if err != nil {
			f, ferr := strconv.ParseFloat(given, 64)
			if ferr != nil || f != float64(int64(f)) {
				return c.wrong(s, v, path)
			}
			n = int64(f)
		}
		return json.Number(strconv.FormatInt(n, 10))
	case number:
		f, err := strconv.ParseFloat(given, 64)
		if err != nil || f-f != 0 {
			return c.wrong(s, v, path)
		}
		return json.Number(strconv.FormatFloat(f, 'g', -1, 64))
	case boolean:
		switch strings.ToLower(given) {
		case "true":
			return true
		case "false":
			return false
		}
		return c.wrong(s, v, path)
	}
	return given
}

func (c *checker) wrong(s *shape, v any, path []string) any {
	c.fault(path, false, "%s must be %s, not %s", strings.Join(path, "."), kindNames[s.kind], describe(v))
	return v
}

func describe(v any) string {
	switch v := v.(type) {
	case string:
		return strconv.Quote(v)
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return fmt.Sprint(v)
}

// plain is a document without nulls in its objects, and with numbers as json.Number.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, item := range v {
			if item != nil {
				out[k] = plain(item)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = plain(item)
		}
		return out
	case int:
		return json.Number(strconv.Itoa(v))
	case float64:
		return json.Number(strconv.FormatFloat(v, 'g', -1, 64))
	}
	return v
}

// suggest names the nearest property, when one is near.
func suggest(name string, members []member) string {
	best, distance := "", len(name)/2+1
	for _, m := range members {
		if d := edits(strings.ToLower(name), strings.ToLower(m.name)); d < distance {
			best, distance = m.name, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}

// edits is the number of letters to insert, delete or replace to get from a to b.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal, row[j+1] = row[j+1], min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
