package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/sockgate/sockgate"
)

// kind is what a policy is attached to.
type kind uint8

const (
	inline kind = iota
	managed
	resourceBased
	trust
	authorizer
)

// Parse compiles a policy that is embedded in a user, role or session.
//
// Errors are of kind Invalid, as are those of the other Parse functions: their message is the one that IAM gives with the code
// MalformedPolicyDocument, their cause says what is wrong in which statement (counted from 0).
func Parse(doc []byte) (*Policy, error) { return parse(doc, inline) }

// ParseManaged compiles a managed policy, which unlike an embedded one must have the Version 2012-10-17.
func ParseManaged(doc []byte) (*Policy, error) { return parse(doc, managed) }

// ParseResource compiles a policy of a resource, such as a function's. Each statement must have Principal or NotPrincipal.
func ParseResource(doc []byte) (*Policy, error) { return parse(doc, resourceBased) }

// ParseTrust compiles the trust policy of a role. It has principals as one of a resource has, and no resources: whatever is asked of
// it is asked of its role.
func ParseTrust(doc []byte) (*Policy, error) { return parse(doc, trust) }

// ParseAuthorizer compiles the policy in the output of an authorizer function. Principals are not read and neither the form of
// actions nor that of resources is checked, as API Gateway knows what it asks for. The peer is not told what is wrong: it gets a 500.
// Source: reference sections 9.4 and 9.5; that anything else must be as in other policies is UNCONFIRMED.
func ParseAuthorizer(doc []byte) (*Policy, error) { return parse(doc, authorizer) }

// malformed is a refusal with IAM's text for the peer.
func malformed(text string, cause error) error {
	return sockgate.Invalidf("%s", text).Because(cause)
}

func parse(text []byte, k kind) (*Policy, error) {
	if len(text) > MaxDocument {
		return nil, malformed(syntaxText, fmt.Errorf("%d bytes are more than %d", len(text), MaxDocument))
	}
	d, err := readDocument(text, k)
	if err != nil {
		if k == trust && !json.Valid(bytes.TrimSpace(text)) {
			return nil, malformed("This policy contains invalid Json", err)
		}
		return nil, malformed(syntaxText, err)
	}
	if err := d.check(k); err != nil {
		return nil, err
	}
	p := &Policy{statements: make([]statement, len(d.statements))}
	for i := range d.statements {
		if p.statements[i], err = compile(&d.statements[i], k, d.version == "2012-10-17"); err != nil {
			return nil, malformed(legacyText, fmt.Errorf("statement %d: %w", i, err))
		}
	}
	return p, nil
}

// compile compiles a statement that was checked. What can still be wrong are variables and the values of conditions.
func compile(raw *rawStatement, k kind, variables bool) (statement, error) {
	s := statement{sid: raw.sid, deny: raw.effect == "Deny", anyResource: k == trust}
	s.notActions, s.notResources = raw.seen["NotAction"], raw.seen["NotResource"]
	var err error
	if s.actions, err = compileAll(append(raw.action, raw.notAction...), glob, false, true); err != nil {
		return s, err
	}
	if s.resources, err = compileAll(append(raw.resource, raw.notAny...), resource, variables, false); err != nil {
		return s, err
	}
	if k == resourceBased || k == trust {
		s.principals = compilePrincipals(raw)
	}
	for _, c := range raw.conditions {
		o, set, ifExists, ok := parseOperator(c.operator)
		if !ok {
			return s, errors.New("unknown operator " + c.operator) // refused before
		}
		compiled, err := compileCondition(o, set, ifExists, c.key, c.values, variables)
		if err != nil {
			return s, fmt.Errorf("%s: %w", c.operator, err)
		}
		s.conditions = append(s.conditions, compiled)
	}
	return s, nil
}

func compileAll(sources []string, g grammar, variables, fold bool) ([]pattern, error) {
	list := make([]pattern, len(sources))
	for i, source := range sources {
		p, err := compilePattern(source, g, variables, fold)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", source, err)
		}
		list[i] = p
	}
	return list, nil
}

func compilePrincipals(raw *rawStatement) *principals {
	p := &principals{not: raw.seen["NotPrincipal"]}
	for _, r := range append(raw.principal, raw.notThese...) {
		if r.kind == "" {
			p.everyone = true
		} else {
			p.add(r.kind, r.name)
		}
	}
	return p
}

// isVendor reports whether s may stand before the colon of an action.
func isVendor(s string) bool {
	return s == "*" || s != "" && strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz0123456789-.") == ""
}
