package domain_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/edge/domain"
)

// fakeCatalog is a catalog of domain names in memory.
type fakeCatalog map[string]*sockgate.DomainName

func (f fakeCatalog) DomainName(_ context.Context, name string) (*sockgate.DomainName, error) {
	if d := f[name]; d != nil {
		return d, nil
	}
	return nil, sockgate.NotFoundf("no such domain name")
}

// newNames makes a table of names without mappings, and returns what sets or, with nil, removes one.
func newNames(t testing.TB, names ...string) (*domain.Names, func(name string, d *sockgate.DomainName)) {
	f := fakeCatalog{}
	n := domain.NewNames(domain.NamesConfig{Catalog: f, Clock: newClock().now, Log: slog.New(slog.DiscardHandler)})
	_ = n.Settled()
	put := func(name string, d *sockgate.DomainName) {
		if delete(f, name); d != nil {
			d.Name = name
			f[name] = d
		}
		n.Refresh(t.Context(), name)
	}
	for _, name := range names {
		put(name, &sockgate.DomainName{CertificateARN: "arn of " + name})
	}
	return n, put
}

func TestFindName(t *testing.T) {
	n, put := newNames(t, "api.example.com", "*.example.com", "*.deep.example.com", "example.org")
	for _, c := range []struct{ name, host, want string }{
		{"exact", "api.example.com", "api.example.com"},
		{"capitals", "API.Example.COM", "api.example.com"},
		{"port", "api.example.com:4566", "api.example.com"},
		{"final dot", "api.example.com.", "api.example.com"},
		{"final dot and port", "api.example.com.:443", "api.example.com"},
		{"wildcard", "chat.example.com", "*.example.com"},
		{"a wildcard stands for one label", "a.b.example.com", ""},
		{"deeper wildcard", "x.deep.example.com", "*.deep.example.com"},
		{"a wildcard does not stand for nothing", "example.com", ""},
		{"the wildcard's own name", "*.example.com", ""},
		{"empty first label", ".example.com", ""},
		{"without a wildcard", "api.example.org", ""},
		{"other name", "example.net", ""},
		{"empty", "", ""},
		{"only a port", ":80", ""},
		{"IPv6 address", "[::1]", ""},
		{"IPv6 address and port", "[::1]:80", ""},
		{"IPv4 address", "127.0.0.1:80", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ""
			if found := n.Find(c.host); found != nil {
				got = found.Name
			}
			if got != c.want {
				t.Errorf("Find(%q) = %q, want %q", c.host, got, c.want)
			}
			if arn, ok := n.CertificateARN(c.host); ok != (c.want != "") || ok && arn != "arn of "+c.want {
				t.Errorf("CertificateARN(%q) = %q, %v", c.host, arn, ok)
			}
		})
	}
	put("api.example.com", nil)
	if got := n.Find("api.example.com"); got == nil || got.Name != "*.example.com" {
		t.Errorf("once the specific name is gone, found %v", got)
	}
	put("*.example.com", nil)
	if got := n.Find("api.example.com"); got != nil {
		t.Errorf("once both are gone, found %v", got)
	}
	put("second.example.org", &sockgate.DomainName{CertificateARN: "arn of example.org", OwnershipCertificateARN: "own"})
	if got := n.InUseBy("arn of example.org"); !slices.Equal(got, []string{"example.org", "second.example.org"}) {
		t.Errorf("in use by %q", got)
	}
	if got := n.InUseBy("own"); !slices.Equal(got, []string{"second.example.org"}) {
		t.Errorf("in use by %q", got)
	}
	if got := n.InUseBy("arn of *.example.com"); len(got) > 0 {
		t.Errorf("in use by %q", got)
	}
}

func TestMatch(t *testing.T) {
	n, put := newNames(t)
	keys := []string{"orders", "orders/v1", "orders/v1/eu", "a+b", "it's(ok)", "Case"}
	var mappings []sockgate.APIMapping
	for _, key := range keys {
		mappings = append(mappings, sockgate.APIMapping{Key: key, APIID: key, Stage: "s"})
	}
	put("bare.example.com", &sockgate.DomainName{Mappings: slices.Clone(mappings)})
	put("rooted.example.com", &sockgate.DomainName{Mappings: append(mappings, sockgate.APIMapping{APIID: "root", Stage: "s"})})
	bare, rooted := n.Find("bare.example.com"), n.Find("rooted.example.com")
	for _, c := range []struct {
		name, path string
		key, rest  string // of the name without a root mapping; the other takes what this does not
	}{
		{"one level", "/orders", "orders", ""},
		{"final slash", "/orders/", "orders", ""},
		{"two final slashes", "/orders//", "orders", "/"},
		{"two levels", "/orders/v1", "orders/v1", ""},
		{"three levels", "/orders/v1/eu", "orders/v1/eu", ""},
		{"longest wins", "/orders/v1/us", "orders/v1", "us"},
		{"more follows", "/orders/v1/eu/x/y", "orders/v1/eu", "x/y"},
		{"other second level", "/orders/v2", "orders", "v2"},
		{"only a beginning of a level", "/orders2", "", "orders2"},
		{"push", "/orders/@connections/x%3D", "orders", "@connections/x%3D"},
		{"escaped key", "/%6frders/v1", "orders/v1", ""},
		{"escaped slash", "/orders%2Fv1", "", "orders%2Fv1"},
		{"escaped slash behind a key", "/orders/v1%2Feu", "orders", "v1%2Feu"},
		{"bad escape", "/orders%zz", "", "orders%zz"},
		{"plus is plus", "/a+b", "a+b", ""},
		{"escaped plus", "/a%2Bb", "a+b", ""},
		{"escaped signs", "/it%27s%28ok%29", "it's(ok)", ""},
		{"case counts", "/case", "", "case"},
		{"empty first level", "//orders", "", "/orders"},
		{"root", "/", "", ""},
		{"empty", "", "", ""},
		{"dots are not followed", "/x/../orders", "", "x/../orders"},
	} {
		t.Run(c.name, func(t *testing.T) {
			to, rest, ok := bare.Match(c.path)
			if ok != (c.key != "") || to.APIID != c.key || ok && rest != c.rest {
				t.Errorf("Match(%q) = %v, %q, %v", c.path, to, rest, ok)
			}
			want := c.key
			if want == "" {
				want = "root"
			}
			if to, rest, ok := rooted.Match(c.path); !ok || to.APIID != want || rest != c.rest {
				t.Errorf("with a root mapping, Match(%q) = %v, %q, %v", c.path, to, rest, ok)
			}
		})
	}
}

func BenchmarkFind(b *testing.B) {
	n, put := newNames(b)
	for i := range 200 {
		put(fmt.Sprintf("d%d.example.com", i), &sockgate.DomainName{})
	}
	b.ReportAllocs()
	for b.Loop() {
		if n.Find("abc.execute-api.localhost:4566") != nil || n.Find("d7.example.com:4566") == nil {
			b.Fatal("found the wrong one")
		}
	}
}

func FuzzMatch(f *testing.F) {
	n, put := newNames(f)
	put("a.example.com", &sockgate.DomainName{Mappings: []sockgate.APIMapping{{Key: "a/b", APIID: "x"}, {Key: "a", APIID: "y"}}})
	f.Add("a.example.com:1", "/a/b/@connections/x")
	f.Add("A.EXAMPLE.COM.", "/%61/")
	f.Add("[::1", "%")
	f.Fuzz(func(t *testing.T, host, path string) {
		name := n.Find(host)
		if name == nil {
			return
		}
		to, rest, ok := name.Match(path)
		if ok && to.APIID == "" || !strings.HasSuffix(path, rest) {
			t.Errorf("Match(%q) = %v, %q, %v", path, to, rest, ok)
		}
	})
}
