package tunnel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/yamux"
	"golang.org/x/time/rate"

	"github.com/sockgate/sockgate"
)

const (
	// maxDialWait bounds how long an agent may take to answer an Open, whatever the caller's context says.
	maxDialWait = 10 * time.Second
	// answerSlack is how much longer than Open.Wait the gateway waits, so that the agent's own word arrives.
	answerSlack = 250 * time.Millisecond
	// stuck bounds what yamux waits for: an answer to a ping and a place in the queue of writes. Keep-alives end a session that is
	// silent long before; this is for a peer that sends something but never the answer.
	stuck = 30 * time.Second
	// halfOpen bounds how long a stream that one side has closed waits for the other's end.
	halfOpen = time.Minute
	// openings is how many streams of one session may be waiting for the agent's acknowledgement.
	openings = 256
)

// yamuxConfig is both ends' configuration; keep-alives are this package's own.
func yamuxConfig(log *slog.Logger, stuck time.Duration) *yamux.Config {
	c := yamux.DefaultConfig()
	c.EnableKeepAlive = false
	c.AcceptBacklog = openings
	c.ConnectionWriteTimeout = stuck
	c.StreamOpenTimeout = 0 // dial has a timeout of its own, and halfOpen frees what it gave up
	c.StreamCloseTimeout = halfOpen
	c.MaxStreamWindowSize = streamWindow
	c.LogOutput, c.Logger = nil, yamuxLog{log}
	return c
}

// yamuxLog shows what yamux says, which the peer provokes, at debug level.
type yamuxLog struct{ *slog.Logger }

func (l yamuxLog) Print(v ...any) { l.Debug("yamux", "message", fmt.Sprint(v...)) }
func (l yamuxLog) Printf(format string, v ...any) {
	l.Debug("yamux", "message", fmt.Sprintf(format, v...))
}
func (l yamuxLog) Println(v ...any) { l.Debug("yamux", "message", fmt.Sprint(v...)) }

// session is the gateway's end of one agent's connection.
type session struct {
	gateway  *Gateway
	token    *Token
	balancer string
	agent    string // its name among those of the balancer that are connected
	remote   string
	log      *slog.Logger

	limit *rate.Limiter // bytes per second, both ways together; nil is no limit
	wire  *wire
	mux   *yamux.Session
	ready chan struct{} // closed when mux is there
	ended chan struct{} // closed when it will never be, or not any more

	opening atomic.Int64 // streams that dial has asked for and that are not open yet
	dials   sync.WaitGroup
	going   atomic.Bool // no new streams
	left    chan struct{}

	mu     sync.Mutex
	detach func() // nil once it was called
	reason string // why the session was cut, for the log
}

// dial opens a connection to the backend. Its errors say that nothing was sent.
func (s *session) dial(ctx context.Context) (net.Conn, error) {
	select {
	case <-s.ready:
	case <-s.ended:
		return nil, s.unavailable("is gone", nil)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if s.going.Load() {
		return nil, s.unavailable("is ending", nil)
	}
	ctx, cancel := context.WithTimeout(ctx, maxDialWait)
	defer cancel()
	defer s.opening.Add(-1)
	if reserved := s.opening.Add(1); int64(s.mux.NumStreams())+reserved > int64(s.gateway.cfg.MaxStreams) {
		return nil, s.unavailable(fmt.Sprintf("has its %d streams in use", s.gateway.cfg.MaxStreams), nil)
	}
	st, err := s.open(ctx)
	if errors.Is(err, yamux.ErrStreamsExhausted) {
		s.cut("its connection has carried as many streams as there are numbers; it will make another")
	}
	if err != nil {
		return nil, s.unavailable("takes no stream", err)
	}
	c := &stream{Stream: st, session: s, limit: s.limit}
	if err := s.connect(ctx, c); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// open asks yamux for a stream, for no longer than ctx permits.
func (s *session) open(ctx context.Context) (*yamux.Stream, error) {
	type result struct {
		st  *yamux.Stream
		err error
	}
	opened := make(chan result)
	s.dials.Go(func() { // ends within stuck, or with the session
		st, err := s.mux.OpenStream()
		select {
		case opened <- result{st, err}:
		case <-ctx.Done():
			if st != nil {
				_ = st.Close()
			}
		}
	})
	select {
	case r := <-opened:
		return r.st, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// connect has the agent connect to its backend.
func (s *session) connect(ctx context.Context, c *stream) error {
	until, _ := ctx.Deadline() // maxDialWait has set one
	wait := max(time.Until(until)-answerSlack, answerSlack)
	if err := c.Stream.SetDeadline(until); err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = c.Stream.SetDeadline(time.Unix(1, 0)) })()
	if _, err := c.Stream.Write(Open{Wait: wait}.Append(make([]byte, 0, openSize))); err != nil {
		return s.unavailable("takes no stream", wireError(err))
	}
	a, err := ReadAnswer(c.Stream)
	if err != nil {
		if ctx.Err() != nil || errors.Is(err, yamux.ErrTimeout) {
			err = os.ErrDeadlineExceeded
		} else if errors.Is(err, errHeader) {
			s.cut("it answers with garbage")
		}
		return s.unavailable("did not connect", wireError(err))
	}
	if a.Code != Connected {
		return s.unavailable("did not connect", &ConnectError{a})
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return c.SetDeadline(time.Time{})
}

// ConnectError is the cause of a dial that the agent's backend did not take.
type ConnectError struct{ Answer Answer }

func (e *ConnectError) Error() string {
	if e.Answer.Text == "" {
		return e.Answer.Code.String()
	}
	return e.Answer.Code.String() + ": " + e.Answer.Text
}

// Timeout reports whether time ran out, as net.Error has it.
func (e *ConnectError) Timeout() bool { return e.Answer.Code == TimedOut }

// Temporary is part of net.Error and says nothing.
func (e *ConnectError) Temporary() bool { return false }

func (s *session) unavailable(what string, cause error) error {
	err := fmt.Errorf("agent %q of load balancer %q %s", s.agent, s.balancer, what)
	if cause != nil {
		err = fmt.Errorf("%w: %w", err, cause)
	}
	return sockgate.Unavailablef("The private integration is not available").Because(err)
}

// begin makes the session usable on a connection that was taken over.
func (s *session) begin(w *wire) error {
	mux, err := yamux.Client(w, yamuxConfig(s.log, s.gateway.stuck))
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.wire, s.mux = w, mux
	s.mu.Unlock()
	close(s.ready)
	return nil
}

// leave is called when the agent takes no more streams. It is called by the reader of frames, and must not wait.
func (s *session) leave() {
	if !s.going.Swap(true) {
		close(s.left)
	}
}

// run watches over the session until it ends.
func (s *session) run() {
	interval := s.gateway.cfg.KeepAlive
	tick := time.NewTicker(max(interval/4, time.Millisecond))
	defer tick.Stop()
	pinged := make(chan error, 1)
	lastPing := time.Now()
	s.dials.Go(func() { _, err := s.mux.Ping(); pinged <- err }) // ends within stuck, or with the session
	waiting := true
	left := s.left
	for {
		select {
		case <-s.mux.CloseChan():
			s.finish()
			return
		case <-left:
			left = nil
			s.log.Info("agent is ending; it gets no new connections")
			s.dials.Go(s.release) // the load balancer may take its time
		case err := <-pinged:
			waiting = false
			if err != nil && !errors.Is(err, yamux.ErrSessionShutdown) {
				s.cut("it does not answer keep-alives")
			}
		case <-tick.C:
			if silence := s.wire.silence(); silence > 2*interval {
				s.cut(fmt.Sprintf("nothing was heard of it for %v", silence.Round(time.Millisecond)))
			}
			if !waiting && time.Since(lastPing) >= interval {
				waiting, lastPing = true, time.Now()
				s.dials.Go(func() { _, err := s.mux.Ping(); pinged <- err })
			}
			if s.token.expired(s.gateway.cfg.Clock()) {
				s.cut("its token has expired")
			}
		}
	}
}

// release takes the session's target from the load balancer.
func (s *session) release() {
	s.mu.Lock()
	detach := s.detach
	s.detach = nil
	s.mu.Unlock()
	s.going.Store(true)
	if detach != nil {
		detach()
	}
}

// cut ends the session at once.
func (s *session) cut(reason string) {
	s.mu.Lock()
	if s.reason == "" {
		s.reason = reason
	}
	w := s.wire
	s.mu.Unlock()
	s.going.Store(true)
	if w != nil {
		w.fail(errors.New(reason))
	}
}

// endOf is why a session has ended, or nil when one of its ends closed it in order.
func endOf(mux *yamux.Session, w *wire) error {
	if err := w.cause(); err != nil {
		return err
	}
	_, err := mux.AcceptStream() // at once, with the error that ended the session
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, yamux.ErrSessionShutdown) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// finish cleans up behind a session that has ended.
func (s *session) finish() {
	close(s.ended)
	_ = s.mux.Close()
	_ = s.wire.Close()
	s.release()
	s.dials.Wait()
	s.mu.Lock()
	reason := s.reason
	s.mu.Unlock()
	if reason == "" {
		if err := endOf(s.mux, s.wire); err != nil {
			reason = err.Error()
		}
	}
	if reason == "" {
		s.log.Info("agent has gone")
		return
	}
	s.log.Warn("agent was cut off", "reason", reason)
}
