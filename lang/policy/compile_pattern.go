package policy

import (
	"fmt"
	"strings"
)

// compilePattern compiles a pattern. With variables, "${…}" stands for the value of a key (Version 2012-10-17); without, it is text.
// With fold, literals and values are put into lower case, for texts that are in lower case already. Errors say what is wrong with
// a variable.
func compilePattern(source string, g grammar, variables, fold bool) (pattern, error) {
	c := compiler{grammar: g, rest: source}
	c.p.fold = fold
	if g == resource && !strings.HasPrefix(source, "arn:") {
		c.grammar = glob // "*", and whatever is not an ARN in an authorizer's policy
	}
	for c.rest != "" {
		if variables && strings.HasPrefix(c.rest, "${") {
			if err := c.variable(); err != nil {
				return pattern{}, err
			}
			continue
		}
		c.character()
	}
	c.flush()
	if fold {
		for i := range c.p.ops {
			if c.p.ops[i].kind == literal {
				c.p.ops[i].text = strings.ToLower(c.p.ops[i].text)
			}
		}
	}
	return c.p, nil
}

type compiler struct {
	grammar grammar
	rest    string
	text    strings.Builder // literal so far
	colons  int             // passed, which tells the part of an ARN
	p       pattern
}

func (c *compiler) flush() {
	if c.text.Len() > 0 {
		c.p.ops = append(c.p.ops, op{kind: literal, text: c.text.String()})
		c.text.Reset()
	}
}

func (c *compiler) add(o op) {
	c.flush()
	if n := len(c.p.ops); n > 0 && o.kind == many && c.p.ops[n-1].kind == many {
		return // "**" is "*"
	}
	c.p.ops = append(c.p.ops, o)
}

// within reports whether the compiler is in one of the first five parts of an ARN.
func (c *compiler) within() bool { return c.grammar >= resource && c.colons < 5 }

func (c *compiler) character() {
	ch := c.rest[0]
	c.rest = c.rest[1:]
	switch {
	case ch == '*' && c.grammar != plain:
		last := c.rest == "" || c.grammar == resource && c.rest[0] == ':'
		if c.within() && !last {
			c.add(op{kind: manyIn})
		} else {
			c.add(op{kind: many})
		}
	case ch == '?' && c.grammar != plain:
		if c.within() {
			c.add(op{kind: oneIn})
		} else {
			c.add(op{kind: one})
		}
	default:
		if ch == ':' {
			c.colons++
		}
		c.text.WriteByte(ch)
	}
}

// variable reads "${…}".
func (c *compiler) variable() error {
	inside, rest, ok := cutVariable(c.rest[2:])
	if !ok {
		return fmt.Errorf("variable %q has no end", c.rest)
	}
	c.rest = rest
	switch inside {
	case "*", "?", "$":
		c.text.WriteString(inside)
		return nil
	}
	name, orElse, hasOrElse := strings.Cut(inside, ",")
	name = strings.TrimSpace(name)
	if name == "" || strings.ContainsAny(name, "${'") {
		return fmt.Errorf("variable \"${%s}\" names no key", inside)
	}
	if hasOrElse {
		orElse = strings.TrimSpace(orElse)
		if len(orElse) < 2 || orElse[0] != '\'' || strings.IndexByte(orElse[1:], '\'') != len(orElse)-2 {
			return fmt.Errorf("the default value of variable \"${%s}\" is not in single quotes", inside)
		}
		orElse = orElse[1 : len(orElse)-1]
	}
	// A variable cannot stand for the partition, service, region or account of a resource. That such a pattern is then nobody's,
	// rather than refused, is UNCONFIRMED. Source: IAM User Guide, "Where you can use policy variables".
	if c.grammar == resource && c.within() {
		c.p.never = true
	}
	c.p.variables = true
	c.add(op{kind: variable, text: strings.ToLower(name), orElse: orElse, hasOrElse: hasOrElse})
	return nil
}

// cutVariable cuts at the brace that ends a variable: the first one outside of single quotes.
func cutVariable(s string) (inside, rest string, ok bool) {
	quoted := false
	for i := range len(s) {
		switch {
		case s[i] == '\'':
			quoted = !quoted
		case s[i] == '}' && !quoted:
			return s[:i], s[i+1:], true
		}
	}
	return "", "", false
}
