package validate

import (
	"errors"
	"fmt"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Combining schemas multiplies work: where two of them look into the same member, each level of a message doubles it. A schema's author
// can spare the gateway this, a client cannot be asked to. So the work for one value of a message, along the worst way down to it, is
// counted when the model is compiled, and messages may only be as deep as keeps it below maxWork.
const (
	maxParts = 4096       // schemas that apply to one and the same value
	maxWork  = 200_000    // schemas that are evaluated along one way down
	maxPlan  = 10_000_000 // steps of the counting itself
	maxEdges = 100_000
)

var errCombines = errors.New("the schema combines too many others")

// place is a schema with all that applies to the same value: references and combinations are followed.
type place struct {
	parts    int
	children [][]*place // for each kind of member or element, the places that its value goes to
}

type planner struct {
	places map[*jsonschema.Schema]*place
	all    []*place
	steps  int
	edges  int
}

// levels returns how deep a message may be nested, at most maxDepth. A schema is refused when it applies to a value without end,
// or in more than maxParts ways.
func levels(root *jsonschema.Schema) (int, error) {
	p := &planner{places: map[*jsonschema.Schema]*place{}}
	top, err := p.place(root)
	if err != nil {
		return 0, err
	}
	work := make(map[*place]int, len(p.all))
	for _, at := range p.all {
		work[at] = at.parts
	}
	for depth := 0; depth < maxDepth; depth++ {
		if work[top] > maxWork {
			if depth < 2 {
				return 0, errCombines
			}
			return depth, nil
		}
		next := make(map[*place]int, len(p.all))
		changed := false
		for _, at := range p.all {
			worst := 0
			for _, group := range at.children {
				sum := 0
				for _, child := range group {
					sum = min(sum+work[child], 2*maxWork)
				}
				worst = max(worst, sum)
			}
			next[at] = min(at.parts+worst, 2*maxWork)
			changed = changed || next[at] != work[at]
		}
		if !changed {
			break
		}
		work = next
	}
	return maxDepth, nil
}

func (p *planner) place(s *jsonschema.Schema) (*place, error) {
	for n := 0; s.Ref != nil; n++ {
		if n > maxParts {
			return nil, endless(s)
		}
		s = s.Ref
	}
	if at, ok := p.places[s]; ok {
		return at, nil
	}
	parts, err := expand(nil, s, nil)
	if err != nil {
		return nil, err
	}
	for _, part := range parts {
		indexEnum(part)
	}
	at := &place{parts: len(parts)}
	p.places[s] = at
	p.all = append(p.all, at)
	all := groups(parts)
	if p.steps += len(parts) * len(all); p.steps > maxPlan {
		return nil, errCombines
	}
	for _, group := range all {
		if p.edges += len(group); p.edges > maxEdges {
			return nil, errCombines
		}
		var places []*place
		for _, child := range group {
			c, err := p.place(child)
			if err != nil {
				return nil, err
			}
			places = append(places, c)
		}
		at.children = append(at.children, places)
	}
	return at, nil
}

func endless(s *jsonschema.Schema) error {
	return fmt.Errorf("the schema at %s leads back to itself without end", s.Location)
}

// expand appends s and all that applies with it to parts. above holds the schemas that s is being expanded in.
func expand(parts []*jsonschema.Schema, s *jsonschema.Schema, above []*jsonschema.Schema) ([]*jsonschema.Schema, error) {
	for _, a := range above {
		if a == s {
			return nil, endless(s)
		}
	}
	parts = append(parts, s)
	if len(parts) > maxParts {
		return nil, errCombines
	}
	above = append(above, s)
	same := append(append(append([]*jsonschema.Schema{s.Ref, s.Not}, s.AllOf...), s.AnyOf...), s.OneOf...)
	for _, dependency := range s.Dependencies {
		if d, ok := dependency.(*jsonschema.Schema); ok {
			same = append(same, d)
		}
	}
	var err error
	for _, inner := range same {
		if inner == nil {
			continue
		}
		if parts, err = expand(parts, inner, above); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

// groups returns, for each member that some part names, for any other member, and for elements, the schemas that apply to its value.
// Every pattern is taken to match every name.
func groups(parts []*jsonschema.Schema) [][]*jsonschema.Schema {
	named := map[string]bool{}
	for _, s := range parts {
		for name := range s.Properties {
			named[name] = true
		}
	}
	var all [][]*jsonschema.Schema
	for name := range named {
		all = append(all, members(parts, name, true))
	}
	all = append(all, members(parts, "", false))
	var elements []*jsonschema.Schema
	longest := 0
	for _, s := range parts {
		if list, ok := s.Items.([]*jsonschema.Schema); ok {
			longest = max(longest, len(list))
		}
	}
	for i := range longest + 1 {
		elements = nil
		for _, s := range parts {
			switch items := s.Items.(type) {
			case *jsonschema.Schema:
				elements = append(elements, items)
			case []*jsonschema.Schema:
				if i < len(items) {
					elements = append(elements, items[i])
				} else if more, ok := s.AdditionalItems.(*jsonschema.Schema); ok {
					elements = append(elements, more)
				}
			}
		}
		all = append(all, elements)
	}
	return all
}

func members(parts []*jsonschema.Schema, name string, isNamed bool) []*jsonschema.Schema {
	var group []*jsonschema.Schema
	for _, s := range parts {
		child, ok := s.Properties[name]
		if ok && isNamed {
			group = append(group, child)
		}
		for _, child := range s.PatternProperties {
			group = append(group, child)
		}
		if more, isSchema := s.AdditionalProperties.(*jsonschema.Schema); isSchema && !(ok && isNamed) {
			group = append(group, more)
		}
	}
	return group
}
