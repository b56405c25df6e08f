package lambda

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/awswire"
	"github.com/sockgate/sockgate/internal/requestid"
	"github.com/sockgate/sockgate/service/function"
	"github.com/sockgate/sockgate/service/function/runtime"
)

// Limits of an invocation. Source: Lambda Developer Guide, "Lambda quotas"; Invoke, X-Amz-Client-Context.
const (
	maxEvent         = function.MaxEventPayload
	maxClientContext = 3583 // bytes, in base64
)

func (s *Service) invoke(ctx context.Context, in *input) (any, error) {
	kind, logType := in.Header.Get("X-Amz-Invocation-Type"), in.Header.Get("X-Amz-Log-Type")
	c := &checker{}
	if kind != "" {
		c.oneOf("invocationType", kind, "Event", "RequestResponse", "DryRun")
	}
	if logType != "" {
		c.oneOf("logType", logType, "None", "Tail")
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	limit := runtime.MaxPayload
	if kind == "Event" {
		limit = maxEvent
	}
	if len(in.Body) > limit {
		return nil, tooLarge(limit, "InvokeFunction")
	}
	if err := checkPayload(in.Body); err != nil {
		return nil, err
	}
	clientContext, err := readClientContext(in.Header.Get("X-Amz-Client-Context"))
	if err != nil {
		return nil, err
	}
	r, v, err := s.resolve(in.name, in.qualifier)
	if err != nil {
		return nil, err
	}
	call := &function.Invocation{
		Name: in.name, Qualifier: in.qualifier, RequestID: in.ID, TraceID: in.Header.Get("X-Amzn-Trace-Id"),
		Payload: in.Body, ClientContext: clientContext, Tail: logType == "Tail",
	}
	if call.TraceID == "" {
		call.TraceID = s.newTrace()
	}
	switch kind {
	case "DryRun":
		return &awswire.Response{Status: http.StatusNoContent, Header: http.Header{"X-Amz-Executed-Version": {v.Version}}}, nil
	case "Event":
		call.Payload = bytes.Clone(in.Body)
		if _, err := s.Functions.InvokeLater(call); err != nil {
			return nil, err
		}
		return &awswire.Response{Status: http.StatusAccepted}, nil
	}
	// A function runs to its own end, however long its caller waits; its timeout bounds it, and the runner ends it at shutdown.
	out, err := s.Functions.Invoke(context.WithoutCancel(ctx), call)
	if err != nil {
		if r.Reserved != nil && *r.Reserved == 0 && sockgate.KindOf(err) == sockgate.Throttled {
			return nil, reservedUp(err)
		}
		return nil, err
	}
	h := http.Header{"X-Amz-Executed-Version": {out.Version}, "X-Amzn-Trace-Id": {call.TraceID}}
	if out.FunctionError != "" {
		h["X-Amz-Function-Error"] = []string{out.FunctionError}
	}
	if call.Tail {
		h["X-Amz-Log-Result"] = []string{base64.StdEncoding.EncodeToString(out.LogTail)}
	}
	payload := out.Payload
	if payload == nil {
		payload = []byte("null")
	}
	return &awswire.Response{Header: h, Body: payload}, nil
}

// newTrace returns a trace header for a call that came without one, as Lambda makes it. Nothing is sampled.
// Source: X-Ray Developer Guide, "Tracing header".
func (s *Service) newTrace() string {
	random := strings.ReplaceAll(requestid.New(), "-", "")[:24]
	return fmt.Sprintf("Root=1-%08x-%s;Sampled=0", s.Clock().Unix(), random)
}

// checkPayload wants JSON or nothing. The part of the text behind the colon is our parser's; Lambda shows that of its own.
func checkPayload(body []byte) error {
	if len(body) == 0 || json.Valid(body) {
		return nil
	}
	var any any
	err := json.Unmarshal(body, &any)
	return &fault{status: http.StatusBadRequest, typ: "InvalidRequestContentException", message: "Could not parse request body into json: " + err.Error()}
}

// readClientContext returns the JSON that the header holds in base64.
func readClientContext(header string) (string, error) {
	if header == "" {
		return "", nil
	}
	raw, err := base64.StdEncoding.DecodeString(header)
	if err != nil || !json.Valid(raw) || len(header) > maxClientContext {
		return "", &fault{status: http.StatusBadRequest, typ: "InvalidRequestContentException", message: "Client context must be a valid Base64-encoded JSON object."}
	}
	return string(raw), nil
}

// throttleReason says in Lambda's words why a call was throttled.
func throttleReason(err error) string {
	for _, reason := range []error{runtime.ErrReservedConcurrency, runtime.ErrConcurrency} {
		if errors.Is(err, reason) {
			return reason.Error()
		}
	}
	return runtime.ErrConcurrency.Error()
}

func reservedUp(cause error) error {
	return &fault{
		status: http.StatusTooManyRequests, typ: "TooManyRequestsException", message: function.ReservedText,
		reason: runtime.ErrReservedConcurrency.Error(), cause: cause,
	}
}
