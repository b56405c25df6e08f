// Package request parses the head of an HTTP/1 request: the request line and the header lines, as they were sent.
//
// net/http canonicalizes header names and hides their order; AWS events show the client's spelling, and a signature
// covers the path exactly as it was written. So the edge reads heads itself, for WebSocket handshakes and for everything
// else that arrives on the port. Bodies are not its business: it says how long one is, and no more.
//
//	head   = line *( line ) CRLF
//	line   = *VCHAR-or-SP CRLF        ; a bare LF ends a line too; a bare CR, NUL or a folded line is refused
//
// The parser refuses whatever two readers could understand differently, because a proxy in front may be the other reader.
package request

import (
	"strings"

	"github.com/sockgate/sockgate"
)

// Head is a parsed request head. Its strings share one copy of the head's bytes and may be kept.
type Head struct {
	Method  string
	Target  string // as on the request line
	Path    string // Target up to the first '?', still escaped; for an absolute-form target, its path
	Query   string // Target after the first '?', still escaped
	Minor   int    // HTTP/1.{Minor}: 0 or 1
	Host    string // the Host header, or the authority of an absolute-form target; lower case is not forced
	Headers sockgate.Headers
}

// Get returns the value of the first header called name, in any case, or "".
func (h *Head) Get(name string) string { return h.Headers.Get(name) }

// Values returns the values of all headers called name, in any case.
func (h *Head) Values(name string) []string { return h.Headers.Values(name) }

// ContentLength returns the number of body bytes that follow the head: 0 without a body, -1 when the body is chunked and
// its end is found by reading. Of a Head that Parse returned, the error is nil.
func (h *Head) ContentLength() (int64, error) { return bodyLength(h.Headers, h.Minor) }

// KeepAlive reports whether the client wants the connection to stay open after the reply.
// Source: RFC 9112, section 9.3.
func (h *Head) KeepAlive() bool {
	if h.HasToken("Connection", "close") {
		return false
	}
	return h.Minor > 0 || h.HasToken("Connection", "keep-alive")
}

// HasToken reports whether token is a member of the comma-separated list in the headers called header.
// Both are compared in any case.
func (h *Head) HasToken(header, token string) bool {
	for i := range h.Headers {
		if len(h.Headers[i].Name) != len(header) || !strings.EqualFold(h.Headers[i].Name, header) {
			continue
		}
		for list := h.Headers[i].Value; list != ""; {
			var member string
			member, list, _ = strings.Cut(list, ",")
			if strings.EqualFold(strings.Trim(member, " \t"), token) {
				return true
			}
		}
	}
	return false
}
