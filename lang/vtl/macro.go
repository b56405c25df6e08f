package vtl

type macro struct {
	name   string
	params []string
	index  map[string]int // of params
	body   block
}

// frame is one call of a macro. Its arguments are evaluated, where the call stands, each time that they are used.
type frame struct {
	parent *frame
	macro  *macro
	args   []argument
	locals map[string]any
}

type argument struct {
	value  expression
	source string
}

// call is a macro's call, or text that looks like one.
type call struct {
	name    string
	args    []argument
	word    string // an argument that only text can have
	body    block
	hasBody bool
	source  string
	pos     int
	macro   *macro // nil: this is text
}

func (c *call) render(r *rendering) error {
	if c.macro == nil {
		return r.write(c.pos, c.source)
	}
	if err := r.step(c.pos, 1+len(c.macro.params)); err != nil {
		return err
	}
	if err := r.enter(c.pos); err != nil {
		return err
	}
	defer r.leave()
	f := &frame{parent: r.frame, macro: c.macro, args: c.args}
	for i, p := range c.macro.params {
		if i >= len(c.args) {
			break
		}
		if k, ok := c.args[i].value.(constant); ok {
			if f.locals == nil {
				f.locals = make(map[string]any, len(c.args))
			}
			f.locals[p] = k.value
		}
	}
	if c.hasBody {
		if f.locals == nil {
			f.locals = make(map[string]any, 1)
		}
		f.locals["bodyContent"] = &defined{body: c.body, frame: r.frame, own: true, pos: c.pos}
	}
	r.frame = f
	err := c.macro.body.render(r)
	r.frame = f.parent
	if err == errBreak {
		return nil
	}
	return err
}

type defineStatement struct {
	name string
	body block
	pos  int
}

func (s *defineStatement) render(r *rendering) error {
	return r.assign(s.name, &defined{body: s.body, pos: s.pos}, s.pos)
}

// defined is what #define gives its variable: a block that is rendered anew each time it is printed.
type defined struct {
	body  block
	frame *frame // where a macro call's body belongs
	own   bool   // frame counts; a #define block is rendered where it is used
	pos   int
}

// maxDefined is how often a #define block may stand in itself before its reference prints as it is written: define.maxdepth.
const maxDefined = 2

// print renders the block. It reports false, having written nothing, for a block too deep in itself.
func (d *defined) print(r *rendering) (bool, error) {
	if r.defining[d] >= maxDefined {
		return false, nil
	}
	if err := r.enter(d.pos); err != nil {
		return false, err
	}
	defer r.leave()
	if err := r.step(d.pos, 1); err != nil {
		return false, err
	}
	if r.defining == nil {
		r.defining = make(map[*defined]int)
	}
	r.defining[d]++
	saved := r.frame
	if d.own {
		r.frame = d.frame
	}
	err := d.body.render(r)
	r.frame = saved
	r.defining[d]--
	if err == errBreak {
		err = nil
	}
	return true, err
}
