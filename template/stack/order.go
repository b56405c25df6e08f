package stack

import (
	"context"
	"sync"
)

// workers is how many resources are worked on at once.
const workers = 6

// inOrder runs do for each node once everything that it waits for has run, several at a time. After the first error, or the end of ctx,
// nothing new is begun; what runs is waited for. waits returns the nodes that must come first; others than those in nodes do
// not matter.
func inOrder[T comparable](ctx context.Context, nodes []T, waits func(T) []T, do func(T) error) error {
	open := make(map[T]int, len(nodes)) // how many each still waits for
	for _, n := range nodes {
		open[n] = 0
	}
	after := make(map[T][]T)
	for _, n := range nodes {
		for _, w := range waits(n) {
			if _, here := open[w]; here && w != n {
				open[n]++
				after[w] = append(after[w], n)
			}
		}
	}
	var ready []T
	for _, n := range nodes {
		if open[n] == 0 {
			ready = append(ready, n)
		}
	}
	type result struct {
		node T
		err  error
	}
	results := make(chan result)
	running := 0
	var failed error
	var all sync.WaitGroup
	defer all.Wait()
	for {
		for failed == nil && ctx.Err() == nil && running < workers && len(ready) > 0 {
			n := ready[0]
			ready = ready[1:]
			running++
			all.Go(func() { results <- result{n, do(n)} })
		}
		if running == 0 {
			if failed == nil {
				failed = context.Cause(ctx)
			}
			return failed
		}
		r := <-results
		running--
		if r.err != nil && failed == nil {
			failed = r.err
		}
		if r.err == nil {
			for _, n := range after[r.node] {
				if open[n]--; open[n] == 0 {
					ready = append(ready, n)
				}
			}
		}
	}
}

// sorted returns nodes so that each stands behind what it waits for. Nodes in a circle keep their order.
func sorted[T comparable](nodes []T, waits func(T) []T) []T {
	here := make(map[T]bool, len(nodes))
	for _, n := range nodes {
		here[n] = true
	}
	seen := make(map[T]bool, len(nodes))
	var out []T
	var visit func(T)
	visit = func(n T) {
		if seen[n] || !here[n] {
			return
		}
		seen[n] = true
		for _, w := range waits(n) {
			visit(w)
		}
		out = append(out, n)
	}
	for _, n := range nodes {
		visit(n)
	}
	return out
}
