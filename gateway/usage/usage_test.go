package usage_test

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/usage"
	"github.com/sockgate/sockgate/state/catalog"
	"github.com/sockgate/sockgate/state/store"
	"github.com/sockgate/sockgate/state/store/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a time that tests turn.
type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(0, c.at.Load()).UTC() }
func (c *clock) set(t time.Time)         { c.at.Store(t.UnixNano()) }
func (c *clock) advance(d time.Duration) { c.at.Add(int64(d)) }

// world is a store with a catalog, a clock, and directories over it.
type world struct {
	t testing.TB
	clock
	store   store.Store
	catalog *catalog.Catalog
	revoked []string
}

var start = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC) // a Wednesday

func newWorld(t testing.TB) *world {
	w := &world{t: t, store: memory.New()}
	w.set(start)
	w.catalog = catalog.New(w.store, nil)
	t.Cleanup(func() { w.store.Close() })
	return w
}

// node returns a directory that follows the store, and its catalog.
func (w *world) node() (*usage.Directory, *catalog.Catalog) {
	w.t.Helper()
	d := usage.New(usage.Config{Store: w.store, Clock: w.now, Log: slog.New(slog.DiscardHandler),
		Revoked: func(id string) { w.revoked = append(w.revoked, id) }})
	cat := catalog.New(w.store, nil)
	cat.OnUsage(d.Told)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = cat.WatchUsage(ctx, d) })
	wg.Go(func() { _ = d.Follow(ctx) })
	w.t.Cleanup(func() { cancel(); wg.Wait() })
	<-d.Ready()
	return d, cat
}

func value(id string) string { return "value-of-the-key-" + id }

func (w *world) key(cat *catalog.Catalog, id string) {
	w.t.Helper()
	w.ok(cat.CreateAPIKey(w.t.Context(), &sockgate.APIKey{ID: id, Value: value(id), Enabled: true}))
}

func (w *world) plan(cat *catalog.Catalog, p *sockgate.UsagePlan, keys ...string) {
	w.t.Helper()
	p.CreatedAt = w.now()
	if p.Stages == nil {
		p.Stages = []sockgate.PlanStage{{APIID: "api", Stage: "dev"}}
	}
	w.ok(cat.CreateUsagePlan(w.t.Context(), p))
	for _, k := range keys {
		w.ok(cat.AddPlanKey(w.t.Context(), &sockgate.PlanKey{PlanID: p.ID, KeyID: k}))
	}
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// ask makes one request, and returns what limits it; a key without terms is "forbidden".
func (w *world) ask(s *usage.Subscription, route string) string {
	terms := s.Terms()
	if terms == nil {
		return "forbidden"
	}
	switch terms.Take(route, w.now()) {
	case usage.KeyRoute:
		return "route"
	case usage.Key:
		return "key"
	case usage.Quota:
		return "quota"
	}
	if !terms.Count(w.now()) {
		return "quota"
	}
	return "ok"
}

// passes makes requests until one is refused.
func (w *world) passes(s *usage.Subscription) (n int, why string) {
	for ; n < 10000; n++ {
		if why = w.ask(s, "$default"); why != "ok" {
			return n, why
		}
	}
	return n, "nothing"
}

// used is GetUsage of one day.
func (w *world) used(d *usage.Directory, plan, key string, at time.Time) [2]int64 {
	w.t.Helper()
	days, err := d.Usage(w.t.Context(), plan, key, at, at)
	w.ok(err)
	return days[0]
}

func TestChangesTakeEffectOnTheNextRequest(t *testing.T) {
	w := newWorld(t)
	d, cat := w.node()
	w.key(cat, "k1")
	w.plan(cat, &sockgate.UsagePlan{ID: "p1"}, "k1")
	s := d.Subscribe(value("k1"), "api", "dev")
	defer s.Release()
	ctx := t.Context()
	change := func(edit func(*sockgate.UsagePlan)) {
		_, err := cat.ChangeUsagePlan(ctx, "p1", func(p *sockgate.UsagePlan) error { edit(p); return nil })
		w.ok(err)
	}
	enable := func(on bool) {
		_, err := cat.ChangeAPIKey(ctx, "k1", func(k *sockgate.APIKey) error { k.Enabled = on; return nil })
		w.ok(err)
	}
	for _, step := range []struct {
		name string
		do   func()
		want string
	}{
		{"begin", func() {}, "ok"},
		{"disabled", func() { enable(false) }, "forbidden"},
		{"enabled", func() { enable(true) }, "ok"},
		{"stopped by the plan", func() { change(func(p *sockgate.UsagePlan) { p.Throttle = &sockgate.Throttle{} }) }, "key"},
		{"stopped on the route", func() {
			change(func(p *sockgate.UsagePlan) {
				p.Throttle, p.Stages[0].Throttle = nil, map[string]sockgate.Throttle{"$default": {}}
			})
		}, "route"},
		{"a quota of less than was used", func() {
			change(func(p *sockgate.UsagePlan) {
				p.Stages[0].Throttle, p.Quota = nil, &sockgate.Quota{Limit: 1, Period: "DAY"}
			})
		}, "quota"},
		{"a larger quota", func() { change(func(p *sockgate.UsagePlan) { p.Quota.Limit = 100 }) }, "ok"},
		{"another stage", func() { change(func(p *sockgate.UsagePlan) { p.Stages[0].Stage = "prod" }) }, "forbidden"},
		{"the stage again", func() { change(func(p *sockgate.UsagePlan) { p.Stages[0].Stage = "dev" }) }, "ok"},
		{"taken out", func() { w.ok(cat.RemovePlanKey(ctx, "p1", "k1")) }, "forbidden"},
		{"put back", func() { w.ok(cat.AddPlanKey(ctx, &sockgate.PlanKey{PlanID: "p1", KeyID: "k1"})) }, "ok"},
		{"no plan", func() { w.ok(cat.DeleteUsagePlan(ctx, "p1")) }, "forbidden"},
		{"another plan", func() { w.plan(cat, &sockgate.UsagePlan{ID: "p2"}, "k1") }, "ok"},
		{"no key", func() { w.ok(cat.DeleteAPIKey(ctx, "k1")) }, "forbidden"},
	} {
		step.do()
		if got := w.ask(s, "$default"); got != step.want {
			t.Errorf("%s: %s, want %s", step.name, got, step.want)
		}
	}
	if fmt.Sprint(w.revoked) != "[k1 k1]" {
		t.Errorf("revoked: %v", w.revoked)
	}
	if s := d.Subscribe(value("k1"), "api", "dev"); s != nil {
		t.Error("a deleted key can be used")
	}
}

func TestNewsThatComeLate(t *testing.T) {
	w := newWorld(t)
	d := usage.New(usage.Config{Store: w.store, Clock: w.now, Log: slog.New(slog.DiscardHandler)})
	key := func(revision uint64, enabled bool) catalog.UsageChange {
		return catalog.UsageChange{KeyID: "k", Revision: revision, Key: &sockgate.APIKey{ID: "k", Value: value("k"), Enabled: enabled}}
	}
	gone := func(revision uint64) catalog.UsageChange { return catalog.UsageChange{KeyID: "k", Revision: revision} }
	there := func(want bool) {
		t.Helper()
		s := d.Subscribe(value("k"), "api", "dev")
		defer s.Release()
		if (s != nil) != want {
			t.Errorf("the key is there: %v", !want)
		}
	}
	d.Told(t.Context(), key(5, true))
	d.Told(t.Context(), gone(5))
	there(false)
	w.ok(d.Changed(key(5, true))) // the watch is behind
	there(false)
	w.ok(d.Changed(gone(6)))
	there(false)
	d.Told(t.Context(), key(9, true))
	w.ok(d.Changed(gone(7)))
	there(true)
}

func TestBucketsAreDroppedWhenFullAndUnused(t *testing.T) {
	w := newWorld(t)
	d, cat := w.node()
	w.plan(cat, &sockgate.UsagePlan{ID: "p", Throttle: &sockgate.Throttle{Burst: 2, Rate: 1}})
	const many = 200
	for i := range many {
		id := fmt.Sprintf("k%d", i)
		w.key(cat, id)
		w.ok(cat.AddPlanKey(t.Context(), &sockgate.PlanKey{PlanID: "p", KeyID: id}))
		s := d.Subscribe(value(id), "api", "dev")
		if n, why := w.passes(s); n != 2 || why != "key" {
			t.Fatalf("%d passed, then %s", n, why)
		}
		s.Release()
		s = d.Subscribe(value(id), "api", "dev") // at once again: nothing came back
		if n, _ := w.passes(s); n != 0 {
			t.Fatalf("%d passed after a reconnect", n)
		}
		s.Release()
	}
	w.ok(d.Flush(t.Context()))
	d.Sweep(w.now())
	if buckets, _ := d.Kept(); buckets != many {
		t.Errorf("%d buckets are kept before they are full, want %d", buckets, many)
	}
	w.advance(2 * time.Second)
	d.Sweep(w.now())
	if buckets, meters := d.Kept(); buckets+meters != 0 {
		t.Errorf("%d buckets and %d meters are kept for nobody", buckets, meters)
	}
}

func TestKeysThatWereUsedOnceLeaveNothing(t *testing.T) { useOnce(t, 10_000) }

// useOnce uses so many keys once each, a thousand a second, and checks that no more buckets are kept than those keys have that were used
// in the last seconds.
func useOnce(tb testing.TB, keys int) {
	d := usage.New(usage.Config{Store: memory.New(), Clock: func() time.Time { return start }, Log: slog.New(slog.DiscardHandler)})
	const perSecond = 1000
	limit := sockgate.Throttle{Burst: 2, Rate: 1}
	d.Told(tb.Context(), catalog.UsageChange{PlanID: "p", Revision: 1, Plan: &sockgate.UsagePlan{ID: "p", Throttle: &limit,
		Stages: []sockgate.PlanStage{{APIID: "api", Stage: "dev", Throttle: map[string]sockgate.Throttle{"say": limit}}}}})
	now, most := start, 0
	for i := range keys {
		id := strconv.Itoa(i)
		d.Told(tb.Context(), catalog.UsageChange{KeyID: id, Revision: 1, Key: &sockgate.APIKey{ID: id, Value: value(id), Enabled: true}})
		d.Told(tb.Context(), catalog.UsageChange{PlanID: "p", KeyID: id, Revision: 1, PlanKey: &sockgate.PlanKey{PlanID: "p", KeyID: id}})
		s := d.Subscribe(value(id), "api", "dev")
		if s.Terms().Take("say", now) != usage.None {
			tb.Fatalf("key %d is refused", i)
		}
		s.Release()
		if i%perSecond == perSecond-1 {
			now = now.Add(time.Second)
			d.Sweep(now)
			buckets, meters := d.Kept()
			most = max(most, buckets+meters)
		}
	}
	if most > 4*perSecond {
		tb.Errorf("up to %d buckets and meters were kept for %d keys a second", most, perSecond)
	}
}

func date(y int, m time.Month, d, hour int) time.Time {
	return time.Date(y, m, d, hour, 0, 0, 0, time.UTC)
}

func TestQuotaPeriods(t *testing.T) {
	last := func(y int, m time.Month, d int) time.Time { return date(y, m, d, 24).Add(-time.Nanosecond) }
	for _, tt := range []struct {
		name   string
		quota  sockgate.Quota
		begin  time.Time
		before time.Time // still the first period
		after  time.Time // the next one
		first  int
	}{
		{"day", sockgate.Quota{Limit: 5, Period: "DAY"}, date(2026, 3, 4, 12), last(2026, 3, 4), date(2026, 3, 5, 0), 5},
		{"day with offset", sockgate.Quota{Limit: 5, Offset: 2, Period: "DAY"}, date(2026, 3, 4, 12), last(2026, 3, 4), date(2026, 3, 5, 0), 3},
		{"week", sockgate.Quota{Limit: 5, Period: "WEEK"}, date(2026, 3, 4, 12), last(2026, 3, 7), date(2026, 3, 8, 0), 5},
		{"week that begins on its Sunday", sockgate.Quota{Limit: 5, Offset: 1, Period: "WEEK"}, date(2026, 3, 1, 0), last(2026, 3, 7), date(2026, 3, 8, 0), 4},
		{"week over a year's end", sockgate.Quota{Limit: 5, Period: "WEEK"}, date(2026, 12, 31, 1), last(2027, 1, 2), date(2027, 1, 3, 0), 5},
		{"month", sockgate.Quota{Limit: 5, Period: "MONTH"}, date(2026, 1, 31, 12), last(2026, 1, 31), date(2026, 2, 1, 0), 5},
		{"February", sockgate.Quota{Limit: 5, Period: "MONTH"}, date(2026, 2, 27, 12), last(2026, 2, 28), date(2026, 3, 1, 0), 5},
		{"leap day", sockgate.Quota{Limit: 5, Offset: 5, Period: "MONTH"}, date(2028, 2, 28, 12), last(2028, 2, 29), date(2028, 3, 1, 0), 0},
		{"offset over the limit", sockgate.Quota{Limit: 5, Offset: 9, Period: "DAY"}, date(2026, 3, 4, 12), last(2026, 3, 4), date(2026, 3, 5, 0), 0},
		{"before 1970", sockgate.Quota{Limit: 5, Period: "WEEK"}, date(1969, 12, 31, 12), last(1970, 1, 3), date(1970, 1, 4, 0), 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.set(tt.begin)
			d, cat := w.node()
			w.key(cat, "k")
			w.plan(cat, &sockgate.UsagePlan{ID: "p", Quota: &tt.quota}, "k")
			s := d.Subscribe(value("k"), "api", "dev")
			defer s.Release()
			if n, why := w.passes(s); n != tt.first || why != "quota" {
				t.Errorf("at first %d passed, then %s; want %d", n, why, tt.first)
			}
			w.set(tt.before)
			if n, _ := w.passes(s); n != 0 {
				t.Errorf("%d passed at the period's end", n)
			}
			w.set(tt.after)
			if n, _ := w.passes(s); n != tt.quota.Limit {
				t.Errorf("%d passed in the next period, want %d", n, tt.quota.Limit)
			}
			if got := w.used(d, "p", "k", tt.after); got != [2]int64{int64(tt.quota.Limit), 0} {
				t.Errorf("used, remaining: %v", got)
			}
		})
	}
}

func TestUsageByDay(t *testing.T) {
	w := newWorld(t)
	d, cat := w.node()
	w.key(cat, "k")
	w.plan(cat, &sockgate.UsagePlan{ID: "p", Quota: &sockgate.Quota{Limit: 10, Period: "WEEK"}}, "k")
	s := d.Subscribe(value("k"), "api", "dev")
	defer s.Release()
	for _, n := range []int{3, 0, 4, 2, 5} { // Wednesday to Sunday
		for range n {
			w.ask(s, "$default")
		}
		w.advance(24 * time.Hour)
	}
	days, err := d.Usage(t.Context(), "p", "k", start.AddDate(0, 0, -1), start.AddDate(0, 0, 5))
	w.ok(err)
	want := [][2]int64{{0, 10}, {3, 7}, {0, 7}, {4, 3}, {2, 1}, {5, 5}, {0, 5}}
	if fmt.Sprint(days) != fmt.Sprint(want) {
		t.Errorf("used and remaining: %v, want %v", days, want)
	}
	if _, err := d.Usage(t.Context(), "nope", "k", start, start); sockgate.KindOf(err) != sockgate.NotFound {
		t.Errorf("of no plan: %v", err)
	}
}

func TestGrants(t *testing.T) {
	w := newWorld(t)
	d, cat := w.node()
	w.key(cat, "k")
	w.plan(cat, &sockgate.UsagePlan{ID: "p", Quota: &sockgate.Quota{Limit: 4, Period: "DAY"}}, "k")
	w.plan(cat, &sockgate.UsagePlan{ID: "free", Stages: []sockgate.PlanStage{}})
	s := d.Subscribe(value("k"), "api", "dev")
	defer s.Release()
	w.passes(s)
	w.ok(d.SetRemaining(t.Context(), "p", "k", 3))
	if got := w.used(d, "p", "k", w.now()); got != [2]int64{4, 3} {
		t.Errorf("used, remaining: %v", got)
	}
	if n, _ := w.passes(s); n != 3 {
		t.Errorf("%d passed, 3 were granted", n)
	}
	w.ok(d.SetRemaining(t.Context(), "p", "k", 2))
	w.ok(d.SetRemaining(t.Context(), "p", "k", 0))
	if n, _ := w.passes(s); n != 0 {
		t.Errorf("%d passed, nothing remains", n)
	}
	w.advance(24 * time.Hour)
	if n, _ := w.passes(s); n != 4 {
		t.Errorf("%d passed on the next day, which has no grant", n)
	}
	if err := d.SetRemaining(t.Context(), "free", "k", 3); sockgate.KindOf(err) != sockgate.Invalid {
		t.Errorf("a grant without a quota: %v", err)
	}
}

// TestNodesAddToOneNumber: what one node counted is the other's too, after a flush.
func TestNodesAddToOneNumber(t *testing.T) {
	w := newWorld(t)
	d1, cat := w.node()
	w.key(cat, "k")
	w.plan(cat, &sockgate.UsagePlan{ID: "p", Quota: &sockgate.Quota{Limit: 100, Period: "MONTH"}}, "k")
	d2, _ := w.node()
	s1, s2 := d1.Subscribe(value("k"), "api", "dev"), d2.Subscribe(value("k"), "api", "dev")
	defer s1.Release()
	defer s2.Release()
	for range 3 {
		for range 10 {
			w.ask(s1, "$default")
			w.ask(s2, "$default")
		}
		w.ok(d1.Flush(t.Context()))
		w.ok(d2.Flush(t.Context()))
	}
	w.ok(d1.Flush(t.Context()))
	for i, d := range []*usage.Directory{d1, d2} {
		if got := w.used(d, "p", "k", w.now()); got != [2]int64{60, 40} {
			t.Errorf("node %d: used, remaining: %v", i+1, got)
		}
	}
	// Node 1 hears of node 2's counts from the store, or when it writes to the same page itself.
	w.ask(s1, "$default")
	w.ok(d1.Flush(t.Context()))
	if n, _ := w.passes(s1); n > 39 {
		t.Errorf("%d passed at node 1, 39 remained", n)
	}
}

func TestCountsSurviveANode(t *testing.T) {
	w := newWorld(t)
	d, cat := w.node()
	w.key(cat, "k")
	w.plan(cat, &sockgate.UsagePlan{ID: "p", Quota: &sockgate.Quota{Limit: 10, Period: "WEEK"}}, "k")
	s := d.Subscribe(value("k"), "api", "dev")
	for range 6 {
		w.ask(s, "$default")
	}
	s.Release()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	w.ok(d.Run(ctx)) // ends at once, with the last flush
	w.advance(24 * time.Hour)
	again, _ := w.node()
	s = again.Subscribe(value("k"), "api", "dev")
	defer s.Release()
	if n, why := w.passes(s); n != 4 || why != "quota" {
		t.Errorf("%d passed after a restart, then %s; want 4", n, why)
	}
}

// lossy is a store whose writes may fail, before or after they happened.
type lossy struct {
	store.Store
	before, after bool
}

func (l *lossy) write(do func() (uint64, error)) (uint64, error) {
	if l.before {
		return 0, store.ErrUnavailable
	}
	revision, err := do()
	if l.after {
		return 0, store.ErrUnavailable
	}
	return revision, err
}

func (l *lossy) Create(ctx context.Context, key string, v []byte) (uint64, error) {
	return l.write(func() (uint64, error) { return l.Store.Create(ctx, key, v) })
}

func (l *lossy) Update(ctx context.Context, key string, v []byte, r uint64) (uint64, error) {
	return l.write(func() (uint64, error) { return l.Store.Update(ctx, key, v, r) })
}

// TestCountsAreExactWhateverTheStoreDoes: over any mix of requests, flushes and failed writes of two nodes nothing is lost or counted
// twice, and no number that was shown goes back.
func TestCountsAreExactWhateverTheStoreDoes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := &lossy{Store: memory.New()}
		defer l.Close()
		w := &world{t: t, store: l}
		w.set(start)
		cat := catalog.New(l, nil)
		var nodes [2]*usage.Directory
		for i := range nodes {
			nodes[i] = usage.New(usage.Config{Store: l, Clock: w.now, Log: slog.New(slog.DiscardHandler)})
		}
		cat.OnUsage(func(ctx context.Context, ch catalog.UsageChange) {
			for _, d := range nodes {
				d.Told(ctx, ch)
			}
		})
		w.key(cat, "k")
		w.plan(cat, &sockgate.UsagePlan{ID: "p", Quota: &sockgate.Quota{Limit: 1 << 20, Period: "MONTH"}}, "k")
		var subs [2]*usage.Subscription
		for i, d := range nodes {
			subs[i] = d.Subscribe(value("k"), "api", "dev")
			defer subs[i].Release()
		}
		var asked, shown [2]int64
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			l.before, l.after = rapid.Bool().Draw(rt, "before"), rapid.Bool().Draw(rt, "after")
			i := rapid.IntRange(0, 1).Draw(rt, "node")
			for range rapid.IntRange(0, 3).Draw(rt, "requests") {
				w.ask(subs[i], "$default")
				asked[i]++
			}
			if rapid.Bool().Draw(rt, "flush") {
				_ = nodes[i].Flush(context.Background()) // fails, sometimes
			}
			for i, d := range nodes {
				n := w.used(d, "p", "k", w.now())[0]
				if n < shown[i] || n < asked[i] || n > asked[0]+asked[1] {
					rt.Fatalf("node %d: used %d, asked %v, shown before %v", i, n, asked, shown)
				}
				shown[i] = n
			}
		}
		l.before, l.after = false, false
		for _, d := range nodes {
			w.ok(d.Flush(context.Background()))
		}
		fresh := usage.New(usage.Config{Store: l, Clock: w.now, Log: slog.New(slog.DiscardHandler)})
		plan, err := cat.UsagePlan(context.Background(), "p")
		w.ok(err)
		fresh.Told(context.Background(), catalog.UsageChange{PlanID: "p", Plan: plan, Revision: 1})
		for _, d := range append(nodes[:], fresh) {
			if n := w.used(d, "p", "k", w.now())[0]; n != asked[0]+asked[1] {
				rt.Fatalf("at the end %d, asked %v", n, asked)
			}
		}
	})
}

// TestCountsAreWrittenOnceASecond: what a kill can take is a second's counts.
func TestCountsAreWrittenOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		cat := catalog.New(w.store, nil)
		d := usage.New(usage.Config{Store: w.store, Clock: w.now, Log: slog.New(slog.DiscardHandler)})
		cat.OnUsage(d.Told)
		w.key(cat, "k")
		w.plan(cat, &sockgate.UsagePlan{ID: "p"}, "k")
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { w.ok(d.Run(ctx)) })
		s := d.Subscribe(value("k"), "api", "dev")
		for second := 1; second <= 3; second++ {
			w.ask(s, "$default")
			time.Sleep(time.Second)
			synctest.Wait()
			pages, err := w.store.List(ctx, "usage.count.")
			w.ok(err)
			if want := fmt.Sprintf(`"used":{"k":%d}`, second); len(pages) != 1 || !strings.Contains(string(pages[0].Value), want) {
				t.Errorf("after second %d the store has %+v, not %s", second, pages, want)
			}
		}
		s.Release()
		cancel()
		wg.Wait()
	})
}

func TestOldCountsAreRemoved(t *testing.T) {
	w := newWorld(t)
	d, cat := w.node()
	w.key(cat, "k")
	w.plan(cat, &sockgate.UsagePlan{ID: "p", Quota: &sockgate.Quota{Limit: 10, Period: "DAY"}}, "k")
	s := d.Subscribe(value("k"), "api", "dev")
	defer s.Release()
	w.ask(s, "$default")
	w.ok(d.SetRemaining(t.Context(), "p", "k", 3))
	w.ok(d.Flush(t.Context()))
	stopped, cancel := context.WithCancel(context.Background())
	cancel()
	kept := func() int {
		w.ok(d.Prune(t.Context()))
		w.ok(d.Run(stopped))
		entries, err := w.store.List(t.Context(), "usage.")
		w.ok(err)
		return len(entries)
	}
	if n := kept(); n != 2 {
		t.Errorf("%d documents, want a page and a grant", n)
	}
	w.advance(100 * 24 * time.Hour)
	if n := kept(); n != 1 {
		t.Errorf("%d documents after 100 days, want the page", n)
	}
	w.advance(400 * 24 * time.Hour)
	if n := kept(); n != 0 {
		t.Errorf("%d documents after 500 days", n)
	}
}

func TestManyAskAtOnce(t *testing.T) {
	w := newWorld(t)
	d, cat := w.node()
	w.key(cat, "k")
	w.plan(cat, &sockgate.UsagePlan{ID: "p", Quota: &sockgate.Quota{Limit: 1000, Period: "DAY"}}, "k")
	var passed atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			s := d.Subscribe(value("k"), "api", "dev")
			defer s.Release()
			n, _ := w.passes(s)
			passed.Add(int64(n))
		})
	}
	for range 20 {
		w.ok(d.Flush(t.Context()))
		_, err := cat.ChangeUsagePlan(t.Context(), "p", func(p *sockgate.UsagePlan) error { p.Description += "x"; return nil })
		w.ok(err)
	}
	wg.Wait()
	if passed.Load() != 1000 {
		t.Errorf("%d passed a quota of 1000", passed.Load())
	}
	if got := w.used(d, "p", "k", w.now()); got != [2]int64{1000, 0} {
		t.Errorf("used, remaining: %v", got)
	}
}
