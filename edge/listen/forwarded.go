package listen

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/sockgate/sockgate"
)

// forwardedFor is the header in which each proxy adds whom its request came from.
const forwardedFor = "X-Forwarded-For"

// forwarded settles who a request's client is. Of a trusted proxy's request its X-Forwarded-For, -Proto and -Port say it; those of
// others are only headers. X-Forwarded-Host is not looked at: a signature is made for the Host that the client named, so a proxy
// must pass that on.
func (c *conn) forwarded(x *Exchange) {
	x.Remote, x.Secure, x.Port = c.peer, x.TLS != nil, c.port
	if len(c.server.cfg.Proxies) == 0 || !c.server.trusted(c.peer.Addr()) {
		return
	}
	if chain := x.Head.Headers.Values(forwardedFor); len(chain) > 0 {
		from, rest := c.server.client(c.peer, strings.Join(chain, ","))
		x.Remote = from
		// What is left is what the client itself sent: the client then is at the end of the chain, as if it had come without proxies.
		x.Head.Headers = slices.DeleteFunc(x.Head.Headers, func(h sockgate.Header) bool { return strings.EqualFold(h.Name, forwardedFor) })
		if rest != "" {
			x.Head.Headers = append(x.Head.Headers, sockgate.Header{Name: forwardedFor, Value: rest})
		}
	}
	switch lastOf(x.Head.Headers, "X-Forwarded-Proto") {
	case "https", "wss":
		x.Secure = true
	case "http", "ws":
		x.Secure = false
	}
	if port, err := strconv.ParseUint(lastOf(x.Head.Headers, "X-Forwarded-Port"), 10, 16); err == nil && port > 0 {
		x.Port = int(port)
	}
}

// client goes through an X-Forwarded-For from its end, where the nearest proxy wrote, for as long as those who wrote are trusted. It
// returns the first address that is no trusted proxy's, or else the last one that is known, and what stands before it.
func (s *Server) client(peer netip.AddrPort, chain string) (from netip.AddrPort, rest string) {
	from, rest = peer, chain
	for rest != "" && s.trusted(from.Addr()) {
		comma := strings.LastIndexByte(rest, ',')
		addr, ok := parseForwarded(strings.TrimSpace(rest[comma+1:]))
		if !ok {
			break
		}
		from, rest = addr, rest[:max(comma, 0)]
	}
	return from, strings.TrimSpace(rest)
}

// parseForwarded reads an address with or without a port; some proxies add it.
func parseForwarded(text string) (netip.AddrPort, bool) {
	if a, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return netip.AddrPortFrom(a.Unmap().WithZone(""), 0), true
	}
	if a, err := netip.ParseAddrPort(text); err == nil {
		return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port()), true
	}
	return netip.AddrPort{}, false
}

// lastOf returns the last value of the last header of a name, in lower case: what the nearest proxy wrote.
func lastOf(headers sockgate.Headers, name string) string {
	values := headers.Values(name)
	if len(values) == 0 {
		return ""
	}
	last := values[len(values)-1]
	return strings.ToLower(strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:]))
}
