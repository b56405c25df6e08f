package vtl

// lookup returns a variable's value as a macro of frame f sees it.
func (r *rendering) lookup(f *frame, name string) (any, error) {
	for ; f != nil; f = f.parent {
		if v, ok := f.locals[name]; ok {
			return v, nil
		}
		if arg := f.argument(name); arg != nil {
			return r.in(f.parent, arg.value)
		}
	}
	if v, ok := r.set[name]; ok {
		return v, nil
	}
	if r.loop != nil {
		switch name {
		case "foreach":
			return r.loop, nil
		case "velocityCount":
			return int64(r.loop.index + 1), nil
		}
	}
	return r.vars[name], nil
}

// in evaluates an expression where frame f is in force.
func (r *rendering) in(f *frame, e expression) (any, error) {
	saved := r.frame
	r.frame = f
	v, err := e.eval(r)
	r.frame = saved
	return v, err
}

// argument returns the argument that the call gave a parameter, or nil.
func (f *frame) argument(name string) *argument {
	if i, ok := f.macro.index[name]; ok && i < len(f.args) {
		return &f.args[i]
	}
	return nil
}

// assign gives a variable a value. It is everybody's, but a macro keeps seeing its own, whatever is assigned where the call stands.
func (r *rendering) assign(name string, v any, pos int) error {
	for f := r.frame; f != nil; f = f.parent {
		if f.locals == nil {
			f.locals = make(map[string]any)
		}
		f.locals[name] = v
	}
	if r.set == nil {
		r.set = make(map[string]any)
	}
	if err := r.hold(pos, weight(v)-weight(r.set[name])); err != nil {
		return err
	}
	r.set[name] = v
	return nil
}

// forget makes a variable undefined.
func (r *rendering) forget(name string) {
	for f := r.frame; f != nil; f = f.parent {
		delete(f.locals, name)
	}
	r.held -= weight(r.set[name])
	if _, ok := r.vars[name]; ok {
		r.set[name] = nil
		return
	}
	delete(r.set, name)
}
