package natskv_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sockgate/sockgate/state/store/natskv"
)

const streamDir = "state/jetstream/$G/streams/KV_sockgate/"

// fill writes documents over several blocks, updating and deleting some, and returns what must be found again.
func fill(t *testing.T, s opened) map[string]string {
	t.Helper()
	ctx := t.Context()
	want := make(map[string]string)
	for i := range 24 {
		key := fmt.Sprintf("api.%d", i)
		value := fmt.Sprintf("%d %s", i, strings.Repeat("v", 1<<20*(i%2)))
		revision, err := s.Create(ctx, key, []byte(value))
		if err != nil {
			t.Fatal(err)
		}
		want[key] = value
		switch {
		case i%8 == 5:
			value = "updated"
			want[key] = value
			_, err = s.Update(ctx, key, []byte(value), revision)
		case i%8 == 6:
			delete(want, key)
			err = s.Delete(ctx, key, revision)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return want
}

func documents(t *testing.T, s opened) map[string]string {
	t.Helper()
	entries, err := s.List(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]string)
	for _, e := range entries {
		found[e.Key] = string(e.Value)
	}
	return found
}

func TestDamage(t *testing.T) {
	t.Parallel()
	cut := func(n int) func([]byte) []byte {
		return func(b []byte) []byte { return b[:max(0, len(b)-n)] }
	}
	overwrite := func(at float64) func([]byte) []byte {
		return func(b []byte) []byte {
			copy(b[int(at*float64(len(b)-1)):], "damaged")
			return b
		}
	}
	last := func(path string) string { return lastBlock(t, path) }
	name := func(name string) func(string) string { return func(string) string { return name } }
	first := name(streamDir + "msgs/1.blk")
	tests := []struct {
		name   string
		file   func(path string) string
		change func([]byte) []byte // nil removes the file or directory
	}{
		{"the last block lacks its last byte", last, cut(1)},
		{"the last block lacks its last message", last, cut(200)},
		{"the last block is empty", last, cut(1 << 30)},
		{"the last block is gone", last, nil},
		{"the last block was overwritten at its beginning", last, overwrite(0)},
		{"the last block was overwritten in the middle", last, overwrite(0.5)},
		{"the last block was overwritten at its end", last, overwrite(1)},
		{"the first block is cut", first, cut(1)},
		{"the first block is empty", first, cut(1 << 30)},
		{"the first block is gone", first, nil},
		{"the first block was overwritten", first, overwrite(0.3)},
		{"the stream's description is cut", name(streamDir + "meta.inf"), cut(5)},
		{"the stream's description is empty", name(streamDir + "meta.inf"), cut(1 << 20)},
		{"the stream's description was overwritten", name(streamDir + "meta.inf"), overwrite(0.5)},
		{"the stream's description is gone", name(streamDir + "meta.inf"), nil},
		{"the description's check is gone", name(streamDir + "meta.sum"), nil},
		{"the description's check is cut", name(streamDir + "meta.sum"), cut(1)},
		{"all messages are gone", name(streamDir + "msgs"), nil},
		{"the stream is gone", name(streamDir), nil},
		{"everything is gone", name("state"), nil},
		{"the record is gone", name("state/acknowledged"), nil},
		{"the record is empty", name("state/acknowledged"), cut(1 << 20)},
		{"the record was overwritten", name("state/acknowledged"), func(b []byte) []byte { return bytes.Repeat([]byte("x"), len(b)) }},
	}
	path := t.TempDir()
	s := open(t, path)
	fill(t, s)
	s.Close()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := copyTree(t, path)
			damage(t, filepath.Join(path, tt.file(path)), tt.change)
			before := snapshot(t, path)
			s, err := tryOpen(path)
			if err == nil {
				s.Close()
				t.Fatal("the damaged store was opened")
			}
			damaged, ok := errors.AsType[*natskv.DamageError](err)
			if !ok || !strings.HasPrefix(damaged.Path, path) {
				t.Errorf("error %v does not name the damaged file", err)
			}
			if diff := cmp.Diff(before, snapshot(t, path)); diff != "" {
				t.Errorf("the directory was changed (-before +after):\n%.500s", diff)
			}
		})
	}
}

// TestAnyDamage damages a random file in a random way: either the store refuses, or everything is there.
func TestAnyDamage(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	s := open(t, path)
	want := fill(t, s)
	s.Close()
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 0))
	files := make([]string, 0)
	for name := range snapshot(t, path) {
		files = append(files, name)
	}
	for round := range 15 {
		path := copyTree(t, path)
		name := files[rnd.IntN(len(files))]
		if name == "format" {
			continue // for package datadir to judge
		}
		damage(t, filepath.Join(path, name), func(b []byte) []byte {
			if at := rnd.IntN(len(b) + 1); rnd.IntN(2) == 0 {
				return b[:at]
			} else if at < len(b) {
				b[at] ^= byte(1 + rnd.IntN(255))
			}
			return b
		})
		s, err := tryOpen(path)
		if err != nil {
			if _, ok := errors.AsType[*natskv.DamageError](err); !ok {
				t.Errorf("seed %d round %d: %s: %v", seed, round, name, err)
			}
			continue
		}
		if diff := cmp.Diff(want, documents(t, s)); diff != "" {
			t.Errorf("seed %d round %d: %s was damaged, the store opened, and (-want +got):\n%.500s", seed, round, name, diff)
		}
		s.Close()
	}
}

// TestUnfinishedWrite appends to the last block what a crash in the middle of a write may leave.
func TestUnfinishedWrite(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	s := open(t, path)
	want := fill(t, s)
	// A copy of a running store is what a crash leaves.
	crashed := copyTree(t, path)
	s.Close()
	whole, err := os.ReadFile(filepath.Join(crashed, lastBlock(t, crashed)))
	if err != nil {
		t.Fatal(err)
	}
	for name, tail := range map[string][]byte{
		"nothing":             {},
		"the head only":       whole[:10],
		"half a message":      whole[:60],
		"zeros":               make([]byte, 100),
		"a message of before": whole[:len(whole)/2],
	} {
		t.Run(name, func(t *testing.T) {
			path := copyTree(t, crashed)
			damage(t, filepath.Join(path, lastBlock(t, path)), func(b []byte) []byte { return append(b, tail...) })
			s := open(t, path)
			defer s.Close()
			if diff := cmp.Diff(want, documents(t, s)); diff != "" {
				t.Errorf("documents (-want +got):\n%.500s", diff)
			}
			if _, err := s.Create(t.Context(), "more", nil); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestFirstStartCutShort opens what a crash may leave before the first start was complete.
func TestFirstStartCutShort(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	open(t, path).Close()
	text, err := os.ReadFile(filepath.Join(path, "format"))
	if err != nil {
		t.Fatal(err)
	}
	unfinished := bytes.Replace(text, []byte(`"store":"nats"`), []byte(`"store":""`), 1)
	if bytes.Equal(text, unfinished) {
		t.Fatalf("the format file is %s", text)
	}
	damage(t, filepath.Join(path, "format"), func([]byte) []byte { return unfinished })
	damage(t, filepath.Join(path, "state/acknowledged"), nil)
	damage(t, filepath.Join(path, streamDir, "meta.sum"), nil)
	s := open(t, path)
	defer s.Close()
	if _, err := s.Create(t.Context(), "k", nil); err != nil {
		t.Error(err)
	}
}

func damage(t *testing.T, name string, change func([]byte) []byte) {
	t.Helper()
	if change == nil {
		if _, err := os.Stat(name); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(name); err != nil {
			t.Fatal(err)
		}
		return
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, change(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func copyTree(t *testing.T, from string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

// snapshot returns the content of every file but the lock, and the names of directories.
func snapshot(t *testing.T, path string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	err := fs.WalkDir(os.DirFS(path), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == "lock" || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(path, name))
		files[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func lastBlock(t *testing.T, path string) string {
	t.Helper()
	blocks, err := filepath.Glob(filepath.Join(path, streamDir, "msgs", "*.blk"))
	if err != nil || len(blocks) < 2 {
		t.Fatalf("%d blocks, %v; at least 2 are needed", len(blocks), err)
	}
	return fmt.Sprintf(streamDir+"msgs/%d.blk", len(blocks))
}
