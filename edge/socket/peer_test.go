package socket_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/edge/socket"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// First bytes of frames.
const (
	fin  = 0x80
	cont = 0x0
	text = 0x1
	bin  = 0x2
	clos = 0x8
	ping = 0x9
	pong = 0xA
)

// frame returns a client's frame with the shortest length form.
func frame(first byte, payload string) []byte {
	b := []byte{first}
	switch n := len(payload); {
	case n <= 125:
		b = append(b, 0x80|byte(n))
	case n <= 0xFFFF:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	mask := [4]byte{0x37, 0xfa, 0x21, 0x3d}
	b = append(b, mask[:]...)
	for i := range len(payload) {
		b = append(b, payload[i]^mask[i%4])
	}
	return b
}

// closing returns a client's close frame.
func closing(code int, reason string) []byte {
	return frame(fin|clos, string(binary.BigEndian.AppendUint16(nil, uint16(code)))+reason)
}

func join(parts ...[]byte) []byte {
	var b []byte
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

// readFrame reads a server's frame, and says what is wrong with it if it is not one that a server may send.
func readFrame(r io.Reader) (first byte, payload string, err error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:2]); err != nil {
		return 0, "", err
	}
	first, n := head[0], int(head[1])
	if n&0x80 != 0 || first&0x70 != 0 {
		return 0, "", fmt.Errorf("masked or with reserved bits: % x", head[:2])
	}
	switch n {
	case 126:
		if _, err := io.ReadFull(r, head[:2]); err != nil {
			return 0, "", err
		}
		n = int(binary.BigEndian.Uint16(head[:]))
	case 127:
		if _, err := io.ReadFull(r, head[:8]); err != nil {
			return 0, "", err
		}
		n = int(binary.BigEndian.Uint64(head[:]))
	}
	if n > 32<<10 {
		return 0, "", fmt.Errorf("frame of %d bytes", n)
	}
	b := make([]byte, n)
	_, err = io.ReadFull(r, b)
	return first, string(b), err
}

// readMessage reads the next message or control frame, in the words of the case tables.
func readMessage(r io.Reader) (string, error) {
	var whole strings.Builder
	began := false
	for {
		first, payload, err := readFrame(r)
		if err != nil {
			return "", err
		}
		switch first & 0x0F {
		case pong:
			return "pong " + short(payload), nil
		case clos:
			if len(payload) < 2 {
				return "close", nil
			}
			return fmt.Sprintf("close %d", binary.BigEndian.Uint16([]byte(payload))), nil
		case text, cont:
			if began == (first&0x0F == text) {
				return "", fmt.Errorf("fragment out of order: %x", first)
			}
			began = true
			whole.WriteString(payload)
			if first&fin != 0 {
				return "text " + short(whole.String()), nil
			}
		default:
			return "", fmt.Errorf("unexpected frame %x", first)
		}
	}
}

// short keeps long payloads readable in test output.
func short(s string) string {
	if len(s) <= 64 {
		return s
	}
	return fmt.Sprintf("%.8s… %d bytes", s, len(s))
}

// readAll reads messages until the stream ends.
func readAll(r io.Reader) []string {
	r = bufio.NewReader(r)
	var got []string
	for {
		m, err := readMessage(r)
		if err != nil {
			return got
		}
		got = append(got, m)
	}
}

// ending is one call of Handler.Closed.
type ending struct {
	code   int
	reason string
}

// served is a connection under test with what its handler was told.
type served struct {
	*socket.Conn
	message func(c *socket.Conn, payload []byte) // nil: echo
	done    chan struct{}                        // closed when Run has returned

	mu       sync.Mutex
	messages []string
	endings  []ending
}

func (s *served) Message(c *socket.Conn, payload []byte) {
	s.mu.Lock()
	s.messages = append(s.messages, string(payload))
	s.mu.Unlock()
	if s.message != nil {
		s.message(c, payload)
		return
	}
	c.Reply(context.Background(), payload)
}

func (s *served) Closed(_ *socket.Conn, code int, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endings = append(s.endings, ending{code, reason})
}

// end waits for Run and returns the one ending.
func (s *served) end(t testing.TB) ending {
	t.Helper()
	<-s.done
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.endings) != 1 {
		t.Fatalf("Closed was called %d times: %v", len(s.endings), s.endings)
	}
	return s.endings[0]
}

// start runs a connection on nc.
func start(nc net.Conn, limits socket.Limits, message func(*socket.Conn, []byte)) *served {
	return startAt(nc, nil, limits, message, time.Now())
}

func startAt(nc net.Conn, early []byte, limits socket.Limits, message func(*socket.Conn, []byte), at time.Time) *served {
	s := &served{message: message, done: make(chan struct{})}
	s.Conn = socket.New(nc, early, &limits, s, &sockgate.Connection{ID: "R1kmxc2VNjMCFIA=", ConnectedAt: at})
	go func() {
		defer close(s.done)
		s.Run(context.Background())
	}()
	return s
}

// tcpPair returns both ends of a loopback connection.
func tcpPair(t testing.TB) (server, client *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return s.(*net.TCPConn), c.(*net.TCPConn)
}

// cuts are the ways in which a case's bytes are fed.
var cuts = []struct {
	name string
	cut  func(b []byte) [][]byte
}{
	{"whole", func(b []byte) [][]byte { return [][]byte{b} }},
	{"bytes", func(b []byte) [][]byte {
		if len(b) > 4096 {
			return split(b, func() int { return 997 }) // byte by byte would only take longer
		}
		return split(b, func() int { return 1 })
	}},
	{"random", func(b []byte) [][]byte {
		r := rand.New(rand.NewPCG(uint64(len(b)), 7))
		return split(b, func() int { return 1 + r.IntN(1+len(b)/3) })
	}},
}

func split(b []byte, size func() int) [][]byte {
	var parts [][]byte
	for len(b) > 0 {
		n := min(size(), len(b))
		parts = append(parts, b[:n:n])
		b = b[n:]
	}
	return parts
}
