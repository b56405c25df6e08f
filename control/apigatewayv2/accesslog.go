package apigatewayv2

import (
	"regexp"
	"strings"

	"github.com/sockgate/sockgate"
)

// maxLogFormat bounds an access log format, in bytes. UNCONFIRMED: the model says 1024, the quota page 3 KB.
const maxLogFormat = 3 << 10

var (
	// logDestination is a CloudWatch Logs group, with or without the ":*" that templates put behind it, or a Firehose stream.
	logDestination = regexp.MustCompile(`^arn:aws[a-z-]*:(logs:[a-z0-9-]*:[0-9]*:log-group:[a-zA-Z0-9_/.#-]{1,512}(:\*)?|firehose:[a-z0-9-]*:[0-9]*:deliverystream/amazon-apigateway-[a-zA-Z0-9_.-]{1,64})$`)
	// logVariable is what may follow a dollar sign. A dash belongs to a name only after "authorizer.", where names are the
	// authorizer's own.
	logVariable = regexp.MustCompile(`^(context\.authorizer\.[a-zA-Z0-9_-]+|context(\.[a-zA-Z0-9_]+)+|\{context(\.[a-zA-Z0-9_-]+)+\})`)
)

// applyAccessLog copies accessLogSettings onto l. An empty structure clears it.
//
// AWS also wants a role for CloudWatch in the account's settings; the gateway writes its own logs and asks for none.
func applyAccessLog(m members, l *sockgate.AccessLog) error {
	var in members
	if !set(m, "accessLogSettings", &in) {
		return nil
	}
	if len(in) == 0 {
		*l = sockgate.AccessLog{}
		return nil
	}
	set(in, "destinationArn", &l.DestinationARN)
	set(in, "format", &l.Format)
	switch {
	case l.DestinationARN == "" && l.Format == "":
		return nil
	case l.DestinationARN == "" || l.Format == "":
		return sockgate.Invalidf("Access log destination ARN and format must be set together") // UNCONFIRMED
	case !logDestination.MatchString(l.DestinationARN):
		return sockgate.Invalidf("Invalid ARN specified in the request. The access log destination must be a CloudWatch Logs log group or a Firehose delivery stream whose name begins with amazon-apigateway-") // UNCONFIRMED
	}
	l.DestinationARN = strings.TrimSuffix(l.DestinationARN, ":*")
	l.Format = strings.TrimRight(l.Format, "\r\n") // what a template's block of text ends with
	return checkLogFormat(l.Format)
}

// checkLogFormat checks the syntax. A variable that nobody knows is allowed: it prints "-".
// Source: reference websocket-api section 6.3. UNCONFIRMED: the texts, which are v1's as remembered.
func checkLogFormat(format string) error {
	if len(format) > maxLogFormat {
		return sockgate.Invalidf("Access log format exceeds %d bytes", maxLogFormat)
	}
	if strings.ContainsAny(format, "\r\n\x00") {
		return sockgate.Invalidf("Access log format must be single line, new line character is allowed only at end of the format")
	}
	identified := false
	for rest := format; ; {
		_, after, found := strings.Cut(rest, "$")
		if !found {
			break
		}
		rest = after
		if after == "" || after[0] != '{' && !letter(after[0]) {
			continue // a plain dollar sign
		}
		v := logVariable.FindString(after)
		if v == "" {
			return sockgate.Invalidf("Access log format contains an invalid variable. Only $context variables are allowed")
		}
		name := strings.Trim(v, "{}")
		identified = identified || name == "context.requestId" || name == "context.extendedRequestId"
		rest = after[len(v):]
	}
	if !identified {
		return sockgate.Invalidf("Access log format must contain at least $context.requestId or $context.extendedRequestId")
	}
	return nil
}

func letter(b byte) bool { return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' }
