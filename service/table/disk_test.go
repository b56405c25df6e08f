package table_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/service/table"
)

// small is a file system in memory whose log files find no room while full is set.
type small struct {
	vfs.FS
	full *atomic.Bool
}

func (s small) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := s.FS.Create(name, c)
	return smallFile{f, s.full}, err
}

func (s small) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := s.FS.ReuseForWrite(old, name, c)
	return smallFile{f, s.full}, err
}

func (small) GetDiskUsage(string) (vfs.DiskUsage, error) {
	return vfs.DiskUsage{AvailBytes: 1 << 20}, nil
}

type smallFile struct {
	vfs.File
	full *atomic.Bool
}

func (f smallFile) Write(p []byte) (int, error) {
	if !f.full.Load() {
		return f.File.Write(p)
	}
	n, _ := f.File.Write(p[:len(p)/2]) // as a disk does that fills up in the middle
	return n, syscall.ENOSPC
}

// TestFullDisk: writes that find no room are refused, reads go on, and once there is room again everything that was acknowledged is there.
func TestFullDisk(t *testing.T) {
	fs := vfs.NewMem()
	disk := small{fs, new(atomic.Bool)}
	e := open(t, table.Options{FS: disk, Dir: "tables"})
	tbl := create(t, e, definition("t"))
	put := func(name string) error {
		return e.Write(&table.Write{Table: tbl, Op: table.Put, Item: fields("h", name, "r", 1, "g", "g", "v", strings.Repeat("x", 500))})
	}
	var acknowledged []string
	write := func(name string) error {
		err := put(name)
		if err == nil {
			acknowledged = append(acknowledged, name)
		}
		return err
	}
	if err := write("before"); err != nil {
		t.Fatal(err)
	}
	disk.full.Store(true)
	for i := range 3 {
		if err := write(fmt.Sprint("full", i)); sockgate.KindOf(err) != sockgate.Unavailable {
			t.Fatalf("on a full disk: %v", err)
		}
	}
	if got := get(t, tbl, fields("h", "before", "r", 1)); got == nil {
		t.Error("a read on a full disk finds nothing")
	}
	disk.full.Store(false)
	for i := 0; ; i++ {
		if err := write("after"); err == nil {
			break
		} else if i == 100 {
			t.Fatalf("there is room again: %v", err)
		}
		time.Sleep(50 * time.Millisecond) // the writes that wait for room look for it ten times a second
	}
	for _, name := range acknowledged {
		if get(t, tbl, fields("h", name, "r", 1)) == nil {
			t.Errorf("%q was acknowledged and is not there", name)
		}
	}
	if problems, err := e.Check(context.Background(), func(table, problem string) { t.Error(table, problem) }); err != nil || problems != 0 {
		t.Error(problems, err)
	}
}
