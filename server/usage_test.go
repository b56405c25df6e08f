package server_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	v1 "github.com/aws/aws-sdk-go-v2/service/apigateway"
	v1types "github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/sockgate/sockgate/config"
	"github.com/sockgate/sockgate/internal/gatewaytest"
)

const keyValue = "speak-friend-and-enter-0001"

// keyed is a gateway whose routes $connect and $default require an API key, with one key in one plan.
type keyed struct {
	*deployed
	keys      *v1.Client
	key, plan string
}

func startKeyed(t *testing.T, edit func(*config.Config), plan *v1.CreateUsagePlanInput) *keyed {
	t.Helper()
	d := deploy(t, gatewaytest.Start(t, edit))
	d.backend.Reply("/default", gatewaytest.Reply{Status: 200, Body: "ok"})
	id, secret := d.Key()
	k := &keyed{deployed: d, keys: v1.New(v1.Options{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider(id, secret, ""), RetryMaxAttempts: 1,
		BaseEndpoint: aws.String("http://" + d.ManagementAddr()), HTTPClient: d.HTTP(),
	})}
	k.requireKey(t, "$connect", "$default")
	ctx := t.Context()
	k.key = *must(k.keys.CreateApiKey(ctx, &v1.CreateApiKeyInput{Name: aws.String("friend"), Value: aws.String(keyValue), Enabled: true}))(t).Id
	if plan == nil {
		plan = &v1.CreateUsagePlanInput{}
	}
	plan.Name = aws.String("basic")
	if plan.ApiStages == nil {
		plan.ApiStages = []v1types.ApiStage{{ApiId: &d.api, Stage: aws.String("dev")}}
	}
	k.plan = *must(k.keys.CreateUsagePlan(ctx, plan))(t).Id
	must(k.keys.CreateUsagePlanKey(ctx, &v1.CreateUsagePlanKeyInput{UsagePlanId: &k.plan, KeyId: &k.key, KeyType: aws.String("API_KEY")}))(t)
	return k
}

func (k *keyed) requireKey(t *testing.T, keys ...string) {
	t.Helper()
	for _, r := range must(k.Control().GetRoutes(t.Context(), &apigatewayv2.GetRoutesInput{ApiId: &k.api}))(t).Items {
		required := strings.Contains(strings.Join(keys, " "), *r.RouteKey)
		must(k.Control().UpdateRoute(t.Context(), &apigatewayv2.UpdateRouteInput{ApiId: &k.api, RouteId: r.RouteId, ApiKeyRequired: &required}))(t)
	}
}

// dial connects with headers.
func (k *keyed) dial(t *testing.T, headers ...string) (*gatewaytest.Client, *gatewaytest.Refusal) {
	t.Helper()
	c, err := gatewaytest.Dial(k.Addr(), k.Host(k.api), "/dev", headers...)
	if refusal, ok := errors.AsType[*gatewaytest.Refusal](err); ok {
		return nil, refusal
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Drop)
	return c, nil
}

// enter connects with the good key.
func (k *keyed) enter(t *testing.T) *gatewaytest.Client {
	t.Helper()
	c, refusal := k.dial(t, "x-api-key: "+keyValue)
	if refusal != nil {
		t.Fatalf("the good key is refused: %v", refusal)
	}
	return c
}

// say sends a message and returns what comes back: "ok", or the error frame's message.
func say(t *testing.T, c *gatewaytest.Client) string {
	t.Helper()
	if err := c.Send("{}"); err != nil {
		t.Fatal(err)
	}
	text, err := c.Read()
	if err != nil {
		t.Fatal(err)
	}
	if rest, ok := strings.CutPrefix(text, `{"message": "`); ok {
		text, _, _ = strings.Cut(rest, `"`)
	}
	return text
}

func (k *keyed) patchKey(t *testing.T, path, value string) {
	t.Helper()
	must(k.keys.UpdateApiKey(t.Context(), &v1.UpdateApiKeyInput{ApiKey: &k.key, PatchOperations: replace(path, value)}))(t)
}

func (k *keyed) patchPlan(t *testing.T, op v1types.Op, path, value string) {
	t.Helper()
	must(k.keys.UpdateUsagePlan(t.Context(), &v1.UpdateUsagePlanInput{UsagePlanId: &k.plan,
		PatchOperations: []v1types.PatchOperation{{Op: op, Path: &path, Value: &value}}}))(t)
}

func replace(path, value string) []v1types.PatchOperation {
	return []v1types.PatchOperation{{Op: v1types.OpReplace, Path: &path, Value: &value}}
}

func expectRefusal(t *testing.T, r *gatewaytest.Refusal, status int, name, body string) {
	t.Helper()
	if r == nil {
		t.Fatalf("let in, want %d", status)
	}
	if r.StatusCode != status || r.Header.Get("x-amzn-ErrorType") != name || r.Content != body {
		t.Errorf("refused with %d %s %s, want %d %s %s", r.StatusCode, r.Header.Get("x-amzn-ErrorType"), r.Content, status, name, body)
	}
}

const (
	forbidden = `{"message":"Forbidden"}`
	tooMany   = `{"message":"Too Many Requests"}`
	exceeded  = `{"message":"Limit Exceeded"}`
)

func TestAPIKeys(t *testing.T) {
	k := startKeyed(t, nil, nil)
	must(k.keys.CreateApiKey(t.Context(), &v1.CreateApiKeyInput{Value: aws.String("in-no-plan-at-all-000001"), Enabled: true}))(t)
	for name, headers := range map[string][]string{
		"none": nil, "unknown": {"x-api-key: speak-friend-and-enter-0002"}, "in no plan": {"x-api-key: in-no-plan-at-all-000001"}, "empty": {"x-api-key: "},
	} {
		_, refusal := k.dial(t, headers...)
		t.Log(name)
		expectRefusal(t, refusal, 403, "ForbiddenException", forbidden)
	}
	c := k.enter(t)
	steps := []struct {
		name string
		do   func()
		want string
	}{
		{"at first", func() {}, "ok"},
		{"disabled", func() { k.patchKey(t, "/enabled", "false") }, "Forbidden"},
		{"enabled", func() { k.patchKey(t, "/enabled", "true") }, "ok"},
		{"stage taken out of the plan", func() { k.patchPlan(t, v1types.OpRemove, "/apiStages", k.api+":dev") }, "Forbidden"},
		{"stage put back", func() { k.patchPlan(t, v1types.OpAdd, "/apiStages", k.api+":dev") }, "ok"},
		{"taken out of the plan", func() {
			must(k.keys.DeleteUsagePlanKey(t.Context(), &v1.DeleteUsagePlanKeyInput{UsagePlanId: &k.plan, KeyId: &k.key}))(t)
		}, "Forbidden"},
		{"put back", func() {
			must(k.keys.CreateUsagePlanKey(t.Context(), &v1.CreateUsagePlanKeyInput{UsagePlanId: &k.plan, KeyId: &k.key, KeyType: aws.String("API_KEY")}))(t)
		}, "ok"},
		{"deleted", func() { must(k.keys.DeleteApiKey(t.Context(), &v1.DeleteApiKeyInput{ApiKey: &k.key}))(t) }, "Forbidden"},
	}
	for _, s := range steps {
		s.do()
		if got := say(t, c); got != s.want {
			t.Errorf("%s: the client reads %q, want %q", s.name, got, s.want)
		}
	}
	_, refusal := k.dial(t, "x-api-key: "+keyValue)
	expectRefusal(t, refusal, 403, "ForbiddenException", forbidden)
}

// TestKeyRememberedFromTheHandshake: $connect does not ask for the key, and another route does.
func TestKeyRememberedFromTheHandshake(t *testing.T) {
	k := startKeyed(t, nil, nil)
	k.requireKey(t, "$default")
	with, without := k.enter(t), (*gatewaytest.Client)(nil)
	without, _ = k.dial(t)
	if got := say(t, with); got != "ok" {
		t.Errorf("with a key: %q", got)
	}
	if got := say(t, without); got != "Forbidden" {
		t.Errorf("without: %q", got)
	}
}

func TestKeysFromElsewhere(t *testing.T) {
	k := startKeyed(t, func(c *config.Config) { c.Access.KeyQueryParameter, c.Access.KeySubprotocol = "key", "apikey." }, nil)
	for name, try := range map[string]struct{ query, header string }{
		"query": {"?a=b&key=" + keyValue, "X: y"}, "subprotocol": {"", "Sec-WebSocket-Protocol: chat, apikey." + keyValue},
	} {
		c, err := gatewaytest.Dial(k.Addr(), k.Host(k.api), "/dev"+try.query, try.header)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		c.Drop()
	}
	off := startKeyed(t, nil, nil)
	_, err := gatewaytest.Dial(off.Addr(), off.Host(off.api), "/dev?key="+keyValue)
	refusal, _ := errors.AsType[*gatewaytest.Refusal](err)
	expectRefusal(t, refusal, 403, "ForbiddenException", forbidden)
}

func TestRevokedKeysCloseWhereThatIsWanted(t *testing.T) {
	k := startKeyed(t, func(c *config.Config) { c.Access.CloseRevoked = true }, nil)
	c := k.enter(t)
	k.patchKey(t, "/enabled", "false")
	if _, err := c.Read(); closeCode(err) != 1008 {
		t.Errorf("the client reads %v, want a close frame with 1008", err)
	}
}

// TestKeyThatIsRevokedDuringTheHandshake: the connection is not in any list yet.
func TestKeyThatIsRevokedDuringTheHandshake(t *testing.T) {
	k := startKeyed(t, func(c *config.Config) { c.Access.CloseRevoked = true }, nil)
	k.backend.Reply("/connect", gatewaytest.Reply{Mode: gatewaytest.Hold})
	type dialled struct {
		*gatewaytest.Client
		error
	}
	came := make(chan dialled, 1)
	go func() {
		c, err := gatewaytest.Dial(k.Addr(), k.Host(k.api), "/dev", "x-api-key: "+keyValue)
		came <- dialled{c, err}
	}()
	if _, err := k.backend.Wait(func(rs []*gatewaytest.Request) bool { return len(rs) == 1 }); err != nil {
		t.Fatal(err)
	}
	k.patchKey(t, "/enabled", "false")
	k.backend.Release(1)
	c := <-came
	if c.error != nil {
		t.Fatal(c.error)
	}
	defer c.Drop()
	if _, err := c.Read(); closeCode(err) != 1008 {
		t.Errorf("the client reads %v, want a close frame with 1008", err)
	}
}

func throttleOf(burst int32, rate float64) *v1types.ThrottleSettings {
	return &v1types.ThrottleSettings{BurstLimit: burst, RateLimit: rate}
}

// slow is a rate at which no token comes back while a test runs.
const slow = 0.0001

func TestPlanThrottle(t *testing.T) {
	k := startKeyed(t, nil, &v1.CreateUsagePlanInput{Throttle: throttleOf(3, slow)})
	c := k.enter(t) // one
	for i, want := range []string{"ok", "ok", "Too Many Requests", "Too Many Requests"} {
		if got := say(t, c); got != want {
			t.Errorf("message %d: %q, want %q", i, got, want)
		}
	}
	_, refusal := k.dial(t, "x-api-key: "+keyValue)
	expectRefusal(t, refusal, 429, "TooManyRequestsException", tooMany)
	c.Drop()
	k.disconnects(t, 1) // never throttled
	_, refusal = k.dial(t, "x-api-key: "+keyValue)
	expectRefusal(t, refusal, 429, "TooManyRequestsException", tooMany) // the bucket outlives its connections
}

func TestPlanThrottleOfARoute(t *testing.T) {
	k := startKeyed(t, nil, &v1.CreateUsagePlanInput{Throttle: throttleOf(100, 100)})
	k.patchPlan(t, v1types.OpAdd, "/apiStages/"+k.api+":dev/throttle/$default/burstLimit", "1")
	k.patchPlan(t, v1types.OpReplace, "/apiStages/"+k.api+":dev/throttle/$default/rateLimit", "0.0001")
	c := k.enter(t)
	if got := say(t, c) + ", " + say(t, c); got != "ok, Too Many Requests" {
		t.Errorf("the client reads %s", got)
	}
	k.enter(t) // another route
}

func TestStageThrottle(t *testing.T) {
	d := deploy(t, gatewaytest.Start(t, nil))
	d.backend.Reply("/default", gatewaytest.Reply{Status: 200, Body: "ok"})
	limits := func(set *types.RouteSettings, routes map[string]types.RouteSettings) {
		must(d.Control().UpdateStage(t.Context(), &apigatewayv2.UpdateStageInput{ApiId: &d.api, StageName: aws.String("dev"),
			DefaultRouteSettings: set, RouteSettings: routes}))(t)
	}
	limits(&types.RouteSettings{ThrottlingBurstLimit: aws.Int32(2), ThrottlingRateLimit: aws.Float64(slow)}, nil)
	c, _ := d.connect(t)
	for i, want := range []string{"ok", "ok", "Too Many Requests"} {
		if got := say(t, c); got != want {
			t.Errorf("message %d: %q, want %q", i, got, want)
		}
	}
	limits(nil, map[string]types.RouteSettings{"$default": {ThrottlingBurstLimit: aws.Int32(0), ThrottlingRateLimit: aws.Float64(0)}})
	if got := say(t, c); got != "Too Many Requests" {
		t.Errorf("with a limit of nothing: %q", got)
	}
	limits(nil, map[string]types.RouteSettings{"$default": {ThrottlingBurstLimit: aws.Int32(100), ThrottlingRateLimit: aws.Float64(100)}})
	if got := say(t, c); got != "ok" {
		t.Errorf("with a new limit: %q", got)
	}
	d.connect(t) // the second of two
	_, err := gatewaytest.Dial(d.Addr(), d.Host(d.api), "/dev")
	refusal, _ := errors.AsType[*gatewaytest.Refusal](err)
	expectRefusal(t, refusal, 429, "TooManyRequestsException", tooMany)
}

func TestAccountThrottle(t *testing.T) {
	d := deploy(t, gatewaytest.Start(t, func(c *config.Config) { c.Limits.RequestRate, c.Limits.RequestBurst = 1, 3 }))
	d.backend.Reply("/default", gatewaytest.Reply{Status: 200, Body: "ok"})
	c, id := d.connect(t)
	throttled := 0
	for range 5 {
		if say(t, c) == "Too Many Requests" {
			throttled++
		}
	}
	if throttled == 0 {
		t.Error("five messages at once passed a bucket of three")
	}
	pushes := 0
	for range 5 {
		_, err := d.Push(d.api, "dev").PostToConnection(t.Context(), &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &id, Data: []byte("x")})
		if err != nil {
			if !strings.Contains(err.Error(), "LimitExceededException") || !strings.Contains(err.Error(), "429") {
				t.Errorf("a push: %v", err)
			}
			pushes++
		}
	}
	if pushes == 0 {
		t.Error("five pushes at once passed a bucket of three")
	}
	resp := must(http.Get("http://" + d.ManagementAddr() + "/_sockgate/metrics"))(t)
	defer resp.Body.Close()
	var page strings.Builder
	must(0, resp.Write(&page))(t)
	if strings.Contains(page.String(), `sockgate_limited_total{reason="account"} 0`) || !strings.Contains(page.String(), `sockgate_limited_total{reason="account"}`) {
		t.Error("the metrics do not count what the account's limit refused")
	}
}

func TestConnectRate(t *testing.T) {
	d := deploy(t, gatewaytest.Start(t, func(c *config.Config) { c.Limits.ConnectRate = 1 }))
	d.connect(t)
	var err error
	for range 3 {
		if _, err = gatewaytest.Dial(d.Addr(), d.Host(d.api), "/dev"); err != nil {
			break
		}
	}
	refusal, _ := errors.AsType[*gatewaytest.Refusal](err)
	expectRefusal(t, refusal, 429, "TooManyRequestsException", tooMany)
}

func (k *keyed) used(t *testing.T) [2]int64 {
	t.Helper()
	today := time.Now().UTC().Format("2006-01-02")
	out := must(k.keys.GetUsage(context.Background(), &v1.GetUsageInput{UsagePlanId: &k.plan, StartDate: &today, EndDate: &today}))(t)
	days := out.Items[k.key]
	if len(days) != 1 {
		t.Fatalf("GetUsage: %v", out.Items)
	}
	return [2]int64{days[0][0], days[0][1]}
}

func TestQuota(t *testing.T) {
	k := startKeyed(t, nil, &v1.CreateUsagePlanInput{Quota: &v1types.QuotaSettings{Limit: 3, Period: v1types.QuotaPeriodTypeMonth}})
	c := k.enter(t) // one
	for i, want := range []string{"ok", "ok", "Limit Exceeded"} {
		if got := say(t, c); got != want {
			t.Errorf("message %d: %q, want %q", i, got, want)
		}
	}
	_, refusal := k.dial(t, "x-api-key: "+keyValue)
	expectRefusal(t, refusal, 429, "LimitExceededException", exceeded)
	if got := k.used(t); got != [2]int64{3, 0} {
		t.Errorf("used, remaining: %v", got)
	}
	must(k.keys.UpdateUsage(t.Context(), &v1.UpdateUsageInput{UsagePlanId: &k.plan, KeyId: &k.key, PatchOperations: replace("/remaining", "1")}))(t)
	if got := k.used(t); got != [2]int64{3, 1} {
		t.Errorf("used, remaining after a grant: %v", got)
	}
	if got := say(t, c) + ", " + say(t, c); got != "ok, Limit Exceeded" {
		t.Errorf("after a grant of one: %s", got)
	}
	k.patchPlan(t, v1types.OpReplace, "/quota/limit", "5")
	if got := say(t, c); got != "ok" {
		t.Errorf("with a larger quota: %s", got)
	}
	want := k.used(t)
	if want[0] != 5 {
		t.Errorf("used: %v", want)
	}
	if err := k.Restart(); err != nil {
		t.Fatal(err)
	}
	k.keys = v1.New(k.keys.Options(), func(o *v1.Options) { o.BaseEndpoint = aws.String("http://" + k.ManagementAddr()) })
	if got := k.used(t); got != want {
		t.Errorf("used, remaining after a restart: %v, before: %v", got, want)
	}
}
