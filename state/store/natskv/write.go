package natskv

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sys/unix"

	"github.com/sockgate/sockgate/state/store"
)

const (
	// reserve is what a write leaves free on the disk, in bytes. JetStream turns itself off when it meets a full disk, and
	// needs space of its own to tidy up, so writes stop earlier.
	reserve = 32 << 20

	operationHeader = "KV-Operation" // NATS: tells a marker from a document
	operationDelete = "DEL"
	// replacesHeader names the revision of the document that a message replaces, or 0; see contents.at.
	replacesHeader = "Sockgate-Replaces"
)

var errNoSpace = errors.New("the disk is nearly full")

// Create implements store.Store.
func (s *Store) Create(ctx context.Context, key string, value []byte) (uint64, error) {
	return s.put(ctx, key, value, 0)
}

// Update implements store.Store.
func (s *Store) Update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	if revision == 0 {
		return 0, conflict(key)
	}
	return s.put(ctx, key, value, revision)
}

// Delete implements store.Store.
func (s *Store) Delete(ctx context.Context, key string, revision uint64) error {
	if revision == 0 {
		return conflict(key)
	}
	msg := &nats.Msg{Header: nats.Header{operationHeader: {operationDelete}}}
	_, err := s.write(ctx, key, msg, revision)
	return err
}

func (s *Store) put(ctx context.Context, key string, value []byte, replaces uint64) (uint64, error) {
	if err := store.CheckValue(value); err != nil {
		return 0, err
	}
	return s.write(ctx, key, &nats.Msg{Header: nats.Header{}, Data: value}, replaces)
}

// write publishes msg as the key's new revision in place of the given one (0: none), and waits until the view has it.
func (s *Store) write(caller context.Context, key string, msg *nats.Msg, replaces uint64) (uint64, error) {
	if err := store.CheckKey(key); err != nil {
		return 0, err
	}
	if err := caller.Err(); err != nil {
		return 0, unavailable(err)
	}
	ctx, cancel := context.WithTimeout(caller, writeTimeout)
	defer cancel()
	if s.state != "" {
		if err := s.spaceFor(len(msg.Data)); err != nil {
			return 0, unavailable(err)
		}
	}
	sess, err := s.live(ctx)
	if err != nil {
		return 0, err
	}
	// This is needed although the server compares too: it would take a marker's revision for a document's. It also means
	// that no message is replaced before the view was told of it, on which record.go relies.
	if e, _ := s.view.Peek(key); e.Revision != replaces {
		return 0, conflict(key)
	}
	msg.Subject = subjectPrefix + key
	msg.Header.Set(replacesHeader, strconv.FormatUint(replaces, 10))
	revision, err := sess.publish(ctx, msg, replaces)
	if err != nil {
		if caller.Err() != nil {
			return 0, unavailable(caller.Err())
		}
		return 0, sess.explain(key, err)
	}
	if err := s.view.Wait(ctx, revision); err != nil {
		return 0, unavailable(err)
	}
	return revision, nil
}

// publish returns the sequence that the message got. The subject's last sequence must be the given one; 0 is for a subject
// with no message or with a marker.
func (sess *session) publish(ctx context.Context, msg *nats.Msg, last uint64) (uint64, error) {
	health := sess.health.Load()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(health, cancel)()
	if !sess.conn.IsConnected() { // the client would wait for the cluster as long as ctx lasts
		return 0, errOffline
	}
	ack, err := sess.js.PublishMsg(ctx, msg, jetstream.WithExpectLastSequencePerSubject(last))
	if err != nil && last == 0 && wrongLast(err) {
		marker, found := sess.marker(ctx, msg.Subject)
		if !found {
			return 0, err
		}
		ack, err = sess.js.PublishMsg(ctx, msg, jetstream.WithExpectLastSequencePerSubject(marker))
	}
	if err != nil {
		return 0, err
	}
	return ack.Sequence, nil
}

// marker returns the sequence of the marker that a delete left as the subject's last message.
func (sess *session) marker(ctx context.Context, subject string) (uint64, bool) {
	stream, err := sess.js.Stream(ctx, streamName)
	if err != nil {
		return 0, false
	}
	msg, err := stream.GetLastMsgForSubject(ctx, subject)
	if err != nil || msg.Header.Get(operationHeader) == "" {
		return 0, false
	}
	return msg.Sequence, true
}

// explain turns a failed publish into one of the store's errors.
func (sess *session) explain(key string, err error) error {
	switch {
	case wrongLast(err):
		return conflict(key)
	case errors.Is(err, nats.ErrMaxPayload):
		return fmt.Errorf("%w: the NATS cluster's max_payload is lower than the value", store.ErrTooLarge)
	}
	if sess.server == nil {
		return unavailable(err) // also when the connection was lost meanwhile: the write may have happened
	}
	// The embedded server said that it could not store, or said nothing. The next write starts it anew.
	sess.fail(err)
	return unavailable(context.Cause(sess.health.Load()))
}

// wrongLast reports a lost comparison. Streams with one replica and with several have codes of their own for it.
func wrongLast(err error) bool {
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence ||
		api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}

// spaceFor refuses a write that would leave too little space on the disk.
func (s *Store) spaceFor(size int) error {
	free, err := s.cfg.freeSpace(s.cfg.Dir.Path())
	if err != nil {
		return fmt.Errorf("ask for free space in %s: %w", s.state, err)
	}
	if need := uint64(size) + reserve; free < need {
		return fmt.Errorf("%w: %d bytes are free in %s, %d are needed", errNoSpace, free, s.state, need)
	}
	return nil
}

// freeSpace returns how many bytes an ordinary user may still write to the file system that holds dir.
func freeSpace(dir string) (uint64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, err
	}
	return uint64(st.Bavail) * uint64(st.Bsize), nil
}

func conflict(key string) error { return fmt.Errorf("%w: %s", store.ErrConflict, key) }

func unavailable(cause error) error { return fmt.Errorf("%w: %w", store.ErrUnavailable, cause) }
