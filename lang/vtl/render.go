package vtl

import "errors"

// statement is a piece of a compiled template.
type statement interface{ render(r *rendering) error }

// block is a sequence of statements.
type block []statement

func (b block) render(r *rendering) error {
	for _, s := range b {
		if err := s.render(r); err != nil {
			return err
		}
	}
	return nil
}

// What #break and #stop return, up to whom they concern.
var (
	errBreak     = errors.New("#break")           // the innermost #foreach, macro or #define
	errBreakLoop = errors.New("#break($foreach)") // the innermost #foreach
	errStopLoop  = errors.New("$foreach.stop()")  // the #foreach that is marked as stopped
	errStop      = errors.New("#stop")            // the template
)

// rendering is the state of one Render.
type rendering struct {
	limits Limits
	vars   map[string]any // the caller's, only read
	set    map[string]any // what the template set; a nil value hides the caller's
	frame  *frame         // the macro whose body is rendered, or nil
	loop   *Foreach       // the innermost #foreach, or nil

	out []byte // what is rendered now: the output, or a string
	max int    // bytes that out may have

	steps, rounds, depth, held int
	defining                   map[*defined]int // #define blocks that are being rendered, and how often
}

// step counts n evaluations.
func (r *rendering) step(pos, n int) error {
	if r.steps -= n; r.steps < 0 {
		return faultf(pos, "the template takes more than %d steps", r.limits.Steps)
	}
	return nil
}

// bytes counts n bytes that are moved or looked at.
func (r *rendering) bytes(pos, n int) error {
	if n > r.limits.Value {
		return faultf(pos, "a value is larger than %d bytes", r.limits.Value)
	}
	return r.step(pos, 1+n/64)
}

// hold counts n bytes that variables or collections keep.
func (r *rendering) hold(pos, n int) error {
	if r.held += n; r.held > r.limits.Value {
		return faultf(pos, "the template's values are larger than %d bytes", r.limits.Value)
	}
	return nil
}

func (r *rendering) enter(pos int) error {
	if r.depth++; r.depth > r.limits.Depth {
		return faultf(pos, "macros and blocks are nested deeper than %d levels", r.limits.Depth)
	}
	return nil
}

func (r *rendering) leave() { r.depth-- }

// write appends text to what is rendered now.
func (r *rendering) write(pos int, s string) error {
	if len(s) > r.max-len(r.out) {
		return faultf(pos, "the output is larger than %d bytes", r.max)
	}
	if err := r.step(pos, len(s)/64); err != nil {
		return err
	}
	r.out = append(r.out, s...)
	return nil
}

// capture renders something into a string of its own.
func (r *rendering) capture(pos int, f func() error) (string, error) {
	out, limit := r.out, r.max
	r.out, r.max = make([]byte, 0, 64), r.limits.Value
	err := f()
	s := string(r.out)
	r.out, r.max = out, limit
	if err == nil {
		err = r.bytes(pos, len(s))
	}
	return s, err
}

// literal is text that is printed as it is.
type literal string

func (l literal) render(r *rendering) error { return r.write(0, string(l)) }

// interpolation is a double-quoted string with references or directives in it.
type interpolation struct {
	body block
	pos  int
}

func (i *interpolation) eval(r *rendering) (any, error) {
	if err := r.step(i.pos, 1); err != nil {
		return nil, err
	}
	return r.capture(i.pos, func() error { return i.body.render(r) })
}

// weight is what a value counts as beside the place where it is kept.
func weight(v any) int {
	if s, ok := v.(string); ok {
		return len(s)
	}
	return 0
}

// cost is what one element of a list or map counts as, in bytes, beside its strings.
const cost = 16
