package transform

import (
	"encoding/hex"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/sockgate/sockgate"
)

// Forward starts the request of an HTTP_PROXY integration: the forwarded headers, on $connect the client's query
// parameters, and the body. Whatever was in out is gone.
//
// A GET or HEAD request has no body, even for a message (reference section 3.5).
// UNCONFIRMED: that the client's query parameters are forwarded; that is the rule of REST proxies.
func Forward(ev *sockgate.Event, method string, out *Request) {
	out.reset()
	if ev.Type == sockgate.Connect {
		out.Query = append(out.Query, ev.Query...)
	}
	if hasBody(method) {
		out.Body = ev.Body
	}
	out.Header = forwardedHeaders(out.Header, ev, hasBody(method))
}

// Gateway starts the request of an integration that is not a proxy (HTTP): the gateway's own headers, and the body as
// the client sent it, which a template may replace. Whatever was in out is gone.
func Gateway(ev *sockgate.Event, method string, out *Request) {
	out.reset()
	if hasBody(method) {
		out.Body = ev.Body
	}
	out.Header = gatewayHeaders(out.Header, ev, "", hasBody(method))
}

// ForwardedHeaders appends to dst the headers that an HTTP_PROXY integration receives without any mapping.
//
//	CONNECT     the client's headers in their order and spelling, Sec-WebSocket-* among them; without Host, hop-by-hop
//	            headers, and an Authorization that is a signature for the gateway; then the gateway's
//	MESSAGE     the gateway's, and Content-Type: application/json (UNCONFIRMED, the REST default)
//	DISCONNECT  the gateway's
//
// The gateway's are X-Forwarded-For, -Port and -Proto (CONNECT only), X-Amzn-Trace-Id when the event has one, User-Agent:
// AmazonAPIGateway_{apiId}, and x-amzn-apigateway-api-id. What a client sends under these names never passes for them.
//
// UNCONFIRMED: a client's own User-Agent is kept on CONNECT; a client's X-Forwarded-For is kept in front of the address it
// came from, as AWS's load balancers do it, so a backend should trust the last entry only.
func ForwardedHeaders(dst sockgate.Headers, ev *sockgate.Event) sockgate.Headers {
	return forwardedHeaders(dst, ev, true)
}

func forwardedHeaders(dst sockgate.Headers, ev *sockgate.Event, body bool) sockgate.Headers {
	if ev.Type != sockgate.Connect {
		return gatewayHeaders(dst, ev, "", body)
	}
	var agent string
	named := connectionTokens(ev.Headers)
	for _, h := range ev.Headers {
		switch {
		case strings.EqualFold(h.Name, "User-Agent"):
			agent = h.Value
		case sockgate.HopByHop(h.Name), ownHeader(h.Name), containsFold(named, h.Name), !safeValue(h.Value):
		case strings.EqualFold(h.Name, "Authorization") && strings.HasPrefix(h.Value, "AWS4-"):
		default:
			dst = append(dst, h)
		}
	}
	dst = Arrival(dst, ev)
	return gatewayHeaders(dst, ev, agent, body)
}

// Arrival appends the headers that say how a client came: X-Forwarded-For, -Port and -Proto.
func Arrival(dst sockgate.Headers, ev *sockgate.Event) sockgate.Headers {
	from := strings.Join(ev.Headers.Values("X-Forwarded-For"), ", ") // earlier hops
	if ip := ev.Connection.SourceIP; ip.IsValid() {
		if from != "" {
			from += ", "
		}
		from += ip.Unmap().String()
	}
	if from != "" && safeValue(from) {
		dst = append(dst, sockgate.Header{Name: "X-Forwarded-For", Value: from})
	}
	if port := ev.Connection.Port; port != 0 {
		dst = append(dst, sockgate.Header{Name: "X-Forwarded-Port", Value: strconv.Itoa(port)})
	}
	proto := "http"
	if ev.Connection.TLS {
		proto = "https"
	}
	return append(dst, sockgate.Header{Name: "X-Forwarded-Proto", Value: proto})
}

// gatewayHeaders appends the headers that every backend gets. agent is the client's User-Agent, where it is to be kept.
func gatewayHeaders(dst sockgate.Headers, ev *sockgate.Event, agent string, body bool) sockgate.Headers {
	if ev.Type == sockgate.Message && body {
		dst = append(dst, sockgate.Header{Name: "Content-Type", Value: "application/json"})
	}
	if ev.TraceID != "" {
		dst = append(dst, sockgate.Header{Name: "X-Amzn-Trace-Id", Value: ev.TraceID})
	}
	if agent == "" || !safeValue(agent) {
		agent = "AmazonAPIGateway_" + ev.Connection.APIID
	}
	return append(dst,
		sockgate.Header{Name: "User-Agent", Value: agent},
		sockgate.Header{Name: "x-amzn-apigateway-api-id", Value: ev.Connection.APIID})
}

// NewTraceID makes a value for Event.TraceID. It names a trace and guards nothing, so the fast generator will do.
// Source: reference section 2.5.
func NewTraceID(now time.Time) string {
	var raw [16]byte
	for i, v := range [2]uint64{uint64(now.Unix())<<32 | uint64(rand.Uint32()), rand.Uint64()} {
		for j := range 8 {
			raw[i*8+j] = byte(v >> (56 - 8*j))
		}
	}
	text := make([]byte, 0, len("Root=1-")+33)
	text = append(text, "Root=1-"...)
	text = hex.AppendEncode(text, raw[:4])
	text = append(text, '-')
	return string(hex.AppendEncode(text, raw[4:]))
}

func hasBody(method string) bool {
	return !strings.EqualFold(method, "GET") && !strings.EqualFold(method, "HEAD")
}

// ownHeader reports whether the gateway sets a header itself, or, as with Host, the URI does.
func ownHeader(name string) bool {
	for _, own := range [...]string{
		"Host", "X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto", "X-Amzn-Trace-Id", "x-amzn-apigateway-api-id",
	} {
		if strings.EqualFold(name, own) {
			return true
		}
	}
	return false
}

// connectionTokens returns the names that the client's Connection headers declare to be hop-by-hop.
func connectionTokens(headers sockgate.Headers) []string {
	var names []string
	for _, h := range headers {
		if !strings.EqualFold(h.Name, "Connection") {
			continue
		}
		for token := range strings.SplitSeq(h.Value, ",") {
			if token = strings.TrimSpace(token); !sockgate.HopByHop(token) {
				names = append(names, token)
			}
		}
	}
	return names
}

func containsFold(names []string, name string) bool {
	for _, n := range names {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

// safeValue reports whether a header value can be written on one line: no control characters but the tab.
// Source: RFC 9110, section 5.5.
func safeValue(v string) bool {
	for i := range len(v) {
		if c := v[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
