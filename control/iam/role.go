package iam

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/sockgate/sockgate/lang/policy"
	"github.com/sockgate/sockgate/service/identity"
)

const (
	defaultSession = 3600 // seconds
	// maxTrust is how many characters a trust policy may have, blanks aside. Source: IAM User Guide, "IAM and AWS STS quotas".
	maxTrust = 2048
)

func (s *Service) createRole(c *call) (any, error) {
	name := c.get("RoleName")
	r := &identity.Role{
		Holder:      identity.Holder{Name: name, Path: pathOf(c), Tags: c.tags, Boundary: c.get("PermissionsBoundary")},
		Description: c.get("Description"), MaxSession: defaultSession, Trust: c.get("AssumeRolePolicyDocument"),
	}
	if n, err := strconv.Atoi(c.get("MaxSessionDuration")); err == nil {
		r.MaxSession = n
	}
	if err := distinct(c.tags, false); err != nil {
		return nil, err
	}
	if err := checkTrust(r.Trust); err != nil {
		return nil, err
	}
	err := s.directory.Change(c.ctx, func(tx *identity.Changes) error {
		if err := s.checkBoundary(r.Boundary); err != nil {
			return err
		}
		return named(tx.CreateRole(r), nil, exists("Role with name %s already exists.", name))
	})
	if err != nil {
		return nil, err
	}
	return struct{ Role roleShape }{s.newRole(r)}, nil
}

// checkTrust checks a trust policy. That the principals in it exist is not asked, other than on AWS.
func checkTrust(document string) error {
	if _, err := policy.ParseTrust([]byte(document)); err != nil {
		return malformed(err)
	}
	if visible(document) > maxTrust {
		return overLimit("Cannot exceed quota for ACLSizePerRole: %d", maxTrust)
	}
	return nil
}

// visible counts the characters of a policy document as quotas do: without blanks.
func visible(document string) (n int) {
	for _, r := range document {
		if !unicode.IsSpace(r) {
			n++
		}
	}
	return n
}

func (s *Service) role(c *call) (*identity.Role, error) {
	r, ok := s.directory.Role(c.get("RoleName"))
	if !ok {
		return nil, noRole(c.get("RoleName"))
	}
	return r, nil
}

func (s *Service) getRole(c *call) (any, error) {
	r, err := s.role(c)
	if err != nil {
		return nil, err
	}
	return struct{ Role roleShape }{s.showRole(r)}, nil
}

func (s *Service) listRoles(c *call) (any, error) {
	var found []*identity.Role
	for _, r := range s.directory.Roles() {
		if strings.HasPrefix(r.Path, prefixOf(c)) {
			found = append(found, r)
		}
	}
	some, more, err := page(c, found, func(r *identity.Role) string { return r.Name })
	if err != nil {
		return nil, err
	}
	return struct {
		Roles list[roleShape]
		paged
	}{shown(some, s.listRole), more}, nil
}

func (s *Service) updateRole(c *call) (any, error) {
	type nothing struct{}
	return nothing{}, s.editRole(c, func(r *identity.Role) error {
		if c.form.Has("Description") {
			r.Description = c.get("Description")
		}
		if n, err := strconv.Atoi(c.get("MaxSessionDuration")); err == nil {
			r.MaxSession = n
		}
		return nil
	})
}

func (s *Service) updateRoleDescription(c *call) (any, error) {
	var out struct{ Role roleShape }
	return &out, s.editRole(c, func(r *identity.Role) error {
		r.Description = c.get("Description")
		out.Role = s.newRole(r)
		out.Role.Description = r.Description
		return nil
	})
}

func (s *Service) updateAssumeRolePolicy(c *call) (any, error) {
	if err := checkTrust(c.get("PolicyDocument")); err != nil {
		return nil, err
	}
	return nil, s.editRole(c, func(r *identity.Role) error {
		r.Trust = c.get("PolicyDocument")
		return nil
	})
}

func (s *Service) deleteRole(c *call) (any, error) {
	name := c.get("RoleName")
	return nil, s.directory.Change(c.ctx, func(tx *identity.Changes) error {
		return named(tx.DeleteRole(name, func(r *identity.Role) error { return deletable(&r.Holder) }), noRole(name), nil)
	})
}

func (s *Service) listInstanceProfilesForRole(c *call) (any, error) {
	if _, err := s.role(c); err != nil {
		return nil, err
	}
	return struct {
		InstanceProfiles list[string]
		paged
	}{}, nil
}

// editRole changes the role that the call is about.
func (s *Service) editRole(c *call, edit func(*identity.Role) error) error {
	return s.directory.Change(c.ctx, func(tx *identity.Changes) error {
		name := c.get("RoleName")
		return named(tx.EditRole(name, edit), noRole(name), nil)
	})
}
