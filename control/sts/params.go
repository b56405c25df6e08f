package sts

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// param is one parameter and what AWS's model says of it.
type param struct {
	name     string
	required bool
	number   bool
	min, max int // length in characters, or the bounds of a number
	pattern  *regexp.Regexp
}

var (
	words          = regexp.MustCompile(`^[\w]*$`)
	sessionName    = regexp.MustCompile(`^[\w+=,.@-]*$`)
	externalID     = regexp.MustCompile(`^[\w+=,.@:/\\-]*$`)
	policyDocument = regexp.MustCompile("^[\t\n\r -\u00ff]+$")
)

// Source: STS API Reference, "AssumeRole" and "GetSessionToken".
var (
	assumeRoleParams = []param{
		{name: "RoleArn", required: true, min: 20, max: 2048},
		{name: "RoleSessionName", required: true, min: 2, max: 64, pattern: sessionName},
		{name: "Policy", min: 1, max: 2048, pattern: policyDocument},
		{name: "DurationSeconds", number: true, min: 900, max: 43200},
		{name: "ExternalId", min: 2, max: 1224, pattern: externalID},
		{name: "SourceIdentity", min: 2, max: 64, pattern: sessionName},
	}
	sessionTokenParams = []param{{name: "DurationSeconds", number: true, min: 900, max: 129600}}
)

// check holds parameters against their rules and tells all faults at once, as AWS does.
func check(form url.Values, params []param) error {
	var faults []string
	for i := range params {
		p := &params[i]
		values, there := form[p.name]
		if !there {
			if p.required {
				faults = append(faults, "Value null at '"+member(p.name)+"' failed to satisfy constraint: Member must not be null")
			}
			continue
		}
		faults = append(faults, p.check(values[0])...)
	}
	switch len(faults) {
	case 0:
		return nil
	case 1:
		return invalid("1 validation error detected: %s", faults[0])
	}
	return invalid("%d validation errors detected: %s", len(faults), strings.Join(faults, "; "))
}

func (p *param) check(v string) (faults []string) {
	fault := func(constraint string) {
		faults = append(faults, "Value '"+v+"' at '"+member(p.name)+"' failed to satisfy constraint: Member must "+constraint)
	}
	n, what := utf8.RuneCountInString(v), "length"
	if p.number {
		var err error
		if n, err = strconv.Atoi(v); err != nil {
			fault("be an integer")
			return faults
		}
		what = "value"
	}
	if n < p.min {
		fault("have " + what + " greater than or equal to " + strconv.Itoa(p.min))
	}
	if n > p.max {
		fault("have " + what + " less than or equal to " + strconv.Itoa(p.max))
	}
	if p.pattern != nil && !p.pattern.MatchString(v) {
		fault("satisfy regular expression pattern: " + strings.Trim(p.pattern.String(), "^$"))
	}
	return faults
}

func member(name string) string { return strings.ToLower(name[:1]) + name[1:] }
