package gatewaytest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gobwas/ws"
)

// Client is a WebSocket client that leaves nothing out: it shows frames as they come and sends them as it is told. Reading
// and writing may be done by one goroutine each. Every call ends within Patience.
type Client struct {
	Response *http.Response // the 101

	conn net.Conn
	in   *bufio.Reader
	mu   sync.Mutex // guards writes: a close frame may be answered while another goroutine sends
}

// Refusal is the answer to a handshake that was not accepted.
type Refusal struct {
	*http.Response
	Content string // its body
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("handshake refused: %s %s", r.Status, r.Content)
}

// sampleKey is the nonce of RFC 6455, section 1.3. The gateway has no reason to care that it is always the same.
const sampleKey = "dGhlIHNhbXBsZSBub25jZQ=="

// Dial opens a WebSocket: target is the request's path and query, host its Host header, and headers are further lines in the
// form "Name: value", sent as they are. An error that is a *Refusal is the gateway's answer.
func Dial(addr, host, target string, headers ...string) (*Client, error) {
	conn, err := net.DialTimeout("tcp", addr, Patience)
	if err != nil {
		return nil, err
	}
	c, err := Handshake(conn, host, target, headers...)
	if err != nil {
		conn.Close()
	}
	return c, err
}

// Handshake is Dial on a connection that is open already.
func Handshake(conn net.Conn, host, target string, headers ...string) (*Client, error) {
	return HandshakeWith(conn, "", host, target, headers...)
}

// HandshakeWith is Handshake with bytes that are sent in one piece with the request, before its answer is known.
func HandshakeWith(conn net.Conn, early, host, target string, headers ...string) (*Client, error) {
	conn.SetDeadline(time.Now().Add(Patience))
	var out strings.Builder
	fmt.Fprintf(&out, "GET %s HTTP/1.1\r\nHost: %s\r\n", target, host)
	for _, h := range headers {
		out.WriteString(h + "\r\n")
	}
	out.WriteString("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + sampleKey + "\r\n\r\n" + early)
	if _, err := io.WriteString(conn, out.String()); err != nil {
		return nil, err
	}
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, &http.Request{Method: "GET"})
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		body, err := io.ReadAll(resp.Body)
		return nil, errors.Join(err, &Refusal{Response: resp, Content: string(body)})
	}
	if got, want := resp.Header.Get("Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="; got != want {
		return nil, fmt.Errorf("Sec-WebSocket-Accept is %q, not %q", got, want)
	}
	return &Client{Response: resp, conn: conn, in: in}, nil
}

// Send sends one text message in one frame.
func (c *Client) Send(text string) error { return c.SendFrame(ws.NewTextFrame([]byte(text))) }

// SendFrame sends one frame, masked.
func (c *Client) SendFrame(f ws.Frame) error { return c.SendUnmasked(ws.MaskFrame(f)) }

// SendUnmasked sends one frame as it is.
func (c *Client) SendUnmasked(f ws.Frame) error {
	b, err := ws.CompileFrame(f)
	if err != nil {
		return err
	}
	return c.SendBytes(b)
}

// SendBytes sends anything.
func (c *Client) SendBytes(b []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conn.SetWriteDeadline(time.Now().Add(Patience))
	_, err := c.conn.Write(b)
	return err
}

// ReadFrame returns the next frame.
func (c *Client) ReadFrame() (ws.Frame, error) {
	c.conn.SetReadDeadline(time.Now().Add(Patience))
	return readFrame(c.in)
}

// maxFrame is more than the gateway ever puts into a frame.
const maxFrame = 1 << 20

func readFrame(in io.Reader) (f ws.Frame, err error) {
	if f.Header, err = ws.ReadHeader(in); err != nil {
		return f, err
	}
	switch {
	case f.Header.Masked:
		return f, errors.New("the gateway sent a masked frame")
	case f.Header.Length > maxFrame:
		return f, fmt.Errorf("the gateway sent a frame of %d bytes", f.Header.Length)
	}
	f.Payload = make([]byte, f.Header.Length)
	_, err = io.ReadFull(in, f.Payload)
	return f, err
}

// CloseError is the close frame that came instead of a message.
type CloseError struct {
	Code   int
	Reason string
}

func (e *CloseError) Error() string { return fmt.Sprintf("closed with %d %q", e.Code, e.Reason) }

// Read returns the next text message, put together from its frames. Pings are answered. A close frame is answered, the
// connection is closed, and the error is a *CloseError.
func (c *Client) Read() (string, error) {
	var message strings.Builder
	for {
		f, err := c.ReadFrame()
		if err != nil {
			return "", err
		}
		switch f.Header.OpCode {
		case ws.OpText, ws.OpContinuation:
			message.Write(f.Payload)
			if f.Header.Fin {
				return message.String(), nil
			}
		case ws.OpPing:
			err = c.SendFrame(ws.NewPongFrame(f.Payload))
		case ws.OpPong:
			err = errors.New("a pong came instead of a message")
		case ws.OpClose:
			return "", c.answerClose(f)
		default:
			err = fmt.Errorf("a frame with opcode %d came", f.Header.OpCode)
		}
		if err != nil {
			return "", err
		}
	}
}

func (c *Client) answerClose(f ws.Frame) *CloseError {
	e := &CloseError{Code: int(ws.StatusNoStatusRcvd)}
	if len(f.Payload) >= 2 {
		code, reason := ws.ParseCloseFrameData(f.Payload)
		e.Code, e.Reason = int(code), reason
	}
	_ = c.SendFrame(ws.NewCloseFrame(f.Payload)) // the gateway may be gone already, which is its right
	c.Drop()
	return e
}

// Close sends a close frame, waits for the gateway's, and ends the connection. Code 0 sends a frame without one. Messages that
// come meanwhile are passed over.
func (c *Client) Close(code int, reason string) error {
	var payload []byte
	if code != 0 {
		payload = ws.NewCloseFrameBody(ws.StatusCode(code), reason)
	}
	if err := c.SendFrame(ws.NewCloseFrame(payload)); err != nil {
		return err
	}
	defer c.Drop()
	for {
		f, err := c.ReadFrame()
		if err != nil {
			return fmt.Errorf("the gateway did not answer the close frame: %w", err)
		}
		if f.Header.OpCode == ws.OpClose {
			if got := string(f.Payload); len(payload) >= 2 && !strings.HasPrefix(got, string(payload[:2])) {
				return fmt.Errorf("the gateway answered the close frame with %q", got)
			}
			return nil
		}
	}
}

// Drop ends the TCP connection without a word.
func (c *Client) Drop() { c.conn.Close() }

// Conn is the transport.
func (c *Client) Conn() net.Conn { return c.conn }

// Eventually asks ok again and again until it holds; false means that Patience ended first. It is for what nobody announces, such
// as lines in a file.
func Eventually(ok func() bool) bool {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ok()
		}
	}
	return true
}
