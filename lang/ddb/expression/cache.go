package expression

import (
	"container/list"
	"sync"
)

// Cache remembers parsed expressions by their text, the most recently used ones. Its methods may be called by many
// goroutines.
type Cache struct {
	mu      sync.Mutex
	size    int
	entries map[cacheKey]*list.Element
	recent  *list.List // of *cacheEntry, the most recently used first
}

type cacheKey struct {
	kind kind
	text string
}

type cacheEntry struct {
	key    cacheKey
	parsed *parsed
}

// NewCache returns a cache for at most size texts; each is at most 4 KB long, and its compiled form a few times that.
func NewCache(size int) *Cache {
	return &Cache{size: max(size, 1), entries: make(map[cacheKey]*list.Element), recent: list.New()}
}

// parse returns the parsed form of text. Texts that are wrong are not remembered: nobody sends them often.
func (c *Cache) parse(k kind, text string) (*parsed, error) {
	key := cacheKey{k, text}
	c.mu.Lock()
	if e, ok := c.entries[key]; ok {
		c.recent.MoveToFront(e)
		p := e.Value.(*cacheEntry).parsed
		c.mu.Unlock()
		return p, nil
	}
	c.mu.Unlock()
	// The text may be a part of a request's body, which the cache must not hold on to.
	key.text = string(append([]byte(nil), text...))
	p, err := parse(k, key.text)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.entries[key]; !ok {
		c.entries[key] = c.recent.PushFront(&cacheEntry{key, p})
		if c.recent.Len() > c.size {
			last := c.recent.Back()
			c.recent.Remove(last)
			delete(c.entries, last.Value.(*cacheEntry).key)
		}
	}
	return p, nil
}
