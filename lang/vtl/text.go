package vtl

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/sockgate/sockgate/lang/jsonvalue"
)

// maxPrinted is how deep a value may be nested to be printed: deeper than any document, and the end of what contains itself.
const maxPrinted = jsonvalue.MaxDepth + 100

// maxText bounds Text, in bytes.
const maxText = 1 << 20

// Text returns how a value prints in a template: strings as they are, maps and lists as Java prints them ({a=1, b=x}, [a, b]), a document's
// arrays as compact JSON, doubles with a point (1.0, 1.0E10), nil as "null" and Blank as nothing. What is longer than 1 MiB, or contains itself, is cut.
func Text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	r := rendering{limits: Limits{}.orDefaults(), max: maxText}
	r.steps = r.limits.Steps
	_ = r.print(0, v) // an error means that it was cut
	return string(r.out)
}

// print appends a value's text to what is rendered now.
func (r *rendering) print(pos int, v any) error {
	if _, ok := v.(string); !ok {
		if err := r.step(pos, 1); err != nil {
			return err
		}
	}
	return r.printDeep(pos, v, 0)
}

// text returns a value's text.
func (r *rendering) text(pos int, v any) (string, error) {
	if s, ok := v.(string); ok {
		return s, nil
	}
	return r.capture(pos, func() error { return r.print(pos, v) })
}

func (r *rendering) printDeep(pos int, v any, depth int) error {
	if depth > maxPrinted {
		return faultf(pos, "a value that is nested deeper than %d levels cannot be printed", maxPrinted)
	}
	switch v := v.(type) {
	case string:
		return r.write(pos, v)
	case *List:
		return r.printList(pos, v, depth)
	case *jsonvalue.Array, *jsonvalue.Object, *Map:
		if m := mapOf(v); m != nil {
			return r.printMap(pos, m, depth)
		}
		return r.printJSON(pos, v, depth)
	case entry:
		if err := r.printDeep(pos, v.key, depth+1); err != nil {
			return err
		}
		if err := r.write(pos, "="); err != nil {
			return err
		}
		return r.printDeep(pos, v.value, depth+1)
	case *defined:
		_, err := v.print(r)
		return err
	case Blank:
		return nil
	case Object:
		return r.write(pos, v.String())
	}
	if !r.scalar(v) {
		return r.write(pos, fmt.Sprint(v))
	}
	return r.checkOutput(pos)
}

// scalar appends nil, a boolean or a number, which are short.
func (r *rendering) scalar(v any) bool {
	switch v := v.(type) {
	case nil:
		r.out = append(r.out, "null"...)
	case bool:
		r.out = strconv.AppendBool(r.out, v)
	case int64:
		r.out = strconv.AppendInt(r.out, v, 10)
	case json.Number:
		r.out = appendJSONNumber(r.out, v)
	default:
		n, ok := numberOf(v)
		switch {
		case !ok:
			return false
		case n.float:
			r.out = appendDouble(r.out, n.f)
		default:
			r.out = strconv.AppendInt(r.out, n.i, 10)
		}
	}
	return true
}

func (r *rendering) checkOutput(pos int) error {
	if len(r.out) > r.max {
		return faultf(pos, "the output is larger than %d bytes", r.max)
	}
	return nil
}

func (r *rendering) printList(pos int, l *List, depth int) error {
	r.out = append(r.out, '[')
	for i, item := range l.Items {
		if i > 0 {
			r.out = append(r.out, ", "...)
		}
		if err := r.element(pos); err != nil {
			return err
		}
		if err := r.printDeep(pos, item, depth+1); err != nil {
			return err
		}
	}
	r.out = append(r.out, ']')
	return r.checkOutput(pos)
}

func (r *rendering) printMap(pos int, m mapping, depth int) error {
	r.out = append(r.out, '{')
	for i := range m.Len() {
		if i > 0 {
			r.out = append(r.out, ", "...)
		}
		if err := r.element(pos); err != nil {
			return err
		}
		if err := r.printDeep(pos, m.at(i), depth+1); err != nil {
			return err
		}
		r.out = append(r.out, '=')
		if err := r.printDeep(pos, valueAt(m, i), depth+1); err != nil {
			return err
		}
	}
	r.out = append(r.out, '}')
	return r.checkOutput(pos)
}

// element counts one element of what is printed, so that many empty ones end too.
func (r *rendering) element(pos int) error {
	if err := r.checkOutput(pos); err != nil {
		return err
	}
	return r.step(pos, 1)
}

// printJSON prints compact JSON: what a document's array contains, maps and lists of the template too. UNCONFIRMED: some versions of the library
// that AWS is believed to use write "/" as "\/", which means the same; here it stays as it is.
func (r *rendering) printJSON(pos int, v any, depth int) error {
	if depth > maxPrinted {
		return faultf(pos, "a value that is nested deeper than %d levels cannot be printed", maxPrinted)
	}
	if l := listOf(v); l != nil {
		r.out = append(r.out, '[')
		for i, item := range *l {
			if i > 0 {
				r.out = append(r.out, ',')
			}
			if err := r.element(pos); err != nil {
				return err
			}
			if err := r.printJSON(pos, item, depth+1); err != nil {
				return err
			}
		}
		r.out = append(r.out, ']')
		return r.checkOutput(pos)
	}
	if m := mapOf(v); m != nil {
		r.out = append(r.out, '{')
		for i := range m.Len() {
			if i > 0 {
				r.out = append(r.out, ',')
			}
			if err := r.element(pos); err != nil {
				return err
			}
			if err := r.jsonString(pos, m.at(i)); err != nil {
				return err
			}
			r.out = append(r.out, ':')
			if err := r.printJSON(pos, valueAt(m, i), depth+1); err != nil {
				return err
			}
		}
		r.out = append(r.out, '}')
		return r.checkOutput(pos)
	}
	if n, ok := numberOf(v); ok && n.float && (math.IsInf(n.f, 0) || math.IsNaN(n.f)) {
		v = nil // JSON has neither infinities nor NaN
	}
	if r.scalar(v) {
		return r.checkOutput(pos)
	}
	return r.jsonString(pos, v)
}

// jsonString prints a value's text as a JSON string.
func (r *rendering) jsonString(pos int, v any) error {
	s, err := r.text(pos, v)
	if err != nil {
		return err
	}
	if err := r.bytes(pos, len(s)); err != nil {
		return err
	}
	if r.out, err = jsonvalue.Append(r.out, s); err != nil {
		return faultf(pos, "%v", err)
	}
	return r.checkOutput(pos)
}
