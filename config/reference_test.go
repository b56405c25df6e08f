package config_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sockgate/sockgate/config"
)

var update = flag.Bool("update", false, "write docs/configuration.md instead of comparing it")

const referenceFile = "../docs/configuration.md"

func TestReferenceIsCurrent(t *testing.T) {
	got := config.Reference()
	if *update {
		if err := os.WriteFile(referenceFile, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(referenceFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("docs/configuration.md is out of date; run \"go generate ./config\" (-file +settings):\n%s", diff)
	}
}

func TestSettingsAreComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range config.Settings() {
		if s.Doc == "" || !strings.HasSuffix(s.Doc, ".") {
			t.Errorf("%s: description %q", s.Key, s.Doc)
		}
		for _, name := range []string{s.Env, s.Flag} {
			if name != "" && seen[name] {
				t.Errorf("%s: %s is taken", s.Key, name)
			}
			seen[name] = true
		}
	}
	for _, name := range []string{
		"SOCKGATE_ROOT_ACCESS_KEY_ID", "SOCKGATE_ROOT_SECRET_ACCESS_KEY", "SOCKGATE_LIMITS_IDLE_TIMEOUT", "limits-idle-timeout",
		"listen", "data", "grace", "backends-ca-file",
	} {
		if !seen[name] {
			t.Errorf("no setting is called %s", name)
		}
	}
	if seen["root-secret-access-key"] || seen["root-access-key-id"] {
		t.Error("a secret has a flag")
	}
}

func TestSize(t *testing.T) {
	for _, tt := range []struct {
		text string
		want config.Size
		back string
	}{
		{"0", 0, "0"}, {"1", 1, "1"}, {"1023B", 1023, "1023"}, {"1024", 1024, "1KiB"}, {"32KiB", 32768, "32KiB"},
		{"1536KiB", 1536 << 10, "1536KiB"}, {"3MiB", 3 << 20, "3MiB"}, {"1GiB", 1 << 30, "1GiB"}, {"2 GB", 2e9, "1953125KiB"}, {"5KB", 5000, "5000"},
	} {
		got, err := config.ParseSize(tt.text)
		if err != nil || got != tt.want || got.String() != tt.back {
			t.Errorf("%s: %d, %v; written %s", tt.text, got, err, got)
		}
	}
	for _, text := range []string{"", "B", "KiB", "-1", "+1", "1.5MiB", "1kib", "1TiB", "0x10", " 1", "1_000", "9223372036854775808", "9007199254740992KiB"} {
		if got, err := config.ParseSize(text); err == nil {
			t.Errorf("%q is taken as %d", text, got)
		}
	}
}
