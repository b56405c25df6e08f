package tunnel

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/url"
	"time"
)

// AgentConfig is what an Agent works with. Zero durations and counts take the defaults named.
type AgentConfig struct {
	Gateway      *url.URL // https://HOST:PORT, or http for a gateway on this machine
	TLS          *tls.Config
	Target       string // "host:port" of the backend, the only address that is ever connected to
	LoadBalancer string
	Name         string // shows where targets are listed
	Token        string
	Connections  int           // 1: to the gateway, each a target of its own
	KeepAlive    time.Duration // 2 s: the gateway is asked for a sign of life this often, and given up after two intervals of silence
	Grace        time.Duration // 30 s: how long connections under way may go on once the agent is to end
	Log          *slog.Logger
	// Dial replaces how TCP connections to the gateway and the backend are made.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// How an agent comes back.
const (
	firstPause = 500 * time.Millisecond
	maxPause   = 30 * time.Second
	// goodWhile is how long a connection must have lasted for the pauses to begin anew.
	goodWhile = time.Minute
	// maxRefusals is how often a token is shown that the gateway refuses: more than once, because a node may not have heard of a
	// new token yet.
	maxRefusals = 4
)

// RefusedError says that the gateway does not accept the agent's token.
type RefusedError struct {
	Status  int
	Message string // the gateway's
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("the gateway refuses the token (%d): %s", e.Status, e.Message)
}

// Agent is the end of the tunnel beside the backend.
type Agent struct {
	cfg    AgentConfig
	random func() float64 // in [0, 1)
}

// NewAgent returns an agent. It starts nothing.
func NewAgent(cfg AgentConfig) *Agent {
	if cfg.Connections <= 0 {
		cfg.Connections = 1
	}
	if cfg.KeepAlive <= 0 {
		cfg.KeepAlive = 2 * time.Second
	}
	if cfg.Grace <= 0 {
		cfg.Grace = 30 * time.Second
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Dial == nil {
		cfg.Dial = new(net.Dialer).DialContext
	}
	return &Agent{cfg: cfg, random: rand.Float64}
}

// Run serves until ctx ends, and then for as long as connections are under way, up to Grace. A gateway that is not there, or not
// ready, is tried for ever; one that goes on refusing the token ends Run with a *RefusedError.
func (a *Agent) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error)
	for i := range a.cfg.Connections {
		log := a.cfg.Log
		if a.cfg.Connections > 1 {
			log = log.With("connection", i+1)
		}
		go func() { ended <- a.keep(ctx, log) }() // ends with ctx; the loop below waits for it
	}
	var first error
	for range a.cfg.Connections {
		if err := <-ended; err != nil && first == nil {
			first = err
			cancel() // the others show the same token
		}
	}
	return first
}

// keep holds one connection to the gateway.
func (a *Agent) keep(ctx context.Context, log *slog.Logger) error {
	refused := 0
	pause, refusals := backoff{random: a.random}, backoff{random: a.random}
	for {
		began := time.Now()
		err := a.once(ctx, log)
		if ctx.Err() != nil {
			return nil
		}
		var wait time.Duration
		if _, ok := errors.AsType[*RefusedError](err); ok {
			if refused++; refused >= maxRefusals {
				return err
			}
			wait = refusals.next(0)
		} else {
			refused, refusals.pause = 0, 0
			wait = pause.next(time.Since(began))
		}
		log.Warn("no connection to the gateway; trying again", "reason", err, "in", wait.Round(time.Millisecond).String())
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil
		}
	}
}

// backoff counts the pauses between attempts: they double from firstPause to maxPause, and each is spread over its upper half, so that
// the agents of a gateway that was away do not all come back at once.
type backoff struct {
	random func() float64
	pause  time.Duration
}

// next returns the pause behind an attempt that lasted so long.
func (b *backoff) next(lasted time.Duration) time.Duration {
	if lasted >= goodWhile {
		b.pause = 0
	}
	b.pause = min(max(2*b.pause, firstPause), maxPause)
	return b.pause/2 + time.Duration(b.random()*float64(b.pause/2))
}

// once connects and serves until the connection ends. The error says why; it is nil when ctx has ended and all is served.
func (a *Agent) once(ctx context.Context, log *slog.Logger) error {
	conn, in, err := a.reach(ctx)
	if err != nil {
		return err
	}
	return a.serve(ctx, newWire(conn, in, nil), log)
}
