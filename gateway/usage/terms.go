package usage

import (
	"sync/atomic"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/throttle"
)

// Subscription is the use of one stage by one key. All connections of the two share it.
type Subscription struct {
	Key       sockgate.APIKeyUse
	directory *Directory
	at        stageName
	holders   int // guarded by the directory's mu
	terms     atomic.Pointer[Terms]
}

// Subscribe returns the subscription of the key with the given value to a stage, which the caller must Release. It is nil when
// there is no such key. A key that may not use the stage has a subscription without terms.
func (d *Directory) Subscribe(value, apiID, stage string) *Subscription {
	if value == "" {
		return nil
	}
	at := stageName{apiID, stage}
	d.mu.Lock()
	defer d.mu.Unlock()
	key := d.find(value)
	if key == nil {
		return nil
	}
	s := d.subs[key.ID][at]
	if s == nil {
		s = &Subscription{Key: sockgate.APIKeyUse{ID: key.ID, Value: key.Value}, directory: d, at: at}
		s.set(d.terms(key.ID, at))
		if d.subs[key.ID] == nil {
			d.subs[key.ID] = make(map[stageName]*Subscription)
		}
		d.subs[key.ID][at] = s
	}
	s.holders++
	return s
}

// Terms returns what holds for the key at the stage now; nil when it may not use it. They are good for one request.
func (s *Subscription) Terms() *Terms {
	if s == nil {
		return nil
	}
	return s.terms.Load()
}

// Release ends one holder's use.
func (s *Subscription) Release() {
	if s == nil {
		return
	}
	d := s.directory
	d.mu.Lock()
	defer d.mu.Unlock()
	if s.holders--; s.holders > 0 {
		return
	}
	s.set(nil)
	delete(d.subs[s.Key.ID], s.at)
	if len(d.subs[s.Key.ID]) == 0 {
		delete(d.subs, s.Key.ID)
	}
}

// set replaces the terms. The directory's mu is held.
func (s *Subscription) set(t *Terms) {
	if old := s.terms.Swap(t); old != nil {
		old.release()
	}
}

// Terms are what a plan grants a key at a stage. They are never changed; newer ones take their place.
type Terms struct {
	routes    []routeBucket    // few: 20 at most (reference section 10)
	bucket    *throttle.Bucket // nil: no limit
	meter     *meter
	quota     *quota
	PlanID    string
	directory *Directory
	held      []*heldBucket
}

type routeBucket struct {
	route  string
	bucket *throttle.Bucket
}

// Limit names one of a plan's limits. None is no limit.
type Limit uint8

// The limits of a plan, in the order in which they are asked.
const (
	None     Limit = iota
	KeyRoute       // the key's on one route
	Key            // the key's over all stages
	Quota          // the key's in a period
)

// Take takes one request's tokens, and returns the limit that refuses them: None, KeyRoute, Key, or Quota when nothing is left of that. A
// request that is admitted must be counted (Count), one that another limit refuses given back (Give).
func (t *Terms) Take(route string, now time.Time) Limit {
	r := t.route(route)
	// First a look at all: they are far apart in memory and come at once, while taking from one would wait for it.
	used, noRoute, noKey := !t.meter.left(t.quota, now), r.Spent(now), t.bucket.Spent(now)
	switch {
	case used:
		return Quota
	case noRoute || !r.Take(now):
		return KeyRoute
	case noKey || !t.bucket.Take(now):
		r.Give()
		return Key
	}
	return None
}

// Give gives back what Take took.
func (t *Terms) Give(route string) {
	t.route(route).Give()
	t.bucket.Give()
}

// Count adds a request to the key's count, unless its quota is used up. What was counted is never taken back.
func (t *Terms) Count(now time.Time) bool { return t.meter.count(t.quota, now) }

// Limit returns the burst and rate of one of the plan's throttles, for logs.
func (t *Terms) Limit(which Limit, route string) sockgate.Throttle {
	if b := t.bucket; which == Key && b != nil {
		return b.Limit()
	}
	if b := t.route(route); which == KeyRoute && b != nil {
		return b.Limit()
	}
	return sockgate.Throttle{}
}

// Quota returns the plan's quota, for logs: requests and period.
func (t *Terms) Quota() (limit int64, period string) { return t.quota.limit, t.quota.period }

func (t *Terms) route(key string) *throttle.Bucket {
	for i := range t.routes {
		if t.routes[i].route == key {
			return t.routes[i].bucket
		}
	}
	return nil
}
