package elbv2

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sockgate/sockgate/control/awswire"
)

// maxList bounds lists of parameters. AWS's own bounds are lower, and told in its words.
const maxList = 1000

func (c *call) get(name string) string { return c.form.Get(name) }

func (c *call) list(name string) []string { return awswire.QueryList(c.form, name, maxList) }

// need returns a parameter that must be there.
func (c *call) need(name string) (string, error) {
	if v := c.get(name); v != "" {
		return v, nil
	}
	return "", constraint("", lowerFirst(name), "Member must not be null")
}

// number reads a parameter with bounds; absent it is zero, and there is false.
func (c *call) number(name string, low, high int) (n int, there bool, err error) {
	text := c.get(name)
	if text == "" {
		return 0, false, nil
	}
	n, err = strconv.Atoi(text)
	switch {
	case err != nil:
		return 0, true, refuse("MalformedInput", "%s is not an integer", name)
	case n < low:
		return 0, true, constraint(text, lowerFirst(name), "Member must have value greater than or equal to "+strconv.Itoa(low))
	case n > high:
		return 0, true, constraint(text, lowerFirst(name), "Member must have value less than or equal to "+strconv.Itoa(high))
	}
	return n, true, nil
}

func (c *call) seconds(name string, low, high int, to *time.Duration) error {
	n, there, err := c.number(name, low, high)
	if there && err == nil {
		*to = time.Duration(n) * time.Second
	}
	return err
}

// enum reads a parameter that has one of the values, or is absent.
func (c *call) enum(name string, values ...string) (string, error) {
	v := c.get(name)
	if v != "" && !slices.Contains(values, v) {
		return "", constraint(v, lowerFirst(name), "Member must satisfy enum value set: ["+strings.Join(values, ", ")+"]")
	}
	return v, nil
}

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }

// each calls f with the beginning of each of a list's structures, "Targets.member.1.", until there is none with any of the members.
func (c *call) each(name string, members []string, f func(prefix string) error) error {
	for n := 1; n <= maxList+1; n++ {
		prefix := name + ".member." + strconv.Itoa(n) + "."
		if !slices.ContainsFunc(members, func(m string) bool { return c.form.Has(prefix + m) }) {
			return nil
		}
		if n > maxList {
			return invalid("%s can have at most %d members", name, maxList)
		}
		if err := f(prefix); err != nil {
			return err
		}
	}
	return nil
}

// pairs reads a list of keys and values.
func (c *call) pairs(name string) (map[string]string, error) {
	m := make(map[string]string)
	err := c.each(name, []string{"Key", "Value"}, func(prefix string) error {
		key := c.get(prefix + "Key")
		if key == "" {
			return invalid("The key of %s must not be empty", lowerFirst(name))
		}
		if _, twice := m[key]; twice {
			if name == "Tags" {
				return refuse("DuplicateTagKeys", "A tag key was specified more than once: %s", short(key))
			}
			return invalid("Attribute key '%s' was specified more than once", short(key))
		}
		m[key] = c.get(prefix + "Value")
		return nil
	})
	return m, err
}

// Rules of names. The texts are AWS's.
var nameForm = regexp.MustCompile(`^[A-Za-z0-9-]*$`)

const maxName = 32

func checkName(what, name string) error {
	switch {
	case utf8.RuneCountInString(name) > maxName:
		return invalid("%s name '%s' cannot be longer than '%d' characters", what, short(name), maxName)
	case !nameForm.MatchString(name):
		return invalid("%s name '%s' can only contain characters that are alphanumeric characters or hyphens(-)", what, short(name))
	case strings.HasPrefix(name, "-") || strings.HasSuffix(name, "-"):
		return invalid("%s name '%s' cannot begin or end with '-'", what, short(name))
	}
	return nil
}

// Rules of tags. Source: Elastic Load Balancing User Guide, "Tags".
const maxTags = 50

var tagText = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)

func checkTags(tags map[string]string) error {
	if len(tags) > maxTags {
		return refuse("TooManyTags", "The maximum number of tags per resource is %d", maxTags)
	}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		switch value := tags[key]; {
		case utf8.RuneCountInString(key) > 128:
			return constraint(key, "tags", "Member must have length less than or equal to 128")
		case utf8.RuneCountInString(value) > 256:
			return constraint(value, "tags", "Member must have length less than or equal to 256")
		case strings.HasPrefix(strings.ToLower(key), "aws:"):
			return invalid("Tag keys that begin with aws: are reserved: %s", key)
		case !tagText.MatchString(key) || !tagText.MatchString(value):
			return invalid("Tag %s has a character that is not allowed", key)
		}
	}
	return nil
}

// newHash is the last part of an ARN: 16 hexadecimal digits.
func newHash() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

const defaultPage = 400

// page returns one page of items, which are in the order of their names, and the marker of the next one.
func page[T any](c *call, items []T, name func(T) string) ([]T, string, error) {
	size, there, err := c.number("PageSize", 1, defaultPage)
	if err != nil {
		return nil, "", err
	}
	if !there {
		size = defaultPage
	}
	if m := c.get("Marker"); m != "" {
		raw, err := base64.RawURLEncoding.DecodeString(m)
		after, ok := strings.CutPrefix(string(raw), c.get("Action")+"\n")
		if err != nil || !ok {
			return nil, "", invalid("The marker '%s' is not valid", short(m))
		}
		for len(items) > 0 && name(items[0]) <= after {
			items = items[1:]
		}
	}
	if len(items) <= size {
		return items, "", nil
	}
	return items[:size], base64.RawURLEncoding.EncodeToString([]byte(c.get("Action") + "\n" + name(items[size-1]))), nil
}
