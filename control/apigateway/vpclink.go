package apigateway

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/awswire"
)

// Links knows the links and load balancers that there are: those of the store and those that the configuration file declares.
type Links interface {
	VPCLink(id string) *sockgate.VPCLink // nil: there is none
	VPCLinks() []*sockgate.VPCLink       // by id
	LoadBalancers() []*sockgate.LoadBalancer
}

const (
	linkIDLength = 6
	maxLinks     = 20 // Source: reference websocket-api section 14
	// linkSettles is how long a new link is PENDING. On AWS it is two to four minutes.
	linkSettles = 500 * time.Millisecond
)

var errNoLink = sockgate.NotFoundf("Invalid Vpc Link identifier specified")

type vpcLinkOut struct {
	ID            string   `json:"id"`
	Name          string   `json:"name"`
	Description   string   `json:"description,omitempty"`
	TargetARNs    []string `json:"targetArns"`
	Status        string   `json:"status"`
	StatusMessage string   `json:"statusMessage,omitempty"`
	Tags          any      `json:"tags,omitempty"`
}

func (s *Service) showLink(l *sockgate.VPCLink) *vpcLinkOut {
	out := &vpcLinkOut{ID: l.ID, Name: l.Name, Description: l.Description, TargetARNs: []string{l.LoadBalancerARN},
		Status: l.StatusAt(s.Clock()), Tags: someTags(l.Tags)}
	if out.Status == "FAILED" {
		out.StatusMessage = l.StatusMessage
	}
	return out
}

// link finds a link.
func (s *Service) link(id string) (*sockgate.VPCLink, error) {
	if s.Links == nil {
		return nil, awswire.NotBuilt(s.Name(), "GetVpcLink")
	}
	if l := s.Links.VPCLink(id); l != nil {
		return l, nil
	}
	return nil, errNoLink
}

// ownLink is link for one that is to be changed.
func (s *Service) ownLink(id string) (*sockgate.VPCLink, error) {
	l, err := s.link(id)
	if err == nil && l.Declared {
		return nil, sockgate.Invalidf("Vpc Link %s is declared in the gateway's configuration file. Change it there.", l.ID)
	}
	return l, err
}

func (s *Service) createVPCLink(ctx context.Context, in *input) (any, error) {
	var body struct {
		Name        *string           `json:"name"`
		Description string            `json:"description"`
		TargetARNs  []string          `json:"targetArns"`
		Tags        map[string]string `json:"tags"`
	}
	if err := in.decode(&body); err != nil {
		return nil, err
	}
	switch {
	case s.Links == nil:
		return nil, awswire.NotBuilt(s.Name(), "CreateVpcLink")
	case body.Name == nil:
		return nil, in.missing("name")
	case body.TargetARNs == nil:
		return nil, in.missing("targetArns")
	case len(body.TargetARNs) > 1: // Source of the text: an answer of AWS that its users have published
		return nil, sockgate.Invalidf("More than one target arn specified for vpc link.")
	case len(body.TargetARNs) == 0:
		return nil, sockgate.Invalidf("No target arn specified for vpc link.")
	}
	arn := body.TargetARNs[0]
	if !strings.HasPrefix(arn, "arn:") || len(arn) > 2048 {
		return nil, sockgate.Invalidf("Invalid ARN specified in the request")
	}
	now := s.Clock()
	l := &sockgate.VPCLink{Name: *body.Name, Description: body.Description, LoadBalancerARN: arn, Tags: body.Tags, CreatedAt: now, SettledAt: now.Add(linkSettles)}
	if err := checkLink(l); err != nil {
		return nil, err
	}
	links := s.Links.VPCLinks()
	if len(slices.DeleteFunc(links, func(l *sockgate.VPCLink) bool { return l.Declared })) >= maxLinks {
		return nil, limitExceeded("Vpc Links")
	}
	l.Status, l.StatusMessage = s.outcome(arn)
	l.ID = random(linkIDLength, idLetters)
	if err := s.Catalog.CreateVPCLink(ctx, l); err != nil {
		return nil, err
	}
	return s.showLink(l), nil
}

// outcome is what a new link to a load balancer comes to. UNCONFIRMED: the texts.
func (s *Service) outcome(arn string) (status, message string) {
	if !strings.Contains(arn, ":elasticloadbalancing:") || !strings.Contains(arn, ":loadbalancer/net/") {
		return "FAILED", "NLB ARN is malformed."
	}
	for _, b := range s.Links.LoadBalancers() {
		if b.ARN == arn {
			return "AVAILABLE", ""
		}
	}
	return "FAILED", "NLB " + arn + " does not exist in this account and region."
}

// checkLink checks a link as a whole. UNCONFIRMED: the texts follow those of other resources.
func checkLink(l *sockgate.VPCLink) error {
	switch {
	case l.Name == "" || utf8.RuneCountInString(l.Name) > maxName:
		return sockgate.Invalidf("Invalid Vpc Link name, must have 1 to %d characters.", maxName)
	case utf8.RuneCountInString(l.Description) > maxDescription:
		return sockgate.Invalidf("Invalid Vpc Link description specified.")
	}
	return checkTags(l.Tags)
}

func (s *Service) getVPCLink(_ context.Context, in *input) (any, error) {
	l, err := s.link(in.vars["vpclinkId"])
	if err != nil {
		return nil, err
	}
	return s.showLink(l), nil
}

func (s *Service) getVPCLinks(_ context.Context, in *input) (any, error) {
	if s.Links == nil {
		return nil, awswire.NotBuilt(s.Name(), "GetVpcLinks")
	}
	follow := func(after string) iter.Seq2[*sockgate.VPCLink, error] {
		return func(yield func(*sockgate.VPCLink, error) bool) {
			for _, l := range s.Links.VPCLinks() {
				if l.ID > after && !yield(l, nil) {
					return
				}
			}
		}
	}
	return list(in, follow, nil, func(l *sockgate.VPCLink) string { return l.ID }, func(l *sockgate.VPCLink) any { return s.showLink(l) })
}

// linkRules are a link's patches.
var linkRules = []rule[*sockgate.VPCLink]{
	{path: "/name", ops: replace, apply: func(l *sockgate.VPCLink, p *patchOp) error { l.Name = p.value(); return nil }},
	{path: "/description", ops: replace, apply: func(l *sockgate.VPCLink, p *patchOp) error { l.Description = p.value(); return nil }},
}

func (s *Service) updateVPCLink(ctx context.Context, in *input) (any, error) {
	patches, err := in.readPatches()
	if err != nil {
		return nil, err
	}
	l, err := s.ownLink(in.vars["vpclinkId"])
	if err != nil {
		return nil, err
	}
	for _, p := range patches {
		if strings.HasPrefix(p.Path, "/targetArns") { // Source of the text: an answer of AWS that its users have published
			return nil, sockgate.Invalidf("Target arns are not allowed to be changed/added.")
		}
	}
	l, err = s.Catalog.ChangeVPCLink(ctx, l.ID, func(l *sockgate.VPCLink) error {
		if err := applyPatches(linkRules, l, patches); err != nil {
			return err
		}
		return checkLink(l)
	})
	if err != nil {
		return nil, err
	}
	return s.showLink(l), nil
}

func (s *Service) deleteVPCLink(ctx context.Context, in *input) (any, error) {
	l, err := s.ownLink(in.vars["vpclinkId"])
	if err != nil {
		return nil, err
	}
	if err := s.linkUnused(ctx, l.ID); err != nil {
		return nil, err
	}
	return nil, s.Catalog.DeleteVPCLink(ctx, l.ID)
}

// linkUnused refuses when an integration names the link by its id, in an API as it is edited or as a stage serves it. One that
// names it by a stage variable does not count (reference websocket-api section 12).
//
// Source of the text: answers of AWS to owners of REST and HTTP APIs. UNCONFIRMED for WebSocket APIs.
func (s *Service) linkUnused(ctx context.Context, id string) error {
	apis, err := s.Catalog.APIs(ctx)
	if err != nil {
		return err
	}
	var edited, served []string
	for _, rec := range apis {
		edited = append(edited, linkUsers(&rec.Definition, id, "")...)
		for _, st := range rec.Stages {
			if st.DeploymentID == "" {
				continue
			}
			def, err := s.Catalog.Frozen(ctx, rec.API.ID, st.DeploymentID)
			if sockgate.KindOf(err) == sockgate.NotFound && err != nil {
				continue
			}
			if err != nil {
				return err
			}
			served = append(served, linkUsers(def, id, ":"+st.Name)...)
		}
	}
	users, form := served, "Method:Resource:Stage"
	if served == nil {
		users, form = edited, "Method:Resource"
	}
	if users == nil {
		return nil
	}
	slices.Sort(users)
	return sockgate.Invalidf("Cannot delete vpc link. Vpc link '%s', is referenced in [%s] in format of [%s].", id, strings.Join(slices.Compact(users), ", "), form)
}

// linkUsers lists the routes, or else the integrations, that name a link.
func linkUsers(def *sockgate.Definition, id, suffix string) (users []string) {
	for _, in := range def.Integrations {
		if in.ConnectionType != "VPC_LINK" || in.ConnectionID != id {
			continue
		}
		routed := false
		for _, r := range def.Routes {
			if r.Target == "integrations/"+in.ID {
				users = append(users, fmt.Sprintf("%s:%s%s", in.Method, r.ID, suffix))
				routed = true
			}
		}
		if !routed {
			users = append(users, fmt.Sprintf("%s:%s%s", in.Method, in.ID, suffix))
		}
	}
	return users
}
