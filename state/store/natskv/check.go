package natskv

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/minio/highwayhash"

	"github.com/sockgate/sockgate/state/store"
)

// DamageError says that a store's directory is not as the store left it. Nothing in it was changed.
type DamageError struct {
	Path  string
	Cause error
}

func (e *DamageError) Error() string {
	return fmt.Sprintf("the store is damaged: %s: %v; nothing was changed, restore the data directory from a backup", e.Path, e.Cause)
}

func (e *DamageError) Unwrap() error { return e.Cause }

func damaged(path, format string, args ...any) error {
	return &DamageError{Path: path, Cause: fmt.Errorf(format, args...)}
}

// contents is what the blocks of a stream hold.
type contents struct {
	exists  bool // a store was made here
	lastSeq uint64
	newest  map[string]message // by key: the message with the highest sequence, a document or a marker
	after   []message          // those with a sequence after the record's
}

// checkState reads an embedded directory without changing it, before the server may: JetStream mends what it finds wrong by
// dropping it. An error that is a *DamageError says that an acknowledged write may be lost. A last message that a crash cut
// short is no damage.
func (s *Store) checkState(values bool) (contents, error) {
	acknowledged, _, err := readRecord(s.state)
	if errors.Is(err, fs.ErrNotExist) {
		if s.cfg.Dir.Store() != "" {
			return contents{}, damaged(filepath.Join(s.state, recordName), "it is missing")
		}
		return contents{}, nil
	}
	if err != nil {
		return contents{}, err
	}
	dir := filepath.Join(s.state, "jetstream", "$G", "streams", streamName)
	if err := checkMeta(dir); err != nil {
		return contents{}, err
	}
	c, err := readBlocks(filepath.Join(dir, "msgs"), acknowledged.revision, values)
	if err != nil {
		return contents{}, err
	}
	if c.lastSeq < acknowledged.revision {
		return contents{}, damaged(dir, "its last write is %d, but %d was acknowledged", c.lastSeq, acknowledged.revision)
	}
	if then, sure := c.at(acknowledged.revision); sure && then != acknowledged {
		return contents{}, damaged(dir, "it holds %d documents of those that were acknowledged, which are %d, or not the same ones",
			then.documents, acknowledged.documents)
	}
	return c, nil
}

// entries returns the documents, if checkState was asked for values.
func (c *contents) entries() []store.Entry {
	var found []store.Entry
	for key, m := range c.newest {
		if !m.deleted {
			found = append(found, store.Entry{Key: key, Value: m.value, Revision: m.sequence})
		}
	}
	return found
}

// at describes the documents as they were after the write with the given revision, by taking back the later ones. It is not
// sure when one of those is missing: the server may have tidied it away after a newer one of the same key.
func (c *contents) at(revision uint64) (t tally, sure bool) {
	current := make(map[string]uint64, len(c.newest)) // revision of the document, or of the marker in its place
	alive := make(map[string]bool, len(c.newest))
	for key, m := range c.newest {
		current[key], alive[key] = m.sequence, !m.deleted
	}
	slices.SortFunc(c.after, func(a, b message) int { return int(int64(b.sequence) - int64(a.sequence)) })
	for _, m := range c.after {
		if current[m.key] != m.sequence {
			return t, false
		}
		current[m.key], alive[m.key] = m.replaces, m.replaces != 0
	}
	t.revision = revision
	for key, at := range current {
		if at > revision {
			return t, false
		}
		if alive[key] {
			t.add(key, at)
		}
	}
	return t, true
}

// checkMeta compares the stream's description with its check.
func checkMeta(dir string) error {
	meta := filepath.Join(dir, "meta.inf")
	text, err := os.ReadFile(meta)
	if err != nil {
		return &DamageError{Path: meta, Cause: err}
	}
	sum, err := os.ReadFile(filepath.Join(dir, "meta.sum"))
	if err != nil {
		return &DamageError{Path: meta, Cause: err}
	}
	key := sha256.Sum256([]byte(streamName))
	hash, err := highwayhash.NewDigest64(key[:])
	if err != nil {
		return err
	}
	hash.Write(text)
	if !bytes.Equal([]byte(hex.EncodeToString(hash.Sum(nil))), sum) {
		return damaged(meta, "its check does not match")
	}
	return nil
}

// readBlocks reads all block files of a stream. Messages after the given sequence are kept apart as well.
func readBlocks(dir string, after uint64, values bool) (contents, error) {
	c := contents{exists: true, newest: make(map[string]message)}
	numbers, err := blockNumbers(dir)
	if err != nil {
		return c, &DamageError{Path: dir, Cause: err}
	}
	removed := make(map[uint64]bool)
	var all []message
	for i, number := range numbers {
		name := filepath.Join(dir, strconv.Itoa(number)+".blk")
		text, err := os.ReadFile(name)
		if err != nil {
			return c, &DamageError{Path: name, Cause: err}
		}
		_, err = readBlock(text, number, func(m message) {
			c.lastSeq = max(c.lastSeq, m.sequence)
			switch {
			case m.tombstone:
				removed[m.sequence] = true
			case m.key != "":
				if !values {
					m.value = nil // let the block's bytes go
				}
				all = append(all, m)
			}
		})
		// Only the block that was being written can end in an unfinished message.
		if last := i == len(numbers)-1; err != nil && !last {
			return c, &DamageError{Path: name, Cause: err}
		}
	}
	for _, m := range all {
		if removed[m.sequence] {
			continue
		}
		if m.sequence > after {
			c.after = append(c.after, m)
		}
		if m.sequence >= c.newest[m.key].sequence {
			c.newest[m.key] = m
		}
	}
	return c, nil
}

func blockNumbers(dir string) ([]int, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var numbers []int
	for _, f := range files {
		stem, ok := strings.CutSuffix(f.Name(), ".blk")
		if !ok {
			continue
		}
		if number, err := strconv.Atoi(stem); err == nil {
			numbers = append(numbers, number)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}
