package edge

import "testing"

// Handshakes under way count towards the bound of connections as well as open ones.
func TestAdmit(t *testing.T) {
	g := New(Config{MaxConnections: 2})
	for i, want := range []bool{true, true, false, false} {
		if got := g.admit(); got != want {
			t.Errorf("handshake %d: admitted %v, want %v", i+1, got, want)
		}
	}
	g.admitted.Add(-1) // one ended
	if !g.admit() || g.admit() {
		t.Error("want one place after one connection ended")
	}
	if unbounded := New(Config{}); !unbounded.admit() {
		t.Error("0 is no bound")
	}
}
