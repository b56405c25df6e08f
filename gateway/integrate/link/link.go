// Package link leads calls of private integrations through VPC links: it lets the transport of HTTP integrations pick targets
// from package balancer. It neither dials nor speaks HTTP.
package link

import (
	httpbackend "github.com/sockgate/sockgate/gateway/integrate/http"
	"github.com/sockgate/sockgate/service/balancer"
)

// Link is the way through one VPC link. It is immutable; what lies behind the link may change at any time.
type Link struct {
	id      string
	targets *balancer.Service
}

var _ httpbackend.Via = (*Link)(nil)

// New returns the way through the link with the given id, which need not exist: calls fail then.
func New(id string, targets *balancer.Service) *Link { return &Link{id, targets} }

// Pick chooses a target that was not tried.
func (l *Link) Pick(port int, tried []httpbackend.Place) (httpbackend.Place, bool, error) {
	var skip func(*balancer.Target) bool
	if len(tried) > 0 {
		skip = func(t *balancer.Target) bool {
			for _, p := range tried {
				if p == httpbackend.Place(t) {
					return true
				}
			}
			return false
		}
	}
	t, plain, err := l.targets.Pick(l.id, port, skip)
	if err != nil {
		return nil, false, err
	}
	return t, plain, nil
}

// String names link and load balancer.
func (l *Link) String() string { return l.targets.Describe(l.id) }
