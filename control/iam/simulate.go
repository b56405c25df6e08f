package iam

import (
	"strconv"
	"strings"

	"github.com/sockgate/sockgate/control/awswire"
)

// maxSimulated bounds the questions of one simulation, actions times resources.
const maxSimulated = 1000

type evaluationShape struct {
	Action   string       `xml:"EvalActionName"`
	Resource string       `xml:"EvalResourceName"`
	Decision string       `xml:"EvalDecision"`
	Matched  list[string] `xml:"MatchedStatements"`
	Missing  list[string] `xml:"MissingContextValues"`
}

// simulatePrincipalPolicy says what the policies of a user or role decide. Which statements decided is not told, and policies
// beyond those of the principal are not taken.
func (s *Service) simulatePrincipalPolicy(c *call) (any, error) {
	arn := c.get("PolicySourceArn")
	p, ok := s.directory.PrincipalOf(arn)
	if !ok {
		return nil, noSuch("The policy source ARN (%s) cannot be found.", arn) // UNCONFIRMED: the text
	}
	for name := range c.form {
		for _, further := range [...]string{"PolicyInputList.", "PermissionsBoundaryPolicyInputList.", "ResourcePolicy", "CallerArn"} {
			if strings.HasPrefix(name, further) {
				return nil, awswire.NotBuilt(s.Name(), "SimulatePrincipalPolicy with "+strings.TrimSuffix(further, "."))
			}
		}
	}
	actions := awswire.QueryList(c.form, "ActionNames", maxSimulated)
	resources := awswire.QueryList(c.form, "ResourceArns", maxSimulated)
	if len(resources) == 0 {
		resources = []string{"*"}
	}
	switch {
	case len(actions) == 0:
		return nil, invalid("1 validation error detected: %s", fault("ActionNames", "Member must not be null"))
	case len(actions)*len(resources) > maxSimulated:
		return nil, invalidInput("At most %d decisions can be simulated at once.", maxSimulated)
	}
	keys := contextEntries(c)
	var found []evaluationShape
	for _, action := range actions {
		for _, resource := range resources {
			v := s.directory.Decide(p, action, resource, keys)
			e := evaluationShape{Action: action, Resource: resource, Decision: "implicitDeny"}
			switch {
			case v.Allowed:
				e.Decision = "allowed"
			case v.Explicit:
				e.Decision = "explicitDeny"
			}
			found = append(found, e)
		}
	}
	return struct {
		EvaluationResults list[evaluationShape]
		paged
	}{list[evaluationShape]{found}, paged{}}, nil
}

// supposed are condition keys by their names in lower case.
type supposed map[string][]string

func (s supposed) Key(name string) ([]string, bool) {
	v, ok := s[name]
	return v, ok
}

// contextEntries reads the condition keys that the caller supposes.
func contextEntries(c *call) supposed {
	m := supposed{}
	for n := 1; n <= maxSimulated; n++ {
		at := "ContextEntries.member." + strconv.Itoa(n)
		name := c.get(at + ".ContextKeyName")
		if name == "" {
			break
		}
		m[lower(name)] = awswire.QueryList(c.form, at+".ContextKeyValues", maxSimulated)
	}
	return m
}
