package transform_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/transform"
)

func TestAccessLog(t *testing.T) {
	golden(t, "testdata/accesslog.txt", func(ev *sockgate.Event, format string) string {
		f, err := transform.CompileFormat(format)
		if err != nil {
			if sockgate.KindOf(err) != sockgate.Invalid {
				return "wrong kind of error: " + err.Error()
			}
			return "error: " + err.Error()
		}
		return string(f.AppendTo(nil, ev))
	})
}

func TestCompileFormatRefuses(t *testing.T) {
	for name, format := range map[string]string{
		"two lines":       "$context.requestId\n$context.stage",
		"carriage return": "$context.requestId\r",
		"too long":        "$context.requestId" + strings.Repeat("x", transform.MaxFormat),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := transform.CompileFormat(format); err == nil || sockgate.KindOf(err) != sockgate.Invalid {
				t.Errorf("the error is %v, want an invalid one", err)
			}
		})
	}
}

const jsonFormat = `{"id":"$context.requestId","time":"$context.requestTime","ip":"$context.identity.sourceIp","agent":"$context.identity.userAgent",` +
	`"route":"$context.routeKey","status":"$context.status","error":"$context.error.message"}`

func TestAccessLogStaysJSON(t *testing.T) {
	f, err := transform.CompileFormat(jsonFormat)
	if err != nil {
		t.Fatal(err)
	}
	line := f.AppendTo(nil, sampleEvent(t, "connect"))
	var m map[string]string
	if err := json.Unmarshal(line, &m); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	if want := "wscat \"5\"\\\n\t\u2028\u00e9\ufffd"; m["agent"] != want {
		t.Errorf("the agent reads %q, want %q", m["agent"], want)
	}
}

func FuzzCompileFormat(f *testing.F) {
	for _, s := range []string{
		jsonFormat, "$context.requestId", "${context.requestId}", "$context.requestId ${", "$context.", "$", "\"\\$context.requestId", "$context.authorizer.a-b-$context.requestId",
	} {
		f.Add(s, "agent \"\n\\")
	}
	f.Fuzz(func(t *testing.T, format, agent string) {
		compiled, err := transform.CompileFormat(format)
		if err != nil {
			return
		}
		ev := sampleEvent(t, "message")
		ev.Connection.UserAgent = agent
		ev.RouteKey = agent
		if line := string(compiled.AppendTo(nil, ev)); strings.ContainsAny(line, "\r\n\x00") || utf8.ValidString(format) && !utf8.ValidString(line) {
			t.Errorf("the line is broken: %q", line)
		}
		fixed, err := transform.CompileFormat(jsonFormat)
		if err != nil {
			t.Fatal(err)
		}
		if line := fixed.AppendTo(nil, ev); !json.Valid(line) {
			t.Errorf("the line is not JSON: %s", line)
		}
	})
}

func BenchmarkAppendTo(b *testing.B) {
	f, err := transform.CompileFormat(jsonFormat)
	if err != nil {
		b.Fatal(err)
	}
	ev := sampleEvent(b, "message")
	ev.Connection.UserAgent = "Mozilla/5.0 (X11; Linux x86_64)"
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		buf = f.AppendTo(buf[:0], ev)
	}
}
