package socket

import "sync/atomic"

// Backlog bounds the memory of messages that wait for room in the queues of slow peers, over all connections that share it.
// One connection's bound would not do: its messages in flight may each bring a large answer, and that times a few hundred
// clients which do not read is gigabytes.
type Backlog struct {
	max  int64
	held atomic.Int64
}

// NewBacklog returns a backlog of at most max bytes.
func NewBacklog(max int) *Backlog { return &Backlog{max: int64(max)} }

// enter reserves n bytes and reports whether there was room. leave must follow then.
func (b *Backlog) enter(n int) bool {
	if b == nil {
		return true
	}
	if b.held.Add(int64(n)) <= b.max {
		return true
	}
	b.held.Add(int64(-n))
	return false
}

func (b *Backlog) leave(n int) {
	if b != nil {
		b.held.Add(int64(-n))
	}
}
