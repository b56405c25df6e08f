package socket_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	mrand "math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sockgate/sockgate/edge/socket"
)

// transports are the kinds of connection that a server sees.
var transports = []struct {
	name string
	pair func(t testing.TB) (server, client net.Conn)
}{
	{"tcp", func(t testing.TB) (net.Conn, net.Conn) { s, c := tcpPair(t); return s, c }},
	{"tls", tlsPair},
}

func tlsPair(t testing.TB) (server, client net.Conn) {
	t.Helper()
	s, c := tcpPair(t)
	return tlsOver(t, s, c)
}

func tlsOver(t testing.TB, s, c net.Conn) (server, client *tls.Conn) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	conf := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	return tls.Server(s, conf), tls.Client(c, &tls.Config{InsecureSkipVerify: true})
}

func eachTransport(t *testing.T, test func(t *testing.T, server, client net.Conn)) {
	t.Helper()
	for _, tr := range transports {
		t.Run(tr.name, func(t *testing.T) {
			server, client := tr.pair(t)
			test(t, server, client)
		})
	}
}

func TestEcho(t *testing.T) {
	eachTransport(t, func(t *testing.T, server, client net.Conn) {
		s := start(server, socket.DefaultLimits(), nil)
		for _, n := range []int{0, 1, 125, 126, 1024, 1010, 2048, 4096, 16 << 10, 32 << 10, 1024} {
			payload := strings.Repeat("x", n)
			client.Write(frame(fin|text, payload))
			if m, err := readMessage(client); m != "text "+short(payload) {
				t.Fatalf("%d bytes: %q, %v", n, m, err)
			}
			client.Write(join(frame(fin|ping, "a"), frame(fin|ping, "b")))
			for _, want := range []string{"pong a", "pong b"} {
				if m, err := readMessage(client); m != want {
					t.Fatalf("%q, %v", m, err)
				}
			}
		}
		client.Write(closing(4001, "done"))
		if m, err := readMessage(client); m != "close 4001" {
			t.Errorf("%q, %v", m, err)
		}
		if _, err := client.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("read: %v, want the end", err)
		}
		client.Close()
		if end := s.end(t); end != (ending{4001, "done"}) {
			t.Errorf("ended with %v", end)
		}
	})
}

// A close frame must reach a client that is still sending when it comes.
func TestCloseFrameSurvivesData(t *testing.T) {
	eachTransport(t, func(t *testing.T, server, client net.Conn) {
		s := start(server, socket.DefaultLimits(), nil)
		client.Write(join(frame(fin|bin, "x"), bytes.Repeat([]byte("x"), 200000)))
		if diff := cmp.Diff([]string{"close 1003"}, readAll(client)); diff != "" {
			t.Error(diff)
		}
		client.Close()
		if end := s.end(t); end.code != 1003 {
			t.Errorf("ended with %v", end)
		}
	})
}

// A client may say goodbye and be gone before we have read it, while we are sending.
func TestCloseFrameBeforeReset(t *testing.T) {
	server, client := tcpPair(t)
	client.Write(closing(1001, ""))
	client.Close()
	s := start(server, socket.DefaultLimits(), nil)
	for range 10 {
		s.Send(context.Background(), make([]byte, 1000))
	}
	if end := s.end(t); end != (ending{1001, ""}) {
		t.Errorf("ended with %v", end)
	}
}

// Messages of many senders arrive whole, each sender's in its order.
func TestConcurrentSenders(t *testing.T) {
	eachTransport(t, func(t *testing.T, server, client net.Conn) {
		const senders, each = 8, 40
		limits := socket.DefaultLimits()
		limits.SendQueue = 64 << 20
		s := start(server, limits, nil)
		var sending sync.WaitGroup
		for i := range senders {
			sending.Go(func() {
				for j := range each {
					msg := fmt.Sprintf("%c%02d", 'a'+i, j)
					if err := s.Send(context.Background(), []byte(strings.Repeat(msg, 1+mrand.IntN(30000)))); err != nil {
						t.Error(err)
					}
				}
			})
		}
		var next [senders]int
		for range senders * each {
			var whole []byte
			for first := byte(0); first&fin == 0; {
				var payload string
				var err error
				if first, payload, err = readFrame(client); err != nil {
					t.Fatal(err)
				}
				if (first&0x0F == text) != (whole == nil) {
					t.Fatal("messages interleave")
				}
				whole = append(whole, payload...)
			}
			i := whole[0] - 'a'
			want := fmt.Sprintf("%c%02d", 'a'+i, next[i])
			next[i]++
			if string(whole) != strings.Repeat(want, len(whole)/3) {
				t.Fatalf("got %.6s…, want %s", whole, want)
			}
		}
		sending.Wait()
		s.Close(1000, "")
		if m, err := readMessage(client); m != "close 1000" {
			t.Errorf("%q, %v", m, err)
		}
		client.Write(closing(1000, ""))
		client.Close()
		s.end(t)
	})
}

// However clients leave, each connection ends once.
func TestManyDrops(t *testing.T) {
	conversation := join(frame(fin|text, "hello"), frame(fin|ping, "p"), frame(text, strings.Repeat("x", 5000)),
		frame(fin|cont, "y"), frame(fin|text, "last"), closing(1000, "bye"))
	limits := socket.DefaultLimits()
	limits.CloseWait = 50 * time.Millisecond
	var all []*served
	var clients sync.WaitGroup
	for i := range 200 {
		server, client := tcpPair(t)
		s := start(server, limits, nil)
		all = append(all, s)
		r := mrand.New(mrand.NewPCG(uint64(i), 3))
		clients.Go(func() {
			sent := conversation[:r.IntN(len(conversation)+1)]
			for _, part := range split(sent, func() int { return 1 + r.IntN(3000) }) {
				client.Write(part)
			}
			switch i % 4 {
			case 0:
				client.SetLinger(0) // reset
			case 1:
				s.Close(1001, "Going away")
			case 2:
				s.Send(context.Background(), []byte("push"))
			}
			client.Close()
		})
	}
	clients.Wait()
	for i, s := range all {
		if end := s.end(t); !slices.Contains([]int{1000, 1001, 1006}, end.code) {
			t.Errorf("connection %d ended with %v", i, end)
		}
	}
}
