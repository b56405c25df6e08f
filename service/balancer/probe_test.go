package balancer

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/sockgate/sockgate"
)

func FuzzAnswerToACheck(f *testing.F) {
	for _, s := range []string{"HTTP/1.1 200 OK\r\n", "HTTP/1.0 503\r\n", "HTTP/1.1 99 x\n", "HTTP/2 200\r\n", "\n", "", "HTTP/1.1  200\r\n", "HTTP/1.1 +20 x\r\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		n, err := parseStatus(line)
		if err == nil && (n < 100 || n > 999) {
			t.Errorf("status %d of %q", n, line)
		}
	})
}

// TestCheckIsBounded: whatever a target answers, a check reads little and ends in time.
func TestCheckIsBounded(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan int)
	go func() { // ends with its connection
		sent := 0
		defer func() { done <- sent }()
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		for line := make([]byte, 1<<16); ; {
			n, err := c.Write(line)
			if sent += n; err != nil {
				return
			}
		}
	}()
	defer l.Close()
	target := &Target{host: "127.0.0.1", dialer: func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
	}}
	problem := target.probe(t.Context(), &sockgate.HealthCheck{Protocol: "HTTP", Path: "/", Matcher: "200", Timeout: 10 * time.Second})
	if problem == nil || problem.reason != failedChecks {
		t.Errorf("an endless line: %+v", problem)
	}
	<-done
}
