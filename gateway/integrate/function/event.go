package function

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/transform"
)

// EventSize is about how many bytes an event will have.
func EventSize(ev *sockgate.Event) int {
	n := 1024 + len(ev.Body) + len(ev.Body)/8
	for _, h := range ev.Headers {
		n += 2 * (len(h.Name) + len(h.Value) + 8)
	}
	return n
}

// AppendEvent appends the event that an AWS_PROXY integration sends for ev. stageVariables is what Variables returned; base64 is
// a MESSAGE's body after CONVERT_TO_BINARY, or nil.
//
//	CONNECT     headers, query parameters (unless there are none), requestContext, isBase64Encoded
//	MESSAGE     requestContext, body, isBase64Encoded
//	DISCONNECT  four headers, three of them empty, requestContext, isBase64Encoded
//
// Values that are absent are left out. Source: reference section 2.5.
//
// UNCONFIRMED: stageVariables are in all three kinds, and absent where the stage has none; of several headers or parameters of
// one name the single-valued map has the last; isBase64Encoded is true only of a message after CONVERT_TO_BINARY.
func AppendEvent(dst []byte, ev *sockgate.Event, stageVariables, base64 []byte) []byte {
	dst = append(dst, '{')
	switch ev.Type {
	case sockgate.Connect:
		dst = appendHeaders(dst, transform.EventHeaders(ev))
		if len(ev.Query) > 0 {
			dst = appendQuery(append(dst, ','), ev.Query)
		}
		dst = append(dst, ',')
	case sockgate.Disconnect:
		dst = appendHeaders(dst, []sockgate.Header{ // really sent: reference section 2.5
			{Name: "Host", Value: ev.Connection.DomainName}, {Name: "x-api-key"}, {Name: "X-Forwarded-For"}, {Name: "x-restapi"},
		})
		dst = append(dst, ',')
	}
	if stageVariables != nil {
		dst = append(append(append(dst, `"stageVariables":`...), stageVariables...), ',')
	}
	dst = appendContext(append(dst, `"requestContext":`...), ev)
	if ev.Type == sockgate.Message {
		dst = append(dst, `,"body":`...)
		if base64 != nil {
			dst = appendQuoted(dst, base64)
		} else {
			dst = appendQuoted(dst, ev.Body)
		}
	}
	if base64 != nil {
		return append(dst, `,"isBase64Encoded":true}`...)
	}
	return append(dst, `,"isBase64Encoded":false}`...)
}

// AppendAuthorizerEvent appends the event that a REQUEST authorizer is sent for a handshake.
// Source: reference section 9.3; its maps are there also when they are empty (UNCONFIRMED for the query parameters').
func AppendAuthorizerEvent(dst []byte, ev *sockgate.Event, methodARN string, stageVariables []byte) []byte {
	dst = appendQuoted(append(dst, `{"type":"REQUEST","methodArn":`...), methodARN)
	dst = appendHeaders(append(dst, ','), authorizerHeaders(ev))
	dst = appendQuery(append(dst, ','), ev.Query)
	dst = append(dst, `,"stageVariables":`...)
	if stageVariables == nil {
		stageVariables = []byte("{}")
	}
	dst = append(dst, stageVariables...)
	dst = appendContext(append(dst, `,"requestContext":`...), ev)
	return append(dst, '}')
}

// appendContext appends requestContext, with its members in the order in which AWS's come.
func appendContext(dst []byte, ev *sockgate.Event) []byte {
	c := ev.Connection
	dst = appendMember(dst, '{', "routeKey", ev.RouteKey)
	if c.Authorizer != nil {
		dst = appendAuthorizer(append(dst, `,"authorizer":`...), c.Authorizer)
	}
	switch ev.Type {
	case sockgate.Message:
		dst = appendMember(dst, ',', "messageId", ev.MessageID)
	case sockgate.Disconnect:
		dst = strconv.AppendInt(append(dst, `,"disconnectStatusCode":`...), int64(ev.DisconnectCode), 10)
	}
	dst = appendMember(dst, ',', "eventType", string(ev.Type))
	dst = appendMember(dst, ',', "extendedRequestId", ev.RequestID)
	dst = append(dst, `,"requestTime":"`...)
	dst = ev.Time.UTC().AppendFormat(dst, "02/Jan/2006:15:04:05 -0700") // reference section 0.5
	dst = append(dst, `","messageDirection":"IN"`...)
	if ev.Type == sockgate.Disconnect {
		dst = appendMember(dst, ',', "disconnectReason", ev.DisconnectReason)
	}
	dst = appendMember(dst, ',', "stage", c.Stage)
	dst = appendMillis(append(dst, `,"connectedAt":`...), c.ConnectedAt)
	dst = appendMillis(append(dst, `,"requestTimeEpoch":`...), ev.Time)
	dst = appendIdentity(append(dst, `,"identity":`...), c)
	dst = appendMember(dst, ',', "requestId", ev.RequestID)
	dst = appendMember(dst, ',', "domainName", c.DomainName)
	dst = appendMember(dst, ',', "connectionId", c.ID)
	dst = appendMember(dst, ',', "apiId", c.APIID)
	return append(dst, '}')
}

// appendAuthorizer appends what the authorizer said. Its context's values are strings.
// UNCONFIRMED for WebSocket: that they are, and integrationLatency beside them as a number of milliseconds (reference section
// 9.4). A context's own principalId or integrationLatency does not show.
func appendAuthorizer(dst []byte, a *sockgate.Authorization) []byte {
	dst = appendMember(dst, '{', "principalId", a.PrincipalID)
	var room [16]string
	names := room[:0]
	for name := range a.Context {
		if name != "principalId" && name != "integrationLatency" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		dst = appendQuoted(append(dst, ','), name)
		dst = appendQuoted(append(dst, ':'), a.Context[name])
	}
	dst = strconv.AppendInt(append(dst, `,"integrationLatency":`...), a.Latency.Milliseconds(), 10)
	return append(dst, '}')
}

// appendIdentity appends what is known of who the client is; a client without an address has an empty sourceIp.
func appendIdentity(dst []byte, c *sockgate.Connection) []byte {
	dst = append(dst, `{"sourceIp":"`...)
	if c.SourceIP.IsValid() {
		dst = c.SourceIP.Unmap().AppendTo(dst)
	}
	dst = append(dst, '"')
	if c.UserAgent != "" {
		dst = appendMember(dst, ',', "userAgent", c.UserAgent)
	}
	if p := c.Identity; p != nil {
		dst = appendMember(dst, ',', "accessKey", p.AccessKeyID)
		dst = appendMember(dst, ',', "accountId", p.AccountID)
		dst = appendMember(dst, ',', "caller", p.UserID)
		dst = appendMember(dst, ',', "user", p.UserID)
		dst = appendMember(dst, ',', "userArn", p.ARN)
	}
	if cert := c.ClientCert; cert != nil {
		dst = appendClientCert(append(dst, `,"clientCert":`...), cert)
	}
	if k := c.APIKey; k != nil {
		dst = appendMember(dst, ',', "apiKey", k.Value)
		dst = appendMember(dst, ',', "apiKeyId", k.ID)
	}
	return append(dst, '}')
}

// appendClientCert appends the certificate of a client that came by a domain name with mutual TLS. It is the events' of HTTP APIs, in
// whose guide the members are; that WebSocket APIs have the same is UNCONFIRMED.
func appendClientCert(dst []byte, c *sockgate.ClientCert) []byte {
	dst = appendMember(dst, '{', "clientCertPem", c.PEM)
	dst = appendMember(dst, ',', "subjectDN", c.SubjectDN)
	dst = appendMember(dst, ',', "issuerDN", c.IssuerDN)
	dst = appendMember(dst, ',', "serialNumber", c.SerialNumber)
	dst = appendMember(append(dst, `,"validity":`...), '{', "notBefore", c.NotBefore)
	dst = appendMember(dst, ',', "notAfter", c.NotAfter)
	return append(dst, '}', '}')
}

// appendMember appends a member whose name needs no escapes, behind the byte that comes before it.
func appendMember(dst []byte, before byte, name, value string) []byte {
	dst = append(dst, before, '"')
	dst = append(dst, name...)
	return appendQuoted(append(dst, '"', ':'), value)
}

func appendMillis(dst []byte, t time.Time) []byte {
	return strconv.AppendInt(dst, t.UnixMilli(), 10)
}

// authorizerHeaders are the headers of an authorizer's event, which has those of the HTTP connection too.
func authorizerHeaders(ev *sockgate.Event) []sockgate.Header {
	return transform.EventHeaders(ev, sockgate.Header{Name: "Connection", Value: "upgrade"}, sockgate.Header{Name: "content-length", Value: "0"},
		sockgate.Header{Name: "Upgrade", Value: "websocket"})
}

func appendHeaders(dst []byte, sorted []sockgate.Header) []byte {
	return appendMaps(dst, `"headers":`, `,"multiValueHeaders":`, sorted, strings.EqualFold)
}

func appendQuery(dst []byte, query []sockgate.Header) []byte {
	sorted := slices.Clone(query)
	slices.SortStableFunc(sorted, func(a, b sockgate.Header) int { return strings.Compare(a.Name, b.Name) })
	return appendMaps(dst, `"queryStringParameters":`, `,"multiValueQueryStringParameters":`, sorted, func(a, b string) bool { return a == b })
}

// appendMaps appends a list, in which what has the same name stands together, as a map of last values and a map of lists.
func appendMaps(dst []byte, single, multiple string, list []sockgate.Header, same func(a, b string) bool) []byte {
	dst = append(append(dst, single...), '{')
	for i := 0; i < len(list); {
		end := i + 1
		for end < len(list) && same(list[i].Name, list[end].Name) {
			end++
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendQuoted(append(appendQuoted(dst, list[i].Name), ':'), list[end-1].Value)
		i = end
	}
	dst = append(append(append(dst, '}'), multiple...), '{')
	for i := 0; i < len(list); {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendQuoted(dst, list[i].Name), ':', '[')
		for first := i; i < len(list) && same(list[first].Name, list[i].Name); i++ {
			if i > first {
				dst = append(dst, ',')
			}
			dst = appendQuoted(dst, list[i].Value)
		}
		dst = append(dst, ']')
	}
	return append(dst, '}')
}
