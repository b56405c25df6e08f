package validate

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// quick accepts most good messages in one walk over their text, without making a document of them: 20 properties in a tenth of the
// library's time. It knows the everyday keywords and says either yes or nothing. Whatever it does not know, or finds at fault,
// is left to the library, whose verdict it never contradicts.
type quick struct {
	types   kinds // 0: any
	unknown kinds // what has to be left to the library

	properties map[string]property
	required   uint64 // the bits of all required properties
	additional *quick // for other properties; nil: there may be none

	items              *quick
	minItems, maxItems int // -1: no maximum

	texts                map[string]bool // of the enum; nil: any
	minLength, maxLength int             // -1: no maximum
	pattern              jsonschema.Regexp
	format               *jsonschema.Format

	above, below     bool // there is a minimum, a maximum
	minimum, maximum int64
	openLow, openTop bool // they are exclusive
}

type property struct {
	schema *quick // nil: anything
	bit    uint64 // in required
}

// kinds is a set of types of values.
type kinds uint8

const (
	null kinds = 1 << iota
	boolean
	integer
	fraction // a number that is not spelled as an integer
	text
	array
	object
	every = null | boolean | integer | fraction | text | array | object
)

// anything accepts every value. It is made once for each model, because it contains itself.
func anything() *quick {
	q := &quick{maxLength: -1, maxItems: -1}
	q.items, q.additional = q, q
	return q
}

// quicken prepares a schema. done holds those that were prepared, or are being so, and under nil what accepts everything.
func quicken(s *jsonschema.Schema, done map[*jsonschema.Schema]*quick) *quick {
	if s == nil || s.Bool != nil && *s.Bool {
		return done[nil]
	}
	if s.Ref != nil {
		return quicken(s.Ref, done) // beside a reference nothing counts; endless ones were refused
	}
	if q, ok := done[s]; ok {
		return q
	}
	q := &quick{maxLength: -1, maxItems: -1}
	done[s] = q
	if s.Bool != nil || s.Not != nil || len(s.AllOf)+len(s.AnyOf)+len(s.OneOf) > 0 || s.Const != nil {
		q.unknown = every
		return q
	}
	if s.Types != nil {
		for _, name := range s.Types.ToStrings() {
			q.types |= map[string]kinds{"null": null, "boolean": boolean, "integer": integer, "number": integer | fraction,
				"string": text, "array": array, "object": object}[name]
		}
	}
	if values, ok := enumOf(s); ok {
		q.unknown |= every &^ text
		q.texts = map[string]bool{}
		for _, v := range values {
			if t, ok := v.(string); ok {
				q.texts[t] = true
			}
		}
	}
	q.ofStrings(s)
	q.ofNumbers(s)
	q.ofArrays(s, done)
	q.ofObjects(s, done)
	return q
}

func (q *quick) ofStrings(s *jsonschema.Schema) {
	if s.MinLength != nil {
		q.minLength = *s.MinLength
	}
	if s.MaxLength != nil {
		q.maxLength = *s.MaxLength
	}
	q.pattern, q.format = s.Pattern, s.Format
	if s.ContentEncoding != nil || s.ContentMediaType != nil {
		q.unknown |= text
	}
}

func (q *quick) ofNumbers(s *jsonschema.Schema) {
	low, high := s.Minimum, s.Maximum
	if s.ExclusiveMinimum != nil {
		low, q.openLow = s.ExclusiveMinimum, true
	}
	if s.ExclusiveMaximum != nil {
		high, q.openTop = s.ExclusiveMaximum, true
	}
	if s.MultipleOf != nil || s.Minimum != nil && s.ExclusiveMinimum != nil || s.Maximum != nil && s.ExclusiveMaximum != nil {
		q.unknown |= integer | fraction
	}
	if low != nil {
		q.above = true
		if q.minimum = low.Num().Int64(); !low.IsInt() || !low.Num().IsInt64() {
			q.unknown |= integer | fraction
		}
	}
	if high != nil {
		q.below = true
		if q.maximum = high.Num().Int64(); !high.IsInt() || !high.Num().IsInt64() {
			q.unknown |= integer | fraction
		}
	}
	if q.above || q.below {
		q.unknown |= fraction
	}
}

func (q *quick) ofArrays(s *jsonschema.Schema, done map[*jsonschema.Schema]*quick) {
	if s.MinItems != nil {
		q.minItems = *s.MinItems
	}
	if s.MaxItems != nil {
		q.maxItems = *s.MaxItems
	}
	items, one := s.Items.(*jsonschema.Schema)
	if s.UniqueItems || s.Items != nil && !one {
		q.unknown |= array
	}
	q.items = quicken(items, done)
}

func (q *quick) ofObjects(s *jsonschema.Schema, done map[*jsonschema.Schema]*quick) {
	// Members are counted by the library, for one that is there twice counts once.
	if len(s.PatternProperties) > 0 || len(s.Dependencies) > 0 || s.MinProperties != nil || s.MaxProperties != nil || len(s.Required) > 64 {
		q.unknown |= object
	}
	switch more := s.AdditionalProperties.(type) {
	case nil:
		q.additional = done[nil]
	case bool:
		if more {
			q.additional = done[nil]
		}
	case *jsonschema.Schema:
		q.additional = quicken(more, done)
	}
	if q.unknown&object != 0 {
		return
	}
	q.properties = make(map[string]property, len(s.Properties))
	for name, inner := range s.Properties {
		q.properties[name] = property{schema: quicken(inner, done)}
	}
	for i, name := range s.Required {
		p, ok := q.properties[name]
		if !ok {
			if q.additional == nil {
				q.unknown |= object // required and not allowed
				return
			}
			p.schema = q.additional
		}
		p.bit |= 1 << i
		q.required |= 1 << i
		q.properties[name] = p
	}
}

// accepts walks over the value at d and reports whether it surely satisfies q. After false d is anywhere.
func (q *quick) accepts(d *decoder, depth int) bool {
	switch d.next() {
	case '{':
		return q.allows(object) && depth > 0 && q.acceptsObject(d, depth)
	case '[':
		return q.allows(array) && depth > 0 && q.acceptsArray(d, depth)
	case '"':
		return q.allows(text) && q.acceptsText(d)
	case 't':
		d.pos += 4
		return q.allows(boolean)
	case 'f':
		d.pos += 5
		return q.allows(boolean)
	case 'n':
		d.pos += 4
		return q.allows(null)
	}
	return q.acceptsNumber(d)
}

func (q *quick) allows(k kinds) bool { return q.unknown&k == 0 && (q.types == 0 || q.types&k != 0) }

func (q *quick) acceptsObject(d *decoder, depth int) bool {
	seen := uint64(0)
	for d.pos++; d.next() != '}'; {
		name, ok := d.plain()
		if !ok {
			return false
		}
		schema := q.additional
		if p, ok := q.properties[name]; ok {
			schema = p.schema
			seen |= p.bit
		}
		if schema == nil || !schema.accepts(d, depth-1) {
			return false
		}
	}
	d.pos++
	return seen&q.required == q.required
}

func (q *quick) acceptsArray(d *decoder, depth int) bool {
	n := 0
	for d.pos++; d.next() != ']'; n++ {
		if !q.items.accepts(d, depth-1) {
			return false
		}
	}
	d.pos++
	return n >= q.minItems && (q.maxItems < 0 || n <= q.maxItems)
}

func (q *quick) acceptsText(d *decoder) bool {
	s, plain := d.plain()
	if q.texts == nil && q.minLength == 0 && q.maxLength < 0 && q.pattern == nil && q.format == nil {
		return plain || d.escaped()
	}
	if !plain || q.texts != nil && !q.texts[s] {
		return false
	}
	if q.minLength > 0 || q.maxLength >= 0 {
		n := utf8.RuneCountInString(s)
		if n < q.minLength || q.maxLength >= 0 && n > q.maxLength {
			return false
		}
	}
	return (q.pattern == nil || q.pattern.MatchString(s)) && (q.format == nil || q.format.Validate(s) == nil)
}

func (q *quick) acceptsNumber(d *decoder) bool {
	start := d.pos
	for d.pos < len(d.text) && (d.text[d.pos] >= '0' && d.text[d.pos] <= '9' || d.text[d.pos] == '-') {
		d.pos++
	}
	if d.pos < len(d.text) && d.text[d.pos] == '.' {
		for d.pos++; d.pos < len(d.text) && d.text[d.pos] >= '0' && d.text[d.pos] <= '9'; d.pos++ {
		}
		if d.exponent() {
			return false
		}
		return q.allows(fraction)
	}
	if d.exponent() {
		return false
	}
	if !q.allows(integer) {
		return false
	}
	if !q.above && !q.below {
		return true
	}
	n, err := strconv.ParseInt(d.text[start:d.pos], 10, 64)
	return err == nil &&
		(!q.above || n > q.minimum || n == q.minimum && !q.openLow) &&
		(!q.below || n < q.maximum || n == q.maximum && !q.openTop)
}

// exponent reports whether a number goes on with one.
func (d *decoder) exponent() bool {
	return d.pos < len(d.text) && (d.text[d.pos] == 'e' || d.text[d.pos] == 'E')
}

// plain reads a string without escapes, or stays where it is.
func (d *decoder) plain() (string, bool) {
	start := d.pos + 1
	end := start + strings.IndexByte(d.text[start:], '"')
	if strings.IndexByte(d.text[start:end], '\\') >= 0 {
		return "", false
	}
	d.pos = end + 1
	return d.text[start:end], true
}

// escaped passes over a string with escapes.
func (d *decoder) escaped() bool {
	for d.pos++; d.text[d.pos] != '"'; d.pos++ {
		if d.text[d.pos] == '\\' {
			d.pos++
		}
	}
	d.pos++
	return true
}
