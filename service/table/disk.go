package table

import (
	"errors"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/sockgate/sockgate"
)

const (
	// lowSpace is how much free space, in bytes, is little enough that writes are watched for getting stuck.
	lowSpace = 512 << 20
	// retryEvery is how often a write that found no room is tried again.
	retryEvery = 100 * time.Millisecond
	// patience is how long a caller waits for a write while the disk is full.
	patience = time.Second
)

// disk is the file system below Pebble. Pebble ends the process when its log or its manifest cannot be written, so here such a write
// waits until there is room, while new writes are refused and reads go on. A table file that finds no room fails, after a pause,
// because Pebble then takes back what it had written and tries again.
type disk struct {
	vfs.FS
	waiting atomic.Int32
	until   atomic.Int64 // Unix nanoseconds; a table file found no room shortly before
	low     atomic.Bool
}

// full reports that something found no room and has not succeeded since.
func (d *disk) full() bool {
	return d.waiting.Load() > 0 || time.Now().UnixNano() < d.until.Load()
}

// look finds out how much room is left.
func (d *disk) look(dir string) (avail uint64) {
	usage, err := d.FS.GetDiskUsage(dir)
	if err != nil { // a file system in memory has none to tell
		return lowSpace * 4
	}
	d.low.Store(usage.AvailBytes < lowSpace)
	return usage.AvailBytes
}

func noRoom(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// retry does op until it does not fail for lack of room. name is the file's.
func (d *disk) retry(name string, op func() error) error {
	err := op()
	if !noRoom(err) {
		return err
	}
	d.low.Store(true)
	if strings.HasSuffix(name, ".sst") {
		d.until.Store(time.Now().Add(2 * patience).UnixNano())
		time.Sleep(retryEvery)
		return err
	}
	d.waiting.Add(1)
	defer d.waiting.Add(-1)
	for noRoom(err) {
		time.Sleep(retryEvery)
		err = op()
	}
	return err
}

// open makes a file with make and wraps it.
func (d *disk) open(name string, make func() (vfs.File, error)) (f vfs.File, err error) {
	err = d.retry(name, func() error {
		f, err = make()
		return err
	})
	if err != nil {
		return nil, err
	}
	return &diskFile{f, d, filepath.Base(name)}, nil
}

// Create makes a file.
func (d *disk) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return d.open(name, func() (vfs.File, error) { return d.FS.Create(name, c) })
}

// ReuseForWrite makes a file of an old one.
func (d *disk) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return d.open(name, func() (vfs.File, error) { return d.FS.ReuseForWrite(old, name, c) })
}

// OpenReadWrite opens a file.
func (d *disk) OpenReadWrite(name string, c vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return d.open(name, func() (vfs.File, error) { return d.FS.OpenReadWrite(name, c, opts...) })
}

// Link makes another name for a file.
func (d *disk) Link(old, name string) error {
	return d.retry(name, func() error { return d.FS.Link(old, name) })
}

// Rename renames a file.
func (d *disk) Rename(old, name string) error {
	return d.retry(name, func() error { return d.FS.Rename(old, name) })
}

// Unwrap returns the file system below.
func (d *disk) Unwrap() vfs.FS { return d.FS }

// diskFile is a file that is written.
type diskFile struct {
	vfs.File
	d    *disk
	name string
}

// Write writes all of p, going on where room ended.
func (f *diskFile) Write(p []byte) (n int, err error) {
	err = f.d.retry(f.name, func() error {
		m, err := f.File.Write(p[n:])
		n += m
		return err
	})
	return n, err
}

// WriteAt writes all of p.
func (f *diskFile) WriteAt(p []byte, at int64) (n int, err error) {
	err = f.d.retry(f.name, func() error {
		n, err = f.File.WriteAt(p, at)
		return err
	})
	return n, err
}

// Preallocate asks for room ahead; that there is none is found when it is needed.
func (f *diskFile) Preallocate(offset, length int64) error {
	if err := f.File.Preallocate(offset, length); !noRoom(err) {
		return err
	}
	return nil
}

func errFull() error {
	return &sockgate.Error{Kind: sockgate.Unavailable, Message: "The disk of the tables is full"}
}

// unlessFull calls commit. While little room is left, it does not wait longer than patience for a disk that is full: the error says
// then that the write is refused, though it may still be done when there is room again, as after any failure of a server.
func (e *Engine) unlessFull(commit func() error) error {
	if !e.disk.low.Load() {
		return commit()
	}
	if e.disk.full() {
		return errFull()
	}
	done := make(chan error, 1)
	e.late.Go(func() { done <- commit() })
	tick := time.NewTicker(patience)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-tick.C:
			if e.disk.full() {
				return errFull()
			}
		}
	}
}
