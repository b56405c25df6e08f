package tunnel

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/sockgate/sockgate"
)

// Path is where agents ask for their connection.
const Path = "/_sockgate/link"

// Protocol is what an agent asks to upgrade to.
const Protocol = "sockgate-link/1"

// The headers of an agent's request.
const (
	BalancerHeader = "Sockgate-Load-Balancer"
	AgentHeader    = "Sockgate-Agent"
)

// refusalHeader is on every refusal, so that an agent knows it from one of something else that answers at the address.
const refusalHeader = "Sockgate-Link"

// Balancers is who sends calls through agents.
type Balancers interface {
	// AttachAgent makes an agent a target of a load balancer. dial opens connections to the backend; an error of it says that
	// nothing was sent. detach takes the target away again: what is under way may finish, nothing new begins.
	// Errors: sockgate.NotFound when there is no such load balancer.
	AttachAgent(loadBalancer, agent string, dial func(context.Context) (net.Conn, error)) (detach func(), err error)
}

// Limits bound what agents may take of the gateway.
type Limits struct {
	MaxAgents  int           // connections of agents; more are refused
	MaxStreams int           // connections to a backend through one of those. Each may hold streamWindow bytes unread.
	Bandwidth  int64         // bytes per second through one of those, both ways together; 0 is no limit
	KeepAlive  time.Duration // an agent is asked for a sign of life this often, and cut off after two intervals of silence
}

// DefaultLimits are those of the configuration's defaults.
var DefaultLimits = Limits{MaxAgents: 256, MaxStreams: 1024, KeepAlive: 2 * time.Second}

// Config is what a Gateway works with.
type Config struct {
	Limits
	Tokens    *Tokens
	Balancers Balancers
	Clock     func() time.Time // of tokens' expiry
	Log       *slog.Logger
}

// Gateway is the gateway's end of all agents' connections. It is an http.Handler for Path.
type Gateway struct {
	cfg     Config
	stuck   time.Duration
	refused *rate.Limiter // answers to agents that show no good token, so that guessing makes neither load nor log

	mu       sync.Mutex
	sessions map[*session]struct{}
	names    map[string]struct{} // of the sessions: balancer and agent
	closing  bool
	running  sync.WaitGroup
}

// refusals is how many agents without a good token are told so in a second; the rest read 429.
const refusals = 10

// NewGateway returns a Gateway. It starts nothing; Close ends what handshakes start.
func NewGateway(cfg Config) *Gateway {
	g := &Gateway{cfg: cfg, stuck: stuck, refused: rate.NewLimiter(refusals, 5*refusals), sessions: make(map[*session]struct{}), names: make(map[string]struct{})}
	cfg.Tokens.onGone(g.cutToken)
	return g
}

// Agents is how many agents are connected.
func (g *Gateway) Agents() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.sessions)
}

// Close refuses further agents, tells the connected ones to go, and waits until their sessions have ended. It is to be called
// when nothing needs them any more.
func (g *Gateway) Close() {
	g.mu.Lock()
	g.closing = true
	open := make([]*session, 0, len(g.sessions))
	for s := range g.sessions {
		open = append(open, s)
	}
	g.mu.Unlock()
	for _, s := range open {
		s.release()
		go s.sayGoodbye() // ends with the session, within farewell
	}
	g.running.Wait()
}

// sayGoodbye ends a session in order, so that the agent knows that it was no failure.
func (s *session) sayGoodbye() {
	select {
	case <-s.ready:
	case <-s.ended:
		return
	}
	defer time.AfterFunc(farewell, func() { s.cut("it does not take the gateway's goodbye") }).Stop()
	_ = s.mux.GoAway()
	_ = s.mux.Close()
}

func (s *session) fullName() string { return s.balancer + "\x00" + s.agent }

// ServeHTTP answers an agent's request for a connection, and takes the connection over when it is granted.
//
// Refusals are JSON, {"message":…}: 401 for a token that is missing, unknown, revoked or expired, 403 for one of another load
// balancer, 404 for a load balancer that is not there, 400 and 426 for a request that is none of an agent's, 429 and 503 for
// one that may be tried again.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if no := g.admit(w, r); no != nil {
		g.refuse(w, r, no)
	}
}

// start enters the session, attaches it and takes the connection over.
func (g *Gateway) start(w http.ResponseWriter, s *session) (no *refusal) {
	if no := g.enter(s); no != nil {
		return no
	}
	taken := false
	defer func() {
		if !taken {
			close(s.ended)
			s.release()
			g.forget(s)
		}
	}()
	s.log = g.cfg.Log.With("loadBalancer", s.balancer, "agent", s.agent, "remote", s.remote, "token", s.token.ID)
	if n := g.cfg.Bandwidth; n > 0 {
		s.limit = rate.NewLimiter(rate.Limit(n), int(min(max(n/10, 4<<10), 64<<10)))
	}
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		return &refusal{status: http.StatusInternalServerError, message: "Internal server error", reason: "the port cannot hand connections over"}
	}
	detach, err := g.cfg.Balancers.AttachAgent(s.balancer, s.agent, s.dial)
	switch {
	case sockgate.KindOf(err) == sockgate.NotFound && err != nil:
		return &refusal{status: http.StatusNotFound, message: "There is no load balancer of that name.", reason: err.Error()}
	case err != nil:
		return &refusal{status: http.StatusServiceUnavailable, message: "The load balancer does not take the agent now.", reason: err.Error()}
	}
	s.mu.Lock()
	s.detach = detach
	s.mu.Unlock()
	conn, rw, err := hijacker.Hijack()
	if err != nil {
		return &refusal{status: http.StatusBadRequest, message: "The request cannot be upgraded.", reason: err.Error()}
	}
	taken = true
	go g.serve(s, conn, rw.Reader) // ends with the session; Close waits for it
	return nil
}

// enter counts the session among the others, under a name of its own.
func (g *Gateway) enter(s *session) *refusal {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closing {
		return &refusal{status: http.StatusServiceUnavailable, message: "The gateway is shutting down."}
	}
	if len(g.sessions) >= g.cfg.MaxAgents {
		return &refusal{status: http.StatusServiceUnavailable, message: "The gateway has as many agents as it takes."}
	}
	// Two agents of one name, or one that is back before its old connection was found dead, are two targets.
	asked := s.agent
	for n := 2; ; n++ {
		if _, taken := g.names[s.fullName()]; !taken {
			break
		}
		s.agent = asked + "~" + strconv.Itoa(n)
	}
	g.sessions[s], g.names[s.fullName()] = struct{}{}, struct{}{}
	g.running.Add(1)
	return nil
}

func (g *Gateway) forget(s *session) {
	g.mu.Lock()
	delete(g.sessions, s)
	delete(g.names, s.fullName())
	g.mu.Unlock()
	g.running.Done()
}

// serve runs a session from its 101 to its end.
func (g *Gateway) serve(s *session, conn net.Conn, in interface{ Buffered() int }) {
	defer g.forget(s)
	w, err := s.accept(conn, in)
	if err == nil {
		err = s.begin(w)
	}
	if err != nil {
		close(s.ended)
		s.release()
		s.log.Debug("agent went away during its handshake", "error", err)
		return
	}
	s.log.Info("agent connected")
	if !g.cfg.Tokens.live(s.token.ID) {
		s.cut("its token was revoked") // while it connected
	}
	s.run()
}

// cutToken ends the sessions of a token that is gone.
func (g *Gateway) cutToken(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for s := range g.sessions {
		if s.token.ID == id {
			s.cut("its token was revoked")
		}
	}
}
