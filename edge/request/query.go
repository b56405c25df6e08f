package request

import (
	"strings"

	"github.com/sockgate/sockgate"
)

// DecodeQuery splits a query string into its parameters, in order and decoded once: '+' is a space, a name without '='
// has the value "", empty parts are skipped. A '%' that no two hexadecimal digits follow stays as it is, so the function
// cannot fail. The result is nil for an empty query.
//
// How API Gateway decodes a malformed escape is UNCONFIRMED; keeping it loses nothing.
func DecodeQuery(raw string) []sockgate.Header {
	if raw == "" {
		return nil
	}
	params := make([]sockgate.Header, 0, strings.Count(raw, "&")+1)
	for raw != "" {
		var part string
		part, raw, _ = strings.Cut(raw, "&")
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		params = append(params, sockgate.Header{Name: unescape(name), Value: unescape(value)})
	}
	return params
}

func unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch b := s[i]; {
		case b == '+':
			out = append(out, ' ')
		case b == '%' && i+2 < len(s) && unhex(s[i+1]) >= 0 && unhex(s[i+2]) >= 0:
			out = append(out, byte(unhex(s[i+1])<<4|unhex(s[i+2])))
			i += 2
		default:
			out = append(out, b)
		}
	}
	return string(out)
}

// unhex returns the value of a hexadecimal digit, or -1.
func unhex(b byte) int {
	switch {
	case '0' <= b && b <= '9':
		return int(b - '0')
	case 'a' <= b && b <= 'f':
		return int(b-'a') + 10
	case 'A' <= b && b <= 'F':
		return int(b-'A') + 10
	}
	return -1
}
