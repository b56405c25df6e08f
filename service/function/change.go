package function

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/state/store"
)

// The first parts of the keys.
const (
	functionPrefix = "function."
	layerPrefix    = "layer."
)

// Create stores a new function. Errors: Conflict when its name is taken; TooLarge; Unavailable.
func (s *Service) Create(ctx context.Context, r *Record) error {
	value, err := encode(r)
	if err != nil {
		return err
	}
	if _, err := s.Store.Create(ctx, functionPrefix+r.Name, value); err != nil {
		if errors.Is(err, store.ErrConflict) {
			return sockgate.Conflictf("Function already exist: %s", r.Name).Because(err)
		}
		return fault("create function "+r.Name, err)
	}
	s.refresh(ctx, r.Name)
	return nil
}

// Change reads a function, lets change edit it, and writes it back as one atomic step; what was written is live when Change
// returns. When another writer came between, change is called again on what that one left. An error of change is returned as it is, and
// nothing is written. Errors besides: NotFound, with the function's ARN; Conflict; TooLarge; Unavailable.
func (s *Service) Change(ctx context.Context, name string, change func(*Record) error) (*Record, error) {
	r, err := changeDocument(ctx, s.Store, functionPrefix+name, change)
	if errors.Is(err, store.ErrNotFound) {
		return nil, s.NotFound(name, "").Because(err)
	}
	if err != nil {
		return nil, err
	}
	s.refresh(ctx, name)
	return r, nil
}

// Delete removes a function with all of its versions. Errors: NotFound; Conflict; Unavailable.
func (s *Service) Delete(ctx context.Context, name string) error {
	e, err := s.Store.Get(ctx, functionPrefix+name)
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrBadKey) {
		return s.NotFound(name, "").Because(err)
	}
	if err == nil {
		err = s.Store.Delete(ctx, e.Key, e.Revision)
	}
	if err != nil {
		return fault("delete function "+name, err)
	}
	s.refresh(ctx, name)
	return nil
}

// ChangeLayer does for a layer what Change does for a function. A layer that does not exist is given to change as an empty one, and
// stored if change gives it a version.
func (s *Service) ChangeLayer(ctx context.Context, name string, change func(*Layer) error) (*Layer, error) {
	const attempts = 3
	key := layerPrefix + name
	for range attempts {
		l, err := changeDocument(ctx, s.Store, key, change)
		if errors.Is(err, store.ErrNotFound) {
			l = &Layer{Name: name}
			if err := change(l); err != nil {
				return nil, err
			}
			if len(l.Versions) == 0 {
				return l, nil
			}
			value, encErr := encode(l)
			if encErr != nil {
				return nil, encErr
			}
			if _, err = s.Store.Create(ctx, key, value); errors.Is(err, store.ErrConflict) {
				continue // somebody published the first version at the same time
			}
			if err != nil {
				err = fault("create layer "+name, err)
			}
		}
		if err != nil {
			return nil, err
		}
		s.refreshLayer(ctx, name)
		return l, nil
	}
	return nil, fault("create layer "+name, store.ErrConflict)
}

// NotFound is Lambda's answer for a function that is not there.
func (s *Service) NotFound(name, qualifier string) *sockgate.Error {
	return sockgate.NotFoundf("Function not found: %s", s.ARN(name, qualifier))
}

// changeDocument is a compare-and-set. Its error is a *sockgate.Error, change's own, or store.ErrNotFound.
func changeDocument[T any](ctx context.Context, st store.Store, key string, change func(*T) error) (*T, error) {
	const attempts = 16
	var err error
	for range attempts {
		var e store.Entry
		if e, err = st.Get(ctx, key); err != nil {
			if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrBadKey) {
				return nil, store.ErrNotFound
			}
			return nil, fault("read "+key, err)
		}
		v := new(T)
		if err := decode(e, v); err != nil {
			return nil, err
		}
		if err := change(v); err != nil {
			return nil, err
		}
		value, encErr := encode(v)
		if encErr != nil {
			return nil, encErr
		}
		if _, err = st.Update(ctx, key, value, e.Revision); err == nil {
			return v, nil
		}
		if !errors.Is(err, store.ErrConflict) {
			break
		}
	}
	return nil, fault("change "+key, err)
}

func encode(v any) ([]byte, error) {
	value, err := json.Marshal(v)
	if err != nil {
		return nil, sockgate.Internalf("encode document: %w", err)
	}
	if len(value) > store.MaxValue {
		return nil, sockgate.TooLargef("The function's versions, aliases and policies take %d bytes; the limit is %d. Delete unused versions.",
			len(value), store.MaxValue)
	}
	return value, nil
}

func decode(e store.Entry, v any) error {
	if err := json.Unmarshal(e.Value, v); err != nil {
		return sockgate.Internalf("document %q is damaged: %w", e.Key, err)
	}
	return nil
}

// fault turns a store's error into the product's.
func fault(doing string, err error) error {
	cause := fmt.Errorf("%s: %w", doing, err)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return sockgate.NotFoundf("The resource you requested does not exist.").Because(cause)
	case errors.Is(err, store.ErrConflict):
		return sockgate.Conflictf("The operation cannot be performed at this time. The function was changed at the same time.").Because(cause)
	case errors.Is(err, store.ErrTooLarge):
		return sockgate.TooLargef("The function is too large").Because(cause)
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return sockgate.Unavailablef("The configuration store cannot take the request now. Please try again later.").Because(cause)
	}
	return sockgate.Internalf("%w", cause)
}

func nameOf(key, prefix string) string { return strings.TrimPrefix(key, prefix) }
