package sockgate

import (
	"errors"
	"fmt"
)

// Kind says what went wrong in terms that every edge can translate: an HTTP status, an AWS error name, a close code.
// The set is closed; a new kind needs a line in each edge's table.
type Kind uint8

// The kinds of error.
const (
	Internal     Kind = iota // our own fault, or a backend's
	Invalid                  // the request is malformed or breaks a rule
	Unauthorized             // no identity was given
	Forbidden                // the identity is known and may not
	NotFound                 // the named thing does not exist
	Conflict                 // the named thing exists already, is in use, or was changed by somebody else
	TooLarge                 // a size limit was passed
	Throttled                // a rate or quota limit was passed
	Gone                     // the connection is not (or no longer) there
	Timeout                  // a peer did not answer in time
	Unavailable              // storage or another part cannot serve now; a retry may succeed
)

var kindNames = [...]string{
	"internal", "invalid", "unauthorized", "forbidden", "not found", "conflict",
	"too large", "throttled", "gone", "timeout", "unavailable",
}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// Error carries two texts for two readers: Message is safe to show to the peer, Cause is for the operator's log only.
type Error struct {
	Kind    Kind
	Message string // for the peer, in AWS's wording where AWS has one
	Cause   error  // for the operator; may be nil
}

func (e *Error) Error() string {
	switch {
	case e.Cause == nil:
		return e.Message
	case e.Message == "":
		return e.Cause.Error()
	}
	return e.Message + ": " + e.Cause.Error()
}

func (e *Error) Unwrap() error { return e.Cause }

// Because returns a copy of e with the operator's cause attached.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.Cause = cause
	return &c
}

func errorf(k Kind, format string, args []any) *Error {
	return &Error{Kind: k, Message: fmt.Sprintf(format, args...)}
}

// Invalidf makes an Invalid error whose text the peer will read.
func Invalidf(format string, args ...any) *Error { return errorf(Invalid, format, args) }

// Forbiddenf makes a Forbidden error whose text the peer will read.
func Forbiddenf(format string, args ...any) *Error { return errorf(Forbidden, format, args) }

// NotFoundf makes a NotFound error whose text the peer will read.
func NotFoundf(format string, args ...any) *Error { return errorf(NotFound, format, args) }

// Conflictf makes a Conflict error whose text the peer will read.
func Conflictf(format string, args ...any) *Error { return errorf(Conflict, format, args) }

// TooLargef makes a TooLarge error whose text the peer will read.
func TooLargef(format string, args ...any) *Error { return errorf(TooLarge, format, args) }

// Unavailablef makes an Unavailable error whose text the peer will read.
func Unavailablef(format string, args ...any) *Error { return errorf(Unavailable, format, args) }

// Timeoutf makes a Timeout error whose text the peer will read.
func Timeoutf(format string, args ...any) *Error { return errorf(Timeout, format, args) }

// Internalf makes an Internal error. Its text is the cause, for the operator; the peer reads only that something failed.
func Internalf(format string, args ...any) *Error {
	return &Error{Kind: Internal, Message: "Internal server error", Cause: fmt.Errorf(format, args...)}
}

// KindOf returns the kind of the first *Error in err's chain, or Internal when there is none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}
