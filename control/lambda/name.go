package lambda

import (
	"regexp"
	"strings"
)

// The forms of names, as Lambda's service model has them; the messages show the patterns.
const (
	functionPattern = `(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?`
	newNamePattern  = `(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?`
	qualPattern     = `[a-zA-Z0-9$_-]+`
	aliasPattern    = `(?!^[0-9]+$)([a-zA-Z0-9-_]+)`
	versionPattern  = `(\$LATEST|[0-9]+)`
	maxPlainName    = 64 // characters of a name that is no ARN
	maxFullName     = 140
	maxQualifier    = 128
)

var (
	functionForm = whole(functionPattern)
	newNameForm  = whole(newNamePattern)
	qualForm     = whole(qualPattern)
	aliasForm    = whole(`[a-zA-Z0-9-_]+`)
	digits       = whole(`[0-9]+`)
	versionForm  = whole(versionPattern)
)

// whole compiles a pattern that must match all of a text. "[a-zA-Z0-9-_]" means the same to Go with the hyphen last.
func whole(pattern string) *regexp.Regexp {
	pattern = strings.ReplaceAll(pattern, `0-9-_\.]`, `0-9_.-]`)
	pattern = strings.ReplaceAll(pattern, `0-9-_]`, `0-9_-]`)
	return regexp.MustCompile(`^(?:` + pattern + `)$`)
}

// functionName takes a function's name in any of its forms (name, name:qualifier, account:function:name, ARN, with a qualifier or not)
// and the query's Qualifier apart.
func (s *Service) functionName(given, qualifier string) (name, qual string, err error) {
	c := &checker{}
	c.name(given, functionForm, functionPattern)
	if qualifier != "" {
		c.length("qualifier", qualifier, 1, maxQualifier)
		c.pattern("qualifier", qualifier, qualForm, qualPattern)
	}
	if err := c.err(); err != nil {
		return "", "", err
	}
	n := split(given)
	if n.region != "" && n.region != s.Region {
		return "", "", notFound("Functions from '%s' are not reachable in this region ('%s')", n.region, s.Region)
	}
	if n.account != "" && n.account != s.Account {
		return "", "", notFound("Function not found: %s", given)
	}
	switch {
	case qualifier == "":
		qualifier = n.qualifier
	case n.qualifier != "" && n.qualifier != qualifier:
		return "", "", invalid("The derived qualifier from the function name does not match the specified qualifier.")
	}
	return n.name, qualifier, nil
}

type nameParts struct{ region, account, name, qualifier string }

// split takes a name apart that matches functionPattern: [arn:aws:lambda:][region:][account:][function:]name[:qualifier].
func split(given string) nameParts {
	var n nameParts
	parts := strings.Split(given, ":")
	if len(parts) > 3 && parts[0] == "arn" {
		parts = parts[3:]
	}
	if len(parts) > 1 && regionForm.MatchString(parts[0]) {
		n.region, parts = parts[0], parts[1:]
	}
	if len(parts) > 1 && accountForm.MatchString(parts[0]) {
		n.account, parts = parts[0], parts[1:]
	}
	if len(parts) > 1 && parts[0] == "function" {
		parts = parts[1:]
	}
	n.name = parts[0]
	if len(parts) > 1 {
		n.qualifier = parts[1]
	}
	return n
}

var (
	regionForm  = whole(`[a-z]{2}(-gov|-iso[a-z]?)?-[a-z]+-\d`)
	accountForm = whole(`\d{12}`)
)

// unqualified refuses an operation on a version or an alias that is one of functions only.
func (in *input) unqualified() error {
	if in.qualifier != "" {
		return invalid("This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. " +
			"Please specify either a function name or an unqualified function ARN.")
	}
	return nil
}
