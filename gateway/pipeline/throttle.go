package pipeline

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/throttle"
	"github.com/sockgate/sockgate/gateway/usage"
)

// Limits are what exchanges are held to besides their stages' own limits. The zero value knows no keys and has no limits.
type Limits struct {
	Keys     *usage.Directory // nil: no key is valid
	Account  *throttle.Bucket // of every request; nil: no limit
	Connects *throttle.Bucket // of handshakes besides; nil: no limit
	// Beyond AWS, where else a handshake may carry its key: a query parameter, and a subprotocol that begins with KeyProtocol and goes on
	// with the key. Empty: nowhere.
	KeyQuery, KeyProtocol string
}

// limit keeps exchanges within their limits: it checks the API key where the route requires one, and takes a token of each bucket
// that applies, in AWS's order: the plan's for the key on the route, the plan's for the key, the stage's for the route, the
// account's. A $disconnect is never refused.
//
// What a later bucket refuses is given back to the earlier ones, and does not count against the quota. UNCONFIRMED: AWS calls its limits best effort,
// and does not say what a refused request costs.
//
// It comes after the authorizer, which may be where the key comes from. Source: AWS, "How can I use API Gateway logs to troubleshoot API issues?":
// the usage plan is verified after the authorizer, and before execution starts.
type limit struct {
	Limits
	clock   func() time.Time
	refused *[reasons]atomic.Int64
}

func (s limit) run(_ context.Context, x *exchange) error {
	log := x.log()
	if x.ev.Type == sockgate.Disconnect {
		log.Start(&x.ev)
		return nil
	}
	if x.ev.Type == sockgate.Connect && x.stage.Keyed {
		s.subscribe(x)
	}
	required := x.route != nil && x.route.APIKeyRequired
	var terms *usage.Terms
	if required {
		terms = x.session.subscription.Terms()
		if terms == nil {
			return s.refuse(x, badKey, nil)
		}
	}
	r := s.admit(x, terms, x.ev.Time)
	if r != admitted { // the authorizer, or a busy machine, may have taken its time
		r = s.admit(x, terms, s.clock())
	}
	if r != admitted {
		return s.refuse(x, r, terms)
	}
	log.UsagePlan(&x.ev, required)
	log.Start(&x.ev)
	return nil
}

// subscribe finds the key that a handshake came with. It is kept for the routes that require one, though $connect itself may not.
func (s limit) subscribe(x *exchange) {
	if s.Keys == nil {
		return
	}
	c := &x.session.Connection
	sub := s.Keys.Subscribe(s.presented(x), c.APIID, c.Stage)
	x.session.subscription = sub
	if sub.Terms() != nil {
		c.APIKey = &sub.Key
	}
}

// presented is the value of the key that the handshake came with, or nothing.
func (s limit) presented(x *exchange) string {
	if x.stage.KeyHeader == "" { // the authorizer says
		if a := x.session.Connection.Authorizer; a != nil {
			return a.UsageIdentifierKey
		}
		return ""
	}
	if v := x.ev.Headers.Get(x.stage.KeyHeader); v != "" {
		return v
	}
	if s.KeyQuery != "" {
		for _, q := range x.ev.Query {
			if q.Name == s.KeyQuery {
				return q.Value
			}
		}
	}
	if s.KeyProtocol != "" {
		for _, line := range x.ev.Headers.Values("Sec-WebSocket-Protocol") {
			for p := range strings.SplitSeq(line, ",") {
				if key, ok := strings.CutPrefix(strings.TrimSpace(p), s.KeyProtocol); ok {
					return key
				}
			}
		}
	}
	return ""
}

// admit takes one token of everything, or nothing.
func (s limit) admit(x *exchange, terms *usage.Terms, now time.Time) reason {
	route := x.ev.RouteKey
	if terms != nil {
		switch terms.Take(route, now) {
		case usage.KeyRoute:
			return keyOnRoute
		case usage.Key:
			return keyInPlan
		case usage.Quota:
			return quota
		}
	}
	buckets := [...]struct {
		*throttle.Bucket
		reason
	}{{x.routeLimit(), onRoute}, {s.Account, inAccount}, {nil, newConnections}}
	if x.ev.Type == sockgate.Connect {
		buckets[2].Bucket = s.Connects
	}
	refused := admitted
	taken := 0
	for ; taken < len(buckets) && refused == admitted; taken++ {
		if !buckets[taken].Take(now) {
			refused = buckets[taken].reason
			break
		}
	}
	if refused == admitted && terms != nil && !terms.Count(now) {
		refused = quota
	}
	if refused == admitted {
		return admitted
	}
	for i := range taken {
		buckets[i].Give()
	}
	if terms != nil {
		terms.Give(route)
	}
	return refused
}

// routeLimit is the stage's limit of the route; nil for none.
func (x *exchange) routeLimit() *throttle.Bucket {
	if x.route == nil {
		return x.stage.Unrouted
	}
	return x.route.Limit
}

// reason is why a request was not admitted.
type reason uint8

const (
	admitted reason = iota
	badKey
	keyOnRoute
	keyInPlan
	quota
	onRoute
	inAccount
	newConnections
	reasons
)

// Reasons are the names of the reasons for which limits refuse, for metrics, in the order of LimitedBy.
func Reasons() []string {
	return []string{"api_key", "plan_key_route", "plan_key", "quota", "route", "account", "new_connections"}
}

// LimitedBy returns how many requests were refused for one of Reasons.
func (p *Pipeline) LimitedBy(reason int) int64 { return p.refused[reason+1].Load() }

// limited is the refusal of a request by a limit. Its text is for the operator, and follows AWS's execution logs.
type limited struct {
	reason
	text string
}

func (l *limited) Error() string { return l.text }

func (s limit) refuse(x *exchange, r reason, terms *usage.Terms) error {
	s.refused[r].Add(1)
	place := x.ev.Connection.APIID + "/" + x.ev.Connection.Stage
	l := &limited{reason: r}
	switch r {
	case badKey:
		l.text = "the API key is missing, not valid, disabled, or in no usage plan of API Stage " + place
		if x.ev.Connection.APIKey != nil { // it was good at the handshake, and the line begins with it
			l.text = "is deleted, disabled, or in no usage plan of API Stage " + place
		}
	case keyOnRoute:
		l.text = "exceeded throttle limit for API Stage " + place + ": Key throttle limit exceeded for Usage Plan ID " + terms.PlanID +
			", Route " + x.ev.RouteKey + ". " + amount(terms.Limit(usage.KeyRoute, x.ev.RouteKey))
	case keyInPlan:
		l.text = "exceeded throttle limit for API Stage " + place + ": Key throttle limit exceeded for Usage Plan ID " + terms.PlanID + ". " +
			amount(terms.Limit(usage.Key, x.ev.RouteKey))
	case quota:
		n, period := terms.Quota()
		l.text = fmt.Sprintf("exceeded quota limit for API Stage %s: Key quota exhausted for Usage Plan ID %s. Quota Limit: %d Period: %s", place, terms.PlanID, n, period)
	case onRoute:
		l.text = "throttle limit of route " + x.ev.RouteKey + " exceeded for API Stage " + place + ". " + amount(x.routeLimit().Limit())
	case inAccount:
		l.text = "throttle limit of the account exceeded. " + amount(s.Account.Limit())
	case newConnections:
		l.text = "limit of new connections exceeded. " + amount(s.Connects.Limit())
	}
	return l
}

func amount(t sockgate.Throttle) string {
	return fmt.Sprintf("Limit: %.2f Burst: %d", t.Rate, t.Burst)
}

// byReason is what limits' refusals are answered with, and in which words (reference sections 0.2 and 0.3).
func byReason(r reason) (answer, string) {
	switch r {
	case badKey:
		return answer{status: 403, name: "ForbiddenException", responseType: "INVALID_API_KEY"}, "Forbidden"
	case quota:
		return answer{status: 429, name: "LimitExceededException", responseType: "QUOTA_EXCEEDED"}, "Limit Exceeded"
	}
	return answer{status: 429, name: "TooManyRequestsException", responseType: "THROTTLED"}, "Too Many Requests"
}
