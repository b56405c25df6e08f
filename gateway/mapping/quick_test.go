package mapping

import (
	"reflect"
	"testing"

	"github.com/sockgate/sockgate/lang/jsonvalue"
	"github.com/sockgate/sockgate/lang/vtl"
)

var quickPaths = []string{"$", "$.a", "$.b.c", "$.a.b", "$[0]", "$['a']", "$.list[1]", "$.list[-1]", "$.list.length()", "$.o.size", "$..a", "$.n", "$.é", "$.a[0].b"}

// FuzzQuick holds the quick ways against the document: what they answer, it must answer too.
func FuzzQuick(f *testing.F) {
	for _, seed := range []string{
		`{"a":"x","b":{"c":1.50},"list":[1,"two"],"o":{"size":true}}`, ` { "a" : null } `, `[{"a":1}]`, `{"a":"\u0041\n"}`, `{"a":[{"b":-1e9}]}`,
		`{"é":"\u2028"}`, "{\"a\":\"\u2028\"}", `"x"`, `12`, `{"a":1,"a":2}`, `{"n":false}`, "", "x", "{\"a\":\"\xff\"}", `{"a b":1}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, path := range quickPaths {
			quick := &input{body: body}
			slow := &input{body: body}
			want, found, err := slow.at(path)
			v, ok := quick.scalar(path)
			if _, none := v.(vtl.Blank); ok && none {
				if err != nil || found {
					t.Fatalf("%s of %q: quickly nothing, else %#v, %v, %v", path, body, want, found, err)
				}
				continue
			}
			if ok && (err != nil || !found || !reflect.DeepEqual(v, want)) {
				t.Fatalf("%s of %q: quickly %#v, else %#v, %v, %v", path, body, v, want, found, err)
			}
			raw, known := quick.plain(path)
			if !known || !compact(raw) {
				continue
			}
			if err != nil || !found {
				t.Fatalf("%s of %q: quickly %s, else %v, %v", path, body, raw, found, err)
			}
			again, err := jsonvalue.Parse(raw)
			if err != nil {
				t.Fatal(err)
			}
			a, _ := jsonvalue.Append(nil, again)
			b, _ := jsonvalue.Append(nil, want)
			if string(a) != string(b) {
				t.Fatalf("%s of %q: quickly %s, else %s", path, body, raw, b)
			}
			if len(a) == len(raw) && string(a) != string(raw) { // shorter only by members that stand there twice
				t.Fatalf("%s of %q: %s is not as it is printed: %s", path, body, raw, a)
			}
		}
	})
}
