package certificate

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/sockgate/sockgate/internal/keyfile"
	"github.com/sockgate/sockgate/state/store"
)

// KeyFile is the name of the file that holds the sealing key, in the data directory.
const KeyFile = "certificates.key"

// ParseKey reads a sealing key: 64 hexadecimal digits. Its error does not quote what it read.
func ParseKey(text string) ([]byte, error) { return keyfile.Parse(text) }

// LoadKey returns the sealing key in a file. With create, a file that does not exist is made, readable only by its owner.
func LoadKey(path string, create bool) ([]byte, error) {
	key, err := keyfile.Load(path, create)
	if err != nil {
		return nil, fmt.Errorf("key of the certificates: %w", err)
	}
	return key, nil
}

// sealer encrypts what must not be read in the store, with AES-256-GCM. What it seals is bound to its place.
type sealer struct{ aead cipher.AEAD }

func newSealer(key []byte) (sealer, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return sealer{}, fmt.Errorf("key of the certificates: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	return sealer{aead}, err
}

func (s sealer) seal(text []byte, place string) []byte {
	nonce := make([]byte, s.aead.NonceSize(), s.aead.NonceSize()+len(text)+s.aead.Overhead())
	_, _ = rand.Read(nonce) // never fails
	return s.aead.Seal(nonce, nonce, text, []byte(place))
}

var errSealed = errors.New("it cannot be opened: it was damaged, or sealed with another key (tls.keyFile)")

func (s sealer) open(sealed []byte, place string) ([]byte, error) {
	n := s.aead.NonceSize()
	if len(sealed) < n {
		return nil, errSealed
	}
	text, err := s.aead.Open(nil, sealed[:n], sealed[n:], []byte(place))
	if err != nil {
		return nil, errSealed
	}
	return text, nil
}

// checkText is what is sealed under checkKey, so that a wrong key is found at start.
var checkText = []byte("sockgate certificates")

// checkSeal fails when there are secrets in the store that the key does not open.
func (s *Service) checkSeal(ctx context.Context) error {
	e, err := s.cfg.Store.Get(ctx, checkKey)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", checkKey, err)
	}
	text, err := s.seal.open(e.Value, checkKey)
	if err != nil || !bytes.Equal(text, checkText) {
		return errors.New("the private keys of the certificates in the state store were sealed with another key: " +
			"restore " + KeyFile + " in the data directory, or name the right key in tls.keyFile; gateways that share a store need one key")
	}
	return nil
}

// markSeal leaves the mark that checkSeal looks for. It comes before the first secret is stored; a gateway with another key then refuses to
// store its own beside it.
func (s *Service) markSeal(ctx context.Context) error {
	_, err := s.cfg.Store.Create(ctx, checkKey, s.seal.seal(checkText, checkKey))
	if errors.Is(err, store.ErrConflict) {
		return s.checkSeal(ctx)
	}
	return err
}
