package identity

import (
	"strings"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/policy"
)

// Verdict is whether something is allowed, and if not, why.
type Verdict struct {
	Allowed  bool
	Explicit bool // a statement denies it
	// Reason goes on AWS's sentence of refusal: " because no identity-based policy allows the s3:GetObject action".
	Reason string
}

// Authorize reports whether p may do action on each of resources. The root user may do everything. keys are those of the request;
// those of the principal are added here. keys may be nil. Errors: Forbidden, with AWS's sentence.
//
// Allowed is what a policy of p's own allows, and its permissions boundary and the policies of its session too where there are
// any, and what none of all these denies. Source: IAM User Guide, "Policy evaluation logic".
func (d *Directory) Authorize(p *sockgate.Principal, action string, resources []string, keys policy.Keys) error {
	for _, resource := range resources {
		if v := d.Decide(p, action, resource, keys); !v.Allowed {
			return sockgate.Forbiddenf("User: %s is not authorized to perform: %s on resource: %s%s", p.ARN, action, resource, v.Reason)
		}
	}
	return nil
}

// Decide is Authorize for one resource, with the reason for whoever words the refusal otherwise.
func (d *Directory) Decide(p *sockgate.Principal, action, resource string, keys policy.Keys) Verdict {
	if p == nil {
		return denied(action)
	}
	if p.Root {
		return Verdict{Allowed: true}
	}
	h, s, ok := d.holdingOf(p)
	if !ok {
		return denied(action)
	}
	roleARN := ""
	if p.RoleName != "" {
		roleARN = d.roleARNOf(p)
	}
	r := policy.Request{
		Action: action, Resource: resource, Principal: policyPrincipal(p, roleARN),
		Keys: &principalKeys{p: p, roleARN: roleARN, region: d.cfg.Region, request: keys},
	}
	return d.decide(&r, h, s)
}

func denied(action string) Verdict {
	return Verdict{Reason: " because no identity-based policy allows the " + action + " action"}
}

// holdingOf finds the policies of p, which may have changed since p signed, and its session. Not ok is who does not exist any
// more, and a temporary key whose session is not known, as in a connection's record that was read back from disk.
func (d *Directory) holdingOf(p *sockgate.Principal) (*holding, *session, bool) {
	s, inSession := p.Session.(*session)
	if !inSession && (p.RoleName != "" || !p.TokenIssued.IsZero()) {
		return nil, nil, false
	}
	if p.RoleName != "" {
		r, ok := load[role](&d.roles, keyPart(p.RoleName))
		if !ok || r.doc.ID != s.claims.ID {
			return nil, nil, false
		}
		return &r.holding, s, true
	}
	u, ok := load[user](&d.users, keyPart(p.UserName))
	if !ok || u.doc.ID != p.UserID {
		return nil, nil, false
	}
	return &u.holding, s, true
}

func (d *Directory) roleARNOf(p *sockgate.Principal) string {
	if r, ok := load[role](&d.roles, keyPart(p.RoleName)); ok {
		return r.arn
	}
	if s, ok := p.Session.(*session); ok {
		return "arn:aws:iam::" + d.cfg.Account + ":role" + s.claims.Path + s.claims.Role
	}
	return ""
}

// decide evaluates the three layers. A denial in any of them counts before what another does not allow.
func (d *Directory) decide(r *policy.Request, h *holding, s *session) Verdict {
	var space [8]*policy.Policy
	own := d.gather(append(space[:0], h.inline...), h.attached)
	layers := [3]struct {
		is      bool
		said    policy.Decision
		a, name string
	}{
		{is: true, said: policy.Evaluate(r, own...), a: "an", name: "identity-based policy"},
		{is: h.boundary != "", a: "a", name: "permissions boundary"},
		{is: s != nil && (s.policies != nil || s.claims.PolicyARNs != nil), a: "a", name: "session policy"},
	}
	if layers[1].is {
		layers[1].said = policy.Evaluate(r, d.gather(space[:0], []string{h.boundary})...)
	}
	if layers[2].is {
		layers[2].said = policy.Evaluate(r, d.gather(append(space[:0], s.policies...), s.claims.PolicyARNs)...)
	}
	for _, l := range layers {
		if l.is && l.said == policy.ExplicitDeny {
			return Verdict{Explicit: true, Reason: " with an explicit deny in " + l.a + " " + l.name}
		}
	}
	for _, l := range layers {
		if l.is && l.said != policy.Allow {
			return Verdict{Reason: " because no " + l.name + " allows the " + r.Action + " action"}
		}
	}
	return Verdict{Allowed: true}
}

// gather adds the managed policies with these ARNs. One that is gone allows nothing.
func (d *Directory) gather(to []*policy.Policy, arns []string) []*policy.Policy {
	for _, arn := range arns {
		if m, ok := load[managed](&d.policies, arn); ok {
			to = append(to, m.current)
		}
	}
	return to
}

// principalKeys adds the condition keys that say who asks. Source: IAM User Guide, "AWS global condition context keys".
type principalKeys struct {
	p       *sockgate.Principal
	roleARN string // of an assumed role
	region  string
	request policy.Keys // may be nil
}

func (k *principalKeys) Key(name string) ([]string, bool) {
	p := k.p
	switch name {
	case "aws:principalarn":
		if k.roleARN != "" {
			return []string{k.roleARN}, true
		}
		return []string{p.ARN}, true
	case "aws:principalaccount":
		return []string{p.AccountID}, true
	case "aws:principaltype":
		return []string{principalType(p)}, true
	case "aws:principalisawsservice", "aws:viaawsservice":
		return []string{"false"}, true
	case "aws:userid":
		return []string{p.UserID}, true
	case "aws:username":
		return []string{p.UserName}, p.UserName != ""
	case "aws:tokenissuetime":
		return []string{p.TokenIssued.UTC().Format(time.RFC3339)}, !p.TokenIssued.IsZero()
	case "aws:multifactorauthpresent":
		return []string{"false"}, !p.TokenIssued.IsZero() // long-term keys do not have it
	case "aws:requestedregion":
		return []string{k.region}, true
	case "aws:resourceaccount": // there is one account
		return []string{p.AccountID}, true
	case "aws:sourceidentity":
		source := SourceIdentity(p)
		return []string{source}, source != ""
	}
	if tag, ok := strings.CutPrefix(name, "aws:principaltag/"); ok {
		for key, value := range p.Tags {
			if strings.EqualFold(key, tag) {
				return []string{value}, true
			}
		}
		return nil, false
	}
	if k.request == nil {
		return nil, false
	}
	return k.request.Key(name)
}

func policyPrincipal(p *sockgate.Principal, roleARN string) policy.Principal {
	return policy.Principal{ARN: p.ARN, RoleARN: roleARN, AccountID: p.AccountID}
}

func principalType(p *sockgate.Principal) string {
	switch {
	case p.Root:
		return "Account"
	case p.RoleName != "":
		return "AssumedRole"
	}
	return "User"
}
