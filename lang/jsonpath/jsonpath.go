// Package jsonpath finds values in JSON documents with JSONPath in Jayway's dialect, which API Gateway's expressions and templates use.
//
//	path     = [ "$" | "@" ] { "." name | ".." step | "[" … "]" } [ "." function "(" arguments ")" ]
//	bracket  = names in quotes | "*" | indices | from ":" to | "?(" filter ")"
//	filter   = and { "||" and }        and = operand { "&&" operand }
//	operand  = "!" operand | "(" filter ")" | value [ operator value ]
//	operator = == != === !== < <= > >= =~ in nin subsetof anyof noneof all contains size empty
//
// A path is compiled once and evaluated over documents of package jsonvalue. It is definite when every step leads to at most one
// value; it then gives that value, and any other path gives an array.
//
// It is our own because the Go libraries that were looked at (ojg, ajson, PaesslerAG, theory, yaml-jsonpath, gjson) follow RFC 9535
// or Goessner instead: they return lists for definite paths, have no =~ /re/, subsetof or trailing functions, and make lists of name unions.
//
// Known differences to Jayway, all listed in testdata/get.txt: text that it silently skips or misreads is refused (a stray character
// after a bracket, steps behind a function, an unknown function); its internal failures on lists of objects and on "empty" with an object are
// results here; a name behind "..[*]" or "..[0]" is not lost; "all" does what its name says; regular expressions are RE2, so
// look-around and back-references are refused.
package jsonpath

import (
	"errors"

	"github.com/sockgate/sockgate/lang/jsonvalue"
)

// The limits of a path and of one evaluation.
const (
	MaxLength  = 4096    // bytes of a path
	MaxNesting = 16      // filters, parentheses, arguments and array literals within each other
	MaxResults = 100_000 // values that one evaluation may collect
	maxVisits  = 1_000_000
	maxDepth   = 1000 // levels of a document that a deep scan follows; parsed ones have at most jsonvalue.MaxDepth
)

// Path is a compiled path. It is immutable and may be used by many goroutines.
type Path struct {
	source   string
	steps    []step
	root     bool // starts at the document, even inside of a filter
	definite bool
}

// Compile reads a path. One that does not begin with "$" or "@" is taken as if it followed "$.".
// The error is sockgate.Invalid and says at which byte (from 1) what is wrong.
func Compile(source string) (*Path, error) {
	if len(source) > MaxLength {
		return nil, fault(source[:32]+"…", 0, "longer than %d bytes", MaxLength)
	}
	p := &parser{source: source, text: source}
	path, err := p.path()
	if err != nil {
		return nil, err
	}
	return path, nil
}

// String returns the path as it was written.
func (p *Path) String() string { return p.source }

// Definite reports whether the path leads to at most one value.
func (p *Path) Definite() bool { return p.definite }

// Get returns what the path leads to in doc, a value of package jsonvalue, and whether it leads anywhere.
//
// A definite path gives the value itself, which may be null. Any other gives a new *jsonvalue.Array, often empty; it is not found only
// when a step before the first indefinite one fails, e.g. "$.a[*].b" without "a". The values inside belong to doc.
// A function that cannot work on its input (the sum of nothing), and an evaluation that passes a limit, count as not found.
func (p *Path) Get(doc any) (value any, found bool) {
	budget := maxVisits
	value, err := p.evaluate(scope{item: doc, document: doc, budget: &budget})
	return value, err == nil
}

// The reasons why an evaluation ends early. The caller of Get sees only that nothing was found; inside, a filter takes the first two
// as "does not match", as Jayway does, and lets the others end everything.
var (
	errMissing = errors.New("a step leads nowhere")
	errMisused = errors.New("a step or operator cannot be applied to this value")
	errFailed  = errors.New("a function cannot work on its input")
	errLimit   = errors.New("too many values")
)

// scope is what a path, or a filter, is evaluated in.
type scope struct {
	item     any // "@"
	document any // "$"
	require  bool
	budget   *int // visits, comparisons and bytes of text left, shared by all of one Get
}

func (p *Path) evaluate(s scope) (any, error) {
	start := s.item
	if p.root {
		start = s.document
	}
	r := run{scope: s, single: p.definite}
	if err := r.next(p.steps, start); err != nil {
		return nil, err
	}
	switch {
	case !p.definite:
		return &jsonvalue.Array{Items: r.list}, nil
	case r.count == 0:
		return nil, errMissing
	}
	return r.first, nil
}
