package request

import (
	"errors"
	"net/http"

	"github.com/sockgate/sockgate"
)

// ErrIncomplete says that more bytes are needed before the head can be judged.
var ErrIncomplete = errors.New("request head is incomplete")

// Error is a head that is refused. The connection cannot be used further: where the request ends is not known.
type Error struct {
	Status int    // 400, 414, 431, 501 or 505
	Reason string // for the operator; fixed text, without the client's bytes
}

func (e *Error) Error() string { return e.Reason }

// Unwrap returns the refusal in the product's vocabulary.
func (e *Error) Unwrap() error {
	kind := sockgate.Invalid
	if e.Status == http.StatusRequestURITooLong || e.Status == http.StatusRequestHeaderFieldsTooLarge {
		kind = sockgate.TooLarge
	}
	return &sockgate.Error{Kind: kind, Message: http.StatusText(e.Status)}
}

func bad(reason string) *Error { return &Error{Status: http.StatusBadRequest, Reason: reason} }
