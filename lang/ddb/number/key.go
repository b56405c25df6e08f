package number

import "github.com/sockgate/sockgate"

// The first byte of a key: what sorts first.
const (
	keyNegative = 1
	keyZero     = 2
	keyPositive = 3
)

// AppendKey appends a canonical number as bytes that sort as numbers do:
//
//	key      = %x02                                     ; zero
//	         / %x03 exponent 1*pair %x00                ; positive
//	         / %x01 exponent 1*pair %xFF                ; negative: exponent and pairs are complemented
//	exponent = OCTET                                    ; of the first digit, plus 130
//	pair     = %x01-64                                  ; two digits, plus 1
//
// No key is a prefix of another.
func AppendKey(dst []byte, s string) []byte {
	var d decimal
	if err := d.parse(s); err != nil || d.n == 0 {
		return append(dst, keyZero)
	}
	start, flip, sign := len(dst)+1, byte(0), byte(keyPositive)
	if d.negative {
		flip, sign = 0xFF, keyNegative
	}
	dst = append(dst, sign, byte(d.exp-MinExponent))
	for i := 0; i < d.n; i += 2 {
		pair := d.digits[i] * 10
		if i+1 < d.n {
			pair += d.digits[i+1]
		}
		dst = append(dst, pair+1)
	}
	dst = append(dst, 0)
	for i := start; i < len(dst); i++ {
		dst[i] ^= flip
	}
	return dst
}

// ReadKey reads the number that AppendKey wrote at the start of src, and returns its canonical text and the bytes after it.
// Errors: sockgate.Internal, for bytes that AppendKey did not write.
func ReadKey(src []byte) (s string, rest []byte, err error) {
	if len(src) > 0 && src[0] == keyZero {
		return "0", src[1:], nil
	}
	if len(src) < 2 || (src[0] != keyNegative && src[0] != keyPositive) {
		return "", nil, errKey
	}
	var d decimal
	flip := byte(0)
	if d.negative = src[0] == keyNegative; d.negative {
		flip = 0xFF
	}
	d.exp = int(src[1]^flip) + MinExponent
	for i := 2; i < len(src); i++ {
		pair := src[i] ^ flip
		if pair == 0 {
			for d.n > 0 && d.digits[d.n-1] == 0 {
				d.n--
			}
			if d.n == 0 || d.digits[0] == 0 {
				return "", nil, errKey
			}
			return d.text(), src[i+1:], nil
		}
		if pair > 100 || d.n+2 > MaxDigits {
			return "", nil, errKey
		}
		d.digits[d.n], d.digits[d.n+1] = (pair-1)/10, (pair-1)%10
		d.n += 2
	}
	return "", nil, errKey
}

var errKey = sockgate.Internalf("bytes are no number key")
