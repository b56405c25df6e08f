package transform_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/transform"
)

func TestURI(t *testing.T) {
	vars := map[string]string{
		"host": "backend.example", "sub": "eu", "port": "8080", "path": "v1/chat", "q": "a=1&b=2", "base": "https://all.example:8443/x",
		"fragment": "x#y",
	}
	tests := map[string]struct {
		uri     string
		path    []sockgate.Header
		query   []sockgate.Header
		scheme  string
		host    string
		port    int
		request string
	}{
		"plain":              {uri: "http://example.com/a/b", scheme: "http", host: "example.com", port: 80, request: "/a/b"},
		"no path":            {uri: "https://example.com", scheme: "https", host: "example.com", port: 443, request: "/"},
		"no path, query":     {uri: "https://example.com?a=1", scheme: "https", host: "example.com", port: 443, request: "/?a=1"},
		"port":               {uri: "http://127.0.0.1:9000/", scheme: "http", host: "127.0.0.1:9000", port: 9000, request: "/"},
		"empty port":         {uri: "http://example.com:/", scheme: "http", host: "example.com", port: 80, request: "/"},
		"IPv6":               {uri: "http://[::1]:9000/x", scheme: "http", host: "[::1]:9000", port: 9000, request: "/x"},
		"IPv6 without port":  {uri: "http://[::1]/x", scheme: "http", host: "[::1]", port: 80, request: "/x"},
		"scheme in capitals": {uri: "HTTP://example.com/", scheme: "http", host: "example.com", port: 80, request: "/"},
		"variables everywhere": {uri: "http://${stageVariables.sub}.${stageVariables.host}:${stageVariables.port}/${stageVariables.path}?${stageVariables.q}",
			scheme: "http", host: "eu.backend.example:8080", port: 8080, request: "/v1/chat?a=1&b=2"},
		"one variable is all": {uri: "${stageVariables.base}", scheme: "https", host: "all.example:8443", port: 8443, request: "/x"},
		"fragment":            {uri: "http://h/${stageVariables.fragment}", scheme: "http", host: "h", port: 80, request: "/x"},
		"escapes are kept":    {uri: "http://h/a%2Fb/ü x?q=ä%20\"", scheme: "http", host: "h", port: 80, request: "/a%2Fb/%C3%BC%20x?q=%C3%A4%20%22"},
		"placeholders": {uri: "http://h/users/{id}/rooms/{room}?sort={sort}",
			path:   []sockgate.Header{{Name: "id", Value: "a/b?c#d"}, {Name: "room", Value: "%2e"}, {Name: "sort", Value: "x&y=z"}},
			scheme: "http", host: "h", port: 80, request: "/users/a%2Fb%3Fc%23d/rooms/%252e?sort=x%26y%3Dz"},
		"dots inside of a value": {uri: "http://h/{a}", path: []sockgate.Header{{Name: "a", Value: "..x"}},
			scheme: "http", host: "h", port: 80, request: "/..x"},
		"dots beside text": {uri: "http://h/v{a}/x", path: []sockgate.Header{{Name: "a", Value: ".."}},
			scheme: "http", host: "h", port: 80, request: "/v../x"},
		"query added": {uri: "http://h/x", query: []sockgate.Header{{Name: "a b", Value: "1 + 1"}, {Name: "c", Value: "é&"}},
			scheme: "http", host: "h", port: 80, request: "/x?a%20b=1%20%2B%201&c=%C3%A9%26"},
		"query added to another": {uri: "http://h/x?own=1", query: []sockgate.Header{{Name: "a", Value: ""}},
			scheme: "http", host: "h", port: 80, request: "/x?own=1&a="},
		"query added to a bare mark": {uri: "http://h/x?", query: []sockgate.Header{{Name: "a", Value: "1"}, {Name: "b", Value: "2"}},
			scheme: "http", host: "h", port: 80, request: "/x?a=1&b=2"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			u, err := transform.CompileURI(tt.uri, vars)
			if err != nil {
				t.Fatal(err)
			}
			if u.Missing() != nil {
				t.Fatalf("Missing() = %q", u.Missing())
			}
			if u.Scheme() != tt.scheme || u.Host() != tt.host || u.Port() != tt.port {
				t.Errorf("got %s, %s, %d, want %s, %s, %d", u.Scheme(), u.Host(), u.Port(), tt.scheme, tt.host, tt.port)
			}
			got, err := u.Expand(&transform.Request{Path: tt.path, Query: tt.query})
			if err != nil || got != tt.request {
				t.Errorf("Expand gave %q (%v), want %q", got, err, tt.request)
			}
		})
	}
}

func TestCompileURIRefuses(t *testing.T) {
	for name, uri := range map[string]string{
		"empty":                   "",
		"no scheme":               "example.com/x",
		"another scheme":          "ftp://example.com/",
		"file":                    "file:///etc/passwd",
		"websocket":               "ws://example.com/",
		"no host":                 "http:///x",
		"port only":               "http://:80/",
		"port zero":               "http://h:0/",
		"port too large":          "http://h:65536/",
		"port is text":            "http://h:http/",
		"user":                    "http://user@h/",
		"password":                "http://user:pass@h/",
		"space in host":           "http://a b/",
		"line break in host":      "http://a\r\nb/",
		"escape in host":          "http://a%2eb/",
		"IPv6 with zone":          "http://[fe80::1%25eth0]/",
		"IPv4 in brackets":        "http://[127.0.0.1]/",
		"IPv6 without brackets":   "http://::1/",
		"placeholder in host":     "http://{host}/",
		"line break in path":      "http://h/a\nb",
		"unclosed placeholder":    "http://h/{a",
		"empty placeholder":       "http://h/{}",
		"stray brace":             "http://h/a}b",
		"placeholder with a path": "http://h/{a/b}",
		"host too long":           "http://" + strings.Repeat("a", 254) + "/",
		"not a variable's name":   "http://h/${stageVariables.a b}",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := transform.CompileURI(uri, nil); err == nil || sockgate.KindOf(err) != sockgate.Invalid {
				t.Errorf("the error is %v, want an invalid one", err)
			}
		})
	}
}

func TestURIMissing(t *testing.T) {
	u, err := transform.CompileURI("http://${stageVariables.a}/${stageVariables.b}/${stageVariables.a}/${stageVariables.c}", map[string]string{"b": "x"})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"a", "c"}; !slices.Equal(u.Missing(), want) {
		t.Errorf("Missing() = %q, want %q", u.Missing(), want)
	}
	if _, err := u.Expand(&transform.Request{}); err == nil || sockgate.KindOf(err) != sockgate.Internal || !strings.Contains(err.Error(), "a, c") {
		t.Errorf("Expand gave %v, want an internal error that names the variables", err)
	}
}

func TestExpandRefuses(t *testing.T) {
	tests := map[string]struct {
		uri  string
		path []sockgate.Header
	}{
		"no value":        {"http://h/{a}", nil},
		"empty value":     {"http://h/{a}", []sockgate.Header{{Name: "a"}}},
		"parent":          {"http://h/x/{a}/y", []sockgate.Header{{Name: "a", Value: ".."}}},
		"self":            {"http://h/x/{a}", []sockgate.Header{{Name: "a", Value: "."}}},
		"parent of two":   {"http://h/{a}{b}/", []sockgate.Header{{Name: "a", Value: "."}, {Name: "b", Value: "."}}},
		"parent and text": {"http://h/.{a}?x", []sockgate.Header{{Name: "a", Value: "."}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			u, err := transform.CompileURI(tt.uri, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := u.Expand(&transform.Request{Path: tt.path}); err == nil || sockgate.KindOf(err) != sockgate.Internal {
				t.Errorf("Expand gave %q and %v, want an internal error", got, err)
			}
		})
	}
}

func TestPlaceholders(t *testing.T) {
	u, err := transform.CompileURI("http://h/{b}/{a}?x={b}", nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"b", "a"}; !slices.Equal(u.Placeholders(), want) {
		t.Errorf("Placeholders() = %q, want %q", u.Placeholders(), want)
	}
}

func TestSubstitute(t *testing.T) {
	vars := map[string]string{"a": "1", "b_2": "${stageVariables.a}", "empty": ""}
	tests := map[string]struct {
		in, want string
		missing  []string
	}{
		"nothing":             {"plain $ text", "plain $ text", nil},
		"one":                 {"x${stageVariables.a}y", "x1y", nil},
		"not looked at again": {"${stageVariables.b_2}", "${stageVariables.a}", nil},
		"empty":               {"[${stageVariables.empty}]", "[]", nil},
		"missing":             {"${stageVariables.z}/${stageVariables.a}/${stageVariables.z}", "${stageVariables.z}/1/${stageVariables.z}", []string{"z"}},
		"unclosed":            {"${stageVariables.a", "${stageVariables.a", nil},
		"not a name":          {"${stageVariables.a-b}${stageVariables.}", "${stageVariables.a-b}${stageVariables.}", nil},
		"one in another":      {"${stageVariables.${stageVariables.a}}", "${stageVariables.1}", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, missing := transform.Substitute(tt.in, vars)
			if got != tt.want || !slices.Equal(missing, tt.missing) {
				t.Errorf("got %q, %q, want %q, %q", got, missing, tt.want, tt.missing)
			}
		})
	}
}

func FuzzURI(f *testing.F) {
	f.Add("http://h/users/{id}?q={q}", "v", "a/../b", "n", "x&y")
	f.Add("https://${stageVariables.v}/x?", "h:1", "..", "", "")
	f.Add("${stageVariables.v}", "http://[::1]:80#f", ".", "a b", "\r\n")
	f.Add("http://h/.{id}/{id}", "", "\x00é", "é", "+%")
	f.Fuzz(func(t *testing.T, uri, variable, value, name, extra string) {
		u, err := transform.CompileURI(uri, map[string]string{"v": variable})
		if err != nil || u.Missing() != nil {
			return
		}
		r := &transform.Request{Query: []sockgate.Header{{Name: name, Value: extra}}}
		for _, p := range u.Placeholders() {
			r.Path = append(r.Path, sockgate.Header{Name: p, Value: value})
		}
		got, err := u.Expand(r)
		if err != nil {
			return
		}
		if got[0] != '/' || strings.ContainsAny(got, " \r\n\x00#") {
			t.Errorf("%q expands to %q", uri, got)
		}
		// A client's value ends where the template says, and is read back as it was.
		if !strings.HasSuffix(got, url.PathEscape(name)+"="+url.PathEscape(extra)) && !strings.HasSuffix(unescape(got), name+"="+extra) {
			t.Errorf("%q expands to %q, which does not end with %q=%q", uri, got, name, extra)
		}
	})
}

// unescape undoes percent-encoding and leaves what is none.
func unescape(s string) string {
	i := max(strings.LastIndexByte(s, '&'), strings.LastIndexByte(s, '?'))
	if u, err := url.PathUnescape(s[i+1:]); err == nil {
		return u
	}
	return s
}
