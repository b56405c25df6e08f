package awswire

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/sockgate/sockgate"
)

// maxBody bounds a body for the API that a request is for.
func (f *front) maxBody(to *destination) int64 {
	if s, ok := to.service.(Bounded); ok {
		return s.MaxBody()
	}
	return f.MaxBody
}

// readBody reads at most maxBody bytes; no more is allocated than about twice what has arrived. A large body is read only of
// a client that knows an access key, and while all such bodies together stay within maxHeld. release must be called when the body
// is no longer needed, also after an error.
func (f *front) readBody(r *http.Request, to *destination) (body []byte, release func(), err error) {
	var held int64
	largest := f.maxBody(to)
	release = func() { f.held.Add(-held) }
	if r.ContentLength > largest {
		return nil, release, tooLarge(largest)
	}
	// One byte more than there may be, to see that there is no more.
	limit := largest + 1
	if r.ContentLength >= 0 {
		limit = r.ContentLength + 1
	}
	body = make([]byte, 0, min(limit, smallBody+1))
	for {
		n, err := r.Body.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case err == io.EOF:
			return body, release, nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil, release, sockgate.Invalidf("The request body did not arrive in time").Because(err)
		case err != nil:
			return nil, release, sockgate.Invalidf("The request body could not be read").Because(err)
		case int64(len(body)) >= limit:
			return nil, release, tooLarge(largest)
		case len(body) < cap(body):
			continue
		}
		if held == 0 {
			if err := f.Screen(r, to.scope); err != nil {
				return nil, release, err
			}
		}
		grown := min(2*int64(cap(body)), limit)
		more := grown - held
		held += more
		if f.held.Add(more) > maxHeld {
			return nil, release, &sockgate.Error{Kind: sockgate.Throttled, Message: "Too Many Requests"}
		}
		body = append(make([]byte, 0, grown), body...)
	}
}

func tooLarge(largest int64) error {
	return &StatusError{http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException",
		fmt.Sprintf("Request body must be at most %d bytes", largest)}
}
