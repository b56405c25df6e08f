package dynamodb

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/awswire"
	"github.com/sockgate/sockgate/lang/ddb/value"
	"github.com/sockgate/sockgate/service/table"
)

// maxUnits bounds provisioned capacity. Source: dynalite's tests.
const maxUnits = 1000000000000

var kinds = map[string]value.Kind{"S": value.S, "N": value.N, "B": value.B}

func createTable(c *call) error {
	d, err := newDefinition(c.params())
	if err != nil {
		return err
	}
	if err := c.allow("CreateTable", d.Name, nil); err != nil {
		return err
	}
	d, err = c.s.Tables.Create(d)
	if err != nil {
		return err
	}
	return c.tell("TableDescription", c.s.describe(d))
}

// tell appends an answer of one member.
func (c *call) tell(name string, v any) error {
	b, err := awswire.EncodeJSON(map[string]any{name: v})
	c.out = append(c.out, b...)
	return err
}

// newDefinition reads and checks a CreateTable, in DynamoDB's order. Source: dynalite's tests.
func newDefinition(p params) (*table.Definition, error) {
	d := &table.Definition{Name: p.node("TableName").text, Billing: table.Provisioned, Class: p.node("TableClass").text,
		Protected: p.node("DeletionProtectionEnabled").truth}
	if b := p.node("BillingMode"); b.set {
		d.Billing = b.text
	}
	units := p.node("ProvisionedThroughput")
	if err := checkBilling(d.Billing, units.set); err != nil {
		return nil, err
	}
	var err error
	if d.Throughput, err = readThroughput(units, ""); err != nil {
		return nil, err
	}
	d.Attributes = readAttributes(p.node("AttributeDefinitions"))
	for i, a := range d.Attributes {
		if slices.ContainsFunc(d.Attributes[:i], func(b table.Attribute) bool { return b.Name == a.Name }) {
			return nil, invalid("Duplicate attribute name in AttributeDefinitions: %s", a.Name) // the words are ours
		}
	}
	local, global := p.node("LocalSecondaryIndexes"), p.node("GlobalSecondaryIndexes")
	if d.Key, err = readTableKey(d, p.node("KeySchema").nodes, local.set || global.set); err != nil {
		return nil, err
	}
	if err := readLocals(d, local); err != nil {
		return nil, err
	}
	if err := readGlobals(d, global); err != nil {
		return nil, err
	}
	if err := checkUsed(d); err != nil {
		return nil, err
	}
	if err := readStream(d, p.node("StreamSpecification")); err != nil {
		return nil, err
	}
	if err := readOnDemand(d, p.node("OnDemandThroughput")); err != nil {
		return nil, err
	}
	readEncryption(d, p.node("SSESpecification"))
	if d.Tags, err = readTags(p.node("Tags"), nil); err != nil {
		return nil, err
	}
	return d, nil
}

func checkBilling(mode string, units bool) error {
	switch {
	case mode == table.Provisioned && !units:
		return invalid("ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
	case mode == table.PayPerRequest && units:
		return invalid("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
	}
	return nil
}

// readThroughput reads provisioned capacity; index is "" for a table's.
func readThroughput(n *node, index string) (table.Throughput, error) {
	if !n.set {
		return table.Throughput{}, nil
	}
	t := table.Throughput{Write: n.nodes[0].n, Read: n.nodes[1].n}
	of := ""
	if index != "" {
		of = " for index " + index
	}
	if t.Read > maxUnits {
		return t, sockgate.Invalidf("Given value %d for ReadCapacityUnits is out of bounds%s", t.Read, of)
	}
	if t.Write > maxUnits {
		return t, sockgate.Invalidf("Given value %d for WriteCapacityUnits is out of bounds%s", t.Write, of)
	}
	return t, nil
}

func readAttributes(n *node) []table.Attribute {
	var as []table.Attribute
	for _, a := range n.nodes {
		if a.set {
			as = append(as, table.Attribute{Name: a.nodes[0].text, Kind: kinds[a.nodes[1].text]})
		}
	}
	return as
}

// schemaNames returns the names in a key schema.
func schemaNames(elements []node) []string {
	var names []string
	for i := range elements {
		if elements[i].set {
			names = append(names, elements[i].nodes[0].text)
		}
	}
	return names
}

func attributeNames(d *table.Definition) []string {
	var names []string
	for _, a := range d.Attributes {
		names = append(names, a.Name)
	}
	return names
}

func undefined(d *table.Definition, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return d.Kind(name) == value.Absent })
}

func readTableKey(d *table.Definition, elements []node, indexed bool) (table.Key, error) {
	names := schemaNames(elements)
	lacking := undefined(d, names)
	if lacking && d.Billing == table.PayPerRequest || len(names) > len(d.Attributes) {
		return table.Key{}, sockgate.Invalidf("Invalid KeySchema: Some index key attribute have no definition")
	}
	if lacking {
		return table.Key{}, errUndefined(d, names)
	}
	k, err := readKey(elements)
	if err != nil {
		return k, err
	}
	if !indexed && len(names) != len(d.Attributes) {
		return k, invalid("Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions")
	}
	return k, nil
}

func errUndefined(d *table.Definition, names []string) error {
	return invalid("Some index key attributes are not defined in AttributeDefinitions. Keys: [%s], AttributeDefinitions: [%s]",
		strings.Join(names, ", "), strings.Join(attributeNames(d), ", "))
}

// readKey reads a key schema whose attributes are defined.
func readKey(elements []node) (k table.Key, err error) {
	names := schemaNames(elements)
	if len(names) == 2 && names[0] == names[1] {
		return k, sockgate.Invalidf("Both the Hash Key and the Range Key element in the KeySchema have the same name")
	}
	if elements[0].nodes[1].text != "HASH" {
		return k, sockgate.Invalidf("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
	}
	k.Hash = names[0]
	if len(names) == 2 {
		if elements[1].nodes[1].text != "RANGE" {
			return k, sockgate.Invalidf("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
		}
		k.Range = names[1]
	}
	return k, nil
}

func readLocals(d *table.Definition, n *node) error {
	if !n.set {
		return nil
	}
	if len(n.nodes) == 0 {
		return invalid("List of LocalSecondaryIndexes is empty")
	}
	if d.Key.Range == "" {
		return invalid("Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex")
	}
	for i := range n.nodes {
		x, err := readIndex(d, localIndex, n.nodes[i].nodes, true)
		if err != nil {
			return err
		}
		d.Indexes = append(d.Indexes, x)
	}
	if len(n.nodes) > table.MaxLocal {
		return invalid("Number of LocalSecondaryIndexes exceeds per-table limit of 5")
	}
	return nil
}

func readGlobals(d *table.Definition, n *node) error {
	if !n.set {
		return nil
	}
	if len(n.nodes) == 0 {
		return invalid("List of GlobalSecondaryIndexes is empty")
	}
	for i := range n.nodes {
		x, err := readIndex(d, globalIndex, n.nodes[i].nodes, false)
		if err != nil {
			return err
		}
		d.Indexes = append(d.Indexes, x)
	}
	if len(n.nodes) > table.MaxGlobal {
		return invalid("GlobalSecondaryIndex count exceeds the per-table limit of 20")
	}
	if d.Billing == table.Provisioned {
		for i := range n.nodes {
			if !in(globalIndex, n.nodes[i].nodes, "ProvisionedThroughput").set {
				return invalid("ProvisionedThroughput must be specified for index: %s", in(globalIndex, n.nodes[i].nodes, "IndexName").text)
			}
		}
	}
	return nil
}

// readIndex reads an index of d, whose earlier indexes are there already.
func readIndex(d *table.Definition, s *shape, nodes []node, local bool) (x table.Index, err error) {
	x = table.Index{Name: in(s, nodes, "IndexName").text, Global: !local}
	elements := in(s, nodes, "KeySchema").nodes
	names := schemaNames(elements)
	if undefined(d, names) {
		return x, errUndefined(d, names)
	}
	if x.Key, err = readKey(elements); err != nil {
		return x, err
	}
	if local && x.Key.Range == "" {
		return x, invalid("Index KeySchema does not have a range key for index: %s", x.Name)
	}
	if local && x.Key.Hash != d.Key.Hash {
		return x, invalid("Index KeySchema does not have the same leading hash key as table KeySchema for index: %s. index hash key: %s, table hash key: %s",
			x.Name, x.Key.Hash, d.Key.Hash)
	}
	pr := in(s, nodes, "Projection").nodes
	x.Projection, x.NonKey = pr[0].text, pr[1].texts()
	switch {
	case !pr[0].set:
		return x, invalid("Unknown ProjectionType: null")
	case pr[1].set && x.Projection != "INCLUDE":
		return x, invalid("ProjectionType is %s, but NonKeyAttributes is specified", x.Projection)
	case !pr[1].set && x.Projection == "INCLUDE":
		return x, invalid("ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
	}
	if d.Index(x.Name) != nil {
		return x, invalid("Duplicate index name: %s", x.Name)
	}
	units := in(s, nodes, "ProvisionedThroughput")
	if units.set && d.Billing == table.PayPerRequest {
		return x, invalid("ProvisionedThroughput should not be specified for index: %s when BillingMode is PAY_PER_REQUEST", x.Name)
	}
	if od := in(s, nodes, "OnDemandThroughput"); od.set {
		x.MaxRead, x.MaxWrite = od.nodes[0].n, od.nodes[1].n
	}
	x.Throughput, err = readThroughput(units, x.Name)
	return x, err
}

// checkUsed checks that no attribute is defined that no key has.
func checkUsed(d *table.Definition) error {
	used := map[string]bool{d.Key.Hash: true}
	if d.Key.Range != "" {
		used[d.Key.Range] = true
	}
	for _, x := range d.Indexes {
		used[x.Key.Hash] = true
		if x.Key.Range != "" {
			used[x.Key.Range] = true
		}
	}
	if len(used) != len(d.Attributes) {
		var keys []string
		for name := range used {
			keys = append(keys, name)
		}
		slices.Sort(keys)
		return invalid("Some AttributeDefinitions are not used. AttributeDefinitions: [%s], keys used: [%s]",
			strings.Join(attributeNames(d), ", "), strings.Join(keys, ", "))
	}
	return nil
}

func readStream(d *table.Definition, n *node) error {
	if !n.set {
		return nil
	}
	on, view := n.nodes[0].truth, n.nodes[1]
	switch {
	case on && !view.set:
		return invalid("StreamViewType cannot be null when StreamEnabled is true")
	case !on && view.set:
		return invalid("StreamViewType cannot be specified when StreamEnabled is false")
	case on:
		d.Streams = []table.Stream{{View: view.text}}
	}
	return nil
}

func readOnDemand(d *table.Definition, n *node) error {
	if !n.set {
		return nil
	}
	if d.Billing == table.Provisioned {
		name := "MaxReadRequestUnits"
		if !n.nodes[0].set {
			name = "MaxWriteRequestUnits"
		}
		return invalid("%s for OnDemandThroughput cannot be specified when the table BillingMode is PROVISIONED", name)
	}
	if n.nodes[0].set {
		d.MaxRead = n.nodes[0].n
	}
	if n.nodes[1].set {
		d.MaxWrite = n.nodes[1].n
	}
	return nil
}

func readEncryption(d *table.Definition, n *node) {
	if n.set {
		d.SSE, d.KMSKey = n.nodes[0].truth, n.nodes[2].text
	}
}

func describeTable(c *call) error {
	name := c.text("TableName")
	if err := c.allow("DescribeTable", name, nil); err != nil {
		return err
	}
	d, err := c.s.Tables.Describe(c.ctx, name)
	if err != nil {
		return err
	}
	return c.tell("Table", c.s.describe(d))
}

func deleteTable(c *call) error {
	name := c.text("TableName")
	if err := c.allow("DeleteTable", name, nil); err != nil {
		return err
	}
	d, err := c.s.Tables.Delete(name)
	if err != nil {
		return err
	}
	return c.tell("TableDescription", c.s.describe(d))
}

func listTables(c *call) error {
	if !c.req.Principal.Root {
		if err := c.req.Allowed("dynamodb:ListTables", []string{"*"}, nil); err != nil {
			return err
		}
	}
	most := 100
	if l := c.node("Limit"); l.set {
		most = int(l.n)
	}
	names := c.s.Tables.Names()
	if start := c.text("ExclusiveStartTableName"); start != "" {
		i, found := slices.BinarySearch(names, start)
		if found {
			i++
		}
		names = names[i:]
	}
	answer := struct {
		TableNames             []string
		LastEvaluatedTableName string `json:",omitempty"`
	}{TableNames: names}
	if len(names) > most {
		answer.TableNames, answer.LastEvaluatedTableName = names[:most], names[most-1]
	}
	b, err := awswire.EncodeJSON(answer)
	c.out = b
	return err
}

// unixTime is a time as DynamoDB tells it: seconds since 1970, with milliseconds.
type unixTime time.Time

// MarshalJSON writes the time as a number.
func (t unixTime) MarshalJSON() ([]byte, error) {
	ms := time.Time(t).UnixMilli()
	return fmt.Appendf(nil, "%d.%03d", ms/1000, ms%1000), nil
}

// tellAll appends an answer of several members.
func (c *call) tellAll(o object) error {
	b, err := awswire.EncodeJSON(o)
	c.out = append(c.out, b...)
	return err
}
