package resource

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/sockgate/sockgate/template/resource/wire"
)

// usagePlan is the provider of usage plans.
type usagePlan struct{}

const plans = "/usageplans"

func (usagePlan) body(c *Call) map[string]any {
	body, _ := onWire(usagePlanShape, c.Properties).(map[string]any)
	delete(body, "usagePlanName")
	body["name"] = textOr(c.Properties, "UsagePlanName", c.Name)
	if tags := tagMap(c.Properties); len(tags) > 0 {
		body["tags"] = tags
	} else {
		delete(body, "tags")
	}
	return body
}

func (usagePlan) state(id string) *State {
	return &State{PhysicalID: id, Attributes: map[string]any{"Id": id}}
}

func (p usagePlan) create(ctx context.Context, c *Call) (*State, error) {
	answer, err := c.Client.REST(ctx, "apigateway", http.MethodPost, plans, p.body(c))
	if err != nil {
		return nil, err
	}
	return p.state(wire.Text(answer, "id")), nil
}

// update sends one PATCH with what changed. A stage's limits are set by removing and adding the stage.
func (p usagePlan) update(ctx context.Context, c *Call) (*State, error) {
	old, now := c.Old.Properties, c.Properties
	if c.Again {
		var err error
		if old, err = p.actual(ctx, c); err != nil {
			return nil, err
		}
	}
	var ops []any
	if !reflect.DeepEqual(old["UsagePlanName"], now["UsagePlanName"]) {
		ops = append(ops, patch("replace", "/name", textOr(now, "UsagePlanName", c.Name)))
	}
	if !reflect.DeepEqual(old["Description"], now["Description"]) {
		ops = append(ops, patch("replace", "/description", now["Description"]))
	}
	ops = append(ops, limitPatches("/throttle", []string{"BurstLimit", "RateLimit"}, old["Throttle"], now["Throttle"])...)
	ops = append(ops, limitPatches("/quota", []string{"Limit", "Offset", "Period"}, old["Quota"], now["Quota"])...)
	ops = append(ops, stagePatches(old, now)...)
	id := c.Old.PhysicalID
	if len(ops) > 0 {
		if _, err := c.Client.REST(ctx, "apigateway", http.MethodPatch, plans+"/"+id, map[string]any{"patchOperations": ops}); err != nil {
			return nil, err
		}
	}
	return p.state(id), retagV1(ctx, c, plans)
}

// actual is c.Old.Properties with the stages that the plan really has.
func (usagePlan) actual(ctx context.Context, c *Call) (map[string]any, error) {
	answer, err := c.Client.REST(ctx, "apigateway", http.MethodGet, plans+"/"+url.PathEscape(c.Old.PhysicalID), nil)
	if err != nil {
		return nil, err
	}
	var stages []any
	for _, s := range wire.List(answer, "apiStages") {
		stages = append(stages, map[string]any{"ApiId": wire.Text(s, "apiId"), "Stage": wire.Text(s, "stage"), "Throttle": "unknown"})
	}
	old := maps.Clone(c.Old.Properties)
	old["ApiStages"] = stages
	return old, nil
}

func limitPatches(path string, members []string, before, after any) (ops []any) {
	if reflect.DeepEqual(before, after) {
		return nil
	}
	if is, ok := after.(map[string]any); !ok || len(is) == 0 {
		return []any{map[string]any{"op": "remove", "path": path}}
	}
	for _, m := range members {
		if v := wire.At(after, m); v != nil {
			ops = append(ops, patch("replace", path+"/"+lowerFirst(m), v))
		} else if m == "Offset" && wire.At(before, m) != nil {
			ops = append(ops, patch("replace", path+"/offset", "0"))
		}
	}
	return ops
}

func stagePatches(old, now map[string]any) (ops []any) {
	stages := func(props map[string]any) map[string]any {
		all := map[string]any{}
		for _, s := range wire.List(props, "ApiStages") {
			all[wire.Text(s, "ApiId")+":"+wire.Text(s, "Stage")] = s
		}
		return all
	}
	before, after := stages(old), stages(now)
	for _, k := range slices.Sorted(maps.Keys(before)) {
		if !reflect.DeepEqual(before[k], after[k]) {
			ops = append(ops, patch("remove", "/apiStages", k))
		}
	}
	escape := strings.NewReplacer("~", "~0", "/", "~1")
	for _, k := range slices.Sorted(maps.Keys(after)) {
		if reflect.DeepEqual(before[k], after[k]) {
			continue
		}
		ops = append(ops, patch("add", "/apiStages", k))
		limits, _ := wire.At(after[k], "Throttle").(map[string]any)
		for _, route := range slices.Sorted(maps.Keys(limits)) {
			for _, m := range []string{"BurstLimit", "RateLimit"} {
				if v := wire.At(limits[route], m); v != nil {
					ops = append(ops, patch("replace", "/apiStages/"+escape.Replace(k)+"/throttle/"+escape.Replace(route)+"/"+lowerFirst(m), v))
				}
			}
		}
	}
	return ops
}

// delete first takes the stages off the plan, without which API Gateway refuses.
func (p usagePlan) delete(ctx context.Context, c *Call) error {
	path := plans + "/" + url.PathEscape(c.Old.PhysicalID)
	answer, err := c.Client.REST(ctx, "apigateway", http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	var ops []any
	for _, s := range wire.List(answer, "apiStages") {
		ops = append(ops, patch("remove", "/apiStages", wire.Text(s, "apiId")+":"+wire.Text(s, "stage")))
	}
	if len(ops) > 0 {
		if _, err := c.Client.REST(ctx, "apigateway", http.MethodPatch, path, map[string]any{"patchOperations": ops}); err != nil {
			return err
		}
	}
	_, err = c.Client.REST(ctx, "apigateway", http.MethodDelete, path, nil)
	return err
}

func (usagePlan) list(ctx context.Context, c *Call) ([]string, error) { return v1IDs(ctx, c, plans) }

func (p usagePlan) find(ctx context.Context, c *Call) (*State, error) {
	item, err := findV1(ctx, c, plans, map[string]any{"name": textOr(c.Properties, "UsagePlanName", c.Name)})
	if item == nil {
		return nil, err
	}
	return p.state(wire.Text(item, "id")), nil
}
