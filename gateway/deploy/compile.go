package deploy

import (
	"fmt"
	"sort"
	"strings"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/authorize"
	"github.com/sockgate/sockgate/gateway/integrate/function"
	httpbackend "github.com/sockgate/sockgate/gateway/integrate/http"
	"github.com/sockgate/sockgate/gateway/mapping"
	"github.com/sockgate/sockgate/gateway/route"
	"github.com/sockgate/sockgate/gateway/transform"
	"github.com/sockgate/sockgate/gateway/validate"
)

// Place is where stages are served, which their ARNs and the addresses of models name.
type Place struct {
	Account string // 12 digits
	Region  string
	// Links returns the way through a VPC link, whether it exists or not; nil where there are none.
	Links func(id string) httpbackend.Via
}

// arn is the ARN of something in an API: "{stage}/{routeKey}" or "authorizers/{id}".
func (p Place) arn(apiID, what string) string {
	return "arn:aws:execute-api:" + p.Region + ":" + p.Account + ":" + apiID + "/" + what
}

// Compile makes a stage of a frozen definition and the stage's settings. It has no effects.
//
// Errors are Invalid, and name the resource and the fault: "route $connect: ...". A stage variable that is missing, or a URI
// that names no function, is no error here: as on AWS the deployment succeeds, and calls that need it fail.
func Compile(def *sockgate.Definition, settings *sockgate.Stage, at Place) (*Stage, error) {
	st := &Stage{API: def.API, Settings: *settings, Routes: make(map[string]*Route, len(def.Routes)),
		Variables: function.Variables(settings.Variables)}

	integrations := make(map[string]*Integration, len(def.Integrations))
	for i := range def.Integrations {
		in := &def.Integrations[i]
		compiled, err := compileIntegration(in, settings.Variables, at)
		if err != nil {
			return nil, fault("integration "+in.ID, err)
		}
		integrations[in.ID] = compiled
	}

	models, err := validate.Compile(def.Models, def.API.ID, at.Region)
	if err != nil && def.API.DisableSchemaValidation {
		models, err = validate.CompileSound(def.Models, def.API.ID, at.Region), nil
	}
	if err != nil {
		return nil, fault("models", err)
	}
	st.KeyHeader = keyHeader(def.API.APIKeySelectionExpression)
	keys := make([]string, 0, len(def.Routes))
	for i := range def.Routes {
		r, err := compileRoute(&def.Routes[i], settings, integrations, models)
		if err != nil {
			return nil, fault("route "+def.Routes[i].Key, err)
		}
		r.ARN = at.arn(def.API.ID, settings.Name+"/"+r.Key)
		if r.Authorizer, err = st.compileAuthorizer(r, def.Authorizers, at); err != nil {
			return nil, fault("route "+r.Key, err)
		}
		st.Routes[r.Key] = r
		st.Keyed = st.Keyed || r.APIKeyRequired
		keys = append(keys, r.Key)
	}

	if st.Selector, err = route.NewSelector(def.API.RouteSelectionExpression, keys); err != nil {
		return nil, fault("routeSelectionExpression", err)
	}
	if f := settings.AccessLog.Format; f != "" {
		if st.AccessFormat, err = transform.CompileFormat(f); err != nil {
			return nil, fault("accessLogSettings.format", err)
		}
	}
	return st, nil
}

func compileRoute(r *sockgate.Route, stage *sockgate.Stage, integrations map[string]*Integration, models *validate.Set) (*Route, error) {
	c := &Route{Route: *r, Settings: effective(stage, r.Key)}
	if r.Target != "" {
		id := strings.TrimPrefix(r.Target, "integrations/")
		if c.Integration = integrations[id]; c.Integration == nil {
			return nil, fmt.Errorf("target %q names no integration of this API", r.Target)
		}
	}
	if r.ModelSelectionExpression != "" {
		var err error
		if c.Model, err = validate.ForRoute(models, r.ModelSelectionExpression, r.RequestModels); err != nil {
			return nil, err
		}
	}
	c.TwoWay = r.RouteResponseSelectionExpression != "" && len(r.Responses) > 0 &&
		r.Key != sockgate.ConnectRoute && r.Key != sockgate.DisconnectRoute
	for name, required := range r.RequestParameters {
		if !required {
			continue
		}
		if h, ok := strings.CutPrefix(name, "route.request.header."); ok {
			c.Required = append(c.Required, RequiredParameter{Name: h, Header: true})
		} else if q, ok := strings.CutPrefix(name, "route.request.querystring."); ok {
			c.Required = append(c.Required, RequiredParameter{Name: q})
		} else {
			return nil, fmt.Errorf("request parameter %q is not of the form route.request.header.NAME or route.request.querystring.NAME", name)
		}
	}
	sort.Slice(c.Required, func(i, j int) bool { return c.Required[i].Name < c.Required[j].Name })
	return c, nil
}

// compileAuthorizer compiles the authorizer of a route, if it has one that is asked: only $connect's is.
func (st *Stage) compileAuthorizer(r *Route, list []sockgate.Authorizer, at Place) (*authorize.Authorizer, error) {
	if r.Key != sockgate.ConnectRoute || r.AuthorizationType != "CUSTOM" && r.AuthorizationType != "JWT" {
		return nil, nil
	}
	for i := range list {
		if a := &list[i]; a.ID == r.AuthorizerID {
			c, err := authorize.Compile(a, authorize.Place{
				MethodARN: r.ARN, ARN: at.arn(st.API.ID, "authorizers/"+a.ID), Variables: st.Settings.Variables, Encoded: st.Variables,
			})
			if err != nil {
				return nil, fmt.Errorf("authorizer %s: %w", a.Name, err)
			}
			return c, nil
		}
	}
	return nil, fmt.Errorf("authorizer %q is not an authorizer of this API", r.AuthorizerID)
}

func compileIntegration(in *sockgate.Integration, vars map[string]string, at Place) (*Integration, error) {
	c := &Integration{ID: in.ID, Type: in.Type, Method: in.Method, Timeout: in.Timeout, Content: mapping.Content(in.ContentHandling)}
	if c.Unbuilt = unbuiltIntegration(in); c.Unbuilt != "" {
		return c, nil
	}
	var err error
	switch in.Type {
	case sockgate.Mock:
	case sockgate.AWS, sockgate.AWSProxy:
		c.Function = function.Compile(in.URI, in.CredentialsARN, vars)
		c.MissingVars = c.Function.Missing
	default:
		if c.URI, err = transform.CompileURI(in.URI, vars); err != nil {
			return nil, err
		}
		c.MissingVars = c.URI.Missing()
		c.compileConnection(in, vars, at)
	}
	if c.Parameters, err = transform.CompileParameters(in.RequestParameters, vars); err != nil {
		return nil, err
	}
	if in.Type.Proxy() {
		return c, nil
	}
	c.Passthrough = mapping.Passthrough(in.PassthroughBehavior)
	if c.Templates, err = mapping.CompileTemplates(in.TemplateSelectionExpression, in.RequestTemplates); err != nil {
		return nil, err
	}
	c.Responses, err = mapping.CompileResponses(in.Responses, vars)
	return c, err
}

// effective fills a route's unset settings from the stage's defaults, member by member.
// AWS does not say whether single members inherit (reference section 8, UNCONFIRMED): here they do.
func effective(stage *sockgate.Stage, key string) sockgate.RouteSettings {
	s, d := stage.Routes[key], stage.Default
	return sockgate.RouteSettings{
		ThrottlingBurstLimit:   either(s.ThrottlingBurstLimit, d.ThrottlingBurstLimit),
		ThrottlingRateLimit:    either(s.ThrottlingRateLimit, d.ThrottlingRateLimit),
		LoggingLevel:           either(s.LoggingLevel, d.LoggingLevel),
		DataTraceEnabled:       either(s.DataTraceEnabled, d.DataTraceEnabled),
		DetailedMetricsEnabled: either(s.DetailedMetricsEnabled, d.DetailedMetricsEnabled),
	}
}

func either[T any](a, b *T) *T {
	if a != nil {
		return a
	}
	return b
}

// fault says where in the definition an error lies.
func fault(where string, err error) error {
	return sockgate.Invalidf("%s: %s", where, err)
}
