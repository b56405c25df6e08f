package vtl

import (
	"errors"

	"github.com/sockgate/sockgate/lang/jsonvalue"
)

// property returns v.name, or nil. A map's property is its key; others have what their getters give.
func (r *rendering) property(s *step, v any) (any, error) {
	switch v := v.(type) {
	case *jsonvalue.Object:
		p, _ := v.Get(s.name)
		return p, nil
	case *Map:
		p, _ := v.Get(s.name)
		return p, nil
	case Object:
		if p, ok := v.Property(s.name); ok {
			return p, nil
		}
		return nil, nil
	case string:
		switch s.name {
		case "empty":
			return v == "", nil
		case "blank":
			return blankText(v), nil
		}
	case entry:
		switch s.name {
		case "key":
			return v.key, nil
		case "value":
			return v.value, nil
		}
	}
	if l := listOf(v); l != nil && s.name == "empty" {
		return len(*l) == 0, nil
	}
	return nil, nil
}

// index returns v[key]. A negative index counts from the list's end. An Object is asked for the property of that name, which is how
// $stageVariables['name'] reads.
func (r *rendering) index(s *step, v, key any) (any, error) {
	if o, ok := v.(Object); ok {
		if name, ok := key.(string); ok {
			if p, ok := o.Property(name); ok {
				return p, nil
			}
		}
		return nil, nil
	}
	if m := mapOf(v); m != nil {
		item, _ := m.Get(key)
		return item, nil
	}
	if l := listOf(v); l != nil {
		i, ok, err := r.listIndex(s.pos, *l, key)
		if !ok || err != nil {
			return nil, err
		}
		return (*l)[i], nil
	}
	return nil, nil
}

func (r *rendering) setIndex(pos int, l []any, key, value any) error {
	i, ok, err := r.listIndex(pos, l, key)
	if !ok || err != nil {
		return err
	}
	if err := r.keep(pos, value); err != nil {
		return err
	}
	l[i] = value
	return nil
}

// listIndex checks an index in brackets. ok is false when it is no integer; one that is out of range is a fault, as in Velocity.
func (r *rendering) listIndex(pos int, l []any, key any) (i int, ok bool, err error) {
	n, isNumber := numberOf(key)
	if !isNumber || n.float {
		return 0, false, nil
	}
	at := n.i
	if at < 0 {
		at += int64(len(l))
	}
	if at < 0 || at >= int64(len(l)) {
		return 0, false, faultf(pos, "index %d is out of bounds for length %d", n.i, len(l))
	}
	return int(at), true, nil
}

// method calls v.name(args). A method that does not exist, or that does not take such arguments, is null.
func (r *rendering) method(s *step, v any, args []any) (any, error) {
	var out any
	var err error
	if n, ok := numberOf(v); ok {
		v = n
	}
	for i, a := range args { // a block is a text to everybody
		if d, ok := a.(*defined); ok {
			if args[i], err = r.text(s.pos, d); err != nil {
				return nil, err
			}
		}
	}
	c := &invocation{r: r, step: s, name: s.name, args: args}
	switch v := v.(type) {
	case Object:
		if err := r.step(s.pos, textSize(args)/8); err != nil { // an Object may parse or escape them, and cannot count
			return nil, err
		}
		out, err = v.Call(s.name, args)
		if table, ok := v.(Table); ok && out == nil && err == nil {
			out, err = c.onMap(table.Map(), v)
		}
	case string:
		out, err = c.onString(v)
	case *List, *jsonvalue.Array:
		out, err = c.onList(listOf(v), v)
	case *Map, *jsonvalue.Object:
		out, err = c.onMap(mapOf(v), v)
	case number:
		out, err = c.onNumber(v)
	case bool:
		out, err = c.onBool(v)
	case entry:
		out, err = c.onEntry(v)
	}
	if err == nil {
		if text, ok := out.(string); ok {
			err = r.bytes(s.pos, len(text))
		}
		return out, err
	}
	if _, ok := err.(*fault); ok || err == errStopLoop {
		return nil, err
	}
	return nil, &fault{pos: s.pos, text: "." + clip(s.name) + "(): " + err.Error(), cause: err}
}

// textSize returns the bytes of the texts among args.
func textSize(args []any) int {
	n := 0
	for _, a := range args {
		n += weight(a)
	}
	return n
}

// invocation is one call of a built-in method.
type invocation struct {
	r    *rendering
	step *step
	name string
	args []any
}

// signature is the method's name with the kinds of its arguments: s string, i integer, d double, n null, o anything else. It is how overloaded
// methods are told apart.
func (c *invocation) signature() string {
	if len(c.args) == 0 {
		return c.name
	}
	kinds := make([]byte, 0, 32)
	kinds = append(append(kinds, c.name...), ':')
	for _, a := range c.args {
		kinds = append(kinds, kindOf(a))
	}
	return string(kinds)
}

func kindOf(v any) byte {
	switch v.(type) {
	case string:
		return 's'
	case nil, Blank:
		return 'n'
	}
	n, ok := numberOf(v)
	switch {
	case !ok:
		return 'o'
	case n.float:
		return 'd'
	}
	return 'i'
}

var errNull = errors.New("null is no text")

func (c *invocation) str(i int) string { s, _ := c.args[i].(string); return s }

func (c *invocation) int(i int) int {
	n, _ := numberOf(c.args[i])
	return int(n.int32())
}

// takes counts n steps or bytes of work.
func (c *invocation) takes(n int) error { return c.r.step(c.step.pos, 1+n/64) }
