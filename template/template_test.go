package template_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/sockgate/sockgate/template"
)

func bind(t *testing.T, source string, params map[string]string) *template.Bound {
	t.Helper()
	parsed, err := template.Parse("t.yaml", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	b, err := parsed.Bind(params, env())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const table = "Resources:\n  T: {Type: AWS::DynamoDB::Table}\n"

func TestParseLimits(t *testing.T) {
	many := func(n int, line string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, line, i)
		}
		return b.String()
	}
	tests := []struct{ name, source, want string }{
		{"size", table + "#" + strings.Repeat("x", 1<<20), "over 1 MB"},
		{"resources", "Resources:\n" + many(501, "  R%d: {Type: \"A::B\"}\n"), "Number of resources, 501, is greater than maximum allowed, 500"},
		{"parameters", "Parameters:\n" + many(201, "  P%d: {Type: String}\n") + table, "over 200 parameters"},
		{"mappings", "Mappings:\n" + many(201, "  M%d: {a: {b: c}}\n") + table, "over 200 mappings"},
		{"outputs", table + "Outputs:\n" + many(201, "  O%d: {Value: x}\n"), "over 200 outputs"},
		{"name", "Resources:\n  " + strings.Repeat("a", 256) + ": {Type: \"A::B\"}\n", "over 255 characters"},
		{"encoding", "Resources:\n  T: {Type: \"A::\xff\"}\n", "t.yaml:2:17: the template is not UTF-8"},
		{"aliases", "Metadata:\n  a: &a [" + strings.Repeat("x,", 400) + "x]\n  b: [" + strings.Repeat("*a,", 600) + "x]\n" + table, "too many parts"},
		{"keys", table + "Metadata:\n" + many(5001, "  k%d: v\n"), "an object with over 5000 keys"},
		{"line", table + "Metadata: {a: \"" + strings.Repeat("x", 33<<10) + "\"}\n", "t.yaml:3:1: a line of over 32 KB"},
		{"empty lines", table + strings.Repeat("\n", 1001), "t.yaml:1003:1: over 1000 empty lines in a row"},
		{"json parts", `{"Metadata": [` + strings.Repeat("1,", 200_001) + `1], "Resources": {}}`, "too many parts"},
		{"faults", "Resources:\n" + many(400, "  R%d: {}\n"), "must contain a Type"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := template.Parse("t.yaml", []byte(test.source))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %.300v, want %q", err, test.want)
			}
			if n := strings.Count(err.Error(), "\n"); n >= 50 {
				t.Errorf("%d errors are told of at once", n+1)
			}
		})
	}
}

// What a short template may ask for when its values are put together is bounded too.
func TestEvaluationLimit(t *testing.T) {
	long := strings.Repeat("x", 4096)
	var refs strings.Builder
	for range 5000 {
		refs.WriteString("${P}")
	}
	source := "Parameters:\n  P: {Type: String}\n" + table + "Outputs:\n  O: {Value: !Sub \"" + refs.String() + "\"}\n"
	parsed, err := template.Parse("t.yaml", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parsed.Bind(map[string]string{"P": long}, env()); err == nil || !strings.Contains(err.Error(), "over 16 MB of text") {
		t.Errorf("got %.200v", err)
	}
	if _, err := parsed.Bind(map[string]string{"P": long + "x"}, env()); err == nil || !strings.Contains(err.Error(), "at most 4096 bytes") {
		t.Errorf("got %.200v", err)
	}
}

func TestErrorsAreJoinedInOrder(t *testing.T) {
	_, err := template.Parse("t.yaml", []byte("Outputs:\n  O: {}\nResources:\n  B: {Properties: [a]}\n"))
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("%T is not joined", err)
	}
	var places []int
	for _, e := range joined.Unwrap() {
		fault, ok := errors.AsType[*template.Error](e)
		if !ok || fault.File != "t.yaml" {
			t.Fatalf("%#v", e)
		}
		places = append(places, fault.Line*100+fault.Column)
	}
	if want := []int{203, 403, 419}; !reflect.DeepEqual(places, want) {
		t.Errorf("got %v, want %v", places, want)
	}
}

func TestPlaces(t *testing.T) {
	b := bind(t, `Resources:
  T:
    Type: AWS::DynamoDB::Table
    Properties:
      Name: x
      List:
        - a
        - Key: !Ref AWS::Region
      Fn: !Join
        - ""
        - [a]
`, nil)
	r := b.Resources[0]
	tests := []struct {
		path                    string
		line, column            int
		keyLine, keyColumnStart int
	}{
		{"", 5, 7, 5, 7},
		{"Name", 5, 13, 5, 7},
		{"List", 7, 9, 6, 7},
		{"List/0", 7, 11, 7, 11},
		{"List/1/Key", 8, 16, 8, 11},
		{"List/9/Key", 7, 9, 7, 9},
		{"Fn", 9, 11, 9, 7},
		{"Nothing", 5, 7, 5, 7},
	}
	for _, test := range tests {
		var path []string
		if test.path != "" {
			path = strings.Split(test.path, "/")
		}
		if line, column := r.Place(path...); line != test.line || column != test.column {
			t.Errorf("Place(%s) = %d:%d, want %d:%d", test.path, line, column, test.line, test.column)
		}
		if line, column := r.KeyPlace(path...); line != test.keyLine || column != test.keyColumnStart {
			t.Errorf("KeyPlace(%s) = %d:%d, want %d:%d", test.path, line, column, test.keyLine, test.keyColumnStart)
		}
	}
}

// refusing is a scope whose resources lack an attribute.
type refusing struct{ known }

func (refusing) GetAtt(id, attribute string) (any, bool) {
	return fmt.Errorf("%s has no attribute %s", id, attribute), true
}

func TestScope(t *testing.T) {
	b := bind(t, "Resources:\n  A: {Type: \"A::B\"}\n  B: {Type: \"A::B\", Properties: {Ref: !Ref A, Att: !GetAtt A.Arn, Text: !Sub \"x ${A.Arn}\", List: !Join [\",\", [a, !Ref A]]}}\n", nil)
	all := b.Resources[1]

	got, err := all.Properties(nil)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"Ref": template.Unknown{ID: "A"}, "Att": template.Unknown{ID: "A", Attribute: "Arn"},
		"Text": template.Unknown{ID: "A", Attribute: "Arn"}, "List": template.Unknown{ID: "A"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("nothing is known: got %v, want %v", got, want)
	}

	got, err = all.Properties(known{"A": "a-1", "A.Arn": "arn:a"})
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]any{"Ref": "a-1", "Att": "arn:a", "Text": "x arn:a", "List": "a,a-1"}; !reflect.DeepEqual(got, want) {
		t.Errorf("all is known: got %v, want %v", got, want)
	}

	_, err = all.Properties(refusing{known{"A": "a-1"}})
	if err == nil || !strings.HasPrefix(err.Error(), "t.yaml:3:51: A has no attribute Arn\nt.yaml:3:75: A has no") {
		t.Errorf("an error of the scope has no place: %v", err)
	}
}

func TestBoundFacts(t *testing.T) {
	b := bind(t, "Parameters:\n  Secret: {Type: String, NoEcho: true}\n  N: {Type: Number, Default: 1.50}\nConditions: {C: !Equals [!Ref N, \"1.50\"]}\n"+table, map[string]string{"Secret": "s"})
	if want := map[string]any{"Secret": "s", "N": json.Number("1.50")}; !reflect.DeepEqual(b.Parameters, want) {
		t.Errorf("parameters %v, want %v", b.Parameters, want)
	}
	if !b.NoEcho["Secret"] || b.NoEcho["N"] {
		t.Errorf("NoEcho %v", b.NoEcho)
	}
	if !b.Conditions["C"] {
		t.Errorf("conditions %v", b.Conditions)
	}
}

// New code makes a new version and a new layer; the same code does not.
func TestCodeHash(t *testing.T) {
	const source = `Transform: AWS::Serverless-2016-10-31
Resources:
  L: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: layer}}
  F: {Type: AWS::Serverless::Function, Properties: {CodeUri: code, Role: r, AutoPublishAlias: live, Layers: [!Ref L]}}
`
	ids := func(hash func(string) string) (all string) {
		parsed, err := template.Parse("t.yaml", []byte(source))
		if err != nil {
			t.Fatal(err)
		}
		e := env()
		e.CodeHash = hash
		b, err := parsed.Bind(nil, e)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range b.Resources {
			all += r.ID + " "
		}
		return all
	}
	one, two := func(uri string) string { return uri + "1" }, func(uri string) string { return uri + "2" }
	first, again, other := ids(one), ids(one), ids(two)
	if first != again {
		t.Errorf("the same code: %s, then %s", first, again)
	}
	if first == other {
		t.Errorf("other code: the same ids %s", first)
	}
	if without := ids(nil); without == first {
		t.Errorf("without hashes: %s", without)
	}
}

func TestConcurrentUse(t *testing.T) {
	parsed, err := template.Parse("t.yaml", []byte("Parameters: {P: {Type: String}}\nConditions: {C: !Equals [!Ref P, a]}\nResources:\n  A: {Type: \"A::B\", Properties: {X: !If [C, !Ref P, no], Y: !Sub \"${P} ${B}\"}}\n  B: {Type: \"A::B\"}\n"))
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			p := string(rune('a' + i))
			b, err := parsed.Bind(map[string]string{"P": p}, env())
			if err != nil {
				t.Error(err)
				return
			}
			var inner sync.WaitGroup
			for range 4 {
				inner.Go(func() {
					got, err := b.Resources[0].Properties(known{"B": "b"})
					if err != nil || got["Y"] != p+" b" {
						t.Errorf("%v, %v", got, err)
					}
				})
			}
			inner.Wait()
		})
	}
	all.Wait()
}

func TestNearest(t *testing.T) {
	for name, want := range map[string]string{"TableNme": "TableName", "tablename": "TableName", "Colour": "", "TableName": "TableName"} {
		if got := template.Nearest(name, []string{"BillingMode", "TableName"}); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
}
