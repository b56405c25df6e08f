package resource

import (
	"context"
	"maps"
	"net/http"
	"net/url"

	"github.com/sockgate/sockgate/template/resource/wire"
)

// version is a published version.
type version struct{}

func (version) create(ctx context.Context, c *Call) (*State, error) {
	body := map[string]any{}
	for _, name := range []string{"CodeSha256", "Description"} {
		if v := c.Properties[name]; v != nil {
			body[name] = v
		}
	}
	answer, err := c.Client.REST(ctx, "lambda", http.MethodPost, functionPath(text(c.Properties, "FunctionName"))+"/versions", body)
	if err != nil {
		return nil, err
	}
	arn := wire.Text(answer, "FunctionArn")
	return &State{PhysicalID: arn, Attributes: map[string]any{"FunctionArn": arn, "Version": wire.Text(answer, "Version")}}, nil
}

func (version) update(_ context.Context, c *Call) (*State, error) {
	return &State{PhysicalID: c.Old.PhysicalID, Attributes: c.Old.Attributes}, nil
}

func (version) delete(ctx context.Context, c *Call) error {
	_, err := c.Client.REST(ctx, "lambda", http.MethodDelete,
		functionPath(text(c.Old.Properties, "FunctionName"))+"?"+url.Values{"Qualifier": {wire.Text(c.Old.Attributes, "Version")}}.Encode(), nil)
	return err
}

// find makes nothing of what may be there: to publish the same code again gives the same version.
func (version) find(context.Context, *Call) (*State, error) { return nil, nil }

type alias struct{}

func (alias) body(props map[string]any) map[string]any {
	body := map[string]any{"FunctionVersion": props["FunctionVersion"], "Description": text(props, "Description")}
	weights := map[string]any{}
	for _, w := range wire.List(props, "RoutingConfig", "AdditionalVersionWeights") {
		weights[wire.Text(w, "FunctionVersion")] = wire.At(w, "FunctionWeight")
	}
	body["RoutingConfig"] = map[string]any{"AdditionalVersionWeights": weights}
	return body
}

func (a alias) create(ctx context.Context, c *Call) (*State, error) {
	body := a.body(c.Properties)
	body["Name"] = c.Properties["Name"]
	if c.Properties["RoutingConfig"] == nil {
		delete(body, "RoutingConfig")
	}
	answer, err := c.Client.REST(ctx, "lambda", http.MethodPost, functionPath(text(c.Properties, "FunctionName"))+"/aliases", body)
	if err != nil {
		return nil, err
	}
	return aliasState(answer), nil
}

func aliasState(answer map[string]any) *State {
	arn := wire.Text(answer, "AliasArn")
	return &State{PhysicalID: arn, Attributes: map[string]any{"AliasArn": arn}}
}

func (alias) path(props map[string]any) string {
	return functionPath(text(props, "FunctionName")) + "/aliases/" + url.PathEscape(text(props, "Name"))
}

func (a alias) update(ctx context.Context, c *Call) (*State, error) {
	answer, err := c.Client.REST(ctx, "lambda", http.MethodPut, a.path(c.Properties), a.body(c.Properties))
	if err != nil {
		return nil, err
	}
	return aliasState(answer), nil
}

func (a alias) delete(ctx context.Context, c *Call) error {
	_, err := c.Client.REST(ctx, "lambda", http.MethodDelete, a.path(c.Old.Properties), nil)
	return err
}

func (a alias) list(ctx context.Context, c *Call) ([]string, error) {
	st, err := a.find(ctx, c)
	if st == nil {
		return nil, err
	}
	return []string{st.PhysicalID}, nil
}

func (a alias) find(ctx context.Context, c *Call) (*State, error) {
	answer, err := c.Client.REST(ctx, "lambda", http.MethodGet, a.path(c.Properties), nil)
	if err != nil {
		return nil, err
	}
	return aliasState(answer), nil
}

// layer is one version of a layer.
type layer struct{}

func (layer) path(c *Call) string {
	return "/2018-10-31/layers/" + url.PathEscape(textOr(c.Properties, "LayerName", shortName(c.Name, 140))) + "/versions"
}

func (l layer) create(ctx context.Context, c *Call) (*State, error) {
	zip, err := c.Code.Zip(wire.Text(c.Properties, "Content", CodeSum))
	if err != nil {
		return nil, err
	}
	body := maps.Clone(c.Properties)
	delete(body, "LayerName")
	body["Content"] = map[string]any{"ZipFile": zip}
	answer, err := c.Client.REST(ctx, "lambda", http.MethodPost, l.path(c), body)
	if err != nil {
		return nil, err
	}
	return layerState(answer), nil
}

func layerState(answer any) *State {
	arn := wire.Text(answer, "LayerVersionArn")
	return &State{PhysicalID: arn, Attributes: map[string]any{"LayerVersionArn": arn}}
}

func (layer) update(_ context.Context, c *Call) (*State, error) {
	return &State{PhysicalID: c.Old.PhysicalID, Attributes: c.Old.Attributes}, nil
}

func (layer) delete(ctx context.Context, c *Call) error {
	arn := c.Old.PhysicalID
	at := len(arn) - 1
	for at > 0 && arn[at] != ':' {
		at--
	}
	_, err := c.Client.REST(ctx, "lambda", http.MethodDelete, "/2018-10-31/layers/"+url.PathEscape(arn[:at])+"/versions/"+url.PathEscape(arn[at+1:]), nil)
	return err
}

func (l layer) list(ctx context.Context, c *Call) ([]string, error) {
	answer, err := c.Client.REST(ctx, "lambda", http.MethodGet, l.path(c), nil)
	var arns []string
	for _, v := range wire.List(answer, "LayerVersions") {
		arns = append(arns, wire.Text(v, "LayerVersionArn"))
	}
	return arns, err
}

func (l layer) find(ctx context.Context, c *Call) (*State, error) {
	arns, err := l.list(ctx, c)
	for _, arn := range arns {
		if !accounted(c, arn) {
			return layerState(map[string]any{"LayerVersionArn": arn}), nil
		}
	}
	return nil, err
}
