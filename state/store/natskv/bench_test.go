package natskv_test

import (
	"fmt"
	"strings"
	"testing"
)

func BenchmarkOpenEmpty(b *testing.B) {
	for b.Loop() {
		s := open(b, b.TempDir())
		b.StopTimer()
		s.Close()
		b.StartTimer()
	}
}

func BenchmarkOpenThousand(b *testing.B) {
	path := b.TempDir()
	s := open(b, path)
	value := []byte(strings.Repeat("x", 4<<10))
	for i := range 1000 {
		if _, err := s.Create(b.Context(), fmt.Sprintf("api.%d", i), value); err != nil {
			b.Fatal(err)
		}
	}
	s.Close()
	for b.Loop() {
		s := open(b, path)
		b.StopTimer()
		s.Close()
		b.StartTimer()
	}
}

func BenchmarkUpdate(b *testing.B) {
	s := open(b, b.TempDir())
	defer s.Close()
	value := []byte(strings.Repeat("x", 4<<10))
	revision, err := s.Create(b.Context(), "k", value)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if revision, err = s.Update(b.Context(), "k", value, revision); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGet(b *testing.B) {
	s := open(b, b.TempDir())
	defer s.Close()
	if _, err := s.Create(b.Context(), "k", nil); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := s.Get(b.Context(), "k"); err != nil {
			b.Fatal(err)
		}
	}
}
