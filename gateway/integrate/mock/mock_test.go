package mock_test

import (
	"testing"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/integrate/mock"
)

func TestStatus(t *testing.T) {
	tests := []struct {
		name, rendered string
		want           int // 0: fails
	}{
		{"json", `{"statusCode": 200}`, 200},
		{"blanks", ` { "statusCode" : 204 } `, 204},
		{"more members", `{"a":{"statusCode":500},"statusCode":202}`, 202},
		{"unquoted name", `{statusCode: 200}`, 200},
		{"a string", `{"statusCode": "200"}`, 0},
		{"out of range", `{"statusCode": 20000}`, 0},
		{"a fraction", `{"statusCode": 200.5}`, 0},
		{"none", `{}`, 0},
		{"not an object", `[]`, 0},
		{"empty", ``, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, err := mock.Status([]byte(tt.rendered))
			if status != tt.want || (err != nil) != (tt.want == 0) {
				t.Errorf("Status = %d, %v; want %d", status, err, tt.want)
			}
			if err != nil && sockgate.KindOf(err) != sockgate.Internal {
				t.Errorf("the error's kind is %v, want Internal", sockgate.KindOf(err))
			}
		})
	}
}
