package iam

import (
	"errors"
	"strings"

	"github.com/sockgate/sockgate"
)

// permit asks whether the caller may do action on resource and, when it creates something with tags, whether it may tag it.
func permit(c *call, action, resource string) error {
	keys := conditionKeys(c)
	if err := c.req.Allowed("iam:"+action, []string{resource}, keys); err != nil {
		return reworded(err, resource, spoken(c, action, resource))
	}
	if kind, created := strings.CutPrefix(action, "Create"); created && len(c.tags) > 0 {
		return c.req.Allowed("iam:Tag"+kind, []string{resource}, keys)
	}
	return nil
}

// mayBecome asks whether the caller may make a user what UpdateUser says: the permission is needed for the old name and path and for the
// new. Source: IAM API Reference, UpdateUser.
func mayBecome(s *Service, c *call) error {
	u, err := s.user(c)
	if err != nil {
		return err
	}
	next := *u
	if name := c.get("NewUserName"); name != "" {
		next.Name = name
	}
	if path := c.get("NewPath"); path != "" {
		next.Path = path
	}
	account := s.directory.Account()
	if next.ARN(account) == u.ARN(account) {
		return nil
	}
	return c.req.Allowed("iam:UpdateUser", []string{next.ARN(account)}, conditionKeys(c))
}

// spoken is how IAM names a resource when it refuses: often not by the ARN that policies are asked about.
// Source: refusals quoted in public issues, for each of these forms.
func spoken(c *call, action, arn string) string {
	switch {
	case action == "CreatePolicy":
		return "policy " + c.get("PolicyName")
	case action == "ListPolicies":
		return "policy path " + prefixOf(c)
	case action == "GetAccessKeyLastUsed":
		return "access key " + c.get("AccessKeyId")
	case arn == c.get("PolicyArn"):
		return "policy " + arn
	case action == "CreateUser", action == "CreateRole", strings.HasPrefix(action, "Tag"), strings.HasPrefix(action, "Untag"):
		return arn
	case c.get("RoleName") != "":
		return "role " + c.get("RoleName")
	case strings.Contains(arn, ":user/") && !strings.HasSuffix(arn, "/"):
		return "user " + arn[strings.LastIndexByte(arn, '/')+1:]
	}
	return arn
}

// reworded names the resource of a refusal otherwise.
func reworded(err error, arn, name string) error {
	e, ok := errors.AsType[*sockgate.Error](err)
	if !ok || e.Kind != sockgate.Forbidden {
		return err
	}
	other := *e
	other.Message = strings.Replace(e.Message, " on resource: "+arn, " on resource: "+name, 1)
	return &other
}
