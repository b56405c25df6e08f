package usage_test

import (
	"crypto/sha256"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/throttle"
	"github.com/sockgate/sockgate/gateway/usage"
	"github.com/sockgate/sockgate/state/catalog"
	"github.com/sockgate/sockgate/state/store/memory"
)

// limits is what one message passes: a plan's two buckets and its quota, a stage's bucket, the account's.
type limits struct {
	subs           []*usage.Subscription
	stage, account *throttle.Bucket
}

// newLimits has so many keys with an open connection each, in one plan.
func newLimits(b *testing.B, keys int) *limits {
	plenty := sockgate.Throttle{Burst: 1 << 30, Rate: 1e9}
	d := usage.New(usage.Config{Store: memory.New(), Clock: time.Now, Log: slog.New(slog.DiscardHandler)})
	l := &limits{stage: throttle.New(plenty, time.Now()), account: throttle.New(plenty, time.Now())}
	d.Told(b.Context(), catalog.UsageChange{PlanID: "p", Revision: 1, Plan: &sockgate.UsagePlan{
		ID: "p", Throttle: &plenty, Quota: &sockgate.Quota{Limit: 1 << 30, Period: "MONTH"},
		Stages: []sockgate.PlanStage{{APIID: "api", Stage: "dev", Throttle: map[string]sockgate.Throttle{"say": plenty}}},
	}})
	for i := range keys {
		id := fmt.Sprintf("key%07d", i)
		d.Told(b.Context(), catalog.UsageChange{KeyID: id, Revision: 1, Key: &sockgate.APIKey{ID: id, Value: value(id), Enabled: true}})
		d.Told(b.Context(), catalog.UsageChange{PlanID: "p", KeyID: id, Revision: 1, PlanKey: &sockgate.PlanKey{PlanID: "p", KeyID: id}})
		l.subs = append(l.subs, d.Subscribe(value(id), "api", "dev"))
		l.admit(l.subs[i], time.Now()) // as $connect does: a key's first request reads what it used before
	}
	return l
}

func (l *limits) admit(s *usage.Subscription, now time.Time) bool {
	terms := s.Terms()
	return terms.Take("say", now) == usage.None && l.stage.Take(now) && l.account.Take(now) && terms.Count(now)
}

func BenchmarkMessageWith100000Keys(b *testing.B) {
	l := newLimits(b, 100_000)
	i := 0
	for b.Loop() {
		if i++; !l.admit(l.subs[i*7919%len(l.subs)], time.Now()) {
			b.Fatal("refused")
		}
	}
}

// BenchmarkKeysUsedOnce fails when they leave buckets behind: go test -bench KeysUsedOnce -benchtime 1000000x.
func BenchmarkKeysUsedOnce(b *testing.B) { useOnce(b, b.N) }

func BenchmarkOneKey(b *testing.B) {
	l := newLimits(b, 1)
	for b.Loop() {
		if !l.admit(l.subs[0], time.Now()) {
			b.Fatal("refused")
		}
	}
}

// BenchmarkMessagesOfOneKeyBy64 is 64 connections of one key, with some work to each message: less than the gateway has with one.
func BenchmarkMessagesOfOneKeyBy64(b *testing.B) {
	l := newLimits(b, 1)
	body := make([]byte, 4<<10)
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			l.admit(l.subs[0], time.Now())
			sha256.Sum256(body)
		}
	})
}

// BenchmarkOneKeyBy64 is 64 connections of one key that do nothing else: the worst case.
func BenchmarkOneKeyBy64(b *testing.B) {
	l := newLimits(b, 1)
	b.SetParallelism(32)
	var refused atomic.Bool
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			// Twice, as the pipeline does: one that was kept waiting after it read the clock looks again.
			admitted := false
			for range 2 {
				admitted = admitted || l.admit(l.subs[0], time.Now())
			}
			if !admitted {
				refused.Store(true)
			}
		}
	})
	if refused.Load() {
		b.Fatal("refused")
	}
}
