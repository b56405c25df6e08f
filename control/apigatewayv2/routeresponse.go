package apigatewayv2

import (
	"context"

	"github.com/sockgate/sockgate"
)

type routeResponseOut struct {
	ModelSelectionExpression string                   `json:"modelSelectionExpression,omitempty"`
	ResponseModels           map[string]string        `json:"responseModels,omitempty"`
	ResponseParameters       map[string]constraintOut `json:"responseParameters,omitempty"`
	RouteResponseID          string                   `json:"routeResponseId"`
	RouteResponseKey         string                   `json:"routeResponseKey"`
}

func showRouteResponse(r *sockgate.RouteResponse) any {
	return &routeResponseOut{
		ModelSelectionExpression: r.ModelSelectionExpression, ResponseModels: r.ResponseModels,
		ResponseParameters: showConstraints(r.ResponseParameters), RouteResponseID: r.ID, RouteResponseKey: r.Key,
	}
}

func applyRouteResponse(m members, rec *sockgate.APIRecord, route *sockgate.Route, r *sockgate.RouteResponse) error {
	set(m, "routeResponseKey", &r.Key)
	set(m, "modelSelectionExpression", &r.ModelSelectionExpression)
	mergeStrings(m, "responseModels", &r.ResponseModels, false)
	mergeParameters(m, "responseParameters", &r.ResponseParameters)
	if r.Key != sockgate.DefaultRoute {
		return sockgate.Invalidf("Invalid route response key specified. Must be one of [$default]")
	}
	for i := range route.Responses {
		if other := &route.Responses[i]; other.Key == r.Key && other.ID != r.ID {
			return sockgate.Conflictf("RouteResponse with key %s already exists for this Route", r.Key) // UNCONFIRMED
		}
	}
	if err := checkKeys(r.ResponseParameters, routeResponseParamKey); err != nil {
		return err
	}
	return checkModels(rec, r.ResponseModels)
}

func (s *Service) createRouteResponse(ctx context.Context, in *input) (any, error) {
	var out any
	err := s.changeRoute(ctx, in, func(e *edition, route *sockgate.Route) error {
		r := sockgate.RouteResponse{ID: newIDIn(longIDLength, route.Responses, routeResponseID)}
		if err := applyRouteResponse(in.body, e.APIRecord, route, &r); err != nil {
			return err
		}
		route.Responses = append(route.Responses, r)
		out = showRouteResponse(&r)
		return nil
	})
	return out, err
}

func (s *Service) getRouteResponses(ctx context.Context, in *input) (any, error) {
	rec, err := s.record(ctx, in)
	if err != nil {
		return nil, err
	}
	route, err := findRoute(rec, in.vars["routeId"])
	if err != nil {
		return nil, err
	}
	return list(in, "GetRouteResponses "+route.ID, route.Responses, routeResponseID, showRouteResponse)
}

func (s *Service) getRouteResponse(ctx context.Context, in *input) (any, error) {
	rec, err := s.record(ctx, in)
	if err != nil {
		return nil, err
	}
	route, err := findRoute(rec, in.vars["routeId"])
	if err != nil {
		return nil, err
	}
	r, err := find(route.Responses, routeResponseID, in.vars["routeResponseId"], "RouteResponse")
	if err != nil {
		return nil, err
	}
	return showRouteResponse(r), nil
}

func (s *Service) updateRouteResponse(ctx context.Context, in *input) (any, error) {
	var out any
	err := s.changeRoute(ctx, in, func(e *edition, route *sockgate.Route) error {
		r, err := find(route.Responses, routeResponseID, in.vars["routeResponseId"], "RouteResponse")
		if err != nil {
			return err
		}
		if err := applyRouteResponse(in.body, e.APIRecord, route, r); err != nil {
			return err
		}
		out = showRouteResponse(r)
		return nil
	})
	return out, err
}

func (s *Service) deleteRouteResponse(ctx context.Context, in *input) (any, error) {
	return nil, s.changeRoute(ctx, in, func(_ *edition, route *sockgate.Route) (err error) {
		route.Responses, err = remove(route.Responses, routeResponseID, in.vars["routeResponseId"], "RouteResponse")
		return err
	})
}
