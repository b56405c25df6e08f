// Package certificate keeps the certificates that the gateway serves TLS with: those that were imported, and those that were requested and
// are issued here, by an ACME authority or by the gateway's own. It holds their records in the state store, with the private keys
// sealed; issues and renews in the background; answers the challenges of an ACME authority; and gives whoever makes handshakes the newest
// certificate from memory.
//
// What a certificate is used for is not decided here (edge/domain), nor is ACM's protocol spoken (control/acm).
//
//	request → PENDING_VALIDATION → ISSUED ⟲ renewed
//	                             ↘ FAILED, or after 72 hours VALIDATION_TIMED_OUT
//	import  → ISSUED ⟲ imported again
package certificate

import (
	"crypto/tls"
	"sync/atomic"
)

// Status is the state of a certificate in ACM's words.
type Status string

// The states.
const (
	Pending  Status = "PENDING_VALIDATION"
	Issued   Status = "ISSUED"
	Expired  Status = "EXPIRED" // never stored: what became of an issued one
	TimedOut Status = "VALIDATION_TIMED_OUT"
	Failed   Status = "FAILED"
)

// Certificate is a certificate under its ARN, whatever version of it is in force. It may be kept: what it says follows every
// import and renewal. Its methods may be called by many goroutines, and cost one atomic load.
type Certificate struct {
	arn     string
	version atomic.Pointer[version]
}

// version is what one revision of a record came to. It is never changed.
type version struct {
	revision uint64
	status   Status
	names    []string         // in lower case
	tls      *tls.Certificate // nil while there is none
}

// ARN returns the certificate's ARN.
func (c *Certificate) ARN() string { return c.arn }

// Status returns its state; an issued one that has expired meanwhile is still Issued here.
func (c *Certificate) Status() Status { return c.version.Load().status }

// TLS returns the chain and the key that are in force, or nil when there are none: while it is pending, after it failed, once it was
// deleted, or when its key cannot be opened.
func (c *Certificate) TLS() *tls.Certificate { return c.version.Load().tls }

// Names returns the names that it is, or will be, good for, in lower case. They must not be changed.
func (c *Certificate) Names() []string { return c.version.Load().names }

// Covers reports whether it is, or will be, good for a host name or a wildcard name ("*.example.com"), in any case.
// A wildcard stands for exactly one label.
func (c *Certificate) Covers(name string) bool { return covers(c.Names(), name) }
