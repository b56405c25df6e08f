package iam

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/awswire"
	"github.com/sockgate/sockgate/service/identity"
)

func refuse(status int, code, format string, args ...any) error {
	return &awswire.StatusError{Status: status, Type: code, Message: fmt.Sprintf(format, args...)}
}

func noSuch(format string, args ...any) error {
	return refuse(http.StatusNotFound, "NoSuchEntity", format, args...)
}

func noUser(name string) error { return noSuch("The user with name %s cannot be found.", name) }

func noRole(name string) error { return noSuch("The role with name %s cannot be found.", name) }

func noPolicy(arn string) error { return noSuch("Policy %s was not found.", arn) }

func noVersion(arn, id string) error {
	return noSuch("Policy %s version %s does not exist or is not attachable.", arn, id)
}

func exists(format string, args ...any) error {
	return refuse(http.StatusConflict, "EntityAlreadyExists", format, args...)
}

func inUse(text string) error { return refuse(http.StatusConflict, "DeleteConflict", "%s", text) }

func overLimit(format string, args ...any) error {
	return refuse(http.StatusConflict, "LimitExceeded", format, args...)
}

func invalidInput(format string, args ...any) error {
	return refuse(http.StatusBadRequest, "InvalidInput", format, args...)
}

func invalid(format string, args ...any) error {
	return refuse(http.StatusBadRequest, "ValidationError", format, args...)
}

func malformed(err error) error {
	text := "Syntax errors in policy."
	if e, ok := errors.AsType[*sockgate.Error](err); ok && e.Message != "" {
		text = e.Message
	}
	return refuse(http.StatusBadRequest, "MalformedPolicyDocument", "%s", text)
}

// named puts an error of the directory into IAM's words: missing is said of what is not there, taken of a name that is.
func named(err, missing, taken error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, identity.ErrNoEntity):
		return missing
	case errors.Is(err, identity.ErrExists):
		return taken
	case sockgate.KindOf(err) == sockgate.Conflict:
		return refuse(http.StatusConflict, "ConcurrentModification", "%s", "The request was rejected because multiple requests to change this object were submitted simultaneously. Wait a few minutes and submit your request again.")
	}
	return err
}
