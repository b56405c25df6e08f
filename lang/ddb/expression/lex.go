package expression

import (
	"unicode/utf8"

	"github.com/sockgate/sockgate"
)

type tokenKind uint8

const (
	eof tokenKind = iota
	identifier
	nameRef  // #name
	valueRef // :name
	digits
	sign // an operator or punctuation; the text says which
	stray
)

// token is a piece of an expression's text: src[start:end].
type token struct {
	kind       tokenKind
	start, end int
}

// identifierStart says how a name may begin: not with an underscore. Source: the alternator tests.
func identifierStart(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func identifierPart(c byte) bool { return identifierStart(c) || c >= '0' && c <= '9' || c == '_' }

// lex cuts src into tokens, the last of which is eof.
func lex(src string) []token {
	tokens := make([]token, 0, len(src)/3+2)
	for i := 0; i < len(src); {
		c := src[i]
		start := i
		i++
		k := sign
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			continue
		case identifierStart(c):
			for i < len(src) && identifierPart(src[i]) {
				i++
			}
			k = identifier
		case c == '#' || c == ':':
			for i < len(src) && identifierPart(src[i]) {
				i++
			}
			switch {
			case i == start+1:
				k = stray
			case c == '#':
				k = nameRef
			default:
				k = valueRef
			}
		case c >= '0' && c <= '9':
			for i < len(src) && src[i] >= '0' && src[i] <= '9' {
				i++
			}
			k = digits
		case c == '<' && i < len(src) && (src[i] == '>' || src[i] == '='),
			c == '>' && i < len(src) && src[i] == '=':
			i++
		case c == '=' || c == '<' || c == '>' || c == '(' || c == ')' || c == '[' || c == ']' ||
			c == ',' || c == '.' || c == '+' || c == '-':
		default:
			_, size := utf8.DecodeRuneInString(src[start:])
			i = start + size
			k = stray
		}
		tokens = append(tokens, token{k, start, i})
	}
	return append(tokens, token{eof, len(src), len(src)})
}

// syntaxError names the token at, and shows it with its neighbours.
func (p *parser) syntaxError(at int) error {
	text := "<EOF>"
	if p.tokens[at].kind != eof {
		text = p.text(at)
	}
	first, last := max(at-1, 0), min(at+1, len(p.tokens)-1)
	near := p.src[p.tokens[first].start:p.tokens[last].end]
	if p.tokens[last].kind == eof {
		near = p.src[p.tokens[first].start:p.tokens[max(last-1, 0)].end]
	}
	return p.fail("Syntax error; token: \"%s\", near: \"%s\"", text, near)
}

func (p *parser) text(at int) string { return p.src[p.tokens[at].start:p.tokens[at].end] }

func (p *parser) fail(format string, args ...any) error {
	return sockgate.Invalidf("Invalid "+p.kind.label()+": "+format, args...)
}
