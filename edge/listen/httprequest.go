package listen

import (
	"context"
	"io"
	"net/http"
	"net/url"

	"github.com/sockgate/sockgate/edge/request"
)

// newRequest returns a parsed head as net/http's request, the same as http.ReadRequest would make of the head's bytes. (Not
// made up here is a Cache-Control for an old client's "Pragma: no-cache".) It is for requests whose body has a length; a
// chunked body's trailers are net/http's business. The error says that net/http knows no such request target.
func newRequest(ctx context.Context, x *Exchange) (*http.Request, error) {
	head := x.Head
	target, err := parseTarget(head.Target)
	if err != nil {
		return nil, err
	}
	r := &http.Request{
		Method: head.Method, URL: target, RequestURI: head.Target, Host: head.Host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: head.Minor,
		Header: httpHeader(head), Body: http.NoBody, ContentLength: x.length, Close: !head.KeepAlive(),
	}
	if head.Minor == 0 {
		r.Proto = "HTTP/1.0"
	}
	return r.WithContext(ctx), nil
}

func parseTarget(target string) (*url.URL, error) {
	if target == "/" { // of every call of most of AWS's APIs
		return &url.URL{Path: "/"}, nil
	}
	return url.ParseRequestURI(target)
}

// httpHeader returns the header lines by their canonical names, without the host, which net/http keeps elsewhere.
func httpHeader(head *request.Head) http.Header {
	h := make(http.Header, len(head.Headers))
	values := make([]string, 0, len(head.Headers)) // of all names: most have one
	for i := range head.Headers {
		name, value := http.CanonicalHeaderKey(head.Headers[i].Name), head.Headers[i].Value
		switch before, there := h[name]; {
		case name == "Host":
		case !there:
			values = append(values, value)
			h[name] = values[len(values)-1 : len(values) : len(values)]
		case name == "Content-Length": // repeated, but the same, or the head had been refused
		default:
			h[name] = append(before, value)
		}
	}
	return h
}

// sizedBody reads the bytes of a body whose length is known.
type sizedBody struct {
	src  *socketReader
	left int64
}

func (b *sizedBody) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.src.Read(p)
	if b.left -= int64(n); b.left == 0 {
		return n, io.EOF
	}
	return n, unexpected(err)
}
