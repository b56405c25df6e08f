// Package code keeps the zips of functions and layers: it checks one before anything of it is written, stores it under the
// SHA-256 of its bytes, and unpacks it once into a directory that is only read afterwards. Which functions there are, and which
// zips they use, is the business of package function.
//
//	zip/{sha256}       the zip as it was uploaded
//	tree/{sha256}      what it holds, unpacked; complete, or not there
//	new/               what is being written; emptied when the store is opened
//
// Equal zips are stored once. A zip is durable before Put returns. A tree can be made again from its zip at any time, so a crash
// in the middle of unpacking costs nothing.
package code

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/state/datadir"
)

const (
	zipDir  = "zip"
	treeDir = "tree"
	newDir  = "new"

	dirMode  = 0o700
	fileMode = 0o600
)

// Store holds zips. Its methods may be called by many goroutines.
type Store struct {
	dir string

	// unpacking has one token: trees are made one at a time, which bounds the memory and the disk bandwidth that uploads take.
	unpacking chan struct{}
	share     bool     // see ShareFiles
	recent    []string // trees to share files with, the newest first; for who has the turn

	mu   sync.Mutex
	pins map[string]int // zips that are put but not yet named by a record
}

// Open returns the store in dir, which is made if it is not there. What an earlier process left half-written is removed.
func Open(dir string) (*Store, error) {
	s := &Store{dir: dir, unpacking: make(chan struct{}, 1), pins: make(map[string]int)}
	s.unpacking <- struct{}{}
	if err := remove(s.path(newDir)); err != nil {
		return nil, fmt.Errorf("function code: %w", err)
	}
	for _, d := range []string{zipDir, treeDir, newDir} {
		if err := os.MkdirAll(s.path(d), dirMode); err != nil {
			return nil, fmt.Errorf("function code: %w", err)
		}
	}
	if err := datadir.SyncDir(dir); err != nil {
		return nil, fmt.Errorf("function code: %w", err)
	}
	return s, nil
}

func (s *Store) path(parts ...string) string {
	return filepath.Join(append([]string{s.dir}, parts...)...)
}

// Blob names a stored zip.
type Blob struct {
	SHA256   string // of the zip, 64 lower-case hexadecimal digits
	Size     int64  // of the zip, in bytes
	Unpacked int64  // of what it holds, in bytes
}

// Put checks a zip, stores it and unpacks it. release must be called once a stored record names the blob, or when none will: until
// then Keep leaves it alone. It does nothing after an error.
//
// Errors: Invalid, in Lambda's words and with the reason as the cause, for a zip that cannot be accepted; Unavailable when the
// disk does not take it; and ctx's, as Timeout, before it is this zip's turn to be unpacked.
func (s *Store) Put(ctx context.Context, zip []byte) (blob Blob, release func(), err error) {
	a, err := check(zip)
	if err != nil {
		return Blob{}, func() {}, err
	}
	sum := sha256.Sum256(zip)
	blob = Blob{SHA256: hex.EncodeToString(sum[:]), Size: int64(len(zip)), Unpacked: a.size}
	release = s.pin(blob.SHA256)
	defer func() {
		if err != nil {
			release()
			release = func() {}
		}
	}()
	if err := s.wait(ctx); err != nil {
		return Blob{}, release, err
	}
	defer s.done()
	// First the tree, which proves that the zip inflates to what it says; a zip that does not is never stored.
	if err := s.makeTree(blob.SHA256, a); err != nil {
		return Blob{}, release, err
	}
	if err := s.writeZip(blob.SHA256, zip); err != nil {
		return Blob{}, release, full(err)
	}
	return blob, release, nil
}

// Tree returns the directory with what a stored zip holds. It makes the tree again if it is not there.
// Errors: NotFound when the zip is not stored here; Unavailable; Timeout.
func (s *Store) Tree(ctx context.Context, sha256 string) (string, error) {
	tree := s.path(treeDir, sha256)
	if present(tree) {
		return tree, nil
	}
	if err := s.wait(ctx); err != nil {
		return "", err
	}
	defer s.done()
	if present(tree) {
		return tree, nil
	}
	zip, err := s.Zip(sha256)
	if err != nil {
		return "", err
	}
	a, err := check(zip)
	if err != nil {
		return "", sockgate.Internalf("stored code %s is damaged: %w", sha256, err)
	}
	if err := s.makeTree(sha256, a); err != nil {
		return "", err
	}
	return tree, nil
}

// Zip returns a stored zip's bytes. Errors: NotFound; Internal for one that does not have its sum any more.
func (s *Store) Zip(sha string) ([]byte, error) {
	zip, err := os.ReadFile(s.path(zipDir, sha))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, sockgate.NotFoundf("The function's code is not stored here").Because(fmt.Errorf("no zip %s in %s", sha, s.dir))
	}
	if err != nil {
		return nil, sockgate.Internalf("read code: %w", err)
	}
	if sum := sha256.Sum256(zip); hex.EncodeToString(sum[:]) != sha {
		return nil, sockgate.Internalf("zip %s in %s is damaged", sha, s.dir)
	}
	return zip, nil
}

// Keep removes everything that is not live and that no unreleased Put holds. What a process may still be using must be live. live is
// called with the SHA-256 of one zip at a time, and must not call the store.
// The error is the first of those that happened; the rest is removed nevertheless.
func (s *Store) Keep(live func(sha256 string) bool) error {
	var first error
	for _, d := range []string{zipDir, treeDir} {
		entries, err := os.ReadDir(s.path(d))
		if err != nil {
			return fmt.Errorf("function code: %w", err)
		}
		for _, e := range entries {
			if err := s.discard(d, e.Name(), live); err != nil && first == nil {
				first = fmt.Errorf("function code: %w", err)
			}
		}
	}
	return first
}

// discard takes one entry away under the lock that pin takes, by renaming it, so that nobody finds half of it; removing it takes
// longer and is done afterwards.
func (s *Store) discard(d, name string, live func(string) bool) error {
	s.mu.Lock()
	// Pins first: one is let go only after the record that names its zip is known, so what has no pin any more is live already.
	if s.pins[name] > 0 || live(name) {
		s.mu.Unlock()
		return nil
	}
	away, err := os.MkdirTemp(s.path(newDir), "old-")
	if err == nil && d == treeDir {
		err = os.Chmod(s.path(d, name), dirMode) // a directory that moves is written to
	}
	if err == nil {
		err = os.Rename(s.path(d, name), filepath.Join(away, name))
	}
	s.mu.Unlock()
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // somebody else has taken it away
	}
	if err != nil {
		return err
	}
	return remove(away)
}

// pin keeps a blob from being removed until the returned function is called.
func (s *Store) pin(name string) func() {
	s.mu.Lock()
	s.pins[name]++
	s.mu.Unlock()
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.pins[name]--; s.pins[name] == 0 {
			delete(s.pins, name)
		}
	})
}

func (s *Store) wait(ctx context.Context) error {
	select {
	case <-s.unpacking:
		return nil
	case <-ctx.Done():
		return sockgate.Timeoutf("Too many uploads at the same time").Because(ctx.Err())
	}
}

func (s *Store) done() { s.unpacking <- struct{}{} }

// writeZip stores a zip durably: its bytes, its name, and that in this order.
func (s *Store) writeZip(name string, zip []byte) error {
	final := s.path(zipDir, name)
	if old, err := os.ReadFile(final); err == nil && bytes.Equal(old, zip) {
		return nil
	}
	f, err := os.CreateTemp(s.path(newDir), "zip-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already when all went well
	defer f.Close()
	if _, err := f.Write(zip); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), final); err != nil {
		return err
	}
	return datadir.SyncDir(s.path(zipDir))
}

func present(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func full(err error) error {
	return sockgate.Unavailablef("The function's code could not be stored. Please try again later.").Because(err)
}
