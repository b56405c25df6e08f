package iam

import (
	"maps"
	"slices"
	"strings"

	"github.com/sockgate/sockgate/lang/policy"
	"github.com/sockgate/sockgate/service/identity"
)

// What users and roles have in common: inline policies, attached policies, a boundary and tags.

// Source of the quotas: IAM User Guide, "IAM and AWS STS quotas".
const (
	maxInlineUser = 2048  // characters of all inline policies of a user, blanks aside
	maxInlineRole = 10240 // of a role
	maxAttached   = 10    // managed policies of one user or role
)

func (s *Service) putUserPolicy(c *call) (any, error) {
	if _, err := policy.Parse([]byte(c.get("PolicyDocument"))); err != nil {
		return nil, malformed(err)
	}
	return nil, s.editUser(c, func(u *identity.User) error { return putInline(c, &u.Holder, "user", maxInlineUser) })
}

func (s *Service) putRolePolicy(c *call) (any, error) {
	if _, err := policy.Parse([]byte(c.get("PolicyDocument"))); err != nil {
		return nil, malformed(err)
	}
	return nil, s.editRole(c, func(r *identity.Role) error { return putInline(c, &r.Holder, "role", maxInlineRole) })
}

func putInline(c *call, h *identity.Holder, what string, limit int) error {
	if h.Inline == nil {
		h.Inline = make(map[string]string)
	}
	h.Inline[c.get("PolicyName")] = c.get("PolicyDocument")
	sum := 0
	for _, document := range h.Inline {
		sum += visible(document)
	}
	if sum > limit {
		return overLimit("Maximum policy size of %d bytes exceeded for %s %s", limit, what, h.Name)
	}
	return nil
}

type inlineShape struct {
	UserName       string `xml:",omitempty"`
	RoleName       string `xml:",omitempty"`
	PolicyName     string
	PolicyDocument string
}

func (s *Service) getUserPolicy(c *call) (any, error) {
	u, err := s.user(c)
	if err != nil {
		return nil, err
	}
	document, err := inline(c, &u.Holder, "user")
	return inlineShape{UserName: u.Name, PolicyName: c.get("PolicyName"), PolicyDocument: document}, err
}

func (s *Service) getRolePolicy(c *call) (any, error) {
	r, err := s.role(c)
	if err != nil {
		return nil, err
	}
	document, err := inline(c, &r.Holder, "role")
	return inlineShape{RoleName: r.Name, PolicyName: c.get("PolicyName"), PolicyDocument: document}, err
}

func inline(c *call, h *identity.Holder, what string) (string, error) {
	document, ok := h.Inline[c.get("PolicyName")]
	if !ok {
		return "", noSuch("The %s policy with name %s cannot be found.", what, c.get("PolicyName"))
	}
	return escapeDocument(document), nil
}

func (s *Service) listUserPolicies(c *call) (any, error) {
	u, err := s.user(c)
	if err != nil {
		return nil, err
	}
	return listInline(c, &u.Holder)
}

func (s *Service) listRolePolicies(c *call) (any, error) {
	r, err := s.role(c)
	if err != nil {
		return nil, err
	}
	return listInline(c, &r.Holder)
}

func listInline(c *call, h *identity.Holder) (any, error) {
	some, more, err := page(c, slices.Sorted(maps.Keys(h.Inline)), same)
	return struct {
		PolicyNames list[string]
		paged
	}{list[string]{some}, more}, err
}

func (s *Service) deleteUserPolicy(c *call) (any, error) {
	return nil, s.editUser(c, func(u *identity.User) error { return deleteInline(c, &u.Holder, "user") })
}

func (s *Service) deleteRolePolicy(c *call) (any, error) {
	return nil, s.editRole(c, func(r *identity.Role) error { return deleteInline(c, &r.Holder, "role") })
}

func deleteInline(c *call, h *identity.Holder, what string) error {
	if _, err := inline(c, h, what); err != nil {
		return err
	}
	delete(h.Inline, c.get("PolicyName"))
	return nil
}

func (s *Service) attachUserPolicy(c *call) (any, error) {
	return nil, s.editUser(c, func(u *identity.User) error { return s.attach(c, &u.Holder, "User") })
}

func (s *Service) attachRolePolicy(c *call) (any, error) {
	return nil, s.editRole(c, func(r *identity.Role) error { return s.attach(c, &r.Holder, "Role") })
}

// attach attaches a policy; one that is attached already stays so.
func (s *Service) attach(c *call, h *identity.Holder, what string) error {
	arn, err := givenPolicy(s, c)
	if err != nil {
		return err
	}
	if _, ok := s.directory.Policy(arn); !ok {
		return noSuch("Policy %s does not exist or is not attachable.", arn)
	}
	if slices.Contains(h.Attached, arn) {
		return nil
	}
	if len(h.Attached) >= maxAttached {
		return overLimit("Cannot exceed quota for PoliciesPer%s: %d", what, maxAttached)
	}
	h.Attached = append(h.Attached, arn)
	return nil
}

func (s *Service) detachUserPolicy(c *call) (any, error) {
	return nil, s.editUser(c, func(u *identity.User) error { return s.detach(c, &u.Holder) })
}

func (s *Service) detachRolePolicy(c *call) (any, error) {
	return nil, s.editRole(c, func(r *identity.Role) error { return s.detach(c, &r.Holder) })
}

func (s *Service) detach(c *call, h *identity.Holder) error {
	arn, err := givenPolicy(s, c)
	if err != nil {
		return err
	}
	i := slices.Index(h.Attached, arn)
	if i < 0 {
		return noPolicy(arn)
	}
	h.Attached = slices.Delete(h.Attached, i, i+1)
	return nil
}

type attachedShape struct {
	PolicyName string
	PolicyARN  string `xml:"PolicyArn"`
}

func (s *Service) listAttachedUserPolicies(c *call) (any, error) {
	u, err := s.user(c)
	if err != nil {
		return nil, err
	}
	return s.listAttached(c, &u.Holder)
}

func (s *Service) listAttachedRolePolicies(c *call) (any, error) {
	r, err := s.role(c)
	if err != nil {
		return nil, err
	}
	return s.listAttached(c, &r.Holder)
}

func (s *Service) listAttached(c *call, h *identity.Holder) (any, error) {
	var found []attachedShape
	for _, arn := range h.Attached {
		name := arn[strings.LastIndexByte(arn, '/')+1:]
		if p, ok := s.directory.Policy(arn); !ok || strings.HasPrefix(p.Path, prefixOf(c)) {
			found = append(found, attachedShape{name, arn})
		}
	}
	slices.SortFunc(found, func(a, b attachedShape) int { return strings.Compare(a.PolicyARN, b.PolicyARN) })
	some, more, err := page(c, found, func(a attachedShape) string { return a.PolicyARN })
	return struct {
		AttachedPolicies list[attachedShape]
		paged
	}{list[attachedShape]{some}, more}, err
}

// checkBoundary checks that a permissions boundary is a policy; "" is none.
func (s *Service) checkBoundary(arn string) error {
	if arn == "" {
		return nil
	}
	if !policyLike(arn) {
		return invalidInput("ARN %s is not valid.", arn)
	}
	if _, ok := s.directory.Policy(arn); !ok {
		return noSuch("Scope ARN: %s does not exist or is not attachable.", arn)
	}
	return nil
}

func (s *Service) setBoundary(h *identity.Holder, arn string) error {
	if err := s.checkBoundary(arn); err != nil {
		return err
	}
	h.Boundary = arn
	return nil
}

func (s *Service) putUserBoundary(c *call) (any, error) {
	return nil, s.editUser(c, func(u *identity.User) error { return s.setBoundary(&u.Holder, c.get("PermissionsBoundary")) })
}

func (s *Service) deleteUserBoundary(c *call) (any, error) {
	return nil, s.editUser(c, func(u *identity.User) error { return s.setBoundary(&u.Holder, "") })
}

func (s *Service) putRoleBoundary(c *call) (any, error) {
	return nil, s.editRole(c, func(r *identity.Role) error { return s.setBoundary(&r.Holder, c.get("PermissionsBoundary")) })
}

func (s *Service) deleteRoleBoundary(c *call) (any, error) {
	return nil, s.editRole(c, func(r *identity.Role) error { return s.setBoundary(&r.Holder, "") })
}
