package catalog_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/state/catalog"
	"github.com/sockgate/sockgate/state/store/memory"
)

// heard is a watcher that notes what it is told.
type heard struct{ names []string }

func (h *heard) Changed(name string) error { h.names = append(h.names, name); return nil }
func (h *heard) Settled() error            { h.names = append(h.names, "settled"); return nil }

func TestDomainNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		here, elsewhere := catalog.New(st, nil), catalog.New(st, nil)
		var told []string
		here.OnDomain(func(_ context.Context, name string) { told = append(told, name) })
		ctx, cancel := context.WithCancel(t.Context())
		if err := here.CreateDomainName(ctx, &sockgate.DomainName{Name: "b.example.com"}); err != nil {
			t.Fatal(err)
		}
		var h heard
		ended := make(chan error)
		go func() { ended <- elsewhere.WatchDomains(ctx, &h) }()
		synctest.Wait()

		if err := here.CreateDomainName(ctx, &sockgate.DomainName{Name: "*.example.com"}); err != nil {
			t.Fatal(err)
		}
		if err := elsewhere.CreateDomainName(ctx, &sockgate.DomainName{Name: "b.example.com"}); sockgate.KindOf(err) != sockgate.Conflict {
			t.Errorf("the same name again: %v", err)
		}
		d, err := here.ChangeDomainName(ctx, "b.example.com", func(d *sockgate.DomainName) error {
			d.Name, d.CertificateARN = "renamed", "arn"
			return nil
		})
		if err != nil || d.Name != "b.example.com" || d.CertificateARN != "arn" {
			t.Errorf("changed to %+v, %v", d, err)
		}
		refused := errors.New("refused")
		if _, err := here.ChangeDomainName(ctx, "b.example.com", func(*sockgate.DomainName) error { return refused }); err != refused {
			t.Errorf("a refused edit: %v", err)
		}
		all, err := elsewhere.DomainNames(ctx)
		if err != nil || len(all) != 2 || all[0].Name != "*.example.com" || all[1].CertificateARN != "arn" {
			t.Errorf("listed %v, %v", all, err)
		}
		synctest.Wait()
		if err := here.DeleteDomainName(ctx, "b.example.com"); err != nil {
			t.Error(err)
		}
		for _, name := range []string{"b.example.com", "", ".", "c.example.com", strings.Repeat("a", 253), strings.Repeat("a", 10000), "a\x00b"} {
			_, read := here.DomainName(ctx, name)
			_, change := here.ChangeDomainName(ctx, name, func(*sockgate.DomainName) error { return nil })
			for _, err := range []error{read, change, here.DeleteDomainName(ctx, name)} {
				if sockgate.KindOf(err) != sockgate.NotFound || err == nil {
					t.Errorf("%.20q: %v", name, err)
				}
			}
		}
		synctest.Wait()
		cancel()
		<-ended
		if want := []string{"b.example.com", "settled", "*.example.com", "b.example.com", "b.example.com"}; !slices.Equal(h.names, want) {
			t.Errorf("watched %q, want %q", h.names, want)
		}
		if want := []string{"b.example.com", "*.example.com", "b.example.com", "b.example.com"}; !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
	})
}
