package pipeline

import (
	"testing"
	"unicode/utf8"
)

func TestErrorFrame(t *testing.T) {
	// The bytes of a frame that API Gateway sent; reference section 0.3.
	want := `{"message": "Forbidden", "connectionId":"XDmENcnwIE0CFEQ=", "requestId":"XDmGEE2RoE0FRdQ="}`
	if got := string(errorFrame("Forbidden", "XDmENcnwIE0CFEQ=", "XDmGEE2RoE0FRdQ=")); got != want {
		t.Errorf("errorFrame:\n got %s\nwant %s", got, want)
	}
	if got := errorFrame("a \"quoted\"\nline \xff", "c", "r"); !utf8.Valid(got) {
		t.Errorf("errorFrame is not UTF-8: %q", got)
	}
}
