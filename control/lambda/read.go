package lambda

import (
	"context"
	"strings"

	"github.com/sockgate/sockgate/service/function"
)

// resolve returns the version that a qualifier stands for now. Of a weighted alias it is the main one.
func (s *Service) resolve(name, qualifier string) (*function.Record, *function.Version, error) {
	r := s.Functions.Get(name)
	if r == nil {
		return nil, nil, s.Functions.NotFound(name, qualifier)
	}
	version := qualifier
	if a := r.Alias(qualifier); a != nil {
		version = a.Version
	}
	v := r.Find(version)
	if v == nil {
		return nil, nil, s.Functions.NotFound(name, qualifier)
	}
	return r, v, nil
}

func (s *Service) getFunction(_ context.Context, in *input) (any, error) {
	r, v, err := s.resolve(in.name, in.qualifier)
	if err != nil {
		return nil, err
	}
	type location struct{ RepositoryType, Location string }
	type concurrency struct{ ReservedConcurrentExecutions int }
	out := struct {
		Configuration *configuration
		Code          location
		Tags          map[string]string `json:",omitempty"`
		Concurrency   *concurrency      `json:",omitempty"`
	}{s.show(r, v, in.qualifier, atRest), location{"S3", s.link(v.SHA256)}, r.Tags, nil}
	if r.Reserved != nil {
		out.Concurrency = &concurrency{*r.Reserved}
	}
	return out, nil
}

func (s *Service) getFunctionConfiguration(_ context.Context, in *input) (any, error) {
	r, v, err := s.resolve(in.name, in.qualifier)
	if err != nil {
		return nil, err
	}
	return s.show(r, v, in.qualifier, atRest), nil
}

func (s *Service) listFunctions(_ context.Context, in *input) (any, error) {
	c := &checker{}
	all := in.query.Get("FunctionVersion")
	if all != "" {
		c.oneOf("functionVersion", all, "ALL")
	}
	size := pageSize(c, in, 50)
	if err := c.err(); err != nil {
		return nil, err
	}
	var items []*configuration
	for _, r := range s.Functions.List() {
		if all == "" {
			items = append(items, s.show(r, &r.Latest, "", listed))
			continue
		}
		items = append(items, s.show(r, &r.Latest, function.Latest, listed))
		for i := range r.Versions {
			items = append(items, s.show(r, &r.Versions[i], r.Versions[i].Version, listed))
		}
	}
	page, next, err := paged(items, configurationKey, "ListFunctions "+all, in, size)
	return struct {
		Functions  []*configuration
		NextMarker string `json:",omitempty"`
	}{page, next}, err
}

func (s *Service) deleteFunction(ctx context.Context, in *input) (any, error) {
	switch {
	case in.qualifier == "":
		return nil, s.Functions.Delete(ctx, in.name)
	case in.qualifier == function.Latest:
		return nil, invalid("$LATEST version cannot be deleted without deleting the function.")
	case !digits.MatchString(in.qualifier):
		return nil, invalid("Deletion of aliases is not currently supported.")
	}
	_, err := s.Functions.Change(ctx, in.name, func(r *function.Record) error {
		var users []string
		for _, a := range r.Aliases {
			_, additional := a.Additional[in.qualifier]
			if a.Version == in.qualifier || additional {
				users = append(users, a.Name)
			}
		}
		if len(users) > 0 {
			return conflict("Unable to delete version because the following aliases reference it: [%s]", strings.Join(users, ", "))
		}
		for i := range r.Versions {
			if r.Versions[i].Version == in.qualifier {
				r.Versions = append(r.Versions[:i], r.Versions[i+1:]...)
				break
			}
		}
		delete(r.Policies, in.qualifier)
		return nil
	})
	return nil, err
}

// getCodeSigning tells that a function has no code signing, which is not built: deployment tools ask for each function.
func (s *Service) getCodeSigning(_ context.Context, in *input) (any, error) {
	if s.Functions.Get(in.name) == nil {
		return nil, s.Functions.NotFound(in.name, "")
	}
	return struct{ FunctionName string }{in.name}, nil
}
