package httpintegration

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"
)

// Via leads requests to one of several places that serve the same host, such as the targets of a load balancer. The URI says what
// is asked of them: path, Host header and the name of the certificate.
type Via interface {
	// Pick chooses a place for one exchange, none of tried, which may be nil. port is the URI's. plain says that TLS is not spoken
	// to it whatever the URI's scheme. The error says why there is none, in words for the operator.
	Pick(port int, tried []Place) (p Place, plain bool, err error)
	// String names the way for the operator.
	String() string
}

// Place is one end of a Via. Each Pick is followed by one Done.
type Place interface {
	Key() string // unique in the process: connections are kept by it
	Dial(ctx context.Context) (net.Conn, error)
	// Done ends the exchange. unreachable: no connection could be made. silent: no answer came in time.
	Done(unreachable, silent bool)
	String() string
}

// maxPlaceConnectTime bounds connecting to one of several places: the next one may do better.
const maxPlaceConnectTime = 3 * time.Second

// maxTries bounds the places that one request goes to.
const maxTries = 16

// unconnected is an error of making a connection, before anything was sent.
type unconnected struct{ error }

func (u unconnected) Unwrap() error { return u.error }

// trip is the way of one request over places.
type trip struct {
	place Place // of the exchange under way; nil without a Via
	tried []Place
}

// connect returns a connection for one exchange. Of several places it tries one after the other, each at most once.
func (c *Client) connect(ctx context.Context, req *Request, t *trip, now, deadline time.Time) (*conn, error) {
	if req.Via == nil {
		return c.hosts.connect(ctx, req, now, deadline)
	}
	var last error
	for {
		place, plain, err := req.Via.Pick(req.Port, t.tried)
		if err != nil {
			if last != nil {
				return nil, fmt.Errorf("%s: tried %d targets; the last one: %w", req.Via, len(t.tried), last)
			}
			return nil, err
		}
		cn, err := c.hosts.connectTo(ctx, req, place, plain, now, deadline)
		if err == nil {
			t.place = place
			return cn, nil
		}
		unreachable := ctx.Err() == nil && time.Now().Before(deadline) && isUnreachable(err)
		place.Done(unreachable, isTimeout(err))
		if !unreachable {
			return nil, fmt.Errorf("%s: %w", req.Via, err)
		}
		if t.tried, last = append(t.tried, place), err; len(t.tried) >= maxTries {
			return nil, fmt.Errorf("%s: tried %d targets; the last one: %w", req.Via, len(t.tried), last)
		}
	}
}

// isUnreachable: a server whose certificate is not the wanted one was reached.
func isUnreachable(err error) bool {
	if _, ok := errors.AsType[unconnected](err); !ok {
		return false
	}
	_, wrong := errors.AsType[*wrongCertificate](err)
	return !wrong
}

// done ends the exchange with a place. dead says that it took a connection and not one byte over it.
func (t *trip) done(err error, dead bool) {
	if t.place == nil {
		return
	}
	t.place.Done(dead, err != nil && isTimeout(err))
	if dead {
		t.tried = append(t.tried, t.place)
	}
	t.place = nil
}

// wrongCertificate is the error of a server that proved to be another than the one that was asked for.
type wrongCertificate struct{ error }

func (w *wrongCertificate) Unwrap() error { return w.error }

// Dial connects as calls do: the addresses that backends may not have are refused.
func (c *Client) Dial(ctx context.Context, addr string) (net.Conn, error) {
	return dialTCP(ctx, &c.cfg, addr)
}

func (h *hosts) connectTo(ctx context.Context, req *Request, place Place, plain bool, now, deadline time.Time) (*conn, error) {
	table, key, name := &h.http, place.Key(), ""
	if req.Scheme == "https" && !plain {
		addr, err := dialAddr(req.Scheme, req.Host)
		if err != nil {
			return nil, err
		}
		if name = req.ServerName; name == "" {
			name, _, _ = net.SplitHostPort(addr)
		}
		table, key = &h.tls, key+"\x00"+name
	}
	for {
		found, ok := table.Load(key)
		if !ok {
			var tlsConfig *tls.Config
			if name != "" {
				tlsConfig = newTLSConfig(h.cfg, name)
			}
			p := newPool(h.cfg, place.String(), tlsConfig)
			p.dial, p.connectTime = place.Dial, maxPlaceConnectTime
			var err error
			if found, err = h.enter(table, key, p, now); err != nil {
				return nil, err
			}
		}
		c, err := found.(*pool).take(ctx, now, deadline)
		if err == nil || !errors.Is(err, errRetired) {
			return c, err
		}
	}
}
