package acm

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// faults collects what is wrong with the parameters of a call, in the words of AWS's front end, which tells all of it at once.
type faults []string

func (f *faults) add(value, member, constraint string, args ...any) {
	if value != "null" {
		value = "'" + value + "'"
	}
	*f = append(*f, fmt.Sprintf("Value %s at '%s' failed to satisfy constraint: %s", value, member, fmt.Sprintf(constraint, args...)))
}

// err is the refusal, or nil.
func (f *faults) err() error {
	switch len(*f) {
	case 0:
		return nil
	case 1:
		return invalid("1 validation error detected: %s", (*f)[0])
	}
	return invalid("%d validation errors detected: %s", len(*f), strings.Join(*f, "; "))
}

const (
	notNull = "Member must not be null"
	atMost  = "Member must have length less than or equal to %d"
	atLeast = "Member must have length greater than or equal to %d"
	pattern = "Member must satisfy regular expression pattern: %s"
	enum    = "Member must satisfy enum value set: [%s]"
)

// text checks a text that may be absent.
func (f *faults) text(member string, v *string, min, max int, form *regexp.Regexp, shown string) {
	if v == nil {
		return
	}
	n := utf8.RuneCountInString(*v)
	if n > max {
		f.add(*v, member, atMost, max)
	}
	if n < min {
		f.add(*v, member, atLeast, min)
	}
	if form != nil && !form.MatchString(*v) {
		f.add(*v, member, pattern, shown)
	}
}

// need checks that a member is there.
func (f *faults) need(member string, there bool) {
	if !there {
		f.add("null", member, notNull)
	}
}

// oneOf checks a text that may be absent or empty.
func (f *faults) oneOf(member, v string, values ...string) {
	if v != "" && !slices.Contains(values, v) {
		f.add(v, member, enum, strings.Join(values, ", "))
	}
}

// eachOf checks the members of a list.
func (f *faults) eachOf(member string, list []string, values ...string) {
	for _, v := range list {
		if !slices.Contains(values, v) {
			f.add("["+strings.Join(list, ", ")+"]", member, "Member must satisfy constraint: ["+enum+"]", strings.Join(values, ", "))
			return
		}
	}
}

// blob checks bytes. AWS shows a buffer of its own instead of them.
func (f *faults) blob(member string, v []byte, max int) {
	shown := fmt.Sprintf("java.nio.HeapByteBuffer[pos=0 lim=%d cap=%d]", len(v), len(v))
	switch {
	case v == nil:
		f.need(member, false)
	case len(v) > max:
		f.add(shown, member, atMost, max)
	case len(v) == 0:
		f.add(shown, member, atLeast, 1)
	}
}

// The forms of names and ARNs. Source: the service's model.
const (
	arnPattern    = `arn:[\w+=/,.@-]+:acm:[\w+=/,.@-]*:[0-9]+:[\w+=,.@-]+(/[\w+=,.@-]+)*`
	domainPattern = `(\*\.)?(((?!-)[A-Za-z0-9-]{0,62}[A-Za-z0-9])\.)+((?!-)[A-Za-z0-9-]{1,62}[A-Za-z0-9])`
	tagKeyPattern = `[\p{L}\p{Z}\p{N}_.:\/=+\-@]*`
	tokenPattern  = `\w+`
)

var (
	arnForm = regexp.MustCompile(`^` + arnPattern + `$`)
	// Without the look-ahead, which Go's expressions do not have: a label begins and ends with a letter or digit.
	domainForm = regexp.MustCompile(`^(\*\.)?([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9][A-Za-z0-9-]{0,61}[A-Za-z0-9]$`)
	tagForm    = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)
	tokenForm  = regexp.MustCompile(`^\w+$`)
)

// arn checks a certificate's ARN by its form alone.
func (f *faults) arn(member string, v *string, required bool) {
	if required {
		f.need(member, v != nil)
	}
	f.text(member, v, 20, 2048, arnForm, arnPattern)
}

// certificateARN checks that an ARN of the right form is one of a certificate.
func certificateARN(arn string) error {
	if parts := strings.SplitN(arn, ":", 6); len(parts) != 6 || parts[2] != "acm" || !strings.HasPrefix(parts[5], "certificate/") {
		return refuse("InvalidArnException", "The ARN %s is not the ARN of a certificate.", arn)
	}
	return nil
}

// checkARN checks a call whose only parameter is an ARN.
func checkARN(member string, v *string) error {
	var f faults
	f.arn(member, v, true)
	if err := f.err(); err != nil {
		return err
	}
	return certificateARN(*v)
}
