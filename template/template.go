package template

import (
	"errors"
	"fmt"
	"slices"
)

// Error is one fault of a template (or of the values given for its parameters) and its place.
type Error struct {
	File         string
	Line, Column int // from 1; 0 when the fault has no place in the file
	Message      string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Message
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
}

// Template is a parsed template. It does not change; many may bind it at the same time.
type Template struct {
	Description string
	Parameters  []Parameter // in source order

	// Serverless: the template asks for the SAM transform. LanguageExtensions: for AWS::LanguageExtensions.
	Serverless, LanguageExtensions bool

	file       string
	metadata   *node
	mappings   *node
	conditions []pair // name and expression
	rules      []pair
	globals    *node
	resources  []*resource
	outputs    []pair
}

// Parameter is a declared parameter.
type Parameter struct {
	Name, Type            string
	Description           string
	Default               *string // nil when the template gives none
	NoEcho                bool
	AllowedValues         []string
	AllowedPattern        string
	MinLength, MaxLength  *int
	MinValue, MaxValue    *float64
	ConstraintDescription string
	Line, Column          int
}

// Env is what the pseudo parameters and Fn::ImportValue stand for. An empty Partition is "aws", an empty URLSuffix
// "amazonaws.com".
type Env struct {
	Region, AccountID  string
	StackName, StackID string
	Partition          string
	URLSuffix          string
	NotificationARNs   []string
	// Imports returns the exported value of that name, ok=false when nobody exports it. A nil Imports knows none.
	Imports func(name string) (any, bool)
	// CodeHash returns a text that changes when the code at a CodeUri or ContentUri does. SAM puts it into the logical ids of
	// function versions and layers, so that new code makes new ones. Nil: only a change of the path makes new ones.
	CodeHash func(uri string) string
}

// Bound is a template with its parameters.
type Bound struct {
	// Resources whose condition holds, in source order; those which SAM generates stand after the one that they come from.
	Resources []*Resource
	// Outputs whose condition holds, in source order.
	Outputs []Output
	// Parameters holds the values, given or default: string, json.Number, or a []any of them.
	Parameters map[string]any
	// NoEcho names the parameters whose values are not to be shown.
	NoEcho map[string]bool
	// Conditions holds the value of each condition.
	Conditions map[string]bool
	// Skipped says what the SAM expansion left out, such as a function's event that no WebSocket API has use for.
	Skipped []Skipped
	// ImportNames lists what Fn::ImportValue asked for, sorted.
	ImportNames []string
}

// Skipped is a part of a SAM resource that was not expanded.
type Skipped struct {
	ID           string // of the resource
	What         string // "event Nightly (Schedule)"
	Line, Column int
}

// Resource is one CloudFormation resource to be made.
type Resource struct {
	ID, Type string
	// DependsOn names the resources that must be there before: explicit and implied by references, sorted, existing ones only.
	DependsOn      []string
	DeletionPolicy string // "", "Delete", "Retain", "RetainExceptOnCreate", "Snapshot"
	// UpdateReplacePolicy has the values of DeletionPolicy.
	UpdateReplacePolicy string
	Metadata            map[string]any
	// From is the SAM resource that this one was generated for, or "".
	From         string
	Line, Column int

	properties *node // or nil
	eval       *evaluator
}

// Output is one of the template's outputs.
type Output struct {
	Name, Description string
	Line, Column      int

	export *node // or nil
	value  *node
	eval   *evaluator
}

// Scope knows resources that exist already. ok=false: not known yet, so that the value becomes Unknown. A nil Scope knows
// nothing. Either method may also be asked for what the resource does not have; it says ok=false then too, or returns
// a value of type error, which ends the evaluation at the place of the reference.
type Scope interface {
	Ref(id string) (any, bool)
	GetAtt(id, attribute string) (any, bool)
}

// Unknown stands in a tree for a value that is known only after the creation of a resource. Attribute is "" for a Ref.
// A text that is put together with one is Unknown too, and names the first.
type Unknown struct{ ID, Attribute string }

func (u Unknown) String() string {
	if u.Attribute == "" {
		return "{" + u.ID + "}"
	}
	return "{" + u.ID + "." + u.Attribute + "}"
}

// Properties evaluates the resource's properties. It returns an empty map for a resource without any. The tree is the
// caller's.
func (r *Resource) Properties(s Scope) (map[string]any, error) {
	if r.properties == nil {
		return map[string]any{}, nil
	}
	v, err := r.eval.evaluate(r.properties, s)
	if err != nil {
		return nil, err
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, r.eval.fault(r.properties, "Properties of resource %s must be an object", r.ID)
	}
	return m, nil
}

// Place returns where the property at path (names, and numbers of list items from "0") is written, or the nearest place
// around it.
func (r *Resource) Place(path ...string) (line, column int) {
	line, column = r.Line, r.Column
	for n := r.properties; n != nil; {
		if n.line > 0 {
			line, column = n.line, n.column
		}
		if len(path) == 0 {
			return line, column
		}
		n, path = n.child(path[0]), path[1:]
	}
	return line, column
}

// KeyPlace is Place for the name of the property itself (the key) rather than its value.
func (r *Resource) KeyPlace(path ...string) (line, column int) {
	line, column = r.Place(path...)
	n := r.properties
	for i, name := range path {
		if n == nil {
			return line, column
		}
		if i == len(path)-1 {
			for _, p := range n.pairs {
				if p.key.text == name && p.key.line > 0 {
					return p.key.line, p.key.column
				}
			}
		}
		n = n.child(name)
	}
	return line, column
}

// Value evaluates the output.
func (o Output) Value(s Scope) (any, error) { return o.eval.evaluate(o.value, s) }

// Export evaluates the name under which the output is exported: "" when it is not.
func (o Output) Export(s Scope) (any, error) {
	if o.export == nil {
		return "", nil
	}
	return o.eval.evaluate(o.export, s)
}

// Errorf makes an error that stands at a place of the template.
func (t *Template) Errorf(line, column int, format string, args ...any) *Error {
	return &Error{File: t.file, Line: line, Column: column, Message: fmt.Sprintf(format, args...)}
}

// faults collects errors.
type faults struct {
	file string
	list []*Error
}

func (f *faults) add(at *node, format string, args ...any) {
	e := &Error{File: f.file, Message: fmt.Sprintf(format, args...)}
	if at != nil {
		e.Line, e.Column = at.line, at.column
	}
	for _, other := range f.list {
		if *other == *e {
			return
		}
	}
	if len(f.list) < maxFaults {
		f.list = append(f.list, e)
	}
}

// err joins the collected errors in source order, or returns nil.
func (f *faults) err() error {
	if len(f.list) == 0 {
		return nil
	}
	slices.SortStableFunc(f.list, func(a, b *Error) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	if len(f.list) == 1 {
		return f.list[0]
	}
	all := make([]error, len(f.list))
	for i, e := range f.list {
		all[i] = e
	}
	return errors.Join(all...)
}
