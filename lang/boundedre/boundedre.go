// Package boundedre is regular expressions whose work has a bound. RE2's engine takes time in proportion to the text and to the size of the
// compiled expression together, and a few characters can make a large one: "(.*a){1000}b" takes more than ten seconds for a text of 128 KiB. Here
// an expression may only be so large, and a text that is too long for it does not match.
//
// It is for expressions that somebody wrote into an API's definition and that meet what strangers send.
package boundedre

import (
	"errors"
	"regexp"
	"regexp/syntax"
)

const (
	// MaxSize is how many instructions an expression may compile to: enough for ".{1,1000}" twice.
	MaxSize = 5000
	// maxWork bounds instructions times bytes of one match; it was measured to take less than a second at worst. Texts of 128 KiB, the longest
	// message, can be matched by expressions of up to 256 instructions; usual ones have fewer than 50.
	maxWork = 32 << 20
)

// Regexp is a compiled expression. It may be used by many goroutines.
type Regexp struct {
	re   *regexp.Regexp
	size int
}

// Compile compiles an expression in RE2's syntax. Its errors are for whoever wrote it.
func Compile(source string) (*Regexp, error) {
	parsed, err := syntax.Parse(source, syntax.Perl)
	if err != nil {
		return nil, err
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, err
	}
	if len(program.Inst) > MaxSize {
		return nil, errors.New("the expression is too large")
	}
	re, err := regexp.Compile(source)
	return &Regexp{re, len(program.Inst)}, err
}

// Takes reports whether a text of n bytes is short enough to be matched.
func (r *Regexp) Takes(n int) bool { return n <= maxWork/r.size }

// MatchString reports whether the expression matches somewhere in s; in one that is too long it does not.
func (r *Regexp) MatchString(s string) bool { return r.Takes(len(s)) && r.re.MatchString(s) }

// String returns the expression's source.
func (r *Regexp) String() string { return r.re.String() }
