package stack

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/sockgate/sockgate/internal/requestid"
	"github.com/sockgate/sockgate/template"
	"github.com/sockgate/sockgate/template/build"
	"github.com/sockgate/sockgate/template/resource"
	"github.com/sockgate/sockgate/template/resource/wire"
)

// Options are what a deploy needs. Client, Cache and Name must be set.
type Options struct {
	Client *wire.Client
	Cache  *build.Cache
	Name   string // of the stack
	Dir    string // where the template is: paths in it are relative to this folder

	Parameters        map[string]string // those that are not here keep the values of the last deploy
	IgnoreUnsupported bool              // leave out resources of types that the gateway does not have
	NoRollback        bool              // leave a failed deploy as it is, for the next one to go on from
	// Planned, unless nil, is shown the plan before anything is done.
	Planned func(*Plan)
	// Progress, unless nil, is told of every step; by one goroutine at a time.
	Progress func(Event)

	owner string // of the lock; "" is this process
}

// Event is a step that was begun or has ended.
type Event struct {
	ID, Type string
	Action   Action
	Done     bool
	Took     time.Duration
	Err      error
	Note     string // something to know, instead of a step
	Code     string // a folder or file that code is about to be taken from, instead of a step
}

// Result is what came of a deploy.
type Result struct {
	Plan       *Plan
	Outputs    []Output
	Unchanged  bool
	RolledBack bool
	Skipped    []*template.Resource // left out because of their types
	Notes      []string             // what was left out of SAM resources
	Resources  map[string]string    // physical ids by logical ones
}

type deployer struct {
	Options
	place Place
	held  *held
	large chan struct{}   // held while a large zip is sent: unpacking several at once is slower than one after the other
	ctx   context.Context // of the calls: ends a little after the deploy is told to stop, so that steps under way can end
}

func newDeployer(o Options) *deployer {
	d := &deployer{Options: o, large: make(chan struct{}, 1)}
	if d.owner == "" {
		host, _ := os.Hostname()
		d.owner = fmt.Sprintf("process %d on %s", os.Getpid(), host)
	}
	if o.Progress == nil {
		d.Progress = func(Event) {}
	} else {
		turn := make(chan struct{}, 1)
		d.Progress = func(e Event) {
			turn <- struct{}{}
			defer func() { <-turn }()
			o.Progress(e)
		}
	}
	return d
}

// Make compares a template with its stack, and makes the stack what the template says. When a step fails, or ctx ends, the steps before it are
// taken back, and the error says which failed and why.
func Make(ctx context.Context, t *template.Template, o Options) (*Result, error) {
	return newDeployer(o).deploy(ctx, t, false)
}

// Preview returns what Make would do, and changes nothing.
func Preview(ctx context.Context, t *template.Template, o Options) (*Result, error) {
	return newDeployer(o).deploy(ctx, t, true)
}

func (d *deployer) deploy(ctx context.Context, t *template.Template, preview bool) (*Result, error) {
	stacks, place, err := List(ctx, d.Client)
	if err != nil {
		return nil, err
	}
	d.place = place
	doc, revision, err := Read(ctx, d.Client, d.Name)
	if err != nil {
		return nil, err
	}
	s, given, err := d.subject(t, doc, stacks)
	if err != nil {
		return nil, err
	}
	s.build = func(step *Step, sc template.Scope) error { return d.buildOne(ctx, s, step, sc) }
	if err := s.buildAll(ctx); err != nil {
		return nil, err
	}
	s.adopt(doc)
	plan, err := s.plan(doc)
	if err != nil {
		return nil, err
	}
	result := &Result{Plan: plan, Notes: notes(s.bound)}
	for _, r := range s.bound.Resources {
		if s.skipped[r.ID] != nil {
			result.Skipped = append(result.Skipped, r)
		}
	}
	d.finishPlan(plan, s)
	if preview || plan.Empty() {
		if d.Planned != nil {
			d.Planned(plan)
		}
		result.Unchanged = plan.Empty()
		if doc != nil {
			result.Outputs, result.Resources = doc.Outputs, physical(doc)
		}
		return result, nil
	}
	return d.make(ctx, s, given, revision, result)
}

// subject binds the template to the parameters of this deploy and the last.
func (d *deployer) subject(t *template.Template, doc *Document, stacks []Summary) (*subject, map[string]string, error) {
	given := map[string]string{}
	if doc != nil {
		for _, p := range t.Parameters {
			if v, ok := doc.Parameters[p.Name]; ok {
				given[p.Name] = v
			}
		}
	}
	for name, v := range d.Parameters {
		given[name] = v
	}
	id := ""
	if doc != nil {
		id = doc.ID
	}
	if id == "" {
		id = "arn:aws:cloudformation:" + d.place.Region + ":" + d.place.Account + ":stack/" + d.Name + "/" + requestid.New()
	}
	bound, err := t.Bind(given, template.Env{
		Region: d.place.Region, AccountID: d.place.Account, StackName: d.Name, StackID: id, CodeHash: CodeHash(d.Dir),
		Imports: func(name string) (any, bool) {
			for _, st := range stacks {
				if v, ok := st.Exports[name]; ok && st.Name != d.Name {
					return v, true
				}
			}
			return nil, false
		},
	})
	if err != nil {
		return nil, nil, err
	}
	s, err := prepare(t, bound, d.IgnoreUnsupported)
	if err != nil {
		return nil, nil, err
	}
	s.account, s.region, s.stackID = d.place.Account, d.place.Region, id
	return s, given, checkExports(s, d.Name, stacks)
}

// checkExports refuses early what the gateway would refuse in the end.
func checkExports(s *subject, name string, stacks []Summary) error {
	var faults []error
	for _, o := range s.bound.Outputs {
		export, err := o.Export(&scope{s: s, doc: func(string) *resource.State { return nil }})
		text, ok := export.(string)
		if err != nil || !ok || text == "" {
			continue
		}
		for _, st := range stacks {
			if _, taken := st.Exports[text]; taken && st.Name != name {
				faults = append(faults, s.template.Errorf(o.Line, o.Column, "Export with name %s is already exported by stack %s", text, st.Name))
			}
		}
	}
	return errors.Join(faults...)
}

func notes(b *template.Bound) (all []string) {
	for _, s := range b.Skipped {
		all = append(all, fmt.Sprintf("%s: %s has no effect here (line %d)", s.ID, s.What, s.Line))
	}
	return all
}

// finishPlan adds what a plan needs to be shown.
func (d *deployer) finishPlan(p *Plan, s *subject) {
	p.Stack = d.Name
	for name := range s.bound.NoEcho {
		if v, ok := s.bound.Parameters[name]; ok {
			if text := fmt.Sprint(v); text != "" {
				p.hidden = append(p.hidden, text)
			}
		}
	}
}

func physical(d *Document) map[string]string {
	all := map[string]string{}
	for id, r := range d.Resources {
		if r.State != nil {
			all[id] = r.PhysicalID
		}
	}
	return all
}

// make carries a plan out under the stack's lock. When the stack changed since the plan was made, or has steps of an earlier deploy to settle,
// the plan is made again.
func (d *deployer) make(ctx context.Context, s *subject, given map[string]string, planned uint64, result *Result) (*Result, error) {
	h, err := lock(ctx, d.Client, d.Name, d.owner, func(text string) { d.Progress(Event{Note: text}) })
	if err != nil {
		return nil, err
	}
	defer h.release()
	d.held = h
	h.imports = s.bound.ImportNames
	if h.doc == nil {
		h.doc = &Document{Name: d.Name, ID: s.stackID, Status: InProgress, Resources: map[string]*Record{}, Created: time.Now().UTC()}
	}
	var stop func()
	d.ctx, stop = lingering(ctx)
	defer stop()
	if h.doc.Status != Complete && h.revision > 0 {
		d.Progress(Event{Note: "an earlier deploy of this stack was interrupted; going on from there"})
		if err := d.settle(); err != nil {
			return nil, fmt.Errorf("find out what an interrupted deploy has done: %w", err)
		}
	}
	s.adopt(h.doc)
	if h.revision != planned || result.Plan.Unfinished {
		if result.Plan, err = s.plan(h.doc); err != nil {
			return nil, err
		}
		d.finishPlan(result.Plan, s)
	}
	if d.Planned != nil {
		d.Planned(result.Plan)
	}
	err = d.apply(ctx, s, given)
	if err == nil {
		d.cleanUp()
		err = h.change(d.ctx, func(doc *Document) { doc.Status = Complete })
	} else if !d.NoRollback {
		result.RolledBack = true
		if back := d.rollBack(); back != nil {
			err = errors.Join(err, fmt.Errorf("the rollback failed; deploy again, or delete the stack with --delete: %w", back))
			result.RolledBack = false
		}
	} else {
		_ = h.write(d.ctx) // what succeeded, for the next deploy
	}
	result.Outputs, result.Resources = h.doc.Outputs, physical(h.doc)
	return result, err
}

// lingering returns a context that ends some seconds after ctx does.
func lingering(ctx context.Context) (context.Context, func()) {
	const grace = 10 * time.Second
	later, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(grace):
			cancel(context.Cause(ctx))
		case <-later.Done():
		}
	})
	return later, func() {
		stop()
		cancel(nil)
	}
}

// Remove removes a stack and everything in it but what is to be retained. A stack that is not there is fine.
func Remove(ctx context.Context, o Options) (*Result, error) {
	d := newDeployer(o)
	stacks, place, err := List(ctx, d.Client)
	if err != nil {
		return nil, err
	}
	d.place = place
	for _, mine := range stacks {
		if mine.Name != o.Name {
			continue
		}
		for _, other := range stacks {
			for export := range mine.Exports {
				if other.Name != o.Name && slices.Contains(other.Imports, export) {
					return nil, fmt.Errorf("stack %s: Export %s cannot be deleted as it is in use by %s", o.Name, export, other.Name)
				}
			}
		}
	}
	h, err := lock(ctx, d.Client, o.Name, d.owner, func(text string) { d.Progress(Event{Note: text}) })
	if err != nil {
		return nil, err
	}
	defer h.release()
	if h.doc == nil {
		return &Result{Unchanged: true}, nil
	}
	d.held = h
	var stop func()
	d.ctx, stop = lingering(ctx)
	defer stop()
	if err := d.settle(); err != nil {
		return nil, fmt.Errorf("find out what an interrupted deploy has done: %w", err)
	}
	result := &Result{Plan: &Plan{Stack: o.Name}}
	for _, r := range h.doc.records() {
		a := Delete
		if r.Retain {
			a = Retain
		}
		result.Plan.Steps = append(result.Plan.Steps, &Step{ID: r.ID, Type: r.Type, Action: a})
	}
	if d.Planned != nil {
		d.Planned(result.Plan)
	}
	err = h.change(d.ctx, func(doc *Document) {
		doc.Status = Deleting
		for _, r := range doc.Resources {
			r.Final = true
			doc.Retired = append(doc.Retired, r)
		}
		for _, r := range doc.Retired {
			r.Final = true
		}
		doc.Resources = map[string]*Record{}
	})
	if err != nil {
		return nil, err
	}
	if err := d.deleteRetired(ctx); err != nil {
		_ = h.write(d.ctx)
		return result, err
	}
	return result, h.forget(d.ctx)
}

// newName makes the name that a resource gets when its template gives none. Source: CloudFormation User Guide, "Name Type".
func (d *deployer) newName(id string) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	random := make([]byte, 12)
	_, _ = rand.Read(random) // never fails
	for i, b := range random {
		random[i] = letters[int(b)%len(letters)]
	}
	return d.Name + "-" + id + "-" + string(random)
}
