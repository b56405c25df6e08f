package usage

import (
	"time"

	"github.com/sockgate/sockgate/gateway/throttle"
)

// bucketName names a bucket: of a key in a plan, or of those on one route of a stage.
type bucketName struct {
	plan, key string
	at        stageName
	route     string
}

type meterName struct{ plan, key string }

// heldBucket is a bucket and how many terms hold it. The directory's mu guards it, but not the bucket.
type heldBucket struct {
	*throttle.Bucket
	name    bucketName
	holders int
}

// hold returns a bucket that t holds until it is released. The directory's mu is held.
func (t *Terms) hold(name bucketName, rule *throttle.Rule, now time.Time) *throttle.Bucket {
	d := t.directory
	h := d.buckets[name]
	if h == nil {
		h = &heldBucket{Bucket: rule.Bucket(now), name: name}
		d.buckets[name] = h
	}
	h.Set(rule, now)
	h.holders++
	delete(d.idle.buckets, name)
	t.held = append(t.held, h)
	return h.Bucket
}

func (d *Directory) holdMeter(name meterName) *meter {
	m := d.meters[name]
	if m == nil {
		m = &meter{plan: name.plan, key: name.key, ledger: d.ledger}
		d.meters[name] = m
	}
	m.holders++
	delete(d.idle.meters, name)
	return m
}

func (d *Directory) releaseMeter(m *meter) {
	if m.holders--; m.holders == 0 {
		d.idle.meters[meterName{m.plan, m.key}] = m
	}
}

// release gives up what t holds. The directory's mu is held.
func (t *Terms) release() {
	d := t.directory
	for _, h := range t.held {
		if h.holders--; h.holders == 0 {
			d.idle.buckets[h.name] = h
		}
	}
	d.releaseMeter(t.meter)
}

// Sweep forgets the buckets that nobody holds and that are full again, and the meters that nobody holds and that have nothing to tell.
// Run does so once a second.
func (d *Directory) Sweep(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name, h := range d.idle.buckets {
		if h.Full(now) {
			delete(d.idle.buckets, name)
			delete(d.buckets, name)
		}
	}
	for name, m := range d.idle.meters {
		if m.settled() {
			delete(d.idle.meters, name)
			delete(d.meters, name)
		}
	}
}

// Kept returns how many buckets and meters are in memory.
func (d *Directory) Kept() (buckets, meters int) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return len(d.buckets), len(d.meters)
}
