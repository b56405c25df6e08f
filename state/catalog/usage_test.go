package catalog_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/state/catalog"
	"github.com/sockgate/sockgate/state/store"
	"github.com/sockgate/sockgate/state/store/memory"
)

const secret = "0123456789abcdefghij"

func newUsage(t *testing.T) (*catalog.Catalog, store.Store) {
	s := memory.New()
	t.Cleanup(func() { _ = s.Close() }) // in memory nothing can fail
	return catalog.New(s, nil), s
}

// ok fails the test at an error.
func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestAValueHasOneKey(t *testing.T) {
	c, _ := newUsage(t)
	ctx := t.Context()
	var made atomic.Int32
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			err := c.CreateAPIKey(ctx, &sockgate.APIKey{ID: fmt.Sprintf("k%d", i), Value: secret})
			switch sockgate.KindOf(err) {
			case sockgate.Conflict:
			default:
				if err != nil {
					t.Error(err)
				}
				made.Add(1)
			}
		})
	}
	wg.Wait()
	if made.Load() != 1 {
		t.Fatalf("%d keys have one value", made.Load())
	}
	key, err := c.APIKeyByValue(ctx, secret)
	ok(t, err)
	ok(t, c.DeleteAPIKey(ctx, key.ID))
	if _, err := c.APIKeyByValue(ctx, secret); sockgate.KindOf(err) != sockgate.NotFound {
		t.Errorf("the value of a deleted key: %v", err)
	}
	ok(t, c.CreateAPIKey(ctx, &sockgate.APIKey{ID: "again", Value: secret}))
}

// dying is a store in which the process dies before it creates a document whose key begins like that.
type dying struct {
	store.Store
	before string
}

func (d *dying) Create(ctx context.Context, key string, value []byte) (uint64, error) {
	if d.before != "" && strings.HasPrefix(key, d.before) {
		return 0, store.ErrUnavailable
	}
	return d.Store.Create(ctx, key, value)
}

// TestAClaimWithoutItsKey: a value is not lost with a process that died between claiming it and storing its key.
func TestAClaimWithoutItsKey(t *testing.T) {
	_, s := newUsage(t)
	d := &dying{Store: s, before: "apikey."}
	c := catalog.New(d, nil)
	if err := c.CreateAPIKey(t.Context(), &sockgate.APIKey{ID: "lost", Value: secret}); sockgate.KindOf(err) != sockgate.Unavailable {
		t.Fatal(err)
	}
	d.before = ""
	ok(t, c.CreateAPIKey(t.Context(), &sockgate.APIKey{ID: "found", Value: secret}))
	key, err := c.APIKeyByValue(t.Context(), secret)
	if err != nil || key.ID != "found" {
		t.Errorf("%+v, %v", key, err)
	}
	if err := c.CreateAPIKey(t.Context(), &sockgate.APIKey{ID: "third", Value: secret}); sockgate.KindOf(err) != sockgate.Conflict {
		t.Errorf("a value with a key: %v", err)
	}
}

// name prints what changed.
func name(ch catalog.UsageChange) string {
	what := ""
	switch {
	case ch.Key != nil:
		what = "=" + ch.Key.Name
	case ch.Plan != nil:
		what = "=" + ch.Plan.Name
	case ch.PlanKey != nil:
		what = "=member"
	}
	return ch.PlanID + "/" + ch.KeyID + what
}

// TestUsageIsTold: each change is told before the call returns, in the form in which the watch tells it, with the same revision.
func TestUsageIsTold(t *testing.T) {
	c, _ := newUsage(t)
	ctx := t.Context()
	var told []catalog.UsageChange
	c.OnUsage(func(_ context.Context, ch catalog.UsageChange) { told = append(told, ch) })
	next := func(want ...string) {
		t.Helper()
		var got []string
		for _, ch := range told {
			got = append(got, name(ch))
			if ch.Revision == 0 || ch.Gone() == strings.Contains(name(ch), "=") {
				t.Errorf("%s: revision %d, gone %t", name(ch), ch.Revision, ch.Gone())
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
		told = nil
	}
	ok(t, c.CreateAPIKey(ctx, &sockgate.APIKey{ID: "k1", Name: "ann", Value: secret}))
	ok(t, c.CreateAPIKey(ctx, &sockgate.APIKey{ID: "k2", Name: "bob", Value: secret + "2"}))
	ok(t, c.CreateUsagePlan(ctx, &sockgate.UsagePlan{ID: "p1", Name: "gold"}))
	ok(t, c.CreateUsagePlan(ctx, &sockgate.UsagePlan{ID: "p2", Name: "silver"}))
	next("/k1=ann", "/k2=bob", "p1/=gold", "p2/=silver")
	for _, m := range []sockgate.PlanKey{{PlanID: "p1", KeyID: "k1"}, {PlanID: "p1", KeyID: "k2"}, {PlanID: "p2", KeyID: "k2"}} {
		ok(t, c.AddPlanKey(ctx, &m))
	}
	next("p1/k1=member", "p1/k2=member", "p2/k2=member")

	key, err := c.ChangeAPIKey(ctx, "k1", func(k *sockgate.APIKey) error { k.Name, k.Value, k.ID = "eve", "stolen", "x"; return nil })
	if err != nil || key.Name != "eve" || key.Value != secret || key.ID != "k1" {
		t.Errorf("%+v, %v", key, err)
	}
	plan, err := c.ChangeUsagePlan(ctx, "p1", func(p *sockgate.UsagePlan) error { p.Name, p.ID = "iron", "x"; return nil })
	if err != nil || plan.Name != "iron" || plan.ID != "p1" {
		t.Errorf("%+v, %v", plan, err)
	}
	next("/k1=eve", "p1/=iron")
	no := errors.New("no")
	if _, err := c.ChangeUsagePlan(ctx, "p1", func(p *sockgate.UsagePlan) error { p.Name = "x"; return no }); !errors.Is(err, no) {
		t.Error(err)
	}
	next()

	w := newWatch(t, c)
	w.next("/k1=eve", "/k2=bob", "p1/=iron", "p2/=silver", "p1/k1=member", "p1/k2=member", "p2/k2=member", "settled")
	ok(t, c.RemovePlanKey(ctx, "p1", "k1"))
	next("p1/k1")
	w.next("p1/k1")
	ok(t, c.DeleteAPIKey(ctx, "k2"))
	next("/k2", "p1/k2", "p2/k2")
	w.next("/k2", "p1/k2", "p2/k2")
	ok(t, c.AddPlanKey(ctx, &sockgate.PlanKey{PlanID: "p2", KeyID: "k1"}))
	next("p2/k1=member")
	w.next("p2/k1=member") // before the next change to it: a watch may join two
	ok(t, c.DeleteUsagePlan(ctx, "p2"))
	next("p2/", "p2/k1")
	w.next("p2/", "p2/k1")

	if plans, err := c.KeyPlans(ctx, "k1"); err != nil || len(plans) > 0 {
		t.Errorf("a key of deleted plans is in %v, %v", plans, err)
	}
}

// watch collects what a watch tells.
type watch struct {
	t       *testing.T
	changes chan string
}

func newWatch(t *testing.T, c *catalog.Catalog) *watch {
	w := &watch{t, make(chan string, 100)}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- c.WatchUsage(ctx, w) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	return w
}

func (w *watch) Changed(ch catalog.UsageChange) error { w.changes <- name(ch); return nil }
func (w *watch) Settled() error                       { w.changes <- "settled"; return nil }
func (w *watch) Broken(key string, _ error) error     { w.changes <- "broken " + key; return nil }

func (w *watch) next(want ...string) {
	w.t.Helper()
	for _, x := range want {
		select {
		case got := <-w.changes:
			if got != x {
				w.t.Errorf("the watch told %q, want %q", got, x)
			}
		case <-time.After(10 * time.Second):
			w.t.Fatalf("the watch did not tell %q", x)
		}
	}
}

func TestDamagedUsage(t *testing.T) {
	c, s := newUsage(t)
	ctx := t.Context()
	_, err := s.Create(ctx, "usageplan.p1", []byte("{"))
	ok(t, err)
	_, err = s.Create(ctx, "api.a1", []byte("{")) // another's business
	ok(t, err)
	newWatch(t, c).next("broken usageplan.p1", "settled")
	if _, err := c.UsagePlan(ctx, "p1"); sockgate.KindOf(err) != sockgate.Internal {
		t.Error(err)
	}
	for _, err := range c.UsagePlans(ctx, "") {
		if sockgate.KindOf(err) != sockgate.Internal {
			t.Error(err)
		}
	}
}

func TestListsFollowAnID(t *testing.T) {
	c, _ := newUsage(t)
	ctx := t.Context()
	for _, id := range []string{"b", "a", "d"} {
		ok(t, c.CreateAPIKey(ctx, &sockgate.APIKey{ID: id, Value: secret + id}))
		ok(t, c.AddPlanKey(ctx, &sockgate.PlanKey{PlanID: "p", KeyID: id}))
	}
	ok(t, c.AddPlanKey(ctx, &sockgate.PlanKey{PlanID: "p2", KeyID: "z"}))
	for after, want := range map[string]string{"": "a b d", "a": "b d", "c": "d", "d": ""} {
		var keys, members []string
		for k, err := range c.APIKeys(ctx, after) {
			ok(t, err)
			keys = append(keys, k.ID)
		}
		for m, err := range c.PlanKeys(ctx, "p", after) {
			ok(t, err)
			members = append(members, m.KeyID)
		}
		if k, m := strings.Join(keys, " "), strings.Join(members, " "); k != want || m != want {
			t.Errorf("after %q: keys %q, members %q, want %q", after, k, m, want)
		}
	}
	if n, err := c.CountAPIKeys(ctx); n != 3 || err != nil {
		t.Errorf("%d keys, %v", n, err)
	}
}

func TestUsageErrorsHaveKinds(t *testing.T) {
	c, _ := newUsage(t)
	ctx := t.Context()
	key := &sockgate.APIKey{ID: "k", Value: secret}
	ok(t, c.CreateAPIKey(ctx, key))
	ok(t, c.CreateUsagePlan(ctx, &sockgate.UsagePlan{ID: "p"}))
	m := &sockgate.PlanKey{PlanID: "p", KeyID: "k"}
	ok(t, c.AddPlanKey(ctx, m))
	keep := func(*sockgate.APIKey) error { return nil }
	get := func(_ any, err error) error { return err }
	tests := []struct {
		name string
		err  error
		want sockgate.Kind
	}{
		{"unknown key", get(c.APIKey(ctx, "x")), sockgate.NotFound},
		{"key id of another shape", get(c.APIKey(ctx, "k.x")), sockgate.NotFound},
		{"change of unknown key", get(c.ChangeAPIKey(ctx, "x", keep)), sockgate.NotFound},
		{"deletion of unknown key", c.DeleteAPIKey(ctx, "x"), sockgate.NotFound},
		{"key id taken", c.CreateAPIKey(ctx, &sockgate.APIKey{ID: "k", Value: secret + "2"}), sockgate.Conflict},
		{"unknown plan", get(c.UsagePlan(ctx, "x")), sockgate.NotFound},
		{"plan id taken", c.CreateUsagePlan(ctx, &sockgate.UsagePlan{ID: "p"}), sockgate.Conflict},
		{"deletion of unknown plan", c.DeleteUsagePlan(ctx, "x"), sockgate.NotFound},
		{"unknown member", get(c.PlanKey(ctx, "p", "x")), sockgate.NotFound},
		{"member of a plan of another shape", get(c.PlanKey(ctx, "p.k", "k")), sockgate.NotFound},
		{"member twice", c.AddPlanKey(ctx, m), sockgate.Conflict},
		{"removal of unknown member", c.RemovePlanKey(ctx, "p", "x"), sockgate.NotFound},
		{"removal from a plan of another shape", c.RemovePlanKey(ctx, "", "k"), sockgate.NotFound},
	}
	for _, tt := range tests {
		if tt.err == nil || sockgate.KindOf(tt.err) != tt.want {
			t.Errorf("%s: %v, want %s", tt.name, tt.err, tt.want)
		}
	}
	for range c.PlanKeys(ctx, "..", "") {
		t.Error("a plan of no shape has members")
	}
}

func TestAccountSettings(t *testing.T) {
	c, _ := newUsage(t)
	ctx := t.Context()
	if a, err := c.Account(ctx); err != nil || *a != (sockgate.AccountSettings{}) {
		t.Errorf("%+v, %v", a, err)
	}
	for _, role := range []string{"one", "two"} {
		_, err := c.ChangeAccount(ctx, func(a *sockgate.AccountSettings) error { a.CloudWatchRoleARN = role; return nil })
		ok(t, err)
	}
	if a, err := c.Account(ctx); err != nil || a.CloudWatchRoleARN != "two" {
		t.Errorf("%+v, %v", a, err)
	}
}
