package httpintegration

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/sockgate/sockgate"
)

func TestRefusedAddresses(t *testing.T) {
	tests := []struct {
		addr    string
		refused bool
		allowed bool // with AllowLinkLocal
	}{
		{"127.0.0.1", false, true},
		{"::1", false, true},
		{"10.0.0.1", false, true},
		{"203.0.113.7", false, true},
		{"fd00::1", false, true},
		{"169.254.169.254", true, true},
		{"169.254.0.1", true, true},
		{"::ffff:169.254.169.254", true, true},
		{"64:ff9b::a9fe:a9fe", true, true},
		{"64:ff9b::203.0.113.7", false, true},
		{"fe80::1", true, true},
		{"fe80::1%lo", true, true},
		{"febf::1", true, true},
		{"fd00:ec2::254", true, true},
		{"0.0.0.0", true, false},
		{"::", true, false},
		{"::ffff:0.0.0.0", true, false},
		{"224.0.0.1", true, false},
		{"ff02::1", true, false},
	}
	for _, tt := range tests {
		t.Run(tt.addr, func(t *testing.T) {
			a := netip.MustParseAddr(tt.addr)
			if err := refuse(a, false); (err != nil) != tt.refused {
				t.Errorf("refuse: %v, want refused %v", err, tt.refused)
			}
			if err := refuse(a, true); (err == nil) != tt.allowed {
				t.Errorf("refuse with link-local allowed: %v, want allowed %v", err, tt.allowed)
			}
		})
	}
}

func TestLinkLocalIsRefusedByDial(t *testing.T) {
	c := New(Config{})
	defer c.Close()
	for _, host := range []string{"169.254.169.254", "169.254.169.254:80", "[::ffff:169.254.169.254]", "0xa9fea9fe", "[fd00:ec2::254]:80", "0.0.0.0:80"} {
		var resp Response
		err := c.Do(context.Background(), &Request{Method: "GET", Scheme: "http", Host: host, RequestURI: "/latest/meta-data/", Timeout: MaxTimeout}, &resp)
		if sockgate.KindOf(err) != sockgate.Internal || err == nil {
			t.Errorf("%s: error %v, want it refused", host, err)
		}
		if strings.HasPrefix(host, "169.254.") && !strings.Contains(err.Error(), "address 169.254.169.254 is link-local and refused") {
			t.Errorf("%s: error %q does not tell why", host, err)
		}
	}
}

func TestDialAddr(t *testing.T) {
	tests := []struct{ scheme, host, want string }{
		{"http", "example.com", "example.com:80"},
		{"https", "example.com", "example.com:443"},
		{"https", "example.com:8080", "example.com:8080"},
		{"http", "[::1]", "[::1]:80"},
		{"http", "[::1]:81", "[::1]:81"},
		{"http", "127.0.0.1", "127.0.0.1:80"},
		{"http", "::1", ""},
		{"http", "", ""},
		{"http", ":80", ""},
		{"http", "example.com:", ""},
		{"http", "a b", ""},
		{"http", "user@example.com", ""},
		{"http", "example.com/x", ""},
	}
	for _, tt := range tests {
		t.Run(tt.host, func(t *testing.T) {
			if got, err := dialAddr(tt.scheme, tt.host); got != tt.want || (err == nil) != (tt.want != "") {
				t.Errorf("dialAddr = %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

// Whatever the parts hold, a head that is not refused is read by a server as the one request that was meant.
func FuzzAppendHead(f *testing.F) {
	f.Add("POST", "/a?b=c", "example.com", "X-A", "1", "body")
	f.Add("GET", "", "h:80", "Content-Length", "9", "body")
	f.Add("DELETE", "?x", "h", "A\r\nB", "1\r\n\r\nGET / HTTP/1.1", "")
	f.Add("A B", "/ HTTP/1.1\r\nX: y", "h\r\n", "transfer-encoding", "chunked", "")
	f.Add("PUT", "//x", "h", "X", "\x00\t \x7f", "b")
	f.Fuzz(func(t *testing.T, method, uri, host, name, value, body string) {
		req := &Request{Method: method, Scheme: "http", Host: host, RequestURI: uri, Body: []byte(body), Header: sockgate.Headers{{Name: name, Value: value}}}
		head, err := appendHead(nil, req)
		if err != nil {
			return
		}
		stream := append(head, req.body()...)
		if n := bytes.Count(head, []byte("\n")); n > 5 {
			t.Fatalf("head of %d lines: %q", n, head)
		}
		br := bufio.NewReader(bytes.NewReader(stream))
		got, err := http.ReadRequest(br)
		if err != nil {
			t.Skip() // a server refuses more than this package does, e.g. hosts and escapes
		}
		gotBody, err := io.ReadAll(got.Body)
		if err != nil || string(gotBody) != string(req.body()) {
			t.Fatalf("body %q, %v; want %q", gotBody, err, req.body())
		}
		if got.Method != method {
			t.Fatalf("method %q, want %q", got.Method, method)
		}
		if _, err := br.ReadByte(); err != io.EOF {
			t.Fatalf("bytes are left of %q", stream)
		}
		for n, v := range got.Header {
			if !strings.EqualFold(n, name) && n != "Content-Length" || len(v) != 1 {
				t.Fatalf("header %s: %q was not asked for", n, v)
			}
		}
	})
}
