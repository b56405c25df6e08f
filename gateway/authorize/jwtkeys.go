package authorize

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"sync"
	"time"

	"github.com/tidwall/gjson"
)

const (
	keysFresh = time.Hour     // keys are fetched again after this
	keysGood  = 2 * time.Hour // and used for this long when that fails
	// A fetch keeps the next one away: tokens that name unknown keys must not make us call the issuer for each. Fetches that did not
	// bring the key double the pause, so that a key is known soon after a rotation, and strangers cannot ask often.
	firstPause = time.Second
	lastPause  = time.Minute
	maxKeys    = 100 // of an issuer
)

// publicKey is one of an issuer's keys.
type publicKey struct {
	id, alg string
	verify  func(signed string, signature []byte) bool
}

var errUnknownKey = errors.New("the issuer has no key that it names")

// keySet is what is known of an issuer's keys. The zero value knows nothing yet.
type keySet struct {
	mu      sync.Mutex // held over a fetch, which has a timeout: whoever waits needs its keys
	keys    []publicKey
	fetched time.Time
	tried   time.Time
	pause   time.Duration // from tried to the next fetch
	fault   error         // of the last try
}

// find returns an issuer's key, fetching its keys when they are not known, are old, or lack this one.
// Errors: errUnknownKey, or why the keys cannot be had.
func (s *keySet) find(ctx context.Context, from *Tokens, issuer, id string) (publicKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := from.cfg.Clock()
	k, found := s.get(id)
	if age := now.Sub(s.fetched); found && age < keysFresh {
		return k, nil
	}
	if now.Sub(s.tried) >= s.pause {
		s.tried, s.pause = now, min(max(firstPause, 2*s.pause), lastPause)
		keys, err := from.fetch(ctx, issuer)
		if s.fault = err; err == nil {
			s.keys, s.fetched = keys, now
			if k, found = s.get(id); found {
				s.pause = firstPause
			}
		}
	}
	known := !s.fetched.IsZero() && now.Sub(s.fetched) < keysGood
	switch {
	case found && known:
		return k, nil
	case known:
		return publicKey{}, fmt.Errorf("%w (%.100q)", errUnknownKey, id)
	case s.fault != nil:
		return publicKey{}, s.fault
	}
	return publicKey{}, errors.New("they are old")
}

// get returns the key of an id; a token that names none means the only one.
func (s *keySet) get(id string) (publicKey, bool) {
	if id == "" && len(s.keys) == 1 {
		return s.keys[0], true
	}
	for _, k := range s.keys {
		if id != "" && k.id == id {
			return k, true
		}
	}
	return publicKey{}, false
}

// parseKeys reads a JSON Web Key Set. Keys that are not for signatures, or of a kind that is not known, are left out.
// Source: RFC 7517.
func parseKeys(doc []byte) ([]publicKey, error) {
	if !gjson.ValidBytes(doc) {
		return nil, errors.New("the key set is not JSON")
	}
	var keys []publicKey
	for _, jwk := range gjson.GetBytes(doc, "keys").Array() {
		if len(keys) == maxKeys {
			break
		}
		if use := jwk.Get("use").String(); use != "" && use != "sig" {
			continue
		}
		k, err := parseKey(jwk)
		if alg := jwk.Get("alg").String(); err != nil || alg != "" && alg != k.alg {
			continue
		}
		k.id = jwk.Get("kid").String()
		keys = append(keys, k)
	}
	if keys == nil {
		return nil, errors.New("the key set has no key of a known kind")
	}
	return keys, nil
}

func parseKey(jwk gjson.Result) (publicKey, error) {
	switch jwk.Get("kty").String() + " " + jwk.Get("crv").String() {
	case "RSA ":
		return rsaKey(jwk)
	case "EC P-256":
		return ecKey(jwk)
	case "OKP Ed25519":
		x, err := member(jwk, "x")
		if err != nil || len(x) != ed25519.PublicKeySize {
			return publicKey{}, errors.New("not an Ed25519 key")
		}
		return publicKey{alg: "EdDSA", verify: func(signed string, signature []byte) bool {
			return ed25519.Verify(x, []byte(signed), signature)
		}}, nil
	}
	return publicKey{}, errors.New("a key of an unknown kind")
}

func rsaKey(jwk gjson.Result) (publicKey, error) {
	n, err1 := member(jwk, "n")
	e, err2 := member(jwk, "e")
	if err := errors.Join(err1, err2); err != nil {
		return publicKey{}, err
	}
	key := &rsa.PublicKey{N: new(big.Int).SetBytes(n)}
	exponent := new(big.Int).SetBytes(e)
	if bits := key.N.BitLen(); bits < 2048 || bits > 8192 || exponent.BitLen() > 31 || exponent.Bit(0) == 0 || exponent.Cmp(big.NewInt(3)) < 0 {
		return publicKey{}, errors.New("an RSA key that is too small, too large or malformed")
	}
	key.E = int(exponent.Int64())
	return publicKey{alg: "RS256", verify: func(signed string, signature []byte) bool {
		hash := sha256.Sum256([]byte(signed))
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, hash[:], signature) == nil
	}}, nil
}

func ecKey(jwk gjson.Result) (publicKey, error) {
	const size = 32 // bytes of a coordinate
	x, err1 := member(jwk, "x")
	y, err2 := member(jwk, "y")
	if errors.Join(err1, err2) != nil || len(x) != size || len(y) != size {
		return publicKey{}, errors.New("not a P-256 key")
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, x...), y...)) // refuses points that are not on the curve
	if err != nil {
		return publicKey{}, err
	}
	return publicKey{alg: "ES256", verify: func(signed string, signature []byte) bool {
		if len(signature) != 2*size {
			return false
		}
		hash := sha256.Sum256([]byte(signed))
		r, s := new(big.Int).SetBytes(signature[:size]), new(big.Int).SetBytes(signature[size:])
		return ecdsa.Verify(key, hash[:], r, s)
	}}, nil
}

// member decodes a key's member.
func member(jwk gjson.Result, name string) ([]byte, error) {
	b, err := base64.RawURLEncoding.DecodeString(jwk.Get(name).String())
	if err != nil || len(b) == 0 {
		return nil, fmt.Errorf("its %s is not base64url", name)
	}
	return b, nil
}
