package build_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sockgate/sockgate/template/build"
)

// installers puts an npm and a python3 on the PATH that install one file, write a line into the returned file for each run, and fail
// while there is a file "offline" beside it.
func installers(t *testing.T) (runs string) {
	t.Helper()
	dir := t.TempDir()
	runs = filepath.Join(dir, "runs")
	for name, text := range map[string]string{
		"npm":     "#!/bin/sh\necho npm $1 >> " + runs + "\n[ ! -e " + dir + "/offline ] || { echo no network; exit 1; }\nmkdir -p node_modules/dep\ncp package.json node_modules/dep/\n",
		"python3": "#!/bin/sh\n[ \"$1\" = -m ] || exit 1\necho pip >> " + runs + "\n[ ! -e " + dir + "/offline ] || exit 1\nfor target; do :; done\nmkdir -p $target\ncp requirements.txt $target/dep.py\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":/usr/bin:/bin")
	return runs
}

func TestDependenciesAreKeptApart(t *testing.T) {
	const wanted = `{"dependencies": {"dep": "^1.0.0"}}`
	node, python := build.Options{Runtime: "nodejs22.x"}, build.Options{Runtime: "python3.99"}
	for name, tc := range map[string]struct {
		o      build.Options
		files  map[string]string
		change map[string]string
		runs   string // of installers, with both builds
		want   []string
	}{
		"code": {node, map[string]string{"package.json": wanted, "a.js": "1"}, map[string]string{"a.js": "2"},
			"npm install\n", []string{"a.js", "package.json", "node_modules/dep/package.json"}},
		"modules that are there": {node, map[string]string{"package.json": wanted, "node_modules/dep/x": "1"}, map[string]string{"node_modules/dep/x": "2"},
			"npm install\n", []string{"package.json", "node_modules/dep/package.json"}},
		"lock file": {node, map[string]string{"package.json": wanted, "package-lock.json": "{}", "a.js": "1"}, map[string]string{"package-lock.json": "{ }"},
			"npm ci\nnpm ci\n", []string{"a.js", "package-lock.json", "package.json", "node_modules/dep/package.json"}},
		"npm's settings": {node, map[string]string{"package.json": wanted, ".npmrc": "x=1"}, map[string]string{".npmrc": "x=2"},
			"npm install\nnpm install\n", []string{".npmrc", "package.json", "node_modules/dep/package.json"}},
		"a script": {node, map[string]string{"package.json": `{"dependencies": {"dep": "1"}, "scripts": {"prepare": "x"}}`, "a.js": "1"}, map[string]string{"a.js": "2"},
			"npm install\nnpm install\n", []string{"a.js", "node_modules/dep/package.json", "package.json"}},
		"a folder": {node, map[string]string{"package.json": `{"dependencies": {"dep": "../dep"}}`, "a.js": "1"}, map[string]string{"a.js": "2"},
			"npm install\nnpm install\n", []string{"a.js", "node_modules/dep/package.json", "package.json"}},
		"a layer": {build.Options{Runtime: "nodejs22.x", Method: "nodejs22.x", Layer: true}, map[string]string{"package.json": wanted, "a.js": "1"}, map[string]string{"a.js": "2"},
			"npm install\n", []string{"nodejs/a.js", "nodejs/package.json", "nodejs/node_modules/dep/package.json"}},
		"requirements": {python, map[string]string{"requirements.txt": "dep==1 --hash=sha256:aa\n", "a.py": "1"}, map[string]string{"a.py": "2"},
			"pip\n", []string{"a.py", "requirements.txt", "dep.py"}},
		"other requirements": {python, map[string]string{"requirements.txt": "dep==1\n", "a.py": "1"}, map[string]string{"requirements.txt": "dep==2\n"},
			"pip\npip\n", []string{"a.py", "requirements.txt", "dep.py"}},
		"requirements that name a folder": {python, map[string]string{"requirements.txt": "-e ./lib\n", "lib/a.py": "1"}, map[string]string{"lib/a.py": "2"},
			"pip\npip\n", []string{"dep.py", "lib/a.py", "requirements.txt"}},
		"code that hides a dependency": {python, map[string]string{"requirements.txt": "dep\n", "dep.py": "1"}, map[string]string{"dep.py": "2"},
			"pip\n", []string{"dep.py", "requirements.txt"}},
		"nothing to install": {node, map[string]string{"a.js": "1", "node_modules/dep/x": "1"}, map[string]string{"a.js": "2"},
			"", []string{"a.js", "node_modules/dep/x"}},
	} {
		t.Run(name, func(t *testing.T) {
			runs := installers(t)
			dir, c := tree(t, tc.files), cache(t)
			first, _ := built(t, c, dir, tc.o)
			for file, content := range tc.change {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			second, zip := built(t, c, dir, tc.o)
			if _, there := tc.change["node_modules/dep/x"]; (first == second) != there {
				t.Errorf("the zip is the same: %v", first == second)
			}
			if diff := cmp.Diff(tc.want, names(t, zip)); diff != "" {
				t.Errorf("built (-want +got):\n%s", diff)
			}
			built(t, c, dir, tc.o)
			if got, err := os.ReadFile(runs); string(got) != tc.runs {
				t.Errorf("ran %q, %v, want %q", got, err, tc.runs)
			}
		})
	}
}

func TestWithoutARegistry(t *testing.T) {
	runs := installers(t)
	offline := filepath.Join(filepath.Dir(runs), "offline")
	if err := os.WriteFile(offline, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	dir, c := tree(t, map[string]string{"package.json": `{"dependencies": {"dep": "1"}}`, "node_modules/mine/x": "1"}), cache(t)
	var notes []string
	o := build.Options{Runtime: "nodejs22.x", Note: func(text string) { notes = append(notes, text) }}
	for _, code := range []string{"1", "2"} {
		if err := os.WriteFile(filepath.Join(dir, "a.js"), []byte(code), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, zip := built(t, c, dir, o); !slices.Equal(names(t, zip), []string{"a.js", "package.json", "node_modules/mine/x"}) {
			t.Errorf("built %v", names(t, zip))
		}
	}
	if got, _ := os.ReadFile(runs); string(got) != "npm install\n" {
		t.Errorf("ran %q: it is not tried with every change", got)
	}
	if len(notes) != 2 || !strings.Contains(notes[0], "building ") || !strings.Contains(notes[1], "npm failed") {
		t.Errorf("told %q", notes)
	}
	if err := os.RemoveAll(filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	if _, err := cache(t).Build(t.Context(), dir, o); err == nil || !strings.Contains(err.Error(), "no network") {
		t.Errorf("without modules: %v", err)
	}
}
