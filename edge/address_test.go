package edge_test

import (
	"testing"

	"github.com/sockgate/sockgate/edge"
)

func TestParseAddress(t *testing.T) {
	cases := []struct {
		name, host, path string
		want             edge.Address
		none             bool
	}{
		{"host form", "abc123.execute-api.localhost:4566", "/dev", edge.Address{APIID: "abc123", Stage: "dev"}, false},
		{"host form, AWS name", "abc123.execute-api.us-east-1.amazonaws.com", "/dev", edge.Address{APIID: "abc123", Stage: "dev"}, false},
		{"host in capitals", "ABC123.Execute-API.localhost", "/Dev", edge.Address{APIID: "abc123", Stage: "Dev"}, false},
		{"host without more labels", "abc123.execute-api", "/dev", edge.Address{APIID: "abc123", Stage: "dev"}, false},
		{"final slash", "abc123.execute-api.localhost", "/dev/", edge.Address{APIID: "abc123", Stage: "dev"}, false},
		{"no stage", "abc123.execute-api.localhost", "/", edge.Address{APIID: "abc123"}, false},
		{"below the stage", "abc123.execute-api.localhost", "/dev/x/y", edge.Address{APIID: "abc123", Stage: "dev", Rest: "x/y"}, false},
		{"path form", "127.0.0.1:4566", "/_aws/execute-api/abc123/dev", edge.Address{APIID: "abc123", Stage: "dev"}, false},
		{"path form without a stage", "127.0.0.1:4566", "/_aws/execute-api/abc123", edge.Address{APIID: "abc123"}, false},
		{"push, host form", "abc123.execute-api.localhost", "/dev/@connections/Jx-TaE0_GjQFvSw=",
			edge.Address{APIID: "abc123", Stage: "dev", Callback: true, ConnectionID: "Jx-TaE0_GjQFvSw=", Rest: "@connections/Jx-TaE0_GjQFvSw="}, false},
		{"push, escaped", "abc123.execute-api.localhost", "/dev/%40connections/Jx-TaE0_GjQFvSw%3D",
			edge.Address{APIID: "abc123", Stage: "dev", Callback: true, ConnectionID: "Jx-TaE0_GjQFvSw=", Rest: "%40connections/Jx-TaE0_GjQFvSw%3D"}, false},
		{"push, path form", "127.0.0.1:4566", "/_aws/execute-api/abc123/dev/@connections/x%3D",
			edge.Address{APIID: "abc123", Stage: "dev", Callback: true, ConnectionID: "x=", Rest: "@connections/x%3D"}, false},
		{"push to the domain name of a path-form client", "127.0.0.1:4566", "/dev/@connections/x=",
			edge.Address{Stage: "dev", Callback: true, ConnectionID: "x=", Rest: "@connections/x="}, false},
		{"push, bad escape stays", "abc123.execute-api.localhost", "/dev/@connections/x%3",
			edge.Address{APIID: "abc123", Stage: "dev", Callback: true, ConnectionID: "x%3", Rest: "@connections/x%3"}, false},
		{"control plane", "127.0.0.1:4566", "/v2/apis", edge.Address{}, true},
		{"control plane, AWS name", "apigateway.us-east-1.amazonaws.com", "/v2/apis", edge.Address{}, true},
		{"a tag ARN that names @connections", "127.0.0.1:4566", "/v2/tags/arn%3Aaws/@connections/x", edge.Address{}, true},
		{"label that only begins alike", "abc123.execute-apis.localhost", "/dev", edge.Address{}, true},
		{"execute-api as the first label", "execute-api.localhost", "/dev", edge.Address{}, true},
		{"empty", "", "", edge.Address{}, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, ok := edge.ParseAddress(c.host, c.path)
			if ok == c.none || got != c.want {
				t.Errorf("ParseAddress(%q, %q) = %+v, %v; want %+v, %v", c.host, c.path, got, ok, c.want, !c.none)
			}
		})
	}
}

func TestDomainName(t *testing.T) {
	cases := []struct {
		host string
		tls  bool
		want string
	}{
		{"abc.execute-api.localhost:4566", false, "abc.execute-api.localhost:4566"},
		{"abc.execute-api.localhost:443", true, "abc.execute-api.localhost"},
		{"abc.execute-api.localhost:443", false, "abc.execute-api.localhost:443"},
		{"abc.execute-api.localhost:80", false, "abc.execute-api.localhost"},
		{"abc.execute-api.localhost:80", true, "abc.execute-api.localhost:80"},
		{"abc.execute-api.localhost", true, "abc.execute-api.localhost"},
		{"[::1]:80", false, "[::1]"},
		{"[::1]:4566", false, "[::1]:4566"},
	}
	for _, c := range cases {
		if got := edge.DomainName(c.host, c.tls); got != c.want {
			t.Errorf("DomainName(%q, tls %v) = %q, want %q", c.host, c.tls, got, c.want)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	f.Add("abc123.execute-api.localhost:4566", "/dev/@connections/x%3D")
	f.Add("127.0.0.1", "/_aws/execute-api/abc/dev")
	f.Add("", "%")
	f.Fuzz(func(t *testing.T, host, path string) {
		a, ok := edge.ParseAddress(host, path)
		if !ok && a != (edge.Address{}) {
			t.Errorf("ParseAddress(%q, %q) refuses and yet returns %+v", host, path, a)
		}
		if ok && a.APIID == "" && !a.Callback && host != "" && path == "/v2/apis" {
			t.Errorf("the control plane's path was taken for the data path: %q", host)
		}
	})
}
