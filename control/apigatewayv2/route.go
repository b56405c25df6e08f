package apigatewayv2

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/sockgate/sockgate"
)

const targetPrefix = "integrations/"

type constraintOut struct {
	Required bool `json:"required"`
}

func showConstraints(params map[string]bool) map[string]constraintOut {
	out := make(map[string]constraintOut, len(params))
	for k, required := range params {
		out[k] = constraintOut{required}
	}
	return out
}

type routeOut struct {
	APIKeyRequired                   bool                     `json:"apiKeyRequired"`
	AuthorizationType                string                   `json:"authorizationType"`
	AuthorizerID                     string                   `json:"authorizerId,omitempty"`
	ModelSelectionExpression         string                   `json:"modelSelectionExpression,omitempty"`
	OperationName                    string                   `json:"operationName,omitempty"`
	RequestModels                    map[string]string        `json:"requestModels,omitempty"`
	RequestParameters                map[string]constraintOut `json:"requestParameters,omitempty"`
	RouteID                          string                   `json:"routeId"`
	RouteKey                         string                   `json:"routeKey"`
	RouteResponseSelectionExpression string                   `json:"routeResponseSelectionExpression,omitempty"`
	Target                           string                   `json:"target,omitempty"`
}

func showRoute(r *sockgate.Route) any {
	return &routeOut{
		APIKeyRequired: r.APIKeyRequired, AuthorizationType: r.AuthorizationType, AuthorizerID: r.AuthorizerID,
		ModelSelectionExpression: r.ModelSelectionExpression, OperationName: r.OperationName, RequestModels: r.RequestModels,
		RequestParameters: showConstraints(r.RequestParameters), RouteID: r.ID, RouteKey: r.Key,
		RouteResponseSelectionExpression: r.RouteResponseSelectionExpression, Target: r.Target,
	}
}

// applyRoute copies the members onto r and checks the whole. jwt says that JWT authorizers are permitted.
func applyRoute(m members, rec *sockgate.APIRecord, r *sockgate.Route, jwt bool) error {
	set(m, "routeKey", &r.Key)
	set(m, "target", &r.Target)
	set(m, "operationName", &r.OperationName)
	set(m, "apiKeyRequired", &r.APIKeyRequired)
	set(m, "modelSelectionExpression", &r.ModelSelectionExpression)
	set(m, "routeResponseSelectionExpression", &r.RouteResponseSelectionExpression)
	mergeStrings(m, "requestModels", &r.RequestModels, false)
	mergeParameters(m, "requestParameters", &r.RequestParameters)
	if err := checkRouteKey(rec, r); err != nil {
		return err
	}
	if err := applyAuthorization(m, rec, r, jwt); err != nil {
		return err
	}
	if id, ok := strings.CutPrefix(r.Target, targetPrefix); ok {
		if _, err := findIntegration(rec, id); err != nil {
			return err // UNCONFIRMED: that AWS answers 404 here, with the text of an unknown integration
		}
	} else if r.Target != "" {
		return sockgate.Invalidf("Invalid target specified: %s. It must be of the form integrations/{integrationId}", r.Target)
	}
	if e := r.RouteResponseSelectionExpression; e != "" && e != sockgate.DefaultRoute {
		return sockgate.Invalidf("Invalid route response selection expression specified. Must be one of [$default]")
	}
	if err := checkSelection("modelSelectionExpression", r.ModelSelectionExpression, "request.body"); err != nil {
		return err
	}
	if err := checkKeys(r.RequestParameters, routeParamKey); err != nil {
		return err
	}
	return checkModels(rec, r.RequestModels)
}

func checkRouteKey(rec *sockgate.APIRecord, r *sockgate.Route) error {
	switch r.Key {
	case sockgate.ConnectRoute, sockgate.DisconnectRoute, sockgate.DefaultRoute:
	default:
		if strings.HasPrefix(r.Key, "$") {
			// The text is ours: UNCONFIRMED.
			return sockgate.Invalidf("The provided route key is not formatted properly for WEBSOCKET protocol. A key that begins with '$' must be one of [$connect, $disconnect, $default]")
		}
	}
	for i := range rec.Routes {
		if other := &rec.Routes[i]; other.Key == r.Key && other.ID != r.ID {
			return sockgate.Conflictf("Route with key %s already exists for this API", r.Key)
		}
	}
	return nil
}

// applyAuthorization keeps an authorizer only where it is asked: a route that says it has one and does not use it would be
// open while it looks guarded, so naming one without CUSTOM is refused (UNCONFIRMED), and leaving CUSTOM drops it.
func applyAuthorization(m members, rec *sockgate.APIRecord, r *sockgate.Route, jwt bool) error {
	set(m, "authorizationType", &r.AuthorizationType)
	var named string
	if set(m, "authorizerId", &named) {
		r.AuthorizerID = named
	}
	asks := r.AuthorizationType == "CUSTOM" || r.AuthorizationType == "JWT"
	switch {
	case r.AuthorizationType == "JWT" && !jwt:
		return sockgate.Invalidf("JWT authorization is not supported for WEBSOCKET protocol Apis")
	case !asks && named != "":
		return sockgate.Invalidf("AuthorizerId can be set only when AuthorizationType is CUSTOM")
	case !asks:
		r.AuthorizerID = ""
		return nil
	case r.AuthorizerID == "":
		return sockgate.Invalidf("AuthorizerId is a required parameter when AuthorizationType is %s", r.AuthorizationType)
	}
	a, err := findAuthorizer(rec, r.AuthorizerID)
	if err == nil && (a.Type == "JWT") != (r.AuthorizationType == "JWT") {
		return sockgate.Invalidf("Authorizer %s is of type %s and cannot be used with AuthorizationType %s", a.ID, a.Type, r.AuthorizationType)
	}
	return err
}

// checkModels refuses the name of a model that is not there. UNCONFIRMED: the text is v1's.
func checkModels(rec *sockgate.APIRecord, names map[string]string) error {
	for _, key := range slices.Sorted(maps.Keys(names)) {
		if !slices.ContainsFunc(rec.Models, func(m sockgate.Model) bool { return m.Name == names[key] }) {
			return sockgate.Invalidf("Invalid model identifier specified: %s", names[key])
		}
	}
	return nil
}

func (s *Service) createRoute(ctx context.Context, in *input) (any, error) {
	var out any
	err := s.redefine(ctx, in.vars["apiId"], func(e *edition) error {
		if err := room(len(e.Routes), maxRoutes, "Routes"); err != nil {
			return err
		}
		r := sockgate.Route{ID: newIDIn(longIDLength, e.Routes, routeID), AuthorizationType: "NONE"}
		if err := applyRoute(in.body, e.APIRecord, &r, s.JWT); err != nil {
			return err
		}
		e.Routes = append(e.Routes, r)
		out = showRoute(&r)
		return nil
	})
	return out, err
}

func (s *Service) getRoutes(ctx context.Context, in *input) (any, error) {
	rec, err := s.record(ctx, in)
	if err != nil {
		return nil, err
	}
	return list(in, "GetRoutes "+rec.API.ID, rec.Routes, routeID, showRoute)
}

func (s *Service) getRoute(ctx context.Context, in *input) (any, error) {
	rec, err := s.record(ctx, in)
	if err != nil {
		return nil, err
	}
	r, err := findRoute(rec, in.vars["routeId"])
	if err != nil {
		return nil, err
	}
	return showRoute(r), nil
}

// changeRoute edits the route that the path names.
func (s *Service) changeRoute(ctx context.Context, in *input, edit func(*edition, *sockgate.Route) error) error {
	return s.redefine(ctx, in.vars["apiId"], func(e *edition) error {
		r, err := findRoute(e.APIRecord, in.vars["routeId"])
		if err != nil {
			return err
		}
		return edit(e, r)
	})
}

func (s *Service) updateRoute(ctx context.Context, in *input) (any, error) {
	var out any
	err := s.changeRoute(ctx, in, func(e *edition, r *sockgate.Route) error {
		if err := applyRoute(in.body, e.APIRecord, r, s.JWT); err != nil {
			return err
		}
		out = showRoute(r)
		return nil
	})
	return out, err
}

func (s *Service) deleteRoute(ctx context.Context, in *input) (any, error) {
	return nil, s.redefine(ctx, in.vars["apiId"], func(e *edition) (err error) {
		e.Routes, err = remove(e.Routes, routeID, in.vars["routeId"], "Route")
		return err
	})
}

func (s *Service) deleteRouteRequestParameter(ctx context.Context, in *input) (any, error) {
	return nil, s.changeRoute(ctx, in, func(_ *edition, r *sockgate.Route) error {
		key := in.vars["requestParameterKey"]
		if _, ok := r.RequestParameters[key]; !ok {
			return sockgate.NotFoundf("Invalid RequestParameter identifier specified %s", key) // UNCONFIRMED
		}
		delete(r.RequestParameters, key)
		return nil
	})
}
