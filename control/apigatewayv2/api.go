package apigatewayv2

import (
	"context"
	"regexp"

	"github.com/sockgate/sockgate"
)

// apiOut is an API as the wire has it.
type apiOut struct {
	APIEndpoint               string            `json:"apiEndpoint"`
	APIID                     string            `json:"apiId"`
	APIKeySelectionExpression string            `json:"apiKeySelectionExpression"`
	CreatedDate               instant           `json:"createdDate"`
	Description               string            `json:"description,omitempty"`
	DisableSchemaValidation   bool              `json:"disableSchemaValidation,omitempty"`
	DisableExecuteAPIEndpoint bool              `json:"disableExecuteApiEndpoint"`
	IPAddressType             string            `json:"ipAddressType,omitempty"`
	Name                      string            `json:"name"`
	ProtocolType              string            `json:"protocolType"`
	RouteSelectionExpression  string            `json:"routeSelectionExpression"`
	Tags                      map[string]string `json:"tags"`
	Version                   string            `json:"version,omitempty"`
}

func (s *Service) showAPI(a *sockgate.API) any {
	return &apiOut{
		APIEndpoint: s.Endpoint(a.ID), APIID: a.ID, APIKeySelectionExpression: a.APIKeySelectionExpression,
		CreatedDate: instant(a.CreatedAt), Description: a.Description, DisableSchemaValidation: a.DisableSchemaValidation,
		DisableExecuteAPIEndpoint: a.DisableExecuteAPIEndpoint, IPAddressType: a.IPAddressType, Name: a.Name,
		ProtocolType: "WEBSOCKET", RouteSelectionExpression: a.RouteSelectionExpression, Tags: shown(a.Tags), Version: a.Version,
	}
}

// shown makes a map without entries appear as "{}".
func shown[V any](m map[string]V) map[string]V {
	if m == nil {
		return map[string]V{}
	}
	return m
}

// The two legal API key sources. Source: reference control-plane section 1.6.
const (
	keyFromHeader     = "$request.header.x-api-key"
	keyFromAuthorizer = "$context.authorizer.usageIdentifierKey"
)

// applyAPI copies the members that an API takes in creation and in updates.
func applyAPI(m members, a *sockgate.API) error {
	set(m, "name", &a.Name)
	set(m, "description", &a.Description)
	set(m, "version", &a.Version)
	set(m, "routeSelectionExpression", &a.RouteSelectionExpression)
	set(m, "apiKeySelectionExpression", &a.APIKeySelectionExpression)
	set(m, "ipAddressType", &a.IPAddressType)
	set(m, "disableSchemaValidation", &a.DisableSchemaValidation)
	set(m, "disableExecuteApiEndpoint", &a.DisableExecuteAPIEndpoint)
	if a.RouteSelectionExpression == "" {
		return sockgate.Invalidf("RouteSelectionExpression is a required parameter for WEBSOCKET protocol Apis")
	}
	// UNCONFIRMED: of the variables that AWS does not document here, $context is taken and the rest refused.
	if err := checkSelection("routeSelectionExpression", a.RouteSelectionExpression, "request.body", "context"); err != nil {
		return err
	}
	if k := a.APIKeySelectionExpression; k != keyFromHeader && k != keyFromAuthorizer {
		return sockgate.Invalidf("Invalid API key selection expression specified. Must be one of [%s, %s]", keyFromHeader, keyFromAuthorizer)
	}
	return nil
}

// PinTag is the tag of CreateApi that chooses the new API's id where Config.PinIDs allows that. It is not of AWS.
const PinTag = "sockgate:id"

// pinnable is what an id must be to stand in a host name.
var pinnable = regexp.MustCompile(`^[a-z0-9]{1,63}$`)

func (s *Service) createAPI(ctx context.Context, in *input) (any, error) {
	var protocol string
	set(in.body, "protocolType", &protocol)
	switch protocol {
	case "WEBSOCKET":
	case "HTTP":
		return nil, sockgate.Invalidf("Sockgate serves WebSocket APIs only: protocolType must be WEBSOCKET")
	default:
		return nil, sockgate.Invalidf("Invalid protocol specified. Must be one of [HTTP, WEBSOCKET]")
	}
	rec := &sockgate.APIRecord{}
	rec.API = sockgate.API{APIKeySelectionExpression: keyFromHeader, IPAddressType: "ipv4", CreatedAt: s.Clock()}
	if err := applyAPI(in.body, &rec.API); err != nil {
		return nil, err
	}
	var err error
	if rec.API.Tags, err = newTags(in.body); err != nil {
		return nil, err
	}
	if id := rec.API.Tags[PinTag]; s.PinIDs && id != "" {
		if !pinnable.MatchString(id) {
			return nil, sockgate.Invalidf("The tag %s pins an API's id: 1 to 63 lowercase letters and digits, not %q", PinTag, id)
		}
		rec.API.ID = id
		if err = s.Catalog.CreateAPI(ctx, rec); err != nil {
			return nil, err
		}
		return s.showAPI(&rec.API), nil
	}
	// An id that is taken is as unlikely as it can be; a second one is out of the question.
	for range 3 {
		rec.API.ID = newID(apiIDLength)
		if err = s.Catalog.CreateAPI(ctx, rec); sockgate.KindOf(err) != sockgate.Conflict {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	return s.showAPI(&rec.API), nil
}

func (s *Service) getAPIs(ctx context.Context, in *input) (any, error) {
	recs, err := s.Catalog.APIs(ctx)
	if err != nil {
		return nil, err
	}
	apis := make([]sockgate.API, len(recs))
	for i, rec := range recs {
		apis[i] = rec.API
	}
	return list(in, "GetApis", apis, func(a *sockgate.API) string { return a.ID }, s.showAPI)
}

func (s *Service) getAPI(ctx context.Context, in *input) (any, error) {
	rec, err := s.record(ctx, in)
	if err != nil {
		return nil, err
	}
	return s.showAPI(&rec.API), nil
}

func (s *Service) updateAPI(ctx context.Context, in *input) (any, error) {
	var out any
	err := s.redefine(ctx, in.vars["apiId"], func(e *edition) error {
		if err := applyAPI(in.body, &e.API); err != nil {
			return err
		}
		out = s.showAPI(&e.API)
		return nil
	})
	return out, err
}

func (s *Service) deleteAPI(ctx context.Context, in *input) (any, error) {
	done, err := s.turn(ctx, in.vars["apiId"])
	if err != nil {
		return nil, err
	}
	defer done()
	if err := s.unmapped(ctx, in.vars["apiId"], ""); err != nil {
		return nil, err
	}
	return nil, s.Catalog.DeleteAPI(ctx, in.vars["apiId"])
}

// record reads the API that the path names.
func (s *Service) record(ctx context.Context, in *input) (*sockgate.APIRecord, error) {
	return s.Catalog.API(ctx, in.vars["apiId"])
}

// Importing, exporting and CORS belong to HTTP APIs; AWS refuses them for WebSocket APIs. The texts are ours: UNCONFIRMED.

func httpAPIsOnly(operation string) error {
	return sockgate.Invalidf("%s is not supported for WEBSOCKET protocol Apis", operation)
}

func (s *Service) importAPI(context.Context, *input) (any, error) {
	return nil, httpAPIsOnly("ImportApi")
}

func (s *Service) reimportAPI(ctx context.Context, in *input) (any, error) {
	return s.refuseHTTPOnly(ctx, in, "ReimportApi")
}

func (s *Service) exportAPI(ctx context.Context, in *input) (any, error) {
	return s.refuseHTTPOnly(ctx, in, "ExportApi")
}

func (s *Service) deleteCORS(ctx context.Context, in *input) (any, error) {
	return s.refuseHTTPOnly(ctx, in, "DeleteCorsConfiguration")
}

func (s *Service) refuseHTTPOnly(ctx context.Context, in *input, operation string) (any, error) {
	if _, err := s.record(ctx, in); err != nil {
		return nil, err
	}
	return nil, httpAPIsOnly(operation)
}
