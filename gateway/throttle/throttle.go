// Package throttle keeps requests under a rate: token buckets for accounts, stages, routes and API keys. It does not know what it
// limits, nor what the refused are told.
//
// A bucket is one word, the time at which it will be full again if nothing more is taken (the generic cell rate algorithm). Taking a
// token moves that time on by the time that one token needs to come back; it is refused when the bucket would need longer than
// an empty one does. There is no lock, no timer and nothing to refill.
package throttle

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockgate/sockgate"
)

// Bucket is one token bucket. Its methods may be called by many goroutines. A nil *Bucket has no limit.
type Bucket struct {
	began time.Time // times are kept since then, so that they have a monotonic clock behind them
	full  atomic.Int64
	rule  atomic.Pointer[Rule]

	setting sync.Mutex // one Set at a time
}

// Rule is a limit, worked out. Buckets with the same limit may share one, which keeps what many buckets read in one place in memory.
type Rule struct {
	limit  sockgate.Throttle
	token  int64 // for one token to come; 0 when nothing may pass
	bucket int64 // for an empty bucket to be full
}

// maxTime bounds how long a bucket may take to fill: 73 years, so that sums do not overflow.
const maxTime = math.MaxInt64 / 4

// NewRule returns the rule of a limit. A limit whose burst or rate is zero or less lets nothing pass.
func NewRule(t sockgate.Throttle) *Rule {
	r := &Rule{limit: t}
	if t.Burst <= 0 || !(t.Rate > 0) {
		return r
	}
	// Rounded up: a limit may be missed by a billionth part, but is never passed. One token a nanosecond is the fastest.
	token := math.Max(1, math.Ceil(float64(time.Second)/t.Rate))
	r.token = int64(math.Min(token, maxTime))
	r.bucket = int64(math.Min(float64(r.token)*float64(t.Burst), maxTime))
	return r
}

// New returns a bucket that is full at now.
func New(t sockgate.Throttle, now time.Time) *Bucket { return NewRule(t).Bucket(now) }

// Bucket returns a bucket that is full at now.
func (r *Rule) Bucket(now time.Time) *Bucket {
	b := &Bucket{began: now}
	b.rule.Store(r)
	return b
}

// maxLate is how much older than others' a taker's time may be: one that was read before a wait. What is older still, is a clock that was
// set back.
const maxLate = int64(time.Minute)

// Take takes a token, or reports that there is none. A taker whose time is older than others' refills nothing. When the clock was set
// back, by more than a minute, the bucket is empty at worst.
func (b *Bucket) Take(now time.Time) bool {
	if b == nil {
		return true
	}
	r := b.rule.Load()
	if r.token == 0 {
		return false
	}
	at := int64(now.Sub(b.began))
	for {
		was := b.full.Load()
		empty := at + r.bucket
		switch full := max(was, at) + r.token; {
		case was > empty+maxLate: // or it would let nothing pass for as long as the clock was set back
			b.full.CompareAndSwap(was, empty)
			return false
		case full > empty:
			return false
		case b.full.CompareAndSwap(was, full):
			return true
		}
	}
}

// Spent reports whether there is no token to take. It writes nothing, so that buckets can be looked at together before any is taken from.
func (b *Bucket) Spent(now time.Time) bool {
	if b == nil {
		return false
	}
	r := b.rule.Load()
	at := int64(now.Sub(b.began))
	full := b.full.Load()
	late := full > at+r.bucket+maxLate // Take settles that
	return r.token == 0 || !late && max(full, at)+r.token > at+r.bucket
}

// Give puts back a token that was taken for what was then refused elsewhere.
func (b *Bucket) Give() {
	if b != nil {
		b.full.Add(-b.rule.Load().token)
	}
}

// Set changes the limit, not the level: what was taken stays taken, and a smaller bucket spills. A bucket that let nothing pass
// begins full.
func (b *Bucket) Set(r *Rule, now time.Time) {
	b.setting.Lock()
	defer b.setting.Unlock()
	old := b.rule.Load()
	if old.limit == r.limit {
		return
	}
	at := int64(now.Sub(b.began))
	for {
		was := b.full.Load()
		full := at
		if old.token > 0 && r.token > 0 {
			missing := min(max(was-at, 0), old.bucket)
			level := min(float64(old.bucket-missing)/float64(old.token), float64(r.limit.Burst))
			full = at + r.bucket - int64(level*float64(r.token))
		}
		if b.full.CompareAndSwap(was, full) {
			b.rule.Store(r)
			return
		}
	}
}

// Limit returns what the bucket was last set to.
func (b *Bucket) Limit() sockgate.Throttle { return b.rule.Load().limit }

// Full reports whether the bucket is as good as a new one.
func (b *Bucket) Full(now time.Time) bool {
	return b.full.Load() <= int64(now.Sub(b.began))
}
