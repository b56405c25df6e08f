package iam

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/sockgate/sockgate/control/awswire"
	"github.com/sockgate/sockgate/lang/policy"
	"github.com/sockgate/sockgate/service/identity"
)

// Source of the quotas: IAM User Guide, "IAM and AWS STS quotas".
const (
	maxManaged  = 6144 // characters of a managed policy, blanks aside
	maxVersions = 5
)

// checkManaged checks the document of a managed policy.
func checkManaged(document string) error {
	if _, err := policy.ParseManaged([]byte(document)); err != nil {
		return malformed(err)
	}
	if visible(document) > maxManaged {
		return overLimit("Cannot exceed quota for PolicySize: %d", maxManaged)
	}
	return nil
}

func (s *Service) createPolicy(c *call) (any, error) {
	name := c.get("PolicyName")
	p := &identity.Policy{Name: name, Path: pathOf(c), Description: c.get("Description"), Tags: c.tags}
	if err := distinct(c.tags, true); err != nil {
		return nil, err
	}
	if err := checkManaged(c.get("PolicyDocument")); err != nil {
		return nil, err
	}
	err := s.directory.Change(c.ctx, func(tx *identity.Changes) error {
		return named(tx.CreatePolicy(p, c.get("PolicyDocument")), nil,
			exists("A policy called %s already exists. Duplicate names are not allowed.", name))
	})
	if err != nil {
		return nil, err
	}
	shape := s.listPolicy(p, uses{})
	shape.Tags = someTags(p.Tags)
	return struct{ Policy policyShape }{shape}, nil
}

// policy returns the policy that the call names.
func (s *Service) policy(c *call) (*identity.Policy, error) {
	p, ok := s.directory.Policy(c.get("PolicyArn"))
	if !ok {
		return nil, noPolicy(c.get("PolicyArn"))
	}
	return p, nil
}

func (s *Service) getPolicy(c *call) (any, error) {
	p, err := s.policy(c)
	if err != nil {
		return nil, err
	}
	shape := s.listPolicy(p, s.uses())
	shape.Description, shape.Tags = p.Description, showTags(p.Tags)
	return struct{ Policy policyShape }{shape}, nil
}

func (s *Service) listPolicies(c *call) (any, error) {
	used := s.uses()
	var found []*identity.Policy
	for _, p := range s.directory.Policies() {
		arn := p.ARN(s.directory.Account())
		switch {
		case c.get("Scope") == "AWS" && !p.AWS, c.get("Scope") == "Local" && p.AWS:
		case !strings.HasPrefix(p.Path, prefixOf(c)):
		case c.get("OnlyAttached") == "true" && used.attached[arn] == 0:
		case c.get("PolicyUsageFilter") == "PermissionsPolicy" && used.attached[arn] == 0:
		case c.get("PolicyUsageFilter") == "PermissionsBoundary" && used.bounding[arn] == 0:
		default:
			found = append(found, p)
		}
	}
	// One of AWS's may have the name of one of ours.
	order := func(p *identity.Policy) string { return p.Name + "\n" + p.ID }
	slices.SortFunc(found, func(a, b *identity.Policy) int { return strings.Compare(order(a), order(b)) })
	some, more, err := page(c, found, order)
	if err != nil {
		return nil, err
	}
	return struct {
		Policies list[policyShape]
		paged
	}{shown(some, func(p *identity.Policy) policyShape { return s.listPolicy(p, used) }), more}, nil
}

// local returns the policy that the call wants to change; AWS's are not anybody's to change.
func (s *Service) local(c *call) (*identity.Policy, error) {
	p, err := s.policy(c)
	if err == nil && p.AWS {
		return nil, refuse(http.StatusForbidden, "AccessDenied", "%s", fmt.Sprintf(
			"User: %s is not authorized to perform: iam:%s on resource: policy %s", c.req.Principal.ARN, c.get("Action"), c.get("PolicyArn")))
	}
	return p, err
}

// editPolicy changes the policy that the call names.
func (s *Service) editPolicy(c *call, edit func(*identity.Policy) error) error {
	return s.directory.Change(c.ctx, func(tx *identity.Changes) error {
		p, err := s.local(c)
		if err != nil {
			return err
		}
		return named(tx.EditPolicy(p.Name, edit), noPolicy(c.get("PolicyArn")), nil)
	})
}

func (s *Service) deletePolicy(c *call) (any, error) {
	return nil, s.directory.Change(c.ctx, func(tx *identity.Changes) error {
		p, err := s.local(c)
		if err != nil {
			return err
		}
		arn, used := c.get("PolicyArn"), s.uses()
		err = tx.DeletePolicy(p.Name, func(p *identity.Policy) error {
			switch {
			case used.attached[arn]+used.bounding[arn] > 0:
				return inUse("Cannot delete a policy attached to entities.")
			case len(p.Versions) > 1:
				return inUse("This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.")
			}
			return nil
		})
		return named(err, noPolicy(arn), nil)
	})
}

type versionShape struct {
	Document         string `xml:",omitempty"`
	VersionID        string `xml:"VersionId"`
	IsDefaultVersion bool
	CreateDate       awswire.QueryTime
}

func showVersion(p *identity.Policy, v *identity.PolicyVersion) versionShape {
	return versionShape{VersionID: v.ID, IsDefaultVersion: v.ID == p.Default, CreateDate: date(v.Created)}
}

func (s *Service) createPolicyVersion(c *call) (any, error) {
	if err := checkManaged(c.get("PolicyDocument")); err != nil {
		return nil, err
	}
	var out struct{ PolicyVersion versionShape }
	return &out, s.editPolicy(c, func(p *identity.Policy) error {
		if len(p.Versions) >= maxVersions {
			return overLimit("A managed policy can have up to %d versions. Before you create a new version, you must delete an existing version.", maxVersions)
		}
		v := identity.PolicyVersion{ID: "v" + strconv.Itoa(p.Next), Document: c.get("PolicyDocument"), Created: s.directory.Now().UTC()}
		p.Next++
		p.Versions = append(p.Versions, v)
		p.Updated = v.Created
		if c.get("SetAsDefault") == "true" {
			p.Default = v.ID
		}
		out.PolicyVersion = showVersion(p, &v)
		return nil
	})
}

func (s *Service) getPolicyVersion(c *call) (any, error) {
	p, ok := s.directory.Policy(c.get("PolicyArn"))
	if !ok {
		return nil, noVersion(c.get("PolicyArn"), c.get("VersionId"))
	}
	v := p.Version(c.get("VersionId"))
	if v == nil {
		return nil, noVersion(c.get("PolicyArn"), c.get("VersionId"))
	}
	shape := showVersion(p, v)
	shape.Document = escapeDocument(v.Document)
	return struct{ PolicyVersion versionShape }{shape}, nil
}

func (s *Service) listPolicyVersions(c *call) (any, error) {
	p, err := s.policy(c)
	if err != nil {
		return nil, err
	}
	newest := slices.Clone(p.Versions)
	slices.Reverse(newest)
	some, more, err := page(c, newest, func(v identity.PolicyVersion) string {
		n, _ := strconv.Atoi(v.ID[1:])
		return fmt.Sprintf("%010d", 1<<30-n)
	})
	if err != nil {
		return nil, err
	}
	return struct {
		Versions list[versionShape]
		paged
	}{shown(some, func(v identity.PolicyVersion) versionShape { return showVersion(p, &v) }), more}, nil
}

func (s *Service) deletePolicyVersion(c *call) (any, error) {
	return nil, s.editVersion(c, func(p *identity.Policy, id string) error {
		if p.Default == id {
			return inUse("Cannot delete the default version of a policy.")
		}
		p.Versions = slices.DeleteFunc(p.Versions, func(v identity.PolicyVersion) bool { return v.ID == id })
		return nil
	})
}

func (s *Service) setDefaultPolicyVersion(c *call) (any, error) {
	return nil, s.editVersion(c, func(p *identity.Policy, id string) error {
		p.Default, p.Updated = id, s.directory.Now().UTC()
		return nil
	})
}

// editVersion changes a policy by a version that it has.
func (s *Service) editVersion(c *call, edit func(p *identity.Policy, id string) error) error {
	arn, id := c.get("PolicyArn"), c.get("VersionId")
	if _, ok := s.directory.Policy(arn); !ok {
		return noVersion(arn, id)
	}
	return s.editPolicy(c, func(p *identity.Policy) error {
		if p.Version(id) == nil {
			return noVersion(arn, id)
		}
		return edit(p, id)
	})
}

func (s *Service) listEntitiesForPolicy(c *call) (any, error) {
	if _, err := s.policy(c); err != nil {
		return nil, err
	}
	type entity struct{ kind, name, id string }
	var found []entity
	arn, filter, usage := c.get("PolicyArn"), c.get("EntityFilter"), c.get("PolicyUsageFilter")
	look := func(kind string, h *identity.Holder) {
		if filter != "" && filter != kind || !strings.HasPrefix(h.Path, prefixOf(c)) {
			return
		}
		if usage != "PermissionsBoundary" && slices.Contains(h.Attached, arn) || usage != "PermissionsPolicy" && h.Boundary == arn {
			found = append(found, entity{kind, h.Name, h.ID})
		}
	}
	for _, r := range s.directory.Roles() {
		look("Role", &r.Holder)
	}
	for _, u := range s.directory.Users() {
		look("User", &u.Holder)
	}
	some, more, err := page(c, found, func(e entity) string { return e.kind + "\n" + e.name })
	if err != nil {
		return nil, err
	}
	type roleEntity struct {
		RoleName string
		RoleID   string `xml:"RoleId"`
	}
	type userEntity struct {
		UserName string
		UserID   string `xml:"UserId"`
	}
	var out struct {
		PolicyGroups list[string]
		PolicyUsers  list[userEntity]
		PolicyRoles  list[roleEntity]
		paged
	}
	for _, e := range some {
		if e.kind == "Role" {
			out.PolicyRoles.Members = append(out.PolicyRoles.Members, roleEntity{e.name, e.id})
		} else {
			out.PolicyUsers.Members = append(out.PolicyUsers.Members, userEntity{e.name, e.id})
		}
	}
	out.paged = more
	return out, nil
}
