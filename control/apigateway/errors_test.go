package apigateway_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sockgate/sockgate/control/apigateway"
	"github.com/sockgate/sockgate/state/store"
	"github.com/sockgate/sockgate/state/store/memory"
)

// TestRefusals has a case for each rule of a single request. {k} is a key in the plan {p}, which has a quota, a throttle and the stage
// chat:prod with limits for the route send; {bare} is a plan with nothing, {other} a key in no plan.
func TestRefusals(t *testing.T) {
	st := memory.New()
	g := newGatewayOn(t, st)
	key, other := g.newKey(`{"name":"k","value":"`+value+`"}`), g.newKey(`{}`)
	plan := g.newPlan(`{"name":"p","quota":{"limit":10,"period":"DAY"},"throttle":{"burstLimit":1,"rateLimit":1},
		"apiStages":[{"apiId":"chat","stage":"prod","throttle":{"send":{"rateLimit":1}}}]}`)
	bare := g.newPlan(`{"name":"bare"}`)
	g.join(plan, key).ok(201)
	fill := strings.NewReplacer("{k}", key, "{p}", plan, "{bare}", bare, "{other}", other, "{tags}", "/tags/arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Fapikeys%2F"+key)
	const (
		one       = "1 validation error detected: "
		null      = " failed to satisfy constraint: Member must not be null"
		enum      = " failed to satisfy constraint: Member must satisfy enum value set: "
		noPlan    = "Invalid Usage Plan ID specified"
		noKey     = "Invalid API Key identifier specified"
		replaces  = " specified for op 'replace'. Must be one of: "
		perRoute  = "/apiStages/<apidId:stageName>/throttle/<resourcePath>/<httpMethod>"
		limits    = perRoute + "/rateLimit, " + perRoute + "/burstLimit, "
		planAdd   = "[/apiStages, /productCode, /apiStages/<apidId:stageName>/throttle, " + limits + "/throttle/rateLimit, /throttle/burstLimit, /quota/limit, /quota/offset, /quota/period]"
		planRep   = "[/productCode, /apiStages/<apidId:stageName>/throttle, " + limits + "/name, /description, /throttle/rateLimit, /throttle/burstLimit, /quota/limit, /quota/offset, /quota/period]"
		planRem   = "[/apiStages, /quota, /throttle, /productCode, " + perRoute + ", /apiStages/<apidId:stageName>/throttle]"
		burst     = "Usage Plan throttle burst limit must be a non-negative numeric"
		rate      = "Usage Plan throttle rate limit must be a non-negative numeric"
		quota     = "Usage Plan quota limit must be a non-negative numeric"
		period    = "Invalid Usage Plan quota period specified. Must be one of [DAY, WEEK, MONTH]"
		fineGrain = "Can not define fine grain throttling if usage plan throttle is not defined."
	)
	tests := []struct {
		name, method, path, body string
		status                   int
		message                  string
	}{
		// what there is not
		{"unknown path", "GET", "/nothing", "", 403, "Unable to determine service/operation name to be authorized"},
		{"rest apis", "POST", "/restapis", "{", 501, "apigateway CreateRestApi is not built"},
		{"unknown vpc link", "DELETE", "/vpclinks/x", "", 404, "Invalid Vpc Link identifier specified"},
		{"certificates", "POST", "/clientcertificates", "", 501, "apigateway GenerateClientCertificate is not built"},
		{"older domain names", "GET", "/domainnames/x", "", 501, "apigateway GetDomainName is not built"},

		// bodies
		{"no json", "POST", "/apikeys", "{", 400, "Invalid request body: it is not valid JSON"},
		{"no object", "POST", "/apikeys", "[]", 400, "Invalid request body: it must be a JSON object"},
		{"wrong type", "POST", "/apikeys", `{"name":1}`, 400, "Invalid request body: the value of 'name' can not be converted to String"},
		{"wrong boolean", "POST", "/apikeys", `{"enabled":"true"}`, 400, "Invalid request body: the value of 'enabled' can not be converted to Boolean"},
		{"wrong list", "POST", "/usageplans", `{"name":"n","apiStages":{}}`, 400, "Invalid request body: the value of 'apiStages' can not be converted to List"},
		{"wrong integer", "POST", "/usageplans", `{"name":"n","throttle":{"burstLimit":1.5}}`, 400, "Invalid request body: the value of 'throttle.burstLimit' can not be converted to Integer"},
		{"integer too large", "POST", "/usageplans", `{"name":"n","quota":{"limit":2147483648}}`, 400, "Invalid request body: the value of 'quota.limit' can not be converted to Integer"},
		{"wrong double", "POST", "/usageplans", `{"name":"n","throttle":{"rateLimit":"1"}}`, 400, "Invalid request body: the value of 'throttle.rateLimit' can not be converted to Double"},
		{"wrong structure", "POST", "/usageplans", `{"name":"n","quota":[]}`, 400, "Invalid request body: the value of 'quota' can not be converted to Structure"},
		{"wrong map", "PUT", "{tags}", `{"tags":[]}`, 400, "Invalid request body: the value of 'tags' can not be converted to Map"},

		// keys
		{"unknown key", "GET", "/apikeys/unknown", "", 404, noKey},
		{"key id of another shape", "GET", "/apikeys/a%2Eb", "", 404, noKey},
		{"update of unknown key", "PATCH", "/apikeys/unknown", patch("replace", "/name", "x"), 404, noKey},
		{"deletion of unknown key", "DELETE", "/apikeys/unknown", "", 404, noKey},
		{"value short", "POST", "/apikeys", `{"value":"` + value[1:] + `"}`, 400, "API Key value should be at least 20 characters"},
		{"value long", "POST", "/apikeys", `{"value":"` + strings.Repeat("x", 129) + `"}`, 400, "API Key value exceeds maximum size of 128 characters"},
		{"value with a line end", "POST", "/apikeys", `{"value":"` + value + `\n"}`, 400, "Invalid API Key value specified"},
		{"value taken", "POST", "/apikeys", `{"value":"` + value + `"}`, 409, "API Key already exists"},
		{"name long", "POST", "/apikeys", `{"name":"` + strings.Repeat("é", 1025) + `"}`, 400, "Invalid API Key name, can be at most 1024 characters."},
		{"description long", "POST", "/apikeys", `{"description":"` + strings.Repeat("x", 125001) + `"}`, 400, "Invalid API Key description specified."},
		{"stage key", "POST", "/apikeys", `{"stageKeys":[{"restApiId":"chat"}]}`, 400, "Invalid stage key specified: chat/"},
		{"key tag", "POST", "/apikeys", `{"tags":{"aws:x":"1"}}`, 400, "Invalid tag key: aws:x. Keys that begin with aws: are reserved"},
		{"key path", "PATCH", "/apikeys/{k}", patch("replace", "/id", "x"), 400, "Invalid patch path  '/id'" + replaces + "[/description, /enabled, /name, /customerId]"},
		{"key value", "PATCH", "/apikeys/{k}", patch("replace", "/value", "x"), 400, "Invalid patch path  '/value'" + replaces + "[/description, /enabled, /name, /customerId]"},
		{"key name added", "PATCH", "/apikeys/{k}", patch("add", "/name", "x"), 400, "Invalid patch path  '/name' specified for op 'add'. Must be one of: [/stages, /labels]"},
		{"key name removed", "PATCH", "/apikeys/{k}", patch("remove", "/name", ""), 400, "Invalid patch path  '/name' specified for op 'remove'. Must be one of: [/stages, /labels]"},
		{"key moved", "PATCH", "/apikeys/{k}", patch("move", "/name", "x"), 400, "Invalid patch operation specified. Must be 'add'|'remove'|'replace'"},
		{"key op", "PATCH", "/apikeys/{k}", patch("frob", "/name", "x"), 400, one + "Value 'frob' at 'updateApiKeyInput.patchOperations.1.member.op'" + enum + "[add, remove, move, test, replace, copy]"},
		{"no op", "PATCH", "/apikeys/{k}", `{"patchOperations":[{"path":"/name"}]}`, 400, one + "Value null at 'updateApiKeyInput.patchOperations.1.member.op'" + null},
		{"null op", "PATCH", "/apikeys/{k}", `{"patchOperations":[null]}`, 400, one + "Value null at 'updateApiKeyInput.patchOperations.1.member.op'" + null},
		{"too many ops", "PATCH", "/apikeys/{k}", `{"patchOperations":[` + strings.Repeat("{},", 1000) + `{}]}`, 400, "A request can have at most 1000 patch operations"},
		{"value of another type", "PATCH", "/apikeys/{k}", `{"patchOperations":[{"op":"replace","path":"/name","value":1}]}`, 400, "Invalid request body: the value of 'patchOperations.value' can not be converted to String"},
		{"key enabled", "PATCH", "/apikeys/{k}", patch("replace", "/enabled", "yes"), 400, "Invalid value 'yes' specified for patch path '/enabled'. Must be 'true' or 'false'"},
		{"key enabled by nothing", "PATCH", "/apikeys/{k}", patch("replace", "/enabled", ""), 400, "Invalid value '' specified for patch path '/enabled'. Must be 'true' or 'false'"},
		{"key renamed", "PATCH", "/apikeys/{k}", patch("replace", "/name", strings.Repeat("x", 1025)), 400, "Invalid API Key name, can be at most 1024 characters."},
		{"key customer", "PATCH", "/apikeys/{k}", patch("replace", "/customerId", strings.Repeat("x", 1025)), 400, "Invalid API Key customer ID, can be at most 1024 characters."},
		{"key stage", "PATCH", "/apikeys/{k}", patch("add", "/stages", "chat"), 400, "Invalid stage key specified: chat"},

		// plans
		{"unknown plan", "GET", "/usageplans/unknown", "", 404, noPlan},
		{"update of unknown plan", "PATCH", "/usageplans/unknown", patch("frobnicate", "/name", "x"), 400, one + "Value 'frobnicate' at 'updateUsagePlanInput.patchOperations.1.member.op'" + enum + "[add, remove, move, test, replace, copy]"},
		{"update of unknown plan", "PATCH", "/usageplans/unknown", patch("replace", "/nothing", "x"), 404, noPlan},
		{"deletion of unknown plan", "DELETE", "/usageplans/unknown", "", 404, noPlan},
		{"plan in use", "DELETE", "/usageplans/{p}", "", 400, "Cannot delete Usage Plan {p} because there are API Stages associated with it, including chat:prod"},
		{"plan without name", "POST", "/usageplans", `{}`, 400, one + "Value null at 'createUsagePlanInput.name'" + null},
		{"plan with null name", "POST", "/usageplans", `{"name":null}`, 400, one + "Value null at 'createUsagePlanInput.name'" + null},
		{"plan with empty name", "POST", "/usageplans", `{"name":""}`, 400, "Invalid Usage Plan name, must have 1 to 1024 characters."},
		{"negative burst", "POST", "/usageplans", `{"name":"n","throttle":{"burstLimit":-1}}`, 400, burst},
		{"negative rate", "POST", "/usageplans", `{"name":"n","throttle":{"rateLimit":-0.5}}`, 400, rate},
		{"negative quota", "POST", "/usageplans", `{"name":"n","quota":{"limit":-1,"period":"DAY"}}`, 400, quota},
		{"quota without limit", "POST", "/usageplans", `{"name":"n","quota":{"period":"DAY"}}`, 400, quota},
		{"quota without period", "POST", "/usageplans", `{"name":"n","quota":{"limit":1}}`, 400, period},
		{"quota period", "POST", "/usageplans", `{"name":"n","quota":{"limit":1,"period":"YEAR"}}`, 400, one + "Value 'YEAR' at 'createUsagePlanInput.quota.period'" + enum + "[DAY, WEEK, MONTH]"},
		{"day offset", "POST", "/usageplans", `{"name":"n","quota":{"limit":1,"offset":1,"period":"DAY"}}`, 400, "Usage Plan quota offset must be zero in the DAY period"},
		{"week offset", "POST", "/usageplans", `{"name":"n","quota":{"limit":1,"offset":7,"period":"WEEK"}}`, 400, "Usage Plan quota offset must be between 0 and 6 inclusive in the WEEK period"},
		{"month offset", "POST", "/usageplans", `{"name":"n","quota":{"limit":1,"offset":-1,"period":"MONTH"}}`, 400, "Usage Plan quota offset must be between 0 and 27 inclusive in the MONTH period"},
		{"stage without api", "POST", "/usageplans", `{"name":"n","apiStages":[{"stage":"prod"}]}`, 400, "Invalid API Stage {api: %s, stage: %s} specified for usageplan %s"},
		{"unknown api", "POST", "/usageplans", `{"name":"n","apiStages":[{"apiId":"none","stage":"prod"}]}`, 404, "API Stage not found: none:prod"},
		{"api of another shape", "POST", "/usageplans", `{"name":"n","apiStages":[{"apiId":"a.b","stage":"prod"}]}`, 404, "API Stage not found: a.b:prod"},
		{"unknown stage", "POST", "/usageplans", `{"name":"n","apiStages":[{"apiId":"chat","stage":"none"}]}`, 404, "API Stage not found: chat:none"},
		{"stage twice", "POST", "/usageplans", `{"name":"n","apiStages":[{"apiId":"chat","stage":"prod"},{"apiId":"chat","stage":"prod"}]}`, 400, "API Stage chat:prod is specified twice"},
		{"routes without throttle", "POST", "/usageplans", `{"name":"n","apiStages":[{"apiId":"chat","stage":"prod","throttle":{"send":{}}}]}`, 400, fineGrain},
		{"negative rate of a route", "POST", "/usageplans", `{"name":"n","throttle":{},"apiStages":[{"apiId":"chat","stage":"prod","throttle":{"send":{"rateLimit":-1}}}]}`, 400, rate},
		{"no route", "POST", "/usageplans", `{"name":"n","throttle":{},"apiStages":[{"apiId":"chat","stage":"prod","throttle":{"/":{}}}]}`, 400, "Invalid route specified for throttle settings: /"},
		{"too many routes", "POST", "/usageplans", `{"name":"n","throttle":{},"apiStages":[{"apiId":"chat","stage":"prod","throttle":` + routes(21) + `}]}`, 400, "An API stage of a Usage Plan can have throttle settings for at most 20 routes"},

		{"plan path", "PATCH", "/usageplans/{p}", patch("replace", "/id", "x"), 400, "Invalid patch path  '/id'" + replaces + planRep},
		{"plan stage by path", "PATCH", "/usageplans/{p}", patch("remove", "/apiStages/chat:prod", ""), 400, "Invalid patch path  '/apiStages/chat:prod' specified for op 'remove'. Must be one of: " + planRem},
		{"plan stage replaced", "PATCH", "/usageplans/{p}", patch("replace", "/apiStages", "chat:prod"), 400, "Invalid patch path  '/apiStages'" + replaces + planRep},
		{"plan name added", "PATCH", "/usageplans/{p}", patch("add", "/name", "x"), 400, "Invalid patch path  '/name' specified for op 'add'. Must be one of: " + planAdd},
		{"plan quota replaced", "PATCH", "/usageplans/{p}", patch("replace", "/quota", "x"), 400, "Invalid patch path  '/quota'" + replaces + planRep},
		{"plan limit removed", "PATCH", "/usageplans/{p}", patch("remove", "/quota/limit", ""), 400, "Invalid patch path  '/quota/limit' specified for op 'remove'. Must be one of: " + planRem},
		{"limit of a route removed", "PATCH", "/usageplans/{p}", patch("remove", "/apiStages/chat:prod/throttle/send/rateLimit", ""), 400, "Invalid patch path  '/apiStages/chat:prod/throttle/send/rateLimit' specified for op 'remove'. Must be one of: " + planRem},
		{"route replaced", "PATCH", "/usageplans/{p}", patch("replace", "/apiStages/chat:prod/throttle/send", "{}"), 400, "Invalid patch path  '/apiStages/chat:prod/throttle/send'" + replaces + planRep},
		{"limit of no route", "PATCH", "/usageplans/{p}", patch("replace", "/apiStages/chat:prod/throttle//rateLimit", "1"), 400, "Invalid patch path  '/apiStages/chat:prod/throttle//rateLimit'" + replaces + planRep},
		{"stage path without stage", "PATCH", "/usageplans/{p}", patch("replace", "/apiStages/chat/throttle/send/rateLimit", "1"), 400, "Invalid patch path  '/apiStages/chat/throttle/send/rateLimit'" + replaces + planRep},
		{"plan moved", "PATCH", "/usageplans/{p}", patch("copy", "/name", "x"), 400, "Invalid patch operation specified. Must be 'add'|'remove'|'replace'"},
		{"plan name emptied", "PATCH", "/usageplans/{p}", patch("replace", "/name", ""), 400, "Invalid Usage Plan name, must have 1 to 1024 characters."},
		{"plan description", "PATCH", "/usageplans/{p}", patch("replace", "/description", strings.Repeat("x", 125001)), 400, "Invalid Usage Plan description specified."},
		{"plan product", "PATCH", "/usageplans/{p}", patch("add", "/productCode", strings.Repeat("x", 257)), 400, "Invalid Usage Plan product code specified."},
		{"fractional burst", "PATCH", "/usageplans/{p}", patch("replace", "/throttle/burstLimit", "1.5"), 400, burst},
		{"burst no number", "PATCH", "/usageplans/{p}", patch("replace", "/throttle/burstLimit", "many"), 400, burst},
		{"burst too large", "PATCH", "/usageplans/{p}", patch("replace", "/throttle/burstLimit", "2147483648"), 400, burst},
		{"negative burst patched", "PATCH", "/usageplans/{p}", patch("replace", "/throttle/burstLimit", "-1"), 400, burst},
		{"no burst", "PATCH", "/usageplans/{p}", patch("replace", "/throttle/burstLimit", ""), 400, burst},
		{"infinite rate", "PATCH", "/usageplans/{p}", patch("replace", "/throttle/rateLimit", "Inf"), 400, rate},
		{"no number", "PATCH", "/usageplans/{p}", patch("replace", "/throttle/rateLimit", "NaN"), 400, rate},
		{"rate too large", "PATCH", "/usageplans/{p}", patch("replace", "/throttle/rateLimit", "1e999"), 400, rate},
		{"hexadecimal rate", "PATCH", "/usageplans/{p}", patch("replace", "/throttle/rateLimit", "0x1p4"), 400, rate},
		{"negative rate patched", "PATCH", "/usageplans/{p}", patch("add", "/throttle/rateLimit", "-1"), 400, rate},
		{"rate of a route", "PATCH", "/usageplans/{p}", patch("add", "/apiStages/chat:prod/throttle/send/rateLimit", "fast"), 400, rate},
		{"burst of a route", "PATCH", "/usageplans/{p}", patch("replace", "/apiStages/chat:prod/throttle/send/burstLimit", "0.5"), 400, burst},
		{"negative quota patched", "PATCH", "/usageplans/{p}", patch("replace", "/quota/limit", "-1"), 400, quota},
		{"fractional quota", "PATCH", "/usageplans/{p}", patch("replace", "/quota/limit", "1.0"), 400, quota},
		{"quota offset", "PATCH", "/usageplans/{p}", patch("replace", "/quota/offset", "x"), 400, "Usage Plan quota offset must be a non-negative numeric"},
		{"quota offset of a day", "PATCH", "/usageplans/{p}", patch("replace", "/quota/offset", "1"), 400, "Usage Plan quota offset must be zero in the DAY period"},
		{"quota period patched", "PATCH", "/usageplans/{p}", patch("replace", "/quota/period", "day"), 400, period},
		{"new quota without period", "PATCH", "/usageplans/{bare}", patch("add", "/quota/limit", "1"), 400, period},
		{"new quota without limit", "PATCH", "/usageplans/{bare}", patch("add", "/quota/period", "DAY"), 400, quota},
		{"no stage", "PATCH", "/usageplans/{p}", patch("add", "/apiStages", ""), 400, "Invalid API Stage specified"},
		{"half a stage", "PATCH", "/usageplans/{p}", patch("add", "/apiStages", "chat"), 400, "Invalid API Stage specified"},
		{"unknown api added", "PATCH", "/usageplans/{p}", patch("add", "/apiStages", "none:prod"), 404, "API Stage not found: none:prod"},
		{"unknown stage added", "PATCH", "/usageplans/{p}", patch("add", "/apiStages", "chat:none"), 404, "API Stage not found: chat:none"},
		{"stage as JSON", "PATCH", "/usageplans/{p}", patch("add", "/apiStages", `{"apiId": "chat", "stage": "prod"}`), 404, `API Stage not found: {"apiId": "chat", "stage"`},
		{"stage with more", "PATCH", "/usageplans/{p}", patch("remove", "/apiStages", "chat:prod:x"), 400, "Invalid API Stage specified"},
		{"removed stage of no form", "PATCH", "/usageplans/{p}", patch("remove", "/apiStages", "chat"), 400, "Invalid API Stage specified"},
		{"unknown api removed", "PATCH", "/usageplans/{p}", patch("remove", "/apiStages", "none:prod"), 404, "Invalid API Stage {api: none, stage: prod} specified for usageplan {p}"},
		{"foreign stage removed", "PATCH", "/usageplans/{p}", patch("remove", "/apiStages", "chat:dev"), 404, "Invalid API Stage {api: chat, stage: dev} specified for usageplan {p}"},
		{"route of a foreign stage", "PATCH", "/usageplans/{p}", patch("replace", "/apiStages/chat:dev/throttle/send/rateLimit", "1"), 404, "Invalid API Stage {api: chat, stage: dev} specified for usageplan {p}"},
		{"routes of a foreign stage", "PATCH", "/usageplans/{p}", patch("remove", "/apiStages/chat:dev/throttle", ""), 404, "Invalid API Stage {api: chat, stage: dev} specified for usageplan {p}"},
		{"route removed from a foreign stage", "PATCH", "/usageplans/{p}", patch("remove", "/apiStages/chat:dev/throttle/send", ""), 404, "Invalid API Stage {api: chat, stage: dev} specified for usageplan {p}"},
		{"unknown route removed", "PATCH", "/usageplans/{p}", patch("remove", "/apiStages/chat:prod/throttle/none", ""), 404, "Invalid throttle settings specified: none"},
		{"routes no JSON", "PATCH", "/usageplans/{p}", patch("replace", "/apiStages/chat:prod/throttle", "x"), 400, "Invalid value specified for patch path '/apiStages/chat:prod/throttle': it must be a JSON object of throttle settings"},
		{"routes null", "PATCH", "/usageplans/{p}", patch("add", "/apiStages/chat:prod/throttle", "null"), 400, "Invalid value specified for patch path '/apiStages/chat:prod/throttle': it must be a JSON object of throttle settings"},
		{"too many routes patched", "PATCH", "/usageplans/{p}", patch("replace", "/apiStages/chat:prod/throttle", routes(21)), 400, "An API stage of a Usage Plan can have throttle settings for at most 20 routes"},
		{"throttle of routes removed", "PATCH", "/usageplans/{p}", patch("remove", "/throttle", ""), 400, fineGrain},

		// keys of plans
		{"key of unknown plan", "POST", "/usageplans/unknown/keys", `{"keyId":"{k}","keyType":"API_KEY"}`, 404, noPlan},
		{"plan of unknown key", "POST", "/usageplans/{p}/keys", `{"keyId":"unknown","keyType":"API_KEY"}`, 404, noKey},
		{"no key id", "POST", "/usageplans/{p}/keys", `{"keyType":"API_KEY"}`, 400, one + "Value null at 'createUsagePlanKeyInput.keyId'" + null},
		{"no key type", "POST", "/usageplans/{p}/keys", `{"keyId":"{k}"}`, 400, one + "Value null at 'createUsagePlanKeyInput.keyType'" + null},
		{"key type", "POST", "/usageplans/{p}/keys", `{"keyId":"{k}","keyType":"api_key"}`, 400, "Invalid key type specified: api_key. Must be API_KEY"},
		{"key twice", "POST", "/usageplans/{p}/keys", `{"keyId":"{k}","keyType":"API_KEY"}`, 409, "Usage Plan {p} already contains API Key {k}"},
		{"keys of unknown plan", "GET", "/usageplans/unknown/keys", "", 404, noPlan},
		{"one key of unknown plan", "GET", "/usageplans/unknown/keys/{k}", "", 404, noPlan},
		{"unknown key of plan", "GET", "/usageplans/{p}/keys/unknown", "", 404, noKey},
		{"key that is not in the plan", "GET", "/usageplans/{p}/keys/{other}", "", 404, noKey},
		{"removal of unknown key", "DELETE", "/usageplans/{p}/keys/unknown", "", 404, noKey},
		{"removal of a key that is not in the plan", "DELETE", "/usageplans/{p}/keys/{other}", "", 404, noKey},
		{"removal from unknown plan", "DELETE", "/usageplans/unknown/keys/{k}", "", 404, noPlan},

		// usage
		{"usage without start", "GET", "/usageplans/{p}/usage?endDate=2026-01-01", "", 400, one + "Value null at 'getUsageInput.startDate'" + null},
		{"usage without end", "GET", "/usageplans/{p}/usage?startDate=2026-01-01", "", 400, one + "Value null at 'getUsageInput.endDate'" + null},
		{"usage of no date", "GET", "/usageplans/{p}/usage?startDate=2026-02-30&endDate=2026-03-01", "", 400, "Invalid value '2026-02-30' for startDate: it must be a date of the form YYYY-MM-DD"},
		{"usage of a time", "GET", "/usageplans/{p}/usage?startDate=2026-01-01&endDate=2026-01-01T00:00:00Z", "", 400, "Invalid value '2026-01-01T00:00:00Z' for endDate: it must be a date of the form YYYY-MM-DD"},
		{"usage backwards", "GET", "/usageplans/{p}/usage?startDate=2026-01-02&endDate=2026-01-01", "", 400, "Invalid date range: startDate must not be after endDate"},
		{"usage of long", "GET", "/usageplans/{p}/usage?startDate=2026-01-01&endDate=2026-04-02", "", 400, "Invalid date range: it must not exceed 90 days"},
		{"usage of unknown plan", "GET", "/usageplans/unknown/usage?startDate=2026-01-01&endDate=2026-01-01", "", 404, noPlan},
		{"usage of unknown key", "GET", "/usageplans/{p}/usage?startDate=2026-01-01&endDate=2026-01-01&keyId={other}", "", 404, "Invalid Key identifier specified"},
		{"grant by add", "PATCH", "/usageplans/{p}/keys/{k}/usage", patch("add", "/remaining", "1"), 400, "Invalid patch path  '/remaining' specified for op 'add'. Must be one of: []"},
		{"grant elsewhere", "PATCH", "/usageplans/{p}/keys/{k}/usage", patch("replace", "/used", "1"), 400, "Invalid patch path  '/used'" + replaces + "[/remaining]"},
		{"negative grant", "PATCH", "/usageplans/{p}/keys/{k}/usage", patch("replace", "/remaining", "-1"), 400, "Usage remaining must be a non-negative numeric"},
		{"fractional grant", "PATCH", "/usageplans/{p}/keys/{k}/usage", patch("replace", "/remaining", "0.5"), 400, "Usage remaining must be a non-negative numeric"},
		{"grant to unknown key", "PATCH", "/usageplans/{p}/keys/{other}/usage", patch("replace", "/remaining", "1"), 404, "Invalid Key identifier specified"},
		{"grant in unknown plan", "PATCH", "/usageplans/unknown/keys/{k}/usage", patch("replace", "/remaining", "1"), 404, noPlan},

		// account
		{"account path", "PATCH", "/account", patch("replace", "/throttleSettings", "x"), 400, "Invalid patch path  '/throttleSettings'" + replaces + "[/cloudwatchRoleArn]"},
		{"account op", "PATCH", "/account", patch("remove", "/cloudwatchRoleArn", ""), 400, "Invalid patch path  '/cloudwatchRoleArn' specified for op 'remove'. Must be one of: [/features]"},
		{"account role", "PATCH", "/account", patch("replace", "/cloudwatchRoleArn", "role"), 400, "Invalid ARN specified in the request"},
		{"account role long", "PATCH", "/account", patch("replace", "/cloudwatchRoleArn", "arn:aws:iam::000000000000:role/"+strings.Repeat("x", 2048)), 400, "Invalid ARN specified in the request"},
		{"account feature", "PATCH", "/account", patch("add", "/features", "Magic"), 400, "Invalid feature specified: Magic. Must be one of: [UsagePlans]"},
		{"account without plans", "PATCH", "/account", patch("remove", "/features", "UsagePlans"), 400, "Usage Plans cannot be disabled once they are enabled"},

		// tags
		{"tags of no arn", "GET", "/tags/abc", "", 400, "Invalid resource ARN specified: abc"},
		{"tags in another region", "GET", "/tags/arn%3Aaws%3Aapigateway%3Aeu-west-1%3A%3A%2Fapikeys%2Fx", "", 400, "Invalid resource ARN specified: arn:aws:apigateway:eu-west-1::/apikeys/x"},
		{"tags of a websocket api", "GET", "/tags/arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Fapis%2Fchat", "", 400, "Invalid resource ARN specified: arn:aws:apigateway:us-east-1::/apis/chat"},
		{"tags of unknown key", "GET", "/tags/arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Fapikeys%2Fx", "", 404, noKey},
		{"tags of unknown plan", "PUT", "/tags/arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Fusageplans%2Fx", `{"tags":{}}`, 404, noPlan},
		{"tags of a rest api", "GET", "/tags/arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Frestapis%2Fx", "", 404, "Invalid API identifier specified x"},
		{"tags of a vpc link", "GET", "/tags/arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Fvpclinks%2Fx", "", 404, "Invalid Vpc Link identifier specified"},
		{"no tags", "PUT", "{tags}", `{}`, 400, one + "Value null at 'tagResourceInput.tags'" + null},
		{"reserved tag", "PUT", "{tags}", `{"tags":{"AWS:x":"1"}}`, 400, "Invalid tag key: AWS:x. Keys that begin with aws: are reserved"},
		{"tag characters", "PUT", "{tags}", `{"tags":{"a<b":"1"}}`, 400, "Invalid tag: a<b. Keys and values may have letters, digits, spaces and the symbols . : + = @ _ / -"},
		{"tag value long", "PUT", "{tags}", `{"tags":{"a":"` + strings.Repeat("x", 257) + `"}}`, 400, "Invalid tag value: the value of a exceeds 256 characters"},
		{"too many tags", "PUT", "{tags}", `{"tags":` + numbered(51) + `}`, 400, "A resource can have at most 50 tags"},
		{"untag without keys", "DELETE", "{tags}", "", 400, one + "Value null at 'untagResourceInput.tagKeys'" + null},

		// paging
		{"limit of nothing", "GET", "/apikeys?limit=0", "", 400, "Invalid value for limit: it must be an integer from 1 to 500"},
		{"negative limit", "GET", "/usageplans?limit=-1", "", 400, "Invalid value for limit: it must be an integer from 1 to 500"},
		{"fractional limit", "GET", "/usageplans/{p}/keys?limit=1.5", "", 400, "Invalid value for limit: it must be an integer from 1 to 500"},
		{"position", "GET", "/apikeys?position=%21", "", 400, "Invalid value for position"},
		{"position of another shape", "GET", "/apikeys?position=Li4v", "", 400, "Invalid value for position"},

		// import
		{"import without format", "POST", "/apikeys?mode=import", "name,key", 400, one + "Value null at 'importApiKeysInput.format'" + null},
		{"import of another format", "POST", "/apikeys?mode=import&format=json", "name,key", 400, one + "Value 'json' at 'importApiKeysInput.format'" + enum + "[csv]"},
		{"import of nothing", "POST", "/apikeys?mode=import&format=csv", "", 400, "Missing required column 'Key'"},
		{"import without key", "POST", "/apikeys?mode=import&format=csv", "name\nx", 400, "Missing required column 'Key'"},
		{"import without name", "POST", "/apikeys?mode=import&format=csv", "KEY\nx", 400, "Missing required column 'Name'"},
		{"import with two keys", "POST", "/apikeys?mode=import&format=csv", "key,name,KEY\nx", 400, "Duplicate column 'KEY'"},
		{"import of bytes", "POST", "/apikeys?mode=import&format=csv", "key,name\n\xff,x", 400, "The API key file is not valid UTF-8"},
		{"import with an open header", "POST", "/apikeys?mode=import&format=csv", "key,\"name\n", 400, "The first line of the API key file is malformed: a quote is not closed"},
		{"import with many columns", "POST", "/apikeys?mode=import&format=csv", "key,name" + strings.Repeat(",x", 99), 400, "The API key file can have at most 100 columns"},
		{"import with warnings", "POST", "/apikeys?mode=import&format=csv&failonwarnings=true", "key,name\n" + value + "x,fine\nshort,x\n", 400, "Warnings found during import:\n\tLine 3: ignored: API Key value should be at least 20 characters"},
		{"import of too many", "POST", "/apikeys?mode=import&format=csv", "key,name\n" + strings.Repeat(",\n", 10001), 429, "Maximum number of API Keys for this account has been reached.  Please contact AWS if you need additional API Keys."},
	}
	before := documents(t, st)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := g.do(tt.method, fill.Replace(tt.path), fill.Replace(tt.body))
			a.t = t
			a.refused(tt.status, fill.Replace(tt.message))
		})
	}
	if after := documents(t, st); after != before {
		t.Errorf("a refused request changed something:\n%s\nwas\n%s", after, before)
	}
}

// documents prints a store, apart from the account that the first attempt to change it creates.
func documents(t *testing.T, st store.Store) string {
	t.Helper()
	entries, err := st.List(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, e := range entries {
		if e.Key != "account" {
			fmt.Fprintf(&b, "%s %s\n", e.Key, e.Value)
		}
	}
	return b.String()
}

// routes returns a JSON object of limits for n routes.
func routes(n int) string {
	entries := make([]string, n)
	for i := range entries {
		entries[i] = fmt.Sprintf(`"r%d":{}`, i)
	}
	return "{" + strings.Join(entries, ",") + "}"
}

// numbered returns a JSON object of n entries.
func numbered(n int) string {
	entries := make([]string, n)
	for i := range entries {
		entries[i] = fmt.Sprintf(`"k%d":"v"`, i)
	}
	return "{" + strings.Join(entries, ",") + "}"
}

func TestQuotas(t *testing.T) {
	g := newGateway(t, func(c *apigateway.Config) { c.MaxKeys, c.MaxPlans = 2, 12 })
	const full = "Maximum number of %[1]s for this account has been reached.  Please contact AWS if you need additional %[1]s."
	key := g.newKey(`{}`)
	g.do("POST", "/apikeys?mode=import&format=csv", "key,name\n"+value+",a\n"+value+"2,b\n").refused(429, fmt.Sprintf(full, "API Keys"))
	g.do("POST", "/apikeys?mode=import&format=csv", "key,name\n"+value+",a\n"+value+",b\n").ok(201)
	g.do("POST", "/apikeys?mode=import&format=csv", "key,name\n"+value+",c\n").ok(201) // none is new
	g.do("POST", "/apikeys", `{}`).refused(429, fmt.Sprintf(full, "API Keys"))
	for i := range 12 {
		plan := g.newPlan(`{"name":"p"}`)
		if i < 10 {
			g.join(plan, key).ok(201)
		} else {
			g.join(plan, key).refused(429, fmt.Sprintf(full, "Usage Plans per API Key"))
		}
	}
	g.do("POST", "/usageplans", `{"name":"p"}`).refused(429, fmt.Sprintf(full, "Usage Plans"))

	g = newGateway(t, func(c *apigateway.Config) { c.MaxKeys, c.MaxPlans = -1, -1 })
	g.newKey(`{}`)
	g.newPlan(`{"name":"p"}`)
	g.do("POST", "/apikeys?mode=import&format=csv", "key,name\n"+value+",a\n").ok(201)
}

// TestWithoutUsage: a gateway that counts nothing says so.
func TestWithoutUsage(t *testing.T) {
	g := newGateway(t, func(c *apigateway.Config) { c.Meter = nil })
	plan, key := g.newPlan(`{"name":"p","quota":{"limit":7,"period":"DAY"}}`), g.newKey(`{}`)
	g.join(plan, key).ok(201)
	if got, want := g.do("GET", "/usageplans/"+plan+"/usage?startDate=2026-01-01&endDate=2026-01-02", "").body,
		`{"usagePlanId":"`+plan+`","startDate":"2026-01-01","endDate":"2026-01-02","values":{"`+key+`":[[0,7],[0,7]]}}`; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if a := g.do("PATCH", "/usageplans/"+plan+"/keys/"+key+"/usage", patch("replace", "/remaining", "1")); a.status != 503 {
		t.Errorf("%d %s", a.status, a.body)
	}
	g.do("PATCH", "/usageplans/"+plan, patch("remove", "/quota", "")).ok(200)
	g.do("PATCH", "/usageplans/"+plan+"/keys/"+key+"/usage", patch("replace", "/remaining", "1")).refused(400, "Usage Plan "+plan+" does not have a quota")
}

// TestWire has the exact bytes of replies, which SDKs are not particular about.
func TestWire(t *testing.T) {
	g := newGateway(t)
	key := g.newKey(`{"value":"` + value + `","name":"a&b"}`)
	plan := g.newPlan(`{"name":"p"}`)
	unix := fmt.Sprint(start.Unix())
	tests := []struct{ name, method, path, body, want string }{
		{"a key alone", "GET", "/apikeys/" + key, "", `{"id":"` + key + `","name":"a&b","enabled":false,"createdDate":` + unix + `,"lastUpdatedDate":` + unix + `,"stageKeys":[],"tags":{}}`},
		{"with its value", "GET", "/apikeys/" + key + "?includeValue=true", "", `{"id":"` + key + `","value":"` + value + `","name":"a&b","enabled":false,"createdDate":` + unix + `,"lastUpdatedDate":` + unix + `,"stageKeys":[],"tags":{}}`},
		{"keys", "GET", "/apikeys", "", `{"item":[{"id":"` + key + `","name":"a&b","enabled":false,"createdDate":` + unix + `,"lastUpdatedDate":` + unix + `,"stageKeys":[]}]}`},
		{"no keys", "GET", "/apikeys?name=x", "", `{"item":[]}`},
		{"a plan alone", "GET", "/usageplans/" + plan, "", `{"id":"` + plan + `","name":"p","apiStages":[],"tags":{}}`},
		{"plans", "GET", "/usageplans", "", `{"item":[{"id":"` + plan + `","name":"p","apiStages":[]}]}`},
		{"limits", "PATCH", "/usageplans/" + plan, `{"patchOperations":[{"op":"replace","path":"/throttle/burstLimit","value":"100"},{"op":"replace","path":"/throttle/rateLimit","value":"200"},{"op":"add","path":"/apiStages","value":"chat:prod"}]}`,
			`{"id":"` + plan + `","name":"p","apiStages":[{"apiId":"chat","stage":"prod"}],"throttle":{"burstLimit":100,"rateLimit":200.0},"tags":{}}`},
		{"an empty patch", "PATCH", "/usageplans/" + plan, ``, `{"id":"` + plan + `","name":"p","apiStages":[{"apiId":"chat","stage":"prod"}],"throttle":{"burstLimit":100,"rateLimit":200.0},"tags":{}}`},
		{"a member", "POST", "/usageplans/" + plan + "/keys", `{"keyId":"` + key + `","keyType":"API_KEY"}`, `{"id":"` + key + `","type":"API_KEY","value":"` + value + `","name":"a&b"}`},
		{"members", "GET", "/usageplans/" + plan + "/keys", "", `{"item":[{"id":"` + key + `","type":"API_KEY","value":"` + value + `","name":"a&b"}]}`},
		{"the account", "GET", "/account", "", `{"throttleSettings":{"burstLimit":5000,"rateLimit":10000.0},"features":["UsagePlans"],"apiKeyVersion":"4"}`},
		{"a removal", "DELETE", "/usageplans/" + plan + "/keys/" + key, "", ""},
		{"a deletion", "DELETE", "/apikeys/" + key, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if a := g.do(tt.method, tt.path, tt.body); a.body != tt.want || a.status > 299 {
				t.Errorf("got  %d %s\nwant %s", a.status, a.body, tt.want)
			}
		})
	}
}

func TestNoPositionBeyondTheEnd(t *testing.T) {
	g := newGateway(t)
	for range 30 {
		g.newKey(`{}`)
	}
	first := g.do("GET", "/apikeys", "").ok(200)
	if n := len(first["item"].([]any)); n != 25 {
		t.Errorf("a page of %d", n)
	}
	rest := g.do("GET", "/apikeys?limit=100000&position="+first["position"].(string), "").ok(200)
	if n := len(rest["item"].([]any)); n != 5 || rest["position"] != nil {
		t.Errorf("a last page of %d with position %v", n, rest["position"])
	}
}
