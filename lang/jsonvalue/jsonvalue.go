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
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"
)

// Array is a JSON array.
type Array struct{ Items []any }

// Object is a JSON object that keeps its members in the order in which they were first set.
// The zero value is an empty object.
type Object struct {
	names  []string
	values []any
	at     map[string]int // of names; nil while the members are few enough to be looked through
}

// few is how many members are looked through rather than indexed: most objects of messages are so small.
const few = 32

// Len returns the number of members.
func (o *Object) Len() int { return len(o.names) }

// Names returns the members' names in order. The caller must not change the slice.
func (o *Object) Names() []string { return o.names }

// Get returns a member's value, and whether there is such a member.
func (o *Object) Get(name string) (any, bool) {
	if i := o.index(name); i >= 0 {
		return o.values[i], true
	}
	return nil, false
}

func (o *Object) index(name string) int {
	if o.at == nil {
		return slices.Index(o.names, name)
	}
	if i, ok := o.at[name]; ok {
		return i
	}
	return -1
}

// Set gives a member a value. A new member comes last; one that is there keeps its place.
func (o *Object) Set(name string, value any) {
	if i := o.index(name); i >= 0 {
		o.values[i] = value
		return
	}
	o.names, o.values = append(o.names, name), append(o.values, value)
	if len(o.names) > few {
		o.note()
	}
}

// note brings the index up to date with the last member, or makes it.
func (o *Object) note() {
	if o.at == nil {
		o.at = make(map[string]int, 2*len(o.names))
		for i, name := range o.names {
			o.at[name] = i
		}
	}
	last := len(o.names) - 1
	o.at[o.names[last]] = last
}

// Delete removes a member and returns what it was.
func (o *Object) Delete(name string) (was any, ok bool) {
	i := o.index(name)
	if i < 0 {
		return nil, false
	}
	was = o.values[i]
	o.names = append(o.names[:i:i], o.names[i+1:]...) // copies: Names may have been handed out
	o.values = append(o.values[:i:i], o.values[i+1:]...)
	if o.at = nil; len(o.names) > few {
		o.note()
	}
	return was, true
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
			if dst, err = Append(dst, v.values[i]); err != nil {
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
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case bool:
		return strconv.AppendBool(dst, v)
	case json.Number:
		return append(dst, v...)
	case string:
		return appendString(dst, v)
	case int:
		return strconv.AppendInt(dst, int64(v), 10)
	case int32:
		return strconv.AppendInt(dst, int64(v), 10)
	case int64:
		return strconv.AppendInt(dst, v, 10)
	}
	b, err := json.Marshal(v)
	if err != nil { // NaN and infinities, which no document has
		return append(dst, "null"...)
	}
	return append(dst, b...)
}

// appendString appends s in quotes. Most texts need no escapes; the others are the encoder's.
func appendString(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return appendEscaped(dst, s)
		}
	}
	dst = append(append(dst, '"'), s...)
	return append(dst, '"')
}

func appendEscaped(dst []byte, s string) []byte {
	b := bytes.NewBuffer(dst)
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil { // a string always encodes
		panic(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
