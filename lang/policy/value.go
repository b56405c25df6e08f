package policy

import (
	"cmp"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

func compare(a, b float64) int { return cmp.Compare(a, b) }

// parseNumber reads an integer or decimal number.
func parseNumber(s string) (float64, bool) {
	if s == "" || strings.Trim(s, "0123456789+-.eE") != "" {
		return 0, false // no "Inf", no "0x10", no "1_000"
	}
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil
}

// parsePrefix reads an address or a range of addresses. An address alone is the range of itself; what a range has set behind its
// prefix is ignored. Source: IAM User Guide, "IP address condition operators".
func parsePrefix(s string) (netip.Prefix, bool) {
	if !strings.Contains(s, "/") {
		a, err := netip.ParseAddr(s)
		if err != nil || a.Zone() != "" {
			return netip.Prefix{}, false
		}
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, false
	}
	if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	return p.Masked(), true
}

// isARN reports whether s has the six parts of an ARN.
func isARN(s string) bool { return strings.HasPrefix(s, "arn:") && strings.Count(s, ":") >= 5 }

// parseDate reads a date in one of the W3C's forms of ISO 8601, or in seconds since 1970.
//
//	date = [ "-" ] year [ "-" month [ "-" day ] ] [ "T" [ hour [ ":" minute [ ":" second [ "." fraction ] ] ] ] [ zone ] ]
//	zone = "Z" / ( "+" / "-" ) hour [ ":" minute ]
//
// Digits may be fewer than usual, as IAM was seen to accept ("01T", "2016-12-13t2:00:00.593194+23"). Without a zone it is UTC.
// Source: IAM User Guide, "Date condition operators".
func parseDate(s string) (time.Time, bool) {
	s = strings.ToUpper(s)
	if !strings.ContainsAny(s, "T-") {
		seconds, err := strconv.ParseInt(s, 10, 64)
		if err != nil || seconds < 0 || s[0] == '+' || seconds > maxEpoch {
			return time.Time{}, false
		}
		return time.Unix(seconds, 0).UTC(), true
	}
	day, clock, _ := strings.Cut(s, "T")
	y, m, d, ok := parseDay(day)
	if !ok {
		return time.Time{}, false
	}
	clock, zone, ok := cutZone(clock)
	if !ok {
		return time.Time{}, false
	}
	hour, minute, second, nano, ok := parseClock(clock)
	if !ok {
		return time.Time{}, false
	}
	return time.Date(y, time.Month(m), d, hour, minute, second, nano, time.UTC).Add(-zone), true
}

// maxEpoch is the last second of the last year that maxYear allows, nearly; beyond it time.Time would wrap around.
const maxEpoch = 9_000_000_000_000_000

// maxYear and minYear are those of IAM's own dates.
const (
	maxYear = 292278993
	minYear = -292275054
)

func parseDay(s string) (y, m, d int, ok bool) {
	s, negative := strings.CutPrefix(s, "-")
	m, d = 1, 1
	var parts [3]int
	n := 0
	for part := range strings.SplitSeq(s, "-") {
		if n == len(parts) {
			return 0, 0, 0, false
		}
		if parts[n], ok = parseDigits(part, maxYear); !ok {
			return 0, 0, 0, false
		}
		n++
	}
	y = parts[0]
	if negative {
		y = -y
	}
	if n > 1 {
		m = parts[1]
	}
	if n > 2 {
		d = parts[2]
	}
	return y, m, d, y >= minYear && 1 <= m && m <= 12 && 1 <= d && d <= 31
}

func parseClock(s string) (hour, minute, second, nano int, ok bool) {
	if s == "" {
		return 0, 0, 0, 0, true
	}
	h, rest, more := strings.Cut(s, ":")
	if hour, ok = parseDigits(h, 23); !ok || !more {
		return hour, 0, 0, 0, ok
	}
	m, rest, more := strings.Cut(rest, ":")
	if minute, ok = parseDigits(m, 59); !ok || !more {
		return hour, minute, 0, 0, ok
	}
	sec, fraction, more := strings.Cut(rest, ".")
	if second, ok = parseDigits(sec, 59); !ok || !more {
		return hour, minute, second, 0, ok
	}
	if len(fraction) > 9 {
		return 0, 0, 0, 0, false
	}
	nano, ok = parseDigits(fraction, 999999999)
	for range 9 - len(fraction) {
		nano *= 10
	}
	return hour, minute, second, nano, ok
}

// cutZone cuts the zone off a time of day.
func cutZone(s string) (clock string, offset time.Duration, ok bool) {
	if clock, zulu := strings.CutSuffix(s, "Z"); zulu {
		return clock, 0, true
	}
	at := strings.LastIndexAny(s, "+-")
	if at < 0 {
		return s, 0, true
	}
	h, m, withMinutes := strings.Cut(s[at+1:], ":")
	hours, ok := parseDigits(h, 23)
	if !ok || len(h) != 2 {
		return "", 0, false
	}
	minutes := 0
	if withMinutes {
		if minutes, ok = parseDigits(m, 59); !ok || len(m) != 2 {
			return "", 0, false
		}
	}
	offset = time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if s[at] == '-' {
		offset = -offset
	}
	return s[:at], offset, true
}

// parseDigits reads decimal digits and nothing else, up to a limit below 2³¹.
func parseDigits(s string, most int) (int, bool) {
	if s == "" || len(s) > 9 {
		return 0, false
	}
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, n <= most
}
