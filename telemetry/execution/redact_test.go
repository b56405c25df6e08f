package execution_test

import (
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/telemetry/execution"
)

// TestAPIKeysAreNeverShown: a client's key is masked wherever a backend's request or answer has it.
func TestAPIKeysAreNeverShown(t *testing.T) {
	for _, key := range []string{"speak-friend-and-enter-0001", `speak "friend" & enter 0001`} {
		quoted := strconv.Quote(key)
		for name, body := range map[string]string{
			"plain": "key=" + key, "JSON": `{"apiKey":` + quoted + `,"again":` + quoted + `}`, "query": url.QueryEscape(key),
			"at the end of what is shown": strings.Repeat("x", 1010) + key + strings.Repeat("y", 100),
			"behind it":                   strings.Repeat("x", 1100) + key,
		} {
			var p page
			l := execution.New(&p, "abc", "dev", execution.Info, true)
			e := event(sockgate.Message, "$default")
			c := *conn
			c.APIKey = &sockgate.APIKeyUse{ID: "k1", Value: key}
			e.Connection, e.Body = &c, []byte(body)
			l.Start(e)
			l.Request(e, "http://backend/?k="+url.QueryEscape(key), sockgate.Headers{{Name: "Friend", Value: key}}, []byte(body))
			l.Response(e, 200, sockgate.Headers{{Name: "Friend", Value: key}}, []byte(body))
			l.Reply(e, []byte(body))
			if text := p.String(); strings.Contains(text, "friend") || strings.Contains(text, "speak") {
				t.Errorf("%s: the log shows the key %s:\n%s", name, key, text)
			}
			if string(e.Body) != body {
				t.Errorf("%s: the message was changed", name)
			}
		}
	}
}
