package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sockgate/sockgate/state/store"
)

// watching is a watch that runs in a goroutine of its own.
type watching struct {
	changes chan store.Change
	err     chan error
	cancel  context.CancelFunc
}

func watch(ctx context.Context, s store.Store, prefix string) *watching {
	ctx, cancel := context.WithCancel(ctx)
	w := &watching{changes: make(chan store.Change), err: make(chan error, 1), cancel: cancel}
	go func() {
		w.err <- s.Watch(ctx, prefix, func(ch store.Change) error {
			select {
			case w.changes <- ch:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	return w
}

// until returns the changes up to and including the first that is the last one wanted.
func (w *watching) until(t *testing.T, last func(store.Change) bool) []store.Change {
	t.Helper()
	var seen []store.Change
	late := time.After(patience)
	for {
		select {
		case ch := <-w.changes:
			seen = append(seen, ch)
			if last(ch) {
				return seen
			}
		case err := <-w.err:
			t.Fatalf("the watch ended with %v after %d changes", err, len(seen))
		case <-late:
			t.Fatalf("the watch told only %d changes", len(seen))
		}
	}
}

// result waits for the watch to end by itself.
func (w *watching) result(t *testing.T) error {
	t.Helper()
	late := time.After(patience)
	for {
		select {
		case err := <-w.err:
			w.cancel()
			return err
		case <-w.changes:
		case <-late:
			t.Fatal("the watch did not end")
		}
	}
}

func (w *watching) stop(t *testing.T) {
	t.Helper()
	w.cancel()
	if err := w.result(t); !errors.Is(err, context.Canceled) {
		t.Errorf("the watch ended with %v, want %v", err, context.Canceled)
	}
}

func settled(ch store.Change) bool { return ch.Settled }

func testWatch(t *testing.T, ctx context.Context, s store.Store) {
	one := create(t, ctx, s, "api.one", []byte("1"))
	two := create(t, ctx, s, "api.two", []byte("2"))
	gone := create(t, ctx, s, "api.gone", []byte("3"))
	if err := s.Delete(ctx, "api.gone", gone); err != nil {
		t.Fatal(err)
	}

	w := watch(ctx, s, "")
	defer w.stop(t)
	first := w.until(t, settled)
	if n := len(first); n != 3 {
		t.Fatalf("%d changes until settled, want 3: %v", n, first)
	}
	if end := first[2]; end.Key != "" || end.Deleted || end.Value != nil {
		t.Errorf("the settled change carries %+v", end)
	}
	if diff := cmp.Diff([]string{"api.one", "api.two"}, keysOf(first[:2])); diff != "" {
		t.Errorf("what exists (-want +got):\n%s", diff)
	}

	// Each change is waited for, so none may be joined with the next.
	expect := func(want store.Change) {
		t.Helper()
		got := w.until(t, func(store.Change) bool { return true })[0]
		if want.Deleted {
			if got.Revision <= two {
				t.Errorf("the deletion has revision %d", got.Revision)
			}
			want.Revision = got.Revision
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("change (-want +got):\n%s", diff)
		}
	}
	three := create(t, ctx, s, "api.three", []byte("3"))
	expect(store.Change{Entry: store.Entry{Key: "api.three", Value: []byte("3"), Revision: three}})
	updated, err := s.Update(ctx, "api.one", []byte("1.1"), one)
	if err != nil {
		t.Fatal(err)
	}
	expect(store.Change{Entry: store.Entry{Key: "api.one", Value: []byte("1.1"), Revision: updated}})
	if err := s.Delete(ctx, "api.two", two); err != nil {
		t.Fatal(err)
	}
	expect(store.Change{Entry: store.Entry{Key: "api.two"}, Deleted: true})
	again := create(t, ctx, s, "api.two", []byte("2.1"))
	expect(store.Change{Entry: store.Entry{Key: "api.two", Value: []byte("2.1"), Revision: again}})
}

func testWatchPrefix(t *testing.T, ctx context.Context, s store.Store) {
	for _, key := range []string{"api.a", "apikey.a", "api"} {
		create(t, ctx, s, key, nil)
	}
	w := watch(ctx, s, "api.")
	defer w.stop(t)
	if diff := cmp.Diff([]string{"", "api.a"}, keysOf(w.until(t, settled))); diff != "" {
		t.Errorf("until settled (-want +got):\n%s", diff)
	}
	create(t, ctx, s, "apikey.b", nil)
	create(t, ctx, s, "api.b", nil)
	if got := w.until(t, func(store.Change) bool { return true })[0].Key; got != "api.b" {
		t.Errorf("told of %q, want api.b", got)
	}
}

func testWatchEmpty(t *testing.T, ctx context.Context, s store.Store) {
	w := watch(ctx, s, "api.")
	defer w.stop(t)
	if first := w.until(t, settled); len(first) != 1 {
		t.Errorf("told %v", first)
	}
	create(t, ctx, s, "api.a", nil)
	if ch := w.until(t, func(store.Change) bool { return true })[0]; ch.Key != "api.a" || ch.Settled {
		t.Errorf("told %+v", ch)
	}
}

func testSlowWatcher(t *testing.T, ctx context.Context, s store.Store) {
	const keys, rounds = 5, 20
	w := watch(ctx, s, "")
	defer w.stop(t)
	w.until(t, settled)
	// Nobody takes changes from the watch while these writes are made, and they all return.
	var last [keys]uint64
	for round := range rounds {
		for k := range keys {
			key, value := fmt.Sprintf("k.%d", k), fmt.Appendf(nil, "%d", round)
			var err error
			if last[k] == 0 {
				last[k] = create(t, ctx, s, key, value)
			} else if last[k], err = s.Update(ctx, key, value, last[k]); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Delete(ctx, "k.0", last[0]); err != nil {
		t.Fatal(err)
	}
	create(t, ctx, s, "end", nil)

	seen := w.until(t, func(ch store.Change) bool { return ch.Key == "end" })
	state := make(map[string]string)
	revision := uint64(0)
	for _, ch := range seen {
		if ch.Revision <= revision {
			t.Errorf("%s at revision %d was told after revision %d", ch.Key, ch.Revision, revision)
		}
		revision = ch.Revision
		if state[ch.Key] = string(ch.Value); ch.Deleted {
			delete(state, ch.Key)
		}
	}
	want := map[string]string{"end": "", "k.1": "19", "k.2": "19", "k.3": "19", "k.4": "19"}
	if diff := cmp.Diff(want, state); diff != "" {
		t.Errorf("what the watcher knows (-want +got):\n%s", diff)
	}
}

func testWatchAmongWrites(t *testing.T, ctx context.Context, s store.Store) {
	const writers, writes, watchers = 3, 20, 4
	var writing, following sync.WaitGroup
	for n := range writers {
		writing.Go(func() {
			for i := range writes {
				key := fmt.Sprintf("w%d.%d", n, i%4)
				e, err := s.Get(ctx, key)
				switch {
				case errors.Is(err, store.ErrNotFound):
					_, err = s.Create(ctx, key, fmt.Appendf(nil, "%d", i))
				case err == nil && i%5 == 0:
					err = s.Delete(ctx, key, e.Revision)
				case err == nil:
					_, err = s.Update(ctx, key, fmt.Appendf(nil, "%d", i), e.Revision)
				}
				if err != nil {
					t.Errorf("write %s: %v", key, err)
				}
			}
		})
	}
	states := make([]map[string]uint64, watchers)
	for n := range watchers {
		states[n] = make(map[string]uint64)
		following.Go(func() {
			done := errors.New("done")
			err := s.Watch(ctx, "", func(ch store.Change) error {
				switch {
				case ch.Key == "z.end":
					return done
				case ch.Deleted:
					delete(states[n], ch.Key)
				case !ch.Settled:
					states[n][ch.Key] = ch.Revision
				}
				return nil
			})
			if err != done {
				t.Errorf("watcher %d ended with %v", n, err)
			}
		})
	}
	writing.Wait()
	create(t, ctx, s, "z.end", nil) // last in the order of keys too, for a watch that begins only now
	following.Wait()

	entries, err := s.List(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	want := make(map[string]uint64)
	for _, e := range entries {
		if e.Key != "z.end" {
			want[e.Key] = e.Revision
		}
	}
	for n, state := range states {
		if diff := cmp.Diff(want, state); diff != "" {
			t.Errorf("watcher %d (-want +got):\n%s", n, diff)
		}
	}
}

func testWatchCallbackError(t *testing.T, ctx context.Context, s store.Store) {
	create(t, ctx, s, "k", nil)
	mine := errors.New("mine")
	for name, at := range map[string]func(store.Change) bool{
		"at a document": func(ch store.Change) bool { return ch.Key == "k" },
		"when settled":  settled,
	} {
		err := s.Watch(ctx, "", func(ch store.Change) error {
			if at(ch) {
				return mine
			}
			return nil
		})
		if err != mine {
			t.Errorf("%s: the watch ended with %v", name, err)
		}
	}
}
