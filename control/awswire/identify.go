package awswire

import (
	"net/http"
	"net/url"
	"strings"
)

// The names that need telling apart: two APIs share one signing name.
const (
	apiGatewayScope = "apigateway"
	apiGatewayV2    = "apigatewayv2"
)

// destination is where a request goes by what it says of itself. Nothing of it is proven before Config.Verify has checked scope.
type destination struct {
	credential string  // the service in the credential scope, "" when there is none
	scope      string  // the service that the signature must be for
	path       string  // still escaped
	name       string  // of the API
	service    Service // nil for an API that is not served
}

func (f *front) destination(r *http.Request) destination {
	to := destination{credential: credentialScope(r), path: r.URL.EscapedPath()}
	to.scope = wantedScope(to.path, to.credential)
	to.name = apiName(to.scope, to.path)
	to.service = f.services[to.name]
	return to
}

// signed reports whether the request carries a signature of any kind, in a header or in its query.
func signed(r *http.Request) bool {
	return Header(r.Header, "Authorization") != "" || strings.Contains(r.URL.RawQuery, "X-Amz-Signature=")
}

// credentialScope returns the service name in the request's credential scope
// ("AKID/20260101/us-east-1/apigateway/aws4_request"), or "" when there is none. It trusts nothing: the signature that
// covers the scope is checked by Config.Verify.
func credentialScope(r *http.Request) string {
	credential := ""
	if _, rest, ok := strings.Cut(Header(r.Header, "Authorization"), "Credential="); ok {
		if end := strings.IndexAny(rest, ", "); end >= 0 {
			rest = rest[:end]
		}
		credential = rest
	} else if r.URL.RawQuery == "" {
		return ""
	} else if q, err := url.ParseQuery(r.URL.RawQuery); err == nil {
		credential = q.Get("X-Amz-Credential")
	}
	// Counted from the end: an access key id may hold slashes.
	if strings.Count(credential, "/") < 4 {
		return ""
	}
	credential = credential[:strings.LastIndexByte(credential, '/')]
	return credential[strings.LastIndexByte(credential, '/')+1:]
}

// Header returns the first value of a header, "" for none. It is h.Get for a name that is known to be in its canonical spelling, of
// which Get makes sure each time.
func Header(h http.Header, name string) string {
	if values := h[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// wantedScope returns the service that a request's signature must be for: the one that its credential names, except on the paths of
// API Gateway, where another one is a mistake of the signer rather than another API.
func wantedScope(path, credential string) string {
	if rest, ok := strings.CutPrefix(path, "/v2/"); ok {
		switch collection, _, _ := strings.Cut(rest, "/"); collection {
		case "apis", "domainnames", "tags", "vpclinks":
			return apiGatewayScope
		}
	}
	return credential
}

// apiName returns the name of the API that a request is for.
func apiName(scope, path string) string {
	if scope == apiGatewayScope && strings.HasPrefix(path, "/v2/") {
		return apiGatewayV2
	}
	return scope
}

// notBuilt is the answer for an API that no Service serves.
func notBuilt(r *Request, name string) error {
	if name == apiGatewayScope || name == apiGatewayV2 {
		return NotBuilt(name, r.Method+" "+r.Path)
	}
	return NotBuilt(name, rpcOperation(r))
}

// rpcOperation names the operation of an API that is not REST: the JSON protocols send it in X-Amz-Target
// ("DynamoDB_20120810.PutItem"), the query protocol in the parameter Action.
func rpcOperation(r *Request) string {
	if _, op, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "."); ok {
		return op
	}
	if op := r.Query.Get("Action"); op != "" {
		return op
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		if form, err := url.ParseQuery(string(r.Body)); err == nil && form.Get("Action") != "" {
			return form.Get("Action")
		}
	}
	return r.Method + " " + r.Path
}
