package identity_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/sigv4"
	"github.com/sockgate/sockgate/service/identity"
	"github.com/sockgate/sockgate/state/store"
	"github.com/sockgate/sockgate/state/store/memory"
)

const account = "000000000000"

// world is a directory over a store, with a clock that stands.
type world struct {
	*identity.Directory
	t     *testing.T
	store store.Store
	now   time.Time
	key   []byte
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, store: memory.New(), now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), key: bytes.Repeat([]byte{7}, 32)}
	t.Cleanup(func() { w.store.Close() })
	w.reopen()
	return w
}

// open returns another directory over the same store: another node, or the same after a restart.
func (w *world) open(key []byte) (*identity.Directory, error) {
	return identity.Open(w.t.Context(), identity.Config{
		Store: w.store, SealKey: key, Account: account, Region: "us-east-1", RootID: "AKIDROOT", RootSecret: "root secret",
		Clock: func() time.Time { return w.now }, Log: slog.New(slog.DiscardHandler),
	})
}

func (w *world) reopen() {
	w.t.Helper()
	d, err := w.open(w.key)
	if err != nil {
		w.t.Fatal(err)
	}
	w.Directory = d
}

func (w *world) change(fn func(*identity.Changes) error) {
	w.t.Helper()
	if err := w.Change(w.t.Context(), fn); err != nil {
		w.t.Fatal(err)
	}
}

// user makes a user with an access key and inline policies.
func (w *world) user(name string, documents ...string) (keyID, secret string) {
	w.t.Helper()
	w.change(func(c *identity.Changes) error {
		k, s := c.NewKey()
		keyID, secret = k.ID, s
		u := &identity.User{Holder: identity.Holder{Name: name, Path: "/"}, Keys: []identity.AccessKey{k}}
		for _, d := range documents {
			if u.Inline == nil {
				u.Inline = map[string]string{}
			}
			u.Inline["p"+string(rune('0'+len(u.Inline)))] = d
		}
		return c.CreateUser(u)
	})
	return keyID, secret
}

func (w *world) role(name, trust string, documents ...string) *identity.Role {
	w.t.Helper()
	r := &identity.Role{Holder: identity.Holder{Name: name, Path: "/", Inline: map[string]string{}}, Trust: trust, MaxSession: 3600}
	for i, d := range documents {
		r.Inline["p"+string(rune('0'+i))] = d
	}
	w.change(func(c *identity.Changes) error { return c.CreateRole(r) })
	return r
}

// principal is who signs with a long-term key.
func (w *world) principal(keyID string) *sockgate.Principal {
	w.t.Helper()
	_, p, ok := w.Secret(keyID)
	if !ok {
		w.t.Fatalf("no key %s", keyID)
	}
	return p
}

// session opens temporary credentials.
func (w *world) session(c sockgate.Credentials) (*sockgate.Principal, error) {
	secret, p, err := w.Session(c.AccessKeyID, c.SessionToken, w.now)
	if err == nil && secret != c.SecretAccessKey {
		w.t.Error("the secret in the token is not the one that was issued")
	}
	return p, err
}

func policy(effect, action, resource string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"` + effect + `","Action":"` + action + `","Resource":"` + resource + `"}]}`
}

func trusting(principal string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession"],"Principal":` + principal + `}]}`
}

const (
	table = "arn:aws:dynamodb:us-east-1:000000000000:table/t"
	put   = "dynamodb:PutItem"
)

func TestAuthorize(t *testing.T) {
	w := newWorld(t)
	w.change(func(c *identity.Changes) error {
		return c.CreatePolicy(&identity.Policy{Name: "tables", Path: "/"}, policy("Allow", "dynamodb:*", "*"))
	})
	id, _ := w.user("ann", policy("Allow", "dynamodb:GetItem", "*"))
	edit := func(fn func(*identity.User)) {
		w.change(func(c *identity.Changes) error {
			return c.EditUser("ann", func(u *identity.User) error { fn(u); return nil })
		})
	}
	const who = "User: arn:aws:iam::000000000000:user/ann is not authorized to perform: dynamodb:PutItem on resource: " + table
	steps := []struct {
		name string
		do   func(*identity.User)
		want string // "" is allowed
	}{
		{"nothing allows it", func(*identity.User) {}, who + " because no identity-based policy allows the dynamodb:PutItem action"},
		{"attached", func(u *identity.User) { u.Attached = []string{"arn:aws:iam::000000000000:policy/tables"} }, ""},
		{"denied", func(u *identity.User) { u.Inline["deny"] = policy("Deny", put, table) }, who + " with an explicit deny in an identity-based policy"},
		{"no longer denied", func(u *identity.User) { delete(u.Inline, "deny") }, ""},
		{"bounded", func(u *identity.User) { u.Boundary = "arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess" },
			who + " because no permissions boundary allows the dynamodb:PutItem action"},
		{"boundary is gone", func(u *identity.User) { u.Boundary = "arn:aws:iam::000000000000:policy/none" },
			who + " because no permissions boundary allows the dynamodb:PutItem action"},
		{"unbounded", func(u *identity.User) { u.Boundary = "" }, ""},
		{"detached", func(u *identity.User) { u.Attached = nil }, who + " because no identity-based policy allows the dynamodb:PutItem action"},
		{"one of AWS's", func(u *identity.User) { u.Attached = []string{"arn:aws:iam::aws:policy/AmazonDynamoDBFullAccess"} }, ""},
	}
	p := w.principal(id) // as it was when it signed
	for _, s := range steps {
		edit(s.do)
		got := ""
		if err := w.Authorize(p, put, []string{table}, nil); err != nil {
			if sockgate.KindOf(err) != sockgate.Forbidden {
				t.Fatal(err)
			}
			got = err.Error()
		}
		if got != s.want {
			t.Errorf("%s:\ngot  %q\nwant %q", s.name, got, s.want)
		}
	}
	if err := w.Authorize(&sockgate.Principal{Root: true}, put, []string{table}, nil); err != nil {
		t.Errorf("the root: %v", err)
	}
	w.change(func(c *identity.Changes) error { return c.DeleteUser("ANN", func(*identity.User) error { return nil }) })
	if err := w.Authorize(p, put, []string{table}, nil); err == nil {
		t.Error("a user who is gone may still do things")
	}
	if _, _, ok := w.Secret(id); ok {
		t.Error("a user who is gone still has keys")
	}
}

func TestPrincipalKeys(t *testing.T) {
	cond := func(operator, key, value string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"` + operator + `":{"` + key + `":"` + value + `"}}}]}`
	}
	tests := []struct{ name, document string }{
		{"name", cond("StringEquals", "aws:username", "ann")},
		{"arn", cond("ArnEquals", "aws:PrincipalArn", "arn:aws:iam::000000000000:user/ann")},
		{"account", cond("StringEquals", "aws:PrincipalAccount", account)},
		{"type", cond("StringEquals", "aws:PrincipalType", "User")},
		{"id", cond("StringLike", "aws:userid", "AIDA*")},
		{"tag", cond("StringEquals", "aws:PrincipalTag/team", "blue")},
		{"long-term", cond("Null", "aws:TokenIssueTime", "true")},
		{"the request's", cond("IpAddress", "aws:SourceIp", "10.0.0.0/8")},
		{"in the resource", policy("Allow", "*", "arn:aws:iam::*:user/${aws:username}")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			id, _ := w.user("ann", tt.document)
			w.change(func(c *identity.Changes) error {
				return c.EditUser("ann", func(u *identity.User) error { u.Tags = []identity.Tag{{Key: "Team", Value: "blue"}}; return nil })
			})
			err := w.Authorize(w.principal(id), "iam:GetUser", []string{"arn:aws:iam::000000000000:user/ann"}, keys{"aws:sourceip": {"10.1.2.3"}})
			if err != nil {
				t.Error(err)
			}
			other, _ := w.user("bob", tt.document)
			if tt.name == "name" || tt.name == "arn" || tt.name == "tag" || tt.name == "in the resource" {
				if w.Authorize(w.principal(other), "iam:GetUser", []string{"arn:aws:iam::000000000000:user/ann"}, nil) == nil {
					t.Error("it holds for others too")
				}
			}
		})
	}
}

type keys map[string][]string

func (k keys) Key(name string) ([]string, bool) { v, ok := k[name]; return v, ok }

func TestSessions(t *testing.T) {
	w := newWorld(t)
	r := w.role("writer", trusting(`{"AWS":"`+account+`"}`), policy("Allow", "dynamodb:*", "*"))
	issue := func(g identity.Grant) sockgate.Credentials {
		t.Helper()
		g.Duration = time.Hour
		c, who, err := w.RoleSession(r, "job", &g)
		if err != nil {
			t.Fatal(err)
		}
		if who.ARN != "arn:aws:sts::000000000000:assumed-role/writer/job" || who.UserID != r.ID+":job" {
			t.Errorf("issued to %+v", who)
		}
		return c
	}
	c := issue(identity.Grant{})
	p, err := w.session(c)
	if err != nil || p.ARN != "arn:aws:sts::000000000000:assumed-role/writer/job" || p.RoleName != "writer" || p.TokenIssued.IsZero() {
		t.Fatalf("%+v, %v", p, err)
	}
	if again, _ := w.session(c); again != p {
		t.Error("the token was opened twice")
	}
	if err := w.Authorize(p, put, []string{table}, nil); err != nil {
		t.Error(err)
	}

	t.Run("a session's tag in another case takes the place of the role's", func(t *testing.T) {
		w.change(func(c *identity.Changes) error {
			return c.EditRole("writer", func(r *identity.Role) error { r.Tags = []identity.Tag{{Key: "Team", Value: "red"}}; return nil })
		})
		for range 20 { // each token is opened anew
			p, err := w.session(issue(identity.Grant{Tags: []identity.Tag{{Key: "team", Value: "blue"}}}))
			if err != nil || len(p.Tags) != 1 || p.Tags["team"] != "blue" {
				t.Fatalf("%v, %v", p.Tags, err)
			}
		}
	})
	t.Run("session policy", func(t *testing.T) {
		p, err := w.session(issue(identity.Grant{Policy: policy("Allow", "dynamodb:GetItem", "*")}))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Authorize(p, "dynamodb:GetItem", []string{table}, nil); err != nil {
			t.Error(err)
		}
		if err := w.Authorize(p, put, []string{table}, nil); err == nil || !strings.HasSuffix(err.Error(), "because no session policy allows the dynamodb:PutItem action") {
			t.Error(err)
		}
		p, _ = w.session(issue(identity.Grant{PolicyARNs: []string{"arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess"}}))
		if w.Authorize(p, put, []string{table}, nil) == nil || w.Authorize(p, "dynamodb:GetItem", []string{table}, nil) != nil {
			t.Error("a managed session policy does not bound the session")
		}
		p, _ = w.session(issue(identity.Grant{Policy: policy("Deny", put, "*")}))
		if err := w.Authorize(p, put, []string{table}, nil); err == nil || !strings.HasSuffix(err.Error(), "with an explicit deny in a session policy") {
			t.Error(err)
		}
	})
	t.Run("tampered", func(t *testing.T) {
		other := issue(identity.Grant{})
		for name, c := range map[string]sockgate.Credentials{
			"another's key":  {AccessKeyID: other.AccessKeyID, SessionToken: c.SessionToken},
			"long-term key":  {AccessKeyID: "AKIDROOT", SessionToken: c.SessionToken},
			"cut":            {AccessKeyID: c.AccessKeyID, SessionToken: c.SessionToken[:len(c.SessionToken)-4]},
			"no base64":      {AccessKeyID: c.AccessKeyID, SessionToken: "§" + c.SessionToken},
			"empty":          {AccessKeyID: c.AccessKeyID},
			"another letter": {AccessKeyID: c.AccessKeyID, SessionToken: c.SessionToken[:40] + "A" + c.SessionToken[41:]},
			"version":        {AccessKeyID: c.AccessKeyID, SessionToken: "B" + c.SessionToken[1:]},
		} {
			if name == "another letter" && c.SessionToken[40] == 'A' {
				continue
			}
			if _, _, err := w.Session(c.AccessKeyID, c.SessionToken, w.now); !errors.Is(err, sigv4.ErrNoSession) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	t.Run("after a restart, and on another node", func(t *testing.T) {
		d, err := w.open(w.key)
		if err != nil {
			t.Fatal(err)
		}
		if _, p, err := d.Session(c.AccessKeyID, c.SessionToken, w.now); err != nil || d.Authorize(p, put, []string{table}, nil) != nil {
			t.Error(err)
		}
	})
	t.Run("expired", func(t *testing.T) {
		if _, _, err := w.Session(c.AccessKeyID, c.SessionToken, c.Expiration.Add(-time.Nanosecond)); err != nil {
			t.Error(err)
		}
		for range 2 {
			if _, _, err := w.Session(c.AccessKeyID, c.SessionToken, c.Expiration); !errors.Is(err, sigv4.ErrSessionEnded) {
				t.Error(err)
			}
		}
	})
	t.Run("a policy changes", func(t *testing.T) {
		w.change(func(c *identity.Changes) error {
			return c.EditRole("writer", func(r *identity.Role) error { r.Inline = nil; return nil })
		})
		if w.Authorize(p, put, []string{table}, nil) == nil {
			t.Error("the session has what its role lost")
		}
	})
	t.Run("the role is deleted and made anew", func(t *testing.T) {
		w.change(func(c *identity.Changes) error {
			return c.DeleteRole("writer", func(*identity.Role) error { return nil })
		})
		if _, err := w.session(c); !errors.Is(err, sigv4.ErrNoSession) {
			t.Error(err)
		}
		w.role("writer", trusting(`{"AWS":"*"}`), policy("Allow", "*", "*"))
		if _, err := w.session(c); !errors.Is(err, sigv4.ErrNoSession) {
			t.Error(err)
		}
		if w.Authorize(p, put, []string{table}, nil) == nil {
			t.Error("the old session has the new role's permissions")
		}
	})
}

func TestUserSession(t *testing.T) {
	w := newWorld(t)
	id, _ := w.user("ann", policy("Allow", "dynamodb:*", "*"))
	for name, long := range map[string]*sockgate.Principal{"user": w.principal(id), "root": w.principal("AKIDROOT")} {
		c, err := w.UserSession(long, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		p, err := w.session(c)
		if err != nil || p.ARN != long.ARN || p.Root != long.Root || p.AccessKeyID != c.AccessKeyID || p.TokenIssued.IsZero() {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
		if err := w.Authorize(p, put, []string{table}, nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A principal that was read back from disk has lost its session.
func TestLostSession(t *testing.T) {
	w := newWorld(t)
	r := w.role("writer", trusting(`{"AWS":"*"}`), policy("Allow", "*", "*"))
	c, _, _ := w.RoleSession(r, "job", &identity.Grant{Duration: time.Hour})
	p, err := w.session(c)
	if err != nil {
		t.Fatal(err)
	}
	lost := *p
	lost.Session = nil
	if w.Authorize(&lost, put, []string{table}, nil) == nil {
		t.Error("allowed")
	}
}

func TestMayAssume(t *testing.T) {
	const role = "arn:aws:iam::000000000000:role/r"
	assume := policy("Allow", "sts:AssumeRole", role)
	tests := []struct {
		name, trust, own string
		root, want       bool
	}{
		{name: "the account, and a policy of its own", trust: `{"AWS":"` + account + `"}`, own: assume, want: true},
		{name: "the account only", trust: `{"AWS":"arn:aws:iam::` + account + `:root"}`},
		{name: "by name", trust: `{"AWS":"arn:aws:iam::000000000000:user/ann"}`, want: true},
		{name: "by name, denied", trust: `{"AWS":"arn:aws:iam::000000000000:user/ann"}`, own: policy("Deny", "sts:*", "*")},
		{name: "everybody", trust: `{"AWS":"*"}`, want: true},
		{name: "somebody else", trust: `{"AWS":"arn:aws:iam::000000000000:user/bob"}`, own: assume},
		{name: "a service", trust: `{"Service":"lambda.amazonaws.com"}`, own: assume},
		{name: "the root, let in", trust: `{"AWS":"` + account + `"}`, root: true, want: true},
		{name: "the root, not let in", trust: `{"Service":"lambda.amazonaws.com"}`, root: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			var documents []string
			if tt.own != "" {
				documents = append(documents, tt.own)
			}
			id, _ := w.user("ann", documents...)
			if tt.root {
				id = "AKIDROOT"
			}
			w.role("r", trusting(tt.trust))
			if got := w.MayAssume(w.principal(id), role, "sts:AssumeRole", keys{}); got != tt.want {
				t.Errorf("got %v", got)
			}
			if w.MayAssume(w.principal(id), role+"x", "sts:AssumeRole", keys{}) {
				t.Error("a role that does not exist was assumed")
			}
		})
	}
}

func TestAllowsRole(t *testing.T) {
	w := newWorld(t)
	w.role("caller", trusting(`{"Service":"apigateway.amazonaws.com"}`), policy("Allow", "lambda:InvokeFunction", "arn:aws:lambda:us-east-1:000000000000:function:f"))
	const role, fn = "arn:aws:iam::000000000000:role/caller", "arn:aws:lambda:us-east-1:000000000000:function:"
	tests := []struct{ name, role, service, function, want string }{
		{"allowed", role, "apigateway.amazonaws.com", fn + "f", ""},
		{"another function", role, "apigateway.amazonaws.com", fn + "g", "is not authorized to perform: lambda:InvokeFunction"},
		{"another service", role, "lambda.amazonaws.com", fn + "f", "does not let lambda.amazonaws.com assume it"},
		{"no role", role + "s", "apigateway.amazonaws.com", fn + "f", "does not exist"},
		{"another path", "arn:aws:iam::000000000000:role/x/caller", "apigateway.amazonaws.com", fn + "f", "does not exist"},
		{"another account", "arn:aws:iam::111111111111:role/caller", "apigateway.amazonaws.com", fn + "f", "does not exist"},
	}
	for _, tt := range tests {
		err := w.AllowsRole(tt.role, tt.service, "lambda:InvokeFunction", tt.function, nil)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestRoleCredentials(t *testing.T) {
	w := newWorld(t)
	w.role("f", trusting(`{"Service":"lambda.amazonaws.com"}`), policy("Allow", "dynamodb:*", "*"))
	for arn, allowed := range map[string]bool{
		"arn:aws:iam::000000000000:role/f":          true,
		"arn:aws:iam::000000000000:role/made/up":    false,
		"arn:aws:iam::000000000000:role/other/f":    false, // of that path there is none, whatever its name
		"arn:aws:iam::000000000000:role/lambda-new": false,
	} {
		c, err := w.RoleCredentials(arn, "f", time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		p, err := w.session(c)
		if arn == "arn:aws:iam::000000000000:role/other/f" {
			if err == nil {
				t.Errorf("%s: opened", arn)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", arn, err)
		}
		if got := w.Authorize(p, put, []string{table}, nil) == nil; got != allowed {
			t.Errorf("%s: allowed is %v", arn, got)
		}
	}
	for _, arn := range []string{"", "f", "arn:aws:iam::111111111111:role/f", "arn:aws:iam::000000000000:user/f", "arn:aws:iam::000000000000:role/"} {
		if _, err := w.RoleCredentials(arn, "f", time.Hour); sockgate.KindOf(err) != sockgate.Invalid {
			t.Errorf("%q: %v", arn, err)
		}
	}
}

func TestSecretsAreSealed(t *testing.T) {
	w := newWorld(t)
	id, secret := w.user("ann")
	entries, err := w.store.List(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if bytes.Contains(e.Value, []byte(secret)) || !bytes.Contains(e.Value, []byte("sealed:")) {
			t.Errorf("%s holds %s", e.Key, e.Value)
		}
	}
	w.reopen()
	if got, _, ok := w.Secret(id); !ok || got != secret {
		t.Errorf("after a restart: %v", ok)
	}
	for name, key := range map[string][]byte{"another key": bytes.Repeat([]byte{8}, 32), "no key": nil} {
		if _, err := w.open(key); err == nil || !strings.Contains(err.Error(), "secrets") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSealKeyFile(t *testing.T) {
	dir := t.TempDir()
	first, err := identity.LoadSealKey(dir)
	if err != nil || len(first) != 32 {
		t.Fatal(first, err)
	}
	if again, err := identity.LoadSealKey(dir); err != nil || !bytes.Equal(first, again) {
		t.Fatal(err)
	}
}

// TestNodes: a change on one node reaches another, a rename keeps the keys there, and what is deleted does not come back.
func TestNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		other, err := w.open(w.key)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 2)
		for _, d := range []*identity.Directory{w.Directory, other} {
			go func() { done <- d.Run(ctx) }()
		}
		id, secret := w.user("ann", policy("Allow", "*", "*"))
		synctest.Wait()
		got, p, ok := other.Secret(id)
		if !ok || got != secret || other.Authorize(p, put, []string{table}, nil) != nil {
			t.Error("the other node does not know the user")
		}
		w.change(func(c *identity.Changes) error { return c.RenameUser("ann", "beth", "/x/") })
		synctest.Wait()
		for name, d := range map[string]*identity.Directory{"one": w.Directory, "other": other} {
			_, p, ok := d.Secret(id)
			if !ok || p.ARN != "arn:aws:iam::000000000000:user/x/beth" {
				t.Errorf("%s: after a rename %+v, %v", name, p, ok)
			}
			if _, ok := d.User("ann"); ok {
				t.Errorf("%s: the old name is still there", name)
			}
		}
		w.change(func(c *identity.Changes) error {
			return c.DeleteUser("beth", func(*identity.User) error { return nil })
		})
		synctest.Wait()
		for name, d := range map[string]*identity.Directory{"one": w.Directory, "other": other} {
			if _, _, ok := d.Secret(id); ok {
				t.Errorf("%s: the key of a user who is gone", name)
			}
		}
		cancel()
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
}

// TestDamage: what becomes unreadable permits nothing.
func TestDamage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.change(func(c *identity.Changes) error {
			return c.CreatePolicy(&identity.Policy{Name: "no", Path: "/"}, policy("Deny", "dynamodb:Scan", "*"))
		})
		id, _ := w.user("ann", policy("Allow", "*", "*"))
		w.change(func(c *identity.Changes) error {
			return c.EditUser("ann", func(u *identity.User) error { u.Attached = []string{"arn:aws:iam::000000000000:policy/no"}; return nil })
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- w.Run(ctx) }()
		synctest.Wait()
		p := w.principal(id)
		if err := w.Authorize(p, put, []string{table}, nil); err != nil {
			t.Error(err)
		}
		e, err := w.store.Get(ctx, "iam.policy.no")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.store.Update(ctx, e.Key, []byte("{"), e.Revision); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if w.Authorize(p, put, []string{table}, nil) == nil {
			t.Error("a policy that may have denied it cannot be read, and it is allowed")
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestUsed(t *testing.T) {
	w := newWorld(t)
	id, _ := w.user("ann")
	if _, use, ok := w.KeyOwner(id); !ok || use != nil {
		t.Error(use, ok)
	}
	w.Used(id, "iam", "us-east-1")
	w.Used("AKIDNOBODY", "iam", "us-east-1")
	if u, use, ok := w.KeyOwner(id); !ok || use == nil || use.Service != "iam" || !use.At.Equal(w.now) || u.Name != "ann" {
		t.Error(use, ok)
	}
}
