package mapping

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/transform"
	"github.com/sockgate/sockgate/lang/jsonpath"
	"github.com/sockgate/sockgate/lang/jsonvalue"
	"github.com/sockgate/sockgate/lang/vtl"
)

// Headers are a response's responseParameters. A frame has no headers, so they matter on $connect only, where
// Sec-WebSocket-Protocol is the one that reaches the client (reference section 4.2).
type Headers []headerSource

type headerSource struct {
	name   string
	source func(*Answer) (string, bool)
}

// Answer is what a backend answered, as response parameters see it.
type Answer struct {
	Event  *sockgate.Event
	Header sockgate.Headers
	Body   []byte
}

// destinations are how a key may begin. The guide says "route", the API's model "method".
var destinations = []string{"route.response.header.", "method.response.header."}

// CompileHeaders reads responseParameters. The error is sockgate.Invalid and names the key and the fault.
func CompileHeaders(parameters, vars map[string]string) (Headers, error) {
	var list Headers
	for _, key := range slices.Sorted(maps.Keys(parameters)) {
		name := ""
		for _, d := range destinations {
			if n, ok := strings.CutPrefix(key, d); ok {
				name = n
			}
		}
		if name == "" {
			return nil, sockgate.Invalidf("Invalid mapping expression specified: %s: the key must be route.response.header.NAME", key)
		}
		source, err := compileSource(parameters[key], vars)
		if err != nil {
			return nil, sockgate.Invalidf("Invalid mapping expression specified: %s: %s", key, err)
		}
		list = append(list, headerSource{name, source})
	}
	return list, nil
}

func compileSource(text string, vars map[string]string) (func(*Answer) (string, bool), error) {
	fixed := func(s string, ok bool) func(*Answer) (string, bool) {
		return func(*Answer) (string, bool) { return s, ok }
	}
	if len(text) >= 2 && text[0] == '\'' && text[len(text)-1] == '\'' {
		return fixed(text[1:len(text)-1], true), nil
	}
	if name, ok := strings.CutPrefix(text, "stageVariables."); ok {
		value, set := vars[name]
		return fixed(value, set), nil
	}
	if name, ok := strings.CutPrefix(text, "context."); ok {
		read, known := transform.ContextVariable(name)
		if !known {
			return nil, fmt.Errorf("there is no context variable %s", name)
		}
		return func(a *Answer) (string, bool) { return read(a.Event) }, nil
	}
	if name, ok := strings.CutPrefix(text, "integration.response.header."); ok {
		return func(a *Answer) (string, bool) { return a.Header.Lookup(name) }, nil
	}
	if text == "integration.response.body" {
		return func(a *Answer) (string, bool) { return string(a.Body), true }, nil
	}
	if path, ok := strings.CutPrefix(text, "integration.response.body."); ok {
		p, err := jsonpath.Compile("$." + path)
		if err != nil {
			return nil, err
		}
		return func(a *Answer) (string, bool) {
			doc, err := jsonvalue.Parse(a.Body)
			if err != nil {
				return "", false
			}
			v, found := p.Get(doc)
			if !found {
				return "", false
			}
			return vtl.Text(v), true
		}, nil
	}
	return nil, fmt.Errorf("%q is no source; use 'text', context.X, stageVariables.X, integration.response.header.X or integration.response.body.X", text)
}

// Get returns the value that the response gives a header, or "". A value that cannot stand in a header is none.
func (h Headers) Get(name string, a *Answer) string {
	for _, s := range h {
		if !strings.EqualFold(s.name, name) {
			continue
		}
		value, ok := s.source(a)
		if ok && !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			return value
		}
	}
	return ""
}
