package stack

import (
	"maps"
	"slices"

	"github.com/sockgate/sockgate/template/resource"
)

const routeType = "AWS::ApiGatewayV2::Route"

// adopt keeps the route when only its logical id has changed: an API can have one route for a key, so the new one could not be made before
// the old one is deleted. CloudFormation makes it first, and fails with "Route with key … already exists".
//
// A rollback needs nothing more: the record goes on under its new id, and the earlier template would adopt it in turn.
func (s *subject) adopt(doc *Document) {
	if doc == nil {
		return
	}
	sc := &scope{s: s, doc: func(id string) *resource.State {
		if r := doc.Resources[id]; r != nil {
			return r.State
		}
		return nil
	}}
	for _, step := range s.steps {
		if step.Type != routeType || doc.Resources[step.ID] != nil {
			continue
		}
		props, err := step.resource.Properties(sc)
		if err != nil || resource.HasUnknown(props["ApiId"]) || resource.HasUnknown(props["RouteKey"]) {
			continue
		}
		for _, id := range slices.Sorted(maps.Keys(doc.Resources)) {
			r := doc.Resources[id]
			if s.byID[id] == nil && r.Type == routeType && r.State != nil && r.Intent == nil &&
				r.Properties["ApiId"] == props["ApiId"] && r.Properties["RouteKey"] == props["RouteKey"] {
				doc.rename(r, step.ID)
				break
			}
		}
	}
}

func (d *Document) rename(r *Record, id string) {
	for _, other := range d.records() {
		for i, needed := range other.DependsOn {
			if needed == r.ID {
				other.DependsOn[i] = id
			}
		}
	}
	delete(d.Resources, r.ID)
	r.ID = id
	d.Resources[id] = r
}
