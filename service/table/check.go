package table

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/sockgate/sockgate/lang/ddb/value"
)

// Check compares all that is kept of the tables with their items, at one moment: that every index holds exactly the entries that the
// items have, that the counters are true, that the queue of expiry holds every item that expires, and that change records can be read.
// It calls report for each disagreement and returns how many there are; the error is for what could not be read.
func (e *Engine) Check(ctx context.Context, report func(table, problem string)) (problems int, err error) {
	snapshot := e.db.NewSnapshot()
	defer snapshot.Close()
	for _, name := range e.Names() {
		t := e.find(name)
		if t == nil {
			continue
		}
		c := &checker{d: t.Def(), s: snapshot, ctx: ctx, report: func(problem string, args ...any) {
			problems++
			report(name, fmt.Sprintf(problem, args...))
		}}
		if err := c.run(); err != nil {
			return problems, fmt.Errorf("table %s: %w", name, err)
		}
	}
	return problems, nil
}

// checker looks at one table.
type checker struct {
	d      *Definition
	s      *pebble.Snapshot
	ctx    context.Context
	report func(problem string, args ...any)

	entries map[uint16]int64 // that the items have, by index
}

func (c *checker) run() error {
	c.entries = make(map[uint16]int64)
	items, bytes := int64(0), int64(0)
	err := c.each(appendSpace(nil, itemKey, c.d.ID), func(key, record []byte) error {
		size, err := c.item(key, record)
		items, bytes = items+1, bytes+int64(size)
		return err
	})
	if err != nil {
		return err
	}
	if err := c.counter(0, "the table", items, bytes); err != nil {
		return err
	}
	for i := range c.d.Indexes {
		if err := c.index(&c.d.Indexes[i]); err != nil {
			return err
		}
	}
	for _, s := range c.d.Streams {
		if err := c.stream(s); err != nil {
			return err
		}
	}
	return nil
}

// each calls visit for each key with a prefix.
func (c *checker) each(prefix []byte, visit func(key, value []byte) error) error {
	it, err := c.s.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
	if err != nil {
		return err
	}
	defer it.Close()
	for it.First(); it.Valid(); it.Next() {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		if err := visit(it.Key(), it.Value()); err != nil {
			return err
		}
	}
	return it.Error()
}

// item checks an item: that it is where its key says, and that what follows from it is there.
func (c *checker) item(key, record []byte) (size int, err error) {
	size, stored, err := splitRecord(record)
	if err != nil {
		return 0, err
	}
	it, err := value.ReadStored(string(stored))
	if err != nil {
		return 0, err
	}
	if got := it.Size(); got != size {
		c.report("an item of %d bytes says %d: %x", got, size, key)
	}
	hash, rng := c.d.keyOf(it)
	if !bytes.Equal(key, appendItemKey(nil, c.d.ID, hash, rng)) {
		c.report("an item lies under another key: %x", key)
	}
	for i := range c.d.Indexes {
		x := &c.d.Indexes[i]
		if want := c.d.entryOf(x, it); want.key != nil && x.Status != Deleting && !x.Backfilling {
			c.entries[x.ID]++
			if err := c.present(x, want); err != nil {
				return size, err
			}
		}
	}
	if at := expirySecond(c.d, it); c.d.Expiry.Enabled && c.d.Expiry.Queued && at > 0 {
		_, closer, err := c.s.Get(appendExpiryKey(nil, c.d.ID, at, key))
		if err != nil {
			c.report("an item that expires is not in the queue: %x", key)
			return size, nil
		}
		return size, closer.Close()
	}
	return size, nil
}

// present checks that an index has an entry.
func (c *checker) present(x *Index, want entry) error {
	v, closer, err := c.s.Get(want.key)
	if err != nil {
		c.report("index %s lacks the entry %x", x.Name, want.key)
		return nil
	}
	if !bytes.Equal(v, appendRecord(nil, want.size, want.item)) {
		c.report("index %s holds other attributes than its item: %x", x.Name, want.key)
	}
	return closer.Close()
}

// index checks that an index has no entries but those of items.
func (c *checker) index(x *Index) error {
	if x.Status == Deleting || x.Backfilling {
		return nil
	}
	items, size := int64(0), int64(0)
	err := c.each(appendIndexSpace(nil, indexKey, c.d.ID, x.ID), func(_, record []byte) error {
		n, _, err := splitRecord(record)
		items, size = items+1, size+int64(n)
		return err
	})
	if err != nil {
		return err
	}
	if items != c.entries[x.ID] {
		c.report("index %s has %d entries, of %d items", x.Name, items, c.entries[x.ID])
	}
	return c.counter(x.ID, "index "+x.Name, items, size)
}

func (c *checker) counter(id uint16, what string, items, size int64) error {
	gotItems, gotSize, err := readCounter(c.s, c.d.ID, id)
	if err == nil && (gotItems != items || gotSize != size) {
		c.report("%s has %d entries of %d bytes and counts %d of %d", what, items, size, gotItems, gotSize)
	}
	return err
}

func (c *checker) stream(s Stream) error {
	space := streamSpace(c.d.ID, s.ID)
	return c.each(space, func(key, record []byte) error {
		if _, err := readRecord(binary.BigEndian.Uint64(key[len(space):]), record); err != nil {
			c.report("a change record cannot be read: %x", key)
		}
		return nil
	})
}
