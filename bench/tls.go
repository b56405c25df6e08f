package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// tlsHost is the name that the benchmark's clients ask for; its certificate is the local authority's.
const tlsHost = "bench.execute-api.localhost"

// tlsCallers make handshakes at the same time.
const tlsCallers = 16

// encrypted measures TLS: handshakes, with sessions that are resumed and without, each with a request behind it, which brings the session's
// ticket, and the memory that idle connections hold. The load generator does half of the work of a handshake on the same cores.
func encrypted(ctx context.Context, g *gateway, n int, d time.Duration, rounds int) error {
	for _, kind := range []struct {
		name    string
		version uint16
		resume  bool
	}{{"TLS 1.3, resumed", tls.VersionTLS13, true}, {"TLS 1.2, resumed", tls.VersionTLS12, true}, {"TLS 1.3, full", tls.VersionTLS13, false}} {
		var best rate
		var own time.Duration // what the gateway's part takes
		for range rounds {
			began := cpuOf(g.cmd.Process.Pid)
			r, err := g.handshakeRate(ctx, kind.version, kind.resume, d)
			if err != nil {
				return fmt.Errorf("%s: %w", kind.name, err)
			}
			if spent := time.Duration(float64(cpuOf(g.cmd.Process.Pid)-began) / (r.perSecond * d.Seconds())); own == 0 || spent < own {
				own = spent
			}
			best = better(best, r)
		}
		report("handshakes, "+kind.name, "%.0f/s; %v of processor time each, of which the gateway's %v (%.0f/s on 2 cores)", best.perSecond, best.cpu, own,
			2/own.Seconds())
	}
	return g.idleTLS(ctx, n)
}

// handshakeRate is the number of connections per second that are made, asked one thing on, and closed.
func (g *gateway) handshakeRate(ctx context.Context, version uint16, resume bool, d time.Duration) (rate, error) {
	return closedLoop(ctx, tlsCallers, d, func() (func() error, func(), error) {
		c := &tls.Config{InsecureSkipVerify: true, ServerName: tlsHost, MinVersion: version, MaxVersion: version}
		if resume {
			c.ClientSessionCache = tls.NewLRUClientSessionCache(1)
		}
		first := true
		once := func() error {
			conn, err := (&tls.Dialer{Config: c}).DialContext(ctx, "tcp", g.addr)
			if err != nil {
				return err
			}
			defer conn.Close()
			if did := conn.(*tls.Conn).ConnectionState().DidResume; did != (resume && !first) {
				return fmt.Errorf("session resumed: %v", did)
			}
			first = false
			if _, err := fmt.Fprint(conn, "GET /_sockgate/health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"); err != nil {
				return err
			}
			status := make([]byte, len("HTTP/1.1 200"))
			if _, err := conn.Read(status); err != nil || string(status) != "HTTP/1.1 200" {
				return errors.Join(fmt.Errorf("answer %q", status), err)
			}
			return nil
		}
		return once, func() {}, once()
	})
}

// idleTLS reports the resident memory of idle WebSocket connections over TLS.
func (g *gateway) idleTLS(ctx context.Context, n int) error {
	time.Sleep(time.Second) // earlier load's connections end
	before := g.rss()
	conns := make([]net.Conn, 0, n)
	defer func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}()
	path := strings.TrimPrefix(g.socketURL(), "ws://"+g.addr)
	c := &tls.Config{InsecureSkipVerify: true, ServerName: tlsHost, ClientSessionCache: tls.NewLRUClientSessionCache(1)}
	for range n {
		conn, err := (&tls.Dialer{Config: c}).DialContext(ctx, "tcp", g.addr)
		if err != nil {
			return fmt.Errorf("idle connection %d: %w", len(conns), err)
		}
		conns = append(conns, conn)
		if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
			"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", path, g.addr); err != nil {
			return err
		}
		resp, err := http.ReadResponse(bufio.NewReaderSize(conn, 512), nil)
		if err != nil {
			return err
		}
		if resp.StatusCode != http.StatusSwitchingProtocols {
			return fmt.Errorf("handshake %d: %s", len(conns), resp.Status)
		}
	}
	time.Sleep(3 * time.Second) // the collector returns what the handshakes used
	report("idle TLS connections", "%d, %.0f bytes resident each", n, float64(g.rss()-before)/float64(n))
	return nil
}
