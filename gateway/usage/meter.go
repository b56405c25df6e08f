package usage

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// meter counts the requests of one key in one plan. Counting is one atomic word; days, periods and other nodes are seen to behind a
// lock, at a change of the day or of the plan and once a second.
type meter struct {
	used   atomic.Int64           // in the period of window, on all nodes, as far as is known
	window atomic.Pointer[window] // nil: to be found out

	plan, key string
	holders   int // guarded by the directory's mu
	ledger    *ledger

	mu          sync.Mutex
	today       day
	first, next day           // the period
	days        map[day]int64 // what the ledger has, from the day since on
	since       day
	counted     int64 // the days of the period together: what of used the ledger has
}

// window is what holds until the end of a day, or until the plan changes.
type window struct {
	quota *quota
	until int64 // Unix time
	limit int64
}

func (m *meter) at(q *quota, now time.Time) *window {
	if w := m.window.Load(); w != nil && w.quota == q && now.Unix() < w.until {
		return w
	}
	return m.turn(q, now)
}

// left reports whether anything is left of the quota.
func (m *meter) left(q *quota, now time.Time) bool {
	w := m.at(q, now) // before used: it may begin a period
	return m.used.Load() < w.limit
}

// count adds one, unless the limit is reached.
func (m *meter) count(q *quota, now time.Time) bool {
	w := m.at(q, now)
	for {
		n := m.used.Load()
		if n >= w.limit {
			return false
		}
		if m.used.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// turn opens the window that now is in.
func (m *meter) turn(q *quota, now time.Time) *window {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.settle()
	m.today = dayOf(now)
	m.first, m.next = q.around(m.today)
	m.load()
	var sum int64
	for d, n := range m.days {
		if d >= m.first && d < m.next {
			sum += n
		}
	}
	for { // requests go on being counted; those since settle are today's
		was := m.used.Load()
		if m.used.CompareAndSwap(was, sum+was-m.counted) {
			break
		}
	}
	m.counted = sum
	limit := q.in(m.first, m.next)
	if extra := m.ledger.extra(m.plan, m.key, q.period, m.first); !q.unlimited() {
		limit = max(0, min(limit, math.MaxInt64/2)+extra)
	}
	w := q.windowUntil(int64(m.today+1)*daySeconds, limit)
	m.window.Store(w)
	return w
}

// load reads the days of the period that are not known yet, and forgets older ones.
func (m *meter) load() {
	if m.days == nil || m.first < m.since {
		m.days = make(map[day]int64)
		for d := m.first; d <= m.today; d++ {
			if n := m.ledger.total(m.plan, m.key, d); n > 0 {
				m.days[d] = n
			}
		}
		m.since = m.first
		return
	}
	for d := range m.days {
		if d < m.first {
			delete(m.days, d)
		}
	}
	m.since = m.first
}

// settle hands the ledger what was counted since the last time. m.mu is held.
func (m *meter) settle() {
	n := m.used.Load() - m.counted
	if n <= 0 || m.days == nil {
		return
	}
	m.days[m.today] += n
	m.counted += n
	m.ledger.add(m.plan, m.key, m.today, n)
}

// report is settle for others.
func (m *meter) report() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.settle()
}

// settled reports whether the ledger has everything.
func (m *meter) settled() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.used.Load() == m.counted
}

// heard takes what the ledger has of a day, which another node may have added to.
func (m *meter) heard(d day) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.days == nil || d < m.since {
		return
	}
	more := m.ledger.total(m.plan, m.key, d) - m.days[d]
	m.days[d] += more
	if d >= m.first && d < m.next {
		m.counted += more
		m.used.Add(more)
	}
}
