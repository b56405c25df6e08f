package transform_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/transform"
)

func TestParameters(t *testing.T) {
	golden(t, "testdata/parameters.txt", func(ev *sockgate.Event, input string) string {
		mapping := make(map[string]string)
		for line := range strings.SplitSeq(input, "\n") {
			destination, source, _ := strings.Cut(line, " = ")
			mapping[destination] = source
		}
		p, err := transform.CompileParameters(mapping, map[string]string{"env": "prod"})
		if err != nil {
			return "error: " + strings.ReplaceAll(err.Error(), ", Invalid", ",\n  Invalid")
		}
		var plain, mapped transform.Request
		transform.Forward(ev, "POST", &plain)
		transform.Forward(ev, "POST", &mapped)
		refused := p.Apply(ev, &mapped)
		var lines []string
		lines = append(lines, changes("header", plain.Header, mapped.Header)...)
		lines = append(lines, changes("query", plain.Query, mapped.Query)...)
		lines = append(lines, changes("path", nil, mapped.Path)...)
		if mapped.Host != "" {
			lines = append(lines, "host "+mapped.Host)
		}
		if dropped := p.Dropped(); dropped != nil {
			lines = append(lines, fmt.Sprintf("dropped %s", dropped))
		}
		if refused != nil {
			lines = append(lines, fmt.Sprintf("refused %s", refused))
		}
		if lines == nil {
			return "no change"
		}
		return strings.Join(lines, "\n")
	})
}

// changes prints what is in after and not in before with a plus, the reverse with a minus.
func changes(kind string, before, after []sockgate.Header) []string {
	var lines []string
	for _, h := range before {
		if !slices.Contains(after, h) {
			lines = append(lines, fmt.Sprintf("- %s %s: %q", kind, h.Name, h.Value))
		}
	}
	for _, h := range after {
		if !slices.Contains(before, h) {
			lines = append(lines, fmt.Sprintf("+ %s %s: %q", kind, h.Name, h.Value))
		}
	}
	return lines
}

func TestParametersErrorKind(t *testing.T) {
	_, err := transform.CompileParameters(map[string]string{"integration.request.header.X": "nonsense"}, nil)
	if err == nil || sockgate.KindOf(err) != sockgate.Invalid {
		t.Errorf("the error is %v, want an invalid one", err)
	}
}

func TestUndeclared(t *testing.T) {
	p, err := transform.CompileParameters(map[string]string{
		"integration.request.header.A":      "route.request.header.Auth",
		"integration.request.header.B":      "route.request.header.Auth",
		"integration.request.querystring.C": "route.request.querystring.token",
		"integration.request.querystring.D": "route.request.multivaluequerystring.item",
		"integration.request.header.E":      "route.request.body.x",
		"integration.request.header.F":      "'static'",
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		declared map[string]bool
		want     []string
	}{
		"nothing declared": {nil, []string{
			"route.request.header.Auth", "route.request.querystring.token", "route.request.multivaluequerystring.item",
		}},
		"some declared": {map[string]bool{"route.request.header.Auth": false, "route.request.multivaluequerystring.item": true},
			[]string{"route.request.querystring.token"}},
		"list declared as one": {map[string]bool{
			"route.request.header.Auth": true, "route.request.querystring.token": true, "route.request.querystring.item": true,
		}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := p.Undeclared(tt.declared); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestApplyWithoutMapping(t *testing.T) {
	p, err := transform.CompileParameters(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	var out transform.Request
	if refused := p.Apply(sampleEvent(t, "message"), &out); refused != nil || out.Header != nil {
		t.Errorf("an empty mapping gave %v, %+v", refused, out)
	}
}

func FuzzParameters(f *testing.F) {
	f.Add("integration.request.header.X", "route.request.body.a", []byte(`{"a":"x\r\ny"}`))
	f.Add("integration.request.querystring.q", "'a%20b'", []byte(``))
	f.Add("integration.request.path.p", "route.request.body", []byte("\x00"))
	f.Add("integration.request.header.Host", "route.request.body['a'][0]", []byte(`{"a":["h"]}`))
	f.Add("integration.request.header.X", "route.request.header.H", []byte("h\n"))
	f.Fuzz(func(t *testing.T, destination, source string, body []byte) {
		p, err := transform.CompileParameters(map[string]string{destination: source}, map[string]string{"v": "1"})
		if err != nil {
			return
		}
		ev := sampleEvent(t, "message")
		ev.Body = body
		ev.Headers = sockgate.Headers{{Name: "H", Value: string(body)}}
		var out transform.Request
		transform.Forward(ev, "POST", &out)
		p.Apply(ev, &out)
		for _, h := range append(out.Header, sockgate.Header{Name: "Host", Value: out.Host}) {
			if strings.ContainsAny(h.Name, "\r\n\x00: ") || strings.ContainsAny(h.Value, "\r\n\x00") {
				t.Errorf("unsafe header %q", h)
			}
		}
	})
}

func BenchmarkApply(b *testing.B) {
	p, err := transform.CompileParameters(map[string]string{
		"integration.request.header.connectionId": "context.connectionId",
		"integration.request.header.stage":        "context.stage",
		"integration.request.querystring.room":    "route.request.body.room",
		"integration.request.header.env":          "stageVariables.env",
	}, map[string]string{"env": "prod"})
	if err != nil {
		b.Fatal(err)
	}
	ev := sampleEvent(b, "message")
	ev.Body = []byte(`{"action":"sendMessage","room":"lobby","text":"hello there"}`)
	var out transform.Request
	b.ReportAllocs()
	for b.Loop() {
		transform.Forward(ev, "POST", &out)
		p.Apply(ev, &out)
	}
}
