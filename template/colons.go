package template

import (
	"strings"
)

// In a flow collection, a colon that no space follows is part of a plain scalar ("AWS::Region", "dynamodb:GetItem"). The
// YAML library takes it for the end of a key there: {Fn::If: …} and [!Ref AWS::Region] inside of braces come out wrong, in
// part without an error. So such colons are written as another character, which stands nowhere in the source and takes
// as much place, before the library sees them, and are put back when scalars are read.

// flowColons walks over YAML text as far as needed to tell flow collections from everything else.
type flowColons struct {
	src  []rune
	mark rune
	i    int
}

// markColons returns the text with those colons as mark; mark is 0 when there is none.
func markColons(source string) (text string, mark rune) {
	if !strings.ContainsAny(source, "{[") {
		return source, 0
	}
	const private, last = '\uE000', '\uF8FF'
	for mark = private; strings.ContainsRune(source, mark); mark++ {
		if mark == last {
			return source, 0
		}
	}
	f := flowColons{src: []rune(source), mark: mark}
	if !f.lines() {
		return source, 0 // a bracket is never closed; the library's own words about it are better
	}
	return string(f.src), mark
}

func (f *flowColons) peek(ahead int) rune {
	if f.i+ahead >= len(f.src) {
		return '\n'
	}
	return f.src[f.i+ahead]
}

func blank(c rune) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// lines walks over the whole text. It returns false when a flow collection does not end.
func (f *flowColons) lines() bool {
	for f.i < len(f.src) {
		if !f.line() {
			return false
		}
	}
	return true
}

// line walks over one line outside of flow collections, or over several when a value goes on.
func (f *flowColons) line() bool {
	start := f.i
	parent := 0 // the column that a block scalar's text must be right of
	for f.i < len(f.src) && f.src[f.i] != '\n' {
		switch c := f.src[f.i]; {
		case blank(c):
			f.i++
		case (c == '-' || c == '?') && blank(f.peek(1)):
			parent = f.i - start
			f.i++
		case c == '#':
			f.toLineEnd()
		case c == '!' || c == '&':
			f.word()
		case c == '"' || c == '\'':
			parent = f.i - start
			f.quoted(c)
			f.afterKey()
		case c == '[' || c == '{':
			if !f.flow() {
				return false
			}
			f.afterKey()
		case c == '|' || c == '>':
			f.toLineEnd()
			f.blockScalar(parent)
			return true
		default:
			column := f.i - start
			if f.plain() {
				parent = column
			}
		}
	}
	f.i++
	return true
}

func (f *flowColons) toLineEnd() {
	for f.i < len(f.src) && f.src[f.i] != '\n' {
		f.i++
	}
}

func (f *flowColons) word() {
	for f.i < len(f.src) && !blank(f.src[f.i]) && !strings.ContainsRune(",[]{}", f.src[f.i]) {
		f.i++
	}
}

func (f *flowColons) quoted(q rune) {
	for f.i++; f.i < len(f.src); f.i++ {
		switch {
		case f.src[f.i] == '\\' && q == '"':
			f.i++
		case f.src[f.i] == q && q == '\'' && f.peek(1) == q:
			f.i++
		case f.src[f.i] == q:
			f.i++
			return
		}
	}
}

// afterKey takes a colon that ends a key.
func (f *flowColons) afterKey() {
	if f.i < len(f.src) && f.src[f.i] == ':' {
		f.i++
	}
}

// plain walks over a plain scalar, up to the end of the line or of a key. It reports whether it was a key.
func (f *flowColons) plain() (key bool) {
	for ; f.i < len(f.src) && f.src[f.i] != '\n'; f.i++ {
		if f.src[f.i] == ':' && blank(f.peek(1)) {
			f.i++
			return true
		}
		if f.src[f.i] == '#' && blank(f.src[f.i-1]) {
			f.toLineEnd()
			return false
		}
	}
	return false
}

// blockScalar walks over the lines that stand right of parent. At the top, where parent is 0, a key's text is at 1 or more.
func (f *flowColons) blockScalar(parent int) {
	f.i++
	for f.i < len(f.src) {
		start := f.i
		for f.i < len(f.src) && f.src[f.i] == ' ' {
			f.i++
		}
		if c := f.peek(0); c != '\n' && c != '\r' && f.i-start <= parent {
			f.i = start
			return
		}
		f.toLineEnd()
		f.i++
	}
}

// flow walks over one flow collection and marks colons. It returns false when there is no end.
func (f *flowColons) flow() bool {
	depth := 0
	fresh := true // a scalar may begin here
	for f.i < len(f.src) {
		c := f.src[f.i]
		switch {
		case c == '[' || c == '{':
			depth++
			fresh = true
		case c == ']' || c == '}':
			if depth--; depth == 0 {
				f.i++
				return true
			}
			fresh = false
		case c == ',':
			fresh = true
		case blank(c):
		case c == '#' && blank(f.src[f.i-1]):
			f.toLineEnd()
			continue
		case fresh && (c == '!' || c == '&'):
			f.word()
			continue
		case fresh && (c == '"' || c == '\''):
			f.quoted(c)
			fresh = false
			if f.peek(0) == ':' { // the end of a key, with or without a space behind it
				fresh = true
				f.i++
			}
			continue
		case c == ':' && (blank(f.peek(1)) || strings.ContainsRune(",[]{}", f.peek(1))):
			fresh = true
		case c == ':':
			f.src[f.i] = f.mark
			fresh = false
		default:
			fresh = false
		}
		f.i++
	}
	return false
}
