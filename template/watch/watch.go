// Package watch tells when a template or the code that it names has changed on disk.
//
// It follows folders rather than files, since editors replace files by renaming others over them. Folders that tools fill
// (node_modules, .git and the like) are not followed.
package watch

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settle is how long nothing must change before a change is told: an editor or a version control system writes several files at once.
const settle = 40 * time.Millisecond

// maxFolders bounds what is followed; the system has a bound of its own, which other programs need too.
const maxFolders = 4000

// ErrTooMany says that the folders have more folders in them than can be followed.
var ErrTooMany = errors.New("too many folders to follow; keep dependencies in node_modules, or start dev in a smaller folder")

// Watcher follows files and folders. Its methods are for one goroutine, besides Changes.
type Watcher struct {
	notify  *fsnotify.Watcher
	changes chan struct{}
	stopped sync.WaitGroup

	mu      sync.Mutex
	files   map[string]bool // that count in folders that are followed for their sake only
	trees   []string        // folders of which everything counts
	folders map[string]bool // that are followed
	ignored []string        // folders of which nothing counts
}

// New returns a watcher that follows nothing yet. ignored are folders of which nothing counts, wherever they are. Close ends it.
func New(ignored ...string) (*Watcher, error) {
	n, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	w := &Watcher{notify: n, changes: make(chan struct{}, 1), folders: map[string]bool{}}
	for _, dir := range ignored {
		if dir, err = filepath.Abs(dir); err != nil {
			return nil, errors.Join(err, n.Close())
		}
		w.ignored = append(w.ignored, dir)
	}
	w.stopped.Go(w.run)
	return w, nil
}

// Changes has a value when something that counts has changed since it was last received.
func (w *Watcher) Changes() <-chan struct{} { return w.changes }

// Close ends the watcher. Changes gets no more values.
func (w *Watcher) Close() error {
	err := w.notify.Close()
	w.stopped.Wait()
	return err
}

// Follow follows these files, and everything below these folders, and nothing else any more. Those that do not exist are
// noticed when they appear, if the folder they are in exists. Errors: ErrTooMany, and the system's.
func (w *Watcher) Follow(files, trees []string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.files, w.trees = map[string]bool{}, nil
	wanted := map[string]bool{}
	for _, f := range files {
		path, err := filepath.Abs(f)
		if err != nil {
			return err
		}
		w.files[path] = true
		wanted[filepath.Dir(path)] = true
	}
	for _, t := range trees {
		path, err := filepath.Abs(t)
		if err != nil {
			return err
		}
		w.trees = append(w.trees, path)
		if err := w.below(path, wanted); err != nil {
			return err
		}
	}
	for dir := range w.folders {
		if !wanted[dir] {
			_ = w.notify.Remove(dir) // it may be gone
			delete(w.folders, dir)
		}
	}
	for dir := range wanted {
		if err := w.add(dir); err != nil {
			return err
		}
	}
	return nil
}

// below adds root and the folders in it to wanted.
func (w *Watcher) below(root string, wanted map[string]bool) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return nil // what is gone or not readable cannot be followed
		}
		if path != root && w.skipped(path) {
			return filepath.SkipDir
		}
		if wanted[path] = true; len(wanted) > maxFolders {
			return ErrTooMany
		}
		return nil
	})
}

func (w *Watcher) add(dir string) error {
	if w.folders[dir] {
		return nil
	}
	if err := w.notify.Add(dir); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	w.folders[dir] = true
	return nil
}

// skipped reports whether a folder, or what is in it, does not count.
func (w *Watcher) skipped(path string) bool {
	for _, dir := range w.ignored {
		if within(path, dir) {
			return true
		}
	}
	switch filepath.Base(path) {
	case "node_modules", ".git", ".hg", ".svn", ".aws-sam", ".serverless", ".sockgate", "__pycache__", ".venv", ".idea", ".vscode", ".pytest_cache":
		return true
	}
	return false
}

func within(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, dir+string(filepath.Separator))
}

// run gathers what the system tells, until Close.
func (w *Watcher) run() {
	quiet := time.NewTimer(time.Hour)
	quiet.Stop()
	defer quiet.Stop()
	for {
		select {
		case e, ok := <-w.notify.Events:
			if !ok {
				return
			}
			if w.counts(e) {
				quiet.Reset(settle)
			}
		case _, ok := <-w.notify.Errors:
			if !ok {
				return
			}
			quiet.Reset(settle) // events were lost: something may have changed
		case <-quiet.C:
			select {
			case w.changes <- struct{}{}:
			default: // the last one has not been taken yet
			}
		}
	}
}

// counts reports whether an event is of something that is followed, and follows folders that are new.
func (w *Watcher) counts(e fsnotify.Event) bool {
	if e.Op == fsnotify.Chmod || leftover(e.Name) {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.files[e.Name] {
		return true
	}
	for _, tree := range w.trees {
		if !within(e.Name, tree) || w.hidden(e.Name, tree) {
			continue
		}
		if e.Has(fsnotify.Remove) || e.Has(fsnotify.Rename) {
			delete(w.folders, e.Name) // if it was one; the system follows it no more
		}
		if info, err := os.Lstat(e.Name); err == nil && info.IsDir() {
			found := map[string]bool{}
			_ = w.below(e.Name, found)
			for dir := range found {
				if len(w.folders) < maxFolders {
					_ = w.add(dir) // what cannot be followed is missed
				}
			}
		}
		return true
	}
	return false
}

// hidden reports whether path is in a folder of tree that does not count.
func (w *Watcher) hidden(path, tree string) bool {
	for ; path != tree && len(path) > len(tree); path = filepath.Dir(path) {
		if w.skipped(path) {
			return true
		}
	}
	return false
}

// leftover reports whether a file is an editor's own.
func leftover(path string) bool {
	name := filepath.Base(path)
	return strings.HasSuffix(name, "~") || strings.HasSuffix(name, ".swp") || strings.HasSuffix(name, ".swx") || strings.HasPrefix(name, ".#") || name == "4913"
}
