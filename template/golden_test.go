package template_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/sockgate/sockgate/template"
)

var update = flag.Bool("update", false, "write the expected results anew")

// TestGolden binds the templates in testdata. A case is a txtar archive:
//
//	template.yaml (or .json)   the template
//	parameters                 lines of name=value; may be missing
//	known                      lines of id=Ref or id.Attribute=value: what the scope knows; may be missing
//	want                       the bound template, or the errors
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(archive)
			want := archived(archive, "want")
			if string(got) == string(want) {
				return
			}
			if !*update {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
				return
			}
			kept := archive.Files[:0]
			for _, f := range archive.Files {
				if f.Name != "want" {
					kept = append(kept, f)
				}
			}
			archive.Files = append(kept, txtar.File{Name: "want", Data: got})
			if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func archived(a *txtar.Archive, name string) []byte {
	for _, f := range a.Files {
		if f.Name == name {
			return f.Data
		}
	}
	return nil
}

// settings reads lines of name=value.
func settings(data []byte) map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(string(data)) {
		if name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "="); ok {
			m[name] = value
		}
	}
	return m
}

// known is a scope of what a case says is there.
type known map[string]string

func (k known) Ref(id string) (any, bool) { v, ok := k[id]; return v, ok }

func (k known) GetAtt(id, attribute string) (any, bool) { v, ok := k[id+"."+attribute]; return v, ok }

func env() template.Env {
	return template.Env{
		Region: "eu-central-1", AccountID: "111122223333", StackName: "demo",
		StackID: "arn:aws:cloudformation:eu-central-1:111122223333:stack/demo/1",
		Imports: func(name string) (any, bool) { return "imported-table", name == "shared-table" },
		CodeHash: func(uri string) string {
			return "hash of " + uri
		},
	}
}

func play(archive *txtar.Archive) []byte {
	var out bytes.Buffer
	for _, f := range archive.Files {
		if !strings.HasPrefix(f.Name, "template.") {
			continue
		}
		parsed, err := template.Parse(f.Name, f.Data)
		if err != nil {
			fmt.Fprintf(&out, "%s\n", err)
			continue
		}
		bound, err := parsed.Bind(settings(archived(archive, "parameters")), env())
		if err != nil {
			fmt.Fprintf(&out, "%s\n", err)
			continue
		}
		write(&out, bound, known(settings(archived(archive, "known"))))
	}
	return out.Bytes()
}

func write(out *bytes.Buffer, b *template.Bound, scope template.Scope) {
	for _, r := range b.Resources {
		fmt.Fprintf(out, "%s %s at %d:%d", r.ID, r.Type, r.Line, r.Column)
		for _, extra := range []struct{ name, value string }{
			{"from", r.From}, {"after", strings.Join(r.DependsOn, " ")},
			{"deletion", r.DeletionPolicy}, {"replacement", r.UpdateReplacePolicy},
		} {
			if extra.value != "" {
				fmt.Fprintf(out, ", %s %s", extra.name, extra.value)
			}
		}
		out.WriteByte('\n')
		if r.Metadata != nil {
			fmt.Fprintf(out, "  metadata %s\n", text(r.Metadata))
		}
		properties, err := r.Properties(scope)
		if err != nil {
			fmt.Fprintf(out, "  %s\n", err)
			continue
		}
		fmt.Fprintf(out, "  %s\n", text(properties))
	}
	for _, o := range b.Outputs {
		value, err := o.Value(scope)
		if err != nil {
			value = err.Error()
		}
		export, err := o.Export(scope)
		if err != nil {
			export = err.Error()
		}
		fmt.Fprintf(out, "output %s = %s", o.Name, text(value))
		if export != "" {
			fmt.Fprintf(out, " exported as %v", export)
		}
		out.WriteByte('\n')
	}
	for _, s := range b.Skipped {
		fmt.Fprintf(out, "skipped %d:%d %s: %s\n", s.Line, s.Column, s.ID, s.What)
	}
	if b.ImportNames != nil {
		fmt.Fprintf(out, "imports %s\n", strings.Join(b.ImportNames, " "))
	}
}

func text(v any) string {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("  ", "  ")
	if err := e.Encode(visible(v)); err != nil {
		return err.Error()
	}
	return strings.TrimSpace(out.String())
}

// visible writes unknown values in a form that JSON has.
func visible(v any) any {
	switch v := v.(type) {
	case template.Unknown:
		return v.String()
	case []any:
		for i := range v {
			v[i] = visible(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = visible(v[k])
		}
	}
	return v
}
