package listen

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"reflect"
	"testing"

	"github.com/sockgate/sockgate/edge/request"
)

// FuzzNewRequest holds newRequest against http.ReadRequest: what the head's parser accepts must mean the same to handlers, and
// leave the same bytes to the request behind it.
func FuzzNewRequest(f *testing.F) {
	for _, seed := range []string{
		"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhiGET",
		"GET /a//b/%2F?x=%zz&y HTTP/1.1\r\nhost: h:1\r\nx-amz-target: A\r\nX-Amz-Target: B\r\nx_y:\r\n\r\n",
		"GET http://a.b/c HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n",
		"GET ws://[::1]:1?q HTTP/1.0\r\nConnection: keep-alive, x\r\n\r\n",
		"PUT /%zz HTTP/1.1\nHost: h\ncontent-length: 3\nContent-Length: 3\n\nabcd",
		"POST / HTTP/1.1\r\nHost: h\r\nTrailer: Content-Length\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n",
		"CONNECT /x HTTP/1.1\r\nHost: \r\n\r\n", "GET //a HTTP/1.0\r\n\r\n", "* / HTTP/1.1\r\nHost: a\r\nA: \xff\xe9\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		head, n, err := request.Parse(in, 0)
		if err != nil || head.Headers.Get("Pragma") != "" {
			return
		}
		length, _ := head.ContentLength()
		if length < 0 {
			return
		}
		c := newConn(New(Config{}), script{Reader: bytes.NewReader(nil)})
		c.buf = &buffer{data: in, r: n, w: len(in)}
		x := &c.exchange
		x.Head, x.length = head, length
		got, err := newRequest(t.Context(), x)
		rest := bufio.NewReaderSize(bytes.NewReader(in), len(in)+16)
		want, wantErr := http.ReadRequest(rest)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%q: %v here, %v there", in, err, wantErr)
		}
		if err != nil {
			return
		}
		gotBody, err := io.ReadAll(&sizedBody{src: &socketReader{conn: c}, left: length})
		wantBody, wantErr := io.ReadAll(want.Body)
		if !bytes.Equal(gotBody, wantBody) || err != wantErr {
			t.Errorf("%q: the body is %q, %v here and %q, %v there", in, gotBody, err, wantBody, wantErr)
		}
		if left, _ := rest.Peek(rest.Buffered()); err == nil && !bytes.Equal(left, c.buf.unread()) {
			t.Errorf("%q: %q is left here, %q there", in, c.buf.unread(), left)
		}
		got, want = got.WithContext(t.Context()), want.WithContext(t.Context())
		got.Body, want.Body = nil, nil
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q:\n got %+v\nwant %+v", in, got, want)
		}
	})
}
