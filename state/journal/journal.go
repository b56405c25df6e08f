// Package journal remembers in a local file which connections are open, so that a gateway that comes back after a crash can
// deliver the $disconnect of those that the crash ended. It delivers nothing itself, and is no place for configuration.
//
// The file is lines of text, appended:
//
//	+{"ID":…}     a connection was opened: the sockgate.Connection in JSON
//	-{id}         its end began: what is left is to deliver $disconnect, or was
//
// A line is handed to the operating system before its method returns, so it survives kill -9, but not a power cut: after one,
// a few connections may be missing or told of twice. A last line without its break is one that a crash cut short.
package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/sockgate/sockgate"
)

// compactAt is the size in bytes from which a file with more ended connections than open ones is written anew.
const compactAt = 4 << 20

// Journal is an open journal. Its methods may be called by many goroutines.
type Journal struct {
	path string
	live func(yield func(*sockgate.Connection))
	log  *slog.Logger

	mu      sync.Mutex
	file    *os.File
	size    int64
	open    int // connections
	ended   int // since the file was written anew
	nextLog time.Time
}

// Open opens the journal at path, making it if it is not there, and returns the connections that were open when the process
// that wrote it ended. They stay in the journal until Ended is called for them.
//
// live lists the connections that are open now; it is called when the file is written anew. A connection that Opened was told
// of must be among them until before Ended is called.
func Open(path string, live func(yield func(*sockgate.Connection)), log *slog.Logger) (*Journal, []sockgate.Connection, error) {
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("read the journal of connections: %w", err)
	}
	left := read(text, log)
	j := &Journal{path: path, live: live, log: log, open: len(left)}
	// Written anew with what is left, so that it does not begin with the past.
	if err := j.rewrite(func(yield func(*sockgate.Connection)) {
		for i := range left {
			yield(&left[i])
		}
	}); err != nil {
		return nil, nil, fmt.Errorf("write the journal of connections: %w", err)
	}
	return j, left, nil
}

// read returns the connections of a journal that were not ended, in the order of their opening.
func read(text []byte, log *slog.Logger) []sockgate.Connection {
	var list []sockgate.Connection
	at := map[string]int{} // by id: where in list
	for len(text) > 0 {
		line, rest, whole := bytes.Cut(text, []byte("\n"))
		text = rest
		if !whole {
			break
		}
		if id, ok := bytes.CutPrefix(line, []byte("-")); ok {
			if i, there := at[string(id)]; there {
				list[i].ID = ""
				delete(at, string(id))
			}
			continue
		}
		var c sockgate.Connection
		doc, ok := bytes.CutPrefix(line, []byte("+"))
		if !ok || json.Unmarshal(doc, &c) != nil || c.ID == "" {
			log.Warn("a line of the journal of connections cannot be read and is left out")
			continue
		}
		if _, twice := at[c.ID]; !twice {
			at[c.ID] = len(list)
			list = append(list, c)
		}
	}
	left := list[:0]
	for _, c := range list {
		if c.ID != "" {
			left = append(left, c)
		}
	}
	return left
}

// Opened notes a connection that was established. A disk that does not take the line costs the connection its $disconnect after
// a crash, no more; it is logged.
func (j *Journal) Opened(c *sockgate.Connection) {
	doc, err := json.Marshal(c)
	if err != nil { // a Connection always encodes
		panic(err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.open++
	j.append('+', doc)
}

// Ended notes that a connection's $disconnect is about to be delivered.
func (j *Journal) Ended(id string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.open--
	j.ended++
	j.append('-', []byte(id))
	if j.size >= compactAt && j.ended > j.open {
		if err := j.rewrite(j.live); err != nil {
			j.complain(err)
		}
	}
}

// Close closes the file. It stays, for a gateway that comes back.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.file.Close()
}

// append writes one line. mu is held.
func (j *Journal) append(mark byte, text []byte) {
	line := make([]byte, 0, len(text)+2)
	line = append(append(append(line, mark), text...), '\n')
	n, err := j.file.Write(line)
	j.size += int64(n)
	if err == nil {
		return
	}
	if n > 0 { // half a line would swallow the next one
		_ = j.file.Truncate(j.size - int64(n))
		j.size -= int64(n)
	}
	j.complain(err)
}

// complain logs a fault of the disk, at most once a minute. mu is held, but for Open.
func (j *Journal) complain(err error) {
	if now := time.Now(); now.After(j.nextLog) {
		j.nextLog = now.Add(time.Minute)
		j.log.Warn("the journal of connections cannot be written; after a crash some may get no $disconnect, or a second one", "error", err)
	}
}

// rewrite replaces the file by one with only the given connections. mu is held, but for Open.
func (j *Journal) rewrite(connections func(yield func(*sockgate.Connection))) error {
	var text bytes.Buffer
	count := 0
	connections(func(c *sockgate.Connection) {
		doc, err := json.Marshal(c)
		if err != nil { // a Connection always encodes
			panic(err)
		}
		text.WriteByte('+')
		text.Write(doc)
		text.WriteByte('\n')
		count++
	})
	fresh := j.path + ".new"
	if err := os.WriteFile(fresh, text.Bytes(), 0o600); err != nil {
		return err
	}
	file, err := os.OpenFile(fresh, os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	if err := os.Rename(fresh, j.path); err != nil {
		return errors.Join(err, file.Close())
	}
	if j.file != nil {
		_ = j.file.Close() // everything in it is in the new one, or ended
	}
	j.file, j.size, j.open, j.ended = file, int64(text.Len()), count, 0
	return nil
}
