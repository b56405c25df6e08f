package apigatewayv2

import (
	"strings"

	"github.com/sockgate/sockgate"
)

// maxDomainName is the longest name in the DNS, in bytes. Source: RFC 1035, section 2.3.4.
const maxDomainName = 253

// checkDomainName checks a name, in lower case: two or more labels of letters, digits and hyphens, the first of which may be "*".
//
// Names under which the gateway itself is found, which nobody could have a certificate for at AWS, are refused too, so that no domain
// name hides an API's own host. UNCONFIRMED: the texts.
func checkDomainName(name string) error {
	invalid := sockgate.Invalidf("Invalid domain name specified: %s", shorten(name))
	rest := strings.TrimPrefix(name, "*.")
	labels := strings.Split(rest, ".")
	if len(name) > maxDomainName || len(labels) < 2 {
		return invalid
	}
	for _, label := range labels {
		if !ldh(label) {
			return invalid
		}
	}
	if strings.Trim(labels[len(labels)-1], "0123456789") == "" {
		return invalid // an address
	}
	if labels[0] == "execute-api" || labels[1] == "execute-api" || rest == "amazonaws.com" || strings.HasSuffix(rest, ".amazonaws.com") {
		return sockgate.Invalidf("The domain name %s is reserved", name)
	}
	return nil
}

// ldh reports whether a label has 1 to 63 letters, digits and hyphens, none of which begins or ends it.
func ldh(label string) bool {
	if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
		return false
	}
	for i := range len(label) {
		if c := label[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

func shorten(s string) string {
	const shown = 128 // bytes of the caller's value that go back
	if len(s) <= shown {
		return s
	}
	return strings.ToValidUTF8(s[:shown], "") + "..."
}

// maxMappingKey is the longest mapping key, in characters. Source: reference websocket-api section 13.
const maxMappingKey = 300

// checkMappingKey checks a key that is not empty. The order of the checks and the texts were seen of AWS, a comma included.
func checkMappingKey(key string) error {
	switch {
	case strings.HasSuffix(key, "/"):
		return sockgate.Invalidf("API mapping key should not end with a '/'.")
	case strings.HasPrefix(key, "/"), strings.Contains(key, "//"), strings.TrimSpace(key) == "":
		return sockgate.Invalidf("API mapping key should not start with a '/' or have consecutive '/'s.")
	}
	for i := range len(key) {
		c := key[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && strings.IndexByte("$-_.+!*'(),/", c) < 0 {
			return sockgate.Invalidf("An API mapping key may contain only letters, numbers and one of $-_.+!*'(), characters.")
		}
	}
	if len(key) > maxMappingKey {
		return sockgate.Invalidf("ApiMapping key length must be under %d characters.", maxMappingKey)
	}
	return nil
}

// hostedZone is the Route 53 zone of API Gateway's regional endpoints, which tools put into DNS records.
// Source: AWS General Reference, "Amazon API Gateway endpoints and quotas". A region that is not of AWS has the first one's.
func hostedZone(region string) string {
	switch region {
	case "us-east-2":
		return "ZOJJZC49E0EPZ"
	case "us-west-1":
		return "Z2MUQ32089INYE"
	case "us-west-2":
		return "Z2OJLYMUO9EFXC"
	case "ap-northeast-1":
		return "Z1YSHQZHG15GKL"
	case "ap-northeast-2":
		return "Z20JF4UZKIW1U8"
	case "ap-south-1":
		return "Z3VO1THU9YC4UR"
	case "ap-southeast-1":
		return "ZL327KTPIQFUL"
	case "ap-southeast-2":
		return "Z2RPCDW04V8134"
	case "ca-central-1":
		return "Z19DQILCV0OWEC"
	case "eu-central-1":
		return "Z1U9ULNL0V5AJ3"
	case "eu-north-1":
		return "Z3UWIKFBOOGXPP"
	case "eu-west-1":
		return "ZLY8HYME6SFDD"
	case "eu-west-2":
		return "ZJ5UAJN8Y3Z2Q"
	case "eu-west-3":
		return "Z3KY65QIEKYHQQ"
	case "sa-east-1":
		return "ZCMLWB8V5SYIT"
	}
	return "Z1UJRXOUMOOFQ8" // us-east-1
}
