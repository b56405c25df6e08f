package apigatewayv2

import (
	"context"

	"github.com/sockgate/sockgate"
)

type modelOut struct {
	ContentType string `json:"contentType,omitempty"`
	Description string `json:"description,omitempty"`
	ModelID     string `json:"modelId"`
	Name        string `json:"name"`
	Schema      string `json:"schema"`
}

func showModel(m *sockgate.Model) any {
	return &modelOut{ContentType: m.ContentType, Description: m.Description, ModelID: m.ID, Name: m.Name, Schema: m.Schema}
}

func (s *Service) applyModel(in members, rec *sockgate.APIRecord, m *sockgate.Model) error {
	set(in, "name", &m.Name)
	set(in, "schema", &m.Schema)
	set(in, "contentType", &m.ContentType)
	set(in, "description", &m.Description)
	if len(m.Schema) > maxSchema { // the shape counts characters
		return sockgate.Invalidf("Invalid model specified: the schema exceeds %d bytes", maxSchema)
	}
	if !rec.API.DisableSchemaValidation {
		if err := s.CheckSchema(m.Schema); err != nil {
			return sockgate.Invalidf("Invalid model specified: Validation Result: warnings : [], errors : [%s]", err)
		}
	}
	for i := range rec.Models {
		if other := &rec.Models[i]; other.Name == m.Name && other.ID != m.ID {
			return sockgate.Conflictf("Model name already exists for this API")
		}
	}
	return nil
}

// refuseInUse keeps the name that a route uses from going away. UNCONFIRMED for v2: v1 refuses it, and the text follows the one
// for authorizers.
func refuseInUse(rec *sockgate.APIRecord, name, doing string) error {
	for i := range rec.Routes {
		r := &rec.Routes[i]
		used := uses(r.RequestModels, name)
		for j := range r.Responses {
			used = used || uses(r.Responses[j].ResponseModels, name)
		}
		if used {
			return sockgate.Conflictf("Cannot %s model '%s', is referenced in route: %s", doing, name, r.Key)
		}
	}
	return nil
}

func uses(models map[string]string, name string) bool {
	for _, m := range models {
		if m == name {
			return true
		}
	}
	return false
}

func (s *Service) createModel(ctx context.Context, in *input) (any, error) {
	var out any
	err := s.redefine(ctx, in.vars["apiId"], func(e *edition) error {
		if err := room(len(e.Models), maxModels, "Models"); err != nil {
			return err
		}
		m := sockgate.Model{ID: newIDIn(idLength, e.Models, modelID), ContentType: "application/json"}
		if err := s.applyModel(in.body, e.APIRecord, &m); err != nil {
			return err
		}
		e.Models = append(e.Models, m)
		out = showModel(&m)
		return nil
	})
	return out, err
}

func (s *Service) getModels(ctx context.Context, in *input) (any, error) {
	rec, err := s.record(ctx, in)
	if err != nil {
		return nil, err
	}
	return list(in, "GetModels "+rec.API.ID, rec.Models, modelID, showModel)
}

func (s *Service) getModel(ctx context.Context, in *input) (any, error) {
	rec, err := s.record(ctx, in)
	if err != nil {
		return nil, err
	}
	m, err := findModel(rec, in.vars["modelId"])
	if err != nil {
		return nil, err
	}
	return showModel(m), nil
}

func (s *Service) getModelTemplate(ctx context.Context, in *input) (any, error) {
	rec, err := s.record(ctx, in)
	if err != nil {
		return nil, err
	}
	m, err := findModel(rec, in.vars["modelId"])
	if err != nil {
		return nil, err
	}
	value, err := sampleTemplate(m.Schema)
	if err != nil {
		return nil, sockgate.Invalidf("Invalid model specified: Validation Result: warnings : [], errors : [Invalid model schema specified]").Because(err)
	}
	return struct {
		Value string `json:"value"`
	}{value}, nil
}

func (s *Service) updateModel(ctx context.Context, in *input) (any, error) {
	var out any
	err := s.redefine(ctx, in.vars["apiId"], func(e *edition) error {
		m, err := findModel(e.APIRecord, in.vars["modelId"])
		if err != nil {
			return err
		}
		before := m.Name
		if err := s.applyModel(in.body, e.APIRecord, m); err != nil {
			return err
		}
		if m.Name != before {
			if err := refuseInUse(e.APIRecord, before, "rename"); err != nil {
				return err
			}
		}
		out = showModel(m)
		return nil
	})
	return out, err
}

func (s *Service) deleteModel(ctx context.Context, in *input) (any, error) {
	return nil, s.redefine(ctx, in.vars["apiId"], func(e *edition) error {
		m, err := findModel(e.APIRecord, in.vars["modelId"])
		if err != nil {
			return err
		}
		if err := refuseInUse(e.APIRecord, m.Name, "delete"); err != nil {
			return err
		}
		e.Models, err = remove(e.Models, modelID, m.ID, "Model")
		return err
	})
}
