package balancer_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"testing"
	"testing/synctest"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/service/balancer"
	"github.com/sockgate/sockgate/state/catalog"
	"github.com/sockgate/sockgate/state/store/memory"
)

// TestNodes: what one node acknowledged is known there at once, and on another by the watch.
func TestNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		defer st.Close()
		node := func() (*balancer.Service, *catalog.Catalog) {
			s := balancer.New(balancer.Config{Log: slog.New(slog.DiscardHandler),
				Dial: func(context.Context, string) (net.Conn, error) { return nil, errors.New("there is nothing") }})
			cat := catalog.New(st, nil)
			cat.OnBalancing(s.Told)
			return s, cat
		}
		here, cat := node()
		there, other := node()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 2)
		go func() { ended <- other.WatchBalancing(ctx, there) }()
		go func() { ended <- cat.WatchBalancing(ctx, here) }()
		<-there.Ready()
		<-here.Ready()
		if err := cat.CreateLoadBalancer(ctx, &sockgate.LoadBalancer{Name: "orders", ARN: balancerARN}); err != nil {
			t.Fatal(err)
		}
		if err := cat.CreateVPCLink(ctx, &sockgate.VPCLink{ID: "abc123", LoadBalancerARN: balancerARN, Status: "AVAILABLE"}); err != nil {
			t.Fatal(err)
		}
		if here.VPCLink("abc123") == nil || len(here.LoadBalancers()) != 1 {
			t.Error("an acknowledged change is not known")
		}
		synctest.Wait()
		if there.VPCLink("abc123") == nil || len(there.LoadBalancers()) != 1 {
			t.Error("the other node does not know")
		}
		// Deleted and made anew under the same name, it is another; the old one's news come late.
		if err := cat.DeleteLoadBalancer(ctx, "orders"); err != nil {
			t.Fatal(err)
		}
		if err := cat.CreateLoadBalancer(ctx, &sockgate.LoadBalancer{Name: "orders", ARN: balancerARN + "0"}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		for _, s := range []*balancer.Service{here, there} {
			if all := s.LoadBalancers(); len(all) != 1 || all[0].ARN != balancerARN+"0" {
				t.Errorf("load balancers: %+v", all)
			}
			if _, _, err := s.Pick("abc123", 80, nil); err == nil {
				t.Error("the link leads to a load balancer that has only the name of its own")
			}
		}
		cancel()
		<-ended
		<-ended
	})
}
