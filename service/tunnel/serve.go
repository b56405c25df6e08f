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
	"syscall"
	"time"

	"github.com/hashicorp/yamux"
)

const (
	// openWait is how long the gateway may take to send an Open on a stream that it has opened.
	openWait = 10 * time.Second
	// drainTick is how often an agent that is to end looks whether its streams have.
	drainTick = 20 * time.Millisecond
	// copyBuffer is the size in bytes of what is copied at once in one direction of one stream.
	copyBuffer = 16 << 10
)

var buffers = sync.Pool{New: func() any { b := make([]byte, copyBuffer); return &b }}

// service is the agent's end of one session.
type service struct {
	agent  *Agent
	wire   *wire
	mux    *yamux.Session
	log    *slog.Logger
	open   atomic.Int64
	served sync.WaitGroup
}

// serve answers the gateway's streams until the connection ends, or until ctx has ended and the streams have.
func (a *Agent) serve(ctx context.Context, w *wire, log *slog.Logger) error {
	mux, err := yamux.Server(w, yamuxConfig(log, stuck))
	if err != nil {
		return errors.Join(err, w.Close())
	}
	s := &service{agent: a, wire: w, mux: mux, log: log}
	log.Info("connected", "gateway", a.cfg.Gateway.String(), "loadBalancer", a.cfg.LoadBalancer, "agent", a.cfg.Name, "to", a.cfg.Target)
	streams, stop := context.WithCancel(context.WithoutCancel(ctx))
	var watching sync.WaitGroup
	watching.Go(func() { s.watch(ctx) })
	for {
		st, err := mux.AcceptStream()
		if err != nil {
			break
		}
		s.open.Add(1)
		s.served.Go(func() {
			defer s.open.Add(-1)
			s.answer(streams, st)
		})
	}
	stop()
	_ = mux.Close()
	_ = w.Close()
	s.served.Wait()
	watching.Wait()
	if err := endOf(mux, w); err != nil {
		return err
	}
	return errors.New("the gateway closed the connection")
}

// watch keeps the connection alive, gives it up when the gateway is silent, and ends it in order when ctx ends.
func (s *service) watch(ctx context.Context) {
	interval := s.agent.cfg.KeepAlive
	tick := time.NewTicker(max(interval/4, time.Millisecond))
	defer tick.Stop()
	var pinging sync.WaitGroup
	defer pinging.Wait() // for up to the session's end
	pinged := make(chan error, 1)
	var lastPing time.Time
	waiting := false
	stopping := ctx.Done()
	var graceEnds time.Time
	for {
		select {
		case <-s.mux.CloseChan():
			return
		case <-stopping:
			stopping, graceEnds = nil, time.Now().Add(s.agent.cfg.Grace)
			pinging.Go(func() { _ = s.mux.GoAway() }) // no new streams
			tick.Reset(drainTick)
			s.log.Info("draining", "connections", s.open.Load(), "grace", s.agent.cfg.Grace.String())
			continue // a stream that came just before is on its way to be counted
		case err := <-pinged:
			waiting = false
			if err != nil && !errors.Is(err, yamux.ErrSessionShutdown) {
				s.wire.fail(errors.New("the gateway does not answer keep-alives"))
			}
		case now := <-tick.C:
			if silence := s.wire.silence(); silence > 2*interval {
				s.wire.fail(fmt.Errorf("nothing was heard of the gateway for %v", silence.Round(time.Millisecond)))
			}
			if !waiting && now.Sub(lastPing) >= interval {
				waiting, lastPing = true, now
				pinging.Go(func() { _, err := s.mux.Ping(); pinged <- err })
			}
		}
		// Not yamux's count: it keeps streams that the gateway has not ended from its side, which nobody serves any more.
		if stopping == nil && (s.open.Load() == 0 || !time.Now().Before(graceEnds)) {
			if n := s.open.Load(); n > 0 {
				s.log.Warn("the grace period ended before every connection did", "connections", n)
			}
			_ = s.mux.Close()
			return
		}
	}
}

// answer serves one stream.
func (s *service) answer(ctx context.Context, st *yamux.Stream) {
	defer st.Close()
	_ = st.SetReadDeadline(time.Now().Add(openWait))
	open, err := ReadOpen(st)
	if err != nil {
		s.log.Debug("a stream without a beginning", "error", err)
		return
	}
	_ = st.SetReadDeadline(time.Time{})
	dial, cancel := context.WithTimeout(ctx, open.Wait)
	backend, err := s.agent.cfg.Dial(dial, "tcp", s.agent.cfg.Target)
	cancel()
	if err != nil {
		s.log.Warn("the backend takes no connection", "to", s.agent.cfg.Target, "error", err)
		_, _ = st.Write(Answer{Code: codeOf(err), Text: err.Error()}.Append(nil))
		return
	}
	defer backend.Close()
	if _, err := st.Write(Answer{Code: Connected}.Append(nil)); err != nil {
		return
	}
	s.splice(ctx, st, backend)
}

func codeOf(err error) Code {
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return TimedOut
	case errors.Is(err, context.Canceled):
		return Draining
	case errors.As(err, &dns), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return Unreachable
	}
	return Failed
}

// splice copies both ways until both ends have closed, or one has broken.
func (s *service) splice(ctx context.Context, st *yamux.Stream, backend net.Conn) {
	defer context.AfterFunc(ctx, func() { _ = backend.Close() })()
	var toBackend sync.WaitGroup
	toBackend.Go(func() {
		err := pass(backend, st)
		if err != nil || s.mux.IsClosed() { // the backend takes nothing, or the end is the session's rather than the stream's
			_ = backend.Close()
			return
		}
		if half, ok := backend.(interface{ CloseWrite() error }); ok {
			_ = half.CloseWrite()
		}
		_ = backend.SetReadDeadline(time.Now().Add(halfOpen))
	})
	err := pass(st, backend)
	_ = st.Close() // this side; the other may go on for halfOpen
	if err != nil {
		s.wire.reset(st.StreamID())
		_ = backend.Close()
		_ = st.SetReadDeadline(time.Unix(1, 0))
	} else {
		_ = st.SetReadDeadline(time.Now().Add(halfOpen))
	}
	toBackend.Wait()
}

// pass copies from one to the other until the end, which is no error.
func pass(to io.Writer, from io.Reader) error {
	b := buffers.Get().(*[]byte)
	defer buffers.Put(b)
	for {
		n, err := from.Read(*b)
		if n > 0 {
			if _, err := to.Write((*b)[:n]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
