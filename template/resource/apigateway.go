package resource

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/sockgate/sockgate/template/resource/wire"
)

// The types of API Gateway v1 that WebSocket APIs use. Source: AWS CloudFormation Template Reference, "Amazon API Gateway".
var apiGatewayTypes = []*Type{
	{
		Name: "AWS::ApiGateway::ApiKey", attributes: []string{"APIKeyId"}, provider: &v1{
			collection: "/apikeys", refName: "APIKeyId", name: "Name", patches: map[string]string{
				"Name": "/name", "Description": "/description", "Enabled": "/enabled", "CustomerId": "/customerId",
			},
			shape: apiKeyShape,
		}, shape: apiKeyShape,
	},
	{Name: "AWS::ApiGateway::UsagePlan", attributes: []string{"Id"}, provider: usagePlan{}, shape: usagePlanShape},
	{
		Name: "AWS::ApiGateway::UsagePlanKey", attributes: []string{"Id"}, provider: usagePlanKey{},
		shape: object(needFixed("KeyId", str()), needFixed("KeyType", str()), needFixed("UsagePlanId", str())),
	},
	{
		Name: "AWS::ApiGateway::VpcLink", attributes: []string{"VpcLinkId"}, provider: &v1{
			collection: "/vpclinks", refName: "VpcLinkId", patches: map[string]string{"Name": "/name", "Description": "/description"},
			shape: vpcLinkShape, settled: "AVAILABLE",
		}, shape: vpcLinkShape,
	},
	{Name: "AWS::ApiGateway::Account", attributes: []string{"Id"}, provider: account{}, shape: object(opt("CloudWatchRoleArn", str()).back(""))},
}

var (
	apiKeyShape = object(
		opt("CustomerId", str()).back(""),
		opt("Description", str()).back(""),
		opt("Enabled", flag()).back(false),
		fixed("GenerateDistinctId", flag()),
		fixed("Name", str()),
		opt("StageKeys", listOf(object(opt("RestApiId", str()), opt("StageName", str())))).back([]any{}),
		opt("Tags", tagList()).back([]any{}),
		fixed("Value", str()),
	)
	usagePlanShape = object(
		opt("ApiStages", listOf(object(
			opt("ApiId", str()), opt("Stage", str()), opt("Throttle", mapOf(throttleShape())),
		))).back([]any{}),
		opt("Description", str()).back(""),
		opt("Quota", object(opt("Limit", whole()), opt("Offset", whole()), opt("Period", str()))).back(map[string]any{}),
		opt("Tags", tagList()).back([]any{}),
		opt("Throttle", throttleShape()).back(map[string]any{}),
		opt("UsagePlanName", str()).back(""),
	)
	vpcLinkShape = object(
		need("Name", str()),
		opt("Description", str()).back(""),
		needFixed("TargetArns", listOf(str())),
		opt("Tags", tagList()).back([]any{}),
	)
)

func throttleShape() *shape { return object(opt("BurstLimit", whole()), opt("RateLimit", num())) }

// v1 is the provider of types whose API is a REST collection of API Gateway v1, where a change is a list of patch operations.
type v1 struct {
	shape      *shape
	collection string
	refName    string            // the attribute that is the id
	name       string            // property that gets a generated name, or ""
	patches    map[string]string // property → path
	settled    string            // the status to wait for, or ""
}

func (p *v1) create(ctx context.Context, c *Call) (*State, error) {
	body := p.body(c)
	answer, err := c.Client.REST(ctx, "apigateway", http.MethodPost, p.collection, body)
	if err != nil {
		return nil, err
	}
	st := p.state(answer)
	if p.settled == "" {
		return st, nil
	}
	err = wait(ctx, c.ID, func() (bool, error) {
		answer, err := c.Client.REST(ctx, "apigateway", http.MethodGet, p.collection+"/"+st.PhysicalID, nil)
		if status := wire.Text(answer, "status"); status == "FAILED" {
			return false, fmt.Errorf("%s: %s", status, wire.Text(answer, "statusMessage"))
		} else {
			return status == p.settled, err
		}
	})
	if err != nil {
		return nil, undo(ctx, err, func(ctx context.Context) error {
			_, err := c.Client.REST(ctx, "apigateway", http.MethodDelete, p.collection+"/"+st.PhysicalID, nil)
			return err
		})
	}
	return st, nil
}

func (p *v1) body(c *Call) map[string]any {
	body, _ := onWire(p.shape, c.Properties).(map[string]any)
	if p.name != "" && c.Properties[p.name] == nil {
		body[lowerFirst(p.name)] = c.Name
	}
	if tags := tagMap(c.Properties); len(tags) > 0 {
		body["tags"] = tags
	}
	return body
}

func (p *v1) state(answer map[string]any) *State {
	id := wire.Text(answer, "id")
	return &State{PhysicalID: id, Attributes: map[string]any{p.refName: id}}
}

func (p *v1) update(ctx context.Context, c *Call) (*State, error) {
	var ops []any
	for _, name := range slices.Sorted(maps.Keys(p.patches)) {
		if before, after := c.Old.Properties[name], c.Properties[name]; !reflect.DeepEqual(before, after) {
			ops = append(ops, patch("replace", p.patches[name], after))
		}
	}
	ops = append(ops, stageKeyPatches(c)...)
	st := &State{PhysicalID: c.Old.PhysicalID, Attributes: map[string]any{p.refName: c.Old.PhysicalID}}
	if len(ops) > 0 {
		if _, err := c.Client.REST(ctx, "apigateway", http.MethodPatch, p.collection+"/"+st.PhysicalID, map[string]any{"patchOperations": ops}); err != nil {
			return nil, err
		}
	}
	return st, retagV1(ctx, c, p.collection)
}

// patch is one operation; a value that is gone is "", and false for what is on or off.
func patch(op, path string, v any) map[string]any {
	text := fmt.Sprint(v)
	if v == nil {
		text = ""
		if path == "/enabled" {
			text = "false"
		}
	}
	return map[string]any{"op": op, "path": path, "value": text}
}

func stageKeyPatches(c *Call) (ops []any) {
	keys := func(props map[string]any) (all []string) {
		for _, k := range wire.List(props, "StageKeys") {
			all = append(all, wire.Text(k, "RestApiId")+"/"+wire.Text(k, "StageName"))
		}
		return all
	}
	before, after := keys(c.Old.Properties), keys(c.Properties)
	for _, k := range before {
		if !slices.Contains(after, k) {
			ops = append(ops, patch("remove", "/stages", k))
		}
	}
	for _, k := range after {
		if !slices.Contains(before, k) {
			ops = append(ops, patch("add", "/stages", k))
		}
	}
	return ops
}

func (p *v1) delete(ctx context.Context, c *Call) error {
	_, err := c.Client.REST(ctx, "apigateway", http.MethodDelete, p.collection+"/"+url.PathEscape(c.Old.PhysicalID), nil)
	return err
}

func (p *v1) list(ctx context.Context, c *Call) ([]string, error) { return v1IDs(ctx, c, p.collection) }

func (p *v1) find(ctx context.Context, c *Call) (*State, error) {
	want := p.body(c)
	delete(want, "stageKeys") // shown in another form
	delete(want, "generateDistinctId")
	delete(want, "value") // a secret that lists leave out
	item, err := findV1(ctx, c, p.collection, want)
	if item == nil {
		return nil, err
	}
	return p.state(item), nil
}

// v1Items returns a whole collection of API Gateway v1.
func v1Items(ctx context.Context, c *Call, collection string) ([]any, error) {
	var all []any
	position := ""
	for {
		query := url.Values{"limit": {"500"}}
		if position != "" {
			query.Set("position", position)
		}
		answer, err := c.Client.REST(ctx, "apigateway", http.MethodGet, collection+"?"+query.Encode(), nil)
		if err != nil {
			return nil, err
		}
		all = append(all, wire.List(answer, "item")...)
		if position = wire.Text(answer, "position"); position == "" {
			return all, nil
		}
	}
}

func v1IDs(ctx context.Context, c *Call, collection string) ([]string, error) {
	items, err := v1Items(ctx, c, collection)
	var ids []string
	for _, item := range items {
		ids = append(ids, wire.Text(item, "id"))
	}
	return ids, err
}

func findV1(ctx context.Context, c *Call, collection string, want map[string]any) (map[string]any, error) {
	items, err := v1Items(ctx, c, collection)
	for _, item := range items {
		id := wire.Text(item, "id")
		if m, ok := item.(map[string]any); ok && !accounted(c, id) && covers(m, want) {
			return m, nil
		}
	}
	return nil, err
}

// tagMap turns a list of tags into a map.
func tagMap(props map[string]any) map[string]any {
	tags := map[string]any{}
	for _, t := range wire.List(props, "Tags") {
		tags[wire.Text(t, "Key")] = wire.Text(t, "Value")
	}
	return tags
}

// goneTags returns the keys of tags that are to be taken away, sorted.
func goneTags(c *Call) []string {
	after := tagMap(c.Properties)
	var gone []string
	for k := range tagMap(c.Old.Properties) {
		if _, there := after[k]; !there {
			gone = append(gone, k)
		}
	}
	slices.Sort(gone)
	return gone
}

func retagV1(ctx context.Context, c *Call, collection string) error {
	if reflect.DeepEqual(c.Old.Properties["Tags"], c.Properties["Tags"]) {
		return nil
	}
	path := "/tags/" + url.PathEscape("arn:aws:apigateway:"+c.Region+"::"+collection+"/"+c.Old.PhysicalID)
	if gone := goneTags(c); len(gone) > 0 {
		if _, err := c.Client.REST(ctx, "apigateway", http.MethodDelete, path+"?"+url.Values{"tagKeys": gone}.Encode(), nil); err != nil {
			return err
		}
	}
	tags := tagMap(c.Properties)
	if len(tags) == 0 {
		return nil
	}
	_, err := c.Client.REST(ctx, "apigateway", http.MethodPut, path, map[string]any{"tags": tags})
	return err
}

// usagePlanKey is a key's membership in a plan.
type usagePlanKey struct{}

func (usagePlanKey) state(c *Call) *State {
	id := text(c.Properties, "KeyId") + ":" + text(c.Properties, "UsagePlanId")
	return &State{PhysicalID: id, Attributes: map[string]any{"Id": id}}
}

func (k usagePlanKey) create(ctx context.Context, c *Call) (*State, error) {
	_, err := c.Client.REST(ctx, "apigateway", http.MethodPost, "/usageplans/"+url.PathEscape(text(c.Properties, "UsagePlanId"))+"/keys",
		map[string]any{"keyId": text(c.Properties, "KeyId"), "keyType": text(c.Properties, "KeyType")})
	if err != nil {
		return nil, err
	}
	return k.state(c), nil
}

func (k usagePlanKey) update(_ context.Context, c *Call) (*State, error) { return k.state(c), nil }

func (usagePlanKey) delete(ctx context.Context, c *Call) error {
	key, plan, _ := strings.Cut(c.Old.PhysicalID, ":")
	_, err := c.Client.REST(ctx, "apigateway", http.MethodDelete, "/usageplans/"+url.PathEscape(plan)+"/keys/"+url.PathEscape(key), nil)
	return err
}

func (k usagePlanKey) list(ctx context.Context, c *Call) ([]string, error) {
	st, err := k.find(ctx, c)
	if st == nil {
		return nil, err
	}
	return []string{st.PhysicalID}, nil
}

func (k usagePlanKey) find(ctx context.Context, c *Call) (*State, error) {
	_, err := c.Client.REST(ctx, "apigateway", http.MethodGet,
		"/usageplans/"+url.PathEscape(text(c.Properties, "UsagePlanId"))+"/keys/"+url.PathEscape(text(c.Properties, "KeyId")), nil)
	if err != nil {
		return nil, err
	}
	return k.state(c), nil
}

// account is the account's settings, of which there is one: to remove the resource leaves them as they are, as CloudFormation does.
type account struct{}

func (account) put(ctx context.Context, c *Call) error {
	_, err := c.Client.REST(ctx, "apigateway", http.MethodPatch, "/account",
		map[string]any{"patchOperations": []any{patch("replace", "/cloudwatchRoleArn", c.Properties["CloudWatchRoleArn"])}})
	return err
}

func (a account) create(ctx context.Context, c *Call) (*State, error) {
	if c.Properties["CloudWatchRoleArn"] != nil {
		if err := a.put(ctx, c); err != nil {
			return nil, err
		}
	}
	return &State{PhysicalID: c.Name, Attributes: map[string]any{"Id": c.Name}}, nil
}

func (a account) update(ctx context.Context, c *Call) (*State, error) {
	return &State{PhysicalID: c.Old.PhysicalID, Attributes: c.Old.Attributes}, a.put(ctx, c)
}

func (account) delete(context.Context, *Call) error             { return nil }
func (account) find(_ context.Context, _ *Call) (*State, error) { return nil, nil }
