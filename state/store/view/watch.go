package view

import (
	"container/list"
	"context"
	"sync"

	"github.com/sockgate/sockgate/state/store"
)

// manyPending is the number of waiting changes from which on a watcher is no longer told of documents that came and went
// before it could be told that they came. It bounds a queue by what exists, what the watcher knows of, and this number.
const manyPending = 1024

// watcher is a queue between the writers, who never wait, and one reader. A change to a key takes the place of an older
// one that still waits, and goes to the end, so that what is told stays in the order of revisions.
type watcher struct {
	prefix string
	wake   chan struct{} // capacity 1

	mu      sync.Mutex
	order   *list.List // of store.Change
	waiting map[string]*list.Element
	known   map[string]struct{} // keys the reader was told of and not yet told gone
}

// Watch is store.Store's Watch over what the view is told.
func (v *View) Watch(ctx context.Context, prefix string, fn func(store.Change) error) error {
	if err := store.CheckPrefix(prefix); err != nil {
		return err
	}
	if err := v.usable(ctx); err != nil {
		return err
	}
	w := &watcher{
		prefix:  prefix,
		wake:    make(chan struct{}, 1),
		order:   list.New(),
		waiting: make(map[string]*list.Element),
		known:   make(map[string]struct{}),
	}
	existing := v.join(w)
	defer v.leave(w)

	for _, e := range existing {
		if err := v.usable(ctx); err != nil {
			return err
		}
		if err := fn(store.Change{Entry: e}); err != nil {
			return err
		}
	}
	if err := fn(store.Change{Settled: true}); err != nil {
		return err
	}
	existing = nil // let the values go that have been replaced since
	for {
		for ch, ok := w.next(); ok; ch, ok = w.next() {
			if err := v.usable(ctx); err != nil {
				return err
			}
			if err := fn(ch); err != nil {
				return err
			}
		}
		select {
		case <-w.wake:
		case <-ctx.Done():
			return ctx.Err()
		case <-v.closed:
			return errClosed
		}
	}
}

// join adds a watcher and returns, in order, what exists at that moment.
func (v *View) join(w *watcher) []store.Entry {
	v.mu.Lock()
	defer v.mu.Unlock()
	existing := v.under(w.prefix)
	for _, e := range existing {
		w.known[e.Key] = struct{}{}
	}
	v.watchers[w] = struct{}{}
	sortByKey(existing)
	return existing
}

func (v *View) leave(w *watcher) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.watchers, w)
}

func (w *watcher) enqueue(ch store.Change) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if older := w.waiting[ch.Key]; older != nil {
		w.order.Remove(older)
		delete(w.waiting, ch.Key)
	}
	if _, known := w.known[ch.Key]; ch.Deleted && !known && w.order.Len() >= manyPending {
		return
	}
	w.waiting[ch.Key] = w.order.PushBack(ch)
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *watcher) next() (store.Change, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	front := w.order.Front()
	if front == nil {
		return store.Change{}, false
	}
	ch := w.order.Remove(front).(store.Change)
	delete(w.waiting, ch.Key)
	if ch.Deleted {
		delete(w.known, ch.Key)
	} else {
		w.known[ch.Key] = struct{}{}
	}
	return ch, true
}
