package usage

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/state/store"
)

// flushEvery is how often counts are written: what a kill can take is what was counted in that time.
const flushEvery = time.Second

// lastFlush bounds the flush at the end.
const lastFlush = 2 * time.Second

// Run writes counts to the store and forgets what is not used, until ctx ends and the last counts are written.
func (d *Directory) Run(ctx context.Context) error {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	failing, pruned := false, day(0)
	flush := func(ctx context.Context) {
		err := d.Flush(ctx)
		switch {
		case err != nil && !failing:
			d.cfg.Log.Error("usage counts could not be written; they are kept for the next attempt", "error", err)
		case err == nil && failing:
			d.cfg.Log.Info("usage counts are written again")
		}
		failing = err != nil
	}
	for {
		now := d.cfg.Clock()
		if today := dayOf(now); today != pruned {
			if err := d.Prune(ctx); err != nil && ctx.Err() == nil {
				d.cfg.Log.Warn("old usage counts could not be removed", "error", err)
			}
			pruned = today
		}
		select {
		case <-tick.C:
			flush(ctx)
			d.Sweep(d.cfg.Clock())
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastFlush)
			defer cancel()
			flush(last)
			return nil
		}
	}
}

// Follow takes what other nodes count, until ctx ends.
func (d *Directory) Follow(ctx context.Context) error {
	err := d.cfg.Store.Watch(ctx, ledgerPrefix, func(ch store.Change) error {
		if at, ok := d.ledger.heard(ch); ok {
			d.heard(at)
		} else if name, ok := strings.CutPrefix(ch.Key, grantPrefix); ok {
			if planID, keyID, ok := strings.Cut(name, "."); ok {
				d.granted(planID, keyID)
			}
		}
		return nil
	})
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// Prune removes counts and grants that nobody can ask for any more. Run does so once a day.
func (d *Directory) Prune(ctx context.Context) error {
	return d.ledger.prune(ctx, dayOf(d.cfg.Clock()))
}

// Flush writes what was counted to the store.
func (d *Directory) Flush(ctx context.Context) error {
	for _, m := range d.metersThat(func(meterName) bool { return true }) {
		m.report()
	}
	others, err := d.ledger.flush(ctx)
	for _, at := range others {
		d.heard(at)
	}
	return err
}

func (d *Directory) heard(at pageKey) {
	for _, m := range d.metersThat(func(n meterName) bool { return n.plan == at.plan && pageOf(n.plan, n.key, at.day) == at }) {
		m.heard(at.day)
	}
}

func (d *Directory) metersThat(match func(meterName) bool) []*meter {
	d.mu.RLock()
	defer d.mu.RUnlock()
	var found []*meter
	for name, m := range d.meters {
		if match(name) {
			found = append(found, m)
		}
	}
	return found
}

// granted lets a key's meter look for its grant.
func (d *Directory) granted(planID, keyID string) {
	d.mu.RLock()
	m := d.meters[meterName{planID, keyID}]
	d.mu.RUnlock()
	if m != nil {
		m.window.Store(nil)
	}
}

// Usage returns, for each day from one to another, both included, how many requests a key used, and how many of the plan's quota remained to
// it at the day's end: 0 without a quota. Days are told by their date in UTC. Errors: NotFound for a plan that there is not.
func (d *Directory) Usage(_ context.Context, planID, keyID string, from, to time.Time) ([][2]int64, error) {
	q, err := d.reported(planID, keyID)
	if err != nil {
		return nil, err
	}
	var days [][2]int64
	var used, limit int64
	next := day(math.MinInt)
	for at := dayOf(from); at <= dayOf(to); at++ {
		if at >= next {
			var first day
			first, next = q.around(at)
			limit = q.in(first, next) + d.ledger.extra(planID, keyID, q.period, first)
			used = 0
			for before := first; before < at; before++ {
				used += d.ledger.total(planID, keyID, before)
			}
		}
		n := d.ledger.total(planID, keyID, at)
		used += n
		one := [2]int64{n, 0}
		if !q.unlimited() {
			one[1] = max(0, limit-used)
		}
		days = append(days, one)
	}
	return days, nil
}

// reported returns a plan's quota, after what a key's meter counted is in the ledger.
func (d *Directory) reported(planID, keyID string) (*quota, error) {
	d.mu.RLock()
	p, m := d.plans[planID], d.meters[meterName{planID, keyID}]
	d.mu.RUnlock()
	if p == nil {
		return nil, sockgate.NotFoundf("Invalid Usage Plan ID specified")
	}
	if m != nil {
		m.report()
	}
	return p.quota, nil
}

// SetRemaining sets what remains to a key in the current period. Errors: Invalid for a plan without a quota, NotFound, Unavailable.
func (d *Directory) SetRemaining(ctx context.Context, planID, keyID string, remaining int64) error {
	q, err := d.reported(planID, keyID)
	if err != nil {
		return err
	}
	if q.unlimited() {
		return sockgate.Invalidf("Usage Plan %s does not have a quota", planID)
	}
	if remaining < 0 || remaining > math.MaxInt32 {
		return sockgate.Invalidf("Usage remaining must be a non-negative numeric")
	}
	today := dayOf(d.cfg.Clock())
	first, next := q.around(today)
	var used int64
	for at := first; at <= today; at++ {
		used += d.ledger.total(planID, keyID, at)
	}
	err = d.ledger.grant(ctx, planID, keyID, grant{Period: q.period, First: first.String(), Extra: remaining + used - q.in(first, next)})
	if err != nil {
		return unavailable(err)
	}
	d.granted(planID, keyID)
	return nil
}

func unavailable(err error) error {
	cause := fmt.Errorf("store a grant: %w", err)
	if errors.Is(err, store.ErrConflict) {
		return sockgate.Conflictf("Unable to complete operation due to concurrent modification. Please try again later.").Because(cause)
	}
	return sockgate.Unavailablef("The configuration store cannot take the request now. Please try again later.").Because(cause)
}
