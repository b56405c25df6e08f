package policy

import (
	"strings"
	"unicode/utf8"
)

// grammar says what the characters of a pattern mean.
type grammar uint8

const (
	// plain text has no wildcards.
	plain grammar = iota
	// glob has "*" for any text and "?" for any character.
	glob
	// resource is glob, but in the first five of an ARN's six parts "?" and "*" do not match a colon, unless the "*" ends its
	// part. Source: IAM User Guide, "IAM JSON policy elements: Resource", on wildcards beyond colon boundaries. In the sixth
	// part, which may hold colons of its own, they match any character (reference section 9.5).
	resource
	// arn is for conditions on ARNs: each of the six parts is matched for itself. A "*" at the very end of a pattern with fewer
	// parts takes the rest. Source: IAM User Guide, "Amazon Resource Name (ARN) condition operators"; its last sentence about
	// short patterns is UNCONFIRMED.
	arn
)

type opKind uint8

const (
	literal  opKind = iota
	one             // any character
	oneIn           // any character but a colon
	many            // any text
	manyIn          // any text without a colon
	variable        // the value of a key
)

// op is one element of a pattern.
type op struct {
	kind opKind
	text string // a literal's text, a variable's key, in lower case
	// orElse is a variable's value where the request does not have the key.
	orElse    string
	hasOrElse bool
}

// pattern is a compiled pattern. The zero value matches the empty text.
type pattern struct {
	ops       []op
	variables bool // some op is a variable
	fold      bool // values of variables are put into lower case, as the literals are already
	never     bool // matches nothing
}

// match reports whether the whole text matches. A variable without a value matches nothing ("no equal or like value").
// Source: IAM User Guide, "Policy variables with no value".
//
// The time it takes is bounded by the product of both lengths, whatever the pattern is: a "*" of the first kind is given up for
// good as soon as the next one is reached. Two kinds do not multiply, because before the sixth part of an ARN a "*" that crosses
// colons is followed by one.
func (p *pattern) match(text string, e *evaluation) bool {
	switch {
	case p.never:
		return false
	case !p.variables:
		return run(p.ops, text)
	}
	var space [16]op
	ops := space[:0]
	for _, o := range p.ops {
		if o.kind == variable {
			value, ok := e.single(o.text)
			switch {
			case ok:
			case o.hasOrElse:
				value = o.orElse
			default:
				return false
			}
			if p.fold {
				value = strings.ToLower(value)
			}
			o = op{kind: literal, text: value}
		}
		ops = append(ops, o)
	}
	return run(ops, text)
}

// run matches ops, none of which is a variable, against the whole text.
func run(ops []op, text string) bool {
	// Where to go on when the rest does not match: after the last "*" within a part, and after the last that crosses colons.
	inner, outer := resume{op: -1}, resume{op: -1}
	i, at := 0, 0
	for {
		if i == len(ops) && at == len(text) {
			return true
		}
		if i < len(ops) {
			switch o := &ops[i]; o.kind {
			case many:
				if i == len(ops)-1 {
					return true
				}
				outer, inner = resume{i + 1, at}, resume{op: -1}
				i++
				continue
			case manyIn:
				inner = resume{i + 1, at}
				i++
				continue
			case literal:
				if strings.HasPrefix(text[at:], o.text) {
					i, at = i+1, at+len(o.text)
					continue
				}
			case one, oneIn:
				if at < len(text) && (o.kind == one || text[at] != ':') {
					_, size := utf8.DecodeRuneInString(text[at:])
					i, at = i+1, at+size
					continue
				}
			}
		}
		switch {
		case inner.op >= 0 && inner.at < len(text) && text[inner.at] != ':':
			i, at = inner.further(text)
		case outer.op >= 0 && outer.at < len(text):
			inner.op = -1
			i, at = outer.further(text)
		default:
			return false
		}
	}
}

// resume is the place behind a "*" that has taken the text before at.
type resume struct{ op, at int }

// further lets the "*" take one character more.
func (r *resume) further(text string) (op, at int) {
	_, size := utf8.DecodeRuneInString(text[r.at:])
	r.at += size
	return r.op, r.at
}
