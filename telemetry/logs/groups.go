// Package logs keeps named log groups as files: a stage's execution log and the access logs that stages name by ARN.
// It takes whole lines and puts them into files; what a line says is its caller's business.
//
// Writing never waits. A group collects lines in a bounded buffer, and one goroutine takes the buffers of all groups to disk,
// at least every 200 ms or when one holds 32 KiB. Lines that find the buffer full, or that the disk does not take, are dropped,
// counted, and accounted for in the file as soon as it can be written again. The gateway goes on without its logs rather than
// wait for them.
//
//	Group.Write → buffer (256 KiB) → writer → DIR/aws/apigateway/abc123/prod.log → prod.log.1 → prod.log.2 → removed
//
// Files are opened for each flush and closed after it, so a thousand groups hold no descriptors, and a file that an operator
// moves away is simply made anew.
package logs

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of a group.
const (
	MaxLine    = 64 << 10  // bytes; a longer line is cut
	maxPending = 256 << 10 // bytes that wait for the disk; lines beyond it are dropped
	flushSize  = 32 << 10  // bytes that are flushed at once
	flushDelay = 200 * time.Millisecond
	warnEvery  = time.Minute
)

// Config says where the files are and how much of them is kept.
type Config struct {
	Dir      string       // created when missing
	FileSize int64        // bytes; a file is rotated before it grows over this. 0: 64 MiB
	Keep     int          // rotated files per group
	Log      *slog.Logger // told, at most once a minute, when lines are dropped
	// Watch, if any, is told of every line as it is written, by whoever writes it. It must not wait, and not keep the line.
	Watch func(group string, line []byte)
}

// Groups is a set of log groups in one directory. Its methods may be called by many goroutines.
type Groups struct {
	config  Config
	dropped atomic.Uint64
	buffers sync.Pool // *[]byte, empty; an idle group has none

	mu     sync.Mutex
	byPath map[string]*Group
	dirty  []*Group // groups whose buffers are not empty
	closed bool

	wake, full chan struct{} // a buffer is no longer empty; one should be flushed at once
	sync       chan chan struct{}
	stop, done chan struct{}
	warned     time.Time // the writer's own
}

// Open creates the directory and starts the writer, which Close ends.
func Open(c Config) (*Groups, error) {
	if c.FileSize <= 0 {
		c.FileSize = 64 << 20
	}
	if err := os.MkdirAll(c.Dir, dirMode); err != nil {
		return nil, err
	}
	g := &Groups{
		config: c,
		byPath: map[string]*Group{},
		wake:   make(chan struct{}, 1),
		full:   make(chan struct{}, 1),
		sync:   make(chan chan struct{}),
		stop:   make(chan struct{}),
		done:   make(chan struct{}),
	}
	go g.write()
	return g, nil
}

// Group returns the group called name, such as "/aws/apigateway/abc123/prod". Any name is safe. Names that differ only in
// leading, trailing or doubled slashes are one group. It makes no file; the first line does.
func (g *Groups) Group(name string) *Group {
	path := filePath(name)
	g.mu.Lock()
	defer g.mu.Unlock()
	group := g.byPath[path]
	if group == nil {
		group = &Group{owner: g, name: name, path: path, closed: g.closed}
		g.byPath[path] = group
	}
	return group
}

// Dropped counts the lines that never reached a file.
func (g *Groups) Dropped() uint64 { return g.dropped.Load() }

// Sync returns when every line written before the call is in its file or dropped, or the groups are closed.
func (g *Groups) Sync() {
	written := make(chan struct{})
	select {
	case g.sync <- written:
		<-written
	case <-g.done:
	}
}

// Close flushes and ends the writer. Lines written afterwards are dropped. It gives up waiting for a disk that hangs when ctx
// ends, with ctx's error. Further calls do the same again.
func (g *Groups) Close(ctx context.Context) error {
	g.mu.Lock()
	if !g.closed {
		g.closed = true
		close(g.stop)
	}
	g.mu.Unlock()
	select {
	case <-g.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// write is the writer: it alone touches files.
func (g *Groups) write() {
	defer close(g.done)
	var due <-chan time.Time
	for {
		select {
		case <-g.wake:
			if due == nil {
				due = time.After(flushDelay)
			}
			continue
		case <-due:
		case <-g.full:
		case written := <-g.sync:
			g.flush()
			close(written)
		case <-g.stop:
			g.refuse()
			g.flush()
			return
		}
		g.flush()
		due = nil
	}
}

// refuse makes all groups drop whatever comes and be flushed, so that the last flush misses no line that was taken.
func (g *Groups) refuse() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.dirty = g.dirty[:0]
	for _, group := range g.byPath {
		group.close()
		g.dirty = append(g.dirty, group)
	}
}

// needFlush is called by a group whose buffer got its first line.
func (g *Groups) needFlush(group *Group) {
	g.mu.Lock()
	g.dirty = append(g.dirty, group)
	g.mu.Unlock()
	signal(g.wake)
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // a signal is waiting already
	}
}

func (g *Groups) flush() {
	g.mu.Lock()
	dirty := g.dirty
	g.dirty = nil
	g.mu.Unlock()
	for _, group := range dirty {
		if err := group.flush(g.config); err != nil {
			g.warn("log lines were dropped", group.path, err)
		}
	}
}

func (g *Groups) warn(text, path string, err error) {
	if g.config.Log == nil || (!g.warned.IsZero() && time.Since(g.warned) < warnEvery) {
		return
	}
	g.warned = time.Now()
	g.config.Log.Warn(text, "file", path, "droppedSinceStart", g.Dropped(), "error", err)
}
