package mapping

import (
	"maps"
	"slices"
	"strconv"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/vtl"
)

// Scope is what a template may see.
type Scope struct {
	Event          *sockgate.Event
	StageVariables map[string]string
	Body           []byte // of $input: the message, or in a response template the backend's answer
	Response       bool   // the template shapes a response
}

// variables are a scope's names, as a template's engine takes them.
type variables struct {
	named map[string]any
	input input
	over  overrideMaps
}

func (s *Scope) variables() *variables {
	v := &variables{input: input{event: s.Event, body: s.Body}}
	v.named = map[string]any{
		"input":          &v.input,
		"util":           util{},
		"context":        &contextNode{event: s.Event, over: &v.over},
		"stageVariables": stageVariables(s.StageVariables),
	}
	return v
}

// overrideMaps are $context.requestOverride and $context.responseOverride, made when a template first names them.
type overrideMaps struct{ request, response *vtl.Map }

// named returns the map of that name, or nil.
func (o *overrideMaps) named(name string) *vtl.Map {
	switch name {
	case "requestOverride":
		return made(&o.request, "header", "querystring", "path")
	case "responseOverride":
		return made(&o.response, "header")
	}
	return nil
}

func made(m **vtl.Map, groups ...string) *vtl.Map {
	if *m == nil {
		*m = &vtl.Map{}
		for _, g := range groups {
			(*m).Set(g, &vtl.Map{})
		}
	}
	return *m
}

// overrides reads what the template has set.
func (v *variables) overrides() Overrides {
	var o Overrides
	if m := v.over.request; m != nil {
		o = Overrides{Header: pairs(m, "header"), Query: pairs(m, "querystring"), Path: pairs(m, "path")}
	}
	if m := v.over.response; m != nil {
		o.Header = append(o.Header, pairs(m, "header")...)
		if status, ok := m.Get("status"); ok {
			o.Status, _ = strconv.Atoi(vtl.Text(status)) // what is no number overrides nothing
		}
	}
	return o
}

func pairs(m *vtl.Map, group string) []sockgate.Header {
	g, _ := m.Get(group)
	inner, ok := g.(*vtl.Map)
	if !ok || inner.Len() == 0 {
		return nil
	}
	var list []sockgate.Header
	for _, name := range inner.Keys() {
		value, _ := inner.Get(name)
		list = append(list, sockgate.Header{Name: vtl.Text(name), Value: vtl.Text(value)})
	}
	return list
}

// stageVariables is $stageVariables.
type stageVariables map[string]string

var _ vtl.Table = stageVariables(nil)

// Property returns a variable of the stage.
func (v stageVariables) Property(name string) (any, bool) {
	if value, ok := v[name]; ok {
		return value, true
	}
	return nil, false
}

// Call knows nothing that a map does not.
func (v stageVariables) Call(string, []any) (any, error) { return nil, nil }

// Map returns the variables by name. A HashMap's order is arbitrary; here it is that of the names.
func (v stageVariables) Map() *vtl.Map {
	m := &vtl.Map{}
	for _, name := range slices.Sorted(maps.Keys(v)) {
		m.Set(name, v[name])
	}
	return m
}

func (v stageVariables) String() string { return vtl.Text(v.Map()) }
