package apigateway

import (
	"context"
	"iter"
	"slices"
	"strings"

	"github.com/sockgate/sockgate"
)

// planKeyOut is a key's membership in a plan as the wire has it.
type planKeyOut struct {
	ID    string `json:"id"`
	Type  string `json:"type"`
	Value string `json:"value"`
	Name  string `json:"name,omitempty"`
}

const keyType = "API_KEY"

func showMember(k *sockgate.APIKey) any {
	return planKeyOut{ID: k.ID, Type: keyType, Value: k.Value, Name: k.Name}
}

func (s *Service) createUsagePlanKey(ctx context.Context, in *input) (any, error) {
	var body struct {
		KeyID   *string `json:"keyId"`
		KeyType *string `json:"keyType"`
	}
	if err := in.decode(&body); err != nil {
		return nil, err
	}
	switch {
	case body.KeyID == nil:
		return nil, in.missing("keyId")
	case body.KeyType == nil:
		return nil, in.missing("keyType")
	case *body.KeyType != keyType: // UNCONFIRMED text
		return nil, sockgate.Invalidf("Invalid key type specified: %s. Must be %s", short(*body.KeyType), keyType)
	}
	plan, err := s.Catalog.UsagePlan(ctx, in.vars["usageplanId"])
	if err != nil {
		return nil, err
	}
	key, err := s.Catalog.APIKey(ctx, *body.KeyID)
	if err != nil {
		return nil, err
	}
	if err := s.join(ctx, plan, key.ID); err != nil {
		return nil, err
	}
	return showMember(key), nil
}

// join makes a key a member of a plan.
func (s *Service) join(ctx context.Context, plan *sockgate.UsagePlan, keyID string) error {
	plans, err := s.Catalog.KeyPlans(ctx, keyID)
	switch {
	case err != nil:
		return err
	case slices.Contains(plans, plan.ID): // UNCONFIRMED text
		return sockgate.Conflictf("Usage Plan %s already contains API Key %s", plan.ID, keyID)
	case len(plans) >= maxPlansPerKey:
		return limitExceeded("Usage Plans per API Key")
	}
	if err := s.rivals(plan).check(ctx, keyID, plans); err != nil {
		return err
	}
	return s.addMember(ctx, plan.ID, keyID)
}

func (s *Service) addMember(ctx context.Context, planID, keyID string) error {
	return s.Catalog.AddPlanKey(ctx, &sockgate.PlanKey{PlanID: planID, KeyID: keyID, Since: s.Clock()})
}

// rivals knows which other plans share a stage with one plan.
type rivals struct {
	s      *Service
	plan   *sockgate.UsagePlan
	shared map[string]*sockgate.PlanStage // by the other's id; nil: none
}

func (s *Service) rivals(plan *sockgate.UsagePlan) *rivals {
	return &rivals{s: s, plan: plan, shared: make(map[string]*sockgate.PlanStage)}
}

// check refuses a key of the given plans when another of them shares a stage with the plan: a key has one plan per stage.
// Source: reference section 3. UNCONFIRMED text.
func (r *rivals) check(ctx context.Context, keyID string, plans []string) error {
	for _, id := range plans {
		st, err := r.with(ctx, id)
		if err != nil {
			return err
		}
		if st != nil {
			return sockgate.Conflictf("Usage Plan %s cannot be added because API Key %s cannot reference multiple Usage Plans with the same API stage: %s:%s",
				r.plan.ID, keyID, st.APIID, st.Stage)
		}
	}
	return nil
}

// with returns a stage that the plan shares with another, or nil.
func (r *rivals) with(ctx context.Context, id string) (*sockgate.PlanStage, error) {
	if id == r.plan.ID {
		return nil, nil
	}
	if st, ok := r.shared[id]; ok {
		return st, nil
	}
	other, err := r.s.Catalog.UsagePlan(ctx, id)
	switch {
	case err == nil:
		r.shared[id] = sharedStage(r.plan, other)
	case sockgate.KindOf(err) != sockgate.NotFound:
		return nil, err
	}
	return r.shared[id], nil
}

// sharedStage returns a stage that both plans name, or nil.
func sharedStage(a, b *sockgate.UsagePlan) *sockgate.PlanStage {
	for i, x := range a.Stages {
		for _, y := range b.Stages {
			if x.APIID == y.APIID && x.Stage == y.Stage {
				return &a.Stages[i]
			}
		}
	}
	return nil
}

// members goes through the keys of a plan.
func (s *Service) members(ctx context.Context, planID, after string) iter.Seq2[*sockgate.APIKey, error] {
	return func(yield func(*sockgate.APIKey, error) bool) {
		for m, err := range s.Catalog.PlanKeys(ctx, planID, after) {
			var key *sockgate.APIKey
			if err == nil {
				key, err = s.Catalog.APIKey(ctx, m.KeyID)
			}
			if err != nil && sockgate.KindOf(err) == sockgate.NotFound {
				continue // its key is being deleted
			}
			if !yield(key, err) {
				return
			}
		}
	}
}

func (s *Service) getUsagePlanKeys(ctx context.Context, in *input) (any, error) {
	plan, err := s.Catalog.UsagePlan(ctx, in.vars["usageplanId"])
	if err != nil {
		return nil, err
	}
	name := in.query.Get("name")
	return list(in, func(after string) iter.Seq2[*sockgate.APIKey, error] { return s.members(ctx, plan.ID, after) },
		func(k *sockgate.APIKey) bool { return strings.HasPrefix(k.Name, name) }, keyID, showMember)
}

// member reads the plan and the key that the path names. The key must be in the plan: otherwise missing is the error's text.
func (s *Service) member(ctx context.Context, planID, keyID, missing string) (*sockgate.UsagePlan, *sockgate.APIKey, error) {
	plan, err := s.Catalog.UsagePlan(ctx, planID)
	if err != nil {
		return nil, nil, err
	}
	if _, err = s.Catalog.PlanKey(ctx, planID, keyID); err == nil {
		var key *sockgate.APIKey
		if key, err = s.Catalog.APIKey(ctx, keyID); err == nil {
			return plan, key, nil
		}
	}
	if sockgate.KindOf(err) == sockgate.NotFound {
		err = sockgate.NotFoundf("%s", missing)
	}
	return nil, nil, err
}

// noKey is the text for a key that is not there or not in the plan. UNCONFIRMED for the latter.
const noKey = "Invalid API Key identifier specified"

func (s *Service) getUsagePlanKey(ctx context.Context, in *input) (any, error) {
	_, key, err := s.member(ctx, in.vars["usageplanId"], in.vars["keyId"], noKey)
	if err != nil {
		return nil, err
	}
	return showMember(key), nil
}

func (s *Service) deleteUsagePlanKey(ctx context.Context, in *input) (any, error) {
	plan, key, err := s.member(ctx, in.vars["usageplanId"], in.vars["keyId"], noKey)
	if err != nil {
		return nil, err
	}
	return nil, s.Catalog.RemovePlanKey(ctx, plan.ID, key.ID)
}
