package number

import "strconv"

// span covers every place that a digit of a number can have, and one for a carry: 10^126 down to 10^(-130-37).
const (
	top  = MaxExponent + 1
	span = top - (MinExponent - MaxDigits + 1) + 1
)

// Add returns the exact sum of two canonical numbers. A sum that is out of range or needs more than 38 digits is
// ErrOverflow, as with DynamoDB, which has one error for both.
func Add(a, b string) (string, error) { return combine(a, b, false) }

// Subtract returns the exact difference a - b. Errors: as Add's.
func Subtract(a, b string) (string, error) { return combine(a, b, true) }

func combine(a, b string, minus bool) (string, error) {
	if x, ok := small(a); ok {
		if y, ok := small(b); ok {
			if minus {
				y = -y
			}
			return strconv.FormatInt(x+y, 10), nil
		}
	}
	var x, y decimal
	if err := x.parse(a); err != nil {
		return "", err
	}
	if err := y.parse(b); err != nil {
		return "", err
	}
	if minus {
		y.negative = !y.negative
	}
	var sum [span]int8 // sum[i] is the digit of 10^(top-i)
	x.pour(&sum)
	y.pour(&sum)
	negative := false
	for i := range sum {
		if sum[i] != 0 {
			negative = sum[i] < 0
			break
		}
	}
	if negative {
		for i := range sum {
			sum[i] = -sum[i]
		}
	}
	var carry int8
	for i := span - 1; i >= 0; i-- {
		v := sum[i] + carry
		carry = 0
		for v < 0 {
			v += 10
			carry--
		}
		for v > 9 {
			v -= 10
			carry++
		}
		sum[i] = v
	}
	return collect(&sum, negative)
}

// small returns a canonical number that is an integer of at most 18 digits, as counters are.
func small(s string) (int64, bool) {
	if len(s) > 18 {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

// pour adds d's digits to sum, each at its place.
func (d *decimal) pour(sum *[span]int8) {
	for i := range d.n {
		v := int8(d.digits[i])
		if d.negative {
			v = -v
		}
		sum[top-d.exp+i] += v
	}
}

// collect makes the number of the places' digits.
func collect(sum *[span]int8, negative bool) (string, error) {
	first, last := -1, -1
	for i, v := range sum {
		if v != 0 {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	if first < 0 {
		return "0", nil
	}
	d := decimal{negative: negative, exp: top - first, n: last - first + 1}
	switch {
	case d.exp > MaxExponent || d.n > MaxDigits:
		return "", ErrOverflow
	case d.exp < MinExponent:
		return "", ErrUnderflow
	}
	for i := range d.n {
		d.digits[i] = byte(sum[first+i])
	}
	return d.text(), nil
}
