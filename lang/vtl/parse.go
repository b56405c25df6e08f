package vtl

import (
	"strings"
)

// maxNesting bounds how deep blocks, expressions and strings are nested in the source, so that neither compiling nor rendering recurses deeper.
const maxNesting = 64

// parser reads one template, or the inside of one interpolated string.
type parser struct {
	src    string
	pos    int
	base   int // offset of src in the template
	depth  int
	shared *shared
}

// shared is what a template's parser and those of its strings have in common.
type shared struct {
	macros map[string]*macro
	calls  []*call
}

// link connects macro calls to the macros, which may be defined behind their calls. Of two with the same name the last counts.
func (s *shared) link() error {
	for _, c := range s.calls {
		c.macro = s.macros[c.name]
		if c.macro != nil && c.word != "" {
			return faultf(c.pos, "%q is no argument for the macro %q", c.word, c.name)
		}
	}
	return nil
}

func (p *parser) fail(format string, args ...any) *fault {
	return faultf(p.base+p.pos, format, args...)
}

func (p *parser) enter() error {
	if p.depth++; p.depth > maxNesting {
		return p.fail("nested deeper than %d levels", maxNesting)
	}
	return nil
}

func (p *parser) leave() { p.depth-- }

func (p *parser) rest() string { return p.src[p.pos:] }

func (p *parser) peek() byte {
	if p.pos < len(p.src) {
		return p.src[p.pos]
	}
	return 0
}

func (p *parser) skipSpace() {
	for p.pos < len(p.src) && strings.IndexByte(" \t\r\n", p.src[p.pos]) >= 0 {
		p.pos++
	}
}

// skipLineEnd eats blanks and the end of a line behind them, or nothing.
func (p *parser) skipLineEnd() {
	i := p.pos
	for i < len(p.src) && (p.src[i] == ' ' || p.src[i] == '\t') {
		i++
	}
	switch {
	case strings.HasPrefix(p.src[i:], "\r\n"):
		p.pos = i + 2
	case i < len(p.src) && (p.src[i] == '\n' || p.src[i] == '\r'):
		p.pos = i + 1
	}
}

// template reads to the end of the source.
func (p *parser) template() (block, error) {
	b, stop, err := p.block()
	if err == nil && stop != "" {
		err = p.fail("#%s has no beginning", stop)
	}
	return b, err
}

// block reads statements up to the word that ends them ("end", "else" or "elseif", which stays unread) or to the end of the source ("").
func (p *parser) block() (b block, stop string, err error) {
	if err := p.enter(); err != nil {
		return nil, "", err
	}
	defer p.leave()
	var w textWriter
	for p.pos < len(p.src) && stop == "" && err == nil {
		if n := setDirective(p.rest()); n > 0 {
			var s statement
			s, err = p.set(n)
			w.statement(s)
			continue
		}
		switch c := p.src[p.pos]; c {
		case '$', '\\':
			err = p.dollarOrEscape(&w)
		case '#':
			stop, err = p.hash(&w)
		default:
			n := strings.IndexAny(p.rest(), `$#\`)
			if n < 0 {
				n = len(p.rest())
			}
			w.text(p.rest()[:n])
			p.pos += n
		}
	}
	return w.block(), stop, err
}

// finish reads the rest of a directive's block up to and with its #end. what is for the error.
func (p *parser) finish(start int, what string) (block, error) {
	b, stop, err := p.block()
	switch {
	case err != nil:
		return nil, err
	case stop == "":
		return nil, faultf(p.base+start, "#%s has no #end", what)
	case stop != "end":
		return nil, p.fail("#%s inside of #%s", stop, what)
	}
	p.endWord("end")
	return b, nil
}

// endWord eats #end or #else and the line's end.
func (p *parser) endWord(word string) {
	p.pos += len("#") + len(word)
	if p.src[p.pos-len(word)] == '{' {
		p.pos += len("{}")
	}
	p.skipLineEnd()
}

// textWriter joins text between statements.
type textWriter struct {
	pending strings.Builder
	out     block
}

func (w *textWriter) text(s string) { w.pending.WriteString(s) }

func (w *textWriter) statement(s statement) {
	w.flush()
	w.out = append(w.out, s)
}

func (w *textWriter) flush() {
	if w.pending.Len() > 0 {
		w.out = append(w.out, literal(w.pending.String()))
		w.pending.Reset()
	}
}

func (w *textWriter) block() block {
	w.flush()
	return w.out
}

// dollarOrEscape reads what begins with a backslash or a dollar sign. Backslashes count only before a reference, which decides when it
// is rendered, and before a directive.
func (p *parser) dollarOrEscape(w *textWriter) error {
	n := len(p.rest()) - len(strings.TrimLeft(p.rest(), `\`))
	after := p.rest()[n:]
	switch {
	case strings.HasPrefix(after, "$"):
		if ref, err := p.reference(); err != nil || ref != nil {
			if err == nil {
				w.statement(ref)
			}
			return err
		}
		p.plainDollar(w, n)
	case n%2 == 1 && strings.HasPrefix(after, "#") && directiveWord(after[1:]) != "":
		word := directiveWord(after[1:])
		keep := n
		if p.known(trimBraces(word)) {
			keep = (n - 1) / 2
		}
		w.text(strings.Repeat(`\`, keep) + "#" + word)
		p.pos += n + 1 + len(word)
	case n%2 == 0 && strings.HasPrefix(after, "#") && setDirective(after) == 0 && p.known(trimBraces(directiveWord(after[1:]))):
		w.text(strings.Repeat(`\`, n/2))
		p.pos += n
	default:
		w.text(p.rest()[:n])
		p.pos += n
	}
	return nil
}

// plainDollar writes a dollar sign that begins no reference, after n backslashes. Of "$\!a" one backslash goes, as it escapes the "!".
func (p *parser) plainDollar(w *textWriter, n int) {
	w.text(p.rest()[:n+1])
	p.pos += n + 1
	after := strings.TrimLeft(p.rest(), `\`)
	slashes := len(p.rest()) - len(after)
	if slashes > 0 && strings.HasPrefix(after, "!") && pathStart(after[1:]) {
		w.text(p.rest()[1 : slashes+1])
		p.pos += slashes + 1
	}
}

// known reports whether a word behind "#" means something, so that a backslash before it is an escape.
func (p *parser) known(word string) bool {
	switch word {
	case "if", "else", "elseif", "end", "set", "stop", "foreach", "macro", "define", "break", "literal", "include", "parse", "evaluate":
		return true
	}
	return p.shared.macros[word] != nil
}

func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func digit(c byte) bool { return '0' <= c && c <= '9' }

// wordLength returns the length of the directive name that s begins with, or 0.
func wordLength(s string) int {
	n := 0
	for n < len(s) && (letter(s[n]) || s[n] == '_' || s[n] == '@' || n > 0 && digit(s[n])) {
		n++
	}
	return n
}

// directiveWord returns the name behind a "#", with its braces if it has them, or "".
func directiveWord(s string) string {
	if strings.HasPrefix(s, "{") {
		n := wordLength(s[1:])
		if n == 0 || s[1] == '@' || !strings.HasPrefix(s[1+n:], "}") {
			return ""
		}
		return s[:n+2]
	}
	return s[:wordLength(s)]
}

func trimBraces(word string) string { return strings.TrimSuffix(strings.TrimPrefix(word, "{"), "}") }

// setDirective returns the length of a "#set(" that s begins with, blanks before it and inside of it counted, or 0.
func setDirective(s string) int {
	t := strings.TrimLeft(s, " \t")
	rest, ok := strings.CutPrefix(t, "#set")
	if !ok {
		if rest, ok = strings.CutPrefix(t, "#{set}"); !ok {
			return 0
		}
	}
	if rest = strings.TrimLeft(rest, " "); !strings.HasPrefix(rest, "(") {
		return 0
	}
	return len(s) - len(rest) + 1
}
