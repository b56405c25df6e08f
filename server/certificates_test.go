package server_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/acm"

	"github.com/sockgate/sockgate/config"
	"github.com/sockgate/sockgate/internal/gatewaytest"
	"github.com/sockgate/sockgate/service/certificate/certtest"
)

func acmClient(g *gatewaytest.Gateway) *acm.Client {
	id, secret := g.Key()
	return acm.New(acm.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://" + g.ManagementAddr()), HTTPClient: g.HTTP(),
		Credentials: credentials.NewStaticCredentialsProvider(id, secret, ""),
	})
}

// asks makes a request on a connection that stays.
func asks(t *testing.T, conn io.ReadWriter, in *bufio.Reader) {
	t.Helper()
	if _, err := fmt.Fprint(conn, "GET /_sockgate/health HTTP/1.1\r\nHost: ws.example.test\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp.StatusCode, err)
	}
}

// TestCertificateSwap: an import over an import is served by the time it is acknowledged, and what is connected stays connected.
func TestCertificateSwap(t *testing.T) {
	g := gatewaytest.Start(t, nil)
	client := acmClient(g)
	root := certtest.NewAuthority(t, "Root")
	dial := func() *tls.Conn {
		t.Helper()
		conn, err := tls.Dial("tcp", g.Addr(), &tls.Config{RootCAs: root.Pool(), ServerName: "ws.example.test"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	serve := func(arn *string) (*certtest.Pair, *string) {
		t.Helper()
		p := root.Sign(t, certtest.Leaf{Names: []string{"ws.example.test"}})
		out, err := client.ImportCertificate(t.Context(), &acm.ImportCertificateInput{CertificateArn: arn, Certificate: p.Cert, PrivateKey: p.Key, CertificateChain: root.Cert})
		if err != nil {
			t.Fatal(err)
		}
		return p, out.CertificateArn
	}
	first, arn := serve(nil)
	old := dial()
	if !old.ConnectionState().PeerCertificates[0].Equal(first.Parsed) {
		t.Error("another certificate is served")
	}
	in := bufio.NewReader(old)
	asks(t, old, in)
	second, _ := serve(arn)
	if !dial().ConnectionState().PeerCertificates[0].Equal(second.Parsed) {
		t.Error("the new certificate is not served")
	}
	asks(t, old, in)
	if err := g.Restart(); err != nil {
		t.Fatal(err)
	}
	if !dial().ConnectionState().PeerCertificates[0].Equal(second.Parsed) {
		t.Error("after a restart another certificate is served")
	}
	if _, err := acmClient(g).DeleteCertificate(t.Context(), &acm.DeleteCertificateInput{CertificateArn: arn}); err != nil {
		t.Fatal(err)
	}
	conn, err := tls.Dial("tcp", g.Addr(), &tls.Config{InsecureSkipVerify: true, ServerName: "ws.example.test"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if conn.ConnectionState().PeerCertificates[0].Equal(second.Parsed) {
		t.Error("a deleted certificate is served")
	}
}

// TestRequestedIsServed: a certificate that is requested without an ACME directory is of the local authority, and served at once.
func TestRequestedIsServed(t *testing.T) {
	g := gatewaytest.Start(t, func(c *config.Config) { c.State.Engine = "memory" })
	out, err := acmClient(g).RequestCertificate(t.Context(), &acm.RequestCertificateInput{DomainName: aws.String("*.example.test"), KeyAlgorithm: "EC_prime256v1"})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := tls.Dial("tcp", g.Addr(), &tls.Config{InsecureSkipVerify: true, ServerName: "a.example.test"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if names := conn.ConnectionState().PeerCertificates[0].DNSNames; len(names) != 1 || names[0] != "*.example.test" {
		t.Errorf("served is a certificate for %v", names)
	}
	if !strings.Contains(g.Log.String(), "own authority") || !strings.Contains(g.Log.String(), *out.CertificateArn) {
		t.Error("the log does not say who issued it")
	}
}

// TestOpenSSL: another implementation agrees.
func TestOpenSSL(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("openssl is not there")
	}
	g := gatewaytest.Start(t, nil)
	for _, tt := range []struct{ version, want string }{
		{"-tls1_3", "TLSv1.3"}, {"-tls1_2", "ECDHE-ECDSA-"}, {"-tls1_1", "alert protocol version"},
	} {
		out, _ := exec.CommandContext(t.Context(), "openssl", "s_client", "-connect", g.Addr(), "-servername", "a.execute-api.localhost", tt.version).CombinedOutput()
		if !strings.Contains(string(out), tt.want) { // its status is that of a refusal in the last case
			t.Errorf("%s: %s", tt.version, out)
		}
	}
	out, err := exec.CommandContext(t.Context(), "openssl", "s_client", "-connect", g.Addr(), "-servername", "localhost", "-reconnect", "-tls1_2").CombinedOutput()
	if err != nil || strings.Count(string(out), "Reused, TLSv1.2") != 5 {
		t.Errorf("sessions are not resumed: %v\n%s", err, out)
	}
}

// TestCertificateKeys: a key from the configuration is used, and one that does not fit what is stored ends the start with a reason.
func TestCertificateKeys(t *testing.T) {
	key := config.Secret(strings.Repeat("0f", 32))
	g := gatewaytest.Start(t, func(c *config.Config) { c.TLS.Key = key })
	if _, err := acmClient(g).RequestCertificate(t.Context(), &acm.RequestCertificateInput{DomainName: aws.String("a.example.test"), KeyAlgorithm: "EC_prime256v1"}); err != nil {
		t.Fatal(err)
	}
	g.Config.TLS.Key = ""
	err := g.Restart()
	if err == nil || !strings.Contains(err.Error(), "another key") {
		t.Errorf("started with another key: %v", err)
	}
	g.Config.TLS.Key = "short"
	if _, err := gatewaytest.New(t.TempDir(), func(c *config.Config) { c.TLS.Key = "short" }); err == nil || !strings.Contains(err.Error(), "tls.key") {
		t.Errorf("started with a bad key: %v", err)
	}
	g.Config.TLS.Key = key
	if err := g.Restart(); err != nil {
		t.Error(err)
	}
}
