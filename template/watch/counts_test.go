package watch

import (
	"path/filepath"
	"testing"

	"github.com/fsnotify/fsnotify"
)

func TestCounts(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	w, err := New(at("src/out"))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Follow([]string{at("template.yaml")}, []string{at("src")}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{
		"template.yaml":               true,
		"other.yaml":                  false,
		"src/app/index.js":            true,
		"src/node_modules/x/index.js": false,
		"src/app/node_modules":        false,
		"src/out/y.js":                false,
		"src/app/.index.js.swp":       false,
		"src/app/index.js~":           false,
		"srcs/index.js":               false,
		"src/.sockgate/state/x":       false,
		"src/node_modules.js":         true,
	} {
		if got := w.counts(fsnotify.Event{Name: at(name), Op: fsnotify.Write}); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if w.counts(fsnotify.Event{Name: at("template.yaml"), Op: fsnotify.Chmod}) {
		t.Error("a change of its mode counts")
	}
}
