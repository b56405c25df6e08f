package deploy

import (
	"strings"

	"github.com/sockgate/sockgate"
)

// limit gives a stage's routes their buckets. Those of an earlier deployment go on, with today's limits.
//
// Each route has a bucket of its own, also when its limit is the stage's default: the settings of a stage are its routes' defaults. What is set
// of a limit only by half takes the other half from the account's. UNCONFIRMED: AWS does not say whether routes share the default.
func (d *Deployer) limit(st *Stage) {
	if d.Limits == nil {
		return
	}
	now := d.Clock()
	limited := make(map[string]bool)
	for key, r := range st.Routes {
		if t, ok := d.throttle(r.Settings); ok {
			r.Limit = d.Limits.Bucket(st.API.ID, st.Settings.Name, key, t, now)
			limited[key] = true
		}
	}
	if st.Routes[sockgate.ConnectRoute] == nil {
		if t, ok := d.throttle(effective(&st.Settings, sockgate.ConnectRoute)); ok {
			st.Unrouted = d.Limits.Bucket(st.API.ID, st.Settings.Name, sockgate.ConnectRoute, t, now)
			limited[sockgate.ConnectRoute] = true
		}
	}
	d.Limits.Keep(st.API.ID, st.Settings.Name, func(route string) bool { return limited[route] })
}

func (d *Deployer) throttle(s sockgate.RouteSettings) (t sockgate.Throttle, limited bool) {
	t = d.Account
	if s.ThrottlingBurstLimit != nil {
		t.Burst = *s.ThrottlingBurstLimit
	}
	if s.ThrottlingRateLimit != nil {
		t.Rate = *s.ThrottlingRateLimit
	}
	return t, s.ThrottlingBurstLimit != nil || s.ThrottlingRateLimit != nil
}

// keyHeader is the header that an apiKeySelectionExpression names; empty when it names the authorizer (reference section 10).
func keyHeader(expression string) string {
	const header, authorizer = "$request.header.", "$context.authorizer.usageIdentifierKey"
	if strings.Trim(expression, "${}") == strings.Trim(authorizer, "$") {
		return ""
	}
	if name, ok := strings.CutPrefix(expression, header); ok && name != "" {
		return name
	}
	return "x-api-key"
}
