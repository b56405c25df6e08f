package vtl_test

import (
	"errors"
	"path/filepath"
	"testing"
	"unicode/utf8"

	"github.com/sockgate/sockgate/lang/vtl"
)

func seed(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.txt")
	for _, file := range files {
		for _, c := range readCases(f, file) {
			f.Add(c.template)
		}
	}
}

func FuzzCompile(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, source string) {
		_, err := vtl.Compile("t", source)
		if err == nil {
			return
		}
		var syntax *vtl.SyntaxError
		if !errors.As(err, &syntax) || syntax.Line < 1 || syntax.Column < 1 || syntax.Text == "" {
			t.Fatalf("%q: %#v", source, err)
		}
	})
}

func FuzzRender(f *testing.F) {
	seed(f)
	const vars = `{"a":"A","n":5,"m":{"x":1,"y":[1,"b",{"c":1.5}]},"l":[1,2,3],"s":"a,b,,c,,","d":1e3,"t":true,"e":""}`
	f.Fuzz(func(t *testing.T, source string) {
		tmpl, err := vtl.Compile("t", source)
		if err != nil {
			return
		}
		limits := vtl.Limits{Rounds: 100, Steps: 20000, Depth: 16, Output: 10000, Value: 20000}
		out, err := tmpl.Render(variables(t, vars), limits)
		if len(out) > limits.Output {
			t.Fatalf("%d bytes came out", len(out))
		}
		var fault *vtl.RenderError
		if err != nil && (!errors.As(err, &fault) || fault.Line < 1 || fault.Column < 1 || fault.Text == "") {
			t.Fatalf("%q: %#v", source, err)
		}
		if err == nil && utf8.ValidString(source) && !utf8.Valid(out) {
			t.Fatalf("%q made %q, which is no UTF-8", source, out)
		}
	})
}
