package socket_test

import (
	"context"
	"io"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/edge/socket"
)

// collect reads everything from client in the background.
func collect(client net.Conn) <-chan []string {
	got := make(chan []string, 1)
	go func() { got <- readAll(client) }()
	return got
}

// inTime runs test in a bubble with a connection whose both ends it gets. The clock is the bubble's.
func inTime(t *testing.T, limits socket.Limits, message func(*socket.Conn, []byte), test func(t *testing.T, s *served, client net.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server, client := net.Pipe()
		defer client.Close()
		test(t, start(server, limits, message), client)
	})
}

func wantEnd(t *testing.T, s *served, want ending, after time.Duration, since time.Time) {
	t.Helper()
	if got := s.end(t); got != want {
		t.Errorf("ended with %v, want %v", got, want)
	}
	if took := time.Since(since); took != after {
		t.Errorf("ended after %v, want %v", took, after)
	}
}

var goingAway = ending{1001, "Going away"}

func TestIdle(t *testing.T) {
	type step struct {
		wait time.Duration
		do   func(s *served, client net.Conn)
	}
	say := func(_ *served, c net.Conn) { c.Write(frame(fin|text, "x")) }
	pingIt := func(_ *served, c net.Conn) { c.Write(frame(fin|ping, "")) }
	push := func(s *served, _ net.Conn) { s.Send(context.Background(), []byte("x")) }
	half := func(_ *served, c net.Conn) { c.Write(frame(text, "x")) }
	cases := []struct {
		name  string
		steps []step
		want  time.Duration // of the close frame
	}{
		{"nothing", nil, 10 * time.Minute},
		{"a message moves it", []step{{9 * time.Minute, say}}, 19 * time.Minute},
		{"two messages move it", []step{{9 * time.Minute, say}, {9 * time.Minute, say}}, 28 * time.Minute},
		{"a push moves it", []step{{9 * time.Minute, push}}, 19 * time.Minute},
		{"a ping does not", []step{{9 * time.Minute, pingIt}}, 10 * time.Minute},
		{"part of a message does not", []step{{9 * time.Minute, half}}, 10 * time.Minute},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			quiet := func(*socket.Conn, []byte) {}
			inTime(t, socket.DefaultLimits(), quiet, func(t *testing.T, s *served, client net.Conn) {
				got, since := collect(client), time.Now()
				for _, st := range c.steps {
					time.Sleep(st.wait)
					st.do(s, client)
				}
				wantEnd(t, s, goingAway, c.want+2*time.Second, since) // the client never answers the close frame
				if all := <-got; all[len(all)-1] != "close 1001" {
					t.Errorf("received %v", all)
				}
			})
		})
	}
}

func TestDuration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := net.Pipe()
		defer client.Close()
		since := time.Now()
		s := startAt(server, nil, socket.DefaultLimits(), nil, since.Add(-30*time.Minute))
		got := collect(client)
		for range 89 {
			time.Sleep(time.Minute)
			client.Write(frame(fin|text, "x"))
		}
		wantEnd(t, s, goingAway, 90*time.Minute+2*time.Second, since)
		if n := len(<-got); n != 90 {
			t.Errorf("received %d messages, want 89 and a close", n)
		}
	})
}

func TestNoTimeLimits(t *testing.T) {
	limits := socket.DefaultLimits()
	limits.Idle, limits.Duration = 0, 0
	inTime(t, limits, nil, func(t *testing.T, s *served, client net.Conn) {
		got, since := collect(client), time.Now()
		time.Sleep(30 * 24 * time.Hour)
		client.Write(frame(fin|text, "still here"))
		synctest.Wait()
		client.Write(closing(1000, ""))
		wantEnd(t, s, ending{1000, ""}, 30*24*time.Hour, since)
		if diff := cmp.Diff([]string{"text still here", "close 1000"}, <-got); diff != "" {
			t.Error(diff)
		}
	})
}

// Time limits hold also while every slot is taken and the reader has stopped.
func TestLimitsWhileBusy(t *testing.T) {
	limits := socket.DefaultLimits()
	limits.InFlight = 1
	cases := []struct {
		name string
		act  func(s *served)
		want ending
		busy time.Duration // how long the first Message call takes
		end  time.Duration
	}{
		{"idle", func(*served) {}, goingAway, time.Hour, time.Hour},
		{"close", func(s *served) { s.Close(1000, "") }, ending{1000, "Connection Closed Normally"}, time.Hour, time.Hour},
		{"released in time", func(*served) {}, goingAway, 5 * time.Minute, 10*time.Minute + 2*time.Second},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			hold := func(*socket.Conn, []byte) { time.Sleep(c.busy) }
			inTime(t, limits, hold, func(t *testing.T, s *served, client net.Conn) {
				got, since := collect(client), time.Now()
				client.Write(join(frame(fin|text, "a"), frame(fin|text, "b")))
				synctest.Wait()
				c.act(s)
				wantEnd(t, s, c.want, c.end, since)
				if all := <-got; len(all) != 1 {
					t.Errorf("received %v, want a close frame", all)
				}
			})
		})
	}
}

func TestClose(t *testing.T) {
	deleted := ending{1000, "Connection Closed Normally"}
	cases := []struct {
		name   string
		code   int
		reason string
		answer func(client net.Conn)
		want   ending
		after  time.Duration
		sent   string
	}{
		{"answered", 1000, "", func(c net.Conn) { c.Write(closing(1000, "")); c.Close() }, deleted, 0, "close 1000"},
		{"answered with another code", 1000, "", func(c net.Conn) { c.Write(closing(4000, "no")); c.Close() }, deleted, 0, "close 1000"},
		{"dropped", 1000, "", func(c net.Conn) { c.Close() }, deleted, 0, "close 1000"},
		{"ignored", 1001, "Going away", func(net.Conn) {}, goingAway, 2 * time.Second, "close 1001"},
		{"talked over", 1001, "Going away", func(c net.Conn) {
			for range 100 {
				c.Write(frame(fin|text, "more"))
				c.Write(frame(fin|ping, "more"))
			}
		}, goingAway, 2 * time.Second, "close 1001"},
		{"garbage", 1001, "Going away", func(c net.Conn) { c.Write([]byte("\xff\xff\xff")) }, goingAway, 0, "close 1001"},
		{"long reason", 1008, strings.Repeat("é", 100), func(net.Conn) {}, ending{1008, strings.Repeat("é", 100)}, 2 * time.Second, "close 1008"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			inTime(t, socket.DefaultLimits(), nil, func(t *testing.T, s *served, client net.Conn) {
				got, since := collect(client), time.Now()
				s.Close(c.code, c.reason)
				s.Close(1011, "too late")
				synctest.Wait()
				if err := s.Send(t.Context(), []byte("x")); sockgate.KindOf(err) != sockgate.Gone {
					t.Errorf("Send: %v, want Gone", err)
				}
				c.answer(client)
				wantEnd(t, s, c.want, c.after, since)
				if diff := cmp.Diff([]string{c.sent}, <-got); diff != "" {
					t.Error(diff)
				}
				if len(s.messages) != 0 {
					t.Errorf("dispatched while closing: %q", s.messages)
				}
			})
		})
	}
}

// A close behind a peer that does not read takes no longer than one that it ignores.
func TestCloseBehindQueue(t *testing.T) {
	inTime(t, socket.DefaultLimits(), nil, func(t *testing.T, s *served, _ net.Conn) {
		since := time.Now()
		sent := make(chan error)
		go func() { sent <- s.Send(context.Background(), make([]byte, 1000)) }()
		synctest.Wait()
		s.Close(1001, "Going away")
		wantEnd(t, s, goingAway, 2*time.Second, since)
		if err := <-sent; sockgate.KindOf(err) != sockgate.Gone {
			t.Errorf("Send: %v, want Gone", err)
		}
	})
}

func TestDrop(t *testing.T) {
	lost := ending{1006, "Connection closed abnormally"}
	cases := []struct {
		name string
		sent []byte
	}{
		{"at once", nil},
		{"in a head", frame(fin|text, "hello")[:3]},
		{"in a payload", frame(fin|text, "hello")[:8]},
		{"in a message", frame(text, "hello")},
		{"in a close frame", closing(1000, "bye")[:7]},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			inTime(t, socket.DefaultLimits(), nil, func(t *testing.T, s *served, client net.Conn) {
				since := time.Now()
				client.Write(c.sent)
				client.Close()
				wantEnd(t, s, lost, 0, since)
				if err := s.Send(t.Context(), nil); sockgate.KindOf(err) != sockgate.Gone {
					t.Errorf("Send: %v, want Gone", err)
				}
			})
		})
	}
}

func TestContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := net.Pipe()
		defer client.Close()
		limits := socket.DefaultLimits()
		s := &served{done: make(chan struct{})}
		s.Conn = socket.New(server, nil, &limits, s, &sockgate.Connection{ConnectedAt: time.Now()})
		ctx, cancel := context.WithCancel(t.Context())
		go func() { defer close(s.done); s.Run(ctx) }()
		got, since := collect(client), time.Now()
		cancel()
		wantEnd(t, s, goingAway, 2*time.Second, since)
		if diff := cmp.Diff([]string{"close 1001"}, <-got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestEarlyBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := net.Pipe()
		defer client.Close()
		b := join(frame(fin|text, "early"), frame(fin|text, "bird"))
		limits := socket.DefaultLimits()
		limits.InFlight = 1
		s := startAt(server, b[:15], limits, nil, time.Now())
		got := collect(client)
		client.Write(b[15:])
		synctest.Wait()
		client.Write(closing(1000, ""))
		s.end(t)
		if diff := cmp.Diff([]string{"text early", "text bird", "close 1000"}, <-got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestInFlight(t *testing.T) {
	for _, most := range []int{1, 3, 16} {
		t.Run(strconv.Itoa(most), func(t *testing.T) {
			var now, peak atomic.Int32
			limits := socket.DefaultLimits()
			limits.InFlight = most
			work := func(*socket.Conn, []byte) {
				peak.Store(max(peak.Load(), now.Add(1)))
				time.Sleep(time.Second)
				now.Add(-1)
			}
			inTime(t, limits, work, func(t *testing.T, s *served, client net.Conn) {
				got, since := collect(client), time.Now()
				var want []string
				for i := range 48 {
					want = append(want, strconv.Itoa(i))
					client.Write(frame(fin|text, strconv.Itoa(i)))
				}
				client.Write(closing(1000, ""))
				s.end(t)
				<-got
				if took := time.Since(since); took != time.Duration(48/most)*time.Second {
					t.Errorf("took %v", took)
				}
				if int(peak.Load()) != most {
					t.Errorf("%d calls at a time", peak.Load())
				}
				if diff := cmp.Diff(want, s.messages); most == 1 && diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

// Closed does not wait for running Message calls; Run does.
func TestClosedOverlapsMessage(t *testing.T) {
	release := time.Hour
	inTime(t, socket.DefaultLimits(), func(*socket.Conn, []byte) { time.Sleep(release) },
		func(t *testing.T, s *served, client net.Conn) {
			since := time.Now()
			client.Write(frame(fin|text, "x"))
			client.Close()
			synctest.Wait()
			s.mu.Lock()
			if len(s.endings) != 1 {
				t.Error("Closed waited for Message")
			}
			s.mu.Unlock()
			wantEnd(t, s, ending{1006, "Connection closed abnormally"}, release, since)
		})
}

func TestLastActive(t *testing.T) {
	inTime(t, socket.DefaultLimits(), func(*socket.Conn, []byte) {}, func(t *testing.T, s *served, client net.Conn) {
		go io.Copy(io.Discard, client)
		since := time.Now()
		check := func(want time.Duration) {
			t.Helper()
			synctest.Wait()
			if got := s.LastActive().Sub(since); got != want {
				t.Errorf("last active after %v, want %v", got, want)
			}
		}
		check(0)
		time.Sleep(time.Minute)
		client.Write(frame(fin|ping, ""))
		check(0)
		client.Write(frame(fin|text, ""))
		check(time.Minute)
		time.Sleep(time.Minute)
		s.Send(t.Context(), nil)
		check(2 * time.Minute)
		client.Close()
		s.end(t)
	})
}
