package tunnel

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/state/store"
)

// keyPrefix is where the tokens are in the store: linktoken.{id}, one Token in JSON.
const keyPrefix = "linktoken."

// MaxTokens bounds how many tokens there may be.
const MaxTokens = 10_000

// Tokens keeps the agents' tokens: in the store, and all of them in memory. Its methods may be called by many goroutines.
type Tokens struct {
	store store.Store
	log   *slog.Logger

	mu      sync.RWMutex
	byID    map[string]kept
	gone    map[string]struct{} // revoked here before the watch told of their making; ids are never made twice
	revoked func(id string)
}

type kept struct {
	*Token
	revision uint64
}

// NewTokens returns an empty set; Load fills it.
func NewTokens(s store.Store, log *slog.Logger) *Tokens {
	return &Tokens{store: s, log: log, byID: map[string]kept{}, gone: map[string]struct{}{}, revoked: func(string) {}}
}

// onGone sets what is told of each token that is revoked, here or on another node.
func (t *Tokens) onGone(fn func(id string)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.revoked = fn
}

// Load reads the tokens that there are.
func (t *Tokens) Load(ctx context.Context) error {
	entries, err := t.store.List(ctx, keyPrefix)
	if err != nil {
		return fmt.Errorf("read the agents' tokens: %w", err)
	}
	for _, e := range entries {
		t.put(e)
	}
	return nil
}

// Run follows what other nodes do to the tokens, until ctx ends.
func (t *Tokens) Run(ctx context.Context) error {
	seen := map[string]bool{} // until the watch has settled
	settled := false
	err := t.store.Watch(ctx, keyPrefix, func(ch store.Change) error {
		id := strings.TrimPrefix(ch.Key, keyPrefix)
		switch {
		case ch.Settled:
			settled = true
			t.keepOnly(seen)
			seen = nil
		case ch.Deleted:
			t.drop(id)
			t.forget(id)
		default:
			if !settled {
				seen[id] = true
			}
			t.put(ch.Entry)
		}
		return nil
	})
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// keepOnly drops the tokens that were revoked between Load and the watch's beginning.
func (t *Tokens) keepOnly(seen map[string]bool) {
	t.mu.RLock()
	var missing []kept
	for id, k := range t.byID {
		if !seen[id] {
			missing = append(missing, k)
		}
	}
	t.mu.RUnlock()
	for _, k := range missing {
		if _, err := t.store.Get(context.Background(), keyPrefix+k.ID); errors.Is(err, store.ErrNotFound) { // else it was made meanwhile
			t.drop(k.ID)
		}
	}
}

func (t *Tokens) put(e store.Entry) {
	doc := new(Token)
	if err := json.Unmarshal(e.Value, doc); err != nil || keyPrefix+doc.ID != e.Key {
		t.log.Error("an agents' token cannot be read and is not accepted", "key", e.Key, "error", err)
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, gone := t.gone[doc.ID]; gone || e.Revision <= t.byID[doc.ID].revision {
		return // told late
	}
	t.byID[doc.ID] = kept{doc, e.Revision}
}

// drop forgets a token and has its agents cut off.
func (t *Tokens) drop(id string) {
	t.mu.Lock()
	_, there := t.byID[id]
	delete(t.byID, id)
	if there {
		t.gone[id] = struct{}{}
	}
	revoked := t.revoked
	t.mu.Unlock()
	if there {
		revoked(id)
	}
}

// forget ends the memory of a token that was revoked: the watch has told of its end, and tells of nothing that was before.
func (t *Tokens) forget(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.gone, id)
}

// Create makes a token for spec's load balancer and returns it with its text, which cannot be had again. It is durable then.
// spec's id, time and hash are set here. Errors: sockgate.Conflict when there are MaxTokens, sockgate.Unavailable.
func (t *Tokens) Create(ctx context.Context, spec Token, now time.Time) (Token, string, error) {
	t.mu.RLock()
	n := len(t.byID)
	t.mu.RUnlock()
	if n >= MaxTokens {
		return Token{}, "", sockgate.Conflictf("There are %d link tokens, which is the limit. Revoke some that are not used.", MaxTokens)
	}
	id, text, hash := newSecret()
	spec.ID, spec.Hash, spec.CreatedAt = id, hash, now.UTC().Truncate(time.Second)
	value, err := json.Marshal(spec)
	if err != nil {
		return Token{}, "", sockgate.Internalf("encode a link token: %w", err)
	}
	revision, err := t.store.Create(ctx, keyPrefix+id, value)
	if err != nil {
		return Token{}, "", storeFault("store a link token", err)
	}
	t.put(store.Entry{Key: keyPrefix + id, Value: value, Revision: revision})
	return spec, text, nil
}

// List returns all tokens, the oldest first.
func (t *Tokens) List() []Token {
	t.mu.RLock()
	defer t.mu.RUnlock()
	all := make([]Token, 0, len(t.byID))
	for k := range maps.Values(t.byID) {
		all = append(all, *k.Token)
	}
	slices.SortFunc(all, func(a, b Token) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return all
}

// Get returns one token.
func (t *Tokens) Get(id string) (Token, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	k, ok := t.byID[id]
	if !ok {
		return Token{}, false
	}
	return *k.Token, true
}

// Revoke removes a token, and cuts off the agents that came with it. When it returns, that is durable and done on this node; others
// follow as fast as the store tells them. Errors: sockgate.NotFound, sockgate.Unavailable.
func (t *Tokens) Revoke(ctx context.Context, id string) error {
	if !validID(id) {
		return noToken(id)
	}
	e, err := t.store.Get(ctx, keyPrefix+id)
	if errors.Is(err, store.ErrNotFound) {
		return noToken(id)
	}
	if err == nil {
		err = t.store.Delete(ctx, e.Key, e.Revision)
	}
	if errors.Is(err, store.ErrConflict) { // nobody changes tokens, so somebody else has revoked it
		err = nil
	}
	if err != nil {
		return storeFault("remove a link token", err)
	}
	t.drop(id)
	return nil
}

func noToken(id string) error { return sockgate.NotFoundf("There is no link token %q.", id) }

// check finds the token with this text that is good at now. why is for the log and names no secret.
func (t *Tokens) check(text string, now time.Time) (token *Token, why string) {
	id, secret, ok := splitToken(text)
	if !ok {
		return nil, "what the agent shows is no token"
	}
	t.mu.RLock()
	k, there := t.byID[id]
	t.mu.RUnlock()
	switch {
	case !there:
		return nil, "token " + id + " is unknown or revoked"
	case !k.matches(secret):
		return nil, "the secret of token " + id + " is wrong"
	case k.expired(now):
		return nil, "token " + id + " has expired"
	}
	return k.Token, ""
}

// live reports whether a token is still there.
func (t *Tokens) live(id string) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	_, ok := t.byID[id]
	return ok
}

func storeFault(doing string, err error) error {
	cause := fmt.Errorf("%s: %w", doing, err)
	if errors.Is(err, store.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
		return sockgate.Unavailablef("The configuration store cannot take the request now. Please try again later.").Because(cause)
	}
	return sockgate.Internalf("%w", cause)
}
