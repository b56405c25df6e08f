package pipeline

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/deploy"
	httpbackend "github.com/sockgate/sockgate/gateway/integrate/http"
	"github.com/sockgate/sockgate/gateway/integrate/mock"
	"github.com/sockgate/sockgate/gateway/transform"
	"github.com/sockgate/sockgate/gateway/validate"
)

// identify settles the stage and the route key. Throttles and models hang on a route, so the key must be known before them.
type identify struct{ table *deploy.Table }

func (s identify) run(_ context.Context, x *exchange) error {
	c := x.ev.Connection
	x.stage = s.table.Stage(c.APIID, c.Stage)
	if x.stage == nil && x.ev.Type == sockgate.Disconnect {
		x.stage = x.session.last()
	}
	if x.stage == nil {
		return sockgate.Forbiddenf("Forbidden").Because(errNoStage)
	}
	x.session.seen(x.stage)
	switch x.ev.Type {
	case sockgate.Connect:
		x.ev.RouteKey = sockgate.ConnectRoute
	case sockgate.Disconnect:
		x.ev.RouteKey = sockgate.DisconnectRoute
	default:
		sel := x.stage.Selector.SelectIn(x.ev.Body, transform.EventVariables{Event: &x.ev})
		x.picked = sel
		if !sel.Found {
			return sockgate.Forbiddenf("Forbidden").Because(errNoRoute)
		}
		x.ev.RouteKey = sel.Key
	}
	x.route = x.stage.Routes[x.ev.RouteKey] // nil: there is no $connect or $disconnect route, which is allowed
	x.logBegin()
	return nil
}

var (
	errNoStage = errors.New("no such API or stage, or nothing is deployed to the stage")
	errNoRoute = errors.New("no route matches and the API has no $default route")
)

// check refuses what the route did not ask for, before a backend sees it: a handshake that lacks a required parameter, a message
// that does not satisfy the route's model.
type check struct{}

func (check) run(_ context.Context, x *exchange) error {
	if x.route != nil && x.ev.Type == sockgate.Message && x.route.Model != nil {
		return x.satisfies(x.route.Model)
	}
	if x.ev.Type != sockgate.Connect || x.route == nil {
		return nil
	}
	var missing []string
	for _, p := range x.route.Required {
		if !x.has(p) {
			missing = append(missing, p.Name)
		}
	}
	if missing != nil {
		return sockgate.Invalidf("Missing required request parameters: [%s]", strings.Join(missing, ", "))
	}
	return nil
}

// satisfies holds the message against a model.
func (x *exchange) satisfies(model *validate.Check) error {
	err := model.Validate(transform.EventVariables{Event: &x.ev}, x.ev.Body)
	if err != nil {
		x.ev.ValidationError = why(err)
	}
	return err
}

func (x *exchange) has(p deploy.RequiredParameter) bool {
	if p.Header {
		_, ok := x.ev.Headers.Lookup(p.Name)
		return ok
	}
	for _, q := range x.ev.Query {
		if q.Name == p.Name {
			return true
		}
	}
	return false
}

// bind finds the integration behind the route key. A message needs one; a handshake or an end goes without.
type bind struct{}

func (bind) run(_ context.Context, x *exchange) error {
	if x.route == nil || x.route.Integration == nil {
		if x.ev.Type == sockgate.Message {
			return misconfigured{sockgate.Internalf("route %s has no target", x.ev.RouteKey)}
		}
		return nil
	}
	if missing := x.route.Integration.MissingVars; len(missing) > 0 {
		return misconfigured{sockgate.Internalf("stage %s has no variable %s, which integration %s needs",
			x.stage.Settings.Name, strings.Join(missing, ", "), x.route.Integration.ID)}
	}
	if why := x.route.Integration.Refused; why != "" {
		return misconfigured{sockgate.Internalf("integration %s: %s", x.route.Integration.ID, why)}
	}
	if what := x.route.Integration.Unbuilt; what != "" {
		return misconfigured{sockgate.Internalf("%s of integration %s is not built yet", what, x.route.Integration.ID)}
	}
	return nil
}

// integration is the exchange's backend, or nil.
func (x *exchange) integration() *deploy.Integration {
	if x.route == nil {
		return nil
	}
	return x.route.Integration
}

// integrate calls the backend.
type integrate struct {
	http      *httpbackend.Client
	functions sockgate.Functions
	clock     func() time.Time
}

func (s integrate) run(ctx context.Context, x *exchange) error {
	in := x.integration()
	if in == nil {
		x.answer.Status = 200
		return nil
	}
	if in.Type == sockgate.Mock {
		status, err := mock.Status(x.request.Body)
		x.answer.Status, x.ev.IntegrationStatus = status, status
		if err != nil {
			return misconfigured{err}
		}
		return nil
	}
	if in.Function != nil {
		return s.callFunction(ctx, x, in)
	}
	x.logRequest()
	began := s.clock()
	err := s.http.Do(ctx, &x.call, &x.answer)
	x.ev.IntegrationLatency = s.clock().Sub(began)
	x.ev.IntegrationStatus = x.answer.Status
	if err != nil {
		x.ev.IntegrationError = err.Error()
		return err
	}
	x.route.Metrics.Latency(x.ev.IntegrationLatency)
	x.log().Response(&x.ev, x.answer.Status, x.answer.Header, x.answer.Body)
	return nil
}

// respond settles what the client is told: on a two-way route the backend's answer, if it is not empty.
//
// UNCONFIRMED: an answer over the limit of a message is an error, as reference section 4.3 has it. So is one that is not UTF-8,
// such as compressed bytes: it cannot be the text frame that the client would get, which would have to drop the connection.
type respond struct{ max int }

func (s respond) run(_ context.Context, x *exchange) error {
	if x.ev.Type != sockgate.Message || !x.route.TwoWay || len(x.output) == 0 {
		return nil
	}
	body := x.output
	if s.max > 0 && len(body) > s.max {
		return sockgate.Internalf("the answer has %d bytes, a message may have %d (limits.messageSize)", len(body), s.max)
	}
	if !utf8.Valid(body) {
		return sockgate.Internalf("the answer is not UTF-8 text, so it cannot be sent to the client")
	}
	x.reply = body
	return nil
}
