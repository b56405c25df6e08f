package socket_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/edge/socket"
)

// soon is a park delay for tests.
const soon = 5 * time.Millisecond

// parking returns limits with a lot, which is closed at the end of the test, when no connection may be in it any more.
func parking(t testing.TB, after time.Duration) socket.Limits {
	t.Helper()
	limits := socket.DefaultLimits()
	limits.Lot = socket.NewLot(after)
	t.Cleanup(func() {
		if n := limits.Lot.Parked(); n != 0 {
			t.Errorf("%d connections are left in the lot", n)
		}
		limits.Lot.Close()
	})
	return limits
}

// untilParked waits until n connections are parked. A test whose connections never park hangs here, to the test's own deadline.
func untilParked(t testing.TB, l *socket.Lot, n int) {
	t.Helper()
	for l.Parked() != n {
		time.Sleep(time.Millisecond)
	}
}

// untilParkedAgain does do, which wakes a parked connection, and waits until it is parked again.
func untilParkedAgain(l *socket.Lot, do func()) {
	before := l.Parkings()
	do()
	for l.Parkings() == before {
		time.Sleep(time.Millisecond)
	}
}

func expect(t *testing.T, client io.Reader, want ...string) {
	t.Helper()
	for _, w := range want {
		if m, err := readMessage(client); m != w {
			t.Fatalf("received %q, %v, want %q", m, err, w)
		}
	}
}

// handshake finishes a TLS connection's, as the port does before a connection is made of it.
func handshake(t *testing.T, server, client net.Conn) {
	t.Helper()
	if s, ok := server.(*tls.Conn); ok {
		done := make(chan error, 1)
		go func() { done <- client.(*tls.Conn).Handshake() }()
		if err := s.Handshake(); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
}

func eachParked(t *testing.T, limits func(*socket.Limits), test func(t *testing.T, s *served, client net.Conn, lot *socket.Lot)) {
	t.Helper()
	eachTransport(t, func(t *testing.T, server, client net.Conn) {
		handshake(t, server, client)
		l := parking(t, soon)
		l.CloseWait = 30 * time.Millisecond
		if limits != nil {
			limits(&l)
		}
		s := start(server, l, nil)
		untilParked(t, l.Lot, 1)
		test(t, s, client, l.Lot)
		client.Close()
		<-s.done
	})
}

func TestParkedWakes(t *testing.T) {
	half := frame(fin|text, "in two halves")
	fragments := join(frame(text, "frag"), frame(fin|cont, "ments"))
	cases := []struct {
		name string
		do   func(t *testing.T, s *served, client net.Conn, lot *socket.Lot)
		end  ending
	}{
		{"message", func(t *testing.T, s *served, c net.Conn, lot *socket.Lot) {
			for i := range 3 {
				untilParkedAgain(lot, func() { c.Write(frame(fin|text, fmt.Sprint(i))) })
				expect(t, c, fmt.Sprint("text ", i))
			}
			c.Write(closing(4000, "enough"))
			expect(t, c, "close 4000")
		}, ending{4000, "enough"}},
		{"ping", func(t *testing.T, s *served, c net.Conn, lot *socket.Lot) {
			untilParkedAgain(lot, func() { c.Write(frame(fin|ping, "p")) })
			expect(t, c, "pong p")
			c.Write(closing(1000, ""))
			expect(t, c, "close 1000")
		}, ending{1000, ""}},
		{"half a frame, then the rest", func(t *testing.T, s *served, c net.Conn, lot *socket.Lot) {
			for i := 1; i < len(half); i += 3 {
				untilParkedAgain(lot, func() { c.Write(half[:i]) })
				untilParkedAgain(lot, func() { c.Write(half[i:]) })
				expect(t, c, "text in two halves")
			}
			c.Write(closing(1000, ""))
			expect(t, c, "close 1000")
		}, ending{1000, ""}},
		{"half a message, then the rest", func(t *testing.T, s *served, c net.Conn, lot *socket.Lot) {
			untilParkedAgain(lot, func() { c.Write(fragments[:10]) })
			c.Write(fragments[10:])
			expect(t, c, "text fragments")
			c.Write(closing(1000, ""))
			expect(t, c, "close 1000")
		}, ending{1000, ""}},
		{"push", func(t *testing.T, s *served, c net.Conn, lot *socket.Lot) {
			for range 3 {
				if err := s.Send(t.Context(), []byte("pushed")); err != nil {
					t.Fatal(err)
				}
				expect(t, c, "text pushed")
			}
			untilParked(t, lot, 1)
			if n := s.Queued(); n != 0 {
				t.Errorf("%d bytes are queued", n)
			}
			c.Write(closing(1000, ""))
			expect(t, c, "close 1000")
		}, ending{1000, ""}},
		{"close frame", func(t *testing.T, s *served, c net.Conn, _ *socket.Lot) {
			c.Write(closing(3999, "bye"))
			expect(t, c, "close 3999")
		}, ending{3999, "bye"}},
		{"end of the stream", func(t *testing.T, s *served, c net.Conn, _ *socket.Lot) {
			c.Close()
		}, ending{1006, socket.Abnormal}},
		{"half-closed", func(t *testing.T, s *served, c net.Conn, _ *socket.Lot) {
			c.(interface{ CloseWrite() error }).CloseWrite() // under TLS, an alert
			if _, err := readMessage(c); err != io.EOF {
				t.Errorf("read: %v, want the end", err)
			}
		}, ending{1006, socket.Abnormal}},
		{"reset", func(t *testing.T, s *served, c net.Conn, _ *socket.Lot) {
			if tc, ok := c.(*tls.Conn); ok {
				c = tc.NetConn()
			}
			c.(*net.TCPConn).SetLinger(0)
			c.Close()
		}, ending{1006, socket.Abnormal}},
		{"fault", func(t *testing.T, s *served, c net.Conn, _ *socket.Lot) {
			c.Write(frame(fin|bin, "x"))
			expect(t, c, "close 1003")
		}, ending{1003, "Binary messages are not supported"}},
		{"our close", func(t *testing.T, s *served, c net.Conn, _ *socket.Lot) {
			s.Close(1001, socket.GoingAway)
			if err := s.Send(t.Context(), []byte("x")); sockgate.KindOf(err) != sockgate.Gone {
				t.Errorf("Send: %v, want Gone", err)
			}
			expect(t, c, "close 1001")
			c.Write(closing(1001, ""))
		}, goingAway},
		{"our close, unanswered", func(t *testing.T, s *served, c net.Conn, _ *socket.Lot) {
			s.Close(1000, "")
			expect(t, c, "close 1000")
			s.end(t)
		}, ending{1000, "Connection Closed Normally"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			eachParked(t, nil, func(t *testing.T, s *served, client net.Conn, lot *socket.Lot) {
				c.do(t, s, client, lot)
				if end := s.end(t); end != c.end {
					t.Errorf("ended with %v, want %v", end, c.end)
				}
			})
		})
	}
}

// A time limit ends a parked connection when it is due: not before, and within what Lot allows.
func TestParkedLimits(t *testing.T) {
	const limit = 150 * time.Millisecond
	cases := []struct {
		name   string
		limits func(*socket.Limits)
		push   bool // moves the idle limit
	}{
		{"idle", func(l *socket.Limits) { l.Idle = limit }, false},
		{"idle, moved by a push", func(l *socket.Limits) { l.Idle = limit }, true},
		{"duration", func(l *socket.Limits) { l.Duration = limit }, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			eachParked(t, c.limits, func(t *testing.T, s *served, client net.Conn, _ *socket.Lot) {
				began := s.Info().ConnectedAt
				if c.push {
					time.Sleep(limit / 2)
					if err := s.Send(t.Context(), []byte("x")); err != nil {
						t.Fatal(err)
					}
					expect(t, client, "text x")
					began = s.LastActive()
				}
				expect(t, client, "close 1001")
				if took := time.Since(began); took < limit {
					t.Errorf("closed after %v, want %v", took, limit)
				}
				client.Write(closing(1001, ""))
				if end := s.end(t); end != goingAway {
					t.Errorf("ended with %v", end)
				}
			})
		})
	}
}

// A limit that comes first is kept first, whichever connection parked first.
func TestParkedLimitsInOrder(t *testing.T) {
	limits := parking(t, soon)
	limits.CloseWait = 10 * time.Millisecond
	limits.Idle = 0
	limits.Duration = time.Hour
	order := make(chan int, 3)
	var all []*served
	now := time.Now()
	for i, age := range []time.Duration{0, 300 * time.Millisecond, 600 * time.Millisecond} {
		server, client := tcpPair(t)
		s := startAt(server, nil, limits, nil, now.Add(age-time.Hour+700*time.Millisecond-age*2))
		all = append(all, s)
		go func() {
			readAll(client)
			order <- i
		}()
	}
	if got := []int{<-order, <-order, <-order}; !slices.Equal(got, []int{2, 1, 0}) {
		t.Errorf("ended in order %v", got)
	}
	for _, s := range all {
		if end := s.end(t); end != goingAway {
			t.Errorf("ended with %v", end)
		}
	}
}

// A ping after a long silence has the connection parked again at once, and what came right behind the ping is not forgotten.
func TestPingAfterLongStay(t *testing.T) {
	eachTransport(t, func(t *testing.T, server, client net.Conn) {
		wire := &corked{Conn: client}
		if c, ok := client.(*tls.Conn); ok {
			wire = &corked{Conn: c.NetConn()}
			s := server.(*tls.Conn).NetConn().(*net.TCPConn)
			server, client = tlsOver(t, s, wire)
			handshake(t, server, client)
		} else {
			client = wire
		}
		limits := parking(t, soon)
		s := start(server, limits, nil)
		untilParked(t, limits.Lot, 1)
		for i := range 5 {
			time.Sleep(2 * soon)
			untilParkedAgain(limits.Lot, func() { client.Write(frame(fin|ping, "p")) })
			expect(t, client, "pong p")
			time.Sleep(2 * soon)
			wire.held = []byte{}
			client.Write(frame(fin|ping, "p"))
			m := fmt.Sprint(i, strings.Repeat("x", 20<<10)) // more than a read takes
			client.Write(frame(fin|text, m))
			wire.uncork()
			expect(t, client, "pong p", "text "+short(m))
			untilParked(t, limits.Lot, 1)
		}
		client.Write(closing(1000, ""))
		expect(t, client, "close 1000")
		client.Close()
		s.end(t)
	})
}

// A slow peer is one whether it is parked or not.
func TestParkedSlowPeer(t *testing.T) {
	slow := make(chan struct{}, 1)
	limits := parking(t, soon)
	limits.SendStall, limits.SlowPeer = 50*time.Millisecond, func() { slow <- struct{}{} }
	server, _ := tcpPair(t)
	s := start(server, limits, nil)
	untilParked(t, limits.Lot, 1)
	if err := s.Send(t.Context(), bytes.Repeat([]byte("x"), 16<<20)); sockgate.KindOf(err) != sockgate.Gone {
		t.Errorf("Send: %v, want Gone", err)
	}
	if end := s.end(t); end != tooSlow {
		t.Errorf("ended with %v", end)
	}
	<-slow
}

// What came with the handshake, in the port's buffer or in the TLS connection's, is no silence. The lot would not be woken for it.
func TestEarlyBytesAreNotParked(t *testing.T) {
	for _, kind := range []string{"tcp", "tls"} {
		t.Run(kind, func(t *testing.T) {
			server, client := net.Conn(nil), net.Conn(nil)
			var early []byte
			if kind == "tcp" {
				server, client = tcpPair(t)
				early = frame(fin|text, "early")
			} else {
				s, c := tcpPair(t)
				wire := &corked{Conn: c}
				server, client = tlsOver(t, s, wire)
				handshake(t, server, client)
				wire.held = []byte{}
				client.Write([]byte("GET")) // as a request's last bytes: a record of its own
				client.Write(frame(fin|text, "early"))
				wire.uncork()
				io.ReadFull(server, make([]byte, 3)) // as the port does
			}
			s := startAt(server, early, parking(t, time.Hour), nil, time.Now())
			expect(t, client, "text early")
			client.Write(closing(1000, ""))
			expect(t, client, "close 1000")
			client.Close()
			s.end(t)
		})
	}
}

// corked holds back what is written, from when held is set, and sends it in one piece.
type corked struct {
	net.Conn
	held []byte
}

func (c *corked) Write(b []byte) (int, error) {
	if c.held == nil {
		return c.Conn.Write(b)
	}
	c.held = append(c.held, b...)
	return len(b), nil
}

func (c *corked) uncork() {
	b := c.held
	c.held = nil
	c.Conn.Write(b)
}

// A lot that is closed lets its connections go on.
func TestCloseLot(t *testing.T) {
	eachTransport(t, func(t *testing.T, server, client net.Conn) {
		handshake(t, server, client)
		l := parking(t, soon)
		s := start(server, l, nil)
		untilParked(t, l.Lot, 1)
		l.Lot.Close()
		client.Write(frame(fin|text, "still here"))
		expect(t, client, "text still here")
		client.Write(closing(1000, ""))
		expect(t, client, "close 1000")
		client.Close()
		s.end(t)
	})
}

// All at once wake, and all at once close.
func TestManyParked(t *testing.T) {
	const n = 500
	limits := parking(t, soon)
	all, clients := make([]*served, n), make([]net.Conn, n)
	for i := range n {
		server, client := tcpPair(t)
		all[i], clients[i] = start(server, limits, nil), client
	}
	untilParked(t, limits.Lot, n)
	for round := range 3 {
		m := fmt.Sprint(round)
		for _, c := range clients {
			c.Write(frame(fin|text, m))
		}
		for _, c := range clients {
			expect(t, c, "text "+m)
		}
		untilParked(t, limits.Lot, n)
	}
	for _, s := range all {
		s.Close(1001, socket.GoingAway)
	}
	for _, c := range clients {
		expect(t, c, "close 1001")
		c.Close()
	}
	for _, s := range all {
		if end := s.end(t); end != goingAway {
			t.Errorf("ended with %v", end)
		}
	}
}

// Descriptors are used again at once by connections that come when others go.
func TestParkedDescriptorsComeBack(t *testing.T) {
	limits := parking(t, time.Millisecond)
	limits.CloseWait = 10 * time.Millisecond
	var chains sync.WaitGroup
	for i := range 4 {
		chains.Go(func() {
			for j := range 200 {
				server, client := tcpPair(t)
				s := start(server, limits, nil)
				m := fmt.Sprint(i, j)
				client.Write(frame(fin|text, m))
				if got, err := readMessage(client); got != "text "+m {
					t.Errorf("received %q, %v, want %q", got, err, m)
				}
				if j%2 == 0 {
					s.Close(1001, socket.GoingAway)
				}
				client.Close()
				s.end(t)
			}
		})
	}
	chains.Wait()
}

// Whatever happens while connections park and wake, no message is lost, doubled or out of order, in either direction.
func TestParkingLosesNothing(t *testing.T) {
	for _, tr := range transports {
		t.Run(tr.name, func(t *testing.T) {
			const conns, messages = 16, 150
			limits := parking(t, 200*time.Microsecond)
			limits.InFlight = 1 // strict order
			var running sync.WaitGroup
			for i := range conns {
				running.Go(func() {
					server, client := tr.pair(t)
					handshake(t, server, client)
					converse(t, start(server, limits, nil), client, rand.New(rand.NewPCG(uint64(i), 11)), messages)
				})
			}
			running.Wait()
		})
	}
}

// converse sends messages cut at random with pauses at random, pushes others meanwhile, and checks all that comes back.
func converse(t *testing.T, s *served, client net.Conn, r *rand.Rand, messages int) {
	var want, pushes []string
	var stream []byte
	var parts [][]byte
	flush := func() {
		parts = append(parts, split(stream, func() int { return 1 + r.IntN(600) })...)
		stream = nil
	}
	for i := range messages {
		m := fmt.Sprintf("m%d.%s", i, strings.Repeat("x", r.IntN(300)))
		want = append(want, "text "+short(m))
		switch r.IntN(6) {
		case 0:
			stream = append(stream, frame(fin|ping, "p")...)
		case 1:
			flush()
			parts = append(parts, frame(fin|ping, "alone"))
		}
		cut := r.IntN(len(m))
		if r.IntN(2) == 0 {
			stream = append(stream, join(frame(text, m[:cut]), frame(fin|cont, m[cut:]))...)
		} else {
			stream = append(stream, frame(fin|text, m)...)
		}
	}
	flush()
	for i := range 40 {
		pushes = append(pushes, fmt.Sprint("push ", i))
	}
	pauses := make([]time.Duration, 40)
	for i := range pauses {
		pauses[i] = time.Duration(r.IntN(2000)) * time.Microsecond
	}
	var running sync.WaitGroup
	running.Go(func() {
		for i, p := range pushes {
			time.Sleep(pauses[i])
			if err := s.Send(context.Background(), []byte(p)); err != nil {
				t.Errorf("%s: %v", p, err)
			}
		}
	})
	running.Go(func() {
		for _, part := range parts {
			client.Write(part)
			time.Sleep(time.Duration(r.IntN(1500)) * time.Microsecond)
		}
	})
	var got, pushed []string
	for len(got) < len(want) || len(pushed) < len(pushes) {
		m, err := readMessage(client)
		switch {
		case err != nil:
			t.Errorf("after %d messages and %d pushes: %v", len(got), len(pushed), err)
			client.Close()
			running.Wait()
			return
		case strings.HasPrefix(m, "text push "):
			pushed = append(pushed, m[len("text "):])
		case strings.HasPrefix(m, "text "):
			got = append(got, m)
		}
	}
	running.Wait()
	if !slices.Equal(got, want) {
		t.Error(cmp.Diff(want, got))
	}
	if !slices.Equal(pushed, pushes) {
		t.Error(cmp.Diff(pushes, pushed))
	}
	client.Write(closing(4002, "done"))
	for m := ""; m != "close 4002"; {
		var err error
		if m, err = readMessage(client); err != nil {
			t.Errorf("no close frame: %v", err)
			break
		}
	}
	client.Close()
	if end := s.end(t); end != (ending{4002, "done"}) {
		t.Errorf("ended with %v", end)
	}
}
