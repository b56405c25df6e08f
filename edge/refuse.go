package edge

import (
	"errors"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/edge/listen"
	"github.com/sockgate/sockgate/edge/socket"
	"github.com/sockgate/sockgate/gateway/pipeline"
	"github.com/sockgate/sockgate/internal/requestid"
)

// precheck refuses what no $connect route needs to see: a stage that is not there, a request that is no handshake, a gateway
// that is full. It admits what it does not refuse. The stage comes first, as on AWS: an unknown one is 403 for every request.
func (g *Gate) precheck(x *listen.Exchange, a Address) *pipeline.Refusal {
	if !g.serves(a) {
		return forbidden(ErrNoStage)
	}
	if r := socket.CheckHandshake(x.Head); r != nil {
		return &pipeline.Refusal{Status: r.Status, Headers: r.Header, Body: r.Body, Cause: errNoHandshake}
	}
	switch {
	case a.Rest != "":
		return forbidden(errPath)
	case !g.admit():
		return unavailable(ErrFull)
	}
	return nil
}

// Why the gate itself refuses a handshake.
var (
	ErrNoStage     = errors.New("no such API or stage, or nothing is deployed to the stage")
	ErrFull        = errors.New("limits.connections is reached")
	ErrDraining    = errors.New("the gateway is shutting down")
	errNoHandshake = errors.New("not a WebSocket handshake")
	errPath        = errors.New("the path of a WebSocket API ends with its stage")
)

func forbidden(why error) *pipeline.Refusal {
	return &pipeline.Refusal{Status: 403, Type: "ForbiddenException", Body: []byte(`{"message":"Forbidden"}`), Cause: why}
}

func unavailable(why error) *pipeline.Refusal {
	return &pipeline.Refusal{Status: 503, Type: "ServiceUnavailableException",
		Body: []byte(`{"message":"Service Unavailable"}`), Cause: why}
}

// refuse answers a handshake that is not accepted. The HTTP connection may go on.
func (g *Gate) refuse(x *listen.Exchange, a Address, r *pipeline.Refusal) {
	id := r.RequestID
	if id == "" { // the pipeline gives an id to its own refusals, and logs them
		id = requestid.New()
		g.Log.Info("handshake refused", "api", a.APIID, "stage", a.Stage, "request", id, "status", r.Status, "why", r)
	}
	headers := append(r.Headers, requestIDHeaders(id)...)
	if r.Type != "" {
		headers = append(headers, sockgate.Header{Name: "x-amzn-ErrorType", Value: r.Type})
	}
	if _, has := sockgate.Headers(headers).Lookup("Content-Type"); !has && len(r.Body) > 0 {
		contentType := r.ContentType
		if contentType == "" {
			contentType = "application/json"
		}
		headers = append(headers, sockgate.Header{Name: "Content-Type", Value: contentType})
	}
	g.Refused(a.APIID, a.Stage, r.Status)
	_ = x.Respond(r.Status, headers, r.Body) // the client is gone if this fails
}

func requestIDHeaders(id string) []sockgate.Header {
	return []sockgate.Header{{Name: "x-amzn-RequestId", Value: id}, {Name: "x-amz-apigw-id", Value: id}}
}
