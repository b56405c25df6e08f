package natskv

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A block that nats-server 2.15 wrote: "a" created, updated and deleted, "b" created.
func exampleBlock(t testing.TB) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "block", "1.blk"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestReadBlock(t *testing.T) {
	text := exampleBlock(t)
	var got []message
	n, err := readBlock(text, 1, func(m message) { got = append(got, m) })
	if err != nil || n != len(text) {
		t.Fatalf("%d of %d bytes were read: %v", n, len(text), err)
	}
	want := []message{
		{key: "a", sequence: 1, value: []byte("one")},
		{key: "a", sequence: 2, replaces: 1, value: []byte("two")},
		{key: "b", sequence: 3, value: []byte("three")},
		{key: "a", sequence: 4, replaces: 2, deleted: true, value: []byte{}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(message{})); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
	if _, err := readBlock(text, 2, func(message) {}); err == nil {
		t.Error("the block passed for another one")
	}
}

// Every cut and every changed byte must be noticed, but for a cut between messages.
func TestReadBlockDamaged(t *testing.T) {
	text := exampleBlock(t)
	ends := map[int]bool{0: true}
	for at := 0; at < len(text); {
		size, _, err := readMessage(text[at:])
		if err != nil {
			t.Fatal(err)
		}
		at += size
		ends[at] = true
	}
	for n := range len(text) {
		read, err := readBlock(text[:n], 1, func(message) {})
		if (err == nil) != ends[n] || read > n {
			t.Errorf("cut to %d bytes: %d bytes were read, %v", n, read, err)
		}
		changed := append([]byte(nil), text...)
		changed[n] ^= 0x10
		if read, err := readBlock(changed, 1, func(message) {}); err == nil || read > n {
			t.Errorf("byte %d was changed: %d bytes were read, %v", n, read, err)
		}
	}
}

func FuzzReadBlock(f *testing.F) {
	text := exampleBlock(f)
	f.Add(text)
	f.Add(text[:len(text)-3])
	f.Add(append(append([]byte(nil), text...), make([]byte, 64)...))
	f.Fuzz(func(t *testing.T, text []byte) {
		count := 0
		n, err := readBlock(text, 1, func(message) { count++ })
		if n < 0 || n > len(text) || (err == nil) != (n == len(text)) {
			t.Errorf("%d of %d bytes were read, %v", n, len(text), err)
		}
		if count > len(text)/(messageHead+checkSize) {
			t.Errorf("%d messages in %d bytes", count, len(text))
		}
	})
}

func TestRecordSlots(t *testing.T) {
	dir := t.TempDir()
	r, err := openRecord(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	for i := range uint64(5) {
		if err := r.advance("k", i, i+1, false); err != nil {
			t.Fatal(err)
		}
		got, turn, err := readRecord(dir)
		if err != nil || got != r.tally || turn != r.turn {
			t.Errorf("after write %d: %+v at turn %d, %v; want %+v", i, got, turn, err, r.tally)
		}
	}
	// A slot that was being written when the power failed leaves the other one.
	before := r.tally
	if err := r.advance("k", 5, 6, false); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, recordName)
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	text[int(r.turn%2)*slotStride+20] ^= 1
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, _, err := readRecord(dir); err != nil || got != before {
		t.Errorf("with a torn slot: %+v, %v; want %+v", got, err, before)
	}
}
