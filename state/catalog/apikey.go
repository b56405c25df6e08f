package catalog

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"iter"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/state/store"
)

// APIKey returns the key with the given id.
func (c *Catalog) APIKey(ctx context.Context, id string) (*sockgate.APIKey, error) {
	key, _, err := read[sockgate.APIKey](ctx, c, keyPrefix, id, errNoKey)
	return key, err
}

// APIKeys goes through the keys in the order of their ids, from the first id after the given one; "" is from the start. Each is
// read when its turn comes, so that a caller who stops early pays for what it took. An error ends the sequence.
func (c *Catalog) APIKeys(ctx context.Context, after string) iter.Seq2[*sockgate.APIKey, error] {
	return each[sockgate.APIKey](ctx, c, keyPrefix, after)
}

// CountAPIKeys returns how many keys there are.
func (c *Catalog) CountAPIKeys(ctx context.Context) (int, error) {
	entries, err := c.store.List(ctx, keyPrefix)
	if err != nil {
		return 0, fault("count API keys", err)
	}
	return len(entries), nil
}

// APIKeyByValue returns the key with the given value. Errors: NotFound.
func (c *Catalog) APIKeyByValue(ctx context.Context, value string) (*sockgate.APIKey, error) {
	key, _, err := c.holder(ctx, value)
	return key, err
}

// holder returns the key with the given value, and the revision of the document that says so. That document may be of a key that
// never came to be, or is gone: the error is then NotFound all the same, and the revision is not 0.
func (c *Catalog) holder(ctx context.Context, value string) (*sockgate.APIKey, uint64, error) {
	e, err := c.store.Get(ctx, valueKey(value))
	if errors.Is(err, store.ErrNotFound) {
		return nil, 0, errNoKey
	}
	if err != nil {
		return nil, 0, fault("find an API key by its value", err)
	}
	id, err := decode[string](e)
	if err != nil {
		return nil, e.Revision, err
	}
	key, err := c.APIKey(ctx, *id)
	if err == nil && key.Value != value {
		return nil, e.Revision, errNoKey
	}
	return key, e.Revision, err
}

// CreateAPIKey stores a new key. Errors: Conflict when its id or its value is taken. The value is claimed first; a claim whose key
// was never stored, because the process died in between, does not count.
func (c *Catalog) CreateAPIKey(ctx context.Context, key *sockgate.APIKey) error {
	value, err := encode(key)
	if err != nil {
		return err
	}
	claim, err := encode(key.ID)
	if err != nil {
		return err
	}
	c.claiming.Lock()
	defer c.claiming.Unlock()
	_, revision, err := c.holder(ctx, key.Value)
	switch {
	case err == nil:
		return sockgate.Conflictf("API Key already exists")
	case sockgate.KindOf(err) != sockgate.NotFound:
		return err
	case revision == 0:
		_, err = c.store.Create(ctx, valueKey(key.Value), claim)
	default:
		_, err = c.store.Update(ctx, valueKey(key.Value), claim, revision)
	}
	if errors.Is(err, store.ErrConflict) { // another node was faster
		return sockgate.Conflictf("API Key already exists")
	}
	if err != nil {
		return fault("claim the value of API key "+key.ID, err)
	}
	revision, err = c.store.Create(ctx, keyPrefix+key.ID, value)
	if err != nil {
		return fault("create API key "+key.ID, err)
	}
	c.tell(ctx, UsageChange{KeyID: key.ID, Key: clone(key), Revision: revision})
	return nil
}

// ChangeAPIKey lets edit change a key as ChangeAPI does an API, and returns it as it is then. The id and value cannot change.
func (c *Catalog) ChangeAPIKey(ctx context.Context, id string, edit func(*sockgate.APIKey) error) (*sockgate.APIKey, error) {
	key, revision, err := update(ctx, c, keyPrefix, id, errNoKey, func(key *sockgate.APIKey) error {
		value := key.Value
		if err := edit(key); err != nil {
			return err
		}
		key.ID, key.Value = id, value
		return nil
	})
	if err != nil {
		return nil, err
	}
	c.tell(ctx, UsageChange{KeyID: id, Key: clone(key), Revision: revision})
	return key, nil
}

// DeleteAPIKey removes a key and its memberships. The key goes first: what a crash leaves is without effect.
func (c *Catalog) DeleteAPIKey(ctx context.Context, id string) error {
	key, revision, err := read[sockgate.APIKey](ctx, c, keyPrefix, id, errNoKey)
	if err != nil {
		return err
	}
	if err := c.store.Delete(ctx, keyPrefix+id, revision); err != nil {
		return fault("delete API key "+id, err)
	}
	c.tell(ctx, UsageChange{KeyID: id, Revision: revision})
	c.release(ctx, key)
	return c.dropMembers(ctx, func(_, keyID string) bool { return keyID == id }, planKeyPrefix)
}

// release gives up the claim to a deleted key's value, unless another key has taken it.
func (c *Catalog) release(ctx context.Context, key *sockgate.APIKey) {
	c.claiming.Lock()
	defer c.claiming.Unlock()
	e, err := c.store.Get(ctx, valueKey(key.Value))
	if err != nil {
		return
	}
	if id, err := decode[string](e); err == nil && *id == key.ID {
		_ = c.store.Delete(ctx, e.Key, e.Revision) // it does not count any more, and costs only space
	}
}

func valueKey(value string) string {
	sum := sha256.Sum256([]byte(value))
	return valuePrefix + hex.EncodeToString(sum[:])
}
