package mapping

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/transform"
	"github.com/sockgate/sockgate/lang/expr"
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

	scanned bool
	raw     expr.Body // for plain paths, while there is no document that a template could have changed
	isJSON  bool
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
		if v, ok := in.scalar(path); ok {
			return v, nil
		}
		v, _, err := in.at(path)
		if err == nil && v == nil {
			return vtl.Blank{}, nil // what is not there prints as nothing (reference section 5.1), and so does null
		}
		return v, err
	}
	if name, ok := oneText(method, "params", args); ok {
		return in.param(name), nil
	}
	if method == "params" && len(args) == 0 {
		return in.params(), nil
	}
	return nil, nil
}

// json is the value at path as JSON text; "" in quotes when there is none.
func (in *input) json(path string) (any, error) {
	if raw, known := in.plain(path); known && raw == nil {
		return `""`, nil
	} else if known && compact(raw) {
		return string(raw), nil
	}
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
	compiled, err := compiledPath(path)
	if err != nil {
		return nil, false, err
	}
	p := compiled.full
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
	for _, h := range slices.Backward(in.headers()) {
		if strings.EqualFold(h.Name, name) {
			return h.Value
		}
	}
	return ""
}

// headers are those of a handshake, as functions see them too; other events have none.
func (in *input) headers() []sockgate.Header {
	if in.event.Type != sockgate.Connect {
		return in.event.Headers
	}
	return transform.EventHeaders(in.event)
}

func (in *input) params() any {
	m := &vtl.Map{}
	for _, g := range []struct {
		name string
		list []sockgate.Header
	}{{"path", nil}, {"querystring", in.event.Query}, {"header", in.headers()}} {
		group := &vtl.Map{}
		for _, h := range g.list {
			group.Set(h.Name, h.Value)
		}
		m.Set(g.name, group)
	}
	return m
}

// The quick ways below answer the usual cases, a member's text or the payload as it came, from the payload itself: building a
// document costs more than the rest of a usual template. They give what the document would give, or nothing.

// plain returns the text of the value at a plain path, nil when there is none. known is false when it cannot tell: the path is not
// plain, the payload is no JSON, or a document was built, which the template may have changed.
func (in *input) plain(path string) (raw []byte, known bool) {
	if in.parsed || len(in.body) == 0 {
		return nil, false
	}
	compiled, err := compiledPath(path)
	if err != nil || compiled.plain == nil {
		return nil, false
	}
	if !in.scanned {
		in.scanned = true
		if utf8.Valid(in.body) {
			in.raw, in.isJSON = expr.ParseBody(in.body)
		}
	}
	if !in.isJSON {
		return nil, false
	}
	return compiled.plain.Raw(in.raw), true
}

// scalar returns the value at a plain path if it is a string without escapes, a number or a boolean, and Blank if there is none.
func (in *input) scalar(path string) (any, bool) {
	raw, known := in.plain(path)
	switch {
	case len(raw) == 0:
		return vtl.Blank{}, known
	case raw[0] == '"':
		if bytes.IndexByte(raw, '\\') < 0 {
			return string(raw[1 : len(raw)-1]), true
		}
	case raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9':
		return json.Number(raw), true
	case raw[0] == 't', raw[0] == 'f':
		return raw[0] == 't', true
	}
	return nil, false
}

// compact reports whether JSON text is what printing its document would give: no blanks, no escapes, nothing that is escaped when it is
// printed. Of members with the same name it keeps all, where a document keeps the last; whoever reads the text does that too.
func compact(raw []byte) bool {
	quoted := false
	for _, c := range raw {
		switch {
		case c == '"':
			quoted = !quoted
		case c == '\\' || c == 0xe2: // 0xe2 begins the line separators, among others
			return false
		case c <= ' ' && !quoted:
			return false
		}
	}
	return true
}

// paths keeps compiled JSONPaths, so that a template's literal paths are parsed once. Computed ones could be without number, so
// only the first are kept.
var paths struct {
	byText sync.Map // string → *path
	count  atomic.Int64
}

const maxPaths = 4096

// path is a compiled JSONPath, and the same as plain steps through the text where it has no more.
type path struct {
	full  *jsonpath.Path
	plain *expr.Path // or nil
}

func compiledPath(text string) (*path, error) {
	if p, ok := paths.byText.Load(text); ok {
		return p.(*path), nil
	}
	full, err := jsonpath.Compile(text)
	if err != nil {
		return nil, fmt.Errorf("JSONPath %q: %w", text, err)
	}
	p := &path{full: full}
	if tail, ok := strings.CutPrefix(text, "$"); ok {
		if plain, err := expr.CompilePath(tail); err == nil && plain.Plain() {
			p.plain = plain
		}
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
