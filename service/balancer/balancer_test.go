package balancer_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/service/balancer"
	"github.com/sockgate/sockgate/state/catalog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// network is where the targets of a test are. An address that is not named answers checks with 200.
type network struct {
	mu    sync.Mutex
	modes map[string]string // refuse, hang, or what follows "HTTP/1.1 " in an answer
	dials map[string]int
}

func (n *network) set(addr, mode string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.modes[addr] = mode
}

func (n *network) dialled(addr string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.dials[addr]
}

func (n *network) dial(ctx context.Context, addr string) (net.Conn, error) {
	n.mu.Lock()
	mode := n.modes[addr]
	n.dials[addr]++
	n.mu.Unlock()
	switch mode {
	case "refuse":
		return nil, errors.New("connection refused")
	case "hang":
		<-ctx.Done()
		return nil, ctx.Err()
	}
	near, far := net.Pipe()
	go func() { // ends with the connection
		defer far.Close()
		if mode == "mute" {
			_, _ = io.Copy(io.Discard, far)
			return
		}
		req, err := http.ReadRequest(bufio.NewReader(far))
		if err != nil {
			return
		}
		if mode == "" {
			mode = "200 OK " + req.UserAgent()
		}
		if mode != "garbage" {
			mode = "HTTP/1.1 " + mode
		}
		_, _ = io.WriteString(far, mode+"\r\n\r\n")
	}()
	return near, nil
}

// world is a service with the load balancer "orders", its group, and the link "abc123" to it.
type world struct {
	*balancer.Service
	net      *network
	group    *sockgate.TargetGroup
	balancer *sockgate.LoadBalancer
	revision uint64
}

const (
	balancerARN = "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/net/orders/0123456789abcdef"
	groupARN    = "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/orders/fedcba9876543210"
	agentsARN   = "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/orders-agents/0123456789abcdef"
)

// start runs in a bubble of synctest.
func start(t *testing.T, declared balancer.Declared, targets ...string) *world {
	w := &world{net: &network{modes: make(map[string]string), dials: make(map[string]int)}}
	w.Service = balancer.New(balancer.Config{Dial: w.net.dial, Declared: declared, Account: "000000000000", Region: "us-east-1", Log: slog.New(slog.DiscardHandler)})
	w.group = &sockgate.TargetGroup{ARN: groupARN, Name: "orders", Protocol: "TCP", Port: 80, TargetType: "ip",
		HealthCheck: sockgate.HealthCheck{Protocol: "TCP", Interval: 30 * time.Second, Timeout: 10 * time.Second, Healthy: 3, Unhealthy: 2}}
	for _, id := range targets {
		w.group.Targets = append(w.group.Targets, sockgate.Target{ID: id, Port: 80})
	}
	w.balancer = &sockgate.LoadBalancer{ARN: balancerARN, Name: "orders", Listeners: []sockgate.Listener{{Protocol: "TCP", Port: 80, TargetGroupARN: groupARN}}}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	w.tellGroup()
	w.tellBalancer()
	w.tell(catalog.BalancingChange{LinkID: "abc123", Link: &sockgate.VPCLink{ID: "abc123", LoadBalancerARN: balancerARN, Status: "AVAILABLE"}})
	synctest.Wait()
	return w
}

func (w *world) tell(ch catalog.BalancingChange) {
	w.revision++
	ch.Revision = w.revision
	w.Told(context.Background(), ch)
}

func (w *world) tellGroup() {
	g := *w.group
	g.Targets = append([]sockgate.Target(nil), g.Targets...)
	w.tell(catalog.BalancingChange{GroupName: g.Name, Group: &g})
}

func (w *world) tellBalancer() {
	b := *w.balancer
	b.Listeners = append([]sockgate.Listener(nil), b.Listeners...)
	w.tell(catalog.BalancingChange{BalancerName: b.Name, Balancer: &b})
}

// pick picks n times without an end and returns how often each was picked.
func (w *world) pick(t *testing.T, n int) map[string]int {
	t.Helper()
	seen := make(map[string]int)
	for range n {
		p, _, err := w.Pick("abc123", 80, nil)
		if err != nil {
			t.Fatal(err)
		}
		seen[p.String()]++
		p.Done(false, false)
	}
	return seen
}

func of(id string) string { return id + ":80 of target group orders" }

// states is what Health says, in short.
func (w *world) states(t *testing.T, arn string) string {
	t.Helper()
	list, ok := w.Health(arn, nil)
	if !ok {
		return "no group"
	}
	var b strings.Builder
	for _, h := range list {
		fmt.Fprintf(&b, "%s %s", h.Target.ID, h.State)
		if h.Reason != "" {
			fmt.Fprintf(&b, " %s (%s)", h.Reason, h.Description)
		}
		b.WriteString("; ")
	}
	return strings.TrimSuffix(b.String(), "; ")
}

func (w *world) want(t *testing.T, states string) {
	t.Helper()
	synctest.Wait()
	if got := w.states(t, groupARN); got != states {
		t.Errorf("got  %s\nwant %s", got, states)
	}
}

func TestHealthOfATarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, balancer.Declared{}, "10.0.0.1")
		w.want(t, "10.0.0.1 healthy")
		w.net.set("10.0.0.1:80", "refuse")
		time.Sleep(31 * time.Second)
		w.want(t, "10.0.0.1 healthy") // one check failed, or more that do not count
		time.Sleep(31 * time.Second)
		w.want(t, "10.0.0.1 unhealthy Target.FailedHealthChecks (Health checks failed)")
		w.net.set("10.0.0.1:80", "hang")
		time.Sleep(41 * time.Second)
		w.want(t, "10.0.0.1 unhealthy Target.Timeout (Request timed out)")
		w.net.set("10.0.0.1:80", "")
		time.Sleep(45 * time.Second)
		w.want(t, "10.0.0.1 unhealthy Target.Timeout (Request timed out)")
		time.Sleep(60 * time.Second)
		w.want(t, "10.0.0.1 healthy")
	})
}

func TestNewTargets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, balancer.Declared{})
		w.net.set("10.0.0.1:80", "hang")
		w.group.Targets = []sockgate.Target{{ID: "10.0.0.1", Port: 80}}
		w.tellGroup()
		w.want(t, "10.0.0.1 initial Elb.RegistrationInProgress (Target registration is in progress)")
		time.Sleep(10*time.Second + time.Millisecond)
		w.want(t, "10.0.0.1 initial Elb.InitialHealthChecking (Initial health checks in progress)")
		time.Sleep(15 * time.Second)
		w.want(t, "10.0.0.1 unhealthy Target.Timeout (Request timed out)")

		w.balancer.Listeners = nil // nobody uses the group any more
		w.tellBalancer()
		w.want(t, "10.0.0.1 unused Target.NotInUse (Target group is not configured to receive traffic from the load balancer)")
		before := w.net.dialled("10.0.0.1:80")
		time.Sleep(time.Hour)
		if n := w.net.dialled("10.0.0.1:80"); n != before {
			t.Errorf("a target that nobody uses was checked %d times", n-before)
		}
		list, _ := w.Health(groupARN, []sockgate.Target{{ID: "10.9.9.9"}})
		if len(list) != 1 || list[0].Reason != "Target.NotRegistered" || list[0].Target.Port != 80 {
			t.Errorf("a target that is not registered: %+v", list)
		}
	})
}

func TestHTTPChecks(t *testing.T) {
	for _, tt := range []struct{ name, mode, matcher, want string }{
		{"good", "", "200", "10.0.0.1 healthy"},
		{"in a range", "302 Found", "200-399", "10.0.0.1 healthy"},
		{"in a list", "204 No Content", "200,204", "10.0.0.1 healthy"},
		{"another status", "503 Service Unavailable", "200-399", "10.0.0.1 unhealthy Target.ResponseCodeMismatch (Health checks failed with these codes: [503])"},
		{"garbage", "garbage", "200", "10.0.0.1 unhealthy Target.FailedHealthChecks (Health checks failed)"},
		{"no answer", "mute", "200", "10.0.0.1 unhealthy Target.Timeout (Request timed out)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := start(t, balancer.Declared{})
				w.net.set("10.0.0.1:80", tt.mode)
				w.group.HealthCheck.Protocol, w.group.HealthCheck.Path, w.group.HealthCheck.Matcher = "HTTP", "/health", tt.matcher
				w.group.Targets = []sockgate.Target{{ID: "10.0.0.1", Port: 80}}
				w.tellGroup()
				time.Sleep(25 * time.Second)
				w.want(t, tt.want)
			})
		})
	}
}

func TestChecksOnAnotherPort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, balancer.Declared{})
		w.group.HealthCheck.Port = 9000
		w.group.Targets = []sockgate.Target{{ID: "10.0.0.1", Port: 80}}
		w.tellGroup()
		w.want(t, "10.0.0.1 healthy")
		if w.net.dialled("10.0.0.1:9000") == 0 || w.net.dialled("10.0.0.1:80") != 0 {
			t.Error("the check did not go to the other port")
		}
	})
}

// TestSetAside: a target that could not be connected to gets no calls until a check passes, which is soon.
func TestSetAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, balancer.Declared{}, "10.0.0.1", "10.0.0.2")
		w.net.set("10.0.0.1:80", "refuse")
		p, _, err := w.Pick("abc123", 80, func(t *balancer.Target) bool { return !strings.HasPrefix(t.String(), "10.0.0.1") })
		if err != nil {
			t.Fatal(err)
		}
		p.Done(true, false)
		if seen := w.pick(t, 50); seen[of("10.0.0.2")] != 50 {
			t.Errorf("picked %v", seen)
		}
		time.Sleep(3 * time.Second)
		w.want(t, "10.0.0.1 healthy; 10.0.0.2 healthy") // what the extra checks find does not count
		w.net.set("10.0.0.1:80", "")
		time.Sleep(5 * time.Second)
		if seen := w.pick(t, 200); seen[of("10.0.0.1")] == 0 {
			t.Errorf("a target that is back gets nothing: %v", seen)
		}
	})
}

// TestPartition: a target that nothing reaches any more is set aside within the interval of its checks and their timeout, without
// a call that has to find out.
func TestPartition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, balancer.Declared{}, "10.0.0.1", "10.0.0.2")
		w.net.set("10.0.0.1:80", "hang")
		time.Sleep(40*time.Second + time.Millisecond)
		if seen := w.pick(t, 100); seen[of("10.0.0.1")] != 0 {
			t.Errorf("picked %v", seen)
		}
		// With a call that found out it is one timeout.
		w.net.set("10.0.0.2:80", "hang")
		p, _, _ := w.Pick("abc123", 80, nil)
		p.Done(false, true)
		time.Sleep(11 * time.Second)
		w.net.set("10.0.0.1:80", "")
		time.Sleep(31 * time.Second)
		if seen := w.pick(t, 100); seen[of("10.0.0.2")] != 0 {
			t.Errorf("picked %v", seen)
		}
	})
}

func TestFailsOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, balancer.Declared{}, "10.0.0.1", "10.0.0.2")
		w.net.set("10.0.0.1:80", "refuse")
		w.net.set("10.0.0.2:80", "refuse")
		time.Sleep(2 * time.Minute)
		if seen := w.pick(t, 100); seen[of("10.0.0.1")] == 0 || seen[of("10.0.0.2")] == 0 {
			t.Errorf("with every target unhealthy, picked %v", seen)
		}
		w.net.set("10.0.0.2:80", "")
		time.Sleep(2 * time.Minute)
		if seen := w.pick(t, 100); seen[of("10.0.0.2")] != 100 {
			t.Errorf("with one healthy target, picked %v", seen)
		}
	})
}

func TestFewestCallsUnderWay(t *testing.T) {
	for _, n := range []int{3, 64, 200} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var ids []string
				for i := range n {
					ids = append(ids, fmt.Sprintf("10.0.%d.%d", i/100, i%100))
				}
				w := start(t, balancer.Declared{}, ids...)
				load := make(map[string]int)
				for range 4 * n { // nobody is done: each must get about as much as the others
					p, _, err := w.Pick("abc123", 80, nil)
					if err != nil {
						t.Fatal(err)
					}
					load[p.String()]++
				}
				least, most := 4*n, 0
				for _, id := range ids {
					least, most = min(least, load[of(id)]), max(most, load[of(id)])
				}
				spread := 1
				if n > 64 { // samples
					spread = 4
				}
				if most-least >= spread+1 {
					t.Errorf("between %d and %d calls", least, most)
				}
			})
		})
	}
}

func TestPortsAndReasons(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, balancer.Declared{}, "10.0.0.1")
		tls := *w.group
		tls.ARN, tls.Name = strings.Replace(groupARN, "orders", "more", 1), "more"
		tls.Targets = []sockgate.Target{{ID: "10.0.0.9", Port: 443}}
		pick := func(link string, port int) string {
			p, plain, err := w.Pick(link, port, nil)
			if err != nil {
				return err.Error()
			}
			p.Done(false, false)
			if plain {
				return "plain " + p.String()
			}
			return p.String()
		}
		check := func(what, got, want string) {
			t.Helper()
			if got != want {
				t.Errorf("%s:\n got %s\nwant %s", what, got, want)
			}
		}
		check("the only listener serves every port", pick("abc123", 443), of("10.0.0.1"))
		w.tell(catalog.BalancingChange{GroupName: "more", Group: &tls})
		w.balancer.Listeners = append(w.balancer.Listeners, sockgate.Listener{Protocol: "TLS", Port: 443, TargetGroupARN: tls.ARN})
		w.tellBalancer()
		check("a TLS listener before a TCP group", pick("abc123", 443), "plain 10.0.0.9:443 of target group more")
		check("by port", pick("abc123", 80), of("10.0.0.1"))
		check("another port", pick("abc123", 8080), "VPC link abc123: load balancer orders has no listener on port 8080")
		check("no link", pick("zzz", 80), "VPC link zzz does not exist")
		w.tell(catalog.BalancingChange{LinkID: "bad", Link: &sockgate.VPCLink{ID: "bad", LoadBalancerARN: "arn:x", Status: "FAILED", StatusMessage: "NLB ARN is malformed."}})
		check("failed link", pick("bad", 80), "VPC link bad leads nowhere: it is FAILED: NLB ARN is malformed.")
		w.group.Targets = nil
		w.tellGroup()
		check("no targets", pick("abc123", 80), "VPC link abc123: load balancer orders, target group orders has no targets")
		w.tell(catalog.BalancingChange{BalancerName: "orders"})
		check("no balancer", pick("abc123", 80), "VPC link abc123 leads nowhere: load balancer "+balancerARN+" does not exist")
		w.tell(catalog.BalancingChange{LinkID: "abc123"})
		check("deleted link", pick("abc123", 80), "VPC link abc123 does not exist")
	})
}

func TestDraining(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, balancer.Declared{}, "10.0.0.1", "10.0.0.2")
		w.net.set("10.0.0.1:80", "mute")
		p, _, err := w.Pick("abc123", 80, func(t *balancer.Target) bool { return !strings.HasPrefix(t.String(), "10.0.0.1") })
		if err != nil {
			t.Fatal(err)
		}
		c, err := p.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		w.group.Targets[0].DrainUntil = time.Now().Add(5 * time.Minute)
		w.tellGroup()
		w.want(t, "10.0.0.1 draining Target.DeregistrationInProgress (Target deregistration is in progress); 10.0.0.2 healthy")
		if seen := w.pick(t, 50); seen[of("10.0.0.1")] != 0 {
			t.Errorf("picked %v", seen)
		}
		time.Sleep(5*time.Minute - time.Second)
		if _, err := c.Write([]byte("x")); err != nil {
			t.Errorf("a call that was under way was cut early: %v", err)
		}
		time.Sleep(2 * time.Second)
		w.want(t, "10.0.0.2 healthy")
		if _, err := c.Write([]byte("x")); err == nil {
			t.Error("a connection outlived the deregistration delay")
		}
		if _, err := p.Dial(t.Context()); err == nil {
			t.Error("a target that is gone was connected to")
		}
		p.Done(false, false)

		// Registered again, it begins anew.
		w.net.set("10.0.0.1:80", "")
		w.group.Targets[0].DrainUntil = time.Time{}
		w.tellGroup()
		w.want(t, "10.0.0.1 healthy; 10.0.0.2 healthy")
	})
}

// TestNoDelay: with a deregistration delay of zero a connection is cut at once.
func TestNoDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, balancer.Declared{}, "10.0.0.1")
		w.net.set("10.0.0.1:80", "mute")
		p, _, err := w.Pick("abc123", 80, nil)
		if err != nil {
			t.Fatal(err)
		}
		c, err := p.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		w.group.Targets[0].DrainUntil = time.Now()
		w.tellGroup()
		if _, err := c.Write([]byte("x")); err == nil {
			t.Error("the connection is still open")
		}
		w.want(t, "")
	})
}

// TestRegisteredWhileDraining: what was under way goes on, and new calls come.
func TestRegisteredWhileDraining(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, balancer.Declared{}, "10.0.0.1")
		p, _, _ := w.Pick("abc123", 80, nil)
		w.net.set("10.0.0.1:80", "mute")
		c, err := p.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		w.group.Targets[0].DrainUntil = time.Now().Add(time.Minute)
		w.tellGroup()
		w.group.Targets[0].DrainUntil = time.Time{}
		w.tellGroup()
		if seen := w.pick(t, 3); seen[of("10.0.0.1")] != 3 {
			t.Errorf("picked %v", seen)
		}
		if _, err := c.Write([]byte("x")); err != nil {
			t.Errorf("what was under way was cut: %v", err)
		}
		time.Sleep(2 * time.Minute)
		if _, err := c.Write([]byte("x")); err == nil {
			t.Error("the connection of the earlier registration outlived its delay")
		}
	})
}

func TestAgents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, balancer.Declared{}, "10.0.0.1")
		if _, err := w.AttachAgent("nobody", "a", nil); sockgate.KindOf(err) != sockgate.NotFound {
			t.Errorf("attached to no load balancer: %v", err)
		}
		dial := func(ctx context.Context) (net.Conn, error) { return w.net.dial(ctx, "agent") }
		detach, err := w.AttachAgent("orders", "shed", dial)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := w.states(t, agentsARN); got != "shed healthy" {
			t.Errorf("the agent is %s", got)
		}
		const shown = "agent shed of load balancer orders"
		if seen := w.pick(t, 100); seen[shown] == 0 || seen[of("10.0.0.1")] == 0 {
			t.Errorf("picked %v", seen)
		}
		w.group.Targets = nil
		w.balancer.Listeners = nil
		w.tellGroup()
		w.tellBalancer()
		if seen := w.pick(t, 10); seen[shown] != 10 {
			t.Errorf("without a listener, picked %v", seen)
		}
		w.net.set("agent", "hang")
		time.Sleep(time.Minute)
		if got := w.states(t, agentsARN); !strings.HasPrefix(got, "shed unhealthy Target.Timeout") {
			t.Errorf("the agent is %s", got)
		}
		p, _, err := w.Pick("abc123", 80, nil)
		if err != nil {
			t.Fatal(err)
		}
		detach()
		detach()
		synctest.Wait()
		if got := w.states(t, agentsARN); !strings.HasPrefix(got, "shed draining") {
			t.Errorf("the agent is %s", got)
		}
		if _, _, err := w.Pick("abc123", 80, nil); err == nil {
			t.Error("a detached agent was picked")
		}
		p.Done(false, false)
		time.Sleep(2 * time.Second)
		if got := w.states(t, agentsARN); got != "no group" {
			t.Errorf("the agent is still there: %s", got)
		}
	})
}

// TestOldNews: what the watch tells late does not undo what is known.
func TestOldNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, balancer.Declared{}, "10.0.0.1")
		old := *w.group
		w.group.Targets = append(w.group.Targets, sockgate.Target{ID: "10.0.0.2", Port: 80})
		w.tellGroup()
		if err := w.Changed(catalog.BalancingChange{GroupName: "orders", Group: &old, Revision: 1}); err != nil {
			t.Fatal(err)
		}
		w.want(t, "10.0.0.1 healthy; 10.0.0.2 healthy")
		w.tell(catalog.BalancingChange{GroupName: "orders"})
		if err := w.Changed(catalog.BalancingChange{GroupName: "orders", Group: &old, Revision: 2}); err != nil {
			t.Fatal(err)
		}
		w.want(t, "no group")
	})
}

func TestDeclaredWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		declared := balancer.Declared{
			Links:     []sockgate.VPCLink{{ID: "abc123", LoadBalancerARN: balancerARN, Status: "AVAILABLE", Declared: true}},
			Balancers: []sockgate.LoadBalancer{{ARN: balancerARN, Name: "orders", Declared: true, Listeners: []sockgate.Listener{{Port: 80, Protocol: "TCP", TargetGroupARN: groupARN}}}},
			Groups: []sockgate.TargetGroup{{ARN: groupARN, Name: "orders", Declared: true, HealthCheck: balancer.DefaultCheck(),
				Targets: []sockgate.Target{{ID: "10.1.1.1", Port: 80}}}},
		}
		w := start(t, declared, "10.0.0.1")
		w.want(t, "10.1.1.1 healthy")
		if seen := w.pick(t, 10); seen[of("10.1.1.1")] != 10 {
			t.Errorf("picked %v", seen)
		}
		w.tell(catalog.BalancingChange{LinkID: "abc123"}) // the stored one
		if w.VPCLink("abc123") == nil {
			t.Error("deleting the stored link took the declared one away")
		}
	})
}
