package authorize

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/policy"
)

// maxAnswer is how many bytes an authorizer's function may answer. Source: reference section 9.2.
const maxAnswer = 8 << 10

// answered is what an authorizer's function answered, understood.
type answered struct {
	who    *sockgate.Authorization
	policy *policy.Policy
}

// parseAnswer reads {"principalId", "policyDocument", "context", "usageIdentifierKey"}; the first two are required. The error says
// what is wrong with it. What it returns shares no memory with payload, since it stays as long as the connection.
//
// Values of the context are strings, numbers or booleans, and become strings as JSON writes them: 1 is "1", true is "true".
// Source: reference section 9.4. UNCONFIRMED: null is none of these.
func parseAnswer(payload []byte) (answered, error) {
	if len(payload) > maxAnswer {
		return answered{}, fmt.Errorf("it has %d bytes; the limit is %d", len(payload), maxAnswer)
	}
	if !gjson.ValidBytes(payload) {
		return answered{}, errors.New("it is not JSON")
	}
	doc := gjson.ParseBytes(payload)
	if !doc.IsObject() {
		return answered{}, errors.New("it is not a JSON object")
	}
	principal, document, usageKey := doc.Get("principalId"), doc.Get("policyDocument"), doc.Get("usageIdentifierKey")
	if principal.Type != gjson.String && principal.Type != gjson.Number {
		return answered{}, errors.New("it has no principalId that is a string")
	}
	if !document.IsObject() {
		return answered{}, errors.New("it has no policyDocument that is an object")
	}
	p, err := policy.ParseAuthorizer([]byte(document.Raw))
	if err != nil {
		return answered{}, fmt.Errorf("its policyDocument: %w", err)
	}
	who := &sockgate.Authorization{PrincipalID: strings.Clone(principal.String())}
	if usageKey.Type == gjson.String {
		who.UsageIdentifierKey = strings.Clone(usageKey.String())
	}
	if who.Context, err = parseContext(doc.Get("context")); err != nil {
		return answered{}, err
	}
	return answered{who, p}, nil
}

func parseContext(v gjson.Result) (map[string]string, error) {
	switch {
	case v.Type == gjson.Null: // absent, too
		return nil, nil
	case !v.IsObject():
		return nil, errors.New("its context is not an object")
	}
	m := make(map[string]string)
	var fault error
	v.ForEach(func(key, value gjson.Result) bool {
		if value.Type == gjson.JSON || value.Type == gjson.Null {
			fault = fmt.Errorf("%.80q in its context is not a string, number or boolean", key.String())
			return false
		}
		text := value.String()
		if value.Type == gjson.Number {
			text = value.Raw // String would print large and small ones in another way
		}
		m[strings.Clone(key.String())] = strings.Clone(text)
		return true
	})
	return m, fault
}
