package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/state/store"
)

// ErrNoEntity is the cause of the NotFound error that a change to a user, role or policy returns when there is none.
var ErrNoEntity = errors.New("no such entity")

// ErrExists is the cause of the Conflict error that a creation returns when the name is taken.
var ErrExists = errors.New("the name is taken")

// User returns the user called name, in any case.
func (d *Directory) User(name string) (*User, bool) {
	u, ok := load[user](&d.users, keyPart(name))
	if !ok {
		return nil, false
	}
	return u.doc, true
}

// Role returns the role called name, in any case.
func (d *Directory) Role(name string) (*Role, bool) {
	r, ok := load[role](&d.roles, keyPart(name))
	if !ok {
		return nil, false
	}
	return r.doc, true
}

// Policy returns the managed policy with this ARN, one of AWS's included.
func (d *Directory) Policy(arn string) (*Policy, bool) {
	m, ok := load[managed](&d.policies, arn)
	if !ok {
		return nil, false
	}
	return m.doc, true
}

// Users returns all users in the order of their names.
func (d *Directory) Users() []*User {
	return all(&d.users, func(u *user) (*User, string) { return u.doc, u.doc.Name })
}

// Roles returns all roles in the order of their names.
func (d *Directory) Roles() []*Role {
	return all(&d.roles, func(r *role) (*Role, string) { return r.doc, r.doc.Name })
}

// Policies returns all managed policies, AWS's included, in the order of their names.
func (d *Directory) Policies() []*Policy {
	return all(&d.policies, func(m *managed) (*Policy, string) { return m.doc, m.doc.Name })
}

func all[E, T any](m *sync.Map, get func(*E) (*T, string)) []*T {
	type named struct {
		name string
		doc  *T
	}
	var found []named
	m.Range(func(_, v any) bool {
		doc, name := get(v.(*E))
		found = append(found, named{name, doc})
		return true
	})
	slices.SortFunc(found, func(a, b named) int { return strings.Compare(a.name, b.name) })
	docs := make([]*T, len(found))
	for i := range found {
		docs[i] = found[i].doc
	}
	return docs
}

// Change runs fn while no other change is made through this directory, so that what fn reads of several entities still holds when
// it writes one. Across nodes only the single document is safe: one node may detach the last user of a policy while another
// attaches it and a third deletes it; a policy that is attached and does not exist grants nothing.
func (d *Directory) Change(ctx context.Context, fn func(*Changes) error) error {
	select {
	case d.writing <- struct{}{}:
		defer func() { <-d.writing }()
	case <-ctx.Done():
		return sockgate.Unavailablef("Other changes are being made. Please try again later.").Because(ctx.Err())
	}
	return fn(&Changes{d: d, ctx: ctx})
}

// Changes makes changes, each of them durable and in force when its method returns.
type Changes struct {
	d   *Directory
	ctx context.Context
}

// CreateUser stores a new user, and gives it an id and a date. Errors: Conflict because of ErrExists.
func (c *Changes) CreateUser(u *User) error {
	u.ID, u.Created = newID(userID), c.d.now()
	return c.create(userPrefix+keyPart(u.Name), u)
}

// CreateRole does the same for a role.
func (c *Changes) CreateRole(r *Role) error {
	r.ID, r.Created = newID(roleID), c.d.now()
	return c.create(rolePrefix+keyPart(r.Name), r)
}

// CreatePolicy does the same for a managed policy, whose first version holds document.
func (c *Changes) CreatePolicy(p *Policy, document string) error {
	now := c.d.now()
	p.ID, p.Created, p.Updated = newID(policyID), now, now
	p.Versions, p.Default, p.Next = []PolicyVersion{{"v1", document, now}}, "v1", 2
	return c.create(policyPrefix+keyPart(p.Name), p)
}

// EditUser reads a user, lets edit change it and stores it. Its error is edit's, or NotFound because of ErrNoEntity.
func (c *Changes) EditUser(name string, edit func(*User) error) error {
	return change(c, userPrefix+keyPart(name), edit)
}

// EditRole does the same for a role.
func (c *Changes) EditRole(name string, edit func(*Role) error) error {
	return change(c, rolePrefix+keyPart(name), edit)
}

// EditPolicy does the same for a managed policy.
func (c *Changes) EditPolicy(name string, edit func(*Policy) error) error {
	return change(c, policyPrefix+keyPart(name), edit)
}

// RenameUser gives a user a new name and path, keeping everything else. Errors: as those of CreateUser and EditUser.
func (c *Changes) RenameUser(name, newName, path string) error {
	from, to := userPrefix+keyPart(name), userPrefix+keyPart(newName)
	if from == to {
		return c.EditUser(name, func(u *User) error {
			u.Name, u.Path = newName, path
			return nil
		})
	}
	e, err := c.get(from)
	if err != nil {
		return err
	}
	u := new(User)
	if err := json.Unmarshal(e.Value, u); err != nil {
		return sockgate.Internalf("document %q is damaged: %w", from, err)
	}
	u.Name, u.Path = newName, path
	// A crash between the two leaves both, with the same keys; the older can then be deleted.
	if err := c.create(to, u); err != nil {
		return err
	}
	return c.drop(e)
}

// DeleteUser removes a user; check says what stands against it. Its sessions end.
func (c *Changes) DeleteUser(name string, check func(*User) error) error {
	return deleteEntity(c, userPrefix+keyPart(name), check)
}

// DeleteRole does the same for a role.
func (c *Changes) DeleteRole(name string, check func(*Role) error) error {
	return deleteEntity(c, rolePrefix+keyPart(name), check)
}

// DeletePolicy does the same for a managed policy.
func (c *Changes) DeletePolicy(name string, check func(*Policy) error) error {
	return deleteEntity(c, policyPrefix+keyPart(name), check)
}

// NewKey makes an access key, to be put among its user's. The secret is nowhere else in the clear.
func (c *Changes) NewKey() (k AccessKey, secret string) {
	k = AccessKey{ID: newID(longTermKey), Active: true, Created: c.d.now()}
	secret = newSecret()
	k.Sealed = c.d.vault.keep([]byte(secret), k.ID)
	return k, secret
}

func (c *Changes) get(key string) (store.Entry, error) {
	e, err := c.d.cfg.Store.Get(c.ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return e, sockgate.NotFoundf("Not found").Because(ErrNoEntity)
	}
	if err != nil {
		return e, fault("read "+key, err)
	}
	return e, nil
}

func (c *Changes) create(key string, doc any) error {
	value, err := json.Marshal(doc)
	if err != nil {
		return sockgate.Internalf("encode %s: %w", key, err)
	}
	revision, err := c.d.cfg.Store.Create(c.ctx, key, value)
	if errors.Is(err, store.ErrConflict) {
		return sockgate.Conflictf("The name is taken").Because(ErrExists)
	}
	if err != nil {
		return fault("create "+key, err)
	}
	return c.d.apply(store.Entry{Key: key, Value: value, Revision: revision})
}

func (c *Changes) drop(e store.Entry) error {
	if err := c.d.cfg.Store.Delete(c.ctx, e.Key, e.Revision); err != nil {
		return fault("delete "+e.Key, err)
	}
	c.d.remove(e.Key, e.Revision, false)
	return nil
}

// change edits one document by compare-and-set: only another node can come between.
func change[T any](c *Changes, key string, edit func(*T) error) error {
	const attempts = 16
	var err error
	for range attempts {
		var e store.Entry
		if e, err = c.get(key); err != nil {
			return err
		}
		doc := new(T)
		if err := json.Unmarshal(e.Value, doc); err != nil {
			return sockgate.Internalf("document %q is damaged: %w", key, err)
		}
		if err := edit(doc); err != nil {
			return err
		}
		value, encErr := json.Marshal(doc)
		if encErr != nil {
			return sockgate.Internalf("encode %s: %w", key, encErr)
		}
		var revision uint64
		if revision, err = c.d.cfg.Store.Update(c.ctx, key, value, e.Revision); err == nil {
			return c.d.apply(store.Entry{Key: key, Value: value, Revision: revision})
		}
		if !errors.Is(err, store.ErrConflict) {
			break
		}
	}
	return fault("change "+key, err)
}

func deleteEntity[T any](c *Changes, key string, check func(*T) error) error {
	e, err := c.get(key)
	if err != nil {
		return err
	}
	doc := new(T)
	if err := json.Unmarshal(e.Value, doc); err != nil {
		return sockgate.Internalf("document %q is damaged: %w", key, err)
	}
	if err := check(doc); err != nil {
		return err
	}
	return c.drop(e)
}

// fault turns a store's error into the product's.
func fault(doing string, err error) error {
	cause := fmt.Errorf("%s: %w", doing, err)
	switch {
	case errors.Is(err, store.ErrConflict):
		return sockgate.Conflictf("The request was rejected because it conflicts with another change. Please try again later.").Because(cause)
	case errors.Is(err, store.ErrTooLarge):
		return sockgate.TooLargef("The entity is too large").Because(cause)
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
		return sockgate.Unavailablef("The configuration store cannot take the request now. Please try again later.").Because(cause)
	}
	return sockgate.Internalf("%w", cause)
}
