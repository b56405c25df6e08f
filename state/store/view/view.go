// Package view holds the state of a store in memory, in the order in which it changed: what a store's reads and watches are
// served from. A store decides about writes by itself and then tells its view of them.
package view

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/sockgate/sockgate/state/store"
)

// View is a map of documents with watchers. Its methods may be called by many goroutines, but the methods that change it
// must be called in the order of the revisions.
type View struct {
	mu       sync.RWMutex
	entries  map[string]store.Entry
	revision uint64        // of the last change told
	advanced chan struct{} // closed and replaced when revision changes
	watchers map[*watcher]struct{}

	closeOnce sync.Once
	closed    chan struct{}
}

// New returns an empty view.
func New() *View {
	return &View{
		entries:  make(map[string]store.Entry),
		advanced: make(chan struct{}),
		watchers: make(map[*watcher]struct{}),
		closed:   make(chan struct{}),
	}
}

// Get returns the document under key, or store.ErrNotFound.
func (v *View) Get(ctx context.Context, key string) (store.Entry, error) {
	if err := store.CheckKey(key); err != nil {
		return store.Entry{}, err
	}
	if err := v.usable(ctx); err != nil {
		return store.Entry{}, err
	}
	e, ok := v.Peek(key)
	if !ok {
		return store.Entry{}, fmt.Errorf("%w: %s", store.ErrNotFound, key)
	}
	return e, nil
}

// Peek returns the document under key and whether there is one, also after Close.
func (v *View) Peek(key string) (store.Entry, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	e, ok := v.entries[key]
	return e, ok
}

// List returns all documents under prefix, ordered by key.
func (v *View) List(ctx context.Context, prefix string) ([]store.Entry, error) {
	if err := store.CheckPrefix(prefix); err != nil {
		return nil, err
	}
	if err := v.usable(ctx); err != nil {
		return nil, err
	}
	v.mu.RLock()
	found := v.under(prefix)
	v.mu.RUnlock()
	sortByKey(found)
	return found, nil
}

// Put tells of a document that was created or replaced. The view keeps e.Value.
func (v *View) Put(e store.Entry) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.entries[e.Key] = e
	v.tell(store.Change{Entry: e})
	v.advance(e.Revision)
}

// Remove tells that the document under key was removed by the write with this revision.
func (v *View) Remove(key string, revision uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.remove(key, revision)
	v.advance(revision)
}

// Replace tells the whole state at once, after changes may have been missed. Watchers are told what differs.
func (v *View) Replace(entries []store.Entry, revision uint64) {
	entries = slices.Clone(entries)
	slices.SortFunc(entries, func(a, b store.Entry) int { return cmp.Compare(a.Revision, b.Revision) })
	kept := make(map[string]struct{}, len(entries))
	for _, e := range entries {
		kept[e.Key] = struct{}{}
	}

	v.mu.Lock()
	defer v.mu.Unlock()
	for key := range v.entries {
		if _, ok := kept[key]; !ok {
			v.remove(key, revision)
		}
	}
	for _, e := range entries {
		if v.entries[e.Key].Revision != e.Revision {
			v.entries[e.Key] = e
			v.tell(store.Change{Entry: e})
		}
	}
	v.advance(revision)
}

// Wait returns once the view has been told of this revision or a later one.
func (v *View) Wait(ctx context.Context, revision uint64) error {
	for {
		v.mu.RLock()
		reached, advanced := v.revision >= revision, v.advanced
		v.mu.RUnlock()
		if reached {
			return nil
		}
		select {
		case <-advanced:
		case <-ctx.Done():
			return ctx.Err()
		case <-v.closed:
			return errClosed
		}
	}
}

// Close ends all watches. Reads after it fail with store.ErrUnavailable.
func (v *View) Close() {
	v.closeOnce.Do(func() { close(v.closed) })
}

// Closed reports whether Close was called.
func (v *View) Closed() bool {
	select {
	case <-v.closed:
		return true
	default:
		return false
	}
}

var errClosed = fmt.Errorf("%w: it is closed", store.ErrUnavailable)

func (v *View) usable(ctx context.Context) error {
	if v.Closed() {
		return errClosed
	}
	return ctx.Err()
}

func (v *View) under(prefix string) []store.Entry {
	var found []store.Entry
	for key, e := range v.entries {
		if strings.HasPrefix(key, prefix) {
			found = append(found, e)
		}
	}
	return found
}

func (v *View) remove(key string, revision uint64) {
	if _, ok := v.entries[key]; !ok {
		return
	}
	delete(v.entries, key)
	v.tell(store.Change{Entry: store.Entry{Key: key, Revision: revision}, Deleted: true})
}

func (v *View) tell(ch store.Change) {
	for w := range v.watchers {
		if strings.HasPrefix(ch.Key, w.prefix) {
			w.enqueue(ch)
		}
	}
}

func (v *View) advance(revision uint64) {
	v.revision = revision
	close(v.advanced)
	v.advanced = make(chan struct{})
}

func sortByKey(entries []store.Entry) {
	slices.SortFunc(entries, func(a, b store.Entry) int { return strings.Compare(a.Key, b.Key) })
}
