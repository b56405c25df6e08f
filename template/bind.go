package template

import (
	"cmp"
	"slices"
	"strings"
)

// Bind gives the template's parameters their values and expands what SAM stands for. A parameter that is not given has
// its default.
//
// Errors, all that are found: values that break a parameter's rules, conditions and resources that need each other in a
// circle, references to what is not there, functions whose arguments do not fit, SAM properties that are not known.
func (t *Template) Bind(params map[string]string, env Env) (*Bound, error) {
	f := &faults{file: t.file}
	e := &evaluator{
		file: t.file, env: env, mappings: t.mappings,
		conditions: map[string]bool{}, resources: map[string]bool{}, aliases: map[string]string{},
	}
	e.parameters = t.bindParameters(params, f)
	if err := f.err(); err != nil { // conditions of missing values say nothing
		return nil, err
	}
	r := &run{evaluator: e, faults: f}
	t.bindConditions(r)
	if err := f.err(); err != nil {
		return nil, err
	}
	b := &binder{run: r, out: &Bound{Parameters: e.parameters, Conditions: e.conditions, NoEcho: map[string]bool{}}}
	for i := range t.Parameters {
		if t.Parameters[i].NoEcho {
			b.out.NoEcho[t.Parameters[i].Name] = true
		}
	}
	b.resources(t.expand(r, b.out))
	b.outputs(t.outputs)
	if err := f.err(); err != nil {
		return nil, err
	}
	return b.out, nil
}

// binder makes a Bound of expanded resources.
type binder struct {
	run     *run
	out     *Bound
	imports map[string]bool
}

func (b *binder) resources(all []*resource) {
	e := b.run.evaluator
	keys := map[string]*resource{}
	kept := all[:0:0]
	for _, r := range all {
		before := keys[r.id]
		switch {
		case before == nil:
			keys[r.id] = r
			e.resources[r.id] = r.condition == "" || e.conditions[r.condition]
		case r.skipExisting && before.skipExisting:
			e.resources[r.id] = e.resources[r.id] || r.condition == "" || e.conditions[r.condition]
			continue
		default:
			maker := cmp.Or(r.from, before.from)
			b.run.fail(r.key, "Template format error: %s is there twice: SAM makes it for %s, and it stands on line %d as well", r.id, maker, before.key.line)
			continue
		}
		kept = append(kept, r)
	}
	for _, r := range kept {
		b.references(r)
		if e.resources[r.id] {
			b.out.Resources = append(b.out.Resources, b.resource(r))
		}
	}
	b.cycles()
}

// references looks for names that nobody has, also in the branch of an Fn::If that is not taken.
func (b *binder) references(r *resource) {
	for _, d := range r.dependsOn {
		if _, known := b.run.evaluator.resources[b.run.aliased(d.text)]; !known {
			b.run.fail(d, "%s", b.run.unresolved(d.text))
		}
	}
	if r.properties != nil {
		b.names(r.properties)
	}
}

func (e *evaluator) aliased(id string) string {
	if made := e.aliases[id]; made != "" {
		return made
	}
	return id
}

// names checks the references below n.
func (b *binder) names(n *node) {
	name, argument, ok := n.function()
	switch {
	case ok && name == "Ref":
		b.name(n, argument.text)
		return
	case ok && name == "Fn::GetAtt":
		path := argument.text
		if argument.kind == list && len(argument.items) > 0 {
			path = argument.items[0].text + ".x"
		}
		id, _ := b.run.split2(path)
		b.resourceName(n, id)
	case ok && name == "Fn::Sub":
		body, variables := argument, (*node)(nil)
		if argument.kind == list && len(argument.items) == 2 {
			body, variables = argument.items[0], argument.items[1]
		}
		parts, _ := subParts(body.text)
		for _, p := range parts {
			if p.name != "" && variables.get(p.name) == nil {
				b.subName(body, p.name)
			}
		}
	}
	for _, p := range n.pairs {
		b.names(p.value)
	}
	for _, i := range n.items {
		b.names(i)
	}
}

func (b *binder) subName(n *node, name string) {
	if strings.Contains(name, ".") && b.run.aliases[name] == "" {
		id, _ := b.run.split2(name)
		b.resourceName(n, id)
		return
	}
	b.name(n, name)
}

func (b *binder) name(n *node, name string) {
	if _, ok := b.run.pseudo(name); ok {
		return
	}
	if _, ok := b.run.parameters[name]; ok {
		return
	}
	b.resourceName(n, name)
}

func (b *binder) resourceName(n *node, id string) {
	if _, known := b.run.evaluator.resources[b.run.aliased(id)]; !known {
		b.run.fail(n, "%s", b.run.unresolved(id))
	}
}

// trial evaluates n while nothing exists: it tells the faults, and says which resources are referred to.
func (b *binder) trial(n *node, refers map[string]bool) any {
	if n == nil {
		return nil
	}
	if b.imports == nil {
		b.imports = map[string]bool{}
	}
	r := &run{evaluator: b.run.evaluator, faults: b.run.faults}
	r.refers = func(id string) { refers[id] = true }
	r.imports = func(name string) {
		if !b.imports[name] {
			b.imports[name] = true
			b.out.ImportNames = append(b.out.ImportNames, name)
			slices.Sort(b.out.ImportNames)
		}
	}
	return r.value(n)
}

func (b *binder) resource(r *resource) *Resource {
	out := &Resource{
		ID: r.id, Type: r.typ, From: r.from, Line: r.key.line, Column: r.key.column,
		properties: r.properties, eval: b.run.evaluator,
	}
	refers := map[string]bool{}
	b.trial(r.properties, refers)
	for _, d := range r.dependsOn {
		// One whose condition is false is not waited for. Source: CloudFormation User Guide, "DependsOn attribute".
		if id := b.run.aliased(d.text); b.run.evaluator.resources[id] {
			refers[id] = true
		}
	}
	for id := range refers {
		out.DependsOn = append(out.DependsOn, id)
	}
	slices.Sort(out.DependsOn)
	out.DeletionPolicy = b.policy(r.deletion)
	out.UpdateReplacePolicy = b.policy(r.replacement)
	if r.metadata != nil {
		// Metadata is for tools; what does not evaluate there is not worth a refusal.
		m := &run{evaluator: b.run.evaluator, faults: &faults{}}
		if v, ok := m.value(r.metadata).(map[string]any); ok && len(m.faults.list) == 0 {
			out.Metadata = v
		}
	}
	return out
}

func (b *binder) policy(n *node) string {
	s, _ := b.trial(n, map[string]bool{}).(string)
	return s
}

func (b *binder) outputs(all []pair) {
	for _, p := range all {
		value := p.value.get("Value")
		b.names(value)
		if c := p.value.get("Condition"); c != nil && !b.run.conditions[c.text] {
			continue
		}
		o := Output{Name: p.key.text, Line: p.key.line, Column: p.key.column, value: value, eval: b.run.evaluator}
		if d := p.value.get("Description"); d != nil {
			o.Description = d.text
		}
		o.export = p.value.get("Export").get("Name")
		switch v := b.trial(value, map[string]bool{}).(type) {
		case removed:
			b.run.fail(value, "Template format error: Output %s must have a Value", o.Name)
		case []any, map[string]any:
			b.run.fail(value, "Template format error: The Value field of every Outputs member must evaluate to a String; %s is %s", o.Name, typeName(v))
		}
		refers := map[string]bool{}
		b.trial(o.export, refers)
		b.out.Outputs = append(b.out.Outputs, o)
	}
}

// cycles looks for resources that need each other.
func (b *binder) cycles() {
	byID := map[string]*Resource{}
	for _, r := range b.out.Resources {
		byID[r.ID] = r
	}
	const visiting, done = 1, 2
	state := map[string]int{}
	var path []string
	var visit func(r *Resource)
	visit = func(r *Resource) {
		state[r.ID] = visiting
		path = append(path, r.ID)
		for _, id := range r.DependsOn {
			switch next := byID[id]; {
			case next == nil:
			case state[id] == visiting:
				cycle := append(slices.Clone(path[slices.Index(path, id):]), id)
				b.run.fail(&node{line: next.Line, column: next.Column}, "Circular dependency between resources: %s", strings.Join(cycle, " → "))
			case state[id] == 0:
				visit(next)
			}
		}
		path = path[:len(path)-1]
		state[r.ID] = done
	}
	for _, r := range b.out.Resources {
		if state[r.ID] == 0 {
			visit(r)
		}
	}
}
