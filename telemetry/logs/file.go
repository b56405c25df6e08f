package logs

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
)

// Logs may hold what clients sent, so they are for the gateway's user and group only.
const (
	dirMode  = 0o750
	fileMode = 0o640
)

// store appends the two parts to a file, after rotating it if it would grow too large. Either all is written or nothing.
func store(c Config, name string, before, chunk []byte) error {
	if err := os.MkdirAll(c.Dir, dirMode); err != nil {
		return err
	}
	// Names are encoded so that none leads out of the directory; a Root makes sure of it, symbolic links included.
	root, err := os.OpenRoot(c.Dir)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := root.MkdirAll(path.Dir(name), dirMode); err != nil {
		return err
	}
	size := int64(0)
	if info, err := root.Stat(name); err == nil {
		size = info.Size()
	}
	if size > 0 && size+int64(len(before)+len(chunk)) > c.FileSize {
		if err := rotate(root, name, c.Keep); err != nil {
			return err
		}
		size = 0
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, fileMode)
	if err != nil {
		return err
	}
	_, err = f.Write(before)
	if err == nil {
		_, err = f.Write(chunk)
	}
	if err != nil {
		_ = f.Truncate(size) // half a chunk would end in half a line, and the lines are counted as dropped
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// rotate moves name to name.1, name.1 to name.2 and so on; what was name.{keep} is gone.
func rotate(root *os.Root, name string, keep int) error {
	if keep <= 0 {
		return root.Remove(name)
	}
	for i := keep - 1; i >= 1; i-- {
		err := root.Rename(fmt.Sprintf("%s.%d", name, i), fmt.Sprintf("%s.%d", name, i+1))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return root.Rename(name, name+".1")
}

// Bounds of names, so that their encoding fits into a file system's.
const (
	maxName    = 512 // bytes, as CloudWatch has it; longer names become a digest
	maxElement = 200 // bytes of one encoded path element, under the usual 255
)

// filePath maps a group's name to a path below the log directory: "/aws/apigateway/abc/prod" to "aws/apigateway/abc/prod.log".
// Bytes that file names should not have are written as %XX. A dot is one of these in a directory's name: so there is no "..",
// and no directory is called like a file ("prod.log").
func filePath(name string) string {
	if len(name) > maxName {
		return "%" + digest(name) + ".log"
	}
	var elements []string
	for element := range strings.SplitSeq(name, "/") {
		if element != "" {
			elements = append(elements, element)
		}
	}
	if len(elements) == 0 {
		return "%.log"
	}
	last := len(elements) - 1
	for i := range elements {
		elements[i] = encode(elements[i], i == last)
	}
	return strings.Join(elements, "/") + ".log"
}

func encode(element string, dots bool) string {
	var b strings.Builder
	for i := range len(element) {
		switch c := element[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.' && dots:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	if b.Len() > maxElement {
		return b.String()[:maxElement/2] + "%" + digest(element)
	}
	return b.String()
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}

// GroupName returns the name of the log group that a stage's access log destination names:
// "arn:aws:logs:{region}:{account}:log-group:{name}", with or without a final ":*".
func GroupName(arn string) (name string, ok bool) {
	parts := strings.SplitN(arn, ":", 7)
	if len(parts) != 7 || parts[0] != "arn" || !strings.HasPrefix(parts[1], "aws") || parts[2] != "logs" || parts[5] != "log-group" {
		return "", false
	}
	name = strings.TrimSuffix(parts[6], ":*")
	if name == "" || len(name) > maxName || strings.Contains(name, ":") {
		return "", false
	}
	return name, true
}
