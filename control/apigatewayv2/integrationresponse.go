package apigatewayv2

import (
	"context"
	"strings"

	"github.com/sockgate/sockgate"
)

type integrationResponseOut struct {
	ContentHandlingStrategy     string            `json:"contentHandlingStrategy,omitempty"`
	IntegrationResponseID       string            `json:"integrationResponseId"`
	IntegrationResponseKey      string            `json:"integrationResponseKey"`
	ResponseParameters          map[string]string `json:"responseParameters,omitempty"`
	ResponseTemplates           map[string]string `json:"responseTemplates,omitempty"`
	TemplateSelectionExpression string            `json:"templateSelectionExpression,omitempty"`
}

func showIntegrationResponse(r *sockgate.IntegrationResponse) any {
	return &integrationResponseOut{
		ContentHandlingStrategy: r.ContentHandling, IntegrationResponseID: r.ID, IntegrationResponseKey: r.Key,
		ResponseParameters: r.ResponseParameters, ResponseTemplates: r.ResponseTemplates,
		TemplateSelectionExpression: r.TemplateSelectionExpression,
	}
}

func applyIntegrationResponse(m members, integration *sockgate.Integration, r *sockgate.IntegrationResponse) error {
	set(m, "integrationResponseKey", &r.Key)
	set(m, "contentHandlingStrategy", &r.ContentHandling)
	set(m, "templateSelectionExpression", &r.TemplateSelectionExpression)
	mergeStrings(m, "responseParameters", &r.ResponseParameters, false)
	mergeStrings(m, "responseTemplates", &r.ResponseTemplates, true)
	pattern := len(r.Key) > 2 && strings.HasPrefix(r.Key, "/") && strings.HasSuffix(r.Key, "/")
	if r.Key != sockgate.DefaultRoute && !pattern {
		// The text is ours: UNCONFIRMED.
		return sockgate.Invalidf("Invalid integration response key specified: %s. It must be $default or a regular expression between slashes", r.Key)
	}
	for i := range integration.Responses {
		if other := &integration.Responses[i]; other.Key == r.Key && other.ID != r.ID {
			return sockgate.Conflictf("IntegrationResponse with key %s already exists for this Integration", r.Key) // UNCONFIRMED
		}
	}
	if err := checkSelection("templateSelectionExpression", r.TemplateSelectionExpression, "request.body",
		"integration.response.body", "integration.response.statuscode", "integration.response.header",
		"integration.response.multivalueheader"); err != nil {
		return err
	}
	return checkMapping(r.ResponseParameters, responseParamKey, responseParamValue)
}

func (s *Service) createIntegrationResponse(ctx context.Context, in *input) (any, error) {
	var out any
	err := s.changeIntegration(ctx, in, func(i *sockgate.Integration) error {
		if err := room(len(i.Responses), maxResponses, "IntegrationResponses"); err != nil {
			return err
		}
		r := sockgate.IntegrationResponse{ID: newIDIn(longIDLength, i.Responses, integrationResponseID)}
		if err := applyIntegrationResponse(in.body, i, &r); err != nil {
			return err
		}
		i.Responses = append(i.Responses, r)
		out = showIntegrationResponse(&r)
		return nil
	})
	return out, err
}

func (s *Service) getIntegrationResponses(ctx context.Context, in *input) (any, error) {
	rec, err := s.record(ctx, in)
	if err != nil {
		return nil, err
	}
	i, err := findIntegration(rec, in.vars["integrationId"])
	if err != nil {
		return nil, err
	}
	return list(in, "GetIntegrationResponses "+i.ID, i.Responses, integrationResponseID, showIntegrationResponse)
}

func (s *Service) getIntegrationResponse(ctx context.Context, in *input) (any, error) {
	rec, err := s.record(ctx, in)
	if err != nil {
		return nil, err
	}
	i, err := findIntegration(rec, in.vars["integrationId"])
	if err != nil {
		return nil, err
	}
	r, err := find(i.Responses, integrationResponseID, in.vars["integrationResponseId"], "IntegrationResponse")
	if err != nil {
		return nil, err
	}
	return showIntegrationResponse(r), nil
}

func (s *Service) updateIntegrationResponse(ctx context.Context, in *input) (any, error) {
	var out any
	err := s.changeIntegration(ctx, in, func(i *sockgate.Integration) error {
		r, err := find(i.Responses, integrationResponseID, in.vars["integrationResponseId"], "IntegrationResponse")
		if err != nil {
			return err
		}
		if err := applyIntegrationResponse(in.body, i, r); err != nil {
			return err
		}
		out = showIntegrationResponse(r)
		return nil
	})
	return out, err
}

func (s *Service) deleteIntegrationResponse(ctx context.Context, in *input) (any, error) {
	return nil, s.changeIntegration(ctx, in, func(i *sockgate.Integration) (err error) {
		i.Responses, err = remove(i.Responses, integrationResponseID, in.vars["integrationResponseId"], "IntegrationResponse")
		return err
	})
}
