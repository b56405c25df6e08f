package jsonpath

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/sockgate/sockgate/lang/jsonvalue"
)

// call is a function at the end of a path, e.g. "length()" or "sum($.more, 5)".
type call struct {
	name      string
	arguments []argument
}

// argument is a path, evaluated from the document, or a JSON value.
type argument struct {
	path  *Path
	value any
}

// isFunction reports whether there is a function of this name.
func isFunction(name string) bool {
	switch name {
	case "length", "size", "keys", "min", "max", "avg", "sum", "stddev", "concat", "append", "first", "last", "index":
		return true
	}
	return false
}

func (c *call) invoke(s scope, v any) (any, error) {
	switch c.name {
	case "length", "size":
		return c.length(s, v)
	case "keys":
		return keys(v), nil
	case "concat":
		return c.concat(s, v)
	case "append":
		return c.append(s, v)
	case "first", "last", "index":
		return c.element(s, v)
	}
	return c.aggregate(s, v)
}

// values evaluates the arguments.
func (c *call) values(s scope) ([]any, error) {
	var all []any
	for _, a := range c.arguments {
		if a.path == nil {
			all = append(all, a.value)
			continue
		}
		s.item = s.document
		v, err := a.path.evaluate(s)
		if err != nil {
			return nil, err
		}
		if a, ok := v.(*jsonvalue.Array); ok {
			*s.budget -= len(a.Items)
		}
		all = append(all, v)
	}
	return all, nil
}

// length counts elements or members; anything else has the length null. Of an argument the children are counted: those of a
// definite path's first child, when that is an array (Jayway appends "*" to the argument, but still takes one value of it).
func (c *call) length(s scope, v any) (any, error) {
	if len(c.arguments) > 0 {
		p := c.arguments[0].path
		if p == nil {
			return nil, errFailed
		}
		if n := len(p.steps); n > 0 && p.steps[n-1].kind != function {
			p = &Path{steps: append(p.steps[:n:n], step{kind: wildcard}), root: p.root, definite: p.definite}
		}
		s.item, s.document = v, v
		inner, err := p.evaluate(s)
		if err != nil {
			return nil, err
		}
		if a, ok := inner.(*jsonvalue.Array); ok {
			return count(len(a.Items)), nil
		}
	}
	switch v := v.(type) {
	case *jsonvalue.Array:
		return count(len(v.Items)), nil
	case *jsonvalue.Object:
		return count(v.Len()), nil
	}
	return nil, nil
}

func count(n int) json.Number { return json.Number(strconv.Itoa(n)) }

func keys(v any) any {
	o, ok := v.(*jsonvalue.Object)
	if !ok {
		return nil
	}
	a := &jsonvalue.Array{}
	for _, name := range o.Names() {
		a.Items = append(a.Items, name)
	}
	return a
}

// concat joins an array's strings and the arguments: everything but null in them, and in arrays among them.
func (c *call) concat(s scope, v any) (any, error) {
	arguments, err := c.values(s)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	if a, ok := v.(*jsonvalue.Array); ok {
		for _, item := range a.Items {
			if text, ok := item.(string); ok {
				b.WriteString(text)
			}
		}
	}
	for _, arg := range arguments {
		if a, ok := arg.(*jsonvalue.Array); ok {
			for _, item := range a.Items {
				b.WriteString(textOf(item))
			}
		} else {
			b.WriteString(textOf(arg))
		}
	}
	if *s.budget -= b.Len(); *s.budget < 0 {
		return nil, errLimit
	}
	return b.String(), nil
}

// textOf is a scalar as text. Arrays and objects appear as JSON, where Java would print them in its own form.
func textOf(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	b, _ := jsonvalue.Append(nil, v)
	return string(b)
}

// append gives a longer copy of an array; the document itself is left alone.
func (c *call) append(s scope, v any) (any, error) {
	arguments, err := c.values(s)
	a, ok := v.(*jsonvalue.Array)
	if err != nil || !ok {
		return v, err
	}
	return &jsonvalue.Array{Items: append(a.Items[:len(a.Items):len(a.Items)], arguments...)}, nil
}

func (c *call) element(s scope, v any) (any, error) {
	a, ok := v.(*jsonvalue.Array)
	if !ok {
		return nil, errFailed
	}
	i := 0
	switch c.name {
	case "last":
		i = len(a.Items) - 1
	case "index":
		arguments, err := c.values(s)
		if err != nil {
			return nil, err
		}
		numbers := numbersOf(arguments)
		if len(numbers) == 0 {
			return nil, errFailed
		}
		if i = int(numbers[0]); i < 0 {
			i += len(a.Items)
		}
	}
	if i < 0 || i >= len(a.Items) {
		return nil, errFailed
	}
	return a.Items[i], nil
}

// numbersOf returns the numbers among values and inside of arrays among them.
func numbersOf(values []any) []float64 {
	var ns []float64
	for _, v := range values {
		if a, ok := v.(*jsonvalue.Array); ok {
			for _, item := range a.Items {
				if n, ok := number(item); ok {
					ns = append(ns, n)
				}
			}
		} else if n, ok := number(v); ok {
			ns = append(ns, n)
		}
	}
	return ns
}

func (c *call) aggregate(s scope, v any) (any, error) {
	arguments, err := c.values(s)
	if err != nil {
		return nil, err
	}
	if a, ok := v.(*jsonvalue.Array); ok {
		arguments = append([]any{a}, arguments...)
	}
	ns := numbersOf(arguments)
	if len(ns) == 0 {
		return nil, errFailed
	}
	low, high, sum, squares := ns[0], ns[0], 0.0, 0.0
	for _, n := range ns {
		low, high, sum, squares = min(low, n), max(high, n), sum+n, squares+n*n
	}
	size := float64(len(ns))
	switch c.name {
	case "min":
		sum = low
	case "max":
		sum = high
	case "avg":
		sum /= size
	case "stddev":
		sum = math.Sqrt(squares/size - sum*sum/size/size)
	}
	if math.IsNaN(sum) || math.IsInf(sum, 0) {
		return nil, errFailed
	}
	return javaDouble(sum), nil
}
