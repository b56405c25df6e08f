package function_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/integrate/function"
)

func TestAnswers(t *testing.T) {
	for _, tt := range []struct {
		name, payload string
		needStatus    bool
		status        int
		header        sockgate.Headers
		body, fault   string
	}{
		{name: "whole", needStatus: true, payload: `{"statusCode":403,"headers":{"Sec-WebSocket-Protocol":"chat","n":1,"b":true,"no":null},"multiValueHeaders":{"A":["1","2"],"B":"3"},"body":"no\n","isBase64Encoded":false}`,
			status: 403, body: "no\n", header: sockgate.Headers{{Name: "Sec-WebSocket-Protocol", Value: "chat"}, {Name: "n", Value: "1"},
				{Name: "b", Value: "true"}, {Name: "A", Value: "1"}, {Name: "A", Value: "2"}, {Name: "B", Value: "3"}}},
		{name: "status alone", needStatus: true, payload: `{"statusCode":200}`, status: 200},
		{name: "status in quotes", needStatus: true, payload: `{"statusCode":"201"}`, status: 201},
		{name: "nulls", needStatus: true, payload: `{"statusCode":200,"headers":null,"multiValueHeaders":null,"body":null,"isBase64Encoded":null}`, status: 200},
		{name: "other members beside a status", needStatus: true, payload: `{"statusCode":200,"cookies":[]}`, status: 200},
		{name: "base64", payload: `{"statusCode":200,"body":"aMOp","isBase64Encoded":true}`, status: 200, body: "hé"},
		{name: "message without a status", payload: `{"body":"hi"}`, status: 200, body: "hi"},
		{name: "message with nothing", payload: `{}`, status: 200},
		{name: "header that cannot be sent", needStatus: true, payload: `{"statusCode":200,"headers":{"a":"b\r\nc: d","e":"f"}}`, status: 200, header: sockgate.Headers{{Name: "e", Value: "f"}}},
		{name: "headers of a message", payload: `{"statusCode":200,"headers":[]}`, status: 200},

		{name: "null", payload: `null`, fault: "not a JSON object"},
		{name: "text", payload: `"hi"`, fault: "not a JSON object"},
		{name: "list", payload: `[{"statusCode":200}]`, fault: "not a JSON object"},
		{name: "not JSON", payload: `{"statusCode":200`, fault: "not JSON"},
		{name: "nothing at all", payload: ``, fault: "not JSON"},
		{name: "handshake without a status", needStatus: true, payload: `{"body":"hi"}`, fault: "no statusCode"},
		{name: "handshake with a null status", needStatus: true, payload: `{"statusCode":null}`, fault: "no statusCode"},
		{name: "value returned by mistake", payload: `{"message":"hi"}`, fault: "no statusCode"},
		{name: "status of another kind", payload: `{"statusCode":true}`, fault: "statusCode true"},
		{name: "status that is a word", payload: `{"statusCode":"OK"}`, fault: `statusCode "OK"`},
		{name: "status that is a fraction", payload: `{"statusCode":200.5}`, fault: "statusCode"},
		{name: "status out of range", payload: `{"statusCode":1000}`, fault: "statusCode"},
		{name: "body that is an object", payload: `{"statusCode":200,"body":{"a":1}}`, fault: "body is not a string"},
		{name: "body that is a number", payload: `{"statusCode":200,"body":1}`, fault: "body is not a string"},
		{name: "headers that are a list", needStatus: true, payload: `{"statusCode":200,"headers":[]}`, fault: "headers is not an object"},
		{name: "header that is an object", needStatus: true, payload: `{"statusCode":200,"headers":{"a":{}}}`, fault: "not a scalar"},
		{name: "not base64", payload: `{"statusCode":200,"body":"?","isBase64Encoded":true}`, fault: "not base64"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := function.ParseAnswer([]byte(tt.payload), tt.needStatus)
			if tt.fault != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fault) {
					t.Errorf("%v, want %q", err, tt.fault)
				}
				return
			}
			if err != nil || got.Status != tt.status || string(got.Body) != tt.body {
				t.Errorf("%+v, %v", got, err)
			}
			if diff := cmp.Diff(tt.header, got.Header); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestStatusOfWhatNobodyReads(t *testing.T) {
	for payload, want := range map[string]int{`{"statusCode":500}`: 500, `null`: 0, ``: 0, `[]`: 0, `{"statusCode":{}}`: 0, `garbage`: 0} {
		if got := function.Status([]byte(payload)); got != want {
			t.Errorf("Status(%q) = %d, want %d", payload, got, want)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"statusCode":200,"headers":{"a":"b"},"multiValueHeaders":{"a":["b",1]},"body":"aGk=","isBase64Encoded":true}`), true)
	f.Add([]byte(`{"body":"\ud800"}`), false)
	f.Fuzz(func(t *testing.T, payload []byte, needStatus bool) {
		a, err := function.ParseAnswer(payload, needStatus)
		if err == nil && (a.Status < 100 || a.Status > 599) {
			t.Errorf("status %d", a.Status)
		}
		for _, h := range a.Header {
			if strings.ContainsAny(h.Name+h.Value, "\r\n\x00") {
				t.Errorf("header %q", h)
			}
		}
		function.Status(payload)
		function.ErrorMessage(payload)
	})
}

func BenchmarkAnswer(b *testing.B) {
	payload := []byte(`{"statusCode":200,"body":"` + strings.Repeat(`{\"text\":\"hello\"}`, 50) + `"}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := function.ParseAnswer(payload, false); err != nil {
			b.Fatal(err)
		}
	}
}
