package httpintegration_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sockgate/sockgate"
	httpintegration "github.com/sockgate/sockgate/gateway/integrate/http"
)

// tlsBackend echoes over TLS. Its certificate is for example.com and 127.0.0.1.
func tlsBackend(t *testing.T) (s *httptest.Server, roots *x509.CertPool, accepted *atomic.Int32) {
	t.Helper()
	accepted = new(atomic.Int32)
	s = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			accepted.Add(1)
		}
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	roots = x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return s, roots, accepted
}

func TestTLS(t *testing.T) {
	s, roots, accepted := tlsBackend(t)
	c := newClient(t, httpintegration.Config{RootCAs: roots})
	for i := range 3 {
		req := post(s.Listener.Addr().String(), "hello")
		req.Scheme = "https"
		if _, body := call(t, c, req); body != "hello" {
			t.Errorf("body %q", body)
		}
		if i == 1 {
			time.Sleep(2 * time.Millisecond) // the third call asks the idle connection, which must be found alive
		}
	}
	if n := accepted.Load(); n != 1 {
		t.Errorf("%d connections for 3 calls, want 1", n)
	}
}

func TestTLSNames(t *testing.T) {
	s, roots, _ := tlsBackend(t)
	tests := []struct {
		name       string
		serverName string
		roots      *x509.CertPool
		words      string // of the failure
	}{
		{"host", "", roots, ""},
		{"given name", "example.com", roots, ""},
		{"other name", "elsewhere.test", roots, "certificate: "},
		{"unknown authority", "", x509.NewCertPool(), "certificate: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newClient(t, httpintegration.Config{RootCAs: tt.roots})
			req := post(s.Listener.Addr().String(), "hello")
			req.Scheme, req.ServerName = "https", tt.serverName
			if tt.words == "" {
				call(t, c, req)
				return
			}
			var resp httpintegration.Response
			wantFailure(t, c.Do(context.Background(), req, &resp), sockgate.Internal, tt.words)
		})
	}
}

func TestTLSFailures(t *testing.T) {
	cert := func(t *testing.T) (tls.Certificate, *x509.CertPool) {
		s, roots, _ := tlsBackend(t)
		return s.TLS.Certificates[0], roots
	}
	tests := []struct {
		name    string
		handle  func(cert tls.Certificate) func(b *backend, c net.Conn)
		timeout time.Duration
		kind    sockgate.Kind
		words   string
	}{
		{"plain HTTP", func(tls.Certificate) func(*backend, net.Conn) {
			return replyOnce("HTTP/1.1 400 Bad Request\r\n\r\n")
		}, ample, sockgate.Internal, "TLS handshake with"},
		{"silent", func(tls.Certificate) func(*backend, net.Conn) {
			return func(_ *backend, c net.Conn) { _, _ = io.Copy(io.Discard, c) }
		}, 80 * time.Millisecond, sockgate.Timeout, "TLS handshake with"},
		{"hangs up in the handshake", func(tls.Certificate) func(*backend, net.Conn) {
			return func(*backend, net.Conn) {}
		}, ample, sockgate.Internal, "TLS handshake with"},
		{"old protocol", func(cert tls.Certificate) func(*backend, net.Conn) {
			return func(_ *backend, c net.Conn) {
				_ = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}).Handshake()
			}
		}, ample, sockgate.Internal, "TLS handshake with"},
		{"silent after the handshake", func(cert tls.Certificate) func(*backend, net.Conn) {
			return func(_ *backend, c net.Conn) {
				_, _ = io.Copy(io.Discard, tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}}))
			}
		}, 200 * time.Millisecond, sockgate.Timeout, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			certificate, roots := cert(t)
			b := serve(t, tt.handle(certificate))
			req := post(b.host(), "x")
			req.Scheme, req.Timeout = "https", tt.timeout
			var resp httpintegration.Response
			wantFailure(t, newClient(t, httpintegration.Config{RootCAs: roots}).Do(context.Background(), req, &resp), tt.kind, tt.words)
		})
	}
}
