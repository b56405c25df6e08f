package vtl

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/sockgate/sockgate/lang/jsonvalue"
)

// onMap calls a method of a map or a document's object.
func (c *invocation) onMap(m mapping, self any) (any, error) {
	switch c.name {
	case "keySet", "values", "entrySet", "clear":
		if err := c.r.step(c.step.pos, m.Len()); err != nil {
			return nil, err
		}
	}
	switch {
	case c.is("size", 0):
		return int64(m.Len()), nil
	case c.is("isEmpty", 0):
		return m.Len() == 0, nil
	case c.is("toString", 0):
		return c.r.text(c.step.pos, self)
	case c.is("get", 1):
		v, _ := m.Get(c.args[0])
		return v, nil
	case c.is("getOrDefault", 2):
		if v, ok := m.Get(c.args[0]); ok {
			return v, nil
		}
		return c.args[1], nil
	case c.is("put", 2):
		was, _ := m.Get(c.args[0])
		return was, c.r.put(c.step.pos, m, c.args[0], c.args[1])
	case c.is("putIfAbsent", 2):
		if was, ok := m.Get(c.args[0]); ok && was != nil {
			return was, nil
		}
		return nil, c.r.put(c.step.pos, m, c.args[0], c.args[1])
	case c.is("putAll", 1):
		return "", c.putAll(m)
	case c.is("remove", 1):
		if err := c.r.step(c.step.pos, 1+m.Len()/8); err != nil {
			return nil, err
		}
		was, _ := m.Delete(c.args[0])
		return was, nil
	case c.is("clear", 0):
		switch m := self.(type) {
		case *Map:
			*m = Map{}
		case *jsonvalue.Object:
			*m = jsonvalue.Object{}
		}
		return "", nil
	case c.is("containsKey", 1):
		_, ok := m.Get(c.args[0])
		return ok, nil
	case c.is("containsValue", 1):
		for i := range m.Len() {
			if same, err := c.r.equal(c.step.pos, valueAt(m, i), c.args[0], 0); same || err != nil {
				return same, err
			}
		}
		return false, nil
	case c.is("keySet", 0):
		return c.r.copied(c.step.pos, m.Len(), m.at)
	case c.is("values", 0):
		return c.r.copied(c.step.pos, m.Len(), func(i int) any { return valueAt(m, i) })
	case c.is("entrySet", 0):
		return c.r.copied(c.step.pos, m.Len(), func(i int) any { return entry{m.at(i), valueAt(m, i)} })
	case c.is("equals", 1):
		return c.r.equal(c.step.pos, self, c.args[0], 0)
	}
	return nil, nil
}

func (c *invocation) putAll(m mapping) error {
	from := mapOf(c.args[0])
	if from == nil {
		return nil
	}
	for i := range from.Len() {
		if err := c.r.put(c.step.pos, m, from.at(i), valueAt(from, i)); err != nil {
			return err
		}
	}
	return nil
}

func (c *invocation) onEntry(e entry) (any, error) {
	switch c.signature() {
	case "getKey":
		return e.key, nil
	case "getValue":
		return e.value, nil
	case "toString":
		return c.r.text(c.step.pos, e)
	}
	return nil, nil
}

func (c *invocation) onBool(b bool) (any, error) {
	switch c.signature() {
	case "toString":
		return strconv.FormatBool(b), nil
	case "booleanValue":
		return b, nil
	case "parseBoolean:s", "valueOf:s":
		return strings.EqualFold(c.str(0), "true"), nil
	}
	if c.is("equals", 1) {
		return c.r.equal(c.step.pos, b, c.args[0], 0)
	}
	if other, ok := c.first().(bool); ok && (c.is("compareTo", 1) || c.is("compare", 1)) {
		switch {
		case b == other:
			return int64(0), nil
		case b:
			return int64(1), nil
		}
		return int64(-1), nil
	}
	return nil, nil
}

func (c *invocation) first() any {
	if len(c.args) == 0 {
		return nil
	}
	return c.args[0]
}

// onNumber calls a method of a number. Java's static methods are called by any number: #set($Integer = 0) … $Integer.parseInt("5").
func (c *invocation) onNumber(n number) (any, error) {
	switch c.signature() {
	case "intValue":
		return n.int32(), nil
	case "shortValue":
		return int64(int16(n.int32())), nil
	case "byteValue":
		return int64(int8(n.int32())), nil
	case "longValue":
		return n.long(), nil
	case "doubleValue":
		return n.double(), nil
	case "floatValue":
		return float64(float32(n.double())), nil
	case "toString":
		return Text(n.value()), nil
	case "toString:i", "toString:d", "valueOf:i", "valueOf:d":
		if c.name == "valueOf" {
			return c.args[0], nil
		}
		return Text(c.args[0]), nil
	case "isNaN":
		if n.float {
			return math.IsNaN(n.f), nil
		}
	case "parseInt:s", "parseLong:s", "valueOf:s", "parseDouble:s", "parseFloat:s":
		return c.parseNumber(n)
	case "compareTo:i", "compareTo:d":
		m, _ := numberOf(c.args[0])
		if n.float == m.float {
			return int64(n.compare(m)), nil
		}
	}
	if c.is("equals", 1) {
		return c.r.equal(c.step.pos, n.value(), c.args[0], 0)
	}
	if len(c.args) == 2 {
		return c.static(), nil
	}
	return nil, nil
}

// static calls Integer's or Double's two-argument functions.
func (c *invocation) static() any {
	a, okA := numberOf(c.args[0])
	b, okB := numberOf(c.args[1])
	if !okA || !okB {
		return nil
	}
	order := a.compare(b)
	switch c.name {
	case "compare":
		return int64(order)
	case "sum":
		return arithmetic(opAdd, a, b)
	case "max":
		if order < 0 {
			return b.value()
		}
		return a.value()
	case "min":
		if order < 0 {
			return a.value()
		}
		return b.value()
	}
	return nil
}

func (c *invocation) parseNumber(n number) (any, error) {
	s := c.str(0)
	var out any
	var err error
	switch c.name {
	case "parseDouble", "parseFloat":
		if !n.float {
			return nil, nil
		}
		out, err = strconv.ParseFloat(strings.TrimSpace(s), 64)
	case "parseLong":
		out, err = strconv.ParseInt(s, 10, 64)
	case "parseInt":
		out, err = strconv.ParseInt(s, 10, 32)
	default:
		if n.float {
			out, err = strconv.ParseFloat(strings.TrimSpace(s), 64)
		} else {
			out, err = strconv.ParseInt(s, 10, 32)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("for input string: %q", clip(s))
	}
	return out, nil
}
