//go:build unix

package domain_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/edge/domain"
)

// issuer makes certificates for truststores and clients; without a parent it signs itself.
type issuer struct {
	cert *x509.Certificate
	key  crypto.Signer
}

func newIssuer(t testing.TB, parent *issuer, name string, edit func(*x509.Certificate), key crypto.Signer) *issuer {
	t.Helper()
	now := newClock().t
	if key == nil {
		key, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(0x0a1b), Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	if edit != nil {
		edit(template)
	}
	by := &issuer{template, key}
	if parent != nil {
		by = parent
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by.cert, key.Public(), by.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &issuer{cert, key}
}

func (i *issuer) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.cert.Raw}))
}

// client makes a certificate for a client.
func (i *issuer) client(t testing.TB, name string, edit func(*x509.Certificate)) *issuer {
	return newIssuer(t, i, name, func(c *x509.Certificate) {
		c.IsCA, c.KeyUsage = false, x509.KeyUsageDigitalSignature
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		if edit != nil {
			edit(c)
		}
	}, nil)
}

func TestTruststoreFile(t *testing.T) {
	root := newIssuer(t, nil, "Root", nil, nil)
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	short := newIssuer(t, nil, "Short", nil, weak)
	old := newIssuer(t, nil, "Old", func(c *x509.Certificate) { c.NotAfter = newClock().t.Add(-time.Minute) }, nil)
	later := newIssuer(t, nil, "Later", func(c *x509.Certificate) { c.NotBefore = newClock().t.AddDate(0, 1, 0) }, nil)
	damaged := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("damaged")}))
	const unusable = "The truststore has no certificate that can be used. It must be certificates in PEM form."
	dir := t.TempDir()
	stores := &domain.Truststores{Clock: newClock().now}
	for i, c := range []struct {
		name, content string
		fault         string
		warnings      []string
	}{
		{"one", root.pem(), "", nil},
		{"comments between", "# ours\n" + root.pem() + "\n# theirs\n" + root.pem(), "", nil},
		{"damaged beside a good one", damaged + root.pem(), "", []string{"Certificate 1 of the truststore cannot be read"}},
		{"expired", old.pem(), "", []string{"Certificate 1 of the truststore expired on 2025-12-31: CN=Old"}},
		{"not valid yet", root.pem() + later.pem(), "", []string{"Certificate 2 of the truststore is not valid before 2026-02-01: CN=Later"}},
		{"short key beside a good one", short.pem() + root.pem(), "", []string{"Certificate 1 of the truststore has an RSA key of less than 2048 bits: CN=Short"}},
		{"short key", short.pem(), unusable, nil},
		{"empty", "", unusable, nil},
		{"text", "root:x:0:0:root:/root:/bin/sh\n", unusable, nil},
		{"damaged", damaged, unusable, nil},
		{"a key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", unusable, nil},
		{"DER", string(root.cert.Raw), unusable, nil},
		{"1001 certificates", strings.Repeat(damaged, 1001), "The truststore has more than 1000 certificates", nil},
		{"too large", strings.Repeat("#", 1<<20+1), "The truststore at URI cannot be read", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(dir, string(rune('a'+i)))
			write(t, path, c.content)
			uri := "file://" + path
			bundle, warnings, err := stores.Load(t.Context(), uri, "")
			if c.fault == "" {
				if err != nil || bundle != c.content || strings.Join(warnings, "\n") != strings.Join(c.warnings, "\n") {
					t.Errorf("read %d bytes, warnings %q, %v", len(bundle), warnings, err)
				}
				return
			}
			refused(t, err, strings.Replace(c.fault, "URI", uri, 1))
		})
	}
}

func refused(t *testing.T, err error, message string) {
	t.Helper()
	e, ok := err.(*sockgate.Error)
	if !ok || e.Kind != sockgate.Invalid || e.Message != message {
		t.Errorf("got %v, want %q", err, message)
	}
}

func TestTruststoreURIs(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "ok"), newIssuer(t, nil, "Root", nil, nil).pem())
	const bad = "Invalid truststoreUri: it must be s3://bucket/key or file:///path"
	for _, c := range []struct{ name, uri, version, message string }{
		{"no scheme", dir + "/ok", "", bad},
		{"http", "http://localhost/ok", "", bad},
		{"relative", "file://ok", "", bad},
		{"another host's", "file://host" + dir + "/ok", "", bad},
		{"query", "file://" + dir + "/ok?x", "", bad},
		{"no bucket", "s3:///key", "", bad},
		{"no key", "s3://bucket/", "", bad},
		{"neither", "s3://bucket", "", bad},
		{"control byte", "file:///\x00", "", bad},
		{"version of a file", "file://" + dir + "/ok", "1", "truststoreVersion is for truststores in S3"},
		{"missing", "file://" + dir + "/none", "", "The truststore at file://" + dir + "/none cannot be read"},
		{"directory", "file://" + dir, "", "The truststore at file://" + dir + " cannot be read"},
		{"pipe", "file://" + pipe, "", "The truststore at file://" + pipe + " cannot be read"},
		{"endless device", "file:///dev/zero", "", "The truststore at file:///dev/zero cannot be read"},
		{"S3 without an endpoint", "s3://bucket/key", "", "Truststores in S3 need the setting domains.s3Endpoint; a file:// URI needs none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := (&domain.Truststores{Clock: newClock().now}).Load(t.Context(), c.uri, c.version)
			refused(t, err, c.message)
		})
	}
}

func TestTruststoreInS3(t *testing.T) {
	bundle := newIssuer(t, nil, "Root", nil, nil).pem()
	keys := sockgate.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret", SessionToken: "token"}
	var signed bool
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if signed != (r.Header.Get("Authorization") != "") {
			t.Errorf("signed with %q", r.Header.Get("Authorization"))
		}
		if signed { // the SDK's signature of the same request is the measure
			again, _ := http.NewRequest(r.Method, "http://"+r.Host+r.RequestURI, nil)
			empty := sha256.Sum256(nil)
			again.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(empty[:]))
			err := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }).SignHTTP(r.Context(),
				aws.Credentials{AccessKeyID: keys.AccessKeyID, SecretAccessKey: keys.SecretAccessKey, SessionToken: keys.SessionToken},
				again, hex.EncodeToString(empty[:]), "s3", "us-east-1", newClock().t)
			if err != nil || again.Header.Get("Authorization") != r.Header.Get("Authorization") {
				t.Errorf("signed   %s\nexpected %s, %v", r.Header.Get("Authorization"), again.Header.Get("Authorization"), err)
			}
		}
		switch r.RequestURI {
		case "/base/bucket/trust.pem", "/base/bucket/a%20b/%C3%A4%2B%3F.pem?versionId=v%2F1":
			_, _ = w.Write([]byte(bundle))
		case "/base/bucket/moved":
			http.Redirect(w, r, "/base/bucket/trust.pem", http.StatusFound)
		case "/base/bucket/huge":
			_, _ = w.Write(make([]byte, 2<<20))
		default:
			http.Error(w, "NoSuchKey", http.StatusNotFound)
		}
	}))
	defer store.Close()
	stores := &domain.Truststores{S3Endpoint: store.URL + "/base", Region: "us-east-1", Clock: newClock().now,
		Credentials: func(context.Context) (sockgate.Credentials, error) {
			if signed {
				return keys, nil
			}
			return sockgate.Credentials{}, nil
		}}
	for _, signed = range []bool{false, true} {
		for _, c := range []struct {
			uri, version string
			ok           bool
		}{
			{"s3://bucket/trust.pem", "", true},
			{"s3://bucket/a b/ä+?.pem", "v/1", true},
			{"s3://bucket/none.pem", "", false},
			{"s3://bucket/moved", "", false},
			{"s3://bucket/huge", "", false},
		} {
			got, _, err := stores.Load(t.Context(), c.uri, c.version)
			if c.ok != (err == nil) || c.ok && got != bundle {
				t.Errorf("%s, signed %v: %d bytes, %v", c.uri, signed, len(got), err)
			}
		}
	}
}

func TestClientCert(t *testing.T) {
	root := newIssuer(t, nil, "Root", nil, nil)
	chain := []*issuer{root}
	for range 4 { // authorities below the root
		chain = append(chain, newIssuer(t, chain[len(chain)-1], "Sub", nil, nil))
	}
	var log strings.Builder
	f := fakeCatalog{
		"m.example.com":  {Name: "m.example.com", MutualTLS: &sockgate.MutualTLS{Bundle: root.pem()}},
		"*.example.com":  {Name: "*.example.com", MutualTLS: &sockgate.MutualTLS{Bundle: root.pem()}},
		"broken.test.io": {Name: "broken.test.io", MutualTLS: &sockgate.MutualTLS{Bundle: "nothing"}},
	}
	n := domain.NewNames(domain.NamesConfig{Catalog: f, Clock: newClock().now, Log: slog.New(slog.NewTextHandler(&log, nil))})
	_ = n.Settled()
	for name := range f {
		n.Refresh(t.Context(), name)
	}
	show := func(sni string, certs ...*issuer) *tls.ConnectionState {
		state := &tls.ConnectionState{ServerName: sni}
		for _, c := range certs {
			state.PeerCertificates = append(state.PeerCertificates, c.cert)
		}
		return state
	}
	good := root.client(t, "one", nil)
	for _, c := range []struct {
		name, host string
		state      *tls.ConnectionState
		fault      string
	}{
		{"good", "m.example.com", show("m.example.com", good), ""},
		{"good under a wildcard", "a.example.com", show("b.example.com", good), ""},
		{"no TLS", "m.example.com", nil, "the client came without TLS"},
		{"other name", "m.example.com", show("a.example.com", good), `the TLS handshake was for "a.example.com"`},
		{"no name", "m.example.com", show("", good), `the TLS handshake was for ""`},
		{"none", "m.example.com", show("m.example.com"), "it showed none"},
		{"expired", "m.example.com", show("m.example.com", root.client(t, "x", func(c *x509.Certificate) { c.NotAfter = newClock().t.Add(-time.Second) })), "it expired on 2025-12-31"},
		{"not valid yet", "m.example.com", show("m.example.com", root.client(t, "x", func(c *x509.Certificate) { c.NotBefore = newClock().t.AddDate(0, 0, 2) })), "it is not valid before 2026-01-03"},
		{"of a stranger who took the name", "m.example.com", show("m.example.com", newIssuer(t, nil, "Root", nil, nil).client(t, "one", nil)), "no certificate in the truststore has signed it"},
		{"self-signed", "m.example.com", show("m.example.com", newIssuer(t, nil, "me", nil, nil)), "no certificate in the truststore has signed it"},
		{"for servers", "m.example.com", show("m.example.com", root.client(t, "x", func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })), "incompatible key usage"},
		{"signed by a client", "m.example.com", show("m.example.com", newIssuer(t, good, "x", func(c *x509.Certificate) { c.IsCA = false }, nil), good), ""},
		{"four authorities", "m.example.com", show("m.example.com", chain[3].client(t, "deep", nil), chain[3], chain[2], chain[1]), ""},
		{"five authorities", "m.example.com", show("m.example.com", chain[4].client(t, "deeper", nil), chain[4], chain[3], chain[2], chain[1]), "more than 4 authorities"},
		{"missing link", "m.example.com", show("m.example.com", chain[2].client(t, "deep", nil), chain[2]), "no certificate in the truststore has signed it"},
		{"unreadable truststore", "broken.test.io", show("broken.test.io", good), "no certificate in the truststore has signed it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := n.ClientCert(n.Find(c.host), c.state)
			if c.name == "signed by a client" {
				if err == nil {
					t.Error("a client's certificate signed another")
				}
				return
			}
			if c.fault != "" {
				if err == nil || !strings.Contains(err.Error(), c.fault) {
					t.Errorf("error %v, want %q", err, c.fault)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.SerialNumber != "0a:1b" || !strings.HasPrefix(got.PEM, "-----BEGIN CERTIFICATE-----\n") || !strings.HasPrefix(got.SubjectDN, "CN=") {
				t.Errorf("shown as %+v", got)
			}
			if c.name == "good" && (got.SubjectDN != "CN=one" || got.IssuerDN != "CN=Root" || got.NotBefore != "Dec 31 23:00:00 2025 GMT" || got.NotAfter != "Jan  1 00:00:00 2027 GMT") {
				t.Errorf("shown as %+v", got)
			}
		})
	}
	if cert, err := n.ClientCert(&domain.Name{}, nil); cert != nil || err != nil {
		t.Errorf("without mutual TLS: %v, %v", cert, err)
	}
	if !strings.Contains(log.String(), "client certificate refused") || !strings.Contains(log.String(), "truststore of a domain name cannot be read") {
		t.Errorf("logged %s", log.String())
	}
}

// A truststore of as many authorities as there may be does not break handshakes by naming them all.
func TestManyAuthorities(t *testing.T) {
	root := newIssuer(t, nil, "Root", nil, nil)
	long := newIssuer(t, nil, strings.Repeat("x", 400), nil, nil).pem()
	f := fakeCatalog{"m.example.com": {Name: "m.example.com", MutualTLS: &sockgate.MutualTLS{Bundle: root.pem() + strings.Repeat(long, 500)}}}
	n := domain.NewNames(domain.NamesConfig{Catalog: f, Clock: newClock().now, Log: slog.New(slog.DiscardHandler)})
	_ = n.Changed("m.example.com")
	_ = n.Settled()
	base := &tls.Config{MinVersion: tls.VersionTLS12}
	n.Guard(base)
	c, err := base.GetConfigForClient(&tls.ClientHelloInfo{ServerName: "m.example.com"})
	if err != nil || c == nil || c.ClientCAs != nil || !c.SessionTicketsDisabled || c.VerifyConnection == nil {
		t.Errorf("the handshake's configuration is %+v, %v", c, err)
	}
	for _, hello := range []*tls.ClientHelloInfo{{ServerName: "other.example.org"}, {}, {ServerName: "m.example.com", SupportedProtos: []string{"acme-tls/1"}}} {
		if c, err := base.GetConfigForClient(hello); c != nil || err != nil {
			t.Errorf("%+v is asked for a certificate: %v", hello, err)
		}
	}
}
