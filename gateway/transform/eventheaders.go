package transform

import (
	"slices"
	"strings"

	"github.com/sockgate/sockgate"
)

// EventHeaders returns the headers of $connect as functions and templates see them: the client's without those that concern the HTTP
// connection, more, and the gateway's, ordered by name. A client's own X-Forwarded-Port, -Proto or X-Amzn-Trace-Id never passes for the
// gateway's. With more it is for an authorizer, which sees the client's signature too.
//
// UNCONFIRMED: an Authorization that is an AWS signature is otherwise left out, as it is for HTTP backends.
func EventHeaders(ev *sockgate.Event, more ...sockgate.Header) []sockgate.Header {
	list := make([]sockgate.Header, 0, len(ev.Headers)+len(more)+4)
	for _, h := range ev.Headers {
		switch {
		case sockgate.HopByHop(h.Name), gatewayOwn(h.Name):
		case len(more) == 0 && strings.EqualFold(h.Name, "Authorization") && strings.HasPrefix(h.Value, "AWS4-"):
		default:
			list = append(list, sockgate.Header{Name: spelling(h.Name), Value: h.Value})
		}
	}
	list = append(list, more...)
	if ev.TraceID != "" {
		list = append(list, sockgate.Header{Name: "X-Amzn-Trace-Id", Value: ev.TraceID})
	}
	list = Arrival(list, ev)
	slices.SortStableFunc(list, func(a, b sockgate.Header) int { return compareFold(a.Name, b.Name) }) // as AWS's are
	return list
}

// gatewayOwn reports whether the gateway itself sets a header of an event.
func gatewayOwn(name string) bool {
	for _, own := range [...]string{"X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto", "X-Amzn-Trace-Id"} {
		if strings.EqualFold(name, own) {
			return true
		}
	}
	return false
}

// spelling is how an event spells a header: those that every handshake has in one way, all others as the client did.
// Source: reference section 2.5.
func spelling(name string) string {
	for _, known := range [...]string{
		"Host", "User-Agent", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol",
	} {
		if strings.EqualFold(name, known) {
			return known
		}
	}
	return name
}

func compareFold(a, b string) int {
	for i := 0; i < len(a) && i < len(b); i++ {
		if x, y := lower(a[i]), lower(b[i]); x != y {
			return int(x) - int(y)
		}
	}
	return len(a) - len(b)
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
