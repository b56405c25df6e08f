package validate

import (
	"encoding/json"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// choice is the keyword "enum" with its values found by their text. The library compares a message's value with one after the other,
// and makes fractions of both each time, so that a list of codes and an array of numbers would take seconds together.
type choice struct {
	values []any
	texts  map[string]bool // canonical
}

var _ jsonschema.SchemaExt = (*choice)(nil)

// indexEnum puts a choice in the place of the enum of a model's schema. The meta-schema is the library's, and left alone.
func indexEnum(s *jsonschema.Schema) {
	if s.Enum == nil || !strings.HasPrefix(s.Location, addressPrefix) {
		return
	}
	c := &choice{values: s.Enum.Values, texts: make(map[string]bool, len(s.Enum.Values))}
	for _, v := range s.Enum.Values {
		c.texts[string(canonical(nil, v))] = true
	}
	s.Enum = nil
	s.Extensions = append(s.Extensions, c)
}

// enumOf returns the values of a schema's enum, indexed or not. ok is false when there is none.
func enumOf(s *jsonschema.Schema) (values []any, ok bool) {
	if s.Enum != nil {
		return s.Enum.Values, true
	}
	for _, e := range s.Extensions {
		if c, ok := e.(*choice); ok {
			return c.values, true
		}
	}
	return nil, false
}

// Validate reports a value that is none of the enum's.
func (c *choice) Validate(ctx *jsonschema.ValidatorContext, v any) {
	var room [64]byte
	if !c.texts[string(canonical(room[:0], v))] {
		ctx.AddError(&kind.Enum{Got: v, Want: c.values})
	}
}

// canonical appends a text that equal values have in common, and no others.
func canonical(dst []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return strconv.AppendQuote(dst, v)
	case json.Number:
		return appendNumber(dst, string(v))
	case []any:
		dst = append(dst, '[')
		for _, item := range v {
			dst = append(canonical(dst, item), ',')
		}
		return append(dst, ']')
	case map[string]any:
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		slices.Sort(names)
		dst = append(dst, '{')
		for _, name := range names {
			dst = append(canonical(append(strconv.AppendQuote(dst, name), ':'), v[name]), ',')
		}
		return append(dst, '}')
	case bool:
		return strconv.AppendBool(dst, v)
	}
	return append(dst, "null"...)
}

func appendNumber(dst []byte, n string) []byte {
	if !strings.ContainsAny(n, ".eE") && n != "-0" {
		return append(dst, n...)
	}
	r, ok := new(big.Rat).SetString(n)
	if !ok { // a number that the decoder took is one
		return append(dst, n...)
	}
	return append(dst, r.RatString()...)
}
