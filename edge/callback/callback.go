// Package callback serves @connections, the HTTP calls by which backends push to a client, ask after it, or close it
// (reference section 16). It runs on the edge's fast path: one lookup, one signature check, one frame.
package callback

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"log/slog"
	"time"
	"unicode/utf8"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/edge/listen"
	"github.com/sockgate/sockgate/gateway/registry"
	"github.com/sockgate/sockgate/internal/requestid"
	"github.com/sockgate/sockgate/lang/sigv4"
)

// MaxPayload is the largest message that can be pushed, in bytes. Source: reference section 14.
const MaxPayload = 128 << 10

// Config is what a Handler works with.
type Config struct {
	Verifier *sigv4.Verifier
	Registry *registry.Registry
	// Permit returns nil when who signed a call may do action ("execute-api:ManageConnections") on resource (the ARN of the
	// connection), else sockgate.Forbidden in AWS's words. It is not asked about the root user, who may. Without it nobody else may.
	Permit func(p *sockgate.Principal, action, resource string, x *listen.Exchange) error
	// Prefix is what the ARNs of connections begin with: "arn:aws:execute-api:{region}:{account}:".
	Prefix string
	// Deployed says whether a stage is live and takes calls by its API's own host name or path, Live whether it is live at all.
	Deployed func(apiID, stage string) bool
	Live     func(apiID, stage string) bool
	// Admit reports whether the account has room for a call that is permitted (reference section 11). nil: it always has.
	Admit func() bool
	// Pushed is told the status that each call was answered with.
	Pushed      func(apiID, stage, connectionID, method string, status int)
	MaxPayload  int           // bytes; 0 means MaxPayload
	SendTimeout time.Duration // how long a POST may wait for a slow client
	Log         *slog.Logger
}

// Handler answers @connections calls.
type Handler struct{ Config }

// New returns a handler.
func New(c Config) *Handler {
	if c.MaxPayload == 0 {
		c.MaxPayload = MaxPayload
	}
	return &Handler{c}
}

// failure is an answer other than success.
type failure struct {
	status  int
	name    string // x-amzn-ErrorType
	message string // empty: the reply has no body
}

func (f *failure) Error() string { return f.name + ": " + f.message }

// Call is whom a call is for.
type Call struct {
	APIID, Stage string // an empty APIID leaves it to the connection's id to say which API it belongs to
	ConnectionID string
	Custom       bool // it came by a custom domain name
}

// Serve answers one call.
func (h *Handler) Serve(ctx context.Context, x *listen.Exchange, to Call) {
	status, body, err := h.serve(ctx, x, to)
	id := requestid.New()
	headers := []sockgate.Header{{Name: "x-amzn-RequestId", Value: id}, {Name: "x-amz-apigw-id", Value: requestid.NewExtended()}}
	if err != nil {
		f := asFailure(err)
		status = f.status
		headers = append(headers, sockgate.Header{Name: "x-amzn-ErrorType", Value: f.name})
		if f.message != "" {
			body, _ = json.Marshal(map[string]string{messageMember(f): f.message})
		}
		h.Log.Info("@connections call refused", "api", to.APIID, "stage", to.Stage, "connection", to.ConnectionID,
			"method", x.Head.Method, "request", id, "status", status, "why", why(err))
	}
	if len(body) > 0 {
		headers = append(headers, sockgate.Header{Name: "Content-Type", Value: "application/json"})
	}
	h.Pushed(to.APIID, to.Stage, to.ConnectionID, x.Head.Method, status)
	_ = x.Respond(status, headers, body) // the caller is gone if this fails
}

func (h *Handler) serve(ctx context.Context, x *listen.Exchange, to Call) (int, []byte, error) {
	apiID, stage, connectionID, deployed := to.APIID, to.Stage, to.ConnectionID, h.Deployed
	if to.Custom {
		deployed = h.Live
	}
	if !signed(x) {
		return 0, nil, &failure{403, "MissingAuthenticationTokenException", "Missing Authentication Token"}
	}
	payload, err := x.Body(h.MaxPayload)
	if err != nil {
		return 0, nil, err
	}
	req := sigv4.Request{Method: x.Head.Method, Path: x.Head.Path, RawQuery: x.Head.Query, Host: x.Head.Host, Headers: x.Head.Headers}
	signature, err := h.Verifier.Verify(&req, sha256.Sum256(payload), "execute-api")
	if err != nil {
		return 0, nil, err
	}
	if apiID != "" && !deployed(apiID, stage) {
		return 0, nil, &failure{403, "ForbiddenException", "Forbidden"}
	}
	if apiID != "" {
		if err := h.permitted(signature.Principal, x, apiID, stage, connectionID); err != nil {
			return 0, nil, err
		}
	}
	peer, err := h.Registry.Find(connectionID)
	if err != nil {
		return 0, nil, err
	}
	c := peer.Info()
	if apiID == "" {
		apiID = c.APIID
		if err := h.permitted(signature.Principal, x, apiID, stage, connectionID); err != nil {
			return 0, nil, err
		}
	}
	if c.APIID != apiID || c.Stage != stage || !deployed(apiID, stage) {
		return 0, nil, &failure{403, "ForbiddenException", "Forbidden"}
	}
	if h.Admit != nil && !h.Admit() {
		return 0, nil, &failure{429, "LimitExceededException", "Too Many Requests"}
	}
	switch x.Head.Method {
	case "POST":
		return h.post(ctx, peer, payload)
	case "GET":
		return 200, describe(peer), nil
	case "DELETE":
		peer.Close(sockgate.CloseNormal, "")
		h.Registry.Remove(connectionID) // gone from now on, however long the client takes to agree
		return 204, nil, nil
	}
	return 0, nil, &failure{403, "MissingAuthenticationTokenException", "Missing Authentication Token"}
}

// permitted asks whether the caller may do what it wants to the connection.
func (h *Handler) permitted(p *sockgate.Principal, x *listen.Exchange, apiID, stage, connectionID string) error {
	if p.Root {
		return nil
	}
	err := error(sockgate.Forbiddenf("User: %s is not authorized to perform: %s", p.ARN, manage))
	if h.Permit != nil {
		err = h.Permit(p, manage, h.Prefix+apiID+"/"+stage+"/"+x.Head.Method+"/@connections/"+connectionID, x)
	}
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*sockgate.Error](err)
	if !ok || e.Kind != sockgate.Forbidden {
		return err
	}
	return &failure{403, "AccessDeniedException", e.Message}
}

// manage is the action that a caller must be allowed. Source: reference section 16.
const manage = "execute-api:ManageConnections"

// post delivers one message. The reply comes after the frame was handed to the socket.
//
// Two things AWS does not say (UNCONFIRMED): an empty payload is answered 200 and nothing is sent; one that is not UTF-8 is
// refused, because the connection carries text frames only.
func (h *Handler) post(ctx context.Context, peer registry.Peer, payload []byte) (int, []byte, error) {
	if len(payload) == 0 {
		return 200, nil, nil
	}
	if !utf8.Valid(payload) {
		return 0, nil, sockgate.Invalidf("The payload is not valid UTF-8 text")
	}
	if h.SendTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, h.SendTimeout)
		defer cancel()
	}
	if err := peer.Send(ctx, payload); err != nil {
		return 0, nil, err
	}
	return 200, nil, nil
}

// timeFormat is ISO 8601 with milliseconds. Their number is UNCONFIRMED; SDKs read any.
const timeFormat = "2006-01-02T15:04:05.000Z"

func describe(peer registry.Peer) []byte {
	c := peer.Info()
	type identity struct {
		SourceIP  string `json:"sourceIp"`
		UserAgent string `json:"userAgent"`
	}
	body, _ := json.Marshal(struct {
		ConnectedAt  string   `json:"connectedAt"`
		Identity     identity `json:"identity"`
		LastActiveAt string   `json:"lastActiveAt"`
	}{
		c.ConnectedAt.UTC().Format(timeFormat),
		identity{c.SourceIP.String(), c.UserAgent},
		peer.LastActive().UTC().Format(timeFormat),
	})
	return body
}

// signed reports whether the caller tried to sign. Who did not is refused before a body is read.
func signed(x *listen.Exchange) bool {
	if _, ok := x.Head.Headers.Lookup("Authorization"); ok {
		return true
	}
	return len(x.Head.Query) > 0
}

// why is the operator's reading of err. Of a signature only the kind of fault is told: AWS's text for the peer quotes the
// signed headers, and secrets do not belong in a log.
func why(err error) string {
	if e, ok := errors.AsType[*sigv4.Error](err); ok {
		return e.Type
	}
	return err.Error()
}

func asFailure(err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	if s, ok := errors.AsType[*sigv4.Error](err); ok {
		return &failure{s.Status, s.Type, s.Message}
	}
	e, ok := errors.AsType[*sockgate.Error](err)
	if !ok {
		return &failure{500, "InternalServerErrorException", "Internal server error"}
	}
	switch e.Kind {
	case sockgate.Invalid:
		return &failure{400, "BadRequestException", e.Message}
	case sockgate.Gone:
		return &failure{410, "GoneException", ""} // no body: reference section 16
	case sockgate.TooLarge:
		return &failure{413, "PayloadTooLargeException", "Message too long"}
	case sockgate.Throttled, sockgate.Timeout:
		return &failure{429, "LimitExceededException", "The client does not take messages fast enough"}
	case sockgate.Forbidden:
		return &failure{403, "ForbiddenException", e.Message}
	}
	return &failure{500, "InternalServerErrorException", "Internal server error"}
}

// messageMember is how the body spells "message": refused permissions have a capital (reference section 16).
func messageMember(f *failure) string {
	if f.name == "AccessDeniedException" {
		return "Message"
	}
	return "message"
}
