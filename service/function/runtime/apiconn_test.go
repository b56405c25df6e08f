package runtime

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// converse sends what to a connection of a fresh API that has a call with the id "id" under way, and returns what comes back.
func converse(what []byte) (got string, c *call) {
	c = &call{Invocation: &Invocation{RequestID: "id"}, wake: make(chan struct{}, 1), deadline: time.Now().Add(time.Minute)}
	a := &api{conns: map[*apiConn]bool{}, ready: make(chan struct{}), failed: make(chan struct{}), isReady: true, current: c}
	ours, theirs := net.Pipe()
	a.serving.Go(newAPIConn(a, theirs).serve)
	a.serving.Go(func() { _, _ = ours.Write(what); _ = ours.SetReadDeadline(time.Now().Add(20 * time.Millisecond)) })
	answer, _ := io.ReadAll(ours)
	ours.Close()
	a.serving.Wait()
	return string(answer), c
}

func FuzzAPI(f *testing.F) {
	for _, s := range []string{
		"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /2018-06-01/runtime/invocation/id/response HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
		"POST /2018-06-01/runtime/invocation/id/response HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /2018-06-01/runtime/invocation/id/error HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: Lambda-Runtime-Function-Error-Type\r\n\r\n1\r\nx\r\n0\r\nLambda-Runtime-Function-Error-Type: E\r\n\r\n",
		"POST /2018-06-01/runtime/init/error HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\nExpect: 100-continue\r\n\r\n",
		"\x16\x03\x01", "GET / HTTP/1.0\r\n\r\n", "POST /2018-06-01/runtime/invocation//response HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, what []byte) {
		got, c := converse(what)
		if got != "" && !strings.HasPrefix(got, "HTTP/1.1 ") {
			t.Errorf("%q got %q", what, got)
		}
		if c.answered && !bytes.Contains(what, []byte("/id/")) {
			t.Errorf("%q answered the call", what)
		}
		if c.grace != nil {
			c.grace.Stop()
		}
	})
}

// TestHeldAnswer: the confirmation of an answer goes out at once, unless the next request has come with it.
func TestHeldAnswer(t *testing.T) {
	const answer = "POST /2018-06-01/runtime/invocation/id/response HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
	if got, c := converse([]byte(answer)); !strings.HasPrefix(got, "HTTP/1.1 202 Accepted\r\n") || string(c.answer) != "{}" {
		t.Errorf("alone: %q, %q", got, c.answer)
	}
	if got, c := converse([]byte(answer + "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n")); got != "" || string(c.answer) != "{}" {
		t.Errorf("with the next request: %q, %q", got, c.answer)
	}
}

func TestHeadersCannotBeForged(t *testing.T) {
	if got := string(appendHeader(nil, "A", "x\r\nB: y\x00")); got != "\r\nA: x  B: y " {
		t.Errorf("%q", got)
	}
}
