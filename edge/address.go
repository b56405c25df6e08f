package edge

import (
	"net"
	"net/url"
	"strings"
)

// pathPrefix begins the paths that name an API without a host name of its own:
// /_aws/execute-api/{apiId}/{stage}/…
const pathPrefix = "/_aws/execute-api/"

// connectionsPrefix follows the stage in the path of a push. A client may write the '@' escaped.
const connectionsPrefix = "@connections/"

// Address is what a request's host and path name on the data path.
type Address struct {
	APIID string
	Stage string
	// ConnectionID is set for …/{stage}/@connections/{id}, unescaped.
	ConnectionID string
	Callback     bool   // the path is one of @connections
	Custom       bool   // the host is a custom domain name; a mapping has told APIID and Stage
	Rest         string // what else follows the stage; empty for the stage itself, with or without a final slash
}

// ParseAddress says which API and stage a request is for; ok is false when it is for none, so for the management side.
//
//	{apiId}.execute-api.{anything}   /{stage}/…
//	any host                         /_aws/execute-api/{apiId}/{stage}/…
//	any host                         /{stage}/@connections/{id}
//
// In the last form APIID is empty: the connection tells it. It is what a backend calls that was told the domain name of a
// client which came by the second form.
func ParseAddress(host, path string) (a Address, ok bool) {
	if rest, found := strings.CutPrefix(path, pathPrefix); found {
		a.APIID, path, _ = strings.Cut(rest, "/")
	} else {
		a.APIID, ok = apiOfHost(host)
		if !ok && !strings.Contains(path, "/"+connectionsPrefix) && !strings.Contains(path, "/%40"+connectionsPrefix[1:]) {
			return Address{}, false
		}
		path = strings.TrimPrefix(path, "/")
	}
	a.Stage, a.Rest, _ = strings.Cut(path, "/")
	if s, err := url.PathUnescape(a.Stage); err == nil {
		a.Stage = s
	}
	a.seeCallback()
	if a.APIID == "" && !a.Callback {
		return Address{}, false
	}
	return a, true
}

// seeCallback finds @connections in what follows the stage.
func (a *Address) seeCallback() {
	id, found := cutConnections(a.Rest)
	if !found {
		return
	}
	a.Callback, a.ConnectionID = true, id
	if s, err := url.PathUnescape(id); err == nil {
		a.ConnectionID = s
	}
}

// apiOfHost returns the first label of {apiId}.execute-api.… in lower case.
func apiOfHost(host string) (string, bool) {
	label, rest, found := strings.Cut(host, ".")
	if !found || len(rest) < len("execute-api") || !strings.EqualFold(rest[:len("execute-api")], "execute-api") {
		return "", false
	}
	if tail := rest[len("execute-api"):]; tail != "" && tail[0] != '.' && tail[0] != ':' {
		return "", false
	}
	return strings.ToLower(label), true
}

func cutConnections(rest string) (id string, ok bool) {
	if id, ok = strings.CutPrefix(rest, connectionsPrefix); ok {
		return id, true
	}
	return strings.CutPrefix(rest, "%40"+connectionsPrefix[1:])
}

// DomainName is what $context.domainName says for a Host header: the name that the client used, with its port unless it is
// the default, so that https://{domainName}/{stage} is an address to call back.
func DomainName(host string, tls bool) string {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		return host
	}
	if tls && port == "443" || !tls && port == "80" {
		if strings.Contains(name, ":") {
			return "[" + name + "]"
		}
		return name
	}
	return host
}
