package dynamodb

import (
	"io"
	"net/http"
	"strings"

	"github.com/sockgate/sockgate/control/awswire"
	"github.com/sockgate/sockgate/internal/requestid"
)

// maxStranger is how much is read of a body that nobody signed, in bytes.
const maxStranger = 64 << 10

// RequestID makes up an id for a request.
func (s *Service) RequestID() string { return requestid.NewLong() }

// Claims says whether a request without a service's name in its signature is for DynamoDB: one with its target, or one to the address
// itself that no other API would understand, since DynamoDB has no other address.
func (s *Service) Claims(r *http.Request) bool {
	if target := awswire.Header(r.Header, "X-Amz-Target"); target != "" {
		return strings.HasPrefix(target, "DynamoDB") || !strings.Contains(target, ".")
	}
	content := awswire.Header(r.Header, "Content-Type")
	return strings.HasPrefix(content, amzJSON[0]) ||
		r.URL.Path == "/" && r.URL.RawQuery == "" && awswire.Header(r.Header, "Authorization") == "" && !strings.HasPrefix(content, "application/x-")
}

// Greet answers a request without a signature in the order in which DynamoDB looks at one: method, content, JSON, target, and only
// then the signature. Source: dynalite's tests.
func (s *Service) Greet(r *http.Request) (*awswire.Response, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxStranger))
	if err != nil {
		return nil, &fault{typ: coral + "SerializationException"}
	}
	if r.Method != http.MethodPost || !jsonContent(awswire.Header(r.Header, "Content-Type")) && len(body) > 0 {
		return stray(s.Region, r.Method, r.Header), nil
	}
	if len(body) == maxStranger || s.operations[awswire.Header(r.Header, "X-Amz-Target")] != nil {
		return nil, &awswire.StatusError{Status: http.StatusBadRequest, Type: "MissingAuthenticationTokenException"}
	}
	return nil, unknownOperation(awswire.Header(r.Header, "X-Amz-Target"), body)
}

// stray answers what is no call of the API: a browser's question beforehand, a look whether the service is there, or a mistake.
func stray(region, method string, header http.Header) *awswire.Response {
	origin := header["Origin"] != nil
	var resp *awswire.Response
	switch {
	case method == http.MethodOptions && origin:
		resp = &awswire.Response{Header: http.Header{"Access-Control-Max-Age": {"172800"}, "Content-Length": {"0"}}}
		if asked := header["Access-Control-Request-Headers"]; asked != nil {
			resp.Header["Access-Control-Allow-Headers"] = asked
		}
		if asked := header["Access-Control-Request-Method"]; asked != nil {
			resp.Header["Access-Control-Allow-Methods"] = asked
		}
	case method == http.MethodGet:
		resp = respond(http.StatusOK, plainText, []byte("healthy: dynamodb."+region+".amazonaws.com "))
	default:
		resp = respond(http.StatusNotFound, xml, []byte("<UnknownOperationException/>\n"))
	}
	if origin {
		resp.Header["Access-Control-Allow-Origin"] = anyOrigin
	}
	return resp
}
