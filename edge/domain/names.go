package domain

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockgate/sockgate"
)

// Catalog is where domain names are kept. *catalog.Catalog is one.
type Catalog interface {
	DomainName(ctx context.Context, name string) (*sockgate.DomainName, error)
}

// NamesConfig is what a Names works with.
type NamesConfig struct {
	Catalog Catalog
	Clock   func() time.Time
	Log     *slog.Logger
}

// Names are the custom domain names that are live on this node: from a Host header or a TLS server name to the APIs behind it.
// Looking one up is one atomic load and takes no lock; a change replaces the table.
//
// A Names is told of changes in two ways: by the catalog's watch (Changed, Settled), and by Refresh, before whoever made a change here
// hears that it was made.
type Names struct {
	NamesConfig
	table atomic.Pointer[nameTable]
	ready chan struct{}

	mu      sync.Mutex // one change is applied at a time
	all     map[string]*Name
	settled bool // before, the table is not replaced for each name
}

// nameTable is never changed.
type nameTable struct {
	all   map[string]*Name // by the names as they were created
	wild  map[string]*Name // the wildcards among them, by what follows "*."
	inUse map[string][]string
}

// NewNames returns a table without names.
func NewNames(c NamesConfig) *Names {
	n := &Names{NamesConfig: c, ready: make(chan struct{}), all: make(map[string]*Name)}
	n.table.Store(&nameTable{})
	return n
}

// Find returns the domain name that a Host header or a server name belongs to, the most specific one, or nil. host may have a port,
// a final dot and capitals.
func (n *Names) Find(host string) *Name {
	t := n.table.Load()
	if len(t.all) == 0 {
		return nil
	}
	host = hostName(host)
	if strings.HasPrefix(host, "*") {
		return nil // no host has such a name; the wildcard itself must not be found by it
	}
	if found := t.all[host]; found != nil {
		return found
	}
	if first, parent, _ := strings.Cut(host, "."); first != "" {
		return t.wild[parent]
	}
	return nil
}

// hostName is a host in lower case, without its port and final dot.
func hostName(host string) string {
	if colon := strings.LastIndexByte(host, ':'); colon >= 0 && !strings.HasSuffix(host, "]") {
		host = host[:colon]
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// CertificateARN returns the ARN of the certificate to show to a client that asks for a server name; false when that is no custom
// domain name's.
func (n *Names) CertificateARN(serverName string) (arn string, ok bool) {
	if found := n.Find(serverName); found != nil {
		return found.CertificateARN, true
	}
	return "", false
}

// InUseBy returns the domain names that use a certificate, in order.
func (n *Names) InUseBy(arn string) []string { return slices.Clone(n.table.Load().inUse[arn]) }

// Ready is closed once everything that was stored before the watch is live.
func (n *Names) Ready() <-chan struct{} { return n.ready }

// Changed is called by the catalog's watch.
func (n *Names) Changed(name string) error {
	n.Refresh(context.Background(), name)
	return nil
}

// Settled is called by the catalog's watch.
func (n *Names) Settled() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.settled {
		n.settled = true
		n.publish()
		close(n.ready)
	}
	return nil
}

// Refresh makes what the catalog says of one domain name live now.
func (n *Names) Refresh(ctx context.Context, name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	d, err := n.Catalog.DomainName(ctx, name)
	switch {
	case err == nil:
		n.all[name] = n.compile(d)
	case sockgate.KindOf(err) == sockgate.NotFound:
		delete(n.all, name)
	default:
		n.Log.Error("domain name could not be read; it stays as it was", "domain", name, "error", err)
		return
	}
	if n.settled {
		n.publish()
	}
}

// publish makes n.all the table. n.mu is held.
func (n *Names) publish() {
	next := &nameTable{all: maps.Clone(n.all), wild: make(map[string]*Name), inUse: make(map[string][]string)}
	for _, name := range slices.Sorted(maps.Keys(next.all)) {
		found := next.all[name]
		if parent, ok := strings.CutPrefix(name, "*."); ok {
			next.wild[parent] = found
		}
		next.inUse[found.CertificateARN] = append(next.inUse[found.CertificateARN], name)
		if own := found.ownershipARN; own != "" && own != found.CertificateARN {
			next.inUse[own] = append(next.inUse[own], name)
		}
	}
	n.table.Store(next)
}
