package watch_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sockgate/sockgate/template/watch"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// told waits for a change.
func told(t *testing.T, w *watch.Watcher, of string) {
	t.Helper()
	select {
	case <-w.Changes():
	case <-time.After(20 * time.Second):
		t.Fatalf("nothing is told of %s", of)
	}
}

func TestFollow(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write(t, at("template.yaml"), "a")
	write(t, at("other.yaml"), "a")
	write(t, at("src/app/index.js"), "a")
	w, err := watch.New()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Follow([]string{at("template.yaml")}, []string{at("src")}); err != nil {
		t.Fatal(err)
	}
	steps := []struct {
		name string
		do   func()
	}{
		{"a file", func() { write(t, at("template.yaml"), "b") }},
		{"a file below a folder", func() { write(t, at("src/app/index.js"), "b") }},
		{"a new folder", func() { write(t, at("src/lib/deep/er/x.js"), "a") }},
		{"a file that another is renamed over", func() {
			write(t, at("elsewhere"), "c")
			if err := os.Rename(at("elsewhere"), at("template.yaml")); err != nil {
				t.Fatal(err)
			}
		}},
		{"a removed folder", func() {
			if err := os.RemoveAll(at("src/lib")); err != nil {
				t.Fatal(err)
			}
		}},
		{"a folder that came back", func() { write(t, at("src/lib/y.js"), "a") }},
	}
	for _, s := range steps {
		s.do()
		told(t, w, s.name)
	}
	if err := w.Follow([]string{at("other.yaml")}, nil); err != nil {
		t.Fatal(err)
	}
	write(t, at("other.yaml"), "c")
	told(t, w, "a file that is followed now")
}
