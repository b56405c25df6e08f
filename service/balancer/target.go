package balancer

import (
	"context"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sockgate/sockgate"
)

// Target is one server as this node sees it. Its methods may be called by many goroutines.
type Target struct {
	key    string // unique in this process, also over deregistration and registration
	label  string // for the operator: "10.0.0.5:8080 of target group orders"
	def    sockgate.Target
	host   string // empty for agents
	dialer func(context.Context) (net.Conn, error)
	// elsewhere dials any address, for checks on another port; nil for agents.
	elsewhere func(context.Context, string) (net.Conn, error)

	outstanding atomic.Int64
	condition   atomic.Uint32 // initial, healthy or unhealthy
	ejected     atomic.Bool
	draining    atomic.Bool
	settings    atomic.Pointer[sockgate.HealthCheck]
	wake        chan struct{} // holds one: check soon

	mu         sync.Mutex
	stop       context.CancelFunc // of its checks; nil when none run
	drainUntil time.Time
	passed     int // checks in a row
	failed     int
	problem    *failure // of the last check that failed
	checked    bool     // a check has ended
	open       map[*conn]struct{}
	gone       bool // connections are refused
}

const (
	initial uint32 = iota
	healthy
	unhealthy
)

// newTarget makes a target of a group. s.mu is held.
func (s *Service) newTarget(group string, d sockgate.Target) *Target {
	addr := address(d.ID, d.Port)
	t := s.bareTarget(d, addr+" of target group "+group)
	t.host, t.elsewhere = d.ID, s.cfg.Dial
	t.dialer = func(ctx context.Context) (net.Conn, error) { return s.cfg.Dial(ctx, addr) }
	return t
}

func (s *Service) bareTarget(d sockgate.Target, label string) *Target {
	s.serial++
	return &Target{key: "target " + strconv.FormatUint(s.serial, 10), label: label, def: d, wake: make(chan struct{}, 1), open: make(map[*conn]struct{})}
}

// Key names the target among all of this process, for pools of connections.
func (t *Target) Key() string { return t.key }

// String says which target it is, for the operator.
func (t *Target) String() string { return t.label }

// Dial opens a connection to the target, which is cut when the target has drained for long enough.
func (t *Target) Dial(ctx context.Context) (net.Conn, error) {
	nc, err := t.dialer(ctx)
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: nc, target: t}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.gone {
		_ = nc.Close()
		return nil, net.ErrClosed
	}
	t.open[c] = struct{}{}
	return c, nil
}

// Done ends what Pick began. unreachable says that no connection could be made: the target is set aside until a check passes.
// silent says that an answer did not come in time: the target is checked soon.
func (t *Target) Done(unreachable, silent bool) {
	t.outstanding.Add(-1)
	if unreachable {
		t.ejected.Store(true)
	}
	if unreachable || silent {
		t.checkSoon()
	}
}

func (t *Target) checkSoon() {
	select {
	case t.wake <- struct{}{}:
	default: // it is on its way
	}
}

// rank is how well off a target is: 0 is best.
func (t *Target) rank() int {
	switch c := t.condition.Load(); {
	case c == healthy && !t.ejected.Load():
		return 0
	case c == healthy, c == initial && !t.ejected.Load():
		return 1
	}
	return 2
}

// rest ends the checks of a target that nobody uses.
func (t *Target) rest() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stop == nil {
		return
	}
	t.stop()
	t.stop = nil
	t.condition.Store(initial)
	t.ejected.Store(false)
	t.passed, t.failed, t.problem, t.checked = 0, 0, nil, false
}

// retire ends checks and lets what is under way go on until the given time.
func (t *Target) retire(until time.Time) {
	t.rest()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.drainUntil.IsZero() {
		t.drainUntil = until
	}
	t.draining.Store(true)
}

// cut closes the target's connections, and refuses new ones.
func (t *Target) cut() {
	t.mu.Lock()
	open := t.open
	t.open, t.gone = nil, true
	t.mu.Unlock()
	for c := range open {
		_ = c.Conn.Close()
	}
}

// conn is a connection that its target knows of.
type conn struct {
	net.Conn
	target *Target
}

// Close closes the connection.
func (c *conn) Close() error {
	c.target.mu.Lock()
	delete(c.target.open, c)
	c.target.mu.Unlock()
	return c.Conn.Close()
}

// Stale reports whether a connection without a socket of its own, such as an agent's, must not be used again.
func (c *conn) Stale() bool {
	s, ok := c.Conn.(interface{ Stale() bool })
	return ok && s.Stale()
}

// SyscallConn is the inner connection's, where it has one.
func (c *conn) SyscallConn() (syscall.RawConn, error) {
	if s, ok := c.Conn.(syscall.Conn); ok {
		return s.SyscallConn()
	}
	return nil, syscall.ENOTSUP
}
