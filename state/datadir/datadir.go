// Package datadir owns the gateway's data directory: it takes the lock that keeps a second process out, and checks that the
// directory is the gateway's own and of a format that this version knows, before anybody writes there.
//
//	lock     held with flock(2) while a process uses the directory; its content is that process's id
//	format   {"product":"sockgate","format":1,"store":"nats"}; store is empty until a store has been made
//
// What lies in the rest of the directory is for the packages that use it.
package datadir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

const (
	lockName   = "lock"
	formatName = "format"
	tempSuffix = ".new" // of a file that is being replaced

	dirMode  = 0o700
	fileMode = 0o600
)

// Dir is a data directory that this process owns until Close.
type Dir struct {
	path string
	lock *os.File

	mu     sync.Mutex
	format format
}

// Open takes the directory at path, making it and its format file when there is nothing yet.
//
// others names the entries that may lie in a directory that has no format file yet, such as "credentials" or "logs". A
// directory with anything else in it is somebody else's and is refused, as are one that another process holds and one of
// another product or a newer format. A refused directory is left as it was.
func Open(path string, others ...string) (*Dir, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if err := os.MkdirAll(path, dirMode); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	// Look before the lock file is made, so that a stranger's directory does not get one, and again under the lock.
	if _, _, err := inspect(path, others); err != nil {
		return nil, err
	}
	lock, err := acquire(path)
	if err != nil {
		return nil, err
	}
	d := &Dir{path: path, lock: lock}
	if err := d.load(others); err != nil {
		lock.Close()
		return nil, err
	}
	return d, nil
}

// Path returns the directory's absolute path.
func (d *Dir) Path() string { return d.path }

// Store returns the kind of store that was made in this directory, or "" when none was yet.
func (d *Dir) Store() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.format.Store
}

// SetStore records, durably, that a store of this kind has been made here. From then on its absence means damage.
func (d *Dir) SetStore(kind string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.format
	f.Store = kind
	if err := f.write(d.path); err != nil {
		return fmt.Errorf("data directory %s: write format file: %w", d.path, err)
	}
	d.format = f
	return nil
}

// Close gives the directory free for another process. Everything that writes there must have ended before.
func (d *Dir) Close() error {
	// The file stays: removing it would let two processes hold locks on two different files of the same name.
	return d.lock.Close()
}

func (d *Dir) load(others []string) error {
	f, found, err := inspect(d.path, others)
	if err != nil {
		return err
	}
	if !found {
		f = format{Product: product, Format: version}
		if err := f.write(d.path); err != nil {
			return fmt.Errorf("data directory %s: write format file: %w", d.path, err)
		}
	}
	d.format = f
	return nil
}

// inspect decides, without writing, whether the directory may be used: either it has a format file that fits, or it holds
// nothing but what may be there before one is written.
func inspect(path string, others []string) (f format, found bool, err error) {
	f, err = readFormat(path)
	if err == nil {
		return f, true, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return f, false, err
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return f, false, fmt.Errorf("data directory: %w", err)
	}
	for _, e := range entries {
		name := e.Name()
		switch {
		case name == lockName, name == formatName+tempSuffix, name == "lost+found", slices.Contains(others, name):
		default:
			return f, false, fmt.Errorf("data directory %s is not empty (it holds %q) and has no format file, so it is not Sockgate's: "+
				"name another directory, or an empty one", path, strings.ToValidUTF8(name, "?"))
		}
	}
	return f, false, nil
}
