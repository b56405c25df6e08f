package vtl

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
)

// onString calls a method of a string. Indexes count UTF-16 units, as in Java.
func (c *invocation) onString(s string) (any, error) {
	if err := c.takes(len(s)); err != nil {
		return nil, err
	}
	sig := c.signature()
	switch sig {
	case "length":
		return int64(unitLength(s)), nil
	case "isEmpty":
		return s == "", nil
	case "isBlank":
		return blankText(s), nil
	case "toString", "intern":
		return s, nil
	case "trim":
		return strings.TrimFunc(s, func(r rune) bool { return r <= ' ' }), nil
	case "strip":
		return strings.TrimFunc(s, unicode.IsSpace), nil
	case "stripLeading":
		return strings.TrimLeftFunc(s, unicode.IsSpace), nil
	case "stripTrailing":
		return strings.TrimRightFunc(s, unicode.IsSpace), nil
	case "toLowerCase":
		return strings.ToLower(s), nil
	case "toUpperCase":
		return strings.ToUpper(s), nil
	case "concat:s":
		return c.join(s, c.str(0))
	case "repeat:i":
		return c.repeat(s)
	case "contains:s":
		return strings.Contains(s, c.str(0)), nil
	case "startsWith:s":
		return strings.HasPrefix(s, c.str(0)), nil
	case "startsWith:si":
		tail, err := cutUnits(s, c.int(1), unitLength(s))
		return err == nil && strings.HasPrefix(tail, c.str(0)), nil
	case "endsWith:s":
		return strings.HasSuffix(s, c.str(0)), nil
	case "equals:s", "contentEquals:s":
		return s == c.str(0), nil
	case "equals:i", "equals:d", "equals:n", "equals:o", "equalsIgnoreCase:n":
		return false, nil
	case "equalsIgnoreCase:s":
		return strings.EqualFold(s, c.str(0)), nil
	case "compareTo:s":
		return int64(compareUnits(s, c.str(0))), nil
	case "compareToIgnoreCase:s":
		return int64(compareUnits(strings.ToLower(strings.ToUpper(s)), strings.ToLower(strings.ToUpper(c.str(0))))), nil
	case "indexOf:s", "indexOf:i", "indexOf:si", "indexOf:ii":
		from := 0
		if len(c.args) == 2 {
			from = c.int(1)
		}
		return c.indexOf(s, from), nil
	case "lastIndexOf:s", "lastIndexOf:i":
		at := strings.LastIndex(s, c.needle())
		if at < 0 {
			return int64(-1), nil
		}
		return int64(unitLength(s[:at])), nil
	case "charAt:i":
		return cutUnits(s, c.int(0), c.int(0)+1)
	case "codePointAt:i":
		one, err := cutUnits(s, c.int(0), min(c.int(0)+2, unitLength(s)))
		if err != nil || one == "" {
			return nil, fmt.Errorf("index %d is out of bounds for length %d", c.int(0), unitLength(s))
		}
		return int64([]rune(one)[0]), nil
	case "substring:i", "subSequence:i":
		return cutUnits(s, c.int(0), unitLength(s))
	case "substring:ii", "subSequence:ii":
		return cutUnits(s, c.int(0), c.int(1))
	case "replace:ss":
		return c.replace(s, c.str(0), c.str(1))
	case "valueOf:s", "valueOf:i", "valueOf:d", "valueOf:o", "copyValueOf:s":
		return c.r.text(c.step.pos, c.args[0])
	case "join:so":
		return c.joinList()
	case "replaceAll:ss", "replaceFirst:ss", "matches:s", "split:s", "split:si":
		return c.onPattern(s)
	}
	for _, a := range c.args {
		if null(a) && textMethod(c.name) {
			return nil, errNull
		}
	}
	return nil, nil
}

// textMethod reports whether a string's method is one that complains of a null.
func textMethod(name string) bool {
	switch name {
	case "concat", "contains", "startsWith", "endsWith", "compareTo", "indexOf", "lastIndexOf", "replace", "replaceAll", "replaceFirst", "matches", "split":
		return true
	}
	return false
}

func blankText(s string) bool { return strings.TrimFunc(s, unicode.IsSpace) == "" }

// unitLength returns the number of UTF-16 units of s.
func unitLength(s string) int {
	n := 0
	for _, r := range s {
		if n++; r >= 0x10000 {
			n++
		}
	}
	return n
}

// cutUnits is Java's substring.
func cutUnits(s string, from, to int) (string, error) {
	n := unitLength(s)
	if from < 0 || to < from || to > n {
		return "", fmt.Errorf("begin %d, end %d, length %d", from, to, n)
	}
	if n == len(s) {
		return strings.Clone(s[from:to]), nil
	}
	return string(utf16.Decode(utf16.Encode([]rune(s))[from:to])), nil
}

func compareUnits(a, b string) int {
	x, y := utf16.Encode([]rune(a)), utf16.Encode([]rune(b))
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return int(x[i]) - int(y[i])
		}
	}
	return len(x) - len(y)
}

// needle is the first argument of indexOf and its like: a text, or the number of a character.
func (c *invocation) needle() string {
	if s, ok := c.args[0].(string); ok {
		return s
	}
	return string(rune(c.int(0)))
}

func (c *invocation) indexOf(s string, from int) int64 {
	from = max(0, min(from, unitLength(s)))
	tail, err := cutUnits(s, from, unitLength(s))
	if err != nil {
		return -1
	}
	at := strings.Index(tail, c.needle())
	if at < 0 {
		return -1
	}
	return int64(from + unitLength(tail[:at]))
}

// join concatenates two strings.
func (c *invocation) join(a, b string) (any, error) {
	if err := c.r.bytes(c.step.pos, len(a)+len(b)); err != nil {
		return nil, err
	}
	return a + b, nil
}

func (c *invocation) repeat(s string) (any, error) {
	n := c.int(0)
	if n < 0 {
		return nil, fmt.Errorf("count is negative: %d", n)
	}
	if len(s) > 0 && n > c.r.limits.Value/len(s) {
		return nil, c.r.bytes(c.step.pos, c.r.limits.Value+1)
	}
	if err := c.r.bytes(c.step.pos, n*len(s)); err != nil {
		return nil, err
	}
	if s == "" {
		return "", nil
	}
	return strings.Repeat(s, n), nil
}

func (c *invocation) replace(s, old, with string) (any, error) {
	grows := strings.Count(s, old) * (len(with) - len(old))
	if err := c.r.bytes(c.step.pos, max(0, len(s)+grows)); err != nil {
		return nil, err
	}
	return strings.ReplaceAll(s, old, with), nil
}

// joinList is String.join, which Java calls by any string.
func (c *invocation) joinList() (any, error) {
	l := listOf(c.args[1])
	if l == nil {
		return nil, nil
	}
	return c.r.capture(c.step.pos, func() error {
		for i, item := range *l {
			if i > 0 {
				if err := c.r.write(c.step.pos, c.str(0)); err != nil {
					return err
				}
			}
			if err := c.r.print(c.step.pos, item); err != nil {
				return err
			}
		}
		return nil
	})
}
