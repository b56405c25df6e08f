package vtl

import "strings"

// reference is "$a.b(1)[2]" and the like.
type reference struct {
	root    string
	steps   []step
	quiet   bool
	escaped bool   // an odd number of backslashes before it: it prints as written if it is defined
	prefix  string // half of the backslashes
	source  string // as it is written, from "$"
	pos     int
}

type stepKind uint8

const (
	propertyStep stepKind = iota
	methodStep
	indexStep
)

type step struct {
	kind    stepKind
	name    string
	args    []expression
	pattern *pattern // of a method that takes a regular expression which is a constant
	pos     int
}

// precompile compiles a regular expression that does not change. One that cannot be compiled fails when it is used, as in Java.
func (s *step) precompile() {
	if len(s.args) == 0 || !takesPattern(s.name) {
		return
	}
	if k, ok := s.args[0].(constant); ok {
		if text, ok := k.value.(string); ok {
			s.pattern, _ = compilePattern(text)
		}
	}
}

// escape notes how many backslashes stand before the reference.
func (ref *reference) escape(backslashes int) {
	ref.escaped = backslashes%2 == 1
	ref.prefix = strings.Repeat(`\`, backslashes/2)
}

func (ref *reference) eval(r *rendering) (any, error) {
	return ref.walk(r, len(ref.steps))
}

// walk evaluates the reference's first n steps.
func (ref *reference) walk(r *rendering, n int) (any, error) {
	if err := r.step(ref.pos, 1); err != nil {
		return nil, err
	}
	v, err := r.lookup(r.frame, ref.root)
	for i := 0; i < n && err == nil; i++ {
		if null(v) {
			return nil, nil
		}
		v, err = ref.steps[i].apply(r, v)
	}
	return v, err
}

func (s *step) apply(r *rendering, v any) (any, error) {
	if err := r.step(s.pos, 1); err != nil {
		return nil, err
	}
	if s.kind == propertyStep {
		return r.property(s, v)
	}
	var few [3]any
	args := few[:0]
	for _, a := range s.args {
		arg, err := a.eval(r)
		if err != nil {
			return nil, err
		}
		args = append(args, arg)
	}
	if s.kind == indexStep {
		return r.index(s, v, args[0])
	}
	return r.method(s, v, args)
}

// assign does #set's work for a reference with steps. What cannot be assigned to is left as it is.
func (ref *reference) assign(r *rendering, value any) error {
	last := len(ref.steps) - 1
	v, err := ref.walk(r, last)
	if err != nil || null(v) {
		return err
	}
	s := &ref.steps[last]
	switch s.kind {
	case propertyStep:
		if m := mapOf(v); m != nil {
			return r.put(s.pos, m, s.name, value)
		}
	case indexStep:
		key, err := s.args[0].eval(r)
		if err != nil {
			return err
		}
		if m := mapOf(v); m != nil {
			return r.put(s.pos, m, key, value)
		}
		if l := listOf(v); l != nil {
			return r.setIndex(s.pos, *l, key, value)
		}
	}
	return nil
}

func (ref *reference) render(r *rendering) error {
	v, err := ref.eval(r)
	if err != nil {
		return err
	}
	if ref.escaped {
		prefix := ref.prefix
		if null(v) {
			prefix += `\`
		}
		return r.write(ref.pos, prefix+ref.source)
	}
	if v != nil && ref.prefix != "" {
		if err := r.write(ref.pos, ref.prefix); err != nil {
			return err
		}
	}
	switch v := v.(type) {
	case nil:
	case string:
		return r.write(ref.pos, v)
	case *defined:
		ok, err := v.print(r)
		if ok || err != nil {
			return err
		}
	default:
		return r.print(ref.pos, v)
	}
	return r.write(ref.pos, ref.prefix+ref.prefix+ref.undefined(r))
}

// undefined is what the reference prints when it has no value: in a macro, a parameter prints as the call's argument is written.
func (ref *reference) undefined(r *rendering) string {
	if ref.quiet {
		return ""
	}
	if len(ref.steps) == 0 && ref.source[1] != '{' {
		for f := r.frame; f != nil; f = f.parent {
			if arg := f.argument(ref.root); arg != nil {
				return arg.source
			}
		}
	}
	return ref.source
}
