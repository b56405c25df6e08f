package lambda

import (
	"context"
	"fmt"

	"github.com/sockgate/sockgate/service/function"
)

// Limits of the account, as an account has them that asked for nothing. Source: Lambda Developer Guide, "Lambda quotas".
const (
	accountConcurrency = 1000
	minUnreserved      = 100
	maxCodeStorage     = 75 << 30 // bytes of all zips
)

// unreserved returns the concurrency that is left for functions that reserve none, not counting one function.
func (s *Service) unreserved(except string) int {
	left := accountConcurrency
	for _, r := range s.Functions.List() {
		if r.Reserved != nil && r.Name != except {
			left -= *r.Reserved
		}
	}
	return left
}

func (s *Service) putConcurrency(ctx context.Context, in *input) (any, error) {
	var body struct{ ReservedConcurrentExecutions *int }
	if err := readBody(in.Body, &body); err != nil {
		return nil, err
	}
	c := &checker{}
	if body.ReservedConcurrentExecutions == nil {
		c.missing("reservedConcurrentExecutions")
	}
	c.between("reservedConcurrentExecutions", body.ReservedConcurrentExecutions, 0, 1<<31-1)
	if err := c.err(); err != nil {
		return nil, err
	}
	if err := in.unqualified(); err != nil {
		return nil, err
	}
	// Held until the new value counts, so that two functions cannot reserve the same.
	s.reserving.Lock()
	defer s.reserving.Unlock()
	if s.Functions.Get(in.name) == nil {
		return nil, s.Functions.NotFound(in.name, function.Latest)
	}
	n := *body.ReservedConcurrentExecutions
	if s.unreserved(in.name)-n < minUnreserved {
		return nil, invalid("Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [%d].", minUnreserved)
	}
	_, err := s.Functions.Change(ctx, in.name, func(r *function.Record) error {
		r.Reserved = &n
		return nil
	})
	if err != nil {
		return nil, err
	}
	return struct{ ReservedConcurrentExecutions int }{n}, nil
}

func (s *Service) getConcurrency(_ context.Context, in *input) (any, error) {
	if err := in.unqualified(); err != nil {
		return nil, err
	}
	r := s.Functions.Get(in.name)
	if r == nil {
		return nil, s.Functions.NotFound(in.name, "")
	}
	return struct {
		ReservedConcurrentExecutions *int `json:",omitempty"`
	}{r.Reserved}, nil
}

func (s *Service) deleteConcurrency(ctx context.Context, in *input) (any, error) {
	if err := in.unqualified(); err != nil {
		return nil, err
	}
	_, err := s.Functions.Change(ctx, in.name, func(r *function.Record) error {
		r.Reserved = nil
		return nil
	})
	return nil, err
}

func (s *Service) getAccountSettings(context.Context, *input) (any, error) {
	type limit struct {
		TotalCodeSize, CodeSizeUnzipped, CodeSizeZipped      int64
		ConcurrentExecutions, UnreservedConcurrentExecutions int
	}
	type usage struct{ TotalCodeSize, FunctionCount int64 }
	var out struct {
		AccountLimit limit
		AccountUsage usage
	}
	out.AccountLimit = limit{maxCodeStorage, 262144000, 52428800, accountConcurrency, s.unreserved("")}
	for _, r := range s.Functions.List() {
		out.AccountUsage.FunctionCount++
		out.AccountUsage.TotalCodeSize += r.CodeSize()
	}
	for _, l := range s.Functions.Layers() {
		for i := range l.Versions {
			out.AccountUsage.TotalCodeSize += l.Versions[i].CodeSize
		}
	}
	return out, nil
}

func bracketed(list []string) string { return fmt.Sprint(list) }
