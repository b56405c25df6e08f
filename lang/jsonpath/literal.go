package jsonpath

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/sockgate/sockgate/lang/jsonvalue"
)

// literal reads a string in either kind of quotes, a number, true, false, null, an array or an object.
func (p *parser) literal() (any, error) {
	p.blanks()
	switch {
	case p.is('\'') || p.is('"'):
		return p.quoted()
	case p.is('['):
		return p.array()
	case p.is('{'):
		return p.object()
	case p.has("true"):
		p.pos += 4
		return true, nil
	case p.has("false"):
		p.pos += 5
		return false, nil
	case p.has("null"):
		p.pos += 4
		return nil, nil
	}
	start := p.pos
	for p.more() && strings.IndexByte("0123456789-+.eE", p.text[p.pos]) >= 0 {
		p.pos++
	}
	text := p.text[start:p.pos]
	if !isNumber(text) {
		p.pos = start
		return nil, p.fail("expected a value")
	}
	return json.Number(jsonNumber(text)), nil
}

// jsonNumber spells a number that Java takes as JSON has it: without plus, with digits on both sides of the point.
func jsonNumber(s string) string {
	if json.Valid([]byte(s)) {
		return s
	}
	sign := ""
	if s[0] == '-' {
		sign = "-"
	}
	s = strings.TrimLeft(s, "+-")
	mantissa, exponent := s, ""
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa, exponent = s[:i], s[i:]
	}
	whole, fraction, point := strings.Cut(mantissa, ".")
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		whole = "0"
	}
	if point && fraction != "" {
		whole += "." + fraction
	}
	return sign + whole + exponent
}

// array reads an array. As in Jayway's parser, an element that is none of the other literals is a string without quotes.
func (p *parser) array() (any, error) {
	a := &jsonvalue.Array{}
	err := p.elements(']', func() error {
		v, err := p.element()
		a.Items = append(a.Items, v)
		return err
	})
	return a, err
}

func (p *parser) object() (any, error) {
	o := &jsonvalue.Object{}
	err := p.elements('}', func() error {
		name, err := p.element()
		if err != nil {
			return err
		}
		text, ok := name.(string)
		if !ok {
			return p.fail("a member's name must be a string")
		}
		if err := p.expect(':'); err != nil {
			return err
		}
		v, err := p.element()
		o.Set(text, v)
		return err
	})
	return o, err
}

// elements reads what is separated by commas, from behind the opening bracket to behind the closing one.
func (p *parser) elements(end byte, one func() error) error {
	if p.nesting++; p.nesting > MaxNesting {
		return p.fail("nested deeper than %d levels", MaxNesting)
	}
	defer func() { p.nesting-- }()
	p.pos++
	if p.blanks(); p.is(end) {
		p.pos++
		return nil
	}
	for {
		if err := one(); err != nil {
			return err
		}
		p.blanks()
		switch {
		case p.is(end):
			p.pos++
			return nil
		case !p.is(','):
			return p.fail("expected ',' or '%c'", end)
		}
		p.pos++
	}
}

func (p *parser) element() (any, error) {
	p.blanks()
	if p.is('\'') || p.is('"') || p.is('[') || p.is('{') {
		return p.literal()
	}
	start := p.pos
	for p.more() && strings.IndexByte(",:]}", p.text[p.pos]) < 0 {
		p.pos++
	}
	text := strings.TrimRight(p.text[start:p.pos], " ")
	switch {
	case text == "":
		return nil, p.fail("expected a value")
	case text == "true" || text == "false":
		return text == "true", nil
	case text == "null":
		return nil, nil
	case isNumber(text):
		return json.Number(jsonNumber(text)), nil
	}
	return text, nil
}

// quoted reads a string up to the quote that it began with. Escapes are Java's: \n, \t, \r, \b, \f, \uXXXX; before anything else the
// backslash is dropped.
func (p *parser) quoted() (string, error) {
	end := quoteEnd(p.text, p.pos)
	if end < 0 {
		return "", p.fail("a quoted text is not closed")
	}
	raw := p.text[p.pos+1 : end]
	var b strings.Builder
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			b.WriteByte(raw[i])
			continue
		}
		i++
		if raw[i] != 'u' {
			if j := strings.IndexByte("ntrbf", raw[i]); j >= 0 {
				b.WriteByte("\n\t\r\b\f"[j])
			} else {
				b.WriteByte(raw[i])
			}
			continue
		}
		r, size := unicodeEscape(raw[i-1:])
		if size == 0 {
			return "", p.fail(`\u must be followed by four hexadecimal digits`)
		}
		b.WriteRune(r)
		i += size - 2
	}
	p.pos = end + 1
	return b.String(), nil
}

// unicodeEscape reads \uXXXX, and the second half of a pair behind it, and returns how many bytes it took, or 0.
func unicodeEscape(s string) (rune, int) {
	unit := func(s string) rune {
		if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
			return -1
		}
		n, err := strconv.ParseUint(s[2:6], 16, 16)
		if err != nil {
			return -1
		}
		return rune(n)
	}
	high := unit(s)
	if high < 0 {
		return 0, 0
	}
	if utf16.IsSurrogate(high) {
		if r := utf16.DecodeRune(high, unit(s[6:])); r != utf8.RuneError {
			return r, 12
		}
		return utf8.RuneError, 6
	}
	return high, 6
}
