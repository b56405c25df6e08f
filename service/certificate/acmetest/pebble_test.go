package acmetest_test

import (
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"
)

// pebble is Let's Encrypt's test server in this process. It resolves every name to 127.0.0.1 and asks for challenges at one port. Its workers
// do not end, so no test of this package looks for goroutines that are left.
type pebble struct {
	directory string
	caFile    string // whom its HTTPS is trusted by
	handler   atomic.Pointer[http.Handler]
	db        *db.MemoryStore
	ca        *ca.CAImpl
	asked     atomic.Int64 // requests
	accounts  atomic.Int64 // those that were made
}

// TestMain turns off what pebble does to test its clients' patience.
func TestMain(m *testing.M) {
	for name, value := range map[string]string{"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// startPebble opens its address. Serve must follow before it is used.
func startPebble(t *testing.T) *pebble {
	t.Helper()
	p := &pebble{}
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.asked.Add(1)
		if h := p.handler.Load(); h != nil {
			(*h).ServeHTTP(w, r)
			if r.URL.Path == "/sign-me-up" {
				p.accounts.Add(1)
			}
			return
		}
		http.Error(w, "not yet", http.StatusServiceUnavailable)
	}))
	t.Cleanup(srv.Close)
	p.directory = srv.URL + wfe.DirectoryPath
	p.caFile = filepath.Join(t.TempDir(), "acme-ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	if err := os.WriteFile(p.caFile, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

// serve begins to issue; challenges are asked for at the gateway's port.
func (p *pebble) serve(t *testing.T, port int) {
	t.Helper()
	logger := log.New(io.Discard, "", 0)
	if testing.Verbose() {
		logger = log.New(t.Output(), "pebble ", 0)
	}
	p.db = db.NewMemoryStore()
	p.ca = ca.New(logger, p.db, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {Description: "short", ValidityPeriod: 90 * 24 * 3600}})
	v := va.New(logger, port, port, false, startDNS(t), p.db)
	front := wfe.New(logger, p.db, v, p.ca, []string{"pebble.test"}, false, false, 0, 0)
	h := front.Handler()
	p.handler.Store(&h)
}

// roots are whom its certificates are trusted by.
func (p *pebble) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(p.ca.GetRootCert(0).Cert)
	return pool
}

// startDNS answers 127.0.0.1 for every name, and nothing else, over TCP, which the validation asks by.
func startDNS(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &dns.Server{Listener: l, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg)
		m.SetReply(q)
		if q.Question[0].Qtype == dns.TypeA {
			m.Answer = append(m.Answer, &dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 1}, A: net.IPv4(127, 0, 0, 1)})
		}
		_ = w.WriteMsg(m) // who asked has a timeout
	})}
	started := make(chan struct{})
	srv.NotifyStartedFunc = func() { close(started) }
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.ActivateAndServe() // ends with Shutdown
	}()
	<-started
	t.Cleanup(func() {
		_ = srv.Shutdown()
		<-done
	})
	return l.Addr().String()
}
