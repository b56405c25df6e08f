package resource

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"reflect"

	"github.com/sockgate/sockgate/template/resource/wire"
)

// The types of Lambda. Source: AWS CloudFormation Template Reference, "AWS Lambda".
var lambdaTypes = []*Type{
	{Name: "AWS::Lambda::Function", named: "FunctionName", attributes: []string{"Arn"}, provider: function{}, shape: functionShape},
	{
		Name: "AWS::Lambda::Permission", attributes: []string{"Id"}, provider: permission{},
		shape: object(
			needFixed("Action", str()), needFixed("FunctionName", str()), needFixed("Principal", str()),
			fixed("EventSourceToken", str()), fixed("FunctionUrlAuthType", str()), fixed("InvokedViaFunctionUrl", flag()),
			fixed("PrincipalOrgID", str()), fixed("SourceAccount", str()), fixed("SourceArn", str()),
		),
	},
	{
		Name: "AWS::Lambda::Version", attributes: []string{"FunctionArn", "Version"}, provider: version{},
		shape: object(
			needFixed("FunctionName", str()), fixed("CodeSha256", str()), fixed("Description", str()),
			refused("ProvisionedConcurrencyConfig", notBuilt), opt("RuntimePolicy", anything()).keep(),
		),
	},
	{
		Name: "AWS::Lambda::Alias", attributes: []string{"AliasArn"}, provider: alias{},
		shape: object(
			needFixed("FunctionName", str()), need("FunctionVersion", str()), needFixed("Name", str()), opt("Description", str()).back(""),
			opt("RoutingConfig", object(opt("AdditionalVersionWeights", listOf(object(
				need("FunctionVersion", str()), need("FunctionWeight", num())))))).back(map[string]any{}),
			refused("ProvisionedConcurrencyConfig", notBuilt),
		),
	},
	{
		Name: "AWS::Lambda::LayerVersion", attributes: []string{"LayerVersionArn"}, provider: layer{},
		shape: object(
			needFixed("Content", codeShape), fixed("LayerName", str()), fixed("Description", str()), fixed("LicenseInfo", str()),
			fixed("CompatibleRuntimes", listOf(str())), fixed("CompatibleArchitectures", listOf(str())),
		),
	},
}

const (
	notBuilt  = "is not built"
	functions = "/2015-03-31/functions"
)

// codeShape is code after it was built: package stack puts the zip's sum in the place of a folder, a file or a text.
var codeShape = object(need(CodeSum, str()))

// CodeSum is the property that stands for a zip: its SHA-256 in hex.
const CodeSum = "ZipSha256"

// CodeProperty returns the property that holds the code of a type, or "".
func (t *Type) CodeProperty() string {
	switch t.Name {
	case "AWS::Lambda::Function":
		return "Code"
	case "AWS::Lambda::LayerVersion":
		return "Content"
	}
	return ""
}

var functionShape = object(
	need("Code", codeShape),
	fixed("FunctionName", str()),
	need("Role", str()),
	opt("Runtime", str()),
	opt("Handler", str()),
	opt("Description", str()).back(""),
	opt("Timeout", whole()).back(3),
	opt("MemorySize", whole()).back(128),
	opt("Environment", object(opt("Variables", mapOf(str())))).back(map[string]any{"Variables": map[string]any{}}),
	opt("Layers", listOf(str())).back([]any{}),
	opt("Architectures", listOf(str())).back([]any{"x86_64"}),
	opt("DeadLetterConfig", object(opt("TargetArn", str()))).back(map[string]any{"TargetArn": ""}),
	opt("EphemeralStorage", object(need("Size", whole()))).back(map[string]any{"Size": 512}),
	opt("KmsKeyArn", str()).as("KMSKeyArn").back(""),
	opt("LoggingConfig", object(opt("LogFormat", str()), opt("LogGroup", str()), opt("ApplicationLogLevel", str()), opt("SystemLogLevel", str()))).
		back(map[string]any{"LogFormat": "Text"}),
	opt("SnapStart", object(need("ApplyOn", str()))).back(map[string]any{"ApplyOn": "None"}),
	opt("TracingConfig", object(opt("Mode", str()))).back(map[string]any{"Mode": "PassThrough"}),
	opt("VpcConfig", object(opt("SubnetIds", listOf(str())), opt("SecurityGroupIds", listOf(str())), opt("Ipv6AllowedForDualStack", flag()))).
		back(map[string]any{"SubnetIds": []any{}, "SecurityGroupIds": []any{}}),
	fixed("PackageType", str()),
	opt("ReservedConcurrentExecutions", whole()).apart().back(0),
	opt("Tags", tagList()).apart().back([]any{}),
	opt("RecursiveLoop", str()).apart().keep(),
	opt("RuntimeManagementConfig", anything()).apart().keep(),
	refused("CodeSigningConfigArn", notBuilt),
	refused("FileSystemConfigs", notBuilt),
	refused("ImageConfig", "is for container images, which are not served"),
	refused("CapacityProviderConfig", notBuilt),
	refused("DurableConfig", notBuilt),
)

// function is the provider of functions.
type function struct{}

func functionPath(name string) string { return functions + "/" + url.PathEscape(name) }

// configuration is the part of the properties that CreateFunction and UpdateFunctionConfiguration share, in the API's names, which are
// the template's but for one.
func configuration(props map[string]any) map[string]any {
	body := make(map[string]any, len(props))
	for _, m := range functionShape.members {
		switch v := props[m.name]; {
		case v == nil || m.outside || m.name == "Code" || m.name == "Architectures":
		case m.wire != "":
			body[m.wire] = v
		default:
			body[m.name] = v
		}
	}
	return body
}

func (function) zip(c *Call, props map[string]any) ([]byte, error) {
	return c.Code.Zip(wire.Text(props, "Code", CodeSum))
}

func (f function) create(ctx context.Context, c *Call) (*State, error) {
	zip, err := f.zip(c, c.Properties)
	if err != nil {
		return nil, err
	}
	body := configuration(c.Properties)
	body["FunctionName"] = textOr(c.Properties, "FunctionName", shortName(c.Name, 64))
	body["Code"] = map[string]any{"ZipFile": zip}
	if v := c.Properties["Architectures"]; v != nil {
		body["Architectures"] = v
	}
	if tags := tagMap(c.Properties); len(tags) > 0 {
		body["Tags"] = tags
	}
	answer, err := c.Client.REST(ctx, "lambda", http.MethodPost, functions, body)
	if err != nil {
		return nil, err
	}
	st := functionState(answer)
	if n := c.Properties["ReservedConcurrentExecutions"]; n != nil {
		if err := reserve(ctx, c, st.PhysicalID, n); err != nil {
			return nil, undo(ctx, err, func(ctx context.Context) error {
				_, err := c.Client.REST(ctx, "lambda", http.MethodDelete, functionPath(st.PhysicalID), nil)
				return err
			})
		}
	}
	return st, nil
}

func functionState(answer map[string]any) *State {
	return &State{PhysicalID: wire.Text(answer, "FunctionName"), Attributes: map[string]any{"Arn": wire.Text(answer, "FunctionArn")}}
}

func reserve(ctx context.Context, c *Call, name string, n any) error {
	path := "/2017-10-31/functions/" + url.PathEscape(name) + "/concurrency"
	if n == nil {
		_, err := c.Client.REST(ctx, "lambda", http.MethodDelete, path, nil)
		return err
	}
	_, err := c.Client.REST(ctx, "lambda", http.MethodPut, path, map[string]any{"ReservedConcurrentExecutions": n})
	return err
}

func (f function) update(ctx context.Context, c *Call) (*State, error) {
	old, now, path := c.Old.Properties, c.Properties, functionPath(c.Old.PhysicalID)
	changed := map[string]any{}
	for name, v := range now {
		if !reflect.DeepEqual(v, old[name]) {
			changed[name] = v
		}
	}
	for name := range old {
		if m := functionShape.member(name); now[name] == nil && m != nil && m.reset != nil {
			changed[name] = m.reset
		}
	}
	if body := configuration(changed); len(body) > 0 {
		if _, err := c.Client.REST(ctx, "lambda", http.MethodPut, path+"/configuration", body); err != nil {
			return nil, err
		}
	}
	if changed["Code"] != nil || changed["Architectures"] != nil {
		if err := f.updateCode(ctx, c, changed); err != nil {
			return nil, err
		}
	}
	if !reflect.DeepEqual(old["ReservedConcurrentExecutions"], now["ReservedConcurrentExecutions"]) {
		if err := reserve(ctx, c, c.Old.PhysicalID, now["ReservedConcurrentExecutions"]); err != nil {
			return nil, err
		}
	}
	if err := f.retag(ctx, c); err != nil {
		return nil, err
	}
	return &State{PhysicalID: c.Old.PhysicalID, Attributes: c.Old.Attributes}, nil
}

// updateCode first makes sure that the code which is replaced can be had again.
func (f function) updateCode(ctx context.Context, c *Call, changed map[string]any) error {
	path := functionPath(c.Old.PhysicalID)
	if _, err := f.zip(c, c.Old.Properties); err != nil && c.Old.Properties["Code"] != nil {
		answer, err := c.Client.REST(ctx, "lambda", http.MethodGet, path, nil)
		if err != nil {
			return err
		}
		if link := wire.Text(answer, "Code", "Location"); link != "" {
			if zip, err := c.Client.Fetch(ctx, link); err == nil {
				if _, err := c.Code.Keep(zip); err != nil {
					return err
				}
			}
		}
	}
	zip, err := f.zip(c, c.Properties)
	if err != nil {
		return err
	}
	body := map[string]any{"ZipFile": zip}
	if v := changed["Architectures"]; v != nil {
		body["Architectures"] = v
	}
	_, err = c.Client.REST(ctx, "lambda", http.MethodPut, path+"/code", body)
	return err
}

func (function) retag(ctx context.Context, c *Call) error {
	if reflect.DeepEqual(c.Old.Properties["Tags"], c.Properties["Tags"]) {
		return nil
	}
	path := "/2017-03-31/tags/" + url.PathEscape(wire.Text(c.Old.Attributes, "Arn"))
	if gone := goneTags(c); len(gone) > 0 {
		if _, err := c.Client.REST(ctx, "lambda", http.MethodDelete, path+"?"+url.Values{"tagKeys": gone}.Encode(), nil); err != nil {
			return err
		}
	}
	tags := tagMap(c.Properties)
	if len(tags) == 0 {
		return nil
	}
	_, err := c.Client.REST(ctx, "lambda", http.MethodPost, path, map[string]any{"Tags": tags})
	return err
}

func (function) delete(ctx context.Context, c *Call) error {
	_, err := c.Client.REST(ctx, "lambda", http.MethodDelete, functionPath(c.Old.PhysicalID), nil)
	return err
}

func (function) find(ctx context.Context, c *Call) (*State, error) {
	name := textOr(c.Properties, "FunctionName", shortName(c.Name, 64))
	answer, err := c.Client.REST(ctx, "lambda", http.MethodGet, functionPath(name)+"/configuration", nil)
	if err != nil {
		return nil, err
	}
	return functionState(answer), nil
}

// permission is a statement of a function's policy.
type permission struct{}

func (permission) state(c *Call) *State {
	id := shortName(c.Name, 100)
	return &State{PhysicalID: id, Attributes: map[string]any{"Id": id}}
}

func (p permission) create(ctx context.Context, c *Call) (*State, error) {
	body := maps.Clone(c.Properties)
	delete(body, "FunctionName")
	body["StatementId"] = shortName(c.Name, 100)
	_, err := c.Client.REST(ctx, "lambda", http.MethodPost, functionPath(text(c.Properties, "FunctionName"))+"/policy", body)
	return p.state(c), err
}

func (p permission) update(_ context.Context, c *Call) (*State, error) {
	return &State{PhysicalID: c.Old.PhysicalID, Attributes: c.Old.Attributes}, nil
}

func (permission) delete(ctx context.Context, c *Call) error {
	_, err := c.Client.REST(ctx, "lambda", http.MethodDelete,
		functionPath(text(c.Old.Properties, "FunctionName"))+"/policy/"+url.PathEscape(c.Old.PhysicalID), nil)
	return err
}

// find removes the statement that may be there: to make it again is simpler than to read policies.
func (p permission) find(ctx context.Context, c *Call) (*State, error) {
	gone := *c
	gone.Old = &State{PhysicalID: shortName(c.Name, 100), Properties: c.Properties}
	return nil, p.delete(ctx, &gone)
}
