// Package memory is a store that lives and dies with the process: for tests and throw-away gateways.
package memory

import (
	"bytes"
	"context"
	"fmt"
	"sync"

	"github.com/sockgate/sockgate/state/store"
	"github.com/sockgate/sockgate/state/store/view"
)

var _ store.Store = (*Store)(nil)

// Store keeps documents in memory. Its writes never fail for want of space.
type Store struct {
	view *view.View // what reads and watches are served from

	mu       sync.Mutex // serializes writes
	revision uint64
}

// New returns an empty store.
func New() *Store { return &Store{view: view.New()} }

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
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.check(ctx, key, nil); err != nil {
		return err
	}
	if e, ok := s.view.Peek(key); !ok || e.Revision != revision {
		return conflict(key)
	}
	s.revision++
	s.view.Remove(key, s.revision)
	return nil
}

// Close implements store.Store.
func (s *Store) Close() error {
	s.mu.Lock() // a write that has begun ends first
	defer s.mu.Unlock()
	s.view.Close()
	return nil
}

// put stores value if the key's revision is the given one; 0 means that there is none.
func (s *Store) put(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.check(ctx, key, value); err != nil {
		return 0, err
	}
	if e, _ := s.view.Peek(key); e.Revision != revision {
		return 0, conflict(key)
	}
	s.revision++
	s.view.Put(store.Entry{Key: key, Value: bytes.Clone(value), Revision: s.revision})
	return s.revision, nil
}

func (s *Store) check(ctx context.Context, key string, value []byte) error {
	if err := store.CheckKey(key); err != nil {
		return err
	}
	if err := store.CheckValue(value); err != nil {
		return err
	}
	if s.view.Closed() {
		return fmt.Errorf("%w: it is closed", store.ErrUnavailable)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return nil
}

func conflict(key string) error { return fmt.Errorf("%w: %s", store.ErrConflict, key) }
