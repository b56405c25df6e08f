package pipeline_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/pipeline"
	"github.com/sockgate/sockgate/gateway/throttle"
	"github.com/sockgate/sockgate/gateway/usage"
	"github.com/sockgate/sockgate/state/catalog"
	"github.com/sockgate/sockgate/state/store/memory"
)

const goodKey = "a-good-key-0123456789-tail42"

// slow is a rate at which nothing comes back while a test runs.
const slow = 1e-6

// directory knows the key goodKey, "k1" in the plan "p1".
func directory(t *testing.T, p sockgate.UsagePlan) *usage.Directory {
	d := usage.New(usage.Config{Store: memory.New(), Clock: time.Now, Log: slog.New(slog.DiscardHandler)})
	p.ID, p.CreatedAt = "p1", time.Now().AddDate(-1, 0, 0)
	if p.Stages == nil {
		p.Stages = []sockgate.PlanStage{{APIID: "abc", Stage: "dev"}}
	}
	d.Told(t.Context(), catalog.UsageChange{PlanID: "p1", Revision: 1, Plan: &p})
	d.Told(t.Context(), catalog.UsageChange{KeyID: "k1", Revision: 1, Key: &sockgate.APIKey{ID: "k1", Value: goodKey, Enabled: true}})
	d.Told(t.Context(), catalog.UsageChange{PlanID: "p1", KeyID: "k1", Revision: 1, PlanKey: &sockgate.PlanKey{PlanID: "p1", KeyID: "k1"}})
	return d
}

// keyedDefinition has a function behind each route, all of which require a key but "free".
func keyedDefinition() *sockgate.Definition {
	def := one(sockgate.Integration{Type: sockgate.AWSProxy, URI: uri("f")}, sockgate.Route{Key: "$connect", APIKeyRequired: true})
	answering := twoWay
	answering.Target = "integrations/i1"
	for _, key := range []string{"$default", "free", "$disconnect"} {
		answering.Key, answering.APIKeyRequired = key, key != "free"
		def.Routes = append(def.Routes, answering)
	}
	return def
}

var answersOK = map[string]func() (*sockgate.FunctionAnswer, error){"f": returns(`{"statusCode":200,"body":"ok"}`)}

// enter makes a handshake with a key.
func (g *gateway) enter(t *testing.T, s *pipeline.Session, key string) *pipeline.Refusal {
	t.Helper()
	h := &pipeline.Handshake{Headers: sockgate.Headers{{Name: "Host", Value: "h"}}}
	if key != "" {
		h.Headers = append(h.Headers, sockgate.Header{Name: "X-API-Key", Value: key})
	}
	_, refusal := g.Connect(t.Context(), s, h)
	return refusal
}

func TestLimitsAndTheirOrder(t *testing.T) {
	tight, wide := sockgate.Throttle{Burst: 3, Rate: slow}, sockgate.Throttle{Burst: 100, Rate: 100}
	const place = "exceeded throttle limit for API Stage abc/dev: Key throttle limit exceeded for Usage Plan ID p1"
	for _, tt := range []struct {
		name    string
		plan    sockgate.UsagePlan
		account sockgate.Throttle
		want    string // what is read by three messages after the handshake
		log     string
		reason  string
	}{
		{"none", sockgate.UsagePlan{}, wide, "ok ok ok", "Usage Plan check succeeded for API Key **********************tail42 and API Stage abc/dev", ""},
		{"of the plan", sockgate.UsagePlan{Throttle: &tight}, wide, "ok ok Too Many Requests",
			"API Key **********************tail42 " + place + ". Limit: 0.00 Burst: 3\n", "plan_key"},
		{"of the plan on the route",
			sockgate.UsagePlan{Throttle: &wide, Stages: []sockgate.PlanStage{{APIID: "abc", Stage: "dev", Throttle: map[string]sockgate.Throttle{"$default": {Burst: 1, Rate: slow}}}}},
			wide, "ok Too Many Requests Too Many Requests", place + ", Route $default. Limit: 0.00 Burst: 1\n", "plan_key_route"},
		{"of the account", sockgate.UsagePlan{}, tight, "ok ok Too Many Requests", ") throttle limit of the account exceeded. Limit: 0.00 Burst: 3\n", "account"},
		{"of the period", sockgate.UsagePlan{Quota: &sockgate.Quota{Limit: 2, Period: "WEEK"}}, wide, "ok Limit Exceeded Limit Exceeded",
			"exceeded quota limit for API Stage abc/dev: Key quota exhausted for Usage Plan ID p1. Quota Limit: 2 Period: WEEK\n", "quota"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := open(t, keyedDefinition(), nil, answersOK, func(c *pipeline.Config) {
				c.Limits = pipeline.Limits{Keys: directory(t, tt.plan), Account: throttle.New(tt.account, time.Now())}
			})
			s := session()
			if refusal := g.enter(t, s, goodKey); refusal != nil {
				t.Fatalf("refused: %+v", refusal)
			}
			var got []string
			for range 3 {
				got = append(got, strings.TrimSuffix(strings.TrimPrefix(g.say(s, "{}"), `{"message": "`), `", "connectionId":"C1"`))
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("the client reads %q, want %s", got, tt.want)
			}
			calls := len(g.functions.calls)
			g.Disconnect(t.Context(), s, 1000, "")
			if len(g.functions.calls) != calls+1 {
				t.Error("$disconnect was not delivered")
			}
			if !strings.Contains(g.log.String(), tt.log) || strings.Contains(g.log.String(), goodKey) {
				t.Errorf("the log does not say %q, or shows the key:\n%s", tt.log, g.log.String())
			}
			for i, name := range pipeline.Reasons() {
				if n := g.LimitedBy(i); (n > 0) != (name == tt.reason) {
					t.Errorf("%d refused because of %s", n, name)
				}
			}
		})
	}
}

// TestWhatIsRefusedLaterCostsNothingEarlier: the account refuses, and the plan's tokens and quota are as they were.
func TestWhatIsRefusedLaterCostsNothingEarlier(t *testing.T) {
	d := directory(t, sockgate.UsagePlan{Throttle: &sockgate.Throttle{Burst: 3, Rate: slow}, Quota: &sockgate.Quota{Limit: 10, Period: "MONTH"}})
	account := throttle.New(sockgate.Throttle{Burst: 1, Rate: slow}, time.Now())
	g := open(t, keyedDefinition(), nil, answersOK, func(c *pipeline.Config) { c.Limits = pipeline.Limits{Keys: d, Account: account} })
	s := session()
	if refusal := g.enter(t, s, goodKey); refusal != nil {
		t.Fatalf("refused: %+v", refusal)
	}
	for range 5 {
		if got := g.say(s, "{}"); got != frame("Too Many Requests") {
			t.Fatalf("the client reads %q", got)
		}
	}
	account.Set(throttle.NewRule(sockgate.Throttle{Burst: 100, Rate: 1e9}), time.Now())
	time.Sleep(time.Microsecond) // the time of a thousand tokens
	for i, want := range []string{"ok", "ok", frame("Too Many Requests")} {
		if got := g.say(s, "{}"); got != want {
			t.Errorf("message %d: %q, want %q", i, got, want)
		}
	}
	days, err := d.Usage(t.Context(), "p1", "k1", time.Now(), time.Now())
	if err != nil || days[0][0] != 3 {
		t.Errorf("used: %v, %v; want 3", days, err)
	}
}

func TestWhereKeysComeFrom(t *testing.T) {
	allow := func(key string) func() (*sockgate.FunctionAnswer, error) {
		return returns(`{"principalId":"u","policyDocument":{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"Allow","Resource":"*"}]},"usageIdentifierKey":"` + key + `"}`)
	}
	for _, tt := range []struct {
		name, expression, header, authorizer string
		in                                   bool
	}{
		{"header", "$request.header.x-api-key", goodKey, "", true},
		{"no expression", "", goodKey, "", true},
		{"no header", "$request.header.x-api-key", "", goodKey, false},
		{"authorizer", "$context.authorizer.usageIdentifierKey", "", goodKey, true},
		{"authorizer in braces", "${context.authorizer.usageIdentifierKey}", "", goodKey, true},
		{"authorizer without a key", "$context.authorizer.usageIdentifierKey", goodKey, "", false},
		{"authorizer with another key", "$context.authorizer.usageIdentifierKey", goodKey, "another-key-0123456789", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			def := keyedDefinition()
			def.API.APIKeySelectionExpression = tt.expression
			def.Authorizers = []sockgate.Authorizer{{ID: "a1", Name: "a", Type: "REQUEST", URI: uri("auth")}}
			def.Routes[0].AuthorizationType, def.Routes[0].AuthorizerID = "CUSTOM", "a1"
			g := open(t, def, nil, map[string]func() (*sockgate.FunctionAnswer, error){"f": answersOK["f"], "auth": allow(tt.authorizer)},
				func(c *pipeline.Config) { c.Limits.Keys = directory(t, sockgate.UsagePlan{}) })
			s := session()
			refusal := g.enter(t, s, tt.header)
			if !tt.in {
				if refusal == nil || refusal.Status != 403 || refusal.Type != "ForbiddenException" || string(refusal.Body) != `{"message":"Forbidden"}` {
					t.Errorf("refused: %+v", refusal)
				}
				if s.Connection.APIKey != nil {
					t.Error("a key that is not good is remembered")
				}
				return
			}
			if refusal != nil {
				t.Fatalf("refused: %+v", refusal)
			}
			if k := s.Connection.APIKey; k == nil || k.ID != "k1" || k.Value != goodKey {
				t.Errorf("the connection's key: %+v", k)
			}
			if event := string(g.functions.calls[1].Payload); !strings.Contains(event, `"apiKey":"`+goodKey+`","apiKeyId":"k1"`) {
				t.Errorf("the event does not show the key: %s", event)
			}
			log := g.log.String()
			if strings.Index(log, "Starting authorizer") > strings.Index(log, "Verifying Usage Plan") || strings.Index(log, "Verifying Usage Plan") > strings.Index(log, "Starting execution") {
				t.Errorf("the order of checks:\n%s", log)
			}
		})
	}
}

func TestKeysWithoutADirectoryAreNotGood(t *testing.T) {
	g := open(t, keyedDefinition(), nil, answersOK, nil)
	if refusal := g.enter(t, session(), goodKey); refusal == nil || refusal.Status != 403 {
		t.Errorf("refused: %+v", refusal)
	}
	if got := g.say(session(), `{"action":"free"}`); got != "ok" {
		t.Errorf("a route that requires no key: %q", got)
	}
	if got := g.say(session(), "{}"); got != frame("Forbidden") {
		t.Errorf("a route that requires one: %q", got)
	}
}

// TestAnAuthorizerThatTakesItsTime: a handshake is held to the time at which it is let in, not to that at which it came.
func TestAnAuthorizerThatTakesItsTime(t *testing.T) {
	now := time.Now()
	account := throttle.New(sockgate.Throttle{Burst: 1, Rate: 1}, now)
	def := keyedDefinition()
	def.API.APIKeySelectionExpression = "$context.authorizer.usageIdentifierKey"
	def.Authorizers = []sockgate.Authorizer{{ID: "a1", Name: "a", Type: "REQUEST", URI: uri("auth")}}
	def.Routes[0].AuthorizationType, def.Routes[0].AuthorizerID = "CUSTOM", "a1"
	auth := func() (*sockgate.FunctionAnswer, error) {
		now = now.Add(3 * time.Second)
		account.Take(now) // another client's request
		now = now.Add(time.Second)
		return returns(`{"principalId":"u","policyDocument":{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"Allow","Resource":"*"}]},"usageIdentifierKey":"` + goodKey + `"}`)()
	}
	g := open(t, def, nil, map[string]func() (*sockgate.FunctionAnswer, error){"f": answersOK["f"], "auth": auth}, func(c *pipeline.Config) {
		c.Clock = func() time.Time { return now }
		c.Limits = pipeline.Limits{Keys: directory(t, sockgate.UsagePlan{}), Account: account}
	})
	s := session()
	if refusal := g.enter(t, s, ""); refusal != nil {
		t.Fatalf("refused: %+v", refusal)
	}
	if got := g.say(s, "{}"); got != frame("Too Many Requests") {
		t.Errorf("the handshake took no token: the client reads %q", got)
	}
}
