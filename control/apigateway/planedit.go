package apigateway

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/sockgate/sockgate"
)

// planEdit is a plan while one call edits it.
type planEdit struct {
	*sockgate.UsagePlan
	s     *Service
	ctx   context.Context
	apis  map[string]*sockgate.APIRecord // those that were read
	added bool                           // stages were
}

func (s *Service) editPlan(ctx context.Context, p *sockgate.UsagePlan) *planEdit {
	return &planEdit{UsagePlan: p, s: s, ctx: ctx, apis: make(map[string]*sockgate.APIRecord)}
}

// stage returns a stage of the plan, or nil.
func (e *planEdit) stage(apiID, stage string) *sockgate.PlanStage {
	i := slices.IndexFunc(e.Stages, func(st sockgate.PlanStage) bool { return st.APIID == apiID && st.Stage == stage })
	if i < 0 {
		return nil
	}
	return &e.Stages[i]
}

// ownStage is stage with an error instead of nil. Source: reference section 1.6.
func (e *planEdit) ownStage(apiID, stage string) (*sockgate.PlanStage, error) {
	if st := e.stage(apiID, stage); st != nil {
		return st, nil
	}
	return nil, sockgate.NotFoundf("Invalid API Stage {api: %s, stage: %s} specified for usageplan %s", short(apiID), short(stage), e.ID)
}

// api reads an API, or returns nil when it is not there.
func (e *planEdit) api(id string) (*sockgate.APIRecord, error) {
	if rec, ok := e.apis[id]; ok {
		return rec, nil
	}
	rec, err := e.s.Catalog.API(e.ctx, id)
	if err != nil && sockgate.KindOf(err) != sockgate.NotFound {
		return nil, err
	}
	e.apis[id] = rec
	return rec, nil
}

// addStage adds a stage that must exist. One that the plan has already stays as it is (UNCONFIRMED).
func (e *planEdit) addStage(apiID, stage string) error {
	rec, err := e.api(apiID)
	if err != nil {
		return err
	}
	if rec == nil || !slices.ContainsFunc(rec.Stages, func(st sockgate.Stage) bool { return st.Name == stage }) {
		return sockgate.NotFoundf("API Stage not found: %s:%s", short(apiID), short(stage))
	}
	if e.stage(apiID, stage) == nil {
		e.Stages = append(e.Stages, sockgate.PlanStage{APIID: apiID, Stage: stage})
		e.added = true
	}
	return nil
}

// setRoutes replaces the limits for single routes of a stage.
func (e *planEdit) setRoutes(apiID, stage string, limits map[string]throttleIn) error {
	st, err := e.ownStage(apiID, stage)
	if err != nil {
		return err
	}
	st.Throttle = nil
	for _, given := range slices.Sorted(maps.Keys(limits)) {
		route, err := e.route(apiID, given)
		if err != nil {
			return err
		}
		if st.Throttle == nil {
			st.Throttle = make(map[string]sockgate.Throttle, len(limits))
		}
		st.Throttle[route] = limits[given].settings()
	}
	return nil
}

// route returns the key of the route that a caller means. AWS addresses a REST API's method as "{resourcePath}/{httpMethod}";
// for WebSocket APIs the form is UNCONFIRMED. The route key itself is taken, and one with the slashes that tools for REST APIs put
// before or after it, unless it is a route key itself. The route need not exist.
func (e *planEdit) route(apiID, given string) (string, error) {
	rec, err := e.api(apiID)
	if err != nil {
		return "", err
	}
	trimmed := strings.TrimSuffix(strings.TrimPrefix(given, "/"), "/")
	if rec != nil && slices.ContainsFunc(rec.Routes, func(r sockgate.Route) bool { return r.Key == given }) {
		trimmed = given
	}
	if trimmed == "" || len(trimmed) > maxRouteKey {
		return "", sockgate.Invalidf("Invalid route specified for throttle settings: %s", short(given))
	}
	return trimmed, nil
}

// maxRouteKey bounds a route key, in bytes. Those of the v2 API have at most 1,024 characters.
const maxRouteKey = 4 << 10

// checkMembers refuses stages that another plan of one of the plan's keys has already.
func (e *planEdit) checkMembers() error {
	if !e.added {
		return nil
	}
	memberships, err := e.s.Catalog.Memberships(e.ctx)
	if err != nil {
		return err
	}
	r := e.s.rivals(e.UsagePlan)
	for keyID, plans := range memberships {
		if slices.Contains(plans, e.ID) {
			if err := r.check(e.ctx, keyID, plans); err != nil {
				return err
			}
		}
	}
	return nil
}

// Paths of limits for single routes, as error texts have them; AWS spells "apid".
const (
	stagePath = "/apiStages/<apidId:stageName>/throttle"
	routePath = stagePath + "/<resourcePath>/<httpMethod>"
)

// routeTarget is what a path below /apiStages/ names.
type routeTarget struct {
	apiID, stage string
	route        string // as the caller has it; "" is all of the stage
	limit        string // "rateLimit", "burstLimit" or ""
}

// parseRoutePath reads "/apiStages/{apiId}:{stage}/throttle", optionally with "/{route}", optionally with a limit behind it.
// Slashes in the route may be escaped, and need not be.
func parseRoutePath(path string) (t routeTarget, ok bool) {
	rest, ok := strings.CutPrefix(path, "/apiStages/")
	if !ok {
		return t, false
	}
	id, tail, _ := strings.Cut(rest, "/")
	if t.apiID, t.stage, ok = strings.Cut(id, ":"); !ok {
		return t, false
	}
	if tail == "throttle" {
		return t, true
	}
	if t.route, ok = strings.CutPrefix(tail, "throttle/"); !ok {
		return t, false
	}
	for _, limit := range []string{"rateLimit", "burstLimit"} {
		if route, ok := strings.CutSuffix(t.route, "/"+limit); ok {
			t.route, t.limit = route, limit
			break
		}
	}
	t.route = strings.ReplaceAll(strings.ReplaceAll(t.route, "~1", "/"), "~0", "~")
	return t, t.route != ""
}

func fitsStage(path string) bool { t, ok := parseRoutePath(path); return ok && t.route == "" }
func fitsRoute(path string) bool {
	t, ok := parseRoutePath(path)
	return ok && t.route != "" && t.limit == ""
}
func fitsLimit(limit string) func(string) bool {
	return func(path string) bool { t, ok := parseRoutePath(path); return ok && t.limit == limit }
}

// planRules is what can be patched of a plan.
var planRules = []rule[*planEdit]{
	{path: "/apiStages", ops: add | remove, apply: patchStages},
	{path: "/quota", ops: remove, apply: func(e *planEdit, _ *patchOp) error { e.Quota = nil; return nil }},
	{path: "/throttle", ops: remove, apply: func(e *planEdit, _ *patchOp) error { e.Throttle = nil; return nil }},
	{path: "/productCode", ops: add | replace | remove, apply: func(e *planEdit, p *patchOp) error {
		e.ProductCode = p.value()
		if *p.Op == "remove" {
			e.ProductCode = ""
		}
		return nil
	}},
	{path: routePath, fits: fitsRoute, ops: remove, apply: removeRoute},
	{path: stagePath, fits: fitsStage, ops: add | replace | remove, apply: patchRoutes},
	{path: routePath + "/rateLimit", fits: fitsLimit("rateLimit"), ops: add | replace, apply: patchRoute},
	{path: routePath + "/burstLimit", fits: fitsLimit("burstLimit"), ops: add | replace, apply: patchRoute},
	{path: "/name", ops: replace, apply: func(e *planEdit, p *patchOp) error { e.Name = p.value(); return nil }},
	{path: "/description", ops: replace, apply: func(e *planEdit, p *patchOp) error { e.Description = p.value(); return nil }},
	{path: "/throttle/rateLimit", ops: add | replace, apply: func(e *planEdit, p *patchOp) error { return patchLimit(e.throttle(), "rateLimit", p) }},
	{path: "/throttle/burstLimit", ops: add | replace, apply: func(e *planEdit, p *patchOp) error { return patchLimit(e.throttle(), "burstLimit", p) }},
	{path: "/quota/limit", ops: add | replace, apply: func(e *planEdit, p *patchOp) (err error) {
		n, ok := p.integer()
		if !ok {
			return sockgate.Invalidf("Usage Plan quota limit must be a non-negative numeric")
		}
		e.quota().Limit = n
		return nil
	}},
	{path: "/quota/offset", ops: add | replace, apply: func(e *planEdit, p *patchOp) error {
		n, ok := p.integer()
		if !ok {
			return sockgate.Invalidf("Usage Plan quota offset must be a non-negative numeric")
		}
		e.quota().Offset = n
		return nil
	}},
	{path: "/quota/period", ops: add | replace, apply: func(e *planEdit, p *patchOp) error { e.quota().Period = p.value(); return nil }},
}

// throttle returns the plan's limits, which begin at 0 when there were none.
func (e *planEdit) throttle() *sockgate.Throttle {
	if e.Throttle == nil {
		e.Throttle = new(sockgate.Throttle)
	}
	return e.Throttle
}

// quota returns the plan's quota; a new one must be given a limit and a period by the same call.
func (e *planEdit) quota() *sockgate.Quota {
	if e.Quota == nil {
		e.Quota = &sockgate.Quota{Limit: -1}
	}
	return e.Quota
}

func patchLimit(t *sockgate.Throttle, limit string, p *patchOp) error {
	var ok bool
	if limit == "burstLimit" {
		if t.Burst, ok = p.integer(); !ok {
			return errBurst
		}
		return nil
	}
	if t.Rate, ok = p.number(); !ok {
		return errRate
	}
	return nil
}

// patchStages adds or removes the stage "{apiId}:{stage}". Source of the texts: reference section 1.6, and for what is not
// there when it is added, AWS's answers as its users have published them.
func patchStages(e *planEdit, p *patchOp) error {
	parts := strings.Split(p.value(), ":")
	if len(parts) < 2 || len(parts) > 2 && *p.Op == "remove" {
		return sockgate.Invalidf("Invalid API Stage specified")
	}
	if *p.Op == "add" {
		if len(parts) > 2 {
			return sockgate.NotFoundf("API Stage not found: %s:%s", short(parts[0]), short(parts[1]))
		}
		return e.addStage(parts[0], parts[1])
	}
	if _, err := e.ownStage(parts[0], parts[1]); err != nil {
		return err
	}
	e.Stages = slices.DeleteFunc(e.Stages, func(st sockgate.PlanStage) bool { return st.APIID == parts[0] && st.Stage == parts[1] })
	return nil
}

// patchRoutes replaces or removes all limits for single routes of a stage. The value is a JSON object.
func patchRoutes(e *planEdit, p *patchOp) error {
	t, _ := parseRoutePath(p.Path)
	var limits map[string]throttleIn
	if *p.Op != "remove" {
		if err := json.Unmarshal([]byte(p.value()), &limits); err != nil || limits == nil {
			return sockgate.Invalidf("Invalid value specified for patch path '%s': it must be a JSON object of throttle settings", short(p.Path))
		}
	}
	return e.setRoutes(t.apiID, t.stage, limits)
}

// patchRoute sets one limit of one route.
func patchRoute(e *planEdit, p *patchOp) error {
	t, _ := parseRoutePath(p.Path)
	st, err := e.ownStage(t.apiID, t.stage)
	if err != nil {
		return err
	}
	route, err := e.route(t.apiID, t.route)
	if err != nil {
		return err
	}
	throttle := st.Throttle[route]
	if err := patchLimit(&throttle, t.limit, p); err != nil {
		return err
	}
	if st.Throttle == nil {
		st.Throttle = make(map[string]sockgate.Throttle)
	}
	st.Throttle[route] = throttle
	return nil
}

// removeRoute removes the limits of one route, which must be there (UNCONFIRMED).
func removeRoute(e *planEdit, p *patchOp) error {
	t, _ := parseRoutePath(p.Path)
	st, err := e.ownStage(t.apiID, t.stage)
	if err != nil {
		return err
	}
	route, err := e.route(t.apiID, t.route)
	if err != nil {
		return err
	}
	if _, ok := st.Throttle[route]; !ok {
		return sockgate.NotFoundf("Invalid throttle settings specified: %s", short(route))
	}
	delete(st.Throttle, route)
	return nil
}
