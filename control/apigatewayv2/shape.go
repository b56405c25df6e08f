package apigatewayv2

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sockgate/sockgate"
)

// kind is a JSON type as the service model has it.
type kind uint8

const (
	text    kind = iota // string
	integer             // int
	number              // float64
	boolean             // bool
	array               // []string, or []members when its elements are structures
	mapping             // map[string]string, or map[string]members when its values are structures
	structure
)

var kindNames = [...]string{"String", "Integer", "Double", "Boolean", "List", "Map", "Structure"}

// shape is what a value must look like.
type shape struct {
	kind     kind
	min, max int // characters of a text, entries of an array or mapping, value of a number; max 0 is unbounded
	enum     []string
	pattern  *regexp.Regexp // of a text
	of       *shape         // of an array's or mapping's elements
	members  []member       // of a structure
}

// member is one named value of a structure, a body or a query.
type member struct {
	name     string
	shape    *shape
	required bool
	// httpOnly refuses the member: WebSocket APIs do not have it. A zero value, and neutral when it is set, passes as absent,
	// since tools send those by default.
	httpOnly bool
	neutral  string
}

// members is a checked structure: only members that the table has, without nulls, as string, int, float64, bool, []string,
// []members, map[string]string, map[string]members or members.
type members map[string]any

// set copies a member to dst and reports whether it was there. The wrong T is a bug in a handler.
func set[T any](m members, name string, dst *T) bool {
	v, ok := m[name]
	if ok {
		*dst = v.(T)
	}
	return ok
}

// setPointer is set for a member whose absence means something.
func setPointer[T any](m members, name string, dst **T) {
	var v T
	if set(m, name, &v) {
		*dst = &v
	}
}

// readBody decodes and checks a request's JSON body.
//
// UNCONFIRMED: AWS's exact texts for JSON that is malformed or of the wrong type; we answer BadRequestException for both, so
// that SDKs see an error that the model has.
func readBody(body []byte, want []member) (members, error) {
	if want == nil || len(body) == 0 && !slices.ContainsFunc(want, func(m member) bool { return m.required }) {
		return members{}, nil
	}
	if len(body) == 0 {
		body = []byte("{}")
	}
	var raw map[string]json.RawMessage
	if !json.Valid(body) {
		return nil, sockgate.Invalidf("Invalid request body: it is not valid JSON")
	}
	if body[firstByte(body)] != '{' || json.Unmarshal(body, &raw) != nil {
		return nil, sockgate.Invalidf("Invalid request body: it must be a JSON object")
	}
	c := &checker{}
	out := c.structure("", raw, want)
	return out, c.err()
}

// checkQuery checks the parameters that must be there; paging checks its own.
func checkQuery(q url.Values, want []member) error {
	c := &checker{}
	for _, m := range want {
		if m.required && len(q[m.name]) == 0 {
			c.missing(m.name)
		}
	}
	return c.err()
}

// checker walks a decoded body and collects what is wrong with it.
type checker struct {
	wrongType *sockgate.Error // the first; it hides the rest, as it does for AWS's deserializer
	own       *sockgate.Error // the first fault that AWS has a hand-written text for
	faults    []string
}

func (c *checker) err() error {
	switch n := len(c.faults); {
	case c.wrongType != nil:
		return c.wrongType
	case c.own != nil:
		return c.own
	case n == 1:
		return sockgate.Invalidf("1 validation error detected: %s", c.faults[0])
	case n > 1:
		return sockgate.Invalidf("%d validation errors detected: %s", n, strings.Join(c.faults[:min(n, 10)], "; "))
	}
	return nil
}

func (c *checker) missing(path string) {
	c.faults = append(c.faults, fmt.Sprintf("Value null at '%s' failed to satisfy constraint: Member must not be null", path))
}

func (c *checker) fault(path, value, format string, args ...any) {
	const shown = 128 // bytes of the caller's value that go back
	if len(value) > shown {
		value = strings.ToValidUTF8(value[:shown], "") + "..."
	}
	c.faults = append(c.faults, fmt.Sprintf("Value '%s' at '%s' failed to satisfy constraint: %s", value, path, fmt.Sprintf(format, args...)))
}

func (c *checker) typeFault(path string, want kind) any {
	if c.wrongType == nil {
		c.wrongType = sockgate.Invalidf("Invalid request body: the value of '%s' can not be converted to %s", path, kindNames[want])
	}
	return nil
}

func (c *checker) structure(path string, raw map[string]json.RawMessage, want []member) members {
	out := make(members, len(raw))
	for _, m := range want {
		p := join(path, m.name)
		v, ok := raw[m.name]
		if !ok || string(v) == "null" {
			if m.required {
				c.missing(p)
			}
			continue
		}
		got := c.value(p, v, m.shape)
		if m.httpOnly {
			if got != nil && !neutral(got, m.neutral) && c.own == nil {
				c.own = sockgate.Invalidf("%s cannot be set for WEBSOCKET protocol Apis", strings.ToUpper(m.name[:1])+m.name[1:])
			}
			continue
		}
		if got != nil {
			out[m.name] = got
		}
	}
	return out
}

// value checks one value and returns it as a Go value, or nil when it has the wrong type.
func (c *checker) value(path string, raw json.RawMessage, s *shape) any {
	ok := false
	switch first := raw[firstByte(raw)]; s.kind {
	case text:
		ok = first == '"'
	case integer, number:
		ok = first == '-' || first >= '0' && first <= '9'
	case boolean:
		ok = first == 't' || first == 'f'
	case array:
		ok = first == '['
	case mapping, structure:
		ok = first == '{'
	}
	if !ok {
		return c.typeFault(path, s.kind)
	}
	switch s.kind {
	case text:
		return c.text(path, raw, s)
	case integer:
		return c.integer(path, raw, s)
	case number:
		return c.number(path, raw, s)
	case boolean:
		return raw[firstByte(raw)] == 't'
	case array:
		return c.array(path, raw, s)
	}
	var entries map[string]json.RawMessage
	if json.Unmarshal(raw, &entries) != nil {
		return c.typeFault(path, s.kind)
	}
	if s.kind == structure {
		return c.structure(path, entries, s.members)
	}
	return c.mapping(path, entries, s)
}

func (c *checker) text(path string, raw json.RawMessage, s *shape) any {
	var v string
	if json.Unmarshal(raw, &v) != nil {
		return c.typeFault(path, text)
	}
	// Counted in characters of the text, whatever they take in bytes.
	n := utf8.RuneCountInString(v)
	switch {
	case s.enum != nil && !slices.Contains(s.enum, v):
		c.fault(path, v, "Member must satisfy enum value set: [%s]", strings.Join(s.enum, ", "))
	case n < s.min:
		c.fault(path, v, "Member must have length greater than or equal to %d", s.min)
	case s.max > 0 && n > s.max:
		c.fault(path, v, "Member must have length less than or equal to %d", s.max)
	case s.pattern != nil && !s.pattern.MatchString(v):
		c.fault(path, v, "Member must satisfy regular expression pattern: %s", s.pattern)
	}
	return v
}

func (c *checker) integer(path string, raw json.RawMessage, s *shape) any {
	v, err := strconv.ParseInt(string(raw), 10, 32)
	if err != nil {
		return c.typeFault(path, integer)
	}
	c.inRange(path, string(raw), float64(v), s)
	return int(v)
}

func (c *checker) number(path string, raw json.RawMessage, s *shape) any {
	v, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || math.IsInf(v, 0) {
		return c.typeFault(path, number)
	}
	c.inRange(path, string(raw), v, s)
	return v
}

func (c *checker) inRange(path, raw string, v float64, s *shape) {
	switch {
	case v < float64(s.min):
		c.fault(path, raw, "Member must have value greater than or equal to %d", s.min)
	case s.max > 0 && v > float64(s.max):
		c.fault(path, raw, "Member must have value less than or equal to %d", s.max)
	}
}

func (c *checker) array(path string, raw json.RawMessage, s *shape) any {
	var elems []json.RawMessage
	if json.Unmarshal(raw, &elems) != nil {
		return c.typeFault(path, array)
	}
	c.size(path, len(elems), s)
	texts, structures := make([]string, 0, len(elems)), []members{}
	for i, e := range elems {
		switch v := c.value(fmt.Sprintf("%s.%d.member", path, i+1), e, s.of).(type) {
		case string:
			texts = append(texts, v)
		case members:
			structures = append(structures, v)
		}
	}
	if s.of.kind == structure {
		return structures
	}
	return texts
}

func (c *checker) mapping(path string, entries map[string]json.RawMessage, s *shape) any {
	c.size(path, len(entries), s)
	texts, structures := map[string]string{}, map[string]members{}
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		if string(entries[key]) == "null" {
			continue
		}
		switch v := c.value(join(path, key), entries[key], s.of).(type) {
		case string:
			texts[key] = v
		case members:
			structures[key] = v
		}
	}
	if s.of.kind == structure {
		return structures
	}
	return texts
}

func (c *checker) size(path string, n int, s *shape) {
	if s.max > 0 && n > s.max {
		c.faults = append(c.faults, fmt.Sprintf("Value at '%s' failed to satisfy constraint: Member must have length less than or equal to %d", path, s.max))
	}
}

// neutral reports whether a value says nothing: it is zero, or the one that tools send by default.
func neutral(v any, byDefault string) bool {
	switch v := v.(type) {
	case string:
		return v == "" || v == byDefault
	case int:
		return v == 0
	case float64:
		return v == 0
	case bool:
		return !v
	case []string:
		return len(v) == 0
	case map[string]string:
		return len(v) == 0
	case map[string]members:
		return len(v) == 0
	case members:
		return false // an empty CORS or JWT configuration is still a configuration
	}
	return false
}

// firstByte returns the index of the first byte of valid JSON that is not white space.
func firstByte(raw []byte) int {
	for i, b := range raw {
		if b != ' ' && b != '\t' && b != '\n' && b != '\r' {
			return i
		}
	}
	return 0
}

// join makes the path that a fault names. A map's key is the caller's and may be of any length.
func join(path, name string) string {
	const shown = 128
	if len(name) > shown {
		name = strings.ToValidUTF8(name[:shown], "") + "..."
	}
	if path == "" {
		return name
	}
	return path + "." + name
}
