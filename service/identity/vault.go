package identity

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/state/store"
)

// vault keeps secrets in the store: sealed with AES-256-GCM when it was given a key, as they are otherwise. Each is bound to
// its place, so that one cannot be moved to another.
type vault struct{ aead cipher.AEAD }

// What a kept secret begins with.
const (
	sealedMark = "sealed:"
	plainMark  = "plain:"
)

func newVault(key []byte) (vault, error) {
	if key == nil {
		return vault{}, nil
	}
	aead, err := newAEAD(key)
	return vault{aead}, err
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, sockgate.Internalf("key of the vault: %w", err)
	}
	return cipher.NewGCM(block)
}

func (v vault) keep(secret []byte, place string) string {
	if v.aead == nil {
		return plainMark + base64.StdEncoding.EncodeToString(secret)
	}
	return sealedMark + base64.StdEncoding.EncodeToString(seal(v.aead, secret, place))
}

func (v vault) read(kept, place string) ([]byte, error) {
	if text, ok := strings.CutPrefix(kept, plainMark); ok {
		return base64.StdEncoding.DecodeString(text)
	}
	text, ok := strings.CutPrefix(kept, sealedMark)
	if !ok {
		return nil, errors.New("it is neither sealed nor plain")
	}
	if v.aead == nil {
		return nil, errors.New("it is sealed, and there is no key to open it")
	}
	sealed, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	return unseal(v.aead, sealed, place)
}

// tokenKey returns the cipher of session tokens. Its key is made once, and is one for all nodes.
func (v vault) tokenKey(ctx context.Context, s store.Store) (cipher.AEAD, error) {
	e, err := s.Get(ctx, vaultKey)
	if errors.Is(err, store.ErrNotFound) {
		key := make([]byte, 32)
		_, _ = rand.Read(key) // never fails
		_, err = s.Create(ctx, vaultKey, []byte(v.keep(key, vaultKey)))
		if err != nil && !errors.Is(err, store.ErrConflict) { // a conflict: another node was faster, and its key is the one
			return nil, fault("make the key of session tokens", err)
		}
		e, err = s.Get(ctx, vaultKey)
	}
	if err != nil {
		return nil, fault("read the key of session tokens", err)
	}
	key, err := v.read(string(e.Value), vaultKey)
	if err != nil {
		return nil, fmt.Errorf("the secrets in the state store cannot be read: %w (was the file that holds their key replaced?)", err)
	}
	return newAEAD(key)
}

// seal appends the sealed text to a new nonce.
func seal(aead cipher.AEAD, text []byte, place string) []byte {
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(text)+aead.Overhead())
	_, _ = rand.Read(nonce) // never fails
	return aead.Seal(nonce, nonce, text, []byte(place))
}

func unseal(aead cipher.AEAD, sealed []byte, place string) ([]byte, error) {
	if len(sealed) < aead.NonceSize() {
		return nil, errors.New("it is too short")
	}
	return aead.Open(nil, sealed[:aead.NonceSize()], sealed[aead.NonceSize():], []byte(place))
}
