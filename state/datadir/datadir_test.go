package datadir_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sockgate/sockgate/state/datadir"
)

const holderVariable = "SOCKGATE_TEST_HOLDER"

func TestMain(m *testing.M) {
	if path := os.Getenv(holderVariable); path != "" {
		holdUntilKilled(path)
	}
	os.Exit(m.Run())
}

// holdUntilKilled is the other process of TestOtherProcess.
func holdUntilKilled(path string) {
	if _, err := datadir.Open(path); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("held")
	select {}
}

func TestFirstStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b")
	d := open(t, path)
	if d.Path() != path || d.Store() != "" {
		t.Errorf("path %q, store %q", d.Path(), d.Store())
	}
	want(t, path, "format", `{"product":"sockgate","format":1,"store":""}`+"\n")
	want(t, path, "lock", strconv.Itoa(os.Getpid())+"\n")
	if err := d.SetStore("nats"); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	want(t, path, "format", `{"product":"sockgate","format":1,"store":"nats"}`+"\n")

	d = open(t, path)
	defer d.Close()
	if d.Store() != "nats" {
		t.Errorf("store %q after the second start, want nats", d.Store())
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory's mode is %v, %v", info.Mode(), err)
	}
}

func TestWhatMayBeThere(t *testing.T) {
	tests := []struct {
		name   string
		files  map[string]string
		others []string
		refuse string // part of the error; empty: the directory is taken
	}{
		{"nothing", nil, nil, ""},
		{"a lock from a start that was cut short", map[string]string{"lock": "1\n"}, nil, ""},
		{"half a format file from such a start", map[string]string{"lock": "", "format.new": "{"}, nil, ""},
		{"what every file system has", map[string]string{"lost+found": ""}, nil, ""},
		{"the caller's own", map[string]string{"credentials": "x", "logs": ""}, []string{"credentials", "logs"}, ""},
		{"a directory of before", map[string]string{"format": `{"product":"sockgate","format":1,"store":"nats"}`, "anything": ""}, nil, ""},
		{"a field of a later version", map[string]string{"format": `{"product":"sockgate","format":1,"store":"nats","more":1}`}, nil, ""},
		{"a stranger's file", map[string]string{"thesis.tex": "years"}, []string{"credentials"}, "thesis.tex"},
		{"the caller's own, unnamed", map[string]string{"credentials": "x"}, nil, "credentials"},
		{"state without a format file", map[string]string{"state": "x"}, nil, "state"},
		{"another product", map[string]string{"format": `{"product":"other","format":1}`}, nil, `"other"`},
		{"no product", map[string]string{"format": `{}`}, nil, "not to Sockgate"},
		{"a newer format", map[string]string{"format": `{"product":"sockgate","format":2,"store":"x"}`}, nil, "newer"},
		{"no format", map[string]string{"format": `{"product":"sockgate"}`}, nil, "damaged"},
		{"an empty format file", map[string]string{"format": ""}, nil, "damaged"},
		{"garbage for a format file", map[string]string{"format": "\x00\x01"}, nil, "damaged"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := t.TempDir()
			for name, text := range tt.files {
				if err := os.WriteFile(filepath.Join(path, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			d, err := datadir.Open(path, tt.others...)
			if tt.refuse == "" {
				if err != nil {
					t.Fatal(err)
				}
				d.Close()
				return
			}
			if err == nil {
				d.Close()
				t.Fatal("the directory was taken")
			}
			if !strings.Contains(err.Error(), tt.refuse) || !strings.Contains(err.Error(), path) {
				t.Errorf("error %q does not name %q and the directory", err, tt.refuse)
			}
			if diff := cmp.Diff(tt.files, files(t, path)); diff != "" {
				t.Errorf("the refused directory was changed (-before +after):\n%s", diff)
			}
		})
	}
}

func TestSameProcess(t *testing.T) {
	path := t.TempDir()
	d := open(t, path)
	if _, err := datadir.Open(path); err == nil {
		t.Error("the directory was taken twice")
	}
	d.Close()
	open(t, path).Close()
}

func TestOtherProcess(t *testing.T) {
	path := t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), holderVariable+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if lines.Scan(); lines.Text() != "held" {
		t.Fatalf("the other process said %q", lines.Text())
	}
	before := files(t, path)
	_, err = datadir.Open(path)
	if err == nil {
		t.Fatal("the directory was taken from another process")
	}
	for _, part := range []string{path, "in use", strconv.Itoa(cmd.Process.Pid)} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
	if diff := cmp.Diff(before, files(t, path)); diff != "" {
		t.Errorf("the refused directory was changed (-before +after):\n%s", diff)
	}

	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	open(t, path).Close()
}

func open(t *testing.T, path string) *datadir.Dir {
	t.Helper()
	d, err := datadir.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func want(t *testing.T, path, name, text string) {
	t.Helper()
	if got := files(t, path)[name]; got != text {
		t.Errorf("%s holds %q, want %q", name, got, text)
	}
}

func files(t *testing.T, path string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	var found map[string]string
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(path, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if found == nil {
			found = make(map[string]string)
		}
		found[e.Name()] = string(text)
	}
	return found
}
