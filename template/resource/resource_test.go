package resource_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sockgate/sockgate/template"
	"github.com/sockgate/sockgate/template/resource"
)

// TestTypes looks at the tables themselves.
func TestTypes(t *testing.T) {
	names := resource.Names()
	if len(names) < 27 || len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("%d types, or one twice: %v", len(names), names)
	}
	for _, name := range names {
		typ := resource.Lookup(name)
		if !slices.IsSorted(typ.Attributes()) {
			t.Errorf("%s: attributes are not sorted: %v", name, typ.Attributes())
		}
		if typ.CustomName(map[string]any{}) != "" {
			t.Errorf("%s has a custom name without properties", name)
		}
		for _, property := range typ.Properties() {
			if strings.ToUpper(property[:1]) != property[:1] {
				t.Errorf("%s: property %s does not begin with a capital letter", name, property)
			}
		}
	}
	if resource.Lookup("AWS::S3::Bucket") != nil {
		t.Error("a type that is not there is found")
	}
}

func TestCheck(t *testing.T) {
	for name, tc := range map[string]struct {
		typ, in, want string // want: JSON, or what an error says
	}{
		"numbers and truths as text": {"AWS::ApiGatewayV2::Integration", `{"ApiId": "a", "IntegrationType": "MOCK", "TimeoutInMillis": "500"}`,
			`{"ApiId":"a","IntegrationType":"MOCK","TimeoutInMillis":500}`},
		"text as number":         {"AWS::ApiGatewayV2::Api", `{"Name": 7, "ProtocolType": "WEBSOCKET", "RouteSelectionExpression": "$x", "DisableSchemaValidation": "True"}`, `{"DisableSchemaValidation":true,"Name":"7","ProtocolType":"WEBSOCKET","RouteSelectionExpression":"$x"}`},
		"whole floats":           {"AWS::ApiGateway::UsagePlan", `{"Throttle": {"BurstLimit": 5.0, "RateLimit": "2.50"}}`, `{"Throttle":{"BurstLimit":5,"RateLimit":2.5}}`},
		"nulls":                  {"AWS::ApiGateway::ApiKey", `{"Name": null, "Tags": [null]}`, `{"Tags":[]}`},
		"nulls in documents":     {"AWS::IAM::Policy", `{"PolicyName": "p", "PolicyDocument": {"a": null, "b": [1]}}`, `{"PolicyDocument":{"b":[1]},"PolicyName":"p"}`},
		"a fraction":             {"AWS::Lambda::Function", `{"Code": {"ZipSha256": "x"}, "Role": "r", "Timeout": 1.5}`, "Timeout must be an integer, not 1.5"},
		"an object for text":     {"AWS::ApiGateway::ApiKey", `{"Name": {}}`, "Name must be a string, not an object"},
		"a list for an object":   {"AWS::ApiGateway::UsagePlan", `{"Quota": []}`, "Quota must be an object, not a list"},
		"a scalar for a mapping": {"AWS::ApiGatewayV2::Stage", `{"ApiId": "a", "StageName": "s", "StageVariables": "x"}`, "StageVariables must be an object"},
		"deep and unknown":       {"AWS::Lambda::Function", `{"Code": {"ZipSha256": "x"}, "Role": "r", "Environment": {"Variable": {}}}`, "unknown property Environment.Variable; did you mean Variables?"},
		"nothing near":           {"AWS::ApiGateway::ApiKey", `{"Zzzzzzzz": 1}`, "unknown property Zzzzzzzz"},
		"required in a list":     {"AWS::DynamoDB::Table", `{"AttributeDefinitions": [], "KeySchema": [{"AttributeName": "a"}]}`, "property KeySchema.0.KeyType is required"},
	} {
		t.Run(name, func(t *testing.T) {
			out, faults := resource.Lookup(tc.typ).Check(tree(t, tc.in))
			var texts []string
			for _, f := range faults {
				texts = append(texts, f.Message)
			}
			if !strings.HasPrefix(tc.want, "{") {
				if len(texts) != 1 || !strings.HasPrefix(texts[0], tc.want) {
					t.Errorf("faults %q, want %q", texts, tc.want)
				}
				return
			}
			got, err := json.Marshal(out)
			if err != nil || len(texts) > 0 {
				t.Fatal(err, texts)
			}
			if string(got) != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
			again, faults := resource.Lookup(tc.typ).Check(out)
			if diff := cmp.Diff(out, again); diff != "" || len(faults) > 0 {
				t.Errorf("checking twice is not checking once: %s %v", diff, faults)
			}
		})
	}
}

func TestUnknownPasses(t *testing.T) {
	in := map[string]any{"ApiId": template.Unknown{ID: "Api"}, "IntegrationType": "MOCK", "RequestTemplates": template.Unknown{ID: "X"}}
	typ := resource.Lookup("AWS::ApiGatewayV2::Integration")
	out, faults := typ.Check(in)
	if diff := cmp.Diff(in, out); diff != "" || faults != nil {
		t.Errorf("%s %v", diff, faults)
	}
	if !resource.HasUnknown(out) || resource.HasUnknown(map[string]any{"a": []any{"b"}}) {
		t.Error("HasUnknown is wrong")
	}
}

func TestCompare(t *testing.T) {
	for name, tc := range map[string]struct {
		typ, old, now string
		changes       []string
		because       []string
	}{
		"nothing":              {"AWS::ApiGatewayV2::Stage", `{"StageVariables": {"a": "b"}}`, `{"StageVariables": {"a": "b"}}`, nil, nil},
		"an entry":             {"AWS::ApiGatewayV2::Stage", `{"StageVariables": {"a": "b"}}`, `{"StageVariables": {"a": "c", "d": "e"}}`, []string{"StageVariables.a", "StageVariables.d"}, nil},
		"an entry gone":        {"AWS::ApiGatewayV2::Stage", `{"StageVariables": {"a": "b"}}`, `{"StageVariables": {}}`, []string{"StageVariables.a"}, nil},
		"a template gone":      {"AWS::ApiGatewayV2::Integration", `{"RequestTemplates": {"a": "b"}}`, `{"RequestTemplates": {}}`, []string{"RequestTemplates.a"}, []string{"RequestTemplates"}},
		"templates gone":       {"AWS::ApiGatewayV2::Integration", `{"RequestTemplates": {"a": "b"}}`, `{}`, []string{"RequestTemplates"}, []string{"RequestTemplates"}},
		"can be reset":         {"AWS::ApiGatewayV2::Route", `{"Target": "integrations/x"}`, `{}`, []string{"Target"}, nil},
		"stays":                {"AWS::ApiGatewayV2::Route", `{"OperationName": "x"}`, `{}`, []string{"OperationName"}, nil},
		"its parent":           {"AWS::ApiGatewayV2::RouteResponse", `{"RouteId": "x"}`, `{"RouteId": "y"}`, []string{"RouteId"}, []string{"RouteId"}},
		"rebuilt in its place": {"AWS::ApiGatewayV2::RouteResponse", `{"ResponseParameters": {"a": {}}}`, `{}`, []string{"ResponseParameters"}, nil},
		"lists":                {"AWS::IAM::Role", `{"ManagedPolicyArns": ["a", "b"]}`, `{"ManagedPolicyArns": ["a", "c"]}`, []string{"ManagedPolicyArns.1"}, nil},
		"longer lists":         {"AWS::IAM::Role", `{"ManagedPolicyArns": ["a"]}`, `{"ManagedPolicyArns": ["a", "c"]}`, []string{"ManagedPolicyArns"}, nil},
		"a table's key":        {"AWS::DynamoDB::Table", `{"KeySchema": [{"AttributeName": "a"}]}`, `{"KeySchema": [{"AttributeName": "b"}]}`, []string{"KeySchema.0.AttributeName"}, []string{"KeySchema"}},
	} {
		t.Run(name, func(t *testing.T) {
			changes, because := resource.Lookup(tc.typ).Compare(tree(t, tc.old), tree(t, tc.now))
			var paths []string
			for _, c := range changes {
				paths = append(paths, c.Path)
			}
			if !slices.Equal(paths, tc.changes) || !slices.Equal(because, tc.because) {
				t.Errorf("changes %v because of %v, want %v because of %v", paths, because, tc.changes, tc.because)
			}
		})
	}
}

func tree(t *testing.T, text string) map[string]any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var m map[string]any
	if err := dec.Decode(&m); err != nil {
		t.Fatal(err)
	}
	return m
}

// FuzzCheck looks for properties that cannot be checked, or whose checked form is not checked again as itself.
func FuzzCheck(f *testing.F) {
	f.Add(3, `{"Name": "a", "Tags": [{"Key": 1, "Value": true}]}`)
	f.Add(7, `{"KeySchema": [[]], "AttributeDefinitions": {"a": 1e400}}`)
	names := resource.Names()
	f.Fuzz(func(t *testing.T, which int, text string) {
		dec := json.NewDecoder(strings.NewReader(text))
		dec.UseNumber()
		var props map[string]any
		if dec.Decode(&props) != nil || which < 0 {
			t.Skip()
		}
		typ := resource.Lookup(names[which%len(names)])
		out, faults := typ.Check(props)
		if len(faults) > 0 {
			return
		}
		again, faults := typ.Check(out)
		if diff := cmp.Diff(out, again); diff != "" || len(faults) > 0 {
			t.Errorf("%s: %s %v", typ.Name, diff, faults)
		}
	})
}
