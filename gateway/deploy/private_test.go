package deploy_test

import (
	"strings"
	"testing"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/deploy"
	httpbackend "github.com/sockgate/sockgate/gateway/integrate/http"
)

// way is a Via that is only named.
type way string

func (w way) String() string { return string(w) }

func (w way) Pick(int, []httpbackend.Place) (httpbackend.Place, bool, error) { return nil, false, nil }

// TestConnections: which way an integration's calls go.
func TestConnections(t *testing.T) {
	at := place
	at.Links = func(id string) httpbackend.Via { return way(id) }
	for _, tt := range []struct {
		name, kind, id, uri string
		via, missing        string
		refused             bool
	}{
		{name: "public", uri: "http://example.com/x"},
		{name: "private", kind: "VPC_LINK", id: "abc123", uri: "http://example.com/x", via: "abc123"},
		{name: "by a stage variable", kind: "VPC_LINK", id: "${stageVariables.link}", uri: "http://example.com/x", via: "def456"},
		{name: "by one that is missing", kind: "VPC_LINK", id: "${stageVariables.nobody}", uri: "http://example.com/x", missing: "nobody"},
		{name: "by one that is missing, in the URI too", kind: "VPC_LINK", id: "abc123", uri: "http://${stageVariables.host}/x", missing: "host", via: "abc123"},
		{name: "the balancer's name through a link", kind: "VPC_LINK", id: "abc123", uri: "http://orders-0123.elb.us-east-1.amazonaws.com/x", via: "abc123"},
		{name: "the balancer's name without", uri: "http://orders-0123.elb.us-east-1.amazonaws.com/x", refused: true},
		{name: "the balancer's name in capitals, with a port", uri: "https://Orders-0123.ELB.us-east-1.amazonaws.com:8443/x", refused: true},
		{name: "the balancer's name with a dot behind it", uri: "http://orders-0123.elb.us-east-1.amazonaws.com./x", refused: true},
		{name: "one of another region", uri: "http://orders-0123.elb.eu-west-1.amazonaws.com/x"},
		{name: "an application load balancer at AWS", uri: "http://orders-0123.us-east-1.elb.amazonaws.com/x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			def := definition(tt.uri)
			def.Integrations[0].ConnectionType, def.Integrations[0].ConnectionID = tt.kind, tt.id
			st, err := deploy.Compile(def, &sockgate.Stage{Name: "dev", Variables: map[string]string{"link": "def456"}}, at)
			if err != nil {
				t.Fatal(err)
			}
			in := st.Routes["$default"].Integration
			via := ""
			if in.Via != nil {
				via = in.Via.String()
			}
			if via != tt.via || strings.Join(in.MissingVars, " ") != tt.missing || in.Refused != "" != tt.refused {
				t.Errorf("via %q, missing %q, refused %q", via, in.MissingVars, in.Refused)
			}
		})
	}
}
