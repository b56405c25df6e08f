package identity

import (
	"strings"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/policy"
)

// MayAssume reports whether p may assume the role with this ARN by action ("sts:AssumeRole", "sts:TagSession").
//
// The role's trust policy must let p in. If it names p itself, or everybody, that is enough; if it names p's account, a policy of
// p's own must allow the action too. What p's own policies deny, it may not in either case. Source: IAM User Guide,
// "Policy evaluation logic", on resource-based policies within one account.
//
// The root user needs to be let in as well. AWS lets it assume no role at all; here it is often the only user there is.
func (d *Directory) MayAssume(p *sockgate.Principal, roleARN, action string, keys policy.Keys) bool {
	r, ok := d.roleByARN(roleARN)
	if !ok {
		return false
	}
	assumed := ""
	if p.RoleName != "" {
		assumed = d.roleARNOf(p)
	}
	ask := policy.Request{
		Action: action, Resource: roleARN, Principal: policyPrincipal(p, assumed),
		Keys: &principalKeys{p: p, roleARN: assumed, region: d.cfg.Region, request: keys},
	}
	if policy.Evaluate(&ask, r.trust) != policy.Allow {
		return false
	}
	if p.Root {
		return true
	}
	h, s, ok := d.holdingOf(p)
	if !ok {
		return false
	}
	if d.decide(&ask, h, s).Allowed {
		return true
	}
	// Without the account, only what names p itself is left.
	named := ask
	named.Principal.AccountID = ""
	if policy.Evaluate(&named, r.trust) != policy.Allow {
		return false
	}
	return !d.denies(&ask, h, s)
}

// denies reports whether any of p's own policies denies r, or whether its boundary or session does not reach that far.
func (d *Directory) denies(r *policy.Request, h *holding, s *session) bool {
	if policy.Evaluate(r, d.gather(append([]*policy.Policy(nil), h.inline...), h.attached)...) == policy.ExplicitDeny {
		return true
	}
	bounded := *h
	bounded.inline, bounded.attached = []*policy.Policy{everything}, nil
	return !d.decide(r, &bounded, s).Allowed
}

// ServiceMayAssume reports whether the role with this ARN exists and its trust policy lets a service ("lambda.amazonaws.com") in.
func (d *Directory) ServiceMayAssume(roleARN, service string) bool {
	r, ok := d.roleByARN(roleARN)
	if !ok {
		return false
	}
	ask := policy.Request{
		Action: "sts:AssumeRole", Resource: roleARN, Principal: policy.Principal{Service: service},
		Keys: serviceKeys{account: d.cfg.Account},
	}
	return policy.Evaluate(&ask, r.trust) == policy.Allow
}

// AllowsRole reports whether service may assume the role and the role may then do action on resource, as with an integration's
// credentialsArn. keys are those of the request and may be nil. Errors: Forbidden, whose cause names what is missing.
func (d *Directory) AllowsRole(roleARN, service, action, resource string, keys policy.Keys) error {
	r, ok := d.roleByARN(roleARN)
	if !ok {
		return sockgate.Forbiddenf("The role %s does not exist", roleARN)
	}
	if !d.ServiceMayAssume(roleARN, service) {
		return sockgate.Forbiddenf("The trust policy of %s does not let %s assume it", roleARN, service)
	}
	return d.Authorize(d.rolePrincipal(r), action, []string{resource}, keys)
}

// backplane is the session name that API Gateway uses.
const backplane = "BackplaneAssumeRoleSession"

func (d *Directory) roleByARN(arn string) (*role, bool) {
	_, name, ok := d.splitRole(arn)
	if !ok {
		return nil, false
	}
	r, ok := load[role](&d.roles, keyPart(name))
	return r, ok && r.arn == arn
}

// serviceKeys are the condition keys of a service that assumes a role for the account's own resources.
type serviceKeys struct{ account string }

func (k serviceKeys) Key(name string) ([]string, bool) {
	if name == "aws:sourceaccount" {
		return []string{k.account}, true
	}
	return nil, false
}

// PrincipalOf returns who would sign as the user or role with this ARN.
func (d *Directory) PrincipalOf(arn string) (*sockgate.Principal, bool) {
	if r, ok := d.roleByARN(arn); ok {
		return d.rolePrincipal(r), true
	}
	name := arn[strings.LastIndexByte(arn, '/')+1:]
	u, ok := load[user](&d.users, keyPart(name))
	if !ok || u.doc.ARN(d.cfg.Account) != arn {
		return nil, false
	}
	return d.userPrincipal(u.doc, "", tagMap(u.doc.Tags)), true
}

func (d *Directory) rolePrincipal(r *role) *sockgate.Principal {
	return &sockgate.Principal{
		AccountID: d.cfg.Account, RoleName: r.doc.Name, SessionName: backplane, ARN: d.sessionARN(r.doc.Name, backplane),
		UserID: r.doc.ID + ":" + backplane, Tags: tagMap(r.doc.Tags), Session: &session{claims: claims{ID: r.doc.ID}},
	}
}
