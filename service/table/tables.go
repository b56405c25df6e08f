package table

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/sockgate/sockgate"
)

// Create makes a table of d, which has been checked; it is CREATING until Run has settled it. The engine fills in the numbers, the
// status and the times. Errors: *InUse when there is a table of that name.
func (e *Engine) Create(d *Definition) (*Definition, error) {
	e.admin.Lock()
	defer e.admin.Unlock()
	if e.find(d.Name) != nil {
		return nil, &InUse{"Table already exists: " + d.Name}
	}
	d = d.clone()
	now := e.now()
	d.ID, d.UUID, d.Created, d.Status, d.Due = e.next+1, newUUID(), now, Creating, e.due()
	if d.Billing == PayPerRequest {
		d.OnDemandAt = now
	}
	for i := range d.Indexes {
		d.NextIndex++
		d.Indexes[i].ID, d.Indexes[i].Status = d.NextIndex, Creating
	}
	for i := range d.Streams {
		d.Streams[i].ID, d.Streams[i].Created, d.Streams[i].Label = uint32(i+1), now, streamLabel(now)
	}
	t, err := e.newTable(d)
	if err != nil {
		return nil, damaged("create a table", err)
	}
	if err := e.save(d); err != nil {
		return nil, err
	}
	e.next++
	e.publish(func(m map[string]*Table) { m[d.Name] = t })
	return d, nil
}

// newUUID returns a random UUID.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// streamLabel is a stream's name: when it began.
func streamLabel(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000") }

// save makes a definition durable, whatever Options.Relaxed says.
func (e *Engine) save(d *Definition) error {
	if e.disk.full() {
		return errFull()
	}
	text, err := json.Marshal(d)
	if err != nil {
		return sockgate.Internalf("encode table %q: %w", d.Name, err)
	}
	if err := e.db.Set(definitionAt(d.ID), text, pebble.Sync); err != nil {
		return sockgate.Internalf("write table %q: %w", d.Name, err)
	}
	return nil
}

// publish replaces the map of tables and wakes whoever waits for a status. admin is held.
func (e *Engine) publish(edit func(map[string]*Table)) {
	old := *e.tables.Load()
	m := make(map[string]*Table, len(old)+1)
	for name, t := range old {
		m[name] = t
	}
	edit(m)
	e.tables.Store(&m)
	e.announce()
}

func (e *Engine) announce() {
	e.watch.Lock()
	close(e.changed)
	e.changed = make(chan struct{})
	e.watch.Unlock()
	e.poke()
}

// Describe returns the definition of the table called name, in any status. While a status is about to settle, which takes no longer
// than Options.Settle, it waits for that: a client that asks in intervals of seconds sees a table ready at its first question.
// Errors: NotFound.
func (e *Engine) Describe(ctx context.Context, name string) (*Definition, error) {
	deadline := time.NewTimer(5 * e.o.Settle)
	defer deadline.Stop()
	for {
		e.watch.Lock()
		changed := e.changed
		e.watch.Unlock()
		t := e.find(name)
		if t == nil {
			return nil, errNoTable(name)
		}
		d := t.Def()
		if d.Due.IsZero() {
			return d, nil
		}
		select {
		case <-changed:
		case <-deadline.C:
			return d, nil
		case <-ctx.Done():
			return d, nil
		}
	}
}

// Lookup returns the definition of the table called name as it is now, in any status. Errors: NotFound.
func (e *Engine) Lookup(name string) (*Definition, error) {
	if t := e.find(name); t != nil {
		return t.Def(), nil
	}
	return nil, errNoTable(name)
}

// Counts returns how many entries a table (index 0) or index has and how many bytes they take.
func (e *Engine) Counts(d *Definition, index uint16) (items, bytes int64) {
	t := e.find(d.Name)
	if t == nil {
		return 0, 0
	}
	t.gate.RLock()
	c := t.counts[index]
	t.gate.RUnlock()
	if c == nil {
		return 0, 0
	}
	return c.items.Load(), c.bytes.Load()
}

// Change changes a table's definition: edit gets a copy, whose changes are kept unless it returns an error. Writes that are under way
// go by the definition before, later ones by the one after. Errors: NotFound, and edit's.
func (e *Engine) Change(name string, edit func(*Definition) error) (*Definition, error) {
	e.admin.Lock()
	defer e.admin.Unlock()
	t := e.find(name)
	if t == nil {
		return nil, errNoTable(name)
	}
	return e.change(t, edit)
}

// change is Change with admin held.
func (e *Engine) change(t *Table, edit func(*Definition) error) (*Definition, error) {
	d := t.Def().clone()
	if err := edit(d); err != nil {
		return nil, err
	}
	if err := e.save(d); err != nil {
		return nil, err
	}
	t.gate.Lock()
	counts := make(map[uint16]*counter, len(d.Indexes)+1)
	counts[0] = t.counts[0]
	for i := range d.Indexes {
		id := d.Indexes[i].ID
		if counts[id] = t.counts[id]; counts[id] == nil {
			counts[id] = new(counter)
		}
	}
	t.counts = counts
	t.def.Store(d)
	t.gate.Unlock()
	e.announce()
	return d, nil
}

// NewIndex adds a global index to d, in an edit of Change; Run writes its entries.
func (d *Definition) NewIndex(x Index) {
	d.NextIndex++
	x.ID, x.Global, x.Status, x.Backfilling = d.NextIndex, true, Creating, true
	d.Indexes = append(d.Indexes, x)
}

// Settling marks d, in an edit of Change, as UPDATING for the time that updates take.
func (e *Engine) Settling(d *Definition) {
	d.Status, d.Due = Updating, e.due()
}

// StartStream gives d, in an edit of Change, a new stream.
func (e *Engine) StartStream(d *Definition, view string) {
	id, now := uint32(1), e.now()
	if last := d.LatestStream(); last != nil {
		id = last.ID + 1
		if !now.After(last.Created) {
			now = last.Created.Add(time.Millisecond) // labels are unique
		}
	}
	d.Streams = append(d.Streams, Stream{ID: id, View: view, Created: now, Label: streamLabel(now)})
}

// StopStream ends d's stream, in an edit of Change; its records stay for a day.
func (e *Engine) StopStream(d *Definition) {
	if n := len(d.Streams); n > 0 {
		d.Streams[n-1].Disabled = e.now()
	}
}

// due is when what begins now has settled. It goes by the machine's clock, not by Options.Clock: Run waits for it.
func (e *Engine) due() time.Time { return time.Now().Add(e.o.Settle) }

// Delete begins to delete a table. Errors: NotFound, *InUse, Invalid when it is protected.
func (e *Engine) Delete(name string) (*Definition, error) {
	return e.Change(name, func(d *Definition) error {
		switch d.Status {
		case Creating:
			return &InUse{"Attempt to change a resource which is still in use: Table is being created: " + name}
		case Updating:
			return &InUse{"Attempt to change a resource which is still in use: Table is being updated: " + name}
		case Deleting:
			return &InUse{"Attempt to change a resource which is still in use: Table is being deleted: " + name}
		}
		if d.Protected {
			return sockgate.Invalidf("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
		}
		d.Status, d.Due = Deleting, e.due()
		return nil
	})
}

// settle carries out what is due and returns how long until something else is.
func (e *Engine) settle(ctx context.Context) time.Duration {
	next := time.Hour
	for _, name := range e.Names() {
		t := e.find(name)
		if t == nil {
			continue
		}
		d := t.Def()
		if !d.Due.IsZero() {
			if wait := time.Until(d.Due); wait > 0 {
				next = min(next, max(wait, time.Millisecond))
			} else if err := e.settleTable(t); err != nil {
				e.o.Log.Error("settle a table", "table", name, "error", err)
				next = min(next, time.Second)
			} else {
				next = 0
			}
			continue
		}
		if err := e.fill(ctx, t); err != nil && ctx.Err() == nil {
			e.o.Log.Error("write the entries of an index", "table", name, "error", err)
			next = min(next, time.Second)
		}
	}
	return next
}

// settleTable ends what a table's status says is under way.
func (e *Engine) settleTable(t *Table) error {
	e.admin.Lock()
	defer e.admin.Unlock()
	if t.Def().Status == Deleting {
		return e.remove(t)
	}
	gone := map[uint16]bool{}
	d, err := e.change(t, func(d *Definition) error {
		d.Due = time.Time{}
		e.apply(d)
		kept := d.Indexes[:0]
		for _, x := range d.Indexes {
			if x.Status == Deleting {
				gone[x.ID] = true
				continue
			}
			if !x.Backfilling {
				x.Status = Active
			}
			kept = append(kept, x)
		}
		d.Indexes = kept
		d.DropUnused()
		d.Status = Active
		if slices.ContainsFunc(d.Indexes, func(x Index) bool { return x.Backfilling }) {
			d.Status = Updating // until fill is through
		}
		return nil
	})
	if err != nil || len(gone) == 0 {
		return err
	}
	b := e.db.NewBatch()
	for id := range gone {
		for _, kind := range [...]byte{indexKey, counterKey} {
			space := appendIndexSpace(nil, kind, d.ID, id)
			if err := b.DeleteRange(space, after(space), nil); err != nil {
				return err
			}
		}
	}
	return b.Commit(pebble.Sync)
}

// apply lets take hold what an update asked for.
func (e *Engine) apply(d *Definition) {
	c := d.Pending
	d.Pending = nil
	if c == nil {
		return
	}
	now := e.now()
	if c.Billing != "" && c.Billing != d.Billing {
		d.Billing = c.Billing
		if c.Billing == PayPerRequest {
			d.OnDemandAt = now
			d.Throughput = Throughput{Decreases: d.Throughput.Decreases, Increased: d.Throughput.Increased, Decreased: d.Throughput.Decreased}
			for i := range d.Indexes {
				d.Indexes[i].Throughput.Read, d.Indexes[i].Throughput.Write = 0, 0
			}
		}
	}
	if c.Throughput != nil {
		d.Throughput.set(*c.Throughput, now)
	}
	for i := range d.Indexes {
		if to, ok := c.Indexes[d.Indexes[i].Name]; ok {
			d.Indexes[i].Throughput.set(to, now)
		}
	}
}

// set takes over the units of to, and notes the time.
func (p *Throughput) set(to Throughput, now time.Time) {
	if to.Read < p.Read || to.Write < p.Write {
		p.Decreased = now
		p.Decreases++
	} else if to.Read > p.Read || to.Write > p.Write {
		p.Increased = now
	}
	p.Read, p.Write = to.Read, to.Write
}

// remove deletes a table and all that belongs to it, in one batch. admin is held.
func (e *Engine) remove(t *Table) error {
	d := t.Def()
	t.gate.Lock() // no write is under way any more, and none begins: the table is not usable
	defer t.gate.Unlock()
	b := e.db.NewBatch()
	for _, kind := range [...]byte{itemKey, indexKey, counterKey, streamKey, expiryKey} {
		space := appendSpace(nil, kind, d.ID)
		if err := b.DeleteRange(space, after(space), nil); err != nil {
			return err
		}
	}
	if err := b.Delete(definitionAt(d.ID), nil); err != nil {
		return err
	}
	if err := b.Commit(pebble.Sync); err != nil {
		return err
	}
	e.publish(func(m map[string]*Table) { delete(m, d.Name) })
	return nil
}
