package iam

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/sockgate/sockgate/control/awswire"
	"github.com/sockgate/sockgate/service/identity"
)

// maxKeys is how many access keys a user may have. Source: IAM User Guide, "IAM and AWS STS quotas".
const maxKeys = 2

type keyShape struct {
	UserName    string `xml:",omitempty"`
	AccessKeyID string `xml:"AccessKeyId"`
	Status      string
	Secret      string `xml:"SecretAccessKey,omitempty"`
	CreateDate  awswire.QueryTime
}

func showKey(u *identity.User, k identity.AccessKey, secret string) keyShape {
	status := "Active"
	if !k.Active {
		status = "Inactive"
	}
	return keyShape{u.Name, k.ID, status, secret, date(k.Created)}
}

func (s *Service) createAccessKey(c *call) (any, error) {
	var out struct{ AccessKey keyShape }
	return &out, s.directory.Change(c.ctx, func(tx *identity.Changes) error {
		name, err := userOf(c)
		if err != nil {
			return err
		}
		k, secret := tx.NewKey()
		err = tx.EditUser(name, func(u *identity.User) error {
			if len(u.Keys) >= maxKeys {
				return overLimit("Cannot exceed quota for AccessKeysPerUser: %d", maxKeys)
			}
			u.Keys = append(u.Keys, k)
			out.AccessKey = showKey(u, k, secret)
			return nil
		})
		return named(err, noUser(name), nil)
	})
}

func (s *Service) listAccessKeys(c *call) (any, error) {
	if p := c.req.Principal; c.get("UserName") == "" && p.Root && p.TokenIssued.IsZero() {
		return struct {
			Keys list[keyShape] `xml:"AccessKeyMetadata"`
			paged
		}{Keys: list[keyShape]{[]keyShape{{AccessKeyID: p.AccessKeyID, Status: "Active", CreateDate: date(rootSince)}}}}, nil
	}
	u, err := s.user(c)
	if err != nil {
		return nil, err
	}
	keys := slices.Clone(u.Keys)
	slices.SortFunc(keys, func(a, b identity.AccessKey) int { return slices.Compare([]byte(a.ID), []byte(b.ID)) })
	some, more, err := page(c, keys, func(k identity.AccessKey) string { return k.ID })
	if err != nil {
		return nil, err
	}
	return struct {
		UserName string
		Keys     list[keyShape] `xml:"AccessKeyMetadata"`
		paged
	}{u.Name, shown(some, func(k identity.AccessKey) keyShape { return showKey(u, k, "") }), more}, nil
}

func (s *Service) updateAccessKey(c *call) (any, error) {
	if c.get("Status") == "Expired" { // in AWS's model, for other things than access keys
		return nil, invalid("1 validation error detected: %s", fault("Status", "Member must satisfy enum value set: [Active, Inactive]"))
	}
	return nil, s.editUser(c, func(u *identity.User) error {
		i, err := findKey(u, c.get("AccessKeyId"))
		if err != nil {
			return err
		}
		u.Keys[i].Active = c.get("Status") == "Active"
		return nil
	})
}

func (s *Service) deleteAccessKey(c *call) (any, error) {
	return nil, s.editUser(c, func(u *identity.User) error {
		i, err := findKey(u, c.get("AccessKeyId"))
		if err != nil {
			return err
		}
		u.Keys = slices.Delete(u.Keys, i, i+1)
		return nil
	})
}

func findKey(u *identity.User, id string) (int, error) {
	i := slices.IndexFunc(u.Keys, func(k identity.AccessKey) bool { return k.ID == id })
	if i < 0 {
		return i, noSuch("The Access Key with id %s cannot be found.", id)
	}
	return i, nil
}

// getAccessKeyLastUsed knows of uses since this process began.
func (s *Service) getAccessKeyLastUsed(c *call) (any, error) {
	id := c.get("AccessKeyId")
	u, use, ok := s.directory.KeyOwner(id)
	if !ok {
		return nil, refuse(http.StatusForbidden, "AccessDenied", "%s", fmt.Sprintf(
			"User: %s is not authorized to perform iam:GetAccessKeyLastUsed on resource: access key %s", c.req.Principal.ARN, id))
	}
	type lastUsed struct {
		LastUsedDate *awswire.QueryTime
		Region       string
		ServiceName  string
	}
	last := lastUsed{Region: "N/A", ServiceName: "N/A"}
	if use != nil {
		at := date(use.At)
		last = lastUsed{&at, use.Region, use.Service}
	}
	return struct {
		UserName          string
		AccessKeyLastUsed lastUsed
	}{u.Name, last}, nil
}
