package runtime

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sockgate/sockgate/telemetry/logs"
)

// Bounds of what a process may print.
const (
	maxOutput = 4 << 20  // bytes of one call; what is printed beyond is read, so that the process goes on, and dropped
	maxLine   = 60 << 10 // bytes; a longer line becomes several. Below logs.MaxLine
	readSize  = 8 << 10
)

// output reads what a process prints and cuts it into lines for the log. Whoever needs to know that all has been read that
// was printed up to now calls drain; in between, a goroutine reads.
type output struct {
	pipe    *os.File
	raw     syscall.RawConn
	group   *logs.Group
	log     *slog.Logger
	debug   bool
	reading sync.WaitGroup

	mu      sync.Mutex
	buffer  [readSize]byte
	partial []byte // a line whose end has not come
	budget  int    // bytes that the call may still print
	dropped int    // bytes that it printed beyond
	tail    []byte // nil unless the call wants it
}

// newOutput returns the output and the end of its pipe that is for the process.
func newOutput(group *logs.Group, log *slog.Logger) (*output, *os.File, error) {
	ours, theirs, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	// Only our end does not block: programs do not expect it of their standard output.
	if err := unix.SetNonblock(int(theirs.Fd()), false); err != nil {
		ours.Close()
		theirs.Close()
		return nil, nil, err
	}
	o := &output{pipe: ours, group: group, log: log, budget: maxOutput,
		debug: log.Enabled(context.Background(), slog.LevelDebug)}
	raw, err := o.pipe.SyscallConn()
	if err != nil {
		o.pipe.Close()
		theirs.Close()
		return nil, nil, err
	}
	o.raw = raw
	o.reading.Go(o.read)
	return o, theirs, nil
}

// read runs until the last writer has closed the pipe, or close was called.
func (o *output) read() {
	_ = o.raw.Read(func(fd uintptr) bool {
		for {
			switch o.readOnce(int(fd)) {
			case readNothing:
				return false
			case readEnd:
				return true
			}
		}
	})
}

// drain returns when everything that was printed before has been read. Of a process that does not stop printing it reads
// no more than a call may print.
func (o *output) drain() {
	_ = o.raw.Control(func(fd uintptr) {
		for range 2 * maxOutput / readSize {
			if o.readOnce(int(fd)) != readSome {
				return
			}
		}
	})
}

type readResult uint8

const (
	readSome readResult = iota
	readNothing
	readEnd
)

// readOnce reads and takes as one step, so that what is no longer in the pipe is in the log.
func (o *output) readOnce(fd int) readResult {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, err := unix.Read(fd, o.buffer[:])
	switch {
	case err == unix.EINTR:
		return readSome
	case err == unix.EAGAIN:
		return readNothing
	case err != nil || n <= 0:
		o.flush()
		return readEnd
	}
	o.take(o.buffer[:n])
	return readSome
}

// close gives up reading. What was not read is lost.
func (o *output) close() {
	o.pipe.Close()
	o.reading.Wait()
}

// begin starts a call's share of the log, with its first line.
func (o *output) begin(tail bool, line []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.budget, o.dropped, o.tail = maxOutput, 0, nil
	if tail {
		o.tail = make([]byte, 0, 2*maxTail)
	}
	o.write(line)
}

// finish ends a call's share: it reads what the process printed, adds lines and returns the tail, if it was wanted.
func (o *output) finish(lines ...[]byte) []byte {
	o.drain()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.flush()
	if o.dropped > 0 {
		o.write(fmt.Appendf(nil, "%d bytes of output were dropped: one call may print %d", o.dropped, maxOutput))
	}
	for _, line := range lines {
		o.write(line)
	}
	tail := o.tail
	o.budget, o.dropped, o.tail = maxOutput, 0, nil
	return tail[max(0, len(tail)-maxTail):]
}

// line adds a line of the gateway's own.
func (o *output) line(line []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.flush()
	o.write(line)
}

func (o *output) take(b []byte) {
	if len(b) > o.budget {
		o.dropped += len(b) - o.budget
		b = b[:o.budget]
	}
	o.budget -= len(b)
	for {
		line, rest, found := bytes.Cut(b, []byte{'\n'})
		if !found {
			break
		}
		if len(o.partial) > 0 {
			line = append(o.partial, line...)
			o.partial = nil
		}
		o.writeLong(line)
		b = rest
	}
	o.partial = append(o.partial, b...)
	for len(o.partial) > maxLine {
		o.write(o.partial[:maxLine])
		o.partial = append([]byte(nil), o.partial[maxLine:]...)
	}
}

// flush writes a line that has no end.
func (o *output) flush() {
	if len(o.partial) > 0 {
		o.writeLong(o.partial)
		o.partial = nil
	}
}

func (o *output) writeLong(line []byte) {
	for len(line) > maxLine {
		o.write(line[:maxLine])
		line = line[maxLine:]
	}
	o.write(bytes.TrimSuffix(line, []byte{'\r'}))
}

func (o *output) write(line []byte) {
	o.group.Write(line)
	if o.debug {
		o.log.Debug("function log", "line", string(line))
	}
	if o.tail == nil {
		return
	}
	if o.tail = append(append(o.tail, line...), '\n'); len(o.tail) > 2*maxTail {
		o.tail = append(o.tail[:0], o.tail[len(o.tail)-maxTail:]...)
	}
}
