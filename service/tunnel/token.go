package tunnel

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"
	"time"
)

// Token is what is known of an agent's token; the token itself is not kept.
type Token struct {
	ID           string     `json:"id"`           // 10 letters and digits
	LoadBalancer string     `json:"loadBalancer"` // the name of the only one that it is good for
	Description  string     `json:"description,omitempty"`
	CreatedBy    string     `json:"createdBy,omitempty"` // an ARN
	CreatedAt    time.Time  `json:"createdAt"`
	ExpiresAt    *time.Time `json:"expiresAt,omitempty"` // nil is never
	Hash         []byte     `json:"hash"`                // SHA-256 of the secret
}

func (t *Token) expired(now time.Time) bool { return t.ExpiresAt != nil && !now.Before(*t.ExpiresAt) }

// A token is "sglink_", its id, "_", and 32 random bytes in URL-safe Base64. The prefix lets scanners of leaked secrets find it.
const (
	tokenPrefix = "sglink_"
	idSize      = 10
	secretSize  = 32
)

var secretLength = base64.RawURLEncoding.EncodedLen(secretSize)

// newSecret returns a token's id, its text and the hash that is kept of it.
func newSecret() (id, text string, hash []byte) {
	const letters = "abcdefghijklmnopqrstuvwxyz012345"
	var b [idSize + secretSize]byte
	_, _ = rand.Read(b[:]) // never fails
	for i := range idSize {
		id += string(letters[b[i]%32])
	}
	secret := base64.RawURLEncoding.EncodeToString(b[idSize:])
	return id, tokenPrefix + id + "_" + secret, hashOf(secret)
}

func hashOf(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// splitToken takes a token apart. ok is false for what cannot be one.
func splitToken(text string) (id, secret string, ok bool) {
	rest, ok := strings.CutPrefix(text, tokenPrefix)
	if !ok || len(rest) != idSize+1+secretLength || rest[idSize] != '_' || !validID(rest[:idSize]) {
		return "", "", false
	}
	return rest[:idSize], rest[idSize+1:], true
}

// validID keeps what a stranger wrote from becoming a key of another shape.
func validID(id string) bool {
	for i := range len(id) {
		if b := id[i]; (b < 'a' || b > 'z') && (b < '0' || b > '9') {
			return false
		}
	}
	return len(id) == idSize
}

func (t *Token) matches(secret string) bool {
	return subtle.ConstantTimeCompare(hashOf(secret), t.Hash) == 1
}
