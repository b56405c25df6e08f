package deploy

import (
	"strings"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/integrate/function"
)

// What the control plane stores and the data path cannot do yet deploys, as it does on AWS when a function is missing, and then
// fails closed. The deployment's status message says what
// will fail.

// Unbuilt lists what of a definition will fail when it is called, each as
// "integration abc1234: integrationType AWS with service sqs".
func Unbuilt(def *sockgate.Definition) []string {
	var list []string
	for i := range def.Integrations {
		if what := unbuiltIntegration(&def.Integrations[i]); what != "" {
			list = append(list, "integration "+def.Integrations[i].ID+": "+what)
		}
	}
	return list
}

// unbuiltIntegration names what of an integration is not built, or nothing.
func unbuiltIntegration(in *sockgate.Integration) string {
	if in.Type == sockgate.AWS || in.Type == sockgate.AWSProxy {
		if service := function.Service(in.URI); service != "" && service != "lambda" {
			return "integrationType " + string(in.Type) + " with service " + service
		}
	}
	return ""
}

// StatusMessage is what a deployment says of what is not built, or nothing.
func StatusMessage(def *sockgate.Definition) string {
	list := Unbuilt(def)
	if list == nil {
		return ""
	}
	return "Deployed. Not built yet, and refused when called: " + strings.Join(list, "; ")
}
