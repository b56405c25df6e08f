package listen

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// How many bytes of a reply are gathered before they are sent.
const (
	flushSize    = 8 << 10  // of a reply that has not told its length; up to here it is found out
	declaredSize = 64 << 10 // of one that has, and is on its way already
)

var errEnded = errors.New("the handler that this reply belonged to has returned")

// responseWriter is the http.ResponseWriter, http.Flusher and http.Hijacker of Config.HTTP. A reply of up to flushSize bytes goes out in
// one write with its length; a longer one in larger pieces under the handler's Content-Length, or in chunks. Informational
// statuses and trailers are not sent. It is not for use by several goroutines.
type responseWriter struct {
	conn   *conn
	req    *http.Request
	header http.Header

	status   int     // 0 until WriteHeader
	head     *[]byte // from WriteHeader until it is sent: status, date and the handler's header lines as they were
	declared int64   // the handler's Content-Length, or -1
	written  int64   // bytes of body that the handler gave
	body     *[]byte // what is not sent yet
	chunked  bool
	ended    bool
	err      error // the first failed write

	mu      sync.Mutex // guards the socket's side of what a reading goroutine also does: 100 Continue
	started bool       // the head was sent
}

var (
	_ http.Flusher  = (*responseWriter)(nil)
	_ http.Hijacker = (*responseWriter)(nil)
)

// headerHint is how many headers a reply usually has; up to it, the map is made in one piece.
const headerHint = 8

func newResponseWriter(c *conn, req *http.Request) *responseWriter {
	return &responseWriter{conn: c, req: req, header: make(http.Header, headerHint), declared: -1, body: c.server.takeBody()}
}

func (w *responseWriter) release() {
	w.ended = true
	if w.body != nil {
		w.conn.server.giveBody(w.body)
		w.body = nil
	}
	if w.head != nil {
		w.conn.server.giveReply(w.head)
		w.head = nil
	}
}

func (w *responseWriter) Header() http.Header { return w.header }

func (w *responseWriter) WriteHeader(status int) {
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("invalid status %d", status))
	}
	if w.status != 0 || w.ended || status < 200 {
		return
	}
	w.status = status
	if length := w.header["Content-Length"]; len(length) > 0 && bodyAllowed(status) {
		if n, err := strconv.ParseInt(length[0], 10, 64); err == nil && n >= 0 {
			w.declared = n
		}
	}
	if connection := w.header["Connection"]; len(connection) > 0 && strings.EqualFold(connection[0], "close") {
		w.conn.keep = false
	}
	w.head = w.conn.server.takeReply()
	*w.head = appendHeaders(w.conn.appendStatus(*w.head, status), w.header)
}

// appendHeaders appends the lines of h in the order of their names, but for those that the server decides about.
func appendHeaders(b []byte, h http.Header) []byte {
	var space [16]string
	names := space[:0]
	for name := range h {
		switch name {
		case "Connection", "Content-Length", "Transfer-Encoding", "Trailer", "Date":
		default:
			if fieldName(name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range h[name] {
			b = appendHeader(b, name, value)
		}
	}
	return b
}

// fieldName reports whether a line that begins with name is a header of that name to whoever reads it. Others are not sent.
func fieldName(name string) bool {
	for i := range len(name) {
		if name[i] <= ' ' || name[i] >= 0x7f || name[i] == ':' {
			return false
		}
	}
	return name != ""
}

func (w *responseWriter) Write(p []byte) (int, error) {
	if w.conn.handed {
		return 0, http.ErrHijacked
	}
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
	total, gather := len(p), flushSize
	if w.declared >= 0 {
		gather = declaredSize
	}
	for len(p) > 0 && w.err == nil {
		n := min(len(p), gather-len(*w.body))
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
	out := w.head
	if out == nil {
		out = w.conn.server.takeReply()
	} else {
		*out = w.appendFraming(*out, final)
	}
	w.head = nil
	defer w.conn.server.giveReply(out)
	b, data := *out, *w.body
	if w.req.Method == http.MethodHead {
		data = nil
	}
	switch {
	case w.chunked && len(data) > 0:
		b = strconv.AppendInt(b, int64(len(data)), 16)
		b = append(b, "\r\n"...)
		b = append(append(b, data...), "\r\n"...)
		data = nil
	case len(data) <= copyLimit:
		b, data = append(b, data...), nil
	}
	if final && w.chunked {
		b = append(b, "0\r\n\r\n"...)
	}
	w.started, w.conn.exchange.responded = true, true
	if len(b) > 0 || len(data) > 0 {
		w.err = w.conn.write(b, data)
	}
	*out, *w.body = b, (*w.body)[:0]
}

// appendFraming completes the head: it decides how the body's end will be known. final says that the gathered bytes are all of it.
func (w *responseWriter) appendFraming(b []byte, final bool) []byte {
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
	if len(*w.body) > 0 && w.header["Content-Type"] == nil && w.header.Get("Content-Encoding") == "" {
		b = appendHeader(b, "Content-Type", http.DetectContentType(*w.body))
	}
	if bodyAllowed(w.status) && length >= 0 {
		b = appendLength(b, length)
	}
	if chunk {
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
