package policy_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/policy"
)

// parsers are the words by which testdata names them. A condition is that of a policy that allows everything.
var parsers = map[string]func([]byte) (*policy.Policy, error){
	"policy": policy.Parse, "managed": policy.ParseManaged, "resource": policy.ParseResource, "trust": policy.ParseTrust, "authorizer": policy.ParseAuthorizer,
	"condition": func(doc []byte) (*policy.Policy, error) {
		return policy.Parse([]byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":` + string(doc) + `}}`))
	},
}

// keys are a request's keys, by their names in lower case.
type keys map[string][]string

func (k keys) Key(name string) ([]string, bool) {
	v, ok := k[name]
	return v, ok
}

// decision is one case of testdata/*.txt:
//
//	kind document
//	name : action resource ; key=value|value ; @arn=principal … => decision [sid]
//
// Action and resource may be left out; "key=[]" is a key without values. A document is for the cases that follow.
type decision struct{ kind, doc, name, request, want string }

func readDecisions(t testing.TB) []decision {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	var list []decision
	for _, file := range files {
		if filepath.Base(file) == "refused.txt" {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var d decision
		for line := range strings.Lines(string(text)) {
			line = strings.TrimSpace(line)
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			if kind, doc, _ := strings.Cut(line, " "); parsers[kind] != nil && strings.HasPrefix(doc, "{") {
				d.kind, d.doc = kind, doc
				continue
			}
			var ok bool
			if d.name, line, ok = strings.Cut(line, " :"); !ok {
				t.Fatalf("%s: %q has no name", file, line)
			}
			at := strings.LastIndex(line, "=>")
			if at < 0 {
				t.Fatalf("%s: %q has no decision", file, line)
			}
			d.name = strings.TrimSuffix(filepath.Base(file), ".txt") + "/" + d.name
			d.request, d.want = strings.TrimSpace(line[:at]), strings.TrimSpace(line[at+2:])
			list = append(list, d)
		}
	}
	return list
}

func parseRequest(t testing.TB, text string) *policy.Request {
	k := keys{}
	r := &policy.Request{Action: "svc:Do", Resource: "arn:aws:svc:us-east-1:000000000000:thing", Keys: k}
	what, rest, _ := strings.Cut(text, ";")
	if f := strings.Fields(what); len(f) == 2 {
		r.Action, r.Resource = f[0], f[1]
	} else if len(f) != 0 {
		t.Fatalf("%q is not an action and a resource", what)
	}
	if rest == "" {
		return r
	}
	principal := map[string]*string{"@arn": &r.Principal.ARN, "@role": &r.Principal.RoleARN, "@account": &r.Principal.AccountID,
		"@service": &r.Principal.Service, "@federated": &r.Principal.Federated}
	for part := range strings.SplitSeq(rest, " ; ") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		switch {
		case !ok:
			t.Fatalf("%q has no value", part)
		case principal[name] != nil:
			*principal[name] = value
		case value == "[]":
			k[strings.ToLower(name)] = nil
		default:
			k[strings.ToLower(name)] = strings.Split(value, "|")
		}
	}
	return r
}

func TestDecisions(t *testing.T) {
	list := readDecisions(t)
	names := map[string]bool{}
	for _, d := range list {
		if names[d.name] {
			t.Errorf("two cases are called %q", d.name)
		}
		names[d.name] = true
		t.Run(d.name, func(t *testing.T) {
			p, err := parsers[d.kind]([]byte(d.doc))
			if err != nil {
				t.Fatal(err)
			}
			r := parseRequest(t, d.request)
			got := policy.Decide(r, p)
			text := got.Decision.String()
			if got.Sid != "" {
				text += " " + got.Sid
			}
			if text != d.want {
				t.Errorf("%s\n%s\ngot %s, want %s", d.doc, d.request, text, d.want)
			}
			if e := policy.Evaluate(r, p); e != got.Decision {
				t.Errorf("Evaluate says %s, Decide %s", e, got.Decision)
			}
		})
	}
	if len(list) < 180 {
		t.Errorf("only %d cases were found", len(list))
	}
}

func TestRefused(t *testing.T) {
	text, err := os.ReadFile("testdata/refused.txt")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		n++
		kind, rest, _ := strings.Cut(line, " ")
		doc, want, ok := strings.Cut(rest, " => ")
		if !ok || parsers[kind] == nil {
			t.Fatalf("cannot read %q", line)
		}
		t.Run(fmt.Sprintf("%03d", n), func(t *testing.T) {
			_, err := parsers[kind]([]byte(doc))
			e, ok := errors.AsType[*sockgate.Error](err)
			if !ok || e.Kind != sockgate.Invalid || e.Message != want {
				t.Fatalf("%s\ngot  %v\nwant %s", line, err, want)
			}
			if e.Cause == nil || e.Cause.Error() == "" {
				t.Errorf("%s\nthe operator is not told what is wrong", line)
			}
		})
	}
	if n < 100 {
		t.Errorf("only %d cases were found", n)
	}
}

func TestCauseSaysWhere(t *testing.T) {
	_, err := policy.Parse([]byte(`{"Statement":[{"Effect":"Allow","Action":"a:b","Resource":"*"},{"Effect":"Allow","Action":"a:b","Resource":"*","Condition":{"Like":{"a":"b"}}}]}`))
	e, ok := errors.AsType[*sockgate.Error](err)
	if !ok || e.Cause.Error() != "Statement: statement 1: Condition: Like: a: unknown operator" {
		t.Errorf("got %v", err)
	}
}

func must(t testing.TB, doc string) *policy.Policy {
	p, err := policy.Parse([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestDecideAcrossPolicies(t *testing.T) {
	allow := must(t, `{"Statement":[{"Sid":"x","Effect":"Allow","Action":"s3:Put*","Resource":"*"},{"Sid":"a","Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}`)
	deny := must(t, `{"Statement":{"Sid":"d","Effect":"Deny","Action":"s3:GetSecret","Resource":"*"}}`)
	tests := []struct {
		name     string
		action   string
		policies []*policy.Policy
		want     policy.Ruling
	}{
		{"no policies", "s3:GetObject", nil, policy.Ruling{Policy: -1, Statement: -1}},
		{"only nil", "s3:GetObject", []*policy.Policy{nil}, policy.Ruling{Policy: -1, Statement: -1}},
		{"nil counts as a place", "s3:GetObject", []*policy.Policy{nil, deny, allow}, policy.Ruling{Decision: policy.Allow, Policy: 2, Statement: 1, Sid: "a"}},
		{"later denial", "s3:GetSecret", []*policy.Policy{allow, deny}, policy.Ruling{Decision: policy.ExplicitDeny, Policy: 1, Sid: "d"}},
		{"earlier denial", "s3:GetSecret", []*policy.Policy{deny, allow}, policy.Ruling{Decision: policy.ExplicitDeny, Sid: "d"}},
		{"nothing applies", "sqs:Send", []*policy.Policy{deny, allow}, policy.Ruling{Policy: -1, Statement: -1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := policy.Request{Action: test.action, Resource: "*"}
			if got := policy.Decide(&r, test.policies...); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
	if allow.Len() != 2 {
		t.Errorf("%d statements", allow.Len())
	}
}

func TestLongestDocument(t *testing.T) {
	doc := `{"Statement":{"Effect":"Allow","Action":"a:b","Resource":"*"}}`
	if _, err := policy.Parse([]byte(doc + strings.Repeat(" ", policy.MaxDocument-len(doc)))); err != nil {
		t.Error(err)
	}
	if _, err := policy.Parse([]byte(doc + strings.Repeat(" ", policy.MaxDocument-len(doc)+1))); sockgate.KindOf(err) != sockgate.Invalid {
		t.Errorf("got %v", err)
	}
}

// A request is decided without memory but for its action in lower case.
func TestEvaluateAllocates(t *testing.T) {
	p := must(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"execute-api:*","Resource":"arn:aws:execute-api:*:*:abc/*/$connect",
		"Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"},"StringLike":{"aws:UserAgent":"*cli*"}}},
		{"Effect":"Deny","Action":"*","Resource":"arn:aws:execute-api:us-east-1:000000000000:${aws:username}"}]}`)
	r := &policy.Request{Action: "execute-api:Invoke", Resource: "arn:aws:execute-api:us-east-1:000000000000:abc/prod/$connect",
		Keys: keys{"aws:sourceip": {"10.1.2.3"}, "aws:useragent": {"aws-cli/2"}, "aws:username": {"ann"}}}
	if n := testing.AllocsPerRun(100, func() {
		if policy.Evaluate(r, p) != policy.Allow {
			t.Fatal("not allowed")
		}
	}); n > 2 {
		t.Errorf("%v allocations", n)
	}
}
