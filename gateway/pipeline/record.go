package pipeline

import (
	"errors"

	"github.com/sockgate/sockgate"
	authorizers "github.com/sockgate/sockgate/gateway/authorize"
	"github.com/sockgate/sockgate/gateway/route"
	"github.com/sockgate/sockgate/telemetry/execution"
)

// log is the execution log of the exchange's route, or of the stage when no route took it; nil when off.
func (x *exchange) log() *execution.Logger {
	switch {
	case x.route != nil:
		return x.route.Log
	case x.stage != nil:
		return x.stage.Log
	}
	return nil
}

// logBegin opens the exchange's execution log, once its route is known.
func (x *exchange) logBegin() {
	log := x.log()
	if log == nil {
		return
	}
	log.Begin(&x.ev)
	if x.ev.Type == sockgate.Message {
		valued := x.picked.Reason != route.NoValue && x.picked.Reason != route.NotJSON
		log.RouteChosen(&x.ev, x.stage.API.RouteSelectionExpression, x.picked.Value, valued)
		if x.picked.Reason != "" && log.Info() {
			log.Note(&x.ev, x.picked.Reason)
		}
	}
}

// logRequest shows what the backend is about to be sent.
func (x *exchange) logRequest() {
	if log := x.log(); log != nil {
		log.Request(&x.ev, x.call.Scheme+"://"+x.call.Host+x.call.RequestURI, x.call.Header, x.call.Body)
	}
}

// record tells metrics and logs how the exchange ended. err is nil when it went well; for a handshake that the backend
// refused it is a *Refusal without a cause.
func (p *Pipeline) record(x *exchange, err error) {
	ev := &x.ev
	if err != nil {
		p.Log.Info("refused", "event", string(ev.Type), "api", ev.Connection.APIID, "stage", ev.Connection.Stage, "route", ev.RouteKey,
			"connection", ev.Connection.ID, "request", ev.RequestID, "status", ev.Status, "why", why(err))
	}
	if p.Observe != nil {
		reason := ""
		if err != nil {
			reason = why(err)
		}
		p.Observe(ev, reason)
	}
	if x.stage == nil {
		return
	}
	x.count(err)
	if log := x.log(); log != nil {
		if x.stage != nil && x.route == nil && ev.Type == sockgate.Message {
			x.logBegin() // nothing was logged yet: no route was found
			log.Start(ev)
		}
		if err != nil {
			logFailure(log, ev, err)
		} else {
			if x.reply != nil {
				log.Reply(ev, x.reply)
			}
			log.Done(ev)
		}
	}
	if x.stage.AccessFormat != nil {
		x.stage.AccessLog.Write(x.stage.AccessFormat.AppendTo(nil, ev))
	}
}

// logFailure closes the log of an exchange that failed.
func logFailure(log *execution.Logger, ev *sockgate.Event, err error) {
	if f, ok := errors.AsType[*functionFailed](err); ok {
		log.FunctionFailed(ev, 200, f.message, f.requestID)
		return
	}
	if r, ok := errors.AsType[*authorizers.Refusal](err); ok {
		log.Refused(ev, "authorizer", r.Error())
		return
	}
	if l, ok := errors.AsType[*limited](err); ok {
		key := ""
		if use := ev.Connection.APIKey; use != nil && l.reason != onRoute && l.reason != inAccount && l.reason != newConnections {
			key = use.Value
		}
		log.Limited(ev, key, l.text)
		return
	}
	log.Failed(ev, errors.New(plain(err)))
}

// count adds the exchange to its route's metrics, as CloudWatch does (reference section 15).
func (x *exchange) count(err error) {
	m := &x.stage.Metrics.RouteMetrics
	if x.route != nil {
		m = x.route.Metrics
	}
	switch x.ev.Type {
	case sockgate.Connect:
		m.Connects.Inc()
		if err == nil {
			x.session.counted = x.stage.Metrics
			x.session.counted.Connections.Inc()
		}
	case sockgate.Disconnect:
		if counted := x.session.counted; counted != nil { // not x.stage's: it may have been deleted and made anew meanwhile
			counted.Connections.Dec()
		}
	case sockgate.Message:
		m.Messages.Inc()
		if x.reply != nil {
			m.Messages.Inc()
		}
	}
	switch status := x.ev.Status; {
	case x.answer.Status >= 400:
		m.IntegrationErrors.Inc()
	case err == nil:
	case status >= 500:
		m.ExecutionErrors.Inc()
	case status >= 400:
		m.ClientErrors.Inc()
	}
}
