package runtime

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Bounds of what a process may send to its Runtime API.
const (
	maxAPIHead    = 64 << 10 // bytes of a request's head, in which Lambda's clients also send the X-Ray cause of an error
	maxInitError  = 256 << 10
	maxSkipped    = 64 << 20 // bytes of a body too large that are read and dropped to keep the connection
	apiReadBuffer = 4 << 10
	apiVersion    = "/2018-06-01/runtime/"
)

// The header fields of the Runtime API.
const (
	errorTypeHeader  = "Lambda-Runtime-Function-Error-Type"
	errorBodyTrailer = "Lambda-Runtime-Function-Error-Body" // base64, as the type is a trailer in a stream
)

// apiConn is one connection of a process to its Runtime API.
type apiConn struct {
	api    *api
	conn   net.Conn
	limit  io.LimitedReader
	reader *bufio.Reader

	mu      sync.Mutex // writing
	pending []byte     // an answer that goes out with the next one
}

func newAPIConn(a *api, conn net.Conn) *apiConn {
	c := &apiConn{api: a, conn: conn}
	c.limit.R = conn
	c.reader = bufio.NewReaderSize(&c.limit, apiReadBuffer)
	return c
}

// serve answers requests until the connection ends.
func (c *apiConn) serve() {
	defer c.api.gone(c)
	defer c.conn.Close()
	for {
		c.limit.N = maxAPIHead
		r, err := http.ReadRequest(c.reader)
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
				_ = c.refuse(http.StatusBadRequest, "InvalidRequest", "Malformed request")
			}
			return
		}
		c.limit.N = maxSkipped
		err = c.handle(r)
		if err == nil && r.Body != nil {
			_, err = io.Copy(io.Discard, r.Body)
		}
		if err != nil || r.Close {
			return
		}
	}
}

func (c *apiConn) handle(r *http.Request) error {
	if r.Header.Get("Expect") != "" {
		if _, err := c.conn.Write([]byte("HTTP/1.1 100 Continue\r\n\r\n")); err != nil {
			return err
		}
	}
	path, ok := strings.CutPrefix(r.URL.Path, apiVersion)
	if !ok {
		return c.refuse(http.StatusNotFound, "NotFound", "Unknown path")
	}
	if path == "invocation/next" && r.Method == http.MethodGet {
		if !c.api.next(c) {
			return c.refuse(http.StatusForbidden, "InvalidStateTransition", "Transition from the current state is not allowed")
		}
		return nil // writeInvocation answers
	}
	if r.Method != http.MethodPost {
		return c.refuse(http.StatusNotFound, "NotFound", "Unknown path")
	}
	if path == "init/error" {
		return c.initError(r)
	}
	rest, ok := strings.CutPrefix(path, "invocation/")
	id, kind, found := strings.Cut(rest, "/")
	if !ok || !found || kind != "response" && kind != "error" {
		return c.refuse(http.StatusNotFound, "NotFound", "Unknown path")
	}
	return c.answer(r, id, kind == "error")
}

func (c *apiConn) initError(r *http.Request) error {
	document, err := readBody(r, maxInitError)
	if err != nil || len(document) > maxInitError {
		return c.refuse(http.StatusBadRequest, "InvalidRequest", "Malformed body")
	}
	e := &initError{document: document, errorType: r.Header.Get(errorTypeHeader)}
	if !c.api.failInit(e) {
		return c.refuse(http.StatusForbidden, "InvalidStateTransition", "Transition from the current state is not allowed")
	}
	return c.reply(http.StatusAccepted, statusOK, false)
}

// answer takes a response or an error. The id is checked before the body costs memory, and again with it.
func (c *apiConn) answer(r *http.Request, id string, failed bool) error {
	if v := c.api.expects(id); v != accepted {
		return c.refuseAnswer(v)
	}
	document, err := readBody(r, maxResponse)
	if err != nil {
		_ = c.refuse(http.StatusBadRequest, "InvalidRequest", "Malformed body")
		return err
	}
	errorType := r.Header.Get(errorTypeHeader)
	tooLarge := len(document) > maxResponse
	switch {
	case tooLarge:
		document, failed, errorType = responseTooLarge(), true, "Function.ResponseSizeTooLarge"
	case r.Trailer.Get(errorTypeHeader) != "": // a stream that broke
		failed, errorType = true, r.Trailer.Get(errorTypeHeader)
		document = trailerError(errorType, r.Trailer.Get(errorBodyTrailer))
	}
	if v := c.api.answer(id, document, failed, errorType); v != accepted {
		return c.refuseAnswer(v)
	}
	if tooLarge {
		return c.refuse(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge",
			"Exceeded maximum allowed payload size ("+strconv.Itoa(maxResponse)+" bytes).")
	}
	return c.reply(http.StatusAccepted, statusOK, c.reader.Buffered() > 0)
}

// readBody reads a body of up to limit bytes; of a longer one it returns one byte more.
func readBody(r *http.Request, limit int64) ([]byte, error) {
	if n := r.ContentLength; n >= 0 && n <= limit {
		body := make([]byte, n)
		_, err := io.ReadFull(r.Body, body)
		return body, err
	}
	return io.ReadAll(io.LimitReader(r.Body, limit+1))
}

var statusOK = []byte("{\"status\":\"OK\"}\n")

func (c *apiConn) refuseAnswer(v verdict) error {
	if v == unknownID {
		return c.refuse(http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
	}
	return c.refuse(http.StatusForbidden, "InvalidStateTransition", "The invocation was answered already")
}

func (c *apiConn) refuse(status int, kind, message string) error {
	return c.reply(status, errorDocument("errorMessage", message, "errorType", kind), false)
}

// reply writes an answer. One that may wait is sent together with what the process asked for behind it: it saves waking
// the process twice.
func (c *apiConn) reply(status int, body []byte, wait bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := append(c.pending, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(append(b, ' '), http.StatusText(status)...)
	b = append(b, "\r\nContent-Type: application/json\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(body)), 10)
	b = append(append(b, "\r\n\r\n"...), body...)
	if wait && len(b) < apiReadBuffer {
		c.pending = b
		return nil
	}
	c.pending = nil
	_, err := c.conn.Write(b)
	return err
}

// writeInvocation answers a parked request. It gives up at the call's deadline, when the process does not read.
func (c *apiConn) writeInvocation(inv *call) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := append(c.pending, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: "...)
	b = append(b, inv.RequestID...)
	b = append(b, "\r\nLambda-Runtime-Deadline-Ms: "...)
	b = strconv.AppendInt(b, inv.deadline.UnixMilli(), 10)
	b = appendHeader(b, "Lambda-Runtime-Invoked-Function-Arn", inv.InvokedARN)
	b = appendHeader(b, "Lambda-Runtime-Trace-Id", inv.TraceID)
	b = appendHeader(b, "Lambda-Runtime-Client-Context", inv.ClientContext)
	payload := inv.Payload
	if len(payload) == 0 {
		payload = []byte("{}")
	}
	b = append(b, "\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(payload)), 10)
	b = append(b, "\r\n\r\n"...)
	c.pending = nil
	if len(b)+len(payload) > apiReadBuffer { // may have to wait for the process to read
		if err := c.conn.SetWriteDeadline(inv.deadline); err != nil {
			return err
		}
		defer c.conn.SetWriteDeadline(time.Time{})
		buffers := net.Buffers{b, payload}
		_, err := buffers.WriteTo(c.conn)
		return err
	}
	_, err := c.conn.Write(append(b, payload...))
	return err
}

// appendHeader leaves out an empty field, and replaces what could end a line: values come from callers.
func appendHeader(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(append(append(b, "\r\n"...), name...), ": "...)
	start := len(b)
	b = append(b, value...)
	for i, ch := range b[start:] {
		if ch < ' ' || ch == 0x7f {
			b[start+i] = ' '
		}
	}
	return b
}
