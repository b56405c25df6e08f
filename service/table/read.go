package table

import (
	"bytes"
	"errors"
	"io"

	"github.com/cockroachdb/pebble/v2"

	"github.com/sockgate/sockgate/lang/ddb/value"
)

// Get calls visit with the stored attributes of the item with this key and its size; it is not called when there is none. stored is
// good only during the call. Errors: Invalid, NotFound, and visit's.
func (t *Table) Get(key value.Item, visit func(stored []byte, size int) error) error {
	return t.get(t.e.db, key, visit)
}

type getter interface {
	Get(key []byte) ([]byte, io.Closer, error)
}

func (t *Table) get(from getter, key value.Item, visit func(stored []byte, size int) error) error {
	d := t.Def()
	if !d.usable() {
		return errNotFound()
	}
	if err := d.CheckKey(key); err != nil {
		return err
	}
	hash, rng := d.keyOf(key)
	var space [96]byte
	v, closer, err := from.Get(appendItemKey(space[:0], d.ID, hash, rng))
	if errors.Is(err, pebble.ErrNotFound) {
		return nil
	}
	if err != nil {
		return damaged("read an item", err)
	}
	size, stored, err := splitRecord(v)
	if err == nil {
		err = visit(stored, size)
	}
	return errors.Join(err, closer.Close())
}

// Snapshot is the state of all tables at one moment. Close must be called.
type Snapshot struct{ s *pebble.Snapshot }

// Snapshot returns the state of all tables now.
func (e *Engine) Snapshot() *Snapshot { return &Snapshot{e.db.NewSnapshot()} }

// Close gives the snapshot free.
func (s *Snapshot) Close() { _ = s.s.Close() } // it only tells the store that nobody reads it any more

// Get is Table.Get at the snapshot's moment.
func (s *Snapshot) Get(t *Table, key value.Item, visit func(stored []byte, size int) error) error {
	return t.get(s.s, key, visit)
}

// Range says which entries of a table or index are walked.
type Range struct {
	Index   *Index // nil: the table itself
	Lower   []byte // Lower ≤ key < Upper
	Upper   []byte
	Reverse bool
}

// All is the range of a whole table, or index unless it is nil, or of one of total segments of it, counted from 0.
func (d *Definition) All(x *Index, segment, total int) Range {
	space := d.space(x)
	r := Range{Index: x, Lower: space, Upper: after(space)}
	if total <= 1 {
		return r
	}
	// DynamoDB is observed to cut at multiples of 1/4096 of all buckets.
	slices, shift := 4096, 12
	if total > slices {
		slices, shift = 1<<24, 0
	}
	cut := func(i int) []byte {
		n := (slices*i + total - 1) / total << shift
		return append(bytes.Clone(space), byte(n>>16), byte(n>>8), byte(n))
	}
	if segment > 0 {
		r.Lower = cut(segment)
	}
	if segment+1 < total {
		r.Upper = cut(segment + 1)
	}
	return r
}

func (d *Definition) space(x *Index) []byte {
	if x == nil {
		return appendSpace(nil, itemKey, d.ID)
	}
	return appendIndexSpace(nil, indexKey, d.ID, x.ID)
}

// Schema returns the key schema of a table, or of its index x unless that is nil.
func (d *Definition) Schema(x *Index) Key {
	if x == nil {
		return d.Key
	}
	return x.Key
}

// Partition is the range of the entries whose hash key is hash.
func (d *Definition) Partition(x *Index, hash value.Value) Range {
	prefix := value.AppendKey(appendBucket(d.space(x), hash), hash)
	return Range{Index: x, Lower: prefix, Upper: after(prefix)}
}

// The bounds that narrow a partition by its range key.

// From keeps what has a range key of v or more; beyond: of more than v.
func (r *Range) From(v value.Value, beyond bool) {
	at := value.AppendKey(bytes.Clone(r.prefix()), v)
	if beyond {
		at = after(at)
	}
	r.Lower = at
}

// To keeps what has a range key below v; also: v itself as well.
func (r *Range) To(v value.Value, also bool) {
	at := value.AppendKey(bytes.Clone(r.prefix()), v)
	if also {
		at = after(at)
	}
	r.Upper = at
}

// Begins keeps what has a range key that begins with v.
func (r *Range) Begins(v value.Value) {
	at := value.AppendKeyPrefix(bytes.Clone(r.prefix()), v)
	r.Lower, r.Upper = at, after(at)
}

// prefix is the partition's, which no bound has narrowed from below yet.
func (r *Range) prefix() []byte { return r.Lower }

// Narrow is From and To at once, since both begin at the partition.
func (r *Range) Narrow(low value.Value, beyond bool, high value.Value, also bool) {
	whole := *r
	whole.To(high, also)
	r.From(low, beyond)
	r.Upper = whole.Upper
}

// Start makes the walk begin behind the entry of the item with these key attributes (the table's and the index's), which need not
// exist any more. It reports false when that lies outside of the range.
func (r *Range) Start(d *Definition, keys value.Item) bool {
	hash, rng := d.keyOf(keys)
	var at []byte
	if r.Index == nil {
		at = appendItemKey(nil, d.ID, hash, rng)
	} else {
		h, _ := keys.Get(r.Index.Key.Hash)
		var s value.Value
		if r.Index.Key.Range != "" {
			s, _ = keys.Get(r.Index.Key.Range)
		}
		at = appendTail(appendKeyValues(appendBucket(d.space(r.Index), h), h, s), hash, rng)
	}
	inside := bytes.Compare(at, r.Lower) >= 0 && bytes.Compare(at, r.Upper) < 0
	if r.Reverse {
		r.Upper = at
	} else {
		r.Lower = append(at, 0)
	}
	return inside
}

// Walk calls visit with the stored attributes and the size of each entry in the range, in order, until visit returns false. What
// visit gets is good only during the call; the walk sees one moment's state.
func (t *Table) Walk(r Range, visit func(stored []byte, size int) (more bool, err error)) error {
	if !t.Def().usable() {
		return errNotFound()
	}
	if bytes.Compare(r.Lower, r.Upper) >= 0 {
		return nil
	}
	it, err := t.e.db.NewIter(&pebble.IterOptions{LowerBound: r.Lower, UpperBound: r.Upper})
	if err != nil {
		return damaged("walk a table", err)
	}
	defer it.Close()
	step, ok := it.Next, it.First
	if r.Reverse {
		step, ok = it.Prev, it.Last
	}
	for valid := ok(); valid; valid = step() {
		size, stored, err := splitRecord(it.Value())
		if err != nil {
			return err
		}
		if more, err := visit(stored, size); err != nil || !more {
			return err
		}
	}
	if err := it.Error(); err != nil {
		return damaged("walk a table", err)
	}
	return nil
}
