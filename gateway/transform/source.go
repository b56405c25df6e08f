package transform

import (
	"errors"
	"strings"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/expr"
)

// source is where a mapped value comes from: the right side of a line of the mapping.
type source struct {
	kind     sourceKind
	name     string // of a header or query parameter
	text     string // of a literal
	path     *expr.Path
	variable Variable
}

type sourceKind uint8

const (
	absent      sourceKind = iota // a stage variable that the stage lacks
	literal                       // 'text', or the value of a stage variable
	header                        // route.request.header.X: the last value
	query                         // route.request.querystring.X: the last value
	multiHeader                   // route.request.multivalueheader.X
	multiQuery                    // route.request.multivaluequerystring.X
	wholeBody                     // route.request.body: the message as it was received, JSON or not
	bodyPath                      // route.request.body.X
	contextual                    // context.X
)

var namedSources = []struct {
	prefix string
	kind   sourceKind
}{
	{"route.request.header.", header},
	{"route.request.querystring.", query},
	{"route.request.multivalueheader.", multiHeader},
	{"route.request.multivaluequerystring.", multiQuery},
}

func compileSource(s string, stageVariables map[string]string) (source, error) {
	if len(s) >= 2 && s[0] == '\'' && s[len(s)-1] == '\'' {
		return source{kind: literal, text: s[1 : len(s)-1]}, nil
	}
	if name, ok := strings.CutPrefix(s, "stageVariables."); ok {
		if !variableName(name) {
			return source{}, errors.New("not a stage variable's name")
		}
		value, ok := stageVariables[name]
		if !ok {
			return source{kind: absent}, nil
		}
		return source{kind: literal, text: value}, nil
	}
	if name, ok := strings.CutPrefix(s, "context."); ok {
		read, ok := ContextVariable(name)
		if !ok {
			return source{}, errors.New("no such context variable")
		}
		return source{kind: contextual, variable: read}, nil
	}
	if tail, ok := strings.CutPrefix(s, "route.request.body"); ok {
		if tail == "" {
			return source{kind: wholeBody}, nil
		}
		path, err := expr.CompilePath(tail)
		return source{kind: bodyPath, path: path}, err
	}
	for _, n := range namedSources {
		if name, ok := strings.CutPrefix(s, n.prefix); ok {
			if !parameterName(name) {
				return source{}, errors.New("a name may hold letters, digits and . _ $ -")
			}
			return source{kind: n.kind, name: name}, nil
		}
	}
	return source{}, errors.New("expected route.request.…, context.NAME, stageVariables.NAME or a 'literal' in single quotes")
}

// multiple reports whether the source has a list of values.
func (s *source) multiple() bool { return s.kind == multiHeader || s.kind == multiQuery }

// declaration returns the name under which a route declares the source, or "" when it needs none.
func (s *source) declaration() string {
	for _, n := range namedSources {
		if n.kind == s.kind {
			return n.prefix + s.name
		}
	}
	return ""
}

// reader reads sources from one event. The body is checked once, and only when a source needs it.
type reader struct {
	ev     *sockgate.Event
	body   expr.Body
	isJSON bool
	parsed bool
}

func (r *reader) one(s *source) (string, bool) {
	switch s.kind {
	case literal:
		return s.text, true
	case header:
		return last(r.ev.Headers, s.name, strings.EqualFold)
	case query:
		return last(r.ev.Query, s.name, equal)
	case wholeBody:
		// One byte over the limit is enough for the mapping to refuse the value.
		return string(r.ev.Body[:min(len(r.ev.Body), MaxValue+1)]), r.ev.Type == sockgate.Message
	case bodyPath:
		return r.fromBody(s.path)
	case contextual:
		return s.variable(r.ev)
	}
	return "", false
}

func (r *reader) all(s *source) []string {
	list, same := []sockgate.Header(r.ev.Headers), strings.EqualFold
	if s.kind == multiQuery {
		list, same = r.ev.Query, equal
	}
	var values []string
	for _, h := range list {
		if same(h.Name, s.name) {
			values = append(values, h.Value)
		}
	}
	return values
}

func (r *reader) fromBody(path *expr.Path) (string, bool) {
	if !r.parsed {
		r.body, r.isJSON = expr.ParseBody(r.ev.Body)
		r.parsed = true
	}
	if !r.isJSON {
		return "", false
	}
	var room [128]byte
	value, ok := path.AppendTo(room[:0], r.body)
	return string(value), ok
}
