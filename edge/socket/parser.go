package socket

import (
	"encoding/binary"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// event says what the parser found. Its particulars are in the parser until the next call.
type event uint8

const (
	more    event = iota // everything was consumed; feed more
	message              // a whole text message, to be had by take
	ping                 // a ping to answer; ctl is its payload
	closed               // the peer's close frame, as why says; nothing may follow
	fault                // the peer broke a rule or a limit, as why says; what follows cannot be understood
)

// preallocate is the longest announced payload, in bytes, that gets its memory before its bytes have come.
const preallocate = 4 << 10

// parser is an incremental reader of a client's frames. It holds nothing between frames but an unfinished message.
// Rules are checked, and limits enforced, at the first byte that shows the breach; memory grows with what has come,
// not with what was announced. After closed or fault it must not be fed again.
type parser struct {
	maxFrame, maxMessage int

	head     [14]byte // of the frame at hand
	got      uint8    // bytes of head that have come
	headSize uint8    // 2 to 14; known once got is 2
	first    byte     // the current frame's first byte
	inFrame  bool     // head is complete, payload is not
	left     int      // payload bytes still to come
	maskAt   int      // payload bytes that have come

	inMessage bool   // a first fragment has come, the last has not
	msg       []byte // what has come of the message, unmasked
	checked   int    // bytes of msg known to be UTF-8
	ctl       []byte // what has come of a control frame that was cut; a whole one's payload
	why       *cause // what a close frame said, or what to tell the peer of its fault
}

// next consumes bytes from in until something has happened or all are gone, and returns the bytes that remain.
// It may change in's bytes.
//
// It and what it calls pass little on the stack: the reader's goroutine stays within its first 2 KB (BenchmarkIdle).
func (p *parser) next(in []byte) (event, []byte) {
	for {
		for !p.inFrame {
			if len(in) == 0 {
				return more, nil
			}
			if p.why = p.header(in[0]); p.why != nil {
				return fault, nil
			}
			in = in[1:]
		}
		n := min(len(in), p.left)
		if ev := p.payload(in[:n]); ev != more || n == len(in) && p.left > 0 {
			return ev, in[n:]
		}
		in = in[n:]
	}
}

// atRest reports whether p holds nothing that a new parser would not.
func (p *parser) atRest() bool { return p.got == 0 && !p.inMessage }

// take hands over the message that was found. It is never nil.
func (p *parser) take() []byte {
	msg := p.msg
	p.msg, p.checked = nil, 0
	return msg
}

// payload takes the next bytes of the frame's payload.
func (p *parser) payload(part []byte) event {
	if p.first&control != 0 {
		return p.controlBytes(part)
	}
	return p.dataBytes(part)
}

// header takes one byte of a frame's head and returns what is wrong with it, if anything.
func (p *parser) header(b byte) *cause {
	p.head[p.got] = b
	p.got++
	switch p.got {
	case 1:
		p.first = b
		return p.firstByte(b)
	case 2:
		if c := p.secondByte(b); c != nil {
			return c
		}
	case 4:
		if p.headSize == 8 {
			n := binary.BigEndian.Uint16(p.head[2:])
			if n <= maxShort {
				return &badLength
			}
			return p.announce(uint64(n))
		}
	case 10:
		if p.headSize == 14 {
			n := binary.BigEndian.Uint64(p.head[2:])
			if n <= 0xFFFF || n>>63 != 0 {
				return &badLength
			}
			return p.announce(n)
		}
	}
	if p.got >= 2 && p.got == p.headSize {
		p.inFrame, p.maskAt = true, 0
	}
	return nil
}

func (p *parser) firstByte(b byte) *cause {
	if b&bitsRSV != 0 {
		return &reservedBits
	}
	switch b & 0x0F {
	case opContinuation:
		if !p.inMessage {
			return &strayContinuation
		}
	case opText, opBinary:
		if p.inMessage {
			return &unfinishedMessage
		}
		if b&0x0F == opBinary {
			return &binaryData
		}
	case opClose, opPing, opPong:
		if b&bitFin == 0 {
			return &fragmentedControl
		}
	default:
		return &reservedOpcode
	}
	return nil
}

func (p *parser) secondByte(b byte) *cause {
	if b&bitMask == 0 {
		return &unmasked
	}
	n := b &^ bitMask
	if p.first&control != 0 && n > maxShort {
		return &controlTooBig
	}
	switch n {
	case 126:
		p.headSize = 8
		return nil
	case 127:
		p.headSize = 14
		return nil
	}
	p.headSize = 6
	return p.announce(uint64(n))
}

// announce takes the length of the frame's payload.
func (p *parser) announce(n uint64) *cause {
	if p.first&control == 0 {
		if n > uint64(p.maxFrame) {
			return &frameTooBig
		}
		if n > uint64(p.maxMessage-len(p.msg)) {
			return &messageTooBig
		}
	}
	p.left = int(n)
	return nil
}

// unmask decodes b, which continues the current payload.
func (p *parser) unmask(b []byte) {
	ws.Cipher(b, [4]byte(p.head[p.headSize-4:p.headSize]), p.maskAt)
	p.maskAt += len(b)
	p.left -= len(b)
}

// endFrame makes ready for the next head.
func (p *parser) endFrame() { p.inFrame, p.got, p.headSize = false, 0, 0 }

func (p *parser) dataBytes(part []byte) event {
	p.room(len(part))
	at := len(p.msg)
	p.msg = append(p.msg, part...)
	p.unmask(p.msg[at:])
	if !p.valid() || p.left == 0 && p.first&bitFin != 0 && p.checked < len(p.msg) {
		p.why = &invalidText
		return fault
	}
	if p.left > 0 {
		return more
	}
	p.endFrame()
	p.inMessage = p.first&bitFin == 0
	if p.inMessage {
		return more
	}
	return message
}

// room makes place for n more bytes of the message.
//
// A frame that is short or that has come whole gets exactly its length; a longer one at most doubles what has come, so
// that a peer cannot make us spend memory by announcing bytes. Later fragments double too, or many tiny ones would be
// copied each time.
func (p *parser) room(n int) {
	have := len(p.msg)
	if p.msg != nil && have+n <= cap(p.msg) {
		return
	}
	size := have + p.left
	if n < p.left && size > preallocate {
		size = max(have+n, min(size, max(preallocate, 2*cap(p.msg))))
	}
	if p.inMessage {
		size = min(max(size, 2*cap(p.msg)), p.maxMessage)
	}
	grown := make([]byte, have, size)
	copy(grown, p.msg)
	p.msg = grown
}

// valid extends checked over all whole characters of msg and reports whether msg can still become valid UTF-8.
func (p *parser) valid() bool {
	rest := p.msg[p.checked:]
	// The end may be the beginning of a character: leave that for later. FullRune is true for what no byte can mend.
	whole := len(rest)
	for i := 1; i < utf8.UTFMax && i <= len(rest); i++ {
		if b := rest[len(rest)-i]; utf8.RuneStart(b) {
			if b >= utf8.RuneSelf && !utf8.FullRune(rest[len(rest)-i:]) {
				whole -= i
			}
			break
		}
	}
	p.checked += whole
	return utf8.Valid(rest[:whole])
}

func (p *parser) controlBytes(part []byte) event {
	p.unmask(part)
	switch {
	case p.maskAt > len(part): // it was cut
		p.ctl = append(p.ctl, part...)
	case p.left > 0: // it is cut
		p.ctl = append(make([]byte, 0, len(part)+p.left), part...)
	default:
		p.ctl = part
	}
	if p.left > 0 {
		return more
	}
	p.endFrame()
	switch p.first & 0x0F {
	case opPing:
		return ping
	case opClose:
		return p.closeFrame()
	}
	p.ctl = nil
	return more // an unasked pong means nothing
}

// closeFrame reads a close frame's payload.
func (p *parser) closeFrame() event {
	if len(p.ctl) == 0 {
		p.why = &noStatus
		return closed
	}
	if len(p.ctl) == 1 {
		p.why = &badCloseFrame
		return fault
	}
	code := int(binary.BigEndian.Uint16(p.ctl))
	switch {
	case !validCloseCode(code):
		p.why = &badCloseCode
		return fault
	case !utf8.Valid(p.ctl[2:]):
		p.why = &invalidCloseReason
		return fault
	}
	p.why = &cause{code: code, reason: string(p.ctl[2:])}
	return closed
}
