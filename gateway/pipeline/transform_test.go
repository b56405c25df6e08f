package pipeline

import (
	"testing"

	"github.com/sockgate/sockgate"
	httpbackend "github.com/sockgate/sockgate/gateway/integrate/http"
)

func TestSelectionValue(t *testing.T) {
	for _, tt := range []struct {
		name   string
		of     sockgate.IntegrationType
		status int
		body   string
		want   string
	}{
		{"HTTP by status", sockgate.HTTP, 418, `{"errorMessage":"x"}`, "418"},
		{"MOCK by status", sockgate.Mock, 200, "", "200"},
		{"a function by its error", sockgate.AWS, 200, `{"errorMessage":"not found: x","errorType":"Error"}`, "not found: x"},
		{"a function that went well", sockgate.AWS, 200, `{"ok":true}`, ""},
		{"a function that returned no object", sockgate.AWS, 200, `[1]`, ""},
		{"a function that returned no JSON", sockgate.AWS, 200, `errorMessage`, ""},
	} {
		if got := selectionValue(tt.of, &httpbackend.Response{Status: tt.status, Body: []byte(tt.body)}); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
