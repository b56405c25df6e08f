package awswire

import (
	"encoding/xml"
	"net/http"
	"strings"
)

// Protocol is how an API tells its clients that a call failed. A Service has the method Protocol() Protocol to choose one; without
// it, REST-JSON is spoken. The front uses it for everything that went wrong with a call for that Service, its signature included.
type Protocol interface {
	// Fault returns the reply that tells err. id is the request's.
	Fault(r *http.Request, id string, err error) *Response
}

// speaker is a Service with a Protocol of its own.
type speaker interface{ Protocol() Protocol }

// protocol finds out how to speak to the client of r.
func (f *front) protocol(r *http.Request, to *destination) Protocol {
	if s, ok := to.service.(speaker); ok {
		return s.Protocol()
	}
	if s, ok := f.open.(speaker); ok && to.name == "" && f.open.Claims(r) {
		return s.Protocol()
	}
	form := strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") || r.URL.Query().Has("Action")
	switch {
	case r.Header.Get("X-Amz-Target") != "":
		return JSON10{}
	case to.name == "elasticloadbalancing":
		return Query{Namespace: "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"}
	case to.name == "iam":
		return Query{Namespace: "https://iam.amazonaws.com/doc/2010-05-08/"}
	case to.name == "sts", to.name == "" && form: // of the APIs with forms, STS is the one that is called without a signature
		return Query{Namespace: "https://sts.amazonaws.com/doc/2011-06-15/"}
	}
	return RESTJSON{}
}

// RESTJSON is the protocol of API Gateway and Lambda: the error's name is in a header, its message in a JSON body.
type RESTJSON struct{}

// Fault is a status, x-amzn-ErrorType and {"message":…}.
func (RESTJSON) Fault(_ *http.Request, _ string, err error) *Response {
	status, typ, message := Describe(err)
	body := mustJSON(struct {
		Message string `json:"message"`
	}{message})
	return &Response{Status: status, Header: http.Header{"x-amzn-ErrorType": {typ}}, Body: body}
}

// JSON10 is the protocol of DynamoDB: the error's name is in the body, and what AWS's front end refuses is a 400 as well.
type JSON10 struct {
	// Prefix stands before the names of the API's own errors, e.g. "com.amazonaws.dynamodb.v20120810#".
	Prefix string
}

// coral is the namespace of the errors that AWS's front end makes before an API with a JSON protocol is asked.
const coral = "com.amazon.coral.service#"

// Fault is a status and {"__type":…,"message":…}. A type that has a namespace already keeps it.
func (p JSON10) Fault(r *http.Request, _ string, err error) *Response {
	status, typ, message := Describe(err)
	switch {
	case strings.Contains(typ, "#"):
	case frontFault(typ) || typ == "AccessDeniedException":
		status = http.StatusBadRequest
		if typ == missingToken {
			message = "Request is missing Authentication Token"
		}
		typ = coral + typ
	case status != http.StatusNotImplemented:
		typ = p.Prefix + typ
	}
	body := mustJSON(struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}{typ, message})
	content := "application/x-amz-json-1.0"
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-amz-json-1.1") {
		content = "application/x-amz-json-1.1"
	}
	_, name, _ := strings.Cut(typ, "#")
	if name == "" {
		name = typ
	}
	return &Response{Status: status, Header: http.Header{"Content-Type": {content}, "x-amzn-ErrorType": {name}}, Body: body}
}

// Query is the protocol of IAM, STS and Elastic Load Balancing: XML, and names without "Exception" for what the front end refuses.
type Query struct {
	Namespace string // of the API's elements
}

const missingToken = "MissingAuthenticationTokenException"

// frontFault says whether an error of this type comes from the check of a signature.
func frontFault(typ string) bool {
	switch typ {
	case missingToken, "IncompleteSignatureException", "UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException":
		return true
	}
	return false
}

// queryNames are the names that the query protocol has for errors that are called otherwise elsewhere.
// Source: the APIs' pages "Common errors".
var queryNames = map[string]string{
	missingToken:                     "MissingAuthenticationToken",
	"IncompleteSignatureException":   "IncompleteSignature",
	"UnrecognizedClientException":    "InvalidClientTokenId",
	"InvalidSignatureException":      "SignatureDoesNotMatch",
	"ExpiredTokenException":          "ExpiredToken",
	"AccessDeniedException":          "AccessDenied",
	"InternalServerException":        "InternalFailure",
	"BadRequestException":            "ValidationError",
	"TooManyRequestsException":       "Throttling",
	"ServiceUnavailableException":    "ServiceUnavailable",
	"RequestEntityTooLargeException": "RequestEntityTooLarge",
	"NotImplementedException":        "NotImplemented",
}

// Fault is an ErrorResponse.
func (p Query) Fault(_ *http.Request, id string, err error) *Response {
	status, typ, message := Describe(err)
	if typ == missingToken {
		message = "Request is missing Authentication Token"
	}
	if name, ok := queryNames[typ]; ok {
		typ = name
	}
	who := "Sender"
	if status >= http.StatusInternalServerError && status != http.StatusNotImplemented {
		who = "Receiver"
	}
	type fault struct {
		Type, Code, Message string
	}
	body, xmlErr := xml.MarshalIndent(struct {
		XMLName   xml.Name `xml:"ErrorResponse"`
		Namespace string   `xml:"xmlns,attr"`
		Error     fault
		RequestID string `xml:"RequestId"`
	}{Namespace: p.Namespace, Error: fault{who, typ, message}, RequestID: id}, "", "  ")
	if xmlErr != nil {
		panic(xmlErr) // strings always encode
	}
	return &Response{Status: status, Header: http.Header{"Content-Type": {"text/xml"}}, Body: append(body, '\n')}
}

func mustJSON(v any) []byte {
	b, err := EncodeJSON(v)
	if err != nil {
		panic(err) // structs of strings always encode
	}
	return b
}

var (
	_ Protocol = RESTJSON{}
	_ Protocol = JSON10{}
	_ Protocol = Query{}
)

// errorType is the x-amzn-ErrorType of an answer, however it is spelled; "" for none.
func (r *Response) errorType() string {
	for name, values := range r.Header {
		if len(values) > 0 && strings.EqualFold(name, "x-amzn-ErrorType") {
			return values[0]
		}
	}
	return ""
}
