// Package store is the contract of the gateway's configuration store: a small ordered map of documents with
// compare-and-set and watching. What is stored, and under which keys, is the business of package catalog.
//
// Implementations: memory (tests, throw-away gateways) and natskv (JetStream, embedded or external). Both pass the suite
// in storetest.
package store

import (
	"context"
	"errors"
)

// MaxValue is the largest value a store takes, in bytes.
const MaxValue = 16 << 20

// Errors that a Store returns, possibly wrapped.
var (
	ErrNotFound = errors.New("no such key")
	// ErrConflict: Create found the key, or Update or Delete found another revision than the caller's.
	ErrConflict = errors.New("key was changed by somebody else")
	// ErrTooLarge: the value is over MaxValue.
	ErrTooLarge = errors.New("value is too large")
	// ErrUnavailable: the write was refused or its outcome is not known (disk full, no quorum, closed).
	ErrUnavailable = errors.New("store cannot take writes now")
)

// Entry is one document.
type Entry struct {
	Key      string
	Value    []byte // the caller must not change it
	Revision uint64 // grows with every write to the store; 0 is no revision
}

// Change is one step in a watched history.
type Change struct {
	Entry
	Deleted bool // Value is nil
	// Settled marks the end of the entries that existed when the watch began. Such a change has no Key.
	Settled bool
}

// Store is a map from keys to documents. All methods may be called by many goroutines.
//
// Keys match [A-Za-z0-9_=./-]+, parts separated by dots ("api.abc123", "deployment.abc123.x1y2z3"), no part empty, at most
// MaxKey bytes. Any other key or prefix is ErrBadKey. A value's bytes are copied.
//
// When ctx has ended, reads and watches return its error. A write then returns ErrUnavailable with ctx's error beside it;
// if it had begun, it may have happened.
//
// A write that returned nil is durable. A read that follows a write in the same process sees it.
// Reads keep working while writes are refused.
type Store interface {
	// Get returns the document under key, or ErrNotFound.
	Get(ctx context.Context, key string) (Entry, error)
	// List returns all documents whose key begins with prefix (whole parts: "api." or ""), ordered by key.
	List(ctx context.Context, prefix string) ([]Entry, error)
	// Create stores a document under a key that has none, or fails with ErrConflict.
	Create(ctx context.Context, key string, value []byte) (revision uint64, err error)
	// Update replaces the document whose revision is the given one, which this Store has shown to the caller, or fails with
	// ErrConflict (also when it is gone).
	Update(ctx context.Context, key string, value []byte, revision uint64) (newRevision uint64, err error)
	// Delete removes the document whose revision is the given one, or fails with ErrConflict (also when it is gone).
	Delete(ctx context.Context, key string, revision uint64) error
	// Watch calls fn for each document under prefix, ordered by key, then once with Settled, then for each change in order,
	// until ctx ends or fn returns an error, which Watch returns. It blocks. fn is called by one goroutine at a time.
	// A slow fn holds up nobody: changes to one key that wait may be joined into the last of them, which takes the last
	// one's place in the order; and when very many wait, fn may not be told of a document that came and went meanwhile.
	Watch(ctx context.Context, prefix string, fn func(Change) error) error
	// Close flushes and releases everything. Watches end, and calls after it fail, with ErrUnavailable.
	// A further Close does nothing.
	Close() error
}
