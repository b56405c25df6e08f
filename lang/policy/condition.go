package policy

import (
	"encoding/base64"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// condition is one key of one operator, with the policy's values compiled for it.
type condition struct {
	operator
	set      set
	ifExists bool
	key      string // in lower case

	texts    []pattern // strings, ARNs and booleans
	numbers  []float64
	dates    []time.Time
	binaries []string // as the request has them, not encoded
	prefixes []netip.Prefix
	absent   bool // of Null: one value is "true"
	present  bool // of Null: one value is "false"
}

// compileCondition reads the policy's values for one key. Errors say which of them does not fit its operator.
func compileCondition(o operator, s set, ifExists bool, key string, values []string, variables bool) (condition, error) {
	c := condition{operator: o, set: s, ifExists: ifExists, key: strings.ToLower(key)}
	for _, v := range values {
		if err := c.add(v, variables); err != nil {
			return c, fmt.Errorf("%s: %w", key, err)
		}
	}
	return c, nil
}

func (c *condition) add(v string, variables bool) error {
	switch c.family {
	case numericFamily:
		n, ok := parseNumber(v)
		if !ok {
			return fmt.Errorf("%q is not a number", v)
		}
		c.numbers = append(c.numbers, n)
	case dateFamily:
		d, ok := parseDate(v)
		if !ok {
			return fmt.Errorf("%q is not a date", v)
		}
		c.dates = append(c.dates, d)
	case binaryFamily:
		b, err := base64.StdEncoding.DecodeString(v)
		if err != nil {
			return fmt.Errorf("%q is not Base64", v)
		}
		c.binaries = append(c.binaries, string(b))
	case ipFamily:
		p, ok := parsePrefix(v)
		if !ok {
			return fmt.Errorf("%q is not an address or range", v)
		}
		c.prefixes = append(c.prefixes, p)
	case nullFamily:
		switch strings.ToLower(v) {
		case "true":
			c.absent = true
		case "false":
			c.present = true
		default:
			return fmt.Errorf("%q is neither true nor false", v)
		}
	default:
		p, err := compilePattern(v, c.grammar, variables, c.fold)
		if err != nil {
			return err
		}
		c.texts = append(c.texts, p)
	}
	return nil
}

// holds reports whether the condition is true of a request. Several values of the policy are alternatives; negated, none of them
// may match ("NOR").
//
// A key that is missing makes a positive operator false and a negated one true; IfExists makes either true. ForAllValues is true of
// no values, which includes a single empty one, and ForAnyValue is false. Without a set, a key with several values is compared
// as with ForAnyValue, and negated as with ForAllValues, which AWS leaves open (UNCONFIRMED), as it does that ForAnyValue with a
// negated operator asks for one value that no value of the policy matches.
//
// Source: IAM User Guide, "Condition operators" and "Set operators for multivalued context keys".
func (c *condition) holds(e *evaluation) bool {
	values, ok := e.values(c.key)
	missing := !ok || len(values) == 0
	switch {
	case c.family == nullFamily:
		return missing && c.absent || !missing && c.present
	case missing && c.ifExists:
		return true
	case c.set == noSet && missing:
		return c.negated
	case missing || c.set != noSet && len(values) == 1 && values[0] == "":
		return c.set == allValues
	}
	all := c.set == allValues || c.set == noSet && c.negated
	for _, v := range values {
		if c.matches(v, e) != c.negated != all {
			return !all // one that fails decides for all, one that holds for any
		}
	}
	return all
}

// matches reports whether a value of the request matches any of the policy's. One that cannot be read matches none.
func (c *condition) matches(v string, e *evaluation) bool {
	switch c.family {
	case numericFamily:
		return c.matchesNumber(v)
	case dateFamily:
		return c.matchesDate(v)
	case ipFamily:
		return c.matchesAddress(v)
	case binaryFamily:
		for _, b := range c.binaries {
			if b == v {
				return true
			}
		}
		return false
	case arnFamily:
		if !isARN(v) {
			return false
		}
	case boolFamily:
		if v = strings.ToLower(v); v != "true" && v != "false" {
			return false
		}
	default:
		if c.fold {
			v = strings.ToLower(v)
		}
	}
	return e.any(c.texts, v)
}

func (c *condition) matchesNumber(v string) bool {
	n, ok := parseNumber(v)
	if !ok {
		return false
	}
	for _, p := range c.numbers {
		if c.relation.holds(compare(n, p)) {
			return true
		}
	}
	return false
}

func (c *condition) matchesDate(v string) bool {
	d, ok := parseDate(v)
	if !ok {
		return false
	}
	for _, p := range c.dates {
		if c.relation.holds(d.Compare(p)) {
			return true
		}
	}
	return false
}

func (c *condition) matchesAddress(v string) bool {
	a, err := netip.ParseAddr(v)
	if err != nil {
		return false
	}
	a = a.Unmap().WithZone("")
	for _, p := range c.prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// holds reports whether an order (negative, zero, positive) is of this relation.
func (r relation) holds(order int) bool {
	switch r {
	case less:
		return order < 0
	case lessOrEqual:
		return order <= 0
	case greater:
		return order > 0
	case greaterOrEqual:
		return order >= 0
	}
	return order == 0
}
