package socket

import (
	"encoding/binary"
	"slices"
	"unicode/utf8"
)

// The opcodes of RFC 6455, section 5.2.
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xA
)

// Bits of a frame's first two bytes.
const (
	bitFin   = 0x80
	bitsRSV  = 0x70
	bitMask  = 0x80
	control  = 0x08 // set in the opcodes of control frames
	maxShort = 125  // bytes: the longest payload of a control frame, and of a frame without an extended length
)

// maxFragment is the largest payload of an outgoing frame, in bytes; longer messages are sent in fragments.
// Source: reference section 14, "outgoing messages are fragmented".
const maxFragment = 32 << 10

// appendFrame appends a server's frame, which is never masked.
func appendFrame(dst []byte, first byte, payload []byte) []byte {
	switch n := len(payload); {
	case n <= maxShort:
		dst = append(dst, first, byte(n))
	case n <= 0xFFFF:
		dst = append(dst, first, 126)
		dst = binary.BigEndian.AppendUint16(dst, uint16(n))
	default:
		dst = append(dst, first, 127)
		dst = binary.BigEndian.AppendUint64(dst, uint64(n))
	}
	return append(dst, payload...)
}

// appendMessage appends a text message in as many frames as it takes.
func appendMessage(dst, payload []byte) []byte {
	const head = 4 // bytes of a frame's, at most
	dst = slices.Grow(dst, len(payload)+head*(1+len(payload)/maxFragment))
	op := byte(opText)
	for len(payload) > maxFragment {
		dst = appendFrame(dst, op, payload[:maxFragment])
		payload, op = payload[maxFragment:], opContinuation
	}
	return appendFrame(dst, bitFin|op, payload)
}

// appendClose appends a close frame. A code that may not be sent gives a frame without a status; a reason that does
// not fit is cut after a whole character.
func appendClose(dst []byte, code int, reason string) []byte {
	if !validCloseCode(code) {
		return appendFrame(dst, bitFin|opClose, nil)
	}
	if most := maxShort - 2; len(reason) > most {
		for most > 0 && !utf8.RuneStart(reason[most]) {
			most--
		}
		reason = reason[:most]
	}
	payload := make([]byte, 0, maxShort)
	payload = binary.BigEndian.AppendUint16(payload, uint16(code))
	return appendFrame(dst, bitFin|opClose, append(payload, reason...))
}
