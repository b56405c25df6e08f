package deploy

import (
	"fmt"
	"sort"
	"strings"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/mapping"
	"github.com/sockgate/sockgate/gateway/route"
	"github.com/sockgate/sockgate/gateway/transform"
	"github.com/sockgate/sockgate/gateway/validate"
)

// Compile makes a stage of a frozen definition and the stage's settings. It has no effects. region is in the addresses by
// which models refer to each other.
//
// Errors are Invalid, and name the resource and the fault: "route $connect: ...". A stage variable that is missing is no
// error here: as on AWS the deployment succeeds, and calls that need the variable fail.
func Compile(def *sockgate.Definition, settings *sockgate.Stage, region string) (*Stage, error) {
	st := &Stage{API: def.API, Settings: *settings, Routes: make(map[string]*Route, len(def.Routes))}

	integrations := make(map[string]*Integration, len(def.Integrations))
	for i := range def.Integrations {
		in := &def.Integrations[i]
		compiled, err := compileIntegration(in, settings.Variables)
		if err != nil {
			return nil, fault("integration "+in.ID, err)
		}
		integrations[in.ID] = compiled
	}

	models, err := validate.Compile(def.Models, def.API.ID, region)
	if err != nil {
		return nil, fault("models", err)
	}
	keys := make([]string, 0, len(def.Routes))
	for i := range def.Routes {
		r, err := compileRoute(&def.Routes[i], settings, integrations, models)
		if err != nil {
			return nil, fault("route "+def.Routes[i].Key, err)
		}
		st.Routes[r.Key] = r
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

func compileIntegration(in *sockgate.Integration, vars map[string]string) (*Integration, error) {
	c := &Integration{ID: in.ID, Type: in.Type, Method: in.Method, Timeout: in.Timeout, Content: mapping.Content(in.ContentHandling)}
	if c.Unbuilt = unbuiltIntegration(in); c.Unbuilt != "" {
		return c, nil
	}
	var err error
	if in.Type != sockgate.Mock {
		if c.URI, err = transform.CompileURI(in.URI, vars); err != nil {
			return nil, err
		}
		c.MissingVars = c.URI.Missing()
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
