package jsonpath

import "github.com/sockgate/sockgate/lang/jsonvalue"

type kind uint8

const (
	names    kind = iota // .a, ['a'], ['a','b']
	indices              // [0], [0,2]
	slice                // [1:2], [:2], [-2:]
	wildcard             // *
	scan                 // ..
	filter               // [?(…)]
	function             // .length()
)

// step is one part of a path.
type step struct {
	kind     kind
	names    []string
	indices  []int
	from, to *int
	test     predicate
	call     *call
	definite bool // leads to at most one value
	upstream bool // all steps before are definite
}

// settle works out which steps are definite. A union of names is when it comes last, because it then makes one object.
func settle(steps []step) (definite bool) {
	definite = true
	for i := range steps {
		s := &steps[i]
		s.upstream = definite
		switch s.kind {
		case names:
			s.definite = len(s.names) == 1 || i == len(steps)-1
		case indices:
			s.definite = len(s.indices) == 1
		case function:
			s.definite = true
		}
		definite = definite && s.definite
	}
	return definite
}

// run collects the results of one evaluation.
type run struct {
	scope
	single bool // only the first result counts
	first  any
	list   []any
	count  int
}

// next goes on with the steps at a value: the value is a result when none are left.
func (r *run) next(steps []step, v any) error {
	if *r.budget--; *r.budget < 0 {
		return errLimit
	}
	if len(steps) == 0 {
		return r.add(v)
	}
	s := &steps[0]
	switch s.kind {
	case names:
		return r.names(steps, v)
	case indices:
		a, err := arrayFor(s, v)
		if a == nil {
			return err
		}
		for _, i := range s.indices {
			if err := r.at(steps, a, i); err != nil {
				return err
			}
		}
		return nil
	case slice:
		return r.slice(steps, v)
	case wildcard:
		return r.wildcard(steps, v)
	case scan:
		return r.scan(steps[1:], v, 0)
	case filter:
		return r.filter(steps, v)
	default:
		result, err := s.call.invoke(r.scope, v)
		if err != nil {
			return err
		}
		return r.add(result)
	}
}

func (r *run) add(v any) error {
	if r.count == 0 {
		r.first = v
	}
	if r.count++; r.count > MaxResults {
		return errLimit
	}
	if !r.single {
		r.list = append(r.list, v)
	}
	return nil
}

func (r *run) names(steps []step, v any) error {
	s := &steps[0]
	o, ok := v.(*jsonvalue.Object)
	switch {
	case !ok && s.upstream:
		return errMissing
	case !ok:
		return nil
	case len(s.names) == 1:
		return r.member(steps, o, s.names[0])
	case len(steps) == 1:
		return r.merge(s, o)
	}
	for _, name := range s.names {
		if err := r.member(steps, o, name); err != nil {
			return err
		}
	}
	return nil
}

// merge makes one object of the members that a union names, leaving out those that are missing.
func (r *run) merge(s *step, o *jsonvalue.Object) error {
	merged := &jsonvalue.Object{}
	for _, name := range s.names {
		v, ok := o.Get(name)
		switch {
		case ok:
			merged.Set(name, v)
		case r.require:
			return errMissing
		}
	}
	return r.add(merged)
}

func (r *run) member(steps []step, o *jsonvalue.Object, name string) error {
	v, ok := o.Get(name)
	if ok {
		return r.next(steps[1:], v)
	}
	s := &steps[0]
	if r.require || len(steps) > 1 && s.upstream && s.definite {
		return errMissing
	}
	return nil
}

// arrayFor returns v as an array, or nil with the error that its absence means.
func arrayFor(s *step, v any) (*jsonvalue.Array, error) {
	a, ok := v.(*jsonvalue.Array)
	if !ok && s.upstream {
		return nil, errMissing
	}
	return a, nil
}

// at goes on with an element, counted from the end when i is negative. One that is not there is passed over.
func (r *run) at(steps []step, a *jsonvalue.Array, i int) error {
	if i < 0 {
		i += len(a.Items)
	}
	if i < 0 || i >= len(a.Items) {
		return nil
	}
	return r.next(steps[1:], a.Items[i])
}

// slice follows Jayway where both ends are given: a negative start is not moved, so [-2:1] of three elements is the last two and the
// first, and a negative end selects nothing.
func (r *run) slice(steps []step, v any) error {
	s := &steps[0]
	a, err := arrayFor(s, v)
	if a == nil {
		return err
	}
	from, to := 0, len(a.Items)
	switch {
	case s.to == nil:
		if from = *s.from; from < 0 {
			from = max(0, from+to)
		}
	case s.from == nil:
		end := *s.to
		if end < 0 {
			end += to
		}
		to = min(to, end)
	default:
		from, to = max(*s.from, -len(a.Items)), min(to, *s.to)
	}
	for i := from; i < to; i++ {
		if err := r.at(steps, a, i); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) wildcard(steps []step, v any) error {
	switch v := v.(type) {
	case *jsonvalue.Object:
		for _, name := range v.Names() {
			if err := r.member(steps, v, name); err != nil {
				return err
			}
		}
	case *jsonvalue.Array:
		for i := range v.Items {
			if err := r.at(steps, v, i); err != nil && (err != errMissing || r.require) {
				return err
			}
		}
	}
	return nil
}

// filter tests an object itself, but an array's elements.
func (r *run) filter(steps []step, v any) error {
	s := &steps[0]
	switch v := v.(type) {
	case *jsonvalue.Object:
		ok, err := r.accepts(s, v)
		if !ok {
			return err
		}
		return r.next(steps[1:], v)
	case *jsonvalue.Array:
		for _, item := range v.Items {
			ok, err := r.accepts(s, item)
			if err == nil && ok {
				err = r.next(steps[1:], item)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	if s.upstream {
		return errMisused
	}
	return nil
}

func (r *run) accepts(s *step, v any) (bool, error) {
	inner := r.scope
	inner.item = v
	ok, err := s.test.test(inner)
	if err == errMissing || err == errMisused {
		return false, nil
	}
	return ok, err
}

// scan tries the steps at v and at everything inside of it, outer values first.
func (r *run) scan(steps []step, v any, depth int) error {
	if depth > maxDepth {
		return errLimit
	}
	switch v := v.(type) {
	case *jsonvalue.Object:
		if err := r.scanned(steps, v); err != nil {
			return err
		}
		for _, name := range v.Names() {
			inner, _ := v.Get(name)
			if err := r.scan(steps, inner, depth+1); err != nil {
				return err
			}
		}
	case *jsonvalue.Array:
		if err := r.scanned(steps, v); err != nil {
			return err
		}
		for _, inner := range v.Items {
			if err := r.scan(steps, inner, depth+1); err != nil {
				return err
			}
		}
	default:
		*r.budget--
	}
	return nil
}

// scanned goes on at a value that a deep scan met, when the step behind ".." can do something there. A union of names that comes last
// wants all of them; a filter must accept an array as a whole before its elements are tested.
func (r *run) scanned(steps []step, v any) error {
	s := &steps[0]
	o, isObject := v.(*jsonvalue.Object)
	switch s.kind {
	case names:
		if !isObject {
			return nil
		}
		if s.definite {
			for _, name := range s.names {
				if _, ok := o.Get(name); !ok {
					return nil
				}
			}
		}
	case indices, slice:
		if isObject {
			return nil
		}
	case filter:
		if ok, err := r.accepts(s, v); !ok {
			return err
		}
	case scan, function:
		return nil
	}
	return r.next(steps, v)
}
