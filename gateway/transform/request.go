// Package transform makes the backend's request of a client's event: which headers are forwarded, what the integration's
// parameter mapping adds, and how the integration's URI is filled in. It also holds the context variables, which mapping,
// templates and access logs share, and the access-log format.
//
// Everything is compiled when a stage is deployed; per event nothing is parsed. It calls no backend (package integrate),
// and mapping templates have a package of their own (vtl).
//
// Source: reference sections 3 and 6.
package transform

import (
	"slices"
	"strings"

	"github.com/sockgate/sockgate"
)

// Request is what an integration will send, before it is bound to a transport. It is built in two steps: Forward (or
// Gateway) starts it, Parameters.Apply then adds to it and overrides by name. URI.Expand reads Query and Path.
//
// Its values may share memory with the event. A Request may be used again for another event.
type Request struct {
	Host   string            // a mapped Host header; empty: the URI's host
	Header sockgate.Headers  // safe to write as they are: no line breaks, no hop-by-hop names, no Host
	Query  []sockgate.Header // parameters to add to the URI's own, not yet encoded
	Path   []sockgate.Header // values of the URI's {placeholders}, not yet encoded
	Body   []byte            // the event's, not a copy
}

func (r *Request) reset() {
	*r = Request{Header: r.Header[:0], Query: r.Query[:0], Path: r.Path[:0]}
}

// without removes the headers or parameters called name and returns the rest in the same memory.
func without(list []sockgate.Header, name string, same func(a, b string) bool) []sockgate.Header {
	return slices.DeleteFunc(list, func(h sockgate.Header) bool { return same(h.Name, name) })
}

func equal(a, b string) bool { return a == b }

// Override puts each of values in place of all that list has under its name; header names are compared in any case.
// Values that cannot stand in a header are left out of one, and so are headers that only the transport may set.
func Override(list, values []sockgate.Header, header bool) []sockgate.Header {
	same := equal
	if header {
		same = strings.EqualFold
	}
	for _, v := range values {
		if header && (!safeValue(v.Value) || !parameterName(v.Name) || sockgate.HopByHop(v.Name) || strings.EqualFold(v.Name, "Host")) {
			continue
		}
		list = append(without(list, v.Name, same), v)
	}
	return list
}
