package boundedre_test

import (
	"strings"
	"testing"

	"github.com/sockgate/sockgate/lang/boundedre"
)

func TestCompile(t *testing.T) {
	for source, ok := range map[string]bool{
		`^4\d\d$`: true, `.{1,1000}`: true, `^.*error.*$`: true, `(.*a){900}b`: true,
		`(`: false, `(?=a)`: false, `(.*a){1000}b`: false, `([a-z]{1,30}){1,100}`: false,
	} {
		if _, err := boundedre.Compile(source); (err == nil) != ok {
			t.Errorf("%s: %v", source, err)
		}
	}
}

func TestMatchString(t *testing.T) {
	message := strings.Repeat("a", 128<<10-5) + "error"
	for _, tt := range []struct {
		source, text string
		want         bool
	}{
		{`error`, message, true},
		{`^.*(error|fault).*$`, message, true},
		{`^[a-z]+$`, message, true},
		{`^[a-z]{1,1000}$`, "error", true},
		{`(.*r){2}`, "error", true},
		{`(.*a){900}`, message, false}, // it does match, after ten seconds
		{`(.*a){900}`, message[:2000], true},
	} {
		r, err := boundedre.Compile(tt.source)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.MatchString(tt.text); got != tt.want {
			t.Errorf("%s in %d bytes: %v", tt.source, len(tt.text), got)
		}
	}
}
