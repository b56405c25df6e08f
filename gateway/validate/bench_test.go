package validate_test

import (
	"fmt"
	"strings"
	"testing"
)

// order is a schema of 20 properties and a message of 1 KB that satisfies it.
func order() (schema, body string) {
	var properties, required, members []string
	for i := range 20 {
		name := fmt.Sprintf("property%02d", i)
		required = append(required, `"`+name+`"`)
		switch i % 5 {
		case 0:
			properties = append(properties, `"`+name+`":{"type":"string","minLength":1,"maxLength":100}`)
			members = append(members, `"`+name+`":"`+strings.Repeat("text ", 18)+`"`)
		case 1:
			properties = append(properties, `"`+name+`":{"type":"integer","minimum":0}`)
			members = append(members, `"`+name+`":1234`)
		case 2:
			properties = append(properties, `"`+name+`":{"type":"string","enum":["new","paid","sent"]}`)
			members = append(members, `"`+name+`":"paid"`)
		case 3:
			properties = append(properties, `"`+name+`":{"type":"array","items":{"type":"string"}}`)
			members = append(members, `"`+name+`":["one of some","two of them","and three"]`)
		case 4:
			properties = append(properties, `"`+name+`":{"type":"object","properties":{"city":{"type":"string"},"zip":{"type":"string"}}}`)
			members = append(members, `"`+name+`":{"city":"Springfield","zip":"12345-6789"}`)
		}
	}
	schema = `{"type":"object","properties":{` + strings.Join(properties, ",") + `},"required":[` + strings.Join(required, ",") + `]}`
	return schema, `{` + strings.Join(members, ",") + `}`
}

func BenchmarkValidate(b *testing.B) {
	schema, body := order()
	c := check(b, schema)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if err := run(c, body); err != nil {
			b.Fatal(err)
		}
	}
}
