package listen_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/sockgate/sockgate/edge/listen"
)

// TestReplyToLargeBody: a client that sends all of a body before it reads gets the reply, though the body was refused unread.
func TestReplyToLargeBody(t *testing.T) {
	s := start(t, listen.Config{HTTP: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })})
	body := make([]byte, 20<<20)
	for path, want := range map[string]string{"/fast/echo": "413", "/other": "403"} {
		for range 5 {
			c := dial(t, s)
			if _, err := fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", path, len(body)); err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(c, bytes.NewReader(body)); err != nil {
				t.Fatalf("%s: the body was not taken: %v", path, err)
			}
			line, err := c.r.ReadString('\n')
			if err != nil || len(line) < 12 || line[9:12] != want {
				t.Errorf("%s: got %q, %v", path, line, err)
			}
			_ = c.Close()
		}
	}
}
