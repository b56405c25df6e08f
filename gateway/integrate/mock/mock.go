// Package mock is the MOCK integration: there is no backend, and the rendered request template says which status it would have
// answered. What the client gets is the integration response's affair (package mapping).
package mock

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"

	"github.com/sockgate/sockgate"
)

// literalStatus finds a status in a request that is not strictly JSON: AWS also takes {statusCode: 200}, with the name
// unquoted.
var literalStatus = regexp.MustCompile(`(?:"statusCode"|'statusCode'|\bstatusCode)\s*:\s*([0-9]+)\s*[,}\r\n]`)

// Status returns the status that a rendered request template names: the number statusCode of a JSON object
// (reference section 3.3).
//
// Errors: sockgate.Internal when it names none from 100 to 599.
func Status(rendered []byte) (int, error) {
	var doc struct {
		StatusCode json.RawMessage `json:"statusCode"`
	}
	var digits string
	if err := json.Unmarshal(rendered, &doc); err == nil {
		digits = string(doc.StatusCode)
	} else if m := literalStatus.FindSubmatch(rendered); m != nil {
		digits = string(m[1])
	}
	if digits == "" {
		return 0, sockgate.Internalf("the mock integration's request template gives no statusCode")
	}
	status, err := strconv.Atoi(digits)
	if err != nil || status < 100 || status > 599 {
		return 0, sockgate.Internalf("%w", fmt.Errorf("the mock integration's statusCode %s is not a number from 100 to 599", digits))
	}
	return status, nil
}
