package main

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestDamage: a data directory that is not in order is refused, and left as it was.
func TestDamage(t *testing.T) {
	damages := map[string]func(t *testing.T, dir string){
		"truncated": func(t *testing.T, dir string) {
			path, size := largest(t, dir)
			if err := os.Truncate(path, size/2); err != nil {
				t.Fatal(err)
			}
		},
		"changed in the middle": func(t *testing.T, dir string) {
			path, size := largest(t, dir)
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if _, err := f.WriteAt([]byte("DAMAGED DAMAGED DAMAGED"), size/2); err != nil {
				t.Fatal(err)
			}
		},
		"lost store": func(t *testing.T, dir string) {
			path, _ := largest(t, dir)
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		},
		"newer format": func(t *testing.T, dir string) {
			path := filepath.Join(dir, "format")
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(strings.Replace(string(b), `"format":1`, `"format":999`, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
		},
	}
	whole := t.TempDir()
	p := startProcess(t, whole)
	for range 20 {
		newAPI(t, p.Gateway, "127.0.0.1:1")
	}
	if state := p.end(t, syscall.SIGTERM); state.ExitCode() != 0 {
		t.Fatal(state)
	}
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
				t.Fatal(err)
			}
			os.Chmod(filepath.Join(dir, "credentials"), 0o600)
			damage(t, dir)
			before := checksum(t, dir)
			code, text := refuse(t, "--listen", "127.0.0.1:0", "--data", dir)
			if code != 1 || !strings.Contains(text, dir) {
				t.Errorf("it ended with %d:\n%s", code, text)
			}
			if after := checksum(t, dir); after != before {
				t.Error("the directory was changed")
			}
		})
	}
	t.Run("somebody else's", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "thesis.txt"), []byte("important"), 0o600); err != nil {
			t.Fatal(err)
		}
		before := checksum(t, dir)
		if code, text := refuse(t, "--listen", "127.0.0.1:0", "--data", dir); code != 1 || !strings.Contains(text, "thesis.txt") {
			t.Errorf("it ended with %d:\n%s", code, text)
		}
		if after := checksum(t, dir); after != before {
			t.Error("the directory was changed")
		}
	})
}

// largest is the file in which the resources are.
func largest(t *testing.T, dir string) (path string, size int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Size() > size {
			path, size = p, info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return path, size
}

// checksum is over the names, modes and contents of everything in dir, except for the lock, which says who was there last.
func checksum(t *testing.T, dir string) string {
	t.Helper()
	sum := sha256.New()
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() == "lock" {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		sum.Write([]byte(p + "\x00" + info.Mode().String() + "\x00"))
		if !d.Type().IsRegular() {
			return nil
		}
		b, err := os.ReadFile(p)
		sum.Write(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(sum.Sum(nil))
}
