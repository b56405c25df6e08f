package vtl

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
)

// Java's regular expressions are matched with RE2's engine, whose time grows with the text alone. Differences: no look-ahead or look-behind, no
// back references in the pattern, no possessive or atomic groups, no class intersections (all of which are faults); "$" is the end of the
// text, also when a line's end comes last; \d, \w and \s are ASCII, which they are in Java too; an empty match right behind another match does not count.

// What bounds a pattern: its bytes, and the instructions that it compiles to, of which a few bytes can make thousands ("(a{50}){20}").
const (
	maxPattern      = 1000
	maxInstructions = 5000
)

// pattern is a compiled regular expression.
type pattern struct {
	re   *regexp.Regexp
	full *regexp.Regexp // prefers the longest match, which is all of a text if that matches at all
	size int            // instructions
}

// takesPattern reports whether a method's first argument is a regular expression.
func takesPattern(name string) bool {
	switch name {
	case "replaceAll", "replaceFirst", "matches", "split":
		return true
	}
	return false
}

// compilePattern compiles a regular expression in Java's syntax.
func compilePattern(java string) (*pattern, error) {
	if len(java) > maxPattern {
		return nil, fmt.Errorf("the pattern is longer than %d bytes", maxPattern)
	}
	source, err := translatePattern(java)
	if err != nil {
		return nil, err
	}
	parsed, err := syntax.Parse(source, syntax.Perl)
	if err != nil {
		return nil, fmt.Errorf("pattern %q: %w", clip(java), err)
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil || len(program.Inst) > maxInstructions {
		return nil, errors.New("the pattern is too large")
	}
	re, err := regexp.Compile(source)
	if err != nil {
		return nil, fmt.Errorf("pattern %q: %w", clip(java), err)
	}
	p := &pattern{re: re, full: regexp.MustCompile(source), size: len(program.Inst)}
	p.full.Longest()
	return p, nil
}

// posix are Java's names for classes of ASCII characters.
var posix = map[string]string{
	"Lower": "lower", "Upper": "upper", "ASCII": "ascii", "Alpha": "alpha", "Digit": "digit", "Alnum": "alnum", "Punct": "punct",
	"Graph": "graph", "Print": "print", "Blank": "blank", "Cntrl": "cntrl", "XDigit": "xdigit", "Space": "space",
}

// binary are Java's names for properties of characters, as the categories that come closest.
var binary = map[string]string{"Alphabetic": "L", "Letter": "L", "Lowercase": "Ll", "Uppercase": "Lu", "Digit": "Nd", "Punctuation": "P", "White_Space": "Z"}

// translatePattern writes a Java pattern as RE2 wants it, and refuses what RE2 would read differently.
func translatePattern(java string) (string, error) {
	var b strings.Builder
	class := false
	first := 0 // where the open class begins
	for i := 0; i < len(java); i++ {
		c := java[i]
		switch {
		case c == '\\' && strings.HasPrefix(java[i:], `\Q`) && !class:
			n := strings.Index(java[i:], `\E`)
			if n < 0 {
				b.WriteString(regexp.QuoteMeta(java[i+2:]))
				return b.String(), nil
			}
			b.WriteString(regexp.QuoteMeta(java[i+2 : i+n]))
			i += n + 1
		case c == '\\':
			n, text := translateEscape(java[i:], class)
			b.WriteString(text)
			i += n - 1
		case class && (c == '[' || strings.HasPrefix(java[i:], "&&")):
			return "", errors.New("classes inside of classes are not supported")
		case class && c == ']' && i > first:
			class = false
			b.WriteByte(c)
		case !class && c == '[':
			class = true
			b.WriteByte(c)
			if strings.HasPrefix(java[i+1:], "^") {
				i++
				b.WriteByte('^')
			}
			first = i + 1
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), nil
}

// translateEscape returns what the escape that s begins with is in RE2, and its length in s.
func translateEscape(s string, class bool) (int, string) {
	if len(s) > 1 {
		switch s[1] {
		case 'p', 'P':
			end := strings.IndexByte(s, '}')
			if end < 0 || s[2] != '{' {
				break
			}
			name := s[3:end]
			if ascii := posix[name]; ascii != "" {
				text := "[:" + ascii + ":]"
				if s[1] == 'P' {
					text = "[:^" + ascii + ":]"
				}
				if !class {
					text = "[" + text + "]"
				}
				return end + 1, text
			}
			name = strings.TrimPrefix(name, "Is")
			if category := binary[name]; category != "" {
				name = category
			}
			return end + 1, s[:3] + name + "}"
		case 'u':
			if len(s) >= 6 {
				if _, err := strconv.ParseUint(s[2:6], 16, 16); err == nil {
					return 6, `\x{` + s[2:6] + `}`
				}
			}
		case 'e':
			return 2, `\x1b`
		case 'Z':
			return 2, `(?:\n?\z)`
		case 'h':
			if !class {
				return 2, `[ \t\x{A0}]`
			}
		case 'R':
			return 2, `(?:\r\n|[\n\r\x{0B}\x{0C}\x{85}\x{2028}\x{2029}])`
		}
		return 2, s[:2]
	}
	return 1, s
}

// onPattern calls a string's method whose first argument is a regular expression. Matching takes time in proportion to the text and to the
// pattern's size; a pattern that is not a constant has to be compiled too.
func (c *invocation) onPattern(s string) (any, error) {
	p := c.step.pattern
	if p == nil {
		err := c.r.step(c.step.pos, 50+20*len(c.str(0)))
		if err != nil {
			return nil, err
		}
		if p, err = compilePattern(c.str(0)); err != nil {
			return nil, err
		}
	}
	if err := c.r.step(c.step.pos, 1+len(s)*p.size/32); err != nil {
		return nil, err
	}
	switch c.name {
	case "matches":
		at := p.full.FindStringIndex(s)
		return at != nil && at[0] == 0 && at[1] == len(s), nil
	case "replaceAll":
		return c.substitute(p.re, s, -1)
	case "replaceFirst":
		return c.substitute(p.re, s, 1)
	}
	limit := 0
	if len(c.args) == 2 {
		limit = c.int(1)
	}
	return c.split(p.re, s, limit)
}

// tooMany checks the number of matches that were asked for, so that they take no more memory than a value may.
func (c *invocation) tooMany(matches int) error {
	if matches > c.most() {
		return faultf(c.step.pos, "the pattern matches more than %d times", c.most())
	}
	return c.r.step(c.step.pos, matches)
}

func (c *invocation) most() int { return c.r.limits.Value / cost }

func (c *invocation) substitute(re *regexp.Regexp, s string, n int) (any, error) {
	if n < 0 {
		n = c.most() + 1
	}
	matches := re.FindAllStringSubmatchIndex(s, n)
	if err := c.tooMany(len(matches)); err != nil {
		return nil, err
	}
	var out []byte
	last := 0
	for _, m := range matches {
		out = append(out, s[last:m[0]]...)
		var err error
		if out, err = expand(out, re, c.str(1), s, m); err != nil {
			return nil, err
		}
		if len(out) > c.r.limits.Value {
			break
		}
		last = m[1]
	}
	return c.join(string(out), s[last:])
}

// expand appends a replacement in Java's syntax: $1 and ${name} are groups, a backslash takes what follows as it is.
func expand(dst []byte, re *regexp.Regexp, with, s string, m []int) ([]byte, error) {
	for i := 0; i < len(with); i++ {
		switch with[i] {
		case '\\':
			if i++; i == len(with) {
				return nil, errors.New("character to be escaped is missing")
			}
			dst = append(dst, with[i])
		case '$':
			group, n := groupOf(re, with[i+1:])
			if n == 0 {
				return nil, errors.New("illegal group reference")
			}
			if group < 0 || group > re.NumSubexp() {
				return nil, fmt.Errorf("no group %s", with[i+1:i+1+n])
			}
			if m[2*group] >= 0 {
				dst = append(dst, s[m[2*group]:m[2*group+1]]...)
			}
			i += n
		default:
			dst = append(dst, with[i])
		}
	}
	return dst, nil
}

// groupOf reads the group that s begins with and how many bytes name it: as many digits as there can be groups.
func groupOf(re *regexp.Regexp, s string) (group, n int) {
	if strings.HasPrefix(s, "{") {
		end := strings.IndexByte(s, '}')
		if end < 2 {
			return 0, 0
		}
		return re.SubexpIndex(s[1:end]), end + 1
	}
	for n < len(s) && digit(s[n]) {
		next := group*10 + int(s[n]-'0')
		if n > 0 && next > re.NumSubexp() {
			break
		}
		group = next
		n++
	}
	return group, n
}

// split is Java's: a limit above 0 bounds the parts, 0 drops empty parts at the end, and an empty match at the beginning gives no empty part.
func (c *invocation) split(re *regexp.Regexp, s string, limit int) (any, error) {
	l := &List{}
	add := func(part string) error {
		l.Items = append(l.Items, part)
		return c.r.keep(c.step.pos, part)
	}
	matches := re.FindAllStringIndex(s, c.most()+1)
	if err := c.tooMany(len(matches)); err != nil {
		return nil, err
	}
	last := 0
	for _, m := range matches {
		if m[1] == 0 || limit > 0 && len(l.Items) == limit-1 || m[0] == m[1] && m[0] == len(s) {
			continue
		}
		if err := add(s[last:m[0]]); err != nil {
			return nil, err
		}
		last = m[1]
	}
	if err := add(s[last:]); err != nil {
		return nil, err
	}
	if limit == 0 && last > 0 {
		for len(l.Items) > 0 && l.Items[len(l.Items)-1] == "" {
			l.Items = l.Items[:len(l.Items)-1]
		}
	}
	return l, nil
}
