package identity

import (
	"fmt"
	"path/filepath"

	"github.com/sockgate/sockgate/internal/keyfile"
)

// SealKeyFile is the name of the file that holds Config.SealKey, in the data directory.
const SealKeyFile = "secrets.key"

// LoadSealKey returns the key in dir/secrets.key, which is made, readable only by its owner, when it does not exist.
func LoadSealKey(dir string) ([]byte, error) {
	key, err := keyfile.Load(filepath.Join(dir, SealKeyFile), true)
	if err != nil {
		return nil, fmt.Errorf("key of the secrets: %w", err)
	}
	return key, nil
}
