package policy_test

import (
	"errors"
	"testing"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/policy"
)

// Whatever a document and a request hold: parsing ends with a policy or an Invalid error, a policy that is asked twice says the
// same and names a statement that it has, and a denial of everything wins.
func FuzzPolicy(f *testing.F) {
	for _, d := range readDecisions(f) {
		r := parseRequest(f, d.request)
		key, value := "", ""
		for k, v := range r.Keys.(keys) {
			if len(v) > 0 {
				key, value = k, v[0]
			}
		}
		f.Add([]byte(d.doc), r.Action, r.Resource, r.Principal.ARN, key, value)
	}
	deny, err := policy.Parse([]byte(`{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, doc []byte, action, resource, arn, key, value string) {
		r := &policy.Request{Action: action, Resource: resource, Principal: policy.Principal{ARN: arn, AccountID: value}, Keys: keys{key: {value, arn}, "b": {value}}}
		for kind, parse := range parsers {
			p, err := parse(doc)
			if err != nil {
				if e, ok := errors.AsType[*sockgate.Error](err); !ok || e.Kind != sockgate.Invalid || e.Message == "" || e.Cause == nil {
					t.Fatalf("%s: %#v", kind, err)
				}
				continue
			}
			got := policy.Decide(r, p)
			if again := policy.Decide(r, p); again != got {
				t.Fatalf("%s: %+v, then %+v", kind, got, again)
			}
			if (got.Decision == policy.ImplicitDeny) != (got.Statement < 0) || got.Statement >= p.Len() {
				t.Fatalf("%s: %+v of %d statements", kind, got, p.Len())
			}
			if d := policy.Evaluate(r, p, deny); d != policy.ExplicitDeny {
				t.Fatalf("%s: %s although all is denied", kind, d)
			}
		}
	})
}
