package listen

import (
	"bytes"

	"github.com/sockgate/sockgate"
)

// Limits on what surrounds the bytes of a chunked body.
const (
	maxChunkLine = 256     // bytes of a chunk's size and extensions
	maxTrailer   = 4 << 10 // bytes of all trailer lines, which are read and dropped
)

var errChunk = sockgate.Invalidf("The request body is not validly chunked")

// chunks appends a chunked body of at most max bytes to out.
// Every line must end in CRLF: a proxy in front may take a bare LF otherwise.
// Source: RFC 9112, section 7.1.
func (r *bodyReader) chunks(max int64) error {
	for {
		line, err := r.line(maxChunkLine)
		if err != nil {
			return err
		}
		size, ok := chunkSize(line)
		switch {
		case !ok:
			return errChunk
		case size == 0:
			return r.trailer()
		case size > max-int64(len(r.out)):
			return tooLarge(max)
		}
		if err := r.take(size); err != nil {
			return err
		}
		if end, err := r.line(2); err != nil || len(end) > 0 {
			return orChunk(err)
		}
	}
}

func (r *bodyReader) trailer() error {
	for left := maxTrailer; left > 0; {
		line, err := r.line(left)
		if err != nil || len(line) == 0 {
			return err
		}
		left -= len(line) + 2
	}
	return errChunk
}

// line returns the next line without its CRLF; with it, it may have max bytes. It is valid until the next read.
func (r *bodyReader) line(max int) ([]byte, error) {
	buf := r.conn.buf
	for {
		unread := buf.unread()
		if end := bytes.IndexByte(unread, '\n'); end >= 0 {
			if end == 0 || end >= max || unread[end-1] != '\r' || bytes.IndexByte(unread[:end-1], '\r') >= 0 {
				return nil, errChunk
			}
			buf.r += end + 1
			return unread[:end-1], nil
		}
		if len(unread) >= max {
			return nil, errChunk
		}
		r.await()
		fresh, err := r.conn.fill()
		if err != nil {
			return nil, unexpected(err)
		}
		r.total += int64(len(fresh))
	}
}

// chunkSize reads the hexadecimal size at the front of a chunk's first line; extensions behind ';' are ignored.
func chunkSize(line []byte) (int64, bool) {
	digits, _, _ := bytes.Cut(line, []byte{';'})
	if len(digits) == 0 || len(digits) > 8 {
		return 0, false
	}
	var size int64
	for _, b := range digits {
		switch {
		case '0' <= b && b <= '9':
			b -= '0'
		case 'a' <= b && b <= 'f':
			b -= 'a' - 10
		case 'A' <= b && b <= 'F':
			b -= 'A' - 10
		default:
			return 0, false
		}
		size = size<<4 | int64(b)
	}
	return size, true
}

func orChunk(err error) error {
	if err == nil {
		return errChunk
	}
	return err
}
