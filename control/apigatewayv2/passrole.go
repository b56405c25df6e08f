package apigatewayv2

import (
	"context"
	"strings"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/awswire"
)

// Who gives API Gateway a role to act as must be allowed iam:PassRole on it, lest somebody who may edit an API borrow a role that may do more.
// A role that is spelled out is asked about when it is given. One that depends on stage variables is asked about when a stage gives
// them values, so of whoever deploys or sets the variables.
//
// Source: IAM User Guide, "Grant a user permissions to pass a role to an AWS service". UNCONFIRMED: the second case.

const (
	variableOpening = "${stageVariables."
	// callerCredentials pass on who signed the handshake: no role is passed. Source: reference websocket-api section 3.1.
	callerCredentials = "arn:aws:iam::*:user/*"
)

// mayPassRole asks whether the caller may give API Gateway the role that its call names.
func mayPassRole(r *awswire.Request, body members) error {
	for _, name := range [...]string{"credentialsArn", "authorizerCredentialsArn"} {
		arn := ""
		if !set(body, name, &arn) || strings.Contains(arn, variableOpening) {
			continue
		}
		if err := mayPass(r, arn); err != nil {
			return err
		}
	}
	return nil
}

func mayPass(r *awswire.Request, arn string) error {
	if arn == "" || arn == callerCredentials {
		return nil
	}
	return r.Allowed("iam:PassRole", []string{arn}, map[string][]string{"iam:passedtoservice": {"apigateway.amazonaws.com"}})
}

// checkStage checks that a stage can run a definition, and that the caller may pass the roles that the stage's variables name.
func (s *Service) checkStage(ctx context.Context, def *sockgate.Definition, st *sockgate.Stage) error {
	if r, ok := ctx.Value(callerKey{}).(*awswire.Request); ok {
		for _, arn := range variableRoles(def) {
			for name, value := range st.Variables {
				arn = strings.ReplaceAll(arn, variableOpening+name+"}", value) // a value holds no further reference: it has no "$"
			}
			if strings.Contains(arn, "${") {
				continue // calls will fail for want of a variable
			}
			if err := mayPass(r, arn); err != nil {
				return err
			}
		}
	}
	return s.CheckStage(def, st)
}

// variableRoles are the credentials of a definition that depend on stage variables.
func variableRoles(def *sockgate.Definition) (arns []string) {
	add := func(arn string) {
		if strings.Contains(arn, variableOpening) {
			arns = append(arns, arn)
		}
	}
	for i := range def.Integrations {
		add(def.Integrations[i].CredentialsARN)
	}
	for i := range def.Authorizers {
		add(def.Authorizers[i].CredentialsARN)
	}
	return arns
}

// callerKey is where the context of an operation has the call, for what is only asked once the API's record was read.
type callerKey struct{}

func withCaller(ctx context.Context, r *awswire.Request) context.Context {
	return context.WithValue(ctx, callerKey{}, r)
}
