package mapping

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/jsonpath"
	"github.com/sockgate/sockgate/lang/jsonvalue"
	"github.com/sockgate/sockgate/lang/vtl"
)

// input is $input: the payload, as text, as JSON, and by path; and the handshake's parameters.
type input struct {
	event *sockgate.Event
	body  []byte

	parsed bool
	doc    any
	bad    error // why the payload is no JSON, once it was asked for as such
}

var _ vtl.Object = (*input)(nil)

// Property knows body.
func (in *input) Property(name string) (any, bool) {
	if name == "body" {
		return in.text(), true
	}
	return nil, false
}

func (in *input) String() string { return in.text() }

// text is the payload; an empty one reads "{}", as REST APIs have it (UNCONFIRMED for WebSocket; reference section 5.1).
func (in *input) text() string {
	if len(in.body) == 0 {
		return "{}"
	}
	return string(in.body)
}

// Call knows json(path), path(path), params() and params(name). Source: reference section 5.1.
func (in *input) Call(method string, args []any) (any, error) {
	if path, ok := oneText(method, "json", args); ok {
		return in.json(path)
	}
	if path, ok := oneText(method, "path", args); ok {
		v, found, err := in.at(path)
		if err == nil && !found {
			return vtl.Blank{}, nil // what is not there prints as nothing (reference section 5.1)
		}
		return v, err
	}
	if name, ok := oneText(method, "params", args); ok {
		return in.param(name), nil
	}
	if method == "params" && len(args) == 0 {
		return in.params(), nil
	}
	return nil, noMethod("input", method)
}

// json is the value at path as JSON text; "" in quotes when there is none.
func (in *input) json(path string) (any, error) {
	v, found, err := in.at(path)
	if err != nil {
		return nil, err
	}
	if !found {
		return `""`, nil
	}
	text, err := jsonvalue.Append(make([]byte, 0, len(in.body)), v)
	return string(text), err
}

func (in *input) at(path string) (value any, found bool, err error) {
	p, err := compiledPath(path)
	if err != nil {
		return nil, false, err
	}
	if !in.parsed {
		in.parsed = true
		body := in.body
		if len(body) == 0 {
			body = []byte(in.text())
		}
		in.doc, in.bad = jsonvalue.Parse(body)
	}
	if in.bad != nil {
		return nil, false, fmt.Errorf("the payload is not JSON: %w", in.bad)
	}
	value, found = p.Get(in.doc)
	return value, found, nil
}

// param looks a name up in path, query string and header, in this order; there are no path parameters in a WebSocket API. A
// query parameter or header that came several times has its last value.
func (in *input) param(name string) string {
	for _, h := range slices.Backward(in.event.Query) {
		if h.Name == name {
			return h.Value
		}
	}
	for _, h := range slices.Backward(in.event.Headers) {
		if strings.EqualFold(h.Name, name) {
			return h.Value
		}
	}
	return ""
}

func (in *input) params() any {
	m := &vtl.Map{}
	for _, g := range []struct {
		name string
		list []sockgate.Header
	}{{"path", nil}, {"querystring", in.event.Query}, {"header", in.event.Headers}} {
		group := &vtl.Map{}
		for _, h := range g.list {
			group.Set(h.Name, h.Value)
		}
		m.Set(g.name, group)
	}
	return m
}

// paths keeps compiled JSONPaths, so that a template's literal paths are parsed once. Computed ones could be without number, so
// only the first are kept.
var paths struct {
	byText sync.Map // string → *jsonpath.Path
	count  atomic.Int64
}

const maxPaths = 4096

func compiledPath(text string) (*jsonpath.Path, error) {
	if p, ok := paths.byText.Load(text); ok {
		return p.(*jsonpath.Path), nil
	}
	p, err := jsonpath.Compile(text)
	if err != nil {
		return nil, fmt.Errorf("JSONPath %q: %w", text, err)
	}
	if paths.count.Add(1) <= maxPaths {
		paths.byText.Store(text, p)
	}
	return p, nil
}

// oneText returns the argument of a call to method with one text.
func oneText(method, want string, args []any) (string, bool) {
	if method != want || len(args) != 1 {
		return "", false
	}
	return vtl.Text(args[0]), true
}

func noMethod(object, method string) error {
	return fmt.Errorf("$%s has no method %s with these arguments", object, method)
}

// javaMap prints a map as Java does; the order of a HashMap is arbitrary, here it is that of the names.
func javaMap(m map[string]string) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, name := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(name + "=" + m[name])
	}
	b.WriteByte('}')
	return b.String()
}
