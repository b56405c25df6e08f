package throttle_test

import (
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/throttle"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func limit(burst int, rate float64) sockgate.Throttle {
	return sockgate.Throttle{Burst: burst, Rate: rate}
}

// drain takes until nothing is left.
func drain(b *throttle.Bucket, now time.Time) (n int) {
	for n < 1_000_000 && b.Take(now) {
		n++
	}
	return n
}

func TestTake(t *testing.T) {
	for _, tt := range []struct {
		name        string
		limit       sockgate.Throttle
		first       int
		after       time.Duration
		second      int
		full, later bool // full again right after, and after a day
	}{
		{"burst, then rate", limit(5, 10), 5, 300 * time.Millisecond, 3, false, true},
		{"no more than the burst comes back", limit(5, 10), 5, time.Hour, 5, false, true},
		{"slow", limit(1, 0.001), 1, 999 * time.Second, 0, false, true},
		{"slow and due", limit(1, 0.001), 1, 1000 * time.Second, 1, false, true},
		{"burst of zero", limit(0, 10), 0, time.Hour, 0, true, true},
		{"rate of zero", limit(10, 0), 0, time.Hour, 0, true, true},
		{"negative", limit(-1, -1), 0, time.Hour, 0, true, true},
		{"not a number", limit(1, math.NaN()), 0, time.Hour, 0, true, true},
		{"very slow and very large", limit(math.MaxInt32, 1e-300), 1, time.Hour, 0, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := throttle.New(tt.limit, start)
			if got := drain(b, start); got != tt.first {
				t.Errorf("at first %d passed, want %d", got, tt.first)
			}
			if b.Full(start) != tt.full {
				t.Errorf("full: %v", !tt.full)
			}
			if got := drain(b, start.Add(tt.after)); got != tt.second {
				t.Errorf("after %v %d passed, want %d", tt.after, got, tt.second)
			}
			if b.Full(start.Add(tt.after+24*time.Hour)) != tt.later {
				t.Errorf("full a day later: %v", !tt.later)
			}
		})
	}
}

func TestNilHasNoLimit(t *testing.T) {
	var b *throttle.Bucket
	if !b.Take(start) {
		t.Error("refused")
	}
	b.Give()
}

func TestGive(t *testing.T) {
	b := throttle.New(limit(2, 1), start)
	drain(b, start)
	b.Give()
	if got := drain(b, start); got != 1 {
		t.Errorf("%d passed after one was given back", got)
	}
	// Given back late, it does not make room for more than the bucket holds.
	b.Give()
	if got := drain(b, start.Add(time.Hour)); got != 2 {
		t.Errorf("%d passed from a bucket of 2", got)
	}
}

func TestSet(t *testing.T) {
	for _, tt := range []struct {
		name   string
		from   sockgate.Throttle
		take   int
		to     sockgate.Throttle
		passes int
		second int // one second later
	}{
		{"the same", limit(5, 1), 3, limit(5, 1), 2, 1},
		{"larger: nothing is refilled", limit(5, 1), 5, limit(100, 1), 0, 1},
		{"smaller: what is over is lost", limit(100, 1), 10, limit(5, 1), 5, 1},
		{"faster", limit(5, 1), 5, limit(5, 4), 0, 4},
		{"slower", limit(5, 4), 3, limit(5, 1), 2, 1},
		{"stopped", limit(5, 1), 0, limit(0, 0), 0, 0},
		{"let go", limit(0, 0), 0, limit(5, 1), 5, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := throttle.New(tt.from, start)
			for range tt.take {
				b.Take(start)
			}
			b.Set(throttle.NewRule(tt.to), start)
			if b.Limit() != tt.to {
				t.Errorf("Limit: %+v", b.Limit())
			}
			if got := drain(b, start); got != tt.passes {
				t.Errorf("%d passed, want %d", got, tt.passes)
			}
			if got := drain(b, start.Add(time.Second)); got != tt.second {
				t.Errorf("a second later %d passed, want %d", got, tt.second)
			}
		})
	}
}

// TestNeverMoreNeverFewer holds a bucket against a plain count of tokens, over any schedule of requests and changes of the clock.
func TestNeverMoreNeverFewer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		burst := rapid.IntRange(1, 20).Draw(t, "burst")
		rate := rapid.Float64Range(0.01, 1e6).Draw(t, "rate")
		b := throttle.New(limit(burst, rate), start)
		now, tokens, passed := start, float64(burst), 0
		for range rapid.IntRange(1, 200).Draw(t, "requests") {
			gap := time.Duration(rapid.Float64Range(0, 3).Draw(t, "gap") / rate * float64(time.Second))
			now = now.Add(gap)
			tokens = math.Min(float64(burst), tokens+rate*gap.Seconds())
			took := b.Take(now)
			const slack = 1e-3 // nanoseconds are rounded
			if took && tokens < 1-slack {
				t.Fatalf("passed with %v tokens", tokens)
			}
			if !took && tokens > 1+slack {
				t.Fatalf("refused with %v tokens", tokens)
			}
			if took {
				passed++
				tokens--
			}
			if most := float64(burst) + rate*now.Sub(start).Seconds(); float64(passed) > most+1e-6*most {
				t.Fatalf("%d passed in %v, at most %v may", passed, now.Sub(start), most)
			}
		}
	})
}

// TestClockThatGoesBack: a bucket is never emptier than empty, whatever the clock did.
func TestClockThatGoesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		burst := rapid.IntRange(1, 5).Draw(t, "burst")
		b := throttle.New(limit(burst, 10), start)
		now := start
		for range rapid.IntRange(1, 50).Draw(t, "requests") {
			now = now.Add(time.Duration(rapid.Int64Range(-int64(time.Hour), int64(time.Hour)).Draw(t, "gap")))
			b.Take(now)
		}
		now = now.Add(-2 * time.Minute) // no taker is so late
		drain(b, now)
		if got := drain(b, now.Add(100*time.Millisecond)); got != 1 {
			t.Fatalf("%d passed after the time of one token", got)
		}
	})
}

// TestTakersThatAreLate: times that were read before a wait, such as that for an authorizer, bring no tokens back.
func TestTakersThatAreLate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		burst := rapid.IntRange(1, 5).Draw(t, "burst")
		rate := rapid.Float64Range(0.1, 1e4).Draw(t, "rate")
		b := throttle.New(limit(burst, rate), start)
		now, passed := start.Add(time.Minute), 0
		for range rapid.IntRange(1, 100).Draw(t, "requests") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(10*time.Millisecond)).Draw(t, "gap")))
			late := time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "late"))
			spent := b.Spent(now.Add(-late))
			if took := b.Take(now.Add(-late)); took {
				passed++
			} else if late == 0 && !spent {
				t.Fatal("refused by a bucket that is not spent")
			} else if took == spent {
				t.Fatalf("spent: %v, took: %v", spent, took)
			}
		}
		if most := float64(burst) + rate*now.Sub(start).Seconds(); float64(passed) > most+1e-6*most {
			t.Fatalf("%d passed, at most %v may", passed, most)
		}
		drain(b, now)
		for range 20 {
			if b.Take(now.Add(-time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "late")))) || b.Take(now) {
				t.Fatal("a late taker refilled an empty bucket")
			}
		}
	})
}

func TestManyTakersGetWhatThereIs(t *testing.T) {
	b := throttle.New(limit(1000, 1e-3), start)
	var passed atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				if b.Take(start) {
					passed.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if passed.Load() != 1000 {
		t.Errorf("%d passed, want 1000", passed.Load())
	}
}

func TestRoutes(t *testing.T) {
	r := throttle.NewRoutes()
	b := r.Bucket("a", "dev", "join", limit(1, 1), start)
	b.Take(start)
	if again := r.Bucket("a", "dev", "join", limit(1, 1), start); again != b || again.Take(start) {
		t.Error("a redeploy made another bucket, or refilled it")
	}
	if other := r.Bucket("a", "prod", "join", limit(1, 1), start); other == b {
		t.Error("two stages share a bucket")
	}
	r.Keep("a", "dev", func(string) bool { return false })
	if again := r.Bucket("a", "dev", "join", limit(1, 1), start); again == b {
		t.Error("a bucket outlived its stage")
	}
}

func BenchmarkTake(b *testing.B) {
	bucket := throttle.New(limit(1<<30, 1e9), start)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			bucket.Take(start)
		}
	})
}
