package apigatewayv2_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestModelTemplate reads testdata/sample/*.json, a schema each, and compares the template with the .vtl beside it.
func TestModelTemplate(t *testing.T) {
	files, err := filepath.Glob("testdata/sample/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	g := newGateway(t)
	api := g.newAPI()
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			schema, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := modelTemplate(g, api, name, string(schema)) + "\n"
			golden := strings.TrimSuffix(file, ".json") + ".vtl"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func modelTemplate(g *gateway, api, name, schema string) string {
	g.t.Helper()
	body, err := json.Marshal(map[string]string{"name": name, "schema": schema})
	if err != nil {
		g.t.Fatal(err)
	}
	id := g.do("POST", api+"/models", string(body)).str("modelId")
	return g.do("GET", api+"/models/"+id+"/template", "").str("value")
}

// FuzzModelTemplate: every schema that is accepted has a template, of a bounded size.
func FuzzModelTemplate(f *testing.F) {
	for _, schema := range []string{
		`{}`, `{"$ref":"#"}`, `{"$ref":"#/a/b"}`, `{"type":"object","properties":{"a":{"$ref":"#"},"b":{"$ref":"#"}}}`,
		`{"type":["array"],"items":[{"enum":[null]}]}`, `{"allOf":[{"anyOf":[1]}]}`,
	} {
		f.Add(schema)
	}
	base := newGateway(f)
	f.Fuzz(func(t *testing.T, schema string) {
		g := base.forFuzz(t)
		api := g.newAPI()
		body, err := json.Marshal(map[string]string{"name": "M", "schema": schema})
		if err != nil {
			t.Fatal(err)
		}
		a := g.do("POST", api+"/models", string(body))
		if a.status != 201 {
			return
		}
		if value := g.do("GET", api+"/models/"+a.str("modelId")+"/template", "").str("value"); len(value) > 4<<20 {
			t.Errorf("a template of %d bytes", len(value))
		}
	})
}
