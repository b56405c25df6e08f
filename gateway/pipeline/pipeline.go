// Package pipeline takes what happens on a connection (a handshake, a message, an end) through the gateway's steps, and
// returns what the client is to be told. It writes to no peer: the edge does.
//
// The steps are one list, in steps below. Each is a type with one method; it reads what earlier steps left on the exchange
// and adds its own part. The first error ends the way; outcome.go turns it into what the client reads.
package pipeline

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockgate/sockgate"
	authorizers "github.com/sockgate/sockgate/gateway/authorize"
	"github.com/sockgate/sockgate/gateway/deploy"
	httpbackend "github.com/sockgate/sockgate/gateway/integrate/http"
	"github.com/sockgate/sockgate/gateway/route"
	"github.com/sockgate/sockgate/gateway/transform"
	"github.com/sockgate/sockgate/gateway/usage"
	"github.com/sockgate/sockgate/internal/requestid"
	"github.com/sockgate/sockgate/telemetry/metrics"
)

// Config is what a Pipeline works with.
type Config struct {
	Table *deploy.Table
	HTTP  *httpbackend.Client
	// Functions runs the functions of integrations; nil where there are none, and calls fail.
	Functions sockgate.Functions
	// Authorizers asks the authorizers of $connect; nil where there are none, and routes that need one let nobody in.
	Authorizers *authorizers.Checker
	// Signed verifies a handshake's signature for routes with AWS_IAM authorization.
	Signed func(*Handshake) (*sockgate.Principal, error)
	// Permit returns nil when who signed a handshake may do action ("execute-api:Invoke") on resource (the ARN of the route), else
	// sockgate.Forbidden in AWS's words. It is not asked about the root user, who may. Without it nobody else may.
	Permit func(p *sockgate.Principal, action, resource string, h *Handshake) error
	Limits Limits
	// Observe is told of each exchange when it has ended, and why it failed, which is "" when it went well. It must not keep the event.
	// Nil: nobody watches.
	Observe func(ev *sockgate.Event, why string)
	// MaxReply is the largest answer that a client is sent, in bytes; 0 is no limit.
	MaxReply int
	Clock    func() time.Time
	Log      *slog.Logger
}

// Pipeline runs exchanges. Its methods may be called by many goroutines.
type Pipeline struct {
	Config
	steps   []step
	refused [reasons]atomic.Int64 // by limits
}

// New returns a pipeline.
func New(c Config) *Pipeline {
	p := &Pipeline{Config: c}
	p.steps = []step{
		identify{c.Table}, // which stage, which route key
		authorize{c.Signed, c.Permit, c.Authorizers, c.Clock}, // $connect: may this client come in?
		limit{c.Limits, c.Clock, &p.refused},                  // is its API key good, and is there room under the limits?
		check{},                                               // is the request what the route asks for?
		bind{},                                                // the route's integration
		transformRequest{},                                    // the client's words → the backend's request
		integrate{c.HTTP, c.Functions, c.Clock},               // the backend's call
		transformResponse{},                                   // the backend's answer → the client's words
		respond{c.MaxReply},                                   // what the client is to be told
	}
	return p
}

// step is one part of an exchange's way. An error ends the way.
type step interface {
	run(ctx context.Context, x *exchange) error
}

// exchange is one event on its way. It is used by one goroutine and recycled.
type exchange struct {
	ev        sockgate.Event
	session   *Session
	handshake *Handshake // CONNECT only

	stage   *deploy.Stage
	route   *deploy.Route
	picked  route.Selection // MESSAGE only
	request transform.Request
	call    httpbackend.Request
	payload []byte // of functions, in place of call
	answer  httpbackend.Response
	failed  *functionFailed // the function failed, and an integration response may be for that
	// What the response's transformation made of the answer.
	output   []byte
	protocol string // CONNECT only: the subprotocol
	reply    []byte // for the client; valid until the exchange is released
}

var exchanges = sync.Pool{New: func() any { return new(exchange) }}

func (p *Pipeline) acquire(s *Session, t sockgate.EventType) *exchange {
	x := exchanges.Get().(*exchange)
	x.session = s
	x.ev.Type = t
	x.ev.Connection = &s.Connection
	x.ev.RequestID = requestid.NewExtended()
	x.ev.Time = p.Clock()
	x.ev.TraceID = transform.NewTraceID(x.ev.Time)
	return x
}

func (x *exchange) release() {
	x.answer.Release()
	headers, query := x.request.Header[:0], x.request.Query[:0]
	clear(headers[:cap(headers)])
	clear(query[:cap(query)])
	*x = exchange{}
	x.request.Header, x.request.Query = headers, query
	exchanges.Put(x)
}

// run takes x through the steps.
func (p *Pipeline) run(ctx context.Context, x *exchange) error {
	for _, s := range p.steps {
		if err := s.run(ctx, x); err != nil {
			return err
		}
	}
	return nil
}

// Replier takes what a client is to read. socket.Conn is one.
type Replier interface {
	Reply(ctx context.Context, payload []byte) error
}

// Serves reports whether a stage takes handshakes by the API's own host name or path.
func (p *Pipeline) Serves(apiID, stage string) bool { return p.Table.Serves(apiID, stage) }

// Live reports whether a stage takes handshakes by a domain name.
func (p *Pipeline) Live(apiID, stage string) bool { return p.Table.Live(apiID, stage) }

// Session is one client's time with the gateway, from its handshake to its $disconnect.
type Session struct {
	Connection sockgate.Connection
	counted    *metrics.StageMetrics // where the connection was added to the gauge; nil until it was
	stage      *deploy.Stage         // the latest seen: a $disconnect is delivered even when its stage was deleted meanwhile
	mu         sync.Mutex            // guards stage
	// subscription is of the API key that the handshake came with; nil without a known one. Connect sets it, and the $disconnect ends it.
	subscription *usage.Subscription
}

func (s *Session) seen(st *deploy.Stage) {
	s.mu.Lock()
	s.stage = st
	s.mu.Unlock()
}

func (s *Session) last() *deploy.Stage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stage
}

// Handshake is what the client asked to be connected with.
type Handshake struct {
	Method, Path, RawQuery, Host string
	Headers                      sockgate.Headers
	Query                        []sockgate.Header // decoded, in order
	From                         netip.Addr        // the client's; the zero value when unknown
	TLS                          bool
}

// Opened is what the gateway answers to a handshake that it accepts.
type Opened struct {
	RequestID   string
	Subprotocol string // chosen by the backend; empty for none
}

// Connect decides about a handshake: no refusal means that the connection may be opened. The session's connection is filled
// in by the caller; Connect adds who the client is.
func (p *Pipeline) Connect(ctx context.Context, s *Session, h *Handshake) (Opened, *Refusal) {
	x := p.acquire(s, sockgate.Connect)
	defer x.release()
	x.handshake = h
	x.ev.Headers, x.ev.Query = h.Headers, h.Query
	err := p.run(ctx, x)
	if err == nil && (x.answer.Status < 200 || x.answer.Status > 299) {
		err = &Refusal{Status: x.answer.Status, Body: append([]byte(nil), x.output...), ContentType: contentType(&x.answer)}
	}
	refusal := p.concludeConnect(x, err)
	if refusal != nil {
		s.subscription.Release()
		return Opened{}, refusal
	}
	return Opened{RequestID: x.ev.RequestID, Subprotocol: x.protocol}, nil
}

// Message takes one client message through its route. When there is something for the client to read (the backend's answer on
// a two-way route, or an error frame), to.Reply is called with it once; the bytes are valid only during the call.
// body is owned by the pipeline.
func (p *Pipeline) Message(ctx context.Context, s *Session, body []byte, to Replier) {
	x := p.acquire(s, sockgate.Message)
	defer x.release()
	x.ev.Body = body
	x.ev.MessageID = requestid.NewExtended()
	frame := p.concludeMessage(x, p.run(ctx, x))
	if frame == nil {
		return
	}
	if err := to.Reply(ctx, frame); err != nil && x.log().Info() {
		x.log().Note(&x.ev, "The reply could not be delivered: "+err.Error())
	}
}

// Disconnect delivers $disconnect for a connection that was established. It is called exactly once for each.
func (p *Pipeline) Disconnect(ctx context.Context, s *Session, code int, reason string) {
	x := p.acquire(s, sockgate.Disconnect)
	defer x.release()
	x.ev.DisconnectCode, x.ev.DisconnectReason = code, reason
	p.concludeDisconnect(x, p.run(ctx, x))
	s.subscription.Release() // messages that are still under way may be refused from now on
}
