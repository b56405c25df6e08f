// Package expr is the language of selection expressions: text with variables in it, such as "$request.body.action" or
// "${request.body.service}/${request.body.action}". An expression is compiled once and evaluated per message.
//
//	expression = *( text / "\$" / variable )      ; "\$" is a dollar sign; any other backslash stands for itself
//	variable   = "$" name / "${" name "}"
//	name       = "request.body" path / word *( "." word )
//	path       = *( "." key / "['" key "']" / "[" index "]" )
//
// Without braces a name ends at the first character that is not a letter, a digit, '_', '-', '.', or part of a bracketed
// path step. The whole expression "$default" is the text "$default": Amazon's own samples write it without the backslash.
//
// The package knows where variables stand, not which of them may be used where: References tells the control plane, which
// holds the table. It is not for mapping templates (package vtl).
//
// Source: API Gateway Developer Guide, "Selection expressions"; reference section 1.1.
package expr

import (
	"slices"
	"strings"
)

// Names finds the values of variables other than the message body.
type Names interface {
	// Lookup returns the value of a variable, named without dollar or braces ("context.connectionId"), and whether it has one.
	Lookup(name string) (string, bool)
}

// Variables is what an expression is evaluated against.
type Variables interface {
	Names
	// Body returns the message behind "request.body". It is read, never kept.
	Body() []byte
}

// Expr is a compiled expression. It is immutable and may be used by many goroutines.
type Expr struct {
	source string
	parts  []part
	body   bool // some part reads the message body
}

// part is a literal text, a step into the body, or another variable.
type part struct {
	text string
	path *Path  // of a "request.body" variable
	name string // of a variable, without dollar and braces
}

// String returns the expression as it was written.
func (e *Expr) String() string { return e.source }

// Static reports whether the expression has no variables, so that its value is the same for every message.
func (e *Expr) Static() bool {
	return len(e.parts) == 0 || len(e.parts) == 1 && e.parts[0].name == ""
}

// References returns the names of the variables, without dollar and braces, in order and each once.
func (e *Expr) References() []string {
	var names []string
	for _, p := range e.parts {
		if p.name != "" && !slices.Contains(names, p.name) {
			names = append(names, p.name)
		}
	}
	return names
}

// Eval returns the expression's value and whether it has one. vars may be nil for a static expression.
//
// An expression that is one variable has no value when the variable has none. Beside other text, a variable without a
// value counts as empty. An expression that reads a body which is not JSON has no value at all.
func (e *Expr) Eval(vars Variables) (string, bool) {
	var body Body
	if e.body {
		if vars == nil {
			return "", false
		}
		var ok bool
		if body, ok = ParseBody(vars.Body()); !ok {
			return "", false
		}
	}
	var names Names
	if vars != nil {
		names = vars
	}
	value, ok := e.AppendTo(nil, body, names)
	return string(value), ok
}

// AppendTo appends the expression's value to dst, for a caller who has checked the body already. names may be nil:
// variables outside of the body then have no value. Without a value dst is returned unchanged.
func (e *Expr) AppendTo(dst []byte, body Body, names Names) ([]byte, bool) {
	start, found := len(dst), true
	for i := range e.parts {
		p := &e.parts[i]
		switch {
		case p.name == "":
			dst = append(dst, p.text...)
		case p.path != nil:
			dst, found = p.path.AppendTo(dst, body)
		default:
			dst, found = appendName(dst, p.name, names)
		}
	}
	if len(e.parts) == 1 && !found {
		return dst[:start], false
	}
	return dst, true
}

func appendName(dst []byte, name string, names Names) ([]byte, bool) {
	if names == nil {
		return dst, false
	}
	value, ok := names.Lookup(name)
	if !ok {
		return dst, false
	}
	return append(dst, value...), true
}

// bodyTail returns what follows "request.body" in a variable's name, when it is such a name.
func bodyTail(name string) (string, bool) {
	tail, ok := strings.CutPrefix(name, "request.body")
	return tail, ok && (tail == "" || tail[0] == '.' || tail[0] == '[')
}
