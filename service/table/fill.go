package table

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"github.com/sockgate/sockgate/lang/ddb/value"
)

// chunk is how many items are looked at before an iterator is renewed, so that it holds up no compaction.
const chunk = 1000

// fill writes the entries of a table's new indexes, and the queue of its expiry, for the items that were there before. A write that
// comes meanwhile maintains them too; both look, under the item's lock, at what is there. After a restart it begins again.
func (e *Engine) fill(ctx context.Context, t *Table) error {
	d := t.Def()
	var xs []Index
	for _, x := range d.Indexes {
		if x.Backfilling && x.Status != Deleting {
			xs = append(xs, x)
		}
	}
	queue := d.Expiry.Enabled && !d.Expiry.Queued
	if len(xs) == 0 && !queue || !d.usable() {
		return nil
	}
	err := e.eachItem(ctx, d, func(key []byte) error { return e.fillItem(t, key, queue) })
	if err != nil {
		return err
	}
	_, err = e.Change(d.Name, func(d *Definition) error {
		for i := range d.Indexes {
			x := &d.Indexes[i]
			if slices.ContainsFunc(xs, func(y Index) bool { return y.ID == x.ID }) {
				x.Backfilling, x.Status = false, Active
			}
		}
		if queue && d.Expiry.Enabled {
			d.Expiry.Queued = true
		}
		if d.Status == Updating && d.Due.IsZero() && !slices.ContainsFunc(d.Indexes, func(x Index) bool { return x.Backfilling }) {
			d.Status = Active
		}
		return nil
	})
	return err
}

// eachItem calls visit with the key of each item of a table; the items may change meanwhile.
func (e *Engine) eachItem(ctx context.Context, d *Definition, visit func(key []byte) error) error {
	space := appendSpace(nil, itemKey, d.ID)
	from, end := space, after(space)
	for from != nil {
		if err := ctx.Err(); err != nil {
			return err
		}
		keys, err := e.keys(from, end, chunk)
		if err != nil {
			return err
		}
		from = nil
		for _, key := range keys {
			if err := visit(key); err != nil {
				return err
			}
		}
		if len(keys) == chunk {
			from = append(slices.Clone(keys[chunk-1]), 0)
		}
	}
	return nil
}

// keys returns the first n keys of a range.
func (e *Engine) keys(from, end []byte, n int) ([][]byte, error) {
	it, err := e.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: end})
	if err != nil {
		return nil, err
	}
	defer it.Close()
	var keys [][]byte
	for it.First(); it.Valid() && len(keys) < n; it.Next() {
		keys = append(keys, bytes.Clone(it.Key()))
	}
	return keys, it.Error()
}

// fillItem writes what one item has in the indexes that are being filled.
func (e *Engine) fillItem(t *Table, key []byte, queue bool) error {
	t.gate.RLock()
	defer t.gate.RUnlock()
	lock := &e.locks[stripe(key)]
	lock.Lock()
	defer lock.Unlock()
	d := t.Def()
	if !d.usable() {
		return nil
	}
	f, err := e.current(key, &Write{NeedOld: true}, d)
	if err != nil || !f.there {
		return err
	}
	s := &stage{e: e, batch: e.db.NewBatch()}
	defer func() { _ = s.batch.Close() }() // applied, or thrown away
	for i := range d.Indexes {
		x := &d.Indexes[i]
		if !x.Backfilling || x.Status == Deleting {
			continue
		}
		next := d.entryOf(x, f.item)
		if next.key == nil {
			continue
		}
		if there, err := e.has(next.key); err != nil || there {
			if err != nil {
				return err
			}
			continue
		}
		if err := s.stageIndex(t, d, x, nil, entry{}, next); err != nil {
			return err
		}
	}
	if queue {
		if err := s.stageExpiry(d, key, nil, f.item); err != nil {
			return err
		}
	}
	if s.batch.Empty() {
		return nil
	}
	// Not synced one by one: a definition that says that all are there is written later, to the same log.
	if err := e.db.Apply(s.batch, pebble.NoSync); err != nil {
		return err
	}
	s.applied()
	return nil
}

func appendExpiryKey(b []byte, table uint32, second int64, item []byte) []byte {
	b = binary.BigEndian.AppendUint64(appendSpace(b, expiryKey, table), uint64(second))
	return append(b, item...)
}

// oldestExpiry is how long ago, in seconds, an item may have expired to be deleted still.
// Source: Developer Guide, "Using time to live (TTL) in DynamoDB": five years.
const oldestExpiry = 5 * 365 * 24 * 60 * 60

// sweep deletes expired items, change records older than a day and remembered transactions.
func (e *Engine) sweep(ctx context.Context) {
	for _, name := range e.Names() {
		t := e.find(name)
		if t == nil || !t.Def().usable() {
			continue
		}
		if err := errors.Join(e.expire(ctx, t), e.trim(t)); err != nil && ctx.Err() == nil {
			e.o.Log.Error("expire items and change records", "table", name, "error", err)
		}
	}
	if err := e.forgetTokens(); err != nil {
		e.o.Log.Error("forget transactions", "error", err)
	}
}

// expire deletes the items of a table that have expired.
func (e *Engine) expire(ctx context.Context, t *Table) error {
	d := t.Def()
	if !d.Expiry.Enabled {
		return nil
	}
	now := e.now().Unix()
	from := appendExpiryKey(nil, d.ID, max(0, now-oldestExpiry), nil)
	end := appendExpiryKey(nil, d.ID, now+1, nil)
	for {
		keys, err := e.keys(from, end, chunk)
		if err != nil || len(keys) == 0 {
			return err
		}
		for _, queued := range keys {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := e.expireItem(t, d, queued); err != nil {
				return err
			}
		}
	}
}

// expireItem deletes the item that an entry of the queue is about, if it still expires when the entry says, and the entry.
func (e *Engine) expireItem(t *Table, d *Definition, queued []byte) error {
	head := headLen + 8
	second := int64(binary.BigEndian.Uint64(queued[headLen:head]))
	key, err := d.parseItemKey(queued[head:])
	if err != nil {
		return err
	}
	w := &Write{Table: t, Op: Delete, Item: key, NeedOld: true, expired: true, second: second}
	if err := e.Write(w); err != nil {
		return err
	}
	return e.db.Delete(queued, pebble.NoSync) // also when it was left over
}

// parseItemKey returns the key attributes that an item's key is made of.
func (d *Definition) parseItemKey(key []byte) (value.Item, error) {
	rest := key[min(len(key), headLen+bucketLen):]
	v, rest, err := value.ReadKey(rest, d.Kind(d.Key.Hash))
	if err != nil {
		return nil, err
	}
	fields := []value.Field{{Name: d.Key.Hash, Value: v}}
	if d.Key.Range != "" {
		if v, _, err = value.ReadKey(rest, d.Kind(d.Key.Range)); err != nil {
			return nil, err
		}
		fields = append(fields, value.Field{Name: d.Key.Range, Value: v})
	}
	return value.MakeItem(fields), nil
}

// trim deletes the change records that are older than a day, and forgets streams that ended before that.
func (e *Engine) trim(t *Table) error {
	d := t.Def()
	if len(d.Streams) == 0 {
		return nil
	}
	oldest := e.now().Add(-streamWindow)
	over := func(s Stream) bool { return !s.Disabled.IsZero() && s.Disabled.Before(oldest) }
	for i, s := range d.Streams {
		if err := e.trimStream(d, &d.Streams[i], oldest.Unix()); err != nil {
			return err
		}
		if over(s) && i < len(d.Streams)-1 { // the latest is shown for ever
			_, err := e.Change(d.Name, func(d *Definition) error {
				d.Streams = slices.DeleteFunc(d.Streams, func(other Stream) bool { return other.ID == s.ID })
				return nil
			})
			return err
		}
	}
	return nil
}

func (e *Engine) trimStream(d *Definition, s *Stream, oldest int64) error {
	space := streamSpace(d.ID, s.ID)
	it, err := e.db.NewIter(&pebble.IterOptions{LowerBound: space, UpperBound: after(space)})
	if err != nil {
		return err
	}
	defer it.Close()
	var end []byte
	for it.First(); it.Valid(); it.Next() {
		seconds, n := int64(0), 0
		if v := it.Value(); len(v) > 3 {
			seconds, n = binary.Varint(v[3:])
		}
		if n > 0 && seconds >= oldest {
			break
		}
		end = append(append(end[:0], it.Key()...), 0)
	}
	if err := it.Error(); err != nil || end == nil {
		return err
	}
	return e.db.DeleteRange(space, end, pebble.NoSync)
}
