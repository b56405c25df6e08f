package iam

import (
	"strings"
	"time"

	"github.com/sockgate/sockgate/service/identity"
)

func (s *Service) createUser(c *call) (any, error) {
	name := c.get("UserName")
	u := &identity.User{Holder: identity.Holder{Name: name, Path: pathOf(c), Tags: c.tags, Boundary: c.get("PermissionsBoundary")}}
	if err := distinct(c.tags, false); err != nil {
		return nil, err
	}
	err := s.directory.Change(c.ctx, func(tx *identity.Changes) error {
		if err := s.checkBoundary(u.Boundary); err != nil {
			return err
		}
		return named(tx.CreateUser(u), nil, exists("User with name %s already exists.", name))
	})
	if err != nil {
		return nil, err
	}
	return struct{ User userShape }{s.showUser(u)}, nil
}

func (s *Service) getUser(c *call) (any, error) {
	if c.get("UserName") == "" && c.req.Principal.Root {
		p := c.req.Principal
		return struct{ User userShape }{userShape{UserID: p.UserID, ARN: p.ARN, CreateDate: date(rootSince)}}, nil
	}
	u, err := s.user(c)
	if err != nil {
		return nil, err
	}
	return struct{ User userShape }{s.showUser(u)}, nil
}

// rootSince stands for the date on which the account was made, which is not known.
var rootSince = time.Date(2015, 2, 6, 0, 0, 0, 0, time.UTC)

// user returns the user that the call is about.
func (s *Service) user(c *call) (*identity.User, error) {
	name, err := userOf(c)
	if err != nil {
		return nil, err
	}
	u, ok := s.directory.User(name)
	if !ok {
		return nil, noUser(name)
	}
	return u, nil
}

func (s *Service) listUsers(c *call) (any, error) {
	var found []*identity.User
	for _, u := range s.directory.Users() {
		if strings.HasPrefix(u.Path, prefixOf(c)) {
			found = append(found, u)
		}
	}
	some, more, err := page(c, found, func(u *identity.User) string { return u.Name })
	if err != nil {
		return nil, err
	}
	return struct {
		Users list[userShape]
		paged
	}{shown(some, s.listUser), more}, nil
}

func (s *Service) updateUser(c *call) (any, error) {
	name, path := c.get("NewUserName"), c.get("NewPath")
	return nil, s.directory.Change(c.ctx, func(tx *identity.Changes) error {
		u, err := s.user(c)
		if err != nil {
			return err
		}
		if name == "" {
			name = u.Name
		}
		if path == "" {
			path = u.Path
		}
		return named(tx.RenameUser(u.Name, name, path), noUser(u.Name), exists("User with name %s already exists.", name))
	})
}

func (s *Service) deleteUser(c *call) (any, error) {
	name := c.get("UserName")
	return nil, s.directory.Change(c.ctx, func(tx *identity.Changes) error {
		err := tx.DeleteUser(name, func(u *identity.User) error {
			if len(u.Keys) > 0 {
				return inUse("Cannot delete entity, must delete access keys first.")
			}
			return deletable(&u.Holder)
		})
		return named(err, noUser(name), nil)
	})
}

// deletable reports whether a user or role holds nothing any more.
func deletable(h *identity.Holder) error {
	switch {
	case len(h.Attached) > 0:
		return inUse("Cannot delete entity, must detach all policies first.")
	case len(h.Inline) > 0:
		return inUse("Cannot delete entity, must delete policies first.")
	}
	return nil
}

func (s *Service) listGroupsForUser(c *call) (any, error) {
	if _, err := s.user(c); err != nil {
		return nil, err
	}
	return struct {
		Groups list[string]
		paged
	}{}, nil
}

// editUser changes the user that the call is about.
func (s *Service) editUser(c *call, edit func(*identity.User) error) error {
	return s.directory.Change(c.ctx, func(tx *identity.Changes) error {
		name, err := userOf(c)
		if err != nil {
			return err
		}
		return named(tx.EditUser(name, edit), noUser(name), nil)
	})
}
