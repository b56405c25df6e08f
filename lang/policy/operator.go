package policy

import "strings"

// family is a group of operators that compare the same kind of values.
type family uint8

const (
	stringFamily family = iota
	numericFamily
	dateFamily
	boolFamily
	binaryFamily
	ipFamily
	arnFamily
	nullFamily
)

// relation is how a number or date of the request stands to one of the policy.
type relation uint8

const (
	equal relation = iota
	less
	lessOrEqual
	greater
	greaterOrEqual
)

// operator is what a condition's type says.
type operator struct {
	family   family
	relation relation // of numbers and dates
	grammar  grammar  // of texts and ARNs
	fold     bool     // in any case
	negated  bool
}

// operators are all that IAM knows, by the names that are written in policies, which are case-sensitive.
// Source: IAM User Guide, "IAM JSON policy elements: Condition operators".
var operators = map[string]operator{
	"StringEquals":              {family: stringFamily},
	"StringNotEquals":           {family: stringFamily, negated: true},
	"StringEqualsIgnoreCase":    {family: stringFamily, fold: true},
	"StringNotEqualsIgnoreCase": {family: stringFamily, fold: true, negated: true},
	"StringLike":                {family: stringFamily, grammar: glob},
	"StringNotLike":             {family: stringFamily, grammar: glob, negated: true},
	"NumericEquals":             {family: numericFamily},
	"NumericNotEquals":          {family: numericFamily, negated: true},
	"NumericLessThan":           {family: numericFamily, relation: less},
	"NumericLessThanEquals":     {family: numericFamily, relation: lessOrEqual},
	"NumericGreaterThan":        {family: numericFamily, relation: greater},
	"NumericGreaterThanEquals":  {family: numericFamily, relation: greaterOrEqual},
	"DateEquals":                {family: dateFamily},
	"DateNotEquals":             {family: dateFamily, negated: true},
	"DateLessThan":              {family: dateFamily, relation: less},
	"DateLessThanEquals":        {family: dateFamily, relation: lessOrEqual},
	"DateGreaterThan":           {family: dateFamily, relation: greater},
	"DateGreaterThanEquals":     {family: dateFamily, relation: greaterOrEqual},
	"Bool":                      {family: boolFamily, fold: true},
	"BinaryEquals":              {family: binaryFamily},
	"IpAddress":                 {family: ipFamily},
	"NotIpAddress":              {family: ipFamily, negated: true},
	"ArnEquals":                 {family: arnFamily, grammar: arn},
	"ArnLike":                   {family: arnFamily, grammar: arn},
	"ArnNotEquals":              {family: arnFamily, grammar: arn, negated: true},
	"ArnNotLike":                {family: arnFamily, grammar: arn, negated: true},
	"Null":                      {family: nullFamily, fold: true},
}

// set says how the several values of a key are taken together.
type set uint8

const (
	noSet set = iota
	allValues
	anyValue
)

// parseOperator reads a condition's type, such as "ForAnyValue:StringLikeIfExists".
func parseOperator(name string) (o operator, s set, ifExists, ok bool) {
	if rest, found := strings.CutPrefix(name, "ForAllValues:"); found {
		name, s = rest, allValues
	} else if rest, found := strings.CutPrefix(name, "ForAnyValue:"); found {
		name, s = rest, anyValue
	}
	if o, ok = operators[name]; ok {
		return o, s, false, true
	}
	if name, ifExists = strings.CutSuffix(name, "IfExists"); ifExists {
		o, ok = operators[name]
	}
	return o, s, ifExists, ok && o.family != nullFamily // Null asks for existence itself
}
