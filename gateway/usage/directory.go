// Package usage knows which API keys may use which stages, how fast and how much: it keeps keys, usage plans and memberships in memory,
// gives each connection the terms of its key, and counts requests against quotas. What limits stages and accounts is not its business.
//
//	catalog ── changes ──▶ Directory ── Subscribe ──▶ Subscription (key × stage) ── atomic pointer ──▶ Terms (one plan's)
//	                                                                                                  ├ buckets (throttle)
//	                                                                                                  └ meter ──▶ ledger ──▶ store
//
// A message looks nothing up: its connection holds a Subscription, whose terms are replaced when a key, a plan or a membership
// changes. Buckets are kept while a connection holds them and until they are full again; meters, while a connection holds them
// and until what they counted is in the ledger.
//
// Source: reference sections 10 and 11.
package usage

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/throttle"
	"github.com/sockgate/sockgate/state/catalog"
	"github.com/sockgate/sockgate/state/store"
)

// Config is what a Directory works with.
type Config struct {
	Store store.Store // where counts are kept
	Clock func() time.Time
	// Revoked is told the id of each key that was deleted or disabled. It may be nil.
	Revoked func(keyID string)
	Log     *slog.Logger
}

// Directory is the view of keys and plans that the data path has. Its methods may be called by many goroutines.
type Directory struct {
	cfg    Config
	ledger *ledger
	ready  chan struct{}

	mu      sync.RWMutex
	known   map[string]version // by plan id + "/" + key id, one of which may be empty
	keys    map[string]*sockgate.APIKey
	values  map[[sha256.Size]byte]string // the key that has a value, by the value's hash
	plans   map[string]*plan
	members map[string]map[string]bool // the plans that a key is in
	subs    map[string]map[stageName]*Subscription
	buckets map[bucketName]*heldBucket
	meters  map[meterName]*meter
	idle    struct { // those of them that nobody holds
		buckets map[bucketName]*heldBucket
		meters  map[meterName]*meter
	}
}

// version is what is known of a document, so that news that come late undo nothing.
type version struct {
	revision uint64
	gone     bool
}

// plan is a usage plan, compiled. Its keys share what is in it.
type plan struct {
	*sockgate.UsagePlan
	quota  *quota
	rule   *throttle.Rule // of each key; nil: no limit
	stages map[stageName][]routeRule
}

type routeRule struct {
	route string
	rule  *throttle.Rule
}

func newPlan(p *sockgate.UsagePlan) *plan {
	c := &plan{UsagePlan: p, quota: newQuota(p), stages: make(map[stageName][]routeRule, len(p.Stages))}
	if p.Throttle != nil {
		c.rule = throttle.NewRule(*p.Throttle)
	}
	for _, s := range p.Stages {
		var rules []routeRule
		for route, limit := range s.Throttle {
			rules = append(rules, routeRule{route, throttle.NewRule(limit)})
		}
		c.stages[stageName{s.APIID, s.Stage}] = rules
	}
	return c
}

type stageName struct{ apiID, stage string }

// New returns a directory that knows nothing until WatchUsage tells it.
func New(c Config) *Directory {
	d := &Directory{
		cfg: c, ready: make(chan struct{}), ledger: newLedger(c.Store, rand.Text()[:8]),
		known: make(map[string]version), keys: make(map[string]*sockgate.APIKey), values: make(map[[sha256.Size]byte]string),
		plans: make(map[string]*plan), members: make(map[string]map[string]bool), subs: make(map[string]map[stageName]*Subscription),
		buckets: make(map[bucketName]*heldBucket), meters: make(map[meterName]*meter),
	}
	d.idle.buckets, d.idle.meters = make(map[bucketName]*heldBucket), make(map[meterName]*meter)
	return d
}

var _ catalog.UsageWatcher = (*Directory)(nil)

// Ready is closed once everything that was stored is known.
func (d *Directory) Ready() <-chan struct{} { return d.ready }

// Told takes a change that this process made, before whoever made it hears that it is done.
func (d *Directory) Told(_ context.Context, ch catalog.UsageChange) { d.apply(ch, false) }

// Changed takes a change from the store's watch.
func (d *Directory) Changed(ch catalog.UsageChange) error {
	d.apply(ch, true)
	return nil
}

// Settled implements catalog.UsageWatcher.
func (d *Directory) Settled() error {
	close(d.ready)
	return nil
}

// Broken implements catalog.UsageWatcher.
func (d *Directory) Broken(key string, err error) error {
	d.cfg.Log.Error("stored document cannot be read; it is as if it were not there", "key", key, "error", errors.Unwrap(err))
	return nil
}

func (d *Directory) apply(ch catalog.UsageChange, watched bool) {
	revoked := false
	d.mu.Lock()
	if d.isNews(ch, watched) {
		switch {
		case ch.PlanID == "":
			revoked = d.setKey(ch.KeyID, ch.Key)
		case ch.KeyID == "":
			d.setPlan(ch.PlanID, ch.Plan)
		default:
			d.setMember(ch.PlanID, ch.KeyID, ch.PlanKey)
		}
	}
	d.mu.Unlock()
	if revoked && d.cfg.Revoked != nil {
		d.cfg.Revoked(ch.KeyID)
	}
}

// isNews reports whether a change is newer than what is known. What is gone is remembered until the watch says so too: it may have
// older news on their way.
func (d *Directory) isNews(ch catalog.UsageChange, watched bool) bool {
	id := ch.PlanID + "/" + ch.KeyID
	was, seen := d.known[id]
	switch {
	case !ch.Gone():
		if ch.Revision <= was.revision {
			return false
		}
		d.known[id] = version{revision: ch.Revision}
		return true
	case ch.Revision < was.revision:
		return false
	case watched:
		delete(d.known, id)
	default:
		d.known[id] = version{ch.Revision, true}
	}
	return seen && !was.gone
}

// setKey reports whether the key was good, and is not any more.
func (d *Directory) setKey(id string, key *sockgate.APIKey) (revoked bool) {
	was := d.keys[id]
	if was != nil {
		if hash := sha256.Sum256([]byte(was.Value)); d.values[hash] == id {
			delete(d.values, hash)
		}
	}
	if key == nil {
		delete(d.keys, id)
	} else {
		d.keys[id] = key
		d.values[sha256.Sum256([]byte(key.Value))] = id
	}
	d.renew(id)
	return was != nil && was.Enabled && (key == nil || !key.Enabled)
}

func (d *Directory) setPlan(id string, p *sockgate.UsagePlan) {
	if p == nil {
		delete(d.plans, id)
	} else {
		d.plans[id] = newPlan(p)
	}
	for keyID := range d.subs {
		if d.members[keyID][id] {
			d.renew(keyID)
		}
	}
}

func (d *Directory) setMember(planID, keyID string, m *sockgate.PlanKey) {
	switch {
	case m == nil:
		delete(d.members[keyID], planID)
		if len(d.members[keyID]) == 0 {
			delete(d.members, keyID)
		}
	case d.members[keyID] == nil:
		d.members[keyID] = map[string]bool{planID: true}
	default:
		d.members[keyID][planID] = true
	}
	d.renew(keyID)
}

// renew gives a key's subscriptions the terms that they have now. d.mu is held.
func (d *Directory) renew(keyID string) {
	for _, s := range d.subs[keyID] {
		s.set(d.terms(keyID, s.at))
	}
}

// planFor returns the plan by which a key may use a stage, or nil. There should be one at most; of several, the first by its id.
func (d *Directory) planFor(keyID string, at stageName) (found *plan) {
	if key := d.keys[keyID]; key == nil || !key.Enabled {
		return nil
	}
	for id := range d.members[keyID] {
		p := d.plans[id]
		if p == nil || found != nil && found.ID < id {
			continue
		}
		if _, ok := p.stages[at]; ok {
			found = p
		}
	}
	return found
}

// find returns the key with the given value, or nil. d.mu is held.
func (d *Directory) find(value string) *sockgate.APIKey {
	id, ok := d.values[sha256.Sum256([]byte(value))]
	if !ok {
		return nil
	}
	key := d.keys[id]
	if key == nil || subtle.ConstantTimeCompare([]byte(key.Value), []byte(value)) != 1 {
		return nil
	}
	return key
}

// Enabled reports whether there is such a key, and it is enabled.
func (d *Directory) Enabled(keyID string) bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	key := d.keys[keyID]
	return key != nil && key.Enabled
}

// terms makes the terms of a key for a stage as they are now; nil when it may not use it. d.mu is held.
func (d *Directory) terms(keyID string, at stageName) *Terms {
	p := d.planFor(keyID, at)
	if p == nil {
		return nil
	}
	now := d.cfg.Clock()
	t := &Terms{PlanID: p.ID, quota: p.quota, directory: d, meter: d.holdMeter(meterName{p.ID, keyID})}
	if p.rule != nil {
		t.bucket = t.hold(bucketName{plan: p.ID, key: keyID}, p.rule, now)
	}
	for _, r := range p.stages[at] {
		t.routes = append(t.routes, routeBucket{r.route, t.hold(bucketName{p.ID, keyID, at, r.route}, r.rule, now)})
	}
	return t
}
