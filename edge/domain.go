package edge

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/edge/domain"
	"github.com/sockgate/sockgate/edge/listen"
	"github.com/sockgate/sockgate/internal/requestid"
)

// serveDomain takes a request whose Host is a custom domain name. All of it is the data path's, so that no path of such a host is a
// way to the management side.
func (g *Gate) serveDomain(x *listen.Exchange, name *domain.Name) {
	path := x.Head.Path
	cert, err := g.Names.ClientCert(name, x.TLS)
	if err != nil {
		g.refuse(x, Address{Custom: true}, forbidden(fmt.Errorf("domain name %s: %w", name.Name, err)))
		return
	}
	if path == "/ping" || path == "/sping" {
		_ = x.Respond(200, healthHeaders, []byte("healthy")) // the caller is gone if this fails
		return
	}
	to, rest, ok := name.Match(path)
	if !ok {
		g.refuse(x, Address{Custom: true}, forbidden(fmt.Errorf("domain name %s: %w", name.Name, errNoMapping)))
		return
	}
	a := Address{APIID: to.APIID, Stage: to.Stage, Rest: rest, Custom: true}
	a.seeCallback()
	if !a.Callback && strings.Contains(rest, "/@connections/") {
		g.noMethod(x, a)
		return
	}
	g.serve(x, a, cert)
}

var errNoMapping = errors.New("no mapping has a key with which the path begins")

// healthHeaders are of the answer at the reserved paths. Source: API Gateway Developer Guide, "Custom domain name for public REST
// APIs": /ping and /sping are for the service's health checks; the body was seen.
var healthHeaders = []sockgate.Header{{Name: "Content-Type", Value: "text/plain"}}

// noMethod answers an @connections call that has something between the mapping's key and @connections, as a rule the stage, which
// does not belong in the path of a domain name. The text is reference section 13's; the status is the one that API Gateway's
// own services send with it (UNCONFIRMED here).
func (g *Gate) noMethod(x *listen.Exchange, a Address) {
	id := requestid.New()
	message := fmt.Sprintf("No method found matching route %s for http method %s.", a.Rest, x.Head.Method)
	body, _ := json.Marshal(map[string]string{"message": message})
	g.Log.Info("@connections call refused", "api", a.APIID, "stage", a.Stage, "method", x.Head.Method, "request", id, "status", 404, "why", message)
	headers := append(requestIDHeaders(id), sockgate.Header{Name: "x-amzn-ErrorType", Value: "NotFoundException"},
		sockgate.Header{Name: "Content-Type", Value: "application/json"})
	_ = x.Respond(404, headers, body) // the caller is gone if this fails
}
