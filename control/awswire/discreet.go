package awswire

import "strings"

// secretBegins are what secrets begin with that clients are known to send in the place of a name: private keys, tokens of tunnel agents, and
// values of API keys, which are not told from their ids by sight.
var secretBegins = [...]string{"-----BEGIN", "sglink_", "/apikeys/"}

// apiKeyID is how long the id of an API key is at most; a value has 20 characters at least.
const apiKeyID = 19

// discreet is a path or a message for the log: what looks like a secret is left out. Clients have sent it themselves, so their answers may quote it.
func discreet(text string) string {
	for _, begin := range secretBegins {
		before, secret, found := strings.Cut(text, begin)
		if found && (begin != "/apikeys/" || len(secret) > apiKeyID) {
			text = before + begin + "…"
		}
	}
	return text
}
