package dynamodb

import (
	"crypto/sha256"
	"slices"
	"strings"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/ddb/expression"
	"github.com/sockgate/sockgate/lang/ddb/value"
	"github.com/sockgate/sockgate/service/table"
)

// maxTransaction bounds the items of a transaction together, in bytes. Source: Developer Guide, "Quotas".
const maxTransaction = 4 << 20

// action is one action of a TransactWriteItems.
type action struct {
	name   string // "Put", …
	table  string
	p      params
	w      *table.Write
	oldOut bool // the item is told when its condition fails
}

// permissions are the IAM actions of a transaction's actions.
var permissions = map[string]string{"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}

func transactWriteItems(c *call) error {
	actions, err := c.actions()
	if err != nil {
		return err
	}
	for _, a := range actions {
		if err := c.allow(permissions[a.name], a.table, c.leading(a.table, a.w.Item)); err != nil {
			return err
		}
	}
	ws := make([]*table.Write, len(actions))
	size := 0
	for i, a := range actions {
		if a.w.Table, err = c.s.Tables.Table(a.table); err != nil {
			return err
		}
		ws[i] = a.w
		size += a.w.Item.Size()
	}
	if targetsRepeat(ws) {
		return sockgate.Invalidf("Transaction request cannot include multiple operations on one item")
	}
	if size > maxTransaction {
		return sockgate.Invalidf("Collection size cannot exceed 4 MB")
	}
	if err := checkPaths(actions); err != nil {
		return err
	}
	var token *table.Token
	if t := c.node("ClientRequestToken"); t.set {
		token = &table.Token{Text: t.text, Digest: digest(actions)}
	}
	repeated, err := c.s.Tables.Transact(ws, token)
	if err != nil {
		return toldCancellation(err, actions)
	}
	c.out = append(c.out, '{')
	c.appendCapacities(transactionUsage(actions, repeated))
	if c.text("ReturnItemCollectionMetrics") == "SIZE" {
		c.appendAllMetrics(ws)
	}
	c.out = append(c.out, '}')
	return nil
}

// actions reads and checks the actions, before any table is looked at.
func (c *call) actions() ([]*action, error) {
	var actions []*action
	for i := range c.node("TransactItems").nodes {
		nodes := c.node("TransactItems").nodes[i].nodes
		var a *action
		for j := range nodes {
			if !nodes[j].set {
				continue
			}
			if a != nil {
				return nil, sockgate.Invalidf("TransactItems can only contain one of Check, Put, Update or Delete")
			}
			f := &transactWrite.fields[j]
			a = &action{name: f.name, p: params{f.shape, nodes[j].nodes}}
		}
		if a == nil {
			return nil, sockgate.Invalidf("Invalid Request: TransactWriteRequest should contain Delete or Put or Update request")
		}
		if err := a.read(c); err != nil {
			return nil, err
		}
		actions = append(actions, a)
	}
	return actions, nil
}

func (a *action) read(c *call) error {
	ops := map[string]table.Op{"Put": table.Put, "Update": table.Update, "Delete": table.Delete, "ConditionCheck": table.Check}
	a.table = c.s.tableOf(a.p.node("TableName").text)
	a.oldOut = a.p.node("ReturnValuesOnConditionCheckFailure").text == "ALL_OLD"
	key := a.p.node("Key").item
	if a.name == "Put" {
		key = a.p.node("Item").item
	}
	if err := key.Err(); err != nil {
		return err
	}
	if a.name == "Put" && key.Size() > table.MaxItemSize {
		return sockgate.Invalidf("Item size has exceeded the maximum allowed size")
	}
	expressions := []string{"ConditionExpression"}
	if a.name == "Update" {
		expressions = []string{"UpdateExpression", "ConditionExpression"}
	}
	if err := a.p.checkMix(expressions, nil); err != nil {
		return err
	}
	bound, err := a.p.bind(c.s.texts)
	if err != nil {
		return err
	}
	a.w = &table.Write{Op: ops[a.name], Item: key, Condition: bound.Condition, Update: bound.Update}
	return nil
}

// targetsRepeat reports whether two writes are of one item.
func targetsRepeat(ws []*table.Write) bool {
	seen := map[string]bool{}
	for _, w := range ws {
		d := w.Table.Def()
		text := d.Name + "\x00" + string(d.KeyOf(w.Item).AppendStored(nil))
		if seen[text] {
			return true
		}
		seen[text] = true
	}
	return false
}

func checkPaths(actions []*action) error {
	for _, a := range actions {
		if a.w.Condition == nil {
			continue
		}
		if err := a.w.Table.Def().CheckPaths(a.w.Condition.Paths); err != nil {
			return err
		}
	}
	return nil
}

// toldCancellation leaves out of a cancellation the items that were not asked for.
func toldCancellation(err error, actions []*action) error {
	f := describe(err)
	if f.reasons == nil {
		return err
	}
	f.reasons = slices.Clone(f.reasons)
	for i := range f.reasons {
		if !actions[i].oldOut {
			f.reasons[i].Item = nil
		}
	}
	return f
}

// transactionUsage is what a transaction took: twice of what its writes take. One that had been carried out before takes as much to
// read. Source: Developer Guide, "Amazon DynamoDB Transactions: How it works".
func transactionUsage(actions []*action, repeated bool) []*usage {
	var us usages
	for _, a := range actions {
		u := us.of(a.table)
		if repeated {
			u.transaction = 'r'
			u.read += 2 * readUnits(a.w.Item.Size(), true)
			continue
		}
		u.transaction = 'w'
		u.write += 2 * a.w.Units.Table
		for _, x := range a.w.Units.Index {
			u.addIndex(x.Name, x.Global, 2*x.Units)
		}
	}
	return us.list
}

// digest is the same for two transactions that ask for the same.
func digest(actions []*action) [32]byte {
	var b []byte
	for _, a := range actions {
		b = append(append(b, a.name...), 0)
		b = append(append(b, a.table...), 0)
		b = a.w.Item.AppendStored(b)
		for _, name := range [...]string{"UpdateExpression", "ConditionExpression", "ReturnValuesOnConditionCheckFailure"} {
			b = append(append(b, a.p.node(name).text...), 0)
		}
		b = a.p.node("ExpressionAttributeValues").item.AppendStored(b)
		names := a.p.node("ExpressionAttributeNames")
		order := make([]string, len(names.keys))
		for i, key := range names.keys {
			order[i] = key + "\x00" + names.nodes[i].text
		}
		slices.Sort(order)
		b = append(append(b, strings.Join(order, "\x01")...), 2)
	}
	return sha256.Sum256(b)
}

func transactGetItems(c *call) error {
	type get struct {
		table  string
		key    value.Item
		wanted *expression.Projection
		t      *table.Table
	}
	shape := transactGet.fields[0].shape
	var gets []get
	for _, n := range c.node("TransactItems").nodes {
		if !n.set || !n.nodes[0].set {
			return sockgate.Invalidf("Invalid Request: TransactGetRequest should contain Get request")
		}
		p := params{shape, n.nodes[0].nodes}
		if err := p.checkMix([]string{"ProjectionExpression"}, nil); err != nil {
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
		gets = append(gets, get{table: c.s.tableOf(p.node("TableName").text), key: key, wanted: wanted})
	}
	for i := range gets {
		g := &gets[i]
		if err := c.allow("GetItem", g.table, c.leading(g.table, g.key)); err != nil {
			return err
		}
	}
	seen := map[string]bool{}
	reasons, canceled := make([]table.Reason, len(gets)), false
	for i := range gets {
		g := &gets[i]
		var err error
		if g.t, err = c.s.Tables.Table(g.table); err != nil {
			return err
		}
		text := g.table + "\x00" + string(g.key.AppendStored(nil))
		if seen[text] {
			return sockgate.Invalidf("Transaction request cannot include multiple operations on one item")
		}
		seen[text] = true
		reasons[i].Code = "None"
		if err := g.t.Def().CheckKey(g.key); err != nil {
			if _, mismatch := err.(*table.Mismatch); !mismatch {
				return err
			}
			reasons[i], canceled = table.Reason{Code: "ValidationError", Message: err.Error()}, true
		}
	}
	if canceled {
		return &table.Canceled{Reasons: reasons}
	}
	snapshot := c.s.Tables.Snapshot()
	defer snapshot.Close()
	c.out = append(c.out, `{"Responses":[`...)
	var us usages
	size := 0
	for i, g := range gets {
		if i > 0 {
			c.out = append(c.out, ',')
		}
		c.out = append(c.out, '{')
		found := 0
		err := snapshot.Get(g.t, g.key, func(stored []byte, n int) error {
			found = n
			return c.appendItem(`"Item":`, stored, g.wanted)
		})
		if err != nil {
			return err
		}
		c.out = append(c.out, '}')
		if size += found; size > maxTransaction {
			return sockgate.Invalidf("Collection size cannot exceed 4 MB")
		}
		u := us.of(g.table)
		u.transaction = 'r'
		u.read += 2 * readUnits(found, true)
	}
	c.out = append(c.out, ']')
	c.appendCapacities(us.list)
	c.out = append(c.out, '}')
	return nil
}
