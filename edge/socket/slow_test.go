package socket_test

import (
	"context"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/edge/socket"
)

var tooSlow = ending{1008, "Client reads too slowly"}

// countSlow returns limits that count calls of SlowPeer.
func countSlow() (socket.Limits, *int) {
	limits, n := socket.DefaultLimits(), new(int)
	limits.SlowPeer = func() { *n++ }
	return limits, n
}

func TestStalledPeer(t *testing.T) {
	limits, slow := countSlow()
	inTime(t, limits, nil, func(t *testing.T, s *served, _ net.Conn) {
		since := time.Now()
		if err := s.Send(t.Context(), []byte("x")); sockgate.KindOf(err) != sockgate.Gone {
			t.Errorf("Send: %v, want Gone", err)
		}
		wantEnd(t, s, tooSlow, limits.SendStall, since)
		if *slow != 1 {
			t.Errorf("SlowPeer was called %d times", *slow)
		}
	})
}

// A peer that takes a byte now and then is slow but not stalled.
func TestByteByByteReader(t *testing.T) {
	limits := socket.DefaultLimits()
	limits.Idle = 0
	inTime(t, limits, nil, func(t *testing.T, s *served, client net.Conn) {
		payload := strings.Repeat("0123456789", 10)
		sent := make(chan error, 1)
		go func() { sent <- s.Send(context.Background(), []byte(payload)) }()
		got := collect(slowReader{client, 9 * time.Second})
		since := time.Now()
		if err := <-sent; err != nil {
			t.Fatal(err)
		}
		if took := time.Since(since); took < 102*9*time.Second {
			t.Errorf("Send returned after %v, before the peer had taken it", took)
		}
		client.Write(closing(1000, ""))
		s.end(t)
		if all := <-got; len(all) == 0 || all[0] != "text "+short(payload) {
			t.Errorf("received %q", all)
		}
	})
}

// slowReader reads a byte at a time, with a pause before each.
type slowReader struct {
	net.Conn
	pause time.Duration
}

func (r slowReader) Read(b []byte) (int, error) {
	time.Sleep(r.pause)
	return r.Conn.Read(b[:min(1, len(b))])
}

func TestSendOverflows(t *testing.T) {
	limits, slow := countSlow()
	limits.SendQueue = 1000
	inTime(t, limits, nil, func(t *testing.T, s *served, _ net.Conn) {
		since := time.Now()
		errs := make(chan error, 3)
		for range 3 {
			go func() { errs <- s.Send(context.Background(), make([]byte, 300)) }()
		}
		synctest.Wait()
		if len(errs) != 0 {
			t.Fatalf("Send did not wait: %v", <-errs)
		}
		if err := s.Send(t.Context(), make([]byte, 300)); sockgate.KindOf(err) != sockgate.Gone {
			t.Errorf("Send over the queue: %v, want Gone", err)
		}
		wantEnd(t, s, tooSlow, time.Second+limits.CloseWait, since)
		for range 3 {
			if err := <-errs; sockgate.KindOf(err) != sockgate.Gone {
				t.Errorf("queued Send: %v, want Gone", err)
			}
		}
		if *slow != 1 {
			t.Errorf("SlowPeer was called %d times", *slow)
		}
	})
}

// Many callers at once may find the queue full of a peer that reads.
func TestSendsWaitForAReader(t *testing.T) {
	limits, slow := countSlow()
	limits.SendQueue = 1000
	inTime(t, limits, nil, func(t *testing.T, s *served, client net.Conn) {
		errs := make(chan error, 50)
		for range cap(errs) {
			go func() { errs <- s.Send(context.Background(), make([]byte, 300)) }()
		}
		got := collect(client)
		for range cap(errs) {
			if err := <-errs; err != nil {
				t.Errorf("Send: %v", err)
			}
		}
		client.Write(closing(1000, ""))
		s.end(t)
		if n := len(<-got); n != cap(errs)+1 || *slow != 0 {
			t.Errorf("received %d messages, slow %d", n, *slow)
		}
	})
}

func TestReplyWaitsForRoom(t *testing.T) {
	limits, slow := countSlow()
	limits.SendQueue = 1000
	inTime(t, limits, nil, func(t *testing.T, s *served, client net.Conn) {
		errs := make(chan error, 100)
		for i := range cap(errs) {
			size := 300
			if i%10 == 0 {
				size = 2000 // over the whole queue: goes when that is empty
			}
			go func() { errs <- s.Reply(context.Background(), make([]byte, size)) }()
		}
		time.Sleep(time.Second)
		if n := len(errs); n > 3 { // that many fit
			t.Fatalf("%d replies did not wait", n)
		}
		got := collect(client)
		for range cap(errs) {
			if err := <-errs; err != nil {
				t.Errorf("Reply: %v", err)
			}
		}
		client.Write(closing(1000, ""))
		s.end(t)
		if n := len(<-got); n != cap(errs)+1 || *slow != 0 {
			t.Errorf("received %d messages, slow %d", n, *slow)
		}
	})
}

// Replies to peers that do not read may fill the backlog and no more: it is all connections' together.
func TestRepliesWaitWithinTheBacklog(t *testing.T) {
	limits, slow := countSlow()
	limits.SendQueue = 1000
	limits.Backlog = socket.NewBacklog(1000)
	inTime(t, limits, nil, func(t *testing.T, s *served, _ net.Conn) {
		since := time.Now()
		if err := s.Reply(t.Context(), make([]byte, 900)); err != nil {
			t.Fatalf("Reply into an empty queue: %v", err)
		}
		errs := make(chan error, 2)
		for range cap(errs) {
			go func() { errs <- s.Reply(context.Background(), make([]byte, 400)) }()
			synctest.Wait()
		}
		if len(errs) != 0 {
			t.Fatalf("Reply did not wait: %v", <-errs)
		}
		if err := s.Reply(t.Context(), make([]byte, 400)); sockgate.KindOf(err) != sockgate.Gone {
			t.Errorf("Reply over the backlog: %v, want Gone", err)
		}
		wantEnd(t, s, tooSlow, limits.CloseWait, since)
		for range cap(errs) {
			if err := <-errs; sockgate.KindOf(err) != sockgate.Gone {
				t.Errorf("waiting Reply: %v, want Gone", err)
			}
		}
		if *slow != 1 {
			t.Errorf("SlowPeer was called %d times", *slow)
		}
	})
	// What waited has given its room back.
	inTime(t, limits, nil, func(t *testing.T, s *served, client net.Conn) {
		errs := make(chan error, 2)
		for _, size := range []int{900, 900} {
			go func() { errs <- s.Reply(context.Background(), make([]byte, size)) }()
			synctest.Wait()
		}
		got := collect(client)
		for range cap(errs) {
			if err := <-errs; err != nil {
				t.Errorf("Reply: %v", err)
			}
		}
		client.Write(closing(1000, ""))
		s.end(t)
		<-got
	})
}

func TestSendDeadline(t *testing.T) {
	limits := socket.DefaultLimits()
	limits.SendQueue = 1000
	cases := []struct {
		name string
		send func(s *served, ctx context.Context) error
	}{
		{"queued", func(s *served, ctx context.Context) error { return s.Send(ctx, make([]byte, 100)) }},
		{"waiting for room", func(s *served, ctx context.Context) error {
			go s.Send(context.Background(), make([]byte, 900))
			synctest.Wait()
			return s.Reply(ctx, make([]byte, 900))
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			inTime(t, limits, nil, func(t *testing.T, s *served, client net.Conn) {
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				since := time.Now()
				if err := c.send(s, ctx); sockgate.KindOf(err) != sockgate.Timeout {
					t.Errorf("%v, want Timeout", err)
				}
				if took := time.Since(since); took != 3*time.Second {
					t.Errorf("took %v", took)
				}
				client.Close()
				s.end(t)
			})
		})
	}
}

// A reply that waits for room gives up as soon as the connection begins to close.
func TestReplyAtClose(t *testing.T) {
	limits := socket.DefaultLimits()
	limits.SendQueue = 1000
	inTime(t, limits, nil, func(t *testing.T, s *served, _ net.Conn) {
		go s.Send(context.Background(), make([]byte, 900))
		synctest.Wait()
		got := make(chan error)
		go func() { got <- s.Reply(context.Background(), make([]byte, 900)) }()
		synctest.Wait()
		since := time.Now()
		s.Close(1001, "")
		if err := <-got; sockgate.KindOf(err) != sockgate.Gone || time.Since(since) != 0 {
			t.Errorf("Reply: %v after %v, want Gone at once", err, time.Since(since))
		}
		s.end(t)
	})
}

// A client that sends pings and reads nothing costs a bounded number of answers; the last ping's is among them.
func TestPingFlood(t *testing.T) {
	limits := socket.DefaultLimits()
	limits.SendStall = time.Hour
	inTime(t, limits, nil, func(t *testing.T, s *served, client net.Conn) {
		const flood = 10000
		for i := range flood {
			if _, err := client.Write(frame(fin|ping, strconv.Itoa(i))); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		r := make(chan []string, 1)
		go func() { r <- readAll(client) }()
		synctest.Wait()
		client.Write(closing(1000, ""))
		s.end(t)
		all := <-r
		if n := len(all); n < 3 || n > 4096 || all[n-2] != "pong "+strconv.Itoa(flood-1) || all[n-1] != "close 1000" {
			t.Errorf("received %d, ending with %q", n, all[max(0, n-3):])
		}
	})
}

// The kernel's own buffers stand between: ours is made small, so that most goes through the queue.
func TestSlowReaderOverTCP(t *testing.T) {
	server, client := tcpPair(t)
	server.SetWriteBuffer(4 << 10)
	limits := socket.DefaultLimits()
	limits.SendQueue = 8 << 20
	s := start(server, limits, nil)
	const n, size = 60, 100 << 10
	errs := make(chan error, n)
	for range n {
		go func() { errs <- s.Reply(context.Background(), []byte(strings.Repeat("x", size))) }()
	}
	for i := range n {
		m, err := readMessage(client)
		if err != nil || m != "text "+short(strings.Repeat("x", size)) {
			t.Fatalf("message %d: %q, %v", i, m, err)
		}
	}
	for range n {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	client.Write(closing(1000, ""))
	if m, err := readMessage(client); m != "close 1000" {
		t.Errorf("received %q, %v", m, err)
	}
	if _, err := client.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("read: %v, want the end", err)
	}
	client.Close()
	s.end(t)
}

// A peer that reads nothing is closed by the queue's bound also over TCP, and leaves nothing behind.
func TestOverflowOverTCP(t *testing.T) {
	limits, slow := countSlow()
	limits.CloseWait = 10 * time.Millisecond
	server, client := tcpPair(t)
	s := start(server, limits, nil)
	results := make(chan error, 2000)
	for range cap(results) {
		go func() { results <- s.Send(context.Background(), make([]byte, 16<<10)) }()
	}
	gone := 0
	for range cap(results) {
		if err := <-results; sockgate.KindOf(err) == sockgate.Gone && err != nil {
			gone++
		}
	}
	if end := s.end(t); end != tooSlow || gone == 0 || *slow != 1 {
		t.Errorf("ended with %v, %d of %d sends failed, slow %d", end, gone, cap(results), *slow)
	}
	client.Close()
}
