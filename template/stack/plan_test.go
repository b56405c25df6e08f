package stack_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/sockgate/sockgate/template"
	"github.com/sockgate/sockgate/template/stack"
)

var update = flag.Bool("update", false, "rewrite what the plans say")

// TestPlans deploys the template before, if a case has one, and shows the plan or the errors of the template after it. Ids are shown by the
// names of their resources. A template without errors is then deployed, after which there must be nothing left to do.
func TestPlans(t *testing.T) {
	w := newWorld(t)
	cases, err := filepath.Glob("testdata/plans/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatal("no cases", err)
	}
	for _, path := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			sections := map[string]*txtar.File{}
			for i := range archive.Files {
				sections[archive.Files[i].Name] = &archive.Files[i]
			}
			var ids map[string]string
			defer w.remove("plan")
			if before := sections["before.yaml"]; before != nil {
				ids = w.deploy("plan", w.parse(string(before.Data))).Resources
			}
			got := shownIDs(w.preview(t, string(sections["template.yaml"].Data), bytes.Contains(archive.Comment, []byte("--ignore-unsupported"))), ids)
			if strings.Contains(got, "\nStack plan: ") || strings.HasPrefix(got, "Stack plan: ") {
				w.settles(t, string(sections["template.yaml"].Data))
			}
			want := sections["want"]
			if want == nil {
				archive.Files = append(archive.Files, txtar.File{Name: "want"})
				want = &archive.Files[len(archive.Files)-1]
			}
			if *update {
				want.Data = []byte(got)
				if err := os.WriteFile(path, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(want.Data), got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", archive.Comment, diff)
			}
		})
	}
}

func (w *world) preview(t *testing.T, src string, ignore bool) string {
	parsed, err := template.Parse("template.yaml", []byte(src))
	if err != nil {
		return err.Error() + "\n"
	}
	o := w.options("plan")
	o.IgnoreUnsupported = ignore
	r, err := stack.Preview(t.Context(), parsed, o)
	if err != nil {
		return err.Error() + "\n"
	}
	var out strings.Builder
	r.Plan.Write(&out)
	for _, s := range r.Skipped {
		out.WriteString("left out: " + s.ID + "\n")
	}
	return out.String()
}

// settles deploys a template, and expects that to deploy it again does nothing.
func (w *world) settles(t *testing.T, src string) {
	o := w.options("plan")
	o.IgnoreUnsupported = true
	for _, unchanged := range []bool{false, true} {
		r, err := stack.Make(t.Context(), w.parse(src), o)
		if err != nil {
			t.Errorf("the template is not deployed: %v", err)
			return
		}
		if unchanged && !r.Unchanged {
			t.Errorf("to deploy it again changes something: %+v", r.Plan)
		}
	}
}

func shownIDs(text string, ids map[string]string) string {
	names := make([]string, 0, len(ids))
	for name := range ids {
		names = append(names, name)
	}
	sort.Slice(names, func(i, j int) bool { return len(ids[names[i]]) > len(ids[names[j]]) })
	for _, name := range names {
		if len(ids[name]) >= 6 {
			text = strings.ReplaceAll(text, ids[name], "{"+name+"}")
		}
	}
	return text
}
