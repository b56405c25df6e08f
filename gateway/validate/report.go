package validate

import (
	"encoding/json"
	"fmt"
	"math/big"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// reporter words failures as API Gateway does, whose texts are those of the json-schema-validator library for Java (fge), e.g.
// "object has missing required properties ([\"address\"])". What has no counterpart there keeps this library's own words.
type reporter struct {
	message any
	docs    documents
}

// maxFindings bounds the faults that are told of one message: each may quote a large part of the message or of the schema.
const maxFindings = 100

// describe returns one text for each fault, of which the first maxFindings count. The alternatives of anyOf, oneOf and allOf are one fault
// together.
func (r reporter) describe(e *jsonschema.ValidationError) []string {
	switch e.ErrorKind.(type) {
	case *kind.Schema, *kind.Group, *kind.Reference:
		var all []string
		for _, cause := range e.Causes {
			if all = append(all, r.describe(cause)...); len(all) >= maxFindings {
				break
			}
		}
		return all
	}
	return []string{r.text(e)}
}

func (r reporter) text(e *jsonschema.ValidationError) string {
	switch k := e.ErrorKind.(type) {
	case *kind.Type:
		return fmt.Sprintf("instance type (%s) does not match any allowed primitive type (allowed: %s)", typeName(r.value(e)), allowed(k.Want))
	case *kind.Enum:
		return fmt.Sprintf("instance value (%s) not found in enum (possible values: %s)", jsonText(k.Got), jsonText(k.Want))
	case *kind.Required:
		return fmt.Sprintf("object has missing required properties (%s)", jsonText(k.Missing))
	case *kind.AdditionalProperties:
		return fmt.Sprintf("object instance has properties which are not allowed by the schema: %s", jsonText(slices.Sorted(slices.Values(k.Properties))))
	case *kind.MinProperties:
		return fmt.Sprintf("object has too few properties (found %d but schema requires at least %d)", k.Got, k.Want)
	case *kind.MaxProperties:
		return fmt.Sprintf("object has too many properties (found %d but schema requires at most %d)", k.Got, k.Want)
	case *kind.Dependency:
		return fmt.Sprintf("property %s of object has missing property dependencies (schema requires %s; missing: %s)",
			quoted(k.Prop), jsonText(r.keyword(e, "dependencies", k.Prop)), jsonText(k.Missing))
	case *kind.MinItems:
		return fmt.Sprintf("array is too short: must have at least %d elements but instance has %d elements", k.Want, k.Got)
	case *kind.MaxItems:
		return fmt.Sprintf("array is too long: must have at most %d elements but instance has %d elements", k.Want, k.Got)
	case *kind.AdditionalItems:
		a, _ := r.value(e).([]any)
		return fmt.Sprintf("schema only allows %d elements in array but instance has %d elements", len(a)-k.Count, len(a))
	case *kind.UniqueItems:
		return "array must not contain duplicate elements"
	case *kind.Format:
		return badFormat(k)
	case *kind.Not:
		return "instance matched a schema which it should not have"
	case *kind.AnyOf:
		return fmt.Sprintf("instance failed to match at least one required schema among %d", len(e.Causes))
	case *kind.AllOf:
		n := r.count(e, "allOf")
		return fmt.Sprintf("instance failed to match all required schemas (matched only %d out of %d)", n-len(e.Causes), n)
	case *kind.OneOf:
		return fmt.Sprintf("instance failed to match exactly one schema (matched %d out of %d)", len(k.Subschemas), r.count(e, "oneOf"))
	case *kind.RefCycle:
		return "validation loop"
	}
	return r.scalar(e)
}

// scalar words the faults of strings and numbers.
func (r reporter) scalar(e *jsonschema.ValidationError) string {
	switch k := e.ErrorKind.(type) {
	case *kind.MinLength:
		return fmt.Sprintf("string %s is too short (length: %d, required minimum: %d)", quoted(r.value(e)), k.Got, k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("string %s is too long (length: %d, maximum allowed: %d)", quoted(r.value(e)), k.Got, k.Want)
	case *kind.Pattern:
		return fmt.Sprintf("ECMA 262 regex %s does not match input string %s", quoted(k.Want), quoted(k.Got))
	case *kind.Minimum:
		return fmt.Sprintf("numeric instance is lower than the required minimum (minimum: %s, found: %v)", decimal(k.Want), r.value(e))
	case *kind.Maximum:
		return fmt.Sprintf("numeric instance is greater than the required maximum (maximum: %s, found: %v)", decimal(k.Want), r.value(e))
	case *kind.ExclusiveMinimum:
		if k.Got.Cmp(k.Want) == 0 {
			return fmt.Sprintf("numeric instance is not strictly greater than the required minimum %s", decimal(k.Want))
		}
		return fmt.Sprintf("numeric instance is lower than the required minimum (minimum: %s, found: %v)", decimal(k.Want), r.value(e))
	case *kind.ExclusiveMaximum:
		if k.Got.Cmp(k.Want) == 0 {
			return fmt.Sprintf("numeric instance is not strictly lower than the required maximum %s", decimal(k.Want))
		}
		return fmt.Sprintf("numeric instance is greater than the required maximum (maximum: %s, found: %v)", decimal(k.Want), r.value(e))
	case *kind.MultipleOf:
		return fmt.Sprintf("remainder of division is not zero (%v / %s)", r.value(e), decimal(k.Want))
	}
	return plain(e.ErrorKind)
}

func plain(k jsonschema.ErrorKind) string {
	return k.LocalizedString(message.NewPrinter(language.English))
}

func badFormat(k *kind.Format) string {
	form := "%s is not a valid " + k.Want
	switch k.Want {
	case "date-time":
		form = "string %s is invalid against requested date format(s) [yyyy-MM-dd'T'HH:mm:ssZ, yyyy-MM-dd'T'HH:mm:ss.[0-9]{1,12}Z]"
	case "email":
		form = "string %s is not a valid email address"
	case "hostname":
		form = "string %s is not a valid hostname"
	case "ipv4":
		form = "string %s is not a valid IPv4 address"
	case "ipv6":
		form = "string %s is not a valid IPv6 address"
	case "regex":
		form = "string %s is not a valid ECMA 262 regular expression"
	case "uri":
		form = "string %s is not a valid URI"
	}
	return fmt.Sprintf(form, quoted(k.Got))
}

// quoted puts a text in quotes as it is.
func quoted(v any) string { return fmt.Sprintf(`"%v"`, v) }

// typeName is the type of a value as the Java library tells it, which knows integers by their spelling.
func typeName(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	case json.Number:
		if !strings.ContainsAny(string(v), ".eE") {
			return "integer"
		}
	}
	return "number"
}

// allowed lists types in order; a number may be an integer.
func allowed(types []string) []byte {
	if slices.Contains(types, "number") {
		types = append(slices.Clone(types), "integer")
	}
	types = slices.Sorted(slices.Values(types))
	return jsonText(slices.Compact(types))
}

// decimal prints a limit of the schema without loss.
func decimal(r *big.Rat) string {
	n, exact := r.FloatPrec()
	if !exact {
		return r.RatString()
	}
	return r.FloatString(n)
}

// value returns the value that a fault was found in.
func (r reporter) value(e *jsonschema.ValidationError) any {
	return descend(r.message, e.InstanceLocation)
}

func (r reporter) count(e *jsonschema.ValidationError, keyword string) int {
	if list, ok := r.keyword(e, keyword).([]any); ok {
		return len(list)
	}
	return len(e.Causes)
}

// keyword returns what the schema of a fault says under a keyword, or nil.
func (r reporter) keyword(e *jsonschema.ValidationError, path ...string) any {
	address, pointer, _ := strings.Cut(e.SchemaURL, "#")
	var steps []string
	if pointer != "" {
		for step := range strings.SplitSeq(pointer[1:], "/") {
			steps = append(steps, unescape(step))
		}
	}
	return descend(r.docs[address], append(steps, path...))
}

func descend(v any, path []string) any {
	for _, step := range path {
		switch inner := v.(type) {
		case map[string]any:
			v = inner[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(inner) {
				return nil
			}
			v = inner[i]
		default:
			return nil
		}
	}
	return v
}

// unescape reads one step of a JSON pointer in the fragment of an address.
func unescape(step string) string {
	if s, err := url.PathUnescape(step); err == nil {
		step = s
	}
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
}
