package certificate_test

import (
	"crypto"
	"encoding/json"
	"errors"
	"io"
)

func unmarshal(text []byte, v any) error { return json.Unmarshal(text, v) }

// publicOnly is a key whose other half is somewhere else.
type publicOnly struct{ key crypto.PublicKey }

func (p publicOnly) Public() crypto.PublicKey { return p.key }

func (publicOnly) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("there is only the public half")
}
