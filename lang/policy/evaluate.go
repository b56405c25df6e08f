package policy

import "strings"

// evaluation is one request on its way through statements.
type evaluation struct {
	request *Request
	keys    Keys
	action  string // in lower case; made when first needed
}

// values returns the values of a key, and whether the request has it.
func (e *evaluation) values(key string) ([]string, bool) {
	if e.keys == nil {
		return nil, false
	}
	return e.keys.Key(key)
}

// single returns the value of a key that may stand in for a variable: one with exactly one value.
// Source: IAM User Guide, "Single-valued vs. multivalued context keys".
func (e *evaluation) single(key string) (string, bool) {
	v, ok := e.values(key)
	if !ok || len(v) != 1 {
		return "", false
	}
	return v[0], true
}

// applies reports whether every part of a statement matches the request.
func (e *evaluation) applies(s *statement) bool {
	if e.action == "" {
		e.action = strings.ToLower(e.request.Action)
	}
	if e.any(s.actions, e.action) == s.notActions {
		return false
	}
	if !s.anyResource && e.any(s.resources, e.request.Resource) == s.notResources {
		return false
	}
	if s.principals != nil && !s.principals.mean(&e.request.Principal) {
		return false
	}
	for i := range s.conditions {
		if !s.conditions[i].holds(e) {
			return false
		}
	}
	return true
}

func (e *evaluation) any(patterns []pattern, text string) bool {
	for i := range patterns {
		if patterns[i].match(text, e) {
			return true
		}
	}
	return false
}
