package value

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/ddb/number"
)

// The rules that a value can break, in DynamoDB's words.
const (
	invalidPrefix   = "One or more parameter values were invalid: "
	emptyValue      = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
	severalTypes    = "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
	falseNull       = invalidPrefix + "Null attribute value types must have the value of true"
	emptyStringSet  = invalidPrefix + "An string set  may not be empty"
	emptyNumberSet  = invalidPrefix + "An number set  may not be empty"
	emptyBinarySet  = invalidPrefix + "Binary sets should not be empty"
	nullInStringSet = invalidPrefix + "An string set may not have a null string as a member"
	nullInBinarySet = invalidPrefix + "Binary sets may not contain null or empty values"
	duplicateNumber = "Input collection contains duplicates"
	tooDeep         = "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"
	emptyName       = "Empty attribute name"
)

// MaxDepth is how many levels of maps and lists an item has, its attributes being the first.
// Source: Developer Guide, "Service quotas", Nested attribute depth.
const MaxDepth = 32

// invalid returns the value that breaks a rule. current is how the service's newer front words it, when that differs.
func invalid(message, current string) Value {
	v := Value{kind: Invalid, broken: true, text: message}
	if current != "" && current != message {
		v.fields = []Field{{Name: current}}
	}
	return v
}

// Number returns a value of type N. text is any spelling that DynamoDB takes; the error is sockgate.Invalid with its message.
func Number(text string) (Value, error) {
	s, err := number.Parse(text)
	if err != nil {
		return Value{}, err
	}
	return Value{kind: N, text: s}, nil
}

// numeric is Number for a value that is being read: what is none breaks a rule.
func numeric(text string) Value {
	v, err := Number(text)
	if err == nil {
		return v
	}
	if text == "" {
		return invalid(err.Error(), err.Error()+": ")
	}
	return invalid(err.Error(), "")
}

// Integer returns a value of type N.
func Integer(n int64) Value { return Value{kind: N, text: strconv.FormatInt(n, 10)} }

// Set returns a set of type k (SS, NS, BS) of members, which must be distinct and of type k.Member(), at least one.
// It does not check them.
func Set(k Kind, members []Value) Value {
	fields := make([]Field, len(members))
	for i, m := range members {
		fields[i].Value = m
	}
	return Value{kind: k, fields: fields}
}

// Err returns what rule the value, or the first broken thing in it, breaks: a *sockgate.Error of kind Invalid with
// DynamoDB's message, or nil.
//
// DynamoDB has two wordings for numbers and repeated members, by operation and region. Err has the older; see ErrCurrent.
func (v Value) Err() error { return v.err(false) }

// ErrCurrent is Err in the wording of the service's newer front: it names repeated members in quotation marks, and ends the
// message about an empty number with a colon. Single-item writes put "1 validation error detected: " before it, which is for
// the caller to add.
func (v Value) ErrCurrent() error { return v.err(true) }

func (v Value) err(current bool) error {
	switch {
	case !v.broken:
		return nil
	case v.kind != Invalid:
		for _, f := range v.fields {
			if err := f.Value.err(current); err != nil {
				return err
			}
		}
		return nil
	case current && len(v.fields) > 0:
		return &sockgate.Error{Kind: sockgate.Invalid, Message: v.fields[0].Name}
	}
	return &sockgate.Error{Kind: sockgate.Invalid, Message: v.text}
}

// Err returns the first attribute's error in the order of names, or nil.
func (it Item) Err() error { return it.err(false) }

// ErrCurrent is Err in the wording of the service's newer front: see Value.ErrCurrent.
func (it Item) ErrCurrent() error { return it.err(true) }

func (it Item) err(current bool) error {
	for i := range it {
		if it[i].Value.broken {
			return it[i].Value.err(current)
		}
	}
	if len(it) > 0 && it[0].Name == "" {
		return &sockgate.Error{Kind: sockgate.Invalid, Message: emptyName}
	}
	return nil
}

// StartKeyErr is Err for an ExclusiveStartKey: DynamoDB says which parameter it is before most of the messages, but not before
// those about numbers and repeated members.
func (it Item) StartKeyErr() error {
	err := it.Err()
	if err == nil {
		return nil
	}
	message := err.Error()
	for _, rule := range []string{emptyValue, severalTypes, falseNull, emptyStringSet, emptyBinarySet} {
		if message == rule {
			return sockgate.Invalidf("The provided starting key is invalid: %s", message)
		}
	}
	return err
}

// Depth returns how many levels the value has: 1 for a string, 2 for a list of strings.
func (v Value) Depth() int {
	deepest := 0
	if v.kind == M || v.kind == L {
		for i := range v.fields {
			deepest = max(deepest, v.fields[i].Value.Depth())
		}
	}
	return deepest + 1
}

// CheckDepth returns an error when the item has more than MaxDepth levels, as it may have after an update.
func (it Item) CheckDepth() error {
	for i := range it {
		if v := it[i].Value; (v.kind == M || v.kind == L) && v.Depth() > MaxDepth {
			return &sockgate.Error{Kind: sockgate.Invalid, Message: tooDeep}
		}
	}
	return nil
}

// checkSet returns the set, or what rule it breaks.
func checkSet(k Kind, members []Field) Value {
	if len(members) == 0 {
		return invalid([...]string{SS: emptyStringSet, NS: emptyNumberSet, BS: emptyBinarySet}[k], "")
	}
	for i := range members {
		if members[i].Value.kind == Invalid {
			return members[i].Value
		}
	}
	if at := repeated(members); at >= 0 {
		return duplicates(k, members)
	}
	return Value{kind: k, fields: members}
}

// repeated returns the index of a member that equals an earlier one, or -1.
func repeated(members []Field) int {
	if len(members) <= 16 {
		for i := range members {
			for j := range i {
				if members[j].Value.text == members[i].Value.text {
					return i
				}
			}
		}
		return -1
	}
	seen := make(map[string]struct{}, len(members))
	for i := range members {
		if _, ok := seen[members[i].Value.text]; ok {
			return i
		}
		seen[members[i].Value.text] = struct{}{}
	}
	return -1
}

// duplicates words the repetition. The newer front lists the members in the order of a sorted set up to the first repeat,
// then the repeat, then the rest as they were sent.
func duplicates(k Kind, members []Field) Value {
	if k == NS {
		return invalid(duplicateNumber, invalidPrefix+duplicateNumber+".")
	}
	texts := make([]string, len(members))
	for i := range members {
		texts[i] = members[i].Value.text
	}
	at := repeated(members)
	ordered := slices.Concat(slices.Sorted(slices.Values(texts[:at])), texts[at:])
	if k == SS {
		return invalid(
			invalidPrefix+"Input collection ["+strings.Join(texts, ", ")+"] contains duplicates.",
			invalidPrefix+`Input collection ["`+strings.Join(ordered, `", "`)+`"] contains duplicates.`)
	}
	for i := range texts {
		texts[i], ordered[i] = base64Text(texts[i]), base64Text(ordered[i])
	}
	return invalid(
		invalidPrefix+"Input collection ["+strings.Join(texts, ", ")+"]of type BS contains duplicates.",
		invalidPrefix+`Input collection ["`+strings.Join(ordered, `","`)+`"]of type BS contains duplicates.`)
}
