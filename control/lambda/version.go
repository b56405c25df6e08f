package lambda

import (
	"context"

	"github.com/sockgate/sockgate/internal/requestid"
	"github.com/sockgate/sockgate/service/function"
)

func (s *Service) publishVersion(ctx context.Context, in *input) (any, error) {
	var body struct{ CodeSha256, Description, RevisionId *string }
	if err := readBody(in.Body, &body); err != nil {
		return nil, err
	}
	c := &checker{}
	if body.Description != nil {
		c.length("description", *body.Description, 0, maxDescription)
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	if err := in.unqualified(); err != nil {
		return nil, err
	}
	var number string
	r, err := s.Functions.Change(ctx, in.name, func(r *function.Record) error {
		if err := match(body.RevisionId, r.Latest.RevisionID); err != nil {
			return err
		}
		if sum := codeSum(r.Latest.SHA256); body.CodeSha256 != nil && *body.CodeSha256 != "" && *body.CodeSha256 != sum {
			return invalid("CodeSHA256 (%s) is different from current CodeSHA256 in $LATEST (%s). Please try again with the CodeSHA256 in $LATEST.",
				*body.CodeSha256, sum)
		}
		description := ""
		set(&description, body.Description)
		number = r.Publish(description, requestid.New).Version
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s.show(r, r.Find(number), number, atRest), nil
}

func (s *Service) listVersions(_ context.Context, in *input) (any, error) {
	c := &checker{}
	size := pageSize(c, in, 50)
	if err := c.err(); err != nil {
		return nil, err
	}
	r := s.Functions.Get(in.name)
	if r == nil {
		return nil, s.Functions.NotFound(in.name, "")
	}
	items := []*configuration{s.show(r, &r.Latest, function.Latest, listed)}
	for i := range r.Versions {
		items = append(items, s.show(r, &r.Versions[i], r.Versions[i].Version, listed))
	}
	page, next, err := paged(items, configurationKey, "ListVersionsByFunction "+in.name, in, size)
	return struct {
		Versions   []*configuration
		NextMarker string `json:",omitempty"`
	}{page, next}, err
}
