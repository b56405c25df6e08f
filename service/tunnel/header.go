package tunnel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// headerVersion is the first byte of an Open and of an Answer.
const headerVersion = 1

// Open begins a stream: 3 bytes, the version and the wait in milliseconds, big-endian.
type Open struct {
	// Wait is how long the agent may try to connect: whole milliseconds, up to MaxWait.
	Wait time.Duration
}

// MaxWait is the longest Open.Wait.
const MaxWait = 65535 * time.Millisecond

const openSize = 3

// Code says what became of an agent's attempt to connect.
type Code uint8

// The codes of an Answer.
const (
	Connected   Code = iota
	Refused          // the backend's machine refused the connection
	TimedOut         // no connection within Open.Wait
	Unreachable      // no way to the address, or no such name
	Draining         // the agent is ending
	Failed           // anything else
	lastCode    = Failed
)

var codeNames = [...]string{"connected", "connection refused", "connection timed out", "unreachable", "agent is ending", "connection failed"}

func (c Code) String() string {
	if int(c) < len(codeNames) {
		return codeNames[c]
	}
	return fmt.Sprintf("code %d", uint8(c))
}

// Answer is the agent's word on an Open: the version, the code, the length of the text, the text.
type Answer struct {
	Code Code
	Text string // for the operator; up to 255 bytes
}

const answerSize = 3

var errHeader = errors.New("malformed stream header")

// Append appends the encoded form. A Wait out of bounds is brought within them.
func (o Open) Append(b []byte) []byte {
	ms := min(max(o.Wait, time.Millisecond), MaxWait) / time.Millisecond
	return binary.BigEndian.AppendUint16(append(b, headerVersion), uint16(ms))
}

// ReadOpen reads an Open, and no byte more.
func ReadOpen(r io.Reader) (Open, error) {
	var b [openSize]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return Open{}, err
	}
	ms := binary.BigEndian.Uint16(b[1:])
	if b[0] != headerVersion || ms == 0 {
		return Open{}, errHeader
	}
	return Open{Wait: time.Duration(ms) * time.Millisecond}, nil
}

// Append appends the encoded form. A text that is too long is cut.
func (a Answer) Append(b []byte) []byte {
	text := a.Text[:min(len(a.Text), 255)]
	return append(append(b, headerVersion, byte(a.Code), byte(len(text))), text...)
}

// ReadAnswer reads an Answer, and no byte more. Its text has no control characters.
func ReadAnswer(r io.Reader) (Answer, error) {
	var b [answerSize + 255]byte
	if _, err := io.ReadFull(r, b[:answerSize]); err != nil {
		return Answer{}, err
	}
	if b[0] != headerVersion || Code(b[1]) > lastCode {
		return Answer{}, errHeader
	}
	text := b[answerSize : answerSize+int(b[2])]
	if _, err := io.ReadFull(r, text); err != nil {
		return Answer{}, err
	}
	for i, c := range text {
		if c < ' ' || c >= 0x7f {
			text[i] = '?'
		}
	}
	return Answer{Code: Code(b[1]), Text: string(text)}, nil
}
