// Package requestid makes the ids that AWS's HTTP answers carry in x-amzn-RequestId: random (version 4) UUIDs. They name a
// request in an answer and in the log; they are no secrets.
package requestid

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
)

// New returns a new id, such as "f81d4fae-7dec-41d0-a765-00a0c91e6bf6".
func New() string {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:8], rand.Uint64())
	binary.LittleEndian.PutUint64(b[8:], rand.Uint64())
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	var text [36]byte
	hex.Encode(text[:8], b[:4])
	text[8] = '-'
	hex.Encode(text[9:13], b[4:6])
	text[13] = '-'
	hex.Encode(text[14:18], b[6:8])
	text[18] = '-'
	hex.Encode(text[19:23], b[8:10])
	text[23] = '-'
	hex.Encode(text[24:], b[10:])
	return string(text[:])
}
