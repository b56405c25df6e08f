package code

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

const (
	// manyEntries is from how many entries on a tree is worth sharing.
	manyEntries = 64
	// maxDonors is how many of the last large trees are looked at.
	maxDonors = 4
	// fewFiles is up to how many new files are synced one by one: then the rest of the file system need not be waited for.
	fewFiles = 16
)

// donor is a tree whose files a new one can share, as hard links: a changed function mostly consists of the dependencies that it had before,
// and a link is made ten times faster than a file is written. Files are shared only where their compressed bytes are equal, since a sum
// such as a zip's CRC can be made to match.
type donor struct {
	tree  string
	data  []byte // the zip
	files map[string]entry
}

// ShareFiles lets new trees share files with earlier ones, for a gateway whose functions all belong to one developer: a function that changes
// its own code, though it has no right to, changes it for all that share it. It must be called before anything else.
func (s *Store) ShareFiles() { s.share = true }

// donor returns the tree with the most files of an archive; nil when none has any. The caller holds the turn, and calls release when it
// has taken what it needs.
func (s *Store) donor(a *archive) (best *donor, release func()) {
	release = func() {}
	if !s.share || len(a.entries) < manyEntries {
		return nil, release
	}
	most := 0
	for _, name := range s.recent {
		unpin := s.pin(name)
		d, n := s.readDonor(name, a)
		if n <= most {
			unpin()
			continue
		}
		release()
		best, most, release = d, n, unpin
	}
	return best, release
}

// readDonor counts what an archive could take of a tree.
func (s *Store) readDonor(name string, a *archive) (*donor, int) {
	d := &donor{tree: s.path(treeDir, name), files: map[string]entry{}}
	zip, err := s.Zip(name)
	if err != nil || !present(d.tree) {
		return nil, 0 // it was removed meanwhile
	}
	old, err := check(zip)
	if err != nil {
		return nil, 0
	}
	d.data = zip
	for _, e := range old.entries {
		d.files[e.name] = e
	}
	n := 0
	for _, e := range a.entries {
		if o, ok := d.files[e.name]; ok && o.file.CRC32 == e.file.CRC32 {
			n++
		}
	}
	return d, n
}

// give links a file of the donor to the same name below dir, if it is the same file.
func (d *donor) give(dir string, e *entry, data []byte) bool {
	if d == nil {
		return false
	}
	o, ok := d.files[e.name]
	if !ok || !o.mode.IsRegular() || treeMode(&o) != treeMode(e) || o.file.Method != e.file.Method || o.file.UncompressedSize64 != e.file.UncompressedSize64 {
		return false
	}
	mine, theirs := compressed(data, e.file), compressed(d.data, o.file)
	return mine != nil && bytes.Equal(mine, theirs) && os.Link(filepath.Join(d.tree, e.name), filepath.Join(dir, e.name)) == nil
}

// compressed returns the bytes of an entry as they are in the zip; nil when they are not there.
func compressed(data []byte, f *zip.File) []byte {
	from, err := f.DataOffset()
	if err != nil || from < 0 || uint64(from) > uint64(len(data)) || f.CompressedSize64 > uint64(len(data))-uint64(from) {
		return nil
	}
	return data[from : uint64(from)+f.CompressedSize64]
}

// remember makes a tree one that later ones can share files with. The caller holds the turn.
func (s *Store) remember(name string, a *archive) {
	if !s.share || len(a.entries) < manyEntries {
		return
	}
	s.recent = slices.DeleteFunc(s.recent, func(other string) bool { return other == name })
	s.recent = append([]string{name}, s.recent...)
	s.recent = s.recent[:min(len(s.recent), maxDonors)]
}

// settle makes a tree durable. written are its new files, below dir. Directories and links that were made before a file are on disk when it
// is: a file system's journal keeps the order of names.
func settle(dir string, written []string) error {
	if len(written) == 0 || len(written) > fewFiles {
		return syncFS(dir) // one call for the whole file system instead of one for each of thousands of files
	}
	for _, name := range written {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		err = unix.Fsync(int(f.Fd()))
		f.Close()
		if err != nil {
			return err
		}
	}
	return nil
}
