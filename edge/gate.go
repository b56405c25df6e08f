// Package edge is how the outside gets in: it takes each request that arrives on the port to where it belongs. Handshakes
// go through the pipeline's $connect and become connections; @connections calls go to the callback handler; all else is
// left to the management side.
//
// Packages below it: listen (the port), request (heads), socket (frames), callback (@connections), domain (custom names, certificates).
package edge

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
	"unique"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/edge/callback"
	"github.com/sockgate/sockgate/edge/domain"
	"github.com/sockgate/sockgate/edge/listen"
	"github.com/sockgate/sockgate/edge/request"
	"github.com/sockgate/sockgate/edge/socket"
	"github.com/sockgate/sockgate/gateway/pipeline"
	"github.com/sockgate/sockgate/gateway/registry"
)

// Config is what a Gate works with.
type Config struct {
	Pipeline *pipeline.Pipeline
	Registry *registry.Registry
	Callback *callback.Handler
	Limits   socket.Limits
	// Journal remembers which connections are open, over a crash. Optional.
	Journal Journal
	// Names are the custom domain names. Optional.
	Names *domain.Names
	// MaxConnections bounds the open connections of this node; 0 is no bound.
	MaxConnections int
	// Revoked reports whether connections that came with an API key are to be closed. Optional.
	Revoked func(keyID string) bool
	// Refused is told of each handshake that was not accepted, and its status.
	Refused func(apiID, stage string, status int)
	Clock   func() time.Time
	Log     *slog.Logger
}

// Journal is told of connections that were established, and of those whose $disconnect is about to be delivered.
type Journal interface {
	Opened(*sockgate.Connection)
	Ended(connectionID string)
}

// Gate serves the data path's share of a port.
type Gate struct {
	Config
	open     atomic.Int64 // connections that passed $connect and have not ended
	admitted atomic.Int64 // those and the handshakes under way, which MaxConnections bounds together

	mu       sync.RWMutex // held for writing when closing begins, so that no session enters after Drain began to wait
	closing  bool
	ended    func()         // leave, made once
	sessions sync.WaitGroup // from the beginning of a handshake to the end of its $disconnect
}

var _ listen.Handler = (*Gate)(nil)

// New returns a gate.
func New(c Config) *Gate {
	g := &Gate{Config: c}
	g.ended = g.leave
	return g
}

// unbounded is the context of every exchange: one that ends would be watched, under one lock, by every call of every
// connection. Nothing needs it. Backends are called with a timeout, clients are waited for with one, and CloseAll ends
// connections.
var unbounded = context.Background()

// ServeEdge takes one request. It returns false for one that is not for the data path.
func (g *Gate) ServeEdge(x *listen.Exchange) bool {
	if g.Names != nil {
		if name := g.Names.Find(x.Head.Host); name != nil {
			g.serveDomain(x, name)
			return true
		}
	}
	a, ok := ParseAddress(x.Head.Host, x.Head.Path)
	if !ok {
		return false
	}
	g.serve(x, a, nil)
	return true
}

// serve takes a request for an API's stage. cert is what the client showed of itself, where it had to.
func (g *Gate) serve(x *listen.Exchange, a Address, cert *sockgate.ClientCert) {
	if a.Callback {
		g.Callback.Serve(unbounded, x, callback.Call{APIID: a.APIID, Stage: a.Stage, ConnectionID: a.ConnectionID, Custom: a.Custom})
		return
	}
	g.handshake(x, a, cert)
}

// serves reports whether there is a stage at an address.
func (g *Gate) serves(a Address) bool {
	if a.Custom {
		return g.Pipeline.Live(a.APIID, a.Stage)
	}
	return g.Pipeline.Serves(a.APIID, a.Stage)
}

// CloseAll asks every connection to go away (1001) and refuses new ones. Their $disconnect follows.
func (g *Gate) CloseAll() {
	g.mu.Lock()
	g.closing = true
	g.mu.Unlock()
	g.Registry.Each(func(p registry.Peer) { p.Close(sockgate.CloseGoingAway, socket.GoingAway) })
}

// CloseStage asks the connections of one stage to go away: it is no longer there.
func (g *Gate) CloseStage(apiID, stage string) {
	g.Registry.Each(func(p registry.Peer) {
		if c := p.Info(); c.APIID == apiID && c.Stage == stage {
			p.Close(sockgate.CloseGoingAway, socket.GoingAway)
		}
	})
}

// enter admits a handshake, unless the gateway is going away. leave must follow.
func (g *Gate) enter() bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.closing {
		return false
	}
	g.sessions.Add(1)
	return true
}

func (g *Gate) isClosing() bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.closing
}

// Drain comes after CloseAll. It waits until every connection has ended and its $disconnect was delivered, or until ctx ends. It reports how
// many connections were still open then; their calls end with their own timeouts.
func (g *Gate) Drain(ctx context.Context) (cut int64) {
	done := make(chan struct{})
	go func() { // ends with the last session
		g.sessions.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		cut = max(g.open.Load(), 1) // one that is not open yet, or not any more, counts too
	}
	return cut
}

// Open returns the number of open connections.
func (g *Gate) Open() int64 { return g.open.Load() }

// handshake decides about one handshake and, when it is accepted, starts the connection.
func (g *Gate) handshake(x *listen.Exchange, a Address, cert *sockgate.ClientCert) {
	if !g.enter() {
		g.refuse(x, a, unavailable(ErrDraining))
		return
	}
	accepted := false
	defer func() {
		if !accepted {
			g.sessions.Done()
		}
	}()
	if refusal := g.precheck(x, a); refusal != nil {
		g.refuse(x, a, refusal)
		return
	}
	defer func() {
		if !accepted {
			g.admitted.Add(-1)
		}
	}()
	c := g.newClient(x, a)
	c.session.Connection.ClientCert = cert
	opened, refusal := g.Pipeline.Connect(unbounded, &c.session, &pipeline.Handshake{
		Method: x.Head.Method, Path: x.Head.Path, RawQuery: x.Head.Query, Host: x.Head.Host,
		Headers: x.Head.Headers, Query: request.DecodeQuery(x.Head.Query),
		From: x.Remote.Addr().Unmap(), TLS: x.Secure,
	})
	if refusal != nil {
		g.refuse(x, a, refusal)
		return
	}
	accept := socket.AcceptResponse(x.Head, opened.Subprotocol, requestIDHeaders(opened.RequestID))
	nc, early := x.Hijack()
	conn := socket.New(nc, early, &g.Limits, c, &c.session.Connection)
	conn.Accept(accept, func() { g.Registry.Add(conn) })
	if g.Journal != nil {
		g.Journal.Opened(&c.session.Connection)
	}
	if g.isClosing() || !g.serves(a) { // CloseAll or CloseStage may have passed before Add
		conn.Close(sockgate.CloseGoingAway, socket.GoingAway)
	}
	if key := c.session.Connection.APIKey; key != nil && g.Revoked != nil && g.Revoked(key.ID) { // CloseKey may have passed, too
		conn.Close(sockgate.ClosePolicy, keyRevoked)
	}
	accepted = true
	g.open.Add(1)
	conn.Start(g.ended) // Drain waits for it
}

const keyRevoked = "API key revoked"

// CloseKey closes the connections that came with an API key.
func (g *Gate) CloseKey(id string) {
	g.Registry.Each(func(p registry.Peer) {
		if key := p.Info().APIKey; key != nil && key.ID == id {
			p.Close(sockgate.ClosePolicy, keyRevoked)
		}
	})
}

// admit reserves a place for a connection before its $connect runs: many handshakes at once must not pass the bound together.
func (g *Gate) admit() bool {
	if n := g.admitted.Add(1); g.MaxConnections > 0 && n > int64(g.MaxConnections) {
		g.admitted.Add(-1)
		return false
	}
	return true
}

// leave is called when a connection has ended and its $disconnect was delivered.
func (g *Gate) leave() {
	g.open.Add(-1)
	g.admitted.Add(-1)
	g.sessions.Done()
}

// newClient notes what is known of a client. It does not keep the head's strings: they share its bytes, which must not stay
// for the connection's life. Most clients say the same: what came since the last collection is shared.
func (g *Gate) newClient(x *listen.Exchange, a Address) *client {
	c := &client{gate: g}
	c.session.Connection = sockgate.Connection{
		ID:          g.Registry.NewID(),
		APIID:       unique.Make(a.APIID).Value(),
		Stage:       unique.Make(a.Stage).Value(),
		DomainName:  unique.Make(DomainName(x.Head.Host, x.Secure)).Value(),
		SourceIP:    x.Remote.Addr().Unmap(),
		Port:        x.Port,
		TLS:         x.Secure,
		UserAgent:   unique.Make(x.Head.Headers.Get("User-Agent")).Value(),
		ConnectedAt: g.Clock(),
	}
	return c
}

// client is one connection, as its socket sees it.
type client struct {
	gate    *Gate
	session pipeline.Session
}

var _ socket.Handler = (*client)(nil)

// Message takes one message through the pipeline.
func (c *client) Message(conn *socket.Conn, payload []byte) {
	c.gate.Pipeline.Message(unbounded, &c.session, payload, conn)
}

// Closed ends the connection's life in the gateway.
func (c *client) Closed(conn *socket.Conn, code int, reason string) {
	c.gate.Registry.Remove(c.session.Connection.ID)
	if c.gate.Journal != nil {
		c.gate.Journal.Ended(c.session.Connection.ID)
	}
	c.gate.Pipeline.Disconnect(unbounded, &c.session, code, reason)
}

// Bury delivers the $disconnect of connections that were open when an earlier process ended without delivering it. It returns
// when all were told of, or soon after ctx ends.
func (g *Gate) Bury(ctx context.Context, left []sockgate.Connection) {
	const atOnce = 64
	var wg sync.WaitGroup
	next := make(chan *sockgate.Connection)
	for range min(atOnce, len(left)) {
		wg.Go(func() {
			for c := range next {
				g.Journal.Ended(c.ID)
				g.Pipeline.Disconnect(ctx, &pipeline.Session{Connection: *c}, sockgate.CloseAbnormal, socket.Abnormal)
			}
		})
	}
	for i := range left {
		select {
		case next <- &left[i]:
		case <-ctx.Done():
		}
	}
	close(next)
	wg.Wait()
}
