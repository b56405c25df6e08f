package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/sockgate/sockgate/template/watch"
)

// watched is what "sockgate dev" follows: the template, and the folders and files that its code comes from, wherever they are. Nothing else
// beside the template counts. Its methods are for one goroutine at a time; all but Changes and Close may be called on nil.
type watched struct {
	*watch.Watcher
	template string
	log      *live
	paths    []string // of code, that are followed
	seen     []string // in the deploy under way
	told     string   // the last complaint
}

func newWatched(template, data string, log *live) (*watched, error) {
	w, err := watch.New(data)
	if err != nil {
		return nil, fmt.Errorf("watch %s: %w", filepath.Dir(template), err)
	}
	f := &watched{Watcher: w, template: template, log: log}
	f.follow() // before the first deploy, so that no change is missed
	return f, nil
}

// begin, code and end are called as a deploy goes on. Code is followed before it is read; what a template no longer names is followed
// until a deploy has ended well.
func (w *watched) begin() {
	if w != nil {
		w.seen = nil
	}
}

func (w *watched) code(path string) {
	if w == nil || slices.Contains(w.seen, path) {
		return
	}
	w.seen = append(w.seen, path)
	if !slices.Contains(w.paths, path) {
		w.paths = append(w.paths, path)
	}
	w.follow() // also one that was followed before: it may have been made anew
}

func (w *watched) end() {
	if w != nil && len(w.seen) < len(w.paths) {
		w.paths = slices.Clone(w.seen)
		w.follow()
	}
}

// follow follows as many folders as the system allows, and says which it does not.
func (w *watched) follow() {
	err := w.Follow(split(w.template, w.paths))
	if err == nil {
		w.told = ""
		return
	}
	var small []string
	var faults []error
	for _, path := range w.paths {
		if err := w.Follow(split(w.template, append(small, path))); err != nil {
			faults = append(faults, fmt.Errorf("%s is not followed: %w", path, err))
			continue
		}
		small = append(small, path)
	}
	if err := w.Follow(split(w.template, small)); err != nil {
		faults = append(faults, err)
	}
	if text := fmt.Sprint(errors.Join(faults...)); text != w.told {
		w.told = text
		w.log.line(time.Now(), "", "watch", "ERROR "+text)
	}
}

// split tells files from folders.
func split(template string, paths []string) (files, folders []string) {
	files = []string{template}
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			folders = append(folders, path)
		} else {
			files = append(files, path) // one that is not there counts when it appears
		}
	}
	return files, folders
}
