package dynamodb

import (
	"slices"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/ddb/value"
	"github.com/sockgate/sockgate/service/table"
)

func updateTable(c *call) error {
	p := c.params()
	if err := checkUpdateTable(p); err != nil {
		return err
	}
	name := c.text("TableName")
	if err := c.allow("UpdateTable", name, nil); err != nil {
		return err
	}
	d, err := c.s.Tables.Change(name, func(d *table.Definition) error { return c.edit(p, d) })
	if err != nil {
		return err
	}
	return c.tell("TableDescription", c.s.describe(d))
}

// checkUpdateTable makes the checks of an UpdateTable that need no table. Source: dynalite's tests.
func checkUpdateTable(p params) error {
	units, indexes := p.node("ProvisionedThroughput"), p.node("GlobalSecondaryIndexUpdates")
	others := p.given([]string{"BillingMode", "StreamSpecification", "SSESpecification", "TableClass", "DeletionProtectionEnabled", "OnDemandThroughput", "ReplicaUpdates"})
	if !units.set && len(indexes.nodes) == 0 && len(others) == 0 {
		return sockgate.Invalidf("At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or " +
			"SSESpecification or ReplicaUpdates is required")
	}
	if p.node("ReplicaUpdates").set {
		return sockgate.Invalidf("Replicas of tables are not built")
	}
	if _, err := readThroughput(units, ""); err != nil {
		return err
	}
	if p.node("BillingMode").text == table.PayPerRequest && units.set {
		return checkBilling(table.PayPerRequest, true)
	}
	seen := map[string]bool{}
	for _, n := range indexes.nodes {
		name := ""
		for i, action := range n.nodes {
			if action.set && name != "" { // the words are ours
				return invalid("Only one of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete may be given")
			}
			if action.set {
				name = in(globalUpdates.elem.fields[i].shape, action.nodes, "IndexName").text
			}
		}
		if name == "" {
			return invalid("One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete must not be null")
		}
		if seen[name] {
			return invalid("Only one global secondary index update per index is allowed simultaneously. Index: %s", name)
		}
		seen[name] = true
	}
	return nil
}

// edit carries out an UpdateTable on a definition.
func (c *call) edit(p params, d *table.Definition) error {
	if d.Status != table.Active {
		doing := map[string]string{table.Creating: "created", table.Updating: "updated", table.Deleting: "deleted"}[d.Status]
		return &table.InUse{Message: "Attempt to change a resource which is still in use: Table is being " + doing + ": " + d.Name}
	}
	d.Pending = &table.Change{}
	if err := editBilling(p, d); err != nil {
		return err
	}
	if err := editThroughput(p.node("ProvisionedThroughput"), d, c.s.Clock()); err != nil {
		return err
	}
	if n := p.node("AttributeDefinitions"); n.set {
		if err := editAttributes(d, readAttributes(n)); err != nil {
			return err
		}
	}
	updates := p.node("GlobalSecondaryIndexUpdates").nodes
	if made := slices.DeleteFunc(slices.Clone(updates), func(n node) bool { return n.nodes[0].set }); len(made) > 1 {
		return errOneIndex()
	}
	for _, n := range updates {
		if err := checkDefined(p, n.nodes[1]); err != nil {
			return err
		}
		if err := editIndex(d, n.nodes); err != nil {
			return err
		}
	}
	d.DropUnused()
	if err := c.editStream(p.node("StreamSpecification"), d); err != nil {
		return err
	}
	if n := p.node("DeletionProtectionEnabled"); n.set {
		d.Protected = n.truth
	}
	if n := p.node("TableClass"); n.set {
		d.Class = n.text
	}
	readEncryption(d, p.node("SSESpecification"))
	if n := p.node("OnDemandThroughput"); n.set {
		if err := readOnDemand(d, n); err != nil {
			return err
		}
	}
	c.s.Tables.Settling(d)
	return nil
}

func editBilling(p params, d *table.Definition) error {
	mode := p.node("BillingMode")
	if !mode.set {
		if p.node("ProvisionedThroughput").set {
			return checkBilling(d.Billing, true)
		}
		return nil
	}
	if mode.text == table.Provisioned && d.Billing != table.Provisioned && !p.node("ProvisionedThroughput").set {
		return checkBilling(table.Provisioned, false)
	}
	d.Pending.Billing = mode.text
	return nil
}

// editThroughput asks for other units; the ones there are shown until the update is done.
func editThroughput(n *node, d *table.Definition, now time.Time) error {
	if !n.set {
		return nil
	}
	to, err := readThroughput(n, "")
	if err != nil {
		return err
	}
	if d.Billing == table.Provisioned && to.Read == d.Throughput.Read && to.Write == d.Throughput.Write {
		return errSameUnits("", d.Throughput, to)
	}
	d.Pending.Throughput = &to
	markChange(&d.Throughput, to, now)
	return nil
}

// markChange notes when a change of units was asked for.
func markChange(has *table.Throughput, to table.Throughput, now time.Time) {
	if to.Read < has.Read || to.Write < has.Write {
		has.Decreased = now
	} else {
		has.Increased = now
	}
}

func errSameUnits(index string, has, wants table.Throughput) error {
	what := "table"
	if index != "" {
		what = "index " + index
	}
	return sockgate.Invalidf("The provisioned throughput for the %s will not change. The requested value equals the current value. "+
		"Current ReadCapacityUnits provisioned for the %s: %d. Requested ReadCapacityUnits: %d. "+
		"Current WriteCapacityUnits provisioned for the %s: %d. Requested WriteCapacityUnits: %d. "+
		"Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.",
		what, what, has.Read, wants.Read, what, has.Write, wants.Write)
}

// editAttributes adds attribute definitions; those of attributes that are keys already must be the same.
func editAttributes(d *table.Definition, as []table.Attribute) error {
	for _, a := range as {
		switch k := d.Kind(a.Name); k {
		case a.Kind:
		case value.Absent:
			d.Attributes = append(d.Attributes, a)
		default:
			return invalid("Attributes cannot be redefined. Please check that your attribute has the same type as previously defined. "+
				"Existing schema: Schema:[SchemaElement: key{%s:%s:HASH}] New schema: Schema:[SchemaElement: key{%s:%s:HASH}]", a.Name, k, a.Name, a.Kind)
		}
	}
	return nil
}

// checkDefined checks that a new index's attributes are defined in the same request, even those that the table knows already.
// Source: the alternator tests.
func checkDefined(p params, create node) error {
	if !create.set {
		return nil
	}
	given := &table.Definition{Attributes: readAttributes(p.node("AttributeDefinitions"))}
	if names := schemaNames(in(createGlobalIndex, create.nodes, "KeySchema").nodes); undefined(given, names) {
		return errUndefined(given, names)
	}
	return nil
}

// editIndex carries out one of GlobalSecondaryIndexUpdates: its members are Update, Create and Delete.
func editIndex(d *table.Definition, actions []node) error {
	update, create, del := actions[0], actions[1], actions[2]
	switch {
	case create.set:
		return createIndex(d, create.nodes)
	case del.set:
		name := in(deleteGlobalIndex, del.nodes, "IndexName").text
		x := d.Index(name)
		if x == nil || !x.Global {
			return sockgate.NotFoundf("Requested resource not found")
		}
		x.Status, x.Backfilling = table.Deleting, false
		return nil
	}
	name := in(updateGlobalIndex, update.nodes, "IndexName").text
	x := d.Index(name)
	if x == nil || !x.Global {
		if _, err := readThroughput(in(updateGlobalIndex, update.nodes, "ProvisionedThroughput"), name); err != nil {
			return sockgate.Invalidf("This operation cannot be performed with given input values. Please contact DynamoDB service team for " +
				"more info: Action Blocked: IndexUpdate")
		}
		return sockgate.NotFoundf("Requested resource not found")
	}
	if od := in(updateGlobalIndex, update.nodes, "OnDemandThroughput"); od.set {
		x.MaxRead, x.MaxWrite = od.nodes[0].n, od.nodes[1].n
	}
	units := in(updateGlobalIndex, update.nodes, "ProvisionedThroughput")
	if !units.set {
		return nil
	}
	to, err := readThroughput(units, name)
	if err != nil {
		return err
	}
	if to.Read == x.Throughput.Read && to.Write == x.Throughput.Write {
		return errSameUnits(name, x.Throughput, to)
	}
	if d.Pending.Indexes == nil {
		d.Pending.Indexes = make(map[string]table.Throughput)
	}
	d.Pending.Indexes[name] = to
	x.Status = table.Updating
	return nil
}

func errOneIndex() error {
	return &table.LimitExceeded{Message: "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table"}
}

func createIndex(d *table.Definition, nodes []node) error {
	name := in(createGlobalIndex, nodes, "IndexName").text
	if d.Index(name) != nil {
		return sockgate.Invalidf("Attempting to create an index which already exists")
	}
	globals := 0
	for _, x := range d.Indexes {
		if x.Global {
			globals++
		}
	}
	if globals >= table.MaxGlobal {
		return invalid("GlobalSecondaryIndex count exceeds the per-table limit of 20")
	}
	x, err := readIndex(d, createGlobalIndex, nodes, false)
	if err != nil {
		return err
	}
	if d.Billing == table.Provisioned && d.Pending.Billing == "" && !in(createGlobalIndex, nodes, "ProvisionedThroughput").set {
		return invalid("ProvisionedThroughput must be specified for index: %s", name)
	}
	if slices.ContainsFunc(d.Indexes, func(x table.Index) bool { return x.Backfilling }) {
		return errOneIndex()
	}
	d.NewIndex(x)
	return nil
}

func (c *call) editStream(n *node, d *table.Definition) error {
	if !n.set {
		return nil
	}
	on, view := n.nodes[0].truth, n.nodes[1]
	switch {
	case on && !view.set:
		return invalid("StreamViewType cannot be null when StreamEnabled is true")
	case !on && view.set:
		return invalid("StreamViewType cannot be specified when StreamEnabled is false")
	case on && d.Stream() != nil:
		return sockgate.Invalidf("Table already has an enabled stream: TableName: %s", d.Name)
	case !on && d.Stream() == nil:
		return sockgate.Invalidf("Table has no stream to disable: TableName: %s", d.Name)
	case on:
		c.s.Tables.StartStream(d, view.text)
	default:
		c.s.Tables.StopStream(d)
	}
	return nil
}
