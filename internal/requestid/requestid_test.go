package requestid_test

import (
	"regexp"
	"testing"

	"github.com/sockgate/sockgate/internal/requestid"
)

func TestNew(t *testing.T) {
	shape := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	seen := map[string]bool{}
	for range 1000 {
		id := requestid.New()
		if !shape.MatchString(id) {
			t.Fatalf("New() = %q is no version 4 UUID", id)
		}
		if seen[id] {
			t.Fatalf("New() returned %q twice", id)
		}
		seen[id] = true
	}
}

func TestNewExtended(t *testing.T) {
	shape := regexp.MustCompile(`^[A-Za-z0-9_-]{15}=$`)
	seen := map[string]bool{}
	for range 1000 {
		id := requestid.NewExtended()
		if !shape.MatchString(id) || seen[id] {
			t.Fatalf("NewExtended() = %q", id)
		}
		seen[id] = true
	}
}

func TestNewLong(t *testing.T) {
	shape := regexp.MustCompile(`^[0-9A-V]{52}$`)
	seen := map[string]bool{}
	for range 1000 {
		id := requestid.NewLong()
		if !shape.MatchString(id) || seen[id] {
			t.Fatalf("NewLong() = %q", id)
		}
		seen[id] = true
	}
}
