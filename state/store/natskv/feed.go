package natskv

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/sockgate/sockgate/state/store"
)

// run feeds the view, starting over whenever changes may have been missed, until ctx ends.
func (sess *session) run(ctx context.Context) {
	defer close(sess.done)
	for ctx.Err() == nil {
		err := sess.follow(ctx)
		if ctx.Err() != nil || sess.conn.IsClosed() {
			return
		}
		if err != nil {
			sess.store.log.Warn("following the bucket failed; it will be tried again", "cause", err)
		}
		const pause = time.Second
		select {
		case <-ctx.Done():
		case <-sess.resync:
		case <-time.After(pause):
		}
	}
}

// follow reads the whole bucket, makes the view equal to it, and then tells the view of each change.
func (sess *session) follow(ctx context.Context) error {
	watch, err := sess.kv.WatchAll(ctx)
	if err != nil {
		return err
	}
	defer func() {
		_ = watch.Stop()
		for range watch.Updates() { // the client may be waiting for room in the channel
		}
	}()
	var (
		start   []store.Entry
		last    uint64
		settled bool
	)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-sess.resync:
			sess.missedChanges() // run starts over at once
			return nil
		case e, open := <-watch.Updates():
			switch {
			case !open:
				return errors.New("the subscription ended")
			case e == nil:
				sess.replace(start, last)
				start, settled = nil, true
			case settled:
				sess.apply(e)
			default:
				last = max(last, e.Revision())
				if e.Operation() == jetstream.KeyValuePut {
					start = append(start, entryOf(e))
				}
			}
		}
	}
}

func (sess *session) replace(entries []store.Entry, last uint64) {
	if sess.record != nil {
		sess.noteRecord(sess.record.restart(entries, last))
	}
	sess.store.view.Replace(entries, last)
	select {
	case <-sess.settled:
	default:
		close(sess.settled)
	}
}

// apply writes the record before it tells the view, since telling the view is what lets a write be acknowledged.
func (sess *session) apply(e jetstream.KeyValueEntry) {
	deleted := e.Operation() != jetstream.KeyValuePut
	if sess.record != nil {
		old, _ := sess.store.view.Peek(e.Key())
		sess.noteRecord(sess.record.advance(e.Key(), old.Revision, e.Revision(), deleted))
	}
	if deleted {
		sess.store.view.Remove(e.Key(), e.Revision())
		return
	}
	sess.store.view.Put(entryOf(e))
}

// noteRecord reports a failure to write the record. It costs no data, only a later ability to see that some were lost.
func (sess *session) noteRecord(err error) {
	if err != nil {
		sess.store.log.Warn("cannot note which writes were acknowledged", "cause", err)
	}
}

func (sess *session) missedChanges() {
	select {
	case sess.resync <- struct{}{}:
	default:
	}
}

func (sess *session) asyncError(_ *nats.Conn, _ *nats.Subscription, err error) {
	sess.store.log.Warn("NATS client", "cause", err)
}

func entryOf(e jetstream.KeyValueEntry) store.Entry {
	return store.Entry{Key: e.Key(), Value: e.Value(), Revision: e.Revision()}
}
