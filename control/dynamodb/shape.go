package dynamodb

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/sockgate/sockgate/lang/ddb/value"
)

// kind is what JSON a shape takes.
type kind uint8

const (
	text       kind = iota // a string
	boolean                // true or false
	integer                // a number, kept whole
	long                   // as integer, with another name in messages
	list                   // an array of elem
	dictionary             // an object of any names and values of elem
	structure              // an object of fields
	item                   // an object of attribute values
	attribute              // an attribute value
)

// shape describes a parameter: what is read and which rules it keeps. The tables of shapes are in shapes.go.
type shape struct {
	kind   kind
	class  string  // of a structure: its name at AWS, which messages tell
	fields []field // of a structure
	elem   *shape  // of a list or dictionary

	least, most *int64   // bounds of a number
	short, long int      // bounds of a length; 0 is none
	named       bool     // only letters, digits, '_', '-' and '.'
	sequence    bool     // only digits
	enum        []string // the values that are allowed
	keyNamed    bool     // of a dictionary: its keys are table names
	few, many   int      // of a dictionary: bounds of the lengths of its values
}

// field is a member of a structure.
type field struct {
	name string
	*shape
	needed bool   // "Member must not be null"
	unless string // the member with which it is not needed
}

// node is a value that was read by a shape.
type node struct {
	set   bool // it is there, and not null
	truth bool
	text  string
	n     int64
	value *value.Value // an attribute value
	item  value.Item
	nodes []node   // a structure's fields in the order of its shape, a list's elements, a dictionary's values
	keys  []string // a dictionary's keys
}

// serialization is SerializationException with a message.
type serialization struct{ message string }

func (e *serialization) Error() string { return e.message }

func misfit(format string, args ...any) error {
	return &serialization{fmt.Sprintf(format, args...)}
}

const (
	strayStructure = "Start of structure or map found where not expected"
	strayField     = "Unexpected field type"
	castFault      = "class sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl cannot be cast to class java.lang.Class " +
		"(sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl and java.lang.Class are in module java.base of loader 'bootstrap')"
	classPrefix = "com.amazonaws.dynamodb.v20120810."
)

// position says where a value stands, on which the words about a misfit depend.
type position uint8

const (
	member  position = iota // of a structure
	element                 // of a list or dictionary
)

// read reads the value that comes next as s says. null, and what a structure has no field for, is skipped. The error is errJSON or a
// *serialization. Source of the texts: dynalite's tests.
func (s *shape) read(r *reader, n *node, where position) error {
	if r.null() {
		return nil
	}
	n.set = true
	c := r.peek()
	switch s.kind {
	case text:
		return s.readText(r, n, c)
	case boolean:
		return s.readBoolean(r, n, c)
	case integer, long:
		return s.readNumber(r, n, c)
	case list:
		return s.readList(r, n, c, where)
	case dictionary:
		return s.readDictionary(r, n, c, where)
	case item:
		return s.readItem(r, n, c, where)
	case attribute:
		return s.readAttribute(r, n, c, where)
	}
	return s.readStructure(r, n, c, where)
}

// token names a scalar as the messages do.
func (r *reader) token(c byte) (string, error) {
	switch c {
	case '"':
		return "STRING_VALUE", nil
	case 't':
		return "TRUE_VALUE", nil
	case 'f':
		return "FALSE_VALUE", nil
	}
	s, err := r.number()
	if strings.ContainsAny(s, ".eE") {
		return "DECIMAL_VALUE", err
	}
	return "NUMBER_VALUE", err
}

// refuse is the error about a value that a scalar's shape does not take.
func (r *reader) refuse(c byte, class, name string) error {
	switch c {
	case '{':
		return misfit(strayStructure)
	case '[':
		return misfit("Unrecognized collection type class %s", class)
	}
	token, err := r.token(c)
	if err != nil {
		return err
	}
	return misfit("%s cannot be converted to %s", token, name)
}

func (s *shape) readText(r *reader, n *node, c byte) (err error) {
	if c != '"' {
		return r.refuse(c, "java.lang.String", "String")
	}
	n.text, err = r.text()
	return err
}

func (s *shape) readBoolean(r *reader, n *node, c byte) error {
	rest := r.src[r.at:]
	switch {
	case strings.HasPrefix(rest, "true"):
		n.truth = true
		r.at += 4
	case strings.HasPrefix(rest, "false"):
		r.at += 5
	case c == '"':
		said, err := r.text()
		if err != nil {
			return err
		}
		switch strings.ToLower(said) { // the service is lenient here
		case "true", "1", "yes":
			n.truth = true
		case "false", "0", "no":
		default:
			return misfit("Unexpected token received from parser")
		}
	default:
		return r.refuse(c, "java.lang.Boolean", "Boolean")
	}
	return nil
}

func (s *shape) readNumber(r *reader, n *node, c byte) error {
	name := "Integer"
	if s.kind == long {
		name = "Long"
	}
	if c == '"' || c == 't' || c == 'f' || c == '{' || c == '[' {
		return r.refuse(c, "java.lang."+name, name)
	}
	said, err := r.number()
	if err != nil {
		return err
	}
	if n.n, err = strconv.ParseInt(said, 10, 64); err == nil {
		return nil
	}
	f, err := strconv.ParseFloat(said, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return errJSON
	}
	n.n = int64(max(min(f, 1<<62), -1<<62))
	return nil
}

func (s *shape) readList(r *reader, n *node, c byte, where position) error {
	switch {
	case c == '{':
		return misfit(strayStructure)
	case c != '[' && where == element:
		return misfit(castFault)
	case c != '[':
		return misfit(strayField)
	}
	n.nodes = []node{}
	return r.elements(func() error {
		if r.null() { // left out
			return nil
		}
		n.nodes = append(n.nodes, node{})
		return s.elem.read(r, &n.nodes[len(n.nodes)-1], element)
	})
}

// javaType is the type of a shape in messages about dictionaries.
func (s *shape) javaType() string {
	switch s.kind {
	case text:
		return "java.lang.String"
	case list:
		return "java.util.List<" + s.elem.javaType() + ">"
	case item:
		return "java.util.Map<java.lang.String, " + classPrefix + "AttributeValue>"
	case attribute:
		return classPrefix + "AttributeValue"
	}
	return classPrefix + s.class
}

func (s *shape) readDictionary(r *reader, n *node, c byte, where position) error {
	if err := r.expectMap(c, where, s.elem.javaType()); err != nil {
		return err
	}
	n.nodes, n.keys = []node{}, []string{}
	return r.members(func(key string) error {
		if r.null() { // left out
			return nil
		}
		n.keys = append(n.keys, key)
		n.nodes = append(n.nodes, node{})
		return s.elem.read(r, &n.nodes[len(n.nodes)-1], element)
	})
}

// expectMap checks that an object of any names begins with c.
func (r *reader) expectMap(c byte, where position, values string) error {
	switch {
	case c == '{':
		return nil
	case c == '[':
		return misfit("Unrecognized collection type java.util.Map<java.lang.String, %s>", values)
	case where == element:
		return misfit(castFault)
	}
	return misfit(strayField)
}

func (s *shape) readItem(r *reader, n *node, c byte, where position) (err error) {
	if err := r.expectMap(c, where, classPrefix+"AttributeValue"); err != nil {
		return err
	}
	n.item, r.at, err = value.DecodeItem(r.src, r.at)
	if n.item == nil {
		n.item = value.Item{}
	}
	return fromValue(err)
}

func (s *shape) readAttribute(r *reader, n *node, c byte, where position) error {
	if c != '{' && c != '[' && where == member {
		return misfit(strayField)
	}
	v, end, err := value.DecodeValue(r.src, r.at)
	if err != nil {
		return fromValue(err)
	}
	n.value, r.at = &v, end
	return nil
}

// fromValue turns an error of package value into one of this package.
func fromValue(err error) error {
	if e, ok := errors.AsType[*value.ShapeError](err); ok {
		return &serialization{e.Message}
	}
	return err
}

func (s *shape) readStructure(r *reader, n *node, c byte, where position) error {
	switch {
	case c == '{':
	case c == '[':
		return misfit("Unrecognized collection type class %s%s", classPrefix, s.class)
	case where == element:
		return misfit("Unexpected value type in payload")
	default:
		return misfit(strayField)
	}
	n.nodes = make([]node, len(s.fields))
	return s.readFields(r, n.nodes)
}

// readFields reads an object's members into nodes, which has a place for each field.
func (s *shape) readFields(r *reader, nodes []node) error {
	return r.members(func(name string) error {
		i := s.field(name)
		if i < 0 {
			return r.skip()
		}
		return s.fields[i].read(r, &nodes[i], member)
	})
}

// field returns the place of a field, or -1.
func (s *shape) field(name string) int {
	for i := range s.fields {
		if s.fields[i].name == name {
			return i
		}
	}
	return -1
}
