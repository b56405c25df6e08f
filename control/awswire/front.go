// Package awswire is the common front of the AWS APIs that the gateway serves: it numbers each request, bounds and reads
// its body, has its signature checked, finds the API that it is meant for, and writes what that API answered. It also
// holds what those APIs share: the table of errors, routing on escaped paths, and paging.
//
// What an operation means is not here; each API is a package beside this one.
package awswire

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/internal/lazycontext"
	"github.com/sockgate/sockgate/internal/requestid"
)

const (
	// DefaultMaxBody bounds a request body, in bytes, unless Config says otherwise.
	DefaultMaxBody = 10 << 20
	// smallBody is the size in bytes up to which a body is read without further ado: a client could as well send as many headers.
	smallBody = 64 << 10
	// maxHeld bounds the memory of all larger bodies together, in bytes.
	maxHeld = 144 << 20 // two of the largest zips
	// callTimeout bounds the work on one request once it is verified.
	callTimeout = 30 * time.Second
)

// Request is one verified call.
type Request struct {
	ID        string // UUID, or as Numbered says; also on the reply and in the log
	Method    string
	Path      string     // still escaped, as the client sent it
	Query     url.Values // not to be changed; nil when there are no parameters
	Header    http.Header
	Body      []byte // owned by the request
	Principal *sockgate.Principal
	// Reply is where a Service may set the answer's header lines if it leaves Response.Header nil: one map less for a busy API. It is to
	// be touched only when the call has succeeded, and is nil for a call that was not received by the front.
	Reply http.Header

	front *front        // nil for a call that was not received by one
	http  *http.Request // as received
}

// Response is what an API answers. The zero Status is 200; a nil Body is no body.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Service is one AWS API.
type Service interface {
	// Name is the API's name as the AWS SDKs spell it, e.g. "apigatewayv2".
	Name() string
	// Serve carries out one call. Its error is a *sockgate.Error or has a method AWSError (see StatusError).
	// ctx ends after 30 seconds or when the client has gone.
	Serve(ctx context.Context, r *Request) (*Response, error)
}

// Bounded is a Service that takes other bodies than Config.MaxBody says.
type Bounded interface {
	// MaxBody is the size in bytes of the largest body that it takes.
	MaxBody() int64
}

// Config is what the front needs.
type Config struct {
	// Verify checks the signature of r over body and returns who signed. services are the names that the credential scope
	// may hold. Its error is a StatusError or a *sockgate.Error.
	Verify func(r *http.Request, body []byte, services ...string) (*sockgate.Principal, error)
	// Screen makes the checks of Verify that need no body, so that a stranger's body is never held. Its errors are Verify's.
	Screen func(r *http.Request, services ...string) error
	// Authorize decides what principals other than the root may do; nil lets the root alone do anything.
	Authorize Authorize
	Services  []Service
	Account   string // 12 digits
	Region    string
	Log       *slog.Logger
	Clock     func() time.Time // nil means time.Now
	MaxBody   int64            // bytes; 0 is DefaultMaxBody
	// Refused, unless nil, is told of each call that fails, with what its client is told. service is the name that it was signed for.
	Refused func(r *http.Request, service string, status int, typ, message string)
}

// New returns the front as a handler for everything that is sent to "/". The caller's http.Server must bound the time that
// reading a request may take.
func New(cfg Config) http.Handler {
	f := &front{Config: cfg, services: make(map[string]Service, len(cfg.Services))}
	if f.MaxBody == 0 {
		f.MaxBody = DefaultMaxBody
	}
	if f.Clock == nil {
		f.Clock = time.Now
	}
	for _, s := range cfg.Services {
		f.services[s.Name()] = s
		if o, ok := s.(Open); ok {
			f.open = o
		}
	}
	return f
}

type front struct {
	Config
	services map[string]Service
	open     Open         // nil when there is none
	held     atomic.Int64 // bytes of large bodies
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	to := f.destination(r)
	id := f.number(r, &to)
	resp, err := f.answer(w.Header(), r, &to, id)
	if err != nil {
		f.report(r, id, err)
		resp = f.protocol(r, &to).Fault(r, id, err)
		if f.Refused != nil {
			_, typ, message := Describe(err)
			if told := resp.errorType(); told != "" {
				typ = told // in the API's own words
			}
			f.Refused(r, to.name, resp.Status, typ, message)
		}
	}
	h := w.Header()
	for name, values := range resp.Header {
		h[name] = values
	}
	// Assigned rather than Set, to keep AWS's spelling.
	h["x-amzn-RequestId"] = []string{id}
	if to.credential == apiGatewayScope {
		h["x-amz-apigw-id"] = []string{requestid.NewExtended()}
	}
	write(w, resp.Status, resp.Body)
}

// answer takes the steps in their order. A panic is a bug in an API: the client gets a 500 and the log the stack.
func (f *front) answer(reply http.Header, r *http.Request, to *destination, id string) (resp *Response, err error) {
	defer func() {
		if p := recover(); p != nil {
			resp, err = nil, sockgate.Internalf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	if f.greets(r) {
		return f.open.Greet(r)
	}
	if !signed(r) {
		return nil, &StatusError{http.StatusForbidden, "MissingAuthenticationTokenException", "Missing Authentication Token"}
	}
	// The scope that the signature covers is the one that picks the API, so a signature made for one API opens no other.
	body, release, err := f.readBody(r, to)
	defer release()
	if err != nil {
		return nil, err
	}
	principal, err := f.Verify(r, body, to.scope)
	if err != nil {
		return nil, err
	}
	req := &Request{
		ID: id, Method: r.Method, Path: to.path, Header: r.Header, Body: body, Principal: principal, Reply: reply, front: f, http: r,
	}
	if r.URL.RawQuery != "" {
		if req.Query, err = url.ParseQuery(r.URL.RawQuery); err != nil {
			return nil, sockgate.Invalidf("The query string is malformed")
		}
	}
	if err := f.permit(req, to.scope, to.service); err != nil {
		return nil, err
	}
	if to.service == nil {
		return nil, notBuilt(req, to.name)
	}
	ctx := lazycontext.New(r.Context(), time.Now().Add(callTimeout))
	defer ctx.End()
	return to.service.Serve(ctx, req)
}

// report writes the operator's line. What a client did wrong is its own business and is only seen at debug level.
func (f *front) report(r *http.Request, id string, err error) {
	status, typ, message := Describe(err)
	level := slog.LevelDebug
	if status >= http.StatusInternalServerError && status != http.StatusNotImplemented {
		level = slog.LevelError
	}
	attrs := []slog.Attr{
		slog.String("requestId", id), slog.String("method", r.Method), slog.String("path", discreet(r.URL.EscapedPath())),
		slog.Int("status", status), slog.String("type", typ),
	}
	if typ != "InvalidSignatureException" { // whose text quotes the signed headers: secrets do not belong in a log
		attrs = append(attrs, slog.String("message", discreet(message)))
	}
	// A StatusError has no cause: its text is the message, which is told above if at all.
	if _, ok := errors.AsType[*StatusError](err); ok {
		err = nil
	} else if e, ok := errors.AsType[*sockgate.Error](err); ok {
		err = e.Cause
	}
	if err != nil {
		attrs = append(attrs, slog.Any("cause", err))
	}
	f.Log.LogAttrs(r.Context(), level, "request refused", attrs...)
}
