package certificate

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/caddyserver/certmagic"

	"github.com/sockgate/sockgate/state/store"
)

const (
	// lockLife is how long a lock is held unless it is taken again. One whose holder has crashed is free then.
	lockLife = 30 * time.Second
	// lockPoll is how often a lock that somebody else holds is looked at.
	lockPoll = 250 * time.Millisecond
)

// storage keeps what certmagic wants kept (the ACME account with its key, and the challenges that are open) in the state store, sealed, so that
// every gateway of a cluster has it.
type storage struct {
	store store.Store
	seal  sealer
	mark  func(context.Context) error
	clock func() time.Time
}

var (
	_ certmagic.Storage   = (*storage)(nil)
	_ certmagic.TryLocker = (*storage)(nil)
)

func (s *Service) storage() *storage {
	return &storage{s.cfg.Store, s.seal, s.markSeal, s.cfg.Clock}
}

// A kept value is sealed, and it is not large; its key names its place. Keys become keys of the state store by base64.
type kept struct {
	Key      string
	Modified time.Time
	Value    []byte
}

func placeOf(prefix, name string) string {
	return prefix + base64.RawURLEncoding.EncodeToString([]byte(name))
}

// Store keeps a value.
func (s *storage) Store(ctx context.Context, key string, value []byte) error {
	if err := s.mark(ctx); err != nil {
		return err
	}
	place := placeOf(storagePrefix, key)
	text, err := json.Marshal(kept{key, s.clock(), value})
	if err != nil {
		return err
	}
	return s.put(ctx, place, s.seal.seal(text, place))
}

// put writes a value whatever was there.
func (s *storage) put(ctx context.Context, place string, value []byte) error {
	for {
		e, err := s.store.Get(ctx, place)
		switch {
		case err == nil:
			_, err = s.store.Update(ctx, place, value, e.Revision)
		case errors.Is(err, store.ErrNotFound):
			_, err = s.store.Create(ctx, place, value)
		}
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}

func (s *storage) read(ctx context.Context, key string) (*kept, error) {
	place := placeOf(storagePrefix, key)
	e, err := s.store.Get(ctx, place)
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrBadKey) {
		return nil, fs.ErrNotExist
	}
	if err != nil {
		return nil, err
	}
	return s.unseal(e)
}

func (s *storage) unseal(e store.Entry) (*kept, error) {
	text, err := s.seal.open(e.Value, e.Key)
	if err != nil {
		return nil, err
	}
	k := new(kept)
	return k, json.Unmarshal(text, k)
}

// Load returns a kept value, or fs.ErrNotExist.
func (s *storage) Load(ctx context.Context, key string) ([]byte, error) {
	k, err := s.read(ctx, key)
	if err != nil {
		return nil, err
	}
	return k.Value, nil
}

// Delete removes a value, and all below it.
func (s *storage) Delete(ctx context.Context, key string) error {
	entries, err := s.below(ctx, key)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := s.store.Delete(ctx, placeOf(storagePrefix, e.Key), e.revision); err != nil && !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return nil
}

// Exists reports whether there is a value, or one below it.
func (s *storage) Exists(ctx context.Context, key string) bool {
	entries, err := s.below(ctx, key)
	return err == nil && len(entries) > 0
}

// List returns the keys below a path; without recursive, only one level of them.
func (s *storage) List(ctx context.Context, path string, recursive bool) ([]string, error) {
	entries, err := s.below(ctx, path)
	if err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		return nil, fs.ErrNotExist
	}
	var keys []string
	seen := map[string]bool{}
	for _, e := range entries {
		rest := strings.TrimPrefix(strings.TrimPrefix(e.Key, path), "/")
		if first, _, more := strings.Cut(rest, "/"); more && !recursive {
			rest = first
		}
		if rest == "" || seen[rest] {
			continue
		}
		seen[rest] = true
		keys = append(keys, strings.TrimPrefix(path+"/"+rest, "/"))
	}
	return keys, nil
}

// Stat tells about a value.
func (s *storage) Stat(ctx context.Context, key string) (certmagic.KeyInfo, error) {
	k, err := s.read(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		if s.Exists(ctx, key) {
			return certmagic.KeyInfo{Key: key}, nil
		}
		return certmagic.KeyInfo{}, err
	}
	if err != nil {
		return certmagic.KeyInfo{}, err
	}
	return certmagic.KeyInfo{Key: key, Modified: k.Modified, Size: int64(len(k.Value)), IsTerminal: true}, nil
}

type entry struct {
	*kept
	revision uint64
}

// below returns what is kept under a key and below it. There are few: an account, and the challenges of the moment.
func (s *storage) below(ctx context.Context, key string) ([]entry, error) {
	all, err := s.store.List(ctx, storagePrefix)
	if err != nil {
		return nil, err
	}
	var found []entry
	for _, e := range all {
		k, err := s.unseal(e)
		if err != nil {
			return nil, err
		}
		if key == "" || k.Key == key || strings.HasPrefix(k.Key, key+"/") {
			found = append(found, entry{k, e.Revision})
		}
	}
	return found, nil
}

// Lock waits for a lock.
func (s *storage) Lock(ctx context.Context, name string) error {
	for {
		ok, err := s.TryLock(ctx, name)
		if ok || err != nil {
			return err
		}
		select {
		case <-time.After(lockPoll):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// TryLock takes a lock if it is free, or if it was held for too long. A lock guards against doing work twice; what is written is guarded by
// the revisions of the store.
func (s *storage) TryLock(ctx context.Context, name string) (bool, error) {
	place := placeOf(lockPrefix, name)
	until := []byte(s.clock().Add(lockLife).UTC().Format(time.RFC3339))
	e, err := s.store.Get(ctx, place)
	switch {
	case errors.Is(err, store.ErrNotFound):
		_, err = s.store.Create(ctx, place, until)
	case err != nil:
		return false, err
	default:
		held, parseErr := time.Parse(time.RFC3339, string(e.Value))
		if parseErr == nil && s.clock().Before(held) {
			return false, nil
		}
		_, err = s.store.Update(ctx, place, until, e.Revision)
	}
	if errors.Is(err, store.ErrConflict) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("lock %s: %w", name, err)
	}
	return true, nil
}

// hold keeps a lock that was taken until ctx ends, and gives it back.
func (s *storage) hold(ctx context.Context, name string) {
	tick := time.NewTicker(lockLife / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			_ = s.Unlock(context.WithoutCancel(ctx), name) // it ends by itself in time
			return
		case <-tick.C:
			until := []byte(s.clock().Add(lockLife).UTC().Format(time.RFC3339))
			_ = s.put(ctx, placeOf(lockPrefix, name), until) // as above
		}
	}
}

// Unlock gives a lock back.
func (s *storage) Unlock(ctx context.Context, name string) error {
	place := placeOf(lockPrefix, name)
	e, err := s.store.Get(ctx, place)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err == nil {
		err = s.store.Delete(ctx, place, e.Revision)
	}
	if errors.Is(err, store.ErrConflict) {
		return nil
	}
	return err
}
