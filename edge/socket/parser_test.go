package socket

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// clientFrame returns a masked frame.
func clientFrame(first byte, mask uint32, payload []byte) []byte {
	b := appendFrame(nil, first, payload)
	b[1] |= bitMask
	head := len(b) - len(payload)
	masked := binary.LittleEndian.AppendUint32(slices.Clone(b[:head]), mask)
	for i, c := range payload {
		masked = append(masked, c^byte(mask>>(i%4*8)))
	}
	return masked
}

// parse feeds b to a new parser in pieces of the given sizes and returns what it found, in text. It checks that the
// parser holds no more memory than what has come accounts for.
func parse(t interface{ Fatalf(string, ...any) }, b []byte, maxFrame, maxMessage int, size func() int) []string {
	p := parser{maxFrame: maxFrame, maxMessage: maxMessage}
	var found []string
	for len(b) > 0 {
		n := min(size(), len(b))
		in := slices.Clone(b[:n])
		b = b[n:]
		for len(in) > 0 {
			var ev event
			ev, in = p.next(in)
			if ev == message {
				msg := p.take()
				if msg == nil || !utf8.Valid(msg) || len(msg) > maxMessage {
					t.Fatalf("message %q", msg)
				}
				found = append(found, "message "+string(msg))
			}
			if cap(p.msg) > min(maxMessage, 2*len(p.msg)+preallocate) || len(p.ctl) > maxShort {
				t.Fatalf("holds %d bytes for %d, and %d of a control frame", cap(p.msg), len(p.msg), cap(p.ctl))
			}
			switch ev {
			case ping:
				found = append(found, "ping "+string(p.ctl))
			case closed, fault:
				return append(found, fmt.Sprint(ev, *p.why))
			}
		}
	}
	return found
}

func always(n int) func() int { return func() int { return n } }

func randomly(seed uint64) func() int {
	r := rand.New(rand.NewPCG(seed, 1))
	return func() int { return 1 + r.IntN(1+r.IntN(200)) }
}

// Any bytes give the same events however they are cut, in bounded memory.
func FuzzParser(f *testing.F) {
	add := func(parts ...[]byte) { f.Add(bytes.Join(parts, nil), uint64(1)) }
	add(clientFrame(bitFin|opText, 0x01020304, []byte("Hello")))
	add(clientFrame(opText, 5, []byte("κό")), clientFrame(bitFin|opPing, 6, []byte("p")), clientFrame(bitFin, 7, []byte("σμε")))
	add(clientFrame(bitFin|opText, 9, bytes.Repeat([]byte("é"), 100)))
	add(clientFrame(opText, 9, bytes.Repeat([]byte("x"), 900)), clientFrame(bitFin, 9, bytes.Repeat([]byte("x"), 900)))
	add(clientFrame(bitFin|opText, 3, []byte("κόσμε\xf4\x90\x80\x80")))
	add(clientFrame(bitFin|opClose, 3, []byte("\x03\xe8bye")), []byte("more"))
	add(clientFrame(bitFin|opClose, 3, []byte("\x03")))
	add([]byte{bitFin | opText, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF})
	add([]byte{bitFin | opText, 0xFE, 0x10, 0x00, 1, 2, 3, 4, 5})
	add([]byte{bitFin | opBinary, 0x80}, []byte{bitFin | opText, 2})
	f.Fuzz(func(t *testing.T, b []byte, seed uint64) {
		const maxFrame, maxMessage = 6000, 20000
		whole := parse(t, b, maxFrame, maxMessage, always(len(b)))
		for _, size := range []func() int{always(1), randomly(seed)} {
			if got := parse(t, b, maxFrame, maxMessage, size); !slices.Equal(got, whole) {
				t.Fatalf("cut: %q\nwhole: %q", got, whole)
			}
		}
	})
}

// Any messages, in any fragments, with any control frames between, arrive intact and in order.
func TestAnyConversation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var stream []byte
		var want []string
		send := func(first byte, payload []byte) {
			stream = append(stream, clientFrame(first, rapid.Uint32().Draw(t, "mask"), payload)...)
		}
		between := func() {
			for range rapid.IntRange(0, 2).Draw(t, "controls") {
				b := rapid.SliceOfN(rapid.Byte(), 0, maxShort).Draw(t, "payload")
				if rapid.Bool().Draw(t, "ping") {
					send(bitFin|opPing, b)
					want = append(want, "ping "+string(b))
				} else {
					send(bitFin|opPong, b)
				}
			}
		}
		for range rapid.IntRange(0, 5).Draw(t, "messages") {
			text := rapid.StringN(0, 300, 1000).Draw(t, "text")
			rest, op := []byte(text), byte(opText)
			for range rapid.IntRange(0, 4).Draw(t, "fragments") {
				n := rapid.IntRange(0, len(rest)).Draw(t, "length")
				between()
				send(op, rest[:n])
				rest, op = rest[n:], opContinuation
			}
			between()
			send(bitFin|op, rest)
			want = append(want, "message "+text)
		}
		between()
		send(bitFin|opClose, nil)
		want = append(want, fmt.Sprint(closed, noStatus))

		seed := rapid.Uint64().Draw(t, "cuts")
		if got := parse(t, stream, 32<<10, 128<<10, randomly(seed)); !slices.Equal(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

// A peer that sends a message a byte per frame makes us copy in proportion to what it sent.
func TestTinyFragments(t *testing.T) {
	const n = 64 << 10
	one := clientFrame(opContinuation, 1, []byte("x"))
	p := parser{maxFrame: 1, maxMessage: n + 1}
	p.next(clientFrame(opText, 1, []byte("x")))
	growths, last := 0, cap(p.msg)
	for range n {
		if ev, _ := p.next(slices.Clone(one)); ev != more {
			t.Fatal(ev)
		}
		if cap(p.msg) != last {
			growths, last = growths+1, cap(p.msg)
		}
	}
	if growths > 20 {
		t.Errorf("the buffer grew %d times", growths)
	}
}

// What is announced but has not come costs next to nothing; a frame that has come whole costs its length.
func TestMessageMemory(t *testing.T) {
	payload := bytes.Repeat([]byte("x"), 30000)
	b := clientFrame(bitFin|opText, 1, payload)
	p := parser{maxFrame: 32 << 10, maxMessage: 128 << 10}
	if p.next(slices.Clone(b[:10])); cap(p.msg) > preallocate {
		t.Errorf("the head and 2 bytes cost %d bytes", cap(p.msg))
	}
	p = parser{maxFrame: 32 << 10, maxMessage: 128 << 10}
	if p.next(slices.Clone(b)); cap(p.msg) != len(payload) {
		t.Errorf("a whole frame of %d bytes costs %d", len(payload), cap(p.msg))
	}
}

func TestAppendClose(t *testing.T) {
	cases := []struct {
		name   string
		code   int
		reason string
		want   string
	}{
		{"no reason", 1000, "", "\x88\x02\x03\xe8"},
		{"reason", 1001, "Going away", "\x88\x0c\x03\xe9Going away"},
		{"no status", 1005, "ignored", "\x88\x00"},
		{"cut after a character", 1000, "x" + string(bytes.Repeat([]byte("é"), 100)), "\x88\x7d\x03\xe8x" + string(bytes.Repeat([]byte("é"), 61))},
		{"cut inside a character", 1000, string(bytes.Repeat([]byte("é"), 100)), "\x88\x7c\x03\xe8" + string(bytes.Repeat([]byte("é"), 61))},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := appendClose(nil, c.code, c.reason); string(got) != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func BenchmarkParser(b *testing.B) {
	for _, size := range []int{64, 1024, 16 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			in := clientFrame(bitFin|opText, 0x01020304, bytes.Repeat([]byte("x"), size))
			buf := make([]byte, len(in))
			p := parser{maxFrame: 32 << 10, maxMessage: 128 << 10}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				copy(buf, in)
				if ev, _ := p.next(buf); ev != message {
					b.Fatal(ev)
				}
				p.take()
			}
		})
	}
}
