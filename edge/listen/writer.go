package listen

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// flushSize is how many bytes of a reply are gathered before they are sent, and up to which its length is found out.
const flushSize = 8 << 10

var errEnded = errors.New("the handler that this reply belonged to has returned")

// responseWriter is the http.ResponseWriter and http.Flusher of Config.HTTP. A reply of up to flushSize bytes goes out in
// one write with its length; a longer one as it is written, under the handler's Content-Length or in chunks. Informational
// statuses and trailers are not sent. It is not for use by several goroutines.
type responseWriter struct {
	conn   *conn
	req    *http.Request
	header http.Header

	status   int          // 0 until WriteHeader
	head     bytes.Buffer // the handler's header lines, as they were at WriteHeader
	declared int64        // the handler's Content-Length, or -1
	written  int64        // bytes of body that the handler gave
	body     *[]byte      // what is not sent yet
	chunked  bool
	ended    bool
	err      error // the first failed write

	mu      sync.Mutex // guards the socket's side of what a reading goroutine also does: 100 Continue
	started bool       // the head was sent
}

var _ http.Flusher = (*responseWriter)(nil)

func newResponseWriter(c *conn, req *http.Request) *responseWriter {
	return &responseWriter{conn: c, req: req, header: make(http.Header), declared: -1, body: c.server.takeBody()}
}

func (w *responseWriter) release() {
	w.ended = true
	if w.body != nil {
		w.conn.server.giveBody(w.body)
		w.body = nil
	}
}

func (w *responseWriter) Header() http.Header { return w.header }

// ownHeaders are the ones that the server decides about.
var ownHeaders = map[string]bool{"Connection": true, "Content-Length": true, "Transfer-Encoding": true, "Trailer": true, "Date": true}

func (w *responseWriter) WriteHeader(status int) {
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("invalid status %d", status))
	}
	if w.status != 0 || w.ended || status < 200 {
		return
	}
	w.status = status
	if text := w.header.Get("Content-Length"); text != "" && bodyAllowed(status) {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && n >= 0 {
			w.declared = n
		}
	}
	if strings.EqualFold(w.header.Get("Connection"), "close") {
		w.conn.keep = false
	}
	_ = w.header.WriteSubset(&w.head, ownHeaders)
}

func (w *responseWriter) Write(p []byte) (int, error) {
	if w.ended {
		return 0, errEnded
	}
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if !bodyAllowed(w.status) {
		return 0, http.ErrBodyNotAllowed
	}
	if w.declared >= 0 && w.written+int64(len(p)) > w.declared {
		return 0, http.ErrContentLength
	}
	w.written += int64(len(p))
	total := len(p)
	for len(p) > 0 && w.err == nil {
		n := min(len(p), flushSize-len(*w.body))
		*w.body = append(*w.body, p[:n]...)
		if p = p[n:]; len(p) > 0 {
			w.send(false)
		}
	}
	if w.err != nil {
		return total - len(p), w.err
	}
	return total, nil
}

// Flush sends what was written so far.
func (w *responseWriter) Flush() { _ = w.FlushError() }

// FlushError is Flush for http.ResponseController.
func (w *responseWriter) FlushError() error {
	if w.ended {
		return errEnded
	}
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	w.send(false)
	return w.err
}

// finish sends the rest when the handler has returned.
func (w *responseWriter) finish() {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.declared >= 0 && w.written < w.declared && w.req.Method != http.MethodHead {
		w.conn.keep = false // the client will wait for what does not come; closing tells it
	}
	w.send(true)
}

// send writes the head, if it is still to be sent, and the gathered body.
func (w *responseWriter) send(final bool) {
	if w.err != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	reply := w.conn.server.takeReply()
	defer w.conn.server.giveReply(reply)
	b := *reply
	if !w.started {
		b = w.appendHead(b, final)
	}
	if data := *w.body; w.req.Method == http.MethodHead || len(data) == 0 {
	} else if w.chunked {
		b = strconv.AppendInt(b, int64(len(data)), 16)
		b = append(b, "\r\n"...)
		b = append(b, data...)
		b = append(b, "\r\n"...)
	} else {
		b = append(b, data...)
	}
	if final && w.chunked {
		b = append(b, "0\r\n\r\n"...)
	}
	*w.body = (*w.body)[:0]
	w.started, w.conn.exchange.responded = true, true
	if len(b) > 0 {
		w.err = w.conn.write(b)
	}
	*reply = b
}

// appendHead decides how the body's end will be known. final says that the gathered bytes are all of it.
func (w *responseWriter) appendHead(b []byte, final bool) []byte {
	c := w.conn
	if c.server.stopping.Load() || c.exchange.expect && !c.continued {
		c.keep = false
	}
	length := w.declared
	if length < 0 && final && (w.req.Method != http.MethodHead || w.written > 0) {
		length = w.written
	}
	chunk := length < 0 && bodyAllowed(w.status) && w.req.Method != http.MethodHead
	if chunk && w.req.ProtoMinor == 0 {
		chunk, c.keep = false, false
	}
	w.chunked = chunk
	b = c.appendStatus(b, w.status)
	b = append(b, w.head.Bytes()...)
	if len(*w.body) > 0 && w.header["Content-Type"] == nil && w.header.Get("Content-Encoding") == "" {
		b = appendHeader(b, "Content-Type", http.DetectContentType(*w.body))
	}
	switch {
	case !bodyAllowed(w.status):
	case length >= 0:
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, length, 10)
		b = append(b, "\r\n"...)
	case chunk:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	}
	return append(c.appendConnection(b), "\r\n"...)
}

// sendContinue asks the client for the body, if it waits to be asked and no reply has begun.
func (w *responseWriter) sendContinue() error {
	if !w.conn.exchange.expect {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.started {
		return errContinue
	}
	return w.conn.exchange.sendContinue()
}
