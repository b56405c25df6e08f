package iam

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sockgate/sockgate/control/awswire"
	"github.com/sockgate/sockgate/service/identity"
)

// param is one parameter and what AWS's model says of it.
type param struct {
	name     string
	required bool
	kind     kind
	min, max int // length in characters, or the bounds of a number
	pattern  *regexp.Regexp
	// sentence is what IAM says of a value that does not fit the pattern, instead of naming the pattern.
	sentence string
	enum     []string
}

type kind uint8

const (
	text kind = iota
	number
	boolean
	tagList  // Tags.member.N.Key and .Value
	tagNames // TagKeys.member.N
	textList
)

// need is a parameter that must be there.
func need(p param) param {
	p.required = true
	return p
}

// as is the same rule under another name.
func as(name string, p param) param {
	if p.sentence != "" {
		p.sentence = strings.Replace(p.sentence, member(p.name), member(name), 1)
	}
	p.name = name
	return p
}

// Patterns of AWS's model, anchored.
var (
	namePattern    = regexp.MustCompile(`^[\w+=,.@-]+$`)
	pathPattern    = regexp.MustCompile("^(/|/[!-\x7f]+/)$")
	prefixPattern  = regexp.MustCompile("^/[!-\x7f]*$")
	versionPattern = regexp.MustCompile(`^v[1-9][0-9]*(\.[A-Za-z0-9-]*)?$`)
	keyIDPattern   = regexp.MustCompile(`^\w+$`)
	tagPattern     = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]+$`)
	documentChars  = regexp.MustCompile("^[\t\n\r -\u00ff]+$")
	descriptionOK  = regexp.MustCompile("^[\t\n\r -~\u00a1-\u00ff]*$")
)

const tagPatternText = `[\p{L}\p{Z}\p{N}_.:/=+\-@]+`

const badName = "The specified value for %s is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"

func nameOf(member string) string { return fmt.Sprintf(badName, member) }

// The parameters that many operations share. Source: IAM API Reference.
var (
	userName   = param{name: "UserName", min: 1, max: 128, pattern: namePattern, sentence: nameOf("userName")}
	newUser    = param{name: "UserName", min: 1, max: 64, pattern: namePattern, sentence: nameOf("userName"), required: true}
	roleName   = param{name: "RoleName", min: 1, max: 64, pattern: namePattern, sentence: nameOf("roleName"), required: true}
	policyName = param{name: "PolicyName", min: 1, max: 128, pattern: namePattern, sentence: nameOf("policyName"), required: true}
	policyARN  = param{name: "PolicyArn", min: 20, max: 2048, required: true}
	boundary   = param{name: "PermissionsBoundary", min: 20, max: 2048}
	versionID  = param{name: "VersionId", pattern: versionPattern, required: true}
	document   = param{name: "PolicyDocument", min: 1, max: 131072, pattern: documentChars, required: true}
	describe   = param{name: "Description", max: 1000, pattern: descriptionOK}
	path       = param{name: "Path", min: 1, max: 512, pattern: pathPattern,
		sentence: "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters."}
	pathPrefix = param{name: "PathPrefix", min: 1, max: 512, pattern: prefixPattern,
		sentence: "The specified value for pathPrefix is invalid. It must begin with / and contain only alphanumeric characters and/or / characters."}
	accessKeyID = param{name: "AccessKeyId", min: 16, max: 128, pattern: keyIDPattern, required: true}
	maxSession  = param{name: "MaxSessionDuration", kind: number, min: 3600, max: 43200}
	tags        = param{name: "Tags", kind: tagList}
	tagKeys     = param{name: "TagKeys", kind: tagNames, required: true}
	marker      = param{name: "Marker", min: 1, max: 4096}
	maxItems    = param{name: "MaxItems", kind: number, min: 1, max: 1000}
	setDefault  = param{name: "SetAsDefault", kind: boolean}
)

// check holds a call's parameters against their rules, tells all faults at once as AWS does, and reads the tags.
func check(c *call, params []param) error {
	var faults []string
	for i := range params {
		p := &params[i]
		switch p.kind {
		case tagList:
			faults = append(faults, readTags(c, p)...)
		case tagNames:
			c.keys = awswire.QueryList(c.form, p.name, maxTags)
			faults = append(faults, checkTagKeys(c.keys)...)
		case textList:
		default:
			values, there := c.form[p.name]
			if !there {
				if p.required {
					faults = append(faults, fault(p.name, "Member must not be null"))
				}
				continue
			}
			found, sentence := p.check(values[0])
			if sentence != "" {
				return invalid("%s", sentence)
			}
			faults = append(faults, found...)
		}
	}
	switch len(faults) {
	case 0:
		return nil
	case 1:
		return invalid("1 validation error detected: %s", faults[0])
	}
	return invalid("%d validation errors detected: %s", len(faults), strings.Join(faults, "; "))
}

// fault is one sentence about one parameter. IAM names the parameter and not its value, other than most of AWS.
func fault(name, constraint string) string {
	return "Value at '" + member(name) + "' failed to satisfy constraint: " + constraint
}

// check returns what is wrong with a value, or IAM's own sentence about it.
func (p *param) check(v string) (faults []string, sentence string) {
	switch p.kind {
	case number:
		n, err := strconv.Atoi(v)
		switch {
		case err != nil:
			return nil, "Value at '" + member(p.name) + "' is not an integer"
		case n < p.min:
			faults = append(faults, fault(p.name, "Member must have value greater than or equal to "+strconv.Itoa(p.min)))
		case n > p.max:
			faults = append(faults, fault(p.name, "Member must have value less than or equal to "+strconv.Itoa(p.max)))
		}
		return faults, ""
	case boolean:
		if v != "true" && v != "false" {
			return nil, "Value at '" + member(p.name) + "' is not a boolean"
		}
		return nil, ""
	}
	n := utf8.RuneCountInString(v)
	if p.max > 0 && n > p.max {
		faults = append(faults, fault(p.name, "Member must have length less than or equal to "+strconv.Itoa(p.max)))
	}
	if n < p.min {
		faults = append(faults, fault(p.name, "Member must have length greater than or equal to "+strconv.Itoa(p.min)))
	}
	if p.enum != nil && !slices.Contains(p.enum, v) {
		faults = append(faults, fault(p.name, "Member must satisfy enum value set: ["+strings.Join(p.enum, ", ")+"]"))
	}
	if p.pattern != nil && faults == nil && !p.pattern.MatchString(v) {
		if p.sentence != "" {
			return nil, p.sentence
		}
		faults = append(faults, fault(p.name, "Member must satisfy regular expression pattern: "+strings.Trim(p.pattern.String(), "^$")))
	}
	return faults, ""
}

// member is a parameter's name as errors spell it.
func member(name string) string { return lower(name[:1]) + name[1:] }

func lower(s string) string { return strings.ToLower(s) }

// maxTags is how many tags an entity may have, and a call bring. Source: IAM User Guide, "IAM and AWS STS quotas".
const maxTags = 50

func readTags(c *call, p *param) (faults []string) {
	for n := 1; ; n++ {
		sent := p.name + ".member." + strconv.Itoa(n)
		key, hasKey := c.form[sent+".Key"]
		value, hasValue := c.form[sent+".Value"]
		at := p.name + "." + strconv.Itoa(n) + ".member" // as AWS has it
		if !hasKey && !hasValue {
			break
		}
		if n > maxTags {
			return []string{fault(p.name, "Member must have length less than or equal to "+strconv.Itoa(maxTags))}
		}
		switch {
		case !hasKey:
			faults = append(faults, fault(at+".key", "Member must not be null"))
			continue
		case !hasValue:
			faults = append(faults, fault(at+".value", "Member must not be null"))
			continue
		case utf8.RuneCountInString(key[0]) > 128:
			faults = append(faults, fault(at+".key", "Member must have length less than or equal to 128"))
		case key[0] == "":
			faults = append(faults, fault(at+".key", "Member must have length greater than or equal to 1"))
		case !tagPattern.MatchString(key[0]):
			faults = append(faults, fault(at+".key", "Member must satisfy regular expression pattern: "+tagPatternText))
		}
		switch {
		case utf8.RuneCountInString(value[0]) > 256:
			faults = append(faults, fault(at+".value", "Member must have length less than or equal to 256"))
		case value[0] != "" && !tagPattern.MatchString(value[0]):
			faults = append(faults, fault(at+".value", "Member must satisfy regular expression pattern: "+strings.Replace(tagPatternText, "]+", "]*", 1)))
		}
		c.tags = append(c.tags, identity.Tag{Key: key[0], Value: value[0]})
	}
	if p.required && len(c.tags) == 0 && faults == nil {
		faults = append(faults, fault(p.name, "Member must not be null"))
	}
	return faults
}

func checkTagKeys(keys []string) []string {
	if len(keys) > maxTags {
		return []string{fault("TagKeys", "Member must have length less than or equal to "+strconv.Itoa(maxTags))}
	}
	for _, k := range keys {
		if n := utf8.RuneCountInString(k); n < 1 || n > 128 || !tagPattern.MatchString(k) {
			return []string{fault("TagKeys", "Member must satisfy constraint: [Member must have length less than or equal to 128, "+
				"Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: "+tagPatternText+", Member must not be null]")}
		}
	}
	return nil
}
