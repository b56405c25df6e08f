package catalog

import (
	"context"
	"strings"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/state/store"
)

// The documents of API keys and usage plans:
//
//	apikey.{keyId}                  one sockgate.APIKey
//	apikeyvalue.{SHA-256 of value}  the id of the key that has the value, which is what keeps values unique
//	usageplan.{planId}              one sockgate.UsagePlan
//	usageplankey.{planId}.{keyId}   one sockgate.PlanKey
//	account                         the sockgate.AccountSettings
const (
	keyPrefix     = "apikey."
	valuePrefix   = "apikeyvalue."
	planPrefix    = "usageplan."
	planKeyPrefix = "usageplankey."
	accountKey    = "account"
)

// UsageChange is what became of one API key, usage plan or membership. KeyID alone names a key, PlanID alone a plan, both name
// the key's membership in the plan.
type UsageChange struct {
	KeyID, PlanID string
	// Key, Plan or PlanKey is the document as it is now; all are nil when it is gone. They are the receiver's.
	Key     *sockgate.APIKey
	Plan    *sockgate.UsagePlan
	PlanKey *sockgate.PlanKey
	// Revision grows from change to change of one document, so that a receiver who hears of changes in two ways can leave out
	// those that it knows. Of a document that is gone it may be the last one that the document had.
	Revision uint64
}

// Gone reports whether the document was removed.
func (c UsageChange) Gone() bool { return c.Key == nil && c.Plan == nil && c.PlanKey == nil }

// OnUsage sets what is called after each acknowledged change that this catalog makes to a key, a plan or a membership, before
// the changing call returns; WatchUsage tells everyone else. It must be called before the catalog is used.
func (c *Catalog) OnUsage(told func(context.Context, UsageChange)) { c.usage = told }

func (c *Catalog) tell(ctx context.Context, ch UsageChange) {
	if c.usage != nil {
		c.usage(ctx, ch)
	}
}

// UsageWatcher is told what happens to keys, plans and memberships, by one goroutine at a time. An error from any method
// ends the watch.
type UsageWatcher interface {
	Changed(UsageChange) error
	Settled() error
	Broken(key string, err error) error
}

// WatchUsage follows all keys, plans and memberships until ctx ends or a callback fails: Changed is called with each that exists
// and again after each change to one, Settled once when everything that existed has been told. A document that cannot be
// read is given to Broken, and the watch goes on. It blocks.
func (c *Catalog) WatchUsage(ctx context.Context, w UsageWatcher) error {
	// One watch over everything: the order of changes is kept between the three kinds of documents.
	return c.store.Watch(ctx, "", func(ch store.Change) error {
		if ch.Settled {
			return w.Settled()
		}
		change, ours := usageChange(ch.Key)
		if !ours {
			return nil
		}
		change.Revision = ch.Revision
		if ch.Deleted {
			return w.Changed(change)
		}
		var err error
		switch {
		case change.PlanID == "":
			change.Key, err = decode[sockgate.APIKey](ch.Entry)
		case change.KeyID == "":
			change.Plan, err = decode[sockgate.UsagePlan](ch.Entry)
		default:
			change.PlanKey, err = decode[sockgate.PlanKey](ch.Entry)
		}
		if err != nil {
			return w.Broken(ch.Key, err)
		}
		return w.Changed(change)
	})
}

// usageChange says which document a store's key is of.
func usageChange(key string) (ch UsageChange, ours bool) {
	if id, ok := strings.CutPrefix(key, keyPrefix); ok {
		return UsageChange{KeyID: id}, true
	}
	if id, ok := strings.CutPrefix(key, planPrefix); ok {
		return UsageChange{PlanID: id}, true
	}
	ids, ok := strings.CutPrefix(key, planKeyPrefix)
	if !ok {
		return ch, false
	}
	ch.PlanID, ch.KeyID, ok = strings.Cut(ids, ".")
	return ch, ok
}

var (
	errNoKey  = sockgate.NotFoundf("Invalid API Key identifier specified")
	errNoPlan = sockgate.NotFoundf("Invalid Usage Plan ID specified")
)
