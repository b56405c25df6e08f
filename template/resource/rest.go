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

// rest is the provider of types whose API is a REST collection with PATCH, which is all of API Gateway v2.
type rest struct {
	shape      *shape // of the type
	collection string // "/v2/apis/{ApiId}/routes"; names in braces are properties
	id         string // the member of an answer that names the item
	// attributes are what Fn::GetAtt gives: attribute → member of an answer ("a.0.b" goes into lists).
	attributes map[string]string
	// same are the properties by which an item is recognised; none means all.
	same []string
	// tags is the ARN of the item for its tags, "{id}" standing for it, or "".
	tags string
	// prepare changes a body before it is sent.
	prepare func(body map[string]any) error
}

func (r *rest) attributeMembers() map[string]string { return r.attributes }

func (r *rest) path(props map[string]any) string {
	path := r.collection
	for {
		before, rest, found := strings.Cut(path, "{")
		if !found {
			return path
		}
		name, after, _ := strings.Cut(rest, "}")
		path = before + url.PathEscape(text(props, name)) + after
	}
}

func (r *rest) item(props map[string]any, id string) string {
	return r.path(props) + "/" + url.PathEscape(id)
}

func (r *rest) body(props map[string]any, creating bool) (map[string]any, error) {
	body := make(map[string]any, len(props))
	for name, v := range props {
		if m := r.shape.member(name); m != nil && !m.outside && (creating || !m.created) {
			body[m.onWire()] = onWire(m.shape, v)
		}
	}
	if r.prepare != nil {
		if err := r.prepare(body); err != nil {
			return nil, err
		}
	}
	return body, nil
}

func (r *rest) state(answer map[string]any) *State {
	st := &State{PhysicalID: wire.Text(answer, r.id), Attributes: map[string]any{}}
	for name, member := range r.attributes {
		if v := dig(answer, member); v != nil {
			st.Attributes[name] = v
		}
	}
	return st
}

// dig follows a path of names and list indexes.
func dig(v any, path string) any {
	for name := range strings.SplitSeq(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[name]
		case []any:
			var i int
			if _, err := fmt.Sscan(name, &i); err != nil || i >= len(at) {
				return nil
			}
			v = at[i]
		default:
			return nil
		}
	}
	return v
}

func (r *rest) create(ctx context.Context, c *Call) (*State, error) {
	body, err := r.body(c.Properties, true)
	if err != nil {
		return nil, err
	}
	answer, err := c.Client.REST(ctx, "apigateway", http.MethodPost, r.path(c.Properties), body)
	if err != nil {
		return nil, err
	}
	return r.state(answer), nil
}

func (r *rest) update(ctx context.Context, c *Call) (*State, error) {
	item := r.item(c.Properties, c.Old.PhysicalID)
	changed := make(map[string]any)
	for _, name := range names(c.Old.Properties, c.Properties) {
		m := r.shape.member(name)
		before, after := c.Old.Properties[name], c.Properties[name]
		if m == nil || m.outside || m.created || reflect.DeepEqual(before, after) {
			continue
		}
		if m.replacedBy(before, after) {
			return r.rebuild(ctx, c)
		}
		if after == nil {
			after = m.reset
		}
		if after == (kept{}) {
			continue
		}
		if m.kind == mapping && m.lessen != "" {
			var err error
			if after, err = r.lessen(ctx, c, m, item, before, after); err != nil {
				return nil, err
			}
		}
		if after != nil {
			changed[name] = after
		}
	}
	body, err := r.body(changed, false)
	if err != nil {
		return nil, err
	}
	if err := r.retag(ctx, c); err != nil {
		return nil, err
	}
	var answer map[string]any
	if len(body) > 0 {
		answer, err = c.Client.REST(ctx, "apigateway", http.MethodPatch, item, body)
	} else {
		answer, err = c.Client.REST(ctx, "apigateway", http.MethodGet, item, nil)
	}
	if err != nil {
		return nil, err
	}
	return r.state(answer), nil
}

// rebuild is update for what cannot be changed and cannot stand beside its successor.
func (r *rest) rebuild(ctx context.Context, c *Call) (*State, error) {
	if err := r.delete(ctx, c); err != nil && !wire.NotFound(err) {
		return nil, err
	}
	if c.Again { // what the interrupted rebuild may have made
		if st, err := r.find(ctx, c); err == nil && st != nil {
			made := *c
			made.Old = &State{PhysicalID: st.PhysicalID, Properties: c.Properties}
			if err := r.delete(ctx, &made); err != nil && !wire.NotFound(err) {
				return nil, err
			}
		}
	}
	st, err := r.create(ctx, c)
	if err != nil {
		back := *c
		back.Properties = c.Old.Properties
		if st, oldErr := r.create(context.WithoutCancel(ctx), &back); oldErr == nil {
			c.Old.PhysicalID = st.PhysicalID
		}
	}
	return st, err
}

// lessen takes away the entries of a mapping that are gone, and returns what is left to send.
func (r *rest) lessen(ctx context.Context, c *Call, m *member, item string, before, after any) (any, error) {
	was, _ := before.(map[string]any)
	is, _ := after.(map[string]any)
	is = maps.Clone(is)
	for _, key := range slices.Sorted(maps.Keys(was)) {
		if _, there := is[key]; there {
			continue
		}
		if m.lessen == blanks {
			if is == nil {
				is = map[string]any{}
			}
			is[key] = ""
			continue
		}
		_, err := c.Client.REST(ctx, "apigateway", http.MethodDelete, item+m.lessen+url.PathEscape(key), nil)
		if err != nil && !wire.NotFound(err) {
			return nil, err
		}
	}
	if len(is) == 0 {
		return nil, nil
	}
	return is, nil
}

// retag brings the item's tags from the old to the new.
func (r *rest) retag(ctx context.Context, c *Call) error {
	before, _ := c.Old.Properties["Tags"].(map[string]any)
	after, _ := c.Properties["Tags"].(map[string]any)
	if r.tags == "" || reflect.DeepEqual(before, after) {
		return nil
	}
	arn := strings.NewReplacer("{region}", c.Region, "{id}", c.Old.PhysicalID, "{ApiId}", text(c.Properties, "ApiId")).Replace(r.tags)
	path := "/v2/tags/" + url.PathEscape(arn)
	gone := url.Values{}
	for key := range before {
		if _, there := after[key]; !there {
			gone.Add("tagKeys", key)
		}
	}
	if len(gone) > 0 {
		if _, err := c.Client.REST(ctx, "apigateway", http.MethodDelete, path+"?"+gone.Encode(), nil); err != nil {
			return err
		}
	}
	if len(after) == 0 {
		return nil
	}
	_, err := c.Client.REST(ctx, "apigateway", http.MethodPost, path, map[string]any{"tags": after})
	return err
}

func (r *rest) delete(ctx context.Context, c *Call) error {
	_, err := c.Client.REST(ctx, "apigateway", http.MethodDelete, r.item(c.Old.Properties, c.Old.PhysicalID), nil)
	return err
}

// items returns the whole collection.
func (r *rest) items(ctx context.Context, c *Call) ([]map[string]any, error) {
	var all []map[string]any
	next := ""
	for {
		query := url.Values{"maxResults": {"500"}}
		if next != "" {
			query.Set("nextToken", next)
		}
		answer, err := c.Client.REST(ctx, "apigateway", http.MethodGet, r.path(c.Properties)+"?"+query.Encode(), nil)
		if err != nil {
			return nil, err
		}
		for _, item := range wire.List(answer, "items") {
			if m, ok := item.(map[string]any); ok && m["autoDeployed"] != true {
				all = append(all, m)
			}
		}
		if next = wire.Text(answer, "nextToken"); next == "" {
			return all, nil
		}
	}
}

func (r *rest) list(ctx context.Context, c *Call) ([]string, error) {
	items, err := r.items(ctx, c)
	var ids []string
	for _, item := range items {
		ids = append(ids, wire.Text(item, r.id))
	}
	return ids, err
}

func (r *rest) find(ctx context.Context, c *Call) (*State, error) {
	body, err := r.body(c.Properties, true)
	if err != nil {
		return nil, err
	}
	if r.same != nil {
		some := make(map[string]any, len(r.same))
		for _, name := range r.same {
			if m := r.shape.member(name); m != nil && body[m.onWire()] != nil {
				some[m.onWire()] = body[m.onWire()]
			}
		}
		body = some
	}
	items, err := r.items(ctx, c)
	if err != nil {
		return nil, err
	}
	for _, item := range items {
		id := wire.Text(item, r.id)
		if !accounted(c, id) && covers(item, body) {
			return r.state(item), nil
		}
	}
	return nil, nil
}

// covers reports whether a tree has all that part has.
func covers(tree, part any) bool {
	want, ok := part.(map[string]any)
	if !ok {
		return fmt.Sprint(tree) == fmt.Sprint(part)
	}
	have, ok := tree.(map[string]any)
	if !ok {
		return len(want) == 0
	}
	for k, v := range want {
		if !covers(have[k], v) {
			return false
		}
	}
	return true
}
