// Package number is DynamoDB's number type: decimals of up to 38 significant digits between 1E-130 and
// 9.99…E+125, their spelling, arithmetic, order, size, and a form that sorts as bytes.
//
// A number is kept as its canonical text, because that is what is stored and printed: no exponent, no plus sign, no zeros
// that say nothing ("-0.5", "100", "0"). Parse makes it; the other functions take canonical texts and nothing else.
//
// Sources: Amazon DynamoDB Developer Guide, "Supported data types and naming rules", Number; texts of errors as the service
// answers them.
package number

import (
	"strings"

	"github.com/sockgate/sockgate"
)

// The limits of a number, as powers of ten of its first digit, and its significant digits.
const (
	MaxDigits   = 38
	MaxExponent = 125
	MinExponent = -130
)

// The errors. All are sockgate.Invalid.
var (
	ErrOverflow  = sockgate.Invalidf("Number overflow. Attempting to store a number with magnitude larger than supported range")
	ErrUnderflow = sockgate.Invalidf("Number underflow. Attempting to store a number with magnitude smaller than supported range")
	ErrPrecision = sockgate.Invalidf("Attempting to store more than 38 significant digits in a Number")
)

// decimal is a number taken apart: 0.d1d2d3… × 10^(exp+1), that is d1.d2d3… × 10^exp. Zero has no digits.
type decimal struct {
	negative bool
	exp      int
	n        int
	digits   [MaxDigits]byte // 0 to 9; the first and the last of the n are not 0
}

// Parse returns the canonical text of a number in any spelling that DynamoDB takes: an optional sign, digits with at most one
// point, an optional exponent. It returns text itself when it is canonical.
// Errors: ErrOverflow, ErrUnderflow, ErrPrecision, or "The parameter cannot be converted to a numeric value: x".
func Parse(text string) (string, error) {
	if canonical(text) {
		return text, nil
	}
	var d decimal
	if err := d.parse(text); err != nil {
		return "", err
	}
	return d.text(), nil
}

// canonical reports, for the usual short numbers, whether text needs no work. It may say no to a canonical one.
func canonical(text string) bool {
	s := strings.TrimPrefix(text, "-")
	if s == "" || len(s) > MaxDigits {
		return false
	}
	point := -1
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
		case c == '.' && point < 0:
			point = i
		default:
			return false
		}
	}
	switch {
	case point == 0 || point == len(s)-1:
		return false
	case point > 0:
		// A point in the last place was ruled out: the last character is a digit.
		return s[len(s)-1] != '0' && (s[0] != '0' || point == 1)
	}
	return s[0] != '0' || (len(s) == 1 && len(text) == 1)
}

// notNumeric is the error for what is no number.
func notNumeric(text string) error {
	if text == "" {
		return sockgate.Invalidf("The parameter cannot be converted to a numeric value")
	}
	return sockgate.Invalidf("The parameter cannot be converted to a numeric value: %s", text)
}

// far is beyond every exponent that could come out as a number in range, for digits of any number that fits a request.
const far = 1 << 40

// parse reads any spelling. Digits beyond the 38th are an error, unless they are zeros.
func (d *decimal) parse(text string) error {
	s := text
	if s != "" && (s[0] == '-' || s[0] == '+') {
		d.negative = s[0] == '-'
		s = s[1:]
	}
	var (
		seen     int  // digits, of any kind
		point    = -1 // how many digits came before the point
		first    = -1 // which digit was the first that is not zero
		last     int  // and the last
		tooLong  bool
		i        int
		exponent int
	)
	for ; i < len(s); i++ {
		c := s[i]
		if c == '.' {
			if point >= 0 {
				return notNumeric(text)
			}
			point = seen
			continue
		}
		if c < '0' || c > '9' {
			break
		}
		if c != '0' {
			if first < 0 {
				first = seen
			}
			last = seen
		}
		if first >= 0 {
			if at := seen - first; at < MaxDigits {
				d.digits[at] = c - '0'
			} else if c != '0' {
				tooLong = true
			}
		}
		seen++
	}
	if seen == 0 {
		return notNumeric(text)
	}
	if i < len(s) {
		var ok bool
		if exponent, ok = parseExponent(s[i:]); !ok {
			return notNumeric(text)
		}
	}
	if first < 0 {
		*d = decimal{}
		return nil
	}
	if point < 0 {
		point = seen
	}
	d.exp = point - 1 - first + exponent
	switch {
	case d.exp > MaxExponent:
		return ErrOverflow
	case d.exp < MinExponent:
		return ErrUnderflow
	case tooLong:
		return ErrPrecision
	}
	d.n = min(last-first+1, MaxDigits)
	return nil
}

// parseExponent reads "e+12". What is too large to matter comes back as far.
func parseExponent(s string) (int, bool) {
	if s[0] != 'e' && s[0] != 'E' {
		return 0, false
	}
	s = s[1:]
	negative := false
	if s != "" && (s[0] == '-' || s[0] == '+') {
		negative = s[0] == '-'
		s = s[1:]
	}
	if s == "" {
		return 0, false
	}
	exponent := 0
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		if exponent < far {
			exponent = exponent*10 + int(s[i]-'0')
		}
	}
	if negative {
		exponent = -exponent
	}
	return exponent, true
}

// text returns the canonical text.
func (d *decimal) text() string {
	if d.n == 0 {
		return "0"
	}
	var buf [MaxDigits + 140]byte
	out := buf[:0]
	if d.negative {
		out = append(out, '-')
	}
	if d.exp < 0 {
		out = append(out, '0', '.')
		for range -d.exp - 1 {
			out = append(out, '0')
		}
	}
	for i := range max(d.n, d.exp+1) {
		if i == d.exp+1 && d.exp >= 0 {
			out = append(out, '.')
		}
		if i < d.n {
			out = append(out, '0'+d.digits[i])
		} else {
			out = append(out, '0')
		}
	}
	return string(out)
}

// Compare orders two canonical numbers.
func Compare(a, b string) int {
	negA, negB := a[0] == '-', b[0] == '-'
	switch {
	case negA && negB:
		return -compareMagnitude(a[1:], b[1:])
	case negA:
		return -1
	case negB:
		return 1
	}
	return compareMagnitude(a, b)
}

// compareMagnitude needs no numbers: of canonical texts, the longer integer part is greater, and parts of one length
// compare as texts. '.' sorts before the digits, and the end before everything.
func compareMagnitude(a, b string) int {
	if la, lb := integerLength(a), integerLength(b); la != lb {
		if la < lb {
			return -1
		}
		return 1
	}
	return strings.Compare(a, b)
}

func integerLength(s string) int {
	if i := strings.IndexByte(s, '.'); i >= 0 {
		return i
	}
	return len(s)
}

// Size returns how many bytes a canonical number counts for in an item: one, and one for each two digits on either side of
// the point, and one for a minus; zero counts one. Zeros at either end of the whole count nothing.
// Source: measured by public conformance suites; the Developer Guide's "approximately" says one per two digits plus one.
func Size(s string) int {
	if s == "0" {
		return 1
	}
	size := 1
	if s[0] == '-' {
		size++
		s = s[1:]
	}
	whole, fraction, hasFraction := strings.Cut(s, ".")
	switch {
	case !hasFraction:
		whole = strings.TrimRight(whole, "0")
	case whole == "0":
		whole = ""
		fraction = strings.TrimLeft(fraction, "0")
	}
	return size + (len(whole)+1)/2 + (len(fraction)+1)/2
}
