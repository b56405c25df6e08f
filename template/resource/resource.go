// Package resource knows the CloudFormation resource types: which properties each has and of which type, which of them can change in place,
// and how a resource is made, changed, found again and removed through the gateway's public APIs. There is one file for
// each service. It knows nothing of stacks: in which order things are made, and what is remembered, is for package stack.
//
// A type's properties are a table. Most types of API Gateway need nothing else; the others have a few functions beside it.
// Source of the tables: AWS CloudFormation Template Reference, the page of each type.
package resource

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/sockgate/sockgate/template/resource/wire"
)

// State is a resource that exists. It is a plain document, kept between deploys.
type State struct {
	PhysicalID string         `json:"physicalId"`           // what Ref is
	Attributes map[string]any `json:"attributes,omitempty"` // what Fn::GetAtt is
	Properties map[string]any `json:"properties"`           // as they were applied, in the form that Type.Check returns
}

// Code builds and keeps zips for functions and layers, by their SHA-256 in hex.
type Code interface {
	// Zip returns a zip that was kept.
	Zip(sum string) ([]byte, error)
	// Keep keeps a zip, so that a change can be taken back.
	Keep(zip []byte) (sum string, err error)
}

// Call is one thing to do with one resource.
type Call struct {
	Client  *wire.Client
	Code    Code
	Account string
	Region  string

	Stack, ID  string         // of the stack, and the resource's logical id
	Name       string         // "{stack}-{id}-{12 letters and digits}": for what the template does not name
	Properties map[string]any // as wanted, checked; not to be changed
	Old        *State         // of Update and Delete
	Again      bool           // an Update that was interrupted: some of it may have been done
	// Known are physical ids that are accounted for, and Before the ids that there were before a Create whose outcome is not known: Find
	// looks among the others.
	Known, Before []string
}

// provider does the work of a type.
type provider interface {
	// create makes the resource. When it fails half way, it has removed what it made.
	create(ctx context.Context, c *Call) (*State, error)
	// update changes the resource from c.Old to c.Properties, none of which needs another resource.
	update(ctx context.Context, c *Call) (*State, error)
	// delete removes c.Old. An error for which wire.NotFound holds is a success.
	delete(ctx context.Context, c *Call) error
	// find returns the resource that an interrupted create made, or nil.
	find(ctx context.Context, c *Call) (*State, error)
}

// lister is a provider whose resources have no name to find them by.
type lister interface {
	// list returns the ids of all resources beside which create would put another.
	list(ctx context.Context, c *Call) ([]string, error)
}

// Type is one resource type.
type Type struct {
	Name  string
	shape *shape
	provider
	// named is the property that names the resource uniquely, so that a replacement cannot stand beside it, or "".
	named string
	// rebuilds: what cannot be changed in place is done by update with a deletion and a creation, since the new one cannot stand beside
	// the old, and nothing refers to it. A property that replaces still does.
	rebuilds bool
	// volatile are the attributes that an update in place may change.
	volatile []string
	// attributes are what Fn::GetAtt can give, sorted.
	attributes []string
	// secret are attributes that are not to be shown.
	secret []string
	// further checks properties together, as far as they are known.
	further func(props map[string]any) error
}

// Lookup returns the type of that name, or nil.
func Lookup(name string) *Type {
	for _, t := range types {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// Names returns the names of all types, sorted.
func Names() []string {
	var names []string
	for _, t := range types {
		names = append(names, t.Name)
	}
	slices.Sort(names)
	return names
}

// types is every type there is.
var types = slices.Concat(apiGatewayV2Types, apiGatewayTypes, lambdaTypes, dynamoDBTypes, iamTypes, logsTypes, elbTypes, acmTypes, noneTypes)

// Create makes the resource.
func (t *Type) Create(ctx context.Context, c *Call) (*State, error) {
	st, err := t.create(ctx, c)
	if err == nil {
		st.Properties = c.Properties
	}
	return st, err
}

// Update changes the resource in place.
func (t *Type) Update(ctx context.Context, c *Call) (*State, error) {
	st, err := t.update(ctx, c)
	if err == nil {
		st.Properties = c.Properties
	}
	return st, err
}

// Delete removes the resource; one that is gone already is fine.
func (t *Type) Delete(ctx context.Context, c *Call) error {
	err := t.delete(ctx, c)
	if wire.NotFound(err) {
		return nil
	}
	return err
}

// Find looks for what an interrupted Create made. It returns nil when there is nothing.
func (t *Type) Find(ctx context.Context, c *Call) (*State, error) {
	st, err := t.find(ctx, c)
	if wire.NotFound(err) || err == nil && st != nil && accounted(c, st.PhysicalID) {
		return nil, nil
	}
	if st != nil {
		st.Properties = c.Properties
	}
	return st, err
}

// Reinstate gives a resource that was replaced, and is not any more, back what its replacement took from it.
func (t *Type) Reinstate(ctx context.Context, c *Call) error {
	if r, ok := t.provider.(interface {
		reinstate(ctx context.Context, c *Call) error
	}); ok {
		return r.reinstate(ctx, c)
	}
	return nil
}

// accounted reports whether something that was found is known to be another's.
func accounted(c *Call, id string) bool {
	return slices.Contains(c.Known, id) || slices.Contains(c.Before, id)
}

// List returns what Call.Before needs: nothing for resources with a generated name.
func (t *Type) List(ctx context.Context, c *Call) ([]string, error) {
	l, ok := t.provider.(lister)
	if !ok {
		if t.CustomName(c.Properties) == "" {
			return nil, nil
		}
		st, err := t.Find(ctx, c)
		if st == nil || err != nil {
			return nil, err
		}
		return []string{st.PhysicalID}, nil
	}
	ids, err := l.list(ctx, c)
	if wire.NotFound(err) {
		return nil, nil
	}
	return ids, err
}

// CustomName returns the property that gives the resource a name which only one can have, when props has it, or "".
func (t *Type) CustomName(props map[string]any) string {
	if t.named == "" || props[t.named] == nil {
		return ""
	}
	return t.named
}

// Properties returns the names of the type's properties that can be used, in the order of its table.
func (t *Type) Properties() []string {
	var names []string
	for _, m := range t.shape.members {
		if m.refused == "" {
			names = append(names, m.name)
		}
	}
	return names
}

// Attributes returns what Fn::GetAtt can give of the type, sorted.
func (t *Type) Attributes() []string {
	if r, ok := t.provider.(interface{ attributeMembers() map[string]string }); ok {
		return slices.Sorted(maps.Keys(r.attributeMembers()))
	}
	return t.attributes
}

// Volatile reports whether an update in place may change an attribute.
func (t *Type) Volatile(attribute string) bool { return slices.Contains(t.volatile, attribute) }

// Secret reports whether an attribute is not to be shown.
func (t *Type) Secret(attribute string) bool { return slices.Contains(t.secret, attribute) }

// text returns a property as text, "" when it is not there.
func text(props map[string]any, name string) string { return wire.Text(props, name) }

// textOr returns a property as text, or another text when it is not there.
func textOr(props map[string]any, name, other string) string {
	if s := wire.Text(props, name); s != "" {
		return s
	}
	return other
}

// shortName fits a generated name into a limit: the random end is what keeps it unique.
func shortName(name string, most int) string {
	if len(name) <= most {
		return name
	}
	const random = 13 // "-" and 12 letters
	return strings.TrimRight(name[:most-random], "-") + name[len(name)-random:]
}

// undo removes what a create made before it failed, and joins the errors.
func undo(ctx context.Context, failed error, remove func(context.Context) error) error {
	if err := remove(context.WithoutCancel(ctx)); err != nil && !wire.NotFound(err) {
		return errors.Join(failed, err)
	}
	return failed
}
