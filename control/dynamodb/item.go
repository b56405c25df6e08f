package dynamodb

import (
	"errors"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/ddb/expression"
	"github.com/sockgate/sockgate/lang/ddb/value"
	"github.com/sockgate/sockgate/service/table"
)

// allow asks whether the caller may do action on a table, or on its part behind "/". hash, unless nil, is whose items it is about.
func (c *call) allow(action, path string, hash func() []string) error {
	if c.req.Principal.Root {
		return nil
	}
	more := c.conditionKeys()
	if hash != nil {
		more["dynamodb:leadingkeys"] = hash()
	}
	return c.req.Allowed("dynamodb:"+action, []string{c.s.arn(path)}, more)
}

// leading returns the hash keys of items or keys, for the condition key dynamodb:LeadingKeys.
func (c *call) leading(name string, items ...value.Item) func() []string {
	return func() []string {
		d, err := c.s.Tables.Lookup(name)
		if err != nil {
			return nil
		}
		var keys []string
		for _, it := range items {
			if v, ok := it.Get(d.Key.Hash); ok {
				keys = append(keys, v.Text())
			}
		}
		return keys
	}
}

func getItem(c *call) error {
	p := c.params()
	if err := p.checkMix([]string{"ProjectionExpression"}, []string{"AttributesToGet"}); err != nil {
		return err
	}
	key := p.node("Key").item
	if err := key.Err(); err != nil {
		return err
	}
	wanted, err := c.projection(p)
	if err != nil {
		return err
	}
	name := c.text("TableName")
	if err := c.allow("GetItem", name, c.leading(name, key)); err != nil {
		return err
	}
	t, err := c.s.Tables.Table(name)
	if err != nil {
		return err
	}
	if wanted != nil {
		if err := t.Def().CheckKey(key); err != nil {
			return err
		}
		if err := t.Def().CheckPaths(wanted.Paths); err != nil {
			return err
		}
	}
	size := 0
	c.out = append(c.out, '{')
	err = t.Get(key, func(stored []byte, n int) error {
		size = n
		return c.appendItem(`"Item":`, stored, wanted)
	})
	if err != nil {
		return err
	}
	c.appendCapacity(&usage{table: name, read: readUnits(size, p.node("ConsistentRead").truth)})
	c.out = append(c.out, '}')
	return nil
}

// projection compiles what of an item is wanted; nil is all.
func (c *call) projection(p params) (*expression.Projection, error) {
	wanted, err := expression.CompileAttributesToGet(p.node("AttributesToGet").texts())
	if err != nil {
		return nil, err
	}
	bound, err := p.bind(c.s.texts)
	if err != nil {
		return nil, err
	}
	if bound.Projection != nil {
		return bound.Projection, nil
	}
	return wanted, nil
}

// appendItem appends a stored item under a name, or without one; only what is wanted of it.
func (c *call) appendItem(name string, stored []byte, wanted *expression.Projection) (err error) {
	c.out = append(c.out, name...)
	if wanted == nil {
		c.out, err = value.AppendStoredJSON(c.out, stored)
		return err
	}
	it, err := value.ReadStored(string(stored))
	if err != nil {
		return err
	}
	c.out = wanted.Project(it).AppendJSON(c.out)
	return nil
}

// comma appends a comma, unless an object begins.
func (c *call) comma() {
	if n := len(c.out); n > 0 && c.out[n-1] != '{' {
		c.out = append(c.out, ',')
	}
}

func putItem(c *call) error {
	p := c.params()
	if err := p.checkMix([]string{"ConditionExpression"}, []string{"Expected"}); err != nil {
		return err
	}
	it := p.node("Item").item
	if err := it.Err(); err != nil {
		return err
	}
	if err := checkReturn(p); err != nil {
		return err
	}
	if it.Size() > table.MaxItemSize {
		return sockgate.Invalidf("Item size has exceeded the maximum allowed size")
	}
	return c.write(p, &table.Write{Op: table.Put, Item: it}, "PutItem")
}

func deleteItem(c *call) error {
	p := c.params()
	if err := p.checkMix([]string{"ConditionExpression"}, []string{"Expected"}); err != nil {
		return err
	}
	key := p.node("Key").item
	if err := key.Err(); err != nil {
		return err
	}
	if err := checkReturn(p); err != nil {
		return err
	}
	return c.write(p, &table.Write{Op: table.Delete, Item: key}, "DeleteItem")
}

// checkReturn checks ReturnValues of operations that know no new values.
func checkReturn(p params) error {
	if r := p.node("ReturnValues"); r.set && r.text != "ALL_OLD" && r.text != "NONE" {
		return sockgate.Invalidf("ReturnValues can only be ALL_OLD or NONE")
	}
	return nil
}

func updateItem(c *call) error {
	p := c.params()
	if err := p.checkMix([]string{"UpdateExpression", "ConditionExpression"}, []string{"AttributeUpdates", "Expected"}); err != nil {
		return err
	}
	key := p.node("Key").item
	if err := key.Err(); err != nil {
		return err
	}
	u, err := p.updates()
	if err != nil {
		return err
	}
	return c.write(p, &table.Write{Op: table.Update, Item: key, Update: u}, "UpdateItem")
}

// write carries out a write of one item and appends the answer.
func (c *call) write(p params, w *table.Write, action string) error {
	cond, err := p.expected()
	if err != nil {
		return err
	}
	bound, err := p.bind(c.s.texts)
	if err != nil {
		return err
	}
	if w.Condition = cond; bound.Condition != nil {
		w.Condition = bound.Condition
	}
	if bound.Update != nil {
		w.Update = bound.Update
	}
	name := c.text("TableName")
	if err := c.allow(action, name, c.leading(name, w.Item)); err != nil {
		return err
	}
	if w.Table, err = c.s.Tables.Table(name); err != nil {
		return err
	}
	if err := checkWrite(w); err != nil {
		return err
	}
	returned := p.node("ReturnValues").text
	w.NeedOld = returned != "" && returned != "NONE"
	if err := c.s.Tables.Write(w); err != nil {
		failed, ok := errors.AsType[*table.ConditionFailed](err)
		if !ok || p.node("ReturnValuesOnConditionCheckFailure").text != "ALL_OLD" {
			return err
		}
		f := describe(err)
		f.item = failed.Item
		return f
	}
	c.out = append(c.out, '{')
	if a := returnedAttributes(returned, w); a != nil {
		c.out = a.AppendJSON(append(c.out, `"Attributes":`...))
	}
	u := &usage{table: name, write: w.Units.Table}
	u.addIndexes(w.Units.Index)
	c.appendCapacity(u)
	c.appendMetrics(p, w)
	c.out = append(c.out, '}')
	return nil
}

// checkWrite makes the checks of a write that need its table, in DynamoDB's order: the key, then what an update changes, then the
// condition's paths.
func checkWrite(w *table.Write) error {
	d := w.Table.Def()
	if w.Op != table.Put {
		if err := d.CheckKey(w.Item); err != nil {
			return err
		}
	} else if w.Condition != nil {
		if err := d.CheckItem(w.Item); err != nil {
			return err
		}
	}
	if w.Op == table.Update {
		if err := d.CheckUpdate(w.Update); err != nil {
			return err
		}
	}
	if w.Condition != nil {
		return d.CheckPaths(w.Condition.Paths)
	}
	return nil
}

// returnedAttributes returns what ReturnValues asks for; nil is nothing.
func returnedAttributes(asked string, w *table.Write) value.Item {
	switch asked {
	case "ALL_OLD":
		return w.Old
	case "ALL_NEW":
		return w.New
	case "UPDATED_OLD":
		if w.Old != nil && w.Update != nil {
			return some(w.Update.Touched(w.Old))
		}
	case "UPDATED_NEW":
		if w.Update != nil {
			return some(w.Update.Touched(w.New))
		}
	}
	return nil
}

// some returns it, or nil when it is empty.
func some(it value.Item) value.Item {
	if len(it) == 0 {
		return nil
	}
	return it
}

// appendMetrics appends ItemCollectionMetrics: of a table with local indexes, the size of all items with the same hash key. It is an
// estimate at AWS, in GB; here the lower bound is 0 and the upper one 1.
func (c *call) appendMetrics(p params, w *table.Write) {
	if p.node("ReturnItemCollectionMetrics").text != "SIZE" {
		return
	}
	if m := appendCollection(nil, w); m != nil {
		c.comma()
		c.out = append(append(c.out, `"ItemCollectionMetrics":`...), m...)
	}
}

// appendCollection appends the metrics of one item's collection; nothing for a table without local indexes.
func appendCollection(b []byte, w *table.Write) []byte {
	d := w.Table.Def()
	for i := range d.Indexes {
		if !d.Indexes[i].Global {
			v, _ := w.Item.Get(d.Key.Hash)
			b = value.Item{{Name: d.Key.Hash, Value: v}}.AppendJSON(append(b, `{"ItemCollectionKey":`...))
			return append(b, `,"SizeEstimateRangeGB":[0,1]}`...)
		}
	}
	return b
}
