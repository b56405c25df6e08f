package vtl

type setStatement struct {
	target *reference
	value  expression
	pos    int
}

// A null leaves the variable as it was: Velocity 1.7's directive.set.null.allowed is false unless somebody sets it. UNCONFIRMED for AWS.
func (s *setStatement) render(r *rendering) error {
	if err := r.step(s.pos, 1); err != nil {
		return err
	}
	v, err := s.value.eval(r)
	if err != nil || null(v) {
		return err
	}
	if len(s.target.steps) == 0 {
		return r.assign(s.target.root, v, s.pos)
	}
	return s.target.assign(r, v)
}

type ifStatement struct {
	branches  []branch
	otherwise block
}

type branch struct {
	condition expression
	body      block
}

func (s *ifStatement) render(r *rendering) error {
	for i := range s.branches {
		yes, err := r.condition(s.branches[i].condition)
		if err != nil {
			return err
		}
		if yes {
			return s.branches[i].body.render(r)
		}
	}
	return s.otherwise.render(r)
}

type stopStatement struct{}

func (stopStatement) render(*rendering) error { return errStop }

type breakStatement struct{ signal error }

func (s breakStatement) render(*rendering) error { return s.signal }

type foreachStatement struct {
	name string
	over expression
	body block
	pos  int
}

func (s *foreachStatement) render(r *rendering) error {
	count, item, err := s.items(r)
	if err != nil || count == 0 {
		return err
	}
	saved, err := r.lookup(r.frame, s.name)
	if err != nil {
		return err
	}
	loop := &Foreach{parent: r.loop, count: count}
	r.loop = loop
	defer func() { r.loop = loop.parent }()
	for ; loop.index < count; loop.index++ {
		if r.rounds--; loop.index >= r.limits.Rounds {
			return faultf(s.pos, "#foreach takes more than %d rounds", r.limits.Rounds)
		} else if r.rounds < 0 {
			return faultf(s.pos, "all #foreach together take more than %d rounds", loops*r.limits.Rounds)
		}
		if err := r.step(s.pos, 1); err != nil {
			return err
		}
		v, ok := item(loop.index)
		if !ok { // the list was shortened in the loop
			return faultf(s.pos, "the list was changed in its #foreach")
		}
		if err := r.assign(s.name, v, s.pos); err != nil {
			return err
		}
		if err := s.body.render(r); err == errBreak || err == errBreakLoop || err == errStopLoop && loop.stopped {
			break
		} else if err != nil {
			return err
		}
	}
	if null(saved) {
		r.forget(s.name)
		return nil
	}
	return r.assign(s.name, saved, s.pos)
}

// items says what is looped over. A range is counted without being made; of a map these are the values. What is no collection has no items.
func (s *foreachStatement) items(r *rendering) (count int, item func(int) (any, bool), err error) {
	if rl, ok := s.over.(*rangeLiteral); ok {
		first, last, ok, err := rl.bounds(r)
		if !ok || err != nil {
			return 0, nil, err
		}
		return spanLength(first, last), func(i int) (any, bool) { return spanItem(first, last, i), true }, nil
	}
	v, err := s.over.eval(r)
	if err != nil {
		return 0, nil, err
	}
	if l := listOf(v); l != nil {
		return len(*l), func(i int) (any, bool) {
			if i < len(*l) {
				return (*l)[i], true
			}
			return nil, false
		}, nil
	}
	if m := mapOf(v); m != nil {
		values, err := r.copied(s.pos, m.Len(), func(i int) any { return valueAt(m, i) })
		if err != nil {
			return 0, nil, err
		}
		return m.Len(), func(i int) (any, bool) { return values.Items[i], true }, nil
	}
	return 0, nil, nil
}
