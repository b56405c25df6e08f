package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// lightLoad compares one caller's latency through the gateway with the direct call's.
func lightLoad(ctx context.Context, g *gateway, backend string) error {
	const calls = 5000
	c, r, err := dial(g.socketURL())
	if err != nil {
		return err
	}
	defer c.Close()
	out := frame(message)
	through, err := latencies(ctx, calls, func() error {
		if _, err := c.Write(out); err != nil {
			return err
		}
		_, err := readFrame(r)
		return err
	})
	if err != nil {
		return err
	}
	h, err := net.Dial("tcp", backend)
	if err != nil {
		return err
	}
	defer h.Close()
	hr := bufio.NewReader(h)
	req := fmt.Appendf(nil, "POST /message HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n%s", backend, len(message), message)
	direct, err := latencies(ctx, calls, func() error {
		if _, err := h.Write(req); err != nil {
			return err
		}
		resp, err := http.ReadResponse(hr, nil)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, resp.Body)
		return err
	})
	if err != nil {
		return err
	}
	report("light load, through the gateway", "p50 %v  p99 %v", at(through, 50), at(through, 99))
	report("light load, direct call", "p50 %v  p99 %v", at(direct, 50), at(direct, 99))
	report("light load, added", "p50 %v  p99 %v", at(through, 50)-at(direct, 50), at(through, 99)-at(direct, 99))
	return nil
}

func latencies(ctx context.Context, n int, once func() error) ([]time.Duration, error) {
	all := make([]time.Duration, 0, n)
	for i := range n + n/10 {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		began := time.Now()
		if err := once(); err != nil {
			return nil, err
		}
		if i >= n/10 { // the first tenth warms up
			all = append(all, time.Since(began))
		}
	}
	slices.Sort(all)
	return all, nil
}

func at(sorted []time.Duration, percentile int) time.Duration {
	return sorted[len(sorted)*percentile/100].Round(time.Microsecond)
}

// pushRate is the number of signed @connections POSTs per second that n callers get answered. A second client of each
// connection reads what is pushed. A caller signs its request once: a signature is good for five minutes, and what is
// measured is the gateway's work, not the load generator's.
func pushRate(ctx context.Context, g *gateway, n int, d time.Duration) (rate, error) {
	return closedLoop(ctx, n, d, func() (func() error, func(), error) {
		c, r, err := dial(g.socketURL())
		if err != nil {
			return nil, nil, err
		}
		id, err := connectionID(c, r)
		if err != nil {
			c.Close()
			return nil, nil, err
		}
		go func() { // ends when the connection is closed
			for {
				if _, err := readFrame(r); err != nil {
					return
				}
			}
		}()
		request, err := signedPush(ctx, g, id)
		if err != nil {
			c.Close()
			return nil, nil, err
		}
		h, err := net.Dial("tcp", g.addr)
		if err != nil {
			c.Close()
			return nil, nil, err
		}
		hr := bufio.NewReader(h)
		once := func() error {
			if _, err := h.Write(request); err != nil {
				return err
			}
			return readEmptyReply(hr)
		}
		return once, func() { h.Close(); c.Close() }, nil
	})
}

// readEmptyReply reads a reply without a body, as cheaply as the load generator can.
func readEmptyReply(r *bufio.Reader) error {
	first := true
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if first && string(line[:min(len(line), 12)]) != "HTTP/1.1 200" {
			return fmt.Errorf("push answered %q", line)
		}
		if first = false; len(line) <= 2 {
			return nil
		}
	}
}

// signedPush is a whole POST request, signed by the AWS SDK's own signer.
func signedPush(ctx context.Context, g *gateway, connectionID string) ([]byte, error) {
	u := "http://" + g.addr + "/_aws/execute-api/" + g.apiID + "/" + benchStage + "/@connections/" + connectionID[:15] + "%3D"
	req, err := http.NewRequestWithContext(ctx, "POST", u, nil)
	if err != nil {
		return nil, err
	}
	req.ContentLength = int64(len(message))
	sum := sha256.Sum256(message)
	err = v4.NewSigner().SignHTTP(ctx, aws.Credentials{AccessKeyID: benchKeyID, SecretAccessKey: benchSecret}, req,
		hex.EncodeToString(sum[:]), "execute-api", "us-east-1", time.Now())
	if err != nil {
		return nil, err
	}
	out := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n", req.URL.RequestURI(), g.addr, len(message))
	for name, values := range req.Header {
		for _, v := range values {
			out = fmt.Appendf(out, "%s: %s\r\n", name, v)
		}
	}
	return append(append(out, "\r\n"...), message...), nil
}

// whoami is the action of a route without a target: its error frame tells a client its connection id.
const whoami = "whoami"

// connectionID asks for the id of an open connection, before anything else is read from it.
func connectionID(c net.Conn, r *bufio.Reader) (string, error) {
	ask := []byte(`{"action":"` + whoami + `"}`)
	if _, err := c.Write(append([]byte{0x81, 0x80 | byte(len(ask)), 0, 0, 0, 0}, ask...)); err != nil {
		return "", err
	}
	head, err := r.Peek(4)
	if err != nil {
		return "", err
	}
	size, n := int(head[1]&0x7f), 2
	if size == 126 {
		size, n = int(head[2])<<8|int(head[3]), 4
	}
	b := make([]byte, n+size)
	if _, err := io.ReadFull(r, b); err != nil {
		return "", err
	}
	var reply struct{ ConnectionID string }
	if err := json.Unmarshal(b[n:], &reply); err != nil || len(reply.ConnectionID) != 16 {
		return "", fmt.Errorf("no connection id in %q", b[n:])
	}
	return reply.ConnectionID, nil
}

// idleMemory opens n connections that do nothing, and divides what the
// gateway's resident memory grew by.
func idleMemory(ctx context.Context, g *gateway, n int) error {
	time.Sleep(time.Second) // earlier load's connections end
	before := g.rss()
	conns := make([]net.Conn, 0, n)
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	for range n {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		c, _, err := dial(g.socketURL())
		if err != nil {
			return fmt.Errorf("idle connection %d: %w", len(conns), err)
		}
		conns = append(conns, c)
	}
	time.Sleep(3 * time.Second) // the collector returns what the handshakes used
	report("idle connections", "%d, %.0f bytes resident each", n, float64(g.rss()-before)/float64(n))
	return nil
}

// kilobyte is a message of 1 KB for the route called action, with the members of the schema in process.go.
func kilobyte(action string) []byte {
	var b strings.Builder
	b.WriteString(`{"action":"` + action + `"`)
	for i := range properties {
		fmt.Fprintf(&b, `,"p%02d":"%s"`, i, strings.Repeat("x", 38))
	}
	b.WriteString("}")
	return []byte(b.String())
}
