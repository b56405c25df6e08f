// Package sts issues temporary credentials: those operations of AWS Security Token Service that the gateway has a use for, in its
// query protocol. Who may have which credentials is decided by package service/identity, which also makes them; federation is
// not served.
//
// Source: STS API Reference; where it says nothing, texts are those that AWS's endpoint has been seen to answer.
package sts

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/awswire"
	"github.com/sockgate/sockgate/service/identity"
)

const (
	version   = "2011-06-15"
	namespace = "https://sts.amazonaws.com/doc/2011-06-15/"
)

// Service serves the operations. Its methods may be called by many goroutines.
type Service struct{ directory *identity.Directory }

var (
	_ awswire.Service = (*Service)(nil)
	_ awswire.Guarded = (*Service)(nil)
)

// New returns the service over a directory.
func New(d *identity.Directory) *Service { return &Service{d} }

// Name returns the API's name.
func (s *Service) Name() string { return "sts" }

// Protocol returns the API's protocol.
func (s *Service) Protocol() awswire.Protocol { return awswire.Query{Namespace: namespace} }

// Permission asks only for what an ordinary policy decides alone: AssumeRole has the role's trust policy to ask, and the others
// need no permission.
func (s *Service) Permission(r *awswire.Request) (string, []string) {
	if awswire.QueryAction(r) == "GetAccessKeyInfo" {
		return "sts:GetAccessKeyInfo", []string{"*"}
	}
	return "", nil
}

// call is one call, its parameters checked.
type call struct {
	req  *awswire.Request
	form url.Values
}

func (c *call) get(name string) string { return c.form.Get(name) }

type operation struct {
	params []param
	handle func(*Service, *call) (any, error) // nil: known by name, not built
}

// operations are the API.
var operations = map[string]operation{
	"AssumeRole":        {assumeRoleParams, (*Service).assumeRole},
	"GetCallerIdentity": {nil, (*Service).getCallerIdentity},
	"GetSessionToken":   {sessionTokenParams, (*Service).getSessionToken},
	"GetAccessKeyInfo":  {[]param{{name: "AccessKeyId", required: true, min: 16, max: 128, pattern: words}}, (*Service).getAccessKeyInfo},

	"AssumeRoleWithSAML": {}, "AssumeRoleWithWebIdentity": {}, "AssumeRoot": {}, "DecodeAuthorizationMessage": {},
	"GetDelegatedAccessToken": {}, "GetFederationToken": {}, "GetWebIdentityToken": {},
}

// Serve carries out one call.
func (s *Service) Serve(_ context.Context, r *awswire.Request) (*awswire.Response, error) {
	form, err := awswire.QueryForm(r)
	if err != nil {
		return nil, err
	}
	action := form.Get("Action")
	op, ok := operations[action]
	if v := form.Get("Version"); !ok || v != "" && v != version {
		if v == "" {
			v = version
		}
		return nil, refuse(http.StatusBadRequest, "InvalidAction", "Could not find operation %s for version %s", action, v)
	}
	if op.handle == nil {
		return nil, awswire.NotBuilt(s.Name(), action)
	}
	if err := check(form, op.params); err != nil {
		return nil, err
	}
	result, err := op.handle(s, &call{r, form})
	if err != nil {
		return nil, err
	}
	if who, ok := result.(callerShape); ok && strings.HasPrefix(r.Header.Get("Accept"), "application/json") {
		return replyJSON(who, r.ID)
	}
	return awswire.Query{Namespace: namespace}.Reply(action, r.ID, result)
}

// replyJSON is the answer of GetCallerIdentity to those who accept JSON: services that let somebody prove who they are by a presigned
// URL, as Kubernetes clusters do, read it so. Source: the answers that their authenticators parse; it is not documented.
func replyJSON(who callerShape, id string) (*awswire.Response, error) {
	type answer struct {
		Result   callerShape `json:"GetCallerIdentityResult"`
		Metadata struct {
			RequestID string `json:"RequestId"`
		} `json:"ResponseMetadata"`
	}
	a := answer{Result: who}
	a.Metadata.RequestID = id
	body, err := awswire.EncodeJSON(map[string]answer{"GetCallerIdentityResponse": a})
	return &awswire.Response{Header: http.Header{"Content-Type": {"application/json"}}, Body: body}, err
}

func refuse(status int, code, format string, args ...any) error {
	return &awswire.StatusError{Status: status, Type: code, Message: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) error {
	return refuse(http.StatusBadRequest, "ValidationError", format, args...)
}

type credentialsShape struct {
	AccessKeyID  string `xml:"AccessKeyId"`
	Secret       string `xml:"SecretAccessKey"`
	SessionToken string
	Expiration   awswire.QueryTime
}

func show(c sockgate.Credentials) credentialsShape {
	return credentialsShape{c.AccessKeyID, c.SecretAccessKey, c.SessionToken, awswire.QueryTime(c.Expiration)}
}

type callerShape struct {
	ARN     string `xml:"Arn" json:"Arn"`
	UserID  string `xml:"UserId" json:"UserId"`
	Account string
}

func (s *Service) getCallerIdentity(c *call) (any, error) {
	p := c.req.Principal
	return callerShape{p.ARN, p.UserID, p.AccountID}, nil
}

// getAccessKeyInfo knows one account.
func (s *Service) getAccessKeyInfo(*call) (any, error) {
	return struct{ Account string }{s.directory.Account()}, nil
}
