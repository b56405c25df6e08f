package apigatewayv2

import (
	"context"
	"hash/maphash"
	"time"

	"github.com/sockgate/sockgate"
)

// edition is an API's record while one operation edits it.
type edition struct {
	*sockgate.APIRecord
	frozen  []string // deployments whose definitions were stored for this edition
	dropped []string // deployments that the edition takes out of the record
}

// change runs one edit of an API as one atomic step. edit may run more than once, each time on a fresh record.
//
// A definition is frozen before the record that names its deployment is written, and removed only after the record has
// stopped naming it, so a record never names a definition that is not there. What a lost race or a refused edit left
// behind is removed; when the outcome of the write is not known, it is left alone.
func (s *Service) change(ctx context.Context, apiID string, edit func(*edition) error) error {
	done, err := s.turn(ctx, apiID)
	if err != nil {
		return err
	}
	defer done()
	var e edition
	var waste []string
	err = s.Catalog.ChangeAPI(ctx, apiID, func(rec *sockgate.APIRecord) error {
		for _, id := range e.frozen {
			// Not if the attempt that seemed lost was written after all.
			if _, err := findDeployment(rec, id); err != nil {
				waste = append(waste, id)
			}
		}
		e = edition{APIRecord: rec}
		return edit(&e)
	})
	switch kind := sockgate.KindOf(err); {
	case err == nil:
		waste = append(waste, e.dropped...)
	case kind == sockgate.Unavailable || kind == sockgate.Timeout || kind == sockgate.Internal:
		// The record may have been written all the same, and may name what was frozen.
	default:
		waste = append(waste, e.frozen...)
	}
	s.thaw(ctx, apiID, waste)
	return err
}

// thaw removes definitions that no record names. A failure costs only space.
func (s *Service) thaw(ctx context.Context, apiID string, deployments []string) {
	if len(deployments) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	for _, id := range deployments {
		if err := s.Catalog.Thaw(ctx, apiID, id); err != nil {
			s.Log.Warn("an unused deployment could not be removed", "api", apiID, "deployment", id, "error", err)
		}
	}
}

// redefine is change for what a deployment freezes: routes, integrations and so on. Stages with automatic deployment follow
// in the same step.
func (s *Service) redefine(ctx context.Context, apiID string, edit func(*edition) error) error {
	return s.change(ctx, apiID, func(e *edition) error {
		if err := edit(e); err != nil {
			return err
		}
		return s.autoDeploy(ctx, e)
	})
}

// turn makes the edits of one API wait for each other. The catalog's compare-and-set already keeps them correct, also across
// nodes; this keeps many parallel calls on one node from racing until they run out of attempts.
func (s *Service) turn(ctx context.Context, apiID string) (done func(), err error) {
	t := s.turns[maphash.String(s.seed, apiID)%uint64(len(s.turns))]
	select {
	case t <- struct{}{}:
		return func() { <-t }, nil
	case <-ctx.Done():
		return nil, sockgate.Conflictf("Unable to complete operation due to concurrent modification. Please try again later.").Because(ctx.Err())
	}
}
