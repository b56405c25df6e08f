package awswire_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/awswire"
)

var routes = []awswire.Route{
	{Operation: "Import", Method: "POST", Pattern: "/keys?mode=import"},
	{Operation: "Create", Method: "POST", Pattern: "/keys"},
	{Operation: "Get", Method: "GET", Pattern: "/keys/{key}"},
	{Operation: "Cors", Method: "DELETE", Pattern: "/v2/apis/{apiId}/cors"},
	{Operation: "Settings", Method: "DELETE", Pattern: "/v2/stages/{stage}/routesettings/{routeKey}"},
	{Operation: "Tags", Method: "GET", Pattern: "/v2/tags/{arn}"},
}

func TestMatch(t *testing.T) {
	tests := []struct {
		name, method, path, query string
		want                      string // "" is no match
		vars                      map[string]string
	}{
		{"literal", "POST", "/keys", "", "Create", nil},
		{"query", "POST", "/keys", "mode=import", "Import", nil},
		{"other query", "POST", "/keys", "mode=export", "Create", nil},
		{"variable", "GET", "/keys/abc", "", "Get", map[string]string{"key": "abc"}},
		{"arn is one segment", "GET", "/v2/tags/arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Fapis%2Fabc", "", "Tags", map[string]string{"arn": "arn:aws:apigateway:us-east-1::/apis/abc"}},
		{"arn with plain slashes", "GET", "/v2/tags/arn:aws:apigateway:us-east-1::/apis/abc", "", "", nil},
		{"escaped route key", "DELETE", "/v2/stages/prod/routesettings/%24connect", "", "Settings", map[string]string{"stage": "prod", "routeKey": "$connect"}},
		{"plain route key", "DELETE", "/v2/stages/prod/routesettings/$connect", "", "Settings", map[string]string{"stage": "prod", "routeKey": "$connect"}},
		{"plus is no space", "GET", "/keys/a+b", "", "Get", map[string]string{"key": "a+b"}},
		{"dots are not cleaned", "GET", "/keys/../keys/abc", "", "", nil},
		{"escaped dots stay a value", "GET", "/keys/%2e%2e", "", "Get", map[string]string{"key": ".."}},
		{"double slash", "GET", "//keys/abc", "", "", nil},
		{"trailing slash", "GET", "/keys/abc/", "", "", nil},
		{"empty variable", "GET", "/keys/", "", "", nil},
		{"bad escape", "GET", "/keys/%zz", "", "", nil},
		{"other method", "PUT", "/keys/abc", "", "", nil},
		{"case matters", "GET", "/Keys/abc", "", "", nil},
		{"empty", "GET", "", "", "", nil},
	}
	r := awswire.NewRouter(routes)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			q, _ := url.ParseQuery(tt.query)
			m, err := r.Match(tt.method, tt.path, q)
			if tt.want == "" {
				if err == nil {
					t.Fatalf("matched %s %v", m.Operation, m.Vars)
				}
				return
			}
			if err != nil || m.Operation != tt.want || routes[m.Index].Operation != tt.want {
				t.Fatalf("got %+v, %v; want %s", m, err, tt.want)
			}
			for k, v := range tt.vars {
				if m.Vars[k] != v {
					t.Errorf("%s is %q, want %q", k, m.Vars[k], v)
				}
			}
		})
	}
}

func FuzzMatch(f *testing.F) {
	for _, p := range []string{"/keys/abc", "/v2/tags/a%2Fb", "/keys/%zz", "//", ""} {
		f.Add("GET", p)
	}
	r := awswire.NewRouter(routes)
	f.Fuzz(func(t *testing.T, method, path string) {
		m, err := r.Match(method, path, nil)
		if err != nil {
			return
		}
		if got, want := strings.Count(path, "/"), strings.Count(routes[m.Index].Pattern, "/"); got != want {
			t.Errorf("%q with %d slashes matched %s", path, got, m.Operation)
		}
	})
}

type item string

func id(i *item) string { return string(*i) }

func TestPage(t *testing.T) {
	var items []item
	for _, c := range "heldgbfca" { // any order
		items = append(items, item(c))
	}
	var got string
	token := ""
	for pages := 0; ; pages++ {
		page, next, err := awswire.Page(items, id, "list", "4", token)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range page {
			got += string(i)
		}
		got += "."
		if next == "" {
			break
		}
		token = next
		if pages == 0 {
			items = items[1:] // an item that goes away moves no other
		}
	}
	if want := "abcd.efgl."; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestPageRefuses(t *testing.T) {
	items := []item{"a", "b", "c"}
	_, token, err := awswire.Page(items, id, "list", "1", "")
	if err != nil || token == "" {
		t.Fatal(token, err)
	}
	tests := []struct{ name, list, max, token string }{
		{"zero", "list", "0", ""},
		{"negative", "list", "-1", ""},
		{"over the most", "list", "501", ""},
		{"no number", "list", "ten", ""},
		{"huge number", "list", "99999999999999999999", ""},
		{"fraction", "list", "1.5", ""},
		{"garbage token", "list", "1", "!!!"},
		{"short token", "list", "1", "AAAA"},
		{"changed token", "list", "1", "B" + token[1:]},
		{"token of another list", "other", "1", token},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, _, err := awswire.Page(items, id, tt.list, tt.max, tt.token); sockgate.KindOf(err) != sockgate.Invalid || err == nil {
				t.Errorf("got %v", err)
			}
		})
	}
}

func FuzzPageToken(f *testing.F) {
	_, token, _ := awswire.Page([]item{"a", "b"}, id, "list", "1", "")
	f.Add(token)
	f.Add("")
	f.Add("%%%")
	f.Fuzz(func(t *testing.T, token string) {
		_, _, err := awswire.Page([]item{"a", "b"}, id, "list", "1", token)
		if err != nil && sockgate.KindOf(err) != sockgate.Invalid {
			t.Errorf("got %v", err)
		}
	})
}
