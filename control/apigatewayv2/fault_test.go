package apigatewayv2_test

import (
	"context"
	"testing"

	"github.com/sockgate/sockgate/state/store"
	"github.com/sockgate/sockgate/state/store/memory"
)

// faulty is a store whose writes fail as told.
type faulty struct {
	store.Store
	create, update error // nil: works
	writes         bool  // update fails after it has written
}

func (f *faulty) Create(ctx context.Context, key string, value []byte) (uint64, error) {
	if f.create != nil {
		return 0, f.create
	}
	return f.Store.Create(ctx, key, value)
}

func (f *faulty) Update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	if f.update != nil && !f.writes {
		return 0, f.update
	}
	rev, err := f.Store.Update(ctx, key, value, revision)
	if err == nil && f.update != nil {
		return 0, f.update
	}
	return rev, err
}

func (f *faulty) frozen(t *testing.T) int {
	t.Helper()
	entries, err := f.List(ctx, "deployment.")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestStoreFaults(t *testing.T) {
	const busy = "The configuration store cannot take the request now. Please try again later."
	tests := []struct {
		name    string
		fault   faulty
		status  int
		message string
		frozen  int // definitions left in the store
	}{
		{"somebody else is always faster", faulty{update: store.ErrConflict}, 409,
			"Unable to complete operation due to concurrent modification. Please try again later.", 0},
		{"the definition cannot be written", faulty{create: store.ErrUnavailable}, 503, busy, 0},
		{"the record was written, and the answer lost", faulty{update: store.ErrUnavailable, writes: true}, 503, busy, 1},
		{"the disk is full", faulty{update: store.ErrUnavailable}, 503, busy, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			st := &faulty{Store: memory.New()}
			g := newGatewayOn(t, st)
			api := g.newAPI()
			g.newRoute(api, "$connect")
			st.create, st.update, st.writes = tt.fault.create, tt.fault.update, tt.fault.writes
			a := g.do("POST", api+"/deployments", `{}`)
			if a.status != tt.status || a.message() != tt.message {
				t.Errorf("got %d %q", a.status, a.message())
			}
			st.create, st.update = nil, nil
			if got := st.frozen(t); got != tt.frozen {
				t.Errorf("%d definitions in the store, want %d", got, tt.frozen)
			}
			for _, d := range g.record(api).Deployments {
				if _, err := g.catalog.Frozen(ctx, g.record(api).API.ID, d.ID); err != nil {
					t.Errorf("the record names a definition that is not there: %v", err)
				}
			}
		})
	}
}
