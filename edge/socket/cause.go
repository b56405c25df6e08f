package socket

import "github.com/sockgate/sockgate"

// cause is why a connection ends: the code and reason of the $disconnect event.
type cause struct {
	code   int
	reason string
}

// The causes that begin on our side or that a client left unsaid. This is the one place for their texts.
//
// Source: reference section 0.4. Observed: the texts of normal and noStatus. UNCONFIRMED: GoingAway for the two time
// limits, and every other reason, which are ours; the codes are documented or RFC 6455's. For a close that we begin
// the reason also travels in the close frame, except that normal's does only if the caller of Close passed it.
//
// GoingAway and Abnormal are exported for who ends connections, and speaks of ended ones, elsewhere.
const (
	GoingAway = "Going away"
	Abnormal  = "Connection closed abnormally"
)

var (
	normal    = cause{sockgate.CloseNormal, "Connection Closed Normally"}
	goingAway = cause{sockgate.CloseGoingAway, "Going away"}
	noStatus  = cause{sockgate.CloseNoStatus, "Client-side close frame status not set"}
	abnormal  = cause{sockgate.CloseAbnormal, Abnormal}
	slowPeer  = cause{sockgate.ClosePolicy, "Client reads too slowly"}

	binaryData    = cause{sockgate.CloseUnsupported, "Binary messages are not supported"}
	frameTooBig   = cause{sockgate.CloseTooBig, "Frame is too big"}
	messageTooBig = cause{sockgate.CloseTooBig, "Message is too big"}
	invalidText   = cause{sockgate.CloseInvalidData, "Text is not valid UTF-8"}

	reservedBits       = cause{sockgate.CloseProtocol, "Reserved bits are set"}
	reservedOpcode     = cause{sockgate.CloseProtocol, "Reserved opcode"}
	unmasked           = cause{sockgate.CloseProtocol, "Frame is not masked"}
	badLength          = cause{sockgate.CloseProtocol, "Frame length is not well formed"}
	fragmentedControl  = cause{sockgate.CloseProtocol, "Control frame is fragmented"}
	controlTooBig      = cause{sockgate.CloseProtocol, "Control frame is too big"}
	strayContinuation  = cause{sockgate.CloseProtocol, "Continuation without a message"}
	unfinishedMessage  = cause{sockgate.CloseProtocol, "Message began inside another"}
	badCloseFrame      = cause{sockgate.CloseProtocol, "Close frame is not well formed"}
	badCloseCode       = cause{sockgate.CloseProtocol, "Close code is not valid"}
	invalidCloseReason = cause{sockgate.CloseInvalidData, "Close reason is not valid UTF-8"}
)

// validCloseCode reports whether a close frame may carry code.
// Source: RFC 6455, section 7.4, and the IANA registry, which has added 1012 to 1014.
func validCloseCode(code int) bool {
	switch {
	case code < 1000, code == 1004, code == 1005, code == 1006:
		return false
	case code <= 1014:
		return true
	}
	return code >= 3000 && code <= 4999
}
