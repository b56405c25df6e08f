package table

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/ddb/expression"
	"github.com/sockgate/sockgate/lang/ddb/value"
)

// invalidValue begins most of DynamoDB's complaints about an item.
const invalidValue = "One or more parameter values were invalid: "

const (
	// notValid begins the complaints about empty keys, which are about the request even inside a transaction.
	notValid = "One or more parameter values are not valid. "
	emptyKey = notValid + "The AttributeValue for a key attribute cannot contain an empty "
)

// errKeySchema is DynamoDB's answer to a key that is not one of the table.
func errKeySchema() error {
	return mismatch(sockgate.Invalidf("The provided key element does not match the schema"))
}

// CheckKey checks that key holds the table's key attributes, of their types and sizes, and nothing else. Errors: sockgate.Invalid.
func (d *Definition) CheckKey(key value.Item) error {
	want := 1
	if d.Key.Range != "" {
		want = 2
	}
	if len(key) != want {
		return errKeySchema()
	}
	return d.checkKeyPart(key, d.Key)
}

// checkKeyPart checks the attributes of key that are in the schema k.
func (d *Definition) checkKeyPart(item value.Item, k Key) error {
	for _, name := range [...]string{k.Hash, k.Range} {
		if name == "" {
			continue
		}
		v, ok := item.Get(name)
		if !ok || v.Kind() != d.Kind(name) {
			return errKeySchema()
		}
	}
	return d.checkKeySizes(item, k)
}

func (d *Definition) checkKeySizes(item value.Item, k Key) error {
	for i, name := range [...]string{k.Hash, k.Range} {
		v, ok := item.Get(name)
		if !ok || v.Kind() == value.N {
			continue
		}
		n := len(v.Text())
		switch {
		case n == 0 && v.Kind() == value.S:
			return sockgate.Invalidf(emptyKey+"string value. Key: %s", name)
		case n == 0:
			return sockgate.Invalidf(emptyKey+"binary value. Key: %s", name)
		case i == 0 && n > MaxHashKey:
			return sockgate.Invalidf("%sSize of hashkey has exceeded the maximum size limit of2048 bytes", invalidValue)
		case i == 1 && n > MaxRangeKey:
			return sockgate.Invalidf("%sAggregated size of all range keys has exceeded the size limit of 1024 bytes", invalidValue)
		}
	}
	return nil
}

// CheckItem checks the key attributes of a whole item, the table's and its indexes'. Errors: sockgate.Invalid.
func (d *Definition) CheckItem(item value.Item) error {
	for _, name := range [...]string{d.Key.Hash, d.Key.Range} {
		if name == "" {
			continue
		}
		v, ok := item.Get(name)
		if !ok {
			return mismatch(sockgate.Invalidf(invalidValue+"Missing the key %s in the item", name))
		}
		if k := d.Kind(name); v.Kind() != k {
			return mismatch(sockgate.Invalidf(invalidValue+"Type mismatch for key %s expected: %s actual: %s", name, k, v.Kind()))
		}
	}
	if err := d.checkKeySizes(item, d.Key); err != nil {
		return err
	}
	return d.EachIndexKey(func(x *Index, name string, k value.Kind) error {
		v, ok := item.Get(name)
		if !ok {
			return nil
		}
		if v.Kind() != k {
			return mismatch(sockgate.Invalidf(invalidValue+"Type mismatch for Index Key %s Expected: %s Actual: %s IndexName: %s", name, k, v.Kind(), x.Name))
		}
		return d.checkIndexValue(x, name, v)
	})
}

// checkIndexValue checks what an item says for an index's key attribute, whose type is right.
func (d *Definition) checkIndexValue(x *Index, name string, v value.Value) error {
	if v.Kind() == value.N {
		return nil
	}
	limit := MaxRangeKey
	if name == x.Key.Hash {
		limit = MaxHashKey
	}
	switch n := len(v.Text()); {
	case n == 0:
		kind := "string"
		if v.Kind() == value.B {
			kind = "binary"
		}
		return sockgate.Invalidf("One or more parameter values are not valid. A value specified for a secondary index key is not supported. "+
			"The AttributeValue for a key attribute cannot contain an empty %s value. IndexName: %s, IndexKey: %s", kind, x.Name, name)
	case n > limit:
		what := "Size of hashkey"
		if name != x.Key.Hash {
			what = "Aggregated size of all range keys"
		}
		return sockgate.Invalidf("%s%s has exceeded the maximum size limit of %d bytes", invalidValue, what, limit)
	}
	return nil
}

// EachIndexKey calls visit for the key attributes of the indexes, the global ones first. It stops at the first error.
func (d *Definition) EachIndexKey(visit func(x *Index, name string, k value.Kind) error) error {
	for _, global := range [...]bool{true, false} {
		for i := range d.Indexes {
			x := &d.Indexes[i]
			if x.Global != global {
				continue
			}
			for _, name := range [...]string{x.Key.Hash, x.Key.Range} {
				if name == "" || !global && name == x.Key.Hash {
					continue
				}
				if err := visit(x, name, d.Kind(name)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// keyOf returns the key attributes of an item that has them.
func (d *Definition) keyOf(item value.Item) (hash, rng value.Value) {
	hash, _ = item.Get(d.Key.Hash)
	if d.Key.Range != "" {
		rng, _ = item.Get(d.Key.Range)
	}
	return hash, rng
}

// KeyOf returns, of an item, its key alone.
func (d *Definition) KeyOf(item value.Item) value.Item {
	hash, rng := d.keyOf(item)
	fields := []value.Field{{Name: d.Key.Hash, Value: hash}}
	if d.Key.Range != "" {
		fields = append(fields, value.Field{Name: d.Key.Range, Value: rng})
	}
	return value.MakeItem(fields)
}

// errNotFound is the answer of operations on items when their table is not there, or not ready.
func errNotFound() error { return sockgate.NotFoundf("Requested resource not found") }

// errNoTable is the answer of operations on tables.
func errNoTable(name string) error {
	return sockgate.NotFoundf("Requested resource not found: Table: %s not found", name)
}

// InUse is the error of a change that the table's status does not allow: ResourceInUseException.
type InUse struct{ Message string }

func (e *InUse) Error() string { return e.Message }

// LimitExceeded is the error of a change beyond what the service allows at once: LimitExceededException.
type LimitExceeded struct{ Message string }

func (e *LimitExceeded) Error() string { return e.Message }

// ConditionFailed is the error of a write whose condition the item did not meet: ConditionalCheckFailedException.
type ConditionFailed struct {
	Item value.Item // what was there, nil when nothing was
}

func (e *ConditionFailed) Error() string { return "The conditional request failed" }

// Canceled is the error of a transaction that was not carried out: TransactionCanceledException.
type Canceled struct{ Reasons []Reason }

// Reason is why one action stopped its transaction.
type Reason struct {
	Code    string // "None", "ConditionalCheckFailed", "ValidationError"
	Message string
	Item    value.Item // of ConditionalCheckFailed, when it was asked for
}

func (e *Canceled) Error() string {
	text := "Transaction cancelled, please refer cancellation reasons for specific reasons ["
	for i, r := range e.Reasons {
		if i > 0 {
			text += ", "
		}
		text += r.Code
	}
	return text + "]"
}

// TokenReused is the error of a transaction with the token of another one: IdempotentParameterMismatchException.
type TokenReused struct{}

func (TokenReused) Error() string {
	return "Idempotent parameter mismatch detected with client request token"
}

func damaged(what string, err error) error {
	return sockgate.Internalf("%s: %w", what, fmt.Errorf("the table store is damaged: %w", err))
}

// Mismatch is an error of a key attribute's type, of kind Invalid. Inside a transaction it cancels rather than refuses.
type Mismatch struct{ err *sockgate.Error }

func (m *Mismatch) Error() string { return m.err.Error() }

func (m *Mismatch) Unwrap() error { return m.err }

func mismatch(err error) error {
	e, ok := errors.AsType[*sockgate.Error](err)
	if !ok {
		return err
	}
	return &Mismatch{err: e}
}

// CheckUpdate checks what an update writes against the keys: no key of the table may be changed, and a key of an index, where the type
// is known beforehand, must be of its type. A nil update is good. Errors: Invalid.
func (d *Definition) CheckUpdate(u *expression.Update) error {
	if u == nil {
		return nil
	}
	actions := u.Actions()
	for _, name := range [...]string{d.Key.Hash, d.Key.Range} {
		for _, a := range actions {
			if name != "" && a.Path[0].Name == name {
				return sockgate.Invalidf(invalidValue+"Cannot update attribute %s. This attribute is part of the key", name)
			}
		}
	}
	err := d.EachIndexKey(func(x *Index, name string, k value.Kind) error {
		for _, a := range actions {
			if len(a.Path) == 1 && a.Path[0].Name == name && a.Kind != value.Absent && a.Kind != k {
				return mismatch(sockgate.Invalidf(invalidValue+"Type mismatch for Index Key %s Expected: %s Actual: %s IndexName: %s", name, k, a.Kind, x.Name))
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return d.CheckPaths(u.Paths)
}

// CheckPaths checks that no path goes into a key attribute, which is a scalar. paths calls its argument for each.
// Errors: Invalid.
func (d *Definition) CheckPaths(paths func(func(expression.Path))) error {
	var nested []string
	paths(func(p expression.Path) {
		if len(p) > 1 {
			nested = append(nested, p[0].Name)
		}
	})
	if nested == nil {
		return nil
	}
	const text = "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: "
	for _, name := range [...]string{d.Key.Hash, d.Key.Range} {
		if name != "" && slices.Contains(nested, name) {
			return sockgate.Invalidf("%sKey: %s", text, name)
		}
	}
	return d.EachIndexKey(func(_ *Index, name string, _ value.Kind) error {
		if slices.Contains(nested, name) {
			return sockgate.Invalidf("%sIndexKey: %s", text, name)
		}
		return nil
	})
}
