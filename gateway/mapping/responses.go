package mapping

import (
	"strings"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/boundedre"
)

// Responses are the integration responses of one integration. They are immutable.
type Responses struct {
	patterns []pattern
	fallback *Response
	// ReadsHeaders says that some response looks at the answer's headers; else they need not be collected.
	ReadsHeaders bool
}

type pattern struct {
	match    *boundedre.Regexp
	response *Response
}

// Response is one integration response, compiled.
type Response struct {
	Key       string
	Templates *Templates
	Content   Content
	Headers   Headers
}

// CompileResponses compiles an integration's responses. Keys are "$default" or "/regular expression/". The error is
// sockgate.Invalid and names the key and the fault.
//
// A pattern must match the whole value, as Java's matches does (reference section 4.1; UNCONFIRMED for WebSocket), in RE2's syntax:
// it has no look-around and no back references, its size is bounded, and a value that would take it too long does not match. Of several that match, the one that
// was created first is taken (UNCONFIRMED).
func CompileResponses(list []sockgate.IntegrationResponse, vars map[string]string) (*Responses, error) {
	r := &Responses{}
	for i := range list {
		in := &list[i]
		c := &Response{Key: in.Key, Content: Content(in.ContentHandling)}
		var err error
		if c.Templates, err = CompileTemplates(in.TemplateSelectionExpression, in.ResponseTemplates); err != nil {
			return nil, sockgate.Invalidf("integration response %s: %s", in.Key, err)
		}
		if c.Headers, err = CompileHeaders(in.ResponseParameters, vars); err != nil {
			return nil, sockgate.Invalidf("integration response %s: %s", in.Key, err)
		}
		r.ReadsHeaders = r.ReadsHeaders || len(c.Headers) > 0 || c.Templates.selection != nil
		if in.Key == "$default" {
			r.fallback = c
			continue
		}
		text, ok := strings.CutPrefix(in.Key, "/")
		if ok {
			text, ok = strings.CutSuffix(text, "/")
		}
		if !ok {
			return nil, sockgate.Invalidf("integration response %s: the key must be $default or /pattern/", in.Key)
		}
		match, err := boundedre.Compile("^(?:" + text + ")$")
		if err != nil {
			return nil, sockgate.Invalidf("integration response %s: %s", in.Key, err)
		}
		r.patterns = append(r.patterns, pattern{match, c})
	}
	return r, nil
}

// Len returns how many responses there are.
func (r *Responses) Len() int {
	if r.fallback != nil {
		return len(r.patterns) + 1
	}
	return len(r.patterns)
}

// Choose returns the response for a selection value, or nil when no key is for it, which is an error of the API's definition.
func (r *Responses) Choose(value string) *Response {
	for _, p := range r.patterns {
		if p.match.MatchString(value) {
			return p.response
		}
	}
	return r.fallback
}
