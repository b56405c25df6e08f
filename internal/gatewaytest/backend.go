package gatewaytest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/sockgate/sockgate"
)

// Mode is a way for a backend to answer, or not to.
type Mode string

// The modes.
const (
	Normal  Mode = ""        // status, headers, body
	Echo    Mode = "echo"    // the same with the request's body
	Hang    Mode = "hang"    // take the request and say nothing until the gateway gives up
	Hold    Mode = "hold"    // answer normally after Release
	Close   Mode = "close"   // close the connection instead of answering
	Garbage Mode = "garbage" // answer something that is not HTTP
	Endless Mode = "endless" // a body that never ends
	Cut     Mode = "cut"     // announce a body and close in the middle of it
)

// Reply is what a backend answers.
type Reply struct {
	Mode   Mode
	Status int // 0 is 200
	Header sockgate.Headers
	Body   string
}

// Request is one request as it came over the wire.
type Request struct {
	Method, Target string
	Header         sockgate.Headers // in the sender's order and spelling
	Body           string
}

// Path is the target without its query.
func (r *Request) Path() string {
	path, _, _ := strings.Cut(r.Target, "?")
	return path
}

// Backend is an HTTP/1.1 server that records every request in the order of arrival. It reads the wire itself, since
// net/http would change the spelling of header names.
type Backend struct {
	listener net.Listener
	ctx      context.Context // ends with Close
	cancel   context.CancelFunc
	running  sync.WaitGroup

	mu       sync.Mutex
	requests []*Request
	arrived  chan struct{} // closed and replaced when something was recorded
	handlers map[string]func(*Request) Reply
	conns    map[net.Conn]bool
	hold     chan struct{} // takes one value for each reply that may go
}

// StartBackend runs a backend until the test ends.
func StartBackend(t *testing.T) *Backend {
	t.Helper()
	b, err := NewBackend()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// NewBackend starts a backend that answers 200 without a body until it is told otherwise. Close must follow.
func NewBackend() (*Backend, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b := &Backend{
		listener: l,
		arrived:  make(chan struct{}),
		handlers: map[string]func(*Request) Reply{},
		conns:    map[net.Conn]bool{},
		hold:     make(chan struct{}, 1<<16),
	}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	b.running.Go(b.accept)
	return b, nil
}

// Addr is the backend's host and port.
func (b *Backend) Addr() string { return b.listener.Addr().String() }

// Reply sets the answer to requests for path.
func (b *Backend) Reply(path string, r Reply) { b.Handle(path, func(*Request) Reply { return r }) }

// Handle computes the answer to requests for path. f runs on many goroutines.
func (b *Backend) Handle(path string, f func(*Request) Reply) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.handlers[path] = f
}

// Release lets n held requests be answered, now or when they come.
func (b *Backend) Release(n int) {
	for range n {
		b.hold <- struct{}{}
	}
}

// Requests returns what has come so far.
func (b *Backend) Requests() []*Request {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.requests[:len(b.requests):len(b.requests)] // it only grows
}

// Wait returns the requests once ok says that they are complete. Its error shows what had come when Patience ended.
func (b *Backend) Wait(ok func([]*Request) bool) ([]*Request, error) {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	for {
		b.mu.Lock()
		seen, arrived := b.requests[:len(b.requests):len(b.requests)], b.arrived
		b.mu.Unlock()
		if ok(seen) {
			return seen, nil
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			var list strings.Builder
			for _, r := range seen {
				fmt.Fprintf(&list, "\n%s %s", r.Method, r.Target)
			}
			return seen, fmt.Errorf("the backend did not get the requests it should; it got %d:%s", len(seen), list.String())
		}
	}
}

// Close stops the backend and waits for its goroutines.
func (b *Backend) Close() {
	b.cancel()
	b.listener.Close()
	b.mu.Lock()
	for c := range b.conns {
		c.Close()
	}
	b.mu.Unlock()
	b.running.Wait()
}

func (b *Backend) accept() {
	for {
		c, err := b.listener.Accept()
		if err != nil {
			return
		}
		b.mu.Lock()
		b.conns[c] = true
		b.mu.Unlock()
		b.running.Go(func() {
			b.serve(c)
			c.Close()
			b.mu.Lock()
			delete(b.conns, c)
			b.mu.Unlock()
		})
	}
}

func (b *Backend) serve(c net.Conn) {
	in := bufio.NewReader(c)
	for {
		r, err := readRequest(in)
		if err != nil {
			return
		}
		b.mu.Lock()
		b.requests = append(b.requests, r)
		close(b.arrived)
		b.arrived = make(chan struct{})
		handler := b.handlers[r.Path()]
		b.mu.Unlock()
		reply := Reply{}
		if handler != nil {
			reply = handler(r)
		}
		if !b.answer(c, in, r, reply) {
			return
		}
	}
}

// answer reports whether the connection goes on.
func (b *Backend) answer(c net.Conn, in *bufio.Reader, r *Request, reply Reply) bool {
	switch reply.Mode {
	case Hang:
		_, _ = in.ReadByte() // ends when the gateway gives up
		return false
	case Close:
		return false
	case Garbage:
		fmt.Fprint(c, "What did you say?\r\n\r\n")
		return false
	case Endless:
		fmt.Fprint(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
		chunk := "10000\r\n" + strings.Repeat("e", 0x10000) + "\r\n"
		for {
			if _, err := io.WriteString(c, chunk); err != nil {
				return false
			}
		}
	case Cut:
		fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly so much")
		return false
	case Hold:
		select {
		case <-b.hold:
		case <-b.ctx.Done():
			return false
		}
	case Echo:
		reply.Body = r.Body
	}
	status := reply.Status
	if status == 0 {
		status = 200
	}
	var out strings.Builder
	fmt.Fprintf(&out, "HTTP/1.1 %d Status\r\n", status)
	for _, h := range reply.Header {
		fmt.Fprintf(&out, "%s: %s\r\n", h.Name, h.Value)
	}
	if status == 204 || status == 304 {
		fmt.Fprint(&out, "\r\n")
	} else {
		fmt.Fprintf(&out, "Content-Length: %d\r\n\r\n%s", len(reply.Body), reply.Body)
	}
	_, err := io.WriteString(c, out.String())
	return err == nil
}

// readRequest reads a head and a body of announced length, which is all that the gateway sends.
func readRequest(in *bufio.Reader) (*Request, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return nil, err
	}
	parts := strings.Fields(line)
	if len(parts) != 3 {
		return nil, fmt.Errorf("not a request line: %q", line)
	}
	r := &Request{Method: parts[0], Target: parts[1]}
	length := 0
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return nil, err
		}
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			break
		}
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		r.Header = append(r.Header, sockgate.Header{Name: name, Value: value})
		if strings.EqualFold(name, "Content-Length") {
			if length, err = strconv.Atoi(value); err != nil {
				return nil, err
			}
		}
	}
	body := make([]byte, length)
	_, err = io.ReadFull(in, body)
	r.Body = string(body)
	return r, err
}
