package config

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Size is a number of bytes. It is written as a plain number or with a unit: B, KiB, MiB, GiB (powers of 1024),
// KB, MB or GB (powers of 1000).
type Size int64

// The units of a Size. The longest suffixes come first, as "B" ends all of them.
var sizeUnits = []struct {
	suffix string
	bytes  int64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30},
	{"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9},
	{"B", 1},
}

// ParseSize reads what String writes, and every other form that Size describes.
func ParseSize(text string) (Size, error) {
	digits, unit := text, int64(1)
	for _, u := range sizeUnits {
		if rest, ok := strings.CutSuffix(text, u.suffix); ok {
			digits, unit = strings.TrimRight(rest, " "), u.bytes
			break
		}
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil || int64(n) > math.MaxInt64/unit {
		return 0, errors.New("is not a size; write a number of bytes such as 32768, or one with a unit such as 32KiB")
	}
	return Size(int64(n) * unit), nil
}

// String writes the size with the largest binary unit that divides it.
func (s Size) String() string {
	for _, u := range []int{2, 1, 0} {
		if unit := Size(sizeUnits[u].bytes); s != 0 && s%unit == 0 {
			return strconv.FormatInt(int64(s/unit), 10) + sizeUnits[u].suffix
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

// Secret is text that does not show itself when it is printed, logged or encoded. Convert it to string to use it.
type Secret string

const hidden = "[hidden]"

func (Secret) String() string               { return hidden }
func (Secret) GoString() string             { return hidden }
func (Secret) LogValue() slog.Value         { return slog.StringValue(hidden) }
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// Map holds named values. In the file it is a mapping; elsewhere "name=value" pairs with commas between them. A name holds no "=",
// and a value no comma.
type Map map[string]string

// ParseMap reads what String writes.
func ParseMap(text string) (Map, error) {
	m := Map{}
	for pair := range strings.SplitSeq(text, ",") {
		name, value, ok := strings.Cut(pair, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok || name == "" || value == "" {
			return nil, errors.New("is no list of name=value pairs with commas between them")
		}
		if _, twice := m[name]; twice {
			return nil, fmt.Errorf("names %s twice", name)
		}
		m[name] = value
	}
	return m, nil
}

// String writes the pairs in the order of their names.
func (m Map) String() string {
	pairs := make([]string, 0, len(m))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		pairs = append(pairs, name+"="+m[name])
	}
	return strings.Join(pairs, ",")
}

// List holds values in order. In the file it is a list; elsewhere its values stand with commas between them. A value holds no comma.
type List []string

// ParseList reads what String writes.
func ParseList(text string) (List, error) {
	var l List
	for value := range strings.SplitSeq(text, ",") {
		if value = strings.TrimSpace(value); value == "" {
			return nil, errors.New("has an empty value between its commas")
		}
		l = append(l, value)
	}
	return l, nil
}

// String writes the values in their order.
func (l List) String() string { return strings.Join(l, ",") }

// parse sets the setting from text. Its error completes the sentence "limits.frameSize: "x" ...".
func (s *Setting) parse(text string) error {
	switch p := s.target.(type) {
	case *string:
		*p = text
	case *Secret:
		*p = Secret(text)
	case *bool:
		if text != "true" && text != "false" {
			return errors.New("is neither true nor false")
		}
		*p = text == "true"
	case *int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return errors.New("is not a whole number")
		}
		*p = n
	case *Size:
		n, err := ParseSize(text)
		if err != nil {
			return err
		}
		*p = n
	case *Map:
		m, err := ParseMap(text)
		if err != nil {
			return err
		}
		*p = m
	case *List:
		list, err := ParseList(text)
		if err != nil {
			return err
		}
		*p = list
	case *time.Duration:
		d, err := time.ParseDuration(text)
		if err != nil {
			return errors.New("is not a duration; write a number with its unit, such as 10s, 5m or 1h30m")
		}
		*p = d
	default:
		panic(fmt.Sprintf("config: setting %s has a type that is not supported: %T", s.Key, s.target))
	}
	return nil
}

// number returns the setting's value in its smallest unit, where it is a quantity.
func (s *Setting) number() (n int64, ok bool) {
	switch p := s.target.(type) {
	case *int:
		return int64(*p), true
	case *Size:
		return int64(*p), true
	case *time.Duration:
		return int64(*p), true
	}
	return 0, false
}

// text returns the setting's value in the form in which a user would write it.
func (s *Setting) text() string {
	switch p := s.target.(type) {
	case *string:
		return *p
	case *Secret:
		return string(*p)
	case *bool:
		return strconv.FormatBool(*p)
	case *int:
		return strconv.Itoa(*p)
	case *Size:
		return p.String()
	case *Map:
		return p.String()
	case *List:
		return p.String()
	case *time.Duration:
		return p.String()
	}
	return ""
}
