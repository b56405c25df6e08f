package apigateway

import (
	"context"
	"regexp"

	"github.com/sockgate/sockgate"
)

// accountOut is the account as the wire has it.
type accountOut struct {
	CloudWatchRoleARN string      `json:"cloudwatchRoleArn,omitempty"`
	ThrottleSettings  throttleOut `json:"throttleSettings"`
	Features          []string    `json:"features"`
	APIKeyVersion     string      `json:"apiKeyVersion"`
}

// usagePlans is the feature that every account has had for years.
const usagePlans = "UsagePlans"

func (s *Service) showAccount(a *sockgate.AccountSettings) any {
	return accountOut{CloudWatchRoleARN: a.CloudWatchRoleARN, ThrottleSettings: showThrottle(s.Throttle), Features: []string{usagePlans}, APIKeyVersion: "4"}
}

func (s *Service) getAccount(ctx context.Context, _ *input) (any, error) {
	a, err := s.Catalog.Account(ctx)
	if err != nil {
		return nil, err
	}
	return s.showAccount(a), nil
}

// accountEdit is the account while one call edits it.
type accountEdit struct {
	*sockgate.AccountSettings
	checkRole func(roleARN string) error
}

const (
	maxARN   = 2048 // bytes
	rolePath = "/cloudwatchRoleArn"
)

var roleARN = regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:role/[!-~]+$`)

// accountRules is what can be patched of the account. UNCONFIRMED texts.
var accountRules = []rule[*accountEdit]{
	{path: rolePath, ops: replace, apply: func(e *accountEdit, p *patchOp) error {
		e.CloudWatchRoleARN = p.value()
		switch {
		case e.CloudWatchRoleARN == "": // so tools take the role away
			return nil
		case len(e.CloudWatchRoleARN) > maxARN || !roleARN.MatchString(e.CloudWatchRoleARN):
			return sockgate.Invalidf("Invalid ARN specified in the request")
		case e.checkRole == nil:
			return nil
		}
		return e.checkRole(e.CloudWatchRoleARN)
	}},
	{path: "/features", ops: add | remove, apply: func(_ *accountEdit, p *patchOp) error {
		switch {
		case p.value() != usagePlans:
			return sockgate.Invalidf("Invalid feature specified: %s. Must be one of: [%s]", short(p.value()), usagePlans)
		case *p.Op == "remove":
			return sockgate.Invalidf("Usage Plans cannot be disabled once they are enabled")
		}
		return nil
	}},
}

func (s *Service) updateAccount(ctx context.Context, in *input) (any, error) {
	patches, err := in.readPatches()
	if err != nil {
		return nil, err
	}
	// Who gives API Gateway a role must be allowed to. Source: IAM User Guide, "Grant a user permissions to pass a role to an AWS service".
	for i := range patches {
		if arn := patches[i].value(); patches[i].Path == rolePath && arn != "" {
			if err := in.allowed("iam:PassRole", []string{arn}, map[string][]string{"iam:passedtoservice": {"apigateway.amazonaws.com"}}); err != nil {
				return nil, err
			}
		}
	}
	a, err := s.Catalog.ChangeAccount(ctx, func(a *sockgate.AccountSettings) error {
		return applyPatches(accountRules, &accountEdit{a, s.CheckRole}, patches)
	})
	if err != nil {
		return nil, err
	}
	return s.showAccount(a), nil
}
