package code_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/service/function/code"
)

// file is one entry of a zip that a test makes.
type file struct {
	name, body string
	mode       fs.FileMode
	set        func(*zip.FileHeader)
}

func zipOf(t testing.TB, files ...file) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate}
		if f.mode != 0 {
			h.SetMode(f.mode)
		}
		if f.set != nil {
			f.set(h)
		}
		out, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if f.body != "" {
			if _, err := out.Write([]byte(f.body)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func open(t testing.TB, dir string) *code.Store {
	t.Helper()
	s, err := code.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// tempDir is a directory whose read-only parts can be removed in the end.
func tempDir(t testing.TB) string {
	dir := t.TempDir()
	t.Cleanup(func() {
		_ = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				err = os.Chmod(p, 0o700)
			}
			return err
		})
	})
	return dir
}

func TestUnpacked(t *testing.T) {
	dir := tempDir(t)
	s := open(t, dir)
	data := zipOf(t,
		file{name: "index.js", body: "exports.handler", mode: 0o600},
		file{name: "bootstrap", body: "#!/bin/sh"},
		file{name: "bin/run", body: "#!/bin/sh", mode: 0o755},
		file{name: "empty/", mode: fs.ModeDir | 0o755},
		file{name: "empty/", mode: fs.ModeDir | 0o755},
		file{name: "./a/b/c.txt", body: "c"},
		file{name: "set", body: "x", mode: fs.ModeSetuid | 0o777},
		file{name: `back\slash`, body: "x"},
		file{name: "lib/up", body: "../a/./b/c.txt", mode: fs.ModeSymlink | 0o777},
		file{name: "lib/dir", body: "../a", mode: fs.ModeSymlink | 0o777},
	)
	blob, release, err := s.Put(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	release()
	if blob.Size != int64(len(data)) || blob.Unpacked == 0 || len(blob.SHA256) != 64 {
		t.Errorf("%+v", blob)
	}
	tree, err := s.Tree(t.Context(), blob.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]fs.FileMode{
		"index.js": 0o444, "bootstrap": 0o555, "bin/run": 0o555, "bin": fs.ModeDir | 0o555, "empty": fs.ModeDir | 0o555,
		"a/b/c.txt": 0o444, "set": 0o555, `back\slash`: 0o444, ".": fs.ModeDir | 0o555, "lib/up": fs.ModeSymlink | 0o777,
	} {
		if info, err := os.Lstat(filepath.Join(tree, name)); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v; want %v", name, info.Mode(), err, want)
		}
	}
	for _, name := range []string{"lib/up", "lib/dir/b/c.txt"} {
		if b, err := os.ReadFile(filepath.Join(tree, name)); err != nil || string(b) != "c" {
			t.Errorf("%s holds %q, %v", name, b, err)
		}
	}
	if b, err := s.Zip(blob.SHA256); err != nil || !bytes.Equal(b, data) {
		t.Errorf("the zip comes back as %d bytes, %v", len(b), err)
	}
}

// raw returns a zip whose bytes edit has changed.
func raw(t testing.TB, files []file, edit func([]byte)) []byte {
	b := zipOf(t, files...)
	edit(b)
	return b
}

// patch overwrites the n-th value (from 0) after each central header's signature.
func patch(offset int, value ...byte) func([]byte) {
	return func(b []byte) {
		for i := 0; ; {
			j := bytes.Index(b[i:], []byte("PK\x01\x02"))
			if j < 0 {
				return
			}
			copy(b[i+j+offset:], value)
			i += j + 4
		}
	}
}

func le32(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }

func TestRefused(t *testing.T) {
	hello := file{name: "index.js", body: strings.Repeat("hello ", 100)}
	link := func(name, target string) file { return file{name: name, body: target, mode: fs.ModeSymlink | 0o777} }
	many := make([]file, 100_001)
	for i := range many {
		many[i] = file{name: fmt.Sprint(i), set: func(h *zip.FileHeader) { h.Method = zip.Store }}
	}
	deep := make([]file, 210)
	for i := range deep {
		deep[i] = file{name: fmt.Sprint(i) + strings.Repeat("/d", 500), body: "x"}
	}
	const (
		unzip = code.UnzipMessage
		empty = "Uploaded file must be a non-empty zip"
		large = "Unzipped size must be smaller than 262144000 bytes"
	)
	tests := []struct {
		name    string
		zip     []byte
		message string
		cause   string // part of it
	}{
		{"nothing", nil, empty, ""},
		{"an empty zip", zipOf(t), empty, ""},
		{"only directories", zipOf(t, file{name: "a/", mode: fs.ModeDir | 0o755}), empty, ""},
		{"no zip", []byte("exports.handler = async () => {}"), unzip, "not a valid zip"},
		{"half a zip", zipOf(t, hello)[:60], unzip, "not a valid zip"},
		{"too many bytes", make([]byte, code.MaxZip+1), "Zipped size must be smaller than 52428800 bytes", ""},
		{"too many entries", zipOf(t, many...), unzip, "100001 entries"},
		{"too many directories", zipOf(t, deep...), unzip, "directories"},
		{"up", zipOf(t, file{name: "../x", body: "x"}), unzip, "leaves the archive"},
		{"up within", zipOf(t, file{name: "a/../../x", body: "x"}), unzip, "leaves the archive"},
		{"absolute", zipOf(t, file{name: "/etc/passwd", body: "x"}), unzip, "absolute"},
		{"NUL in a name", zipOf(t, file{name: "a\x00b", body: "x"}), unzip, "NUL"},
		{"name is not UTF-8", zipOf(t, file{name: "caf\xe9", body: "x"}), unzip, "UTF-8"},
		{"no name", zipOf(t, file{name: "", body: "x"}), unzip, "no name"},
		{"long part", zipOf(t, file{name: strings.Repeat("a", 256), body: "x"}), unzip, "too long"},
		{"long path", zipOf(t, file{name: strings.Repeat("a/", 2000) + "b", body: "x"}), unzip, "too long"},
		{"twice", zipOf(t, hello, hello), unzip, "twice"},
		{"twice in two spellings", zipOf(t, hello, file{name: ".//index.js", body: "x"}), unzip, "twice"},
		{"file and directory", zipOf(t, hello, file{name: "index.js/", mode: fs.ModeDir | 0o755}), unzip, "twice"},
		{"below a file", zipOf(t, hello, file{name: "index.js/a/b", body: "x"}), unzip, "no directory"},
		{"below a link", zipOf(t, link("l", "a"), file{name: "l/x", body: "x"}), unzip, "no directory"},
		{"link up", zipOf(t, hello, link("l", "../x")), unzip, "leaves the archive"},
		{"link up from a directory", zipOf(t, hello, link("a/b/l", "../../../x")), unzip, "leaves the archive"},
		{"link down and up", zipOf(t, hello, link("a/l", "../b/../../x")), unzip, "leaves the archive"},
		{"absolute link", zipOf(t, hello, link("l", "/etc/passwd")), unzip, "absolute"},
		{"empty link", zipOf(t, hello, link("l", "")), unzip, "malformed"},
		{"long link", zipOf(t, hello, link("l", strings.Repeat("a/", 2000))), unzip, "too long"},
		{"device", zipOf(t, file{name: "null", mode: fs.ModeDevice | fs.ModeCharDevice | 0o666}), unzip, "neither"},
		{"pipe", zipOf(t, file{name: "p", mode: fs.ModeNamedPipe | 0o666}), unzip, "neither"},
		{"socket", zipOf(t, file{name: "s", mode: fs.ModeSocket | 0o666}), unzip, "neither"},
		{"encrypted", raw(t, []file{hello}, patch(8, 9, 0)), unzip, "encrypted"},
		{"unknown compression", raw(t, []file{hello}, patch(10, 14, 0)), unzip, "compression method 14"},
		{"wrong checksum", raw(t, []file{hello}, patch(16, 1, 2, 3, 4)), unzip, "checksum"},
		{"declares too much", raw(t, []file{hello}, patch(24, le32(300<<20)...)), unzip, "cannot inflate"},
		{"declares too little", raw(t, []file{hello}, patch(24, le32(5)...)), unzip, "index.js"},
		{"points outside of itself", raw(t, []file{hello}, patch(42, le32(1<<30)...)), unzip, ""},
		{"a bomb of many files", claims(t, 101, code.MaxUnpacked/100), large, ""},
		{"a bomb of one file", claims(t, 1, code.MaxUnpacked+1), large, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := tempDir(t)
			_, release, err := open(t, dir).Put(t.Context(), tt.zip)
			release()
			if err == nil {
				t.Fatal("it was taken")
			}
			e, ok := errors.AsType[*sockgate.Error](err)
			if !ok || e.Kind != sockgate.Invalid || e.Message != tt.message {
				t.Fatalf("%v; want %q", err, tt.message)
			}
			if tt.cause != "" && (e.Cause == nil || !strings.Contains(e.Cause.Error(), tt.cause)) {
				t.Errorf("cause %v; want one with %q", e.Cause, tt.cause)
			}
			if left := list(t, dir); len(left) != 3 {
				t.Errorf("the refused zip left %q", left)
			}
		})
	}
}

// claims returns a zip of files that all say to inflate to size bytes, and hold just enough for that to be possible.
func claims(t testing.TB, files int, size uint64) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	packed := make([]byte, size/1000)
	for i := range files {
		out, err := w.CreateRaw(&zip.FileHeader{Name: fmt.Sprint(i), Method: zip.Deflate, CompressedSize64: uint64(len(packed)), UncompressedSize64: size})
		if err == nil {
			_, err = out.Write(packed)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestABombThatLies takes a zip whose directory declares less than what inflates.
func TestABombThatLies(t *testing.T) {
	zeros := file{name: "zeros", body: strings.Repeat("\x00", 10<<20)}
	dir := tempDir(t)
	_, _, err := open(t, dir).Put(t.Context(), raw(t, []file{zeros}, patch(24, le32(1000)...)))
	if sockgate.KindOf(err) != sockgate.Invalid {
		t.Fatal(err)
	}
	if left := list(t, dir); len(left) != 3 {
		t.Errorf("it left %q", left)
	}
}

func list(t testing.TB, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(p string, _ fs.DirEntry, err error) error {
		if p != dir {
			names = append(names, strings.TrimPrefix(p, dir+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestKeep(t *testing.T) {
	dir := tempDir(t)
	s := open(t, dir)
	put := func(body string) (string, func()) {
		blob, release, err := s.Put(t.Context(), zipOf(t, file{name: "f", body: body}))
		if err != nil {
			t.Fatal(err)
		}
		return blob.SHA256, release
	}
	live, releaseLive := put("live")
	dead, releaseDead := put("dead")
	held, releaseHeld := put("held")
	releaseLive()
	releaseDead()
	keep := func() {
		if err := s.Keep(func(sum string) bool { return sum == live }); err != nil {
			t.Fatal(err)
		}
	}
	keep()
	for _, want := range []struct {
		sha   string
		there bool
	}{{live, true}, {dead, false}, {held, true}} {
		if _, err := s.Tree(t.Context(), want.sha); (err == nil) != want.there {
			t.Errorf("%s: %v, want there: %v", want.sha[:8], err, want.there)
		}
	}
	releaseHeld()
	keep()
	if left := list(t, dir); len(left) != 6 { // three directories, one zip, one tree with one file
		t.Errorf("what is left: %q", left)
	}
	if _, err := s.Tree(t.Context(), held); sockgate.KindOf(err) != sockgate.NotFound {
		t.Errorf("a removed tree: %v", err)
	}
}

func TestDamage(t *testing.T) {
	dir := tempDir(t)
	s := open(t, dir)
	blob, release, err := s.Put(t.Context(), zipOf(t, file{name: "f", body: "x"}))
	if err != nil {
		t.Fatal(err)
	}
	release()
	if err := os.Rename(filepath.Join(dir, "tree", blob.SHA256), filepath.Join(dir, "new", "gone")); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir) // which also removes what lies in new
	if left := list(t, filepath.Join(dir, "new")); len(left) != 0 {
		t.Errorf("left over: %q", left)
	}
	tree, err := s.Tree(t.Context(), blob.SHA256)
	if b, readErr := os.ReadFile(filepath.Join(tree, "f")); err != nil || readErr != nil || string(b) != "x" {
		t.Fatalf("the tree made again: %q, %v, %v", b, err, readErr)
	}
	if err := os.WriteFile(filepath.Join(dir, "zip", blob.SHA256), []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Zip(blob.SHA256); sockgate.KindOf(err) != sockgate.Internal {
		t.Errorf("a damaged zip: %v", err)
	}
}

func TestConcurrentPuts(t *testing.T) {
	s := open(t, tempDir(t))
	same := zipOf(t, file{name: "f", body: "same"})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			data := same
			if i%2 == 1 {
				data = zipOf(t, file{name: "f", body: fmt.Sprint(i)})
			}
			blob, release, err := s.Put(t.Context(), data)
			defer release()
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Keep(func(string) bool { return false }); err != nil {
				t.Error(err)
			}
			if _, err := s.Tree(t.Context(), blob.SHA256); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

const victimVariable = "SOCKGATE_TEST_UNPACK_IN"

func TestMain(m *testing.M) {
	if dir := os.Getenv(victimVariable); dir != "" {
		unpackForEver(dir)
	}
	os.Exit(m.Run())
}

func victimZip(i int) (*bytes.Buffer, int) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	const files = 300
	for j := range files {
		out, err := w.Create(fmt.Sprintf("d%d/f%d", j%10, j))
		if err == nil {
			_, err = fmt.Fprintf(out, "%d %d", i, j)
		}
		if err != nil {
			panic(err)
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return &b, files
}

// unpackForEver is the process that TestKilledWhileUnpacking kills. It says each sum that it was told is stored.
func unpackForEver(dir string) {
	s, err := code.Open(dir)
	if err != nil {
		panic(err)
	}
	for i := 0; ; i++ {
		b, _ := victimZip(i)
		blob, _, err := s.Put(context.Background(), b.Bytes())
		if err != nil {
			panic(err)
		}
		fmt.Println(blob.SHA256)
	}
}

func TestKilledWhileUnpacking(t *testing.T) {
	dir := tempDir(t)
	stored := map[string]bool{}
	for range 2 {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), victimVariable+"="+dir)
		var out bytes.Buffer
		cmd.Stdout = &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// Killed wherever it is: the longer one waits for, the more it has done.
		for started := time.Now(); time.Since(started) < 5*time.Second; time.Sleep(time.Millisecond) {
			if entries, _ := os.ReadDir(filepath.Join(dir, "tree")); len(entries) > len(stored)+1 {
				break
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed
		for line := range strings.Lines(out.String()) {
			if sum, whole := strings.CutSuffix(line, "\n"); whole {
				stored[sum] = true
			}
		}
		s := open(t, dir)
		trees, err := os.ReadDir(filepath.Join(dir, "tree"))
		if err != nil {
			t.Fatal(err)
		}
		for _, tree := range trees {
			files := 0
			for _, name := range list(t, filepath.Join(dir, "tree", tree.Name())) {
				if strings.Contains(name, "/") {
					files++
				}
			}
			if _, want := victimZip(0); files != want {
				t.Errorf("tree %s has %d files of %d", tree.Name()[:8], files, want)
			}
		}
		for sum := range stored {
			if _, err := s.Zip(sum); err != nil {
				t.Errorf("stored and lost: %v", err)
			}
		}
	}
	if len(stored) == 0 {
		t.Error("nothing was stored at all")
	}
}

func FuzzPut(f *testing.F) {
	f.Add(zipOf(f, file{name: "index.js", body: "exports.handler"}, file{name: "d/", mode: fs.ModeDir | 0o755}))
	f.Add(zipOf(f, file{name: "l", body: "d/x", mode: fs.ModeSymlink | 0o777}, file{name: "d/x", body: "x", mode: 0o755}))
	f.Add(zipOf(f, file{name: "../x", body: "x"}))
	f.Add([]byte("PK\x05\x06" + strings.Repeat("\x00", 18)))
	f.Fuzz(func(t *testing.T, data []byte) {
		outer := tempDir(t)
		dir := filepath.Join(outer, "store")
		blob, release, err := open(t, dir).Put(t.Context(), data)
		release()
		if entries, _ := os.ReadDir(outer); len(entries) != 1 {
			t.Fatalf("something was written outside: %v", entries)
		}
		if err != nil {
			if sockgate.KindOf(err) != sockgate.Invalid {
				t.Fatal(err)
			}
			return
		}
		tree := filepath.Join(dir, "tree", blob.SHA256)
		err = filepath.WalkDir(tree, func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.Type() != fs.ModeSymlink {
				return err
			}
			if end, err := filepath.EvalSymlinks(p); err == nil && end != tree && !strings.HasPrefix(end, tree+"/") {
				t.Errorf("%s leads to %s", p, end)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
