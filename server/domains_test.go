package server_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/sockgate/sockgate/config"
	"github.com/sockgate/sockgate/internal/gatewaytest"
)

// withDomains is a deployed API with domain names before it, whose certificates an authority of the test has signed.
type withDomains struct {
	*deployed
	ca *testAuthority
}

func startWithDomains(t *testing.T, edit func(*config.Config)) *withDomains {
	return &withDomains{deployed: deploy(t, gatewaytest.Start(t, edit)), ca: newAuthority(t, "Test CA")}
}

func (d *withDomains) acm() *acm.Client {
	id, secret := d.Key()
	return acm.New(acm.Options{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider(id, secret, ""),
		HTTPClient: d.HTTP(), RetryMaxAttempts: 1, BaseEndpoint: aws.String("http://" + d.ManagementAddr())})
}

// importCertificate has the authority sign a certificate for the names, and returns its ARN.
func (d *withDomains) importCertificate(t *testing.T, names ...string) string {
	t.Helper()
	cert, key := d.ca.sign(t, leaf{names: names})
	out := must(d.acm().ImportCertificate(t.Context(), &acm.ImportCertificateInput{Certificate: cert, PrivateKey: key, CertificateChain: d.ca.pem}))(t)
	return *out.CertificateArn
}

func (d *withDomains) newDomain(t *testing.T, name, certificate string, mtls *types.MutualTlsAuthenticationInput) {
	t.Helper()
	must(d.Control().CreateDomainName(t.Context(), &apigatewayv2.CreateDomainNameInput{DomainName: &name, MutualTlsAuthentication: mtls,
		DomainNameConfigurations: []types.DomainNameConfiguration{{CertificateArn: &certificate}}}))(t)
}

func (d *withDomains) newMapping(t *testing.T, name, key, stage string) string {
	t.Helper()
	return *must(d.Control().CreateApiMapping(t.Context(), &apigatewayv2.CreateApiMappingInput{
		DomainName: &name, ApiId: &d.api, ApiMappingKey: &key, Stage: &stage}))(t).ApiMappingId
}

// dialTLS makes a TLS connection for a server name.
func (d *withDomains) dialTLS(serverName string, client ...tls.Certificate) (*tls.Conn, error) {
	c := &tls.Config{ServerName: serverName, RootCAs: d.ca.pool, MinVersion: tls.VersionTLS12}
	if len(client) > 0 { // whoever its authority is
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &client[0], nil }
	}
	return tls.Dial("tcp", d.Addr(), c)
}

// dialNamed opens a WebSocket over TLS; host is of the Host header and the server name.
func (d *withDomains) dialNamed(t *testing.T, host, target string, headers ...string) (*gatewaytest.Client, error) {
	t.Helper()
	name, _, _ := strings.Cut(host, ":")
	conn, err := d.dialTLS(strings.TrimSuffix(name, "."))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return gatewaytest.Handshake(conn, host, target, headers...)
}

// answered is the status and body with which a handshake was refused; 101 when it was not.
func answered(t *testing.T, err error) (int, string) {
	t.Helper()
	if err == nil {
		return 101, ""
	}
	r, ok := errors.AsType[*gatewaytest.Refusal](err)
	if !ok {
		t.Fatal(err)
	}
	return r.StatusCode, r.Content
}

// fetch is a plain HTTP exchange.
func fetch(t *testing.T, conn net.Conn, method, host, target string) (int, string) {
	t.Helper()
	if _, err := io.WriteString(conn, method+" "+target+" HTTP/1.1\r\nHost: "+host+"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// fetchPlain is fetch on a connection of its own.
func (d *withDomains) fetchPlain(t *testing.T, method, host, target string) (int, string) {
	t.Helper()
	conn, err := net.Dial("tcp", d.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return fetch(t, conn, method, host, target)
}

// pushTo is an SDK client of @connections under a domain name.
func (d *withDomains) pushTo(base string, client ...tls.Certificate) *apigatewaymanagementapi.Client {
	id, secret := d.Key()
	addr := d.Addr()
	return apigatewaymanagementapi.New(apigatewaymanagementapi.Options{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider(id, secret, ""), RetryMaxAttempts: 1, BaseEndpoint: &base,
		HTTPClient: &http.Client{Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, addr)
			},
			TLSClientConfig: &tls.Config{RootCAs: d.ca.pool, Certificates: client, MinVersion: tls.VersionTLS12},
		}},
	})
}

const forbiddenBody = `{"message":"Forbidden"}`

func TestDomainNames(t *testing.T) {
	d := startWithDomains(t, nil)
	port := ":" + d.Port()
	arn := d.importCertificate(t, "api.example.com", "*.example.com")
	d.newDomain(t, "api.example.com", arn, nil)
	if status, body := d.fetchPlain(t, "GET", "api.example.com"+port, "/"); status != 403 || body != forbiddenBody {
		t.Errorf("without a mapping: %d %s", status, body)
	}
	d.newMapping(t, "api.example.com", "chat", "dev")

	c, err := d.dialNamed(t, "api.example.com"+port, "/chat?x=1")
	if err != nil {
		t.Fatal(err)
	}
	id := d.id(t)
	base := "https://api.example.com" + port + "/chat"
	must(d.pushTo(base).PostToConnection(t.Context(), &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &id, Data: []byte("pushed")}))(t)
	if text, err := c.Read(); text != "pushed" {
		t.Errorf("the client read %q, %v", text, err)
	}
	_, err = d.pushTo(base+"/dev").PostToConnection(t.Context(), &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &id, Data: []byte("x")})
	if err == nil || !strings.Contains(err.Error(), "No method found matching route dev/@connections/") || !strings.Contains(err.Error(), "StatusCode: 404") {
		t.Errorf("a push with the stage in the path: %v", err)
	}

	d.newDomain(t, "*.example.com", arn, nil)
	d.newMapping(t, "*.example.com", "", "dev")
	for _, c := range []struct {
		name, host, target string
		status             int
		body               string
	}{
		{"key", "api.example.com" + port, "/chat", 101, ""},
		{"final slash", "api.example.com" + port, "/chat/", 101, ""},
		{"query", "api.example.com" + port, "/chat?a=b", 101, ""},
		{"escaped", "api.example.com" + port, "/%63hat", 101, ""},
		{"capitals in the host", "API.Example.COM" + port, "/chat", 101, ""},
		{"final dot in the host", "api.example.com." + port, "/chat", 101, ""},
		{"no port", "api.example.com", "/chat", 101, ""},
		{"capitals in the key", "api.example.com", "/Chat", 403, forbiddenBody},
		{"no mapping", "api.example.com", "/", 403, forbiddenBody},
		{"the stage in the path", "api.example.com", "/chat/dev", 403, forbiddenBody},
		{"the specific name does not fall back on the wildcard", "api.example.com", "/dev", 403, forbiddenBody},
		{"wildcard", "other.example.com", "/", 101, ""},
		{"wildcard and more path", "other.example.com", "/chat", 403, forbiddenBody},
		{"path form of the default endpoint", "api.example.com", "/_aws/execute-api/" + d.api + "/dev", 403, forbiddenBody},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, err := d.dialNamed(t, c.host, c.target)
			if status, body := answered(t, err); status != c.status || body != c.body {
				t.Errorf("answered %d %s, want %d %s", status, body, c.status, c.body)
			}
			if client != nil {
				client.Drop()
			}
		})
	}
	for _, c := range []struct {
		name, method, target string
		status               int
		body                 string
	}{
		{"ping", "GET", "/ping", 200, "healthy"},
		{"sping", "GET", "/sping", 200, "healthy"},
		{"no handshake", "GET", "/chat", 426, ""},
		{"the control plane is not there", "GET", "/v2/apis", 403, forbiddenBody},
		{"nor health", "GET", "/_sockgate/health", 403, forbiddenBody},
		{"nor metrics", "GET", "/_sockgate/metrics", 403, forbiddenBody},
		{"unsigned push", "POST", "/chat/@connections/" + id, 403, `{"message":"Missing Authentication Token"}`},
		{"unsigned push without a mapping", "POST", "/@connections/" + id, 403, forbiddenBody},
		{"unsigned push with the stage", "POST", "/chat/dev/@connections/x", 404, `{"message":"No method found matching route dev/@connections/x for http method POST."}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, body := d.fetchPlain(t, c.method, "api.example.com", c.target)
			if status != c.status || c.body != "" && body != c.body {
				t.Errorf("answered %d %s, want %d %s", status, body, c.status, c.body)
			}
		})
	}
}

// id is the connection id of the latest $connect that the backend saw.
func (d *withDomains) id(t *testing.T) string {
	t.Helper()
	requests := d.backend.Requests()
	for i := len(requests) - 1; i >= 0; i-- {
		if requests[i].Path() == "/connect" {
			return requests[i].Header.Get("connectionId")
		}
	}
	t.Fatal("no $connect came")
	return ""
}

// A change is live when it was answered, and no connection is lost by it.
func TestDomainNameChanges(t *testing.T) {
	d := startWithDomains(t, nil)
	const name = "api.example.com"
	first, second := d.importCertificate(t, name), d.importCertificate(t, name)
	serial := func() string {
		conn, err := d.dialTLS(name)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	d.newDomain(t, name, first, nil)
	mapping := d.newMapping(t, name, "", "dev")
	before := serial()
	c, err := d.dialNamed(t, name, "/")
	if err != nil {
		t.Fatal(err)
	}
	must(d.Control().UpdateDomainName(t.Context(), &apigatewayv2.UpdateDomainNameInput{DomainName: aws.String(name),
		DomainNameConfigurations: []types.DomainNameConfiguration{{CertificateArn: &second}}}))(t)
	if serial() == before {
		t.Error("the older certificate is shown")
	}
	described := must(d.acm().DescribeCertificate(t.Context(), &acm.DescribeCertificateInput{CertificateArn: &second}))(t)
	if in := described.Certificate.InUseBy; len(in) != 1 || in[0] != "arn:aws:apigateway:us-east-1::/domainnames/"+name {
		t.Errorf("in use by %q", in)
	}
	if _, err := d.acm().DeleteCertificate(t.Context(), &acm.DeleteCertificateInput{CertificateArn: &second}); err == nil {
		t.Error("a certificate that is in use was deleted")
	}
	must(d.acm().DeleteCertificate(t.Context(), &acm.DeleteCertificateInput{CertificateArn: &first}))(t)

	must(d.Control().CreateStage(t.Context(), &apigatewayv2.CreateStageInput{ApiId: &d.api, StageName: aws.String("empty")}))(t)
	for _, step := range []struct {
		stage  string
		status int
	}{{"empty", 403}, {"dev", 101}} {
		must(d.Control().UpdateApiMapping(t.Context(), &apigatewayv2.UpdateApiMappingInput{
			DomainName: aws.String(name), ApiMappingId: &mapping, ApiId: &d.api, Stage: &step.stage}))(t)
		_, err := d.dialNamed(t, name, "/")
		if status, _ := answered(t, err); status != step.status {
			t.Errorf("led to stage %s: %d", step.stage, status)
		}
	}

	must(d.Control().UpdateApi(t.Context(), &apigatewayv2.UpdateApiInput{ApiId: &d.api, DisableExecuteApiEndpoint: aws.Bool(true)}))(t)
	for form, address := range map[string][2]string{
		"host": {d.Host(d.api), "/dev"}, "path": {d.Addr(), "/_aws/execute-api/" + d.api + "/dev"},
	} {
		_, err := gatewaytest.Dial(d.Addr(), address[0], address[1])
		if status, body := answered(t, err); status != 403 || body != forbiddenBody {
			t.Errorf("%s form of the disabled endpoint: %d %s", form, status, body)
		}
	}
	if _, err := d.dialNamed(t, name, "/"); err != nil {
		t.Errorf("by the domain name, when the endpoint is disabled: %v", err)
	}
	id := d.id(t)
	post := &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &id, Data: []byte("x")}
	if _, err := d.Push(d.api, "dev").PostToConnection(t.Context(), post); err == nil || !strings.Contains(err.Error(), "Forbidden") {
		t.Errorf("a push by the disabled endpoint: %v", err)
	}
	must(d.pushTo("https://"+name).PostToConnection(t.Context(), post))(t)

	must(d.Control().DeleteDomainName(t.Context(), &apigatewayv2.DeleteDomainNameInput{DomainName: aws.String(name)}))(t)
	if status, _ := d.fetchPlain(t, "GET", name, "/ping"); status == 200 {
		t.Error("the deleted domain name answers")
	}
	if err := c.Send("still here"); err != nil {
		t.Error(err)
	}
	if !gatewaytest.Eventually(func() bool {
		for _, r := range d.backend.Requests() {
			if r.Body == "still here" {
				return true
			}
		}
		return false
	}) {
		t.Error("the connection did not outlive its domain name")
	}
}

func TestDomainNameRestart(t *testing.T) {
	d := startWithDomains(t, nil)
	d.newDomain(t, "api.example.com", d.importCertificate(t, "api.example.com"), nil)
	d.newMapping(t, "api.example.com", "", "dev")
	if err := d.Restart(); err != nil {
		t.Fatal(err)
	}
	c, err := d.dialNamed(t, "api.example.com", "/")
	if err != nil {
		t.Fatal(err)
	}
	c.Drop()
}

// A trusted proxy says who the client is, and in which way it came.
func TestTrustedProxy(t *testing.T) {
	d := startWithDomains(t, func(c *config.Config) { c.Listeners.TrustedProxies = config.List{"127.0.0.0/8"} })
	c, err := gatewaytest.Dial(d.Addr(), d.Host(d.api), "/dev", "X-Forwarded-For: 8.8.8.8, 203.0.113.9", "X-Forwarded-Proto: https", "X-Forwarded-Port: 443")
	if err != nil {
		t.Fatal(err)
	}
	id := d.id(t)
	info := must(d.Push(d.api, "dev").GetConnection(t.Context(), &apigatewaymanagementapi.GetConnectionInput{ConnectionId: &id}))(t)
	if *info.Identity.SourceIp != "203.0.113.9" {
		t.Errorf("the client is %s", *info.Identity.SourceIp)
	}
	for _, r := range d.backend.Requests() {
		if h := r.Header; h.Get("X-Forwarded-For") != "8.8.8.8, 203.0.113.9" || h.Get("X-Forwarded-Proto") != "https" || h.Get("X-Forwarded-Port") != "443" {
			t.Errorf("the backend was told %q", r.Header)
		}
	}
	c.Drop()
}

// While a mapping moves from stage to stage, every client finds the one or the other.
func TestDomainNameChangesUnderLoad(t *testing.T) {
	d := startWithDomains(t, nil)
	must(d.Control().CreateStage(t.Context(), &apigatewayv2.CreateStageInput{ApiId: &d.api, StageName: aws.String("prod"), AutoDeploy: aws.Bool(true)}))(t)
	d.newDomain(t, "api.example.com", d.importCertificate(t, "api.example.com"), nil)
	mapping := d.newMapping(t, "api.example.com", "a/b", "dev")
	d.newMapping(t, "api.example.com", "a", "dev")
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for range 3 {
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				c, err := gatewaytest.Dial(d.Addr(), "api.example.com", "/a/b")
				if err != nil {
					t.Error(err)
					return
				}
				c.Drop()
			}
		})
	}
	for i := range 40 {
		stage := []string{"prod", "dev"}[i%2]
		must(d.Control().UpdateApiMapping(t.Context(), &apigatewayv2.UpdateApiMappingInput{
			DomainName: aws.String("api.example.com"), ApiMappingId: &mapping, ApiId: &d.api, Stage: &stage}))(t)
	}
	close(stop)
	clients.Wait()
}

// A proxy that passes TLS through says in a PROXY header who the client is.
func TestProxyHeaderBeforeTLS(t *testing.T) {
	d := startWithDomains(t, func(c *config.Config) {
		c.Listeners.TrustedProxies, c.Listeners.ProxyProtocol = config.List{"127.0.0.2"}, true
	})
	d.newDomain(t, "api.example.com", d.importCertificate(t, "api.example.com"), nil)
	d.newMapping(t, "api.example.com", "", "dev")
	proxy := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	raw, err := proxy.DialContext(t.Context(), "tcp", d.Addr())
	if err != nil {
		t.Skipf("this machine has no second loopback address: %v", err)
	}
	defer raw.Close()
	_, _ = io.WriteString(raw, "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xcb\x00\x71\x09\x0a\x00\x00\x01\xc3\x50\x01\xbb")
	conn := tls.Client(raw, &tls.Config{ServerName: "api.example.com", RootCAs: d.ca.pool, MinVersion: tls.VersionTLS12})
	if _, err := gatewaytest.Handshake(conn, "api.example.com", "/", "X-Forwarded-For: 8.8.8.8"); err != nil {
		t.Fatal(err)
	}
	id := d.id(t)
	info := must(d.Push(d.api, "dev").GetConnection(t.Context(), &apigatewaymanagementapi.GetConnectionInput{ConnectionId: &id}))(t)
	if *info.Identity.SourceIp != "203.0.113.9" {
		t.Errorf("the client is %s", *info.Identity.SourceIp)
	}
}

// The switch needs no deployment, in either direction.
func TestDisableEndpointAtOnce(t *testing.T) {
	d := deploy(t, gatewaytest.Start(t, nil))
	made := must(d.Control().CreateDeployment(t.Context(), &apigatewayv2.CreateDeploymentInput{ApiId: &d.api}))(t)
	must(d.Control().CreateStage(t.Context(), &apigatewayv2.CreateStageInput{ApiId: &d.api, StageName: aws.String("fixed"), DeploymentId: made.DeploymentId}))(t)
	for _, step := range []struct {
		disabled bool
		status   int
	}{{false, 101}, {true, 403}, {false, 101}} {
		must(d.Control().UpdateApi(t.Context(), &apigatewayv2.UpdateApiInput{ApiId: &d.api, DisableExecuteApiEndpoint: &step.disabled}))(t)
		_, err := gatewaytest.Dial(d.Addr(), d.Host(d.api), "/fixed")
		if status, _ := answered(t, err); status != step.status {
			t.Errorf("disabled %v: %d", step.disabled, status)
		}
	}
}
