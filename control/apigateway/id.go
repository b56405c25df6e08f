package apigateway

import "crypto/rand"

// Lengths. Source: reference control-plane section 1.4.
const (
	keyIDLength    = 10
	planIDLength   = 6
	keyValueLength = 40 // of a value that is made here
)

const (
	idLetters    = "abcdefghijklmnopqrstuvwxyz0123456789"
	valueLetters = idLetters + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

// random returns n random characters of the alphabet.
func random(n int, alphabet string) string {
	fair := 256 - 256%len(alphabet) // from here on, some characters would come up more often
	out := make([]byte, 0, n)
	var b [64]byte
	for len(out) < n {
		_, _ = rand.Read(b[:]) // never fails
		for _, c := range b {
			if int(c) < fair && len(out) < n {
				out = append(out, alphabet[int(c)%len(alphabet)])
			}
		}
	}
	return string(out)
}
