package transform_test

import (
	"strings"
	"testing"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/transform"
)

func TestAPIKeysAreMaskedInAccessLogs(t *testing.T) {
	f, err := transform.CompileFormat(`$context.requestId "$context.identity.apiKey" ${context.identity.apiKey} $context.identity.apiKeyId`)
	if err != nil {
		t.Fatal(err)
	}
	for value, want := range map[string]string{
		"0123456789abcdefghijklmnop": strings.Repeat("*", 20) + "klmnop",
		"short":                      "*****",
	} {
		ev := &sockgate.Event{RequestID: "r", Connection: &sockgate.Connection{APIKey: &sockgate.APIKeyUse{ID: "k1", Value: value}}}
		if got := string(f.AppendTo(nil, ev)); got != `r "`+want+`" `+want+" k1" {
			t.Errorf("the key %q is logged as %s", value, got)
		}
	}
}
