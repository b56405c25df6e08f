// Package requestid makes the ids that name a request in answers, events and logs. They guard nothing, so the fast generator
// will do.
package requestid

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
)

// New returns an id of the form that AWS's HTTP answers carry in x-amzn-RequestId: a random (version 4) UUID, such as
// "f81d4fae-7dec-41d0-a765-00a0c91e6bf6".
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

// NewExtended returns an id of API Gateway's own form: 16 characters, URL-safe base64 of 11 bytes. Requests and messages on
// connections have such ids, and x-amz-apigw-id. Source: reference section 0.5.
func NewExtended() string {
	var raw [16]byte
	binary.LittleEndian.PutUint64(raw[:8], rand.Uint64())
	binary.LittleEndian.PutUint64(raw[8:], rand.Uint64())
	var text [16]byte
	base64.URLEncoding.Encode(text[:], raw[:11])
	return string(text[:])
}

// NewLong returns an id of DynamoDB's own form: 52 upper-case letters and digits.
func NewLong() string {
	var raw [32]byte
	for i := 0; i < len(raw); i += 8 {
		binary.LittleEndian.PutUint64(raw[i:], rand.Uint64())
	}
	var text [56]byte
	base32.HexEncoding.Encode(text[:], raw[:])
	return string(text[:52]) // the rest is padding
}
