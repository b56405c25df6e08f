package expr_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/sockgate/sockgate/lang/expr"
)

func FuzzCompile(f *testing.F) {
	for _, s := range []string{
		"", "action", "$default", `\$default`, "$request.body.action", "${request.body['a}b'][0].c}/$context.x", "$", "${", "${}",
		"$request.body[", `${request.body["a\`, "$request.body..a", "$request.body.a[?(@.b>1)]", "\\", "$request.body.\xff",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		e, err := expr.Compile(source)
		if err != nil {
			return
		}
		if strings.Count(source, "$") < len(e.References()) {
			t.Errorf("%q has more references than dollars: %q", source, e.References())
		}
		// What was referenced can be written in braces and means the same.
		for _, name := range e.References() {
			again, err := expr.Compile("${" + name + "}")
			if err != nil {
				t.Fatalf("%q refers to %q, which cannot be compiled: %v", source, name, err)
			}
			if refs := again.References(); len(refs) != 1 || refs[0] != name {
				t.Errorf("${%s} refers to %q", name, refs)
			}
		}
		e.Eval(variables{body: []byte(`{"action":[{"a":1}]}`)})
	})
}

func FuzzEval(f *testing.F) {
	for _, s := range []string{
		``, `{}`, `{"action":"a"}`, `{"\u0061ction":"\ud83d\ude00"}`, `["a",{"b":null}]`, `{"action":{"a":[1,2,{}]}}`, `"x"`, ` 1 `,
		`{"action":"a","action":1e5}`, `{"action`, `[[[[`, `{"a":"\\"}`, `{"action":"\ud800"}`, `{"x":"}","action":true}`, "\xff",
	} {
		f.Add([]byte(s))
	}
	var exprs []*expr.Expr
	for _, s := range []string{"$request.body.action", "$request.body", "${request.body.action[1].a}-${request.body[0]}"} {
		e, err := expr.Compile(s)
		if err != nil {
			f.Fatal(err)
		}
		exprs = append(exprs, e)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, e := range exprs {
			value, ok := e.Eval(variables{body: body})
			if ok && !json.Valid(body) {
				t.Errorf("%s has the value %q in %q, which is not JSON", e, value, body)
			}
		}
		// A string that is found is the one that another parser finds.
		var m map[string]any
		if json.Unmarshal(body, &m) != nil {
			return
		}
		if want, isString := m["action"].(string); isString && !strings.Contains(want, "\ufffd") {
			if got, ok := exprs[0].Eval(variables{body: body}); !ok || got != want {
				t.Errorf("action in %q is %q (%v), want %q", body, got, ok, want)
			}
		}
	})
}
