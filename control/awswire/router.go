package awswire

import (
	"net/url"
	"strings"
)

// Route is one REST operation's address.
type Route struct {
	Operation string
	Method    string
	// Pattern is a path of literal segments and variables ("/v2/apis/{apiId}"), optionally followed by one query parameter
	// that must be there ("/apikeys?mode=import").
	Pattern string
}

// Match is what a path was found to mean.
type Match struct {
	Index     int // of the route in the list that the router was made from
	Operation string
	Vars      map[string]string // unescaped
}

// Router finds the operation of a method and an escaped path. The path is taken as it is: not cleaned, not redirected, and
// unescaped only one segment at a time, since a tag's ARN or a route key is one segment whatever it contains.
type Router struct {
	// byMethod holds the patterns of each method, which is what keeps the linear search short.
	byMethod map[string][]pattern
}

type pattern struct {
	index      int
	operation  string
	segments   []string // "{name}" is a variable
	key, value string   // the query parameter, or ""
}

// NewRouter returns a router over routes. When two routes fit a path, the first wins.
func NewRouter(routes []Route) *Router {
	r := &Router{byMethod: make(map[string][]pattern)}
	for i, route := range routes {
		path, query, _ := strings.Cut(route.Pattern, "?")
		p := pattern{index: i, operation: route.Operation, segments: strings.Split(path, "/")}
		p.key, p.value, _ = strings.Cut(query, "=")
		r.byMethod[route.Method] = append(r.byMethod[route.Method], p)
	}
	return r
}

// Match returns the operation that method and path name, or UnknownOperation.
func (r *Router) Match(method, escapedPath string, query url.Values) (*Match, error) {
	segments := strings.Split(escapedPath, "/")
	for _, p := range r.byMethod[method] {
		if p.fits(segments) && (p.key == "" || query.Get(p.key) == p.value) {
			return p.bind(segments)
		}
	}
	return nil, UnknownOperation()
}

func (p *pattern) fits(segments []string) bool {
	if len(segments) != len(p.segments) {
		return false
	}
	for i, s := range p.segments {
		if variable(s) {
			if segments[i] == "" {
				return false
			}
		} else if s != segments[i] {
			return false
		}
	}
	return true
}

func (p *pattern) bind(segments []string) (*Match, error) {
	m := &Match{Index: p.index, Operation: p.operation, Vars: make(map[string]string)}
	for i, s := range p.segments {
		if !variable(s) {
			continue
		}
		v, err := url.PathUnescape(segments[i])
		if err != nil {
			return nil, UnknownOperation()
		}
		m.Vars[s[1:len(s)-1]] = v
	}
	return m, nil
}

func variable(segment string) bool { return strings.HasPrefix(segment, "{") }
