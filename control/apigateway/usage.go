package apigateway

import (
	"context"
	"time"

	"github.com/sockgate/sockgate"
)

// Meter counts the requests of keys in plans.
type Meter interface {
	// Usage returns, for each day from one to another, both included, how many requests a key used and how many remained to it at
	// the day's end. Days are midnights in UTC.
	Usage(ctx context.Context, planID, keyID string, from, to time.Time) ([][2]int64, error)
	// SetRemaining sets what remains to a key in the current period of the plan's quota.
	SetRemaining(ctx context.Context, planID, keyID string, remaining int64) error
}

type usageOut struct {
	UsagePlanID string                `json:"usagePlanId"`
	StartDate   string                `json:"startDate"`
	EndDate     string                `json:"endDate"`
	Position    string                `json:"position,omitempty"`
	Values      map[string][][2]int64 `json:"values"`
}

// maxUsageDays is the longest time between two dates. UNCONFIRMED. Source: reference section 3.
const maxUsageDays = 90

const date = "2006-01-02"

// dates reads the parameters startDate and endDate. UNCONFIRMED texts.
func (in *input) dates() (from, to time.Time, err error) {
	for _, p := range []struct {
		name string
		dst  *time.Time
	}{{"startDate", &from}, {"endDate", &to}} {
		text := in.query.Get(p.name)
		if text == "" {
			return from, to, in.missing(p.name)
		}
		if *p.dst, err = time.Parse(date, text); err != nil {
			return from, to, sockgate.Invalidf("Invalid value '%s' for %s: it must be a date of the form YYYY-MM-DD", short(text), p.name)
		}
	}
	switch days := to.Sub(from).Hours() / 24; {
	case days < 0:
		return from, to, sockgate.Invalidf("Invalid date range: startDate must not be after endDate")
	case days > maxUsageDays:
		return from, to, sockgate.Invalidf("Invalid date range: it must not exceed %d days", maxUsageDays)
	}
	return from, to, nil
}

func (s *Service) getUsage(ctx context.Context, in *input) (any, error) {
	from, to, err := in.dates()
	if err != nil {
		return nil, err
	}
	limit, after, err := in.paging()
	if err != nil {
		return nil, err
	}
	plan, err := s.Catalog.UsagePlan(ctx, in.vars["usageplanId"])
	if err != nil {
		return nil, err
	}
	if id := in.query.Get("keyId"); id != "" {
		// Source of the text: AWS's answers as its users have published them.
		_, key, err := s.member(ctx, plan.ID, id, "Invalid Key identifier specified")
		if err != nil {
			return nil, err
		}
		return s.showUsage(ctx, plan, []*sockgate.APIKey{key}, from, to)
	}
	keys, more, err := page(s.members(ctx, plan.ID, after), limit, nil)
	if err != nil {
		return nil, err
	}
	out, err := s.showUsage(ctx, plan, keys, from, to)
	if err == nil && more {
		out.Position = position(keys[len(keys)-1].ID)
	}
	return out, err
}

// showUsage shows what keys used. AWS's reference says that values are by key value; they are by key id, which is no secret.
func (s *Service) showUsage(ctx context.Context, plan *sockgate.UsagePlan, keys []*sockgate.APIKey, from, to time.Time) (*usageOut, error) {
	out := &usageOut{UsagePlanID: plan.ID, StartDate: from.Format(date), EndDate: to.Format(date), Values: make(map[string][][2]int64, len(keys))}
	for _, key := range keys {
		days, err := s.days(ctx, plan, key.ID, from, to)
		if err != nil {
			return nil, err
		}
		out.Values[key.ID] = days
	}
	return out, nil
}

// days asks the meter. Without one, nothing was ever used.
func (s *Service) days(ctx context.Context, plan *sockgate.UsagePlan, keyID string, from, to time.Time) ([][2]int64, error) {
	if s.Meter != nil {
		return s.Meter.Usage(ctx, plan.ID, keyID, from, to)
	}
	var day [2]int64
	if plan.Quota != nil {
		day[1] = int64(plan.Quota.Limit)
	}
	var days [][2]int64
	for d := from; !d.After(to); d = d.AddDate(0, 0, 1) {
		days = append(days, day)
	}
	return days, nil
}

// usageRules is what can be patched of a key's usage.
var usageRules = []rule[*int64]{
	{path: "/remaining", ops: replace, apply: func(remaining *int64, p *patchOp) error {
		n, ok := p.integer()
		if !ok {
			return sockgate.Invalidf("Usage remaining must be a non-negative numeric")
		}
		*remaining = int64(n)
		return nil
	}},
}

// updateUsage gives a key another number of requests in the current period. It answers with today's usage.
func (s *Service) updateUsage(ctx context.Context, in *input) (any, error) {
	patches, err := in.readPatches()
	if err != nil {
		return nil, err
	}
	plan, key, err := s.member(ctx, in.vars["usageplanId"], in.vars["keyId"], "Invalid Key identifier specified")
	if err != nil {
		return nil, err
	}
	remaining := int64(-1)
	if err := applyPatches(usageRules, &remaining, patches); err != nil {
		return nil, err
	}
	if remaining >= 0 {
		if plan.Quota == nil { // UNCONFIRMED
			return nil, sockgate.Invalidf("Usage Plan %s does not have a quota", plan.ID)
		}
		if s.Meter == nil {
			return nil, sockgate.Unavailablef("Usage is not counted here")
		}
		if err := s.Meter.SetRemaining(ctx, plan.ID, key.ID, remaining); err != nil {
			return nil, err
		}
	}
	today := s.Clock().UTC().Truncate(24 * time.Hour)
	return s.showUsage(ctx, plan, []*sockgate.APIKey{key}, today, today)
}
