package dynamodb

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/ddb/value"
)

const (
	// maxFaults is how many broken rules one answer tells. Source: dynalite's tests.
	maxFaults = 10
	// maxName is the longest name of an attribute, in bytes. Source: API Reference, "AttributeName"; the alternator tests.
	maxName = 65535
	// maxEcho bounds, in bytes, how much of a list or map is told back. AWS sets no bound; a small body could ask for a large answer.
	maxEcho = 64 << 10
)

// faults are the rules that a request breaks.
type faults struct{ texts []string }

// err returns the faults as one ValidationException, or nil.
func (f *faults) err() error {
	if len(f.texts) == 0 {
		return nil
	}
	s := ""
	if len(f.texts) > 1 {
		s = "s"
	}
	return sockgate.Invalidf("%d validation error%s detected: %s", len(f.texts), s, strings.Join(f.texts, "; "))
}

// add notes that the value at path breaks a rule.
func (f *faults) add(path string, s *shape, n *node, format string, args ...any) {
	if len(f.texts) >= maxFaults {
		return
	}
	said := "null"
	if n.set {
		b := s.echo([]byte{'\''}, n)
		if len(b) > maxEcho {
			b = append(b[:maxEcho], "..."...)
		}
		said = string(append(b, '\''))
	}
	f.texts = append(f.texts, fmt.Sprintf("Value %s at '%s' failed to satisfy constraint: %s", said, path, fmt.Sprintf(format, args...)))
}

// checkFields checks the members of a structure in the order of its shape. prefix is "" or ends with a dot.
func (f *faults) checkFields(prefix string, s *shape, nodes []node) {
	for i := range s.fields {
		fd := &s.fields[i]
		n := &nodes[i]
		if !n.set {
			if fd.needed && (fd.unless == "" || !in(s, nodes, fd.unless).set) {
				f.add(prefix+lowerFirst(fd.name), fd.shape, n, "Member must not be null")
			}
			continue
		}
		f.check(prefix, fd.name, fd.shape, n)
	}
}

// check checks one value.
func (f *faults) check(prefix, name string, s *shape, n *node) {
	switch s.kind {
	case text:
		f.checkText(prefix, name, s, n)
	case integer, long:
		if s.least != nil && n.n < *s.least {
			f.add(prefix+lowerFirst(name), s, n, "Member must have value greater than or equal to %d", *s.least)
		}
		if s.most != nil && n.n > *s.most {
			f.add(prefix+lowerFirst(name), s, n, "Member must have value less than or equal to %d", *s.most)
		}
	case item:
		if slices.ContainsFunc(n.item, func(field value.Field) bool { return len(field.Name) > maxName }) {
			f.add(prefix+lowerFirst(name), s, n, "Map keys must satisfy constraint: ["+lengthRule+"]", maxName, 0)
		}
	case list:
		f.checkLength(prefix+lowerFirst(name), s, n, len(n.nodes))
		if e := s.elem; e.kind == text && e.long > 0 &&
			slices.ContainsFunc(n.nodes, func(n node) bool { return n.set && (len(n.text) > e.long || len(n.text) < e.short) }) {
			f.add(prefix+lowerFirst(name), s, n, "Member must satisfy constraint: ["+lengthRule+"]", e.long, e.short)
		}
		if s.elem.kind == text || s.elem.kind == item || s.elem.kind == attribute {
			return
		}
		for i := range n.nodes {
			f.inner(prefix+lowerFirst(name)+"."+strconv.Itoa(i+1)+".", s.elem, &n.nodes[i])
		}
	case dictionary:
		f.checkDictionary(prefix+lowerFirst(name), s, n)
	case structure:
		f.checkFields(prefix+lowerFirst(name)+".", s, n.nodes)
	}
}

// inner checks an element of a list or dictionary.
func (f *faults) inner(prefix string, s *shape, n *node) {
	if n.set {
		f.check(prefix, "member", s, n)
	}
}

func (f *faults) checkText(prefix, name string, s *shape, n *node) {
	path := func() string { return prefix + lowerFirst(name) }
	if s.enum != nil {
		for _, e := range s.enum {
			if e == n.text {
				return
			}
		}
		f.add(path(), s, n, "Member must satisfy enum value set: [%s]", strings.Join(s.enum, ", "))
		return
	}
	if s.named && !isName(n.text) {
		f.add(path(), s, n, "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+")
	}
	if s.sequence && strings.Trim(n.text, "0123456789") != "" {
		f.add(path(), s, n, `Member must satisfy regular expression pattern: \d+`)
	}
	if s.short > 0 && len(n.text) < s.short || s.long > 0 && len(n.text) > s.long {
		f.checkLength(path(), s, n, len(n.text))
	}
}

func (f *faults) checkLength(path string, s *shape, n *node, length int) {
	if s.short > 0 && length < s.short {
		f.add(path, s, n, "Member must have length greater than or equal to %d", s.short)
	}
	if s.long > 0 && length > s.long {
		f.add(path, s, n, "Member must have length less than or equal to %d", s.long)
	}
}

// lengthRule is how a rule about lengths is told within another.
const lengthRule = "Member must have length less than or equal to %d, Member must have length greater than or equal to %d"

func (f *faults) checkDictionary(path string, s *shape, n *node) {
	f.checkLength(path, s, n, len(n.nodes))
	if !s.keyNamed && slices.ContainsFunc(n.keys, func(key string) bool { return len(key) > maxName }) {
		f.add(path, s, n, "Map keys must satisfy constraint: ["+lengthRule+"]", maxName, 0)
	}
	if s.elem.kind == text && slices.ContainsFunc(n.nodes, func(n node) bool { return len(n.text) > maxName }) {
		f.add(path, s, n, "Map value must satisfy constraint: ["+lengthRule+"]", maxName, 0)
	}
	for _, key := range n.keys {
		if s.keyNamed && (len(key) < 3 || len(key) > 255 || !isName(key)) {
			f.add(path, s, n, "Map keys must satisfy constraint: [Member must have length less than or equal to 255, "+
				"Member must have length greater than or equal to 3, Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+]")
			break
		}
	}
	for i := range n.nodes {
		if s.many > 0 && n.nodes[i].set && (len(n.nodes[i].nodes) < s.few || len(n.nodes[i].nodes) > s.many) {
			f.add(path, s, n, "Map value must satisfy constraint: [Member must have length less than or equal to %d, "+
				"Member must have length greater than or equal to %d]", s.many, s.few)
			break
		}
	}
	for i := range n.nodes {
		at := path + "." + n.keys[i] + "."
		if s.elem.kind == list {
			if s.elem.elem.kind == structure {
				for j := range n.nodes[i].nodes {
					f.inner(at+"member."+strconv.Itoa(j+1)+".", s.elem.elem, &n.nodes[i].nodes[j])
				}
			}
			continue
		}
		f.inner(at, s.elem, &n.nodes[i])
	}
}

// isName reports whether s matches [a-zA-Z0-9_.-]+.
func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '.' || c == '-') {
			return false
		}
	}
	return s != ""
}

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }

// echo appends a value as Java prints it, which is how AWS quotes it.
func (s *shape) echo(b []byte, n *node) []byte {
	if len(b) > maxEcho {
		return b
	}
	if !n.set {
		return append(b, "null"...)
	}
	switch s.kind {
	case text:
		return append(b, n.text...)
	case boolean:
		return strconv.AppendBool(b, n.truth)
	case integer, long:
		return strconv.AppendInt(b, n.n, 10)
	case item:
		return echoItem(b, n.item)
	case attribute:
		return echoValue(b, *n.value)
	case structure:
		b = append(append(b, s.class...), '(')
		for i := range s.fields {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = append(append(b, lowerFirst(s.fields[i].name)...), '=')
			b = s.fields[i].echo(b, &n.nodes[i])
		}
		return append(b, ')')
	}
	open, shut := byte('['), byte(']')
	if s.kind == dictionary {
		open, shut = '{', '}'
	}
	b = append(b, open)
	for i := range n.nodes {
		if i > 0 {
			b = append(b, ", "...)
		}
		if s.kind == dictionary {
			b = append(append(b, n.keys[i]...), '=')
		}
		b = s.elem.echo(b, &n.nodes[i])
	}
	return append(b, shut)
}

func echoItem(b []byte, it value.Item) []byte {
	b = append(b, '{')
	for i := range it {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = echoValue(append(append(b, it[i].Name...), '='), it[i].Value)
	}
	return append(b, '}')
}

// echoValue prints an attribute value with all the members that its class has at AWS.
func echoValue(b []byte, v value.Value) []byte {
	if len(b) > maxEcho {
		return b
	}
	b = append(b, "AttributeValue("...)
	for i, name := range [...]string{"S", "N", "B", "INT", "DECIMAL", "DOUBLE", "SS", "NS", "BS", "INTSET", "DECIMALSET", "DOUBLESET", "M", "L", "NULL", "BOOL"} {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(append(b, lowerFirst(name)...), '=')
		if v.Kind().String() != name {
			b = append(b, "null"...)
			continue
		}
		switch v.Kind() {
		case value.S, value.N, value.B:
			b = append(b, v.Text()...)
		case value.BOOL:
			b = strconv.AppendBool(b, v.Truth())
		case value.NULL:
			b = append(b, "true"...)
		case value.M:
			b = echoItem(b, v.Item())
		default:
			b = append(b, '[')
			for j := range v.Len() {
				if j > 0 {
					b = append(b, ", "...)
				}
				if v.Kind() == value.L {
					b = echoValue(b, v.At(j))
				} else {
					b = append(b, v.At(j).Text()...)
				}
			}
			b = append(b, ']')
		}
	}
	return append(b, ')')
}
