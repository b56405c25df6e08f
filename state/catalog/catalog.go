// Package catalog keeps the gateway's resources as typed documents in a store: which keys there are, how a document is
// written, and how a change is made atomic. It checks nothing about the resources themselves: that is for the control plane.
//
//	api.{apiId}                         one sockgate.APIRecord: an API with all of its parts, stages and deployments
//	deployment.{apiId}.{deploymentId}   the sockgate.Definition that the deployment froze; never changed
//
// Those of API keys and usage plans are in usage.go, those of load balancers in balancer.go, of domain names in
// domain.go.
package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/state/store"
)

// The first parts of the keys.
const (
	apiPrefix        = "api."
	deploymentPrefix = "deployment."
)

// Catalog reads and writes resources. Its methods may be called by many goroutines.
// Their errors are *sockgate.Error: NotFound, Conflict, TooLarge or Unavailable, with the store's error as the cause.
type Catalog struct {
	store   store.Store
	written func(ctx context.Context, apiID string)

	usage     func(context.Context, UsageChange)     // see OnUsage
	balancing func(context.Context, BalancingChange) // see OnBalancing
	domain    func(ctx context.Context, name string) // see OnDomain
	claiming  sync.Mutex                             // held while a key's value is claimed or given up
}

// New returns a catalog over s. It does not own s.
//
// written, unless nil, is called after each acknowledged change to an API and before the changing call returns. The gateway
// uses it to bring a change to its own data path at once, so that whoever made the change finds it live; Watch tells
// everyone else.
func New(s store.Store, written func(ctx context.Context, apiID string)) *Catalog {
	if written == nil {
		written = func(context.Context, string) {}
	}
	return &Catalog{store: s, written: written}
}

// API returns the API with the given id.
func (c *Catalog) API(ctx context.Context, id string) (*sockgate.APIRecord, error) {
	rec, _, err := c.api(ctx, id)
	return rec, err
}

// APIs returns every API, ordered by id.
func (c *Catalog) APIs(ctx context.Context) ([]*sockgate.APIRecord, error) {
	entries, err := c.store.List(ctx, apiPrefix)
	if err != nil {
		return nil, fault("list APIs", err)
	}
	recs := make([]*sockgate.APIRecord, 0, len(entries))
	for _, e := range entries {
		rec, err := decode[sockgate.APIRecord](e)
		if err != nil {
			return nil, err
		}
		recs = append(recs, rec)
	}
	return recs, nil
}

// CreateAPI stores a new API. Its id must not be taken: Conflict.
func (c *Catalog) CreateAPI(ctx context.Context, rec *sockgate.APIRecord) error {
	value, err := encode(rec)
	if err != nil {
		return err
	}
	if _, err := c.store.Create(ctx, apiPrefix+rec.API.ID, value); err != nil {
		return fault("create API "+rec.API.ID, err)
	}
	c.written(ctx, rec.API.ID)
	return nil
}

// ChangeAPI reads an API, lets change edit it, and writes it back as one atomic step. When another writer came between,
// change is called again on what that writer left. An error from change is returned as it is, and nothing is written.
func (c *Catalog) ChangeAPI(ctx context.Context, id string, change func(*sockgate.APIRecord) error) error {
	const attempts = 16
	var err error
	for range attempts {
		var rec *sockgate.APIRecord
		var revision uint64
		if rec, revision, err = c.api(ctx, id); err != nil {
			return err
		}
		if err := change(rec); err != nil {
			return err
		}
		value, encErr := encode(rec)
		if encErr != nil {
			return encErr
		}
		if _, err = c.store.Update(ctx, apiPrefix+id, value, revision); err == nil {
			c.written(ctx, id)
			return nil
		}
		if !errors.Is(err, store.ErrConflict) {
			return fault("change API "+id, err)
		}
	}
	return fault("change API "+id, err)
}

// DeleteAPI removes an API and everything its deployments froze.
func (c *Catalog) DeleteAPI(ctx context.Context, id string) error {
	_, revision, err := c.api(ctx, id)
	if err != nil {
		return err
	}
	if err := c.store.Delete(ctx, apiPrefix+id, revision); err != nil {
		return fault("delete API "+id, err)
	}
	c.written(ctx, id)
	// The record is gone, so nothing refers to what is left; a crash here leaves only unreachable documents.
	frozen, err := c.store.List(ctx, deploymentPrefix+id+".")
	if err != nil {
		return nil
	}
	for _, e := range frozen {
		_ = c.store.Delete(ctx, e.Key, e.Revision)
	}
	return nil
}

// Freeze stores the definition of a new deployment. The caller then adds the deployment to the API's record; until it
// does, nothing refers to what was frozen.
func (c *Catalog) Freeze(ctx context.Context, apiID, deploymentID string, def *sockgate.Definition) error {
	value, err := encode(def)
	if err != nil {
		return err
	}
	if _, err := c.store.Create(ctx, deploymentKey(apiID, deploymentID), value); err != nil {
		return fault("store deployment "+deploymentID, err)
	}
	return nil
}

// Frozen returns the definition that a deployment froze.
func (c *Catalog) Frozen(ctx context.Context, apiID, deploymentID string) (*sockgate.Definition, error) {
	e, err := c.store.Get(ctx, deploymentKey(apiID, deploymentID))
	if err != nil {
		return nil, fault("read deployment "+deploymentID, err)
	}
	return decode[sockgate.Definition](e)
}

// Thaw removes what a deployment froze, once the API's record no longer names the deployment.
func (c *Catalog) Thaw(ctx context.Context, apiID, deploymentID string) error {
	e, err := c.store.Get(ctx, deploymentKey(apiID, deploymentID))
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err == nil {
		err = c.store.Delete(ctx, e.Key, e.Revision)
	}
	if err != nil {
		return fault("remove deployment "+deploymentID, err)
	}
	return nil
}

// Watch follows all APIs until ctx ends or a callback fails: changed is called with each API that exists and again after each
// change to one, removed with the id of each that is gone, settled once when everything that existed has been told.
// A document that cannot be read is given to broken, and the watch goes on.
func (c *Catalog) Watch(ctx context.Context, w Watcher) error {
	return c.store.Watch(ctx, apiPrefix, func(ch store.Change) error {
		switch {
		case ch.Settled:
			return w.Settled()
		case ch.Deleted:
			return w.Removed(strings.TrimPrefix(ch.Key, apiPrefix))
		}
		rec, err := decode[sockgate.APIRecord](ch.Entry)
		if err != nil {
			return w.Broken(ch.Key, err)
		}
		return w.Changed(rec)
	})
}

// Watcher is told what happens to the APIs, by one goroutine at a time. An error from any method ends the watch.
type Watcher interface {
	Changed(*sockgate.APIRecord) error
	Removed(apiID string) error
	Settled() error
	Broken(key string, err error) error
}

func (c *Catalog) api(ctx context.Context, id string) (*sockgate.APIRecord, uint64, error) {
	if !validID(id) {
		return nil, 0, sockgate.NotFoundf("Invalid API identifier specified %s", id)
	}
	e, err := c.store.Get(ctx, apiPrefix+id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, 0, sockgate.NotFoundf("Invalid API identifier specified %s", id)
	}
	if err != nil {
		return nil, 0, fault("read API "+id, err)
	}
	rec, err := decode[sockgate.APIRecord](e)
	return rec, e.Revision, err
}

func deploymentKey(apiID, deploymentID string) string {
	return deploymentPrefix + apiID + "." + deploymentID
}

// validID keeps what a stranger put in a path from becoming a key of another shape.
func validID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for i := range len(id) {
		if b := id[i]; (b < 'a' || b > 'z') && (b < '0' || b > '9') {
			return false
		}
	}
	return true
}

func encode(v any) ([]byte, error) {
	value, err := json.Marshal(v)
	if err != nil {
		return nil, sockgate.Internalf("encode document: %w", err)
	}
	if len(value) > store.MaxValue {
		return nil, sockgate.TooLargef("The API definition is %d bytes; the limit is %d. Use fewer or smaller templates and models.",
			len(value), store.MaxValue)
	}
	return value, nil
}

func decode[T any](e store.Entry) (*T, error) {
	v := new(T)
	if err := json.Unmarshal(e.Value, v); err != nil {
		return nil, sockgate.Internalf("document %q is damaged: %w", e.Key, err)
	}
	return v, nil
}

// fault turns a store's error into the product's.
func fault(doing string, err error) error {
	cause := fmt.Errorf("%s: %w", doing, err)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return sockgate.NotFoundf("Not found").Because(cause)
	case errors.Is(err, store.ErrConflict):
		return sockgate.Conflictf("Unable to complete operation due to concurrent modification. Please try again later.").Because(cause)
	case errors.Is(err, store.ErrTooLarge):
		return sockgate.TooLargef("The API definition is too large").Because(cause)
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
		return sockgate.Unavailablef("The configuration store cannot take the request now. Please try again later.").Because(cause)
	}
	return sockgate.Internalf("%w", cause)
}
