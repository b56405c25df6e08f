package listen

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

// proxyV2 makes a header: command and version, family, addresses and what follows them.
func proxyV2(command, family byte, addresses string) string {
	return string(proxySignature) + string([]byte{command, family, byte(len(addresses) >> 8), byte(len(addresses))}) + addresses
}

const (
	tcp4 = "\xcb\x00\x71\x09\x0a\x00\x00\x01\xc3\x50\x01\xbb" // 203.0.113.9:50000 → 10.0.0.1:443
	tcp6 = "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x09" + "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01" + "\xc3\x50\x01\xbb"
)

func TestParseProxy(t *testing.T) {
	for _, c := range []struct {
		name, in string
		from, to string
		err      error
	}{
		{"IPv4", proxyV2(0x21, 0x11, tcp4), "203.0.113.9:50000", "10.0.0.1:443", nil},
		{"IPv6", proxyV2(0x21, 0x21, tcp6), "[2001:db8::9]:50000", "[2001:db8::1]:443", nil},
		{"IPv4 in IPv6", proxyV2(0x21, 0x21, strings.Repeat("\x00", 10)+"\xff\xff\xcb\x00\x71\x09"+strings.Repeat("\x00", 16)+"\xc3\x50\x01\xbb"), "203.0.113.9:50000", "[::]:443", nil},
		{"more than addresses", proxyV2(0x21, 0x11, tcp4+"\x04\x00\x01x"), "203.0.113.9:50000", "10.0.0.1:443", nil},
		{"local", proxyV2(0x20, 0x00, ""), "", "", nil},
		{"local with addresses", proxyV2(0x20, 0x11, tcp4), "", "", nil},
		{"unknown family", proxyV2(0x21, 0x00, ""), "", "", nil},
		{"Unix sockets", proxyV2(0x21, 0x31, strings.Repeat("\x00", 216)), "", "", nil},
		{"short addresses", proxyV2(0x21, 0x11, tcp4[:11]), "", "", errProxy},
		{"short IPv6 addresses", proxyV2(0x21, 0x21, tcp6[:35]), "", "", errProxy},
		{"datagrams", proxyV2(0x21, 0x12, tcp4), "", "", errProxy},
		{"family that is none", proxyV2(0x21, 0x41, tcp4), "", "", errProxy},
		{"unknown command", proxyV2(0x22, 0x11, tcp4), "", "", errProxy},
		{"version 1 in version 2's clothes", proxyV2(0x11, 0x11, tcp4), "", "", errProxy},
		{"version 3", proxyV2(0x31, 0x11, tcp4), "", "", errProxy},
		{"longer than any", string(proxySignature) + "\x21\x11\xff\xff", "", "", errProxy},
		{"version 1", "PROXY TCP4 203.0.113.9 10.0.0.1 50000 443\r\n", "", "", errNoProxy},
		{"HTTP", "GET / HTTP/1.1\r\n", "", "", errNoProxy},
		{"TLS", "\x16\x03\x01", "", "", errNoProxy},
		{"almost a signature", string(proxySignature[:11]) + "x", "", "", errNoProxy},
		{"nothing", "", "", "", errProxyShort},
		{"half a signature", string(proxySignature[:6]), "", "", errProxyShort},
		{"no length", string(proxySignature) + "\x21", "", "", errProxyShort},
		{"half the addresses", proxyV2(0x21, 0x11, tcp4)[:20], "", "", errProxyShort},
	} {
		t.Run(c.name, func(t *testing.T) {
			const behind = "GET / HTTP/1.1\r\n"
			in := c.in
			if c.err == nil {
				in += behind
			}
			h, n, err := parseProxy([]byte(in))
			if !errors.Is(err, c.err) {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			if err != nil {
				return
			}
			if n != len(c.in) {
				t.Errorf("took %d bytes of %d", n, len(c.in))
			}
			want := proxyHeader{}
			if c.from != "" {
				want = proxyHeader{netip.MustParseAddrPort(c.from), netip.MustParseAddrPort(c.to)}
			}
			if h != want {
				t.Errorf("says %v, want %v", h, want)
			}
		})
	}
}

func FuzzParseProxy(f *testing.F) {
	f.Add(proxyV2(0x21, 0x11, tcp4))
	f.Add(proxyV2(0x21, 0x21, tcp6+"\x04\x00\x01x"))
	f.Add(proxyV2(0x20, 0x00, ""))
	f.Add("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n")
	f.Fuzz(func(t *testing.T, in string) {
		h, n, err := parseProxy([]byte(in))
		if err != nil && (h != proxyHeader{} || n != 0 && !errors.Is(err, errProxyShort) && !errors.Is(err, errProxy)) {
			t.Errorf("an error and yet %v, %d", h, n)
		}
		if err == nil && (n < proxyFixed || n > len(in) || n > maxProxy) {
			t.Errorf("took %d bytes of %d", n, len(in))
		}
		if err == errProxyShort && len(in) >= maxProxy {
			t.Errorf("more than %d bytes are waited for", maxProxy)
		}
		// What is whole stays so, whatever follows; and what cannot be one is found out however it comes.
		if _, m, again := parseProxy([]byte(in + "x")); err == nil && (again != nil || m != n) || (err == errNoProxy || err == errProxy) && again != err {
			t.Errorf("one byte more changes it: %v, then %v", err, again)
		}
	})
}
