package listen

import (
	"bytes"
	"io"
	"net"
	"net/http/httputil"
	"testing"
	"testing/iotest"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/edge/request"
)

// script is a connection that says what it was given, and then nothing more.
type script struct {
	net.Conn
	io.Reader
}

func (s script) Read(p []byte) (int, error)      { return s.Reader.Read(p) }
func (script) RemoteAddr() net.Addr              { return nil }
func (script) SetReadDeadline(_ time.Time) error { return nil }

// FuzzChunks holds the chunk reader against net/http's: a body that is accepted here must be the same there, and it must
// not matter in which pieces it comes.
func FuzzChunks(f *testing.F) {
	for _, seed := range []string{
		"0\r\n\r\n", "3\r\nabc\r\n0\r\n\r\nGET", "A;x=\"y\"\r\n0123456789\r\n00\r\nT: 1\r\n\r\n", "3\nabc\n0\n\n", "-1\r\n", "ffffffff\r\n", "2\r\nabc\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		const max = 1 << 10
		read := func(src io.Reader) ([]byte, []byte, error) {
			c := newConn(New(Config{}), script{Reader: src})
			c.buf = c.server.takeBuffer()
			x := &c.exchange
			x.Head, x.length = &request.Head{Minor: 1}, -1
			body, err := x.Body(max)
			return body, c.buf.unread(), err
		}
		body, rest, err := read(bytes.NewReader(in))
		slowBody, _, slowErr := read(iotest.OneByteReader(bytes.NewReader(in)))
		if !bytes.Equal(body, slowBody) || sockgate.KindOf(err) != sockgate.KindOf(slowErr) || len(body) > max {
			t.Fatalf("%q is %q, %v at once and %q, %v in bytes", in, body, err, slowBody, slowErr)
		}
		if err != nil {
			return
		}
		theirs, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(in)))
		if err != nil || !bytes.Equal(theirs, body) {
			t.Fatalf("net/http reads %q as %q, %v; here it is %q", in, theirs, err, body)
		}
		if len(in) <= headSize && !bytes.HasSuffix(in, rest) {
			t.Fatalf("%q leaves %q", in, rest)
		}
	})
}
