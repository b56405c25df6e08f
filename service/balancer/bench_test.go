package balancer_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"testing"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/service/balancer"
)

// BenchmarkPick is what a private call costs here.
func BenchmarkPick(b *testing.B) {
	for _, n := range []int{1, 8, 64, 500} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			g := sockgate.TargetGroup{ARN: groupARN, Name: "orders", HealthCheck: balancer.DefaultCheck()}
			for i := range n {
				g.Targets = append(g.Targets, sockgate.Target{ID: fmt.Sprintf("10.0.%d.%d", i/100, i%100), Port: 80})
			}
			s := balancer.New(balancer.Config{
				Dial: func(context.Context, string) (net.Conn, error) { return nil, errors.New("there is nothing") },
				Declared: balancer.Declared{
					Links:     []sockgate.VPCLink{{ID: "abc123", LoadBalancerARN: balancerARN}},
					Balancers: []sockgate.LoadBalancer{{ARN: balancerARN, Name: "orders", Listeners: []sockgate.Listener{{Port: 80, TargetGroupARN: groupARN}}}},
					Groups:    []sockgate.TargetGroup{g},
				},
				Log: slog.New(slog.DiscardHandler),
			})
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					t, _, err := s.Pick("abc123", 80, nil)
					if err != nil {
						b.Error(err)
						return
					}
					t.Done(false, false)
				}
			})
		})
	}
}
