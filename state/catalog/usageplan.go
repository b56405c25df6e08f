package catalog

import (
	"context"
	"errors"
	"iter"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/state/store"
)

// UsagePlan returns the plan with the given id.
func (c *Catalog) UsagePlan(ctx context.Context, id string) (*sockgate.UsagePlan, error) {
	plan, _, err := read[sockgate.UsagePlan](ctx, c, planPrefix, id, errNoPlan)
	return plan, err
}

// UsagePlans goes through the plans as APIKeys does through the keys.
func (c *Catalog) UsagePlans(ctx context.Context, after string) iter.Seq2[*sockgate.UsagePlan, error] {
	return each[sockgate.UsagePlan](ctx, c, planPrefix, after)
}

// CreateUsagePlan stores a new plan. Its id must not be taken: Conflict.
func (c *Catalog) CreateUsagePlan(ctx context.Context, plan *sockgate.UsagePlan) error {
	revision, err := c.create(ctx, planPrefix+plan.ID, plan)
	if err != nil {
		return err
	}
	c.tell(ctx, UsageChange{PlanID: plan.ID, Plan: clone(plan), Revision: revision})
	return nil
}

// ChangeUsagePlan lets edit change a plan as ChangeAPI does an API, and returns it as it is then. The id cannot change.
func (c *Catalog) ChangeUsagePlan(ctx context.Context, id string, edit func(*sockgate.UsagePlan) error) (*sockgate.UsagePlan, error) {
	plan, revision, err := update(ctx, c, planPrefix, id, errNoPlan, func(plan *sockgate.UsagePlan) error {
		err := edit(plan)
		plan.ID = id
		return err
	})
	if err != nil {
		return nil, err
	}
	c.tell(ctx, UsageChange{PlanID: id, Plan: clone(plan), Revision: revision})
	return plan, nil
}

// DeleteUsagePlan removes a plan and its memberships. The plan goes first: what a crash leaves is without effect.
func (c *Catalog) DeleteUsagePlan(ctx context.Context, id string) error {
	_, revision, err := read[sockgate.UsagePlan](ctx, c, planPrefix, id, errNoPlan)
	if err != nil {
		return err
	}
	if err := c.store.Delete(ctx, planPrefix+id, revision); err != nil {
		return fault("delete usage plan "+id, err)
	}
	c.tell(ctx, UsageChange{PlanID: id, Revision: revision})
	return c.dropMembers(ctx, func(string, string) bool { return true }, planKeyPrefix+id+".")
}

// PlanKey returns a key's membership in a plan. Errors: NotFound.
func (c *Catalog) PlanKey(ctx context.Context, planID, keyID string) (*sockgate.PlanKey, error) {
	if !validID(planID) {
		return nil, errNoKey
	}
	m, _, err := read[sockgate.PlanKey](ctx, c, planKeyPrefix+planID+".", keyID, errNoKey)
	return m, err
}

// PlanKeys goes through a plan's memberships as APIKeys does through the keys. A plan that is not there has none.
func (c *Catalog) PlanKeys(ctx context.Context, planID, after string) iter.Seq2[*sockgate.PlanKey, error] {
	if !validID(planID) {
		return func(func(*sockgate.PlanKey, error) bool) {}
	}
	return each[sockgate.PlanKey](ctx, c, planKeyPrefix+planID+".", after)
}

// KeyPlans returns the ids of the plans that a key is in, in order.
func (c *Catalog) KeyPlans(ctx context.Context, keyID string) ([]string, error) {
	all, err := c.Memberships(ctx)
	return all[keyID], err
}

// Memberships returns the ids of the plans that each key is in, in order, by the key's id. The map is the caller's.
func (c *Catalog) Memberships(ctx context.Context) (map[string][]string, error) {
	entries, err := c.store.List(ctx, planKeyPrefix)
	if err != nil {
		return nil, fault("list memberships", err)
	}
	plans := make(map[string][]string)
	for _, e := range entries {
		if ch, ok := usageChange(e.Key); ok {
			plans[ch.KeyID] = append(plans[ch.KeyID], ch.PlanID)
		}
	}
	return plans, nil
}

// AddPlanKey stores a new membership. Errors: Conflict when the key is in the plan already. That both exist, and that the key
// is in no other plan for the same stage, is for the caller to see to.
func (c *Catalog) AddPlanKey(ctx context.Context, m *sockgate.PlanKey) error {
	revision, err := c.create(ctx, planKeyPrefix+m.PlanID+"."+m.KeyID, m)
	if err != nil {
		return err
	}
	c.tell(ctx, UsageChange{PlanID: m.PlanID, KeyID: m.KeyID, PlanKey: clone(m), Revision: revision})
	return nil
}

// RemovePlanKey takes a key out of a plan. Errors: NotFound.
func (c *Catalog) RemovePlanKey(ctx context.Context, planID, keyID string) error {
	if !validID(planID) {
		return errNoKey
	}
	_, revision, err := read[sockgate.PlanKey](ctx, c, planKeyPrefix+planID+".", keyID, errNoKey)
	if err != nil {
		return err
	}
	if err := c.store.Delete(ctx, planKeyPrefix+planID+"."+keyID, revision); err != nil {
		return fault("take API key "+keyID+" out of usage plan "+planID, err)
	}
	c.tell(ctx, UsageChange{PlanID: planID, KeyID: keyID, Revision: revision})
	return nil
}

// dropMembers removes the memberships under prefix that are chosen.
func (c *Catalog) dropMembers(ctx context.Context, chosen func(planID, keyID string) bool, prefix string) error {
	entries, err := c.store.List(ctx, prefix)
	if err != nil {
		return fault("list memberships", err)
	}
	for _, e := range entries {
		ch, ok := usageChange(e.Key)
		if !ok || !chosen(ch.PlanID, ch.KeyID) {
			continue
		}
		switch err := c.store.Delete(ctx, e.Key, e.Revision); {
		case errors.Is(err, store.ErrConflict): // somebody else removed it
		case err != nil:
			return fault("remove a membership", err)
		default:
			ch.Revision = e.Revision
			c.tell(ctx, ch)
		}
	}
	return nil
}
