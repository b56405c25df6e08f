package function

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/policy"
	"github.com/sockgate/sockgate/service/function/runtime"
	"github.com/sockgate/sockgate/state/store"
)

// function is a record, compiled. It is never changed.
type function struct {
	record   *Record
	targets  map[string]*target // by version
	aliases  map[string]*alias
	policies map[string]*policy.Policy // by qualifier
}

// target is one version, ready to run. A record that is compiled again takes over the targets that have not changed.
type target struct {
	version string
	spec    *runtime.Spec
	code    []string // the zips that it uses
	err     error    // why it cannot run

	busy atomic.Int64 // calls that use it
	gone atomic.Bool  // no longer in the view
}

// alias is where calls of an alias go.
type alias struct {
	main, other *target // other is nil without weights
	share       float64 // of calls that go to other
}

// Load reads everything from the store. It must be called before the first call and before Run.
func (s *Service) Load(ctx context.Context) error {
	entries, err := s.Store.List(ctx, functionPrefix)
	if err != nil {
		return fault("list functions", err)
	}
	for _, e := range entries {
		s.refresh(ctx, nameOf(e.Key, functionPrefix))
	}
	if entries, err = s.Store.List(ctx, layerPrefix); err != nil {
		return fault("list layers", err)
	}
	for _, e := range entries {
		s.refreshLayer(ctx, nameOf(e.Key, layerPrefix))
	}
	s.removeUnused()
	return nil
}

// watch brings the view up to date whenever a document changes, whoever changed it. It blocks.
func (s *Service) watch(ctx context.Context, prefix string) error {
	return s.Store.Watch(ctx, prefix, func(c store.Change) error {
		switch {
		case c.Settled:
		case prefix == layerPrefix:
			s.refreshLayer(ctx, nameOf(c.Key, prefix))
		default:
			s.refresh(ctx, nameOf(c.Key, prefix))
		}
		return nil
	})
}

// refresh brings one function's view up to date. It reads the document itself, so that it does not matter in which order the one
// who wrote it and the watch come here: each leaves the newest.
func (s *Service) refresh(ctx context.Context, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// The write is done, so its writer's deadline must not keep the view from seeing it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshTimeout)
	defer cancel()
	e, err := s.Store.Get(ctx, functionPrefix+name)
	var record *Record
	switch {
	case errors.Is(err, store.ErrNotFound):
	case err == nil:
		record = new(Record)
		err = decode(e, record)
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		s.unreadable[functionPrefix+name] = true
		s.Log.Error("function cannot be read; what was known of it stays", slog.String("function", name), slog.Any("cause", err))
		return
	}
	delete(s.unreadable, functionPrefix+name)
	old := (*s.functions.Load())[name]
	view := maps.Clone(*s.functions.Load())
	delete(view, name)
	var now *function
	if record != nil {
		now = s.compile(ctx, record, old)
		view[name] = now
	}
	s.functions.Store(&view)
	if old == nil {
		return
	}
	changed := false
	for version, t := range old.targets {
		if now == nil || now.targets[version] != t {
			t.gone.Store(true)
			s.retired = append(s.retired, t)
			changed = true
		}
	}
	if changed {
		s.Runner.Retire(name)
		s.wakeSweep()
	}
}

// refreshTimeout bounds reading one document and unpacking the code that it names, should it not be there any more.
const refreshTimeout = 30 * time.Second

func (s *Service) compile(ctx context.Context, r *Record, old *function) *function {
	f := &function{
		record:   r,
		targets:  make(map[string]*target, len(r.Versions)+1),
		aliases:  make(map[string]*alias, len(r.Aliases)),
		policies: make(map[string]*policy.Policy, len(r.Policies)),
	}
	f.targets[Latest] = s.compileVersion(ctx, r, &r.Latest, old)
	for i := range r.Versions {
		v := &r.Versions[i]
		f.targets[v.Version] = s.compileVersion(ctx, r, v, old)
	}
	for _, a := range r.Aliases {
		compiled := &alias{main: f.targets[a.Version]}
		for version, share := range a.Additional {
			compiled.other, compiled.share = f.targets[version], share
		}
		f.aliases[a.Name] = compiled
	}
	for qualifier, statements := range r.Policies {
		p, err := policy.ParseResource(Policy(s.ARN(r.Name, qualifier), statements))
		if err != nil {
			// Its statements were checked when they were added; without the policy, nothing is permitted.
			s.Log.Error("policy of a function cannot be read", slog.String("function", r.Name), slog.Any("cause", err))
			continue
		}
		f.policies[qualifier] = p
	}
	return f
}

func (s *Service) compileVersion(ctx context.Context, r *Record, v *Version, old *function) *target {
	spec := s.spec(r, v)
	if old != nil {
		if t := old.targets[v.Version]; t != nil && t.err == nil && t.spec.ID == spec.ID {
			return t
		}
	}
	t := &target{version: v.Version, spec: spec, code: []string{v.SHA256}}
	spec.CodeDir, t.err = s.Code.Tree(ctx, v.SHA256)
	for _, l := range v.Layers {
		if t.err != nil {
			break
		}
		var dir string
		dir, t.err = s.Code.Tree(ctx, l.SHA256)
		spec.LayerDirs, t.code = append(spec.LayerDirs, dir), append(t.code, l.SHA256)
	}
	if t.err != nil {
		s.Log.Error("code of a function is missing", slog.String("function", r.Name), slog.String("version", v.Version), slog.Any("cause", t.err))
	}
	return t
}

// spec says how to run a version; where its code lies is added by the caller.
func (s *Service) spec(r *Record, v *Version) *runtime.Spec {
	spec := &runtime.Spec{
		FunctionName: r.Name, Version: v.Version, ARN: s.ARN(r.Name, ""),
		Runtime: v.Runtime, Handler: v.Handler,
		Timeout: time.Duration(v.Timeout) * time.Second, MemoryMB: v.MemorySize, TmpMB: v.TmpSize,
		Env: v.Environment, RoleARN: v.Role, LogGroup: v.LogGroup,
	}
	if v.Version != Latest {
		spec.ARN = s.ARN(r.Name, v.Version)
	}
	if r.Reserved != nil {
		spec.Concurrency = *r.Reserved
	}
	layers := make([]string, len(v.Layers))
	for i, l := range v.Layers {
		layers[i] = l.SHA256
	}
	// The processes of one ID are interchangeable: same code, same configuration.
	text, err := json.Marshal([]any{spec, v.SHA256, layers})
	if err != nil {
		panic(err) // strings and numbers always encode
	}
	sum := sha256.Sum256(text)
	spec.ID = r.Name + ":" + v.Version + ":" + hex.EncodeToString(sum[:8])
	return spec
}

// refreshLayer brings one layer's view up to date.
func (s *Service) refreshLayer(ctx context.Context, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshTimeout)
	defer cancel()
	e, err := s.Store.Get(ctx, layerPrefix+name)
	layer := new(Layer)
	if err == nil {
		err = decode(e, layer)
	}
	view := maps.Clone(*s.layers.Load())
	switch {
	case err == nil:
		view[name] = layer
	case errors.Is(err, store.ErrNotFound):
		delete(view, name)
	default:
		s.unreadable[layerPrefix+name] = true
		s.Log.Error("layer cannot be read; what was known of it stays", slog.String("layer", name), slog.Any("cause", err))
		return
	}
	delete(s.unreadable, layerPrefix+name)
	s.layers.Store(&view)
	s.wakeSweep()
}

// Layer returns a layer as it is stored, or nil. It is shared: it must not be changed.
func (s *Service) Layer(name string) *Layer { return (*s.layers.Load())[name] }

// Layers returns all layers in the order of their names. They are shared: they must not be changed.
func (s *Service) Layers() []*Layer {
	var all []*Layer
	for _, l := range *s.layers.Load() {
		all = append(all, l)
	}
	sortByName(all, func(l *Layer) string { return l.Name })
	return all
}

func (s *Service) wakeSweep() {
	select {
	case s.sweep <- struct{}{}:
	default: // one is due already
	}
}

// removeUnused removes the code that no version, no layer and no call in progress uses.
func (s *Service) removeUnused() {
	inUse := make(map[string]bool)
	s.mu.Lock()
	if len(s.unreadable) > 0 { // whose code is not known to be unused
		s.mu.Unlock()
		return
	}
	busy := s.retired[:0]
	for _, t := range s.retired {
		if t.busy.Load() > 0 {
			busy = append(busy, t)
			for _, sum := range t.code {
				inUse[sum] = true
			}
		}
	}
	clear(s.retired[len(busy):])
	s.retired = busy
	s.mu.Unlock()
	if err := s.Code.Keep(func(sum string) bool { return inUse[sum] || s.uses(sum) }); err != nil {
		s.Log.Warn("unused function code stays", slog.Any("cause", err))
	}
}

// uses reports whether anything in the view names a zip.
func (s *Service) uses(sum string) bool {
	for _, f := range *s.functions.Load() {
		for _, t := range f.targets {
			for _, used := range t.code {
				if used == sum {
					return true
				}
			}
		}
	}
	for _, l := range *s.layers.Load() {
		for i := range l.Versions {
			if l.Versions[i].SHA256 == sum {
				return true
			}
		}
	}
	return false
}

// find returns the target of one call and marks it as busy; leave must be called after it. The answer is of the view at one moment, also
// when an alias is moved meanwhile. Errors: NotFound; Unavailable.
func (s *Service) find(name, qualifier string) (*function, *target, error) {
	for {
		f := (*s.functions.Load())[name]
		if f == nil {
			return nil, nil, s.NotFound(name, qualifier)
		}
		t := f.pick(qualifier, s.Rand)
		if t == nil {
			return nil, nil, s.NotFound(name, qualifier)
		}
		if t.err != nil {
			return nil, nil, sockgate.Unavailablef("The function's code is not available").Because(t.err)
		}
		t.busy.Add(1)
		// Whoever takes a target out of the view looks whether it is busy afterwards; so one of the two sees the other.
		if !t.gone.Load() {
			return f, t, nil
		}
		s.leave(t)
	}
}

func (s *Service) leave(t *target) {
	if t.busy.Add(-1) == 0 && t.gone.Load() {
		s.wakeSweep()
	}
}

func (f *function) pick(qualifier string, random func() float64) *target {
	if qualifier == "" {
		return f.targets[Latest]
	}
	if a := f.aliases[qualifier]; a != nil {
		if a.other != nil && random() < a.share {
			return a.other
		}
		return a.main
	}
	return f.targets[qualifier]
}

// splitARN returns what follows "function:" in an ARN of this gateway.
func (s *Service) splitARN(arn string) (name, qualifier string, ok bool) {
	rest, ok := strings.CutPrefix(arn, s.arn)
	if !ok {
		return "", "", false
	}
	name, qualifier, _ = strings.Cut(rest, ":")
	return name, qualifier, true
}
