package route_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/route"
)

func TestSelect(t *testing.T) {
	const action = "$request.body.action"
	routes := []string{"$connect", "$disconnect", "join", "42", "chat/join", "sync"}
	tests := map[string]struct {
		expression  string
		withDefault bool
		body        string
		want        route.Selection
	}{
		"hit":                     {action, false, `{"action":"join"}`, route.Selection{Found: true, Key: "join", Value: "join"}},
		"number":                  {action, false, `{"action":42}`, route.Selection{Found: true, Key: "42", Value: "42"}},
		"composite":               {"${request.body.s}/${request.body.a}", false, `{"s":"chat","a":"join"}`, route.Selection{Found: true, Key: "chat/join", Value: "chat/join"}},
		"static":                  {"sync", false, `{}`, route.Selection{Found: true, Key: "sync", Value: "sync"}},
		"static, not JSON":        {"sync", true, `hello`, route.Selection{Found: true, Key: "$default", Reason: route.NotJSON}},
		"case counts":             {action, false, `{"action":"Join"}`, route.Selection{Value: "Join", Reason: route.NoRoute}},
		"last member counts":      {action, false, `{"action":"other","action":"join"}`, route.Selection{Found: true, Key: "join", Value: "join"}},
		"no route":                {action, false, `{"action":"leave"}`, route.Selection{Value: "leave", Reason: route.NoRoute}},
		"no route, default":       {action, true, `{"action":"leave"}`, route.Selection{Found: true, Key: "$default", Value: "leave", Reason: route.NoRoute}},
		"names default":           {action, true, `{"action":"$default"}`, route.Selection{Found: true, Key: "$default", Value: "$default"}},
		"names default, none":     {action, false, `{"action":"$default"}`, route.Selection{Value: "$default", Reason: route.NoRoute}},
		"names connect":           {action, false, `{"action":"$connect"}`, route.Selection{Value: "$connect", Reason: route.Reserved}},
		"names connect, default":  {action, true, `{"action":"$connect"}`, route.Selection{Found: true, Key: "$default", Value: "$connect", Reason: route.Reserved}},
		"names disconnect":        {action, true, `{"action":"$disconnect"}`, route.Selection{Found: true, Key: "$default", Value: "$disconnect", Reason: route.Reserved}},
		"static names connect":    {`\$connect`, false, `{}`, route.Selection{Value: "$connect", Reason: route.Reserved}},
		"no value":                {action, false, `{"x":1}`, route.Selection{Reason: route.NoValue}},
		"no value, default":       {action, true, `{"x":1}`, route.Selection{Found: true, Key: "$default", Reason: route.NoValue}},
		"scalar":                  {action, true, `"join"`, route.Selection{Found: true, Key: "$default", Reason: route.NoValue}},
		"array":                   {action, true, `["join"]`, route.Selection{Found: true, Key: "$default", Reason: route.NoValue}},
		"not JSON":                {action, false, `join`, route.Selection{Reason: route.NotJSON}},
		"not JSON, default":       {action, true, `join`, route.Selection{Found: true, Key: "$default", Reason: route.NotJSON}},
		"empty":                   {action, true, ``, route.Selection{Found: true, Key: "$default", Reason: route.NotJSON}},
		"empty, no default":       {action, false, ``, route.Selection{Reason: route.NotJSON}},
		"empty string is a value": {action, false, `{"action":""}`, route.Selection{Reason: route.NoRoute}},
		"deep":                    {action, true, strings.Repeat("[", 128<<10), route.Selection{Found: true, Key: "$default", Reason: route.NotJSON}},
		"long value": {action, false, `{"action":"` + strings.Repeat("x", 1000) + `"}`,
			route.Selection{Value: strings.Repeat("x", 1000), Reason: route.NoRoute}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			keys := routes
			if tt.withDefault {
				keys = append([]string{"$default"}, routes...)
			}
			s, err := route.NewSelector(tt.expression, keys)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, s.Select([]byte(tt.body))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// names is a set of context variables.
type names map[string]string

func (n names) Lookup(name string) (string, bool) {
	value, ok := n[name]
	return value, ok
}

func TestSelectInContext(t *testing.T) {
	s, err := route.NewSelector("${context.authorizer.role}/${request.body.action}", []string{"admin/stop"})
	if err != nil {
		t.Fatal(err)
	}
	body := []byte(`{"action":"stop"}`)
	if got := s.SelectIn(body, names{"context.authorizer.role": "admin"}); got.Key != "admin/stop" {
		t.Errorf("with the variable: %+v", got)
	}
	if got := s.Select(body); got.Found || got.Value != "/stop" {
		t.Errorf("without the variable: %+v", got)
	}
}

func TestNewSelectorRefuses(t *testing.T) {
	for name, expression := range map[string]string{
		"empty":   "",
		"syntax":  "${request.body.action",
		"header":  "$request.header.x-api-key",
		"query":   "$request.querystring.q",
		"unknown": "$something",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := route.NewSelector(expression, nil); sockgate.KindOf(err) != sockgate.Invalid || err == nil {
				t.Errorf("NewSelector(%q) gave the error %v, want an invalid one", expression, err)
			}
		})
	}
}

func TestSelectAllocatesNothingOnAHit(t *testing.T) {
	s, err := route.NewSelector("$request.body.action", []string{"sendMessage"})
	if err != nil {
		t.Fatal(err)
	}
	body := []byte(`{"action":"sendMessage","data":{"text":"hello"}}`)
	if n := testing.AllocsPerRun(100, func() { s.Select(body) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func BenchmarkSelect(b *testing.B) {
	for _, size := range []int{0, 1 << 10, 32 << 10} {
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) {
			s, err := route.NewSelector("$request.body.action", []string{"$connect", "$default", "join", "sendMessage"})
			if err != nil {
				b.Fatal(err)
			}
			body := []byte(`{"data":"` + strings.Repeat("x", size) + `","action":"sendMessage"}`)
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				s.Select(body)
			}
		})
	}
}
