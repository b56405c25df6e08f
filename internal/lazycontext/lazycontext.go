// Package lazycontext makes contexts for calls that are usually over before anybody waits for their end. The standard ones
// enter themselves in their parent, under its lock, and start a timer; these do so only for the first who asks for Done.
package lazycontext

import (
	"context"
	"sync"
	"time"
)

// Context is a context.Context that ends when End is called, when its parent ends, or at its deadline. Make one with New. Its
// methods may be called by many goroutines. Contexts made from it behave as those made from a standard one.
type Context struct {
	parent   context.Context
	deadline time.Time // zero is none

	mu    sync.Mutex
	ended bool
	inner context.Context // nil while nobody needs it
	end   context.CancelFunc
}

var _ context.Context = (*Context)(nil)

// New returns a context that ends with parent, at deadline unless that is zero, or by End, which must be called.
func New(parent context.Context, deadline time.Time) *Context {
	return &Context{parent: parent, deadline: deadline}
}

// End ends the context, with context.Canceled unless it had ended before.
func (c *Context) End() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	if c.inner != nil {
		c.end()
	}
}

// Deadline returns the earlier of the context's and its parent's deadline.
func (c *Context) Deadline() (time.Time, bool) {
	at, ok := c.parent.Deadline()
	if !c.deadline.IsZero() && (!ok || c.deadline.Before(at)) {
		return c.deadline, true
	}
	return at, ok
}

// Done makes the context a standard one.
func (c *Context) Done() <-chan struct{} { return c.standard().Done() }

// Err returns nil before the context has ended, and then always the same error.
func (c *Context) Err() error {
	c.mu.Lock()
	pending := c.inner == nil && !c.ended
	c.mu.Unlock()
	if pending && c.parent.Err() == nil && (c.deadline.IsZero() || time.Now().Before(c.deadline)) {
		return nil
	}
	return c.standard().Err()
}

// Value returns the parent's value. Package context looks in it for the standard context that it can enter children in.
func (c *Context) Value(key any) any {
	c.mu.Lock()
	inner := c.inner
	c.mu.Unlock()
	if inner == nil {
		inner = c.parent
	}
	return inner.Value(key)
}

func (c *Context) standard() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inner == nil {
		if c.deadline.IsZero() {
			c.inner, c.end = context.WithCancel(c.parent)
		} else {
			c.inner, c.end = context.WithDeadline(c.parent, c.deadline)
		}
		if c.ended {
			c.end()
		}
	}
	return c.inner
}
