package sigv4

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/sockgate/sockgate"
)

// Request is what of a request a signature covers, besides the body. It is read and never kept or changed.
//
// Path and RawQuery are exactly as on the request line, still escaped. Host is what the client named as the host, with the port
// if it gave one; a Host among Headers is not looked at.
type Request struct {
	Method   string
	Path     string
	RawQuery string
	Host     string
	Headers  sockgate.Headers
}

// FromHTTP makes a Request of one that net/http received, or is about to send.
// net/http keeps some headers in fields; those that a client may have signed are put back among the headers.
func FromHTTP(r *http.Request) Request {
	out := Request{Method: r.Method, Host: r.Host}
	if strings.HasPrefix(r.RequestURI, "/") {
		out.Path, out.RawQuery, _ = strings.Cut(r.RequestURI, "?")
	} else {
		out.Path, out.RawQuery = r.URL.EscapedPath(), r.URL.RawQuery
	}
	if out.Method == "" {
		out.Method = http.MethodGet
	}
	if out.Host == "" {
		out.Host = r.URL.Host
	}
	out.Headers = make(sockgate.Headers, 0, len(r.Header)+2)
	for name, values := range r.Header {
		for _, v := range values {
			out.Headers = append(out.Headers, sockgate.Header{Name: name, Value: v})
		}
	}
	if _, there := out.Headers.Lookup("Content-Length"); !there && r.ContentLength > 0 {
		out.Headers = append(out.Headers, sockgate.Header{Name: "Content-Length", Value: strconv.FormatInt(r.ContentLength, 10)})
	}
	for _, v := range r.TransferEncoding {
		out.Headers = append(out.Headers, sockgate.Header{Name: "Transfer-Encoding", Value: v})
	}
	return out
}

// header returns the value of a header that must not come twice: a repeated one is joined, so that its parser refuses it.
func (r *Request) header(name string) string {
	v, rest := "", false
	for i := range r.Headers {
		h := &r.Headers[i]
		if len(h.Name) != len(name) || !strings.EqualFold(h.Name, name) {
			continue
		}
		if rest {
			v += ","
		}
		v, rest = v+strings.Trim(h.Value, " \t"), true
	}
	return v
}
