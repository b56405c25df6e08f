package httpintegration

import (
	"container/list"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

// errRetired: the pool was dropped from the table of hosts between being found and being used.
var errRetired = errors.New("host is no longer known")

// pool holds the connections to one backend. A slot is the right to one connection, open or about to be; whoever has a
// slot gives it back with put, drop or free.
type pool struct {
	cfg       *Config
	addr      string      // host:port
	tlsConfig *tls.Config // nil for plain HTTP
	// dial, unless nil, opens connections instead of addr being dialled.
	dial        func(context.Context) (net.Conn, error)
	connectTime time.Duration // bound of connecting, TLS included

	mu      sync.Mutex
	idle    []*conn    // oldest first; the newest is used first, so that a quiet pool shrinks
	slots   int        // taken, those of idle connections included
	queue   *list.List // of *waiter, oldest first; empty while a connection is idle
	expiry  *time.Timer
	lastUse time.Time
	retired bool

	freshUntil time.Time     // until then every call gets a new connection; see hungUp
	freshFor   time.Duration // how long that was
}

// Bounds on how long connections to a backend that hangs up are not used again. Whoever closes a connection within soon of a
// reply does not keep it alive: keep-alive timeouts are longer.
const (
	soon     = time.Second
	maxFresh = time.Minute
)

// waiter is a call that waits for a slot. It gets an idle connection, or nil and the right to open one.
type waiter struct {
	ready  chan *conn // holds one
	served bool
}

func newPool(cfg *Config, addr string, tlsConfig *tls.Config) *pool {
	return &pool{cfg: cfg, addr: addr, tlsConfig: tlsConfig, connectTime: maxConnectTime, queue: list.New()}
}

// take returns a connection for one exchange.
func (p *pool) take(ctx context.Context, now, deadline time.Time) (*conn, error) {
	for {
		c, err := p.slot(ctx, now, deadline)
		if err != nil {
			return nil, err
		}
		if c == nil {
			return p.open(ctx, deadline)
		}
		at := time.Now()
		if c.fit(at, p.cfg.IdleTimeout) {
			c.reused = true
			return c, nil
		}
		p.hungUp(c, at)
		p.drop(c)
	}
}

func (p *pool) open(ctx context.Context, deadline time.Time) (*conn, error) {
	nc, err := dial(ctx, p, deadline)
	if err != nil {
		p.free()
		return nil, unconnected{err}
	}
	return newConn(p, nc), nil
}

// slot returns an idle connection, or nil with the right to open one, waiting for it if need be.
func (p *pool) slot(ctx context.Context, now, deadline time.Time) (*conn, error) {
	p.mu.Lock()
	if p.retired {
		p.mu.Unlock()
		return nil, errRetired
	}
	p.lastUse = now
	if n := len(p.idle); n > 0 {
		c := p.idle[n-1]
		p.idle[n-1] = nil
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return c, nil
	}
	if p.slots < p.cfg.MaxConnsPerHost {
		p.slots++
		p.mu.Unlock()
		return nil, nil
	}
	if p.queue.Len() >= p.cfg.MaxQueuePerHost {
		p.mu.Unlock()
		return nil, fmt.Errorf("no free connection to %s (%d in use, %d calls waiting)", p.addr, p.cfg.MaxConnsPerHost, p.cfg.MaxQueuePerHost)
	}
	w := &waiter{ready: make(chan *conn, 1)}
	place := p.queue.PushBack(w)
	p.mu.Unlock()
	return p.wait(ctx, w, place, deadline)
}

func (p *pool) wait(ctx context.Context, w *waiter, place *list.Element, deadline time.Time) (*conn, error) {
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	var cause error
	select {
	case c := <-w.ready:
		return c, nil
	case <-timer.C:
		cause = os.ErrDeadlineExceeded
	case <-ctx.Done():
		cause = ctx.Err()
	}
	p.mu.Lock()
	served := w.served
	if !served {
		p.queue.Remove(place)
	}
	p.mu.Unlock()
	if served { // too late: what came is for somebody else
		if c := <-w.ready; c != nil {
			p.put(c)
		} else {
			p.free()
		}
	}
	return nil, fmt.Errorf("no free connection to %s (%d in use): %w", p.addr, p.cfg.MaxConnsPerHost, cause)
}

// serve gives c (or, when nil, a slot) to the oldest waiter and reports whether there was one. p.mu is held.
func (p *pool) serve(c *conn) bool {
	first := p.queue.Front()
	if first == nil {
		return false
	}
	w := p.queue.Remove(first).(*waiter)
	w.served = true
	w.ready <- c
	return true
}

// hungUp notes that c, which has carried a reply, was found closed. Some backends hang up behind each reply without saying so.
// A request that meets the close on its way is lost, as nobody knows whether it was processed; so a backend that was caught
// gets a new connection for each call. After a while it is tried again (it may have been restarting), each time after longer.
func (p *pool) hungUp(c *conn, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if at.Sub(c.idleSince) >= soon || at.Before(p.freshUntil) {
		return
	}
	again := at.Sub(p.freshUntil) < soon+p.freshFor
	p.freshFor = min(max(2*p.freshFor, soon), maxFresh)
	if !again {
		p.freshFor = soon
	}
	p.freshUntil = at.Add(p.freshFor)
}

// put takes back a connection that can carry another request.
func (p *pool) put(c *conn) {
	now := time.Now()
	p.mu.Lock()
	if p.retired || now.Before(p.freshUntil) {
		p.mu.Unlock()
		p.drop(c)
		return
	}
	c.idleSince = now
	if !p.serve(c) {
		p.idle = append(p.idle, c)
		if p.expiry == nil {
			p.expiry = time.AfterFunc(p.cfg.IdleTimeout, p.expire)
		} else if len(p.idle) == 1 {
			p.expiry.Reset(p.cfg.IdleTimeout)
		}
	}
	p.mu.Unlock()
}

// drop closes a connection and frees its slot.
func (p *pool) drop(c *conn) {
	_ = c.Close()
	p.free()
}

// free gives back a slot that has no connection.
func (p *pool) free() {
	p.mu.Lock()
	if !p.serve(nil) {
		p.slots--
	}
	p.mu.Unlock()
}

// expire closes the connections that have been idle for too long. It is the timer's: it runs for moments and ends by itself.
func (p *pool) expire() {
	now := time.Now()
	p.mu.Lock()
	n := 0
	for n < len(p.idle) && now.Sub(p.idle[n].idleSince) >= p.cfg.IdleTimeout {
		n++
	}
	old := append([]*conn(nil), p.idle[:n]...)
	rest := copy(p.idle, p.idle[n:])
	clear(p.idle[rest:])
	p.idle = p.idle[:rest]
	if rest > 0 {
		p.expiry.Reset(p.cfg.IdleTimeout - now.Sub(p.idle[0].idleSince))
	}
	p.mu.Unlock()
	for _, c := range old {
		p.drop(c)
	}
}

// retire closes what is idle and turns new calls away. Unless force is set it refuses when calls are under way.
func (p *pool) retire(force bool) bool {
	p.mu.Lock()
	if !force && p.slots > len(p.idle) {
		p.mu.Unlock()
		return false
	}
	p.retired = true
	idle := p.idle
	p.idle = nil
	if p.expiry != nil {
		p.expiry.Stop()
	}
	p.mu.Unlock()
	for _, c := range idle {
		p.drop(c)
	}
	return true
}

func (p *pool) lastUsed() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lastUse
}
