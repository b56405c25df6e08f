package datadir

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

const (
	product = "sockgate"
	version = 1 // of the directory's layout; an older gateway refuses a newer one
)

type format struct {
	Product string `json:"product"`
	Format  int    `json:"format"`
	Store   string `json:"store"`
}

// readFormat returns the directory's format, fs.ErrNotExist, or why the directory is refused.
func readFormat(dir string) (format, error) {
	var f format
	text, err := os.ReadFile(filepath.Join(dir, formatName))
	if err != nil {
		return f, fmt.Errorf("data directory: %w", err)
	}
	if err := json.Unmarshal(text, &f); err != nil {
		return f, fmt.Errorf("data directory %s: format file is damaged: %w", dir, err)
	}
	switch {
	case f.Product != product:
		return f, fmt.Errorf("data directory %s belongs to %q, not to Sockgate", dir, f.Product)
	case f.Format > version:
		return f, fmt.Errorf("data directory %s has format %d, made by a newer Sockgate; this one knows format %d", dir, f.Format, version)
	case f.Format < 1:
		return f, fmt.Errorf("data directory %s: format file is damaged: format %d", dir, f.Format)
	}
	return f, nil
}

// write replaces the format file so that a crash leaves the old or the new one, whole.
func (f format) write(dir string) error {
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	final := filepath.Join(dir, formatName)
	temp := final + tempSuffix
	if err := writeSynced(temp, append(text, '\n')); err != nil {
		return err
	}
	if err := os.Rename(temp, final); err != nil {
		return err
	}
	return SyncDir(dir)
}

func writeSynced(name string, text []byte) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, fileMode)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.Write(text); err != nil {
		return err
	}
	return file.Sync()
}

// SyncDir makes the names of files made or renamed in dir durable.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
