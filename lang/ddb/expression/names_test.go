package expression_test

import (
	"slices"
	"testing"

	"github.com/sockgate/sockgate/lang/ddb/expression"
)

func TestAttributes(t *testing.T) {
	names := map[string]string{"#n": "name", "#d": "a.b"}
	for text, want := range map[string][]string{
		"a, b.c, d[0].e": {"a", "b", "d"},
		"#n, #d.x, a.#n": {"name", "a.b", "a"},
		"SET a = if_not_exists(b, :v) + :w REMOVE c ADD d :v":    {"a", "b", "c", "d"},
		"attribute_exists(a) AND NOT (size(b) BETWEEN :a AND c)": {"a", "b", "c"},
		"#unknown = :v": nil,
		"":              nil,
		"((a":           {"a"},
	} {
		got := expression.Attributes(text, func(ref string) (string, bool) { m, ok := names[ref]; return m, ok })
		if !slices.Equal(got, want) {
			t.Errorf("Attributes(%q) = %q, want %q", text, got, want)
		}
	}
}
