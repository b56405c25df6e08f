// Package jsonvalue holds JSON documents as templates and paths see them: members in the order of the text, numbers with the
// digits that were written, and values that can be edited in place.
//
//	null    nil
//	boolean bool
//	number  json.Number
//	string  string
//	array   *Array
//	object  *Object
//
// It is for documents that are walked by many expressions. The router's single look-up reads the text directly (package expr).
package jsonvalue

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// MaxDepth is how deep arrays and objects may be nested in a document that Parse takes.
const MaxDepth = 400

// Array is a JSON array.
type Array struct{ Items []any }

// Object is a JSON object that keeps its members in the order in which they were first set.
// The zero value is an empty object.
type Object struct {
	names  []string
	values map[string]any
}

// Len returns the number of members.
func (o *Object) Len() int { return len(o.names) }

// Names returns the members' names in order. The caller must not change the slice.
func (o *Object) Names() []string { return o.names }

// Get returns a member's value, and whether there is such a member.
func (o *Object) Get(name string) (any, bool) {
	v, ok := o.values[name]
	return v, ok
}

// Set gives a member a value. A new member comes last; one that is there keeps its place.
func (o *Object) Set(name string, value any) {
	if _, ok := o.values[name]; !ok {
		if o.values == nil {
			o.values = make(map[string]any)
		}
		o.names = append(o.names, name)
	}
	o.values[name] = value
}

// Delete removes a member and returns what it was.
func (o *Object) Delete(name string) (was any, ok bool) {
	if was, ok = o.values[name]; !ok {
		return nil, false
	}
	delete(o.values, name)
	for i, n := range o.names {
		if n == name {
			o.names = append(o.names[:i:i], o.names[i+1:]...)
			break
		}
	}
	return was, true
}

var errDeep = fmt.Errorf("nested deeper than %d levels", MaxDepth)

// Parse reads one JSON document (RFC 8259). Of members with the same name the last counts. text is not kept.
func Parse(text []byte) (any, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	v, err := parse(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("text after the document")
	}
	return v, nil
}

func parse(d *json.Decoder, depth int) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	open, ok := t.(json.Delim)
	if !ok {
		return t, nil
	}
	if depth == MaxDepth {
		return nil, errDeep
	}
	if open == '[' {
		a := &Array{}
		for d.More() {
			v, err := parse(d, depth+1)
			if err != nil {
				return nil, err
			}
			a.Items = append(a.Items, v)
		}
		_, err = d.Token()
		return a, err
	}
	o := &Object{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		v, err := parse(d, depth+1)
		if err != nil {
			return nil, err
		}
		o.Set(name.(string), v) // an object's names are strings, or the decoder failed
	}
	_, err = d.Token()
	return o, err
}

// Append appends v as compact JSON to dst. Besides the types of Parse it takes Go's integers and floats. HTML is not escaped.
func Append(dst []byte, v any) ([]byte, error) {
	var err error
	switch v := v.(type) {
	case *Array:
		dst = append(dst, '[')
		for i, item := range v.Items {
			if i > 0 {
				dst = append(dst, ',')
			}
			if dst, err = Append(dst, item); err != nil {
				return dst, err
			}
		}
		return append(dst, ']'), nil
	case *Object:
		dst = append(dst, '{')
		for i, name := range v.names {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendScalar(dst, name), ':')
			if dst, err = Append(dst, v.values[name]); err != nil {
				return dst, err
			}
		}
		return append(dst, '}'), nil
	case nil, bool, json.Number, string, int, int32, int64, float64:
		return appendScalar(dst, v), nil
	}
	return dst, fmt.Errorf("a %T is no JSON value", v)
}

func appendScalar(dst []byte, v any) []byte {
	b := bytes.NewBuffer(dst)
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil { // NaN and infinities, which no document has
		return append(dst, "null"...)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
