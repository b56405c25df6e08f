package apigatewayv2

import (
	"slices"

	"github.com/sockgate/sockgate"
)

// Quotas of one API. Source: reference websocket-api section 14.
const (
	maxRoutes       = 300
	maxIntegrations = 300
	maxStages       = 10
	maxAuthorizers  = 10
	// maxModels and maxResponses are ours, since AWS's are not documented for WebSocket APIs.
	maxModels    = 300
	maxResponses = 100
)

// find returns the item with the given id, or a NotFound error that names what was looked for.
// Source of the texts: reference control-plane section 1.6.
func find[T any](items []T, id func(*T) string, want, what string) (*T, error) {
	for i := range items {
		if id(&items[i]) == want {
			return &items[i], nil
		}
	}
	return nil, sockgate.NotFoundf("Invalid %s identifier specified %s", what, want)
}

// remove returns items without the one with the given id, or find's error.
func remove[T any](items []T, id func(*T) string, want, what string) ([]T, error) {
	if _, err := find(items, id, want, what); err != nil {
		return items, err
	}
	return slices.DeleteFunc(items, func(t T) bool { return id(&t) == want }), nil
}

// room refuses the item that would be one too many. The text is AWS's for integrations, with its two spaces; that it is a
// BadRequestException and the same for the others is UNCONFIRMED.
func room(have, most int, what string) error {
	if have < most {
		return nil
	}
	return sockgate.Invalidf("Maximum number of %s for this API has been reached.  Please contact AWS if you need additional %s.", what, what)
}

func routeID(r *sockgate.Route) string                             { return r.ID }
func routeResponseID(r *sockgate.RouteResponse) string             { return r.ID }
func integrationID(i *sockgate.Integration) string                 { return i.ID }
func integrationResponseID(r *sockgate.IntegrationResponse) string { return r.ID }
func authorizerID(a *sockgate.Authorizer) string                   { return a.ID }
func modelID(m *sockgate.Model) string                             { return m.ID }
func deploymentID(d *sockgate.Deployment) string                   { return d.ID }
func stageName(s *sockgate.Stage) string                           { return s.Name }

func findRoute(rec *sockgate.APIRecord, id string) (*sockgate.Route, error) {
	return find(rec.Routes, routeID, id, "Route")
}

func findIntegration(rec *sockgate.APIRecord, id string) (*sockgate.Integration, error) {
	return find(rec.Integrations, integrationID, id, "Integration")
}

func findAuthorizer(rec *sockgate.APIRecord, id string) (*sockgate.Authorizer, error) {
	return find(rec.Authorizers, authorizerID, id, "Authorizer")
}

func findModel(rec *sockgate.APIRecord, id string) (*sockgate.Model, error) {
	return find(rec.Models, modelID, id, "Model")
}

// findDeployment's text is UNCONFIRMED.
func findDeployment(rec *sockgate.APIRecord, id string) (*sockgate.Deployment, error) {
	return find(rec.Deployments, deploymentID, id, "deployment")
}

func findStage(rec *sockgate.APIRecord, name string) (*sockgate.Stage, error) {
	st, err := find(rec.Stages, stageName, name, "")
	if err != nil {
		return nil, sockgate.NotFoundf("Invalid stage identifier specified")
	}
	return st, nil
}

// newIDIn returns an id that none of the items has.
func newIDIn[T any](n int, items []T, id func(*T) string) string {
	return freshID(n, func(s string) bool {
		return slices.ContainsFunc(items, func(t T) bool { return id(&t) == s })
	})
}
