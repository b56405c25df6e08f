package policy_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/sockgate/sockgate/lang/policy"
)

// like reports whether the whole text matches a pattern, tried in every way there is. colons says of each byte of the pattern
// whether a wildcard there may match a colon.
func like(pattern, text string, colons []bool) bool {
	if pattern == "" {
		return text == ""
	}
	switch pattern[0] {
	case '*':
		for {
			if like(pattern[1:], text, colons[1:]) {
				return true
			}
			if text == "" || text[0] == ':' && !colons[0] {
				return false
			}
			_, size := utf8.DecodeRuneInString(text)
			text = text[size:]
		}
	case '?':
		if text == "" || text[0] == ':' && !colons[0] {
			return false
		}
		_, size := utf8.DecodeRuneInString(text)
		return like(pattern[1:], text[size:], colons[1:])
	}
	return text != "" && text[0] == pattern[0] && like(pattern[1:], text[1:], colons[1:])
}

func everywhere(pattern string) []bool {
	colons := make([]bool, len(pattern))
	for i := range colons {
		colons[i] = true
	}
	return colons
}

// inResource is the rule for Resource: before the fifth colon only a "*" that ends its part matches colons.
func inResource(pattern string) []bool {
	colons := everywhere(pattern)
	parts := 0
	for i := 0; i < len(pattern) && parts < 5; i++ {
		if pattern[i] == ':' {
			parts++
		}
		ends := i+1 == len(pattern) || pattern[i+1] == ':'
		colons[i] = pattern[i] == '*' && ends
	}
	return colons
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func allowed(t interface{ Fatal(...any) }, doc string, r policy.Request) bool {
	p, err := policy.ParseAuthorizer([]byte(doc))
	if err != nil {
		t.Fatal(doc, err)
	}
	return policy.Evaluate(&r, p) == policy.Allow
}

var alphabet = rapid.SampledFrom([]rune("aab:/é"))
var wild = rapid.SampledFrom([]rune("aab:/é**?"))

func TestWildcardsOfText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern, text := rapid.StringOfN(wild, 0, 12, -1).Draw(t, "pattern"), rapid.StringOfN(alphabet, 0, 14, -1).Draw(t, "text")
		got := allowed(t, `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringLike":{"k":`+quote(pattern)+`}}}}`,
			policy.Request{Keys: keys{"k": {text}}})
		if want := like(pattern, text, everywhere(pattern)); got != want {
			t.Fatalf("%q like %q: got %v", text, pattern, got)
		}
	})
}

func TestWildcardsOfResources(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern, text := "arn:"+rapid.StringOfN(wild, 0, 14, -1).Draw(t, "pattern"), "arn:"+rapid.StringOfN(alphabet, 0, 16, -1).Draw(t, "text")
		got := allowed(t, `{"Statement":{"Effect":"Allow","Action":"*","Resource":`+quote(pattern)+`}}`, policy.Request{Resource: text})
		if want := like(pattern, text, inResource(pattern)); got != want {
			t.Fatalf("%q for %q: got %v", pattern, text, got)
		}
	})
}

// For ArnLike each part of an ARN is matched for itself.
func TestWildcardsOfARNs(t *testing.T) {
	part := func(t *rapid.T, of *rapid.Generator[rune]) string {
		var parts [6]string
		parts[0] = "arn"
		for i := 1; i < 6; i++ {
			parts[i] = strings.ReplaceAll(rapid.StringOfN(of, 0, 4, -1).Draw(t, "part"), ":", "")
		}
		parts[5] += rapid.SampledFrom([]string{"", ":", ":a", ":/b"}).Draw(t, "rest")
		return strings.Join(parts[:], ":")
	}
	rapid.Check(t, func(t *rapid.T) {
		pattern, text := part(t, wild), part(t, alphabet)
		if rapid.Bool().Draw(t, "made of the text") { // by chance they hardly ever match
			pattern = strings.NewReplacer("a", "*", "é", "?").Replace(text)
		}
		got := allowed(t, `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"ArnLike":{"k":`+quote(pattern)+`}}}}`,
			policy.Request{Keys: keys{"k": {text}}})
		want := true
		texts := strings.SplitN(text, ":", 6)
		for i, p := range strings.SplitN(pattern, ":", 6) {
			want = want && like(p, texts[i], everywhere(p))
		}
		if got != want {
			t.Fatalf("%q like %q: got %v", text, pattern, got)
		}
	})
}

// Patterns that take a naive matcher longer than the universe lasts.
func TestHostilePatterns(t *testing.T) {
	long := strings.Repeat("a", 2000)
	tests := []struct{ name, pattern, text string }{
		{"stars", strings.Repeat("a*", 1000) + "b", long},
		{"stars and question marks", strings.Repeat("*?", 900) + "b", long},
		{"doubled stars", strings.Repeat("**", 1500) + "b", long},
		{"parts of an ARN", "arn:aws:*:" + strings.Repeat("a*", 500) + "b:*:" + strings.Repeat("a*", 500) + "b:" + strings.Repeat("a*", 500) + "b",
			"arn:aws:" + strings.Repeat(strings.Repeat("a", 60)+":", 30)},
		{"many colons", "arn:*:a*:*:a*:" + strings.Repeat("*:a", 500) + "b", "arn:" + strings.Repeat("a:", 1000)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			doc := `{"Statement":{"Effect":"Allow","Action":"*","Resource":` + quote(test.pattern) + `}}`
			if allowed(t, doc, policy.Request{Resource: test.text}) {
				t.Error("matches")
			}
			doc = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"ArnLike":{"k":` + quote(test.pattern+"${v}") + `}}}}`
			if allowed(t, doc, policy.Request{Keys: keys{"k": {test.text}, "v": {"x"}}}) {
				t.Error("matches as a condition")
			}
		})
	}
}

// A document of nothing but brackets is refused like any other.
func TestDeepDocuments(t *testing.T) {
	for _, doc := range []string{
		strings.Repeat("[", 60000) + strings.Repeat("]", 60000),
		`{"Statement":` + strings.Repeat(`[`, 60000) + strings.Repeat(`]`, 60000) + `}`,
		`{"Statement":{"Principal":` + strings.Repeat(`{"a":`, 20000) + `1` + strings.Repeat(`}`, 20000) + `}}`,
	} {
		if _, err := policy.ParseAuthorizer([]byte(doc)); err == nil {
			t.Errorf("accepted %.40s…", doc)
		}
	}
}
