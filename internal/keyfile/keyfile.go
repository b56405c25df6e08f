// Package keyfile keeps the keys that secrets are sealed with as files: 64 hexadecimal digits, readable by their owner only.
package keyfile

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/sockgate/sockgate/state/datadir"
)

// Size is that of a key, in bytes: one of AES-256.
const Size = 32

// Parse reads a key. Its error does not quote what it read.
func Parse(text string) ([]byte, error) {
	key, err := hex.DecodeString(strings.TrimSpace(text))
	if err != nil || len(key) != Size {
		return nil, errors.New("it must hold 64 hexadecimal digits, such as openssl rand -hex 32 prints")
	}
	return key, nil
}

// Load returns the key in a file. With create, a file that does not exist is made.
func Load(path string, create bool) ([]byte, error) {
	text, err := os.ReadFile(path)
	if create && errors.Is(err, fs.ErrNotExist) {
		return newKey(path)
	}
	if err != nil {
		return nil, err
	}
	key, err := Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", path, err)
	}
	return key, nil
}

// newKey makes the file appear whole or not at all, also after a loss of power.
func newKey(path string) ([]byte, error) {
	key := make([]byte, Size)
	_, _ = rand.Read(key) // never fails
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, filepath.Base(path)+".new-*") // with mode 0600
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name()) // fails once the file has its name
	_, err = f.WriteString(hex.EncodeToString(key) + "\n")
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err == nil {
		err = datadir.SyncDir(dir)
	}
	if err != nil {
		return nil, err
	}
	return key, nil
}
