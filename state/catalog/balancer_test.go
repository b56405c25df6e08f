package catalog_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/state/catalog"
	"github.com/sockgate/sockgate/state/store/memory"
)

// news notes changes in short, and ends the watch after so many.
type news struct {
	lines   []string
	until   int
	done    context.CancelFunc
	settled func()
}

func (n *news) note(ch catalog.BalancingChange) {
	n.lines = append(n.lines, fmt.Sprint(ch.LinkID, ch.BalancerName, ch.GroupName, " ", ch.Link != nil, ch.Balancer != nil, ch.Group != nil))
}

func (n *news) Changed(ch catalog.BalancingChange) error {
	if n.note(ch); len(n.lines) == n.until {
		n.done()
	}
	return nil
}

func (n *news) Settled() error {
	go n.settled()
	return nil
}

func (n *news) Broken(string, error) error {
	n.lines = append(n.lines, "broken")
	return nil
}

func TestBalancing(t *testing.T) {
	s := memory.New()
	defer s.Close()
	ctx := t.Context()
	cat := catalog.New(s, nil)
	var told news
	cat.OnBalancing(func(_ context.Context, ch catalog.BalancingChange) { told.note(ch) })
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(cat.CreateTargetGroup(ctx, &sockgate.TargetGroup{Name: "Orders-1", ARN: "g"}))
	must(cat.CreateLoadBalancer(ctx, &sockgate.LoadBalancer{Name: "orders", ARN: "b"}))
	must(cat.CreateVPCLink(ctx, &sockgate.VPCLink{ID: "abc123"}))
	_, err := cat.ChangeTargetGroup(ctx, "Orders-1", func(g *sockgate.TargetGroup) error {
		g.Targets = append(g.Targets, sockgate.Target{ID: "10.0.0.1"})
		return nil
	})
	must(err)
	_, err = cat.ChangeLoadBalancer(ctx, "orders", func(b *sockgate.LoadBalancer) error { b.Listeners = []sockgate.Listener{{Port: 80}}; return nil })
	must(err)
	_, err = cat.ChangeVPCLink(ctx, "abc123", func(l *sockgate.VPCLink) error { l.Name = "x"; return nil })
	must(err)
	want := []string{"Orders-1 false false true", "orders false true false", "abc123 true false false", "Orders-1 false false true", "orders false true false", "abc123 true false false"}
	if diff := cmp.Diff(want, told.lines); diff != "" {
		t.Error("told (-want +got):\n", diff)
	}
	if err := cat.CreateLoadBalancer(ctx, &sockgate.LoadBalancer{Name: "orders"}); sockgate.KindOf(err) != sockgate.Conflict {
		t.Errorf("a second one of the name: %v", err)
	}
	for name, err := range map[string]error{
		"link":     cat.DeleteVPCLink(ctx, "zzz"),
		"balancer": cat.DeleteLoadBalancer(ctx, "../x"),
		"group":    cat.DeleteTargetGroup(ctx, ""),
	} {
		if sockgate.KindOf(err) != sockgate.NotFound {
			t.Errorf("%s: %v", name, err)
		}
	}

	// Another node hears of what is there, and of what follows.
	watch, done := context.WithCancel(ctx)
	defer done()
	other := &news{until: 6, done: done, settled: func() {
		if err := errors.Join(cat.DeleteVPCLink(ctx, "abc123"), cat.DeleteLoadBalancer(ctx, "orders"), cat.DeleteTargetGroup(ctx, "Orders-1")); err != nil {
			t.Error(err)
			done()
		}
	}}
	_ = cat.WatchBalancing(watch, other)
	want = []string{"orders false true false", "Orders-1 false false true", "abc123 true false false", "abc123 false false false", "orders false false false", "Orders-1 false false false"}
	if diff := cmp.Diff(want, other.lines); diff != "" {
		t.Error("heard (-want +got):\n", diff)
	}
}
