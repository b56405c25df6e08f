package code

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sockgate/sockgate"
)

// Limits of a zip. Source: Lambda Developer Guide, "Lambda quotas".
const (
	// MaxZip is the largest zip that is taken directly, in bytes.
	MaxZip = 50 << 20
	// MaxUnpacked bounds what a zip may hold, in bytes; of a function and its layers together, too.
	MaxUnpacked = 262144000
	// maxEntries bounds the files and directories of a zip. Lambda publishes no such limit; it keeps the memory that a directory
	// of 50 MB takes within some tens of megabytes.
	maxEntries = 100_000
	maxName    = 255  // bytes of one part of a path, as Linux file systems have it
	maxPath    = 1024 // bytes of a path below the tree
	maxTarget  = 1024 // bytes that a symbolic link points at
)

// UnzipMessage is what Lambda says of every file that it cannot take for a zip.
const UnzipMessage = "Could not unzip uploaded file. Please check your file, then try to upload again."

var errTooLarge = sockgate.Invalidf("Unzipped size must be smaller than %d bytes", MaxUnpacked)

// archive is a zip that has been found good, as far as can be seen without inflating it.
type archive struct {
	entries []entry // directories that the zip does not list are not here
	size    int64   // of all files, as declared
	data    []byte  // the zip
}

type entry struct {
	name string // clean, relative, without a trailing slash
	mode fs.FileMode
	link string // what a symbolic link points at
	file *zip.File
}

func refuse(format string, args ...any) error {
	return sockgate.Invalidf(UnzipMessage).Because(fmt.Errorf(format, args...))
}

// check reads a zip's directory and refuses whatever could not be unpacked safely. Nothing is written, and the only entries that
// are inflated are symbolic links. Errors: Invalid.
func check(data []byte) (*archive, error) {
	if len(data) == 0 {
		return nil, sockgate.Invalidf("Uploaded file must be a non-empty zip")
	}
	if len(data) > MaxZip {
		return nil, sockgate.Invalidf("Zipped size must be smaller than %d bytes", MaxZip)
	}
	// Counted before the directory is read into memory. The number that the zip declares may be a lie; each entry has the signature.
	if n := bytes.Count(data, []byte("PK\x01\x02")); n > maxEntries {
		return nil, refuse("%d entries; the limit is %d", n, maxEntries)
	}
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, refuse("%w", err)
	}
	a := &archive{data: data}
	kinds := make(map[string]fs.FileMode, len(r.File))
	var packed uint64
	for _, f := range r.File {
		e, err := checkEntry(f)
		if err != nil {
			return nil, refuse("entry %q: %w", shorten(f.Name), err)
		}
		if e.name == "." {
			continue
		}
		if kind, ok := kinds[e.name]; ok {
			if kind.IsDir() && e.mode.IsDir() {
				continue
			}
			return nil, refuse("entry %q is there twice", shorten(f.Name))
		}
		kinds[e.name] = e.mode
		if packed += f.CompressedSize64; packed > uint64(len(data)) || f.CompressedSize64 > uint64(len(data)) {
			return nil, refuse("entries overlap") // several entries that inflate the same bytes
		}
		if f.UncompressedSize64 > MaxUnpacked {
			return nil, errTooLarge
		}
		if a.size += int64(f.UncompressedSize64); a.size > MaxUnpacked {
			return nil, errTooLarge
		}
		a.entries = append(a.entries, e)
	}
	if !slices.ContainsFunc(a.entries, func(e entry) bool { return !e.mode.IsDir() }) {
		return nil, sockgate.Invalidf("Uploaded file must be a non-empty zip")
	}
	if err := a.checkParents(kinds); err != nil {
		return nil, err
	}
	return a, nil
}

// checkParents refuses entries below a file or, which is how a zip writes outside of its tree, below a symbolic link. kinds holds
// the modes of all entries.
func (a *archive) checkParents(kinds map[string]fs.FileMode) error {
	done := make(map[string]bool)
	for _, e := range a.entries {
		for dir := parent(e.name); dir != "" && !done[dir]; dir = parent(dir) {
			if kind, ok := kinds[dir]; ok && !kind.IsDir() {
				return refuse("entry %q lies below %q, which is no directory", shorten(e.name), shorten(dir))
			}
			if done[dir] = true; len(done) > maxEntries {
				return refuse("more than %d directories", maxEntries)
			}
		}
	}
	return nil
}

// parent returns the directory of a clean relative path, or "".
func parent(name string) string { return name[:max(strings.LastIndexByte(name, '/'), 0)] }

func checkEntry(f *zip.File) (entry, error) {
	name, err := cleanName(f.Name)
	if err != nil {
		return entry{}, err
	}
	e := entry{name: name, mode: f.Mode(), file: f}
	switch {
	case f.Flags&1 != 0:
		return e, errors.New("it is encrypted")
	case f.Method != zip.Store && f.Method != zip.Deflate:
		return e, fmt.Errorf("compression method %d is not known", f.Method)
	case strings.HasSuffix(f.Name, "/") != e.mode.IsDir():
		return e, errors.New("its name and its mode disagree whether it is a directory")
	case e.mode.IsDir():
		if f.UncompressedSize64 != 0 {
			return e, errors.New("a directory has content")
		}
		return e, nil
	case e.mode.IsRegular():
		return e, checkRatio(f)
	case e.mode.Type() == fs.ModeSymlink:
		e.link, err = readLink(f, name)
		return e, err
	}
	return e, fmt.Errorf("%s is neither file, directory nor symbolic link", e.mode.Type())
}

// cleanName returns the path of an entry below the tree, or why there is none. A backslash is an ordinary character, as on Linux.
func cleanName(name string) (string, error) {
	switch {
	case name == "":
		return "", errors.New("it has no name")
	case len(name) > maxPath:
		return "", errors.New("its path is too long")
	case !utf8.ValidString(name):
		return "", errors.New("its name is not UTF-8")
	case strings.IndexByte(name, 0) >= 0:
		return "", errors.New("its name holds a NUL")
	case name[0] == '/':
		return "", errors.New("its path is absolute")
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return "", errors.New("its path leaves the archive")
		}
		if len(part) > maxName {
			return "", errors.New("a part of its path is too long")
		}
	}
	return path.Clean(name), nil
}

// maxRatio is somewhat more than Deflate can do: 258 bytes for two bits.
const maxRatio = 1100

func checkRatio(f *zip.File) error {
	switch {
	case f.Method == zip.Store && f.CompressedSize64 != f.UncompressedSize64:
		return errors.New("it is stored, but its sizes differ")
	case f.UncompressedSize64 > f.CompressedSize64*maxRatio:
		return errors.New("it cannot inflate to the size that it declares")
	}
	return nil
}

// readLink returns where a symbolic link points. It may go up from where it lies, but not out of the tree, and not up again once it
// has gone down: what it goes down through could be a link too. With no entry below a link, every link then ends inside.
func readLink(f *zip.File, name string) (string, error) {
	r, err := f.Open()
	if err != nil {
		return "", err
	}
	defer r.Close()
	raw, err := io.ReadAll(io.LimitReader(r, maxTarget+1))
	if err != nil {
		return "", err
	}
	if len(raw) > maxTarget {
		return "", errors.New("the symbolic link's target is too long")
	}
	target := string(raw)
	if target == "" || target[0] == '/' || !utf8.ValidString(target) || strings.IndexByte(target, 0) >= 0 {
		return "", errors.New("the symbolic link's target is absolute or malformed")
	}
	depth, down := strings.Count(name, "/"), false
	for part := range strings.SplitSeq(target, "/") {
		switch part {
		case "", ".":
		case "..":
			if depth--; down || depth < 0 {
				return "", errors.New("the symbolic link leaves the archive")
			}
		default:
			down = true
		}
	}
	return target, nil
}

// broken reports whether err says that a zip's content is damaged, rather than that the disk is.
func broken(err error) bool {
	var corrupt flate.CorruptInputError
	return errors.Is(err, zip.ErrFormat) || errors.Is(err, zip.ErrChecksum) || errors.Is(err, zip.ErrAlgorithm) || errors.As(err, &corrupt)
}

// shorten keeps a stranger's name in an error to a readable length.
func shorten(name string) string {
	const shown = 128
	if len(name) > shown {
		return strings.ToValidUTF8(name[:shown], "?") + "..."
	}
	return name
}
