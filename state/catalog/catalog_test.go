package catalog_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/state/catalog"
	"github.com/sockgate/sockgate/state/store"
	"github.com/sockgate/sockgate/state/store/memory"
)

func record(id string) *sockgate.APIRecord {
	return &sockgate.APIRecord{Definition: sockgate.Definition{API: sockgate.API{ID: id, Name: id}}}
}

func TestChangesAreAtomic(t *testing.T) {
	s := memory.New()
	defer s.Close()
	c := catalog.New(s, nil)
	ctx := t.Context()
	if err := c.CreateAPI(ctx, record("abc")); err != nil {
		t.Fatal(err)
	}
	const writers = 8 // fewer than the attempts that a change makes, so that none may fail
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			err := c.ChangeAPI(ctx, "abc", func(rec *sockgate.APIRecord) error {
				rec.Routes = append(rec.Routes, sockgate.Route{Key: fmt.Sprint(i)})
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	rec, err := c.API(ctx, "abc")
	if err != nil || len(rec.Routes) != writers {
		t.Errorf("after %d concurrent changes: %d routes, %v", writers, len(rec.Routes), err)
	}
}

func TestARefusedChangeLeavesTheAPIAlone(t *testing.T) {
	s := memory.New()
	defer s.Close()
	told := 0
	c := catalog.New(s, func(context.Context, string) { told++ })
	if err := c.CreateAPI(t.Context(), record("abc")); err != nil {
		t.Fatal(err)
	}
	refusal := sockgate.Invalidf("no")
	err := c.ChangeAPI(t.Context(), "abc", func(rec *sockgate.APIRecord) error {
		rec.API.Name = "changed"
		return refusal
	})
	if !errors.Is(err, refusal) {
		t.Errorf("ChangeAPI returned %v, want the change's own error", err)
	}
	if rec, _ := c.API(t.Context(), "abc"); rec.API.Name != "abc" {
		t.Errorf("the name is %q after a refused change", rec.API.Name)
	}
	if told != 1 {
		t.Errorf("told of %d writes, want only the creation", told)
	}
}

func TestErrorsHaveKinds(t *testing.T) {
	s := memory.New()
	c := catalog.New(s, nil)
	ctx := t.Context()
	if err := c.CreateAPI(ctx, record("abc")); err != nil {
		t.Fatal(err)
	}
	huge := record("huge")
	huge.API.Description = strings.Repeat("x", store.MaxValue)
	cases := []struct {
		name string
		err  error
		kind sockgate.Kind
	}{
		{"create twice", c.CreateAPI(ctx, record("abc")), sockgate.Conflict},
		{"create too large", c.CreateAPI(ctx, huge), sockgate.TooLarge},
		{"change unknown", c.ChangeAPI(ctx, "xyz", func(*sockgate.APIRecord) error { return nil }), sockgate.NotFound},
		{"change by a name that is no id", c.ChangeAPI(ctx, "a.b/../c", func(*sockgate.APIRecord) error { return nil }), sockgate.NotFound},
		{"delete unknown", c.DeleteAPI(ctx, "xyz"), sockgate.NotFound},
		{"thaw unknown", c.Thaw(ctx, "abc", "d1"), 0},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			if tc.kind == 0 && tc.err != nil || tc.kind != 0 && (tc.err == nil || sockgate.KindOf(tc.err) != tc.kind) {
				t.Errorf("got %v, want kind %v", tc.err, tc.kind)
			}
		})
	}
	s.Close()
	if err := c.CreateAPI(ctx, record("late")); err == nil || sockgate.KindOf(err) != sockgate.Unavailable {
		t.Errorf("a closed store: %v, want Unavailable", err)
	}
}

func TestDeletingAnAPIRemovesWhatItsDeploymentsFroze(t *testing.T) {
	s := memory.New()
	defer s.Close()
	c := catalog.New(s, nil)
	ctx := t.Context()
	for _, id := range []string{"abc", "abcd"} {
		if err := c.CreateAPI(ctx, record(id)); err != nil {
			t.Fatal(err)
		}
		if err := c.Freeze(ctx, id, "d1", &sockgate.Definition{API: sockgate.API{ID: id}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.DeleteAPI(ctx, "abc"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Frozen(ctx, "abc", "d1"); err == nil {
		t.Error("the deleted API's deployment is still there")
	}
	if def, err := c.Frozen(ctx, "abcd", "d1"); err != nil || def.API.ID != "abcd" {
		t.Errorf("the other API's deployment: %v, %v", def, err)
	}
}
