package authorize

import (
	"strings"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/transform"
)

// source is one identity source: something that a handshake must have before an authorizer is asked about it.
type source struct {
	text string
	read func(*sockgate.Event) string // "" for what is missing or empty
}

// compileSource reads an identity source. The error is sockgate.Invalid.
//
//	route.request.header.NAME        in any case (UNCONFIRMED: REST's are case-sensitive)
//	route.request.querystring.NAME
//	stageVariables.NAME
//	context.NAME
//
// Of several headers or parameters of a name the last counts. Source: reference section 9.2.
func compileSource(text string, vars map[string]string) (source, error) {
	if name, ok := strings.CutPrefix(text, "stageVariables."); ok {
		value := vars[name]
		return source{text, func(*sockgate.Event) string { return value }}, nil
	}
	if name, ok := strings.CutPrefix(text, "context."); ok {
		read, known := transform.ContextVariable(name)
		if !known {
			return source{}, sockgate.Invalidf("Invalid identity source expression specified: %s: there is no such context variable", text)
		}
		return source{text, func(ev *sockgate.Event) string {
			value, _ := read(ev)
			return value
		}}, nil
	}
	variable, ok := strings.CutPrefix(text, "route.")
	if !ok || !strings.HasPrefix(variable, "request.header.") && !strings.HasPrefix(variable, "request.querystring.") {
		return source{}, sockgate.Invalidf("Invalid identity source expression specified: %s", text)
	}
	return source{text, func(ev *sockgate.Event) string {
		value, _ := transform.EventVariables{Event: ev}.Lookup(variable)
		return value
	}}, nil
}
