package listen

import (
	"net/http"
	"strconv"
	"time"

	"github.com/sockgate/sockgate"
)

// copyLimit is the body size, in bytes, up to which copying it behind the head is cheaper than a gathering write.
const copyLimit = 16 << 10

// Respond answers the request with one write. status is 200 to 599. Content-Length, Date and Connection are added;
// headers must not have them. Header values lose control bytes, so that no backend's value can begin another line.
// The body of a HEAD request's answer, and of 204 and 304, is not sent. An error means that the client did not get
// it, which closes the connection; nothing else can be done about it.
func (x *Exchange) Respond(status int, headers []sockgate.Header, body []byte) error {
	c := x.conn
	if x.responded || c.handed {
		return sockgate.Internalf("a request was answered twice")
	}
	x.responded = true
	if x.expect && !c.continued && !x.bodyRead {
		c.keep = false // whether the client still sends the body cannot be known
	}
	if c.server.stopping.Load() || !x.bodyRead && x.length > drainLimit {
		c.keep = false
	}
	out := c.server.takeReply()
	defer c.server.giveReply(out)
	b := c.appendStatus(*out, status)
	for i := range headers {
		b = appendHeader(b, headers[i].Name, headers[i].Value)
	}
	if bodyAllowed(status) {
		b = appendLength(b, int64(len(body)))
	}
	b = append(c.appendConnection(b), "\r\n"...)
	if !bodyAllowed(status) || x.Head != nil && x.Head.Method == http.MethodHead {
		body = nil
	}
	if len(body) <= copyLimit {
		b, body = append(b, body...), nil
	}
	*out = b
	return c.write(b, body)
}

// appendStatus begins a reply: the status line and the date.
func (c *conn) appendStatus(b []byte, status int) []byte {
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, ' ')
	b = append(b, http.StatusText(status)...)
	b = append(b, "\r\nDate: "...)
	b = append(b, c.server.now()...)
	return append(b, "\r\n"...)
}

// appendConnection says what becomes of the connection where the client could not know.
func (c *conn) appendConnection(b []byte) []byte {
	switch head := c.exchange.Head; {
	case !c.keep:
		return append(b, "Connection: close\r\n"...)
	case head != nil && head.Minor == 0:
		return append(b, "Connection: keep-alive\r\n"...)
	}
	return b
}

func appendLength(b []byte, n int64) []byte {
	b = append(b, "Content-Length: "...)
	b = strconv.AppendInt(b, n, 10)
	return append(b, "\r\n"...)
}

func appendHeader(b []byte, name, value string) []byte {
	b = appendClean(b, name)
	b = append(b, ": "...)
	b = appendClean(b, value)
	return append(b, "\r\n"...)
}

func appendClean(b []byte, s string) []byte {
	start := 0
	for i := range len(s) {
		if ch := s[i]; ch < ' ' && ch != '\t' || ch == 0x7f {
			b = append(b, s[start:i]...)
			start = i + 1
		}
	}
	return append(b, s[start:]...)
}

func bodyAllowed(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

// stamp is a Date header's value, which is good for a second.
type stamp struct {
	second int64
	text   string
}

func (s *Server) now() string {
	t := time.Now()
	if d := s.date.Load(); d != nil && d.second == t.Unix() {
		return d.text
	}
	d := &stamp{second: t.Unix(), text: t.UTC().Format(http.TimeFormat)}
	s.date.Store(d)
	return d.text
}
