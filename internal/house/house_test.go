// Package house holds the project's habits as tests: what may import what, and that every package says what it is for.
package house_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/sockgate/sockgate"

type pkg struct {
	ImportPath, Name, Doc, Dir string
	Imports                    []string
	GoFiles                    []string
}

func packages(t *testing.T) []pkg {
	out, err := exec.Command("go", "list", "-json=ImportPath,Name,Doc,Dir,Imports,GoFiles", module+"/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	for _, p := range packages(t) {
		if len(p.GoFiles) > 0 && p.Doc == "" {
			t.Errorf("%s has no package comment: say what it is for, and what it is not for", p.ImportPath)
		}
	}
}

// TestImportsPointDown keeps the floors of ARCHITECTURE.md. A part named on the right must not be imported by the left.
func TestImportsPointDown(t *testing.T) {
	rules := []struct{ from, to, why string }{
		{"", "*", "the root package is the vocabulary and knows nobody"},
		{"lang/", "*/", "the languages stand alone but for the vocabulary"},
		{"lang/", "net", "the languages do no I/O"},
		{"lang/", "os", "the languages do no I/O"},
		{"telemetry/", "*/", "telemetry is told things; it asks nobody"},
		{"state/", "gateway/", "state serves the data path and does not know it"},
		{"state/", "control/", "state serves the control plane and does not know it"},
		{"gateway/", "control/", "the planes meet only in the catalog and in deploy"},
		{"gateway/", "edge", "the gateway is entered by the edge, not the other way round"},
		{"gateway/", "config", "parts are handed their own settings"},
		{"control/", "gateway/", "the control plane is handed what it needs of the data path as functions"},
		{"control/", "edge", "the planes are strangers"},
		{"edge", "control/", "the planes are strangers"},
		{"edge", "config", "parts are handed their own settings"},
	}
	for _, p := range packages(t) {
		from := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		for _, r := range rules {
			if r.from == "" && from != "" || !strings.HasPrefix(from, r.from) {
				continue
			}
			for _, imported := range p.Imports {
				if breaks(from, r.from, imported, r.to) {
					t.Errorf("%s imports %s: %s", p.ImportPath, imported, r.why)
				}
			}
		}
	}
}

// breaks reports whether an import goes where a rule forbids: "*" is any package but the standard library's, "*/" any of the
// project's outside of the importer's own floor but the root, a name with a slash or "edge" a part of the project, and any
// other name a package of the standard library.
func breaks(from, floor, imported, to string) bool {
	own, ours := strings.CutPrefix(imported, module+"/")
	switch {
	case to == "*":
		return strings.Contains(strings.Split(imported, "/")[0], ".")
	case to == "*/":
		return ours && !strings.HasPrefix(own, floor)
	case strings.HasSuffix(to, "/"), to == "edge", to == "config":
		return ours && strings.HasPrefix(own, to)
	}
	return imported == to
}
