package code

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/sockgate/sockgate/state/datadir"
)

// makeTree unpacks an archive and gives the tree its name once all of it is on disk. Its caller holds the turn.
func (s *Store) makeTree(name string, a *archive) (err error) {
	final := s.path(treeDir, name)
	if present(final) {
		return nil
	}
	temp, err := os.MkdirTemp(s.path(newDir), "tree-")
	if err != nil {
		return full(err)
	}
	defer func() {
		if err != nil {
			_ = remove(temp) // the next start removes what this cannot
		}
	}()
	from, release := s.donor(a)
	written, err := unpack(temp, a, from)
	release()
	if err != nil {
		return err
	}
	if s.share {
		err = settle(temp, written)
	} else { // one call for the whole file system instead of one for each of thousands of files
		err = syncFS(temp)
	}
	if err != nil {
		return full(err)
	}
	if err := os.Rename(temp, final); err != nil {
		return full(err)
	}
	// A directory that may not be written cannot be renamed everywhere, so its mode comes last. It protects the code from the
	// functions' mistakes, not from a privileged process.
	if err := os.Chmod(final, 0o555); err != nil {
		return full(err)
	}
	if err := datadir.SyncDir(s.path(treeDir)); err != nil {
		return full(err)
	}
	s.remember(name, a)
	return nil
}

// unpack writes an archive below dir, and shares with from what it can; written are the names of the other files. The root keeps every
// path inside, whatever the checks might have missed.
func unpack(top string, a *archive, from *donor) (written []string, err error) {
	root, err := os.OpenRoot(top)
	if err != nil {
		return nil, full(err)
	}
	defer root.Close()
	left, made := int64(MaxUnpacked), map[string]bool{".": true}
	for _, e := range a.entries {
		dir := e.name
		if !e.mode.IsDir() {
			dir = path.Dir(e.name)
		}
		if !made[dir] {
			if err := root.MkdirAll(dir, dirMode); err != nil {
				return nil, full(err)
			}
			made[dir] = true
		}
		switch {
		case !e.mode.IsRegular():
		case from.give(top, &e, a.data):
			if left -= int64(e.file.UncompressedSize64); left < 0 {
				return nil, errTooLarge
			}
		default:
			if err := unpackFile(root, &e, &left); err != nil {
				return nil, err
			}
			written = append(written, e.name)
		}
	}
	for _, e := range a.entries { // after all files, so that none is written through one
		if e.mode.Type() == fs.ModeSymlink {
			if err := root.Symlink(e.link, e.name); err != nil {
				return nil, full(err)
			}
		}
	}
	return written, lock(top)
}

// unpackFile inflates one file and counts what comes out, since what the zip declares may be a lie.
func unpackFile(root *os.Root, e *entry, left *int64) error {
	r, err := e.file.Open()
	if err != nil {
		return refuse("entry %q: %w", shorten(e.name), err)
	}
	defer r.Close()
	f, err := root.OpenFile(e.name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return full(err)
	}
	defer f.Close()
	n, err := io.Copy(f, io.LimitReader(r, *left+1))
	if *left -= n; *left < 0 {
		return errTooLarge
	}
	if err != nil {
		if broken(err) || errors.Is(err, io.ErrUnexpectedEOF) {
			return refuse("entry %q: %w", shorten(e.name), err)
		}
		return full(err)
	}
	if err := f.Chmod(treeMode(e)); err != nil {
		return full(err)
	}
	return f.Close()
}

// treeMode is the mode of an unpacked file: who may execute it stays, everyone may read it, nobody write it. The file "bootstrap"
// at the top, which is a custom runtime's program, may always be executed: zips made on Windows cannot say so.
func treeMode(e *entry) fs.FileMode {
	if e.name == "bootstrap" {
		return 0o555
	}
	return e.mode.Perm()&0o111 | 0o444
}

// lock takes the right to write from all directories below dir, but not from dir itself.
func lock(dir string) error {
	return filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && p != dir {
			err = os.Chmod(p, 0o555)
		}
		if err != nil {
			return full(err)
		}
		return nil
	})
}

// remove deletes a tree with directories that may not be written.
func remove(dir string) error {
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			err = os.Chmod(p, dirMode)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.RemoveAll(dir)
}

func syncFS(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return unix.Syncfs(int(d.Fd()))
}
