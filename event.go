package sockgate

import (
	"net/netip"
	"strings"
	"time"
)

// EventType says what happened on a connection.
type EventType string

// The three things that can happen.
const (
	Connect    EventType = "CONNECT"
	Message    EventType = "MESSAGE"
	Disconnect EventType = "DISCONNECT"
)

// The reserved route keys.
const (
	ConnectRoute    = "$connect"
	DisconnectRoute = "$disconnect"
	DefaultRoute    = "$default"
)

// Connection is what the gateway knows of one client from its handshake until after its $disconnect.
// It is written while the handshake is decided and only read afterwards.
type Connection struct {
	ID          string // 16 characters: URL-safe base64 of 11 bytes
	APIID       string
	Stage       string
	DomainName  string // the Host the client used, port included when it is not the default
	SourceIP    netip.Addr
	Port        int  // the gateway's port that the client reached; 0 when unknown
	TLS         bool // the client came by https or wss
	UserAgent   string
	ConnectedAt time.Time
	Authorizer  *Authorization // nil when no authorizer ran
	Identity    *Principal     // nil unless $connect was authorized with AWS_IAM
	APIKey      *APIKeyUse     // nil unless an API key was checked
	ClientCert  *ClientCert    // nil unless the client came by a domain name with mutual TLS
}

// ClientCert is the certificate that a client showed.
type ClientCert struct {
	PEM                 string
	SubjectDN, IssuerDN string // as RFC 2253 writes them: "CN=client,O=Example"
	SerialNumber        string // "0a:1b:…"
	NotBefore, NotAfter string // "May 28 12:30:02 2019 GMT"
}

// Authorization is what an authorizer said of the connection.
type Authorization struct {
	PrincipalID        string
	Context            map[string]string // values in their string form
	UsageIdentifierKey string
	Latency            time.Duration
}

// APIKeyUse names the API key that a connection presented.
type APIKeyUse struct {
	ID, Value string
}

// Principal is who signed a request.
type Principal struct {
	AccountID   string
	AccessKeyID string
	ARN         string // e.g. "arn:aws:iam::000000000000:root"
	UserID      string
	Root        bool // passes every policy

	UserName    string            // of a user; empty for the root and for roles
	RoleName    string            // of an assumed role; the part of ARN behind it is SessionName
	SessionName string            // of an assumed role
	Tags        map[string]string // the user's or role's tags, for policies; never changed
	TokenIssued time.Time         // of temporary credentials; zero for others
	Session     any               `json:"-"` // of temporary credentials: what their issuer needs to decide about them; never changed
}

// Header is one header line with the sender's spelling.
type Header struct {
	Name, Value string
}

// Headers is a request's header lines in the order in which they came.
type Headers []Header

// Get returns the value of the first header called name, in any case, or "".
func (h Headers) Get(name string) string {
	v, _ := h.Lookup(name)
	return v
}

// Lookup returns the value of the first header called name, in any case, and whether there is one.
func (h Headers) Lookup(name string) (string, bool) {
	for i := range h {
		if len(h[i].Name) == len(name) && strings.EqualFold(h[i].Name, name) {
			return h[i].Value, true
		}
	}
	return "", false
}

// Values returns the values of all headers called name, in any case.
func (h Headers) Values(name string) []string {
	var vs []string
	for i := range h {
		if len(h[i].Name) == len(name) && strings.EqualFold(h[i].Name, name) {
			vs = append(vs, h[i].Value)
		}
	}
	return vs
}

// HopByHop reports whether a header called name, in any case, speaks of one connection only, or of the framing of one message, so that sending it on
// would mislead the backend or split its requests. Source: RFC 9110, section 7.6.1; reference section 3.5.
func HopByHop(name string) bool {
	switch len(name) {
	case 2:
		return strings.EqualFold(name, "TE")
	case 6:
		return strings.EqualFold(name, "Expect")
	case 7:
		return strings.EqualFold(name, "Upgrade") || strings.EqualFold(name, "Trailer")
	case 10:
		return strings.EqualFold(name, "Connection") || strings.EqualFold(name, "Keep-Alive")
	case 14:
		return strings.EqualFold(name, "Content-Length")
	case 16:
		return strings.EqualFold(name, "Proxy-Connection")
	case 17:
		return strings.EqualFold(name, "Transfer-Encoding")
	case 18:
		return strings.EqualFold(name, "Proxy-Authenticate")
	case 19:
		return strings.EqualFold(name, "Proxy-Authorization")
	}
	return false
}

// Event is one thing that happened on a connection, on its way through the gateway.
// Each step of the pipeline reads what earlier steps wrote and writes its own part.
type Event struct {
	Type       EventType
	Connection *Connection
	RequestID  string // 16 characters; also the extended request id
	MessageID  string // MESSAGE only
	RouteKey   string // settled by the route step
	TraceID    string // X-Amzn-Trace-Id for backends, "Root=1-…"; may be empty
	Time       time.Time

	Headers Headers  // CONNECT only: as the client sent them, hop-by-hop ones included
	Query   []Header // CONNECT only: decoded parameters in order
	Body    []byte   // MESSAGE only: exactly as received; owned by the event

	DisconnectCode   int // DISCONNECT only
	DisconnectReason string

	Status             int    // what the peer was or would be told, in HTTP terms; 0 until known
	ErrorMessage       string // $context.error.message
	ErrorType          string // $context.error.responseType
	ValidationError    string // $context.error.validationErrorString
	IntegrationError   string
	IntegrationStatus  int // the backend's status
	IntegrationLatency time.Duration
	// Of functions: what the function service answered the call itself, whatever the function said, and its id of the call.
	IntegrationServiceStatus int
	IntegrationRequestID     string

	AuthorizerStatus        int // what the authorizer's decision came to, in HTTP terms; 0 when none was asked
	AuthorizerError         string
	AuthorizerServiceStatus int // what the function service answered the call itself
	AuthorizerRequestID     string
	AuthorizerLatency       time.Duration
	Authenticate            Check // of an AWS signature
	Authorize               Check // of policies
}

// Check is what one check of a handshake came to, for access logs. The zero value is a check that was not made.
type Check struct {
	Status  int // in HTTP terms
	Error   string
	Latency time.Duration
}

// Close codes that the gateway itself sends or reports (RFC 6455, section 7.4).
const (
	CloseNormal       = 1000
	CloseGoingAway    = 1001
	CloseProtocol     = 1002
	CloseUnsupported  = 1003
	CloseNoStatus     = 1005 // never sent: the client's close frame had no code
	CloseAbnormal     = 1006 // never sent: the connection ended without a close frame
	CloseInvalidData  = 1007
	ClosePolicy       = 1008
	CloseTooBig       = 1009
	CloseInternalFail = 1011
)
