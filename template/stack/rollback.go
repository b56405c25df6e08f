package stack

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sockgate/sockgate/template/resource"
)

// rollbackTime bounds a rollback: it is not ended by what ended the deploy.
const rollbackTime = 5 * time.Minute

// settle finds out what became of the steps of a deploy that did not end: what was being created is looked for, what was being updated is
// updated again, and what was being deleted is deleted.
func (d *deployer) settle() error {
	doc := d.held.doc
	for _, r := range doc.records() {
		if r.Intent == nil {
			continue
		}
		typ := resource.Lookup(r.Type)
		if typ == nil {
			return fmt.Errorf("the stack has a resource %s of type %s, which this version does not know", r.ID, r.Type)
		}
		var err error
		if r.Intent.Action == create {
			err = d.settleCreate(typ, r)
		} else if err = d.again(typ, r, r.State.Properties, r.Intent.Properties); err != nil {
			if back := d.again(typ, r, r.Intent.Properties, r.State.Properties); back != nil {
				return errors.Join(err, back)
			}
			err = nil
		}
		if err != nil {
			return err
		}
	}
	if err := d.held.change(d.ctx, func(*Document) {}); err != nil {
		return err
	}
	d.cleanUp() // what an earlier cleanup or rollback had left
	return nil
}

// settleCreate takes over what an interrupted creation made, if it made anything.
func (d *deployer) settleCreate(typ *resource.Type, r *Record) error {
	call := d.call(r.ID, r.Intent.Properties)
	call.Name, call.Before, call.Known = r.Intent.Name, r.Intent.Existing, d.held.doc.known(r.Type)
	st, err := typ.Find(d.ctx, call)
	if err != nil {
		return fmt.Errorf("look for %s (%s): %w", r.ID, r.Type, err)
	}
	d.held.note(func(doc *Document) {
		if st != nil {
			r.State, r.Intent = st, nil
			return
		}
		doc.dropRetired(r)
		if doc.Resources[r.ID] == r {
			doc.undoCreate(r)
		}
	})
	return nil
}

// again updates a resource of which it is not known how much of an update was done.
func (d *deployer) again(typ *resource.Type, r *Record, from, to map[string]any) error {
	call := d.call(r.ID, to)
	call.Again = true
	call.Old = &resource.State{PhysicalID: r.PhysicalID, Attributes: r.Attributes, Properties: from}
	st, err := typ.Update(d.ctx, call)
	if err != nil {
		return fmt.Errorf("update %s (%s): %w", r.ID, r.Type, err)
	}
	d.held.note(func(*Document) { r.State, r.Intent = st, nil })
	return nil
}

// rollBack leads back to the last complete state: what was changed is changed back, what was replaced comes back, and what is new is
// deleted.
func (d *deployer) rollBack() error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(d.ctx), rollbackTime)
	defer cancel()
	d.ctx = ctx
	d.Progress(Event{Note: "rolling back"})
	h := d.held
	if err := h.change(ctx, func(doc *Document) { doc.Status = Rollback }); err != nil {
		return err
	}
	var changed []*Record
	for _, r := range h.doc.records() {
		switch typ := resource.Lookup(r.Type); {
		case r.Intent != nil && r.Intent.Action == create:
			if err := d.settleCreate(typ, r); err != nil {
				return err
			}
		case !r.New && !r.Final && (r.Intent != nil || r.Before != nil):
			changed = append(changed, r)
		}
	}
	if err := inOrder(ctx, changed, dependants(changed), d.changeBack); err != nil {
		return err
	}
	if err := h.change(ctx, (*Document).restore); err != nil {
		return err
	}
	for _, r := range h.doc.records() {
		if typ := resource.Lookup(r.Type); typ != nil && r.State != nil && !r.Final {
			call := d.call(r.ID, r.Properties)
			call.Old = r.State
			if err := typ.Reinstate(ctx, call); err != nil {
				return fmt.Errorf("reinstate %s (%s): %w", r.ID, r.Type, err)
			}
		}
	}
	if err := d.deleteRetired(ctx); err != nil {
		_ = h.write(ctx)
		return err
	}
	if len(h.doc.Resources) == 0 && len(h.doc.Retired) == 0 {
		return h.forget(ctx)
	}
	return h.change(ctx, func(doc *Document) { doc.Status = Complete })
}

// changeBack takes the update of one resource back.
func (d *deployer) changeBack(r *Record) error {
	typ := resource.Lookup(r.Type)
	from, to := r.State.Properties, r.State.Properties
	if r.Intent != nil {
		from = r.Intent.Properties
	}
	if r.Before != nil {
		to = r.Before.Properties
	}
	began := time.Now()
	e := Event{ID: r.ID, Type: r.Type, Action: Update}
	d.Progress(e)
	e.Err = d.again(typ, r, from, to)
	if e.Err == nil {
		d.held.note(func(*Document) { r.Before = nil })
	}
	e.Done, e.Took = true, time.Since(began)
	d.Progress(e)
	return e.Err
}

// restore puts what was replaced back in its place, and marks what is new to be deleted, also where its policy is to retain it: nobody can
// have come to depend on it, and the next attempt could not take its name.
func (doc *Document) restore() {
	for id, r := range doc.Resources {
		if r.New {
			r.Final, r.Retain = true, false
			doc.Retired = append(doc.Retired, r)
			delete(doc.Resources, id)
		}
	}
	for _, r := range slices.Clone(doc.Retired) {
		if r.Final {
			continue
		}
		doc.dropRetired(r)
		if doc.Resources[r.ID] == nil && !r.New {
			doc.Resources[r.ID] = r
			continue
		}
		r.Final, r.Retain = true, false // made and replaced since the last complete state
		doc.Retired = append(doc.Retired, r)
	}
}
