// Package function is how routes and authorizers reach Lambda functions: which function a URI names, the events that functions
// are sent, the reading of what they answer, and the call in between.
//
// It runs no function: package service/function does, behind sockgate.Functions. What becomes of an answer is decided by the
// pipeline.
//
// Files: target.go URIs, event.go and quote.go events, answer.go answers, call.go the call.
package function

import (
	"regexp"
	"strings"

	"github.com/sockgate/sockgate/gateway/transform"
)

// Target is the function that an integration or an authorizer calls, with the stage's variables filled in. It is immutable.
type Target struct {
	ARN      string   // of the function, with a version or alias behind it or without
	RoleARN  string   // whose policies must allow the call; empty: the function's own policy must
	AsCaller bool     // the policies of who signed the handshake must allow the call
	Missing  []string // stage variables that the stage lacks; there is no target then
	Fault    string   // why the URI names no function; there is no target then
}

// callerCredentials is the credentialsArn that passes on who signed the handshake. Source: reference section 3.1.
const callerCredentials = "arn:aws:iam::*:user/*"

var (
	// serviceURI takes apart "arn:aws:apigateway:{region}:{subdomain.}{service}:{path|action}/…".
	serviceURI = regexp.MustCompile(`^arn:aws[a-z-]*:apigateway:[^:]*:(?:[^:.]+\.)?([^:.]+):(.*)$`)
	// functionARN is a function's ARN as API Gateway takes it; a stage variable may have brought the version or alias.
	functionARN = regexp.MustCompile(`^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[a-zA-Z0-9_-]+(:(\$LATEST|[a-zA-Z0-9_-]+))?$`)
)

const (
	invokePrefix = "path/2015-03-31/functions/"
	invokeSuffix = "/invocations"
)

// Service returns the AWS service that an integration's URI names ("sqs"), or "" when it names none. Of Lambda's operations only
// Invoke is "lambda"; another is "lambda:" and its path.
func Service(uri string) string {
	parts := serviceURI.FindStringSubmatch(uri)
	if parts == nil {
		return ""
	}
	service, path := parts[1], parts[2]
	if service == "lambda" && (!strings.HasPrefix(path, invokePrefix) || !strings.HasSuffix(path, invokeSuffix)) {
		return "lambda:" + path
	}
	return service
}

// Compile finds the function that a URI names, and the credentials for calling it. Stage variables may stand anywhere in both.
// It has no errors: as on AWS, what names no function is deployed, and calls fail with Missing or Fault as the reason.
// Source: reference sections 3.1 and 3.2.
//
// UNCONFIRMED: a function's bare ARN, or its name in place of its ARN, is no URI.
func Compile(uri, credentials string, vars map[string]string) *Target {
	t := &Target{}
	full, missing := transform.Substitute(uri, vars)
	role, more := transform.Substitute(credentials, vars)
	for _, name := range more {
		if !contains(missing, name) {
			missing = append(missing, name)
		}
	}
	if missing != nil {
		t.Missing = missing
		return t
	}
	if Service(full) != "lambda" {
		t.Fault = "the URI " + full + " does not invoke a Lambda function"
		return t
	}
	path := serviceURI.FindStringSubmatch(full)[2]
	arn := strings.TrimSuffix(strings.TrimPrefix(path, invokePrefix), invokeSuffix)
	if !functionARN.MatchString(arn) {
		t.Fault = arn + " is no ARN of a Lambda function"
		return t
	}
	t.ARN = arn
	if role == callerCredentials {
		t.AsCaller = true
	} else {
		t.RoleARN = role
	}
	return t
}

func contains(list []string, s string) bool {
	for _, have := range list {
		if have == s {
			return true
		}
	}
	return false
}

// URI is the address that AWS would call, for logs.
func (t *Target) URI() string {
	region := "us-east-1"
	if parts := strings.SplitN(t.ARN, ":", 5); len(parts) == 5 {
		region = parts[3]
	}
	return "https://lambda." + region + ".amazonaws.com/2015-03-31/functions/" + t.ARN + invokeSuffix
}
