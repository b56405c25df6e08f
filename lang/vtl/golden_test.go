package vtl_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sockgate/sockgate/lang/jsonvalue"
	"github.com/sockgate/sockgate/lang/vtl"
)

var update = flag.Bool("update", false, "rewrite the outputs in testdata")

// The cases in testdata look like this; "vars" is for the cases that follow, and a template may have many lines:
//
//	vars {"a":1}
//	== name
//	template
//	-- output        (or "-- error")
//	what comes out
//
// Each piece ends with one line's end that is not part of it.
type goldenCase struct{ vars, name, template, kind, want string }

func readCases(t testing.TB, file string) []goldenCase {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var cases []goldenCase
	vars := "{}"
	for _, chunk := range strings.Split("\n"+string(text), "\n== ") {
		if len(cases) == 0 && !strings.Contains(chunk, "\n-- ") {
			vars = strings.TrimPrefix(strings.TrimSpace(chunk), "vars ")
			continue
		}
		name, rest, _ := strings.Cut(chunk, "\n")
		template, rest, ok := strings.Cut(rest, "\n-- ")
		kind, want, ok2 := strings.Cut(rest, "\n")
		if !ok || !ok2 {
			t.Fatalf("%s: case %q has no output", file, name)
		}
		cases = append(cases, goldenCase{vars, name, template, kind, strings.TrimSuffix(want, "\n")})
	}
	return cases
}

func variables(t testing.TB, text string) map[string]any {
	doc, err := jsonvalue.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	o := doc.(*jsonvalue.Object)
	vars := make(map[string]any)
	for _, n := range o.Names() {
		vars[n], _ = o.Get(n)
	}
	return vars
}

func TestGolden(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txt")
	count := 0
	for _, file := range files {
		var rewritten bytes.Buffer
		cases := readCases(t, file)
		rewritten.WriteString("vars " + cases[0].vars + "\n")
		names := map[string]bool{}
		for _, c := range cases {
			count++
			kind, got := "output", ""
			tmpl, err := vtl.Compile("t", c.template)
			if err == nil {
				var out []byte
				out, err = tmpl.Render(variables(t, c.vars), vtl.Limits{})
				got = string(out)
			}
			if err != nil {
				kind, got = "error", err.Error()
			}
			rewritten.WriteString("== " + c.name + "\n" + c.template + "\n-- " + kind + "\n" + got + "\n")
			if names[c.name] {
				t.Errorf("%s: two cases are called %q", file, c.name)
			}
			names[c.name] = true
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txt")+"/"+c.name, func(t *testing.T) {
				if d := cmp.Diff(c.kind+": "+c.want, kind+": "+got); d != "" && !*update {
					t.Errorf("template %s\n%s", c.template, d)
				}
			})
		}
		if *update {
			if err := os.WriteFile(file, rewritten.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if count < 200 {
		t.Errorf("only %d cases were found", count)
	}
}
