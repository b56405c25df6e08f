package pipeline

import (
	"context"
	"strings"
	"testing"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/deploy"
)

func TestWhatClientsAreSent(t *testing.T) {
	cases := []struct {
		name   string
		body   string
		oneWay bool
		reply  string
		why    string // empty: no error
	}{
		{name: "text", body: "héllo", reply: "héllo"},
		{name: "one-way route", body: "hello", oneWay: true},
		{name: "nothing", body: ""},
		{name: "as long as a message may be", body: "12345678", reply: "12345678"},
		{name: "longer", body: "123456789", why: "9 bytes"},
		{name: "compressed", body: "\x1f\x8b\x08", why: "not UTF-8"},
		{name: "not text, on a one-way route", body: "\xff", oneWay: true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			x := &exchange{route: &deploy.Route{TwoWay: !c.oneWay}}
			x.ev.Type = sockgate.Message
			x.output = []byte(c.body)
			err := respond{max: 8}.run(context.Background(), x)
			if string(x.reply) != c.reply {
				t.Errorf("reply %q, want %q", x.reply, c.reply)
			}
			if err == nil && c.why == "" {
				return
			}
			if err == nil || c.why == "" || !strings.Contains(err.Error(), c.why) {
				t.Errorf("error %v, want one that says %q", err, c.why)
			}
			if _, message := answerFor(err); message != "Internal server error" {
				t.Errorf("the client would read %q", message)
			}
		})
	}
}
