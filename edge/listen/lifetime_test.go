package listen_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sockgate/sockgate/edge/domain"
	"github.com/sockgate/sockgate/edge/listen"
)

func TestHijack(t *testing.T) {
	s := start(t, listen.Config{IdleTimeout: 20 * time.Millisecond, WriteTimeout: 20 * time.Millisecond, HeadTimeout: 50 * time.Millisecond})
	c := dial(t, s)
	c.send("GET /ws HTTP/1.1\r\nHost: h\r\n\r\nfirst frame")
	for _, want := range []string{`early "first frame";`, "more"} {
		if want == "more" {
			c.send(want)
		}
		got := make([]byte, len(want))
		if _, err := io.ReadFull(c.r, got); err != nil || string(got) != want {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	_ = c.Conn.(*net.TCPConn).CloseWrite()
	c.expectClosed()
}

func TestHijackUnderTLS(t *testing.T) {
	s := start(t, listen.Config{TLS: domain.NewLocalCA(t.TempDir(), nil).TLSConfig()})
	raw := dial(t, s)
	c := &client{t: t, Conn: tls.Client(raw.Conn, &tls.Config{InsecureSkipVerify: true})} // which certificate is not the question
	c.r = bufio.NewReader(c)
	c.send("GET /ws HTTP/1.1\r\nHost: h\r\n\r\nfirst")
	c.send(" second")
	_ = c.Conn.(*tls.Conn).CloseWrite()
	got, err := io.ReadAll(c)
	if want := `early "first"; second`; string(got) != want || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestShutdown(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	s := start(t, listen.Config{HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-leave
	})})
	fresh, kept, atWork := dial(t, s), dial(t, s), dial(t, s)
	kept.send("GET /fast/ignore HTTP/1.1\r\nHost: h\r\n\r\n")
	kept.reply("GET")
	atWork.send("GET /work HTTP/1.1\r\nHost: h\r\n\r\n")
	<-entered
	for s.Stats().Open < 3 {
		time.Sleep(time.Millisecond)
	}
	s.StopAccepting()
	fresh.expectClosed()
	kept.expectClosed()
	if _, err := net.Dial("tcp", s.Addr().String()); err == nil {
		t.Error("the port is still open")
	}
	close(leave)
	if res, _ := atWork.reply("GET"); res.StatusCode != 200 || !res.Close {
		t.Errorf("got %v", res)
	}
	atWork.expectClosed()
}

func TestShutdownRunsOutOfTime(t *testing.T) {
	e := edge{hijacked: make(chan struct{})}
	entered, cancelled := make(chan struct{}), make(chan struct{})
	s := start(t, listen.Config{Edge: e, HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
		close(cancelled)
	})})
	socket, atWork := dial(t, s), dial(t, s)
	socket.send("GET /ws HTTP/1.1\r\nHost: h\r\n\r\n")
	atWork.send("GET /work HTTP/1.1\r\nHost: h\r\n\r\n")
	<-e.hijacked
	<-entered
	s.StopAccepting()
	if open := s.Stats().Open; open != 2 {
		t.Errorf("%d connections are open, want the socket and the one at work", open)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Wait(ctx); err != context.Canceled {
		t.Errorf("wait: %v", err)
	}
	<-cancelled
}

func TestMaxConns(t *testing.T) {
	s := start(t, listen.Config{MaxConns: 1})
	first := dial(t, s)
	first.send("GET /fast/ignore HTTP/1.1\r\nHost: h\r\n\r\n")
	first.reply("GET")
	dial(t, s).expectClosed()
	if got := s.Stats(); got != (listen.Stats{Open: 1, Accepted: 2, Refused: 1}) {
		t.Errorf("got %+v", got)
	}
}

// brokenListener fails as a process does that has no file descriptors left, and then works.
type brokenListener struct {
	net.Listener
	fails int
}

func (l *brokenListener) Accept() (net.Conn, error) {
	if l.fails > 0 {
		l.fails--
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return l.Listener.Accept()
}

func TestAcceptErrorsDoNotEndTheServer(t *testing.T) {
	ln, err := listen.Open(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	s := start(t, listen.Config{Listener: &brokenListener{ln, 3}, Log: slog.New(slog.NewTextHandler(&log, nil))})
	c := dial(t, s)
	c.send("GET /fast/ignore HTTP/1.1\r\nHost: h\r\n\r\n")
	if res, _ := c.reply("GET"); res.StatusCode != 204 {
		t.Errorf("got %v", res)
	}
	if got := strings.Count(log.String(), "too many open files"); got != 3 {
		t.Errorf("log is %s", log.String())
	}
}

func TestRunTellsOfAListenerClosedByOthers(t *testing.T) {
	ln, err := listen.Open(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := listen.New(listen.Config{Listener: ln})
	_ = ln.Close()
	if err := s.Run(t.Context()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}
