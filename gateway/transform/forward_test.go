package transform_test

import (
	"net/netip"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/transform"
)

// own are the headers that every backend gets with the sample events.
var own = sockgate.Headers{
	{Name: "X-Amzn-Trace-Id", Value: "Root=1-62fb87cb-4dbfce250f33864344a762b9"},
	{Name: "User-Agent", Value: "AmazonAPIGateway_dl7ptocha9"},
	{Name: "x-amzn-apigateway-api-id", Value: "dl7ptocha9"},
}

func TestForwardedHeadersOfConnect(t *testing.T) {
	ev := sampleEvent(t, "connect")
	want := append(sockgate.Headers{
		{Name: "Sec-WebSocket-Version", Value: "13"}, {Name: "Sec-WebSocket-Key", Value: "NysmUTUM1SWo5oeJuKHZhw=="},
		{Name: "authorization", Value: "Bearer x"}, {Name: "x-tenant", Value: "t1"},
		{Name: "X-Many", Value: "one"}, {Name: "x-many", Value: "two"},
		{Name: "X-Forwarded-For", Value: "203.0.113.9"}, {Name: "X-Forwarded-Port", Value: "4566"}, {Name: "X-Forwarded-Proto", Value: "http"},
	}, own...)
	if diff := cmp.Diff(want, transform.ForwardedHeaders(nil, ev)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestForwardedHeadersRules(t *testing.T) {
	tests := map[string]struct {
		sent   sockgate.Headers
		change func(*sockgate.Event)
		header string
		want   []string
	}{
		"host":                        {sockgate.Headers{{Name: "HOST", Value: "x"}}, nil, "Host", nil},
		"hop-by-hop":                  {sockgate.Headers{{Name: "keep-alive", Value: "5"}}, nil, "Keep-Alive", nil},
		"framing":                     {sockgate.Headers{{Name: "Transfer-encoding", Value: "chunked"}}, nil, "Transfer-Encoding", nil},
		"length":                      {sockgate.Headers{{Name: "Content-Length", Value: "5"}}, nil, "Content-Length", nil},
		"named by connection":         {sockgate.Headers{{Name: "X-Secret", Value: "1"}, {Name: "connection", Value: "upgrade , x-secret"}}, nil, "X-Secret", nil},
		"signature for the gateway":   {sockgate.Headers{{Name: "Authorization", Value: "AWS4-HMAC-SHA256 Credential=x"}}, nil, "Authorization", nil},
		"signature for the backend":   {sockgate.Headers{{Name: "Authorization", Value: "Basic AWS4-"}}, nil, "Authorization", []string{"Basic AWS4-"}},
		"cookie":                      {sockgate.Headers{{Name: "Cookie", Value: "a=b"}}, nil, "Cookie", []string{"a=b"}},
		"line break":                  {sockgate.Headers{{Name: "X-A", Value: "a\r\nb: c"}}, nil, "X-A", nil},
		"client's agent":              {sockgate.Headers{{Name: "user-agent", Value: "wscat"}}, nil, "User-Agent", []string{"wscat"}},
		"empty agent":                 {sockgate.Headers{{Name: "User-Agent", Value: ""}}, nil, "User-Agent", []string{"AmazonAPIGateway_dl7ptocha9"}},
		"broken agent":                {sockgate.Headers{{Name: "User-Agent", Value: "a\nb"}}, nil, "User-Agent", []string{"AmazonAPIGateway_dl7ptocha9"}},
		"earlier hops":                {sockgate.Headers{{Name: "X-Forwarded-For", Value: "1.1.1.1"}, {Name: "x-forwarded-for", Value: "2.2.2.2"}}, nil, "X-Forwarded-For", []string{"1.1.1.1, 2.2.2.2, 203.0.113.9"}},
		"pretended protocol":          {sockgate.Headers{{Name: "X-Forwarded-Proto", Value: "https"}}, nil, "X-Forwarded-Proto", []string{"http"}},
		"pretended port":              {sockgate.Headers{{Name: "X-Forwarded-Port", Value: "1"}}, nil, "X-Forwarded-Port", []string{"4566"}},
		"pretended API":               {sockgate.Headers{{Name: "X-Amzn-ApiGateway-Api-Id", Value: "other"}}, nil, "x-amzn-apigateway-api-id", []string{"dl7ptocha9"}},
		"pretended trace":             {sockgate.Headers{{Name: "X-AMZN-TRACE-ID", Value: "x"}}, nil, "X-Amzn-Trace-Id", []string{"Root=1-62fb87cb-4dbfce250f33864344a762b9"}},
		"no trace":                    {sockgate.Headers{{Name: "X-Amzn-Trace-Id", Value: "x"}}, func(ev *sockgate.Event) { ev.TraceID = "" }, "X-Amzn-Trace-Id", nil},
		"TLS":                         {nil, func(ev *sockgate.Event) { ev.Connection.TLS = true }, "X-Forwarded-Proto", []string{"https"}},
		"unknown port":                {nil, func(ev *sockgate.Event) { ev.Connection.Port = 0 }, "X-Forwarded-Port", nil},
		"unknown address":             {nil, func(ev *sockgate.Event) { ev.Connection.SourceIP = netip.Addr{} }, "X-Forwarded-For", nil},
		"IPv4 address in IPv6":        {nil, func(ev *sockgate.Event) { ev.Connection.SourceIP = netip.MustParseAddr("::ffff:192.0.2.1") }, "X-Forwarded-For", []string{"192.0.2.1"}},
		"no content type for connect": {nil, nil, "Content-Type", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			ev := sampleEvent(t, "connect")
			ev.Headers = tt.sent
			if tt.change != nil {
				tt.change(ev)
			}
			if diff := cmp.Diff(tt.want, transform.ForwardedHeaders(nil, ev).Values(tt.header)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestForward(t *testing.T) {
	json := sockgate.Header{Name: "Content-Type", Value: "application/json"}
	message, connect := sampleEvent(t, "message"), sampleEvent(t, "connect")
	tests := map[string]struct {
		ev     *sockgate.Event
		method string
		start  func(*sockgate.Event, string, *transform.Request)
		want   transform.Request
	}{
		"message":             {message, "POST", transform.Forward, transform.Request{Header: append(sockgate.Headers{json}, own...), Body: message.Body}},
		"message by GET":      {message, "GET", transform.Forward, transform.Request{Header: own}},
		"disconnect":          {sampleEvent(t, "disconnect"), "POST", transform.Forward, transform.Request{Header: own}},
		"connect, no proxy":   {connect, "POST", transform.Gateway, transform.Request{Header: own}},
		"message, no proxy":   {message, "PUT", transform.Gateway, transform.Request{Header: append(sockgate.Headers{json}, own...), Body: message.Body}},
		"HEAD, no proxy":      {message, "head", transform.Gateway, transform.Request{Header: own}},
		"connect keeps query": {connect, "GET", transform.Forward, transform.Request{Header: transform.ForwardedHeaders(nil, connect), Query: connect.Query}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			out := transform.Request{Host: "old", Header: sockgate.Headers{{Name: "Old", Value: "x"}}, Body: []byte("old"),
				Query: []sockgate.Header{{Name: "old"}}, Path: []sockgate.Header{{Name: "old"}}}
			tt.start(tt.ev, tt.method, &out)
			if len(out.Query) == 0 {
				out.Query = nil
			}
			if len(out.Path) == 0 {
				out.Path = nil
			}
			if diff := cmp.Diff(tt.want, out); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// A mapping that replaces a forwarded query parameter must not write into the event.
func TestForwardLeavesTheEventAlone(t *testing.T) {
	ev := sampleEvent(t, "connect")
	p, err := transform.CompileParameters(map[string]string{
		"integration.request.querystring.token":  "'other'",
		"integration.request.header.X-Many":      "'other'",
		"integration.request.querystring.second": "'added'",
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var out transform.Request
	transform.Forward(ev, "POST", &out)
	p.Apply(ev, &out)
	if diff := cmp.Diff(sampleEvent(t, "connect"), ev, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Errorf("-before +after:\n%s", diff)
	}
}

func TestNewTraceID(t *testing.T) {
	id := transform.NewTraceID(time.Unix(0x62fb87cb, 0))
	if !regexp.MustCompile(`^Root=1-62fb87cb-[0-9a-f]{24}$`).MatchString(id) {
		t.Errorf("got %q", id)
	}
	if again := transform.NewTraceID(time.Unix(0x62fb87cb, 0)); again == id {
		t.Errorf("%q came twice", id)
	}
}
