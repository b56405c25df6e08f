package table

import (
	"crypto/md5"
	"encoding/binary"

	"github.com/sockgate/sockgate/lang/ddb/value"
)

// The first bytes of keys; see the package's comment.
const (
	definitionKey = 'd'
	itemKey       = 'i'
	indexKey      = 'x'
	counterKey    = 'c'
	streamKey     = 's'
	expiryKey     = 't'
	tokenKey      = 'k'
	warmKey       = 'w' // means nothing: see warm
)

// headLen is how many bytes come before the bucket in an item's key.
const headLen = 5

func definitionAt(table uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{definitionKey}, table)
}

// appendSpace appends what all keys of a table (or, of index keys, of one of its indexes) begin with.
func appendSpace(b []byte, kind byte, table uint32) []byte {
	return binary.BigEndian.AppendUint32(append(b, kind), table)
}

func appendIndexSpace(b []byte, kind byte, table uint32, index uint16) []byte {
	return binary.BigEndian.AppendUint16(appendSpace(b, kind, table), index)
}

// bucketLen is the size in bytes of a bucket.
const bucketLen = 3

// appendBucket appends the bucket of a key: the first bytes of the MD5 of "Outliers" and the key's values. DynamoDB is observed to spread
// items so, which settles the order of a Scan, of an index's entries with the same key, and which segment an item belongs to.
// Source: dynalite's tests, which compare with Amazon's answers.
func appendBucket(b []byte, keys ...value.Value) []byte {
	var space [128]byte
	text := append(space[:0], "Outliers"...)
	for _, k := range keys {
		if k.Kind() == value.N {
			text = appendStorageNumber(text, k.Text())
		} else {
			text = append(text, k.Text()...)
		}
	}
	sum := md5.Sum(text)
	return append(b, sum[:bucketLen]...)
}

// appendStorageNumber appends a number as DynamoDB stores it: an exponent of 100, then pairs of decimal digits plus one; a negative
// number's are complemented, with 102 behind them when there is room. text is a canonical decimal.
// Source: dynalite's tests of the order of numbers.
func appendStorageNumber(b []byte, text string) []byte {
	negative := text != "" && text[0] == '-'
	if negative {
		text = text[1:]
	}
	// digits without leading and trailing zeros; exponent so that the number is 0.digits × 10^exponent.
	var space [40]byte
	digits := space[:0]
	exponent, seen, point := 0, false, false
	for i := range len(text) {
		c := text[i]
		switch {
		case c == '.':
			point = true
			continue
		case c == '0' && !seen:
			if point {
				exponent--
			}
			continue
		}
		seen = true
		digits = append(digits, c-'0')
		if !point {
			exponent++
		}
	}
	for len(digits) > 0 && digits[len(digits)-1] == 0 {
		digits = digits[:len(digits)-1]
	}
	if len(digits) == 0 {
		return append(b, 0x80)
	}
	odd := exponent&1 != 0
	if odd {
		exponent++
	}
	first := byte(exponent/2 - 64)
	if negative {
		first = ^first
	}
	b = append(b, first)
	pairs := 0
	high, half := byte(0), odd
	for _, d := range digits {
		if !half {
			high, half = d*10, true
			continue
		}
		b = append(b, pair(high+d, negative))
		high, half = 0, false
		pairs++
	}
	if half { // digits is not empty, so high is one of them
		b = append(b, pair(high, negative))
		pairs++
	}
	if negative && pairs < 20 {
		b = append(b, 102)
	}
	return b
}

func pair(p byte, negative bool) byte {
	if negative {
		return 101 - p
	}
	return p + 1
}

// appendItemKey appends the key of the item whose key attributes are hash and, unless it is Absent, rng.
func appendItemKey(b []byte, table uint32, hash, rng value.Value) []byte {
	b = appendBucket(appendSpace(b, itemKey, table), hash)
	return appendKeyValues(b, hash, rng)
}

func appendKeyValues(b []byte, hash, rng value.Value) []byte {
	b = value.AppendKey(b, hash)
	if rng.Kind() != value.Absent {
		b = value.AppendKey(b, rng)
	}
	return b
}

// appendTail appends what tells index entries with the same index key apart: their items' keys.
func appendTail(b []byte, hash, rng value.Value) []byte {
	if rng.Kind() == value.Absent {
		b = appendBucket(b, hash)
	} else {
		b = appendBucket(b, hash, rng)
	}
	return appendKeyValues(b, hash, rng)
}

// after returns the first key behind all those that begin with prefix; nil when there is none.
func after(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i] != 0xff {
			end[i]++
			return end[:i+1]
		}
	}
	return nil
}
