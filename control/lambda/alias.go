package lambda

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sockgate/sockgate/internal/requestid"
	"github.com/sockgate/sockgate/service/function"
)

type aliasInput struct {
	Name            *string
	FunctionVersion *string
	Description     *string
	RevisionId      *string
	RoutingConfig   *struct{ AdditionalVersionWeights map[string]*float64 }
}

type aliasOutput struct {
	AliasArn        string
	Name            string
	FunctionVersion string
	Description     string
	RoutingConfig   *routingOutput `json:",omitempty"`
	RevisionId      string
}

type routingOutput struct{ AdditionalVersionWeights map[string]float64 }

func (s *Service) showAlias(function string, a *function.Alias) *aliasOutput {
	out := &aliasOutput{
		AliasArn: s.Functions.ARN(function, a.Name), Name: a.Name, FunctionVersion: a.Version, Description: a.Description, RevisionId: a.RevisionID,
	}
	if len(a.Additional) > 0 {
		out.RoutingConfig = &routingOutput{a.Additional}
	}
	return out
}

// check finds what breaks the service model.
func (b *aliasInput) check(c *checker) {
	if b.FunctionVersion != nil {
		c.length("functionVersion", *b.FunctionVersion, 1, 1024)
		c.pattern("functionVersion", *b.FunctionVersion, versionForm, versionPattern)
	}
	if b.Description != nil {
		c.length("description", *b.Description, 0, maxDescription)
	}
	if b.RoutingConfig == nil {
		return
	}
	weights := b.RoutingConfig.AdditionalVersionWeights
	shown := make([]string, 0, len(weights))
	keys, values := true, true
	for _, version := range slices.Sorted(maps.Keys(weights)) {
		w := weights[version]
		keys = keys && digits.MatchString(version) && len(version) <= 1024
		if w == nil {
			values = false
			shown = append(shown, version+"=null")
			continue
		}
		values = values && *w >= 0 && *w <= 1
		shown = append(shown, version+"="+decimal(*w))
	}
	const member = "routingConfig.additionalVersionWeights"
	if !keys {
		c.fault(member, "{"+strings.Join(shown, ", ")+"}", "Map keys must satisfy constraint: [Member must have length less than or equal to 1024, "+
			"Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [0-9]+, Member must not be null]")
	}
	if !values {
		c.fault(member, "{"+strings.Join(shown, ", ")+"}", "Map value must satisfy constraint: [Member must have value less than or equal to 1.0, "+
			"Member must have value greater than or equal to 0.0, Member must not be null]")
	}
}

// decimal prints a number as Java does: always with a point.
func decimal(w float64) string {
	text := fmt.Sprint(w)
	if !strings.ContainsAny(text, ".e") {
		text += ".0"
	}
	return text
}

func checkAliasName(c *checker, name string) {
	c.length("name", name, 1, 128)
	if !aliasForm.MatchString(name) || digits.MatchString(name) {
		c.fault("name", name, "Member must satisfy regular expression pattern: %s", aliasPattern)
	}
}

// apply points an alias at its versions.
func (s *Service) applyAlias(b *aliasInput, r *function.Record, a *function.Alias) error {
	set(&a.Description, b.Description)
	set(&a.Version, b.FunctionVersion)
	if r.Find(a.Version) == nil {
		return s.Functions.NotFound(r.Name, a.Version)
	}
	if b.RoutingConfig != nil {
		a.Additional = nil
		weights := b.RoutingConfig.AdditionalVersionWeights
		if len(weights) > 1 {
			return invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
		}
		for version, share := range weights {
			a.Additional = map[string]float64{version: *share}
		}
	}
	for version := range a.Additional {
		switch {
		case a.Version == function.Latest:
			return &fault{status: 400, typ: "InvalidParameterValueException", bare: true,
				message: "$LATEST is not supported for an alias pointing to more than 1 version"}
		case version == a.Version:
			return invalid("Invalid function version %s. Function version %s is already included in routing configuration.", version, version)
		case r.Find(version) == nil:
			return s.Functions.NotFound(r.Name, version)
		}
	}
	return nil
}

func (s *Service) createAlias(ctx context.Context, in *input) (any, error) {
	var body aliasInput
	if err := readBody(in.Body, &body); err != nil {
		return nil, err
	}
	c := &checker{}
	if c.need("name", body.Name) {
		checkAliasName(c, *body.Name)
	}
	c.need("functionVersion", body.FunctionVersion)
	body.check(c)
	if err := c.err(); err != nil {
		return nil, err
	}
	if err := in.unqualified(); err != nil {
		return nil, err
	}
	if s.Functions.Get(in.name) == nil {
		return nil, s.Functions.NotFound(in.name, *body.FunctionVersion)
	}
	a := function.Alias{Name: *body.Name, RevisionID: requestid.New()}
	_, err := s.Functions.Change(ctx, in.name, func(r *function.Record) error {
		if err := s.applyAlias(&body, r, &a); err != nil {
			return err
		}
		at, taken := slices.BinarySearchFunc(r.Aliases, a.Name, byName)
		if taken {
			return conflict("Alias already exists: %s", s.Functions.ARN(in.name, a.Name))
		}
		r.Aliases = slices.Insert(r.Aliases, at, a)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s.showAlias(in.name, &a), nil
}

func byName(a function.Alias, name string) int { return strings.Compare(a.Name, name) }

func (s *Service) getAlias(_ context.Context, in *input) (any, error) {
	r := s.Functions.Get(in.name)
	if r == nil {
		return nil, s.Functions.NotFound(in.name, "")
	}
	a := r.Alias(in.vars["Name"])
	if a == nil {
		return nil, notFound("Cannot find alias arn: %s", s.Functions.ARN(in.name, in.vars["Name"]))
	}
	return s.showAlias(in.name, a), nil
}

func (s *Service) updateAlias(ctx context.Context, in *input) (any, error) {
	var body aliasInput
	if err := readBody(in.Body, &body); err != nil {
		return nil, err
	}
	c := &checker{}
	body.check(c)
	if err := c.err(); err != nil {
		return nil, err
	}
	var out function.Alias
	_, err := s.Functions.Change(ctx, in.name, func(r *function.Record) error {
		a := r.Alias(in.vars["Name"])
		if a == nil {
			return notFound("Alias not found: %s", s.Functions.ARN(in.name, in.vars["Name"]))
		}
		if err := match(body.RevisionId, a.RevisionID); err != nil {
			return err
		}
		if err := s.applyAlias(&body, r, a); err != nil {
			return err
		}
		a.RevisionID = requestid.New()
		out = *a
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s.showAlias(in.name, &out), nil
}

func (s *Service) deleteAlias(ctx context.Context, in *input) (any, error) {
	name := in.vars["Name"]
	_, err := s.Functions.Change(ctx, in.name, func(r *function.Record) error {
		r.Aliases = slices.DeleteFunc(r.Aliases, func(a function.Alias) bool { return a.Name == name })
		delete(r.Policies, name)
		return nil
	})
	return nil, err
}

func (s *Service) listAliases(_ context.Context, in *input) (any, error) {
	c := &checker{}
	size := pageSize(c, in, 50)
	if err := c.err(); err != nil {
		return nil, err
	}
	r := s.Functions.Get(in.name)
	if r == nil {
		return nil, s.Functions.NotFound(in.name, "")
	}
	only := in.query.Get("FunctionVersion")
	var items []*aliasOutput
	for i := range r.Aliases {
		a := &r.Aliases[i]
		if _, additional := a.Additional[only]; only == "" || a.Version == only || additional {
			items = append(items, s.showAlias(r.Name, a))
		}
	}
	page, next, err := paged(items, func(a *aliasOutput) string { return a.Name }, "ListAliases "+in.name+" "+only, in, size)
	return struct {
		Aliases    []*aliasOutput
		NextMarker string `json:",omitempty"`
	}{page, next}, err
}
