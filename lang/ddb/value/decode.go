package value

import (
	"encoding/base64"
	"strconv"
	"strings"
	"sync"
)

// What DynamoDB says when JSON has the wrong shape. Source: public conformance suites.
const (
	unexpectedMap   = "Start of structure or map found where not expected"
	unexpectedField = "Unexpected field type"
	unexpectedValue = "Unexpected value type in payload"
	unexpectedToken = "Unexpected token received from parser"
	notBase64       = "only base-64-encoded strings are convertible to bytes"
	valueClass      = "class com.amazonaws.dynamodb.v20120810.AttributeValue"
	valueMapClass   = "java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.AttributeValue>"
)

// decoder reads attribute values. Members of what is being read wait in stack until they are all there, so that each map,
// list or set is one allocation of the right size.
type decoder struct {
	scanner
	stack []Field
}

var decoders = sync.Pool{New: func() any { return &decoder{stack: make([]Field, 0, 64)} }}

func decoderFor(src string, at int) *decoder {
	d := decoders.Get().(*decoder)
	d.src, d.at = src, at
	return d
}

func (d *decoder) release() {
	clear(d.stack) // what an error left
	d.src, d.stack = "", d.stack[:0]
	if cap(d.stack) <= 1024 {
		decoders.Put(d)
	}
}

// DecodeValue reads one attribute value ({"S":"x"}) at src[at:], which may have white space before it, and returns where it
// ends. It is for members of maps and elements of lists; see DecodeField. The value shares src's memory.
// Errors: *ShapeError. JSON null gives an Absent value.
func DecodeValue(src string, at int) (v Value, end int, err error) {
	return decodeValue(src, at, unexpectedValue)
}

// DecodeField is DecodeValue for a field of a structure (Expected's Value), whose errors DynamoDB words otherwise.
func DecodeField(src string, at int) (v Value, end int, err error) {
	return decodeValue(src, at, unexpectedField)
}

func decodeValue(src string, at int, complaint string) (Value, int, error) {
	d := decoderFor(src, at)
	defer d.release()
	v, err := d.value(1, complaint)
	return v, d.at, err
}

// DecodeItem reads a JSON object of attribute values at src[at:] and returns where it ends. It shares src's memory.
// Errors: *ShapeError. JSON null gives a nil Item, an empty object one that is not nil.
func DecodeItem(src string, at int) (it Item, end int, err error) {
	d := decoderFor(src, at)
	defer d.release()
	fields, null, err := d.members(1)
	if err != nil || null {
		return nil, d.at, err
	}
	return MakeItem(fields), d.at, nil
}

// value reads one attribute value at a level of nesting; an item's attributes are level 1.
func (d *decoder) value(level int, complaint string) (Value, error) {
	switch d.next() {
	case '{':
	case '[':
		return Value{}, &ShapeError{"Unrecognized collection type " + valueClass}
	default:
		token, err := d.scalar()
		if err == nil && token != "" {
			err = &ShapeError{complaint}
		}
		return Value{}, err
	}
	if level > MaxDepth {
		return invalid(tooDeep, ""), d.skip(0)
	}
	var v Value
	several := false
	d.at++
	if d.take('}') {
		return invalid(emptyValue, ""), nil
	}
	for {
		if d.next() != '"' {
			return Value{}, errSyntax
		}
		name, err := d.text()
		if err != nil {
			return Value{}, err
		}
		if !d.take(':') {
			return Value{}, errSyntax
		}
		member, err := d.typed(name, level)
		if err != nil {
			return Value{}, err
		}
		switch {
		case member.kind == Absent || v.kind == Invalid:
		case v.kind == Absent || v.kind == member.kind || member.kind == Invalid:
			v = member
		default:
			several = true
			if member.broken {
				v = member
			}
		}
		if d.take('}') {
			break
		}
		if !d.take(',') {
			return Value{}, errSyntax
		}
	}
	switch {
	case v.kind == Absent:
		return invalid(emptyValue, ""), nil
	case several && !v.broken:
		return invalid(severalTypes, ""), nil
	}
	return v, nil
}

// typed reads what stands after a type's name. An unknown name, or null, gives an Absent value.
func (d *decoder) typed(name string, level int) (Value, error) {
	switch name {
	case "S":
		text, null, err := d.stringValue()
		if err != nil || null {
			return Value{}, err
		}
		return String(text), nil
	case "N":
		text, null, err := d.stringValue()
		if err != nil || null {
			return Value{}, err
		}
		return numeric(text), nil
	case "B":
		text, null, err := d.blob()
		if err != nil || null {
			return Value{}, err
		}
		return Binary(text), nil
	case "BOOL", "NULL":
		return d.boolean(name == "NULL")
	case "SS":
		return d.set(SS)
	case "NS":
		return d.set(NS)
	case "BS":
		return d.set(BS)
	case "L":
		return d.list(level)
	case "M":
		fields, null, err := d.members(level + 1)
		if err != nil || null {
			return Value{}, err
		}
		v := Value{kind: M, fields: MakeItem(fields)}
		for i := range v.fields {
			v.broken = v.broken || v.fields[i].Value.broken
		}
		return v, nil
	}
	return Value{}, d.skip(0)
}

// members reads an object of attribute values.
func (d *decoder) members(level int) (fields []Field, null bool, err error) {
	switch d.next() {
	case '{':
	case '[':
		return nil, false, &ShapeError{"Unrecognized collection type " + valueMapClass}
	default:
		return nil, true, d.onlyNull(unexpectedField)
	}
	mark := len(d.stack)
	d.at++
	if d.take('}') {
		return []Field{}, false, nil
	}
	for {
		if d.next() != '"' {
			return nil, false, errSyntax
		}
		name, err := d.text()
		if err != nil {
			return nil, false, err
		}
		if !d.take(':') {
			return nil, false, errSyntax
		}
		v, err := d.value(level, unexpectedValue)
		if err != nil {
			return nil, false, err
		}
		if v.kind == Absent {
			v = invalid(emptyValue, "")
		}
		d.stack = append(d.stack, Field{Name: name, Value: v})
		if d.take('}') {
			return d.pop(mark), false, nil
		}
		if !d.take(',') {
			return nil, false, errSyntax
		}
	}
}

// pop takes the fields above mark off the stack.
func (d *decoder) pop(mark int) []Field {
	fields := make([]Field, len(d.stack)-mark)
	copy(fields, d.stack[mark:])
	clear(d.stack[mark:]) // so that the pool keeps no request alive
	d.stack = d.stack[:mark]
	return fields
}

// onlyNull skips a scalar, which must be null.
func (d *decoder) onlyNull(complaint string) error {
	token, err := d.scalar()
	if err == nil && token != "" {
		err = &ShapeError{complaint}
	}
	return err
}

func (d *decoder) list(level int) (Value, error) {
	v := Value{kind: L}
	null, err := d.elements(func() error {
		e, err := d.value(level+1, unexpectedValue)
		if err != nil {
			return err
		}
		if e.kind == Absent {
			e = invalid(emptyValue, "")
		}
		v.broken = v.broken || e.broken
		d.stack = append(d.stack, Field{Value: e})
		return nil
	}, &v.fields)
	if err != nil || null {
		return Value{}, err
	}
	return v, nil
}

func (d *decoder) set(k Kind) (Value, error) {
	var members []Field
	null, err := d.elements(func() error {
		m, err := d.member(k)
		d.stack = append(d.stack, Field{Value: m})
		return err
	}, &members)
	if err != nil || null {
		return Value{}, err
	}
	return checkSet(k, members), nil
}

// member reads one member of a set.
func (d *decoder) member(k Kind) (Value, error) {
	if k == BS {
		text, null, err := d.blob()
		if null {
			return invalid(nullInBinarySet, ""), err
		}
		return Binary(text), err
	}
	text, null, err := d.stringValue()
	switch {
	case err != nil:
		return Value{}, err
	case k == NS:
		return numeric(text), nil
	case null:
		return invalid(nullInStringSet, ""), nil
	}
	return String(text), nil
}

// elements reads an array into fields, which element pushes one by one.
func (d *decoder) elements(element func() error, fields *[]Field) (null bool, err error) {
	switch d.next() {
	case '[':
	case '{':
		return false, &ShapeError{unexpectedMap}
	default:
		return true, d.onlyNull(unexpectedField)
	}
	mark := len(d.stack)
	if err := d.array(element); err != nil {
		return false, err
	}
	*fields = d.pop(mark)
	return false, nil
}

func (d *decoder) stringValue() (text string, null bool, err error) {
	switch d.next() {
	case '"':
		text, err = d.text()
		return text, false, err
	case '[':
		return "", false, &ShapeError{"Unrecognized collection type class java.lang.String"}
	case '{':
		return "", false, &ShapeError{unexpectedMap}
	}
	token, err := d.scalar()
	if err == nil && token != "" {
		err = &ShapeError{token + " cannot be converted to String"}
	}
	return "", true, err
}

func (d *decoder) boolean(isNull bool) (Value, error) {
	switch d.next() {
	case '[':
		return Value{}, &ShapeError{"Unrecognized collection type class java.lang.Boolean"}
	case '{':
		return Value{}, &ShapeError{unexpectedMap}
	case '"':
		text, err := d.text()
		if err != nil {
			return Value{}, err
		}
		switch truth := strings.ToLower(text); {
		case truth == "true" || truth == "1" || truth == "yes":
			return booleanValue(isNull, true), nil
		case truth != "false" && truth != "0" && truth != "no":
			return Value{}, &ShapeError{unexpectedToken}
		case isNull:
			return invalid(falseNull, ""), nil
		}
		return Bool(false), nil
	}
	token, err := d.scalar()
	switch {
	case err != nil || token == "":
		return Value{}, err
	case token == "TRUE_VALUE" || token == "FALSE_VALUE":
		// UNCONFIRMED for {"NULL": false}: older fronts of the service refuse it, the current one takes it for true.
		return booleanValue(isNull, token == "TRUE_VALUE"), nil
	}
	return Value{}, &ShapeError{token + " cannot be converted to Boolean"}
}

func booleanValue(isNull, truth bool) Value {
	if isNull {
		return Null()
	}
	return Bool(truth)
}

// blob reads a string of base64 and returns its bytes.
func (d *decoder) blob() (bytes string, null bool, err error) {
	switch d.next() {
	case '"':
	case '[':
		return "", false, &ShapeError{"Unrecognized collection type class java.nio.ByteBuffer"}
	case '{':
		return "", false, &ShapeError{unexpectedMap}
	default:
		return "", true, d.onlyNull(notBase64)
	}
	text, err := d.text()
	if err != nil {
		return "", false, err
	}
	if len(text)%4 != 0 {
		return "", false, &ShapeError{"Base64 encoded length is expected a multiple of 4 bytes but found: " + strconv.Itoa(len(text))}
	}
	decoded, err := base64.StdEncoding.Strict().DecodeString(text)
	if err == nil && !strings.ContainsAny(text, "\r\n") {
		return string(decoded), false, nil
	}
	for i := range len(text) {
		if c := text[i]; !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '+' || c == '/' || c == '=') {
			return "", false, &ShapeError{"Invalid Base64 character: '" + string(rune(c)) + "'"}
		}
	}
	return "", false, &ShapeError{"Invalid last non-pad Base64 character dectected"}
}

func base64Text(bytes string) string { return base64.StdEncoding.EncodeToString([]byte(bytes)) }
