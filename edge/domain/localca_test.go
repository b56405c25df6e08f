package domain_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/edge/domain"
)

// clock is a time that the test moves.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func newClock() *clock { return &clock{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)} }

// addressed is a connection that only has a local address.
type addressed struct {
	net.Conn
	addr string
}

func (a addressed) LocalAddr() net.Addr { return &net.TCPAddr{IP: net.ParseIP(a.addr), Port: 4566} }

func TestLocalCACertificates(t *testing.T) {
	c := newClock()
	ca := domain.NewLocalCA(filepath.Join(t.TempDir(), "deep", "ca"), c.now)
	roots, err := ca.Pool()
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		serverName, local string
		good              []string // names that the certificate must be good for
		bad               string
	}{
		"api host":           {"AbC.execute-api.localhost", "127.0.0.1", []string{"abc.execute-api.localhost"}, "localhost"},
		"trailing dot":       {"ws.example.test.", "127.0.0.1", []string{"ws.example.test"}, "example.test"},
		"localhost":          {"localhost", "127.0.0.1", []string{"localhost", "127.0.0.1", "::1"}, "example.test"},
		"loopback by number": {"", "127.0.0.1", []string{"localhost", "127.0.0.1", "::1"}, "10.0.0.1"},
		"address":            {"", "10.0.0.1", []string{"localhost", "10.0.0.1"}, "10.0.0.2"},
		"IPv6 address":       {"", "2001:db8::1", []string{"2001:db8::1"}, "2001:db8::2"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			leaf, err := ca.Certificate(&tls.ClientHelloInfo{ServerName: tt.serverName, Conn: addressed{addr: tt.local}})
			if err != nil {
				t.Fatal(err)
			}
			for _, host := range tt.good {
				if _, err := leaf.Leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: roots, CurrentTime: c.t}); err != nil {
					t.Error(err)
				}
			}
			if err := leaf.Leaf.VerifyHostname(tt.bad); err == nil {
				t.Errorf("certificate is good for %s too", tt.bad)
			}
		})
	}
	for _, name := range []string{"*.localhost", "a..b", "a b", ".a", strings.Repeat("a", 64), strings.Repeat("a.", 128), "a/b", "ä.test"} {
		if _, err := ca.Certificate(&tls.ClientHelloInfo{ServerName: name}); sockgate.KindOf(err) != sockgate.Invalid {
			t.Errorf("certificate for %q: %v", name, err)
		}
	}
}

func TestLocalCACachesAndRenews(t *testing.T) {
	c := newClock()
	dir := t.TempDir()
	ca := domain.NewLocalCA(dir, c.now)
	get := func(name string) *tls.Certificate {
		t.Helper()
		leaf, err := ca.Certificate(&tls.ClientHelloInfo{ServerName: name})
		if err != nil {
			t.Fatal(err)
		}
		return leaf
	}
	first := get("a.test")
	c.t = c.t.AddDate(0, 0, 59)
	if get("a.test") != first {
		t.Error("a certificate good for 31 days was replaced")
	}
	c.t = c.t.AddDate(0, 0, 2)
	if get("a.test") == first {
		t.Error("a certificate good for 29 days was kept")
	}
	c.t = c.t.AddDate(9, 10, 0)
	last, err := ca.Certificate(&tls.ClientHelloInfo{ServerName: "a.test"})
	if err != nil || last.Leaf.NotAfter.After(newClock().t.Add(3650*24*time.Hour)) {
		t.Errorf("a leaf outlives its authority: %v", err)
	}
	c.t = c.t.AddDate(1, 0, 0)
	_, err = domain.NewLocalCA(dir, c.now).Pool()
	if err == nil || !strings.Contains(err.Error(), "expired") {
		t.Errorf("expired authority: %v", err)
	}
}

func TestLocalCACacheIsBounded(t *testing.T) {
	ca := domain.NewLocalCA(t.TempDir(), nil)
	leaves := map[*tls.Certificate]bool{}
	const names = 1100
	for round := range 2 {
		for i := range names {
			leaf, err := ca.Certificate(&tls.ClientHelloInfo{ServerName: fmt.Sprintf("host-%d.test", i)})
			if err != nil {
				t.Fatal(err)
			}
			if round == 1 && leaves[leaf] {
				delete(leaves, leaf)
			} else if round == 0 {
				leaves[leaf] = true
			}
		}
	}
	if len(leaves) < names-1000 { // those that were issued again
		t.Errorf("more than 1000 certificates are kept: only %d were issued again", len(leaves))
	}
}

func TestLocalCAFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ca")
	certPath, keyPath := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "ca.key")
	if domain.NewLocalCA(dir, nil).TLSConfig(); exists(dir) {
		t.Error("the authority is made before it is needed")
	}
	var wg sync.WaitGroup
	ca := domain.NewLocalCA(dir, nil)
	for i := range 8 {
		wg.Go(func() {
			if _, err := ca.Certificate(&tls.ClientHelloInfo{ServerName: fmt.Sprintf("h%d.test", i%2)}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for path, mode := range map[string]os.FileMode{certPath: 0o644, keyPath: 0o600, dir: 0o700 | os.ModeDir} {
		if info, err := os.Stat(path); err != nil || info.Mode() != mode {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("files are %v", entries)
	}
	cert, key := read(t, certPath), read(t, keyPath)
	again := domain.NewLocalCA(dir, nil)
	if _, err := again.Pool(); err != nil || read(t, certPath) != cert {
		t.Errorf("the authority is not taken up again: %v", err)
	}
	other := filepath.Join(t.TempDir(), "ca")
	if _, err := domain.NewLocalCA(other, nil).Pool(); err != nil {
		t.Fatal(err)
	}

	tests := map[string]struct {
		cert, key string
		names     string // the file that the error must name; empty for no error
	}{
		"damaged certificate":    {cert[:40], key, certPath},
		"damaged key":            {cert, "hello", keyPath},
		"empty certificate":      {"", key, certPath},
		"files swapped":          {key, cert, keyPath},
		"key of another":         {cert, read(t, filepath.Join(other, "ca.key")), certPath},
		"key is missing":         {cert, "-", keyPath},
		"certificate is missing": {"-", key, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			write(t, certPath, tt.cert)
			write(t, keyPath, tt.key)
			_, err := domain.NewLocalCA(dir, nil).Pool()
			if tt.names == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.names+": ") || sockgate.KindOf(err) != sockgate.Internal {
				t.Errorf("got %v", err)
			}
		})
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// write replaces a file; "-" removes it.
func write(t *testing.T, path, text string) {
	t.Helper()
	if text == "-" {
		_ = os.Remove(path)
		return
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
