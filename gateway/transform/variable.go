package transform

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sockgate/sockgate"
)

// Variable reads one context variable of an event. It reports false when the event has no such value.
type Variable = func(*sockgate.Event) (string, bool)

// ContextVariable returns the reader of the variable $context.{name}, and false for a name that API Gateway does not have.
// Names are those of reference sections 6.1 and 6.2, log-only ones included; "authorizer.X" exists for every X.
// Where a name is known but nothing here ever sets it (WAF, Cognito), the reader finds no value.
func ContextVariable(name string) (Variable, bool) {
	if v, ok := contextVariables[name]; ok {
		return v, true
	}
	if property, ok := strings.CutPrefix(name, "authorizer."); ok && property != "" {
		return authorizerProperty(property), true
	}
	return nil, false
}

// IsContextName reports whether name is one that ContextVariable knows without an authorizer's help.
func IsContextName(name string) bool { return contextVariables[name] != nil }

// ContextNames returns the names that ContextVariable knows, without the properties that an authorizer adds, in order.
func ContextNames() []string { return slices.Sorted(maps.Keys(contextVariables)) }

// contextVariables is never changed.
var contextVariables = map[string]Variable{
	"apiId":                connection(func(c *sockgate.Connection) string { return c.APIID }),
	"connectedAt":          connection(func(c *sockgate.Connection) string { return milliseconds(c.ConnectedAt) }),
	"connectionId":         connection(func(c *sockgate.Connection) string { return c.ID }),
	"domainName":           connection(func(c *sockgate.Connection) string { return c.DomainName }),
	"domainPrefix":         connection(domainPrefix),
	"stage":                connection(func(c *sockgate.Connection) string { return c.Stage }),
	"eventType":            text(func(ev *sockgate.Event) string { return string(ev.Type) }),
	"extendedRequestId":    text(func(ev *sockgate.Event) string { return ev.RequestID }),
	"messageDirection":     text(func(*sockgate.Event) string { return "IN" }),
	"messageId":            text(func(ev *sockgate.Event) string { return ev.MessageID }),
	"requestId":            text(func(ev *sockgate.Event) string { return ev.RequestID }),
	"requestTime":          text(func(ev *sockgate.Event) string { return commonLogTime(ev.Time) }),
	"requestTimeEpoch":     text(func(ev *sockgate.Event) string { return milliseconds(ev.Time) }),
	"routeKey":             text(func(ev *sockgate.Event) string { return ev.RouteKey }),
	"status":               number(func(ev *sockgate.Event) int { return ev.Status }),
	"disconnectStatusCode": number(func(ev *sockgate.Event) int { return ev.DisconnectCode }),
	"disconnectReason":     disconnectReason,

	"error.message":               text(func(ev *sockgate.Event) string { return ev.ErrorMessage }),
	"error.messageString":         errorMessageString,
	"error.responseType":          text(func(ev *sockgate.Event) string { return ev.ErrorType }),
	"error.validationErrorString": text(func(ev *sockgate.Event) string { return ev.ValidationError }),

	"identity.sourceIp":                      connection(sourceIP),
	"identity.userAgent":                     connection(func(c *sockgate.Connection) string { return c.UserAgent }),
	"identity.accessKey":                     principal(func(p *sockgate.Principal) string { return p.AccessKeyID }),
	"identity.accountId":                     principal(func(p *sockgate.Principal) string { return p.AccountID }),
	"identity.caller":                        principal(func(p *sockgate.Principal) string { return p.UserID }),
	"identity.user":                          principal(func(p *sockgate.Principal) string { return p.UserID }),
	"identity.userArn":                       principal(func(p *sockgate.Principal) string { return p.ARN }),
	"identity.apiKey":                        apiKey(func(k *sockgate.APIKeyUse) string { return k.Value }),
	"identity.apiKeyId":                      apiKey(func(k *sockgate.APIKeyUse) string { return k.ID }),
	"identity.principalOrgId":                nothing,
	"identity.clientCert.clientCertPem":      clientCert(func(c *sockgate.ClientCert) string { return c.PEM }),
	"identity.clientCert.subjectDN":          clientCert(func(c *sockgate.ClientCert) string { return c.SubjectDN }),
	"identity.clientCert.issuerDN":           clientCert(func(c *sockgate.ClientCert) string { return c.IssuerDN }),
	"identity.clientCert.serialNumber":       clientCert(func(c *sockgate.ClientCert) string { return c.SerialNumber }),
	"identity.clientCert.validity.notBefore": clientCert(func(c *sockgate.ClientCert) string { return c.NotBefore }),
	"identity.clientCert.validity.notAfter":  clientCert(func(c *sockgate.ClientCert) string { return c.NotAfter }),
	"identity.cognitoAuthenticationProvider": nothing,
	"identity.cognitoAuthenticationType":     nothing,
	"identity.cognitoIdentityId":             nothing,
	"identity.cognitoIdentityPoolId":         nothing,

	"authorizer.principalId":        authorization(func(a *sockgate.Authorization) string { return a.PrincipalID }),
	"authorizer.integrationLatency": authorizerLatency,
	"authorizer.latency":            authorizerLatency,
	"authorizer.error":              orProperty("error", text(func(ev *sockgate.Event) string { return ev.AuthorizerError })),
	"authorizer.status":             orProperty("status", number(func(ev *sockgate.Event) int { return ev.AuthorizerStatus })),
	"authorizer.integrationStatus":  orProperty("integrationStatus", number(func(ev *sockgate.Event) int { return ev.AuthorizerServiceStatus })),
	"authorizer.requestId":          orProperty("requestId", text(func(ev *sockgate.Event) string { return ev.AuthorizerRequestID })),

	"integrationErrorMessage":       text(func(ev *sockgate.Event) string { return ev.IntegrationError }),
	"integrationLatency":            integrationLatency,
	"integrationStatus":             number(func(ev *sockgate.Event) int { return ev.IntegrationStatus }),
	"integration.error":             text(func(ev *sockgate.Event) string { return ev.IntegrationError }),
	"integration.integrationStatus": number(serviceStatus),
	"integration.latency":           integrationLatency,
	"integration.status":            number(func(ev *sockgate.Event) int { return ev.IntegrationStatus }),
	"integration.requestId":         text(func(ev *sockgate.Event) string { return ev.IntegrationRequestID }),
	"awsEndpointRequestId":          text(func(ev *sockgate.Event) string { return ev.IntegrationRequestID }),

	"authorize.error":      text(func(ev *sockgate.Event) string { return ev.Authorize.Error }),
	"authorize.latency":    text(func(ev *sockgate.Event) string { return checkLatency(&ev.Authorize) }),
	"authorize.status":     number(func(ev *sockgate.Event) int { return ev.Authorize.Status }),
	"authenticate.error":   text(func(ev *sockgate.Event) string { return ev.Authenticate.Error }),
	"authenticate.latency": text(func(ev *sockgate.Event) string { return checkLatency(&ev.Authenticate) }),
	"authenticate.status":  number(func(ev *sockgate.Event) int { return ev.Authenticate.Status }),
	"waf.error":            nothing,
	"waf.latency":          nothing,
	"waf.status":           nothing,
}

// The functions below turn a plain getter into a Variable: an empty text, a zero number, or a missing owner is no value.

func text(get func(*sockgate.Event) string) Variable {
	return func(ev *sockgate.Event) (string, bool) {
		s := get(ev)
		return s, s != ""
	}
}

func number(get func(*sockgate.Event) int) Variable {
	return func(ev *sockgate.Event) (string, bool) {
		if n := get(ev); n != 0 {
			return strconv.Itoa(n), true
		}
		return "", false
	}
}

func connection(get func(*sockgate.Connection) string) Variable {
	return func(ev *sockgate.Event) (string, bool) {
		if ev.Connection == nil {
			return "", false
		}
		s := get(ev.Connection)
		return s, s != ""
	}
}

func clientCert(get func(*sockgate.ClientCert) string) Variable {
	return func(ev *sockgate.Event) (string, bool) {
		if ev.Connection == nil || ev.Connection.ClientCert == nil {
			return "", false
		}
		s := get(ev.Connection.ClientCert)
		return s, s != ""
	}
}

func principal(get func(*sockgate.Principal) string) Variable {
	return func(ev *sockgate.Event) (string, bool) {
		if ev.Connection == nil || ev.Connection.Identity == nil {
			return "", false
		}
		s := get(ev.Connection.Identity)
		return s, s != ""
	}
}

func apiKey(get func(*sockgate.APIKeyUse) string) Variable {
	return func(ev *sockgate.Event) (string, bool) {
		if ev.Connection == nil || ev.Connection.APIKey == nil {
			return "", false
		}
		s := get(ev.Connection.APIKey)
		return s, s != ""
	}
}

func authorization(get func(*sockgate.Authorization) string) Variable {
	return func(ev *sockgate.Event) (string, bool) {
		if ev.Connection == nil || ev.Connection.Authorizer == nil {
			return "", false
		}
		s := get(ev.Connection.Authorizer)
		return s, s != ""
	}
}

// authorizerProperty reads what the authorizer put in its context. An empty property is a value.
func authorizerProperty(name string) Variable {
	return func(ev *sockgate.Event) (string, bool) {
		if ev.Connection == nil || ev.Connection.Authorizer == nil {
			return "", false
		}
		s, ok := ev.Connection.Authorizer.Context[name]
		return s, ok
	}
}

// orProperty reads an authorizer's own property where it has one, and otherwise the log-only variable of that name.
func orProperty(name string, otherwise Variable) Variable {
	property := authorizerProperty(name)
	return func(ev *sockgate.Event) (string, bool) {
		if s, ok := property(ev); ok {
			return s, true
		}
		return otherwise(ev)
	}
}

func nothing(*sockgate.Event) (string, bool) { return "", false }

func milliseconds(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.UnixMilli(), 10)
}

// commonLogTime prints a time as 29/Nov/2023:08:04:01 +0000, always in UTC (reference section 0.5).
func commonLogTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("02/Jan/2006:15:04:05 -0700")
}

func latency(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// serviceStatus is what the function service answered, or a backend that is no function.
func serviceStatus(ev *sockgate.Event) int {
	if ev.IntegrationServiceStatus != 0 {
		return ev.IntegrationServiceStatus
	}
	return ev.IntegrationStatus
}

// authorizerLatency is that of the connection's authorizer, or of one that was asked and did not let the client in.
func authorizerLatency(ev *sockgate.Event) (string, bool) {
	if ev.Connection != nil && ev.Connection.Authorizer != nil {
		return latency(ev.Connection.Authorizer.Latency), true
	}
	return latency(ev.AuthorizerLatency), ev.AuthorizerStatus != 0
}

func checkLatency(c *sockgate.Check) string {
	if c.Status == 0 {
		return ""
	}
	return latency(c.Latency)
}

// integrationLatency has a value once a backend was called, even when it answered in less than a millisecond.
func integrationLatency(ev *sockgate.Event) (string, bool) {
	if ev.IntegrationLatency == 0 {
		return "", false
	}
	return latency(ev.IntegrationLatency), true
}

// disconnectReason may be empty: that is a client's close frame without a reason.
func disconnectReason(ev *sockgate.Event) (string, bool) {
	return ev.DisconnectReason, ev.Type == sockgate.Disconnect
}

// errorMessageString is error.message as a JSON string.
func errorMessageString(ev *sockgate.Event) (string, bool) {
	if ev.ErrorMessage == "" {
		return "", false
	}
	quoted := appendLogged([]byte{'"'}, ev.ErrorMessage, true)
	return string(append(quoted, '"')), true
}

func sourceIP(c *sockgate.Connection) string {
	if !c.SourceIP.IsValid() {
		return ""
	}
	return c.SourceIP.Unmap().String()
}

// domainPrefix is the first label of the domain name.
func domainPrefix(c *sockgate.Connection) string {
	prefix, _, _ := strings.Cut(c.DomainName, ".")
	prefix, _, _ = strings.Cut(prefix, ":")
	return prefix
}

// EventVariables lets a selection expression read an event: the body, context variables ("context.stage"), and on $connect
// headers and query parameters ("request.header.X", "request.querystring.X"; of several the last).
type EventVariables struct{ *sockgate.Event }

// Body returns the message.
func (v EventVariables) Body() []byte { return v.Event.Body }

// Lookup returns a variable that is not the body.
func (v EventVariables) Lookup(name string) (string, bool) {
	if rest, ok := strings.CutPrefix(name, "context."); ok {
		if read, ok := ContextVariable(rest); ok {
			return read(v.Event)
		}
		return "", false
	}
	if rest, ok := strings.CutPrefix(name, "request.header."); ok {
		return last(v.Headers, rest, strings.EqualFold)
	}
	if rest, ok := strings.CutPrefix(name, "request.querystring."); ok {
		return last(v.Query, rest, equal)
	}
	return "", false
}

// last returns the last value under a name. UNCONFIRMED: that the last counts is the rule of REST APIs.
func last(list []sockgate.Header, name string, same func(a, b string) bool) (string, bool) {
	for i := len(list) - 1; i >= 0; i-- {
		if same(list[i].Name, name) {
			return list[i].Value, true
		}
	}
	return "", false
}
