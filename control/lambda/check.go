package lambda

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// checker collects what is wrong with a call's members, in the words of AWS's front end.
type checker struct{ faults []string }

func (c *checker) err() error {
	switch n := len(c.faults); {
	case n == 1:
		return violates("1 validation error detected: %s", c.faults[0])
	case n > 1:
		return violates("%d validation errors detected: %s", n, strings.Join(c.faults[:min(n, 10)], "; "))
	}
	return nil
}

func (c *checker) fault(member, value, format string, args ...any) {
	const shown = 512 // bytes of the caller's value that go back
	if len(value) > shown {
		value = strings.ToValidUTF8(value[:shown], "") + "..."
	}
	c.faults = append(c.faults, fmt.Sprintf("Value '%s' at '%s' failed to satisfy constraint: %s", value, member, fmt.Sprintf(format, args...)))
}

func (c *checker) missing(member string) {
	c.faults = append(c.faults, fmt.Sprintf("Value null at '%s' failed to satisfy constraint: Member must not be null", member))
}

// need reports whether a member that must be there is, and notes its absence.
func (c *checker) need(member string, value *string) bool {
	if value == nil {
		c.missing(member)
	}
	return value != nil
}

func (c *checker) length(member, value string, least, most int) {
	switch n := utf8.RuneCountInString(value); {
	case n < least:
		c.fault(member, value, "Member must have length greater than or equal to %d", least)
	case n > most:
		c.fault(member, value, "Member must have length less than or equal to %d", most)
	}
}

func (c *checker) pattern(member, value string, form *regexp.Regexp, shown string) {
	if !form.MatchString(value) {
		c.fault(member, value, "Member must satisfy regular expression pattern: %s", shown)
	}
}

func (c *checker) oneOf(member, value string, of ...string) {
	if !slices.Contains(of, value) {
		c.fault(member, value, "Member must satisfy enum value set: [%s]", strings.Join(of, ", "))
	}
}

func (c *checker) between(member string, value *int, least, most int) {
	switch {
	case value == nil:
	case *value < least:
		c.fault(member, fmt.Sprint(*value), "Member must have value greater than or equal to %d", least)
	case *value > most:
		c.fault(member, fmt.Sprint(*value), "Member must have value less than or equal to %d", most)
	}
}

// name checks a function's name in any form.
func (c *checker) name(given string, form *regexp.Regexp, shown string) {
	most := maxFullName
	if !strings.Contains(given, ":") {
		most = maxPlainName
	}
	c.pattern("functionName", given, form, shown)
	c.length("functionName", given, 1, most)
}

// readBody decodes a call's JSON. An absent body is an empty object; unknown members are ignored, as in Lambda.
// UNCONFIRMED: the texts of AWS's deserializer. Its type, SerializationException, is that of all its REST-JSON services.
func readBody(body []byte, into any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		return &fault{status: http.StatusBadRequest, typ: "SerializationException", message: "The request body could not be read: " + err.Error(), bare: true, cause: err}
	}
	return nil
}
