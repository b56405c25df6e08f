// Package acm serves those operations of AWS Certificate Manager that the gateway has a use for, in its JSON protocol: importing, requesting,
// describing, listing, tagging, renewing and deleting certificates. It reads and checks the parameters and writes the answers; the certificates
// are kept and issued by package service/certificate.
//
// Source: ACM API Reference; where it says nothing, texts are those that AWS's endpoint has been seen to answer.
package acm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/awswire"
	"github.com/sockgate/sockgate/service/certificate"
)

// Config is what the service needs.
type Config struct {
	Certificates *certificate.Service
	Account      string           // 12 digits
	Region       string           // e.g. "us-east-1"
	Clock        func() time.Time // nil means time.Now
}

// Service serves the operations. Its methods may be called by many goroutines.
type Service struct{ Config }

var (
	_ awswire.Service = (*Service)(nil)
	_ awswire.Guarded = (*Service)(nil)
)

// New returns the service.
func New(cfg Config) *Service {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	return &Service{cfg}
}

// Name returns the API's name.
func (s *Service) Name() string { return "acm" }

// Protocol returns the API's protocol.
func (s *Service) Protocol() awswire.Protocol { return awswire.JSON10{} }

// maxBody is enough for the longest chain (2 MiB) in base64, with all else.
const maxBody = 4 << 20

// MaxBody is the size in bytes of the largest request that is read.
func (s *Service) MaxBody() int64 { return maxBody }

const targetPrefix = "CertificateManager."

// call is one call, its body read.
type call struct {
	ctx  context.Context
	body []byte
}

// operations are the API. Those without a function are known by name and not built.
var operations = map[string]func(*Service, *call) (any, error){
	"ImportCertificate":         (*Service).importCertificate,
	"RequestCertificate":        (*Service).requestCertificate,
	"DescribeCertificate":       (*Service).describeCertificate,
	"ListCertificates":          (*Service).listCertificates,
	"GetCertificate":            (*Service).getCertificate,
	"DeleteCertificate":         (*Service).deleteCertificate,
	"RenewCertificate":          (*Service).renewCertificate,
	"UpdateCertificateOptions":  (*Service).updateCertificateOptions,
	"AddTagsToCertificate":      (*Service).addTags,
	"RemoveTagsFromCertificate": (*Service).removeTags,
	"ListTagsForCertificate":    (*Service).listTags,
	"TagResource":               (*Service).tagResource,
	"UntagResource":             (*Service).untagResource,
	"ListTagsForResource":       (*Service).listTagsForResource,

	"ExportCertificate": nil, "GetAccountConfiguration": nil, "PutAccountConfiguration": nil, "ResendValidationEmail": nil, "RevokeCertificate": nil,
	"SearchCertificates": nil, "ListCertificateDomainValidations": nil,
	"CreateAcmeDomainValidation": nil, "CreateAcmeEndpoint": nil, "CreateAcmeExternalAccountBinding": nil, "DeleteAcmeDomainValidation": nil,
	"DeleteAcmeEndpoint": nil, "DeleteAcmeExternalAccountBinding": nil, "DescribeAcmeAccount": nil, "DescribeAcmeDomainValidation": nil,
	"DescribeAcmeEndpoint": nil, "DescribeAcmeExternalAccountBinding": nil, "GetAcmeExternalAccountBindingCredentials": nil, "ListAcmeAccounts": nil,
	"ListAcmeDomainValidations": nil, "ListAcmeEndpoints": nil, "ListAcmeExternalAccountBindings": nil, "RevokeAcmeAccount": nil,
	"RevokeAcmeExternalAccountBinding": nil, "UpdateAcmeDomainValidation": nil, "UpdateAcmeEndpoint": nil,
}

func operationName(r *awswire.Request) string {
	name, _ := strings.CutPrefix(r.Header.Get("X-Amz-Target"), targetPrefix)
	return name
}

// Permission returns the operation as the action, and the certificate as its resource. Source: Service Authorization Reference, ACM; the resource
// of what makes certificates is quoted from AWS's refusals.
func (s *Service) Permission(r *awswire.Request) (action string, resources []string) {
	name := operationName(r)
	if _, ok := operations[name]; !ok {
		return "", nil // Serve refuses it
	}
	var in struct{ CertificateArn, ResourceArn string }
	_ = json.Unmarshal(r.Body, &in)                                   // Serve tells what is wrong with it
	for _, arn := range []string{in.CertificateArn, in.ResourceArn} { // each that is given, whichever the operation goes by
		if arn != "" {
			resources = append(resources, arn)
		}
	}
	switch {
	case len(resources) > 0:
	case name == "ImportCertificate", name == "RequestCertificate":
		resources = []string{s.Certificates.ARN("*")}
	default:
		resources = []string{"*"}
	}
	return "acm:" + name, resources
}

// Serve carries out one call.
func (s *Service) Serve(ctx context.Context, r *awswire.Request) (*awswire.Response, error) {
	name := operationName(r)
	run, ok := operations[name]
	switch {
	case !ok || r.Method != http.MethodPost:
		return nil, refuse("UnknownOperationException", "")
	case run == nil:
		return nil, awswire.NotBuilt(s.Name(), name)
	}
	out, err := run(s, &call{ctx, r.Body})
	if err != nil {
		return nil, inACMForm(err)
	}
	resp := &awswire.Response{Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}}}
	if out == nil {
		resp.Body = []byte{}
		return resp, nil
	}
	resp.Body, err = awswire.EncodeJSON(out)
	return resp, err
}

// read decodes the parameters.
func read[T any](c *call) (*T, error) {
	in := new(T)
	if len(bytes.TrimSpace(c.body)) == 0 {
		return in, nil
	}
	if err := json.Unmarshal(c.body, in); err != nil {
		return nil, refuse("SerializationException", "")
	}
	return in, nil
}

func refuse(typ, format string, args ...any) error {
	return &awswire.StatusError{Status: http.StatusBadRequest, Type: typ, Message: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) error {
	return refuse("ValidationException", format, args...)
}

// inACMForm gives an error its name in ACM, whose errors have status 400.
func inACMForm(err error) error {
	if e, ok := errors.AsType[*certificate.LimitError](err); ok {
		return refuse("LimitExceededException", "%s", e.Message)
	}
	e, ok := errors.AsType[*sockgate.Error](err)
	if !ok {
		return err
	}
	switch e.Kind {
	case sockgate.Invalid:
		return invalid("%s", e.Message)
	case sockgate.NotFound:
		return refuse("ResourceNotFoundException", "%s", e.Message)
	case sockgate.Conflict:
		return refuse("ResourceInUseException", "%s", e.Message)
	}
	return err
}

// timestamp is a time as ACM writes it: seconds since 1970, with milliseconds where there are any.
type timestamp time.Time

// MarshalJSON writes a number.
func (t timestamp) MarshalJSON() ([]byte, error) {
	ms := time.Time(t).UnixMilli()
	if ms%1000 == 0 {
		return fmt.Appendf(nil, "%d", ms/1000), nil
	}
	return fmt.Appendf(nil, "%d.%03d", ms/1000, ms%1000), nil
}

func when(t time.Time) *timestamp {
	if t.IsZero() {
		return nil
	}
	ts := timestamp(t)
	return &ts
}
