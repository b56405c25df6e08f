package awswire

import (
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sockgate/sockgate"
)

// Guarded is a Service that says which permission a call needs. The front asks before it calls Serve; a Service without this
// method serves the root user alone.
type Guarded interface {
	// Permission returns an action ("lambda:InvokeFunction") and the ARNs on which it must be allowed, all of them; where an
	// action has no resource, or the call names none that can be read, "*". An empty action asks nothing: the call needs no
	// permission, or Serve asks by itself, with Request.Allowed.
	Permission(r *Request) (action string, resources []string)
}

// Keys are the condition keys of one question, by their names in lower case.
type Keys interface {
	Key(name string) (values []string, ok bool)
}

// Authorize decides whether p may do action on each of resources. Its error is a *sockgate.Error of kind Forbidden in AWS's words.
type Authorize func(p *sockgate.Principal, action string, resources []string, keys Keys) error

// Allowed asks whether who signed the call may do action on each of resources. It is for what Permission cannot say: calls
// that need several actions, and condition keys of their own, which more has by names in lower case ("dynamodb:leadingkeys").
func (r *Request) Allowed(action string, resources []string, more map[string][]string) error {
	switch f := r.front; {
	case r.Principal != nil && r.Principal.Root:
		return nil
	case f == nil, f.Authorize == nil:
		return Denied(r.Principal, action, resources[0])
	default:
		return f.Authorize(r.Principal, action, resources, r.Keys(more))
	}
}

// Keys returns the condition keys of the call for a service that decides by itself, with more as in Allowed.
func (r *Request) Keys(more map[string][]string) Keys {
	if r.front == nil {
		return &CallKeys{Now: time.Now(), More: more}
	}
	return r.front.callKeys(r.http, more)
}

// Denied is AWS's refusal of what nothing allows.
func Denied(p *sockgate.Principal, action, resource string) error {
	who := ""
	if p != nil {
		who = p.ARN
	}
	return sockgate.Forbiddenf("User: %s is not authorized to perform: %s on resource: %s", who, action, resource)
}

// permit asks for the permission that the call needs.
func (f *front) permit(r *Request, scope string, s Service) error {
	if g, ok := s.(Guarded); ok {
		action, resources := g.Permission(r)
		if action == "" {
			return nil
		}
		return r.Allowed(action, resources, nil)
	}
	// API Gateway's actions are the HTTP verbs, and its resources the paths, in both of its APIs. Source: reference section 1.2.
	if scope == apiGatewayScope {
		return r.Allowed("apigateway:"+r.Method, []string{"arn:aws:apigateway:" + f.Region + "::" + gatewayPath(r.Path)}, nil)
	}
	if r.Principal.Root {
		return nil
	}
	return Denied(r.Principal, scope+":"+rpcOperation(r), "*")
}

// gatewayPath is a path of API Gateway as its ARNs have it. A client may escape any character of a path, and a policy must be asked about
// the same resource however that was spelled: every segment is unescaped, but for a slash within one, which keeps its escape, and for the
// ARN in /tags/, which is wholly escaped, as AWS's ARNs of tags have it.
// Source: Service Authorization Reference, "Amazon API Gateway Management V2", resource types; the slash is decided here.
func gatewayPath(escaped string) string {
	segments := strings.Split(strings.TrimPrefix(escaped, "/v2"), "/")
	for i, s := range segments {
		plain, err := url.PathUnescape(s)
		switch {
		case err != nil: // no route has it
		case i == 2 && segments[1] == "tags":
			segments[i] = strings.ReplaceAll(url.QueryEscape(plain), "+", "%20")
		default:
			segments[i] = strings.ReplaceAll(plain, "/", "%2F")
		}
	}
	return strings.Join(segments, "/")
}

// CallKeys are the global condition keys that a call brings; those of its principal are added by whoever decides.
// Source: IAM User Guide, "AWS global condition context keys".
type CallKeys struct {
	SourceIP           string // "" when unknown: conditions on it do not hold
	TLS                bool
	UserAgent, Referer string
	Now                time.Time
	More               map[string][]string // further ones, by names in lower case; they go before the others
}

// Key returns the values of the key with this name in lower case.
func (k *CallKeys) Key(name string) ([]string, bool) {
	if v, ok := k.More[name]; ok {
		return v, true
	}
	v := ""
	switch name {
	case "aws:sourceip":
		v = k.SourceIP
	case "aws:securetransport":
		v = strconv.FormatBool(k.TLS)
	case "aws:useragent":
		v = k.UserAgent
	case "aws:referer":
		v = k.Referer
	case "aws:currenttime":
		v = k.Now.UTC().Format(time.RFC3339)
	case "aws:epochtime":
		v = strconv.FormatInt(k.Now.Unix(), 10)
	}
	return []string{v}, v != ""
}

func (f *front) callKeys(r *http.Request, more map[string][]string) Keys {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = ""
	}
	return &CallKeys{SourceIP: host, TLS: r.TLS != nil, UserAgent: r.UserAgent(), Referer: r.Referer(), Now: f.Clock(), More: more}
}
