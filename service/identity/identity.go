// Package identity knows who may use the gateway's APIs: users with their access keys, roles with their temporary credentials,
// the policies of both, and the root user. It answers two questions for every signed request: whose key is this (it is the
// sigv4.Sessions of every verifier), and may they do that (Authorize).
//
// What it knows lies in the state store, one document for each user, role and policy, and compiled in memory. A question is
// answered from memory: it never waits for the store and parses nothing. A change is stored first, then compiled, and only then
// acknowledged, so the next request sees it; other nodes learn of it from the store's watch.
//
//	iam.user.{name}     User, with its access keys and inline policies
//	iam.role.{name}     Role, with its trust policy and inline policies
//	iam.policy.{name}   Policy, a managed policy with its versions
//	iam.vault           the key that seals session tokens
//
// The names in keys are in lower case, with "=xx" for what a key cannot hold. Groups do not exist here.
//
// It does not know the wire: control/iam and control/sts check what callers send, and speak of it in AWS's words.
package identity

import (
	"context"
	"crypto/cipher"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/sigv4"
	"github.com/sockgate/sockgate/state/store"
)

// Config is what a Directory works with.
type Config struct {
	Store store.Store
	// SealKey encrypts secrets in the store: 32 bytes that are kept elsewhere. Without it they are stored as they are.
	SealKey []byte
	Account string // 12 digits
	Region  string
	// RootID and RootSecret are the root user's access key.
	RootID, RootSecret string
	Clock              func() time.Time // nil means time.Now
	Log                *slog.Logger
}

// Directory answers who somebody is and what they may do. Its methods may be called by many goroutines.
// What its methods return is shared and must not be changed.
type Directory struct {
	cfg   Config
	clock func() time.Time
	root  sockgate.Principal
	vault vault
	token cipher.AEAD // seals session tokens

	// The compiled view. Readers take no lock.
	users    sync.Map // name in lower case → *user
	roles    sync.Map // name in lower case → *role
	policies sync.Map // ARN → *managed
	keys     sync.Map // access key id → *accessKey

	opened      sync.Map // access key id of a temporary key → *openedSession
	openedCount atomic.Int64

	applying sync.Mutex
	applied  map[string]applied // store key → what was compiled of it last; under applying

	// writing is held by who changes documents, so that what a change found in others still holds when it is stored. It has
	// one token. Other nodes are not kept out: see Change.
	writing chan struct{}
}

var _ sigv4.Sessions = (*Directory)(nil)

// Open reads everything and returns a directory that is ready. It does not own the store. Run must be called to follow changes of
// other nodes. An error tells what is damaged or cannot be unsealed.
func Open(ctx context.Context, cfg Config) (*Directory, error) {
	d := &Directory{
		cfg: cfg, clock: cfg.Clock,
		root: sockgate.Principal{
			AccountID: cfg.Account, AccessKeyID: cfg.RootID, ARN: "arn:aws:iam::" + cfg.Account + ":root", UserID: cfg.Account, Root: true,
		},
		applied: make(map[string]applied),
		writing: make(chan struct{}, 1),
	}
	if d.clock == nil {
		d.clock = time.Now
	}
	for _, p := range awsManaged() {
		d.policies.Store(p.doc.ARN(""), p)
	}
	var err error
	if d.vault, err = newVault(cfg.SealKey); err != nil {
		return nil, err
	}
	if d.token, err = d.vault.tokenKey(ctx, cfg.Store); err != nil {
		return nil, err
	}
	entries, err := cfg.Store.List(ctx, prefix)
	if err != nil {
		return nil, fault("read identities", err)
	}
	for _, e := range entries {
		if err := d.apply(e); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// Run follows the store until ctx ends.
func (d *Directory) Run(ctx context.Context) error {
	err := d.cfg.Store.Watch(ctx, prefix, func(ch store.Change) error {
		switch {
		case ch.Settled:
		case ch.Deleted:
			d.remove(ch.Key, ch.Revision, true)
		default:
			if err := d.apply(ch.Entry); err != nil {
				d.block(ch.Key, ch.Revision)
				d.cfg.Log.Error("an identity cannot be read", "key", ch.Key, "error", err)
			}
		}
		return nil
	})
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// Account is the account's number.
func (d *Directory) Account() string { return d.cfg.Account }

// Now is the directory's time.
func (d *Directory) Now() time.Time { return d.clock() }

// now is the time as it is stored: AWS's dates have whole seconds.
func (d *Directory) now() time.Time { return d.clock().UTC().Truncate(time.Second) }

// Secret returns the secret of a long-term access key, and its owner. It notes nothing: see Used.
func (d *Directory) Secret(accessKeyID string) (string, *sockgate.Principal, bool) {
	if accessKeyID == d.cfg.RootID {
		return d.cfg.RootSecret, &d.root, accessKeyID != ""
	}
	k, ok := load[accessKey](&d.keys, accessKeyID)
	if !ok || !k.doc.Active {
		return "", nil, false
	}
	return k.secret, k.principal, true
}

// Use is when and for what a key signed last.
type Use struct {
	At              time.Time
	Service, Region string
}

// Used notes that a key signed a request. Only the last use since the process began is known.
func (d *Directory) Used(accessKeyID, service, region string) {
	k, ok := load[accessKey](&d.keys, accessKeyID)
	if !ok {
		return
	}
	now := d.clock()
	// Once a minute is often enough, and keeps a busy key from being written by every core.
	if last := k.use.Load(); last != nil && last.Service == service && now.Sub(last.At) < time.Minute {
		return
	}
	k.use.Store(&Use{now, service, region})
}

// KeyOwner returns the user whose access key this is, and its last use, which is nil when none is known.
func (d *Directory) KeyOwner(accessKeyID string) (u *User, use *Use, ok bool) {
	k, ok := load[accessKey](&d.keys, accessKeyID)
	if !ok {
		return nil, nil, false
	}
	return k.owner, k.use.Load(), true
}

func load[T any](m *sync.Map, key string) (*T, bool) {
	v, ok := m.Load(key)
	if !ok {
		return nil, false
	}
	return v.(*T), true
}
