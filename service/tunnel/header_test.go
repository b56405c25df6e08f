package tunnel_test

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/sockgate/sockgate/service/tunnel"
)

func TestOpen(t *testing.T) {
	for _, tt := range []struct{ name, wire string }{{"empty", ""}, {"short", "\x01\x00"}, {"another version", "\x02\x00\x01"}, {"no wait", "\x01\x00\x00"}} {
		if o, err := tunnel.ReadOpen(strings.NewReader(tt.wire)); err == nil {
			t.Errorf("%s: %v", tt.name, o)
		}
	}
	for wait, want := range map[time.Duration]time.Duration{
		0: time.Millisecond, time.Microsecond: time.Millisecond, 1500 * time.Millisecond: 1500 * time.Millisecond, time.Hour: tunnel.MaxWait,
	} {
		o, err := tunnel.ReadOpen(bytes.NewReader(tunnel.Open{Wait: wait}.Append(nil)))
		if err != nil || o.Wait != want {
			t.Errorf("%v comes back as %v, %v", wait, o.Wait, err)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{1, 0, 0})
	f.Add([]byte{1, 9, 0})
	f.Add([]byte("\x01\x01\x05hello and more"))
	f.Add([]byte("\x01\x05\xffshort"))
	f.Add([]byte("\x01\x01\x02\x00\x7f"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		a, err := tunnel.ReadAnswer(r)
		if err != nil {
			return
		}
		for _, c := range []byte(a.Text) {
			if c < ' ' || c >= 0x7f {
				t.Fatalf("text %q", a.Text)
			}
		}
		rest, _ := io.ReadAll(r)
		wire := a.Append(nil)
		if len(wire)+len(rest) != len(b) {
			t.Fatalf("%d bytes were read of %q", len(b)-len(rest), b)
		}
		again, err := tunnel.ReadAnswer(bytes.NewReader(wire))
		if err != nil || again != a {
			t.Fatalf("%+v comes back as %+v, %v", a, again, err)
		}
	})
}

func FuzzOpen(f *testing.F) {
	f.Add([]byte{1, 0, 1})
	f.Add([]byte{1, 0xff, 0xff, 7})
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := tunnel.ReadOpen(bytes.NewReader(b))
		if err == nil && !bytes.Equal(o.Append(nil), b[:3]) {
			t.Fatalf("%q is read as %v", b[:3], o)
		}
	})
}
