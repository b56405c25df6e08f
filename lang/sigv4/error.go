package sigv4

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"

	"github.com/sockgate/sockgate"
)

// The types of Error: AWS's names for why a request was not authenticated.
const (
	MissingAuthenticationToken = "MissingAuthenticationTokenException" // no signature at all
	IncompleteSignature        = "IncompleteSignatureException"        // a signature that cannot be read
	UnrecognizedClient         = "UnrecognizedClientException"         // an unknown access key or session token
	InvalidSignature           = "InvalidSignatureException"           // wrong, too old, too new or meant for another place
	ExpiredToken               = "ExpiredTokenException"               // a session token past its end
)

// Error is why a request was refused, in AWS's words.
//
// Status is always 403, which is what API Gateway, Lambda and the other services with a REST or Query protocol answer. Services
// with a JSON protocol (DynamoDB) answer 400 with the same types and texts; their codec knows.
//
// Message may quote the canonical request, which holds the signed header values of the request: it is for the peer who sent
// them, not for a log. No message holds a signature or anything computed from a secret.
type Error struct {
	Type    string
	Message string
	Status  int
}

func (e *Error) Error() string { return e.Type + ": " + e.Message }

// Unwrap tells the kind of the error to those who know only the project's own kinds.
func (e *Error) Unwrap() error { return &sockgate.Error{Kind: sockgate.Forbidden, Message: e.Message} }

func refuse(kind, format string, args ...any) error {
	return &Error{Type: kind, Message: fmt.Sprintf(format, args...), Status: http.StatusForbidden}
}

// unknownClient is one text for an unknown key and for a session token that does not belong to the key.
func unknownClient() error {
	return refuse(UnrecognizedClient, "The security token included in the request is invalid.")
}

// mismatch tells the peer what was computed from the request, so that a client's author can find the difference.
func mismatch(canonical, toSign []byte) error {
	return refuse(InvalidSignature, "The request signature we calculated does not match the signature you provided. "+
		"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.\n\n"+
		"The Canonical String for this request should have been\n'%s'\n\nThe String-to-Sign should have been\n'%s'\n",
		canonical, toSign)
}

// missing lists everything that an Authorization header lacks at once.
func missing(authorization string, faults []string) error {
	return refuse(IncompleteSignature, "%s (Hashed with SHA-256 and encoded with Base64) Authorization=%s",
		strings.Join(faults, " "), fingerprint(authorization))
}

// fingerprint stands for a header in messages: AWS used to quote the header, signature included, and now quotes this.
func fingerprint(authorization string) string {
	sum := sha256.Sum256([]byte(authorization))
	return base64.StdEncoding.EncodeToString(sum[:])
}
