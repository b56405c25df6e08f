package httpintegration

import (
	"bufio"
	"fmt"
	"strconv"
	"strings"

	"github.com/sockgate/sockgate"
)

// appendHead appends req's request line and header to b, blank line included. It refuses whatever would make a backend
// read another request than the one meant.
func appendHead(b []byte, req *Request) ([]byte, error) {
	if !isToken(req.Method) {
		return b, fmt.Errorf("method %q is not a token", req.Method)
	}
	if !isVisible(req.RequestURI) {
		return b, fmt.Errorf("request URI %q has a blank or a control character", req.RequestURI)
	}
	host := req.HostHeader
	if host == "" {
		host = req.Host
	}
	if host == "" || !isVisible(host) {
		return b, fmt.Errorf("host %q is not a host name", host)
	}
	b = append(b, req.Method...)
	b = append(b, ' ')
	if !strings.HasPrefix(req.RequestURI, "/") {
		b = append(b, '/')
	}
	b = append(b, req.RequestURI...)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, host...)
	b = append(b, "\r\n"...)
	for i := range req.Header {
		h := &req.Header[i]
		if isTransports(h.Name) {
			continue
		}
		if !isToken(h.Name) {
			return b, fmt.Errorf("header name %q is not a token", h.Name)
		}
		if !isFieldValue(h.Value) {
			return b, fmt.Errorf("value of header %s has a control character", h.Name)
		}
		b = append(b, h.Name...)
		b = append(b, ": "...)
		b = append(b, h.Value...)
		b = append(b, "\r\n"...)
	}
	if body := req.body(); len(body) > 0 || wantsLength(req.Method) {
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, int64(len(body)), 10)
		b = append(b, "\r\n"...)
	}
	return append(b, "\r\n"...), nil
}

// body is what goes out: nothing with GET and HEAD, even if a template rendered something (reference section 3.5).
func (r *Request) body() []byte {
	if r.Method == "GET" || r.Method == "HEAD" {
		return nil
	}
	return r.Body
}

// wantsLength reports whether an empty body is announced, because servers expect one with the method (RFC 9110, 8.6).
func wantsLength(method string) bool {
	return method == "POST" || method == "PUT" || method == "PATCH"
}

// isTransports reports whether a header line is about the connection or the framing, which are decided here.
func isTransports(name string) bool {
	return sockgate.HopByHop(name) || len(name) == 4 && strings.EqualFold(name, "Host")
}

func isToken(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9') && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}

func isVisible(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] <= ' ' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

func isFieldValue(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' && s[i] != '\t' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

// maxKeptHead bounds the buffers that are kept for later requests, in bytes.
const maxKeptHead = 2 * joinBelow

func (c *Client) takeHead() *[]byte {
	if p, _ := c.heads.Get().(*[]byte); p != nil && cap(*p) <= maxKeptHead {
		return p
	}
	b := make([]byte, 0, 1<<10)
	return &b
}

func (c *Client) takeReader(cn *conn) *bufio.Reader {
	if br, _ := c.reads.Get().(*bufio.Reader); br != nil {
		br.Reset(cn)
		return br
	}
	return bufio.NewReaderSize(cn, c.cfg.MaxResponseHeader)
}

func (c *Client) giveReader(br *bufio.Reader) {
	br.Reset(nil)
	c.reads.Put(br)
}
