package usage

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/sockgate/sockgate"
)

// day is a day in UTC, counted from 1970-01-01.
type day int

const daySeconds = 24 * 60 * 60

func dayOf(t time.Time) day {
	s := t.Unix()
	d := s / daySeconds
	if s%daySeconds < 0 {
		d--
	}
	return day(d)
}

func (d day) time() time.Time { return time.Unix(int64(d)*daySeconds, 0).UTC() }

// String returns "20260301", as documents are named.
func (d day) String() string { return d.time().Format("20060102") }

// quota is a plan's quota. Every plan has one: without a limit of its own its limit is never reached.
type quota struct {
	period        string
	limit, offset int64
	began         day // of the plan

	shared atomic.Pointer[window] // the latest: most keys have the same
}

// windowUntil returns a window, which keys without grants share.
func (q *quota) windowUntil(until, limit int64) *window {
	if w := q.shared.Load(); w != nil && w.until == until && w.limit == limit {
		return w
	}
	w := &window{quota: q, until: until, limit: limit}
	q.shared.Store(w)
	return w
}

func newQuota(p *sockgate.UsagePlan) *quota {
	if p.Quota == nil {
		return &quota{period: "DAY", limit: math.MaxInt64}
	}
	return &quota{period: p.Quota.Period, limit: int64(p.Quota.Limit), offset: int64(p.Quota.Offset), began: dayOf(p.CreatedAt)}
}

func (q *quota) unlimited() bool { return q.limit == math.MaxInt64 }

// around returns the period that d is in: its first day, and the first day of the next one. Weeks begin on Sunday (reference section 10).
func (q *quota) around(d day) (first, next day) {
	switch q.period {
	case "WEEK":
		const sunday = 3 // 1970-01-04
		first = d - ((d-sunday)%7+7)%7
		return first, first + 7
	case "MONTH":
		y, m, _ := d.time().Date()
		return dayOf(time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)), dayOf(time.Date(y, m+1, 1, 0, 0, 0, 0, time.UTC))
	}
	return d, d + 1
}

// in returns the limit in the period between two days. The offset is for the period in which the plan began, the first, partial one.
func (q *quota) in(first, next day) int64 {
	if q.began >= first && q.began < next {
		return max(0, q.limit-q.offset)
	}
	return q.limit
}

func parseDay(s string) (day, error) {
	t, err := time.Parse("20060102", s)
	return dayOf(t), err
}
