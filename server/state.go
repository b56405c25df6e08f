package server

import (
	"context"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"

	"github.com/sockgate/sockgate/edge/domain"
	httpbackend "github.com/sockgate/sockgate/gateway/integrate/http"
	"github.com/sockgate/sockgate/internal/rootkey"
	"github.com/sockgate/sockgate/service/certificate"
	"github.com/sockgate/sockgate/service/identity"
	"github.com/sockgate/sockgate/state/datadir"
	"github.com/sockgate/sockgate/state/store/memory"
	"github.com/sockgate/sockgate/state/store/natskv"
	"github.com/sockgate/sockgate/telemetry/logs"
)

// caDir is where the local certificate authority is kept, below the data directory.
const caDir = "ca"

// AuthorityFile is the certificate of the local authority of a gateway with that data directory; it is there once the gateway has
// met TLS.
func AuthorityFile(data string) string { return filepath.Join(data, caDir, domain.CertFile) }

// journalFile is where open connections are remembered, below the data directory.
const journalFile = "connections"

// openState takes the data directory and opens what is kept in it. What is opened is closed by release, also after an error.
func (s *Server) openState(ctx context.Context) (err error) {
	if s.dir, err = datadir.Open(s.cfg.Data, rootkey.FileName, identity.SealKeyFile, certificate.KeyFile, caDir, functionsDir, TablesDir, "logs"); err != nil {
		return err
	}
	if s.key, err = rootkey.Load(s.dir.Path(), s.cfg.RootAccessKeyID, string(s.cfg.RootSecretAccessKey)); err != nil {
		return err
	}
	if s.key.Warning != "" {
		s.log.Warn(s.key.Warning)
	}
	switch s.cfg.State.Engine {
	case "memory":
		s.store = memory.New()
	case "nats":
		store, err := natskv.Open(ctx, natskv.Config{URL: s.cfg.State.URL, Credentials: s.cfg.State.Credentials, Replicas: s.cfg.State.Replicas, Log: s.log})
		if err != nil {
			return fmt.Errorf("open the state store: %w", err)
		}
		s.store = store
	default:
		store, err := natskv.Open(ctx, natskv.Config{Dir: s.dir, Log: s.log})
		if err != nil {
			return fmt.Errorf("open the state store: %w", err)
		}
		s.store = store
	}
	if err := s.openIdentity(ctx); err != nil {
		return err
	}
	logDir := s.cfg.Logs.Dir
	if logDir == "" {
		logDir = filepath.Join(s.dir.Path(), "logs")
	}
	s.logs, err = logs.Open(logs.Config{Dir: logDir, FileSize: int64(s.cfg.Logs.FileSize), Keep: s.cfg.Logs.Keep, Log: s.log, Watch: s.watchLogs()})
	return err
}

// backendConfig shapes the calls to HTTP backends.
func (s *Server) backendConfig() (httpbackend.Config, error) {
	b := s.cfg.Backends
	c := httpbackend.Config{MaxConnsPerHost: b.MaxConnectionsPerHost, MaxResponse: int(b.MaxResponse), AllowLinkLocal: b.AllowLinkLocal}
	if b.CAFile == "" {
		return c, nil
	}
	pem, err := os.ReadFile(b.CAFile)
	if err != nil {
		return c, fmt.Errorf("backends.caFile: %w", err)
	}
	if c.RootCAs, err = x509.SystemCertPool(); err != nil {
		c.RootCAs = x509.NewCertPool()
	}
	if !c.RootCAs.AppendCertsFromPEM(pem) {
		return c, fmt.Errorf("backends.caFile: %s holds no certificate in PEM form", b.CAFile)
	}
	return c, nil
}
