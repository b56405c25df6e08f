package store

import (
	"errors"
	"fmt"
	"strings"
)

// MaxKey is the longest key a store takes, in bytes.
const MaxKey = 512

// ErrBadKey: the key or prefix is not of the form that Store describes. It is a fault in the caller.
var ErrBadKey = errors.New("not a key")

// CheckKey returns nil or an error that wraps ErrBadKey.
func CheckKey(key string) error {
	if len(key) == 0 || len(key) > MaxKey {
		return fmt.Errorf("%w: it has %d bytes, and must have 1 to %d", ErrBadKey, len(key), MaxKey)
	}
	part := 0 // bytes in the part at hand
	for i := range len(key) {
		switch b := key[i]; {
		case b == '.':
			if part == 0 {
				return fmt.Errorf("%w: %q has an empty part", ErrBadKey, key)
			}
			part = 0
		case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9', b == '_', b == '=', b == '/', b == '-':
			part++
		default:
			return fmt.Errorf("%w: %q has a byte outside [A-Za-z0-9_=./-]", ErrBadKey, key)
		}
	}
	if part == 0 {
		return fmt.Errorf("%w: %q has an empty part", ErrBadKey, key)
	}
	return nil
}

// CheckPrefix returns nil for "" and for a key followed by a dot, or else an error that wraps ErrBadKey.
func CheckPrefix(prefix string) error {
	if prefix == "" {
		return nil
	}
	key, ok := strings.CutSuffix(prefix, ".")
	if !ok {
		return fmt.Errorf("%w: prefix %q does not end with a dot", ErrBadKey, prefix)
	}
	return CheckKey(key)
}

// CheckValue returns nil or an error that wraps ErrTooLarge.
func CheckValue(value []byte) error {
	if len(value) > MaxValue {
		return fmt.Errorf("%w: %d bytes; the limit is %d", ErrTooLarge, len(value), MaxValue)
	}
	return nil
}
