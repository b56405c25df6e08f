package listen

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"
	"time"
)

// proxySignature begins a PROXY header of version 2. Source: haproxy, "The PROXY protocol", section 2.2.
var proxySignature = []byte("\r\n\r\n\x00\r\nQUIT\n")

const (
	proxyFixed = 16      // bytes before the addresses
	maxProxy   = 2 << 10 // bytes of a whole header: addresses take 216 at most, the rest is for what the proxy wants to add
)

var (
	errProxyShort = errors.New("the PROXY header is not complete")
	errNoProxy    = errors.New("the connection does not begin with a PROXY header of version 2")
	errProxy      = errors.New("the PROXY header is malformed")
)

// proxyHeader is what a PROXY header says: on whose behalf the connection was made, and to which address. Both are the zero value
// when the proxy speaks for itself (LOCAL, as for its health checks) or does not say.
type proxyHeader struct{ from, to netip.AddrPort }

// parseProxy reads a PROXY header at the beginning of b, and returns how many bytes it has. What follows the addresses is skipped.
// Errors: errProxyShort while b may be the beginning of one; errNoProxy and errProxy, which more bytes do not mend.
// Version 1, which is text, is not taken. Source: haproxy, "The PROXY protocol", section 2.2.
func parseProxy(b []byte) (h proxyHeader, n int, err error) {
	if known := min(len(b), len(proxySignature)); !bytes.Equal(b[:known], proxySignature[:known]) {
		return h, 0, errNoProxy
	}
	if len(b) < proxyFixed {
		return h, 0, errProxyShort
	}
	version, command, family := b[12]>>4, b[12]&0xf, b[13]
	n = proxyFixed + int(binary.BigEndian.Uint16(b[14:]))
	switch {
	case version != 2 || command > 1 || n > maxProxy:
		return h, 0, errProxy
	case len(b) < n:
		return h, 0, errProxyShort
	case command == 0: // LOCAL: the rest must be ignored
		return h, n, nil
	}
	addresses := b[proxyFixed:n]
	switch family {
	case 0x00, 0x31, 0x32: // unknown, or sockets of one machine
		return h, n, nil
	case 0x11: // TCP over IPv4
		if len(addresses) < 12 {
			return h, 0, errProxy
		}
		h.from = netip.AddrPortFrom(netip.AddrFrom4([4]byte(addresses[0:4])), binary.BigEndian.Uint16(addresses[8:]))
		h.to = netip.AddrPortFrom(netip.AddrFrom4([4]byte(addresses[4:8])), binary.BigEndian.Uint16(addresses[10:]))
	case 0x21: // TCP over IPv6
		if len(addresses) < 36 {
			return h, 0, errProxy
		}
		h.from = netip.AddrPortFrom(netip.AddrFrom16([16]byte(addresses[0:16])).Unmap(), binary.BigEndian.Uint16(addresses[32:]))
		h.to = netip.AddrPortFrom(netip.AddrFrom16([16]byte(addresses[16:32])).Unmap(), binary.BigEndian.Uint16(addresses[34:]))
	default: // datagrams, or nothing that the protocol knows
		return h, 0, errProxy
	}
	return h, n, nil
}

// trusted reports whether an address is a proxy's that may speak for others.
func (s *Server) trusted(a netip.Addr) bool {
	return slices.ContainsFunc(s.cfg.Proxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

// proxied reads the PROXY header with which a trusted proxy's connection begins, and reports whether to go on. Others' connections
// begin as they do without proxies.
func (c *conn) proxied() bool {
	if !c.server.cfg.ProxyHeader || !c.server.trusted(c.peer.Addr()) {
		return true
	}
	c.readUntil(time.Now().Add(c.server.cfg.HeadTimeout)) // for all of it, however it comes
	h, n, err := parseProxy(c.buf.unread())
	for ; err == errProxyShort; h, n, err = parseProxy(c.buf.unread()) {
		if _, err := c.fill(); err != nil {
			return false
		}
	}
	if err != nil {
		c.server.cfg.Log.Warn("connection of a trusted proxy closed", "remote", c.peer.String(), "why", err)
		return false
	}
	c.buf.r += n
	if h.from.IsValid() {
		c.peer, c.port = h.from, int(h.to.Port())
		c.exchange.Remote = c.peer
	}
	return c.wait(c.server.cfg.HeadTimeout)
}
