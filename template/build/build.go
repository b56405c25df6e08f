// Package build turns a function's folder into the zip that Lambda takes, as `sam build` would: dependencies from package.json or
// requirements.txt are installed into a copy, Go is compiled to bootstrap, a Makefile is followed, and what needs no build is packed as it
// is. What was built is kept in a cache under the hash of everything that went into it, so that nothing is built twice.
//
// It runs npm, pip, go and make of this machine, without containers: what they compile is for this machine's system.
package build

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// MaxUnpacked bounds the files of a function, in bytes. Source: Lambda Developer Guide, "Lambda quotas".
	MaxUnpacked = 262144000
	// maxZip bounds a zip that is taken as it is, in bytes. What the gateway takes is less, and it says so itself.
	maxZip = 256 << 20
	// form is part of every key, and changes when the same source would be packed otherwise.
	form = "1"
	// keptFor is how long a zip is kept after its last use.
	keptFor = 30 * 24 * time.Hour
	// maxKept bounds all zips together, in bytes: "sockgate dev" makes one for each change of a function.
	maxKept = 2 << 30
)

// Options say how a folder is built.
type Options struct {
	ID           string // the function's logical id, which names a Makefile's target
	Runtime      string // "nodejs22.x"
	Handler      string
	Architecture string // "x86_64" or "arm64"; "" is x86_64
	Method       string // the template's BuildMethod; "" goes by runtime and folder
	Layer        bool   // the folder is a layer
	// Note is told of what takes time and of what went otherwise than planned; may be nil.
	Note func(text string)
}

// Cache keeps zips in a folder. Its methods may be called by many goroutines, and several processes may share the folder.
type Cache struct {
	dir string

	mu      sync.Mutex
	running map[string]*building // by key
	instead map[string]bool      // keys of dependencies that could not be installed
}

type building struct {
	done chan struct{}
	sum  string
	err  error
}

// DefaultDir is where a user's cache is: sockgate in the folder that the system has for caches.
func DefaultDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the folder for caches (set XDG_CACHE_HOME): %w", err)
	}
	return filepath.Join(dir, "sockgate", "build"), nil
}

// Open returns the cache in a folder, which is made when it is not there, and forgets what was not used for a month, and the least
// recently used zips above maxKept.
func Open(dir string) (*Cache, error) {
	for _, d := range []string{"zips", "keys"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			return nil, fmt.Errorf("make the build cache: %w", err)
		}
		entries, err := os.ReadDir(filepath.Join(dir, d))
		if err != nil {
			return nil, fmt.Errorf("read the build cache: %w", err)
		}
		var infos []fs.FileInfo
		for _, e := range entries {
			if info, err := e.Info(); err == nil {
				infos = append(infos, info)
			}
		}
		slices.SortFunc(infos, func(a, b fs.FileInfo) int { return b.ModTime().Compare(a.ModTime()) })
		total := int64(0)
		for _, info := range infos {
			if total += info.Size(); time.Since(info.ModTime()) > keptFor || total > maxKept {
				_ = os.Remove(filepath.Join(dir, d, info.Name())) // it can be built again
			}
		}
	}
	return &Cache{dir: dir, running: make(map[string]*building), instead: make(map[string]bool)}, nil
}

// Build returns the sum (SHA-256 in hex) of the zip for a folder or file, which Zip then gives. A .zip is taken as it is.
func (c *Cache) Build(ctx context.Context, path string, o Options) (sum string, err error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("there is no folder or file %s", path)
	}
	if err != nil {
		return "", err
	}
	if !info.IsDir() {
		return c.file(path, info)
	}
	plan, err := plan(path, o)
	if err != nil {
		return "", err
	}
	if o.Note == nil {
		o.Note = func(string) {}
	}
	if plan.apart != nil {
		return c.assemble(ctx, path, plan.apart, o.Note)
	}
	source, err := Hash(plan.root)
	if err != nil {
		return "", err
	}
	key := hash(form, source, plan.name, plan.below, o.Runtime, o.Architecture, plan.output)
	if plan.run == nil {
		key = hash(form, source)
	}
	return c.once(key, func() ([]byte, error) {
		if plan.run == nil {
			return plan.zip(ctx, path)
		}
		return timed(o.Note, path, plan.name, func() ([]byte, error) { return plan.zip(ctx, path) })
	})
}

// timed says that a build begins, and how long it took.
func timed(note func(string), path, with string, build func() ([]byte, error)) ([]byte, error) {
	began := time.Now()
	note(fmt.Sprintf("building %s with %s", path, with))
	zip, err := build()
	if err == nil {
		note(fmt.Sprintf("built %s with %s in %s", path, with, time.Since(began).Round(time.Millisecond)))
	}
	return zip, err
}

// Inline returns the sum of a zip with one file, which is what CloudFormation makes of code in the template: index, with the ending of the runtime.
func (c *Cache) Inline(source, runtime string) (sum string, err error) {
	name := "index.js"
	if strings.HasPrefix(runtime, "python") {
		name = "index.py"
	}
	var p packer
	p.add(name, 0o644, []byte(source))
	zip, err := p.close()
	if err != nil {
		return "", err
	}
	return c.Keep(zip)
}

// file packs a single file, unless it is a zip already.
func (c *Cache) file(path string, info fs.FileInfo) (string, error) {
	if info.Size() > maxZip {
		return "", fmt.Errorf("%s is %d bytes; the limit is %d", path, info.Size(), maxZip)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	switch ext := strings.ToLower(filepath.Ext(path)); {
	case bytes.HasPrefix(content, []byte("PK\x03\x04")):
		return c.Keep(content)
	case ext == ".zip" || ext == ".jar":
		return "", fmt.Errorf("%s is not a zip", path)
	}
	var p packer
	p.add(filepath.Base(path), info.Mode(), content)
	zip, err := p.close()
	if err != nil {
		return "", err
	}
	return c.Keep(zip)
}

// once returns the sum of the zip that a key stands for. What is not known yet is made by one caller; the others get its result.
func (c *Cache) once(key string, make func() ([]byte, error)) (string, error) {
	c.mu.Lock()
	b, running := c.running[key]
	if !running {
		b = &building{done: makeDone()}
		c.running[key] = b
	}
	c.mu.Unlock()
	if running {
		<-b.done
		return b.sum, b.err
	}
	b.sum, b.err = c.find(key, make)
	close(b.done)
	c.mu.Lock()
	delete(c.running, key)
	c.mu.Unlock()
	return b.sum, b.err
}

func (c *Cache) find(key string, make func() ([]byte, error)) (string, error) {
	if sum, ok := c.known(key); ok {
		return sum, nil
	}
	zip, err := make()
	if err != nil {
		return "", err
	}
	sum, err := c.Keep(zip)
	if err != nil {
		return "", err
	}
	return sum, writeFile(filepath.Join(c.dir, "keys", key), []byte(sum))
}

func makeDone() chan struct{} { return make(chan struct{}) }

// known returns what a key was built to, when that is still there.
func (c *Cache) known(key string) (string, bool) {
	file := filepath.Join(c.dir, "keys", key)
	sum, err := os.ReadFile(file)
	if err != nil {
		return "", false
	}
	now := time.Now()
	if os.Chtimes(c.zipFile(string(sum)), now, now) != nil {
		return "", false
	}
	_ = os.Chtimes(file, now, now) // only what is not used ages
	return string(sum), true
}

func (c *Cache) zipFile(sum string) string { return filepath.Join(c.dir, "zips", sum+".zip") }

// Zip returns a zip by its sum.
func (c *Cache) Zip(sum string) ([]byte, error) {
	if raw, err := hex.DecodeString(sum); err != nil || len(raw) != sha256.Size {
		return nil, fmt.Errorf("%q is not the sum of a zip", sum)
	}
	zip, err := os.ReadFile(c.zipFile(sum))
	if err != nil {
		return nil, fmt.Errorf("the zip %.12s is not in the build cache: %w", sum, err)
	}
	if got := sha256.Sum256(zip); hex.EncodeToString(got[:]) != sum {
		_ = os.Remove(c.zipFile(sum))
		return nil, fmt.Errorf("the zip %.12s in the build cache is damaged, and was removed: try again", sum)
	}
	return zip, nil
}

// Size returns the size of a zip in bytes; 0 when it is not there.
func (c *Cache) Size(sum string) int64 {
	info, err := os.Stat(c.zipFile(sum))
	if err != nil {
		return 0
	}
	return info.Size()
}

// Keep keeps a zip and returns its sum.
func (c *Cache) Keep(zip []byte) (sum string, err error) {
	raw := sha256.Sum256(zip)
	sum = hex.EncodeToString(raw[:])
	now := time.Now()
	if os.Chtimes(c.zipFile(sum), now, now) == nil {
		return sum, nil
	}
	return sum, writeFile(c.zipFile(sum), zip)
}

// writeFile writes a file whole or not at all, while others may read it.
func writeFile(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return fmt.Errorf("write to the build cache: %w", err)
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("write to the build cache: %w", err)
	}
	return nil
}

func hash(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil))
}
