package stack

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sockgate/sockgate/template/resource"
	"github.com/sockgate/sockgate/template/resource/wire"
)

// apply creates, updates and replaces, and then passes the point of no return. It deletes nothing.
func (d *deployer) apply(ctx context.Context, s *subject, given map[string]string) error {
	d.held.note(func(doc *Document) { doc.Status = InProgress })
	ids := make([]string, len(s.steps))
	for i, step := range s.steps {
		ids[i] = step.ID
	}
	sc := &scope{s: s, doc: d.state}
	err := inOrder(ctx, ids, func(id string) []string { return s.byID[id].depends }, func(id string) error {
		return d.applyOne(ctx, s, s.byID[id], sc)
	})
	if err != nil {
		return err
	}
	outputs, err := s.outputs(sc)
	if err != nil {
		return err
	}
	before, err := d.held.doc.copy()
	if err != nil {
		return err
	}
	err = d.held.change(d.ctx, func(doc *Document) {
		doc.Outputs = outputs
		doc.Parameters = given
		doc.commit(s)
	})
	if err != nil { // an export is in use, or taken
		d.held.note(func(doc *Document) { *doc = *before })
	}
	return err
}

// commit passes the point of no return.
func (doc *Document) commit(s *subject) {
	doc.Status = Cleanup
	for _, r := range doc.Retired {
		if !r.Final {
			r.Final, r.Retain = true, r.RetainReplaced
		}
	}
	for id, r := range doc.Resources {
		r.New, r.Before = false, nil
		if s.byID[id] == nil {
			r.Final = true
			doc.Retired = append(doc.Retired, r)
			delete(doc.Resources, id)
		}
	}
}

// state returns what is known of a resource now.
func (d *deployer) state(id string) *resource.State {
	d.held.mu.Lock()
	defer d.held.mu.Unlock()
	if r := d.held.doc.Resources[id]; r != nil {
		return r.State
	}
	return nil
}

func (d *deployer) call(id string, props map[string]any) *resource.Call {
	return &resource.Call{
		Client: d.Client, Code: d.Cache, Account: d.place.Account, Region: d.place.Region,
		Stack: d.Name, ID: id, Name: d.newName(id), Properties: props,
	}
}

// applyOne brings one resource to what the template says, now that everything it refers to is known.
func (d *deployer) applyOne(ctx context.Context, s *subject, step *Step, sc *scope) error {
	if step.typ.CodeProperty() != "" && step.code == "" {
		if err := d.buildOne(ctx, s, step, sc); err != nil {
			return err
		}
	}
	props, err := s.evaluate(step, sc)
	if err != nil {
		return err
	}
	if step.Type == deploymentType {
		states := map[string]*resource.State{}
		for _, id := range s.frozen(step) {
			states[id] = d.state(id)
		}
		props[resource.DefinitionSum] = definitionSum(states)
	}
	if resource.HasUnknown(props) {
		return s.template.Errorf(step.resource.Line, step.resource.Column, "resource %s refers to what is not known", step.ID)
	}
	d.held.mu.Lock()
	old := d.held.doc.Resources[step.ID]
	d.held.mu.Unlock()
	now := *step
	if err := s.decide(&now, props, old); err != nil {
		return err
	}
	rec := &Record{
		ID: step.ID, Type: step.Type, DependsOn: step.depends,
		Retain:         step.resource.DeletionPolicy == "Retain" || step.resource.DeletionPolicy == "RetainExceptOnCreate",
		RetainReplaced: step.resource.UpdateReplacePolicy == "Retain" || step.resource.UpdateReplacePolicy == "RetainExceptOnCreate",
	}
	if now.Action == Unchanged {
		d.held.note(func(*Document) {
			old.DependsOn, old.Retain, old.RetainReplaced = rec.DependsOn, rec.Retain, rec.RetainReplaced
		})
		return nil
	}
	began := time.Now()
	d.Progress(Event{ID: step.ID, Type: step.Type, Action: now.Action})
	if now.Action == Update {
		err = d.update(step, props, old, rec)
	} else {
		err = d.create(step, props, old, rec)
	}
	d.Progress(Event{ID: step.ID, Type: step.Type, Action: now.Action, Done: true, Took: time.Since(began), Err: err})
	if err != nil {
		return fmt.Errorf("%s: resource %s (%s): %w", s.template.Errorf(step.resource.Line, step.resource.Column, "%s failed", now.Action).Error(), step.ID, step.Type, err)
	}
	return nil
}

// create makes a resource, beside the one that it replaces if there is one.
func (d *deployer) create(step *Step, props map[string]any, old, rec *Record) error {
	call := d.call(step.ID, props)
	existing, err := step.typ.List(d.ctx, call)
	if err != nil {
		return err
	}
	call.Before = existing
	rec.New = true
	rec.Intent = &Intent{Action: create, Name: call.Name, Properties: props, Existing: existing}
	err = d.held.change(d.ctx, func(doc *Document) {
		if old != nil && old.State != nil {
			doc.Retired = append(doc.Retired, old)
		}
		doc.Resources[step.ID] = rec
	})
	if err != nil {
		return err
	}
	defer d.alone(step)()
	st, err := step.typ.Create(d.ctx, call)
	d.held.note(func(doc *Document) {
		switch {
		case err == nil:
			rec.State, rec.Intent = st, nil
		case !unsure(err):
			doc.undoCreate(rec)
		}
	})
	return err
}

// undoCreate forgets a record whose resource was not made, and puts back the one that it was to replace.
func (doc *Document) undoCreate(rec *Record) {
	delete(doc.Resources, rec.ID)
	for _, r := range slices.Backward(doc.Retired) {
		if r.ID == rec.ID && !r.Final {
			doc.dropRetired(r)
			doc.Resources[rec.ID] = r
			return
		}
	}
}

// alone waits until no other large zip is being sent, if the step sends one.
func (d *deployer) alone(step *Step) (done func()) {
	const large = 4 << 20
	if step.code == "" || d.Cache.Size(step.code) < large {
		return func() {}
	}
	d.large <- struct{}{}
	return func() { <-d.large }
}

// unsure reports whether a failed creation may have made something.
func unsure(err error) bool {
	joined, ok := err.(interface{ Unwrap() []error }) // the removal of what was made failed as well
	return ok && len(joined.Unwrap()) > 1 || wire.Unsure(err)
}

// update changes a resource in place.
func (d *deployer) update(step *Step, props map[string]any, old, rec *Record) error {
	err := d.held.change(d.ctx, func(*Document) {
		old.Intent = &Intent{Action: update, Properties: props}
		if !old.New && old.Before == nil {
			old.Before = old.State
		}
	})
	if err != nil {
		return err
	}
	call := d.call(step.ID, props)
	was := *old.State
	call.Old = &was
	defer d.alone(step)()
	st, err := step.typ.Update(d.ctx, call)
	if err != nil {
		return err // some of it may have been done: the intent stays
	}
	d.held.note(func(*Document) {
		old.State, old.Intent = st, nil
		old.DependsOn, old.Retain, old.RetainReplaced = rec.DependsOn, rec.Retain, rec.RetainReplaced
	})
	return nil
}

// cleanUp deletes what was replaced or left out. What cannot be deleted stays for the next deploy.
func (d *deployer) cleanUp() {
	if err := d.deleteRetired(d.ctx); err != nil {
		d.Progress(Event{Note: "what the stack no longer needs could not be deleted; the next deploy tries again: " + err.Error()})
	}
}

// deletePasses is how often deleteRetired tries: what is refused at first may be free when the others are gone, such as a deployment whose
// stage was made before it.
const deletePasses = 3

// deleteRetired deletes all that is final, dependants first. It goes on after an error.
func (d *deployer) deleteRetired(ctx context.Context) (err error) {
	for range deletePasses {
		if err = d.deletePass(ctx); err == nil || ctx.Err() != nil {
			return err
		}
	}
	return err
}

func (d *deployer) deletePass(ctx context.Context) error {
	d.held.mu.Lock()
	var nodes []*Record
	for _, r := range d.held.doc.Retired {
		if r.Final {
			nodes = append(nodes, r)
		}
	}
	d.held.mu.Unlock()
	var faults []error
	err := inOrder(ctx, nodes, dependants(nodes), func(r *Record) error {
		if err := d.deleteOne(r); err != nil {
			d.held.mu.Lock()
			faults = append(faults, err)
			d.held.mu.Unlock()
		}
		return nil
	})
	return errors.Join(append(faults, err)...)
}

// dependants returns, for each record, those that must be deleted before it. There are no circles in it, whatever the records say.
func dependants(nodes []*Record) func(*Record) []*Record {
	byID := map[string][]*Record{}
	for _, n := range nodes {
		byID[n.ID] = append(byID[n.ID], n)
	}
	needs := func(r *Record) (all []*Record) {
		for _, id := range r.DependsOn {
			all = append(all, byID[id]...)
		}
		return all
	}
	place := map[*Record]int{}
	for i, n := range sorted(nodes, needs) {
		place[n] = i
	}
	before := map[*Record][]*Record{}
	for _, n := range nodes {
		for _, needed := range needs(n) {
			if place[needed] < place[n] {
				before[needed] = append(before[needed], n)
			}
		}
	}
	return func(r *Record) []*Record { return before[r] }
}

func (d *deployer) deleteOne(r *Record) error {
	typ := resource.Lookup(r.Type)
	if r.State == nil || typ == nil {
		d.held.note(func(doc *Document) { doc.dropRetired(r) })
		return nil
	}
	began := time.Now()
	e := Event{ID: r.ID, Type: r.Type, Action: Delete}
	if r.Retain {
		e.Action = Retain
	}
	d.Progress(e)
	if !r.Retain {
		call := d.call(r.ID, r.Properties)
		call.Old = r.State
		if err := typ.Delete(d.ctx, call); err != nil {
			e.Err = fmt.Errorf("delete %s (%s): %w", r.ID, r.Type, err)
		}
	}
	if e.Err != nil {
		return e.Err // told at the end, if it stays so
	}
	d.held.note(func(doc *Document) { doc.dropRetired(r) })
	e.Done, e.Took = true, time.Since(began)
	d.Progress(e)
	return nil
}
