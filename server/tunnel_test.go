package server_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/sockgate/sockgate/config"
	"github.com/sockgate/sockgate/internal/gatewaytest"
	"github.com/sockgate/sockgate/service/tunnel"
)

// linkTokens makes one call of the tokens' API.
func (s signer) linkTokens(t *testing.T, method, path, body string) (status int, answer map[string]any) {
	t.Helper()
	r, err := http.NewRequest(method, *s.base()+"/_sockgate/link-tokens"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	creds, err := s.keys.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(t.Context(), creds, r, hex.EncodeToString(sum[:]), "sockgate", "us-east-1", time.Now()); err != nil {
		t.Fatal(err)
	}
	resp, err := s.g.HTTP().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &answer); err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
	}
	return resp.StatusCode, answer
}

func (s signer) loadBalancer(t *testing.T, name string) {
	t.Helper()
	c := elb.New(elb.Options{Region: "us-east-1", Credentials: s.keys, HTTPClient: s.g.HTTP(), BaseEndpoint: s.base()})
	if _, err := c.CreateLoadBalancer(t.Context(), &elb.CreateLoadBalancerInput{Name: &name, Type: elbtypes.LoadBalancerTypeEnumNetwork, Subnets: []string{"subnet-1"}}); err != nil {
		t.Fatal(err)
	}
}

func TestLinkTokenAPI(t *testing.T) {
	g := gatewaytest.Start(t, nil)
	r := root(g)
	r.loadBalancer(t, "lb")
	r.loadBalancer(t, "other")
	for _, tt := range []struct {
		name, method, path, body string
		status                   int
		message                  string
	}{
		{"no body", "POST", "", "", 400, "The body must be an object"},
		{"an unknown member", "POST", "", `{"loadBalancer":"lb","ttl":1}`, 400, "The body must be an object"},
		{"a number", "POST", "", `{"loadBalancer":1}`, 400, "The body must be an object"},
		{"two documents", "POST", "", `{"loadBalancer":"lb"}{}`, 400, "The body must be an object"},
		{"no load balancer", "POST", "", `{}`, 400, "loadBalancer must be the name"},
		{"no name", "POST", "", `{"loadBalancer":"a/b"}`, 400, "loadBalancer must be the name"},
		{"one that is not there", "POST", "", `{"loadBalancer":"nope"}`, 404, `There is no load balancer "nope".`},
		{"a long description", "POST", "", `{"loadBalancer":"lb","description":"` + strings.Repeat("é", 257) + `"}`, 400, "description is over 256 characters"},
		{"a large body", "POST", "", `{"loadBalancer":"` + strings.Repeat("a", 5000) + `"}`, 413, "The body is over 4096 bytes"},
		{"an expiry of another form", "POST", "", `{"loadBalancer":"lb","expires":"tomorrow"}`, 400, "expires must be a time such as"},
		{"an expiry that was", "POST", "", `{"loadBalancer":"lb","expires":"2020-01-01T00:00:00Z"}`, 400, "expires is not in the future"},
		{"no life", "POST", "", `{"loadBalancer":"lb","expires":"-1h"}`, 400, "expires must be a time such as"},
		{"a long life", "POST", "", `{"loadBalancer":"lb","expires":"4000d"}`, 400, "expires must be a time such as"},
		{"an unknown token", "GET", "/aaaaaaaaaa", "", 404, `There is no link token "aaaaaaaaaa".`},
		{"revoking an unknown token", "DELETE", "/aaaaaaaaaa", "", 404, `There is no link token "aaaaaaaaaa".`},
		{"an id of another form", "DELETE", "/a.b%2Fc", "", 404, `There is no link token "a.b/c".`},
		{"another method", "PUT", "/aaaaaaaaaa", "", 403, "Unable to determine service/operation name"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, answer := r.linkTokens(t, tt.method, tt.path, tt.body)
			if text, _ := answer["message"].(string); status != tt.status || !strings.HasPrefix(text, tt.message) {
				t.Errorf("%d %v, want %d %s", status, answer, tt.status, tt.message)
			}
		})
	}
	status, made := r.linkTokens(t, "POST", "", `{"loadBalancer":"lb","description":"for é","expires":"90d"}`)
	id, _ := made["id"].(string)
	text, _ := made["token"].(string)
	if status != 201 || made["loadBalancer"] != "lb" || made["description"] != "for é" || made["createdBy"] != "arn:aws:iam::000000000000:root" || !strings.HasPrefix(text, "sglink_"+id+"_") {
		t.Fatalf("%d %v", status, made)
	}
	expires, err := time.Parse(time.RFC3339, made["expiresAt"].(string))
	if left := time.Until(expires); err != nil || left > 90*24*time.Hour || left < 90*24*time.Hour-time.Minute {
		t.Errorf("it expires %v, %v", expires, err)
	}
	r.linkTokens(t, "POST", "", `{"loadBalancer":"other"}`)

	if err := g.Restart(); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]int{"": 2, "?loadBalancer=lb": 1, "?loadBalancer=none": 0} {
		status, list := r.linkTokens(t, "GET", query, "")
		items, _ := list["items"].([]any)
		if status != 200 || len(items) != want {
			t.Errorf("list%s: %d %v", query, status, list)
		}
		for _, item := range items {
			if item.(map[string]any)["token"] != nil {
				t.Error("a list shows a token's text")
			}
		}
	}
	if status, got := r.linkTokens(t, "GET", "/"+id, ""); status != 200 || got["id"] != id || got["token"] != nil {
		t.Errorf("%d %v", status, got)
	}
	if status, _ := r.linkTokens(t, "DELETE", "/"+id, ""); status != 204 {
		t.Errorf("revoking it is answered %d", status)
	}
	if status, _ := r.linkTokens(t, "GET", "/"+id, ""); status != 404 {
		t.Errorf("reading it then is answered %d", status)
	}
}

// TestLinkTokenPermissions: policies decide who makes tokens, and for which load balancer.
func TestLinkTokenPermissions(t *testing.T) {
	g := gatewaytest.Start(t, nil)
	r := root(g)
	r.loadBalancer(t, "lb")
	r.loadBalancer(t, "other")
	if _, err := r.iam().CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String("u")}); err != nil {
		t.Fatal(err)
	}
	key, err := r.iam().CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: aws.String("u")})
	if err != nil {
		t.Fatal(err)
	}
	u := by(g, *key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey, "")
	if status, answer := u.linkTokens(t, "POST", "", `{"loadBalancer":"lb"}`); status != 403 ||
		answer["message"] != "User: arn:aws:iam::000000000000:user/u is not authorized to perform: sockgate:CreateLinkToken on resource: arn:aws:sockgate:us-east-1:000000000000:load-balancer/lb because no identity-based policy allows the sockgate:CreateLinkToken action" {
		t.Errorf("without a policy: %d %v", status, answer)
	}
	if _, err := r.iam().PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{UserName: aws.String("u"), PolicyName: aws.String("p"), PolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sockgate:*LinkToken","Resource":["arn:aws:sockgate:*:*:load-balancer/lb","arn:aws:sockgate:*:*:link-token/*"]}]}`)}); err != nil {
		t.Fatal(err)
	}
	status, made := u.linkTokens(t, "POST", "", `{"loadBalancer":"lb"}`)
	if status != 201 || made["createdBy"] != "arn:aws:iam::000000000000:user/u" {
		t.Errorf("its own: %d %v", status, made)
	}
	if status, _ := u.linkTokens(t, "POST", "", `{"loadBalancer":"other"}`); status != 403 {
		t.Errorf("another's: %d", status)
	}
	if status, _ := u.linkTokens(t, "GET", "", ""); status != 403 {
		t.Errorf("the list: %d", status)
	}
	if status, _ := u.linkTokens(t, "DELETE", "/"+made["id"].(string), ""); status != 204 {
		t.Errorf("revoking: %d", status)
	}
}

// TestAgentOnEveryPort: agents come in where clients do as well as where managers do, over the gateway's own certificate.
func TestAgentOnEveryPort(t *testing.T) {
	g := gatewaytest.Start(t, func(c *config.Config) { c.Listeners.Management = "127.0.0.1:0" })
	r := root(g)
	r.loadBalancer(t, "lb")
	_, made := r.linkTokens(t, "POST", "", `{"loadBalancer":"lb"}`)
	pem, err := os.ReadFile(filepath.Join(g.Config.Data, "ca", "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	for _, addr := range []string{g.Addr(), g.ManagementAddr()} {
		u := &url.URL{Scheme: "https", Host: addr}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ended := make(chan error, 1)
		go func() {
			ended <- tunnel.NewAgent(tunnel.AgentConfig{
				Gateway: u, TLS: &tls.Config{RootCAs: roots}, Target: "127.0.0.1:1", LoadBalancer: "lb", Name: "a", Token: made["token"].(string),
			}).Run(ctx)
		}()
		for _, want := range []string{"sockgate_agents_connected 1", "sockgate_agents_connected 0"} {
			if !gatewaytest.Eventually(func() bool {
				resp, err := g.HTTP().Get("http://" + g.ManagementAddr() + "/_sockgate/metrics")
				if err != nil {
					return false
				}
				defer resp.Body.Close()
				body, _ := io.ReadAll(resp.Body)
				return strings.Contains(string(body), want)
			}) {
				t.Errorf("%s: no %s", addr, want)
			}
			cancel()
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	// A browser that comes by reads what this is.
	c, err := net.Dial("tcp", g.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET /_sockgate/link HTTP/1.1\r\nHost: h\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || resp.StatusCode != 426 {
		t.Errorf("%v, %v", resp, err)
	}
}
