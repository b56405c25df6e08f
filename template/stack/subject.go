package stack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/sockgate/sockgate/template"
	"github.com/sockgate/sockgate/template/resource"
)

// subject is a template made ready: every resource with its type, its code built, its dependencies complete.
type subject struct {
	template *template.Template
	bound    *template.Bound
	account  string
	region   string
	stackID  string
	// build makes the zip of a function or layer, and leaves its sum with the step.
	build   func(*Step, template.Scope) error
	steps   []*Step // in source order
	byID    map[string]*Step
	skipped map[string]*template.Resource // types that are not supported, with IgnoreUnsupported
}

// prepare looks up the types and completes the dependencies. Its errors are all there are, in source order.
func prepare(t *template.Template, b *template.Bound, ignore bool) (*subject, error) {
	s := &subject{template: t, bound: b, byID: map[string]*Step{}, skipped: map[string]*template.Resource{}}
	var faults []error
	for _, r := range b.Resources {
		typ := resource.Lookup(r.Type)
		switch {
		case typ != nil:
			step := &Step{ID: r.ID, Type: r.Type, resource: r, typ: typ, depends: r.DependsOn}
			s.steps = append(s.steps, step)
			s.byID[r.ID] = step
		case ignore:
			s.skipped[r.ID] = r
		default:
			faults = append(faults, t.Errorf(r.Line, r.Column, "resource %s is of type %s, which the gateway does not have; --ignore-unsupported leaves such resources out", r.ID, r.Type))
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	for _, step := range s.steps {
		step.depends = slices.DeleteFunc(slices.Clone(step.depends), func(id string) bool { return s.byID[id] == nil })
	}
	s.completeDeployments()
	return s, nil
}

// defining are the types that make up an API's definition, which a deployment freezes.
var defining = map[string]bool{
	"AWS::ApiGatewayV2::Route": true, "AWS::ApiGatewayV2::RouteResponse": true, "AWS::ApiGatewayV2::Integration": true,
	"AWS::ApiGatewayV2::IntegrationResponse": true, "AWS::ApiGatewayV2::Model": true, "AWS::ApiGatewayV2::Authorizer": true,
}

const (
	deploymentType = "AWS::ApiGatewayV2::Deployment"
	stageType      = "AWS::ApiGatewayV2::Stage"
)

// completeDeployments lets each deployment, and each stage that has settings for single routes, wait for the whole definition of its API, also
// for what the template's author forgot to name, unless that waits for the deployment.
func (s *subject) completeDeployments() {
	waits := func(id string) []string { return s.byID[id].depends }
	for _, d := range s.steps {
		switch d.Type {
		case deploymentType:
		case stageType:
			if props, err := d.resource.Properties(nil); err != nil || props["RouteSettings"] == nil {
				continue
			}
		default:
			continue
		}
		for _, id := range s.definition(d) {
			if slices.Contains(d.depends, id) || reaches(id, d.ID, waits) {
				continue
			}
			d.depends = append(d.depends, id)
		}
		slices.Sort(d.depends)
	}
}

func reaches(from, to string, waits func(string) []string) bool {
	seen := map[string]bool{}
	var visit func(string) bool
	visit = func(id string) bool {
		if id == to {
			return true
		}
		if seen[id] {
			return false
		}
		seen[id] = true
		return slices.ContainsFunc(waits(id), visit)
	}
	return visit(from)
}

// definition returns the ids of the resources that define the API of a deployment.
func (s *subject) definition(d *Step) (ids []string) {
	api := apiOf(d)
	if api == nil {
		return nil
	}
	for _, other := range s.steps {
		if defining[other.Type] && reflect.DeepEqual(apiOf(other), api) {
			ids = append(ids, other.ID)
		}
	}
	return ids
}

// frozen returns those of a definition that a deployment waits for.
func (s *subject) frozen(d *Step) []string {
	return slices.DeleteFunc(s.definition(d), func(id string) bool { return !slices.Contains(d.depends, id) })
}

// apiOf is how a resource names its API before anything is known.
func apiOf(s *Step) any {
	props, err := s.resource.Properties(nil)
	if err != nil {
		return nil
	}
	return props["ApiId"]
}

// scope is what references come to. plan, unless nil, says which resources are about to change.
type scope struct {
	s    *subject
	doc  func(id string) *resource.State // nil: does not exist
	will func(id string) *Step           // nil when all is done
}

func (sc *scope) Ref(id string) (any, bool) {
	if r := sc.s.skipped[id]; r != nil {
		return "unsupported-" + id, true
	}
	if sc.will != nil {
		if st := sc.will(id); st == nil || st.Action == Create || st.Action == Replace {
			return nil, false
		}
	}
	if st := sc.doc(id); st != nil {
		return st.PhysicalID, true
	}
	return nil, false
}

func (sc *scope) GetAtt(id, attribute string) (any, bool) {
	if r := sc.s.skipped[id]; r != nil {
		return sc.s.placeholder(r, attribute), true
	}
	step := sc.s.byID[id]
	if step == nil {
		return nil, false
	}
	if !slices.Contains(step.typ.Attributes(), attribute) {
		return attributeFault(step, attribute), true
	}
	if sc.will != nil {
		st := sc.will(id)
		if st == nil || st.Action == Create || st.Action == Replace || st.Action == Update && st.typ.Volatile(attribute) {
			return nil, false
		}
	}
	if st := sc.doc(id); st != nil {
		if v, ok := st.Attributes[attribute]; ok {
			return v, true
		}
		if sc.will == nil {
			return fmt.Errorf("%s has no %s as it is configured", id, attribute), true
		}
	}
	return nil, false
}

func attributeFault(s *Step, attribute string) error {
	if all := s.typ.Attributes(); len(all) > 0 {
		return fmt.Errorf("%s (%s) has no attribute %s; it has %s", s.ID, s.Type, attribute, strings.Join(all, ", "))
	}
	return fmt.Errorf("%s (%s) has no attributes", s.ID, s.Type)
}

// placeholder stands for an attribute of a resource that is left out: well-formed, and naming nothing.
func (s *subject) placeholder(r *template.Resource, attribute string) string {
	if strings.HasSuffix(attribute, "Arn") {
		service := "unsupported"
		if parts := strings.Split(r.Type, "::"); len(parts) == 3 {
			service = strings.ToLower(parts[1])
		}
		return "arn:aws:" + service + ":" + s.region + ":" + s.account + ":unsupported-" + r.ID
	}
	return "unsupported-" + r.ID + "-" + attribute
}

// buildAll makes the zips of all functions and layers, several at a time.
func (s *subject) buildAll(ctx context.Context) error {
	var nodes []*Step
	for _, step := range s.steps {
		if step.typ.CodeProperty() != "" {
			nodes = append(nodes, step)
		}
	}
	faults := make([]error, len(nodes))
	err := inOrder(ctx, nodes, func(*Step) []*Step { return nil }, func(step *Step) error {
		err := s.build(step, nil)
		faults[slices.Index(nodes, step)] = err
		return nil
	})
	return cmp.Or(errors.Join(faults...), err)
}
