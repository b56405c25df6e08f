package stacks

import (
	"context"
	"encoding/json"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/awswire"
	"github.com/sockgate/sockgate/internal/requestid"
)

// Locking is the body of POST …/lock: who wants the lock, and for how long.
type Locking struct {
	Owner   string `json:"owner"`   // for people to read
	Seconds int    `json:"seconds"` // 0 gives the lock of Token up
	// Token is that of the lock which the caller holds, to renew it or to give it up. A lock that ran out can be renewed as long as nobody
	// else took it.
	Token string `json:"token"`
	// Break is the token of a lock whose owner the caller knows to be gone.
	Break string `json:"break"`
}

// held returns the lock that is on a stack now, or nil.
func (s *Service) held(st *Stack) *Holder {
	if st.Lock == nil || s.Clock().After(st.Lock.Expires) {
		return nil
	}
	return st.Lock
}

// locked is a refusal that says who deploys. Its token is what Break takes: whoever reads it may deploy anyway.
func locked(name string, h *Holder) error {
	return sockgate.Conflictf("Stack %s is being deployed by %s", name, h.Owner)
}

func (s *Service) lock(ctx context.Context, name string, body []byte) (*awswire.Response, error) {
	var l Locking
	if err := json.Unmarshal(body, &l); err != nil {
		return nil, sockgate.Invalidf("The body must be an object")
	}
	lease := time.Duration(l.Seconds) * time.Second
	if l.Seconds < 0 || lease > MaxLease || len(l.Owner) > maxOwner || len(l.Token) > maxToken {
		return nil, sockgate.Invalidf("A lock is for 0 to %.0f seconds, and its owner's name has at most %d characters", MaxLease.Seconds(), maxOwner)
	}
	var out *Holder
	busy := false
	err := s.change(ctx, name, func(st *Stack) error {
		out, busy = nil, false
		holder := s.held(st)
		if holder != nil && holder.Token != l.Token && holder.Token != l.Break {
			out, busy = holder, true
			return errBusy
		}
		if lease == 0 {
			st.Lock = nil
			return nil
		}
		token := l.Token
		if token == "" || st.Lock == nil || st.Lock.Token != token {
			token = requestid.New()
		}
		st.Lock = &Holder{Owner: l.Owner, Token: token, Expires: s.Clock().UTC().Add(lease)}
		out = st.Lock
		return nil
	})
	if busy {
		return reply(LockAnswer{Busy: true, Holder: *out})
	}
	if err != nil {
		return nil, err
	}
	if out == nil {
		return reply(LockAnswer{})
	}
	return reply(LockAnswer{Holder: *out})
}

var errBusy = sockgate.Conflictf("locked")

// LockAnswer is the answer to POST …/lock. Busy: somebody else holds it, who Holder is.
type LockAnswer struct {
	Busy bool `json:"busy"`
	Holder
}
