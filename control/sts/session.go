package sts

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/awswire"
	"github.com/sockgate/sockgate/lang/policy"
	"github.com/sockgate/sockgate/service/identity"
)

// Source: STS API Reference, "AssumeRole" and "GetSessionToken".
const (
	defaultRole  = time.Hour
	maxChained   = time.Hour // for a role that a role assumes
	defaultToken = 12 * time.Hour
	maxRootToken = time.Hour
	maxTags      = 50
	maxARNs      = 10
)

func seconds(c *call, otherwise time.Duration) time.Duration {
	if n, err := strconv.Atoi(c.get("DurationSeconds")); err == nil {
		return time.Duration(n) * time.Second
	}
	return otherwise
}

func (s *Service) getSessionToken(c *call) (any, error) {
	p := c.req.Principal
	if !p.TokenIssued.IsZero() {
		return nil, refuse(http.StatusForbidden, "AccessDenied", "Cannot call GetSessionToken with session credentials")
	}
	if c.get("SerialNumber") != "" || c.get("TokenCode") != "" {
		return nil, noMFA()
	}
	d := seconds(c, defaultToken)
	if p.Root {
		d = min(d, maxRootToken)
	}
	creds, err := s.directory.UserSession(p, d)
	if err != nil {
		return nil, err
	}
	return struct {
		Credentials credentialsShape
		tokenSize
	}{show(creds), sizeOf(creds)}, nil
}

// tokenSize tells how large a session token is, in bytes and as a percentage of what one may be.
type tokenSize struct {
	Size        int `xml:"SessionTokenSize"`
	Utilization int `xml:"SessionTokenUtilization"`
}

func sizeOf(c sockgate.Credentials) tokenSize {
	n := len(c.SessionToken)
	return tokenSize{n, percent(n, identity.MaxToken)}
}

// percent rounds up, so that what is there is never nothing.
func percent(n, of int) int { return (100*n + of - 1) / of }

// noMFA refuses a device that cannot exist.
func noMFA() error {
	return refuse(http.StatusForbidden, "AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code.")
}

func (s *Service) assumeRole(c *call) (any, error) {
	arn := c.get("RoleArn")
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[1] == "" || parts[2] == "" || parts[5] == "" {
		return nil, invalid("%s is invalid", arn)
	}
	g, err := s.grant(c)
	if err != nil {
		return nil, err
	}
	if c.get("SerialNumber") != "" || c.get("TokenCode") != "" {
		return nil, noMFA()
	}
	keys := c.req.Keys(assumeKeys(c, g))
	if !s.directory.MayAssume(c.req.Principal, arn, "sts:AssumeRole", keys) {
		return nil, awswire.Denied(c.req.Principal, "sts:AssumeRole", arn)
	}
	if len(g.Tags) > 0 && !s.directory.MayAssume(c.req.Principal, arn, "sts:TagSession", keys) {
		return nil, awswire.Denied(c.req.Principal, "sts:TagSession", arn)
	}
	if g.SourceIdentity != "" && !s.directory.MayAssume(c.req.Principal, arn, "sts:SetSourceIdentity", keys) {
		return nil, awswire.Denied(c.req.Principal, "sts:SetSourceIdentity", arn)
	}
	if was := identity.SourceIdentity(c.req.Principal); was != "" && was != g.SourceIdentity { // once set it cannot be changed
		return nil, awswire.Denied(c.req.Principal, "sts:SetSourceIdentity", arn)
	}
	role, ok := s.directory.Role(arn[strings.LastIndexByte(arn, '/')+1:])
	if !ok { // deleted meanwhile
		return nil, awswire.Denied(c.req.Principal, "sts:AssumeRole", arn)
	}
	switch {
	case c.req.Principal.RoleName != "" && g.Duration > maxChained:
		return nil, invalid("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
	case g.Duration > time.Duration(role.MaxSession)*time.Second:
		return nil, invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	creds, who, err := s.directory.RoleSession(role, c.get("RoleSessionName"), g)
	if sockgate.KindOf(err) == sockgate.TooLarge {
		return nil, tooLarge(101)
	}
	if err != nil {
		return nil, err
	}
	type assumed struct {
		ID  string `xml:"AssumedRoleId"`
		ARN string `xml:"Arn"`
	}
	out := struct {
		AssumedRoleUser  assumed
		Credentials      credentialsShape
		PackedPolicySize *int
		SourceIdentity   string `xml:",omitempty"`
		tokenSize
	}{AssumedRoleUser: assumed{who.UserID, who.ARN}, Credentials: show(creds), SourceIdentity: g.SourceIdentity, tokenSize: sizeOf(creds)}
	if n := g.Packed(); n > 0 {
		packed := percent(n, identity.MaxPacked)
		out.PackedPolicySize = &packed
	}
	return out, nil
}

// grant reads what the session is to be good for.
func (s *Service) grant(c *call) (*identity.Grant, error) {
	g := &identity.Grant{Duration: seconds(c, defaultRole), Policy: c.get("Policy"), SourceIdentity: c.get("SourceIdentity")}
	if g.SourceIdentity == "" { // a role that a role assumes keeps it. Source: IAM User Guide, "Monitor and control actions taken with assumed roles"
		g.SourceIdentity = identity.SourceIdentity(c.req.Principal)
	}
	if g.Policy != "" {
		if _, err := policy.Parse([]byte(g.Policy)); err != nil {
			return nil, malformed(err)
		}
	}
	for n := 1; ; n++ {
		arn, there := c.form["PolicyArns.member."+strconv.Itoa(n)+".arn"]
		if !there {
			break
		}
		if n > maxARNs {
			return nil, invalid("1 validation error detected: Value at 'policyArns' failed to satisfy constraint: Member must have length less than or equal to %d", maxARNs)
		}
		if _, ok := s.directory.Policy(arn[0]); !ok {
			return nil, invalid("Policy %s does not exist or is not attachable.", arn[0]) // UNCONFIRMED: code and text
		}
		g.PolicyARNs = append(g.PolicyARNs, arn[0])
	}
	if err := readTags(c, g); err != nil {
		return nil, err
	}
	if n := g.Packed(); n > identity.MaxPacked {
		return nil, tooLarge(percent(n, identity.MaxPacked))
	}
	return g, nil
}

func tooLarge(percent int) error {
	return refuse(http.StatusBadRequest, "PackedPolicyTooLarge", "Packed policy consumes %d%% of allotted space, please use smaller policy.", percent)
}

// readTags reads the session's tags, and adds those that the caller's own session hands on.
func readTags(c *call, g *identity.Grant) error {
	refused := func(text string) error { return refuse(http.StatusBadRequest, "InvalidParameterValue", "%s", text) }
	for n := 1; ; n++ {
		at := "Tags.member." + strconv.Itoa(n)
		key, there := c.form[at+".Key"]
		if !there {
			break
		}
		t := identity.Tag{Key: key[0], Value: c.get(at + ".Value")}
		if n > maxTags || len(t.Key) == 0 || len(t.Key) > 128 || len(t.Value) > 256 {
			return invalid("1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have length less than or equal to %d", maxTags)
		}
		if tagIndex(g.Tags, t.Key) >= 0 {
			return refused("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		g.Tags = append(g.Tags, t)
	}
	g.Transitive = awswire.QueryList(c.form, "TransitiveTagKeys", maxTags)
	for _, k := range g.Transitive {
		if tagIndex(g.Tags, k) < 0 {
			return refused("The specified transitive tag key must be included in the requested tags.")
		}
	}
	for _, t := range identity.SessionTags(c.req.Principal) {
		if tagIndex(g.Tags, t.Key) >= 0 {
			return refused("One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.")
		}
		g.Tags, g.Transitive = append(g.Tags, t), append(g.Transitive, t.Key)
	}
	return nil
}

func tagIndex(tags []identity.Tag, key string) int {
	return slices.IndexFunc(tags, func(t identity.Tag) bool { return strings.EqualFold(t.Key, key) })
}

// assumeKeys are the condition keys that AssumeRole adds. Source: IAM User Guide, "Available keys for AWS STS".
func assumeKeys(c *call, g *identity.Grant) map[string][]string {
	m := map[string][]string{"sts:rolesessionname": {c.get("RoleSessionName")}}
	if v := c.get("ExternalId"); v != "" {
		m["sts:externalid"] = []string{v}
	}
	if g.SourceIdentity != "" {
		m["sts:sourceidentity"] = []string{g.SourceIdentity}
	}
	for _, t := range g.Tags {
		m["aws:requesttag/"+strings.ToLower(t.Key)] = []string{t.Value}
		m["aws:tagkeys"] = append(m["aws:tagkeys"], t.Key)
	}
	if g.Transitive != nil {
		m["sts:transitivetagkeys"] = g.Transitive
	}
	return m
}

func malformed(err error) error {
	text := "Syntax errors in policy."
	if e, ok := errors.AsType[*sockgate.Error](err); ok {
		text = e.Message
	}
	return refuse(http.StatusBadRequest, "MalformedPolicyDocument", "%s", text)
}
