package validate_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/validate"
)

// TestSuite runs the JSON Schema Test Suite for draft 4 (testdata/draft4, with its licence): all required cases and, of the optional
// ones, bignum and format.
func TestSuite(t *testing.T) {
	files, err := filepath.Glob("testdata/draft4/*.json")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	ran := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var groups []struct {
			Description string
			Schema      json.RawMessage
			Tests       []struct {
				Description string
				Data        json.RawMessage
				Valid       bool
			}
		}
		if err := json.Unmarshal(text, &groups); err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		for _, g := range groups {
			set, err := validate.Compile([]sockgate.Model{{Name: "M", Schema: string(g.Schema)}}, "abcdef1234", "us-east-1")
			if remote := strings.Contains(string(g.Schema), "http://localhost:1234"); remote {
				if err == nil || sockgate.KindOf(err) != sockgate.Invalid {
					t.Errorf("%s: %s: a remote reference was followed: %v", name, g.Description, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %s: %v", name, g.Description, err)
				continue
			}
			c, err := validate.ForRoute(set, "x", map[string]string{"x": "M"})
			if err != nil {
				t.Fatal(err)
			}
			for _, tt := range g.Tests {
				ran++
				if err := run(c, string(tt.Data)); (err == nil) != tt.Valid {
					t.Errorf("%s: %s: %s: %v", name, g.Description, tt.Description, err)
				}
			}
		}
	}
	if ran < 280 {
		t.Errorf("only %d cases ran", ran)
	}
}
