package mapping_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/mapping"
	"github.com/sockgate/sockgate/gateway/transform"
)

func event() *sockgate.Event {
	at := time.Date(2023, 11, 29, 8, 4, 3, 417e6, time.UTC)
	return &sockgate.Event{
		Type: sockgate.Message, RequestID: "PJqCFEqHqRcFd0w=", MessageID: "PJqCFfHyKRcCHlw=", RouteKey: "say", Time: at,
		Connection: &sockgate.Connection{
			ID: "PJqB0fHsqRcCHlw=", APIID: "dl7ptocha9", Stage: "dev", DomainName: "dl7ptocha9.execute-api.localhost:4566",
			SourceIP: netip.MustParseAddr("203.0.113.9"), UserAgent: "test/1", ConnectedAt: at.Add(-2 * time.Second),
			ClientCert: &sockgate.ClientCert{SubjectDN: "CN=one", NotAfter: "Aug  5 09:36:04 2021 GMT"},
			Authorizer: &sockgate.Authorization{PrincipalID: "user|a", Context: map[string]string{"k": "v", "n": "1"}},
		},
		Headers: sockgate.Headers{{Name: "X-Test", Value: "first"}, {Name: "x-test", Value: "last"}, {Name: "Name", Value: "header"}},
		Query:   []sockgate.Header{{Name: "token", Value: "abc"}, {Name: "name", Value: "query"}},
	}
}

func render(t *testing.T, template, body string) (string, mapping.Overrides, error) {
	t.Helper()
	set, err := mapping.CompileTemplates("", map[string]string{"$default": template})
	if err != nil {
		t.Fatalf("%s: %v", template, err)
	}
	ev := event()
	ev.Body = []byte(body)
	out, overrides, err := mapping.Render(set.Select(transform.EventVariables{Event: ev}), &mapping.Scope{
		Event: ev, StageVariables: map[string]string{"table": "people", "env": "dev"}, Body: ev.Body,
	})
	return string(out), overrides, err
}

func TestVariables(t *testing.T) {
	const body = `{"name":"anna","n":3,"f":1.50,"yes":true,"none":null,"list":[1,"two",{"x":[]}],"o":{"b":2,"a":[{"c":5}]},"q":"say \"hi\"/'there'\té€😀"}`
	for _, tt := range []struct{ name, template, want string }{
		{"input.body", `$input.body`, body},
		{"input.json of all", `$input.json('$')`, body},
		{"input.json of a string keeps its quotes", `$input.json('$.name')`, `"anna"`},
		{"input.json of a number keeps its digits", `$input.json('$.f')`, `1.50`},
		{"input.json of null", `$input.json('$.none')`, `null`},
		{"input.json of nothing", `$input.json('$.missing')`, `""`},
		{"input.json of an indefinite path", `$input.json('$.list[*].x')`, `[[]]`},
		{"input.path of a string", `$input.path('$.name')`, `anna`},
		{"input.path of nothing", `[$input.path('$.missing')]`, `[]`},
		{"input.path of a map is Java's", `$input.path('$.o')`, `{b=2, a=[{"c":5}]}`},
		{"input.path of a list is JSON", `$input.path('$.list')`, `[1,"two",{"x":[]}]`},
		{"input.path and methods", `$input.path('$.list').size() $input.path('$.list').get(1) $input.path('$').name.length()`, `3 two 4`},
		{"input.path in a loop", `#foreach($e in $input.path('$.list'))$foreach.index:$e#if($foreach.hasNext),#end#end`, `0:1,1:two,2:{x=[]}`},
		{"input.path without a dollar", `$input.path('name')`, `anna`},
		{"input.params by name: query before header", `$input.params('name') $input.params('token') $input.params('X-TEST') [$input.params('nope')]`, `query abc last []`},
		{"input.params as a map", `$input.params().querystring.token $input.params().header.get('Name') $input.params().path.size()`, `abc header 0`},
		{"context", `$context.connectionId $context.domainName $context.stage $context.routeKey $context.eventType $context.requestId $context.messageId $context.apiId`,
			`PJqB0fHsqRcCHlw= dl7ptocha9.execute-api.localhost:4566 dev say MESSAGE PJqCFEqHqRcFd0w= PJqCFfHyKRcCHlw= dl7ptocha9`},
		{"context times", `$context.requestTime $context.requestTimeEpoch $context.connectedAt`, `29/Nov/2023:08:04:03 +0000 1701245043417 1701245041417`},
		{"context numbers can be calculated with", `#set($age = $context.requestTimeEpoch - $context.connectedAt)$age`, `2000`},
		{"context.identity", `$context.identity.sourceIp $context.identity.userAgent $context.identity.accountId`, `203.0.113.9 test/1 `},
		{"context.identity.clientCert", `$context.identity.clientCert.subjectDN $context.identity.clientCert.validity.notAfter [$context.identity.clientCert.serialNumber] $context.identity.clientCert.nope`,
			`CN=one Aug  5 09:36:04 2021 GMT [] $context.identity.clientCert.nope`},
		{"context.identity.clientCert prints", `$context.identity.clientCert`, `{clientCertPem=null, subjectDN=CN=one, issuerDN=null, serialNumber=null, validity={notBefore=null, notAfter=Aug  5 09:36:04 2021 GMT}}`},
		{"context.authorizer", `$context.authorizer.principalId $context.authorizer.k $context.authorizer['n'] $!context.authorizer.none`, `user|a v 1 `},
		{"context.authorizer prints", `$context.authorizer`, `{principalId=user|a, k=v, n=1, integrationLatency=0}`},
		{"unknown context", `$context.nothing $!context.nothing.`, `$context.nothing .`},
		{"stage variables", `$stageVariables.table ${stageVariables.env} $stageVariables['table'] $stageVariables.get('env') $stageVariables.none`, `people dev people dev $stageVariables.none`},
		{"stage variables print", `$stageVariables`, `{env=dev, table=people}`},
		{"util.escapeJavaScript", `$util.escapeJavaScript($input.path('$.q'))`, `say \"hi\"\/\'there\'\t\u00E9\u20AC\uD83D\uDE00`},
		{"util.escapeJavaScript as callers mend it", `$util.escapeJavaScript($input.path('$.q')).replaceAll("\\'","'")`, `say \"hi\"\/'there'\t\u00E9\u20AC\uD83D\uDE00`},
		{"util.parseJson", `$util.parseJson('{"a":{"b":[1,2]}}').a.b.get(1)`, `2`},
		{"util.urlEncode", `$util.urlEncode('a b&c=é/')`, `a+b%26c%3D%C3%A9%2F`},
		{"util.urlDecode", `$util.urlDecode('a+b%26c%3D%C3%A9')`, `a b&c=é`},
		{"util.base64Encode", `$util.base64Encode('héllo')`, `aMOpbGxv`},
		{"util.base64Decode", `$util.base64Decode('aMOpbGxv')`, `héllo`},
		{"util.base64Decode without padding", `$util.base64Decode('aGk')`, `hi`},
		{"util.escapeJavaScript of nothing", `$util.escapeJavaScript($input.path('$.missing')) $util.escapeJavaScript($input.path('$.none')) $util.escapeJavaScript($none)`, `null null null`},
		{"util.urlEncode is Java's", `$util.urlEncode('a*b~c-d_e.f')`, `a*b%7Ec-d_e.f`},
		{"util.base64Decode of bytes that are no text", `$util.base64Decode('Yf9i') $util.urlDecode('a%FFb')`, "a\uFFFDb a\uFFFDb"},
		{"util has no such method", `$util.sha256('x') $input.foo() $util.urlEncode()`, `$util.sha256('x') $input.foo() $util.urlEncode()`},
		{"null in the payload prints as nothing", `[$input.path('$.none')]#if($input.path('$.none'))yes#end $input.json('$.none')`, `[] null`},
		{"stage variables are a map", `#foreach($k in $stageVariables.keySet())$k=$stageVariables.get($k);#end #foreach($v in $stageVariables)$v #end$stageVariables.size()`, `env=dev;table=people; dev people 2`},
		{"the context's groups are maps", `#foreach($k in $context.identity.keySet())#if($k == "sourceIp")$context.identity.get($k)#end#end $context.authorizer.keySet()`, `203.0.113.9 [principalId, k, n, integrationLatency]`},
		{"context by index", `$context['stage'] $context.identity['userAgent'] [$context.identity['apiKey']] $context.get('stage')`, `dev test/1 [] dev`},
		{"context that this event lacks", `[$context.disconnectReason] [$context.identity.userArn] [$context.authorizer.principalId] $context.httpMethod $context.authorizer.none`, `[] [] [user|a] $context.httpMethod $context.authorizer.none`},
		{"nothing of ours", `$foo.bar $!foo.bar 5 dollars: $5`, `$foo.bar  5 dollars: $5`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, _, err := render(t, tt.template, body)
			if err != nil || got != tt.want {
				t.Errorf("%s\n got %s, %v\nwant %s", tt.template, got, err, tt.want)
			}
		})
	}
}

func TestContextPrintsLikeAPIGateways(t *testing.T) {
	got, _, err := render(t, "$context", "")
	for _, part := range []string{"{routeKey=say, disconnectStatusCode=null, messageId=PJqCFfHyKRcCHlw=, eventType=MESSAGE,", "identity={cognitoIdentityPoolId=null,", "sourceIp=203.0.113.9,", ", apiId=dl7ptocha9}"} {
		if err != nil || !strings.Contains(got, part) {
			t.Errorf("$context = %s, %v; want %q in it", got, err, part)
		}
	}
}

func TestAnEmptyBodyReadsAsAnObject(t *testing.T) {
	got, _, err := render(t, `$input.body $input.json('$') [$input.path('$.a')]`, "")
	if err != nil || got != "{} {} []" {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestOverrides(t *testing.T) {
	_, o, err := render(t, `#set($context.requestOverride.header.X-Who = "anna")#set($context.requestOverride.querystring.q = 7)#set($context.responseOverride.status = 403)`, "{}")
	if err != nil || len(o.Query) != 1 || o.Query[0] != (sockgate.Header{Name: "q", Value: "7"}) || o.Status != 403 {
		t.Errorf("overrides %+v, %v", o, err)
	}
}

func TestFaults(t *testing.T) {
	for _, tt := range []struct {
		name, template, body string
		kind                 sockgate.Kind
		says                 string
	}{
		{"payload that is no JSON", `a $input.path('$.a')`, "hello", sockgate.Invalid, "$default:1:9"},
		{"the same through json", `$input.json('$.a')`, "{a:1}", sockgate.Invalid, "not JSON"},
		{"bad path", "\n  $input.path('$[')", "{}", sockgate.Internal, "JSONPath"},
		{"bad base64", `$util.base64Decode('%')`, "{}", sockgate.Internal, "base64Decode"},
		{"bad JSON", `$util.parseJson('{')`, "{}", sockgate.Internal, "parseJson"},
		{"a method that complains", `$input.body.substring(5, 1)`, "{}", sockgate.Internal, "$default:1:12"},
		{"too many rounds", `#foreach($i in [1..1001])x#end`, "{}", sockgate.Internal, "1000"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, _, err := render(t, tt.template, tt.body)
			if err == nil || sockgate.KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%s: %q, %v; want %v that says %q", tt.template, out, err, tt.kind, tt.says)
			}
		})
	}
	// Nothing is wrong with text that nobody reads as JSON.
	if got, _, err := render(t, "<$input.body>", "hello"); err != nil || got != "<hello>" {
		t.Errorf("a plain text: %s, %v", got, err)
	}
}

func TestATemplateThatDoesNotParseNamesItsPlace(t *testing.T) {
	_, err := mapping.CompileTemplates("", map[string]string{"$default": "fine", "application/json": "\n#if($a)\n"})
	if err == nil || sockgate.KindOf(err) != sockgate.Invalid || !strings.Contains(err.Error(), "application/json") || !strings.Contains(err.Error(), ":2:1:") {
		t.Errorf("got %v", err)
	}
}

func TestSelect(t *testing.T) {
	ev := event()
	ev.Body = []byte(`{"kind":"b"}`)
	for _, tt := range []struct {
		name, selection string
		templates       map[string]string
		want            string // "": none
	}{
		{"by expression", "${request.body.kind}", map[string]string{"a": "1", "b": "2"}, "2"},
		{"the default", "${request.body.none}", map[string]string{"a": "1", "$default": "3"}, "3"},
		{"static, as the CLI's sample", "200", map[string]string{"200": "4"}, "4"},
		{"escaped default", `\$default`, map[string]string{"$default": "5"}, "5"},
		{"none", "${request.body.kind}", map[string]string{"a": "1", "application/json": "2"}, ""},
		{"application/json without an expression", "", map[string]string{"application/json": "6"}, "6"},
		{"no template", "", nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			set, err := mapping.CompileTemplates(tt.selection, tt.templates)
			if err != nil {
				t.Fatal(err)
			}
			chosen := set.Select(transform.EventVariables{Event: ev})
			if chosen == nil {
				if tt.want != "" {
					t.Errorf("none was chosen, want %s", tt.want)
				}
				return
			}
			if out, _, err := mapping.Render(chosen, &mapping.Scope{Event: ev, Body: ev.Body}); err != nil || string(out) != tt.want {
				t.Errorf("got %s, %v; want %s", out, err, tt.want)
			}
		})
	}
}

// TestHandshakeHeaders: templates of $connect see what functions see, without what concerns the HTTP connection.
func TestHandshakeHeaders(t *testing.T) {
	ev := event()
	ev.Type, ev.RouteKey = sockgate.Connect, sockgate.ConnectRoute
	ev.Headers = sockgate.Headers{{Name: "Connection", Value: "Upgrade"}, {Name: "Upgrade", Value: "websocket"},
		{Name: "sec-websocket-key", Value: "k"}, {Name: "x-forwarded-proto", Value: "lie"}, {Name: "X-Forwarded-For", Value: "198.51.100.1"}}
	set, err := mapping.CompileTemplates("", map[string]string{"$default": `$input.params().header $input.params('x-forwarded-for') [$input.params('Upgrade')]`})
	if err != nil {
		t.Fatal(err)
	}
	out, _, err := mapping.Render(set.Select(transform.EventVariables{Event: ev}), &mapping.Scope{Event: ev})
	const want = `{Sec-WebSocket-Key=k, X-Forwarded-For=198.51.100.1, 203.0.113.9, X-Forwarded-Proto=http} 198.51.100.1, 203.0.113.9 []`
	if err != nil || string(out) != want {
		t.Errorf("got %s, %v, want %s", out, err, want)
	}
}
