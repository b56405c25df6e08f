package iam

import (
	"slices"
	"strings"

	"github.com/sockgate/sockgate/service/identity"
)

// Tag keys of users and roles are compared in any case, those of policies as they are.

// distinct refuses tags with the same key.
func distinct(tags []identity.Tag, exact bool) error {
	for i, t := range tags {
		if strings.HasPrefix(lower(t.Key), "aws:") {
			return invalidInput("Tag keys beginning with aws: are reserved for system use.")
		}
		for _, other := range tags[:i] {
			if exact && other.Key == t.Key {
				return invalidInput("Duplicate tag keys found.")
			}
			if !exact && strings.EqualFold(other.Key, t.Key) {
				return invalidInput("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
			}
		}
	}
	return nil
}

func equalKeys(a, b string, exact bool) bool {
	if exact {
		return a == b
	}
	return strings.EqualFold(a, b)
}

// addTags adds tags; one whose key is there already takes its place.
func addTags(to *[]identity.Tag, tags []identity.Tag, exact bool) error {
	if err := distinct(tags, exact); err != nil {
		return err
	}
	next := slices.Clone(*to)
	for _, t := range tags {
		i := slices.IndexFunc(next, func(o identity.Tag) bool { return equalKeys(o.Key, t.Key, exact) })
		if i >= 0 {
			next[i] = t
		} else {
			next = append(next, t)
		}
	}
	if len(next) > maxTags {
		return overLimit("The number of tags has reached the maximum limit.")
	}
	*to = next
	return nil
}

func removeTags(from *[]identity.Tag, keys []string, exact bool) {
	*from = slices.DeleteFunc(slices.Clone(*from), func(t identity.Tag) bool {
		return slices.ContainsFunc(keys, func(k string) bool { return equalKeys(k, t.Key, exact) })
	})
}

func listTags(c *call, tags []identity.Tag) (any, error) {
	sorted := slices.Clone(tags)
	slices.SortFunc(sorted, func(a, b identity.Tag) int { return strings.Compare(a.Key, b.Key) })
	some, more, err := page(c, sorted, func(t identity.Tag) string { return t.Key })
	return struct {
		Tags *list[tagShape]
		paged
	}{showTags(some), more}, err
}

func (s *Service) tagUser(c *call) (any, error) {
	return nil, s.editUser(c, func(u *identity.User) error { return addTags(&u.Tags, c.tags, false) })
}

func (s *Service) untagUser(c *call) (any, error) {
	return nil, s.editUser(c, func(u *identity.User) error { removeTags(&u.Tags, c.keys, false); return nil })
}

func (s *Service) listUserTags(c *call) (any, error) {
	u, err := s.user(c)
	if err != nil {
		return nil, err
	}
	return listTags(c, u.Tags)
}

func (s *Service) tagRole(c *call) (any, error) {
	return nil, s.editRole(c, func(r *identity.Role) error { return addTags(&r.Tags, c.tags, false) })
}

func (s *Service) untagRole(c *call) (any, error) {
	return nil, s.editRole(c, func(r *identity.Role) error { removeTags(&r.Tags, c.keys, false); return nil })
}

func (s *Service) listRoleTags(c *call) (any, error) {
	r, err := s.role(c)
	if err != nil {
		return nil, err
	}
	return listTags(c, r.Tags)
}

func (s *Service) tagPolicy(c *call) (any, error) {
	return nil, s.editPolicy(c, func(p *identity.Policy) error { return addTags(&p.Tags, c.tags, true) })
}

func (s *Service) untagPolicy(c *call) (any, error) {
	return nil, s.editPolicy(c, func(p *identity.Policy) error { removeTags(&p.Tags, c.keys, true); return nil })
}

func (s *Service) listPolicyTags(c *call) (any, error) {
	p, err := s.policy(c)
	if err != nil {
		return nil, err
	}
	return listTags(c, p.Tags)
}
