package template_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/sockgate/sockgate/template"
)

// FuzzParse: a stranger's template ends in a value or in errors that say where, and what was bound evaluates to the same
// twice.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, part := range archive.Files {
			if strings.HasPrefix(part.Name, "template.") {
				f.Add(part.Data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		parsed, err := template.Parse("template.yaml", source)
		if err != nil {
			checkError(t, err)
			return
		}
		bound, err := parsed.Bind(nil, env())
		if err != nil {
			checkError(t, err)
			return
		}
		for _, r := range bound.Resources {
			first, err := r.Properties(nil)
			if err != nil {
				t.Fatalf("%s was bound, and then: %v", r.ID, err)
			}
			second, err := r.Properties(nil)
			if err != nil || text(first) != text(second) {
				t.Fatalf("%s is not the same twice: %v", r.ID, err)
			}
		}
		for _, o := range bound.Outputs {
			if _, err := o.Value(nil); err != nil {
				t.Fatalf("output %s was bound, and then: %v", o.Name, err)
			}
		}
	})
}

func checkError(t *testing.T, err error) {
	t.Helper()
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if strings.HasPrefix(line, "template.yaml") {
			return
		}
	}
	t.Fatalf("an error without a place: %v", err)
}
