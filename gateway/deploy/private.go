package deploy

import (
	"fmt"
	"strings"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/transform"
)

// compileConnection binds a private integration to its VPC link, and keeps a public one from naming a private load balancer: its
// name resolves only through a link. in's URI is compiled.
//
// Whether the link is there is seen when it is called: one that is named by a stage variable may come and go.
func (c *Integration) compileConnection(in *sockgate.Integration, vars map[string]string, at Place) {
	if in.ConnectionType != "VPC_LINK" {
		if host := c.URI.Host(); isBalancer(host, at.Region) {
			c.Refused = fmt.Sprintf("%s is the name of a load balancer, which is reached through a VPC link only: set connectionType VPC_LINK and connectionId", host)
		}
		return
	}
	id, missing := transform.Substitute(in.ConnectionID, vars)
	c.MissingVars = append(c.MissingVars, missing...)
	switch {
	case len(missing) > 0:
	case at.Links == nil:
		c.Refused = "VPC link " + id + " does not exist"
	default:
		c.Via = at.Links(id)
	}
}

// isBalancer reports whether a host, with or without port, is a name that load balancers of this region have.
func isBalancer(host, region string) bool {
	name, _, _ := strings.Cut(strings.ToLower(host), ":")
	return region != "" && strings.HasSuffix(strings.TrimSuffix(name, "."), ".elb."+region+".amazonaws.com")
}
