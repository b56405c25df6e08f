package apigatewayv2

import "crypto/rand"

// Lengths of identifiers. Source: reference control-plane section 1.4.
const (
	apiIDLength  = 10
	longIDLength = 7 // routes, integrations and their responses
	idLength     = 6 // everything else
)

// newID returns n random lowercase letters and digits.
func newID(n int) string {
	const alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
	id := make([]byte, 0, n)
	var b [32]byte
	for len(id) < n {
		rand.Read(b[:]) // never fails
		for _, c := range b {
			// 252 is the largest multiple of 36 in a byte: above it, some characters would come up more often.
			if c < 252 && len(id) < n {
				id = append(id, alphabet[c%36])
			}
		}
	}
	return string(id)
}

// freshID returns an id of n characters that taken does not report as in use.
func freshID(n int, taken func(string) bool) string {
	for {
		if id := newID(n); !taken(id) {
			return id
		}
	}
}
