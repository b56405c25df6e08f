package natskv

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sockgate/sockgate/state/datadir"
	"github.com/sockgate/sockgate/state/store"
)

// The record says up to which revision writes were acknowledged, and which documents there were then. A NATS server that
// finds a block cut short drops the rest of it without complaint, which is right after a crash and wrong when that rest was
// acknowledged; with the record the two can be told apart.
//
// It is written after JetStream has the message on disk and before the write is acknowledged, without a sync: the process
// being killed cannot make it run ahead or fall behind an acknowledged write, and a loss of power can only make it fall
// behind. The file is two slots that are written in turn, so that one of them is whole at any moment:
//
//	slot = magic(8) turn(8) revision(8) documents(8) sum(8) check(8), little-endian, at offsets 0 and 512

const (
	recordName = "acknowledged"
	slotMagic  = "SGACK1\r\n"
	slotSize   = 48
	slotStride = 512 // a disk's sector: a slot is written whole or not at all
)

// tally describes a set of documents by their number and the sum of the hashes of their keys and revisions.
type tally struct {
	revision  uint64 // of the last write
	documents uint64
	sum       uint64
}

func (t *tally) add(key string, revision uint64) {
	t.documents++
	t.sum += hashOf(key, revision)
}

func (t *tally) remove(key string, revision uint64) {
	t.documents--
	t.sum -= hashOf(key, revision)
}

func hashOf(key string, revision uint64) uint64 {
	text := binary.LittleEndian.AppendUint64(make([]byte, 0, 8+len(key)), revision)
	hash := sha256.Sum256(append(text, key...))
	return binary.LittleEndian.Uint64(hash[:])
}

// record is the open file. It is used by one goroutine.
type record struct {
	file  *os.File
	turn  uint64
	tally tally
}

// openRecord opens the record in dir, or makes one, durably, that says that nothing was acknowledged.
func openRecord(dir string) (*record, error) {
	last, turn, err := readRecord(dir)
	fresh := errors.Is(err, fs.ErrNotExist)
	if err != nil && !fresh {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(dir, recordName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	r := &record{file: file, turn: turn, tally: last}
	if !fresh {
		return r, nil
	}
	if err = errors.Join(r.write(), r.write()); err == nil { // both slots, so that the file never changes its size again
		err = errors.Join(file.Sync(), datadir.SyncDir(dir))
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("write %s: %w", file.Name(), err)
	}
	return r, nil
}

// readRecord returns what the newer whole slot says. A *DamageError: there is none.
func readRecord(dir string) (t tally, turn uint64, err error) {
	name := filepath.Join(dir, recordName)
	text, err := os.ReadFile(name)
	if err != nil {
		return t, 0, err
	}
	for _, at := range []int{0, slotStride} {
		if len(text) < at+slotSize {
			break
		}
		if found, n, ok := decodeSlot(text[at : at+slotSize]); ok && n >= turn {
			t, turn, err = found, n, nil
		}
	}
	if turn == 0 {
		return t, 0, damaged(name, "it is not a record of acknowledged writes")
	}
	return t, turn, nil
}

// restart sets the record to a complete state.
func (r *record) restart(entries []store.Entry, revision uint64) error {
	r.tally = tally{revision: revision}
	for _, e := range entries {
		r.tally.add(e.Key, e.Revision)
	}
	return r.write()
}

// advance follows one write: a document of revision old (0: none) was replaced, or deleted.
func (r *record) advance(key string, old, revision uint64, deleted bool) error {
	if old != 0 {
		r.tally.remove(key, old)
	}
	if !deleted {
		r.tally.add(key, revision)
	}
	r.tally.revision = revision
	return r.write()
}

func (r *record) write() error {
	r.turn++
	_, err := r.file.WriteAt(encodeSlot(r.tally, r.turn), int64(r.turn%2)*slotStride)
	return err
}

func (r *record) close() { r.file.Close() }

func encodeSlot(t tally, turn uint64) []byte {
	slot := append(make([]byte, 0, slotSize), slotMagic...)
	for _, n := range []uint64{turn, t.revision, t.documents, t.sum} {
		slot = binary.LittleEndian.AppendUint64(slot, n)
	}
	check := sha256.Sum256(slot)
	return append(slot, check[:8]...)
}

func decodeSlot(slot []byte) (t tally, turn uint64, ok bool) {
	body, check := slot[:slotSize-8], slot[slotSize-8:]
	hash := sha256.Sum256(body)
	if !bytes.HasPrefix(body, []byte(slotMagic)) || !bytes.Equal(hash[:8], check) {
		return t, 0, false
	}
	field := func(i int) uint64 { return binary.LittleEndian.Uint64(body[8*i:]) }
	return tally{revision: field(2), documents: field(3), sum: field(4)}, field(1), true
}
