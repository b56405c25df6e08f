package view_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/sockgate/sockgate/state/store"
	"github.com/sockgate/sockgate/state/store/view"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func entry(key string, revision uint64) store.Entry {
	return store.Entry{Key: key, Value: fmt.Append(nil, revision), Revision: revision}
}

// told runs a watch that makes the changes once it has settled, and returns what it was told of them up to key "end".
func told(t *testing.T, v *view.View, changes func()) []string {
	t.Helper()
	var lines []string
	end := errors.New("end")
	settled := false
	err := v.Watch(t.Context(), "", func(ch store.Change) error {
		switch {
		case ch.Settled:
			settled = true
			changes() // all of them wait while fn is in here
		case ch.Key == "end":
			return end
		case settled && ch.Deleted:
			lines = append(lines, fmt.Sprintf("-%s@%d", ch.Key, ch.Revision))
		case settled:
			lines = append(lines, fmt.Sprintf("+%s@%d", ch.Key, ch.Revision))
		}
		return nil
	})
	if err != end {
		t.Fatalf("the watch ended with %v", err)
	}
	return lines
}

func TestWaitingChangesAreJoined(t *testing.T) {
	v := view.New()
	v.Put(entry("a", 1))
	got := told(t, v, func() {
		v.Put(entry("a", 2))
		v.Put(entry("b", 3))
		v.Put(entry("a", 4))
		v.Put(entry("c", 5))
		v.Remove("b", 6)
		v.Remove("never", 7)
		v.Put(entry("end", 8))
	})
	if diff := cmp.Diff([]string{"+a@4", "+c@5", "-b@6"}, got); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

func TestQueueIsBounded(t *testing.T) {
	v := view.New()
	v.Put(entry("known", 1))
	const many = 5000
	got := told(t, v, func() {
		revision := uint64(1)
		for i := range many {
			key := fmt.Sprintf("passing.%d", i)
			v.Put(entry(key, revision+1))
			v.Remove(key, revision+2)
			revision += 2
		}
		v.Remove("known", revision+1)
		v.Put(entry("end", revision+2))
	})
	if len(got) > 1100 {
		t.Errorf("%d changes were queued of %d documents that came and went", len(got), many)
	}
	if last := got[len(got)-1]; last != fmt.Sprintf("-known@%d", 2*many+2) {
		t.Errorf("the last change is %s", last)
	}
}

func TestReplaceTellsTheDifference(t *testing.T) {
	v := view.New()
	v.Put(entry("same", 1))
	v.Put(entry("old", 2))
	v.Put(entry("gone", 3))
	got := told(t, v, func() {
		v.Replace([]store.Entry{entry("new", 8), entry("same", 1), entry("old", 7), entry("end", 9)}, 9)
	})
	if diff := cmp.Diff([]string{"-gone@9", "+old@7", "+new@8"}, got); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	entries, err := v.List(t.Context(), "")
	if err != nil || len(entries) != 4 {
		t.Errorf("list: %v, %v", entries, err)
	}
}

func TestWait(t *testing.T) {
	v := view.New()
	v.Put(entry("a", 3))
	for _, revision := range []uint64{0, 2, 3} {
		if err := v.Wait(t.Context(), revision); err != nil {
			t.Errorf("wait for %d at 3: %v", revision, err)
		}
	}
	result := make(chan error)
	go func() { result <- v.Wait(t.Context(), 5) }()
	v.Put(entry("a", 4))
	v.Remove("a", 5)
	if err := <-result; err != nil {
		t.Errorf("wait for 5: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { result <- v.Wait(ctx, 6) }()
	cancel()
	if err := <-result; err != context.Canceled {
		t.Errorf("wait with a context that ends: %v", err)
	}
	go func() { result <- v.Wait(t.Context(), 6) }()
	v.Close()
	if err := <-result; !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("wait on a view that is closed: %v", err)
	}
}
