// Package linktoken is the API of the tokens that tunnel agents show: a small one of the gateway's own, spoken as REST and JSON. What
// tokens are good for is package service/tunnel's business.
//
// Calls are signed for the service "sockgate". They need sockgate:CreateLinkToken on the load balancer,
// arn:aws:sockgate:{region}:{account}:load-balancer/{name}; sockgate:GetLinkToken and RevokeLinkToken on the token,
// …:link-token/{id}; and sockgate:ListLinkTokens on "*".
//
//	POST   /_sockgate/link-tokens        {"loadBalancer":…, "description":…, "expires":…} → 201, a token and its text, shown this once
//	GET    /_sockgate/link-tokens        {"items":[…]}, ?loadBalancer=NAME for those of one
//	GET    /_sockgate/link-tokens/{id}   one token
//	DELETE /_sockgate/link-tokens/{id}   revoke it: 204 when its agents are being cut off
package linktoken

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/awswire"
	"github.com/sockgate/sockgate/service/tunnel"
)

const (
	// Path is where the API is.
	Path = "/_sockgate/link-tokens"

	maxDescription = 256 // characters
	maxBody        = 4 << 10
	// maxLife is the furthest expiry in relative form; more is the same as never.
	maxLife = 10 * 365 * 24 * time.Hour
)

// balancerName is what a load balancer may be called. Source: Elastic Load Balancing API Reference, CreateLoadBalancer, Name.
var balancerName = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9-]{0,30}[a-zA-Z0-9])?$`)

// Config is what the service needs.
type Config struct {
	Tokens *tunnel.Tokens
	// HasBalancer reports whether there is a load balancer of that name.
	HasBalancer func(name string) bool
	Account     string // 12 digits
	Region      string
	Clock       func() time.Time
}

// Service serves the API. Its methods may be called by many goroutines.
type Service struct{ Config }

var (
	_ awswire.Service = (*Service)(nil)
	_ awswire.Guarded = (*Service)(nil)
)

// New returns the service.
func New(cfg Config) *Service { return &Service{cfg} }

// Name returns the name that signatures are for.
func (s *Service) Name() string { return "sockgate" }

// Serves reports whether a path is this API's.
func Serves(path string) bool {
	rest, ok := strings.CutPrefix(path, Path)
	return ok && (rest == "" || rest[0] == '/')
}

// operation finds what a request asks for.
func operation(r *awswire.Request) (op, id string) {
	id = strings.TrimPrefix(strings.TrimPrefix(r.Path, Path), "/")
	switch {
	case id == "" && r.Method == http.MethodPost:
		return "CreateLinkToken", ""
	case id == "" && r.Method == http.MethodGet:
		return "ListLinkTokens", ""
	case id == "":
		return "", ""
	}
	id, err := url.PathUnescape(id)
	switch {
	case err != nil:
	case r.Method == http.MethodGet:
		return "GetLinkToken", id
	case r.Method == http.MethodDelete:
		return "RevokeLinkToken", id
	}
	return "", ""
}

// Permission names the action and what it is done to.
func (s *Service) Permission(r *awswire.Request) (action string, resources []string) {
	op, id := operation(r)
	arn := "arn:aws:sockgate:" + s.Region + ":" + s.Account + ":"
	switch op {
	case "":
		return "", nil // refused by Serve
	case "CreateLinkToken":
		in, _ := readCreation(r.Body) // Serve complains
		return "sockgate:" + op, []string{arn + "load-balancer/" + in.LoadBalancer}
	case "ListLinkTokens":
		return "sockgate:" + op, []string{"*"}
	}
	return "sockgate:" + op, []string{arn + "link-token/" + id}
}

// Serve carries out one call.
func (s *Service) Serve(ctx context.Context, r *awswire.Request) (*awswire.Response, error) {
	switch op, id := operation(r); op {
	case "CreateLinkToken":
		return s.create(ctx, r)
	case "ListLinkTokens":
		return s.list(r)
	case "GetLinkToken":
		return s.get(id)
	case "RevokeLinkToken":
		if err := s.Tokens.Revoke(ctx, id); err != nil {
			return nil, err
		}
		return &awswire.Response{Status: http.StatusNoContent}, nil
	}
	return nil, awswire.UnknownOperation()
}

// Token is how the API shows a token.
type Token struct {
	ID           string     `json:"id"`
	LoadBalancer string     `json:"loadBalancer"`
	Description  string     `json:"description,omitempty"`
	CreatedBy    string     `json:"createdBy,omitempty"`
	CreatedAt    time.Time  `json:"createdAt"`
	ExpiresAt    *time.Time `json:"expiresAt,omitempty"`
	Expired      bool       `json:"expired,omitempty"`
	Token        string     `json:"token,omitempty"` // only in the answer to its creation
}

// Listing is the answer to GET /_sockgate/link-tokens.
type Listing struct {
	Items []Token `json:"items"`
}

type creation struct {
	LoadBalancer string `json:"loadBalancer"`
	Description  string `json:"description"`
	Expires      string `json:"expires"`
}

// readCreation is the one reading of the body: what is asked about must be what is then made.
func readCreation(body []byte) (in creation, ok bool) {
	if !json.Valid(body) { // a decoder would overlook what follows the object
		return in, false
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	return in, d.Decode(&in) == nil
}

func (s *Service) create(ctx context.Context, r *awswire.Request) (*awswire.Response, error) {
	if len(r.Body) > maxBody {
		return nil, sockgate.TooLargef("The body is over %d bytes", maxBody)
	}
	in, ok := readCreation(r.Body)
	if !ok {
		return nil, sockgate.Invalidf("The body must be an object with the members loadBalancer, description and expires, all of them strings")
	}
	now := s.Clock()
	expires, err := expiry(in.Expires, now)
	switch {
	case err != nil:
		return nil, err
	case !balancerName.MatchString(in.LoadBalancer):
		return nil, sockgate.Invalidf("loadBalancer must be the name of a load balancer: 1 to 32 letters, digits and hyphens")
	case utf8.RuneCountInString(in.Description) > maxDescription:
		return nil, sockgate.Invalidf("description is over %d characters", maxDescription)
	case !s.HasBalancer(in.LoadBalancer):
		return nil, sockgate.NotFoundf("There is no load balancer %q.", in.LoadBalancer)
	}
	who := ""
	if r.Principal != nil {
		who = r.Principal.ARN
	}
	t, text, err := s.Tokens.Create(ctx, tunnel.Token{
		LoadBalancer: in.LoadBalancer, Description: in.Description, CreatedBy: who, ExpiresAt: expires,
	}, now)
	if err != nil {
		return nil, err
	}
	shown := s.show(&t)
	shown.Token = text
	return reply(http.StatusCreated, shown)
}

// expiry reads a time in RFC 3339, a duration from now ("720h") or a number of days ("90d"). "" is never.
func expiry(text string, now time.Time) (*time.Time, error) {
	if text == "" {
		return nil, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		life, bad := lifetime(text)
		if bad != nil || life <= 0 || life > maxLife {
			return nil, sockgate.Invalidf("expires must be a time such as 2027-01-31T00:00:00Z, or a time from now such as 90d or 12h, up to ten years")
		}
		t = now.Add(life)
	}
	t = t.UTC().Truncate(time.Second)
	if !t.After(now) {
		return nil, sockgate.Invalidf("expires is not in the future")
	}
	return &t, nil
}

func lifetime(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		d, err := time.ParseDuration(days + "h")
		if d > maxLife {
			return 0, err
		}
		return 24 * d, err
	}
	return time.ParseDuration(text)
}

func (s *Service) list(r *awswire.Request) (*awswire.Response, error) {
	of := r.Query.Get("loadBalancer")
	out := Listing{Items: []Token{}}
	for _, t := range s.Tokens.List() {
		if of == "" || t.LoadBalancer == of {
			out.Items = append(out.Items, s.show(&t))
		}
	}
	return reply(http.StatusOK, out)
}

func (s *Service) get(id string) (*awswire.Response, error) {
	t, ok := s.Tokens.Get(id)
	if !ok {
		return nil, sockgate.NotFoundf("There is no link token %q.", id)
	}
	return reply(http.StatusOK, s.show(&t))
}

func (s *Service) show(t *tunnel.Token) Token {
	return Token{
		ID: t.ID, LoadBalancer: t.LoadBalancer, Description: t.Description, CreatedBy: t.CreatedBy, CreatedAt: t.CreatedAt,
		ExpiresAt: t.ExpiresAt, Expired: t.ExpiresAt != nil && !s.Clock().Before(*t.ExpiresAt),
	}
}

func reply(status int, v any) (*awswire.Response, error) {
	body, err := awswire.EncodeJSON(v)
	return &awswire.Response{Status: status, Body: body}, err
}
