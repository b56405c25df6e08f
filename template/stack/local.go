package stack

import (
	"net/url"
	"regexp"
	"strings"
)

// awsAddress is the address of a stage, or of an API, as AWS writes it.
var awsAddress = regexp.MustCompile(`\b(https?|wss?)://([a-z0-9]{1,63})\.execute-api\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?(/[^\s"'<>]*)?`)

// Local returns the text with addresses of AWS's replaced by those of a gateway, and whether there were any.
func Local(text, endpoint string) (string, bool) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" {
		return text, false
	}
	secure := ""
	if u.Scheme == "https" {
		secure = "s"
	}
	out := awsAddress.ReplaceAllStringFunc(text, func(address string) string {
		m := awsAddress.FindStringSubmatch(address)
		scheme := "http"
		if strings.HasPrefix(m[1], "ws") {
			scheme = "ws"
		}
		return scheme + secure + "://" + u.Host + "/_aws/execute-api/" + m[2] + m[3]
	})
	return out, out != text
}
