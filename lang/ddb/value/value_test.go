package value_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sockgate/sockgate/lang/ddb/number"
	"github.com/sockgate/sockgate/lang/ddb/value"
)

func item(t testing.TB, src string) value.Item {
	t.Helper()
	it, end, err := value.DecodeItem(src, 0)
	if err != nil || end != len(src) {
		t.Fatalf("DecodeItem(%s): end %d, %v", src, end, err)
	}
	return it
}

func TestDecode(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"empty", `{}`, `{}`},
		{"sorted by name", `{"b":{"S":"2"},"a":{"S":"1"}}`, `{"a":{"S":"1"},"b":{"S":"2"}}`},
		{"last of a name", `{"a":{"S":"1"},"b":{"S":"x"},"a":{"S":"2"}}`, `{"a":{"S":"2"},"b":{"S":"x"}}`},
		{"white space", " { \"a\" :\n{ \"N\" : \"01.50\" } } ", `{"a":{"N":"1.5"}}`},
		{"every type", `{"a":{"S":""},"b":{"N":"-0"},"c":{"B":"AAE="},"d":{"BOOL":false},"e":{"NULL":true},"f":{"SS":["y","x"]},"g":{"NS":["1e1","2"]},"h":{"BS":["AA==",""]},"i":{"L":[{"L":[]},{"M":{}}]},"j":{"M":{"z":{"S":"é"}}}}`,
			`{"a":{"S":""},"b":{"N":"0"},"c":{"B":"AAE="},"d":{"BOOL":false},"e":{"NULL":true},"f":{"SS":["y","x"]},"g":{"NS":["10","2"]},"h":{"BS":["AA==",""]},"i":{"L":[{"L":[]},{"M":{}}]},"j":{"M":{"z":{"S":"é"}}}}`},
		{"escapes", `{"a":{"S":"\"\\\/\b\f\n\r\té😀\ud83d"}}`, `{"a":{"S":"\"\\/\u0008\u000c\n\r\té😀` + "\uFFFD" + `"}}`},
		{"invalid UTF-8", "{\"a\":{\"S\":\"x\xffy\"}}", `{"a":{"S":"x` + "\uFFFD" + `y"}}`},
		{"other members are ignored", `{"a":{"x":[1,{"y":[null,true]}],"S":"1"}}`, `{"a":{"S":"1"}}`},
		{"null types are absent", `{"a":{"N":null,"S":"1"}}`, `{"a":{"S":"1"}}`},
		{"words for booleans", `{"a":{"BOOL":"no"},"b":{"BOOL":"TRUE"},"c":{"NULL":"1"}}`, `{"a":{"BOOL":false},"b":{"BOOL":true},"c":{"NULL":true}}`},
		{"false null", `{"a":{"NULL":false}}`, `{"a":{"NULL":true}}`},
		{"31 maps", `{"a":` + strings.Repeat(`{"M":{"n":`, 31) + `{"S":"leaf"}` + strings.Repeat("}}", 31) + "}", `{"a":` + strings.Repeat(`{"M":{"n":`, 31) + `{"S":"leaf"}` + strings.Repeat("}}", 31) + "}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			it, _, err := value.DecodeItem(c.in, 0)
			if err != nil || it.Err() != nil {
				t.Fatal(err, it.Err())
			}
			if got := string(it.AppendJSON(nil)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			stored := it.AppendStored(nil)
			if back, err := value.ReadStored(string(stored)); err != nil || !back.Equal(it) {
				t.Errorf("stored and read: %v, %v", back, err)
			}
			if got, err := value.AppendStoredJSON(nil, stored); err != nil || string(got) != c.want {
				t.Errorf("stored as JSON: %s, %v", got, err)
			}
		})
	}
}

func TestRules(t *testing.T) {
	const (
		invalid    = "One or more parameter values were invalid: "
		notNumeric = "The parameter cannot be converted to a numeric value"
		empty      = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
		several    = "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
	)
	for _, c := range []struct{ in, older, current string }{
		{`{}`, empty, ""},
		{`null`, empty, ""},
		{`{"a":""}`, empty, ""},
		{`{"S":null}`, empty, ""},
		{`{"M":{"a":{}}}`, empty, ""},
		{`{"L":[{}]}`, empty, ""},
		{`{"L":[null]}`, empty, ""},
		{`{"S":"a","N":"1"}`, several, ""},
		{`{"S":"","N":""}`, notNumeric, notNumeric + ": "},
		{`{"N":"b","S":"a"}`, notNumeric + ": b", ""},
		{`{"NULL":"no"}`, invalid + "Null attribute value types must have the value of true", ""},
		{`{"SS":[]}`, invalid + "An string set  may not be empty", ""},
		{`{"NS":[]}`, invalid + "An number set  may not be empty", ""},
		{`{"BS":[]}`, invalid + "Binary sets should not be empty", ""},
		{`{"NS":["1",""]}`, notNumeric, notNumeric + ": "},
		{`{"NS":["1","b","a"]}`, notNumeric + ": b", ""},
		{`{"NS":["1","1.0"]}`, "Input collection contains duplicates", invalid + "Input collection contains duplicates."},
		{`{"SS":["b","a","b"]}`, invalid + "Input collection [b, a, b] contains duplicates.", invalid + `Input collection ["a", "b", "b"] contains duplicates.`},
		{`{"BS":["/w==","AA==","AA=="]}`, invalid + "Input collection [/w==, AA==, AA==]of type BS contains duplicates.", invalid + `Input collection ["AA==","/w==","AA=="]of type BS contains duplicates.`},
		{`{"BS":["AA==",null]}`, invalid + "Binary sets may not contain null or empty values", ""},
		{`{"N":"1e126"}`, number.ErrOverflow.Message, ""},
		{strings.Repeat(`{"M":{"n":`, 32) + `{"S":"leaf"}` + strings.Repeat("}}", 32), "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit", ""},
	} {
		t.Run(c.in[:min(len(c.in), 40)], func(t *testing.T) {
			it := item(t, `{"k":{"S":"x"},"v":`+c.in+`}`)
			if err := it.Err(); err == nil || err.Error() != c.older {
				t.Errorf("got  %v\nwant %v", err, c.older)
			}
			if c.current == "" {
				c.current = c.older
			}
			if err := it.ErrCurrent(); err == nil || err.Error() != c.current {
				t.Errorf("current: got  %v\nwant %v", err, c.current)
			}
		})
	}
	if err := item(t, `{"":{"S":"x"}}`).Err(); err == nil {
		t.Error("an empty attribute name is no error")
	}
}

func TestStartKey(t *testing.T) {
	for in, want := range map[string]string{
		`{}`:               "The provided starting key is invalid: Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
		`{"SS":[]}`:        "The provided starting key is invalid: One or more parameter values were invalid: An string set  may not be empty",
		`{"NS":[]}`:        "One or more parameter values were invalid: An number set  may not be empty",
		`{"N":"b"}`:        "The parameter cannot be converted to a numeric value: b",
		`{"SS":["a","a"]}`: "One or more parameter values were invalid: Input collection [a, a] contains duplicates.",
	} {
		if err := item(t, `{"a":`+in+`}`).StartKeyErr(); err == nil || err.Error() != want {
			t.Errorf("%s: %v", in, err)
		}
	}
	if err := item(t, `{"a":{"S":"x"}}`).StartKeyErr(); err != nil {
		t.Error(err)
	}
}

func TestManyMembers(t *testing.T) {
	var names, members []string
	for i := range 3000 {
		names = append(names, fmt.Sprintf(`"n%d":{"N":"%d"}`, (i*7)%3000, i))
		members = append(members, fmt.Sprintf(`"%d"`, i))
	}
	it := item(t, "{"+strings.Join(names, ",")+"}")
	if v, ok := it.Get("n7"); len(it) != 3000 || !ok || v.Text() != "1" {
		t.Errorf("%d attributes, n7 is %q", len(it), v.Text())
	}
	set, _, _ := value.DecodeValue(`{"NS":[`+strings.Join(members, ",")+`]}`, 0)
	half, _, _ := value.DecodeValue(`{"NS":[`+strings.Join(members[:1500], ",")+`,"-1"]}`, 0)
	if got := set.Union(half).Len(); got != 3001 {
		t.Errorf("union has %d", got)
	}
	if got := set.Difference(half).Len(); got != 1500 {
		t.Errorf("difference has %d", got)
	}
	again, _, _ := value.DecodeValue(`{"NS":[`+strings.Join(members, ",")+`,"1.0"]}`, 0)
	if again.Err() == nil {
		t.Error("a repeated member is no error")
	}
}

func TestShapes(t *testing.T) {
	const class = "class com.amazonaws.dynamodb.v20120810.AttributeValue"
	for _, c := range []struct{ in, want string }{
		{`23`, "Unexpected field type"},
		{`[]`, "Unrecognized collection type java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.AttributeValue>"},
		{`{"a":"23"}`, "Unexpected value type in payload"},
		{`{"a":34.56}`, "Unexpected value type in payload"},
		{`{"a":[]}`, "Unrecognized collection type " + class},
		{`{"a":{"S":true}}`, "TRUE_VALUE cannot be converted to String"},
		{`{"a":{"S":false}}`, "FALSE_VALUE cannot be converted to String"},
		{`{"a":{"N":23}}`, "NUMBER_VALUE cannot be converted to String"},
		{`{"a":{"N":34.56}}`, "DECIMAL_VALUE cannot be converted to String"},
		{`{"a":{"S":[]}}`, "Unrecognized collection type class java.lang.String"},
		{`{"a":{"S":{}}}`, "Start of structure or map found where not expected"},
		{`{"a":{"B":true}}`, "only base-64-encoded strings are convertible to bytes"},
		{`{"a":{"B":23}}`, "only base-64-encoded strings are convertible to bytes"},
		{`{"a":{"B":[]}}`, "Unrecognized collection type class java.nio.ByteBuffer"},
		{`{"a":{"B":{}}}`, "Start of structure or map found where not expected"},
		{`{"a":{"B":"23456"}}`, "Base64 encoded length is expected a multiple of 4 bytes but found: 5"},
		{`{"a":{"B":"=+/="}}`, "Invalid last non-pad Base64 character dectected"},
		{`{"a":{"B":"+/+="}}`, "Invalid last non-pad Base64 character dectected"},
		{`{"a":{"BOOL":"23"}}`, "Unexpected token received from parser"},
		{`{"a":{"BOOL":23}}`, "NUMBER_VALUE cannot be converted to Boolean"},
		{`{"a":{"NULL":34.56}}`, "DECIMAL_VALUE cannot be converted to Boolean"},
		{`{"a":{"NULL":[]}}`, "Unrecognized collection type class java.lang.Boolean"},
		{`{"a":{"BOOL":{}}}`, "Start of structure or map found where not expected"},
		{`{"a":{"SS":"23"}}`, "Unexpected field type"},
		{`{"a":{"NS":{}}}`, "Start of structure or map found where not expected"},
		{`{"a":{"SS":[23]}}`, "NUMBER_VALUE cannot be converted to String"},
		{`{"a":{"BS":[true]}}`, "only base-64-encoded strings are convertible to bytes"},
		{`{"a":{"L":true}}`, "Unexpected field type"},
		{`{"a":{"L":["23"]}}`, "Unexpected value type in payload"},
		{`{"a":{"L":[[]]}}`, "Unrecognized collection type " + class},
		{`{"a":{"M":-2147483648}}`, "Unexpected field type"},
		{`{"a":{"M":[]}}`, "Unrecognized collection type java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.AttributeValue>"},
		{`{"a":{"M":{"a":"23"}}}`, "Unexpected value type in payload"},
		{`{"a":{"S":"x"}`, ""},
		{`{"a":{"S":"x"},}`, ""},
		{`{"a" {"S":"x"}}`, ""},
		{`{"a":{"S":"x`, ""},
		{"{\"a\":{\"S\":\"\n\"}}", ""},
		{`{"a":{"S":"\x"}}`, ""},
		{`{"a":{"x":` + strings.Repeat("[", 5000), ""},
		{``, ""},
	} {
		t.Run(c.in[:min(len(c.in), 40)], func(t *testing.T) {
			_, _, err := value.DecodeItem(c.in, 0)
			if e, ok := errors.AsType[*value.ShapeError](err); !ok || e.Message != c.want {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	if _, _, err := value.DecodeField("23", 0); err == nil || err.Error() != "Unexpected field type" {
		t.Errorf("a field: %v", err)
	}
}

func TestSize(t *testing.T) {
	for in, want := range map[string]int{
		`{"a":{"S":"é"}}`:                         3,
		`{"ab":{"N":"-42"}}`:                      5,
		`{"a":{"B":"AAE="}}`:                      3,
		`{"a":{"BOOL":true},"b":{"NULL":true}}`:   4,
		`{"a":{"SS":["x","yz"]}}`:                 4,
		`{"a":{"L":[]}}`:                          4,
		`{"a":{"L":[{"S":"abc"},{"N":"1"}]}}`:     1 + 3 + 1 + 3 + 1 + 2,
		`{"a":{"M":{"k":{"S":"abc"}}}}`:           1 + 3 + 1 + 1 + 3,
		`{"a":{"M":{"k":{"M":{}},"l":{"L":[]}}}}`: 1 + 3 + 2*(1+1+3),
	} {
		if got := item(t, in).Size(); got != want {
			t.Errorf("Size(%s) = %d, want %d", in, got, want)
		}
	}
}

func TestEqual(t *testing.T) {
	var many, turned []value.Value
	for i := range 40 {
		many = append(many, value.String(fmt.Sprint(i)))
		turned = append(turned, value.String(fmt.Sprint(39-i)))
	}
	if !value.Equal(value.Set(value.SS, many), value.Set(value.SS, turned)) {
		t.Error("two large sets differ by order")
	}
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{`{"N":"1.0"}`, `{"N":"1"}`, true},
		{`{"S":"1"}`, `{"N":"1"}`, false},
		{`{"SS":["a","b"]}`, `{"SS":["b","a"]}`, true},
		{`{"SS":["a","b"]}`, `{"SS":["b","c"]}`, false},
		{`{"L":[{"S":"a"},{"S":"b"}]}`, `{"L":[{"S":"b"},{"S":"a"}]}`, false},
		{`{"M":{"a":{"NULL":true},"b":{"BOOL":true}}}`, `{"M":{"b":{"BOOL":true},"a":{"NULL":true}}}`, true},
		{`{"M":{"a":{"NULL":true}}}`, `{"M":{"b":{"NULL":true}}}`, false},
		{`{"BOOL":true}`, `{"BOOL":false}`, false},
	} {
		a, _, _ := value.DecodeValue(c.a, 0)
		b, _, _ := value.DecodeValue(c.b, 0)
		if got := value.Equal(a, b); got != c.want {
			t.Errorf("Equal(%s, %s) = %v", c.a, c.b, got)
		}
	}
}

func TestItem(t *testing.T) {
	var it value.Item
	for i := range 30 {
		it = it.With(fmt.Sprintf("n%02d", (i*7)%30), value.Bool(i%2 == 0))
	}
	before := string(it.AppendJSON(nil))
	for i := range 30 {
		name := fmt.Sprintf("n%02d", i)
		if _, ok := it.Get(name); !ok {
			t.Fatalf("%s is not there", name)
		}
		less := it.Without(name)
		if _, ok := less.Get(name); ok || len(less) != 29 {
			t.Fatalf("%s is still there", name)
		}
		more := it.With(name, value.Null())
		if v, _ := more.Get(name); v.Kind() != value.NULL || len(more) != 30 {
			t.Fatalf("%s is not replaced", name)
		}
	}
	if _, ok := it.Get("n"); ok {
		t.Error("a name that is not there was found")
	}
	if string(it.AppendJSON(nil)) != before {
		t.Error("the item was changed")
	}
}

func TestKeyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(rapid.Byte(), 0, 6)
		if rapid.Bool().Draw(t, "near zero") {
			texts = rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 2, 0xFF}), 0, 6)
		}
		a, b := value.Binary(string(texts.Draw(t, "a"))), value.Binary(string(texts.Draw(t, "b")))
		ka, kb := value.AppendKey(nil, a), value.AppendKey(nil, b)
		want, _ := value.Compare(a, b)
		if got := bytes.Compare(append(ka, 0), append(kb, 0xFF)); want != 0 && got != want {
			t.Fatalf("keys compare as %d, values as %d", got, want)
		}
		if want != 0 && (bytes.HasPrefix(ka, kb) || bytes.HasPrefix(kb, ka)) {
			t.Fatal("one key begins the other")
		}
		if begins := strings.HasPrefix(a.Text(), b.Text()); begins != bytes.HasPrefix(ka, value.AppendKeyPrefix(nil, b)) {
			t.Fatalf("begins_with: %v", begins)
		}
		back, rest, err := value.ReadKey(append(ka[:len(ka):len(ka)], "rest"...), value.B)
		if err != nil || back.Text() != a.Text() || string(rest) != "rest" {
			t.Fatalf("ReadKey: %q, %q, %v", back.Text(), rest, err)
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add(`{"a":{"M":{"b":{"L":[{"S":"x\u00e9"},{"N":"1e3"},{"NULL":true}]}}},"c":{"BS":["AA=="]}}`)
	f.Add(`{"a":{"SS":["x","x"]},"b":{"S":1}}`)
	f.Add(`{"a":{"x":[[[{"y":null}]]]}}`)
	f.Fuzz(func(t *testing.T, src string) {
		it, end, err := value.DecodeItem(src, 0)
		if err != nil || it.Err() != nil {
			return
		}
		if end > len(src) {
			t.Fatal("read past the end")
		}
		text := it.AppendJSON(nil)
		again, _, err := value.DecodeItem(string(text), 0)
		if err != nil || !again.Equal(it) {
			t.Fatalf("%s reads as %v, %v", text, again, err)
		}
		stored := it.AppendStored(nil)
		if back, err := value.ReadStored(string(stored)); err != nil || !back.Equal(it) {
			t.Fatalf("stored: %v, %v", back, err)
		}
		if direct, err := value.AppendStoredJSON(nil, stored); err != nil || !bytes.Equal(direct, text) {
			t.Fatalf("stored as JSON: %s, %v", direct, err)
		}
	})
}

func FuzzReadStored(f *testing.F) {
	f.Add([]byte{1, 0})
	it, _, _ := value.DecodeItem(`{"a":{"M":{"b":{"L":[{"S":"x"}]}}},"c":{"NS":["1","2"]},"d":{"BOOL":true}}`, 0)
	f.Add(it.AppendStored(nil))
	f.Fuzz(func(t *testing.T, src []byte) {
		it, err := value.ReadStored(string(src))
		text, errJSON := value.AppendStoredJSON(nil, src)
		if err == nil && (errJSON != nil || !bytes.Equal(text, it.AppendJSON(nil))) {
			t.Fatalf("%s, %v", text, errJSON)
		}
	})
}

var oneKB = func() string {
	it := value.Item{}.With("pk", value.String("user#12345")).With("sk", value.Integer(1700000000)).
		With("name", value.String("Grace Hopper")).With("text", value.String(strings.Repeat("lorem ipsum ", 60))).
		With("tags", value.Set(value.SS, []value.Value{value.String("a"), value.String("b")})).
		With("meta", value.Map(value.Item{}.With("age", value.Integer(7)).With("on", value.Bool(true)))).
		With("list", value.List(value.String("x"), value.Integer(2), value.Null()))
	return string(it.AppendJSON(nil))
}()

func BenchmarkDecodeItem(b *testing.B) {
	b.SetBytes(int64(len(oneKB)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := value.DecodeItem(oneKB, 0); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendStored(b *testing.B) {
	it := item(b, oneKB)
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = it.AppendStored(dst[:0])
	}
}

func BenchmarkReadStored(b *testing.B) {
	src := string(item(b, oneKB).AppendStored(nil))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := value.ReadStored(src); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendStoredJSON(b *testing.B) {
	src := item(b, oneKB).AppendStored(nil)
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if dst, err = value.AppendStoredJSON(dst[:0], src); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	it := item(b, oneKB)
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = it.AppendJSON(dst[:0])
	}
}
