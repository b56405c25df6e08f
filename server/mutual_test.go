package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/sockgate/sockgate/internal/gatewaytest"
)

// testAuthority signs certificates.
type testAuthority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
	pool *x509.CertPool
}

// leaf is a certificate to sign.
type leaf struct {
	names    []string
	common   string
	notAfter time.Time // a day from now when it is zero
}

func newAuthority(t *testing.T, name string) *testAuthority {
	t.Helper()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name, Organization: []string{"Test"}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der := must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))(t)
	a := &testAuthority{cert: must(x509.ParseCertificate(der))(t), key: key, pool: x509.NewCertPool(),
		pem: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
	a.pool.AddCert(a.cert)
	return a
}

// sign returns a certificate and its key in PEM form.
func (a *testAuthority) sign(t *testing.T, l leaf) (cert, key []byte) {
	t.Helper()
	if l.notAfter.IsZero() {
		l.notAfter = time.Now().Add(24 * time.Hour)
	}
	k := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	serial := must(rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 100)))(t)
	template := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: l.common, Organization: []string{"Example"}}, DNSNames: l.names,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: l.notAfter, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	der := must(x509.CreateCertificate(rand.Reader, template, a.cert, k.Public(), a.key))(t)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(k))(t)})
}

func (a *testAuthority) client(t *testing.T, l leaf) tls.Certificate {
	t.Helper()
	cert, key := a.sign(t, l)
	return must(tls.X509KeyPair(cert, key))(t)
}

func TestMutualTLS(t *testing.T) {
	d := startWithDomains(t, nil)
	clients, strangers := newAuthority(t, "Clients"), newAuthority(t, "Strangers")
	trust := filepath.Join(t.TempDir(), "trust.pem")
	if err := os.WriteFile(trust, clients.pem, 0o600); err != nil {
		t.Fatal(err)
	}
	arn := d.importCertificate(t, "mutual.example.com", "open.example.com", "other.example.com")
	mtls := &types.MutualTlsAuthenticationInput{TruststoreUri: aws.String("file://" + trust)}
	d.newDomain(t, "mutual.example.com", arn, mtls)
	d.newDomain(t, "other.example.com", arn, mtls)
	d.newDomain(t, "open.example.com", arn, nil)
	for _, name := range []string{"mutual.example.com", "other.example.com", "open.example.com"} {
		d.newMapping(t, name, "", "dev")
	}
	d.mapConnect(t, "context.identity.clientCert.subjectDN", "context.identity.clientCert.validity.notAfter")
	good := clients.client(t, leaf{common: "client one"})

	// try opens a WebSocket with a certificate, and says what came of it: "101", a status, or "TLS" when the handshake failed.
	try := func(sni, host string, client ...tls.Certificate) string {
		conn, err := d.dialTLS(sni, client...)
		if err != nil {
			return "TLS"
		}
		defer conn.Close()
		_, err = gatewaytest.Handshake(conn, host, "/")
		if err != nil && strings.Contains(err.Error(), "remote error: tls:") { // in TLS 1.3 the client learns of a refusal when it reads
			return "TLS"
		}
		status, _ := answered(t, err)
		return map[int]string{101: "101", 403: "403"}[status]
	}
	for _, c := range []struct {
		name, sni, host string
		client          []tls.Certificate
		want            string
	}{
		{"good certificate", "mutual.example.com", "mutual.example.com", []tls.Certificate{good}, "101"},
		{"host with port", "mutual.example.com", "MUTUAL.example.com:443", []tls.Certificate{good}, "101"},
		{"no certificate", "mutual.example.com", "mutual.example.com", nil, "TLS"},
		{"unknown authority", "mutual.example.com", "mutual.example.com", []tls.Certificate{strangers.client(t, leaf{common: "client one"})}, "TLS"},
		{"expired", "mutual.example.com", "mutual.example.com", []tls.Certificate{clients.client(t, leaf{common: "late", notAfter: time.Now().Add(-time.Minute)})}, "TLS"},
		{"the server name of an open one", "open.example.com", "mutual.example.com", []tls.Certificate{good}, "403"},
		{"the server name of another with the same truststore", "other.example.com", "mutual.example.com", []tls.Certificate{good}, "403"},
		{"the open one by a mutual server name", "mutual.example.com", "open.example.com", []tls.Certificate{good}, "101"},
		{"the open one", "open.example.com", "open.example.com", nil, "101"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := try(c.sni, c.host, c.client...); got != c.want {
				t.Errorf("came to %s, want %s", got, c.want)
			}
		})
	}
	if status, body := d.fetchPlain(t, "GET", "mutual.example.com", "/ping"); status != 403 || body != forbiddenBody {
		t.Errorf("without TLS: %d %s", status, body)
	}
	for _, line := range []string{"client certificate refused", "it showed none", "no certificate in the truststore has signed it", "it expired on", `the TLS handshake was for \"open.example.com\"`} {
		if !strings.Contains(d.Log.String(), line) {
			t.Errorf("the log has no %q", line)
		}
	}
	if !slices.ContainsFunc(d.backend.Requests(), func(r *gatewaytest.Request) bool {
		return r.Header.Get("v0") == "CN=client one,O=Example" && strings.HasSuffix(r.Header.Get("v1"), " GMT")
	}) {
		t.Error("no backend was told whose certificate it was")
	}

	// Pushes need a certificate as well.
	conn, err := d.dialTLS("mutual.example.com", good)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c, err := gatewaytest.Handshake(conn, "mutual.example.com", "/")
	if err != nil {
		t.Fatal(err)
	}
	id := d.id(t)
	post := &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &id, Data: []byte("hello")}
	must(d.pushTo("https://mutual.example.com", good).PostToConnection(t.Context(), post))(t)
	if text, err := c.Read(); text != "hello" {
		t.Errorf("read %q, %v", text, err)
	}
	if _, err := d.pushTo("https://mutual.example.com").PostToConnection(t.Context(), post); err == nil {
		t.Error("a push without a certificate got through")
	}

	// A session is not resumed into a name with mutual TLS, or past a newer truststore; a connection that is open already is judged anew.
	cache := tls.NewLRUClientSessionCache(8)
	resume := func(sni string, client ...tls.Certificate) (*tls.Conn, error) {
		return tls.Dial("tcp", d.Addr(), &tls.Config{ServerName: sni, RootCAs: d.ca.pool, Certificates: client, ClientSessionCache: cache, MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12})
	}
	kept, err := resume("mutual.example.com", good)
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	if err := os.WriteFile(trust, strangers.pem, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := try("mutual.example.com", "mutual.example.com", good); got != "101" {
		t.Errorf("a truststore's file was changed and the domain name was not: %s", got)
	}
	must(d.Control().UpdateDomainName(t.Context(), &apigatewayv2.UpdateDomainNameInput{DomainName: aws.String("mutual.example.com"), MutualTlsAuthentication: mtls}))(t)
	if again, err := resume("mutual.example.com", good); err == nil {
		again.Close()
		t.Error("a session was resumed past a newer truststore")
	}
	if status, _ := fetch(t, kept, "GET", "mutual.example.com", "/ping"); status != 403 {
		t.Errorf("a connection from before the newer truststore: %d", status)
	}
}

// mapConnect has $connect tell the backend the given context variables, in the headers v0, v1, ...
func (d *withDomains) mapConnect(t *testing.T, variables ...string) {
	t.Helper()
	for _, in := range must(d.Control().GetIntegrations(t.Context(), &apigatewayv2.GetIntegrationsInput{ApiId: &d.api}))(t).Items {
		if !strings.HasSuffix(*in.IntegrationUri, "/connect") {
			continue
		}
		parameters := map[string]string{}
		for i, v := range variables {
			parameters["integration.request.header.v"+string(rune('0'+i))] = v
		}
		must(d.Control().UpdateIntegration(t.Context(), &apigatewayv2.UpdateIntegrationInput{ApiId: &d.api, IntegrationId: in.IntegrationId, RequestParameters: parameters}))(t)
	}
}
