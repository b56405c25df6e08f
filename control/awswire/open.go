package awswire

import (
	"net/http"
	"strings"

	"github.com/sockgate/sockgate/internal/requestid"
)

// Open is a Service that answers some requests whose signature names no API, as one with an endpoint of its own would. One Service at
// most is open.
type Open interface {
	// Claims says whether such a request is for this API.
	Claims(r *http.Request) bool
	// Greet answers one without a signature. The body is a stranger's; Greet bounds what it reads.
	Greet(r *http.Request) (*Response, error)
}

// Numbered is a Service whose answers have ids of another form than a UUID.
type Numbered interface {
	// RequestID makes one up.
	RequestID() string
}

// number returns the id of a new request.
func (f *front) number(r *http.Request, to *destination) string {
	if n, ok := to.service.(Numbered); ok {
		return n.RequestID()
	}
	if n, ok := f.open.(Numbered); ok && to.name == "" && f.open.Claims(r) {
		return n.RequestID()
	}
	return requestid.New()
}

// greets says whether a request is answered by the open API before any signature is looked at. An Authorization header that is of no
// AWS kind counts as none there.
func (f *front) greets(r *http.Request) bool {
	authorization := Header(r.Header, "Authorization")
	if f.open == nil || signed(r) && (authorization == "" || strings.HasPrefix(authorization, "AWS4-")) {
		return false
	}
	return f.open.Claims(r)
}
