package transform

import "strings"

// Substitute replaces each ${stageVariables.NAME} in s. A reference to a variable that vars lacks stays as it is, and its
// name is returned, each once and in order.
//
// Names are letters, digits and underscores (reference section 8); anything else is not a reference. What a variable's
// value contains is not looked at again.
func Substitute(s string, vars map[string]string) (result string, missing []string) {
	const opening = "${stageVariables."
	var b strings.Builder
	rest := s
	for {
		before, after, found := strings.Cut(rest, opening)
		b.WriteString(before)
		if !found {
			return b.String(), missing
		}
		name, tail, closed := strings.Cut(after, "}")
		if !closed || !variableName(name) {
			b.WriteString(opening)
			rest = after
			continue
		}
		value, ok := vars[name]
		if !ok {
			missing = appendOnce(missing, name)
			value = opening + name + "}"
		}
		b.WriteString(value)
		rest = tail
	}
}

func variableName(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return s != ""
}

func appendOnce(list []string, s string) []string {
	for _, have := range list {
		if have == s {
			return list
		}
	}
	return append(list, s)
}
