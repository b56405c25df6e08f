package natskv

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/minio/highwayhash"
)

// The layout of a message in one of JetStream's block files, as nats-server 2.15 writes it (server/filestore.go,
// writeMsgRecordLocked), little-endian:
//
//	length(4) sequence(8) time(8) subject length(2) subject [header length(4) header] value check(8)
//
// The length's top bit says that there is a header. The check is HighwayHash-64 over sequence, time, subject, header and
// value, under the SHA-256 of "{stream}-{block number}".
const (
	messageHead    = 22
	checkSize      = 8
	headerBit      = 1 << 31
	erasedBit      = 1 << 63 // in the sequence: the content was overwritten on purpose
	tombstoneBit   = 1 << 62 // in the sequence: that message was removed
	longestMessage = 32 << 20
	headerStart    = "NATS/1.0\r\n"
	headerEnd      = "\r\n\r\n"
)

// message is one record of a block.
type message struct {
	key       string // empty for a tombstone, an erased message, and a subject that is not the bucket's
	sequence  uint64
	tombstone bool
	deleted   bool   // a marker that a delete left
	replaces  uint64 // revision of the document that this one replaced
	value     []byte // shares the block's bytes
}

// readBlock calls visit for each message in a block and returns how many bytes were whole messages.
func readBlock(text []byte, number int, visit func(message)) (int, error) {
	key := sha256.Sum256([]byte(streamName + "-" + strconv.Itoa(number)))
	hash, err := highwayhash.NewDigest64(key[:])
	if err != nil {
		return 0, err
	}
	at := 0
	for at < len(text) {
		size, m, err := readMessage(text[at:])
		if err != nil {
			return at, err
		}
		raw := text[at : at+size]
		hash.Reset()
		hash.Write(raw[4:20])
		hash.Write(m.subject)
		hash.Write(m.header)
		hash.Write(m.value)
		if !bytes.Equal(hash.Sum(nil), raw[size-checkSize:]) {
			return at, fmt.Errorf("message at byte %d: its check does not match", at)
		}
		visit(m.decode())
		at += size
	}
	return at, nil
}

// rawMessage is the parts of a record, sharing the block's bytes.
type rawMessage struct {
	sequence               uint64
	subject, header, value []byte
}

func readMessage(text []byte) (size int, m rawMessage, err error) {
	if len(text) < messageHead+checkSize {
		return 0, m, fmt.Errorf("the last %d bytes are not a message", len(text))
	}
	length := binary.LittleEndian.Uint32(text)
	hasHeader := length&headerBit != 0
	size = int(length &^ headerBit)
	if size < messageHead+checkSize || size > longestMessage || size > len(text) {
		return 0, m, fmt.Errorf("a message of %d bytes, with %d left in the block", size, len(text))
	}
	m.sequence = binary.LittleEndian.Uint64(text[4:])
	subject := int(binary.LittleEndian.Uint16(text[20:]))
	body := text[messageHead : size-checkSize]
	if subject > len(body) {
		return 0, m, fmt.Errorf("a subject of %d bytes in a message of %d", subject, size)
	}
	m.subject, body = body[:subject], body[subject:]
	if !hasHeader {
		m.value = body
		return size, m, nil
	}
	if len(body) < 4 {
		return 0, m, fmt.Errorf("a message of %d bytes without room for its header", size)
	}
	header := int(binary.LittleEndian.Uint32(body))
	body = body[4:]
	if header > len(body) {
		return 0, m, fmt.Errorf("a header of %d bytes in a message of %d", header, size)
	}
	m.header, m.value = body[:header], body[header:]
	// The check covers header and value as if they were one, so it does not tell where the one ends.
	if end := bytes.Index(m.header, []byte(headerEnd)); end != header-len(headerEnd) {
		return 0, m, fmt.Errorf("a message of %d bytes whose header does not end where it should", size)
	}
	return size, m, nil
}

func (m rawMessage) decode() message {
	out := message{sequence: m.sequence &^ (tombstoneBit | erasedBit), tombstone: m.sequence&tombstoneBit != 0}
	if out.tombstone || m.sequence&erasedBit != 0 {
		return out
	}
	out.key, _ = strings.CutPrefix(string(m.subject), subjectPrefix)
	out.deleted = headerValue(m.header, operationHeader) != ""
	out.replaces, _ = strconv.ParseUint(headerValue(m.header, replacesHeader), 10, 64)
	out.value = m.value
	return out
}

// headerValue returns one value of a NATS header block: a version line, then "Name: value" lines.
func headerValue(header []byte, name string) string {
	rest, ok := strings.CutPrefix(string(header), headerStart)
	if !ok {
		return ""
	}
	for line := range strings.SplitSeq(rest, "\r\n") {
		if n, value, ok := strings.Cut(line, ":"); ok && n == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
