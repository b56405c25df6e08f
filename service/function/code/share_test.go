package code_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/sockgate/sockgate/service/function/code"
)

// TestShareFiles puts three zips with many equal files: the trees have what the zips say, and share what is equal, where that is wanted.
func TestShareFiles(t *testing.T) {
	for _, share := range []bool{false, true} {
		t.Run(fmt.Sprint(share), func(t *testing.T) {
			s, err := code.Open(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Keep(func(string) bool { return false }) }() // what may not be written, the test cannot remove
			if share {
				s.ShareFiles()
			}
			var trees []string
			for _, text := range []string{"one", "two", "one"} {
				blob, release, err := s.Put(t.Context(), manyFiles(t, text+fmt.Sprint(len(trees)), text))
				if err != nil {
					t.Fatal(err)
				}
				release()
				tree, err := s.Tree(t.Context(), blob.SHA256)
				if err != nil {
					t.Fatal(err)
				}
				if got, err := os.ReadFile(filepath.Join(tree, "lib", "changed.js")); err != nil || string(got) != text {
					t.Errorf("the tree of %s has %q, %v", text, got, err)
				}
				trees = append(trees, tree)
			}
			for name, want := range map[string]bool{"lib/7.js": share, "lib/changed.js": false, "lib/mode.sh": false} {
				one, err1 := os.Stat(filepath.Join(trees[0], name))
				two, err2 := os.Stat(filepath.Join(trees[1], name))
				if err1 != nil || err2 != nil || os.SameFile(one, two) != want {
					t.Errorf("%s is shared: %v (%v, %v), want %v", name, os.SameFile(one, two), err1, err2, want)
				}
			}
		})
	}
}

// manyFiles is a zip with files that are the same in all of them, and two that are not: one has another content, one another mode.
func manyFiles(t *testing.T, index, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	add := func(name, content string, mode os.FileMode) {
		h := &zip.FileHeader{Name: name, Method: zip.Deflate}
		h.SetMode(mode)
		f, err := w.CreateHeader(h)
		if err == nil {
			_, err = f.Write([]byte(content))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	add("index.js", index, 0o644)
	add("lib/changed.js", text, 0o644)
	mode := os.FileMode(0o644)
	if text == "two" {
		mode = 0o755
	}
	add("lib/mode.sh", "same", mode)
	for i := range 100 {
		add(fmt.Sprintf("lib/%d.js", i), fmt.Sprint("content ", i), 0o644)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
