package number_test

import (
	"bytes"
	"errors"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/ddb/number"
)

func TestParse(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain", "42", "42"},
		{"negative", "-42", "-42"},
		{"plus", "+42", "42"},
		{"leading zeros", "0042.1200", "42.12"},
		{"no integer part", ".5", "0.5"},
		{"no fraction", "5.", "5"},
		{"trailing zero", "1.0", "1"},
		{"zero", "0", "0"},
		{"negative zero", "-0", "0"},
		{"zero with exponent", "0e999", "0"},
		{"zeros", "000.000", "0"},
		{"integer with zeros", "100", "100"},
		{"exponent", "1.5E2", "150"},
		{"signed exponent", "1e+2", "100"},
		{"negative exponent", "125e-3", "0.125"},
		{"largest", "1E125", "1" + strings.Repeat("0", 125)},
		{"smallest", "1e-130", "0." + strings.Repeat("0", 129) + "1"},
		{"38 digits", "12345678901234567890123456789012345678", "12345678901234567890123456789012345678"},
		{"38 digits and zeros", "00123456789012345678901234567890123456780", "123456789012345678901234567890123456780"},
		{"digits over the point", "1234567890.1234567890123456789012345678", "1234567890.1234567890123456789012345678"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := number.Parse(c.in)
			if err != nil || got != c.want {
				t.Fatalf("Parse(%q) = %q, %v; want %q", c.in, got, err, c.want)
			}
			if again, err := number.Parse(got); err != nil || again != got {
				t.Errorf("Parse(%q) again = %q, %v", got, again, err)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	const notNumeric = "The parameter cannot be converted to a numeric value"
	for _, c := range []struct{ name, in, want string }{
		{"empty", "", notNumeric},
		{"letters", "b", notNumeric + ": b"},
		{"only a sign", "-", notNumeric + ": -"},
		{"only a point", ".", notNumeric + ": ."},
		{"two points", "1.2.3", notNumeric + ": 1.2.3"},
		{"no exponent", "1e", notNumeric + ": 1e"},
		{"hexadecimal", "0x10", notNumeric + ": 0x10"},
		{"space", " 1", notNumeric + ":  1"},
		{"not a number", "NaN", notNumeric + ": NaN"},
		{"overflow", "1e126", number.ErrOverflow.Message},
		{"negative overflow", "-1e126", number.ErrOverflow.Message},
		{"vast exponent", "1e99999999999999999999999", number.ErrOverflow.Message},
		{"underflow", "1e-131", number.ErrUnderflow.Message},
		{"39 digits", "123456789012345678901234567890123456789", number.ErrPrecision.Message},
		{"39 digits over the point", "-1.23456789012345678901234567890123456789", number.ErrPrecision.Message},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := number.Parse(c.in)
			if e, ok := errors.AsType[*sockgate.Error](err); !ok || e.Kind != sockgate.Invalid || e.Message != c.want {
				t.Errorf("Parse(%q): %v, want %q", c.in, err, c.want)
			}
		})
	}
}

// The figures are those that public conformance suites measured at the service.
func TestSize(t *testing.T) {
	for in, want := range map[string]int{
		"0": 1, "1": 2, "12": 2, "123": 3, "1234": 3, "12345678901234567890123456789012345678": 20, "0042": 2, "100": 2,
		"1010": 3, "0.0000001": 2, "1E125": 2, "1E-100": 2, "1.5": 3, "15": 2, "1.200": 3, "1.234": 4, "3.14159": 5,
		"123456": 4, "100.5": 4, "0.15": 2, "-42": 3, "-0": 1,
	} {
		s, err := number.Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := number.Size(s); got != want {
			t.Errorf("Size(%s) = %d, want %d", in, got, want)
		}
	}
}

func TestAddErrors(t *testing.T) {
	big126, _ := number.Parse("9.9e125")
	if _, err := number.Add(big126, big126); err != error(number.ErrOverflow) {
		t.Errorf("a sum out of range: %v", err)
	}
	vast, _ := number.Parse("1e50")
	if _, err := number.Subtract(vast, "1"); err != error(number.ErrOverflow) {
		t.Errorf("a difference of more than 38 digits: %v", err)
	}
}

func parsed(t *rapid.T, label string) string {
	for {
		text := rapid.StringMatching(`-?[0-9]{1,20}(\.[0-9]{0,18})?([eE][+-]?[0-9]{1,2})?`).Draw(t, label)
		if s, err := number.Parse(text); err == nil {
			want, ok := new(big.Rat).SetString(text)
			if got, _ := new(big.Rat).SetString(s); !ok || got.Cmp(want) != 0 {
				t.Fatalf("Parse(%q) = %q", text, s)
			}
			return s
		}
	}
}

func rat(s string) *big.Rat {
	r, _ := new(big.Rat).SetString(s)
	return r
}

func TestAgainstRationals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := parsed(t, "a"), parsed(t, "b")
		want := rat(a).Cmp(rat(b))
		if got := number.Compare(a, b); got != want {
			t.Fatalf("Compare(%s, %s) = %d, want %d", a, b, got, want)
		}
		ka, kb := number.AppendKey(nil, a), number.AppendKey(nil, b)
		if got := bytes.Compare(ka, kb); got != want {
			t.Fatalf("keys of %s and %s compare as %d, want %d", a, b, got, want)
		}
		if want != 0 && (bytes.HasPrefix(ka, kb) || bytes.HasPrefix(kb, ka)) {
			t.Fatalf("the key of one of %s and %s begins the other's", a, b)
		}
		if s, rest, err := number.ReadKey(append(ka, "rest"...)); err != nil || s != a || string(rest) != "rest" {
			t.Fatalf("ReadKey of %s = %s, %q, %v", a, s, rest, err)
		}
		if sum, err := number.Add(a, b); err == nil && rat(sum).Cmp(new(big.Rat).Add(rat(a), rat(b))) != 0 {
			t.Fatalf("%s + %s = %s", a, b, sum)
		}
		if d, err := number.Subtract(a, b); err == nil && rat(d).Cmp(new(big.Rat).Sub(rat(a), rat(b))) != 0 {
			t.Fatalf("%s - %s = %s", a, b, d)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"0", "-0.50", "1e-130", "9.9E+125", "00012.3400", "1e", ".", "+7"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := number.Parse(text)
		if err != nil {
			return
		}
		if again, err := number.Parse(s); err != nil || again != s {
			t.Fatalf("Parse(%q) = %q, and again %q, %v", text, s, again, err)
		}
		back, rest, err := number.ReadKey(number.AppendKey(nil, s))
		if err != nil || back != s || len(rest) != 0 {
			t.Fatalf("key of %q reads as %q, %v", s, back, err)
		}
	})
}

func FuzzReadKey(f *testing.F) {
	f.Add([]byte{2})
	f.Add(number.AppendKey(nil, "-12.5"))
	f.Fuzz(func(t *testing.T, src []byte) {
		s, _, err := number.ReadKey(src)
		if err != nil {
			return
		}
		if again, err := number.Parse(s); err != nil || again != s {
			t.Fatalf("ReadKey gave %q, which is not canonical: %q, %v", s, again, err)
		}
	})
}
