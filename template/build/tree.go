package build

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// ignored are folders and files that are never part of a function.
var ignored = map[string]bool{".git": true, ".aws-sam": true, ".sockgate": true, ".hg": true, ".svn": true, ".DS_Store": true, "__pycache__": true}

// Ignored reports whether a file or folder of that name is left out of every function.
func Ignored(name string) bool { return ignored[name] }

// entry is one file of a tree.
type entry struct {
	name string // with slashes, relative to the root
	path string
	mode fs.FileMode
	link string // of a symbolic link: where it leads, as written
}

// walk calls fn for each file below root in order of their names. A link that leads out of root is an error.
func walk(root string, skip func(name string) bool, fn func(entry) error) error {
	real, err := filepath.EvalSymlinks(root)
	if err != nil {
		return err
	}
	return filepath.WalkDir(real, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(real, path)
		if err != nil || rel == "." {
			return err
		}
		if ignored[d.Name()] || skip != nil && skip(filepath.ToSlash(rel)) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		e := entry{name: filepath.ToSlash(rel), path: path, mode: info.Mode()}
		switch {
		case d.IsDir():
			return nil
		case e.mode&fs.ModeSymlink != 0:
			if e.link, err = inside(real, path); err != nil {
				return err
			}
		case !e.mode.IsRegular():
			return fmt.Errorf("%s is neither a file nor a folder", path)
		}
		return fn(e)
	})
}

// inside returns where a link leads, relative to its place, if that is below root.
func inside(root, path string) (string, error) {
	link, err := os.Readlink(path)
	if err != nil {
		return "", err
	}
	target := link
	if !filepath.IsAbs(target) {
		target = filepath.Join(filepath.Dir(path), target)
	}
	rel, err := filepath.Rel(root, target)
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return "", fmt.Errorf("%s is a link that leads out of the function's folder, to %s", path, link)
	}
	if filepath.IsAbs(link) {
		if link, err = filepath.Rel(filepath.Dir(path), target); err != nil {
			return "", err
		}
	}
	return filepath.ToSlash(link), nil
}

// Hash returns a sum (SHA-256 in hex) of everything in a folder that could go into a function: names, content, and what may be executed.
// Of a file it is the sum of its content.
func Hash(path string) (string, error) { return hashTree(path, nil) }

func hashTree(path string, skip func(name string) bool) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	if !info.IsDir() {
		if err := hashFile(h, path); err != nil {
			return "", err
		}
		return hex.EncodeToString(h.Sum(nil)), nil
	}
	total := int64(0)
	err = walk(path, skip, func(e entry) error {
		if e.link != "" {
			fmt.Fprintf(h, "link %q %q\n", e.name, e.link)
			return nil
		}
		info, err := os.Stat(e.path)
		if err != nil {
			return err
		}
		const most = 4 * MaxUnpacked // sources of what may be built to less
		if total += info.Size(); total > most {
			return fmt.Errorf("%s holds more than %d bytes", path, most)
		}
		fmt.Fprintf(h, "file %q %t %d\n", e.name, e.mode&0o111 != 0, info.Size())
		return hashFile(h, e.path)
	})
	return hex.EncodeToString(h.Sum(nil)), err
}

func hashFile(w io.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}

// copyTree copies a folder's files to another folder.
func copyTree(from, to string, skip func(name string) bool) error {
	return walk(from, skip, func(e entry) error {
		dst := filepath.Join(to, filepath.FromSlash(e.name))
		if err := os.MkdirAll(filepath.Dir(dst), 0o755); err != nil {
			return err
		}
		if e.link != "" {
			_ = os.Remove(dst) // an earlier copy's
			return os.Symlink(filepath.FromSlash(e.link), dst)
		}
		content, err := os.ReadFile(e.path)
		if err != nil {
			return err
		}
		return os.WriteFile(dst, content, e.mode.Perm()|0o600)
	})
}

// packer writes a zip that depends on nothing but names, content and what may be executed.
type packer struct {
	buf  bytes.Buffer
	zw   *zip.Writer
	size int64
	err  error
}

// made is the time that every file has: the first that a zip can say.
var made = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

func (p *packer) add(name string, mode fs.FileMode, content []byte) {
	if p.err != nil {
		return
	}
	p.open()
	if p.size += int64(len(content)); p.size > MaxUnpacked {
		p.err = fmt.Errorf("the function's files are more than %d bytes", MaxUnpacked)
		return
	}
	h := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: made}
	switch {
	case mode&fs.ModeSymlink != 0:
		h.SetMode(fs.ModeSymlink | 0o777)
	case mode&0o111 != 0:
		h.SetMode(0o755)
	default:
		h.SetMode(0o644)
	}
	w, err := p.zw.CreateHeader(h)
	if err == nil {
		_, err = w.Write(content)
	}
	p.err = err
}

func (p *packer) open() {
	if p.zw == nil {
		p.zw = zip.NewWriter(&p.buf)
		p.zw.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
	}
}

func (p *packer) close() ([]byte, error) {
	if p.err != nil {
		return nil, p.err
	}
	if p.zw == nil {
		return nil, fmt.Errorf("there is nothing to pack: the folder has no files")
	}
	if err := p.zw.Close(); err != nil {
		return nil, err
	}
	return p.buf.Bytes(), nil
}

// pack returns the zip of a folder.
func pack(root string) ([]byte, error) {
	var p packer
	if err := p.tree(root, "", nil); err != nil {
		return nil, err
	}
	return p.close()
}

// tree adds a folder's files, below prefix.
func (p *packer) tree(root, prefix string, skip func(name string) bool) error {
	return walk(root, skip, func(e entry) error {
		if e.link != "" {
			p.add(prefix+e.name, e.mode, []byte(e.link))
			return p.err
		}
		info, err := os.Stat(e.path)
		if err != nil {
			return err
		}
		if p.size+info.Size() > MaxUnpacked {
			return fmt.Errorf("%s holds more than %d bytes, which is as large as a function can be", root, MaxUnpacked)
		}
		content, err := os.ReadFile(e.path)
		if err != nil {
			return err
		}
		p.add(prefix+e.name, e.mode, content)
		return p.err
	})
}
