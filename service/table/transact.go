package table

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/sockgate/sockgate"
)

// Token makes a transaction carried out once, however often it is sent within ten minutes.
type Token struct {
	Text   string   // the client's
	Digest [32]byte // of all that the transaction asks for
}

// Transact carries out writes of different items as one transaction: all conditions hold and all is done, or nothing is. done reports
// that a transaction with this token and content had been carried out before, so that nothing was done now. token may be nil.
// Errors: *Canceled, TokenReused, NotFound.
func (e *Engine) Transact(ws []*Write, token *Token) (done bool, err error) {
	var tokenAt []byte
	if token != nil {
		tokenAt = append([]byte{tokenKey}, token.Text...)
	}
	if err := e.checkKeys(ws); err != nil {
		return false, err
	}
	var before atomic.Bool
	err = e.commit(ws, tokenAt, func(s *stage) error {
		if token != nil {
			done, err := s.remember(tokenAt, token)
			if before.Store(done); err != nil || done {
				return err
			}
		}
		reasons := make([]Reason, len(ws))
		canceled := false
		for i, w := range ws {
			err := s.plan(w, s.keys[i])
			if reasons[i], err = reason(err); err != nil {
				return err
			}
			canceled = canceled || reasons[i].Code != none
		}
		if canceled {
			return &Canceled{reasons}
		}
		return nil
	})
	return before.Load(), err
}

const none = "None"

// checkKeys finds writes whose keys do not fit their tables, which cancel the transaction before anything of it is tried; but for an
// empty key, which is an error of the request. Source: the captures of paritysuite/dynamodb-conformance.
func (e *Engine) checkKeys(ws []*Write) error {
	reasons := make([]Reason, len(ws))
	canceled := false
	for i, w := range ws {
		reasons[i].Code = none
		d := w.Table.Def()
		if !d.usable() {
			return errNotFound()
		}
		var err error
		if w.Op == Put {
			err = d.CheckItem(w.Item)
		} else if err = d.CheckKey(w.Item); err == nil && w.Op == Update {
			err = d.CheckUpdate(w.Update)
		}
		if err == nil {
			continue
		}
		if _, mismatch := errors.AsType[*Mismatch](err); !mismatch {
			return err
		}
		reasons[i] = Reason{Code: "ValidationError", Message: err.Error()}
		canceled = true
	}
	if canceled {
		return &Canceled{reasons}
	}
	return nil
}

// reason says what an error of one write means for its transaction; an error that is no reason is returned.
func reason(err error) (Reason, error) {
	if err == nil {
		return Reason{Code: none}, nil
	}
	if failed, ok := errors.AsType[*ConditionFailed](err); ok {
		return Reason{Code: "ConditionalCheckFailed", Message: failed.Error(), Item: failed.Item}, nil
	}
	if sockgate.KindOf(err) == sockgate.Invalid && !strings.HasPrefix(err.Error(), notValid) {
		return Reason{Code: "ValidationError", Message: err.Error()}, nil
	}
	return Reason{}, err
}

// remember stages that the transaction was carried out, or finds that it has been.
func (s *stage) remember(at []byte, token *Token) (done bool, err error) {
	now := s.e.now()
	v, closer, err := s.e.db.Get(at)
	switch {
	case errors.Is(err, pebble.ErrNotFound):
	case err != nil:
		return false, damaged("read a transaction's token", err)
	default:
		until, digest := tokenRecord(v)
		same := bytes.Equal(digest, token.Digest[:])
		if err := closer.Close(); err != nil {
			return false, damaged("read a transaction's token", err)
		}
		if now.Before(until) {
			if !same {
				return false, TokenReused{}
			}
			return true, nil
		}
	}
	record := binary.AppendVarint(nil, now.Add(tokenWindow).UnixMilli())
	return false, s.batch.Set(at, append(record, token.Digest[:]...), nil)
}

func tokenRecord(v []byte) (until time.Time, digest []byte) {
	ms, n := binary.Varint(v)
	return time.UnixMilli(ms), v[max(n, 0):]
}

// forgetTokens deletes the transactions that need not be remembered any more.
func (e *Engine) forgetTokens() error {
	it, err := e.db.NewIter(&pebble.IterOptions{LowerBound: []byte{tokenKey}, UpperBound: []byte{tokenKey + 1}})
	if err != nil {
		return err
	}
	defer it.Close()
	now := e.now()
	b := e.db.NewBatch()
	defer func() { _ = b.Close() }() // committed, or thrown away
	for it.First(); it.Valid() && b.Count() < chunk; it.Next() {
		if until, _ := tokenRecord(it.Value()); now.After(until) {
			if err := b.Delete(it.Key(), nil); err != nil {
				return err
			}
		}
	}
	if err := it.Error(); err != nil || b.Empty() {
		return err
	}
	return b.Commit(pebble.NoSync)
}
