package vtl

import (
	"cmp"
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// number is a Java number: a Long (an Integer is one too) or a Double.
type number struct {
	i     int64
	f     float64 // counts if float
	float bool
}

// numberOf reads a value that is a number. A JSON integer beyond 64 bits counts as a double, although it prints with all digits.
func numberOf(v any) (number, bool) {
	switch v := v.(type) {
	case int64:
		return number{i: v}, true
	case int:
		return number{i: int64(v)}, true
	case int32:
		return number{i: int64(v)}, true
	case float64:
		return number{f: v, float: true}, true
	case float32:
		return number{f: float64(v), float: true}, true
	case uint64:
		if v > math.MaxInt64 {
			return number{f: float64(v), float: true}, true
		}
		return number{i: int64(v)}, true
	case uint32:
		return number{i: int64(v)}, true
	case uint:
		return numberOf(uint64(v))
	case json.Number:
		if i, err := strconv.ParseInt(string(v), 10, 64); err == nil {
			return number{i: i}, true
		}
		f, err := strconv.ParseFloat(string(v), 64)
		return number{f: f, float: true}, err == nil || math.IsInf(f, 0)
	}
	return number{}, false
}

func (n number) value() any {
	if n.float {
		return n.f
	}
	return n.i
}

func (n number) double() float64 {
	if n.float {
		return n.f
	}
	return float64(n.i)
}

// long is Java's longValue(): doubles lose their fraction and stop at the ends of the range.
func (n number) long() int64 {
	switch {
	case !n.float:
		return n.i
	case math.IsNaN(n.f):
		return 0
	case n.f >= math.MaxInt64:
		return math.MaxInt64
	case n.f <= math.MinInt64:
		return math.MinInt64
	}
	return int64(n.f)
}

// int32 is Java's intValue(): integers lose their upper bits, doubles stop at the ends of the range.
func (n number) int32() int64 {
	if !n.float {
		return int64(int32(n.i))
	}
	return max(math.MinInt32, min(math.MaxInt32, n.long()))
}

// compare returns -1, 0 or 1, or 2 when a NaN has no order.
func (n number) compare(m number) int {
	if !n.float && !m.float {
		return cmp.Compare(n.i, m.i)
	}
	a, b := n.double(), m.double()
	if math.IsNaN(a) || math.IsNaN(b) {
		return 2
	}
	return cmp.Compare(a, b)
}

// arithmetic calculates. Division by zero is null, as is a remainder of it. Integers that leave 64 bits continue as doubles.
func arithmetic(op operator, a, b number) any {
	if (op == opDivide || op == opModulo) && b.double() == 0 {
		return nil
	}
	if !a.float && !b.float {
		if v, ok := integers(op, a.i, b.i); ok {
			return v
		}
	}
	x, y := a.double(), b.double()
	switch op {
	case opAdd:
		return x + y
	case opSubtract:
		return x - y
	case opMultiply:
		return x * y
	case opDivide:
		return x / y
	}
	return math.Mod(x, y)
}

// integers reports false when the result does not fit into 64 bits. b is not 0 where that matters.
func integers(op operator, a, b int64) (int64, bool) {
	switch op {
	case opAdd:
		c := a + b
		return c, (c > a) == (b > 0)
	case opSubtract:
		c := a - b
		return c, (c < a) == (b > 0)
	case opMultiply:
		if a == 0 || b == 0 {
			return 0, true
		}
		c := a * b
		return c, c/b == a && !(a == -1 && b == math.MinInt64) && !(b == -1 && a == math.MinInt64)
	case opDivide:
		return a / b, !(a == math.MinInt64 && b == -1)
	}
	if b == -1 {
		return 0, true
	}
	return a % b, true
}

// appendDouble appends a double as Java's Double.toString writes it: at least one digit behind the point, and an exponent
// outside of 1e-3 to 1e7.
func appendDouble(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	}
	if a := math.Abs(f); a == 0 || a >= 1e-3 && a < 1e7 {
		start := len(dst)
		dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
		if !strings.Contains(string(dst[start:]), ".") {
			dst = append(dst, ".0"...)
		}
		return dst
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
	dst = append(dst, mantissa...)
	if !strings.Contains(mantissa, ".") {
		dst = append(dst, ".0"...)
	}
	sign, digits := exponent[:1], strings.TrimLeft(exponent[1:], "0")
	dst = append(dst, 'E')
	if sign == "-" {
		dst = append(dst, '-')
	}
	return append(dst, digits...)
}

// appendJSONNumber appends a document's number as Java prints it: integers with their digits, all else as a double (1.50 is 1.5, 1e3 is 1000.0).
// That is how json-smart reads numbers; UNCONFIRMED for AWS, as is whether digits beyond a double's are lost there.
func appendJSONNumber(dst []byte, n json.Number) []byte {
	if n == "-0" {
		return append(dst, '0')
	}
	if !strings.ContainsAny(string(n), ".eE") {
		return append(dst, n...)
	}
	f, _ := strconv.ParseFloat(string(n), 64)
	return appendDouble(dst, f)
}
