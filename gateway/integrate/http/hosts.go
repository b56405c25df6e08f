package httpintegration

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"
)

// forgetAfter is how long an unused backend is remembered at most once newer ones come.
const forgetAfter = 5 * time.Minute

// hosts is the table of known backends. Integration URIs may hold mapped values, so it is bounded: a new backend pushes
// out those that have not been used for longest.
type hosts struct {
	cfg  *Config
	http sync.Map // Host as in the request → *pool
	tls  sync.Map // Host, or Host NUL ServerName → *pool

	mu        sync.Mutex // guards additions and removals
	count     int
	lastSweep time.Time
	closed    bool
}

// connect returns a connection to req's backend, for one exchange.
func (h *hosts) connect(ctx context.Context, req *Request, now, deadline time.Time) (*conn, error) {
	table, key := &h.http, req.Host
	switch req.Scheme {
	case "http":
	case "https":
		table = &h.tls
		if req.ServerName != "" {
			key += "\x00" + req.ServerName
		}
	default:
		return nil, fmt.Errorf("scheme %q is neither http nor https", req.Scheme)
	}
	for {
		found, ok := table.Load(key)
		if !ok {
			var err error
			if found, err = h.add(table, key, req, now); err != nil {
				return nil, err
			}
		}
		c, err := found.(*pool).take(ctx, now, deadline)
		if err == nil || !errors.Is(err, errRetired) {
			return c, err
		}
	}
}

func (h *hosts) add(table *sync.Map, key string, req *Request, now time.Time) (any, error) {
	addr, err := dialAddr(req.Scheme, req.Host)
	if err != nil {
		return nil, err
	}
	var tlsConfig *tls.Config
	if req.Scheme == "https" {
		name := req.ServerName
		if name == "" {
			name, _, _ = net.SplitHostPort(addr)
		}
		tlsConfig = newTLSConfig(h.cfg, name)
	}
	return h.enter(table, key, newPool(h.cfg, strings.Clone(addr), tlsConfig), now)
}

// enter adds a backend, unless it was added meanwhile, and returns the one that is in the table.
func (h *hosts) enter(table *sync.Map, key string, p *pool, now time.Time) (any, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, errors.New("the gateway is shutting down")
	}
	if found, ok := table.Load(key); ok {
		return found, nil
	}
	if h.count >= h.cfg.MaxHosts || now.Sub(h.lastSweep) > forgetAfter {
		h.sweep(now)
	}
	if h.count >= h.cfg.MaxHosts {
		return nil, fmt.Errorf("calls to %d backends are under way, no more are taken", h.count)
	}
	p.lastUse = now
	table.Store(strings.Clone(key), p)
	h.count++
	return p, nil
}

// sweep forgets the backends that were not used lately and, when the table is full, the older quarter of it. h.mu is held.
func (h *hosts) sweep(now time.Time) {
	type entry struct {
		table   *sync.Map
		key     any
		pool    *pool
		lastUse time.Time
	}
	var all []entry
	for _, t := range []*sync.Map{&h.http, &h.tls} {
		for k, v := range t.Range {
			p := v.(*pool)
			all = append(all, entry{t, k, p, p.lastUsed()})
		}
	}
	slices.SortFunc(all, func(a, b entry) int { return a.lastUse.Compare(b.lastUse) })
	surplus := 0
	if h.count >= h.cfg.MaxHosts {
		surplus = h.cfg.MaxHosts/4 + 1
	}
	for _, e := range all {
		if surplus <= 0 && now.Sub(e.lastUse) < forgetAfter {
			break
		}
		if e.pool.retire(false) {
			e.table.Delete(e.key)
			h.count--
			surplus--
		}
	}
	h.lastSweep = now
}

func (h *hosts) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for _, t := range []*sync.Map{&h.http, &h.tls} {
		for k, v := range t.Range {
			v.(*pool).retire(true)
			t.Delete(k)
		}
	}
	h.count = 0
}
