// Package route finds the route that a client's message takes: the value of the API's route selection expression,
// compared with the route keys of the deployed snapshot. What a route does is not known here.
//
// Source: API Gateway Developer Guide, "Working with routes for WebSocket APIs"; reference section 1.2.
package route

import (
	"strings"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/expr"
)

// The reasons why a message falls to $default, or is refused where there is none.
const (
	NotJSON  = "the message is not JSON"
	NoValue  = "the route selection expression has no value"
	NoRoute  = "no route has this key"
	Reserved = "clients cannot select this route"
)

// Selection is what became of one message.
type Selection struct {
	Found  bool   // some route takes the message; without, the client gets the Forbidden frame
	Key    string // of that route; "$default" when it took over
	Value  string // of the expression; "" when it has none
	Reason string // why the value did not name the route, for the execution log; "" when it did
}

// Selector chooses among the routes of one deployment. It is immutable and may be used by many goroutines.
type Selector struct {
	expression *expr.Expr
	keys       map[string]string // selectable keys, each to itself: a hit returns a string that lives as long as the selector
	fallback   bool              // there is a $default route
}

// NewSelector compiles a route selection expression over the keys of all routes, $connect and $disconnect included.
// The expression may read request.body and context variables. The error is sockgate.Invalid.
//
// UNCONFIRMED: which variables other than request.body AWS accepts. Messages have no headers or query, so those are refused.
func NewSelector(expression string, keys []string) (*Selector, error) {
	e, err := expr.Compile(expression)
	if err != nil {
		return nil, sockgate.Invalidf("route selection expression %q: %s", expression, err)
	}
	for _, name := range e.References() {
		if !readable(name) {
			return nil, sockgate.Invalidf("route selection expression %q: ${%s} is not available in a message", expression, name)
		}
	}
	s := &Selector{expression: e, keys: make(map[string]string, len(keys))}
	for _, key := range keys {
		if key == sockgate.DefaultRoute {
			s.fallback = true
		}
		if !reserved(key) {
			s.keys[key] = key
		}
	}
	return s, nil
}

// Select returns the route for one message, for an expression that reads nothing but the body. body is read, never kept;
// empty is not JSON.
//
// The comparison is exact. A message that is not JSON falls to $default, even when the expression does not look at it.
//
// UNCONFIRMED: a message that names $connect or $disconnect is treated as one that names no route.
func (s *Selector) Select(body []byte) Selection { return s.SelectIn(body, nil) }

// SelectIn is Select with context variables: names looks them up, as "context.connectionId".
func (s *Selector) SelectIn(body []byte, names expr.Names) Selection {
	parsed, ok := expr.ParseBody(body)
	if !ok {
		return s.fall("", NotJSON)
	}
	var room [64]byte // most values fit, so that finding a route allocates nothing
	value, ok := s.expression.AppendTo(room[:0], parsed, names)
	if !ok {
		return s.fall("", NoValue)
	}
	if key, ok := s.keys[string(value)]; ok {
		return Selection{Found: true, Key: key, Value: key}
	}
	if reserved(string(value)) {
		return s.fall(string(value), Reserved)
	}
	return s.fall(string(value), NoRoute)
}

func (s *Selector) fall(value string, why string) Selection {
	if !s.fallback {
		return Selection{Value: value, Reason: why}
	}
	return Selection{Found: true, Key: sockgate.DefaultRoute, Value: value, Reason: why}
}

// reserved reports whether a route key names a happening on the connection, which only the gateway can make happen.
func reserved(key string) bool {
	return key == sockgate.ConnectRoute || key == sockgate.DisconnectRoute
}

func readable(name string) bool {
	return name == "request.body" || strings.HasPrefix(name, "request.body.") || strings.HasPrefix(name, "request.body[") ||
		strings.HasPrefix(name, "context.")
}
