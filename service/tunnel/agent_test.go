package tunnel_test

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sockgate/sockgate/service/tunnel"
)

// sockgateCause finds an error of a kind among the causes.
func sockgateCause[E error](err error) (E, bool) {
	var e E
	return e, errors.As(err, &e)
}

// proxy stands between agents and the gateway.
type proxy struct {
	net.Listener
	mu    sync.Mutex
	conns []net.Conn
	mute  atomic.Bool // take everything, pass nothing on
	all   sync.WaitGroup
}

func newProxy(t *testing.T, to string) *proxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: l}
	p.all.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				in.Close()
				continue
			}
			p.mu.Lock()
			p.conns = append(p.conns, in, out)
			p.mu.Unlock()
			p.all.Go(func() { p.pass(in, out) })
			p.all.Go(func() { p.pass(out, in) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		p.cut()
		p.all.Wait()
	})
	return p
}

func (p *proxy) pass(to, from net.Conn) {
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		if err != nil {
			if !p.mute.Load() { // an end is not passed on either
				to.Close()
			}
			return
		}
		if !p.mute.Load() {
			to.Write(b[:n])
		}
	}
}

// cut ends the connections that there are.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
}

func (p *proxy) url(t *testing.T) *url.URL {
	u, err := url.Parse("https://" + p.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// TestReconnect: an agent whose connection broke comes back by itself.
func TestReconnect(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	p := newProxy(t, w.server.Listener.Addr().String())
	w.agent(t, backend(t, echo), func(c *tunnel.AgentConfig) { c.Gateway = p.url(t) })
	for range 2 {
		c := dial(t, w.one(t))
		exchange(t, c, "hello")
		p.cut()
		if n, err := c.Read(make([]byte, 1)); err == nil || err == io.EOF {
			t.Errorf("read %d, %v from a connection that broke", n, err)
		}
		w.await(t, 0)
	}
	w.one(t)
}

// TestPartition: a line that carries nothing any more is found out by both ends, and what waits for an answer is told.
func TestPartition(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *tunnel.Config) { c.KeepAlive = 100 * time.Millisecond })
	p := newProxy(t, w.server.Listener.Addr().String())
	w.agent(t, backend(t, echo), func(c *tunnel.AgentConfig) { c.Gateway, c.KeepAlive = p.url(t), 100*time.Millisecond })
	c := dial(t, w.one(t))
	exchange(t, c, "hello")
	p.mute.Store(true)
	if _, err := c.Read(make([]byte, 1)); err == nil || err == io.EOF {
		t.Errorf("the reader gets %v", err)
	}
	w.await(t, 0)
	w.log.await(t, "nothing was heard of it for")
	w.log.await(t, "nothing was heard of the gateway for")
	p.cut()
	p.mute.Store(false)
	exchange(t, dial(t, w.one(t)), "again")
}

// TestDrain: an agent that is to end takes nothing new, finishes what it has, and ends.
func TestDrain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	release := make(chan struct{})
	target := backend(t, func(c net.Conn) {
		<-release
		io.WriteString(c, "done")
	})
	stop := w.agent(t, target, func(c *tunnel.AgentConfig) { c.Grace = patience })
	d := w.one(t)
	c := dial(t, d)
	ended := make(chan error, 1)
	go func() { ended <- stop() }()
	w.await(t, 0)
	if _, err := d(t.Context()); err == nil || !strings.Contains(err.Error(), "is ending") {
		t.Errorf("a new connection: %v", err)
	}
	select {
	case err := <-ended:
		t.Fatalf("the agent ended with a connection under way: %v", err)
	default:
	}
	if !c.(interface{ Stale() bool }).Stale() {
		t.Error("an idle connection would be used again")
	}
	close(release)
	if all, err := io.ReadAll(c); string(all) != "done" || err != nil {
		t.Errorf("got %q, %v", all, err)
	}
	c.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestDrainEnds: a connection that does not end is cut when the grace is over.
func TestDrainEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	stop := w.agent(t, backend(t, echo), func(c *tunnel.AgentConfig) { c.Grace = 50 * time.Millisecond })
	c := dial(t, w.one(t))
	exchange(t, c, "hello")
	if err := stop(); err != nil {
		t.Error(err)
	}
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("the connection outlives its agent")
	}
}

// TestOneName: agents of one name are targets of their own, and one that goes leaves the other.
func TestOneName(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	target := backend(t, echo)
	first := w.agent(t, target, nil)
	old := dial(t, w.one(t))
	w.agent(t, target, func(c *tunnel.AgentConfig) { c.Connections = 2 })
	agents := w.await(t, 3)
	for _, name := range []string{"agent", "agent~2", "agent~3"} {
		if agents[name] == nil {
			t.Fatalf("agents %v", agents)
		}
		exchange(t, dial(t, agents[name]), name)
	}
	exchange(t, old, "still here")
	if err := first(); err != nil {
		t.Error(err)
	}
	exchange(t, dial(t, w.await(t, 2)["agent~2"]), "hello")
}

// TestStale: an idle connection that the backend has closed, or sent something on, is known for what it is.
func TestStale(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.agent(t, backend(t, func(c net.Conn) {
		b := make([]byte, 1)
		for {
			if _, err := c.Read(b); err != nil || b[0] == 'q' {
				return
			}
			c.Write(b)
		}
	}), nil)
	d := w.one(t)
	c := dial(t, d)
	stale := c.(interface{ Stale() bool }).Stale
	exchange(t, c, "x")
	for range 3 {
		if stale() {
			t.Fatal("a connection that is open is called stale")
		}
		exchange(t, c, "x")
	}
	io.WriteString(c, "q")
	eventually(t, stale)
	c = dial(t, d)
	io.WriteString(c, "x")
	eventually(t, c.(interface{ Stale() bool }).Stale)
}

func eventually(t *testing.T, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it did not happen")
		}
	}
}

// TestRefusedAgent: an agent whose token is not accepted gives up, after some attempts, and says why.
func TestRefusedAgent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	token, text, err := w.tokens.Create(t.Context(), tunnel.Token{LoadBalancer: "lb"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse(w.server.URL)
	cfg := tunnel.AgentConfig{
		Gateway: u, TLS: w.server.Client().Transport.(*http.Transport).TLSClientConfig, Target: backend(t, echo), LoadBalancer: "lb", Name: "a",
		Token: text, Connections: 2,
	}
	ended := make(chan error, 1)
	go func() { ended <- tunnel.NewAgent(cfg).Run(t.Context()) }()
	w.await(t, 2)
	if err := w.tokens.Revoke(t.Context(), token.ID); err != nil {
		t.Fatal(err)
	}
	refused, ok := sockgateCause[*tunnel.RefusedError](<-ended)
	if !ok || refused.Status != 401 || refused.Message != "The token is unknown, revoked or expired." {
		t.Errorf("it ended with %v", refused)
	}
}

// TestWrongGateway: an agent does not give its token to a gateway that cannot prove who it is, and goes on trying.
func TestWrongGateway(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	impostor := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(impostor.Close)
	w := newWorld(t, nil)
	u, _ := url.Parse(impostor.URL)
	stop := w.agent(t, backend(t, echo), func(c *tunnel.AgentConfig) {
		c.Gateway, c.TLS = u, nil
	})
	w.log.await(t, (&x509.UnknownAuthorityError{}).Error()[:30])
	if err := stop(); err != nil || asked.Load() != 0 {
		t.Errorf("it ended with %v; %d requests reached the impostor", err, asked.Load())
	}
}

// TestSomethingElse: a refusal that is not a gateway's own says nothing about the token, and the agent goes on trying.
func TestSomethingElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	var asked atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		http.Error(w, "Forbidden", http.StatusForbidden)
	}))
	t.Cleanup(proxy.Close)
	u, _ := url.Parse(proxy.URL)
	stop := w.agent(t, backend(t, echo), func(c *tunnel.AgentConfig) { c.Gateway = u })
	w.log.await(t, "what answers there is not where agents connect: 403 Forbidden")
	eventually(t, func() bool { return asked.Load() > 1 })
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// TestGatewayCloses: a gateway that ends tells its agents, and refuses those that come.
func TestGatewayCloses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.agent(t, backend(t, echo), nil)
	c := dial(t, w.one(t))
	exchange(t, c, "hello")
	w.gateway.Close()
	if n := w.gateway.Agents(); n != 0 {
		t.Errorf("%d agents are left", n)
	}
	w.await(t, 0)
	w.log.await(t, "the gateway closed the connection")
	w.log.await(t, "the gateway answers 503: The gateway is shutting down.")
	if _, err := c.Write([]byte("x")); err == nil {
		t.Error("a connection outlives the gateway's end")
	}
}

// TestManyStreams moves data over many streams at once, to and fro.
func TestManyStreams(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.agent(t, backend(t, echo), nil)
	d := w.one(t)
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			c, err := d(context.Background())
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(patience))
			text := strings.Repeat(string(rune('a'+i%26)), 100<<10)
			go io.WriteString(c, text)
			got := make([]byte, len(text))
			if _, err := io.ReadFull(c, got); err != nil || string(got) != text {
				t.Errorf("stream %d: %v", i, err)
			}
		})
	}
	all.Wait()
}
