package jsonvalue_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sockgate/sockgate/lang/jsonvalue"
)

func TestRoundTrip(t *testing.T) {
	cases := []struct{ name, in, out string }{
		{"order is kept", `{"z":1,"a":{"y":[],"b":{}}}`, `{"z":1,"a":{"y":[],"b":{}}}`},
		{"digits are kept", `[1.0,1e3,12345678901234567890123,-0]`, `[1.0,1e3,12345678901234567890123,-0]`},
		{"the last of two members", `{"a":1,"b":2,"a":3}`, `{"a":3,"b":2}`},
		{"blanks go", " [ 1 ,\n2 ] ", `[1,2]`},
		{"no HTML escapes", `"<&>é\u2028"`, `"<&>é` + "\\u2028\""},
		{"scalars", `null`, `null`},
		{"empty name", `{"":true}`, `{"":true}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			v, err := jsonvalue.Parse([]byte(c.in))
			if err != nil {
				t.Fatal(err)
			}
			got, err := jsonvalue.Append(nil, v)
			if err != nil || string(got) != c.out {
				t.Errorf("got %s, %v; want %s", got, err, c.out)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for name, in := range map[string]string{
		"nothing": "", "two documents": "1 2", "open array": "[1", "bare name": "{a:1}", "single quotes": "{'a':1}",
		"trailing comma": "[1,]", "not UTF-8": "\"\xff\"", "too deep": strings.Repeat("[", jsonvalue.MaxDepth+1) + strings.Repeat("]", jsonvalue.MaxDepth+1),
		"garbage behind": `{} x`, "NaN": "NaN", "leading zero": "01", "plus": "+1", "bare point": "1.", "bare exponent": "1e", "minus only": "-",
		"control character": "\"a\nb\"", "bad escape": `"\x"`, "half an escape": `"\u12"`, "open string": `"a`, "open escape": `"\`, "no colon": `{"a" 1}`,
		"open object": `{"a":1`, "no name": `{,}`, "word": "nul", "form feed": "\f1",
	} {
		if v, err := jsonvalue.Parse([]byte(in)); err == nil {
			t.Errorf("%s: Parse took it as %v", name, v)
		}
	}
	deep := strings.Repeat("[", jsonvalue.MaxDepth) + strings.Repeat("]", jsonvalue.MaxDepth)
	if _, err := jsonvalue.Parse([]byte(deep)); err != nil {
		t.Errorf("the deepest document: %v", err)
	}
}

func TestObject(t *testing.T) {
	var o jsonvalue.Object
	for _, n := range []string{"b", "a", "c", "a"} {
		o.Set(n, n)
	}
	before := o.Names()
	if was, ok := o.Delete("a"); !ok || was != "a" {
		t.Errorf("Delete(a) = %v, %v", was, ok)
	}
	if _, ok := o.Delete("a"); ok {
		t.Error("a was deleted twice")
	}
	if got := o.Names(); !slices.Equal(got, []string{"b", "c"}) || o.Len() != 2 {
		t.Errorf("names %v", got)
	}
	if !slices.Equal(before, []string{"b", "a", "c"}) {
		t.Errorf("deleting changed a list of names that was handed out: %v", before)
	}
}

func TestManyMembers(t *testing.T) {
	var o jsonvalue.Object
	const n = 200
	for i := range n {
		o.Set(strconv.Itoa(i), i)
	}
	o.Set("7", "seven")
	for i := 0; i < n; i += 2 {
		o.Delete(strconv.Itoa(i))
	}
	for i := range n {
		v, ok := o.Get(strconv.Itoa(i))
		want := any(i)
		if i == 7 {
			want = "seven"
		}
		if ok != (i%2 == 1) || ok && v != want {
			t.Errorf("member %d: %v, %v", i, v, ok)
		}
	}
	if o.Len() != n/2 || o.Names()[3] != "7" {
		t.Errorf("%d members, %v", o.Len(), o.Names()[:5])
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b":null}],"c":"\u00e9"}`))
	f.Add([]byte(`[[[[1e99]]]]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := jsonvalue.Parse(text)
		if err != nil {
			if json.Valid(text) && utf8.Valid(text) && bytes.Count(text, []byte("["))+bytes.Count(text, []byte("{")) <= jsonvalue.MaxDepth {
				t.Fatalf("Parse refused %q: %v", text, err)
			}
			return
		}
		if !json.Valid(text) {
			t.Fatalf("Parse took %q, which is no JSON", text)
		}
		var theirs any
		if err := json.Unmarshal(text, &theirs); err != nil && !strings.Contains(err.Error(), "number") { // 1e999 is no float64
			t.Fatal(err)
		} else if err == nil {
			ours, _ := jsonvalue.Append(nil, v)
			var again any
			if err := json.Unmarshal(ours, &again); err != nil || !reflect.DeepEqual(theirs, again) {
				t.Fatalf("%q became %q: %v", text, ours, err)
			}
		}
		once, err := jsonvalue.Append(nil, v)
		if err != nil {
			t.Fatal(err)
		}
		again, err := jsonvalue.Parse(once)
		if err != nil {
			t.Fatalf("%q became %q: %v", text, once, err)
		}
		if twice, _ := jsonvalue.Append(nil, again); string(twice) != string(once) {
			t.Fatalf("%q, printed and parsed again, became %q", once, twice)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	text := []byte(`{"action":"say"` + strings.Repeat(`,"p":"`+strings.Repeat("x", 38)+`","q":12.5`, 18) + `}`)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		v, err := jsonvalue.Parse(text)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := jsonvalue.Append(nil, v); err != nil {
			b.Fatal(err)
		}
	}
}
