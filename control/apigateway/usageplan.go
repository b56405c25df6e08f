package apigateway

import (
	"context"
	"iter"
	"slices"
	"unicode/utf8"

	"github.com/sockgate/sockgate"
)

// Bounds that AWS publishes no number for.
const (
	maxProductCode   = 256
	maxStagesPerPlan = 1000
)

// usagePlanOut is a plan as the wire has it.
type usagePlanOut struct {
	ID          string       `json:"id"`
	Name        string       `json:"name"`
	Description string       `json:"description,omitempty"`
	APIStages   []stageOut   `json:"apiStages"`
	Throttle    *throttleOut `json:"throttle,omitempty"`
	Quota       *quotaOut    `json:"quota,omitempty"`
	ProductCode string       `json:"productCode,omitempty"`
	Tags        any          `json:"tags,omitempty"`
}

type stageOut struct {
	APIID    string                 `json:"apiId"`
	Stage    string                 `json:"stage"`
	Throttle map[string]throttleOut `json:"throttle,omitempty"`
}

func showPlan(p *sockgate.UsagePlan) *usagePlanOut {
	out := &usagePlanOut{ID: p.ID, Name: p.Name, Description: p.Description, ProductCode: p.ProductCode, Tags: someTags(p.Tags),
		APIStages: make([]stageOut, len(p.Stages))}
	for i, st := range p.Stages {
		out.APIStages[i] = stageOut{APIID: st.APIID, Stage: st.Stage}
		if len(st.Throttle) > 0 {
			out.APIStages[i].Throttle = make(map[string]throttleOut, len(st.Throttle))
			for route, t := range st.Throttle {
				out.APIStages[i].Throttle[route] = showThrottle(t)
			}
		}
	}
	if p.Throttle != nil {
		t := showThrottle(*p.Throttle)
		out.Throttle = &t
	}
	if q := p.Quota; q != nil {
		out.Quota = &quotaOut{Limit: q.Limit, Offset: q.Offset, Period: q.Period}
	}
	return out
}

// showPlanAlone shows a plan as GetUsagePlan and UpdateUsagePlan do: with its tags even when it has none.
func showPlanAlone(p *sockgate.UsagePlan) *usagePlanOut {
	out := showPlan(p)
	out.Tags = allTags(p.Tags)
	return out
}

func (s *Service) createUsagePlan(ctx context.Context, in *input) (any, error) {
	var body struct {
		Name        *string `json:"name"`
		Description string  `json:"description"`
		APIStages   []struct {
			APIID    string                `json:"apiId"`
			Stage    string                `json:"stage"`
			Throttle map[string]throttleIn `json:"throttle"`
		} `json:"apiStages"`
		Throttle *throttleIn       `json:"throttle"`
		Quota    *quotaIn          `json:"quota"`
		Tags     map[string]string `json:"tags"`
	}
	if err := in.decode(&body); err != nil {
		return nil, err
	}
	if body.Name == nil {
		return nil, in.missing("name")
	}
	plan := &sockgate.UsagePlan{Name: *body.Name, Description: body.Description, Tags: body.Tags, CreatedAt: s.Clock()}
	if body.Throttle != nil {
		t := body.Throttle.settings()
		plan.Throttle = &t
	}
	if body.Quota != nil {
		q, err := body.Quota.settings(in)
		if err != nil {
			return nil, err
		}
		plan.Quota = q
	}
	e := s.editPlan(ctx, plan)
	for _, st := range body.APIStages {
		if st.APIID == "" || st.Stage == "" {
			// AWS's own text, with the places that it forgets to fill.
			return nil, sockgate.Invalidf("%s", "Invalid API Stage {api: %s, stage: %s} specified for usageplan %s")
		}
		if e.stage(st.APIID, st.Stage) != nil {
			return nil, sockgate.Invalidf("API Stage %s:%s is specified twice", short(st.APIID), short(st.Stage))
		}
		if err := e.addStage(st.APIID, st.Stage); err != nil {
			return nil, err
		}
		if err := e.setRoutes(st.APIID, st.Stage, st.Throttle); err != nil {
			return nil, err
		}
	}
	if err := checkPlan(plan); err != nil {
		return nil, err
	}
	if err := checkTags(plan.Tags); err != nil {
		return nil, err
	}
	if err := s.roomForPlans(ctx); err != nil {
		return nil, err
	}
	plan.ID = random(planIDLength, idLetters)
	if err := s.Catalog.CreateUsagePlan(ctx, plan); err != nil {
		return nil, err
	}
	return showPlan(plan), nil
}

// checkPlan checks a plan as a whole, after all that a call does to it. UNCONFIRMED: the texts without a source.
func checkPlan(p *sockgate.UsagePlan) error {
	switch {
	case p.Name == "" || utf8.RuneCountInString(p.Name) > maxName:
		return sockgate.Invalidf("Invalid Usage Plan name, must have 1 to %d characters.", maxName)
	case utf8.RuneCountInString(p.Description) > maxDescription:
		return sockgate.Invalidf("Invalid Usage Plan description specified.")
	case utf8.RuneCountInString(p.ProductCode) > maxProductCode:
		return sockgate.Invalidf("Invalid Usage Plan product code specified.")
	case len(p.Stages) > maxStagesPerPlan:
		return sockgate.Invalidf("A Usage Plan can have at most %d API stages", maxStagesPerPlan)
	}
	if err := checkThrottles(p); err != nil {
		return err
	}
	return checkQuota(p.Quota)
}

// roomForPlans refuses to make one more plan than the account may have.
func (s *Service) roomForPlans(ctx context.Context) error {
	if s.MaxPlans < 0 {
		return nil
	}
	n := 0
	for _, err := range s.Catalog.UsagePlans(ctx, "") {
		if err != nil {
			return err
		}
		n++
	}
	if n >= s.MaxPlans {
		return limitExceeded("Usage Plans")
	}
	return nil
}

func (s *Service) getUsagePlan(ctx context.Context, in *input) (any, error) {
	plan, err := s.Catalog.UsagePlan(ctx, in.vars["usageplanId"])
	if err != nil {
		return nil, err
	}
	return showPlanAlone(plan), nil
}

func (s *Service) getUsagePlans(ctx context.Context, in *input) (any, error) {
	var wanted func(*sockgate.UsagePlan) bool
	if key := in.query.Get("keyId"); key != "" {
		plans, err := s.Catalog.KeyPlans(ctx, key)
		if err != nil {
			return nil, err
		}
		wanted = func(p *sockgate.UsagePlan) bool { return slices.Contains(plans, p.ID) }
	}
	return list(in, func(after string) iter.Seq2[*sockgate.UsagePlan, error] { return s.Catalog.UsagePlans(ctx, after) },
		wanted, func(p *sockgate.UsagePlan) string { return p.ID }, func(p *sockgate.UsagePlan) any { return showPlan(p) })
}

func (s *Service) updateUsagePlan(ctx context.Context, in *input) (any, error) {
	patches, err := in.readPatches()
	if err != nil {
		return nil, err
	}
	plan, err := s.Catalog.ChangeUsagePlan(ctx, in.vars["usageplanId"], func(p *sockgate.UsagePlan) error {
		e := s.editPlan(ctx, p)
		if err := applyPatches(planRules, e, patches); err != nil {
			return err
		}
		if err := checkPlan(p); err != nil {
			return err
		}
		return e.checkMembers()
	})
	if err != nil {
		return nil, err
	}
	return showPlanAlone(plan), nil
}

// deleteUsagePlan removes a plan and its keys' memberships. A plan that names stages is in use, also when a stage is gone: deleting
// an API or a stage leaves the plans that name it as they are. Source of the text: answers of AWS that its users have published.
func (s *Service) deleteUsagePlan(ctx context.Context, in *input) (any, error) {
	plan, err := s.Catalog.UsagePlan(ctx, in.vars["usageplanId"])
	if err != nil {
		return nil, err
	}
	if len(plan.Stages) > 0 {
		return nil, sockgate.Invalidf("Cannot delete Usage Plan %s because there are API Stages associated with it, including %s:%s",
			plan.ID, plan.Stages[0].APIID, plan.Stages[0].Stage)
	}
	return nil, s.Catalog.DeleteUsagePlan(ctx, plan.ID)
}
