package lazycontext_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockgate/sockgate/internal/lazycontext"
)

type name struct{}

// TestLikeStandard takes the same steps with a context of this package and with a standard one, whether or not somebody has
// asked for Done or made a child before the end comes.
func TestLikeStandard(t *testing.T) {
	ends := map[string]func(end, endParent func()){
		"nothing":           func(_, _ func()) {},
		"end":               func(end, _ func()) { end() },
		"end twice":         func(end, _ func()) { end(); end() },
		"parent":            func(_, endParent func()) { endParent() },
		"deadline":          func(_, _ func()) { time.Sleep(time.Minute) },
		"deadline, end":     func(end, _ func()) { time.Sleep(time.Minute); end() },
		"parent's deadline": func(_, _ func()) { time.Sleep(time.Hour) },
	}
	type state struct {
		err, cause, child error
		done              bool
		value             any
	}
	for what, finish := range ends {
		for _, timeout := range []time.Duration{0, 30 * time.Second, 2 * time.Hour} {
			for _, early := range []bool{false, true} {
				synctest.Test(t, func(t *testing.T) {
					run := func(derive func(context.Context) (context.Context, func())) (got state) {
						parent, endParent := context.WithTimeout(context.WithValue(t.Context(), name{}, "n"), time.Hour-time.Second)
						defer endParent()
						c, end := derive(parent)
						defer end()
						child, endChild := c, func() {}
						if early {
							var cancel context.CancelFunc
							child, cancel = context.WithCancel(c)
							endChild = cancel
						}
						finish(end, endParent)
						synctest.Wait()
						got.err, got.value = c.Err(), c.Value(name{})
						select {
						case <-c.Done():
							got.done = true
						default:
						}
						got.child, got.cause = child.Err(), context.Cause(c)
						if again := c.Err(); again != got.err {
							t.Errorf("the error was %v and is %v", got.err, again)
						}
						endChild()
						return got
					}
					standard := run(func(p context.Context) (context.Context, func()) {
						if timeout == 0 {
							return context.WithCancel(p)
						}
						return context.WithTimeout(p, timeout)
					})
					lazy := run(func(p context.Context) (context.Context, func()) {
						c := lazycontext.New(p, time.Time{})
						if timeout > 0 {
							c = lazycontext.New(p, time.Now().Add(timeout))
						}
						return c, c.End
					})
					if lazy != standard {
						t.Errorf("%s, timeout %v, early %v:\n got %+v\nwant %+v", what, timeout, early, lazy, standard)
					}
				})
			}
		}
	}
}

func TestDeadline(t *testing.T) {
	now := time.Now()
	parent, cancel := context.WithDeadline(t.Context(), now.Add(time.Hour))
	defer cancel()
	for want, given := range map[time.Duration]time.Duration{time.Minute: time.Minute, time.Hour: 2 * time.Hour} {
		if at, ok := lazycontext.New(parent, now.Add(given)).Deadline(); !ok || !at.Equal(now.Add(want)) {
			t.Errorf("%v: got %v", given, at.Sub(now))
		}
	}
	if at, ok := lazycontext.New(t.Context(), time.Time{}).Deadline(); ok {
		t.Errorf("got %v", at)
	}
}

// A child of one that was asked for nothing yet costs no goroutine: package context finds a standard context behind it.
func TestChildEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := lazycontext.New(t.Context(), time.Time{})
		child, cancel := context.WithCancel(c)
		defer cancel()
		c.End()
		<-child.Done()
		if child.Err() != context.Canceled {
			t.Error(child.Err())
		}
	})
}
