package table

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"github.com/sockgate/sockgate/lang/ddb/value"
)

// appendRecord appends an item as it is stored: its size, then its attributes.
func appendRecord(b []byte, size int, item value.Item) []byte {
	return item.AppendStored(binary.AppendUvarint(b, uint64(size)))
}

// splitRecord returns an item's size and its stored attributes.
func splitRecord(record []byte) (size int, stored []byte, err error) {
	n, used := binary.Uvarint(record)
	if used <= 0 {
		return 0, nil, damaged("read an item", errors.New("it has no size"))
	}
	return int(n), record[used:], nil
}

// entry is what an index holds of an item: nothing, or a key and the projected attributes.
type entry struct {
	key  []byte
	item value.Item
	size int
}

// entryOf returns the entry that item has in the index x. There is none when the item is nil, lacks a key attribute of the index
// or has one of another type or a size that no key has.
func (d *Definition) entryOf(x *Index, item value.Item) entry {
	if item == nil {
		return entry{}
	}
	h, ok := item.Get(x.Key.Hash)
	if !ok || !d.indexable(x, x.Key.Hash, h) {
		return entry{}
	}
	var r value.Value
	if x.Key.Range != "" {
		if r, ok = item.Get(x.Key.Range); !ok || !d.indexable(x, x.Key.Range, r) {
			return entry{}
		}
	}
	hash, rng := d.keyOf(item)
	key := appendBucket(appendIndexSpace(make([]byte, 0, 96), indexKey, d.ID, x.ID), h)
	key = appendTail(appendKeyValues(key, h, r), hash, rng)
	projected := d.project(x, item)
	return entry{key: key, item: projected, size: projected.Size()}
}

func (d *Definition) indexable(x *Index, name string, v value.Value) bool {
	return v.Kind() == d.Kind(name) && d.checkIndexValue(x, name, v) == nil
}

// project returns, of an item of the table, what the index x holds.
func (d *Definition) project(x *Index, item value.Item) value.Item {
	if x.Projection == "ALL" {
		return item
	}
	kept := make(value.Item, 0, 4+len(x.NonKey))
	for _, f := range item {
		if x.Projected(d, f.Name) {
			kept = append(kept, f)
		}
	}
	return kept
}

// stageIndexes puts into s what the change of an item from before to now (nil: not there) changes in the indexes.
func (s *stage) stageIndexes(t *Table, d *Definition, w *Write, before, now value.Item) error {
	for i := range d.Indexes {
		x := &d.Indexes[i]
		if x.Status == Deleting {
			continue
		}
		old, next := d.entryOf(x, before), d.entryOf(x, now)
		if old.key == nil && next.key == nil {
			continue
		}
		if err := s.stageIndex(t, d, x, w, old, next); err != nil {
			return err
		}
	}
	return nil
}

func (s *stage) stageIndex(t *Table, d *Definition, x *Index, w *Write, old, next entry) error {
	if x.Backfilling && old.key != nil { // it may not be there yet
		there, err := s.e.has(old.key)
		if err != nil {
			return err
		}
		if !there {
			old = entry{}
		}
	}
	var items, size int64
	units := 0
	same := old.key != nil && bytes.Equal(old.key, next.key)
	if same && value.Equal(value.Map(old.item), value.Map(next.item)) {
		return nil
	}
	if old.key != nil {
		items, size = items-1, size-int64(old.size)
		if !same {
			units += writeUnits(old.size)
			if err := s.batch.Delete(old.key, nil); err != nil {
				return err
			}
		}
	}
	if next.key != nil {
		items, size = items+1, size+int64(next.size)
		biggest := next.size
		if same {
			biggest = max(biggest, old.size)
		}
		units += writeUnits(biggest)
		s.record = appendRecord(s.record[:0], next.size, next.item)
		if err := s.batch.Set(next.key, s.record, nil); err != nil {
			return err
		}
	}
	if w != nil && units > 0 {
		w.Units.Index = append(w.Units.Index, IndexUnits{Name: x.Name, Global: x.Global, Units: float64(units)})
	}
	return s.count(t, d, x.ID, items, size)
}

// writeUnits is how many write units an item of size bytes takes: one for each KB that it begins.
func writeUnits(size int) int { return max(1, (size+1023)/1024) }

// has reports whether a key is in the store.
func (e *Engine) has(key []byte) (bool, error) {
	_, closer, err := e.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, damaged("read an index entry", err)
	}
	return true, closer.Close()
}
