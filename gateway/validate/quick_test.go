package validate

import (
	"strings"
	"testing"
)

const everyday = `{"type":"object","required":["s","n"],"additionalProperties":false,"properties":{
	"s":{"type":"string","minLength":2,"maxLength":4,"pattern":"^[a-zé]+$"},"n":{"type":"integer","minimum":0,"maximum":10,"exclusiveMaximum":true},
	"f":{"type":"number"},"e":{"enum":["a","b"]},"m":{"format":"ipv4"},"l":{"type":"array","items":{"$ref":"#"},"maxItems":1},
	"o":{"additionalProperties":{"type":["boolean","null"]}},"x":{}}}`

func prepare(t testing.TB, schema string) (*model, error) {
	t.Helper()
	c := newCompiler(otherModels{})
	doc, err := readSchema(schema)
	if err != nil {
		return nil, err
	}
	if err := c.AddResource("https://x/", doc); err != nil {
		return nil, err
	}
	return compileModel(c, "https://x/")
}

// TestQuick sees to it that everyday messages do not need the library, and that everything else does.
func TestQuick(t *testing.T) {
	m, err := prepare(t, everyday)
	if err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]bool{
		`{"s":"ab","n":0}`: true, `{"s":"abéd","n":9,"f":1.50,"e":"b","m":"1.2.3.4","l":[{"s":"xy","n":1}],"o":{"a":true,"b":null},"x":[1.5,"\n",{}]}`: true,
		`{"s":"a","n":0}`: false, `{"s":"abcde","n":0}`: false, `{"s":"a1","n":0}`: false, `{"s":"ab"}`: false, `{"s":"ab","n":10}`: false, `{"s":"ab","n":-1}`: false,
		`{"s":"ab","n":1.0}`: false, `{"s":"ab","n":1,"f":1e2}`: false, `{"s":"ab","n":1,"e":"c"}`: false, `{"s":"ab","n":1,"e":1}`: false,
		`{"s":"ab","n":1,"m":"1.2"}`: false, `{"s":"ab","n":1,"l":[{}]}`: false, `{"s":"ab","n":1,"o":{"a":1}}`: false, `{"s":"ab","n":1,"y":1}`: false,
		`{"s":"ab","n":1,"l":[{"s":"xy","n":1},{"s":"xy","n":1}]}`: false, `[]`: false, `{"\u0073":"ab","n":1}`: false,
	} {
		d, err := newDecoder([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if got := m.quick.accepts(&d, m.maxDepth); got != want {
			t.Errorf("%s: %v", body, got)
		}
		if want && d.pos != len(body) {
			t.Errorf("%s: stopped at %d", body, d.pos)
		}
	}
}

// FuzzQuick holds what quick accepts against the library's verdict.
func FuzzQuick(f *testing.F) {
	for _, schema := range []string{
		everyday, `{}`, `{"type":"number","minimum":-5,"exclusiveMinimum":true}`, `{"enum":["a",1]}`, `{"required":["a"],"additionalProperties":false}`,
		`{"properties":{"a":{"minimum":1.5},"b":{"maximum":1e30}},"required":["b","c"]}`, `{"type":["array","null"],"minItems":1,"items":{"type":"integer"}}`,
		`{"properties":{"a":{"$ref":"#/definitions/d","type":"null"}},"definitions":{"d":{"not":{"type":"string"}}}}`, `{"minProperties":2}`,
		`{"items":{"format":"date-time"}}`, `{"items":[{"type":"string"}],"additionalItems":false}`,
	} {
		for _, body := range []string{
			`{"s":"ab","n":0,"l":[]}`, `{"a":1,"b":2,"c":"x","a":"y"}`, `[1,-2,3.0,"2026-01-02T03:04:05Z"]`, `{"s":"\u0061b","n":-0}`, `-5`, `null`, `"a"`,
		} {
			f.Add(schema, body)
		}
	}
	f.Fuzz(func(t *testing.T, schema, body string) {
		m, err := prepare(t, schema)
		if err != nil {
			return
		}
		d, err := newDecoder([]byte(body))
		if err != nil {
			return
		}
		walk := d
		if !m.quick.accepts(&walk, m.maxDepth) {
			return
		}
		if strings.Trim(d.text[walk.pos:], " \t\r\n") != "" {
			t.Errorf("stopped in %q at %d", body, walk.pos)
		}
		message, err := d.decode(m.maxDepth)
		if err != nil {
			t.Fatalf("accepted %q: %v", body, err)
		}
		if err := m.schema.Validate(message); err != nil {
			t.Errorf("accepted %q under %s: %v", body, schema, err)
		}
	})
}

// TestLevels counts the levels of a schema that contains itself in many places, none of them twice in one.
func TestLevels(t *testing.T) {
	s, err := newCompiler(refuseAll{}).Compile("http://json-schema.org/draft-04/schema")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := levels(s); err != nil || n != maxDepth {
		t.Errorf("the meta-schema takes %d levels, %v", n, err)
	}
}
