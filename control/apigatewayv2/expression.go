package apigatewayv2

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/sockgate/sockgate"
)

// checkSelection refuses a selection expression with a variable that may not stand in the member called name. allowed are
// the beginnings that a variable may have ("request.body"). Whether the rest of it compiles is told at deployment.
// Source: reference websocket-api section 1.1. The text is ours: AWS's is UNCONFIRMED.
func checkSelection(name, expr string, allowed ...string) error {
	bad := sockgate.Invalidf("Invalid selection expression specified for %s: %s", name, expr)
	if expr == sockgate.DefaultRoute { // written without its backslash more often than not
		return nil
	}
	for i := 0; i < len(expr); i++ {
		switch expr[i] {
		case '\\':
			i++
		case '$':
			rest := expr[i+1:]
			if body, ok := strings.CutPrefix(rest, "{"); ok {
				if rest, _, ok = strings.Cut(body, "}"); !ok {
					return bad
				}
			}
			if !slices.ContainsFunc(allowed, func(p string) bool { return begins(rest, p) }) {
				return bad
			}
		}
	}
	return nil
}

// begins reports whether a variable is prefix or goes on from it with a further part.
func begins(variable, prefix string) bool {
	rest, ok := strings.CutPrefix(variable, prefix)
	return ok && (rest == "" || !wordByte(rest[0]))
}

func wordByte(b byte) bool {
	return b == '_' || b == '-' || b >= '0' && b <= '9' || b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z'
}

// What a parameter mapping may name. Source: reference websocket-api sections 3.4 and 4.2.
var (
	routeParamKey = regexp.MustCompile(`^route\.request\.(header|querystring|multivalueheader|multivaluequerystring)\.[a-zA-Z0-9._$-]+$`)

	integrationParamKey   = regexp.MustCompile(`^integration\.request\.(header|querystring|path)\.[a-zA-Z0-9._$-]+$`)
	integrationParamValue = regexp.MustCompile(`^(route\.request\.(header|querystring|multivalueheader|multivaluequerystring)\.[a-zA-Z0-9._$-]+` +
		`|route\.request\.body([.\[].*)?|stageVariables\.[a-zA-Z0-9_]+|context\.[a-zA-Z0-9_.-]+|'[^']*')$`)

	responseParamKey   = regexp.MustCompile(`^(route|method)\.response\.header\.[a-zA-Z0-9._$-]+$`)
	responseParamValue = regexp.MustCompile(`^(integration\.response\.(header|multivalueheader)\.[a-zA-Z0-9._$-]+` +
		`|integration\.response\.body([.\[].*)?|stageVariables\.[a-zA-Z0-9_]+|context\.[a-zA-Z0-9_.-]+|'[^']*')$`)

	routeResponseParamKey = regexp.MustCompile(`^route\.response\.header\.[a-zA-Z0-9._$-]+$`)
)

// checkKeys refuses a parameter that is not of the form that its map takes. The text is v1's, which v2 is expected to share.
func checkKeys[V any](params map[string]V, form *regexp.Regexp) error {
	for _, key := range slices.Sorted(maps.Keys(params)) {
		if !form.MatchString(key) {
			return sockgate.Invalidf("Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression parameter specified: %s]", key)
		}
	}
	return nil
}

// checkMapping is checkKeys for the values too.
func checkMapping(params map[string]string, key, value *regexp.Regexp) error {
	if err := checkKeys(params, key); err != nil {
		return err
	}
	for _, k := range slices.Sorted(maps.Keys(params)) {
		if !value.MatchString(params[k]) {
			return sockgate.Invalidf("Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression specified: %s]", params[k])
		}
	}
	return nil
}

// merge adds entries to a map as PATCH does: an entry replaces its namesake, and one that says nothing removes it.
// Source: reference control-plane section 1.1.
func merge[V comparable](dst map[string]V, entries map[string]V, keepZero bool) map[string]V {
	if dst == nil {
		dst = make(map[string]V, len(entries))
	}
	var zero V
	for k, v := range entries {
		if v == zero && !keepZero {
			delete(dst, k)
		} else {
			dst[k] = v
		}
	}
	return dst
}

// mergeStrings merges a member of strings into *dst. With keepEmpty an empty text is a value; otherwise it removes its entry.
func mergeStrings(m members, name string, dst *map[string]string, keepEmpty bool) {
	var entries map[string]string
	if set(m, name, &entries) {
		*dst = merge(*dst, entries, keepEmpty)
	}
}

// mergeParameters merges parameter constraints: a parameter that is not required is still declared.
func mergeParameters(m members, name string, dst *map[string]bool) {
	var entries map[string]members
	if !set(m, name, &entries) {
		return
	}
	required := make(map[string]bool, len(entries))
	for k, v := range entries {
		var r bool
		set(v, "required", &r)
		required[k] = r
	}
	*dst = merge(*dst, required, true)
}
