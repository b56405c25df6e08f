package validate_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/validate"
)

func FuzzValidate(f *testing.F) {
	schema, body := order()
	for _, s := range []string{
		schema, `{}`, `{"type":["integer","null"]}`, `{"$ref":"#/definitions/a","definitions":{"a":{"items":{"$ref":"#"}}}}`, `{"$ref":"#"}`,
		`{"allOf":[{"properties":{"a":{"$ref":"#"}}},{"properties":{"a":{"$ref":"#"}}}]}`, `{"oneOf":[{"minimum":1},{"not":{"pattern":"^x"}}]}`,
		`{"dependencies":{"a":["b"],"b":{"maxProperties":1}},"additionalProperties":false,"patternProperties":{"^p":{"format":"date-time"}}}`,
		`{"items":[{"enum":[1,"x",null]}],"additionalItems":{"multipleOf":0.01},"uniqueItems":true}`, `{"id":"http://x/","$ref":"y"}`,
		`{"$schema":"http://json-schema.org/draft-07/schema#","const":1}`, `{"minimum":1e300,"exclusiveMinimum":true}`, `{"$ref":"%zz"}`,
	} {
		f.Add(s, body)
		f.Add(s, `{"a":{"a":{"a":[1,1.0,"x"]}},"b":1e999,"p":"\ud800"}`)
		f.Add(s, `[[1,2],[1,2.0],"`+strings.Repeat("x", 50)+`",-0]`)
	}
	f.Fuzz(func(t *testing.T, schema, body string) {
		checkErr := validate.CheckSchema(schema)
		set, err := validate.Compile([]sockgate.Model{{Name: "M", Schema: schema}}, "abcdef1234", "us-east-1")
		if err != nil {
			if sockgate.KindOf(err) != sockgate.Invalid {
				t.Errorf("the error %v is not Invalid", err)
			}
			return
		}
		if checkErr != nil {
			t.Errorf("compiled although CheckSchema said %v", checkErr)
		}
		c, err := validate.ForRoute(set, "x", map[string]string{"x": "M"})
		if err != nil {
			t.Fatal(err)
		}
		err = run(c, body)
		if err == nil {
			if !json.Valid([]byte(body)) {
				t.Errorf("%q passed and is no JSON", body)
			}
			return
		}
		e, ok := errors.AsType[*sockgate.Error](err)
		if !ok || e.Kind != sockgate.Invalid || e.Cause == nil || len(e.Cause.Error()) > 5000 {
			t.Errorf("failed with %#v", err)
		}
	})
}

// FuzzDecode compares the verdict on any JSON with that of the standard library.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{`{"a":[1,-2.5e3,"x\n\u00e9",true,false,null,{}]}`, `[`, `"\ud83d\ude00"`, ` 1 `, `{"a":1,"a":2}`, `01`, "\"\x01\""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		var v any
		d := json.NewDecoder(strings.NewReader(body))
		d.UseNumber()
		if d.Decode(&v) != nil || !json.Valid([]byte(body)) || strings.Contains(strings.ToLower(body), "e") || strings.Contains(body, "\ufffd") {
			return
		}
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\ufffd") {
			return
		}
		c := check(t, `{"enum":[`+string(text)+`]}`)
		if err := run(c, body); err != nil && len(text) < 10000 && strings.Count(body, "[")+strings.Count(body, "{") < 300 {
			t.Errorf("%q is not itself: %v", body, err)
		}
	})
}
