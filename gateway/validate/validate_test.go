package validate_test

import (
	"errors"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/validate"
)

var update = flag.Bool("update", false, "rewrite the results in testdata")

// message is one message, for expressions that read it.
type message string

func (m message) Body() []byte                 { return []byte(m) }
func (m message) Lookup(string) (string, bool) { return "", false }

func check(t testing.TB, schema string) *validate.Check {
	t.Helper()
	set, err := validate.Compile([]sockgate.Model{{Name: "M", Schema: schema}}, "abcdef1234", "us-east-1")
	if err != nil {
		t.Fatal(err)
	}
	c, err := validate.ForRoute(set, "static", map[string]string{"static": "M"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func run(c *validate.Check, body string) error { return c.Validate(message(body), []byte(body)) }

// report is the cause of a failure: what $context.error.validationErrorString says.
func report(t testing.TB, err error) string {
	t.Helper()
	e, ok := errors.AsType[*sockgate.Error](err)
	if !ok || e.Kind != sockgate.Invalid || e.Message != "Invalid request body" || e.Cause == nil {
		t.Fatalf("not the error of a failed validation: %#v", err)
	}
	return e.Cause.Error()
}

func TestReport(t *testing.T) {
	const file = "testdata/report.txt"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	schema := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		body, _, isCase := strings.Cut(line, " => ")
		switch {
		case strings.HasPrefix(line, "< "):
			schema = line[2:]
		case schema != "" && isCase:
			line = body + " => "
			if err := run(check(t, schema), body); err != nil {
				line += report(t, err)
			} else {
				line += "ok"
			}
		}
		got.WriteString(line + "\n")
	}
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(text), got.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestSelection(t *testing.T) {
	set, err := validate.Compile([]sockgate.Model{
		{Name: "A", Schema: `{"required":["a"]}`}, {Name: "B", Schema: `{"required":["b"]}`},
	}, "abcdef1234", "us-east-1")
	if err != nil {
		t.Fatal(err)
	}
	withDefault := map[string]string{"x": "A", "$default": "B"}
	tests := map[string]struct {
		expression string
		models     map[string]string
		body       string
		want       string // "" when the message passes
	}{
		"model of the value":          {"$request.body.t", withDefault, `{"t":"x","a":1}`, ""},
		"model of the value fails":    {"$request.body.t", withDefault, `{"t":"x","b":1}`, `[object has missing required properties (["a"])]`},
		"default":                     {"$request.body.t", withDefault, `{"t":"y","b":1}`, ""},
		"default without value":       {"$request.body.t", withDefault, `{"b":1}`, ""},
		"default fails":               {"$request.body.t", withDefault, `{"t":"y"}`, `[object has missing required properties (["b"])]`},
		"no match and no default":     {"$request.body.t", map[string]string{"x": "A"}, `{"t":"y"}`, `[no model for the selection value "y"]`},
		"no models":                   {"$request.body.t", nil, `{"t":"y"}`, `[no model for the selection value "y"]`},
		"not JSON":                    {"$request.body.t", withDefault, `hello`, `[request body is no acceptable JSON: it is malformed]`},
		"empty":                       {"$request.body.t", withDefault, ``, `[request body is no acceptable JSON: it is malformed]`},
		"static":                      {"x", withDefault, `{"a":1}`, ""},
		"two documents":               {"x", withDefault, `{"a":1} {}`, `[request body is no acceptable JSON: it is malformed]`},
		"any path":                    {"$request.body.l[-1]", withDefault, `{"l":["y","x"],"a":1}`, ""},
		"no expression, no check":     {"", withDefault, `hello`, ""},
		"array where objects belong":  {"x", withDefault, `[1]`, ""},
		"not UTF-8":                   {"x", withDefault, "{\"a\":\"\xff\"}", `[request body is no acceptable JSON: it is malformed]`},
		"last of two members":         {"$request.body.t", withDefault, `{"t":"y","t":"x","a":1}`, ""},
		"default expression, default": {"$default", withDefault, `{"b":1}`, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c, err := validate.ForRoute(set, tt.expression, tt.models)
			if err != nil {
				t.Fatal(err)
			}
			err = run(c, tt.body)
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("failed: %v", err)
			case tt.want != "" && err == nil:
				t.Error("passed")
			case tt.want != "" && report(t, err) != tt.want:
				t.Errorf("got %s, want %s", report(t, err), tt.want)
			}
		})
	}
	for name, tt := range map[string]struct{ expression, model string }{
		"unknown model": {"$request.body.t", "C"}, "malformed expression": {"${request", "A"},
	} {
		if _, err := validate.ForRoute(set, tt.expression, map[string]string{"x": tt.model}); err == nil || sockgate.KindOf(err) != sockgate.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

const address = "https://apigateway.eu-west-1.amazonaws.com/restapis/abcdef1234/models/"

func TestReferences(t *testing.T) {
	models := []sockgate.Model{
		{Name: "Order", Schema: `{"type":"object","properties":{"item":{"$ref":"` + address + `Item"},"count":{"$ref":"` + address + `Item#/definitions/count"}}}`},
		{Name: "Item", Schema: `{"type":"object","required":["name"],"definitions":{"count":{"type":"integer"}},
			"properties":{"parts":{"type":"array","items":{"$ref":"#"}},"order":{"$ref":"` + address + `Order"}}}`},
	}
	set, err := validate.Compile(models, "abcdef1234", "eu-west-1")
	if err != nil {
		t.Fatal(err)
	}
	c, err := validate.ForRoute(set, "x", map[string]string{"x": "Order"})
	if err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]bool{
		`{"item":{"name":"a"}}`: true,
		`{"item":{}}`:           false,
		`{"count":1}`:           true,
		`{"count":"1"}`:         false,
		`{"item":{"name":"a","parts":[{"name":"b","parts":[{}]}]}}`: false,
		`{"item":{"name":"a","order":{"item":{"name":"b"}}}}`:       true,
		`{"item":{"name":"a","order":{"item":{}}}}`:                 false,
	} {
		if err := run(c, body); (err == nil) != want {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	doubling := `{"definitions":{"a00":{"type":"object"}`
	for i := range 30 {
		doubling += `,"a` + itoa(i+1) + `":{"allOf":[{"$ref":"#/definitions/a` + itoa(i) + `"},{"$ref":"#/definitions/a` + itoa(i) + `"}]}`
	}
	doubling += `},"$ref":"#/definitions/a30"}`
	tests := map[string]struct{ schema, want string }{
		"not JSON":           {`{`, `it is malformed`},
		"not an object":      {`[]`, `a schema must be a JSON object`},
		"wrong type":         {`{"type":"strin"}`, `at '/type'`},
		"later draft":        {`{"minimum":1,"exclusiveMinimum":5}`, `at '/exclusiveMinimum'`},
		"remote reference":   {`{"$ref":"https://example.com/schema.json"}`, `references to other places are refused`},
		"file reference":     {`{"$ref":"file:///etc/passwd"}`, `references to other places are refused`},
		"relative reference": {`{"$ref":"other"}`, `references to other places are refused`},
		"missing definition": {`{"$ref":"#/definitions/x"}`, `definitions/x`},
		"look-ahead":         {`{"pattern":"a(?=b)"}`, `a(?=b)`},
		"endless reference":  {`{"$ref":"#"}`, `leads back to itself without end`},
		"endless in anyOf":   {`{"anyOf":[{"type":"null"},{"$ref":"#"}]}`, `leads back to itself without end`},
		"too long":           {`{"description":"` + strings.Repeat("a", 32<<10) + `"}`, `longer than 32768 bytes`},
		"too deep":           {strings.Repeat(`{"not":`, 401) + `{}` + strings.Repeat(`}`, 401), `nested too deeply`},
		"doubling":           {doubling, `combines too many others`},
		"huge number":        {`{"minimum":1e99999999}`, `exponent`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := validate.Compile([]sockgate.Model{{Name: "Fine", Schema: `{}`}, {Name: "Bad", Schema: tt.schema}}, "abcdef1234", "us-east-1")
			if err == nil || sockgate.KindOf(err) != sockgate.Invalid || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), `model "Bad": `) {
				t.Errorf("Compile: %v", err)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("several lines: %v", err)
			}
			if err := validate.CheckSchema(tt.schema); err == nil || sockgate.KindOf(err) != sockgate.Invalid || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("CheckSchema: %v", err)
			}
		})
	}
	if err := validate.CheckSchema(`{"$schema":"http://json-schema.org/draft-04/schema#","properties":{"a":{"$ref":"` + address + `Other"}}}`); err != nil {
		t.Errorf("a reference to another model: %v", err)
	}
	if err := validate.CheckSchema(`{"$ref":"http://json-schema.org/draft-04/schema#"}`); err != nil {
		t.Errorf("a reference to the meta-schema: %v", err)
	}
}

func itoa(i int) string { return string([]byte{'0' + byte(i/10), '0' + byte(i%10)}) }

func TestNesting(t *testing.T) {
	nested := func(n int) string { return strings.Repeat(`{"a":`, n) + `{}` + strings.Repeat(`}`, n) }
	linear := check(t, `{"properties":{"a":{"$ref":"#"}}}`)
	if err := run(linear, nested(399)); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	if err := run(linear, nested(400)); err == nil || !strings.Contains(report(t, err), "nested too deeply") {
		t.Errorf("over the limit: %v", err)
	}
	// Both branches look into the same member, so that each level doubles the work.
	doubling := check(t, `{"allOf":[{"properties":{"a":{"$ref":"#"}}},{"properties":{"a":{"$ref":"#"}}}]}`)
	if err := run(doubling, nested(8)); err != nil {
		t.Errorf("a few levels: %v", err)
	}
	if err := run(doubling, nested(300)); err == nil || !strings.Contains(report(t, err), "nested too deeply") {
		t.Errorf("many doubling levels: %v", err)
	}
	// Branches that look into different members do not add up.
	filter := check(t, `{"oneOf":[{"properties":{"and":{"items":{"$ref":"#"}}},"required":["and"]},
		{"properties":{"not":{"$ref":"#"}},"required":["not"]},{"required":["leaf"]}]}`)
	if err := run(filter, strings.Repeat(`{"not":`, 100)+`{"leaf":1}`+strings.Repeat(`}`, 100)); err != nil {
		t.Errorf("a tree of alternatives: %v", err)
	}
}

func TestNumbers(t *testing.T) {
	c := check(t, `{"items":{"minimum":9007199254740993,"maximum":9007199254740993.0}}`)
	for body, want := range map[string]bool{
		`[9007199254740993]`: true, `[9007199254740992]`: false, `[9007199254740994]`: false, `[9007199254740993.00000000000000000001]`: false,
		`[9.007199254740993e15]`: true, `[1e1000000000]`: false, `[1e99999999999999999999]`: false, `[-1e-1001]`: false, `["x"]`: true,
	} {
		if err := run(c, body); (err == nil) != want {
			t.Errorf("%s: %v", body, err)
		}
	}
	many := "[" + strings.TrimSuffix(strings.Repeat("1e1000,", 15000), ",") + "]"
	if err := run(check(t, `{"items":{"multipleOf":0.1}}`), many); err != nil {
		t.Error(err)
	}
	long := report(t, run(check(t, `{"items":{"maximum":1}}`), many))
	if len(long) > 5000 {
		t.Errorf("a report of %d bytes", len(long))
	}
}
