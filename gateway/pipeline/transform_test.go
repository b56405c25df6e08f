package pipeline

import (
	"context"
	"testing"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/deploy"
	httpbackend "github.com/sockgate/sockgate/gateway/integrate/http"
	"github.com/sockgate/sockgate/gateway/mapping"
)

// Where an answer goes somewhere, the integration must say what becomes of it.
func TestWhoNeedsAnIntegrationResponse(t *testing.T) {
	none, err := mapping.CompileResponses(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		event  sockgate.EventType
		of     sockgate.IntegrationType
		twoWay bool
		fails  bool
	}{
		{"one-way message", sockgate.Message, sockgate.HTTP, false, false},
		{"two-way message", sockgate.Message, sockgate.HTTP, true, true},
		{"handshake", sockgate.Connect, sockgate.HTTP, false, true},
		{"end", sockgate.Disconnect, sockgate.HTTP, false, false},
		{"handshake that is mocked", sockgate.Connect, sockgate.Mock, false, false},
		{"message that is mocked", sockgate.Message, sockgate.Mock, true, false},
		{"proxy", sockgate.Message, sockgate.HTTPProxy, true, false},
	} {
		x := &exchange{route: &deploy.Route{TwoWay: tt.twoWay, Integration: &deploy.Integration{ID: "i1", Type: tt.of, Responses: none}}}
		x.ev.Type, x.answer.Status = tt.event, 200
		if err := (transformResponse{}).run(context.Background(), x); (err != nil) != tt.fails {
			t.Errorf("%s: %v, want an error: %v", tt.name, err, tt.fails)
		}
	}
}

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
