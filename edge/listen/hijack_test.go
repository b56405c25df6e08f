package listen_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/sockgate/sockgate/edge/listen"
)

// TestHijackThroughHTTP: a net/http handler takes a connection over with all that was read behind the head, and the server leaves
// it alone from then on.
func TestHijackThroughHTTP(t *testing.T) {
	returned := make(chan struct{})
	refused := make(chan error, 1)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/begun":
			w.WriteHeader(http.StatusAccepted)
			_, _, err := w.(http.Hijacker).Hijack()
			refused <- err
			return
		case "/body":
			_, _, err := w.(http.Hijacker).Hijack()
			refused <- err
			return
		case "/panic":
			_, _, _ = w.(http.Hijacker).Hijack()
			panic(http.ErrAbortHandler)
		}
		conn, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _, again := w.(http.Hijacker).Hijack()
		_, written := io.WriteString(w, "not sent")
		_, _ = fmt.Fprintf(conn, "early %d, %v, %v;", rw.Reader.Buffered(), again, written)
		go func() { // ends when the client hangs up
			defer conn.Close()
			<-returned
			_, _ = io.Copy(conn, rw)
		}()
	})
	s := start(t, listen.Config{HTTP: handler})
	for _, path := range []string{"/begun", "/body"} {
		c := dial(t, s)
		c.send("POST " + path + " HTTP/1.1\r\nHost: h\r\nContent-Length: " + map[string]string{"/begun": "0", "/body": "3"}[path] + "\r\n\r\n")
		if path == "/body" {
			c.send("abc")
		}
		c.reply("POST")
		if err := <-refused; err == nil {
			t.Errorf("%s was taken over", path)
		}
		c.send("GET /fast/echo HTTP/1.1\r\nHost: h\r\n\r\n") // the connection goes on
		if res, _ := c.reply("GET"); res.StatusCode != 200 {
			t.Errorf("%s: afterwards %s", path, res.Status)
		}
	}
	c := dial(t, s)
	c.send("GET /panic HTTP/1.1\r\nHost: h\r\n\r\n")
	c.expectClosed()

	c = dial(t, s)
	c.send("GET /take HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n\r\nmore")
	want := fmt.Sprintf("early 4, %v, %v;", http.ErrHijacked, http.ErrHijacked)
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c.r, got); err != nil || string(got) != want {
		t.Fatalf("got %q, %v; want %q", got, err, want)
	}
	s.StopAccepting()
	if err := s.Wait(t.Context()); err != nil { // does not wait for it, and does not close it
		t.Fatal(err)
	}
	close(returned)
	c.send("!")
	got = make([]byte, 5)
	if _, err := io.ReadFull(c.r, got); err != nil || string(got) != "more!" {
		t.Fatalf("got %q, %v", got, err)
	}
}
