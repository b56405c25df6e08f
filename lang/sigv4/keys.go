package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"hash"
	"strings"
	"sync"
	"sync/atomic"
)

// maxKeys bounds the signing keys that are remembered. An installation has a handful of access keys and services, and a
// temporary key for each role that is at work.
const maxKeys = 256

// keyName says which signing key.
type keyName struct{ accessKeyID, date, region, service string }

// derivedKey is a signing key. It remembers of which secret it was derived: a secret that was replaced must not leave its keys
// behind. It keeps the hashes that were set up for the key, which halves the time that one takes.
type derivedKey struct {
	secret string
	hashes sync.Pool // of *keyedHash
}

// keyedHash is a hash with the memory for what comes of it.
type keyedHash struct {
	hash.Hash
	sum [sha256.Size]byte
	hex [2 * sha256.Size]byte
}

func newDerivedKey(secret string, s scope) *derivedKey {
	key := signingKey(secret, s)
	return &derivedKey{secret: secret, hashes: sync.Pool{New: func() any { return &keyedHash{Hash: hmac.New(sha256.New, key[:])} }}}
}

// signs reports whether signature, in lower-case hex, is that of toSign. It compares in a time that does not depend on where
// the two differ.
func (k *derivedKey) signs(toSign []byte, signature string) bool {
	h := k.hashes.Get().(*keyedHash)
	defer k.hashes.Put(h)
	h.Reset()
	h.Write(toSign)
	hex.Encode(h.hex[:], h.Sum(h.sum[:0]))
	return subtle.ConstantTimeCompare(h.hex[:], []byte(signature)) == 1
}

// keyCache remembers signing keys, since a derivation costs as much as all the rest of a verification.
// Readers take no lock: the map is never changed, only replaced.
type keyCache struct {
	current atomic.Pointer[map[keyName]*derivedKey]
	adding  sync.Mutex
}

// get returns a remembered key of this secret, or nil.
func (k *keyCache) get(name keyName, secret string) *derivedKey {
	m := k.current.Load()
	if m == nil {
		return nil
	}
	d := (*m)[name]
	if d == nil || subtle.ConstantTimeCompare([]byte(d.secret), []byte(secret)) != 1 {
		return nil
	}
	return d
}

// add remembers a key. Only the keys of today and this one survive: yesterday's are of no use to anybody.
// The strings of name are copied, because they share memory with a request.
func (k *keyCache) add(name keyName, key *derivedKey, today string) {
	k.adding.Lock()
	defer k.adding.Unlock()
	next := map[keyName]*derivedKey{}
	if old := k.current.Load(); old != nil && len(*old) < maxKeys {
		for n, d := range *old {
			if n.date == today {
				next[n] = d
			}
		}
	}
	name = keyName{strings.Clone(name.accessKeyID), strings.Clone(name.date), strings.Clone(name.region), strings.Clone(name.service)}
	next[name] = key
	k.current.Store(&next)
}
