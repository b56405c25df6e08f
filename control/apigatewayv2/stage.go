package apigatewayv2

import (
	"context"
	"maps"
	"regexp"
	"slices"

	"github.com/sockgate/sockgate"
)

// Bounds of stage variables. Source: reference websocket-api section 14. UNCONFIRMED: the model allows values of 2048.
const (
	maxVariables     = 100
	maxVariableName  = 64
	maxVariableValue = 512
)

type stageOut struct {
	AccessLogSettings           *accessLogOut           `json:"accessLogSettings,omitempty"`
	AutoDeploy                  bool                    `json:"autoDeploy"`
	ClientCertificateID         string                  `json:"clientCertificateId,omitempty"`
	CreatedDate                 instant                 `json:"createdDate"`
	DefaultRouteSettings        settingsOut             `json:"defaultRouteSettings"`
	DeploymentID                string                  `json:"deploymentId,omitempty"`
	Description                 string                  `json:"description,omitempty"`
	LastDeploymentStatusMessage string                  `json:"lastDeploymentStatusMessage,omitempty"`
	LastUpdatedDate             instant                 `json:"lastUpdatedDate"`
	RouteSettings               map[string]*settingsOut `json:"routeSettings"`
	StageName                   string                  `json:"stageName"`
	StageVariables              map[string]string       `json:"stageVariables"`
	Tags                        map[string]string       `json:"tags"`
}

type accessLogOut struct {
	DestinationARN string `json:"destinationArn"`
	Format         string `json:"format"`
}

type settingsOut struct {
	DataTraceEnabled       *bool    `json:"dataTraceEnabled,omitempty"`
	DetailedMetricsEnabled *bool    `json:"detailedMetricsEnabled,omitempty"`
	LoggingLevel           *string  `json:"loggingLevel,omitempty"`
	ThrottlingBurstLimit   *int     `json:"throttlingBurstLimit,omitempty"`
	ThrottlingRateLimit    *float64 `json:"throttlingRateLimit,omitempty"`
}

func showSettings(r sockgate.RouteSettings) *settingsOut {
	return &settingsOut{r.DataTraceEnabled, r.DetailedMetricsEnabled, r.LoggingLevel, r.ThrottlingBurstLimit, r.ThrottlingRateLimit}
}

func showStage(st *sockgate.Stage) any {
	out := &stageOut{
		AutoDeploy: st.AutoDeploy, ClientCertificateID: st.ClientCertificateID, CreatedDate: instant(st.CreatedAt),
		DefaultRouteSettings: *showSettings(st.Default), DeploymentID: st.DeploymentID, Description: st.Description,
		LastDeploymentStatusMessage: st.LastDeploymentStatusMessage, LastUpdatedDate: instant(st.UpdatedAt),
		RouteSettings: make(map[string]*settingsOut, len(st.Routes)), StageName: st.Name,
		StageVariables: shown(st.Variables), Tags: shown(st.Tags),
	}
	// The stage's own flags are always shown; its limits only when they are set. Source: reference websocket-api section 8.
	d := &out.DefaultRouteSettings
	if d.DataTraceEnabled == nil {
		d.DataTraceEnabled = new(bool)
	}
	if d.DetailedMetricsEnabled == nil {
		d.DetailedMetricsEnabled = new(bool)
	}
	if d.LoggingLevel == nil {
		d.LoggingLevel = new("OFF")
	}
	for key, r := range st.Routes {
		out.RouteSettings[key] = showSettings(r)
	}
	if st.AccessLog != (sockgate.AccessLog{}) {
		out.AccessLogSettings = &accessLogOut{st.AccessLog.DestinationARN, st.AccessLog.Format}
	}
	return out
}

// settings reads a structure of route settings. Members that it does not have are unset; a limit of 0 is kept, and blocks.
func settings(m members) (r sockgate.RouteSettings) {
	setPointer(m, "dataTraceEnabled", &r.DataTraceEnabled)
	setPointer(m, "detailedMetricsEnabled", &r.DetailedMetricsEnabled)
	setPointer(m, "loggingLevel", &r.LoggingLevel)
	setPointer(m, "throttlingBurstLimit", &r.ThrottlingBurstLimit)
	setPointer(m, "throttlingRateLimit", &r.ThrottlingRateLimit)
	return r
}

// applyStage copies the members onto st, but for the deployment, and checks them.
func applyStage(m members, rec *sockgate.APIRecord, st *sockgate.Stage) error {
	set(m, "autoDeploy", &st.AutoDeploy)
	set(m, "clientCertificateId", &st.ClientCertificateID)
	set(m, "description", &st.Description)
	var def members
	if set(m, "defaultRouteSettings", &def) {
		st.Default = settings(def) // replaced as a whole: "{}" unsets everything
	}
	if err := applyRouteSettings(m, rec, st); err != nil {
		return err
	}
	mergeStrings(m, "stageVariables", &st.Variables, false)
	if err := checkVariables(st.Variables); err != nil {
		return err
	}
	return applyAccessLog(m, &st.AccessLog)
}

// applyRouteSettings replaces the settings of the routes that are named. UNCONFIRMED: that a key must be a route's, and the text,
// which were seen with HTTP APIs.
func applyRouteSettings(m members, rec *sockgate.APIRecord, st *sockgate.Stage) error {
	var routes map[string]members
	if !set(m, "routeSettings", &routes) {
		return nil
	}
	if st.Routes == nil {
		st.Routes = make(map[string]sockgate.RouteSettings, len(routes))
	}
	for _, key := range slices.Sorted(maps.Keys(routes)) {
		if !slices.ContainsFunc(rec.Routes, func(r sockgate.Route) bool { return r.Key == key }) {
			return errNoSettings(key)
		}
		st.Routes[key] = settings(routes[key])
	}
	return nil
}

func errNoSettings(key string) error {
	return sockgate.NotFoundf("Unable to find Route by key %s within the provided RouteSettings", key)
}

var (
	variableName  = regexp.MustCompile(`^[a-zA-Z0-9_]+$`)
	variableValue = regexp.MustCompile(`^[A-Za-z0-9._~:/?#&=,-]+$`)
)

// checkVariables checks all variables of a stage. Source: reference websocket-api section 8; the texts are ours: UNCONFIRMED.
func checkVariables(vars map[string]string) error {
	if len(vars) > maxVariables {
		return sockgate.Invalidf("A stage can have at most %d stage variables", maxVariables)
	}
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		switch value := vars[name]; {
		case len(name) > maxVariableName || !variableName.MatchString(name):
			return sockgate.Invalidf("Invalid stage variable name: a name has 1 to %d alphanumeric characters and underscores", maxVariableName)
		case len(value) > maxVariableValue:
			return sockgate.Invalidf("Invalid stage variable value: the value of %s exceeds %d characters", name, maxVariableValue)
		case !variableValue.MatchString(value):
			return sockgate.Invalidf("Invalid stage variable value: %s. Please use values with alphanumeric characters and the symbols -._~:/?#&=,", value)
		}
	}
	return nil
}

// moveStage points st at the deployment that the caller asked for, if it did, and checks that the stage can run whenever what is
// compiled for it changed: the deployment, its variables or its log's format.
func (s *Service) moveStage(ctx context.Context, e *edition, in *input, st *sockgate.Stage) error {
	var wanted string
	if set(in.body, "deploymentId", &wanted) && wanted != "" && wanted != st.DeploymentID {
		if st.AutoDeploy {
			return errAutoDeploy()
		}
		if _, err := findDeployment(e.APIRecord, wanted); err != nil {
			return err
		}
		st.DeploymentID = wanted
	} else if in.body["stageVariables"] == nil && in.body["accessLogSettings"] == nil {
		return nil
	}
	if st.DeploymentID == "" {
		return nil
	}
	def, err := s.Catalog.Frozen(ctx, e.API.ID, st.DeploymentID)
	if err != nil {
		return sockgate.Internalf("stage %q: %w", st.Name, err)
	}
	return s.checkStage(ctx, def, st)
}

func (s *Service) createStage(ctx context.Context, in *input) (any, error) {
	var out any
	err := s.change(ctx, in.vars["apiId"], func(e *edition) error {
		if err := room(len(e.Stages), maxStages, "Stages"); err != nil {
			return err
		}
		now := s.Clock()
		st := sockgate.Stage{CreatedAt: now, UpdatedAt: now}
		set(in.body, "stageName", &st.Name)
		if _, err := findStage(e.APIRecord, st.Name); err == nil {
			return sockgate.Conflictf("Stage already exists")
		}
		if err := applyStage(in.body, e.APIRecord, &st); err != nil {
			return err
		}
		var err error
		if st.Tags, err = newTags(in.body); err != nil {
			return err
		}
		if err := s.moveStage(ctx, e, in, &st); err != nil {
			return err
		}
		e.Stages = append(e.Stages, st)
		if st.AutoDeploy {
			if err := s.autoDeploy(ctx, e); err != nil {
				return err
			}
		}
		out = showStage(&e.Stages[len(e.Stages)-1])
		return nil
	})
	return out, err
}

func (s *Service) getStages(ctx context.Context, in *input) (any, error) {
	rec, err := s.record(ctx, in)
	if err != nil {
		return nil, err
	}
	return list(in, "GetStages "+rec.API.ID, rec.Stages, stageName, showStage)
}

func (s *Service) getStage(ctx context.Context, in *input) (any, error) {
	rec, err := s.record(ctx, in)
	if err != nil {
		return nil, err
	}
	st, err := findStage(rec, in.vars["stageName"])
	if err != nil {
		return nil, err
	}
	return showStage(st), nil
}

// changeStage edits the stage that the path names.
func (s *Service) changeStage(ctx context.Context, in *input, edit func(*edition, *sockgate.Stage) error) error {
	return s.change(ctx, in.vars["apiId"], func(e *edition) error {
		st, err := findStage(e.APIRecord, in.vars["stageName"])
		if err != nil {
			return err
		}
		st.UpdatedAt = s.Clock()
		return edit(e, st)
	})
}

func (s *Service) updateStage(ctx context.Context, in *input) (any, error) {
	var out any
	err := s.changeStage(ctx, in, func(e *edition, st *sockgate.Stage) error {
		automatic := st.AutoDeploy
		if err := applyStage(in.body, e.APIRecord, st); err != nil {
			return err
		}
		if err := s.moveStage(ctx, e, in, st); err != nil {
			return err
		}
		if st.AutoDeploy && !automatic {
			if err := s.autoDeploy(ctx, e); err != nil {
				return err
			}
		}
		out = showStage(st)
		return nil
	})
	return out, err
}

func (s *Service) deleteStage(ctx context.Context, in *input) (any, error) {
	return nil, s.change(ctx, in.vars["apiId"], func(e *edition) error {
		st, err := findStage(e.APIRecord, in.vars["stageName"])
		if err != nil {
			return err
		}
		if err := s.unmapped(ctx, e.API.ID, st.Name); err != nil {
			return err
		}
		e.Stages, err = remove(e.Stages, stageName, st.Name, "Stage")
		return err
	})
}

func (s *Service) deleteRouteSettings(ctx context.Context, in *input) (any, error) {
	return nil, s.changeStage(ctx, in, func(_ *edition, st *sockgate.Stage) error {
		key := in.vars["routeKey"]
		if _, ok := st.Routes[key]; !ok {
			return errNoSettings(key)
		}
		delete(st.Routes, key)
		return nil
	})
}

func (s *Service) deleteAccessLogSettings(ctx context.Context, in *input) (any, error) {
	return nil, s.changeStage(ctx, in, func(_ *edition, st *sockgate.Stage) error {
		st.AccessLog = sockgate.AccessLog{}
		return nil
	})
}

// resetAuthorizersCache has nothing to reset: a WebSocket API asks its authorizer at every connect.
func (s *Service) resetAuthorizersCache(ctx context.Context, in *input) (any, error) {
	rec, err := s.record(ctx, in)
	if err != nil {
		return nil, err
	}
	_, err = findStage(rec, in.vars["stageName"])
	return nil, err
}
