// Package vtl is the Velocity Template Language, version 1.7, as API Gateway's mapping templates use it: a template is compiled once
// and rendered for each message. It knows nothing of API Gateway: $input, $util and $context are Objects that the caller hands in.
//
//	template  = *( text / reference / directive / comment )
//	reference = "$" ["!"] ( path / "{" path "}" )           ; undefined: prints as written, with "!" nothing
//	path      = name *( "." name / "." name "(" [ value *( "," value ) ] ")" / "[" value "]" )
//	value     = reference / string / number / "true" / "false" / list / map / range
//	string    = "'" text "'" / DQUOTE template DQUOTE       ; a doubled quote is one quote; \uXXXX is a character in double quotes
//	list      = "[" [ value *( "," value ) ] "]"      range = "[" value ".." value "]"
//	map       = "{" [ value ":" value *( "," value ":" value ) ] "}"
//	directive = "#set(" path "=" expr ")"
//	          / "#if(" expr ")" template *( "#elseif(" expr ")" template ) [ "#else" template ] "#end"
//	          / "#foreach($name in" value ")" template "#end" / "#break" / "#stop"
//	          / "#macro(name" *( $name ) ")" template "#end" / "#name(" *( value ) ")" / "#@name(" *( value ) ")" template "#end"
//	          / "#define($name)" template "#end" / "#literal()" text "#end" / "#[[" text "]]#"
//	expr      = expr op expr / "!" expr / "(" expr ")" / value    ; op by rising precedence: or, and, equality, order, sum, product
//
// A directive that takes parentheses eats the blanks and the end of the line behind them, as #else and #end do; #set eats the
// blanks before it too, where no text stands between them and the last reference or directive. A word behind "#" that names nothing is text.
//
// Differences to Velocity 1.7:
//   - #include, #parse and #evaluate are syntax errors: there is nothing to include, and nothing is parsed per message.
//   - A "$", "$!" or "#" that begins nothing is text everywhere: Velocity gives up at the template's end, and loses some before directives.
//   - getClass(), .class, hashCode(), iterator() and everything that reaches Java's classes do not exist.
//   - Regular expressions are RE2's (see regex.go); integers beyond 64 bits continue as doubles; keySet() and its like are copies.
//   - All macros may nest as deep as Limits.Depth, not 20.
package vtl

import (
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"
)

// Template is a compiled template. Any number of goroutines may render it at once.
type Template struct {
	name   string
	body   block
	lines  []int // offsets at which lines begin
	source string
}

// SyntaxError says where a template cannot be understood. Lines and columns (of characters) count from 1.
type SyntaxError struct {
	Name         string
	Line, Column int
	Text         string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.Name, e.Line, e.Column, e.Text)
}

// RenderError says where rendering failed: a limit, or a method's complaint. Lines and columns (of characters) count from 1.
type RenderError struct {
	Name         string
	Line, Column int
	Text         string
	Cause        error // what an Object returned; may be nil
}

func (e *RenderError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.Name, e.Line, e.Column, e.Text)
}

func (e *RenderError) Unwrap() error { return e.Cause }

// Limits bound one rendering. A member that is 0 has the default.
type Limits struct {
	Rounds int // of one #foreach; 1000, as API Gateway's quotas page says. All of a rendering may have ten times as many
	Steps  int // evaluations, and 64 bytes that are moved are one too; 1,000,000
	Depth  int // macros, #define blocks and their arguments inside each other; 64
	Output int // bytes; 1 MiB
	Value  int // bytes of one string, and of what variables and collections that the template built hold; 4 MiB
}

// loops is how many times Limits.Rounds all loops of a rendering may take together.
const loops = 10

func (l Limits) orDefaults() Limits {
	for _, m := range []struct {
		p *int
		n int
	}{{&l.Rounds, 1000}, {&l.Steps, 1_000_000}, {&l.Depth, 64}, {&l.Output, 1 << 20}, {&l.Value, 4 << 20}} {
		if *m.p <= 0 {
			*m.p = m.n
		}
	}
	return l
}

// Object is a value with properties and methods of its own, like $input. Methods are called by many goroutines if the Object
// is given to many renderings.
type Object interface {
	// Property returns a property's value, and whether there is one. A nil value is an undefined one.
	Property(name string) (any, bool)
	// Call calls a method. A nil result without an error also stands for a method that does not exist: the reference prints
	// as it is written. An error ends the rendering. args are values of this package and of jsonvalue: int64, float64, json.Number,
	// bool, string, nil, Blank, *List, *Map, *jsonvalue.Array, *jsonvalue.Object, Object. The slice must not be kept.
	Call(method string, args []any) (any, error)
	// String is how the Object prints.
	String() string
}

// Table is an Object that is a map too: beside its own methods it has a map's, as keySet() and get(), and #foreach takes its values.
type Table interface {
	Object
	// Map returns what the Object holds, in a map of its own: what a template changes in it is lost.
	Map() *Map
}

// Blank is a value that is null in every way but one: it prints as nothing, where null prints the reference as it is written.
// It is for Objects whose methods find nothing.
type Blank struct{}

// Compile parses a template. name is for errors only. The error is a *SyntaxError.
func Compile(name, source string) (*Template, error) {
	t := &Template{name: name, source: source, lines: []int{0}}
	for i := 0; i < len(source); i++ {
		if source[i] == '\n' {
			t.lines = append(t.lines, i+1)
		}
	}
	p := &parser{src: source, shared: &shared{macros: map[string]*macro{}}}
	body, err := p.template()
	if err == nil {
		err = p.shared.link()
	}
	if err != nil {
		f := err.(*fault) // the parser's only kind of error
		line, column := t.position(f.pos)
		return nil, &SyntaxError{Name: name, Line: line, Column: column, Text: f.text}
	}
	t.body = body
	return t, nil
}

// Render renders the template. vars are the variables by name without "$": nil, Go's scalars, jsonvalue's values, *List, *Map and Objects.
// The map is only read, but a template can change the documents, lists and maps that it leads to.
// The error is a *RenderError; what was rendered before it is lost.
func (t *Template) Render(vars map[string]any, limits Limits) ([]byte, error) {
	r := rendering{vars: vars, limits: limits.orDefaults()}
	r.steps, r.rounds, r.max = r.limits.Steps, loops*r.limits.Rounds, r.limits.Output
	r.out = make([]byte, 0, min(len(t.source)+256, r.max))
	err := t.body.render(&r)
	if f, ok := err.(*fault); ok {
		line, column := t.position(f.pos)
		return nil, &RenderError{Name: t.name, Line: line, Column: column, Text: f.text, Cause: f.cause}
	}
	return r.out, nil // what is not a fault is #stop, or a #break out of everything
}

// position turns an offset in the source into a line and a column.
func (t *Template) position(offset int) (line, column int) {
	offset = min(offset, len(t.source))
	line = sort.SearchInts(t.lines, offset+1)
	return line, utf8.RuneCountInString(t.source[t.lines[line-1]:offset]) + 1
}

// fault is an error at an offset of the source.
type fault struct {
	pos   int
	text  string
	cause error
}

func (f *fault) Error() string { return f.text }

func faultf(pos int, format string, args ...any) *fault {
	return &fault{pos: pos, text: fmt.Sprintf(format, args...)}
}

// clip shortens source text for an error.
func clip(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	if utf8.RuneCountInString(s) > 20 {
		return string([]rune(s)[:20]) + "…"
	}
	return s
}
