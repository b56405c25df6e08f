// Package listen serves one TCP port: plain HTTP/1 and TLS told apart by the first byte, request after request on each
// connection, every head parsed by package request so that nothing of its spelling is lost.
//
// A request is offered to the gateway's own handler first, on the connection's goroutine and without net/http in the way
// (WebSocket handshakes, @connections); what that one leaves goes to an http.Handler (management APIs, console). Which
// host or path means what is not decided here.
//
//	accept → sniff → (TLS handshake) → [ wait → head → Config.Edge, else Config.HTTP → finish ]* → close
//
// A connection is idle (waiting for a request's first byte), busy, or handed over by Exchange.Hijack. Stopping takes two
// steps: StopAccepting closes the port and the idle connections, Wait lets the busy ones end.
package listen

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockgate/sockgate/edge/request"
)

// Config says what a Server serves and how long it waits for whom. Zero durations and sizes take the defaults named.
type Config struct {
	Listener net.Listener // required; the Server owns it
	TLS      *tls.Config  // nil: a TLS client is turned away. Its NextProtos must not offer HTTP/2.
	Edge     Handler      // asked first; may be nil
	HTTP     http.Handler // takes what Edge does not; nil answers 404
	Log      *slog.Logger // nil discards

	HeadTimeout  time.Duration  // 10 s: from a request's first byte to the end of its head; also for the TLS handshake and a connection's first byte
	HeadLimit    int            // 16 KiB: bytes of a request's head
	IdleTimeout  time.Duration  // 75 s: between the requests of a connection
	BodyTimeout  time.Duration  // 30 s for a body, and a second more for each 8 KiB that have arrived
	WriteTimeout time.Duration  // 30 s: for a peer to take one write
	Proxies      []netip.Prefix // peers whose X-Forwarded-For, -Proto and -Port are believed
	ProxyHeader  bool           // connections of those begin with a PROXY header, version 2
	MaxConns     int            // connections at one time, handed-over ones excepted; 0 is no limit, more are closed at once
}

// Handler takes the requests that are served without net/http.
//
// ServeEdge runs on the connection's goroutine and may block for as long as the exchange takes, the whole life of a
// WebSocket included. It either answers (Respond, or Hijack) and returns true, or touches nothing of x but its fields and
// returns false. x and the bytes it gave are not valid after the return.
type Handler interface {
	ServeEdge(x *Exchange) (handled bool)
}

// Stats counts a Server's connections.
type Stats struct {
	Open     int    // served now, handed-over ones included while their handler has not returned
	Accepted uint64 // since the start
	Refused  uint64 // because of MaxConns
}

// Server serves one port. Make it with New; its methods may be called by many goroutines.
type Server struct {
	cfg    Config
	ctx    context.Context // ends when Wait has run out of patience, or when all is done
	cancel context.CancelFunc

	buffers sync.Pool // *buffer, for heads
	bodies  sync.Pool // *[]byte
	replies sync.Pool // *[]byte
	readers sync.Pool // *bufio.Reader, for net/http
	date    atomic.Pointer[stamp]

	accepted, refused atomic.Uint64
	stopping          atomic.Bool
	stop              chan struct{} // closed with stopping

	mu      sync.Mutex
	conns   map[*conn]struct{}
	drained chan struct{} // closed when stopping and conns is empty
}

// Open listens on a TCP address such as "127.0.0.1:4566" with the keep-alive probing that suits many idle clients: the
// first probe after a minute, four unanswered ones end a connection.
func Open(ctx context.Context, addr string) (net.Listener, error) {
	lc := net.ListenConfig{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: time.Minute, Interval: 15 * time.Second, Count: 4}}
	return lc.Listen(ctx, "tcp", addr)
}

// New returns a server that is not running yet.
func New(cfg Config) *Server {
	orDefault(&cfg.HeadTimeout, 10*time.Second)
	orDefault(&cfg.HeadLimit, request.DefaultMax)
	orDefault(&cfg.IdleTimeout, 75*time.Second)
	orDefault(&cfg.BodyTimeout, 30*time.Second)
	orDefault(&cfg.WriteTimeout, 30*time.Second)
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.HTTP == nil {
		cfg.HTTP = http.NotFoundHandler()
	}
	s := &Server{cfg: cfg, stop: make(chan struct{}), conns: make(map[*conn]struct{}), drained: make(chan struct{})}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

func orDefault[T time.Duration | int](v *T, value T) {
	if *v <= 0 {
		*v = value
	}
}

// Addr returns the address that the server listens on.
func (s *Server) Addr() net.Addr { return s.cfg.Listener.Addr() }

// Stats returns the counts of now.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Stats{Open: len(s.conns), Accepted: s.accepted.Load(), Refused: s.refused.Load()}
}

// Run accepts connections until ctx ends or StopAccepting is called, and then returns nil; the connections' goroutines go
// on until Wait. A failing accept (no file descriptors left) is retried with growing pauses. The error is not nil only
// when somebody else closed the listener.
func (s *Server) Run(ctx context.Context) error {
	defer context.AfterFunc(ctx, s.StopAccepting)()
	var pause time.Duration
	for {
		sock, err := s.cfg.Listener.Accept()
		if err == nil {
			pause = 0
			s.start(sock)
			continue
		}
		if s.stopping.Load() {
			return nil
		}
		if errors.Is(err, net.ErrClosed) {
			return err
		}
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		s.cfg.Log.Warn("accept failed, retrying", "addr", s.Addr().String(), "pause", pause, "error", err)
		select {
		case <-time.After(pause):
		case <-s.stop:
			return nil
		}
	}
}

// start gives a connection a goroutine of its own, which Wait waits for.
func (s *Server) start(sock net.Conn) {
	s.accepted.Add(1)
	c := newConn(s, sock)
	s.mu.Lock()
	full := s.cfg.MaxConns > 0 && len(s.conns) >= s.cfg.MaxConns
	if full || s.stopping.Load() {
		s.mu.Unlock()
		if full {
			s.refused.Add(1)
		}
		_ = sock.Close()
		return
	}
	s.conns[c] = struct{}{}
	s.mu.Unlock()
	go c.serve()
}

func (s *Server) ended(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	s.settle()
}

// settle closes drained at the right moment. It is called with mu held, after either of the two conditions has changed.
func (s *Server) settle() {
	if !s.stopping.Load() || len(s.conns) > 0 {
		return
	}
	select {
	case <-s.drained:
	default:
		close(s.drained)
		s.cancel()
	}
}

// StopAccepting closes the port and the idle connections. Busy ones finish the request they are at and are closed then;
// handed-over ones are left alone. Further calls do nothing.
func (s *Server) StopAccepting() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping.Swap(true) {
		return
	}
	close(s.stop)
	_ = s.cfg.Listener.Close()
	for c := range s.conns {
		c.closeIfIdle()
	}
	s.settle()
}

// closingGrace is how long Wait still waits for goroutines whose connections it has closed.
const closingGrace = time.Second

// Wait waits, after StopAccepting, until the goroutine of every connection has ended; that includes the ones whose
// handler has taken the connection over and not returned. When ctx ends first, all connections are closed, the context of
// every request is cancelled, and Wait returns the context's error, at most a second later.
func (s *Server) Wait(ctx context.Context) error {
	select {
	case <-s.drained:
		return nil
	case <-ctx.Done():
	}
	s.cancel()
	s.mu.Lock()
	for c := range s.conns {
		_ = c.sock.Close()
	}
	s.mu.Unlock()
	select {
	case <-s.drained:
	case <-time.After(closingGrace):
	}
	return context.Cause(ctx)
}
