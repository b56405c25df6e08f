// Package request parses the head of an HTTP/1 request: the request line and the header lines, as they were sent.
//
// net/http canonicalizes header names and hides their order; AWS events show the client's spelling, and a signature
// covers the path exactly as it was written. So the edge reads heads itself, for WebSocket handshakes and for everything
// else that arrives on the port.
//
//	head   = line *( line ) CRLF
//	line   = *VCHAR-or-SP CRLF        ; a bare LF ends a line too; a bare CR, NUL or a folded line is refused
package request

import (
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
