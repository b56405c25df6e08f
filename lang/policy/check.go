package policy

import (
	"errors"
	"fmt"
	"strings"
)

// The two texts that IAM has for most of what can be wrong.
const (
	syntaxText = "Syntax errors in policy."
	legacyText = "The policy failed legacy parsing"
)

// check refuses what can be read and is no policy of this kind. The order is that in which IAM was seen to refuse documents with
// several faults: the whole document's syntax, its version, effects and dates, the form of resources, statement ids, missing
// elements, and last the texts of resources and of actions. Where principals and the characters of ids come in it is UNCONFIRMED.
func (d *document) check(k kind) error {
	checks := []func(kind) error{d.checkSyntax, d.checkVersion, d.checkLegacy, d.checkPrincipals, d.checkIDs, d.checkElements, d.checkResources, d.checkActions}
	if k == trust {
		checks = []func(kind) error{d.checkSyntax, d.checkLegacy, d.checkPrincipals, d.checkTrust, d.checkIDs}
	}
	for _, c := range checks {
		if err := c(k); err != nil {
			return err
		}
	}
	return nil
}

// at says in which statement something is wrong, for the operator.
func at(i int, text string) error { return fmt.Errorf("statement %d: %s", i, text) }

func (d *document) checkSyntax(k kind) error {
	if len(d.statements) == 0 {
		text := syntaxText
		if k == trust {
			text = "Could not parse the policy: Statement is empty!"
		}
		return malformed(text, errors.New("no statements"))
	}
	for i := range d.statements {
		if e := d.statements[i].effect; !strings.EqualFold(e, "Allow") && !strings.EqualFold(e, "Deny") {
			return malformed(syntaxText, at(i, fmt.Sprintf("effect %q", e)))
		}
	}
	return nil
}

func (d *document) checkVersion(k kind) error {
	if k == managed && d.version != "2012-10-17" {
		return malformed("Policy document must be version 2012-10-17 or greater.", fmt.Errorf("version %q", d.version))
	}
	return nil
}

// checkLegacy refuses effects in the wrong case, values that do not fit their operator, and resources that are no ARNs in a way
// that IAM has no better text for.
func (d *document) checkLegacy(k kind) error {
	for i := range d.statements {
		s := &d.statements[i]
		if s.effect != "Allow" && s.effect != "Deny" {
			return malformed(legacyText, at(i, "effect "+s.effect))
		}
		for _, c := range s.conditions {
			o, set, ifExists, _ := parseOperator(c.operator)
			if _, err := compileCondition(o, set, ifExists, c.key, c.values, d.version == "2012-10-17"); err != nil {
				return malformed(legacyText, fmt.Errorf("statement %d: %s: %w", i, c.operator, err))
			}
		}
	}
	if k == authorizer || k == trust {
		return nil
	}
	for i := range d.statements {
		for _, r := range append(d.statements[i].resource, d.statements[i].notAny...) {
			if resourceFault(r) != "" {
				return nil // that text comes first once the elements are all there
			}
			if parts := strings.SplitN(r, ":", 6); len(parts) > 2 && (parts[2] == "" || len(parts) < 6 && strings.Contains(r, "::")) {
				return malformed(legacyText, at(i, "resource "+r))
			}
		}
	}
	return nil
}

func (d *document) checkPrincipals(k kind) error {
	for i := range d.statements {
		s := &d.statements[i]
		list := append(s.principal, s.notThese...)
		has := s.seen["Principal"] || s.seen["NotPrincipal"]
		switch {
		case k == authorizer:
			continue
		case k == inline || k == managed:
			if has {
				return malformed("Policy document should not specify a principal.", at(i, "principal"))
			}
			continue
		case !has:
			return malformed("Missing required field Principal", at(i, "no principal"))
		case len(list) == 0:
			return malformed("Missing required field Principal cannot be empty!", at(i, "no principal"))
		case k == trust && s.seen["NotPrincipal"] && s.effect == "Allow":
			return malformed("Allow with NotPrincipal is not allowed.", at(i, "NotPrincipal"))
		}
		for _, p := range list {
			var scratch principals
			switch {
			case p.kind == "" && k == trust:
				return malformed(`AssumeRolepolicy contained an invalid principal: "STAR":"*".`, at(i, "principal"))
			case p.kind != "" && !scratch.add(p.kind, p.name):
				kind := p.kind
				if kind != "AWS" {
					kind = strings.ToUpper(kind)
				}
				return malformed(fmt.Sprintf("Invalid principal in policy: %q:%q", kind, p.name), at(i, "principal"))
			}
		}
	}
	return nil
}

func (d *document) checkTrust(kind) error {
	for i := range d.statements {
		s := &d.statements[i]
		switch {
		case s.seen["Resource"]:
			return malformed("Has prohibited field Resource", at(i, "Resource"))
		case s.seen["NotResource"]:
			return malformed("AssumeRole policy must not contain resources.", at(i, "NotResource"))
		case len(s.action)+len(s.notAction) == 0:
			return malformed("Missing required field Action", at(i, "no action"))
		}
		for _, a := range append(s.action, s.notAction...) {
			if len(a) < 5 || !strings.EqualFold(a[:4], "sts:") {
				return malformed("AssumeRole policy may only specify STS AssumeRole actions.", at(i, "action "+a))
			}
		}
	}
	return nil
}

// checkIDs checks what IAM asks of statement ids. Other services have rules of their own for their resources' policies.
func (d *document) checkIDs(k kind) error {
	if k == resourceBased || k == authorizer {
		return nil
	}
	seen := map[string]bool{}
	for i := range d.statements {
		id := d.statements[i].sid
		if seen[id] && id != "" {
			return malformed("Statement IDs (SID) in a single policy must be unique.", at(i, "id "+id))
		}
		seen[id] = true
	}
	for i := range d.statements {
		for _, c := range d.statements[i].sid {
			if (c < '0' || '9' < c) && (c < 'A' || 'Z' < c) && (c < 'a' || 'z' < c) {
				return malformed("Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*",
					at(i, "id "+d.statements[i].sid))
			}
		}
	}
	return nil
}

func (d *document) checkElements(kind) error {
	for i := range d.statements {
		if len(d.statements[i].action)+len(d.statements[i].notAction) == 0 {
			return malformed("Policy statement must contain actions.", at(i, "no actions"))
		}
	}
	for i := range d.statements {
		if len(d.statements[i].resource)+len(d.statements[i].notAny) == 0 {
			return malformed("Policy statement must contain resources.", at(i, "no resources"))
		}
	}
	return nil
}

func (d *document) checkResources(k kind) error {
	if k != inline && k != managed {
		return nil
	}
	for i := range d.statements {
		for _, r := range append(d.statements[i].resource, d.statements[i].notAny...) {
			if text := resourceFault(r); text != "" {
				return malformed(text, at(i, "resource"))
			}
		}
	}
	return nil
}

// iamPaths are what an ARN of IAM may have behind the account.
var iamPaths = []string{"user/", "federated-user/", "role/", "group/", "instance-profile/", "mfa/", "server-certificate/", "policy/",
	"sms-mfa/", "saml-provider/", "oidc-provider/", "report/", "access-report/"}

// resourceFault returns what IAM says about the form of a resource, or "".
func resourceFault(r string) string {
	if r == "*" {
		return ""
	}
	parts := strings.SplitN(r, ":", 6)
	if len(parts) == 1 {
		return fmt.Sprintf("Resource %s must be in ARN format or \"*\".", r)
	}
	if p := parts[1]; p != "aws" && p != "aws-cn" && p != "aws-us-gov" {
		shown := [4]string{"*", "*", "*", "*"}
		copy(shown[:], parts[2:])
		return fmt.Sprintf("Partition %q is not valid for resource \"arn:%s:%s\".", p, p, strings.Join(shown[:], ":"))
	}
	if len(parts) == 2 || strings.ContainsAny(parts[2], "*?") {
		return "Resource vendor must be fully qualified and cannot contain regexes."
	}
	regional := len(parts) < 4 || parts[3] != ""
	switch {
	case parts[2] == "s3" && regional:
		return fmt.Sprintf("Resource %s can not contain region information.", r)
	case parts[2] == "iam" && regional:
		return fmt.Sprintf("IAM resource %s cannot contain region information.", r)
	case parts[2] == "iam" && len(parts) == 6 && parts[5] != "*":
		for _, p := range iamPaths {
			if strings.HasPrefix(parts[5], p) {
				return ""
			}
		}
		return "IAM resource path must either be \"*\" or start with " + strings.Join(iamPaths, ", ") + "."
	}
	return ""
}

func (d *document) checkActions(k kind) error {
	if k == authorizer {
		return nil
	}
	for i := range d.statements {
		for _, a := range append(d.statements[i].action, d.statements[i].notAction...) {
			vendor, name, colon := strings.Cut(a, ":")
			switch {
			case a == "*":
			case !colon:
				return malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.", at(i, "action "+a))
			case strings.Contains(name, ":"):
				return malformed("Actions/Condition can contain only one colon.", at(i, "action "+a))
			case !isVendor(vendor):
				return malformed("Vendor "+vendor+" is not valid", at(i, "action "+a))
			}
		}
	}
	return nil
}
