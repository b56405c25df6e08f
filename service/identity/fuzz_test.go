package identity_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/service/identity"
	"github.com/sockgate/sockgate/state/store/memory"
)

// FuzzSession: nothing but a token that was issued opens.
func FuzzSession(f *testing.F) {
	st := memory.New()
	f.Cleanup(func() { st.Close() })
	d, err := identity.Open(f.Context(), identity.Config{Store: st, Account: account, Region: "us-east-1", RootID: "AKIDROOT", RootSecret: "root", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.Fatal(err)
	}
	c, err := d.RoleCredentials("arn:aws:iam::000000000000:role/r", "s", time.Hour)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(c.AccessKeyID, c.SessionToken[:20])
	f.Add("ASIA", "")
	f.Add("", "AQ==")
	f.Fuzz(func(t *testing.T, id, token string) {
		_, p, err := d.Session(id, token, d.Now())
		if err == nil && (id != c.AccessKeyID || token != c.SessionToken) {
			t.Errorf("%q opened as %+v", token, p)
		}
	})
}

func BenchmarkAuthorize(b *testing.B) {
	st := memory.New()
	defer st.Close()
	d, err := identity.Open(b.Context(), identity.Config{Store: st, Account: account, Region: "us-east-1", RootID: "AKIDROOT", RootSecret: "root", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	r := &identity.Role{Holder: identity.Holder{Name: "r", Path: "/", Attached: []string{"arn:aws:iam::aws:policy/AmazonDynamoDBFullAccess"}}, Trust: trusting(`{"AWS":"*"}`), MaxSession: 3600}
	if err := d.Change(b.Context(), func(c *identity.Changes) error { return c.CreateRole(r) }); err != nil {
		b.Fatal(err)
	}
	c, _, err := d.RoleSession(r, "s", &identity.Grant{Duration: time.Hour})
	if err != nil {
		b.Fatal(err)
	}
	now := d.Now()
	resources := []string{table}
	var p *sockgate.Principal
	k := keys{}
	b.ReportAllocs()
	for b.Loop() {
		if _, p, err = d.Session(c.AccessKeyID, c.SessionToken, now); err != nil {
			b.Fatal(err)
		}
		if err := d.Authorize(p, put, resources, k); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAuthorizeTen asks for a user with ten policies of which the last allows the action.
func BenchmarkAuthorizeTen(b *testing.B) {
	st := memory.New()
	defer st.Close()
	d, err := identity.Open(b.Context(), identity.Config{Store: st, Account: account, Region: "us-east-1", RootID: "AKIDROOT", RootSecret: "root", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	u := &identity.User{Holder: identity.Holder{Name: "u", Path: "/", Inline: map[string]string{}}}
	for i := range 10 {
		u.Inline[string(rune('a'+i))] = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:Get*","s3:List*"],"Resource":"arn:aws:s3:::b/*"},` +
			`{"Effect":"Allow","Action":"dynamodb:*","Resource":"arn:aws:dynamodb:*:*:table/` + []string{"other*", "t*"}[i/9] + `","Condition":{"StringEquals":{"aws:PrincipalType":"User"}}}]}`
	}
	id := ""
	err = d.Change(b.Context(), func(c *identity.Changes) error {
		k, _ := c.NewKey()
		u.Keys, id = []identity.AccessKey{k}, k.ID
		return c.CreateUser(u)
	})
	if err != nil {
		b.Fatal(err)
	}
	resources := []string{table}
	k := keys{}
	b.ReportAllocs()
	for b.Loop() {
		_, p, _ := d.Secret(id)
		if err := d.Authorize(p, put, resources, k); err != nil {
			b.Fatal(err)
		}
	}
}
