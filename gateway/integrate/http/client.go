// Package httpintegration is the transport of HTTP and HTTP_PROXY integrations: it sends one finished request to a backend
// and reads one bounded reply. Which request that is, and what becomes of the reply, is decided elsewhere.
//
// What it promises:
//   - Everything ends at the request's deadline: waiting for a connection, DNS, connecting, TLS, writing and reading.
//     Deadlines are set on the connection; no goroutine is started for a call.
//   - A request that may have reached the backend is never sent again. It moves to another connection only if not one of its
//     bytes was accepted by the first one.
//   - Redirects are not followed, interim (1xx) replies are skipped, bodies and headers are bounded.
//   - Bytes go out as given: header spelling and order, path and query; nothing is added but Host and Content-Length.
//   - Link-local addresses, where clouds serve machine credentials, are refused after name resolution.
//
// Replies are read by fasthttp. Connections are pooled here rather than in fasthttp.HostClient, because that pool takes
// neither a context nor a deadline for its dials, does not look whether a connection was closed while it lay idle, and
// pools one that still holds unread bytes.
//
// Files: client.go one call, hosts.go the known backends, pool.go one backend's connections, conn.go and stale_*.go one
// connection, dial.go connecting, via.go one of several places that serve a host, head.go the bytes of a request.
package httpintegration

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sockgate/sockgate"
)

// Defaults of Config.
const (
	DefaultMaxConnsPerHost = 512
	// DefaultMaxQueuePerHost is the last bound only: a client has few messages in flight, and a call waits no longer than its
	// timeout. It is far above what a burst of some thousand clients queues, which is to be slow rather than to fail.
	DefaultMaxQueuePerHost   = 64 << 10
	DefaultMaxHosts          = 10_000
	DefaultMaxResponse       = 1 << 20
	DefaultMaxResponseHeader = 16 << 10
	// DefaultIdleTimeout stays below the 5 s after which a Node.js server closes an idle connection.
	DefaultIdleTimeout = 4 * time.Second
	// MaxTimeout is the longest integration timeout (reference section 3.1). A request that names none has it.
	MaxTimeout = 29 * time.Second
)

// Config shapes a Client. Zero members take the defaults above.
type Config struct {
	MaxConnsPerHost   int           // connections to one backend, idle ones included
	MaxQueuePerHost   int           // calls that may wait for one of them
	MaxHosts          int           // backends remembered
	IdleTimeout       time.Duration // an idle connection is closed after this
	MaxResponse       int           // bytes of a reply's body
	MaxResponseHeader int           // bytes of a reply's status line and header
	AllowLinkLocal    bool          // permit backends at link-local addresses
	RootCAs           *x509.CertPool
	Resolver          *net.Resolver
	// Dial replaces how TCP connections are made, and with it the check of addresses. addr is "host:port".
	Dial func(ctx context.Context, addr string) (net.Conn, error)
}

// Request is one call. What it refers to is only read, and not kept after Do returns.
type Request struct {
	Method     string // sent as given; with GET and HEAD no body goes out (reference section 3.5)
	Scheme     string // "http" or "https"
	Host       string // "name" or "name:port": where to connect, and the Host header unless HostHeader is set
	HostHeader string
	ServerName string // https: the name the certificate must have; Host's by default
	RequestURI string // path?query, already escaped
	// Header goes out in order and as spelled. Lines that concern the connection rather than the message (Host, Connection,
	// Content-Length, Transfer-Encoding, Upgrade, ...) are left out: they are the transport's.
	Header     sockgate.Headers
	Body       []byte
	Timeout    time.Duration // for everything; MaxTimeout when zero. An earlier deadline of the context holds too.
	WantHeader bool          // collect Response.Header
	// Via, unless nil, chooses where to connect, instead of Host; Port is the one that it is told.
	Via  Via
	Port int
}

// Response is a backend's whole reply. Release gives its memory back; until then Body may be read.
type Response struct {
	Status int              // 200 to 999
	Header sockgate.Headers // nil unless Request.WantHeader; safe to keep
	Body   []byte           // valid until Release

	reply *fasthttp.Response
}

// Release gives Body back for reuse and empties r. It may be called on any Response, also twice.
func (r *Response) Release() {
	if r.reply != nil {
		fasthttp.ReleaseResponse(r.reply)
	}
	*r = Response{}
}

// Client calls backends. Its methods may be called by many goroutines.
type Client struct {
	cfg   Config
	hosts hosts
	reads sync.Pool // *bufio.Reader of cfg.MaxResponseHeader bytes, which makes that the limit of a header
	heads sync.Pool // *[]byte
}

// New returns a Client. It starts nothing.
func New(cfg Config) *Client {
	setDefault(&cfg.MaxConnsPerHost, DefaultMaxConnsPerHost)
	setDefault(&cfg.MaxQueuePerHost, DefaultMaxQueuePerHost)
	setDefault(&cfg.MaxHosts, DefaultMaxHosts)
	setDefault(&cfg.IdleTimeout, DefaultIdleTimeout)
	setDefault(&cfg.MaxResponse, DefaultMaxResponse)
	setDefault(&cfg.MaxResponseHeader, DefaultMaxResponseHeader)
	c := &Client{cfg: cfg}
	c.hosts.cfg = &c.cfg
	return c
}

func setDefault[T int | time.Duration](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}

// Close closes the idle connections and refuses further calls. Calls under way end in their own time (or their context's),
// and close their connections.
func (c *Client) Close() { c.hosts.close() }

// Do sends req and fills resp, which must be empty or released. After an error resp is empty.
//
// ctx ends the call early; it should belong to the call or to its client, because watching it takes its lock.
//
// Errors: sockgate.Timeout when the deadline passed or connecting took too long, sockgate.Internal for all else; the cause
// tells the operator what happened. An answer with any status is not an error.
func (c *Client) Do(ctx context.Context, req *Request, resp *Response) error {
	now := time.Now()
	deadline := now.Add(req.timeout())
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	if err := ctx.Err(); err != nil {
		return failure(ctx, err)
	}
	head := c.takeHead()
	defer c.heads.Put(head)
	buf, err := appendHead((*head)[:0], req)
	body := req.body()
	if len(body) <= joinBelow {
		buf, body = append(buf, body...), nil
	}
	*head = buf[:0]
	if err != nil {
		return failure(ctx, err)
	}
	var way trip
	for {
		cn, err := c.connect(ctx, req, &way, now, deadline)
		if err != nil {
			return failure(ctx, err)
		}
		fresh := !cn.reused
		again, err := c.exchange(ctx, cn, buf, body, req, resp, deadline)
		way.done(err, again && fresh)
		if err == nil {
			return nil
		}
		if !again {
			if req.Via != nil {
				err = fmt.Errorf("%s: %w", req.Via, err)
			}
			return failure(ctx, err)
		}
	}
}

// exchange writes the request to cn and reads the reply. It ends the use of cn: back to the pool, or closed.
// again reports that the failure left the request unsent, so that it may be tried on another connection.
func (c *Client) exchange(ctx context.Context, cn *conn, head, body []byte, req *Request, resp *Response, deadline time.Time) (again bool, err error) {
	keep := false
	defer func() {
		if keep {
			cn.pool.put(cn)
			return
		}
		if err != nil {
			cn.cut()
		}
		cn.pool.drop(cn)
	}()
	if err := cn.start(deadline); err != nil {
		return cn.reused, err
	}
	stop := func() bool { return true }
	if ctx.Done() != nil {
		stop = context.AfterFunc(ctx, cn.abort)
	}
	if n, err := cn.send(head, body); err != nil {
		stop()
		elsewhere := cn.reused || req.Via != nil // else it would be the same backend, which takes nothing
		return elsewhere && n == 0 && !isTimeout(err), fmt.Errorf("write to %s: %w", cn.pool.addr, err)
	}
	keep, err = c.receive(cn, req, resp)
	if cn.reused && cn.readErr != nil && !cn.begun && !isTimeout(cn.readErr) {
		cn.pool.hungUp(cn, time.Now())
	}
	if !stop() {
		keep = false // abort may still be about to touch the connection
	}
	return false, err
}

func (c *Client) receive(cn *conn, req *Request, resp *Response) (keep bool, err error) {
	br := c.takeReader(cn)
	defer c.giveReader(br)
	reply := fasthttp.AcquireResponse()
	reply.Header.DisableNormalizing()
	reply.Header.SetNoDefaultContentType(true) // or a backend that names none would seem to say text/plain
	reply.SkipBody = req.Method == "HEAD"
	err = reply.ReadLimitBody(br, c.cfg.MaxResponse)
	if err == nil && reply.StatusCode() < 200 {
		err = fmt.Errorf("status %d is not a final one", reply.StatusCode())
	}
	if err != nil {
		fasthttp.ReleaseResponse(reply)
		return false, c.explain(cn, err)
	}
	resp.reply = reply
	resp.Status = reply.StatusCode()
	resp.Body = reply.Body()
	if req.WantHeader {
		resp.Header = headers(&reply.Header)
	}
	// Bytes after the reply belong to no request: such a connection is out of step.
	return !reply.ConnectionClose() && br.Buffered() == 0, nil
}

func headers(h *fasthttp.ResponseHeader) sockgate.Headers {
	hs := make(sockgate.Headers, 0, h.Len())
	for name, value := range h.All() {
		hs = append(hs, sockgate.Header{Name: string(name), Value: string(value)})
	}
	return hs
}

// explain says what a failed read means. The connection's own error comes first: fasthttp's tells less.
func (c *Client) explain(cn *conn, err error) error {
	addr := cn.pool.addr
	if e := cn.readErr; e != nil {
		switch {
		case isTimeout(e):
			return fmt.Errorf("no complete reply from %s in time: %w", addr, e)
		case errors.Is(e, io.EOF), errors.Is(e, io.ErrUnexpectedEOF):
			return fmt.Errorf("backend %s closed the connection before a complete reply", addr)
		}
		return fmt.Errorf("backend %s closed the connection before a complete reply: %w", addr, e)
	}
	if errors.Is(err, fasthttp.ErrBodyTooLarge) {
		return fmt.Errorf("reply body of %s over %d bytes", addr, c.cfg.MaxResponse)
	}
	if _, ok := errors.AsType[*fasthttp.ErrSmallBuffer](err); ok {
		return fmt.Errorf("reply header of %s over %d bytes", addr, c.cfg.MaxResponseHeader)
	}
	// fasthttp quotes the reply, which is the client's business rather than the log's: the beginning must do.
	return fmt.Errorf("reply of %s is not HTTP: %.120s", addr, err.Error())
}

// failure puts an error into the terms of the gateway.
//
// UNCONFIRMED: the text of a timeout is REST's, "Endpoint request timed out" (reference section 0.3).
func failure(ctx context.Context, err error) error {
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return sockgate.Internalf("call was given up: %w", context.Cause(ctx))
	case isTimeout(err):
		return sockgate.Timeoutf("Endpoint request timed out").Because(err)
	}
	return sockgate.Internalf("%w", err)
}

// isTimeout covers deadlines of connections, dials and contexts, and the time-outs a kernel finds (ETIMEDOUT).
func isTimeout(err error) bool {
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	ne, ok := errors.AsType[net.Error](err)
	return ok && ne.Timeout()
}

func (r *Request) timeout() time.Duration {
	if r.Timeout <= 0 {
		return MaxTimeout
	}
	return r.Timeout
}
