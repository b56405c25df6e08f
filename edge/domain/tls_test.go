package domain_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/sockgate/sockgate/edge/domain"
	"github.com/sockgate/sockgate/service/certificate/certtest"
)

// shake makes one handshake.
func shake(t *testing.T, server, client *tls.Config) (state tls.ConnectionState, clientErr, serverErr error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	patience := time.Now().Add(20 * time.Second)
	done := make(chan error, 1)
	go func() {
		a, err := l.Accept()
		if err != nil {
			done <- err
			return
		}
		defer a.Close()
		_ = a.SetDeadline(patience)                       // a connection that is open takes one
		_, err = tls.Server(a, server).Write([]byte("x")) // tickets of TLS 1.3 come with the first bytes
		done <- err
	}()
	b, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	_ = b.SetDeadline(patience)
	c := tls.Client(b, client)
	_, clientErr = c.Read(make([]byte, 1))
	return c.ConnectionState(), clientErr, <-done
}

func named(t *testing.T, p *certtest.Pair) *tls.Certificate {
	t.Helper()
	c, err := tls.X509KeyPair(p.Cert, p.Key)
	if err != nil {
		t.Fatal(err)
	}
	return &c
}

func TestTLSChooses(t *testing.T) {
	first := named(t, certtest.SelfSigned(t, certtest.Leaf{Names: []string{"a.test"}}))
	second := named(t, certtest.SelfSigned(t, certtest.Leaf{Names: []string{"*.test"}}))
	challenge := named(t, certtest.SelfSigned(t, certtest.Leaf{Names: []string{"checked.test"}}))
	server := (&domain.TLS{
		Challenge: func(hello *tls.ClientHelloInfo) (*tls.Certificate, bool) {
			if len(hello.SupportedProtos) != 1 || hello.SupportedProtos[0] != "acme-tls/1" {
				return nil, false
			}
			if hello.ServerName != "checked.test" {
				return nil, true
			}
			return challenge, true
		},
		ForName: []func(string) *tls.Certificate{
			func(name string) *tls.Certificate {
				if name == "a.test" {
					return first
				}
				return nil
			},
			func(name string) *tls.Certificate {
				if strings.HasSuffix(name, ".test") {
					return second
				}
				return nil
			},
		},
		Authority: domain.NewLocalCA(t.TempDir(), nil),
	}).Config()
	for _, tt := range []struct {
		name, sni string
		protocols []string
		want      string // the certificate's first name; empty for a refusal
	}{
		{"first", "a.test", nil, "a.test"},
		{"second", "b.test", nil, "*.test"},
		{"local authority", "c.example", nil, "c.example"},
		{"no name", "", nil, "localhost"},
		{"HTTP", "a.test", []string{"h2", "http/1.1"}, "a.test"},
		{"challenge", "checked.test", []string{"acme-tls/1"}, "checked.test"},
		{"challenge for another name", "a.test", []string{"acme-tls/1"}, ""},
		{"name of a challenge", "checked.test", []string{"http/1.1"}, "*.test"},
		{"HTTP/2 alone", "a.test", []string{"h2"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			state, err, _ := shake(t, server, &tls.Config{InsecureSkipVerify: true, ServerName: tt.sni, NextProtos: tt.protocols})
			if tt.want == "" {
				if err == nil {
					t.Error("the handshake went well")
				}
				return
			}
			if err != nil || state.PeerCertificates[0].DNSNames[0] != tt.want {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestTLSVersionsAndSuites(t *testing.T) {
	server := (&domain.TLS{Authority: domain.NewLocalCA(t.TempDir(), nil)}).Config()
	for _, tt := range []struct {
		name   string
		client *tls.Config
		good   bool
	}{
		{"1.3", &tls.Config{MinVersion: tls.VersionTLS13}, true},
		{"1.2", &tls.Config{MaxVersion: tls.VersionTLS12}, true},
		{"1.1", &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, false},
		{"AES-256", &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384}}, true},
		{"CBC", &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}}, false},
		{"no forward secrecy", &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.client.InsecureSkipVerify, tt.client.ServerName = true, "localhost"
			if _, err, _ := shake(t, server, tt.client); (err == nil) != tt.good {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestTLSResumes: a client that comes back is spared the certificate, in both versions, and also when it has changed meanwhile.
func TestTLSResumes(t *testing.T) {
	for name, version := range map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13} {
		t.Run(name, func(t *testing.T) {
			cert := named(t, certtest.SelfSigned(t, certtest.Leaf{Names: []string{"a.test"}}))
			server := (&domain.TLS{
				ForName:   []func(string) *tls.Certificate{func(string) *tls.Certificate { return cert }},
				Authority: domain.NewLocalCA(t.TempDir(), nil),
			}).Config()
			roots := x509.NewCertPool()
			roots.AddCert(cert.Leaf)
			client := &tls.Config{RootCAs: roots, ServerName: "a.test", MaxVersion: version, ClientSessionCache: tls.NewLRUClientSessionCache(1)}
			for round, want := range []bool{false, true, true} {
				state, err, serverErr := shake(t, server, client)
				if err != nil || serverErr != nil {
					t.Fatal(errors.Join(err, serverErr))
				}
				if state.DidResume != want || state.Version != version {
					t.Errorf("round %d: resumed %v, version %x", round, state.DidResume, state.Version)
				}
				cert = named(t, certtest.SelfSigned(t, certtest.Leaf{Names: []string{"a.test"}}))
			}
		})
	}
}

func TestLocalCAIssues(t *testing.T) {
	ca := domain.NewLocalCA(t.TempDir(), nil)
	roots, err := ca.Pool()
	if err != nil {
		t.Fatal(err)
	}
	key := certtest.P256(t)
	chain, err := ca.Issue(key.Public(), []string{"a.test", "*.b.test"})
	if err != nil || len(chain) != 2 {
		t.Fatal(chain, err)
	}
	leaf, err := x509.ParseCertificate(chain[0])
	if err != nil || leaf.Subject.CommonName != "a.test" || !key.PublicKey.Equal(leaf.PublicKey) {
		t.Fatalf("%+v, %v", leaf, err)
	}
	for _, name := range []string{"a.test", "x.b.test"} {
		if _, err := leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: roots}); err != nil {
			t.Error(err)
		}
	}
}
