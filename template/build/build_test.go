package build_test

import (
	"archive/zip"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sockgate/sockgate/template/build"
)

// tree writes files; a name that ends in "@" is a link to its content, and one that begins with "*" may be executed.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		mode := os.FileMode(0o600)
		if strings.HasPrefix(name, "*") {
			name, mode = name[1:], 0o700
		}
		path := filepath.Join(dir, strings.TrimSuffix(name, "@"))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		var err error
		if strings.HasSuffix(name, "@") {
			err = os.Symlink(content, path)
		} else {
			err = os.WriteFile(path, []byte(content), mode)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func cache(t *testing.T) *build.Cache {
	t.Helper()
	c, err := build.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// names lists a zip: "*" before what may be executed, "@" behind links.
func names(t *testing.T, content []byte) (all []string) {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.File {
		name := f.Name
		if f.Mode()&os.ModeSymlink != 0 {
			name += "@"
		} else if f.Mode()&0o100 != 0 {
			name = "*" + name
		}
		all = append(all, name)
	}
	return all
}

func built(t *testing.T, c *build.Cache, path string, o build.Options) (sum string, zip []byte) {
	t.Helper()
	sum, err := c.Build(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	if zip, err = c.Zip(sum); err != nil {
		t.Fatal(err)
	}
	return sum, zip
}

func TestPack(t *testing.T) {
	c := cache(t)
	files := map[string]string{
		"index.js": "1", "lib/b.js": "2", "*run.sh": "#!", "lib/a.js@": "b.js", ".git/config": "no", "node_modules/x/index.js": "3",
		"package.json": `{"dependencies": {}}`, "__pycache__/x.pyc": "no",
	}
	dir := tree(t, files)
	sum, zip := built(t, c, dir, build.Options{Runtime: "nodejs22.x"})
	want := []string{"index.js", "lib/a.js@", "lib/b.js", "package.json", "*run.sh", "node_modules/x/index.js"}
	if got := names(t, zip); !slices.Equal(got, want) {
		t.Errorf("packed %v, want %v", got, want)
	}
	if again, _ := built(t, cache(t), tree(t, files), build.Options{Runtime: "nodejs22.x"}); again != sum {
		t.Error("the same files give another zip elsewhere")
	}
	if err := os.WriteFile(filepath.Join(dir, "index.js"), []byte("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	if other, _ := built(t, c, dir, build.Options{Runtime: "nodejs22.x"}); other == sum {
		t.Error("another content gives the same zip")
	}
}

func TestFilesAsTheyAre(t *testing.T) {
	c := cache(t)
	var zipped bytes.Buffer
	w := zip.NewWriter(&zipped)
	if _, err := w.Create("a"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	dir := tree(t, map[string]string{"code.zip": zipped.String(), "single.py": "x"})
	if _, got := built(t, c, filepath.Join(dir, "code.zip"), build.Options{}); !bytes.Equal(got, zipped.Bytes()) {
		t.Error("a zip is not taken as it is")
	}
	if _, got := built(t, c, filepath.Join(dir, "single.py"), build.Options{}); !slices.Equal(names(t, got), []string{"single.py"}) {
		t.Errorf("a single file gives %v", names(t, got))
	}
	for runtime, want := range map[string]string{"nodejs22.x": "index.js", "python3.13": "index.py"} {
		sum, err := c.Inline("x", runtime)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Zip(sum)
		if err != nil || !slices.Equal(names(t, got), []string{want}) {
			t.Errorf("inline code for %s is %v, %v", runtime, names(t, got), err)
		}
	}
}

func TestRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		files map[string]string
		path  string
		o     build.Options
		want  string
	}{
		"nothing there":     {nil, "nowhere", build.Options{}, "there is no folder or file"},
		"an empty folder":   {map[string]string{".git/x": ""}, ".", build.Options{}, "nothing to pack"},
		"a link out":        {map[string]string{"a": "", "out@": "/etc/passwd"}, ".", build.Options{}, "leads out of the function's folder"},
		"a link up":         {map[string]string{"a": "", "d/out@": "../../x"}, ".", build.Options{}, "leads out of the function's folder"},
		"no zip":            {map[string]string{"a.zip": "hello"}, "a.zip", build.Options{}, "is not a zip"},
		"a broken manifest": {map[string]string{"package.json": "{"}, ".", build.Options{Runtime: "nodejs22.x"}, "package.json"},
		"no Makefile":       {map[string]string{"a": ""}, ".", build.Options{Method: "makefile"}, "has no Makefile"},
		"unknown method":    {map[string]string{"a": ""}, ".", build.Options{Method: "esbuild"}, "BuildMethod esbuild is not supported"},
		"no module":         {map[string]string{"main.go": ""}, ".", build.Options{Method: "go1.x"}, "in no Go module"},
		"failed make": {map[string]string{"Makefile": "build-F:\n\t@echo the reason; exit 3\n"}, ".",
			build.Options{Method: "makefile", ID: "F"}, "the reason"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := cache(t).Build(t.Context(), filepath.Join(tree(t, tc.files), tc.path), tc.o)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want an error with %q", err, tc.want)
			}
		})
	}
}

func TestBuilds(t *testing.T) {
	for name, tc := range map[string]struct {
		program string
		files   map[string]string
		o       build.Options
		want    []string
	}{
		"make": {"make", map[string]string{"Makefile": "build-F:\n\tcp a $(ARTIFACTS_DIR)/b\n", "a": "x"},
			build.Options{Method: "makefile", ID: "F"}, []string{"b"}},
		"go": {"go", map[string]string{"go.mod": "module m\n\ngo 1.21\n", "main.go": "package main\n\nfunc main() {}\n"},
			build.Options{Runtime: "provided.al2023"}, []string{"*bootstrap"}},
		"go built before": {"go", map[string]string{"go.mod": "module m\n", "*bootstrap": "x"},
			build.Options{Runtime: "provided.al2023"}, []string{"*bootstrap", "go.mod"}},
		"npm of a folder": {"npm", map[string]string{"index.js": "", "dep/package.json": `{"name": "dep", "version": "1.0.0"}`,
			"package.json": `{"name": "f", "version": "1.0.0", "dependencies": {"dep": "file:./dep"}}`, "node_modules/old/x": ""},
			build.Options{Runtime: "nodejs22.x"}, []string{"dep/package.json", "index.js", "node_modules/.package-lock.json", "node_modules/dep@", "package-lock.json", "package.json"}},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath(tc.program); err != nil {
				t.Skip(err)
			}
			dir, c := tree(t, tc.files), cache(t)
			_, zip := built(t, c, dir, tc.o)
			if diff := cmp.Diff(tc.want, names(t, zip)); diff != "" {
				t.Errorf("built (-want +got):\n%s", diff)
			}
			ended, cancel := context.WithCancel(t.Context())
			cancel() // nothing can run now
			if _, err := c.Build(ended, dir, tc.o); err != nil {
				t.Errorf("the second time it is built again: %v", err)
			}
		})
	}
}

func TestDamagedCache(t *testing.T) {
	dir := t.TempDir()
	c, err := build.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	sum, err := c.Keep([]byte("PK\x03\x04"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "zips", sum+".zip"), []byte("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Zip(sum); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("a damaged zip gives %v", err)
	}
	if _, err := c.Zip("../../etc/passwd"); err == nil {
		t.Error("a path is taken for a sum")
	}
}

func BenchmarkHash(b *testing.B) {
	dir := b.TempDir()
	for i := range 200 {
		if err := os.WriteFile(filepath.Join(dir, strings.Repeat("x", i+1)), bytes.Repeat([]byte{byte(i)}, 4096), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if _, err := build.Hash(dir); err != nil {
			b.Fatal(err)
		}
	}
}
