package identity

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// SealKeyFile is the name of the file that holds Config.SealKey, in the data directory.
const SealKeyFile = "secrets.key"

// LoadSealKey returns the key in dir/secrets.key, which is made, readable only by its owner, when it does not exist.
func LoadSealKey(dir string) ([]byte, error) {
	path := filepath.Join(dir, SealKeyFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeSealKey(dir, path)
	}
	if err != nil {
		return nil, fmt.Errorf("key of the secrets: %w", err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("%s is damaged: it must hold 64 hexadecimal digits", path) // not what it holds
	}
	return key, nil
}

// makeSealKey makes the file appear whole or not at all, also after a loss of power.
func makeSealKey(dir, path string) ([]byte, error) {
	key := make([]byte, 32)
	_, _ = rand.Read(key)                              // never fails
	f, err := os.CreateTemp(dir, SealKeyFile+".new-*") // with mode 0600
	if err != nil {
		return nil, fmt.Errorf("key of the secrets: %w", err)
	}
	defer os.Remove(f.Name()) // fails once the file has its name
	_, err = f.WriteString(hex.EncodeToString(key) + "\n")
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("key of the secrets: %w", err)
	}
	return key, nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
