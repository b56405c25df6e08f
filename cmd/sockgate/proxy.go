package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"
)

// leadingProxy is an HTTPS proxy for one program and what it starts: it leads connections to hosts of AWS to the gateway, and all others to where
// they want to go. Programs in Go, Java or Rust that name *.amazonaws.com themselves reach the gateway so; those in Node.js and Python
// do by package redirect, whether they use a proxy or not.
//
// It listens on loopback and asks for a password, which is in the address that the program gets: it is no way out for others.
type leadingProxy struct {
	gateway  string   // host and port
	upstream *url.URL // the proxy that the program would have used; nil for none
	password string
	listener net.Listener
	server   *http.Server
	ctx      context.Context // ends with close
	stop     context.CancelFunc

	mu      sync.Mutex // held to begin a tunnel, so that none begins after close has begun to wait
	closed  bool
	running sync.WaitGroup
}

// ledHost are the names that belong to the gateway, the same as for Node.js and Python.
var ledHost = regexp.MustCompile(`(?i)(^|\.)amazonaws\.com(\.cn)?\.?$|\.execute-api\.([a-z0-9-]+\.)*localhost\.?$`)

// proxyTimeout bounds the wait for an answer of whoever a tunnel is for.
const proxyTimeout = 30 * time.Second

// startProxy starts a proxy for a program whose environment would be environ. close must follow.
func startProxy(endpoint string, environ []string) (*leadingProxy, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return nil, err
	}
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	p := &leadingProxy{gateway: net.JoinHostPort(u.Hostname(), port), password: rand.Text()}
	for _, name := range []string{"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"} {
		if text := value(environ, name); text != "" {
			if p.upstream, err = url.Parse(text); err != nil || p.upstream.Scheme != "http" || p.upstream.Host == "" {
				return nil, fmt.Errorf("%s is not the address of a proxy that can be gone through, as in http://proxy.example:3128", name) // not what it is: it may hold a password
			}
			break
		}
	}
	if p.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	p.ctx, p.stop = context.WithCancel(context.Background())
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: proxyTimeout}
	p.running.Go(func() { _ = p.server.Serve(p.listener) }) // ends with close
	return p, nil
}

// environ is what the program gets.
func (p *leadingProxy) environ() []string {
	address := "http://sockgate:" + p.password + "@" + p.listener.Addr().String()
	return []string{"HTTPS_PROXY=" + address, "https_proxy=" + address}
}

// close ends the proxy and every tunnel.
func (p *leadingProxy) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.stop()
	_ = p.server.Close() // whatever comes of it, nobody is left to tell
	p.running.Wait()
}

// ServeHTTP opens a tunnel.
func (p *leadingProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !p.authorized(r) {
		w.Header().Set("Proxy-Authenticate", `Basic realm="sockgate"`)
		http.Error(w, "this proxy is for one program", http.StatusProxyAuthRequired)
		return
	}
	if r.Method != http.MethodConnect {
		http.Error(w, "this proxy makes tunnels only (CONNECT)", http.StatusMethodNotAllowed)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), proxyTimeout)
	defer cancel()
	there, err := p.dial(ctx, r.Host)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	here, early, err := http.NewResponseController(w).Hijack()
	if err != nil {
		there.Close()
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		here.Close()
		there.Close()
		return
	}
	p.running.Go(func() { p.join(here, early.Reader, there) })
}

func (p *leadingProxy) authorized(r *http.Request) bool {
	given, ok := strings.CutPrefix(r.Header.Get("Proxy-Authorization"), "Basic ")
	want := base64.StdEncoding.EncodeToString([]byte("sockgate:" + p.password))
	return ok && subtle.ConstantTimeCompare([]byte(given), []byte(want)) == 1
}

// dial connects to where a host and port are led.
func (p *leadingProxy) dial(ctx context.Context, hostport string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		return nil, fmt.Errorf("%q is not HOST:PORT", hostport)
	}
	var d net.Dialer
	switch {
	case ledHost.MatchString(host):
		return d.DialContext(ctx, "tcp", p.gateway)
	case strings.HasSuffix(strings.ToLower(host), ".localhost"): // every such name is this machine; not every resolver knows
		return d.DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", port))
	case p.upstream == nil || local(host):
		return d.DialContext(ctx, "tcp", hostport)
	}
	return p.through(ctx, hostport)
}

func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// through opens a tunnel by way of the proxy that the program would have used.
func (p *leadingProxy) through(ctx context.Context, hostport string) (net.Conn, error) {
	address := p.upstream.Host
	if p.upstream.Port() == "" {
		address = net.JoinHostPort(p.upstream.Hostname(), "80")
	}
	c, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { c.Close() })
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: hostport}, Host: hostport, Header: http.Header{}}
	if u := p.upstream.User; u != nil {
		password, _ := u.Password()
		req.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+password)))
	}
	err = req.Write(c)
	var resp *http.Response
	answer := bufio.NewReader(c)
	if err == nil {
		resp, err = http.ReadResponse(answer, req)
	}
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("the proxy %s answers %s", address, resp.Status)
	}
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil // a server that speaks first after CONNECT is no TLS server: nothing is in the buffer
}

// join copies both ways until both have ended, or the proxy is closed.
func (p *leadingProxy) join(here net.Conn, early io.Reader, there net.Conn) {
	defer context.AfterFunc(p.ctx, func() { here.Close(); there.Close() })()
	defer here.Close()
	defer there.Close()
	if _, err := io.WriteString(here, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(there, early); endWrites(there) })
	both.Go(func() { _, _ = io.Copy(here, there); endWrites(here) })
	both.Wait()
}

// endWrites tells the other side that nothing more comes.
func endWrites(c net.Conn) {
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
		return
	}
	_ = c.Close()
}
