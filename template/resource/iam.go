package resource

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strconv"

	"github.com/sockgate/sockgate/template/resource/wire"
)

// The types of IAM. Source: AWS CloudFormation Template Reference, "AWS Identity and Access Management".
var iamTypes = []*Type{
	{Name: "AWS::IAM::Role", named: "RoleName", attributes: []string{"Arn", "RoleId"}, provider: principal{"Role", roleShape}, shape: roleShape},
	{Name: "AWS::IAM::User", named: "UserName", attributes: []string{"Arn"}, provider: principal{"User", userShape}, shape: userShape},
	{
		Name: "AWS::IAM::Policy", attributes: []string{"Id"}, provider: inlinePolicy{},
		shape: object(need("PolicyDocument", anything()), need("PolicyName", str()), opt("Roles", listOf(str())).back([]any{}),
			opt("Users", listOf(str())).back([]any{}), refused("Groups", "cannot be used: there are no groups")),
	},
	{
		Name: "AWS::IAM::ManagedPolicy", named: "ManagedPolicyName", attributes: []string{"PolicyArn"}, provider: managedPolicy{},
		shape: object(need("PolicyDocument", anything()), fixed("ManagedPolicyName", str()), fixed("Path", str()), fixed("Description", str()),
			opt("Roles", listOf(str())).back([]any{}), opt("Users", listOf(str())).back([]any{}), refused("Groups", "cannot be used: there are no groups")),
	},
	{
		Name: "AWS::IAM::AccessKey", attributes: []string{"SecretAccessKey"}, provider: accessKey{}, secret: []string{"SecretAccessKey"},
		shape: object(needFixed("UserName", str()), fixed("Serial", whole()), opt("Status", str()).back("Active")),
	},
}

var (
	inline    = listOf(object(need("PolicyName", str()), need("PolicyDocument", anything())))
	roleShape = object(
		fixed("RoleName", str()),
		need("AssumeRolePolicyDocument", anything()),
		opt("Description", str()).back(""),
		opt("ManagedPolicyArns", listOf(str())).back([]any{}),
		opt("MaxSessionDuration", whole()).back(3600),
		fixed("Path", str()),
		opt("PermissionsBoundary", str()).back(""),
		opt("Policies", inline).back([]any{}),
		opt("Tags", tagList()).back([]any{}),
	)
	userShape = object(
		fixed("UserName", str()),
		opt("ManagedPolicyArns", listOf(str())).back([]any{}),
		fixed("Path", str()),
		opt("PermissionsBoundary", str()).back(""),
		opt("Policies", inline).back([]any{}),
		opt("Tags", tagList()).back([]any{}),
		refused("LoginProfile", notBuilt),
		refused("Groups", "cannot be used: there are no groups"),
	)
)

// iam makes one call; names and values alternate, and empty values are left out.
func iam(ctx context.Context, c *Call, action string, params ...string) (map[string]any, error) {
	form := url.Values{}
	for i := 0; i < len(params); i += 2 {
		if params[i+1] != "" {
			form.Set(params[i], params[i+1])
		}
	}
	return c.Client.Query(ctx, "iam", "2010-05-08", action, form)
}

// documentText is a policy as the API wants it.
func documentText(v any) (string, error) {
	if s, ok := v.(string); ok {
		return s, nil
	}
	b, err := json.Marshal(v)
	return string(b), err
}

func tagParams(props map[string]any) (params []string) {
	for i, t := range wire.List(props, "Tags") {
		n := "Tags.member." + strconv.Itoa(i+1)
		params = append(params, n+".Key", wire.Text(t, "Key"))
		if v := wire.Text(t, "Value"); v != "" {
			params = append(params, n+".Value", v)
		}
	}
	return params
}

// principal is the provider of roles and users, whose calls differ by a word.
type principal struct {
	what  string // "Role" or "User"
	shape *shape
}

func (p principal) name(c *Call) string {
	return textOr(c.Properties, p.what+"Name", shortName(c.Name, 64))
}

func (p principal) state(name string, answer map[string]any) *State {
	st := &State{PhysicalID: name, Attributes: map[string]any{"Arn": wire.Text(answer, p.what, "Arn")}}
	if p.what == "Role" {
		st.Attributes["RoleId"] = wire.Text(answer, "Role", "RoleId")
	}
	return st
}

func (p principal) create(ctx context.Context, c *Call) (*State, error) {
	name := p.name(c)
	params := []string{p.what + "Name", name, "Path", text(c.Properties, "Path"), "PermissionsBoundary", text(c.Properties, "PermissionsBoundary")}
	if p.what == "Role" {
		trust, err := documentText(c.Properties["AssumeRolePolicyDocument"])
		if err != nil {
			return nil, err
		}
		params = append(params, "AssumeRolePolicyDocument", trust, "Description", text(c.Properties, "Description"),
			"MaxSessionDuration", text(c.Properties, "MaxSessionDuration"))
	}
	answer, err := iam(ctx, c, "Create"+p.what, append(params, tagParams(c.Properties)...)...)
	if err != nil {
		return nil, err
	}
	st := p.state(name, answer)
	if err := p.policies(ctx, c, name, nil, c.Properties); err != nil {
		return nil, undo(ctx, err, func(ctx context.Context) error {
			gone := *c
			gone.Old = &State{PhysicalID: name, Properties: c.Properties}
			return p.delete(ctx, &gone)
		})
	}
	return st, nil
}

// policies brings a principal's inline and attached policies from old to now.
func (p principal) policies(ctx context.Context, c *Call, name string, old, now map[string]any) error {
	was, is := inlineOf(old), inlineOf(now)
	who := []string{p.what + "Name", name}
	for _, n := range names(was, is) {
		var err error
		if is[n] == nil {
			_, err = iam(ctx, c, "Delete"+p.what+"Policy", append(who, "PolicyName", n)...)
			if wire.NotFound(err) {
				err = nil
			}
		} else if !reflect.DeepEqual(was[n], is[n]) {
			var doc string
			if doc, err = documentText(is[n]); err == nil {
				_, err = iam(ctx, c, "Put"+p.what+"Policy", append(who, "PolicyName", n, "PolicyDocument", doc)...)
			}
		}
		if err != nil {
			return err
		}
	}
	return attach(ctx, c, textList(old, "ManagedPolicyArns"), textList(now, "ManagedPolicyArns"), func(arn string) (string, []string) {
		return p.what + "Policy", append(who, "PolicyArn", arn)
	})
}

// attach detaches what is only in before and attaches what is only in after.
func attach(ctx context.Context, c *Call, before, after []string, call func(string) (what string, params []string)) error {
	for _, item := range before {
		if !slices.Contains(after, item) {
			what, params := call(item)
			if _, err := iam(ctx, c, "Detach"+what, params...); err != nil && !wire.NotFound(err) {
				return err
			}
		}
	}
	for _, item := range after {
		if !slices.Contains(before, item) {
			what, params := call(item)
			if _, err := iam(ctx, c, "Attach"+what, params...); err != nil {
				return err
			}
		}
	}
	return nil
}

func inlineOf(props map[string]any) map[string]any {
	all := map[string]any{}
	for _, p := range wire.List(props, "Policies") {
		all[wire.Text(p, "PolicyName")] = wire.At(p, "PolicyDocument")
	}
	return all
}

func textList(props map[string]any, name string) (all []string) {
	for _, v := range wire.List(props, name) {
		all = append(all, fmt.Sprint(v))
	}
	return all
}

func (p principal) update(ctx context.Context, c *Call) (*State, error) {
	old, now, name := c.Old.Properties, c.Properties, c.Old.PhysicalID
	who := []string{p.what + "Name", name}
	differs := func(property string) bool { return !reflect.DeepEqual(old[property], now[property]) }
	if p.what == "Role" && differs("AssumeRolePolicyDocument") {
		doc, err := documentText(now["AssumeRolePolicyDocument"])
		if err != nil {
			return nil, err
		}
		if _, err := iam(ctx, c, "UpdateAssumeRolePolicy", append(who, "PolicyDocument", doc)...); err != nil {
			return nil, err
		}
	}
	if p.what == "Role" && (differs("Description") || differs("MaxSessionDuration")) {
		form := url.Values{"RoleName": {name}, "Description": {text(now, "Description")}, "MaxSessionDuration": {textOr(now, "MaxSessionDuration", "3600")}}
		if _, err := c.Client.Query(ctx, "iam", "2010-05-08", "UpdateRole", form); err != nil {
			return nil, err
		}
	}
	if differs("PermissionsBoundary") {
		var err error
		if b := text(now, "PermissionsBoundary"); b != "" {
			_, err = iam(ctx, c, "Put"+p.what+"PermissionsBoundary", append(who, "PermissionsBoundary", b)...)
		} else {
			_, err = iam(ctx, c, "Delete"+p.what+"PermissionsBoundary", who...)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := p.policies(ctx, c, name, old, now); err != nil {
		return nil, err
	}
	if differs("Tags") {
		if err := p.retag(ctx, c, who); err != nil {
			return nil, err
		}
	}
	return &State{PhysicalID: name, Attributes: c.Old.Attributes}, nil
}

func (p principal) retag(ctx context.Context, c *Call, who []string) error {
	if gone := goneTags(c); len(gone) > 0 {
		params := slices.Clone(who)
		for i, k := range gone {
			params = append(params, "TagKeys.member."+strconv.Itoa(i+1), k)
		}
		if _, err := iam(ctx, c, "Untag"+p.what, params...); err != nil {
			return err
		}
	}
	if len(wire.List(c.Properties, "Tags")) == 0 {
		return nil
	}
	_, err := iam(ctx, c, "Tag"+p.what, append(slices.Clone(who), tagParams(c.Properties)...)...)
	return err
}

// delete takes away every policy, also those that others gave, without which IAM refuses. What other policies of the same stack gave is
// gone by then.
func (p principal) delete(ctx context.Context, c *Call) error {
	name := c.Old.PhysicalID
	who := []string{p.what + "Name", name}
	if err := p.policies(ctx, c, name, c.Old.Properties, nil); err != nil {
		return err
	}
	_, err := iam(ctx, c, "Delete"+p.what, who...)
	return err
}

func (p principal) find(ctx context.Context, c *Call) (*State, error) {
	name := p.name(c)
	answer, err := iam(ctx, c, "Get"+p.what, p.what+"Name", name)
	if err != nil {
		return nil, err
	}
	// Its policies may have been given or not: to give them again changes nothing.
	return p.state(name, answer), p.policies(ctx, c, name, nil, c.Properties)
}
