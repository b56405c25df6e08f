package throttle

import (
	"sync"
	"time"

	"github.com/sockgate/sockgate"
)

// Routes keeps the buckets of stages' routes from one deployment to the next: a redeploy refills nothing.
type Routes struct {
	mu      sync.Mutex
	buckets map[place]*Bucket
}

type place struct{ apiID, stage, route string }

// NewRoutes returns an empty set.
func NewRoutes() *Routes { return &Routes{buckets: make(map[place]*Bucket)} }

// Bucket returns the bucket of a route of a stage, with the given limit from now on.
func (s *Routes) Bucket(apiID, stage, route string, t sockgate.Throttle, now time.Time) *Bucket {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := place{apiID, stage, route}
	b := s.buckets[at]
	if b == nil {
		b = New(t, now)
		s.buckets[at] = b
	}
	b.Set(NewRule(t), now)
	return b
}

// Keep forgets the buckets of a stage's routes, but for those that keep names.
func (s *Routes) Keep(apiID, stage string, keep func(route string) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for at := range s.buckets {
		if at.apiID == apiID && at.stage == stage && !keep(at.route) {
			delete(s.buckets, at)
		}
	}
}
