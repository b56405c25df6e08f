package apigatewayv2

import (
	"context"
	"errors"
	"slices"

	"github.com/sockgate/sockgate"
)

type deploymentOut struct {
	AutoDeployed            bool    `json:"autoDeployed"`
	CreatedDate             instant `json:"createdDate"`
	DeploymentID            string  `json:"deploymentId"`
	DeploymentStatus        string  `json:"deploymentStatus"`
	DeploymentStatusMessage string  `json:"deploymentStatusMessage,omitempty"`
	Description             string  `json:"description,omitempty"`
}

func showDeployment(d *sockgate.Deployment) any {
	return &deploymentOut{
		AutoDeployed: d.AutoDeployed, CreatedDate: instant(d.CreatedAt), DeploymentID: d.ID, DeploymentStatus: d.Status,
		DeploymentStatusMessage: d.StatusMessage, Description: d.Description,
	}
}

const (
	autoDescription = "Automatic deployment triggered by changes to the Api configuration"
	// keptAutoDeployments is how many automatic deployments stay after no stage uses them. Without a bound, every edit would
	// leave one for ever.
	keptAutoDeployments = 10
)

// deployable refuses a definition that cannot be served. Source of the first two texts: reference control-plane section 1.6
// (the second was seen with HTTP APIs).
func (s *Service) deployable(ctx context.Context, def *sockgate.Definition) error {
	if len(def.Routes) == 0 {
		return sockgate.Invalidf("Unable to deploy API because no routes exist in this API")
	}
	if !slices.ContainsFunc(def.Routes, func(r sockgate.Route) bool { return r.Target != "" }) {
		return sockgate.Invalidf("Unable to deploy API because no valid routes exist in this API")
	}
	if err := s.linksReady(ctx, def); err != nil {
		return err
	}
	return s.Check(def)
}

// deploy freezes the definition as it stands and adds the deployment to the record.
func (s *Service) deploy(ctx context.Context, e *edition, d sockgate.Deployment) (*sockgate.Deployment, error) {
	d.ID = newIDIn(idLength, e.Deployments, deploymentID)
	d.Status, d.StatusMessage = "DEPLOYED", s.StatusMessage(&e.Definition)
	d.CreatedAt = s.Clock()
	if err := s.Catalog.Freeze(ctx, e.API.ID, d.ID, &e.Definition); err != nil {
		return nil, err
	}
	e.frozen = append(e.frozen, d.ID)
	e.Deployments = append(e.Deployments, d)
	return &e.Deployments[len(e.Deployments)-1], nil
}

// autoDeploy moves the stages that follow every edit to a new deployment. A stage whose definition does not compile stays on its
// old one and says why. Source: reference control-plane section 1.6 (texts), websocket-api section 8.
func (s *Service) autoDeploy(ctx context.Context, e *edition) error {
	var stages []*sockgate.Stage
	for i := range e.Stages {
		if e.Stages[i].AutoDeploy {
			stages = append(stages, &e.Stages[i])
		}
	}
	if stages == nil {
		return nil
	}
	fault := s.deployable(ctx, &e.Definition)
	var d *sockgate.Deployment
	for _, st := range stages {
		st.UpdatedAt = s.Clock()
		err := fault
		if err == nil {
			err = s.checkStage(ctx, &e.Definition, st)
		}
		if err != nil {
			st.LastDeploymentStatusMessage = "Deployment attempt failed: " + s.reason(err)
			continue
		}
		if d == nil {
			if d, err = s.deploy(ctx, e, sockgate.Deployment{Description: autoDescription, AutoDeployed: true}); err != nil {
				return err
			}
		}
		st.DeploymentID = d.ID
		st.LastDeploymentStatusMessage = "Successfully deployed stage with deployment ID '" + d.ID + "'"
	}
	e.prune()
	return nil
}

// reason is the part of an error that a caller may read.
func (s *Service) reason(err error) string {
	if e, ok := errors.AsType[*sockgate.Error](err); ok && e.Kind != sockgate.Internal {
		return e.Message
	}
	s.Log.Error("a deployment could not be checked", "error", err)
	return "Internal server error"
}

// prune drops the oldest automatic deployments that no stage points at. Deployments stand in the order of their making.
func (e *edition) prune() {
	var unused []string
	for _, d := range e.Deployments {
		if d.AutoDeployed && !e.inUse(d.ID) {
			unused = append(unused, d.ID)
		}
	}
	if len(unused) <= keptAutoDeployments {
		return
	}
	unused = unused[:len(unused)-keptAutoDeployments]
	e.Deployments = slices.DeleteFunc(e.Deployments, func(d sockgate.Deployment) bool { return slices.Contains(unused, d.ID) })
	e.dropped = append(e.dropped, unused...)
}

func (e *edition) inUse(deploymentID string) bool {
	return slices.ContainsFunc(e.Stages, func(st sockgate.Stage) bool { return st.DeploymentID == deploymentID })
}

func (s *Service) createDeployment(ctx context.Context, in *input) (any, error) {
	var out any
	err := s.change(ctx, in.vars["apiId"], func(e *edition) error {
		st, err := s.deploymentStage(e, in)
		if err != nil {
			return err
		}
		if err := s.deployable(ctx, &e.Definition); err != nil {
			return err
		}
		if st != nil {
			if err := s.checkStage(ctx, &e.Definition, st); err != nil {
				return err
			}
		}
		var wanted sockgate.Deployment
		set(in.body, "description", &wanted.Description)
		d, err := s.deploy(ctx, e, wanted)
		if err != nil {
			return err
		}
		if st != nil {
			st.DeploymentID = d.ID
			st.UpdatedAt = s.Clock()
		}
		out = showDeployment(d)
		return nil
	})
	return out, err
}

// deploymentStage returns the stage that the new deployment is for, or nil when the caller named none.
func (s *Service) deploymentStage(e *edition, in *input) (*sockgate.Stage, error) {
	var name string
	if !set(in.body, "stageName", &name) {
		return nil, nil
	}
	st, err := findStage(e.APIRecord, name)
	if err == nil && st.AutoDeploy {
		err = errAutoDeploy()
	}
	return st, err
}

// errAutoDeploy's text is UNCONFIRMED.
func errAutoDeploy() error {
	return sockgate.Invalidf("Deployment ID cannot be set on stage because AutoDeploy is enabled")
}

func (s *Service) getDeployments(ctx context.Context, in *input) (any, error) {
	rec, err := s.record(ctx, in)
	if err != nil {
		return nil, err
	}
	return list(in, "GetDeployments "+rec.API.ID, rec.Deployments, deploymentID, showDeployment)
}

func (s *Service) getDeployment(ctx context.Context, in *input) (any, error) {
	rec, err := s.record(ctx, in)
	if err != nil {
		return nil, err
	}
	d, err := findDeployment(rec, in.vars["deploymentId"])
	if err != nil {
		return nil, err
	}
	return showDeployment(d), nil
}

func (s *Service) updateDeployment(ctx context.Context, in *input) (any, error) {
	var out any
	err := s.change(ctx, in.vars["apiId"], func(e *edition) error {
		d, err := findDeployment(e.APIRecord, in.vars["deploymentId"])
		if err != nil {
			return err
		}
		set(in.body, "description", &d.Description)
		out = showDeployment(d)
		return nil
	})
	return out, err
}

func (s *Service) deleteDeployment(ctx context.Context, in *input) (any, error) {
	id := in.vars["deploymentId"]
	return nil, s.change(ctx, in.vars["apiId"], func(e *edition) error {
		rest, err := remove(e.Deployments, deploymentID, id, "deployment")
		if err != nil {
			return err
		}
		if e.inUse(id) {
			return sockgate.Invalidf("Active stages pointing to this deployment must be moved or deleted")
		}
		e.Deployments = rest
		e.dropped = append(e.dropped, id)
		return nil
	})
}
