// Package storetest is what every store must do, as tests: an implementation's own test calls Run.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sockgate/sockgate/state/store"
)

// patience bounds the waiting of a test for something that must happen. A test that passes never waits for it.
const patience = 30 * time.Second

// Run tests the stores that open returns. Each call of open must give a new, empty store; the suite closes it.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	tests := []struct {
		name string
		run  func(t *testing.T, ctx context.Context, s store.Store)
	}{
		{"documents come back as they were stored", testRoundTrip},
		{"create refuses a key that is taken", testCreateTaken},
		{"update compares the revision", testUpdateCompares},
		{"delete compares the revision", testDeleteCompares},
		{"a deleted key can be created again", testCreateAgain},
		{"revisions grow over all keys", testRevisionsGrow},
		{"list takes whole parts in order", testList},
		{"keys and prefixes are checked", testKeys},
		{"large values", testLargeValues},
		{"the store keeps no hand on the caller's value", testValueIsCopied},
		{"one of many writers wins each revision", testRaces},
		{"one of many creators wins", testCreateRace},
		{"watch tells what exists, settles, and follows", testWatch},
		{"watch tells only what is under its prefix", testWatchPrefix},
		{"watch of an empty store settles", testWatchEmpty},
		{"a slow watcher holds up nobody and learns each last state", testSlowWatcher},
		{"watchers that begin among writes agree in the end", testWatchAmongWrites},
		{"an error of the callback ends the watch", testWatchCallbackError},
		{"a context that has ended", testContext},
		{"close", testClose},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t)
			defer s.Close()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			tt.run(t, ctx, s)
		})
	}
}

func testRoundTrip(t *testing.T, ctx context.Context, s store.Store) {
	values := map[string][]byte{
		"api.abc":                 []byte(`{"a":1}`),
		"a":                       {0, 1, 2, 255},
		"A-z_0.9=/x.y":            []byte("odd characters"),
		"empty":                   {},
		strings.Repeat("k", 512):  []byte("the longest key"),
		"deployment.abc.def":      []byte("NATS/1.0\r\n\r\n"),
		"one.two.three.four.five": []byte("\r\n"),
	}
	for key, value := range values {
		revision := create(t, ctx, s, key, value)
		if revision == 0 {
			t.Errorf("create %s returned revision 0", key)
		}
		e, err := s.Get(ctx, key)
		if err != nil {
			t.Fatalf("get %s: %v", key, err)
		}
		if e.Key != key || !bytes.Equal(e.Value, value) || e.Revision != revision {
			t.Errorf("get %s: %q at %d, want %q at %d", e.Key, e.Value, e.Revision, value, revision)
		}
	}
	_, err := s.Get(ctx, "api.other")
	wantError(t, "get of a key that is not there", err, store.ErrNotFound)
	_, err = s.Get(ctx, "api")
	wantError(t, "get of a part of a key", err, store.ErrNotFound)
}

func testCreateTaken(t *testing.T, ctx context.Context, s store.Store) {
	create(t, ctx, s, "k", []byte("first"))
	_, err := s.Create(ctx, "k", []byte("second"))
	wantError(t, "second create", err, store.ErrConflict)
	wantValue(t, ctx, s, "k", "first")
}

func testUpdateCompares(t *testing.T, ctx context.Context, s store.Store) {
	_, err := s.Update(ctx, "k", []byte("x"), 1)
	wantError(t, "update of a key that is not there", err, store.ErrConflict)
	_, err = s.Update(ctx, "k", []byte("x"), 0)
	wantError(t, "update of no revision", err, store.ErrConflict)

	first := create(t, ctx, s, "k", []byte("one"))
	second, err := s.Update(ctx, "k", []byte("two"), first)
	if err != nil || second <= first {
		t.Fatalf("update of revision %d: revision %d, %v", first, second, err)
	}
	for _, stale := range []uint64{0, first, second + 1, second + 100} {
		_, err = s.Update(ctx, "k", []byte("three"), stale)
		wantError(t, fmt.Sprintf("update of revision %d when it is %d", stale, second), err, store.ErrConflict)
	}
	wantValue(t, ctx, s, "k", "two")
}

func testDeleteCompares(t *testing.T, ctx context.Context, s store.Store) {
	wantError(t, "delete of a key that is not there", s.Delete(ctx, "k", 1), store.ErrConflict)
	first := create(t, ctx, s, "k", []byte("one"))
	second, err := s.Update(ctx, "k", []byte("two"), first)
	if err != nil {
		t.Fatal(err)
	}
	for _, stale := range []uint64{0, first, second + 1} {
		wantError(t, fmt.Sprintf("delete of revision %d when it is %d", stale, second), s.Delete(ctx, "k", stale), store.ErrConflict)
	}
	wantValue(t, ctx, s, "k", "two")

	if err := s.Delete(ctx, "k", second); err != nil {
		t.Fatalf("delete: %v", err)
	}
	_, err = s.Get(ctx, "k")
	wantError(t, "get after delete", err, store.ErrNotFound)
	// second+1 is what a store would call the deletion: it must not pass for a document.
	for _, gone := range []uint64{second, second + 1} {
		wantError(t, "delete after delete", s.Delete(ctx, "k", gone), store.ErrConflict)
		_, err = s.Update(ctx, "k", []byte("x"), gone)
		wantError(t, "update after delete", err, store.ErrConflict)
	}
}

func testCreateAgain(t *testing.T, ctx context.Context, s store.Store) {
	revision := uint64(0)
	for round := range 3 {
		next := create(t, ctx, s, "k", fmt.Appendf(nil, "round %d", round))
		if next <= revision {
			t.Errorf("round %d: revision %d after %d", round, next, revision)
		}
		revision = next
		wantValue(t, ctx, s, "k", fmt.Sprintf("round %d", round))
		_, err := s.Create(ctx, "k", nil)
		wantError(t, "create of a key that is taken again", err, store.ErrConflict)
		if err := s.Delete(ctx, "k", revision); err != nil {
			t.Fatal(err)
		}
	}
}

func testRevisionsGrow(t *testing.T, ctx context.Context, s store.Store) {
	last := uint64(0)
	for i := range 20 {
		revision := create(t, ctx, s, fmt.Sprintf("k%d", i), nil)
		if revision <= last {
			t.Fatalf("revision %d after %d", revision, last)
		}
		last = revision
	}
}

func testList(t *testing.T, ctx context.Context, s store.Store) {
	for _, key := range []string{"b", "api.b", "api.a", "api.a.x", "apikey.a", "deployment.a.2", "deployment.a.1", "deployment.ab.1"} {
		create(t, ctx, s, key, []byte("value of "+key))
	}
	gone := create(t, ctx, s, "api.c", nil)
	if err := s.Delete(ctx, "api.c", gone); err != nil {
		t.Fatal(err)
	}
	for prefix, want := range map[string][]string{
		"":              {"api.a", "api.a.x", "api.b", "apikey.a", "b", "deployment.a.1", "deployment.a.2", "deployment.ab.1"},
		"api.":          {"api.a", "api.a.x", "api.b"},
		"deployment.a.": {"deployment.a.1", "deployment.a.2"},
		"b.":            nil,
		"c.":            nil,
	} {
		entries, err := s.List(ctx, prefix)
		if err != nil {
			t.Fatalf("list %q: %v", prefix, err)
		}
		var keys []string
		for _, e := range entries {
			keys = append(keys, e.Key)
			if string(e.Value) != "value of "+e.Key || e.Revision == 0 {
				t.Errorf("list %q: %s has %q at %d", prefix, e.Key, e.Value, e.Revision)
			}
		}
		if diff := cmp.Diff(want, keys); diff != "" {
			t.Errorf("list %q (-want +got):\n%s", prefix, diff)
		}
	}
}

func testKeys(t *testing.T, ctx context.Context, s store.Store) {
	for _, key := range []string{"", ".", ".a", "a.", "a..b", "a b", "a*", "a.>", "*", ">", "ä", "a\x00", "a\r\nb", "$a", strings.Repeat("k", 513)} {
		_, err := s.Create(ctx, key, nil)
		wantError(t, fmt.Sprintf("create %q", key), err, store.ErrBadKey)
		_, err = s.Update(ctx, key, nil, 1)
		wantError(t, fmt.Sprintf("update %q", key), err, store.ErrBadKey)
		wantError(t, fmt.Sprintf("delete %q", key), s.Delete(ctx, key, 1), store.ErrBadKey)
		_, err = s.Get(ctx, key)
		wantError(t, fmt.Sprintf("get %q", key), err, store.ErrBadKey)
	}
	for _, prefix := range []string{".", "a", "a..", "*.", ">", "a b."} {
		_, err := s.List(ctx, prefix)
		wantError(t, fmt.Sprintf("list %q", prefix), err, store.ErrBadKey)
		err = s.Watch(ctx, prefix, func(store.Change) error { return errors.New("called") })
		wantError(t, fmt.Sprintf("watch %q", prefix), err, store.ErrBadKey)
	}
}

func testLargeValues(t *testing.T, ctx context.Context, s store.Store) {
	largest := bytes.Repeat([]byte("0123456789abcdef"), store.MaxValue/16)
	revision := create(t, ctx, s, "large", largest)
	if revision, err := s.Update(ctx, "large", largest, revision); err != nil || revision == 0 {
		t.Fatalf("update with the largest value: %v", err)
	}
	e, err := s.Get(ctx, "large")
	if err != nil || !bytes.Equal(e.Value, largest) {
		t.Errorf("the largest value came back as %d bytes, %v", len(e.Value), err)
	}
	_, err = s.Create(ctx, "larger", append(largest, 'x'))
	wantError(t, "create with a larger value", err, store.ErrTooLarge)
	_, err = s.Update(ctx, "large", append(largest, 'x'), e.Revision)
	wantError(t, "update with a larger value", err, store.ErrTooLarge)
	create(t, ctx, s, "small", []byte("writes go on"))
}

func testValueIsCopied(t *testing.T, ctx context.Context, s store.Store) {
	value := []byte("before")
	create(t, ctx, s, "k", value)
	copy(value, "behind")
	wantValue(t, ctx, s, "k", "before")
}

func testRaces(t *testing.T, ctx context.Context, s store.Store) {
	const writers, wins = 8, 5
	create(t, ctx, s, "k", nil)
	var (
		mu  sync.Mutex
		won = make(map[uint64]int) // revision that was replaced → how often
	)
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for n := 0; n < wins; {
				e, err := s.Get(ctx, "k")
				if err != nil {
					t.Errorf("get: %v", err)
					return
				}
				_, err = s.Update(ctx, "k", fmt.Appendf(bytes.Clone(e.Value), "%d", w), e.Revision)
				switch {
				case err == nil:
					n++
					mu.Lock()
					won[e.Revision]++
					mu.Unlock()
				case !errors.Is(err, store.ErrConflict):
					t.Errorf("update: %v", err)
					return
				}
			}
		})
	}
	all.Wait()
	e, err := s.Get(ctx, "k")
	if err != nil || len(e.Value) != writers*wins {
		t.Fatalf("%d of %d writes are in the value, %v", len(e.Value), writers*wins, err)
	}
	for w := range writers {
		if n := bytes.Count(e.Value, fmt.Appendf(nil, "%d", w)); n != wins {
			t.Errorf("writer %d is in the value %d times, want %d", w, n, wins)
		}
	}
	for revision, n := range won {
		if n != 1 {
			t.Errorf("revision %d was replaced %d times", revision, n)
		}
	}
}

func testCreateRace(t *testing.T, ctx context.Context, s store.Store) {
	const creators = 8
	for round := range 3 {
		var winners atomic.Int32
		var revision atomic.Uint64
		var all sync.WaitGroup
		for range creators {
			all.Go(func() {
				r, err := s.Create(ctx, "k", nil)
				if err == nil {
					winners.Add(1)
					revision.Store(r)
				} else if !errors.Is(err, store.ErrConflict) {
					t.Errorf("create: %v", err)
				}
			})
		}
		all.Wait()
		if n := winners.Load(); n != 1 {
			t.Fatalf("round %d: %d creates succeeded, want 1", round, n)
		}
		// The next round creates over what this leaves behind.
		if err := s.Delete(ctx, "k", revision.Load()); err != nil {
			t.Fatal(err)
		}
	}
}

func testContext(t *testing.T, ctx context.Context, s store.Store) {
	revision := create(t, ctx, s, "k", []byte("v"))
	ended, cancel := context.WithCancel(ctx)
	cancel()
	_, err := s.Get(ended, "k")
	wantError(t, "get", err, context.Canceled)
	_, err = s.List(ended, "")
	wantError(t, "list", err, context.Canceled)
	_, err = s.Create(ended, "other", nil)
	wantError(t, "create", err, context.Canceled)
	_, err = s.Update(ended, "k", nil, revision)
	wantError(t, "update", err, context.Canceled)
	wantError(t, "delete", s.Delete(ended, "k", revision), context.Canceled)
	wantError(t, "delete", s.Delete(ended, "k", revision), store.ErrUnavailable)
	wantError(t, "watch", s.Watch(ended, "", func(store.Change) error { return nil }), context.Canceled)

	// Nothing of it was done.
	entries, err := s.List(ctx, "")
	if err != nil || len(entries) != 1 || entries[0].Revision != revision {
		t.Errorf("afterwards: %v, %v", entries, err)
	}
}

func testClose(t *testing.T, ctx context.Context, s store.Store) {
	revision := create(t, ctx, s, "k", []byte("v"))
	w := watch(ctx, s, "")
	w.until(t, func(ch store.Change) bool { return ch.Settled })

	if err := s.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	wantError(t, "the watch that was running", w.result(t), store.ErrUnavailable)
	_, err := s.Get(ctx, "k")
	wantError(t, "get", err, store.ErrUnavailable)
	_, err = s.List(ctx, "")
	wantError(t, "list", err, store.ErrUnavailable)
	_, err = s.Create(ctx, "other", nil)
	wantError(t, "create", err, store.ErrUnavailable)
	_, err = s.Update(ctx, "k", nil, revision)
	wantError(t, "update", err, store.ErrUnavailable)
	wantError(t, "delete", s.Delete(ctx, "k", revision), store.ErrUnavailable)
	wantError(t, "watch", s.Watch(ctx, "", func(store.Change) error { return nil }), store.ErrUnavailable)
	if err := s.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
}

func create(t *testing.T, ctx context.Context, s store.Store, key string, value []byte) uint64 {
	t.Helper()
	revision, err := s.Create(ctx, key, value)
	if err != nil {
		t.Fatalf("create %.40s: %v", key, err)
	}
	return revision
}

func wantValue(t *testing.T, ctx context.Context, s store.Store, key, want string) {
	t.Helper()
	e, err := s.Get(ctx, key)
	if err != nil || string(e.Value) != want {
		t.Errorf("get %s: %q, %v; want %q", key, e.Value, err, want)
	}
}

func wantError(t *testing.T, doing string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: error %v, want %v", doing, err, want)
	}
}

func keysOf(changes []store.Change) []string {
	var keys []string
	for _, ch := range changes {
		keys = append(keys, ch.Key)
	}
	slices.Sort(keys)
	return keys
}
