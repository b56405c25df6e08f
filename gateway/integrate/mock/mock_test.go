package mock_test

import (
	"testing"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/integrate/mock"
)

func TestStatus(t *testing.T) {
	tests := []struct {
		name      string
		templates map[string]string
		want      int // 0: fails
	}{
		{"json", map[string]string{"application/json": `{"statusCode": 200}`}, 200},
		{"default key first", map[string]string{"application/json": `{"statusCode":200}`, "$default": `{"statusCode":403}`}, 403},
		{"only template", map[string]string{"200": ` { "statusCode" : 204 } `}, 204},
		{"more members", map[string]string{"$default": `{"a":{"statusCode":500},"statusCode":202}`}, 202},
		{"unquoted name", map[string]string{"$default": `{statusCode: 200}`}, 200},
		{"references elsewhere", map[string]string{"$default": "#set($x = 1)\n{\"statusCode\": 201, \"id\": $x}"}, 201},
		{"status is a reference", map[string]string{"$default": `{"statusCode": $input.path('$.s')}`}, 0},
		{"status is a string", map[string]string{"$default": `{"statusCode": "200"}`}, 0},
		{"status out of range", map[string]string{"$default": `{"statusCode": 20000}`}, 0},
		{"status with a fraction", map[string]string{"$default": `{"statusCode": 200.5}`}, 0},
		{"no status", map[string]string{"$default": `{}`}, 0},
		{"not an object", map[string]string{"$default": `[]`}, 0},
		{"empty template", map[string]string{"$default": ``}, 0},
		{"no template", nil, 0},
		{"several, none of them chosen", map[string]string{"a": `{"statusCode":200}`, "b": `{"statusCode":200}`}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := mock.Compile(sockgate.Integration{Type: sockgate.Mock, RequestTemplates: tt.templates})
			if err != nil {
				t.Fatal(err)
			}
			status, body, err := m.Do()
			if status != tt.want || len(body) != 0 {
				t.Errorf("Do = %d, %q; want %d and no body", status, body, tt.want)
			}
			if failed := err != nil; failed != (tt.want == 0) {
				t.Errorf("error %v, want status %d", err, tt.want)
			}
			if err != nil && sockgate.KindOf(err) != sockgate.Internal {
				t.Errorf("kind %v, want internal", sockgate.KindOf(err))
			}
		})
	}
}

func TestCompileOtherType(t *testing.T) {
	if _, err := mock.Compile(sockgate.Integration{Type: sockgate.HTTP}); sockgate.KindOf(err) != sockgate.Invalid || err == nil {
		t.Errorf("error %v, want an invalid one", err)
	}
}
