package listen_test

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sockgate/sockgate/edge/listen"
)

// BenchmarkPost measures a kept-alive POST of 100 bytes that is answered without a body: what a push to a connection costs
// before any work of its own. An empty fasthttp handler is the yardstick, in the same run because machines differ.
func BenchmarkPost(b *testing.B) {
	b.Run("edge", func(b *testing.B) {
		s := start(b, listen.Config{Edge: acknowledge{}})
		post(b, s.Addr().String())
	})
	b.Run("fasthttp", func(b *testing.B) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		s := &fasthttp.Server{Handler: func(*fasthttp.RequestCtx) {}}
		done := make(chan error, 1)
		go func() { done <- s.Serve(ln) }()
		post(b, ln.Addr().String())
		_ = s.Shutdown()
		if err := <-done; err != nil {
			b.Error(err)
		}
	})
}

type acknowledge struct{}

func (acknowledge) ServeEdge(x *listen.Exchange) bool {
	if _, err := x.Body(bodyMax); err != nil {
		respondError(x, err)
		return true
	}
	_ = x.Respond(200, nil, nil)
	return true
}

func post(b *testing.B, addr string) {
	request := "POST /prod/@connections/AAAAAAAAAAAAAAA= HTTP/1.1\r\nHost: abc.execute-api.localhost:4566\r\nContent-Length: 100\r\n" +
		"Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/execute-api/aws4_request, SignedHeaders=host;x-amz-date, Signature=" +
		strings.Repeat("0", 64) + "\r\nX-Amz-Date: 20260101T000000Z\r\n\r\n" + strings.Repeat("x", 100)
	b.ReportAllocs()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			b.Error(err)
			return
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(time.Minute))
		r := bufio.NewReader(conn)
		for pb.Next() {
			if _, err := io.WriteString(conn, request); err != nil {
				b.Error(err)
				return
			}
			for { // to the end of the head, which is the end of the reply
				line, err := r.ReadSlice('\n')
				if err != nil {
					b.Error(err)
					return
				}
				if len(line) == 2 {
					break
				}
			}
		}
	})
}
