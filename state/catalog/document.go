package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"sort"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/state/store"
)

// create stores a new document.
func (c *Catalog) create(ctx context.Context, key string, doc any) (revision uint64, err error) {
	value, err := encode(doc)
	if err != nil {
		return 0, err
	}
	if revision, err = c.store.Create(ctx, key, value); err != nil {
		return 0, fault("create "+key, err)
	}
	return revision, nil
}

// read returns the document under prefix+id, or missing.
func read[T any](ctx context.Context, c *Catalog, prefix, id string, missing *sockgate.Error) (*T, uint64, error) {
	if !validID(id) {
		return nil, 0, missing
	}
	return readAt[T](ctx, c, prefix+id, missing)
}

// readAt is read for a key that is known to be well-formed.
func readAt[T any](ctx context.Context, c *Catalog, key string, missing *sockgate.Error) (*T, uint64, error) {
	e, err := c.store.Get(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil, 0, missing
	}
	if err != nil {
		return nil, 0, fault("read "+key, err)
	}
	doc, err := decode[T](e)
	return doc, e.Revision, err
}

// update edits the document under prefix+id as one atomic step, as ChangeAPI does.
func update[T any](ctx context.Context, c *Catalog, prefix, id string, missing *sockgate.Error, edit func(*T) error) (*T, uint64, error) {
	if !validID(id) {
		return nil, 0, missing
	}
	return updateAt(ctx, c, prefix+id, missing, edit)
}

// updateAt is update for a key that is known to be well-formed.
func updateAt[T any](ctx context.Context, c *Catalog, key string, missing *sockgate.Error, edit func(*T) error) (*T, uint64, error) {
	const attempts = 16
	for attempt := 1; ; attempt++ {
		doc, revision, err := readAt[T](ctx, c, key, missing)
		if err != nil {
			return nil, 0, err
		}
		if err := edit(doc); err != nil {
			return nil, 0, err
		}
		value, err := encode(doc)
		if err != nil {
			return nil, 0, err
		}
		if revision, err = c.store.Update(ctx, key, value, revision); err == nil {
			return doc, revision, nil
		}
		if !errors.Is(err, store.ErrConflict) || attempt == attempts {
			return nil, 0, fault("change "+key, err)
		}
	}
}

// each goes through the documents under prefix whose ids come after the given one.
func each[T any](ctx context.Context, c *Catalog, prefix, after string) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		entries, err := c.store.List(ctx, prefix)
		if err != nil {
			yield(nil, fault("list "+prefix, err))
			return
		}
		first := sort.Search(len(entries), func(i int) bool { return entries[i].Key > prefix+after })
		for _, e := range entries[first:] {
			if doc, err := decode[T](e); !yield(doc, err) || err != nil {
				return
			}
		}
	}
}

// clone returns a copy that shares nothing, for a receiver who may keep it.
func clone[T any](doc *T) *T {
	value, err := json.Marshal(doc)
	if err != nil {
		panic(err) // it was encoded before
	}
	copied := new(T)
	if err := json.Unmarshal(value, copied); err != nil {
		panic(err) // it was written by the line above
	}
	return copied
}
