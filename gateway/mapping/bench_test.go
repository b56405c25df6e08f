package mapping_test

import (
	"strings"
	"testing"

	"github.com/sockgate/sockgate/gateway/mapping"
	"github.com/sockgate/sockgate/gateway/transform"
)

// BenchmarkRender is a template that wraps a message of 1 KB.
func BenchmarkRender(b *testing.B) {
	set, err := mapping.CompileTemplates("", map[string]string{"$default": `{"connection":"$context.connectionId","stage":"$context.stage","route":"$context.routeKey","first":"$input.path('$.p00')","body":$input.json('$')}`})
	if err != nil {
		b.Fatal(err)
	}
	ev := event()
	ev.Body = []byte(`{"action":"templated"`)
	for _, c := range "abcdefghijklmnopqrst" {
		ev.Body = append(ev.Body, `,"p`+string(c)+`":"`+strings.Repeat("x", 38)+`"`...)
	}
	ev.Body = append(ev.Body, '}')
	b.SetBytes(int64(len(ev.Body)))
	b.ReportAllocs()
	for b.Loop() {
		t := set.Select(transform.EventVariables{Event: ev})
		if _, _, err := mapping.Render(t, &mapping.Scope{Event: ev, Body: ev.Body}); err != nil {
			b.Fatal(err)
		}
	}
}
