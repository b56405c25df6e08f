package catalog

import (
	"context"
	"encoding/base32"
	"strings"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/state/store"
)

// The documents of domain names:
//
//	domainname.{name}   one sockgate.DomainName with its mappings; the name is written in base32, as a store's key takes no '*'
const domainPrefix = "domainname."

// nameEncoding keeps the order of names.
var nameEncoding = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

// domainKey returns a name's key. What is no name, being empty or too long, has the key of none.
func domainKey(name string) string {
	const most = 253 // bytes of a name in the DNS
	if name == "" {
		name = "."
	}
	return domainPrefix + nameEncoding.EncodeToString([]byte(name[:min(len(name), most+1)]))
}

// OnDomain sets what is called after each acknowledged change that this catalog makes to a domain name, before the changing call
// returns; WatchDomains tells everyone else. It must be called before the catalog is used.
func (c *Catalog) OnDomain(told func(ctx context.Context, name string)) { c.domain = told }

func (c *Catalog) tellDomain(ctx context.Context, name string) {
	if c.domain != nil {
		c.domain(ctx, name)
	}
}

// DomainName returns the domain name, which is in lower case. Errors: NotFound.
func (c *Catalog) DomainName(ctx context.Context, name string) (*sockgate.DomainName, error) {
	d, _, err := readAt[sockgate.DomainName](ctx, c, domainKey(name), errNoDomain)
	return d, err
}

// DomainNames returns every domain name, in the order of their names.
func (c *Catalog) DomainNames(ctx context.Context) ([]*sockgate.DomainName, error) {
	var all []*sockgate.DomainName
	for d, err := range each[sockgate.DomainName](ctx, c, domainPrefix, "") {
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

// CreateDomainName stores a new domain name. Errors: Conflict when there is one of that name.
func (c *Catalog) CreateDomainName(ctx context.Context, d *sockgate.DomainName) error {
	if _, err := c.create(ctx, domainKey(d.Name), d); err != nil {
		return err
	}
	c.tellDomain(ctx, d.Name)
	return nil
}

// ChangeDomainName lets edit change a domain name as ChangeAPI does an API, and returns it as it is then. Its name cannot change.
func (c *Catalog) ChangeDomainName(ctx context.Context, name string, edit func(*sockgate.DomainName) error) (*sockgate.DomainName, error) {
	d, _, err := updateAt(ctx, c, domainKey(name), errNoDomain, func(d *sockgate.DomainName) error {
		err := edit(d)
		d.Name = name
		return err
	})
	if err != nil {
		return nil, err
	}
	c.tellDomain(ctx, name)
	return d, nil
}

// DeleteDomainName removes a domain name with its mappings.
func (c *Catalog) DeleteDomainName(ctx context.Context, name string) error {
	_, revision, err := readAt[sockgate.DomainName](ctx, c, domainKey(name), errNoDomain)
	if err != nil {
		return err
	}
	if err := c.store.Delete(ctx, domainKey(name), revision); err != nil {
		return fault("delete domain name "+name, err)
	}
	c.tellDomain(ctx, name)
	return nil
}

// DomainWatcher is told of domain names that exist, changed or are gone, by one goroutine at a time. An error from any method
// ends the watch.
type DomainWatcher interface {
	Changed(name string) error
	Settled() error
}

// WatchDomains follows all domain names until ctx ends or a callback fails: Changed is called with the name of each that exists,
// and again after each change to one, its end included; Settled once when everything that existed has been told. It blocks.
func (c *Catalog) WatchDomains(ctx context.Context, w DomainWatcher) error {
	return c.store.Watch(ctx, domainPrefix, func(ch store.Change) error {
		if ch.Settled {
			return w.Settled()
		}
		name, err := nameEncoding.DecodeString(strings.TrimPrefix(ch.Key, domainPrefix))
		if err != nil {
			return nil // no key of this catalog
		}
		return w.Changed(string(name))
	})
}

// errNoDomain has the text of reference control-plane section 1.6.
var errNoDomain = sockgate.NotFoundf("The domain name resource specified in the request was not found.")
