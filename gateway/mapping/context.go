package mapping

import (
	"maps"
	"slices"
	"strconv"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/transform"
	"github.com/sockgate/sockgate/lang/vtl"
)

// contextNode is $context, or a group of it such as $context.identity.
type contextNode struct {
	event  *sockgate.Event
	prefix string        // "", "identity." or "identity.clientCert."
	over   *overrideMaps // of $context itself; nil in its groups
}

var _ vtl.Table = (*contextNode)(nil)

// contextGroups are the variables that have variables of their own.
var contextGroups = map[string]bool{
	"identity": true, "authorizer": true, "error": true, "integration": true,
	"identity.clientCert": true, "identity.clientCert.validity": true,
}

// numeric are the variables that templates may calculate with.
var numeric = map[string]bool{"connectedAt": true, "requestTimeEpoch": true, "status": true, "disconnectStatusCode": true}

// Property returns a context variable. One that API Gateway has, but not for this event, prints as nothing, as in the template that
// its console offers to pass everything on; any other name is undefined, so its reference prints as it is written.
func (n *contextNode) Property(name string) (any, bool) {
	if n.over != nil {
		if m := n.over.named(name); m != nil {
			return m, true
		}
	}
	full := n.prefix + name
	if contextGroups[full] {
		return &contextNode{event: n.event, prefix: full + "."}, true
	}
	read, ok := transform.ContextVariable(full)
	if !ok {
		return nil, false
	}
	value, ok := read(n.event)
	switch {
	case !ok && transform.IsContextName(full):
		return vtl.Blank{}, true
	case !ok:
		return nil, false
	}
	if numeric[full] {
		if i, err := strconv.ParseInt(value, 10, 64); err == nil {
			return i, true
		}
	}
	return value, true
}

// Call knows get(name), which finds more than Map shows.
func (n *contextNode) Call(method string, args []any) (any, error) {
	if name, ok := oneText(method, "get", args); ok {
		v, _ := n.Property(name)
		return v, nil
	}
	return nil, nil
}

// printed are the variables that $context as a whole shows, in the order in which API Gateway prints them (reference section
// 5.4); what has no value is null.
var printed = []string{
	"routeKey", "disconnectStatusCode", "messageId", "eventType", "extendedRequestId", "requestTime", "messageDirection",
	"disconnectReason", "stage", "connectedAt", "requestTimeEpoch", "identity", "requestId", "domainName", "connectionId", "apiId",
}

var printedIdentity = []string{
	"cognitoIdentityPoolId", "accountId", "cognitoIdentityId", "caller", "sourceIp", "principalOrgId", "accessKey",
	"cognitoAuthenticationType", "cognitoAuthenticationProvider", "userArn", "userAgent", "user",
}

// Map returns what String shows.
func (n *contextNode) Map() *vtl.Map {
	names := printed
	switch n.prefix {
	case "identity.":
		names = printedIdentity
	case "authorizer.":
		names = authorizerNames(n.event)
	case "identity.clientCert.":
		names = []string{"clientCertPem", "subjectDN", "issuerDN", "serialNumber", "validity"}
	case "identity.clientCert.validity.":
		names = []string{"notBefore", "notAfter"}
	case "error.":
		names = []string{"message", "messageString", "responseType", "validationErrorString"}
	}
	m := &vtl.Map{}
	for _, name := range names {
		v, _ := n.Property(name)
		if _, blank := v.(vtl.Blank); blank {
			v = nil
		}
		m.Set(name, v)
	}
	return m
}

// String prints the context as a Java map.
func (n *contextNode) String() string { return vtl.Text(n.Map()) }

func authorizerNames(ev *sockgate.Event) []string {
	a := ev.Connection.Authorizer
	if a == nil {
		return nil
	}
	names := append([]string{"principalId"}, slices.Sorted(maps.Keys(a.Context))...)
	return append(names, "integrationLatency")
}
