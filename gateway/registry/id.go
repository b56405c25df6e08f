package registry

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
)

// A connection id is 11 bytes, written as 16 characters of URL-safe base64 with one '=', as API Gateway's are:
//
//	node   2 bytes   which node holds the connection
//	nonce  5 bytes   random; never given to two live connections
//	proof  4 bytes   the first bytes of HMAC-SHA-256(cluster key, node ‖ nonce)
//
// The proof lets any node refuse an invented id without asking the node that it names.
const (
	nodeLen  = 2
	nonceLen = 5
	proofLen = 4
	idLen    = nodeLen + nonceLen + proofLen
)

// minter makes and checks connection ids.
type minter struct {
	node [nodeLen]byte
	key  []byte
}

func (m *minter) mint() string {
	var raw [idLen]byte
	copy(raw[:], m.node[:])
	_, _ = rand.Read(raw[nodeLen : nodeLen+nonceLen]) // never fails: crypto/rand aborts the program instead
	proof := m.proof(raw[:nodeLen+nonceLen])
	copy(raw[nodeLen+nonceLen:], proof[:proofLen])
	return base64.URLEncoding.EncodeToString(raw[:])
}

// verdict says what an id that a stranger sent is.
type verdict int

const (
	malformed verdict = iota // not the shape of an id
	invented                 // the right shape, but nobody here made it
	genuine
)

func (m *minter) check(id string) verdict {
	var raw [12]byte
	if len(id) != base64.URLEncoding.EncodedLen(idLen) {
		return malformed
	}
	n, err := base64.URLEncoding.Decode(raw[:], []byte(id))
	if err != nil || n != idLen {
		return malformed
	}
	proof := m.proof(raw[:nodeLen+nonceLen])
	if subtle.ConstantTimeCompare(proof[:proofLen], raw[nodeLen+nonceLen:idLen]) != 1 {
		return invented
	}
	return genuine
}

func (m *minter) proof(of []byte) []byte {
	h := hmac.New(sha256.New, m.key)
	h.Write(of)
	return h.Sum(nil)
}
