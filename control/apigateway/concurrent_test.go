package apigateway_test

import (
	"sync"
	"sync/atomic"
	"testing"
)

// TestAtOnce: what holds for one call after the other holds for many at once: a value has one key, a key has one plan per stage.
func TestAtOnce(t *testing.T) {
	g := newGateway(t)
	key := g.newKey(`{}`)
	var created, joined, stages atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		plan := g.newPlan(`{"name":"p","apiStages":[{"apiId":"chat","stage":"prod"}]}`)
		later := g.newPlan(`{"name":"q"}`)
		wg.Go(func() {
			if g.do("POST", "/apikeys", `{"value":"`+value+`"}`).status == 201 {
				created.Add(1)
			}
			if g.join(plan, key).status == 201 {
				joined.Add(1)
			}
		})
		wg.Go(func() {
			if g.join(later, key).status == 201 && g.do("PATCH", "/usageplans/"+later, patch("add", "/apiStages", "chat:prod")).status == 200 {
				stages.Add(1)
			}
		})
	}
	wg.Wait()
	if created.Load() != 1 || joined.Load()+stages.Load() != 1 {
		t.Errorf("%d keys with one value; a key has %d plans for one stage", created.Load(), joined.Load()+stages.Load())
	}
}
