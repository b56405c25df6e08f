// Package natskv is the durable store: a NATS JetStream key-value bucket called "sockgate", either in a NATS server that runs
// inside this process and listens nowhere, or in an existing NATS cluster.
//
// Reads and watches are served from a view in memory, which one subscription to the bucket feeds; they go on while writes
// are refused. A write is acknowledged once JetStream has it on disk and the view has been told of it.
//
// In an embedded directory (all below {data directory}/state):
//
//	jetstream/      the NATS server's; its blocks are checked before the server may touch them, see check.go
//	acknowledged    which writes were acknowledged, see record.go: tells damage from a write that a crash cut short
package natskv

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/sockgate/sockgate/state/datadir"
	"github.com/sockgate/sockgate/state/store"
	"github.com/sockgate/sockgate/state/store/view"
)

const (
	bucket        = "sockgate"
	streamName    = "KV_" + bucket
	subjectPrefix = "$KV." + bucket + "."

	// stateDir is the store's part of the data directory, and storeKind what the directory's format file calls it.
	stateDir  = "state"
	storeKind = "nats"

	openTimeout  = 30 * time.Second // to connect, recover and read the whole bucket
	writeTimeout = 10 * time.Second // for one write, when its context has no earlier deadline
)

// Config says where the bucket is: either Dir or URL.
type Config struct {
	// Dir is the data directory of an embedded server. The caller keeps it and closes it after the store.
	Dir *datadir.Dir

	// URL is one or more addresses of an external cluster, separated by commas ("nats://a:4222,nats://b:4222").
	URL         string
	Credentials string // file with the cluster's user credentials; may be empty
	Replicas    int    // copies of the bucket, when it is made; 0 is 1

	Log *slog.Logger // nil is slog.Default()

	// freeSpace replaces the question to the operating system, for tests.
	freeSpace func(dir string) (uint64, error)
}

var _ store.Store = (*Store)(nil)

// Store is a bucket. Its revisions are the bucket's stream sequences, so a revision means the same to every gateway that
// shares a cluster; but only one that this Store has shown may be given to Update and Delete.
type Store struct {
	cfg   Config
	log   *slog.Logger
	state string // directory; empty when external
	view  *view.View

	// turn holds the session; whoever took it out may replace it. A nil session is one to be started by the next write.
	turn chan *session
}

// Open makes or opens the bucket and returns when all of it has been read. ctx bounds only that.
//
// An embedded directory that was damaged is refused with a *DamageError and left as it was. When the disk is too full to
// start the embedded server, the store opens with what can be read, and starts to take writes once there is space.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if (cfg.Dir == nil) == (cfg.URL == "") {
		return nil, errors.New("store: either a data directory or the URL of a NATS cluster is needed")
	}
	if cfg.freeSpace == nil {
		cfg.freeSpace = freeSpace
	}
	s := &Store{cfg: cfg, log: cfg.Log, view: view.New(), turn: make(chan *session, 1)}
	if s.log == nil {
		s.log = slog.Default()
	}
	if cfg.Dir != nil {
		s.state = filepath.Join(cfg.Dir.Path(), stateDir)
	}
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()

	sess, err := s.begin(ctx)
	if errors.Is(err, errNoSpace) {
		s.log.Warn("store opens for reading only", "cause", err)
		sess, err = nil, s.readOnly()
	}
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	s.turn <- sess
	return s, nil
}

// Get implements store.Store.
func (s *Store) Get(ctx context.Context, key string) (store.Entry, error) {
	return s.view.Get(ctx, key)
}

// List implements store.Store.
func (s *Store) List(ctx context.Context, prefix string) ([]store.Entry, error) {
	return s.view.List(ctx, prefix)
}

// Watch implements store.Store.
func (s *Store) Watch(ctx context.Context, prefix string, fn func(store.Change) error) error {
	return s.view.Watch(ctx, prefix, fn)
}

// Close implements store.Store. Writes that have begun either end first or fail with store.ErrUnavailable.
func (s *Store) Close() error {
	sess := <-s.turn
	if !s.view.Closed() {
		s.view.Close()
		sess.end()
	}
	s.turn <- nil
	return nil
}

// live returns the session that takes writes, starting a new one when the embedded server gave up (a full disk, a write
// error): everything that it acknowledged is on disk, and a start finds it.
func (s *Store) live(ctx context.Context) (*session, error) {
	var sess *session
	select {
	case sess = <-s.turn:
	case <-ctx.Done():
		return nil, unavailable(ctx.Err())
	}
	defer func() { s.turn <- sess }()
	if s.view.Closed() {
		return nil, unavailable(errors.New("it is closed"))
	}
	if sess != nil && !sess.broken() {
		return sess, nil
	}
	sess.end()
	sess = nil
	started, err := s.begin(ctx)
	if err != nil {
		return nil, unavailable(err)
	}
	s.log.Info("store takes writes again")
	sess = started
	return sess, nil
}

// readOnly fills the view from the blocks on disk, without a server.
func (s *Store) readOnly() error {
	found, err := s.checkState(true)
	if err != nil {
		return err
	}
	s.view.Replace(found.entries(), found.lastSeq)
	return nil
}
