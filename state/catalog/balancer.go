package catalog

import (
	"context"
	"errors"
	"strings"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/state/store"
)

// The documents of private integrations:
//
//	vpclink.{id}           one sockgate.VPCLink
//	loadbalancer.{name}    one sockgate.LoadBalancer with its listeners
//	targetgroup.{name}     one sockgate.TargetGroup with its targets
//
// Names are unique because keys are.
const (
	linkPrefix     = "vpclink."
	balancerPrefix = "loadbalancer."
	groupPrefix    = "targetgroup."
)

// BalancingChange is what became of one VPC link, load balancer or target group. Exactly one of the names is set.
type BalancingChange struct {
	LinkID, BalancerName, GroupName string
	// Link, Balancer or Group is the document as it is now, the receiver's own; nil when it is gone.
	Link     *sockgate.VPCLink
	Balancer *sockgate.LoadBalancer
	Group    *sockgate.TargetGroup
	// Revision grows from change to change of one document; see UsageChange.
	Revision uint64
}

// OnBalancing sets what is called after each acknowledged change that this catalog makes to a link, a load balancer or a target
// group, before the changing call returns; WatchBalancing tells everyone else. It must be called before the catalog is used.
func (c *Catalog) OnBalancing(told func(context.Context, BalancingChange)) { c.balancing = told }

func (c *Catalog) tellBalancing(ctx context.Context, ch BalancingChange) {
	if c.balancing != nil {
		c.balancing(ctx, ch)
	}
}

// BalancingWatcher is told what happens to links, load balancers and target groups, by one goroutine at a time. An error from any
// method ends the watch.
type BalancingWatcher interface {
	Changed(BalancingChange) error
	Settled() error
	Broken(key string, err error) error
}

// WatchBalancing follows all links, load balancers and target groups, as WatchUsage does keys and plans. It blocks.
func (c *Catalog) WatchBalancing(ctx context.Context, w BalancingWatcher) error {
	return c.store.Watch(ctx, "", func(ch store.Change) error {
		if ch.Settled {
			return w.Settled()
		}
		change, ours := balancingChange(ch.Key)
		if !ours {
			return nil
		}
		change.Revision = ch.Revision
		if ch.Deleted {
			return w.Changed(change)
		}
		var err error
		switch {
		case change.LinkID != "":
			change.Link, err = decode[sockgate.VPCLink](ch.Entry)
		case change.BalancerName != "":
			change.Balancer, err = decode[sockgate.LoadBalancer](ch.Entry)
		default:
			change.Group, err = decode[sockgate.TargetGroup](ch.Entry)
		}
		if err != nil {
			return w.Broken(ch.Key, err)
		}
		return w.Changed(change)
	})
}

func balancingChange(key string) (ch BalancingChange, ours bool) {
	if id, ok := strings.CutPrefix(key, linkPrefix); ok {
		return BalancingChange{LinkID: id}, true
	}
	if name, ok := strings.CutPrefix(key, balancerPrefix); ok {
		return BalancingChange{BalancerName: name}, true
	}
	name, ok := strings.CutPrefix(key, groupPrefix)
	return BalancingChange{GroupName: name}, ok
}

var (
	errNoLink     = sockgate.NotFoundf("Invalid Vpc Link identifier specified")
	errNoBalancer = sockgate.NotFoundf("One or more load balancers not found")
	errNoGroup    = sockgate.NotFoundf("One or more target groups not found")
)

// CreateVPCLink stores a new link. Its id must not be taken: Conflict.
func (c *Catalog) CreateVPCLink(ctx context.Context, l *sockgate.VPCLink) error {
	revision, err := c.create(ctx, linkPrefix+l.ID, l)
	if err == nil {
		c.tellBalancing(ctx, BalancingChange{LinkID: l.ID, Link: clone(l), Revision: revision})
	}
	return err
}

// ChangeVPCLink lets edit change a link as ChangeAPI does an API, and returns it as it is then. The id cannot change.
func (c *Catalog) ChangeVPCLink(ctx context.Context, id string, edit func(*sockgate.VPCLink) error) (*sockgate.VPCLink, error) {
	l, revision, err := update(ctx, c, linkPrefix, id, errNoLink, edit)
	if err == nil {
		c.tellBalancing(ctx, BalancingChange{LinkID: id, Link: clone(l), Revision: revision})
	}
	return l, err
}

// DeleteVPCLink removes a link.
func (c *Catalog) DeleteVPCLink(ctx context.Context, id string) error {
	revision, err := c.remove(ctx, linkPrefix, id, errNoLink)
	if err == nil {
		c.tellBalancing(ctx, BalancingChange{LinkID: id, Revision: revision})
	}
	return err
}

// CreateLoadBalancer stores a new load balancer. Its name must not be taken: Conflict.
func (c *Catalog) CreateLoadBalancer(ctx context.Context, b *sockgate.LoadBalancer) error {
	revision, err := c.create(ctx, balancerPrefix+b.Name, b)
	if err == nil {
		c.tellBalancing(ctx, BalancingChange{BalancerName: b.Name, Balancer: clone(b), Revision: revision})
	}
	return err
}

// ChangeLoadBalancer lets edit change a load balancer as ChangeAPI does an API. Its name cannot change.
func (c *Catalog) ChangeLoadBalancer(ctx context.Context, name string, edit func(*sockgate.LoadBalancer) error) (*sockgate.LoadBalancer, error) {
	b, revision, err := updateNamed(ctx, c, balancerPrefix, name, errNoBalancer, edit)
	if err == nil {
		c.tellBalancing(ctx, BalancingChange{BalancerName: name, Balancer: clone(b), Revision: revision})
	}
	return b, err
}

// DeleteLoadBalancer removes a load balancer with its listeners.
func (c *Catalog) DeleteLoadBalancer(ctx context.Context, name string) error {
	revision, err := c.removeNamed(ctx, balancerPrefix, name, errNoBalancer)
	if err == nil {
		c.tellBalancing(ctx, BalancingChange{BalancerName: name, Revision: revision})
	}
	return err
}

// CreateTargetGroup stores a new group. Its name must not be taken: Conflict.
func (c *Catalog) CreateTargetGroup(ctx context.Context, g *sockgate.TargetGroup) error {
	revision, err := c.create(ctx, groupPrefix+g.Name, g)
	if err == nil {
		c.tellBalancing(ctx, BalancingChange{GroupName: g.Name, Group: clone(g), Revision: revision})
	}
	return err
}

// ChangeTargetGroup lets edit change a group as ChangeAPI does an API. Its name cannot change.
func (c *Catalog) ChangeTargetGroup(ctx context.Context, name string, edit func(*sockgate.TargetGroup) error) (*sockgate.TargetGroup, error) {
	g, revision, err := updateNamed(ctx, c, groupPrefix, name, errNoGroup, edit)
	if err == nil {
		c.tellBalancing(ctx, BalancingChange{GroupName: name, Group: clone(g), Revision: revision})
	}
	return g, err
}

// DeleteTargetGroup removes a group with its targets.
func (c *Catalog) DeleteTargetGroup(ctx context.Context, name string) error {
	revision, err := c.removeNamed(ctx, groupPrefix, name, errNoGroup)
	if err == nil {
		c.tellBalancing(ctx, BalancingChange{GroupName: name, Revision: revision})
	}
	return err
}

// updateNamed is update for documents whose ids are names of letters, digits and dashes.
func updateNamed[T any](ctx context.Context, c *Catalog, prefix, name string, missing *sockgate.Error, edit func(*T) error) (*T, uint64, error) {
	if !validName(name) {
		return nil, 0, missing
	}
	return updateAt(ctx, c, prefix+name, missing, edit)
}

func (c *Catalog) removeNamed(ctx context.Context, prefix, name string, missing *sockgate.Error) (revision uint64, err error) {
	if !validName(name) {
		return 0, missing
	}
	return c.removeAt(ctx, prefix+name, missing)
}

func (c *Catalog) remove(ctx context.Context, prefix, id string, missing *sockgate.Error) (revision uint64, err error) {
	if !validID(id) {
		return 0, missing
	}
	return c.removeAt(ctx, prefix+id, missing)
}

func (c *Catalog) removeAt(ctx context.Context, key string, missing *sockgate.Error) (revision uint64, err error) {
	e, err := c.store.Get(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return 0, missing
	}
	if err == nil {
		err = c.store.Delete(ctx, key, e.Revision)
	}
	if err != nil {
		return 0, fault("delete "+key, err)
	}
	return e.Revision, nil
}

func validName(name string) bool {
	if name == "" || len(name) > 64 {
		return false
	}
	for i := range len(name) {
		if b := name[i]; (b < 'a' || b > 'z') && (b < 'A' || b > 'Z') && (b < '0' || b > '9') && b != '-' {
			return false
		}
	}
	return true
}
