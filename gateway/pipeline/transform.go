package pipeline

import (
	"context"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/deploy"
	httpbackend "github.com/sockgate/sockgate/gateway/integrate/http"
	"github.com/sockgate/sockgate/gateway/mapping"
	"github.com/sockgate/sockgate/gateway/transform"
)

// transformRequest makes the backend's request of the event: a proxy's by forwarding, another's by its template; then the
// mapped parameters, which win.
type transformRequest struct{}

func (transformRequest) run(_ context.Context, x *exchange) error {
	in := x.integration()
	if in == nil {
		return nil
	}
	if in.Function != nil {
		return x.functionPayload(in)
	}
	var overrides mapping.Overrides
	if in.Type.Proxy() {
		transform.Forward(&x.ev, in.Method, &x.request)
	} else {
		transform.Gateway(&x.ev, in.Method, &x.request)
		var err error
		if overrides, err = x.renderRequest(in); err != nil {
			return err
		}
	}
	if in.Content == mapping.ToBinary { // a message is text already, so ToText has nothing to do
		var err error
		if x.request.Body, err = in.Content.Convert(x.request.Body); err != nil {
			return misconfigured{err}
		}
	}
	if in.Type == sockgate.Mock {
		return nil
	}
	if refused := in.Parameters.Apply(&x.ev, &x.request); refused != nil && x.log().Info() {
		x.log().Note(&x.ev, "Left out because their values cannot be sent: "+strings.Join(refused, ", "))
	}
	x.override(&overrides)
	target, err := in.URI.Expand(&x.request)
	if err != nil {
		return misconfigured{err}
	}
	x.call = httpbackend.Request{
		Method:     in.Method,
		Scheme:     in.URI.Scheme(),
		Host:       in.URI.Host(),
		HostHeader: x.request.Host,
		RequestURI: target,
		Header:     x.request.Header,
		Body:       x.request.Body,
		Timeout:    in.Timeout,
		Via:        in.Via,
		Port:       in.URI.Port(),
		WantHeader: x.ev.Type == sockgate.Connect || in.Responses != nil && in.Responses.ReadsHeaders || x.log().Trace(),
	}
	return nil
}

// renderRequest puts what the integration's template makes of the event in place of the body.
func (x *exchange) renderRequest(in *deploy.Integration) (mapping.Overrides, error) {
	t := in.Templates.Select(transform.EventVariables{Event: &x.ev})
	if t == nil {
		if !in.Passthrough.Allows(in.Templates) {
			return mapping.Overrides{}, unsupportedMedia{}
		}
		if in.Type == sockgate.Mock { // its status is for its author to say, not for the client
			x.request.Body = nil
		}
		return mapping.Overrides{}, nil
	}
	body, overrides, err := mapping.Render(t, x.scope(x.ev.Body, false))
	if err != nil {
		return mapping.Overrides{}, misconfiguredUnlessInvalid(err)
	}
	x.request.Body = body
	return overrides, nil
}

// override puts what a template set under $context.requestOverride in place of what was mapped.
func (x *exchange) override(o *mapping.Overrides) {
	x.request.Header = transform.Override(x.request.Header, o.Header, true)
	x.request.Query = transform.Override(x.request.Query, o.Query, false)
	x.request.Path = transform.Override(x.request.Path, o.Path, false)
}

func (x *exchange) scope(body []byte, response bool) *mapping.Scope {
	return &mapping.Scope{Event: &x.ev, StageVariables: x.stage.Settings.Variables, Body: body, Response: response}
}

// transformResponse makes the client's words of the backend's answer. A proxy's pass unchanged; another's go through the
// integration response that the answer's status chooses.
type transformResponse struct{}

func (transformResponse) run(_ context.Context, x *exchange) error {
	in := x.integration()
	if in == nil {
		return nil
	}
	if x.ev.Type == sockgate.Disconnect {
		return x.failure()
	}
	if in.Type.Proxy() {
		x.output, x.protocol = x.answer.Body, subprotocol(&x.answer)
		return nil
	}
	if in.Responses.Len() == 0 && x.ev.Type == sockgate.Message && !x.route.TwoWay {
		return x.failure() // UNCONFIRMED: a one-way route needs no integration response, as nothing becomes of it
	}
	value := selectionValue(in.Type, &x.answer)
	chosen := in.Responses.Choose(value)
	if chosen == nil {
		if in.Type == sockgate.Mock && in.Responses.Len() == 0 {
			return nil // UNCONFIRMED: a mock without any response answers nothing, and its status decides a handshake
		}
		return misconfigured{sockgate.Internalf("integration %s has no response for %q and no $default", in.ID, value)}
	}
	x.log().ResponseChosen(&x.ev, chosen.Key, value)
	if err := x.afterFailure(chosen); err != nil {
		return err
	}
	return x.renderResponse(chosen)
}

// selectionValue is what chooses the integration response: of Lambda functions (AWS) the errorMessage of what they return, of all
// others the status. Source: reference section 4.1.
func selectionValue(t sockgate.IntegrationType, answer *httpbackend.Response) string {
	if t == sockgate.AWS {
		return gjson.GetBytes(answer.Body, "errorMessage").String()
	}
	return strconv.Itoa(answer.Status)
}

// renderResponse applies one integration response to the answer.
func (x *exchange) renderResponse(r *mapping.Response) (err error) {
	body := x.answer.Body
	if r.Content == mapping.ToBinary {
		if body, err = r.Content.Convert(body); err != nil {
			return misconfigured{err}
		}
	}
	if x.ev.Type == sockgate.Connect {
		x.protocol = r.Headers.Get("Sec-WebSocket-Protocol", &mapping.Answer{Event: &x.ev, Header: x.answer.Header, Body: body})
	}
	if t := r.Templates.Select(answerVariables{transform.EventVariables{Event: &x.ev}, &x.answer}); t != nil {
		var overrides mapping.Overrides
		if body, overrides, err = mapping.Render(t, x.scope(body, true)); err != nil {
			return misconfigured{err}
		}
		if overrides.Status != 0 {
			x.answer.Status = overrides.Status
		}
	}
	if r.Content == mapping.ToText {
		if body, err = r.Content.Convert(body); err != nil {
			return misconfigured{err}
		}
	}
	x.output = body
	return nil
}

// answerVariables lets a response's template selection read the backend's answer beside the message.
type answerVariables struct {
	transform.EventVariables
	answer *httpbackend.Response
}

// Lookup returns a variable that is not the message.
func (v answerVariables) Lookup(name string) (string, bool) {
	if name == "integration.response.statuscode" {
		return strconv.Itoa(v.answer.Status), true
	}
	for _, prefix := range []string{"integration.response.header.", "integration.response.multivalueheader."} {
		if header, ok := strings.CutPrefix(name, prefix); ok {
			return v.answer.Header.Lookup(header)
		}
	}
	return v.EventVariables.Lookup(name)
}

// unsupportedMedia is the error of a request for which there is no template and that may not pass without one.
type unsupportedMedia struct{}

func (unsupportedMedia) Error() string {
	return "no request template is for this message, and passthroughBehavior does not let it through"
}

// misconfiguredUnlessInvalid leaves an error that is the client's fault as it is.
func misconfiguredUnlessInvalid(err error) error {
	if sockgate.KindOf(err) == sockgate.Invalid {
		return err
	}
	return misconfigured{err}
}
