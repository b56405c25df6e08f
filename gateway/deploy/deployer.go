package deploy

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"sync"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/throttle"
	"github.com/sockgate/sockgate/state/catalog"
)

// Config is what a Deployer works with.
type Config struct {
	Catalog *catalog.Catalog
	Table   *Table
	Place   Place
	// Limits keeps the buckets of stages' routes; nil: there are none. Account is what a route's limit lacks when only half of it is set.
	Limits  *throttle.Routes
	Account sockgate.Throttle
	Clock   func() time.Time // of the buckets; time.Now when nil
	// Attach gives a compiled stage its logs and metrics, before it goes live.
	Attach func(*Stage)
	// Retired is called after a stage left the table because it, or its API, was deleted, or it has no deployment any more.
	Retired func(StageKey)
	Log     *slog.Logger
}

// Deployer keeps a Table equal to what the catalog holds: it follows every change, compiles what changed, and swaps it in.
// A stage that cannot be compiled stays as it was.
type Deployer struct {
	Config
	ready chan struct{}

	mu   sync.Mutex // one change is applied at a time
	live map[string]map[string]applied
}

// applied remembers what a live stage was made of, so that a change elsewhere in the API does not compile it again.
type applied struct {
	settings sockgate.Stage
	stage    *Stage
}

// NewDeployer returns a deployer that does nothing until Run.
func NewDeployer(c Config) *Deployer {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	return &Deployer{Config: c, ready: make(chan struct{}), live: make(map[string]map[string]applied)}
}

// Run follows the catalog until ctx ends.
func (d *Deployer) Run(ctx context.Context) error {
	err := d.Catalog.Watch(ctx, watcher{d, ctx})
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// Ready is closed once everything that was stored before Run is live.
func (d *Deployer) Ready() <-chan struct{} { return d.ready }

// Refresh makes what the catalog says of one API live now, without waiting for the watch to tell. A change that was
// acknowledged in this process is thus on the data path before its caller hears of it.
func (d *Deployer) Refresh(ctx context.Context, apiID string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	rec, err := d.Catalog.API(ctx, apiID)
	switch {
	case err == nil:
		d.apply(ctx, rec)
	case sockgate.KindOf(err) == sockgate.NotFound:
		d.drop(apiID)
	default:
		d.Log.Error("API could not be read; its stages stay as they were", "api", apiID, "error", err)
	}
}

// apply brings the live stages of an API in line with its record. d.mu is held.
func (d *Deployer) apply(ctx context.Context, rec *sockgate.APIRecord) {
	apiID := rec.API.ID
	d.Table.close(apiID, rec.API.DisableExecuteAPIEndpoint)
	was := d.live[apiID]
	now := make(map[string]applied, len(rec.Stages))
	set := make(map[StageKey]*Stage)
	frozen := make(map[string]*sockgate.Definition)
	for _, s := range rec.Stages {
		if s.DeploymentID == "" {
			continue
		}
		if old, ok := was[s.Name]; ok && reflect.DeepEqual(old.settings, s) {
			now[s.Name] = old
			continue
		}
		stage, err := d.compile(ctx, apiID, &s, frozen)
		if err != nil {
			d.Log.Error("stage could not be deployed; it stays as it was", "api", apiID, "stage", s.Name,
				"deployment", s.DeploymentID, "error", err)
			if old, ok := was[s.Name]; ok {
				now[s.Name] = old
			}
			continue
		}
		now[s.Name] = applied{settings: s, stage: stage}
		set[StageKey{apiID, s.Name}] = stage
	}
	var gone []StageKey
	for name := range was {
		if _, ok := now[name]; !ok {
			gone = append(gone, StageKey{apiID, name})
		}
	}
	d.live[apiID] = now
	d.swap(set, gone)
}

func (d *Deployer) compile(ctx context.Context, apiID string, s *sockgate.Stage, frozen map[string]*sockgate.Definition) (*Stage, error) {
	def := frozen[s.DeploymentID]
	if def == nil {
		var err error
		if def, err = d.Catalog.Frozen(ctx, apiID, s.DeploymentID); err != nil {
			return nil, err
		}
		frozen[s.DeploymentID] = def
	}
	stage, err := Compile(def, s, d.Place)
	if err != nil {
		return nil, err
	}
	d.limit(stage)
	d.Attach(stage)
	return stage, nil
}

// drop takes a deleted API off the data path. d.mu is held.
func (d *Deployer) drop(apiID string) {
	var gone []StageKey
	for name := range d.live[apiID] {
		gone = append(gone, StageKey{apiID, name})
	}
	delete(d.live, apiID)
	d.swap(nil, gone)
	d.Table.close(apiID, false)
}

func (d *Deployer) swap(set map[StageKey]*Stage, gone []StageKey) {
	if len(set) == 0 && len(gone) == 0 {
		return
	}
	d.Table.replace(set, gone)
	for _, k := range gone {
		if d.Limits != nil {
			d.Limits.Keep(k.APIID, k.Stage, func(string) bool { return false })
		}
		d.Retired(k)
	}
}

// watcher hands the catalog's changes to the deployer. Each is read again from the catalog rather than taken from the
// message: Refresh may have applied a newer state already, and an older message must not undo it.
type watcher struct {
	d   *Deployer
	ctx context.Context
}

func (w watcher) Changed(rec *sockgate.APIRecord) error {
	w.d.Refresh(w.ctx, rec.API.ID)
	return nil
}

func (w watcher) Removed(apiID string) error {
	w.d.Refresh(w.ctx, apiID)
	return nil
}

func (w watcher) Settled() error {
	close(w.d.ready)
	return nil
}

func (w watcher) Broken(key string, err error) error {
	w.d.Log.Error("stored document cannot be read; its stages stay as they were", "key", key, "error", errors.Unwrap(err))
	return nil
}
