package jsonpath_test

import (
	"testing"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/jsonpath"
	"github.com/sockgate/sockgate/lang/jsonvalue"
)

var paths = []string{
	"$", "@", "a.b", "$.a['b'][\"c\"]", "$['a','b']", "$[0]", "$[-1]", "$[0,2]", "$[1:2]", "$[:2]", "$[-2:]", "$.*", "$..a", "$..*",
	"$..[?(@.a)]", "$[?(@.a == 'x' && !(@.b > 1.5e3) || $.c in ['y', 2, null])]", `$[?(@.a =~ /x\/y/i)]`, "$.a.length()", "$..a.sum()",
	`$.a.concat($.b, "x,y", -1)`, "$[?(@.a subsetof [{'a': [1]}, b])]", `$['\u00e9\ud83d\ude00\n']`, "$[?(@.a size 2)]", "$[?(!@.a)]",
	"$[", "$['", "$[?(", "$[?(@", "$.a(", "$.length($", "$...", "$[1:2:3]", "\xff", "$.sum($.a[?(@.b)], {\"a\":1})", "$[?(@.a == +.5)]",
}

func FuzzCompile(f *testing.F) {
	for _, p := range paths {
		f.Add(p)
	}
	doc, err := jsonvalue.Parse([]byte(`{"a":[{"a":1,"b":"x"},{"a":[1,2,"3"],"c":{}},null],"b":{"a":"x","b":1e999},"c":-0.5}`))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path string) {
		p, err := jsonpath.Compile(path)
		if err != nil {
			if sockgate.KindOf(err) != sockgate.Invalid {
				t.Errorf("%q: the error %v is not Invalid", path, err)
			}
			return
		}
		check(t, p, doc)
	})
}

func FuzzGet(f *testing.F) {
	for _, p := range paths {
		f.Add(p, []byte(`{"a":[{"a":1,"b":"x"},[1,[2]],"é"],"b":{"c":null},"c":1.50}`))
		f.Add(p, []byte(`[1,{"a":{"a":{"a":[]}}},1e400,-0,"\ud800"]`))
	}
	f.Fuzz(func(t *testing.T, path string, document []byte) {
		doc, err := jsonvalue.Parse(document)
		if err != nil {
			return
		}
		p, err := jsonpath.Compile(path)
		if err != nil {
			return
		}
		before, _ := jsonvalue.Append(nil, doc)
		check(t, p, doc)
		if after, _ := jsonvalue.Append(nil, doc); string(after) != string(before) {
			t.Errorf("%q changed %s to %s", path, before, after)
		}
	})
}

// check holds what is true of every path: indefinite ones give arrays, results can be printed, and a second look finds the same.
func check(t *testing.T, p *jsonpath.Path, doc any) {
	v, found := p.Get(doc)
	if !found {
		if v != nil {
			t.Errorf("%q gives %v without finding it", p, v)
		}
		return
	}
	if _, isArray := v.(*jsonvalue.Array); !isArray && !p.Definite() {
		t.Errorf("%q is indefinite and gives a %T", p, v)
	}
	one, err := jsonvalue.Append(nil, v)
	if err != nil {
		t.Fatalf("%q: %v", p, err)
	}
	again, _ := p.Get(doc)
	if two, _ := jsonvalue.Append(nil, again); string(one) != string(two) {
		t.Errorf("%q gives %s, then %s", p, one, two)
	}
}
