package request_test

import (
	"bufio"
	"errors"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/edge/request"
)

const handshake = "GET /prod?auth=a%20b&x=1 HTTP/1.1\r\nHost: abc.execute-api.localhost:4566\r\nupgrade: WebSocket\r\n" +
	"Connection: keep-alive, Upgrade\r\nHeaderAuth1: \t v 1 \r\nSec-WebSocket-Version: 13\r\n\r\n"

func TestParse(t *testing.T) {
	tests := map[string]struct {
		in   string
		want request.Head
		rest string
	}{
		"handshake keeps spelling and order": {
			in: handshake,
			want: request.Head{
				Method: "GET", Target: "/prod?auth=a%20b&x=1", Path: "/prod", Query: "auth=a%20b&x=1", Minor: 1,
				Host: "abc.execute-api.localhost:4566",
				Headers: sockgate.Headers{
					{Name: "Host", Value: "abc.execute-api.localhost:4566"}, {Name: "upgrade", Value: "WebSocket"},
					{Name: "Connection", Value: "keep-alive, Upgrade"}, {Name: "HeaderAuth1", Value: "v 1"},
					{Name: "Sec-WebSocket-Version", Value: "13"},
				},
			},
		},
		"what follows the head is left": {
			in:   "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcGET",
			rest: "abcGET",
			want: request.Head{Method: "POST", Target: "/a", Path: "/a", Minor: 1, Host: "h",
				Headers: sockgate.Headers{{Name: "Host", Value: "h"}, {Name: "Content-Length", Value: "3"}}},
		},
		"escapes stay": {
			in: "GET /s/@connections/a%3D?q=%zz HTTP/1.1\nHost: h\n\n",
			want: request.Head{Method: "GET", Target: "/s/@connections/a%3D?q=%zz", Path: "/s/@connections/a%3D", Query: "q=%zz",
				Minor: 1, Host: "h", Headers: sockgate.Headers{{Name: "Host", Value: "h"}}},
		},
		"absolute form beats the Host header": {
			in: "GET http://[::1]:80?x HTTP/1.1\r\nHost: other\r\n\r\n",
			want: request.Head{Method: "GET", Target: "http://[::1]:80?x", Path: "/", Query: "x", Minor: 1, Host: "[::1]:80",
				Headers: sockgate.Headers{{Name: "Host", Value: "other"}}},
		},
		"1.0 needs no host": {
			in:   "GET / HTTP/1.0\r\n\r\n",
			want: request.Head{Method: "GET", Target: "/", Path: "/", Headers: sockgate.Headers{}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, n, err := request.Parse([]byte(tt.in), 0)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&tt.want, got); diff != "" {
				t.Error(diff)
			}
			if tt.in[n:] != tt.rest {
				t.Errorf("left %q, want %q", tt.in[n:], tt.rest)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	tests := map[string]struct {
		in     string
		status int
	}{
		"empty first line":          {"\r\n", 400},
		"one word":                  {"GARBAGE\r\n", 400},
		"no version":                {"GET /\r\n", 505},
		"HTTP/2 preface":            {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
		"HTTP/1.2":                  {"GET / HTTP/1.2\r\nHost: h\r\n\r\n", 505},
		"lower-case version":        {"GET / http/1.1\r\nHost: h\r\n\r\n", 400},
		"two spaces":                {"GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		"space behind the version":  {"GET / HTTP/1.1 \r\nHost: h\r\n\r\n", 400},
		"method not a token":        {"G(T / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		"tab in the target":         {"GET /a\tb HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		"NUL in the target":         {"GET /a\x00 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		"bare CR in the line":       {"GET /a\rb HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		"asterisk form":             {"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		"authority form":            {"CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		"other scheme":              {"GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		"user in the target":        {"GET http://u@h/ HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		"bad escape in the path":    {"GET /%4 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		"no host":                   {"GET / HTTP/1.1\r\nA: b\r\n\r\n", 400},
		"no host, absolute form":    {"GET http://h/ HTTP/1.1\r\n\r\n", 400},
		"two hosts":                 {"GET / HTTP/1.1\r\nHost: h\r\nhost: h\r\n\r\n", 400},
		"empty host":                {"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
		"host with a slash":         {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
		"host with a bad port":      {"GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", 400},
		"host with two ports":       {"GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n", 400},
		"space before the colon":    {"GET / HTTP/1.1\r\nHost: h\r\nContent-Length : 3\r\n\r\n", 400},
		"no colon":                  {"GET / HTTP/1.1\r\nHost: h\r\nabc\r\n\r\n", 400},
		"no name":                   {"GET / HTTP/1.1\r\nHost: h\r\n: x\r\n\r\n", 400},
		"folded line":               {"GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n c\r\n\r\n", 400},
		"bare CR in a value":        {"GET / HTTP/1.1\r\nHost: h\r\nA: b\rc\r\n\r\n", 400},
		"NUL in a value":            {"GET / HTTP/1.1\r\nHost: h\r\nA: b\x00c\r\n\r\n", 400},
		"length and coding":         {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
		"differing lengths":         {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\ncontent-length: 4\r\n\r\n", 400},
		"length list":               {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3, 3\r\n\r\n", 400},
		"signed length":             {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +3\r\n\r\n", 400},
		"empty length":              {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\n", 400},
		"length over 63 bits":       {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9223372036854775808\r\n\r\n", 400},
		"coding in 1.0":             {"POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
		"repeated coding":           {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
		"coding twice in one line":  {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", 501},
		"other coding":              {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
		"coding hidden by a VT":     {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \x0bchunked\r\n\r\n", 400},
		"long line, complete":       {"GET /" + strings.Repeat("a", request.MaxLine) + " HTTP/1.1\r\nHost: h\r\n\r\n", 414},
		"long line, no end in view": {"GET /" + strings.Repeat("a", request.MaxLine), 414},
		"long head, complete":       {"GET / HTTP/1.1\r\nHost: h\r\nA: " + strings.Repeat("a", request.DefaultMax) + "\r\n\r\n", 431},
		"long head, no end in view": {"GET / HTTP/1.1\r\nHost: h\r\nA: " + strings.Repeat("a", request.DefaultMax), 431},
		"many headers":              {"GET / HTTP/1.1\r\n" + strings.Repeat("a:\r\n", request.MaxHeaders+1) + "\r\n", 431},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			head, n, err := request.Parse([]byte(tt.in), 0)
			refusal, ok := errors.AsType[*request.Error](err)
			if !ok || refusal.Status != tt.status || head != nil || n != 0 {
				t.Fatalf("got %+v, %d, %v; want status %d", head, n, err, tt.status)
			}
			if kind := sockgate.KindOf(err); kind != sockgate.Invalid && kind != sockgate.TooLarge {
				t.Errorf("kind is %v", kind)
			}
		})
	}
}

func TestParseByteByByte(t *testing.T) {
	for n := range len(handshake) {
		if _, _, err := request.Parse([]byte(handshake[:n]), 0); err != request.ErrIncomplete {
			t.Fatalf("after %d bytes: %v", n, err)
		}
	}
}

func TestHeadTokensAndLength(t *testing.T) {
	tests := map[string]struct {
		in        string
		keepAlive bool
		length    int64
	}{
		"1.1":                {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", true, 0},
		"1.1 close":          {"GET / HTTP/1.1\r\nHost: h\r\nConnection: foo\r\nconnection: bar , CLOSE\r\n\r\n", false, 0},
		"1.1 closed":         {"GET / HTTP/1.1\r\nHost: h\r\nConnection: closed\r\n\r\n", true, 0},
		"1.0":                {"GET / HTTP/1.0\r\n\r\n", false, 0},
		"1.0 keep-alive":     {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true, 0},
		"length":             {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 70000\r\n\r\n", true, 70000},
		"same length twice":  {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 7\r\nContent-Length: 7\r\n\r\n", true, 7},
		"chunked in capital": {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n", true, -1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h, _, err := request.Parse([]byte(tt.in), 0)
			if err != nil {
				t.Fatal(err)
			}
			length, err := h.ContentLength()
			if h.KeepAlive() != tt.keepAlive || length != tt.length || err != nil {
				t.Errorf("got %v, %d, %v; want %v, %d", h.KeepAlive(), length, err, tt.keepAlive, tt.length)
			}
		})
	}
}

func TestDecodeQuery(t *testing.T) {
	tests := map[string]struct {
		in   string
		want []sockgate.Header
	}{
		"empty":             {"", nil},
		"order and repeats": {"b=1&a=2&b=3", []sockgate.Header{{Name: "b", Value: "1"}, {Name: "a", Value: "2"}, {Name: "b", Value: "3"}}},
		"decoded once":      {"a%20b=%2525+c", []sockgate.Header{{Name: "a b", Value: "%25 c"}}},
		"bad escapes stay":  {"a=%zz%4&b=%", []sockgate.Header{{Name: "a", Value: "%zz%4"}, {Name: "b", Value: "%"}}},
		"odd parts":         {"&&a&=v&b==", []sockgate.Header{{Name: "a"}, {Value: "v"}, {Name: "b", Value: "="}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, request.DecodeQuery(tt.in)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// FuzzParse holds the parser against net/http: what is accepted here must mean the same there. The one exception is the
// Trailer header, whose value net/http judges and this package passes on.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		handshake, "GET / HTTP/1.0\n\n", "POST http://h:1/a?b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"GET //a?%zz# HTTP/1.1\r\nHost: [::1]\r\nA:\xff\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n c\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		h, n, err := request.Parse(in, 0)
		if err != nil {
			return
		}
		if _, again, err := request.Parse(in[:n], 0); err != nil || again != n {
			t.Fatalf("the head alone: %d, %v; before: %d", again, err, n)
		}
		theirs, err := http.ReadRequest(bufio.NewReader(strings.NewReader(string(in[:n]))))
		if h.Get("Trailer") != "" {
			return
		}
		if err != nil {
			t.Fatalf("net/http refuses %q: %v", in[:n], err)
		}
		if theirs.Method != h.Method || theirs.RequestURI != h.Target || theirs.ProtoMinor != h.Minor || theirs.Host != h.Host {
			t.Fatalf("net/http reads %q as %s %s 1.%d %s", in[:n], theirs.Method, theirs.RequestURI, theirs.ProtoMinor, theirs.Host)
		}
		if length, _ := h.ContentLength(); length != theirs.ContentLength {
			t.Fatalf("net/http sees a body of %d in %q", theirs.ContentLength, in[:n])
		}
		for _, line := range h.Headers {
			name := textproto.CanonicalMIMEHeaderKey(line.Name)
			if name == "Host" || name == "Transfer-Encoding" || name == "Content-Length" || name == "Cache-Control" {
				continue // net/http moves, joins or adds these
			}
			if !slices.Equal(h.Values(line.Name), theirs.Header.Values(name)) {
				t.Fatalf("net/http reads %s of %q as %q", name, in[:n], theirs.Header.Values(name))
			}
		}
		request.DecodeQuery(h.Query)
	})
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := request.Parse([]byte(handshake), 0); err != nil {
			b.Fatal(err)
		}
	}
}
