package runtime

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/sockgate/sockgate"
)

// function is the pool of one function: all processes that are not ending, of whatever version.
type function struct {
	name string

	mu         sync.Mutex
	idle       []*process // the one used last is the last
	busy       int        // calls that have, or are starting, a process
	generation uint64     // processes of an earlier one are not used again
	gone       bool       // another one takes its place

	waiting []*waiter // calls for which there was no place, the first comer first
	heldUp  int       // bytes of their payloads
}

// waiter is a call that waits for a place. ready is closed when it has got one, which busy then counts already.
type waiter struct {
	ready chan struct{}
	size  int
}

// Bounds of the calls of one function that wait because all of its processes are busy. Lambda would start more processes, up to
// a thousand; here a call waits for one instead, but not for long and not in any number.
const (
	maxWaiting      = 1000
	maxWaitingBytes = 64 << 20
	maxWait         = 30 * time.Second
)

// seat is one of a function's places, which a call holds.
type seat struct {
	*function
	generation uint64
}

// function returns the named function's pool.
func (p *Pools) function(name string) *function {
	if f, ok := p.functions.Load(name); ok {
		return f.(*function)
	}
	f, _ := p.functions.LoadOrStore(name, &function{name: name})
	return f.(*function)
}

// acquire reserves one of the function's places for a call with a payload of that size, and a waiting process of the right kind if
// there is one. When all places are taken, a call of a function with reserved concurrency is refused, as on AWS, and another
// waits. release or drop gives the place back. Errors: Throttled, Unavailable, Timeout.
func (p *Pools) acquire(ctx context.Context, s *Spec, size int) (seat, *process, error) {
	for {
		f := p.function(s.FunctionName)
		f.mu.Lock()
		if p.closed.Load() {
			f.mu.Unlock()
			return seat{}, nil, sockgate.Unavailablef("The gateway is shutting down.")
		}
		if f.gone {
			f.mu.Unlock()
			continue
		}
		limit := p.limit(s)
		if f.busy < limit {
			f.busy++
		} else if err := f.wait(ctx, s.Concurrency > 0, size); err != nil { // unlocks meanwhile
			f.mu.Unlock()
			return seat{}, nil, err
		} else if p.closed.Load() {
			f.leave()
			f.mu.Unlock()
			return seat{}, nil, sockgate.Unavailablef("The gateway is shutting down.")
		}
		p.work.Add(1)
		proc, useless := f.take(s.ID, p.config.Clock(), limit)
		held := seat{f, f.generation}
		f.mu.Unlock()
		p.endAll(useless)
		return held, proc, nil
	}
}

// limit is how many processes the function may have.
func (p *Pools) limit(s *Spec) int {
	if s.Concurrency > 0 {
		return s.Concurrency
	}
	return p.config.MaxConcurrency
}

// wait lets a call wait for a place. f is locked when it is called and when it returns, and not in between.
func (f *function) wait(ctx context.Context, reserved bool, size int) error {
	if reserved {
		return throttled(ErrReservedConcurrency)
	}
	if len(f.waiting) >= maxWaiting || f.heldUp+size > maxWaitingBytes {
		return throttled(ErrConcurrency)
	}
	w := &waiter{ready: make(chan struct{}), size: size}
	f.waiting = append(f.waiting, w)
	f.heldUp += size
	f.mu.Unlock()
	timer := time.NewTimer(maxWait)
	defer timer.Stop()
	var err error
	select {
	case <-w.ready:
		f.mu.Lock()
		return nil
	case <-timer.C:
		err = throttled(ErrConcurrency)
	case <-ctx.Done():
		err = leftEarly(ctx.Err())
	}
	f.mu.Lock()
	if i := slices.Index(f.waiting, w); i >= 0 {
		f.waiting = slices.Delete(f.waiting, i, i+1)
		f.heldUp -= size
	} else {
		f.leave() // the place came at the same moment
	}
	return err
}

func throttled(reason error) error {
	return &sockgate.Error{Kind: sockgate.Throttled, Message: "Rate Exceeded.", Cause: reason}
}

// leave gives a place to the call that has waited longest, or back. f is locked.
func (f *function) leave() {
	if len(f.waiting) == 0 {
		f.busy--
		return
	}
	w := f.waiting[0]
	f.waiting = slices.Delete(f.waiting, 0, 1)
	f.heldUp -= w.size
	close(w.ready)
}

// take removes the waiting process that was used last, and those that are of no use: ended ones, ones whose keys are about
// to expire, and when a process must be started, the oldest beyond the limit.
func (f *function) take(id string, now time.Time, limit int) (found *process, useless []*process) {
	for i := len(f.idle) - 1; i >= 0 && found == nil; i-- {
		proc := f.idle[i]
		if proc.spec.ID != id {
			continue
		}
		f.idle = slices.Delete(f.idle, i, i+1)
		if proc.usable(now) {
			found = proc
		} else {
			useless = append(useless, proc)
		}
	}
	for found == nil && len(f.idle) > 0 && f.busy+len(f.idle) > limit {
		useless = append(useless, f.idle[0])
		f.idle = slices.Delete(f.idle, 0, 1)
	}
	return found, useless
}

// release gives the place of a call back, and with it the process for the next one.
func (p *Pools) release(held seat, proc *process) {
	now := p.config.Clock()
	proc.busy.Store(false)
	held.mu.Lock()
	keep := held.generation == held.function.generation && !p.closed.Load() && proc.usable(now)
	if keep {
		proc.idleSince = now
		held.idle = append(held.idle, proc)
	}
	held.leave()
	held.mu.Unlock()
	if !keep {
		p.endAll([]*process{proc})
	}
	p.work.Done()
}

// drop gives the place of a call back whose process has ended, or never was.
func (p *Pools) drop(held seat) {
	held.mu.Lock()
	held.leave()
	held.mu.Unlock()
	p.work.Done()
}

// retire empties the function's pool. Busy processes find out when they are released. An unused pool is gone for good.
func (p *Pools) retire(f *function) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.generation++
	p.endAll(f.idle) // under the lock, so that Close does not overlook them
	f.idle = nil
	if f.gone = f.busy == 0; f.gone {
		p.functions.CompareAndDelete(f.name, f)
	}
}

// expire removes the processes that have waited since before, and those that are of no use any more.
func (f *function) expire(before, now time.Time) (expired []*process) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.idle = slices.DeleteFunc(f.idle, func(proc *process) bool {
		old := !proc.idleSince.After(before) || !proc.usable(now)
		if old {
			expired = append(expired, proc)
		}
		return old
	})
	return expired
}
