package pipeline

import (
	"errors"
	"strings"
	"testing"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/deploy"
	"github.com/sockgate/sockgate/gateway/mapping"
)

// A mock without a template has no status, whatever the client sends; passthroughBehavior counts for it as for others.
func TestWithoutATemplate(t *testing.T) {
	none, err := mapping.CompileTemplates("", nil)
	if err != nil {
		t.Fatal(err)
	}
	const message = `{"statusCode":200}`
	for _, tt := range []struct {
		name      string
		of        sockgate.IntegrationType
		behavior  mapping.Passthrough
		body      string
		forbidden bool
	}{
		{"HTTP passes the message", sockgate.HTTP, mapping.WhenNoMatch, message, false},
		{"HTTP that never does", sockgate.HTTP, mapping.Never, "", true},
		{"MOCK has nothing", sockgate.Mock, mapping.WhenNoMatch, "", false},
		{"MOCK that never passes", sockgate.Mock, mapping.Never, "", true},
	} {
		x := &exchange{}
		x.ev.Type, x.ev.Body, x.request.Body = sockgate.Message, []byte(message), []byte(message)
		_, err := x.renderRequest(&deploy.Integration{Type: tt.of, Passthrough: tt.behavior, Templates: none})
		_, unsupported := errors.AsType[unsupportedMedia](err)
		if unsupported != tt.forbidden || err == nil && string(x.request.Body) != tt.body {
			t.Errorf("%s: %q, %v", tt.name, x.request.Body, err)
		}
	}
}

func TestAFaultOfTheDefinitionIsLoggedAsOne(t *testing.T) {
	err := misconfigured{sockgate.Internalf("mapping template failed: %w", errors.New("$default:2:9: no"))}
	if got := err.Error(); !strings.HasPrefix(got, "configuration error: mapping template failed: $default:2:9") {
		t.Errorf("the log line says %q", got)
	}
}
