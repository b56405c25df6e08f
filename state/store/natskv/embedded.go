package natskv

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/sockgate/sockgate/state/store"
)

const (
	// maxPayload leaves room for the headers of a message that carries the largest value.
	maxPayload = store.MaxValue + 64<<10

	// JetStream's own limits are out of the way: by default they are a part of what is free when it starts, so that a
	// gateway that was started with little space would refuse writes for ever. Space is watched per write instead.
	maxDisk   = 1 << 60
	maxMemory = 256 << 20
)

// startServer runs a NATS server without any listener, keeping its data below dir. When it returns, JetStream is up.
// trouble is called with each error that the server logs: it may answer a write that it failed to store with silence.
func startServer(dir string, log *slog.Logger, trouble func(error)) (*server.Server, error) {
	srv, err := server.NewServer(&server.Options{
		ServerName:         "sockgate",
		DontListen:         true,
		NoSigs:             true,
		JetStream:          true,
		StoreDir:           dir,
		SyncAlways:         true,
		JetStreamMaxStore:  maxDisk,
		JetStreamMaxMemory: maxMemory,
		MaxPayload:         maxPayload,
	})
	if err != nil {
		return nil, fmt.Errorf("embedded NATS server: %w", err)
	}
	out := &serverLog{log: log.With("part", "nats"), trouble: trouble}
	srv.SetLogger(out, false, false)
	srv.Start() // returns at once, as there is nothing to listen on
	if srv.JetStreamEnabled() {
		out.started.Store(true)
		return srv, nil
	}
	srv.Shutdown()
	srv.WaitForShutdown()
	if cause := out.fatal.Load(); cause != nil {
		return nil, fmt.Errorf("embedded NATS server: %s", *cause)
	}
	return nil, fmt.Errorf("embedded NATS server: JetStream did not start")
}

// serverLog passes the NATS server's log on. What it calls a notice is of no interest to a gateway's operator.
type serverLog struct {
	log     *slog.Logger
	trouble func(error)
	fatal   atomic.Pointer[string]
	started atomic.Bool
}

var _ server.Logger = (*serverLog)(nil)

func (l *serverLog) Noticef(format string, v ...any) { l.log.Debug(fmt.Sprintf(format, v...)) }
func (l *serverLog) Debugf(format string, v ...any)  { l.log.Debug(fmt.Sprintf(format, v...)) }
func (l *serverLog) Tracef(format string, v ...any)  { l.log.Debug(fmt.Sprintf(format, v...)) }

// Warnf is quiet until the server has started: what it finds in the blocks then was judged before, and that it dislikes the
// payload limit is known.
func (l *serverLog) Warnf(format string, v ...any) {
	level := slog.LevelDebug
	if l.started.Load() {
		level = slog.LevelWarn
	}
	l.log.Log(context.Background(), level, fmt.Sprintf(format, v...))
}

func (l *serverLog) Errorf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	l.log.Error(text)
	l.trouble(errors.New(text))
}

// Fatalf does not end the process: the server stops starting, and startServer returns what was said here.
func (l *serverLog) Fatalf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	l.fatal.CompareAndSwap(nil, &text)
}
