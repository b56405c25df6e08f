package tunnel

import (
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// TestBackoff: pauses double up to a bound, are spread over their upper half, and begin anew behind a connection that lasted.
func TestBackoff(t *testing.T) {
	for _, tt := range []struct {
		name   string
		random float64
		lasted []time.Duration
		want   []time.Duration
	}{
		{"least", 0, make([]time.Duration, 9), []time.Duration{250e6, 500e6, 1e9, 2e9, 4e9, 8e9, 15e9, 15e9, 15e9}},
		{"most", 1, make([]time.Duration, 8), []time.Duration{500e6, 1e9, 2e9, 4e9, 8e9, 16e9, 30e9, 30e9}},
		{"a good while", 1, []time.Duration{0, 0, goodWhile - 1, goodWhile, 0}, []time.Duration{500e6, 1e9, 2e9, 500e6, 1e9}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := backoff{random: func() float64 { return tt.random }}
			for i, lasted := range tt.lasted {
				if got := b.next(lasted); got != tt.want[i] {
					t.Errorf("pause %d is %v, want %v", i, got, tt.want[i])
				}
			}
		})
	}
}

// FuzzGuard: the guard judges a stream of bytes alike however it is cut up, and lets no stream be opened.
func FuzzGuard(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 3, 'a', 'b', 'c', 0, 2, 0, 2, 0, 0, 0, 0, 0, 0, 0, 9}, uint8(5))
	f.Add([]byte{0, 1, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0}, uint8(1))
	f.Add([]byte{0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, uint8(7))
	f.Add([]byte("GET / HTTP/1.1\r\n"), uint8(3))
	f.Fuzz(func(t *testing.T, b []byte, step uint8) {
		gone := [2]int{}
		whole, pieces := newGuard(func() { gone[0]++ }), newGuard(func() { gone[1]++ })
		errWhole := whole.check(b)
		var errPieces error
		for rest := b; len(rest) > 0 && errPieces == nil; {
			n := min(len(rest), int(step)+1)
			errPieces = pieces.check(rest[:n])
			rest = rest[n:]
		}
		if errors.Is(errWhole, errPingFlood) || errors.Is(errPieces, errPingFlood) {
			return // a matter of time
		}
		if (errWhole == nil) != (errPieces == nil) || errWhole == nil && (whole.n != pieces.n || whole.body != pieces.body) || gone[0] != gone[1] {
			t.Fatalf("as a whole %v, in pieces %v", errWhole, errPieces)
		}
		if len(b) >= frameHead && b[0] == 0 && b[1] <= frameWindow && b[3]&flagSYN != 0 && !errors.Is(errWhole, errForeignStream) {
			t.Fatalf("a stream was opened: %v", errWhole)
		}
	})
}

// TestReset: a stream's break is told between frames, never between the head and the body of one.
func TestReset(t *testing.T) {
	here, there := net.Pipe()
	w := newWire(here, nil, nil)
	head := []byte{0, frameData, 0, 0, 0, 0, 0, 1, 0, 0, 0, 3}
	if _, err := w.Write(head); err != nil {
		t.Fatal(err)
	}
	told := make(chan struct{})
	go func() {
		w.reset(7)
		close(told)
	}()
	got := make([]byte, 2*frameHead+3)
	if _, err := io.ReadFull(there, got[:frameHead]); err != nil {
		t.Fatal(err)
	}
	select {
	case <-told:
		t.Error("it was told in the middle of a frame")
	default:
	}
	if _, err := w.Write([]byte("abc")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(there, got[frameHead:]); err != nil {
		t.Fatal(err)
	}
	<-told
	want := string(head) + "abc" + string([]byte{0, frameWindow, 0, flagRST, 0, 0, 0, 7, 0, 0, 0, 0})
	if string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
	there.Close()
	w.Close()
	if _, err := w.Write(head); err == nil {
		t.Error("a closed wire takes bytes")
	}
	w.reset(7)
}

// TestFarewell: what was written before the end still goes out, and an end waits for nobody who does not read.
func TestFarewell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		w := newWire(here, nil, nil)
		frame := []byte{0, framePing, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
		w.Write(frame)
		w.Write(frame)
		closed := make(chan struct{})
		go func() {
			w.Close()
			close(closed)
		}()
		if all, err := io.ReadAll(there); len(all) != 2*frameHead || err != nil {
			t.Errorf("%d bytes, %v", len(all), err)
		}
		<-closed

		here, _ = net.Pipe()
		w = newWire(here, nil, nil)
		w.Write(frame)
		began := time.Now()
		w.Close()
		if took := time.Since(began); took != farewell {
			t.Errorf("it took %v", took)
		}
	})
}
