package table

import (
	"bytes"
	"errors"
	"hash/maphash"
	"slices"
	"strconv"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/ddb/expression"
	"github.com/sockgate/sockgate/lang/ddb/value"
)

// Op is what a Write does.
type Op uint8

// The kinds of writes.
const (
	Put    Op = iota // replaces the item
	Delete           // removes it
	Update           // changes it, or makes it of its key
	Check            // of a transaction: only looks at its condition
)

// Write is one change of one item, and what came of it.
type Write struct {
	Table     *Table
	Op        Op
	Item      value.Item            // the item of a Put, the key of the others
	Condition *expression.Condition // nil: none
	Update    *expression.Update    // of an Update; nil changes nothing but makes the item
	NeedOld   bool                  // Old is wanted even if nothing else needs it

	Old     value.Item // what was there; nil when nothing was, or when it was not needed
	Existed bool
	New     value.Item // what is there now; nil when nothing is
	Units   Units

	expired bool  // by its time to live: it is said so in the stream
	second  int64 // of expired: only if the item expires in this very second
}

// Units are the capacity units that a write took: 1 for each KB begun of the larger of the item before and after, and as many
// for each index entry that was written or removed.
// Source: DynamoDB Developer Guide, "Capacity unit consumption for write operations".
type Units struct {
	Table float64
	Index []IndexUnits
}

// IndexUnits are the units of one index.
type IndexUnits struct {
	Name   string
	Global bool
	Units  float64
}

// Write carries out one write. Errors: *ConditionFailed, Invalid, NotFound; nothing was changed then.
func (e *Engine) Write(w *Write) error { return e.WriteAll([]*Write{w}) }

// WriteAll carries out writes of different items as one: all of it is done or nothing. The errors are those of the first write that
// cannot be done.
func (e *Engine) WriteAll(ws []*Write) error {
	return e.commit(ws, nil, func(s *stage) error {
		for i, w := range ws {
			if err := s.plan(w, s.keys[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// stage is a commit that is being put together.
type stage struct {
	e       *Engine
	batch   *pebble.Batch
	keys    [][]byte // of the items that are written
	stripes []int    // locked
	record  []byte   // scratch
	counts  []count
	open    []opened // sequence numbers that are taken
}

type count struct {
	c            *counter
	items, bytes int64
}

type opened struct {
	s  *sequencer
	at uint64
}

var stripeSeed = maphash.MakeSeed()

func stripe(key []byte) int { return int(maphash.Bytes(stripeSeed, key) % stripes) }

// commit locks the items of ws, and what else must be locked (by key), lets plan fill the batch, and makes it durable. When the error is
// errFull's, plan may still be running.
func (e *Engine) commit(ws []*Write, also []byte, plan func(*stage) error) error {
	return e.unlessFull(func() error { return e.commitNow(ws, also, plan) })
}

func (e *Engine) commitNow(ws []*Write, also []byte, plan func(*stage) error) error {
	s := &stage{e: e}
	// Gates in the order of table numbers, then items in the order of stripes: so no two commits wait for each other in a circle.
	gates := gatesOf(ws)
	for _, t := range gates {
		t.gate.RLock()
	}
	locked := len(gates)
	unlock := func() {
		for i := len(s.stripes) - 1; i >= 0; i-- {
			e.locks[s.stripes[i]].Unlock()
		}
		s.stripes = nil
		for ; locked > 0; locked-- {
			gates[locked-1].gate.RUnlock()
		}
	}
	defer unlock()
	for _, w := range ws {
		key, err := w.address()
		if err != nil {
			return err
		}
		s.keys = append(s.keys, key)
		s.stripes = append(s.stripes, stripe(key))
	}
	if also != nil {
		s.stripes = append(s.stripes, stripe(also))
	}
	slices.Sort(s.stripes)
	s.stripes = slices.Compact(s.stripes)
	for _, i := range s.stripes {
		e.locks[i].Lock()
	}
	s.batch = e.db.NewBatch()
	defer func() { _ = s.batch.Close() }() // it has been applied, or is thrown away
	defer s.release()
	if err := plan(s); err != nil {
		return err
	}
	if s.batch.Empty() {
		return nil
	}
	if e.o.Relaxed {
		if err := e.db.Apply(s.batch, pebble.NoSync); err != nil {
			return sockgate.Internalf("write to tables: %w", err)
		}
		s.applied()
		return nil
	}
	if err := e.db.ApplyNoSyncWait(s.batch, pebble.Sync); err != nil {
		return sockgate.Internalf("write to tables: %w", err)
	}
	s.applied()
	// The next write of these items may go on: what it finds is in the log before what it writes.
	unlock()
	if err := s.batch.SyncWait(); err != nil {
		return sockgate.Internalf("sync tables: %w", err)
	}
	return nil
}

func gatesOf(ws []*Write) []*Table {
	if len(ws) == 1 {
		return []*Table{ws[0].Table}
	}
	tables := make([]*Table, len(ws))
	for i, w := range ws {
		tables[i] = w.Table
	}
	slices.SortFunc(tables, func(a, b *Table) int { return int(a.Def().ID) - int(b.Def().ID) })
	return slices.Compact(tables)
}

// address checks what a write says of keys and returns the key of its item. The gate is held.
func (w *Write) address() ([]byte, error) {
	d := w.Table.Def()
	if !d.usable() {
		return nil, errNotFound()
	}
	var err error
	if w.Op == Put {
		err = d.CheckItem(w.Item)
	} else {
		err = d.CheckKey(w.Item)
	}
	if err != nil {
		return nil, err
	}
	hash, rng := d.keyOf(w.Item)
	return appendItemKey(make([]byte, 0, 64), d.ID, hash, rng), nil
}

// applied takes into memory what is in the store now.
func (s *stage) applied() {
	for _, c := range s.counts {
		c.c.add(c.items, c.bytes)
	}
	s.release()
	if s.e.commits.Add(1) == warmAfter {
		s.e.poke()
	}
}

// release gives the sequence numbers free, so that readers of streams may go beyond them.
func (s *stage) release() {
	for _, o := range s.open {
		o.s.end(o.at)
	}
	s.open = nil
}

// count stages a difference of a counter.
func (s *stage) count(t *Table, d *Definition, index uint16, items, size int64) error {
	if items == 0 && size == 0 {
		return nil
	}
	if c := t.counts[index]; c != nil {
		s.counts = append(s.counts, count{c, items, size})
	}
	s.record = appendCount(s.record[:0], items, size)
	return s.batch.Merge(appendIndexSpace(make([]byte, 0, 8), counterKey, d.ID, index), s.record, nil)
}

// plan decides one write on the item as it is, and stages what it changes. The item is locked.
func (s *stage) plan(w *Write, key []byte) error {
	t := w.Table
	d := t.Def()
	old, err := s.e.current(key, w, d)
	if err != nil {
		return err
	}
	w.Existed = old.there
	w.Old = old.item
	if w.expired && expirySecond(d, old.item) != w.second {
		return nil
	}
	if w.Condition != nil && !w.Condition.Match(old.item) {
		return &ConditionFailed{Item: old.item}
	}
	switch w.Op {
	case Put:
		w.New = w.Item
	case Update:
		if w.New, err = update(d, w, old.item); err != nil {
			return err
		}
		if !old.there && w.Update != nil && len(w.New) == len(w.Item) {
			w.New = nil // an update that only removes makes no item. Source: ScyllaDB Alternator's tests, which run against Amazon's service.
		}
	}
	size := 0
	if w.New != nil {
		size = w.New.Size()
	}
	if w.Op == Check {
		w.New = w.Old
		size = old.size
	}
	w.Units = Units{Table: float64(writeUnits(max(size, old.size)))}
	if w.Op == Check || w.New == nil && !old.there {
		return nil
	}
	return s.store(t, d, w, key, old, size)
}

// found is an item as it was found.
type found struct {
	there  bool
	size   int
	record string     // as it is stored, size included
	item   value.Item // nil unless it was needed
}

// current reads the item at key; as more than its size only if the write w needs that.
func (e *Engine) current(key []byte, w *Write, d *Definition) (found, error) {
	v, closer, err := e.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return found{}, nil
	}
	if err != nil {
		return found{}, damaged("read an item", err)
	}
	f := found{there: true}
	size, stored, err := splitRecord(v)
	if err != nil {
		return found{}, errors.Join(err, closer.Close())
	}
	f.size = size
	stream := d.Stream() != nil
	if w.NeedOld || w.Condition != nil || w.Op == Update || w.Op == Check || len(d.Indexes) > 0 || stream || d.Expiry.Enabled {
		f.record = string(v)
		if f.item, err = value.ReadStored(f.record[len(v)-len(stored):]); err != nil {
			err = damaged("read an item", err)
		}
	}
	return f, errors.Join(err, closer.Close())
}

// update returns the item that w makes of old.
func update(d *Definition, w *Write, old value.Item) (value.Item, error) {
	item := old
	if item == nil {
		item = w.Item
	}
	if w.Update == nil {
		return item, nil
	}
	item, err := w.Update.Apply(item)
	if err != nil {
		return nil, err
	}
	if err := item.CheckDepth(); err != nil {
		return nil, err
	}
	if item.Size() > MaxItemSize {
		return nil, sockgate.Invalidf("Item size to update has exceeded the maximum allowed size")
	}
	return item, d.EachIndexKey(func(x *Index, name string, k value.Kind) error {
		v, ok := item.Get(name)
		if !ok {
			return nil
		}
		if v.Kind() != k {
			return sockgate.Invalidf("The update expression attempted to update the secondary index key to unsupported type")
		}
		if k != value.N && v.Text() == "" {
			kind := "string"
			if k == value.B {
				kind = "binary"
			}
			return sockgate.Invalidf("One or more parameter values are not valid. The update expression attempted to update a secondary index key "+
				"to a value that is not supported. The AttributeValue for a key attribute cannot contain an empty %s value.", kind)
		}
		return d.checkIndexValue(x, name, v)
	})
}

// store stages the change of an item from old to w.New and all that follows from it.
func (s *stage) store(t *Table, d *Definition, w *Write, key []byte, old found, size int) error {
	items := int64(0)
	if w.New != nil {
		s.record = appendRecord(s.record[:0], size, w.New)
		if old.there && bytes.Equal(s.record, []byte(old.record)) {
			return nil // nothing changes: no stream record either. Source: Developer Guide, "Change data capture for DynamoDB Streams".
		}
		if err := s.batch.Set(key, s.record, nil); err != nil {
			return err
		}
		items++
	} else if err := s.batch.Delete(key, nil); err != nil {
		return err
	}
	if old.there {
		items--
	}
	if err := s.count(t, d, 0, items, int64(size-old.size)); err != nil {
		return err
	}
	if len(d.Indexes) > 0 {
		if err := s.stageIndexes(t, d, w, old.item, w.New); err != nil {
			return err
		}
	}
	if d.Expiry.Enabled {
		if err := s.stageExpiry(d, key, old.item, w.New); err != nil {
			return err
		}
	}
	if stream := d.Stream(); stream != nil {
		return s.stageChange(t, d, stream, w, old.item)
	}
	return nil
}

// stageExpiry keeps the queue of items that expire.
func (s *stage) stageExpiry(d *Definition, key []byte, before, now value.Item) error {
	from, to := expirySecond(d, before), expirySecond(d, now)
	if from == to {
		return nil
	}
	if from > 0 {
		if err := s.batch.Delete(appendExpiryKey(nil, d.ID, from, key), nil); err != nil {
			return err
		}
	}
	if to > 0 {
		return s.batch.Set(appendExpiryKey(nil, d.ID, to, key), nil, nil)
	}
	return nil
}

// expirySecond returns when an item expires, in seconds since 1970, or 0 for never: its attribute is missing, no number or no
// time.
func expirySecond(d *Definition, item value.Item) int64 {
	v, ok := item.Get(d.Expiry.Attribute)
	if !ok || v.Kind() != value.N {
		return 0
	}
	text, _, _ := cutByte(v.Text(), '.')
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

func cutByte(s string, c byte) (before, behind string, found bool) {
	for i := range len(s) {
		if s[i] == c {
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

// now is the engine's time.
func (e *Engine) now() time.Time { return e.o.Clock() }
