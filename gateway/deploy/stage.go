// Package deploy turns what the control plane stored into what the data path reads: each stage with a deployment becomes
// one immutable Stage in which every expression, parameter mapping, URI and log format is compiled. The data path finds it
// behind one atomic pointer and never waits for the store.
//
//	catalog (APIRecord, frozen Definition) ── Compile ──▶ Stage ── swap ──▶ Table ◀── pipeline
package deploy

import (
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/authorize"
	"github.com/sockgate/sockgate/gateway/integrate/function"
	httpbackend "github.com/sockgate/sockgate/gateway/integrate/http"
	"github.com/sockgate/sockgate/gateway/mapping"
	"github.com/sockgate/sockgate/gateway/route"
	"github.com/sockgate/sockgate/gateway/throttle"
	"github.com/sockgate/sockgate/gateway/transform"
	"github.com/sockgate/sockgate/gateway/validate"
	"github.com/sockgate/sockgate/telemetry/execution"
	"github.com/sockgate/sockgate/telemetry/logs"
	"github.com/sockgate/sockgate/telemetry/metrics"
)

// Stage is one stage of one API, compiled. It is never changed after it was made; a newer one takes its place.
type Stage struct {
	API      sockgate.API   // as the deployment froze it
	Settings sockgate.Stage // as they are now
	Selector *route.Selector
	Routes   map[string]*Route // by route key

	Keyed     bool             // a route requires an API key
	KeyHeader string           // the header that has it; empty when the authorizer says
	Unrouted  *throttle.Bucket // limit of handshakes without a $connect route; nil for none

	Variables []byte // the stage's, as functions' events have them; nil for none

	AccessFormat *transform.Format // nil: no access log
	AccessLog    *logs.Group
	Log          *execution.Logger // of what has no route; nil when off
	Metrics      *metrics.StageMetrics
}

// Route is one route of a stage, compiled.
type Route struct {
	sockgate.Route
	ARN         string                 // "arn:aws:execute-api:{region}:{account}:{apiId}/{stage}/{routeKey}"
	Authorizer  *authorize.Authorizer  // of $connect; nil when none is asked
	Integration *Integration           // nil: the route has no target
	TwoWay      bool                   // what the integration answers goes to the client
	Required    []RequiredParameter    // must be present in the handshake
	Model       *validate.Check        // what a message must satisfy; nil for anything
	Settings    sockgate.RouteSettings // with the stage's defaults filled in
	Limit       *throttle.Bucket       // the stage's, of the route; nil for none
	Log         *execution.Logger      // nil when off
	Metrics     *metrics.RouteMetrics
}

// RequiredParameter names a header or query parameter that the handshake must bring.
type RequiredParameter struct {
	Name   string
	Header bool // else a query parameter
}

// Integration is a route's backend with the stage's variables filled in.
type Integration struct {
	ID          string
	Type        sockgate.IntegrationType
	Method      string
	Timeout     time.Duration
	URI         *transform.URI   // HTTP types
	Function    *function.Target // AWS types
	Parameters  *transform.Parameters
	Templates   *mapping.Templates // the types that are no proxies: of requests
	Passthrough mapping.Passthrough
	Content     mapping.Content    // how a request's payload is converted
	Responses   *mapping.Responses // the types that are no proxies
	Via         httpbackend.Via    // private integrations: the VPC link
	Refused     string             // why calling it fails, although all of it is built
	Unbuilt     string             // what of the integration is not built; calling it fails
	MissingVars []string           // stage variables that the integration names and the stage lacks; calling it fails
}
