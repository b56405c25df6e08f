package tunnel

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// reachTimeout bounds connecting to the gateway, the TLS handshake and its answer together.
const reachTimeout = 10 * time.Second

// maxRefusal is how much of a gateway's refusal is read, in bytes.
const maxRefusal = 4 << 10

// reach asks the gateway for a connection. The reader holds what came behind its answer.
func (a *Agent) reach(ctx context.Context) (net.Conn, *bufio.Reader, error) {
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	conn, err := a.dialGateway(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	in := bufio.NewReaderSize(conn, wireRead)
	if err := a.ask(conn, in); err != nil {
		_ = hangUp(conn)
		return nil, nil, err
	}
	if ctx.Err() != nil {
		_ = hangUp(conn)
		return nil, nil, ctx.Err()
	}
	return conn, in, conn.SetDeadline(time.Time{})
}

func (a *Agent) dialGateway(ctx context.Context) (net.Conn, error) {
	conn, err := a.cfg.Dial(ctx, "tcp", hostPort(a.cfg.Gateway))
	if err != nil {
		return nil, fmt.Errorf("connect to the gateway: %w", err)
	}
	if a.cfg.Gateway.Scheme != "https" {
		return conn, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if a.cfg.TLS != nil {
		c = a.cfg.TLS.Clone()
	}
	c.ServerName = a.cfg.Gateway.Hostname()
	session := tls.Client(conn, c)
	if err := session.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("the gateway's certificate or TLS: %w", err)
	}
	return session, nil
}

// hostPort is where a gateway with this URL listens.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = "443"
		if u.Scheme == "http" {
			port = "80"
		}
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// ask sends the request and reads the answer.
func (a *Agent) ask(conn net.Conn, in *bufio.Reader) error {
	_ = conn.SetDeadline(time.Now().Add(reachTimeout))
	_, err := io.WriteString(conn, "GET "+Path+" HTTP/1.1\r\nHost: "+a.cfg.Gateway.Host+"\r\nConnection: Upgrade\r\nUpgrade: "+Protocol+
		"\r\nAuthorization: Bearer "+a.cfg.Token+"\r\n"+BalancerHeader+": "+a.cfg.LoadBalancer+"\r\n"+AgentHeader+": "+a.cfg.Name+"\r\n\r\n")
	if err != nil {
		return fmt.Errorf("ask the gateway: %w", err)
	}
	resp, err := http.ReadResponse(in, &http.Request{Method: http.MethodGet})
	if err != nil {
		return fmt.Errorf("read the gateway's answer: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusSwitchingProtocols {
		if !strings.EqualFold(resp.Header.Get("Upgrade"), Protocol) {
			return fmt.Errorf("the gateway speaks %q, not %s", resp.Header.Get("Upgrade"), Protocol)
		}
		return nil
	}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxRefusal)) // the status says enough without it
	var says struct{ Message string }
	if json.Unmarshal(body, &says) != nil || says.Message == "" {
		says.Message = http.StatusText(resp.StatusCode)
	}
	if resp.Header.Get(refusalHeader) == "" {
		return fmt.Errorf("what answers there is not where agents connect: %d %s (a proxy, or a custom domain name?)", resp.StatusCode, says.Message)
	}
	if resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden {
		return &RefusedError{Status: resp.StatusCode, Message: says.Message}
	}
	return fmt.Errorf("the gateway answers %d: %s", resp.StatusCode, says.Message)
}
