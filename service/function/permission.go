package function

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/policy"
)

const (
	invokeAction = "lambda:InvokeFunction"
	apiGateway   = "apigateway.amazonaws.com"
)

// Policy returns a policy document with the statements, all about one resource, as GetPolicy shows it.
// Source: recorded answers of Lambda.
func Policy(resource string, statements []Statement) []byte {
	var b bytes.Buffer
	b.WriteString(`{"Version":"2012-10-17","Id":"default","Statement":[`)
	for i := range statements {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(statements[i].JSON(resource))
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

// JSON returns a statement about a resource as AddPermission shows it.
func (s *Statement) JSON(resource string) []byte {
	type wire struct {
		Sid       string
		Effect    string
		Principal any
		Action    string
		Resource  string
		Condition map[string]map[string]string `json:",omitempty"`
	}
	w := wire{Sid: s.Sid, Effect: "Allow", Principal: s.principal(), Action: s.Action, Resource: resource}
	add := func(operator, key, value string) {
		if value == "" {
			return
		}
		if w.Condition == nil {
			w.Condition = make(map[string]map[string]string)
		}
		if w.Condition[operator] == nil {
			w.Condition[operator] = make(map[string]string)
		}
		w.Condition[operator][key] = value
	}
	add("StringEquals", "AWS:SourceAccount", s.SourceAccount)
	add("StringEquals", "aws:PrincipalOrgID", s.PrincipalOrgID)
	add("StringEquals", "lambda:EventSourceToken", s.EventSourceToken)
	add("StringEquals", "lambda:FunctionUrlAuthType", s.URLAuthType)
	add("ArnLike", "AWS:SourceArn", s.SourceARN)
	if s.ViaURL != nil {
		add("Bool", "lambda:InvokedViaFunctionUrl", fmt.Sprint(*s.ViaURL))
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(w); err != nil {
		panic(err) // strings always encode
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func (s *Statement) principal() any {
	switch {
	case s.Service != "":
		return map[string]string{"Service": s.Service}
	case s.AWS == "*":
		return "*"
	}
	return map[string]string{"AWS": s.AWS}
}

// source is what a function's policy may ask about a call by API Gateway.
type source struct{ arn string }

// Key returns the condition keys of the call.
func (s source) Key(name string) ([]string, bool) {
	switch name {
	case "aws:sourcearn":
		return []string{s.arn}, s.arn != ""
	case "aws:sourceaccount":
		// "arn:aws:execute-api:{region}:{account}:..."
		parts := strings.SplitN(s.arn, ":", 6)
		if len(parts) < 6 {
			return nil, false
		}
		return parts[4:5], true
	}
	return nil, false
}

// permit decides whether a call may be made: by the caller's or the role's policies if there is one, else by the function's own policy, which
// each alias and version has for itself. Source: Lambda Developer Guide, "Viewing resource-based IAM policies".
func (s *Service) permit(f *function, qualifier string, c *sockgate.FunctionCall) error {
	switch {
	case c.Caller != nil:
		if s.AllowsCaller == nil {
			return refused("nobody here decides what %s may do", c.Caller.ARN)
		}
		return s.AllowsCaller(c.Caller, invokeAction, c.Function)
	case c.RoleARN != "":
		if s.AllowsRole == nil {
			return refused("nobody here decides what %s may do", c.RoleARN)
		}
		return s.AllowsRole(c.RoleARN, invokeAction, c.Function)
	}
	if qualifier == Latest {
		qualifier = "" // Lambda keeps no policy for $LATEST
	}
	request := policy.Request{
		Action: invokeAction, Resource: s.ARN(f.record.Name, qualifier),
		Principal: policy.Principal{Service: apiGateway}, Keys: source{c.SourceARN},
	}
	p := f.policies[qualifier]
	if p == nil || policy.Evaluate(&request, p) != policy.Allow {
		return s.missing(f.record.Name, qualifier, c.SourceARN)
	}
	return nil
}

// missing names the statement that would have permitted the call.
func (s *Service) missing(name, qualifier, sourceARN string) error {
	more := ""
	if qualifier != "" {
		more = " --qualifier " + qualifier
	}
	return refused("no statement of the policy of %s lets %s call %s for %s; this adds one: aws lambda add-permission --function-name %s%s "+
		"--statement-id apigateway-invoke --action %s --principal %s --source-arn '%s'",
		s.ARN(name, qualifier), apiGateway, invokeAction, sourceARN, name, more, invokeAction, apiGateway, sourceARN)
}

func refused(format string, args ...any) error {
	return sockgate.Forbiddenf("Invalid permissions on Lambda function").Because(fmt.Errorf(format, args...))
}
