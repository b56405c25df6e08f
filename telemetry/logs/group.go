package logs

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"
)

// Group is one log. A nil Group takes lines and forgets them.
type Group struct {
	owner *Groups
	name  string
	path  string // below Config.Dir

	mu      sync.Mutex
	buffer  []byte
	lines   uint64 // in buffer
	dropped uint64 // since the last flush, because the buffer was full
	closed  bool

	lost uint64 // the writer's own: dropped, and not yet accounted for in the file
}

var errFull = errors.New("lines came faster than the disk took them")

// Write adds one line, without its line break, and never waits. Control characters, line breaks among them, are written as
// escapes: a stranger's text can neither forge a line nor speak to the operator's terminal. line is not kept.
func (g *Group) Write(line []byte) {
	if g == nil {
		return
	}
	if watch := g.owner.config.Watch; watch != nil {
		watch(g.name, line)
	}
	g.mu.Lock()
	if g.closed || len(g.buffer)+min(len(line), MaxLine) >= maxPending {
		g.dropped++
		g.mu.Unlock()
		g.owner.dropped.Add(1)
		return
	}
	first := g.lines == 0
	if first {
		if b, ok := g.owner.buffers.Get().(*[]byte); ok {
			g.buffer = *b
		}
	}
	before := len(g.buffer)
	g.buffer = appendLine(g.buffer, line)
	g.lines++
	full := before < flushSize && len(g.buffer) >= flushSize
	g.mu.Unlock()
	if first {
		g.owner.needFlush(g)
	}
	if full {
		signal(g.owner.full)
	}
}

func (g *Group) close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
}

// flush takes the buffer to the file. Only the writer calls it.
func (g *Group) flush(c Config) error {
	g.mu.Lock()
	buffer, lines, dropped := g.buffer, g.lines, g.dropped
	g.buffer, g.lines, g.dropped = nil, 0, 0
	g.mu.Unlock()
	if lines == 0 && dropped == 0 {
		return nil
	}

	var before []byte
	if g.lost > 0 {
		before = appendDrops(nil, g.lost, "the file could not be written")
	}
	chunk := buffer
	if dropped > 0 {
		chunk = appendDrops(chunk, dropped, errFull.Error())
	}
	err := store(c, g.path, before, chunk)
	if err != nil {
		g.lost += lines + dropped
		g.owner.dropped.Add(lines)
	} else {
		g.lost = 0
		if dropped > 0 {
			err = errFull
		}
	}
	if cap(chunk) <= 2*flushSize { // rare large ones are left to the collector
		chunk = chunk[:0]
		g.owner.buffers.Put(&chunk)
	}
	return err
}

func appendDrops(b []byte, n uint64, why string) []byte {
	b = time.Now().UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z")
	b = append(b, " "...)
	b = strconv.AppendUint(b, n, 10)
	return append(b, " lines were dropped here: "+why+"\n"...)
}

// appendLine adds line with its break, cut to MaxLine and without control characters.
func appendLine(b, line []byte) []byte {
	const cutMark = " [cut]"
	cut := len(line) > MaxLine
	if cut {
		line = line[:MaxLine]
		for len(line) > MaxLine-utf8.UTFMax && !utf8.RuneStart(line[len(line)-1]) {
			line = line[:len(line)-1]
		}
		line = line[:len(line)-1] // the first byte of a character that may have been split
	}
	plain := 0
	for i, c := range line {
		if (c >= ' ' && c != 0x7f) || c == '\t' {
			continue
		}
		b = append(b, line[plain:i]...)
		plain = i + 1
		switch c {
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		default:
			b = fmt.Appendf(b, `\x%02x`, c)
		}
	}
	b = append(b, line[plain:]...)
	if cut {
		b = append(b, cutMark...)
	}
	return append(b, '\n')
}
