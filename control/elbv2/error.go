package elbv2

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/sockgate/sockgate/control/awswire"
)

// refuse is an error of the API. All of them have status 400.
func refuse(code, format string, args ...any) error {
	return &awswire.StatusError{Status: http.StatusBadRequest, Type: code, Message: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) error { return refuse("ValidationError", format, args...) }

// constraint is a fault that AWS's model finds.
func constraint(value, member, rule string) error {
	if value == "" {
		return invalid("1 validation error detected: Value null at '%s' failed to satisfy constraint: %s", member, rule)
	}
	return invalid("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: %s", short(value), member, rule)
}

func noBalancer(arn string) error {
	return refuse("LoadBalancerNotFound", "Load balancer '%s' not found", short(arn))
}

func noGroup() error { return refuse("TargetGroupNotFound", "One or more target groups not found") }

func noListener() error { return refuse("ListenerNotFound", "One or more listeners not found") }

// declared refuses to change what the configuration file has.
func declared(what, name string) error {
	return refuse("OperationNotPermitted", "%s '%s' is declared in the gateway's configuration file. Change it there.", what, name)
}

func notBuiltWith(operation, what string) error {
	return awswire.NotBuilt("elasticloadbalancing", operation+" with "+what)
}

// short cuts what a caller sent to the length that goes back to it.
func short(s string) string {
	const shown = 256 // bytes
	if len(s) > shown {
		return s[:shown] + "..."
	}
	return s
}

// isCode reports whether err is an error of the API with this code.
func isCode(err error, code string) bool {
	e, ok := errors.AsType[*awswire.StatusError](err)
	return ok && e.Type == code
}
