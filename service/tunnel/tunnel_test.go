package tunnel_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/service/tunnel"
	"github.com/sockgate/sockgate/state/store"
	"github.com/sockgate/sockgate/state/store/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds the waiting for what must happen. A test that passes does not wait for it.
const patience = 20 * time.Second

type dialFunc = func(context.Context) (net.Conn, error)

// balancers stands in for the load balancers: it knows one, "lb", and notes its agents.
type balancers struct {
	mu      sync.Mutex
	agents  map[string]dialFunc
	changed chan struct{} // closed and replaced at each change
}

func newBalancers() *balancers {
	return &balancers{agents: map[string]dialFunc{}, changed: make(chan struct{})}
}

func (b *balancers) AttachAgent(lb, agent string, dial func(context.Context) (net.Conn, error)) (func(), error) {
	if lb != "lb" && lb != "other" {
		return nil, sockgate.NotFoundf("no load balancer %s", lb)
	}
	b.set(agent, dial)
	return func() { b.set(agent, nil) }, nil
}

func (b *balancers) set(agent string, dial dialFunc) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if dial == nil {
		delete(b.agents, agent)
	} else {
		b.agents[agent] = dial
	}
	close(b.changed)
	b.changed = make(chan struct{})
}

// await waits until there are n agents, and returns them by name.
func (b *balancers) await(t testing.TB, n int) map[string]dialFunc {
	t.Helper()
	late := time.After(patience)
	for {
		b.mu.Lock()
		changed := b.changed
		agents := map[string]dialFunc{}
		for name, dial := range b.agents {
			agents[name] = dial
		}
		b.mu.Unlock()
		if len(agents) == n {
			return agents
		}
		select {
		case <-changed:
		case <-late:
			t.Fatalf("%d agents, not %d", len(agents), n)
		}
	}
}

// one waits for the only agent.
func (b *balancers) one(t testing.TB) dialFunc {
	t.Helper()
	for _, dial := range b.await(t, 1) {
		return dial
	}
	return nil
}

// world is a gateway with its tokens and load balancers.
type world struct {
	*balancers
	tokens  *tunnel.Tokens
	gateway *tunnel.Gateway
	server  *httptest.Server
	log     *logBuffer
	store   store.Store
}

func newWorld(t testing.TB, change func(*tunnel.Config)) *world {
	t.Helper()
	w := &world{balancers: newBalancers(), log: &logBuffer{}, store: memory.New()}
	log := slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.tokens = tunnel.NewTokens(w.store, log)
	cfg := tunnel.Config{Limits: tunnel.DefaultLimits, Tokens: w.tokens, Balancers: w.balancers, Clock: time.Now, Log: log}
	if change != nil {
		change(&cfg)
	}
	w.gateway = tunnel.NewGateway(cfg)
	w.server = httptest.NewTLSServer(w.gateway)
	t.Cleanup(func() {
		w.gateway.Close()
		w.server.Close()
		w.store.Close()
		if t.Failed() {
			t.Logf("log:\n%s", w.log)
		}
	})
	return w
}

func (w *world) token(t testing.TB, lb string) string {
	t.Helper()
	_, text, err := w.tokens.Create(t.Context(), tunnel.Token{LoadBalancer: lb}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// agent runs an agent until the test ends or stop is called, which returns Run's error.
func (w *world) agent(t testing.TB, target string, change func(*tunnel.AgentConfig)) (stop func() error) {
	t.Helper()
	u, err := url.Parse(w.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	cfg := tunnel.AgentConfig{
		Gateway: u, TLS: w.server.Client().Transport.(*http.Transport).TLSClientConfig, Target: target, LoadBalancer: "lb", Name: "agent",
		Grace: time.Second, Log: slog.New(slog.NewTextHandler(w.log, nil)).With("side", "agent"),
	}
	if change != nil {
		change(&cfg)
	}
	if cfg.Token == "" {
		cfg.Token = w.token(t, cfg.LoadBalancer)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- tunnel.NewAgent(cfg).Run(ctx) }()
	stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() { stop() })
	return stop
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// await waits for a piece of text.
func (l *logBuffer) await(t testing.TB, text string) {
	t.Helper()
	for end := time.Now().Add(patience); !strings.Contains(l.String(), text); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no %q in the log", text)
		}
	}
}

// backend is a TCP server that runs until the test ends.
func backend(t testing.TB, handle func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	open := map[net.Conn]struct{}{}
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[c] = struct{}{}
			mu.Unlock()
			all.Go(func() {
				defer c.Close()
				handle(c)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for c := range open {
			c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	return l.Addr().String()
}

func echo(c net.Conn) { _, _ = io.Copy(c, c) }

func dial(t testing.TB, d dialFunc) net.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := d(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c
}

func exchange(t testing.TB, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(text))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != text {
		t.Fatalf("got %q, %v", got, err)
	}
}

func TestThroughAnAgent(t *testing.T) {
	w := newWorld(t, nil)
	w.agent(t, backend(t, echo), nil)
	c := dial(t, w.one(t))
	exchange(t, c, "hello")
	exchange(t, c, strings.Repeat("x", 1<<20)[:200<<10])
}

// TestHalfClose: either side may end its own direction and still read the other's.
func TestHalfClose(t *testing.T) {
	t.Parallel()
	t.Run("caller first", func(t *testing.T) {
		w := newWorld(t, nil)
		w.agent(t, backend(t, func(c net.Conn) {
			all, err := io.ReadAll(c)
			fmt.Fprintf(c, "%d %v", len(all), err)
		}), nil)
		c := dial(t, w.one(t))
		if _, err := c.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
		if err := c.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if all, err := io.ReadAll(c); string(all) != "1048576 <nil>" || err != nil {
			t.Fatalf("got %q, %v", all, err)
		}
	})
	t.Run("backend first", func(t *testing.T) {
		w := newWorld(t, nil)
		got := make(chan string, 1)
		w.agent(t, backend(t, func(c net.Conn) {
			_, _ = io.WriteString(c, "done")
			_ = c.(*net.TCPConn).CloseWrite()
			all, _ := io.ReadAll(c)
			got <- string(all)
		}), nil)
		c := dial(t, w.one(t))
		if all, err := io.ReadAll(c); string(all) != "done" || err != nil {
			t.Fatalf("got %q, %v", all, err)
		}
		if _, err := io.WriteString(c, "after"); err != nil {
			t.Fatal(err)
		}
		c.Close()
		if s := <-got; s != "after" {
			t.Fatalf("the backend got %q", s)
		}
	})
	t.Run("a break is no end", func(t *testing.T) {
		w := newWorld(t, nil)
		w.agent(t, backend(t, func(c net.Conn) {
			_, _ = io.WriteString(c, "half of i")
			_, _ = bufio.NewReader(c).ReadByte()
			_ = c.(*net.TCPConn).SetLinger(0)
		}), nil)
		c := dial(t, w.one(t))
		got := make([]byte, 9)
		if _, err := io.ReadFull(c, got); err != nil {
			t.Fatal(err)
		}
		_, _ = c.Write([]byte("x"))
		if n, err := c.Read(got); n != 0 || err == nil || err == io.EOF {
			t.Fatalf("read %d, %v", n, err)
		}
	})
}

// TestBackendDown: a connection that the backend refuses is known before anything is sent.
func TestBackendDown(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	w := newWorld(t, nil)
	w.agent(t, l.Addr().String(), nil)
	_, err = w.one(t)(t.Context())
	var refused *tunnel.ConnectError
	if !errors.As(err, &refused) || refused.Answer.Code != tunnel.Refused || sockgate.KindOf(err) != sockgate.Unavailable {
		t.Fatalf("got %v", err)
	}
	if text := err.Error(); !strings.Contains(text, `agent "agent" of load balancer "lb"`) || !strings.Contains(text, "connection refused") {
		t.Errorf("the operator reads %s", text)
	}
}
