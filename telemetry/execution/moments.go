package execution

import (
	"strings"

	"github.com/sockgate/sockgate"
)

// Begin opens the log of a request, once its route is known.
func (l *Logger) Begin(e *sockgate.Event) {
	if !l.Info() {
		return
	}
	l.line(e).s("Extended Request Id: ").s(e.RequestID).to(l.sink)
}

// RouteChosen says by which value a message's route was selected. Ours.
func (l *Logger) RouteChosen(e *sockgate.Event, expression, value string, found bool) {
	if !l.Info() {
		return
	}
	n := l.line(e).s("Route selection expression ").s(expression)
	switch {
	case !found:
		n.s(" has no value in this message")
	default:
		n.s(" gave [").s(cut(value, maxValue)).s("]")
	}
	if e.RouteKey == "" {
		n.s("; no route takes it").to(l.sink)
		return
	}
	n.s("; route chosen: [").s(e.RouteKey).s("]").to(l.sink)
}

// UsagePlan tells of the check of the API key that e's connection presented; required is the route's APIKeyRequired.
// It is for checks that succeeded; Refused is for the others.
func (l *Logger) UsagePlan(e *sockgate.Event, required bool) {
	if !l.Info() {
		return
	}
	key := ""
	if e.Connection.APIKey != nil {
		key = mask(e.Connection.APIKey.Value)
	}
	l.line(e).s("Verifying Usage Plan for request: ").s(e.RequestID).s(". API Key: ").s(key).s(" API Stage: ").
		s(l.apiID).s("/").s(l.stage).to(l.sink)
	if required {
		l.line(e).s("API Key ").s(key).s(" authorized for route '").s(e.RouteKey).s("'").to(l.sink)
	} else {
		l.line(e).s("API Key ").s(key).s(" authorized because route '").s(e.RouteKey).
			s("' does not require API Key. Request will not contribute to throttle or quota limits").to(l.sink)
	}
	l.line(e).s("Usage Plan check succeeded for API Key ").s(key).s(" and API Stage ").s(l.apiID).s("/").s(l.stage).to(l.sink)
}

// Start says what the client wants.
func (l *Logger) Start(e *sockgate.Event) {
	if !l.Info() {
		return
	}
	l.line(e).s("Starting execution for request: ").s(e.RequestID).to(l.sink)
	l.line(e).s("WebSocket Request Route: [").s(e.RouteKey).s("]").to(l.sink)
	c := e.Connection
	switch e.Type {
	case sockgate.Connect:
		agent := c.UserAgent
		if agent == "" {
			agent = "null"
		}
		l.line(e).s("Client [UserAgent: ").s(cut(agent, maxValue)).s(", SourceIp: ").s(c.SourceIP.String()).
			s("] is connecting to WebSocket API [").s(l.apiID).s("].").to(l.sink)
		if l.dataTrace {
			l.line(e).s("Client request headers: ").headers(e.Headers).to(l.sink)
		}
	case sockgate.Message:
		n := l.line(e).s("WebSocket API [").s(l.apiID).s("] received message from client [Connection Id: ").s(c.ID).s("].")
		if l.dataTrace {
			n.s(" Message: [").body(e.Body).s("]")
		}
		n.to(l.sink)
	case sockgate.Disconnect:
		l.line(e).s("Client [Connection Id: ").s(c.ID).s("] has disconnected from WebSocket API [").s(l.apiID).s("]. Code: ").
			i(e.DisconnectCode).s(", reason: [").s(cut(e.DisconnectReason, maxValue)).s("]").to(l.sink)
	}
}

// Authorizing tells that an authorizer is about to be asked.
func (l *Logger) Authorizing(e *sockgate.Event, id string) {
	if l.Info() {
		l.line(e).s("Starting authorizer: ").s(id).s(" for request: ").s(e.RequestID).to(l.sink)
	}
}

// Authorized tells what an authorizer decided in favour of the client. Ours.
func (l *Logger) Authorized(e *sockgate.Event, authorizer, principal string) {
	if !l.Info() {
		return
	}
	l.line(e).s("Authorizer [").s(authorizer).s("] allowed the connection. Principal: [").s(cut(principal, maxValue)).s("]").to(l.sink)
}

// Request tells what is about to be sent to the backend.
func (l *Logger) Request(e *sockgate.Event, uri string, headers sockgate.Headers, body []byte) {
	if !l.Info() {
		return
	}
	safe := redactURI(uri)
	l.line(e).s("Endpoint request URI: ").s(safe).to(l.sink)
	if l.dataTrace {
		l.line(e).s("Endpoint request headers: ").headers(headers).to(l.sink)
		l.line(e).s("Endpoint request body after transformations: ").body(body).to(l.sink)
	}
	l.line(e).s("Sending request to ").s(safe).to(l.sink)
}

// Response tells what the backend answered. The time it took is the event's IntegrationLatency.
func (l *Logger) Response(e *sockgate.Event, status int, headers sockgate.Headers, body []byte) {
	if !l.Info() {
		return
	}
	l.line(e).s("Received response. Status: ").i(status).s(", Integration latency: ").
		i(int(e.IntegrationLatency.Milliseconds())).s(" ms").to(l.sink)
	if l.dataTrace {
		l.line(e).s("Endpoint response headers: ").headers(headers).to(l.sink)
		l.line(e).s("Endpoint response body before transformations: ").body(body).to(l.sink)
	}
}

// ResponseChosen says which integration response takes the answer, and by which value. Ours.
func (l *Logger) ResponseChosen(e *sockgate.Event, key, value string) {
	if l.Info() {
		l.line(e).s("Integration response [").s(key).s("] chosen for [").s(cut(value, maxValue)).s("]").to(l.sink)
	}
}

// Reply shows what the client is sent, after the response template. Data trace only.
func (l *Logger) Reply(e *sockgate.Event, body []byte) {
	if !l.Trace() {
		return
	}
	l.line(e).s("Method response body after transformations: ").body(body).to(l.sink)
}

// Done closes the log of a request that went well; its status is the event's.
func (l *Logger) Done(e *sockgate.Event) {
	if !l.Info() {
		return
	}
	l.line(e).s("Successfully completed execution").to(l.sink)
	l.completed(e)
}

// Failed closes the log of a request that could not be carried out, and says why: err's text for the operator.
func (l *Logger) Failed(e *sockgate.Event, err error) {
	if l == nil {
		return
	}
	l.line(e).s("Execution failed due to ").s(cut(err.Error(), maxBody)).to(l.sink)
	l.completed(e)
}

// FunctionFailed closes the log of a request whose function ran and failed: the status and text that its service returned, and
// the id of the invocation.
func (l *Logger) FunctionFailed(e *sockgate.Event, status int, text, requestID string) {
	if l == nil {
		return
	}
	l.line(e).s("Lambda execution failed with status ").i(status).s(" due to customer function error: ").
		s(cut(text, maxBody)).s(". Lambda request id: ").s(requestID).to(l.sink)
	l.completed(e)
}

// Refused closes the log of a request that was turned away before its integration, and says by whom and why: step is e.g.
// "authorizer", "API key", "throttling" or "request validation".
func (l *Logger) Refused(e *sockgate.Event, step, why string) {
	if l == nil {
		return
	}
	l.line(e).s("Execution failed due to ").s(step).s(": ").s(cut(why, maxBody)).to(l.sink)
	l.completed(e)
}

func (l *Logger) completed(e *sockgate.Event) {
	if !l.info || e.Status == 0 {
		return
	}
	l.line(e).s("Method completed with status: ").i(e.Status).to(l.sink)
}

// Note writes a line of the caller's own at INFO. A text that is costly to compose is composed only if Info.
func (l *Logger) Note(e *sockgate.Event, text string) {
	if !l.Info() {
		return
	}
	l.line(e).s(cut(text, maxBody)).to(l.sink)
}

// mask hides an API key, up to its last characters where it is long enough to spare them.
func mask(key string) string {
	const shown, least = 6, 20 // characters; AWS's keys have 20 to 128
	if len(key) < least {
		return strings.Repeat("*", len(key))
	}
	return strings.Repeat("*", len(key)-shown) + key[len(key)-shown:]
}
