package stack

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/sockgate/sockgate/template"
	"github.com/sockgate/sockgate/template/resource"
)

// Action is what a deploy does with one resource.
type Action string

// The actions.
const (
	Create    Action = "create"
	Update    Action = "update"
	Replace   Action = "replace"
	Delete    Action = "delete"
	Retain    Action = "retain" // leave it where it is, and forget it
	Unchanged Action = "unchanged"
)

// Step is one line of a plan.
type Step struct {
	ID, Type string
	Action   Action
	Changes  []resource.Change // of properties
	Because  []string          // Replace: the properties that cannot change in place
	Secret   bool              // Changes may hold what is not to be shown

	resource *template.Resource // nil: of Delete and Retain
	typ      *resource.Type
	depends  []string
	code     string // sum of the zip, when the type has code
	inline   bool   // the code is text in the template, which may refer to other resources
	current  map[string]any
}

// Plan is what a deploy will do.
type Plan struct {
	Stack string
	Steps []*Step // in the order of the template, then what is deleted
	// Outputs says that the outputs change although no resource does.
	Outputs bool
	// Leftovers is how many resources an earlier deploy could not delete.
	Leftovers int
	// Unfinished says that an earlier deploy was interrupted.
	Unfinished bool
	hidden     []string // values that are not to be shown
}

// Empty reports whether the plan does nothing.
func (p *Plan) Empty() bool {
	return !p.Outputs && p.Leftovers == 0 && !p.Unfinished &&
		!slices.ContainsFunc(p.Steps, func(s *Step) bool { return s.Action != Unchanged })
}

// Count returns how many steps have an action.
func (p *Plan) Count(a Action) (n int) {
	for _, s := range p.Steps {
		if s.Action == a {
			n++
		}
	}
	return n
}

// evaluate returns a step's properties, checked, and with the sum of its code in the place of the code.
func (s *subject) evaluate(step *Step, sc template.Scope) (map[string]any, error) {
	props, err := step.resource.Properties(sc)
	if err != nil {
		return nil, err
	}
	if name := step.typ.CodeProperty(); name != "" && step.code != "" {
		props[name] = map[string]any{resource.CodeSum: step.code}
	} else if name != "" {
		props[name] = template.Unknown{ID: step.ID, Attribute: name} // text that refers to what does not exist yet
	}
	checked, faults := step.typ.Check(props)
	found := make([]*template.Error, 0, len(faults))
	for _, f := range faults {
		line, column := step.resource.Place(f.Path...)
		if f.Key {
			line, column = step.resource.KeyPlace(f.Path...)
		}
		found = append(found, s.template.Errorf(line, column, "resource %s (%s): %s", step.ID, step.Type, f.Message))
	}
	slices.SortStableFunc(found, func(a, b *template.Error) int {
		return cmp.Or(a.Line-b.Line, a.Column-b.Column)
	})
	all := make([]error, len(found))
	for i, f := range found {
		all[i] = f
	}
	return checked, errors.Join(all...)
}

// plan compares the template with what there is. Its errors are all that can be known before anything is done.
func (s *subject) plan(doc *Document) (*Plan, error) {
	p := &Plan{}
	if doc == nil {
		doc = &Document{Resources: map[string]*Record{}}
	}
	sc := &scope{s: s, doc: func(id string) *resource.State {
		if r := doc.Resources[id]; r != nil {
			return r.State
		}
		return nil
	}, will: func(id string) *Step { return s.byID[id] }}
	ids := make([]string, len(s.steps))
	for i, step := range s.steps {
		ids[i] = step.ID
		step.Action, step.Changes, step.Because = "", nil, nil
	}
	faults := map[string]error{}
	for _, id := range sorted(ids, func(id string) []string { return s.byID[id].depends }) {
		step := s.byID[id]
		if step.inline {
			step.code = ""
		}
		if step.typ.CodeProperty() != "" && step.code == "" { // its text refers to others: perhaps they exist
			if err := s.build(step, sc); err != nil {
				faults[id] = err
				continue
			}
		}
		props, err := s.evaluate(step, sc)
		if err != nil {
			faults[id] = err
			step.Action = Create // for those that refer to it
			continue
		}
		s.addSum(step, props, doc)
		step.current = props
		if err := s.decide(step, props, doc.Resources[id]); err != nil {
			faults[id] = err
		}
	}
	var all []error
	for _, id := range ids {
		all = append(all, faults[id])
	}
	for _, o := range s.bound.Outputs {
		_, err := o.Value(sc)
		all = append(all, err)
	}
	if err := errors.Join(all...); err != nil {
		return nil, err
	}
	p.Steps = append(p.Steps, s.steps...)
	for _, id := range slices.Sorted(maps.Keys(doc.Resources)) {
		r := doc.Resources[id]
		if s.byID[id] != nil {
			continue
		}
		step := &Step{ID: id, Type: r.Type, Action: Delete}
		if r.Retain {
			step.Action = Retain
		}
		p.Steps = append(p.Steps, step)
	}
	for _, r := range doc.Retired {
		if r.Final {
			p.Leftovers++
		}
	}
	p.Unfinished = doc.Status != "" && doc.Status != Complete
	if !slices.ContainsFunc(p.Steps, func(s *Step) bool { return s.Action != Unchanged }) {
		outputs, err := s.outputs(sc)
		if err != nil {
			return nil, err
		}
		p.Outputs = !slices.Equal(outputs, doc.Outputs)
	}
	return p, nil
}

// addSum gives a deployment the sum of what it freezes: its old one when nothing of that changes.
func (s *subject) addSum(step *Step, props map[string]any, doc *Document) {
	if step.Type != deploymentType {
		return
	}
	props[resource.DefinitionSum] = template.Unknown{ID: step.ID, Attribute: resource.DefinitionSum}
	old := doc.Resources[step.ID]
	if old == nil || old.State == nil {
		return
	}
	states := map[string]*resource.State{}
	for _, id := range s.frozen(step) {
		if s.byID[id].Action != Unchanged {
			return
		}
		states[id] = doc.Resources[id].State
	}
	props[resource.DefinitionSum] = definitionSum(states)
}

// decide finds out what is done with a resource.
func (s *subject) decide(step *Step, props map[string]any, old *Record) error {
	switch {
	case old == nil || old.State == nil:
		step.Action = Create
		for _, name := range slices.Sorted(maps.Keys(props)) {
			step.Changes = append(step.Changes, resource.Change{Path: name, New: props[name]})
		}
		return nil
	case old.Type != step.Type:
		step.Action, step.Because = Replace, []string{"Type"}
		step.Changes = []resource.Change{{Path: "Type", Old: old.Type, New: step.Type}}
		return nil
	}
	step.Changes, step.Because = step.typ.Compare(old.Properties, props)
	switch {
	case len(step.Because) > 0:
		step.Action = Replace
		if name := step.typ.CustomName(props); name != "" && reflect.DeepEqual(props[name], old.Properties[name]) {
			line, column := step.resource.KeyPlace(name)
			return s.template.Errorf(line, column, "resource %s (%s): a change of %s needs another resource, which cannot have the same %s; change the name as well",
				step.ID, step.Type, strings.Join(step.Because, " and "), name)
		}
	case len(step.Changes) > 0 || old.Intent != nil:
		step.Action = Update
	default:
		step.Action = Unchanged
	}
	return nil
}

// outputs evaluates the outputs. Those that are not known yet are left out.
func (s *subject) outputs(sc template.Scope) ([]Output, error) {
	var all []Output
	var faults []error
	for _, o := range s.bound.Outputs {
		v, err := o.Value(sc)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		export, err := o.Export(sc)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		if resource.HasUnknown(v) || resource.HasUnknown(export) {
			continue
		}
		text, ok := outputText(v)
		if !ok {
			faults = append(faults, s.template.Errorf(o.Line, o.Column, "output %s must be a string", o.Name))
			continue
		}
		name, _ := outputText(export)
		all = append(all, Output{Name: o.Name, Value: text, Description: o.Description, Export: name})
	}
	return all, errors.Join(faults...)
}

func outputText(v any) (string, bool) {
	switch v := v.(type) {
	case nil:
		return "", true
	case []any, map[string]any:
		return "", false
	default:
		return fmt.Sprint(v), true
	}
}
