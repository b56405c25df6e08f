package apigatewayv2

import (
	"context"
	"strings"
	"time"

	"github.com/sockgate/sockgate"
)

// Links knows the VPC links that integrations may name.
type Links interface {
	VPCLink(id string) *sockgate.VPCLink // nil: there is none
}

// maxLinkWait bounds how long a deployment waits for links that are PENDING.
const maxLinkWait = 10 * time.Second

// linksReady waits while a VPC link that an integration names is PENDING, and refuses to deploy when it is FAILED or not there.
// What a stage variable names is not looked at: it may be there by the time it is called (reference websocket-api section 12).
//
// UNCONFIRMED: the texts, and that an integration may be created with the id of a link that does not exist.
func (s *Service) linksReady(ctx context.Context, def *sockgate.Definition) error {
	if s.Links == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, maxLinkWait)
	defer cancel()
	for i := range def.Integrations {
		in := &def.Integrations[i]
		if in.ConnectionType != "VPC_LINK" || strings.Contains(in.ConnectionID, "${") {
			continue
		}
		l := s.Links.VPCLink(in.ConnectionID)
		if l == nil {
			return sockgate.Invalidf("Unable to deploy API because VPC link %s of integration %s does not exist", in.ConnectionID, in.ID)
		}
		if err := s.settled(ctx, l); err != nil {
			return err
		}
		if l.Status != "AVAILABLE" {
			return sockgate.Invalidf("Unable to deploy API because VPC link %s of integration %s is %s: %s", l.ID, in.ID, l.Status, l.StatusMessage)
		}
	}
	return nil
}

// settled waits until a link is not PENDING any more.
func (s *Service) settled(ctx context.Context, l *sockgate.VPCLink) error {
	left := l.SettledAt.Sub(s.Clock())
	if left <= 0 {
		return nil
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return sockgate.Invalidf("Unable to deploy API because VPC link %s is still PENDING", l.ID).Because(ctx.Err())
	}
}
