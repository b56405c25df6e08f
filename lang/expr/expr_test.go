package expr_test

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/expr"
)

var update = flag.Bool("update", false, "rewrite the expected results in testdata")

// variables is one message with a few names beside it.
type variables struct {
	body  []byte
	names map[string]string
}

func (v variables) Body() []byte { return v.body }

func (v variables) Lookup(name string) (string, bool) {
	value, ok := v.names[name]
	return value, ok
}

func TestEval(t *testing.T) {
	const file = "testdata/eval.txt"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, cases, _ := strings.Cut(string(text), "\n== ")
	var got strings.Builder
	got.WriteString(head)
	for c := range strings.SplitSeq(cases, "\n== ") {
		title, rest, _ := strings.Cut(c, "\n")
		source, rest, ok := strings.Cut(rest, "\n----\n")
		if !ok {
			t.Fatalf("case %q has no rule", title)
		}
		body, _, _ := strings.Cut(rest, "\n=> ")
		body = strings.TrimRight(body, "\n")
		got.WriteString("\n== " + title + "\n" + source + "\n----\n" + body + "\n=> " + outcome(source, body) + "\n")
	}
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(text), got.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func outcome(source, body string) string {
	e, err := expr.Compile(source)
	if err != nil {
		if sockgate.KindOf(err) != sockgate.Invalid {
			return "wrong kind of error: " + err.Error()
		}
		return "error: " + err.Error()
	}
	names := map[string]string{"context.connectionId": "abc=", "request.header.x-api-key": "$key", "request.bodyguard": "strong"}
	value, ok := e.Eval(variables{[]byte(body), names})
	if !ok {
		return "none"
	}
	return "value: " + strings.ReplaceAll(value, "\n", "␤")
}

func TestReferences(t *testing.T) {
	tests := map[string]struct {
		source string
		want   []string
		static bool
	}{
		"static":          {"action", nil, true},
		"default":         {"$default", nil, true},
		"escaped":         {`\$request.body.a`, nil, true},
		"one":             {"$request.body.action", []string{"request.body.action"}, false},
		"each once":       {"${request.body.a}${context.b}/${request.body.a}", []string{"request.body.a", "context.b"}, false},
		"bracket":         {"$request.body['x'].y z", []string{"request.body['x'].y"}, false},
		"response status": {"${integration.response.statuscode}", []string{"integration.response.statuscode"}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e, err := expr.Compile(tt.source)
			if err != nil {
				t.Fatal(err)
			}
			if got := e.References(); !slices.Equal(got, tt.want) {
				t.Errorf("References() = %q, want %q", got, tt.want)
			}
			if e.Static() != tt.static {
				t.Errorf("Static() = %v, want %v", e.Static(), tt.static)
			}
			if e.String() != tt.source {
				t.Errorf("String() = %q, want %q", e.String(), tt.source)
			}
		})
	}
}

func TestEvalWithoutVariables(t *testing.T) {
	for source, want := range map[string]bool{"static": true, "$request.body.a": false, "$context.stage": false} {
		e, err := expr.Compile(source)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := e.Eval(nil); ok != want {
			t.Errorf("Eval(nil) of %q has a value: %v, want %v", source, ok, want)
		}
	}
}

func TestDepth(t *testing.T) {
	nested := func(open, inside, close string, n int) []byte {
		return []byte(strings.Repeat(open, n) + inside + strings.Repeat(close, n))
	}
	tests := map[string]struct {
		body []byte
		want bool
	}{
		"at the limit":           {nested("[", "", "]", expr.MaxDepth), true},
		"over the limit":         {nested("[", "", "]", expr.MaxDepth+1), false},
		"objects over the limit": {nested(`{"a":`, "1", "}", expr.MaxDepth+1), false},
		"128 KiB of brackets":    {nested("[", "", "", 128<<10), false},
		"brackets in a string":   {nested("", `"`+strings.Repeat("[", 1000)+`"`, "", 0), true},
		"wide":                   {nested("", "["+strings.Repeat("[],", 1000)+"0]", "", 0), true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if _, ok := expr.ParseBody(tt.body); ok != tt.want {
				t.Errorf("ParseBody is %v, want %v", ok, tt.want)
			}
		})
	}
}

func BenchmarkAppendTo(b *testing.B) {
	e, err := expr.Compile("$request.body.action")
	if err != nil {
		b.Fatal(err)
	}
	message := []byte(`{"data":{"text":"hello there","to":["a","b"]},"action":"sendMessage"}`)
	buf := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		body, _ := expr.ParseBody(message)
		buf, _ = e.AppendTo(buf[:0], body, nil)
	}
}
