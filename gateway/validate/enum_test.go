package validate_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/validate"
)

func TestEnumComparesByValue(t *testing.T) {
	c := check(t, `{"items":{"enum":[1,-0.50,1e3,"1",null,true,[1,{"a":2.0}],{"b":[],"a":""}]}}`)
	for _, tt := range []struct {
		name, item string
		ok         bool
	}{
		{"integer", `1`, true}, {"the same spelled otherwise", `1.0`, true}, {"exponent", `100e-2`, true}, {"fraction", `-5e-1`, true},
		{"expanded exponent", `1000`, true}, {"zero that is not there", `-0`, false}, {"text", `"1"`, true}, {"escaped text", `"\u0031"`, true},
		{"null", `null`, true}, {"text null", `"null"`, false}, {"true", `true`, true}, {"false", `false`, false},
		{"array", `[1.0,{"a":2}]`, true}, {"shorter array", `[1]`, false}, {"members in another order", `{"a":"","b":[]}`, true},
		{"one member more", `{"a":"","b":[],"c":1}`, false}, {"a text that looks like two", `"1\",\"true"`, false},
	} {
		if err := run(c, `[`+tt.item+`]`); (err == nil) != tt.ok {
			t.Errorf("%s: %s: %v, want ok = %v", tt.name, tt.item, err, tt.ok)
		}
	}
}

// TestALongEnumAndALongArray would take half a minute and hundreds of megabytes if each item were compared with each value, and each
// failure were told.
func TestALongEnumAndALongArray(t *testing.T) {
	list := func(n, sign int) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(",[" + strconv.Itoa(sign*(i+1)) + "]")
		}
		return "[" + b.String()[1:] + "]"
	}
	c := check(t, `{"items":{"enum":`+list(3000, -1)+`}}`)
	err := run(c, list(14_000, 1))
	if got := report(t, err); !strings.HasPrefix(got, "[instance value ([1]") && !strings.Contains(got, "not found in enum") || len(got) > 5000 {
		t.Errorf("%d bytes: %.100s", len(got), got)
	}
	if err := run(c, list(3000, -1)); err != nil {
		t.Errorf("all values of the enum: %v", err)
	}
}

func TestCompileSound(t *testing.T) {
	set := validate.CompileSound([]sockgate.Model{
		{Name: "Fine", Schema: `{"required":["a"]}`}, {Name: "Bad", Schema: `{"pattern":"(?=x)"}`}, {Name: "NoJSON", Schema: `{`},
		{Name: "Refers", Schema: `{"$ref":"https://apigateway.us-east-1.amazonaws.com/restapis/abcdef1234/models/NoJSON"}`},
	}, "abcdef1234", "us-east-1")
	c, err := validate.ForRoute(set, "$request.body.m", map[string]string{"f": "Fine", "b": "Bad", "n": "NoJSON", "r": "Refers"})
	if err != nil {
		t.Fatal(err)
	}
	if err := run(c, `{"m":"f","a":1}`); err != nil {
		t.Errorf("the sound model: %v", err)
	}
	for m, name := range map[string]string{"b": "Bad", "n": "NoJSON", "r": "Refers"} {
		if got := report(t, run(c, `{"m":"`+m+`"}`)); !strings.Contains(got, `model "`+name+`" cannot be used`) {
			t.Errorf("%s: %s", name, got)
		}
	}
	if _, err := validate.ForRoute(set, "x", map[string]string{"x": "None"}); err == nil {
		t.Error("a model that does not exist was taken")
	}
}
