package socket_test

import (
	"bytes"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/sockgate/sockgate/edge/socket"
)

// exchange is what a client sends, step by step (each step waits until the one before has been answered), what it gets,
// and how the connection ends. The groups follow the Autobahn test suite's, with API Gateway's limits and no binary.
type exchange struct {
	name  string
	steps [][]byte
	want  []string
	end   ending // zero: the client closes with 1000 at the end
}

func steps(s ...[]byte) [][]byte { return s }

func runExchanges(t *testing.T, cases []exchange) {
	t.Helper()
	for _, c := range cases {
		for _, how := range cuts {
			t.Run(c.name+"/"+how.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { runExchange(t, c, how.cut) })
			})
		}
	}
}

func runExchange(t *testing.T, c exchange, cut func([]byte) [][]byte) {
	server, client := net.Pipe()
	limits := socket.DefaultLimits()
	limits.InFlight = 1
	s := start(server, limits, nil)
	got := make(chan []string, 1)
	go func() { got <- readAll(client) }()

	sent := c.steps
	want := c.want
	if c.end == (ending{}) {
		c.end = ending{1000, "bye"}
		sent = append(sent[:len(sent):len(sent)], closing(1000, "bye"))
		want = append(want[:len(want):len(want)], "close 1000")
	}
	for _, step := range sent {
		for _, part := range cut(step) {
			client.Write(bytes.Clone(part)) // fails when the connection is failed before its end
		}
		synctest.Wait()
	}
	end := s.end(t)
	client.Close()
	if diff := cmp.Diff(want, <-got); diff != "" {
		t.Errorf("received (-want +got):\n%s", diff)
	}
	if end.code != c.end.code || c.end.reason != "" && end.reason != c.end.reason {
		t.Errorf("ended with %v, want %v", end, c.end)
	}
}

// fails is an exchange that the server ends.
func fails(name string, code int, want []string, sent ...[]byte) exchange {
	return exchange{name: name, steps: sent, want: append(want, map[int]string{
		1002: "close 1002", 1003: "close 1003", 1007: "close 1007", 1009: "close 1009",
	}[code]), end: ending{code: code}}
}

func TestFraming(t *testing.T) {
	var cases []exchange
	for _, n := range []int{0, 1, 125, 126, 127, 128, 4096, 4097, 32 << 10} {
		s := strings.Repeat("*", n)
		cases = append(cases, exchange{name: short(s), steps: steps(frame(fin|text, s)), want: []string{"text " + short(s)}})
	}
	quarter := strings.Repeat("0123456789abcdef", 2048)
	whole := strings.Repeat(quarter, 4)
	long := func(first byte, ext ...byte) []byte { return append([]byte{first}, ext...) }
	cases = append(cases,
		exchange{name: "largest message", want: []string{"text " + short(whole)}, steps: steps(
			frame(text, quarter), frame(cont, quarter), frame(cont, quarter), frame(fin|cont, quarter))},
		fails("message one byte over", 1009, nil,
			frame(text, quarter), frame(cont, quarter), frame(cont, quarter), frame(cont, quarter), frame(fin|cont, "x")[:2]),
		fails("frame one byte over", 1009, nil, long(fin|text, 0xFE, 0x80, 0x01)),
		fails("65535", 1009, nil, frame(fin|text, strings.Repeat("*", 65535))),
		fails("65536", 1009, nil, frame(fin|text, strings.Repeat("*", 65536))),
		fails("exabytes announced", 1009, nil, long(fin|text, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF)),
		fails("length with top bit", 1002, nil, long(fin|text, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 1)),
		fails("16 bits for 125", 1002, nil, long(fin|text, 0xFE, 0, 125)),
		fails("64 bits for 65535", 1002, nil, long(fin|text, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF)),
		fails("unmasked", 1002, nil, []byte{fin | text, 2, 'h', 'i'}),
		fails("unmasked ping", 1002, nil, []byte{fin | ping, 0}),
		fails("binary", 1003, nil, []byte{fin | bin}),
		fails("binary fragment", 1003, nil, frame(bin, "x")),
	)
	runExchanges(t, cases)
}

func TestPing(t *testing.T) {
	b125 := strings.Repeat("\xfe", 125)
	ten := make([][]byte, 10)
	pongs := make([]string, 10)
	for i := range ten {
		ten[i], pongs[i] = frame(fin|ping, string(rune('0'+i))), "pong "+string(rune('0'+i))
	}
	runExchanges(t, []exchange{
		{name: "empty", steps: steps(frame(fin|ping, "")), want: []string{"pong "}},
		{name: "text", steps: steps(frame(fin|ping, "Hello, world!")), want: []string{"pong Hello, world!"}},
		{name: "not text", steps: steps(frame(fin|ping, "\x00\xff\xfe")), want: []string{"pong \x00\xff\xfe"}},
		{name: "125 bytes", steps: steps(frame(fin|ping, b125)), want: []string{"pong " + short(b125)}},
		fails("126 bytes", 1002, nil, frame(fin|ping, b125+"x")),
		{name: "pong alone", steps: steps(frame(fin|pong, "")), want: nil},
		{name: "pong with payload", steps: steps(frame(fin|pong, "unasked")), want: nil},
		{name: "pong then ping", steps: steps(frame(fin|pong, "p"), frame(fin|ping, "q")), want: []string{"pong q"}},
		{name: "ten", steps: steps(join(ten...)), want: pongs},
	})
}

func TestReserved(t *testing.T) {
	var cases []exchange
	hello := frame(fin|text, "Hello")
	for _, bits := range []byte{0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70} {
		name := string(rune('0' + bits>>4))
		cases = append(cases,
			fails("rsv "+name+" text", 1002, []string{"text Hello"}, hello, frame(fin|bits|text, "x")),
			fails("rsv "+name+" ping", 1002, nil, frame(fin|bits|ping, "x")),
			fails("rsv "+name+" close", 1002, nil, frame(fin|bits|clos, "")))
	}
	for _, op := range []byte{3, 4, 5, 6, 7, 11, 12, 13, 14, 15} {
		cases = append(cases,
			fails("opcode "+string("0123456789abcdef"[op]), 1002, []string{"text Hello"}, hello, frame(fin|op, ""), frame(fin|ping, "")),
			fails("opcode "+string("0123456789abcdef"[op])+" with payload", 1002, nil, frame(fin|op, "x")))
	}
	runExchanges(t, cases)
}

func TestFragments(t *testing.T) {
	runExchanges(t, []exchange{
		fails("ping in two", 1002, nil, frame(ping, "a"), frame(fin|cont, "b")),
		fails("pong in two", 1002, nil, frame(pong, "a"), frame(fin|cont, "b")),
		fails("close in two", 1002, nil, frame(clos, ""), frame(fin|cont, "")),
		{name: "two", steps: steps(frame(text, "ab"), frame(fin|cont, "cd")), want: []string{"text abcd"}},
		{name: "two at once", steps: steps(join(frame(text, "ab"), frame(fin|cont, "cd"))), want: []string{"text abcd"}},
		{name: "ping between", steps: steps(frame(text, "ab"), frame(fin|ping, "p"), frame(fin|cont, "cd")),
			want: []string{"pong p", "text abcd"}},
		{name: "pings between, at once", want: []string{"pong 1", "pong 2", "text abcdef"}, steps: steps(join(
			frame(text, "ab"), frame(fin|ping, "1"), frame(cont, "cd"), frame(fin|ping, "2"), frame(fin|cont, "ef")))},
		{name: "empty ones", steps: steps(frame(text, ""), frame(cont, ""), frame(fin|cont, "")), want: []string{"text "}},
		{name: "empty around", steps: steps(frame(text, ""), frame(cont, "x"), frame(fin|cont, "")), want: []string{"text x"}},
		{name: "pong between", steps: steps(frame(text, "a"), frame(fin|pong, "p"), frame(fin|cont, "b")), want: []string{"text ab"}},
		fails("last without first", 1002, nil, frame(fin|cont, "x"), frame(fin|text, "y")),
		fails("middle without first", 1002, nil, frame(cont, "x")),
		fails("stray after message", 1002, []string{"text ab"}, frame(text, "a"), frame(fin|cont, "b"), frame(fin|cont, "c")),
		fails("text inside text", 1002, nil, frame(text, "a"), frame(fin|text, "b")),
		fails("first twice", 1002, nil, frame(text, "a"), frame(text, "b")),
		fails("binary inside text", 1002, nil, frame(text, "a"), frame(fin|bin, "b")),
		{name: "close between", steps: steps(frame(text, "a"), closing(1000, "")), want: []string{"close 1000"}, end: ending{code: 1000}},
	})
}

func TestUTF8(t *testing.T) {
	valid := map[string]string{
		"empty": "", "ascii": "Hello", "mixed": "Hello-µ@ßöäüàá-UTF-8!!", "greek": "κόσμε",
		"first 1": "\x00", "first 2": "\u0080", "first 3": "\u0800", "first 4": "\U00010000",
		"last 1": "\x7f", "last 2": "\u07ff", "last 3": "\uffff", "last 4": "\U0010ffff",
		"before surrogates": "\ud7ff", "after surrogates": "\ue000", "replacement": "\ufffd",
		"noncharacter fffe": "\ufffe", "noncharacter 1fffe": "\U0001fffe", "noncharacter 10ffff": "\U0010ffff",
		"long": strings.Repeat("κόσμε", 1000),
	}
	invalid := map[string]string{
		"continuation": "\x80", "continuation bf": "\xbf", "two continuations": "\x80\xbf",
		"start c0": "\xc0 ", "start e0": "\xe0 ", "start f0": "\xf0 ", "start f8": "\xf8 ", "start fc": "\xfc ",
		"cut 2": "\xc3", "cut 3": "\xe2\x82", "cut 4": "\xf0\x90\x80", "cut in text": "κόσμ\xce",
		"cut then ascii": "\xe2\x82a", "fe": "\xfe", "ff": "\xff", "fe fe ff ff": "\xfe\xfe\xff\xff",
		"overlong 2": "\xc0\xaf", "overlong 3": "\xe0\x80\xaf", "overlong 4": "\xf0\x80\x80\xaf",
		"overlong 5": "\xf8\x80\x80\x80\xaf", "overlong 6": "\xfc\x80\x80\x80\x80\xaf",
		"overlong max 2": "\xc1\xbf", "overlong max 3": "\xe0\x9f\xbf", "overlong max 4": "\xf0\x8f\xbf\xbf",
		"overlong nul": "\xc0\x80", "surrogate d800": "\xed\xa0\x80", "surrogate dfff": "\xed\xbf\xbf",
		"surrogate pair": "\xed\xa0\x80\xed\xb0\x80", "over 10ffff": "\xf4\x90\x80\x80", "five bytes": "\xf8\x88\x80\x80\x80",
		"six bytes": "\xfc\x84\x80\x80\x80\x80", "in the middle": "κόσμε\xed\xa0\x80edited",
	}
	var cases []exchange
	for name, s := range valid {
		cases = append(cases, exchange{name: "valid " + name, steps: steps(frame(fin|text, s)), want: []string{"text " + short(s)}})
		if len(s) > 1 {
			cases = append(cases, exchange{name: "valid cut " + name, want: []string{"text " + short(s)},
				steps: steps(frame(text, s[:len(s)/2]), frame(cont, ""), frame(fin|cont, s[len(s)/2:]))})
		}
	}
	for name, s := range invalid {
		cases = append(cases, fails("invalid "+name, 1007, nil, frame(fin|text, s)))
		if len(s) > 1 {
			cases = append(cases, fails("invalid cut "+name, 1007, nil, frame(text, s[:1]), frame(fin|cont, s[1:])))
		}
	}
	// The connection fails at the byte that no other can mend, before the frame or message is whole.
	const early = 6
	over := frame(fin|text, "κόσμε\xf4\x90\x80\x80edited")
	cases = append(cases,
		fails("fail fast in a frame", 1007, nil, over[:early+len("κόσμε")], over[early+len("κόσμε"):early+len("κόσμε")+2]),
		fails("fail fast in a fragment", 1007, nil, frame(text, "κόσμε"), frame(cont, "\xf4\x90")),
		fails("fail fast across fragments", 1007, nil, frame(text, "κόσμε\xf4"), frame(cont, "\x90")),
	)
	runExchanges(t, cases)
}

func TestClosing(t *testing.T) {
	r123 := strings.Repeat("*", 123)
	cases := []exchange{
		{name: "without status", steps: steps(frame(fin|clos, "")), want: []string{"close"},
			end: ending{1005, "Client-side close frame status not set"}},
		{name: "without reason", steps: steps(closing(1001, "")), want: []string{"close 1001"}, end: ending{code: 1001}},
		{name: "with reason", steps: steps(closing(1000, "κόσμε")), want: []string{"close 1000"}, end: ending{1000, "κόσμε"}},
		{name: "longest reason", steps: steps(closing(1000, r123)), want: []string{"close 1000"}, end: ending{1000, r123}},
		{name: "after a message", steps: steps(frame(fin|text, "x"), closing(1000, "")), want: []string{"text x", "close 1000"}, end: ending{code: 1000}},
		{name: "twice", steps: steps(join(closing(1000, "a"), closing(1001, "b"))), want: []string{"close 1000"}, end: ending{1000, "a"}},
		{name: "then ping", steps: steps(join(closing(1000, "a"), frame(fin|ping, ""))), want: []string{"close 1000"}, end: ending{1000, "a"}},
		{name: "then text", steps: steps(join(closing(1000, "a"), frame(fin|text, "x"))), want: []string{"close 1000"}, end: ending{1000, "a"}},
		{name: "then garbage", steps: steps(join(closing(1000, "a"), bytes.Repeat([]byte{0xff}, 100000))),
			want: []string{"close 1000"}, end: ending{1000, "a"}},
		fails("one byte", 1002, nil, frame(fin|clos, "\x03")),
		fails("reason too long", 1002, nil, closing(1000, r123+"x")),
		fails("reason not text", 1007, nil, closing(1000, "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80")),
	}
	codeCase := func(code int, ok bool) exchange {
		name := "code " + string([]byte{byte('0' + code/10000), byte('0' + code/1000%10), byte('0' + code/100%10), byte('0' + code/10%10), byte('0' + code%10)})
		if !ok {
			return fails(name, 1002, nil, closing(code, "reason"))
		}
		return exchange{name: name, steps: steps(closing(code, "reason")), want: []string{"close " + strings.TrimLeft(name[5:], "0")}, end: ending{code, "reason"}}
	}
	for _, code := range []int{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1014, 3000, 3999, 4000, 4999} {
		cases = append(cases, codeCase(code, true))
	}
	for _, code := range []int{0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535} {
		cases = append(cases, codeCase(code, false))
	}
	runExchanges(t, cases)
}
