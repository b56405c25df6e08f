// Package mock is the MOCK integration in its simplest form: there is no backend, and the request template says which
// status it would have answered.
//
// It does not render templates. A template with directives or references is taken by the status that is written in it as
// a number; the body is always empty.
package mock

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"github.com/sockgate/sockgate"
)

// Mock is a compiled MOCK integration. It is immutable.
type Mock struct {
	status int
	cause  error // why there is no status
}

// Compile reads the status from integration's request template: the one under "$default", else under "application/json",
// else the only one (reference section 3.3; the selection expression is not evaluated).
//
// Templates never fail to compile: as on AWS, one without a status fails when it is used.
// Errors: sockgate.Invalid when integration is of another type.
func Compile(integration sockgate.Integration) (*Mock, error) {
	if integration.Type != sockgate.Mock {
		return nil, sockgate.Invalidf("integration %s is of type %s, not MOCK", integration.ID, integration.Type)
	}
	template, ok := pick(integration.RequestTemplates)
	if !ok {
		return &Mock{cause: errors.New("mock integration has no request template")}, nil
	}
	status, err := statusOf(template)
	return &Mock{status: status, cause: err}, nil
}

// Do returns the status of the reply and its body, which is empty.
//
// Errors: sockgate.Internal when the template names no status.
func (m *Mock) Do() (status int, body []byte, err error) {
	if m.cause != nil {
		return 0, nil, sockgate.Internalf("%w", m.cause)
	}
	return m.status, nil, nil
}

func pick(templates map[string]string) (string, bool) {
	for _, key := range []string{"$default", "application/json"} {
		if t, ok := templates[key]; ok {
			return t, true
		}
	}
	if len(templates) == 1 {
		for _, t := range templates {
			return t, true
		}
	}
	return "", false
}

// literalStatus finds a status in a template that is not JSON before it is rendered, or never: AWS also takes
// {statusCode: 200}, with the name unquoted.
var literalStatus = regexp.MustCompile(`(?:"statusCode"|'statusCode'|\bstatusCode)\s*:\s*([0-9]+)\s*[,}\r\n]`)

func statusOf(template string) (int, error) {
	var doc struct {
		StatusCode json.RawMessage `json:"statusCode"`
	}
	var digits string
	if err := json.Unmarshal([]byte(template), &doc); err == nil {
		digits = string(doc.StatusCode)
	} else if m := literalStatus.FindStringSubmatch(template); m != nil {
		digits = m[1]
	}
	if digits == "" {
		return 0, errors.New("mock integration's request template has no statusCode")
	}
	status, err := strconv.Atoi(digits)
	if err != nil || status < 100 || status > 599 {
		return 0, fmt.Errorf("mock integration's statusCode %s is not a number from 100 to 599", digits)
	}
	return status, nil
}
