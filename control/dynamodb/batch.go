package dynamodb

import (
	"slices"
	"strings"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/ddb/expression"
	"github.com/sockgate/sockgate/lang/ddb/value"
	"github.com/sockgate/sockgate/service/table"
)

const (
	maxBatchKeys   = 100
	maxBatchWrites = 25
	// maxBatchRead bounds what a BatchGetItem returns, in bytes. Source: the API reference's page of BatchGetItem.
	maxBatchRead = 16 << 20
)

func errDuplicates() error {
	return sockgate.Invalidf("Provided list of item keys contains duplicates")
}

// tableGet is what a BatchGetItem asks of one table.
type tableGet struct {
	name   string
	t      *table.Table
	p      params
	keys   []value.Item
	wanted *expression.Projection
	left   []value.Item // unprocessed
}

func batchGetItem(c *call) error {
	gets, err := c.tableGets()
	if err != nil {
		return err
	}
	for _, g := range gets {
		if err := c.allow("BatchGetItem", g.name, c.leading(g.name, g.keys...)); err != nil {
			return err
		}
	}
	for _, g := range gets {
		if g.t, err = c.s.Tables.Table(g.name); err != nil {
			return err
		}
		for _, key := range g.keys {
			if err := g.t.Def().CheckKey(key); err != nil {
				return err
			}
		}
		if g.wanted != nil {
			if err := g.t.Def().CheckPaths(g.wanted.Paths); err != nil {
				return err
			}
		}
	}
	return c.answerGets(gets)
}

// tableGets reads and checks what is asked, before any table is looked at.
func (c *call) tableGets() ([]*tableGet, error) {
	n := c.node("RequestItems")
	var gets []*tableGet
	total := 0
	for i, name := range n.keys {
		if !n.nodes[i].set {
			continue
		}
		g := &tableGet{name: c.s.tableOf(name), p: params{keysAndAttributes, n.nodes[i].nodes}}
		if err := g.p.checkMix([]string{"ProjectionExpression"}, []string{"AttributesToGet"}); err != nil {
			return nil, err
		}
		for _, k := range g.p.node("Keys").nodes {
			if err := k.item.Err(); err != nil {
				return nil, err
			}
			g.keys = append(g.keys, k.item)
		}
		var err error
		if g.wanted, err = c.projection(g.p); err != nil {
			return nil, err
		}
		if repeated(g.keys) {
			return nil, errDuplicates()
		}
		if total += len(g.keys); total > maxBatchKeys {
			return nil, sockgate.Invalidf("Too many items requested for the BatchGetItem call")
		}
		gets = append(gets, g)
	}
	return gets, nil
}

// repeated reports whether a list has the same item twice.
func repeated(items []value.Item) bool {
	seen := make(map[string]bool, len(items))
	for _, it := range items {
		text := string(it.AppendStored(nil))
		if seen[text] {
			return true
		}
		seen[text] = true
	}
	return false
}

func (c *call) answerGets(gets []*tableGet) error {
	c.out = append(c.out, `{"Responses":{`...)
	var us usages
	size := 0
	for i, g := range gets {
		if i > 0 {
			c.out = append(c.out, ',')
		}
		c.out = append(appendText(c.out, g.name), ':', '[')
		first := true
		consistent := g.p.node("ConsistentRead").truth
		for _, key := range g.keys {
			if size >= maxBatchRead {
				g.left = append(g.left, key)
				continue
			}
			found := 0
			err := g.t.Get(key, func(stored []byte, n int) error {
				found = n
				if !first {
					c.out = append(c.out, ',')
				}
				first = false
				return c.appendItem("", stored, g.wanted)
			})
			if err != nil {
				return err
			}
			size += found
			us.of(g.name).read += readUnits(found, consistent)
		}
		c.out = append(c.out, ']')
	}
	c.out = append(c.out, `},"UnprocessedKeys":{`...)
	c.appendLeft(gets)
	c.out = append(c.out, '}')
	c.appendCapacities(us.list)
	c.out = append(c.out, '}')
	return nil
}

// appendLeft appends what of each table was not read, in the form of a request for it.
func (c *call) appendLeft(gets []*tableGet) {
	first := true
	for _, g := range gets {
		if len(g.left) == 0 {
			continue
		}
		if !first {
			c.out = append(c.out, ',')
		}
		first = false
		c.out = append(appendText(c.out, g.name), `:{"Keys":[`...)
		for i, key := range g.left {
			if i > 0 {
				c.out = append(c.out, ',')
			}
			c.out = key.AppendJSON(c.out)
		}
		c.out = append(c.out, ']')
		if g.p.node("ConsistentRead").truth {
			c.out = append(c.out, `,"ConsistentRead":true`...)
		}
		if names := g.p.node("AttributesToGet"); names.set {
			c.out = append(c.out, `,"AttributesToGet":[`...)
			for i, name := range names.texts() {
				if i > 0 {
					c.out = append(c.out, ',')
				}
				c.out = appendText(c.out, name)
			}
			c.out = append(c.out, ']')
		}
		if e := g.p.node("ProjectionExpression"); e.set {
			c.out = appendText(append(c.out, `,"ProjectionExpression":`...), e.text)
		}
		if names := g.p.node("ExpressionAttributeNames"); names.set {
			c.out = append(c.out, `,"ExpressionAttributeNames":{`...)
			for i, key := range names.keys {
				if i > 0 {
					c.out = append(c.out, ',')
				}
				c.out = appendText(append(appendText(c.out, key), ':'), names.nodes[i].text)
			}
			c.out = append(c.out, '}')
		}
		c.out = append(c.out, '}')
	}
}

func batchWriteItem(c *call) error {
	ws, names, err := c.batchWrites()
	if err != nil {
		return err
	}
	for i, w := range ws {
		if err := c.allow("BatchWriteItem", names[i], c.leading(names[i], w.Item)); err != nil {
			return err
		}
	}
	for i, w := range ws {
		if w.Table, err = c.s.Tables.Table(names[i]); err != nil {
			return err
		}
	}
	for i, w := range ws {
		if err := checkBatchWrite(w); err != nil {
			return err
		}
		key := w.Table.Def().KeyOf(w.Item)
		for j := range i {
			if ws[j].Table == w.Table && value.Equal(value.Map(key), value.Map(w.Table.Def().KeyOf(ws[j].Item))) {
				return errDuplicates()
			}
		}
	}
	if err := c.s.Tables.WriteAll(ws); err != nil {
		return err
	}
	c.out = append(c.out, `{"UnprocessedItems":{}`...)
	c.appendAllMetrics(ws)
	var us usages
	for i, w := range ws {
		u := us.of(names[i])
		u.write += w.Units.Table
		u.addIndexes(w.Units.Index)
	}
	c.appendCapacities(us.list)
	c.out = append(c.out, '}')
	return nil
}

// checkBatchWrite checks a write's key. Of an item's table key, a batch only says that it does not match.
func checkBatchWrite(w *table.Write) error {
	d := w.Table.Def()
	if w.Op == table.Delete {
		return d.CheckKey(w.Item)
	}
	err := d.CheckItem(w.Item)
	if err != nil && (strings.Contains(err.Error(), "Missing the key") || strings.Contains(err.Error(), "Type mismatch for key")) {
		return sockgate.Invalidf("The provided key element does not match the schema")
	}
	return err
}

// batchWrites reads and checks what is to be written, before any table is looked at.
func (c *call) batchWrites() (ws []*table.Write, names []string, err error) {
	n := c.node("RequestItems")
	for i, name := range n.keys {
		for j := range n.nodes[i].nodes {
			w, err := batchWrite(n.nodes[i].nodes[j].nodes)
			if err != nil {
				return nil, nil, err
			}
			ws, names = append(ws, w), append(names, c.s.tableOf(name))
		}
	}
	if len(ws) > maxBatchWrites {
		return nil, nil, sockgate.Invalidf("Too many items requested for the BatchWriteItem call")
	}
	return ws, names, nil
}

func batchWrite(nodes []node) (*table.Write, error) {
	if nodes == nil {
		nodes = make([]node, len(writeRequest.fields))
	}
	put, del := in(writeRequest, nodes, "PutRequest"), in(writeRequest, nodes, "DeleteRequest")
	if put.set == del.set {
		return nil, sockgate.Invalidf("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
	}
	if del.set {
		key := del.nodes[0].item
		return &table.Write{Op: table.Delete, Item: key}, key.Err()
	}
	it := put.nodes[0].item
	if err := it.Err(); err != nil {
		return nil, err
	}
	if it.Size() > table.MaxItemSize {
		return nil, sockgate.Invalidf("Item size has exceeded the maximum allowed size")
	}
	return &table.Write{Op: table.Put, Item: it}, nil
}

// appendAllMetrics appends ItemCollectionMetrics by table, when it was asked for.
func (c *call) appendAllMetrics(ws []*table.Write) {
	if c.text("ReturnItemCollectionMetrics") != "SIZE" {
		return
	}
	byTable := map[string][][]byte{}
	var order []string
	for _, w := range ws {
		m := appendCollection(nil, w)
		name := w.Table.Def().Name
		if m == nil || slices.ContainsFunc(byTable[name], func(o []byte) bool { return string(o) == string(m) }) {
			continue
		}
		if byTable[name] == nil {
			order = append(order, name)
		}
		byTable[name] = append(byTable[name], m)
	}
	c.comma()
	c.out = append(c.out, `"ItemCollectionMetrics":{`...)
	for i, name := range order {
		if i > 0 {
			c.out = append(c.out, ',')
		}
		c.out = append(appendText(c.out, name), ':', '[')
		for j, m := range byTable[name] {
			if j > 0 {
				c.out = append(c.out, ',')
			}
			c.out = append(c.out, m...)
		}
		c.out = append(c.out, ']')
	}
	c.out = append(c.out, '}')
}
