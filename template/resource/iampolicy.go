package resource

import (
	"context"
	"reflect"
	"slices"

	"github.com/sockgate/sockgate/template/resource/wire"
)

// inlinePolicy is one document in several roles and users.
type inlinePolicy struct{}

func (p inlinePolicy) holders(props map[string]any) (all []string) {
	for _, r := range textList(props, "Roles") {
		all = append(all, "Role "+r)
	}
	for _, u := range textList(props, "Users") {
		all = append(all, "User "+u)
	}
	return all
}

func (inlinePolicy) params(holder, policy string) (what string, params []string) {
	what, name := holder[:4], holder[5:]
	return what + "Policy", []string{what + "Name", name, "PolicyName", policy}
}

func (p inlinePolicy) put(ctx context.Context, c *Call) error {
	doc, err := documentText(c.Properties["PolicyDocument"])
	if err != nil {
		return err
	}
	for _, h := range p.holders(c.Properties) {
		what, params := p.params(h, text(c.Properties, "PolicyName"))
		if _, err := iam(ctx, c, "Put"+what, append(params, "PolicyDocument", doc)...); err != nil {
			return err
		}
	}
	return nil
}

func (p inlinePolicy) remove(ctx context.Context, c *Call, policy string, holders []string) error {
	for _, h := range holders {
		what, params := p.params(h, policy)
		if _, err := iam(ctx, c, "Delete"+what, params...); err != nil && !wire.NotFound(err) {
			return err
		}
	}
	return nil
}

func (p inlinePolicy) create(ctx context.Context, c *Call) (*State, error) {
	if err := p.put(ctx, c); err != nil {
		return nil, undo(ctx, err, func(ctx context.Context) error {
			return p.remove(ctx, c, text(c.Properties, "PolicyName"), p.holders(c.Properties))
		})
	}
	return &State{PhysicalID: c.Name, Attributes: map[string]any{"Id": c.Name}}, nil
}

func (p inlinePolicy) update(ctx context.Context, c *Call) (*State, error) {
	if err := p.put(ctx, c); err != nil {
		return nil, err
	}
	old, now := text(c.Old.Properties, "PolicyName"), text(c.Properties, "PolicyName")
	var gone []string
	for _, h := range p.holders(c.Old.Properties) {
		if old != now || !slices.Contains(p.holders(c.Properties), h) {
			gone = append(gone, h)
		}
	}
	return &State{PhysicalID: c.Old.PhysicalID, Attributes: c.Old.Attributes}, p.remove(ctx, c, old, gone)
}

func (p inlinePolicy) delete(ctx context.Context, c *Call) error {
	return p.remove(ctx, c, text(c.Old.Properties, "PolicyName"), p.holders(c.Old.Properties))
}

// find removes what may be there: to put it again is the same.
func (p inlinePolicy) find(ctx context.Context, c *Call) (*State, error) {
	return nil, p.remove(ctx, c, text(c.Properties, "PolicyName"), p.holders(c.Properties))
}

// managedPolicy is a policy of its own.
type managedPolicy struct{}

func (m managedPolicy) attach(ctx context.Context, c *Call, arn string, old, now map[string]any) error {
	holders := inlinePolicy{}.holders
	return attach(ctx, c, holders(old), holders(now), func(h string) (string, []string) {
		return h[:4] + "Policy", []string{h[:4] + "Name", h[5:], "PolicyArn", arn}
	})
}

func (m managedPolicy) create(ctx context.Context, c *Call) (*State, error) {
	doc, err := documentText(c.Properties["PolicyDocument"])
	if err != nil {
		return nil, err
	}
	answer, err := iam(ctx, c, "CreatePolicy", "PolicyName", textOr(c.Properties, "ManagedPolicyName", shortName(c.Name, 128)), "PolicyDocument", doc,
		"Path", text(c.Properties, "Path"), "Description", text(c.Properties, "Description"))
	if err != nil {
		return nil, err
	}
	st := policyState(wire.Text(answer, "Policy", "Arn"))
	if err := m.attach(ctx, c, st.PhysicalID, nil, c.Properties); err != nil {
		return nil, undo(ctx, err, func(ctx context.Context) error {
			gone := *c
			gone.Old = &State{PhysicalID: st.PhysicalID, Properties: c.Properties}
			return m.delete(ctx, &gone)
		})
	}
	return st, nil
}

func policyState(arn string) *State {
	return &State{PhysicalID: arn, Attributes: map[string]any{"PolicyArn": arn}}
}

// update makes a new version the default and takes away the others: IAM keeps no more than five.
func (m managedPolicy) update(ctx context.Context, c *Call) (*State, error) {
	arn := c.Old.PhysicalID
	if !reflect.DeepEqual(c.Old.Properties["PolicyDocument"], c.Properties["PolicyDocument"]) {
		doc, err := documentText(c.Properties["PolicyDocument"])
		if err != nil {
			return nil, err
		}
		if err := m.dropVersions(ctx, c, arn); err != nil {
			return nil, err
		}
		if _, err := iam(ctx, c, "CreatePolicyVersion", "PolicyArn", arn, "PolicyDocument", doc, "SetAsDefault", "true"); err != nil {
			return nil, err
		}
	}
	return policyState(arn), m.attach(ctx, c, arn, c.Old.Properties, c.Properties)
}

func (managedPolicy) dropVersions(ctx context.Context, c *Call, arn string) error {
	answer, err := iam(ctx, c, "ListPolicyVersions", "PolicyArn", arn)
	if err != nil {
		return err
	}
	for _, v := range wire.List(answer, "Versions") {
		if wire.Text(v, "IsDefaultVersion") == "true" {
			continue
		}
		if _, err := iam(ctx, c, "DeletePolicyVersion", "PolicyArn", arn, "VersionId", wire.Text(v, "VersionId")); err != nil {
			return err
		}
	}
	return nil
}

func (m managedPolicy) delete(ctx context.Context, c *Call) error {
	arn := c.Old.PhysicalID
	if err := m.attach(ctx, c, arn, c.Old.Properties, nil); err != nil {
		return err
	}
	if err := m.dropVersions(ctx, c, arn); err != nil {
		return err
	}
	_, err := iam(ctx, c, "DeletePolicy", "PolicyArn", arn)
	return err
}

func (m managedPolicy) find(ctx context.Context, c *Call) (*State, error) {
	path := textOr(c.Properties, "Path", "/")
	arn := "arn:aws:iam::" + c.Account + ":policy" + path + textOr(c.Properties, "ManagedPolicyName", shortName(c.Name, 128))
	if _, err := iam(ctx, c, "GetPolicy", "PolicyArn", arn); err != nil {
		return nil, err
	}
	return policyState(arn), m.attach(ctx, c, arn, nil, c.Properties)
}

// accessKey is a user's key. Its secret is kept with the stack, as it can be read only once.
type accessKey struct{}

func (k accessKey) create(ctx context.Context, c *Call) (*State, error) {
	user := text(c.Properties, "UserName")
	answer, err := iam(ctx, c, "CreateAccessKey", "UserName", user)
	if err != nil {
		return nil, err
	}
	st := &State{PhysicalID: wire.Text(answer, "AccessKey", "AccessKeyId"),
		Attributes: map[string]any{"SecretAccessKey": wire.Text(answer, "AccessKey", "SecretAccessKey")}}
	if s := text(c.Properties, "Status"); s != "" && s != "Active" {
		_, err = iam(ctx, c, "UpdateAccessKey", "UserName", user, "AccessKeyId", st.PhysicalID, "Status", s)
	}
	return st, err
}

func (accessKey) update(ctx context.Context, c *Call) (*State, error) {
	_, err := iam(ctx, c, "UpdateAccessKey", "UserName", text(c.Properties, "UserName"), "AccessKeyId", c.Old.PhysicalID,
		"Status", textOr(c.Properties, "Status", "Active"))
	return &State{PhysicalID: c.Old.PhysicalID, Attributes: c.Old.Attributes}, err
}

func (accessKey) delete(ctx context.Context, c *Call) error {
	_, err := iam(ctx, c, "DeleteAccessKey", "UserName", text(c.Old.Properties, "UserName"), "AccessKeyId", c.Old.PhysicalID)
	return err
}

func (accessKey) list(ctx context.Context, c *Call) ([]string, error) {
	answer, err := iam(ctx, c, "ListAccessKeys", "UserName", text(c.Properties, "UserName"))
	var ids []string
	for _, k := range wire.List(answer, "AccessKeyMetadata") {
		ids = append(ids, wire.Text(k, "AccessKeyId"))
	}
	return ids, err
}

// find removes the key that may have been made: nobody knows its secret.
func (k accessKey) find(ctx context.Context, c *Call) (*State, error) {
	ids, err := k.list(ctx, c)
	for _, id := range ids {
		if !accounted(c, id) {
			gone := *c
			gone.Old = &State{PhysicalID: id, Properties: c.Properties}
			if err := k.delete(ctx, &gone); err != nil {
				return nil, err
			}
		}
	}
	return nil, err
}
