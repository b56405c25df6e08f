package natskv

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/sockgate/sockgate/state/datadir"
)

// session is one run of an embedded server, or one connection to an external cluster, which the client mends by itself.
// It owns one goroutine, run, that tells the store's view what happens in the bucket.
type session struct {
	store  *Store
	server *server.Server // nil when external
	conn   *nats.Conn
	js     jetstream.JetStream
	kv     jetstream.KeyValue
	record *record // nil when external

	health atomic.Pointer[health]

	resync  chan struct{} // capacity 1: the connection was away, changes may have been missed
	settled chan struct{} // closed when the view is complete
	cancel  context.CancelFunc
	done    chan struct{} // closed when run has returned
}

// health ends, with the cause, when writes that wait for an answer will not get one. An external cluster has a new one after
// each connection. An embedded server has one: after a message that it could not store, its stream takes no more, and does
// not answer; only a new start mends that.
type health struct {
	context.Context
	fail context.CancelCauseFunc
}

func newHealth() *health {
	ctx, fail := context.WithCancelCause(context.Background())
	return &health{ctx, fail}
}

func (sess *session) fail(cause error) { sess.health.Load().fail(cause) }

var errOffline = errors.New("there is no connection to the NATS cluster")

// begin starts a session and waits until the view is complete.
func (s *Store) begin(ctx context.Context) (*session, error) {
	sess := &session{
		store:   s,
		resync:  make(chan struct{}, 1),
		settled: make(chan struct{}),
		done:    make(chan struct{}),
	}
	sess.health.Store(newHealth())
	var err error
	if s.cfg.Dir != nil {
		err = sess.embed(ctx)
	} else {
		err = sess.connect(ctx)
	}
	if err != nil {
		close(sess.done) // run was not started
		sess.end()
		return nil, err
	}
	runCtx, cancel := context.WithCancel(context.Background())
	sess.cancel = cancel
	go sess.run(runCtx)
	select {
	case <-sess.settled:
		return sess, nil
	case <-ctx.Done():
		sess.end()
		return nil, fmt.Errorf("read the bucket: %w", ctx.Err())
	}
}

// end stops everything that the session owns and waits for it. A nil session has ended.
func (sess *session) end() {
	if sess == nil {
		return
	}
	if sess.cancel != nil {
		sess.cancel()
	}
	<-sess.done
	if sess.conn != nil {
		sess.conn.Close()
	}
	// The server goes after its only client; its shutdown writes what it keeps beside the blocks.
	if sess.server != nil {
		sess.server.Shutdown()
		sess.server.WaitForShutdown()
	}
	if sess.record != nil {
		sess.record.close()
	}
	sess.fail(nil)
}

// broken reports whether the session can take no more writes, ever.
func (sess *session) broken() bool {
	if sess.server == nil {
		return false
	}
	// The connection is not mended by itself: it closes when the process was stopped for minutes, for instance.
	return sess.health.Load().Err() != nil || !sess.server.JetStreamEnabled() || sess.conn.IsClosed()
}

// embed checks the directory, starts the server in it, and makes the bucket when there is none.
func (sess *session) embed(ctx context.Context) error {
	s := sess.store
	found, err := s.checkState(false)
	if err != nil {
		return err
	}
	if err := s.spaceFor(0); err != nil {
		return err
	}
	if !found.exists {
		// Nothing was ever acknowledged here, so what a first start that was cut short left behind is worth nothing.
		if err := os.RemoveAll(s.state); err != nil {
			return err
		}
		if err := os.MkdirAll(s.state, 0o700); err != nil {
			return err
		}
	}
	if sess.server, err = startServer(s.state, s.log, sess.fail); err != nil {
		return err
	}
	sess.conn, err = nats.Connect("", nats.InProcessServer(sess.server), nats.Name("store"), nats.NoReconnect(),
		nats.ErrorHandler(sess.asyncError))
	if err != nil {
		return fmt.Errorf("connect to the embedded NATS server: %w", err)
	}
	if err := sess.bind(ctx, !found.exists, 1); err != nil {
		return err
	}
	if !found.exists {
		if err := syncTree(s.state, s.cfg.Dir.Path()); err != nil {
			return err
		}
	}
	if sess.record, err = openRecord(s.state); err != nil {
		return err
	}
	if s.cfg.Dir.Store() != storeKind {
		return s.cfg.Dir.SetStore(storeKind)
	}
	return nil
}

// connect joins an external cluster.
func (sess *session) connect(ctx context.Context) error {
	cfg := sess.store.cfg
	options := []nats.Option{
		nats.Name("sockgate store"),
		nats.MaxReconnects(-1),
		// A write while the cluster is away fails at once, instead of waiting in a buffer and happening some day.
		nats.ReconnectBufSize(-1),
		nats.ReconnectWait(500 * time.Millisecond),
		nats.ReconnectHandler(func(*nats.Conn) { sess.missedChanges() }),
		nats.ErrorHandler(sess.asyncError),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil { // nil when the session ends
				sess.store.log.Warn("connection to the NATS cluster was lost", "cause", err)
			}
			// Replies to what was sent will not come; what is sent on the next connection is not concerned.
			sess.health.Swap(newHealth()).fail(errOffline)
		}),
	}
	if deadline, ok := ctx.Deadline(); ok {
		options = append(options, nats.Timeout(time.Until(deadline)))
	}
	if cfg.Credentials != "" {
		options = append(options, nats.UserCredentials(cfg.Credentials))
	}
	var err error
	if sess.conn, err = nats.Connect(cfg.URL, options...); err != nil {
		return fmt.Errorf("connect to the NATS cluster: %w", err)
	}
	err = sess.bind(ctx, false, cfg.Replicas)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		err = sess.bind(ctx, true, cfg.Replicas)
	}
	return err
}

// bind finds the bucket, or makes it.
func (sess *session) bind(ctx context.Context, create bool, replicas int) error {
	var err error
	if sess.js, err = jetstream.New(sess.conn); err != nil {
		return err
	}
	if create {
		if _, err := sess.js.CreateStream(ctx, streamConfig(replicas)); err != nil {
			return fmt.Errorf("make bucket %q: %w", bucket, err)
		}
	}
	if sess.kv, err = sess.js.KeyValue(ctx, bucket); err != nil {
		return fmt.Errorf("find bucket %q: %w", bucket, err)
	}
	return nil
}

// streamConfig is what a NATS client would make of a bucket with one revision per key.
//
// The markers that deletes leave have no expiry. The server removes a key's older revisions without leaving a trace, and
// after a crash tells them by the newer one: were a marker gone before them, a deleted document would come back.
func streamConfig(replicas int) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              streamName,
		Subjects:          []string{subjectPrefix + ">"},
		MaxMsgsPerSubject: 1,
		MaxMsgs:           -1,
		MaxBytes:          -1,
		MaxMsgSize:        -1,
		MaxConsumers:      -1,
		Discard:           jetstream.DiscardNew,
		Storage:           jetstream.FileStorage,
		Replicas:          max(replicas, 1),
		AllowDirect:       true,
		AllowRollup:       true,
		DenyDelete:        true,
	}
}

// syncTree makes the names of all directories below root durable, and root's own in its parent.
func syncTree(root, parent string) error {
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return datadir.SyncDir(path)
	})
	if err != nil {
		return err
	}
	return datadir.SyncDir(parent)
}
