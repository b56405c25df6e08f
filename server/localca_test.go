package server_test

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/sockgate/sockgate/config"
	"github.com/sockgate/sockgate/internal/gatewaytest"
)

// TestLocalAuthority: a client can trust the local authority before anybody has made a handshake, and on all ports it is the same.
func TestLocalAuthority(t *testing.T) {
	g := gatewaytest.Start(t, func(c *config.Config) { c.Listeners.Management = "127.0.0.1:0" })
	pem, err := os.ReadFile(filepath.Join(g.Config.Data, "ca", "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		t.Fatal("ca.pem holds no certificate")
	}
	var dials sync.WaitGroup
	for range 4 {
		for _, addr := range []string{g.Addr(), g.ManagementAddr()} {
			dials.Go(func() {
				conn, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: pool, ServerName: "localhost"})
				if err != nil {
					t.Error(err)
					return
				}
				_ = conn.Close()
			})
		}
	}
	dials.Wait()
}
