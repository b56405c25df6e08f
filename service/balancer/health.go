package balancer

import (
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/sockgate/sockgate"
)

// How checks are spaced beside their interval. A target that is new, or was set aside, is looked at more often, so that a restart
// of a backend is over when it is; such checks count for a new target, and for others only end its being set aside.
const (
	firstSpacing   = 250 * time.Millisecond // after a failure, then twice as long each time
	initialSpacing = time.Second            // of a target's first checks
)

// DeregistrationDelay is how long a group's targets may finish what they have under way.
func DeregistrationDelay(g *sockgate.TargetGroup) time.Duration {
	n, err := strconv.Atoi(g.Attributes["deregistration_delay.timeout_seconds"])
	if err != nil || n < 0 {
		return DefaultDeregistrationDelay
	}
	return time.Duration(n) * time.Second
}

// check starts a target's checks, unless they run. s.mu is held.
func (s *Service) check(t *Target) {
	if s.running == nil || s.running.Err() != nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stop != nil {
		return
	}
	ctx, cancel := context.WithCancel(s.running)
	t.stop = cancel
	s.checks.Go(func() { s.keepChecking(ctx, t) })
}

// keepChecking checks a target until ctx ends, which its being retired or Run's end does.
func (s *Service) keepChecking(ctx context.Context, t *Target) {
	var regular time.Time // of the next check that counts
	spacing := firstSpacing
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-t.wake:
			if !pause(ctx, min(firstSpacing, t.settings.Load().Interval)) { // what many calls ask for at once is one check
				return
			}
		}
		h := t.settings.Load()
		began := time.Now()
		counts := !began.Before(regular) || t.condition.Load() == initial
		select {
		case s.slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		problem := t.probe(ctx, h)
		<-s.slots
		if ctx.Err() != nil {
			return
		}
		s.observe(t, h, problem, counts)
		if !began.Before(regular) {
			regular = began.Add(jitter(h.Interval))
		}
		wait := time.Until(regular)
		switch {
		case problem == nil:
			spacing = firstSpacing
		case t.condition.Load() == initial:
			wait = min(wait, initialSpacing)
		case t.ejected.Load() && t.condition.Load() == healthy:
			wait = min(wait, jitter(spacing))
			spacing = min(2*spacing, h.Interval)
		}
		timer.Reset(max(wait, 0))
	}
}

// jitter spreads checks that were begun together: up to a tenth less.
func jitter(d time.Duration) time.Duration { return d - time.Duration(rand.Int64N(int64(d)/10+1)) }

func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// observe draws the conclusions from a check.
func (s *Service) observe(t *Target, h *sockgate.HealthCheck, problem *failure, counts bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stop == nil { // it was retired meanwhile
		return
	}
	t.checked = true
	was := t.condition.Load()
	if problem == nil {
		t.failed = 0
		if counts {
			t.passed++
		}
		t.ejected.Store(false)
		// UNCONFIRMED for Network Load Balancers: the first check that passes makes a new target healthy, as with Application
		// Load Balancers.
		if was == initial || was == unhealthy && t.passed >= h.Healthy {
			t.condition.Store(healthy)
			t.problem = nil
			s.cfg.Log.Info("target is healthy", "target", t.label)
		}
		return
	}
	t.passed, t.problem = 0, problem
	if problem.unreachable {
		if !t.ejected.Swap(true) && was == healthy {
			s.cfg.Log.Warn("target cannot be reached; set aside until a check passes", "target", t.label, "error", problem.cause)
		}
	}
	if counts {
		t.failed++
	}
	if was != unhealthy && t.failed >= h.Unhealthy {
		t.condition.Store(unhealthy)
		s.cfg.Log.Warn("target is unhealthy", "target", t.label, "why", problem.description, "error", problem.cause)
	}
}

// nudge lets Run look for the next end of a draining. s.mu is held.
func (s *Service) nudge() {
	select {
	case s.expiry <- struct{}{}:
	default:
	}
}

// expire cuts what has drained for long enough, and returns how long to wait before the next time.
func (s *Service) expire(now time.Time) (next time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next = s.forgetAgents(now)
	over := func(t *Target) bool {
		left := t.drainUntil.Sub(now)
		if left > 0 {
			next = min(next, left)
			return false
		}
		t.cut()
		return true
	}
	for key, t := range s.targets {
		if t.draining.Load() && over(t) {
			delete(s.targets, key)
		}
	}
	s.leaving = slices.DeleteFunc(s.leaving, over)
	return next
}
