package server

import (
	"net/http"
	"strings"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/apigateway"
	"github.com/sockgate/sockgate/control/apigatewayv2"
	"github.com/sockgate/sockgate/control/awswire"
	"github.com/sockgate/sockgate/control/dev"
	"github.com/sockgate/sockgate/control/iam"
	"github.com/sockgate/sockgate/control/lambda"
	"github.com/sockgate/sockgate/control/sts"
	"github.com/sockgate/sockgate/gateway/deploy"
	"github.com/sockgate/sockgate/gateway/validate"
	"github.com/sockgate/sockgate/state/catalog"
)

// management serves the AWS APIs, health and metrics.
func (s *Server) management(cat *catalog.Catalog) http.Handler {
	functions := s.lambdaAPI()
	links := functions.Links()
	aws := awswire.New(awswire.Config{
		Verify: s.verifyHTTP,
		Screen: s.screenHTTP,
		Authorize: func(p *sockgate.Principal, action string, resources []string, keys awswire.Keys) error {
			return s.identity.Authorize(p, action, resources, keys)
		},
		Services: []awswire.Service{
			iam.New(s.identity),
			sts.New(s.identity),
			apigateway.New(apigateway.Config{Catalog: cat, Region: s.cfg.Region, Meter: s.limits.usage, Links: s.balancer, Throttle: s.accountLimit(), Clock: time.Now}),
			apigatewayv2.New(apigatewayv2.Config{
				Catalog:       cat,
				Check:         func(def *sockgate.Definition) error { return s.check(def, &sockgate.Stage{}) },
				CheckStage:    s.check,
				Links:         s.balancer,
				CheckSchema:   validate.CheckSchema,
				StatusMessage: deploy.StatusMessage,
				Domains:       s.domainNeeds(),
				Account:       s.cfg.Account,
				Region:        s.cfg.Region,
				Endpoint:      s.apiEndpoint,
				JWT:           s.cfg.Access.JWT,
				PinIDs:        s.recorder != nil,
				Clock:         time.Now,
				Log:           s.log,
			}),
			functions,
			s.tablesAPI(),
			s.balancersAPI(cat),
			s.certificatesAPI(),
			s.ownAPIs(),
		},
		Account: s.cfg.Account, Region: s.cfg.Region, Log: s.log, Refused: s.refusedCalls(),
	})
	metrics := s.metrics.Handler()
	development := s.development(cat)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // no ServeMux: it would clean and redirect signed paths
		switch r.URL.Path {
		case HealthPath:
			s.health(w, r)
		case "/_sockgate/metrics":
			metrics.ServeHTTP(w, r)
		default:
			if development != nil && dev.Serves(r.URL.Path) {
				development.ServeHTTP(w, r)
				return
			}
			if strings.HasPrefix(r.URL.Path, lambda.LinkPath) {
				links.ServeHTTP(w, r)
				return
			}
			aws.ServeHTTP(w, r)
		}
	})
}

// HealthPath answers 200 once the gateway is ready.
const HealthPath = "/_sockgate/health"

// health answers once the gateway is ready; before that the port does not answer at all. A gateway that drains takes no more
// clients, which load balancers learn here.
func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if s.draining.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(`{"status":"draining"}`))
		return
	}
	_, _ = w.Write([]byte(`{"status":"ok"}`)) // the caller is gone if this fails
}

// apiEndpoint is the address that an API's clients are told, as AWS spells it: in wss, and without a stage.
func (s *Server) apiEndpoint(apiID string) string {
	return "wss://" + apiID + ".execute-api." + s.cfg.Region + ".amazonaws.com"
}

// check compiles a definition the way the data path will.
func (s *Server) check(def *sockgate.Definition, stage *sockgate.Stage) error {
	_, err := deploy.Compile(def, stage, s.place())
	return err
}

func (s *Server) place() deploy.Place {
	return deploy.Place{Account: s.cfg.Account, Region: s.cfg.Region, Links: s.through}
}
