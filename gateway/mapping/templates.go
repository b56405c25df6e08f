package mapping

import (
	"maps"
	"slices"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/expr"
	"github.com/sockgate/sockgate/lang/vtl"
)

// Templates are the templates of one integration, or of one of its responses, by the value that selects them. They are
// immutable.
type Templates struct {
	selection *expr.Expr // nil: the default is always taken
	byKey     map[string]*vtl.Template
	fallback  *vtl.Template
}

// defaultKeys are the keys of the template that is taken when no other is selected. The second is what the CLI's own sample
// uses without a selection expression (reference section 3.3).
var defaultKeys = []string{"$default", "application/json"}

// CompileTemplates compiles all templates of a map, and the expression that selects among them; it may be empty. The error
// is sockgate.Invalid and names the template's key, line and column.
func CompileTemplates(selection string, sources map[string]string) (*Templates, error) {
	t := &Templates{byKey: make(map[string]*vtl.Template, len(sources))}
	if selection != "" {
		e, err := expr.Compile(selection)
		if err != nil {
			return nil, sockgate.Invalidf("templateSelectionExpression: %s", err)
		}
		t.selection = e
	}
	for _, key := range slices.Sorted(maps.Keys(sources)) {
		compiled, err := vtl.Compile(key, sources[key])
		if err != nil {
			return nil, sockgate.Invalidf("template %s: %s", key, err)
		}
		t.byKey[key] = compiled
	}
	t.fallback = t.byKey["$default"]
	if t.selection == nil {
		for _, key := range defaultKeys {
			if t.fallback == nil {
				t.fallback = t.byKey[key]
			}
		}
	}
	return t, nil
}

// Len returns how many templates there are.
func (t *Templates) Len() int { return len(t.byKey) }

// Select returns the template for what vars say, or nil when none is for it.
func (t *Templates) Select(vars expr.Variables) *vtl.Template {
	if t.selection != nil {
		if key, ok := t.selection.Eval(vars); ok {
			if chosen := t.byKey[key]; chosen != nil {
				return chosen
			}
		}
	}
	return t.fallback
}

// Passthrough says what becomes of a request for which there is no template.
type Passthrough string

// The passthrough behaviors.
const (
	WhenNoMatch     Passthrough = "WHEN_NO_MATCH"     // the body is forwarded as it is
	WhenNoTemplates Passthrough = "WHEN_NO_TEMPLATES" // the same, but only if there are no templates at all
	Never           Passthrough = "NEVER"             // the request fails
)

// Allows reports whether a body for which t has no template may be forwarded as it is.
func (p Passthrough) Allows(t *Templates) bool {
	switch p {
	case Never:
		return false
	case WhenNoTemplates:
		return t.Len() == 0
	}
	return true
}

// limits bound every rendering. The rounds are API Gateway's (reference section 5), the output is the largest body that a
// backend's answer may have by default, and the rest keeps a template from taking a core or the memory for itself.
var limits = vtl.Limits{Rounds: 1000, Steps: 1_000_000, Depth: 64, Output: 1 << 20, Value: 4 << 20}

// Overrides are what a template set under $context.requestOverride or $context.responseOverride.
type Overrides struct {
	Header, Query, Path []sockgate.Header
	Status              int // 0: none
}

// Render renders a template over a scope.
//
// Errors: sockgate.Invalid when a request's body is read as JSON and is none; sockgate.Internal for every other fault, with
// the template's name, line and column as the cause.
func Render(t *vtl.Template, s *Scope) ([]byte, Overrides, error) {
	vars := s.variables()
	out, err := t.Render(vars.named, limits)
	if err != nil {
		if vars.input.bad != nil && !s.Response {
			return nil, Overrides{}, sockgate.Invalidf("Could not parse request body into json").Because(err)
		}
		return nil, Overrides{}, sockgate.Internalf("mapping template failed: %w", err)
	}
	return out, vars.overrides(), nil
}
