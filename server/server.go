// Package server wires the gateway's parts together, starts them in order, and takes them down in order. The program and the
// end-to-end tests use it alike.
package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/config"
	"github.com/sockgate/sockgate/control/dev"
	"github.com/sockgate/sockgate/edge"
	"github.com/sockgate/sockgate/edge/domain"
	"github.com/sockgate/sockgate/edge/listen"
	"github.com/sockgate/sockgate/edge/socket"
	"github.com/sockgate/sockgate/gateway/deploy"
	httpbackend "github.com/sockgate/sockgate/gateway/integrate/http"
	"github.com/sockgate/sockgate/gateway/registry"
	"github.com/sockgate/sockgate/gateway/throttle"
	"github.com/sockgate/sockgate/internal/rootkey"
	"github.com/sockgate/sockgate/lang/sigv4"
	"github.com/sockgate/sockgate/service/balancer"
	"github.com/sockgate/sockgate/service/certificate"
	"github.com/sockgate/sockgate/service/function"
	"github.com/sockgate/sockgate/service/function/runtime"
	"github.com/sockgate/sockgate/service/identity"
	"github.com/sockgate/sockgate/service/table"
	"github.com/sockgate/sockgate/service/tunnel"
	"github.com/sockgate/sockgate/state/catalog"
	"github.com/sockgate/sockgate/state/datadir"
	"github.com/sockgate/sockgate/state/journal"
	"github.com/sockgate/sockgate/state/store"
	"github.com/sockgate/sockgate/telemetry/logs"
	"github.com/sockgate/sockgate/telemetry/metrics"
)

// Server is one running gateway. Start makes it, Stop ends it.
type Server struct {
	cfg *config.Config
	log *slog.Logger
	key rootkey.Key

	dir          *datadir.Dir
	store        store.Store
	logs         *logs.Groups
	metrics      *metrics.Metrics
	http         *httpbackend.Client
	deployer     *deploy.Deployer
	gate         *edge.Gate
	journal      *journal.Journal      // nil with an engine that forgets the APIs
	left         []sockgate.Connection // open when an earlier process crashed
	identity     *identity.Directory
	functions    *function.Service
	pools        *runtime.Pools
	tables       *table.Engine
	balancer     *balancer.Service
	tunnel       *tunnel.Gateway
	linkTokens   *tunnel.Tokens
	domains      *domain.Names
	limits       limits
	ca           *domain.LocalCA
	certificates *certificate.Service
	draining     atomic.Bool
	recorder     *dev.Recorder // nil unless the gateway is for development
	redeploy     func(context.Context) error
	verifier     *sigv4.Verifier
	ports        []*listen.Server
	workers      *socket.Workers
	lot          *socket.Lot

	edgeAddr, managementAddr net.Addr

	endIssuing func()             // ends the issuing of certificates; nil when it has not begun
	cancel     context.CancelFunc // ends what follows the store
	running    sync.WaitGroup
	failed     chan error // the first part that ended by itself
}

// Run starts a gateway, waits until ctx ends or a part fails, and drains it within cfg.Grace.
func Run(ctx context.Context, cfg *config.Config, log *slog.Logger) error {
	s, err := Start(ctx, cfg, log)
	if err != nil {
		return err
	}
	if err = s.Wait(ctx); err != nil {
		log.Error("a part of the gateway failed; shutting down", "error", err)
	} else {
		log.Info("draining", "grace", cfg.Grace.String())
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), cfg.Grace)
	defer cancel()
	return errors.Join(err, s.Stop(grace))
}

// Wait waits until ctx ends, and returns nil, or until a part fails, and returns its error.
func (s *Server) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.failed:
		return err
	}
}

// Start brings a gateway up. It returns when the gateway is ready: everything that was stored is live and the ports are open.
// ctx bounds the start only.
func Start(ctx context.Context, cfg *config.Config, log *slog.Logger) (*Server, error) {
	return start(ctx, &Server{cfg: cfg, log: log})
}

func start(ctx context.Context, s *Server) (started *Server, err error) {
	began, cfg, log := time.Now(), s.cfg, s.log
	s.failed = make(chan error, 1)
	defer func() {
		if err != nil {
			err = errors.Join(err, s.release(ctx))
			started = nil
		}
	}()
	for _, w := range cfg.Warnings() {
		log.Warn(w)
	}
	if err := s.openState(ctx); err != nil {
		return s, err
	}
	ports, err := s.openPorts(ctx) // a port that is taken is the likeliest fault, so it is found before anything is started
	if err != nil {
		return s, err
	}
	err = errors.Join(s.openFunctions(ctx), s.openTables(), s.openCertificates(ctx))
	if err != nil {
		return s, errors.Join(err, ports.close())
	}
	catalog, err := s.startData()
	if err != nil {
		return s, errors.Join(err, ports.close())
	}
	select {
	case <-s.deployer.Ready():
	case err := <-s.failed:
		return s, errors.Join(err, ports.close())
	case <-ctx.Done():
		ports.close()
		return s, fmt.Errorf("start: %w", ctx.Err())
	}
	if err := errors.Join(s.awaitUsage(ctx), s.awaitLinks(ctx), s.awaitDomains(ctx), s.linkTokens.Load(ctx)); err != nil {
		return s, errors.Join(err, ports.close())
	}
	s.serve(ports, s.management(catalog))
	s.bury()
	log.Info("ready", "listen", s.Addr().String(), "data", s.dir.Path(), "credentials", s.key.File, "took", time.Since(began).Round(time.Millisecond).String())
	return s, nil
}

// Addr is where clients connect.
func (s *Server) Addr() net.Addr { return s.edgeAddr }

// ManagementAddr is where the AWS APIs are; the same as Addr unless they were split.
func (s *Server) ManagementAddr() net.Addr { return s.managementAddr }

// RootKey is the key that signs for the root user.
func (s *Server) RootKey() (id, secret string) { return s.key.ID, s.key.Secret }

// flushTime is how long a shutdown may take beyond its grace to write what it holds to disk.
const flushTime = time.Second

// Stop drains the gateway, front to back; ctx is its grace. A grace that ends early is logged, and no error.
func (s *Server) Stop(ctx context.Context) error {
	s.draining.Store(true)
	s.gate.CloseAll()                      // nobody new comes in, clients are told to go away ...
	if cut := s.gate.Drain(ctx); cut > 0 { // ... and their $disconnect is delivered
		s.log.Warn("the grace period ended before every connection did", "connections", cut)
		go func() { // ends with the last call, which has a timeout
			s.gate.Drain(context.Background())
			s.workers.Close()
			s.lot.Close()
		}()
	} else {
		s.workers.Close()
		s.lot.Close()
	}
	if s.endIssuing != nil {
		s.endIssuing() // an ACME authority asks its questions at the ports
	}
	// The ports stay open until here, for what backends and functions call while they serve $disconnect.
	for _, p := range s.ports {
		p.StopAccepting()
	}
	var errs []error
	errs = append(errs, s.closeFunctions(ctx)) // calls of the Lambda API are requests that may take minutes
	for _, p := range s.ports {                // requests under way are finished
		if err := p.Wait(ctx); err != nil {
			errs = append(errs, fmt.Errorf("close port: %w", err))
		}
	}
	// Then, with nobody left to serve, what they stood on. It is flushed also when the grace is used up.
	flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTime)
	defer cancel()
	errs = append(errs, s.release(flush))
	s.log.Info("stopped")
	return errors.Join(errs...)
}

// release ends what runs behind the ports and closes the state, last what was opened first. It serves a failed start too, so
// any part may be missing.
func (s *Server) release(ctx context.Context) error {
	var errs []error
	if s.cancel != nil {
		s.cancel()
		s.running.Wait() // the deployer reads the store
	}
	if s.http != nil {
		s.http.Close()
	}
	s.closeTunnel() // behind the connections to backends, some of which go through it
	errs = append(errs, s.closeFunctions(ctx))
	if s.tables != nil {
		errs = append(errs, s.tables.Close())
	}
	if s.journal != nil {
		errs = append(errs, s.journal.Close())
	}
	if s.logs != nil {
		errs = append(errs, s.logs.Close(ctx)) // the last lines of the last connections
	}
	if s.store != nil {
		errs = append(errs, s.store.Close())
	}
	if s.dir != nil {
		errs = append(errs, s.dir.Close()) // the directory is free for the next gateway only when nothing writes to it
	}
	return errors.Join(errs...)
}

// startData builds the data path, front to back as a message sees it from the inside: backends, stages, pipeline, gate.
func (s *Server) startData() (*catalog.Catalog, error) {
	s.metrics = metrics.New()
	backends, err := s.backendConfig()
	if err != nil {
		return nil, err
	}
	s.http = httpbackend.New(backends)
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	reg := registry.New(0, key)
	table := deploy.NewTable()

	cat := catalog.New(s.store, func(ctx context.Context, apiID string) { s.deployer.Refresh(ctx, apiID) })
	s.openUsage(cat)
	s.openLinks(cat)
	s.openTunnel()
	s.openDomains(cat)
	s.deployer = deploy.NewDeployer(deploy.Config{
		Catalog: cat,
		Table:   table,
		Place:   s.place(),
		Limits:  throttle.NewRoutes(),
		Account: s.accountLimit(),
		Attach:  s.attach,
		Retired: s.retire,
		Log:     s.log,
	})
	s.verifier = s.newVerifier()
	if err := s.openJournal(reg); err != nil {
		return nil, err
	}
	s.gate = s.newGate(table, reg)
	s.measure(reg)
	s.measureLimits()

	var ctx context.Context
	ctx, s.cancel = context.WithCancel(context.Background())
	s.goRun("deployer", func() error { return s.deployer.Run(ctx) })
	s.runUsage(ctx, cat)
	s.runDomains(ctx, cat)
	s.runCertificates(ctx)
	s.runLinks(ctx, cat)
	s.runTunnel(ctx)
	s.goRun("identities", func() error { return s.identity.Run(ctx) })
	s.goRun("tables", func() error { return s.runTables(ctx) })
	s.goRun("functions", func() error {
		if err := s.functions.Run(ctx); ctx.Err() == nil {
			return err
		}
		return nil
	})
	return cat, nil
}

// openJournal opens the record of open connections, and notes those of a process that crashed.
func (s *Server) openJournal(reg *registry.Registry) (err error) {
	if s.cfg.State.Engine == "memory" {
		return nil
	}
	live := func(yield func(*sockgate.Connection)) { reg.Each(func(p registry.Peer) { yield(p.Info()) }) }
	s.journal, s.left, err = journal.Open(filepath.Join(s.dir.Path(), journalFile), live, s.log)
	return err
}

// bury delivers the $disconnect of connections that a crash ended, in the background.
func (s *Server) bury() {
	if len(s.left) == 0 {
		return
	}
	s.log.Info("delivering $disconnect for connections that were open when the gateway last ended", "connections", len(s.left))
	ctx, cancel := context.WithCancel(context.Background())
	stop := s.cancel
	s.cancel = func() { cancel(); stop() }
	s.goRun("left-over connections", func() error { s.gate.Bury(ctx, s.left); return nil })
}

// goRun runs a part until it returns. A part that returns an error brings the gateway down in order.
func (s *Server) goRun(name string, run func() error) {
	s.running.Go(func() {
		if err := run(); err != nil {
			select {
			case s.failed <- fmt.Errorf("%s: %w", name, err):
			default: // an earlier failure is being dealt with
			}
		}
	})
}

// retire follows a stage that is gone.
func (s *Server) retire(k deploy.StageKey) {
	s.metrics.Remove(k.APIID, k.Stage)
	s.gate.CloseStage(k.APIID, k.Stage)
}
