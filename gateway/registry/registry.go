// Package registry knows the live connections of this node: it names them, finds them by id, and lists them.
// It does not read from them or write to them.
package registry

import (
	"context"
	"hash/maphash"
	"sync"
	"time"

	"github.com/sockgate/sockgate"
)

// Peer is a live connection.
type Peer interface {
	Info() *sockgate.Connection
	Send(ctx context.Context, payload []byte) error
	Close(code int, reason string)
	LastActive() time.Time
	Queued() int64 // bytes that wait for the client
}

// shardCount spreads connections over locks; a lookup holds one for a map access.
const shardCount = 64

// Registry is the set of live connections. Its methods may be called by many goroutines.
type Registry struct {
	minter minter
	seed   maphash.Seed
	shards [shardCount]struct {
		mu    sync.RWMutex
		peers map[string]Peer
		_     [24]byte // keep two shards' locks out of one cache line
	}
}

// New returns an empty registry. key authenticates ids and is shared by all nodes of a cluster; node tells them apart.
func New(node uint16, key []byte) *Registry {
	r := &Registry{seed: maphash.MakeSeed()}
	r.minter = minter{node: [nodeLen]byte{byte(node >> 8), byte(node)}, key: key}
	for i := range r.shards {
		r.shards[i].peers = make(map[string]Peer)
	}
	return r
}

// NewID returns an id that no live connection has.
func (r *Registry) NewID() string {
	for {
		id := r.minter.mint()
		if r.lookup(id) == nil {
			return id
		}
	}
}

// Add makes a connection findable.
func (r *Registry) Add(p Peer) {
	id := p.Info().ID
	s := &r.shards[r.shard(id)]
	s.mu.Lock()
	s.peers[id] = p
	s.mu.Unlock()
}

// Remove forgets a connection.
func (r *Registry) Remove(id string) {
	s := &r.shards[r.shard(id)]
	s.mu.Lock()
	delete(s.peers, id)
	s.mu.Unlock()
}

// Find returns the live connection called id.
//
// Errors: Invalid for a string that is no connection id at all; Gone for an id that is not, or no longer, connected, and
// for one that this gateway never made. Texts: reference section 16.
func (r *Registry) Find(id string) (Peer, error) {
	if p := r.lookup(id); p != nil {
		return p, nil
	}
	if r.minter.check(id) == malformed {
		return nil, sockgate.Invalidf("Invalid connectionId: %s", id)
	}
	return nil, &sockgate.Error{Kind: sockgate.Gone}
}

// Each calls fn for every connection that is live when it is reached. Connections may come and go meanwhile.
func (r *Registry) Each(fn func(Peer)) {
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.RLock()
		peers := make([]Peer, 0, len(s.peers))
		for _, p := range s.peers {
			peers = append(peers, p)
		}
		s.mu.RUnlock()
		for _, p := range peers {
			fn(p)
		}
	}
}

// Len returns the number of live connections.
func (r *Registry) Len() int {
	n := 0
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.RLock()
		n += len(s.peers)
		s.mu.RUnlock()
	}
	return n
}

func (r *Registry) lookup(id string) Peer {
	s := &r.shards[r.shard(id)]
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.peers[id]
}

func (r *Registry) shard(id string) uint64 { return maphash.String(r.seed, id) % shardCount }
