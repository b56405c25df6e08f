package identity

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/policy"
	"github.com/sockgate/sockgate/state/store"
)

// applied is what was compiled last of a document.
type applied struct {
	revision uint64
	keys     []string // the access keys that came of it
	arn      string   // of a policy
}

// holding is the compiled form of a Holder's policies. It never changes.
type holding struct {
	inline   []*policy.Policy // in the order of their names
	attached []string         // ARNs
	boundary string           // ARN, or ""
}

// user, role and managed are compiled documents. They never change.
type (
	user struct {
		doc *User
		holding
	}
	role struct {
		doc   *Role
		arn   string
		trust *policy.Policy
		holding
	}
	managed struct {
		doc     *Policy
		arn     string
		current *policy.Policy // the default version
	}
	accessKey struct {
		doc       AccessKey
		secret    string
		owner     *User
		principal *sockgate.Principal
		use       atomic.Pointer[Use]
	}
)

// apply compiles a document and lets it take its place, unless a newer form of it has done so.
func (d *Directory) apply(e store.Entry) error {
	d.applying.Lock()
	defer d.applying.Unlock()
	last := d.applied[e.Key]
	if e.Revision <= last.revision {
		return nil
	}
	next := applied{revision: e.Revision}
	var err error
	switch {
	case strings.HasPrefix(e.Key, userPrefix):
		next.keys, err = d.applyUser(e)
	case strings.HasPrefix(e.Key, rolePrefix):
		err = d.applyRole(e)
	case strings.HasPrefix(e.Key, policyPrefix):
		next.arn, err = d.applyPolicy(e)
	}
	if err != nil {
		return sockgate.Internalf("document %q is damaged: %w", e.Key, err)
	}
	if last.arn != next.arn { // it was deleted and made anew under another path
		d.policies.Delete(last.arn)
	}
	d.dropKeys(e.Key, last.keys, next.keys)
	d.applied[e.Key] = next
	return nil
}

// dropKeys forgets the access keys that the user under a store's key had, and that it has no longer. Those that went to another
// name of the user stay.
func (d *Directory) dropKeys(key string, had, has []string) {
	for _, id := range had {
		k, ok := load[accessKey](&d.keys, id)
		if ok && !slices.Contains(has, id) && userPrefix+keyPart(k.owner.Name) == key {
			d.keys.Delete(id)
		}
	}
}

// remove forgets a document. watched says that the store's watch told of it: then no older form of it will come any more.
func (d *Directory) remove(key string, revision uint64, watched bool) {
	d.applying.Lock()
	defer d.applying.Unlock()
	last := d.applied[key]
	if last.revision > revision {
		return
	}
	name := key[strings.LastIndexByte(key, '.')+1:]
	switch {
	case strings.HasPrefix(key, userPrefix):
		d.users.Delete(name)
	case strings.HasPrefix(key, rolePrefix):
		d.roles.Delete(name)
	case strings.HasPrefix(key, policyPrefix) && last.arn != "":
		d.policies.Delete(last.arn)
	}
	d.dropKeys(key, last.keys, nil)
	if watched {
		delete(d.applied, key)
		return
	}
	d.applied[key] = applied{revision: revision}
}

// block makes what cannot be read permit nothing: a user or role is gone, and a policy denies everything, as it may have been
// attached for what it denies.
func (d *Directory) block(key string, revision uint64) {
	d.applying.Lock()
	last := d.applied[key]
	if last.arn != "" && last.revision < revision {
		if m, ok := load[managed](&d.policies, last.arn); ok {
			d.policies.Store(last.arn, &managed{doc: m.doc, arn: m.arn, current: nothing})
		}
		last.revision = revision
		d.applied[key] = last
	}
	d.applying.Unlock()
	if last.arn == "" {
		d.remove(key, revision, false)
	}
}

// nothing denies everything, and everything allows it.
var (
	nothing    = mustParse(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`)
	everything = mustParse(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)
)

func (d *Directory) applyUser(e store.Entry) (keys []string, err error) {
	doc := new(User)
	if err := json.Unmarshal(e.Value, doc); err != nil {
		return nil, err
	}
	u := &user{doc: doc}
	if u.holding, err = compileHolder(&doc.Holder); err != nil {
		return nil, err
	}
	tags := tagMap(doc.Tags)
	for _, k := range doc.Keys {
		secret, err := d.vault.read(k.Sealed, k.ID)
		if err != nil {
			return nil, fmt.Errorf("access key %s: %w", k.ID, err)
		}
		next := &accessKey{doc: k, secret: string(secret), owner: doc, principal: d.userPrincipal(doc, k.ID, tags)}
		if old, ok := load[accessKey](&d.keys, k.ID); ok {
			next.use.Store(old.use.Load())
		}
		d.keys.Store(k.ID, next)
		keys = append(keys, k.ID)
	}
	d.users.Store(keyPart(doc.Name), u)
	return keys, nil
}

func (d *Directory) userPrincipal(u *User, keyID string, tags map[string]string) *sockgate.Principal {
	return &sockgate.Principal{
		AccountID: d.cfg.Account, AccessKeyID: keyID, ARN: u.ARN(d.cfg.Account), UserID: u.ID, UserName: u.Name, Tags: tags,
	}
}

func (d *Directory) applyRole(e store.Entry) (err error) {
	doc := new(Role)
	if err := json.Unmarshal(e.Value, doc); err != nil {
		return err
	}
	r := &role{doc: doc, arn: doc.ARN(d.cfg.Account)}
	if r.holding, err = compileHolder(&doc.Holder); err != nil {
		return err
	}
	if r.trust, err = policy.ParseTrust([]byte(doc.Trust)); err != nil {
		return fmt.Errorf("trust policy: %w", err)
	}
	d.roles.Store(keyPart(doc.Name), r)
	return nil
}

func (d *Directory) applyPolicy(e store.Entry) (arn string, err error) {
	doc := new(Policy)
	if err := json.Unmarshal(e.Value, doc); err != nil {
		return "", err
	}
	m, err := compilePolicy(doc, d.cfg.Account)
	if err != nil {
		return "", err
	}
	d.policies.Store(m.arn, m)
	return m.arn, nil
}

func compilePolicy(doc *Policy, account string) (*managed, error) {
	version := doc.Version(doc.Default)
	if version == nil {
		return nil, fmt.Errorf("there is no version %s", doc.Default)
	}
	p, err := policy.ParseManaged([]byte(version.Document))
	if err != nil {
		return nil, err
	}
	return &managed{doc: doc, arn: doc.ARN(account), current: p}, nil
}

func compileHolder(h *Holder) (c holding, err error) {
	for _, name := range slices.Sorted(maps.Keys(h.Inline)) {
		p, err := policy.Parse([]byte(h.Inline[name]))
		if err != nil {
			return c, fmt.Errorf("policy %q: %w", name, err)
		}
		c.inline = append(c.inline, p)
	}
	c.attached, c.boundary = h.Attached, h.Boundary
	return c, nil
}

func tagMap(tags []Tag) map[string]string {
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		m[t.Key] = t.Value
	}
	return m
}
