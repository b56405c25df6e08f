package identity

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/policy"
	"github.com/sockgate/sockgate/lang/sigv4"
)

// A session token is its own record: the claims below, sealed with a key that all nodes share. Nothing is stored for a session,
// and a token is good on every node and after a restart. It ends with its time, or when its user or role is deleted.

// claims are what a session token says. The secret of its key is in it, so that nothing needs to be looked up.
type claims struct {
	Secret  string    `json:"s"`
	Issued  time.Time `json:"i"`
	Expires time.Time `json:"e"`

	Root string `json:"r,omitempty"` // access key id of the root user, for one of its sessions
	User string `json:"u,omitempty"` // name
	Role string `json:"o,omitempty"` // name
	Path string `json:"h,omitempty"` // of a role that did not exist
	ID   string `json:"d,omitempty"` // of the user or role; empty when the role did not exist
	Name string `json:"n,omitempty"` // the session's

	Policy     string   `json:"p,omitempty"` // session policy
	PolicyARNs []string `json:"a,omitempty"`
	Tags       []Tag    `json:"t,omitempty"`
	Transitive []string `json:"v,omitempty"` // keys of the tags that go on to the next role
	Source     string   `json:"x,omitempty"` // source identity, which goes on too
}

// Grant is what a temporary key is to be good for.
type Grant struct {
	Duration   time.Duration
	Policy     string   // session policy, or ""
	PolicyARNs []string // managed policies as session policies
	Tags       []Tag
	Transitive []string // tag keys
	// SourceIdentity is who is behind the session, whatever roles it assumes on its way; or "".
	SourceIdentity string
}

// MaxPacked bounds what a session's policy and tags may take of its token, in bytes. AWS has a bound and does not publish it.
const MaxPacked = 4096

// MaxToken bounds a session token, in bytes, so that it fits into a request's head with everything else.
const MaxToken = 12 << 10

// Packed returns how many bytes the grant's policies and tags take.
func (g *Grant) Packed() int {
	n := len(g.Policy)
	for _, arn := range g.PolicyARNs {
		n += len(arn)
	}
	for _, t := range g.Tags {
		n += len(t.Key) + len(t.Value)
	}
	return n
}

// session is what Principal.Session holds of temporary credentials.
type session struct {
	claims   claims
	policies []*policy.Policy // session policies; the managed ones are looked up
}

// openedSession is a token that was opened. It is remembered, as every request of a session brings its token.
type openedSession struct {
	token     string
	session   *session
	subject   any // *user, *role or nil: when it is another now, the principal is made anew
	principal *sockgate.Principal
}

// maxOpened bounds the sessions that are remembered.
const maxOpened = 4096

// UserSession makes temporary keys of a user, or of the root user. Errors: Forbidden when the user is gone.
func (d *Directory) UserSession(p *sockgate.Principal, duration time.Duration) (sockgate.Credentials, error) {
	c := claims{}
	if p.Root {
		c.Root = d.cfg.RootID
		return d.issue(c, duration)
	}
	u, ok := load[user](&d.users, keyPart(p.UserName))
	if !ok || u.doc.ID != p.UserID {
		return sockgate.Credentials{}, sockgate.Forbiddenf("The user is gone")
	}
	c.User, c.ID = u.doc.Name, u.doc.ID
	return d.issue(c, duration)
}

// RoleSession makes temporary keys of a role and says who holds them. Whether the caller may have them is the caller's to find out.
// Errors: TooLarge when the token would be over MaxToken.
func (d *Directory) RoleSession(r *Role, name string, g *Grant) (sockgate.Credentials, *sockgate.Principal, error) {
	c := claims{
		Role: r.Name, Path: r.Path, ID: r.ID, Name: name,
		Policy: g.Policy, PolicyARNs: g.PolicyARNs, Tags: g.Tags, Transitive: g.Transitive, Source: g.SourceIdentity,
	}
	creds, err := d.issue(c, g.Duration)
	if err != nil {
		return creds, nil, err
	}
	p := &sockgate.Principal{AccountID: d.cfg.Account, RoleName: r.Name, SessionName: name}
	p.ARN, p.UserID = d.sessionARN(r.Name, name), r.ID+":"+name
	return creds, p, nil
}

// RoleCredentials makes temporary keys of the role with this ARN for one who was found to deserve them, such as a function's
// process. Of a role that does not exist they are accepted and permit nothing, so that a template with a made-up role still
// runs. Errors: Invalid when arn names no role of this account.
func (d *Directory) RoleCredentials(arn, name string, duration time.Duration) (sockgate.Credentials, error) {
	path, roleName, ok := d.splitRole(arn)
	if !ok {
		return sockgate.Credentials{}, sockgate.Invalidf("%s is not the ARN of a role of this account", arn)
	}
	g := &Grant{Duration: duration}
	if r, ok := load[role](&d.roles, keyPart(roleName)); ok && r.arn == arn {
		creds, _, err := d.RoleSession(r.doc, name, g)
		return creds, err
	}
	creds, _, err := d.RoleSession(&Role{Holder: Holder{Name: roleName, Path: path}}, name, g)
	return creds, err
}

// splitRole takes a role's ARN apart.
func (d *Directory) splitRole(arn string) (path, name string, ok bool) {
	rest, ok := strings.CutPrefix(arn, "arn:aws:iam::"+d.cfg.Account+":role/")
	if !ok || rest == "" || len(rest) > 600 || strings.HasSuffix(rest, "/") {
		return "", "", false
	}
	slash := strings.LastIndexByte(rest, '/')
	return "/" + rest[:slash+1], rest[slash+1:], true
}

func (d *Directory) sessionARN(roleName, name string) string {
	return "arn:aws:sts::" + d.cfg.Account + ":assumed-role/" + roleName + "/" + name
}

func (d *Directory) issue(c claims, duration time.Duration) (sockgate.Credentials, error) {
	c.Secret = newSecret()
	c.Issued = d.now()
	c.Expires = c.Issued.Add(duration)
	text, err := json.Marshal(&c)
	if err != nil {
		return sockgate.Credentials{}, sockgate.Internalf("encode a session: %w", err)
	}
	id := newID(sessionKey)
	// The key's id is not in the token but bound to it: another's token does not open.
	token := base64.StdEncoding.EncodeToString(append([]byte{tokenVersion}, seal(d.token, text, id)...))
	if len(token) > MaxToken {
		return sockgate.Credentials{}, sockgate.TooLargef("The session's policies and tags make a token of %d bytes; the limit is %d", len(token), MaxToken)
	}
	return sockgate.Credentials{AccessKeyID: id, SecretAccessKey: c.Secret, SessionToken: token, Expiration: c.Expires}, nil
}

// tokenVersion is the first byte of a token.
const tokenVersion = 1

// Session opens a session token. It is sigv4's question.
func (d *Directory) Session(accessKeyID, token string, now time.Time) (string, *sockgate.Principal, error) {
	o, ok := load[openedSession](&d.opened, accessKeyID)
	fresh := !ok || subtle.ConstantTimeCompare([]byte(o.token), []byte(token)) != 1
	if fresh {
		s, err := d.open(accessKeyID, token)
		if err != nil {
			return "", nil, sigv4.ErrNoSession
		}
		o = &openedSession{token: token, session: s}
	}
	if !now.Before(o.session.claims.Expires) {
		if !fresh {
			d.forget(accessKeyID)
		}
		return "", nil, sigv4.ErrSessionEnded
	}
	subject, ok := d.subject(&o.session.claims)
	if !ok {
		return "", nil, sigv4.ErrNoSession
	}
	if fresh || subject != o.subject {
		// The strings of a token share memory with a request.
		accessKeyID = strings.Clone(accessKeyID)
		o = &openedSession{token: strings.Clone(token), session: o.session, subject: subject}
		o.principal = d.sessionPrincipal(accessKeyID, o.session, subject)
		d.remember(accessKeyID, o)
	}
	return o.session.claims.Secret, o.principal, nil
}

func (d *Directory) open(accessKeyID, token string) (*session, error) {
	sealed, err := base64.StdEncoding.DecodeString(token)
	if err != nil || len(sealed) == 0 || sealed[0] != tokenVersion {
		return nil, sigv4.ErrNoSession
	}
	text, err := unseal(d.token, sealed[1:], accessKeyID)
	if err != nil {
		return nil, err
	}
	s := new(session)
	if err := json.Unmarshal(text, &s.claims); err != nil {
		return nil, err
	}
	if s.claims.Policy != "" {
		p, err := policy.Parse([]byte(s.claims.Policy))
		if err != nil {
			return nil, err
		}
		s.policies = append(s.policies, p)
	}
	return s, nil
}

// subject finds who a session is of. It is ok only if that is still the same one, under the same name.
func (d *Directory) subject(c *claims) (subject any, ok bool) {
	switch {
	case c.Root != "":
		return nil, c.Root == d.cfg.RootID
	case c.User != "":
		if u, ok := load[user](&d.users, keyPart(c.User)); ok {
			return u, u.doc.ID == c.ID
		}
		return nil, false
	}
	r, ok := load[role](&d.roles, keyPart(c.Role))
	if !ok {
		return nil, c.ID == ""
	}
	return r, r.doc.ID == c.ID
}

func (d *Directory) sessionPrincipal(accessKeyID string, s *session, subject any) *sockgate.Principal {
	c := &s.claims
	var p *sockgate.Principal
	switch subject := subject.(type) {
	case *user:
		p = d.userPrincipal(subject.doc, accessKeyID, tagMap(subject.doc.Tags))
	case *role:
		tags := tagMap(subject.doc.Tags)
		for _, t := range c.Tags { // a session's tag takes the place of its role's, and keys do not care about case
			maps.DeleteFunc(tags, func(key, _ string) bool { return strings.EqualFold(key, t.Key) })
			tags[t.Key] = t.Value
		}
		p = &sockgate.Principal{AccountID: d.cfg.Account, AccessKeyID: accessKeyID, RoleName: c.Role, SessionName: c.Name, Tags: tags}
	default:
		p = &sockgate.Principal{AccountID: d.cfg.Account, AccessKeyID: accessKeyID, RoleName: c.Role, SessionName: c.Name, Tags: tagMap(c.Tags)}
	}
	switch {
	case c.Root != "":
		*p = d.root
		p.AccessKeyID = accessKeyID
	case c.Role != "":
		p.ARN, p.UserID = d.sessionARN(c.Role, c.Name), c.ID+":"+c.Name
	}
	p.TokenIssued, p.Session = c.Issued, s
	return p
}

// SessionTags returns the tags of p's session that go on to the roles it assumes.
func SessionTags(p *sockgate.Principal) (transitive []Tag) {
	s, ok := p.Session.(*session)
	if !ok {
		return nil
	}
	for _, t := range s.claims.Tags {
		for _, key := range s.claims.Transitive {
			if strings.EqualFold(t.Key, key) {
				transitive = append(transitive, t)
			}
		}
	}
	return transitive
}

// SourceIdentity returns the source identity of p's session, or "".
func SourceIdentity(p *sockgate.Principal) string {
	if s, ok := p.Session.(*session); ok {
		return s.claims.Source
	}
	return ""
}

func (d *Directory) remember(accessKeyID string, o *openedSession) {
	if _, replaced := d.opened.Swap(accessKeyID, o); replaced {
		return
	}
	if d.openedCount.Add(1) > maxOpened { // rare enough to begin anew
		d.opened.Clear()
		d.openedCount.Store(0)
	}
}

func (d *Directory) forget(accessKeyID string) {
	if _, there := d.opened.LoadAndDelete(accessKeyID); there {
		d.openedCount.Add(-1)
	}
}
