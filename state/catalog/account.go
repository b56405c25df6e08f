package catalog

import (
	"context"
	"errors"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/state/store"
)

// Account returns the account's settings, which are zero until they are changed.
func (c *Catalog) Account(ctx context.Context) (*sockgate.AccountSettings, error) {
	e, err := c.store.Get(ctx, accountKey)
	if errors.Is(err, store.ErrNotFound) {
		return &sockgate.AccountSettings{}, nil
	}
	if err != nil {
		return nil, fault("read the account", err)
	}
	return decode[sockgate.AccountSettings](e)
}

// ChangeAccount lets edit change the account's settings as ChangeAPI does an API, and returns them as they are then.
func (c *Catalog) ChangeAccount(ctx context.Context, edit func(*sockgate.AccountSettings) error) (*sockgate.AccountSettings, error) {
	switch _, err := c.create(ctx, accountKey, &sockgate.AccountSettings{}); sockgate.KindOf(err) {
	case sockgate.Conflict: // it is there
	default:
		if err != nil {
			return nil, err
		}
	}
	account, _, err := update(ctx, c, "", accountKey, sockgate.NotFoundf("Not found"), edit)
	return account, err
}
