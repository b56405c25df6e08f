package dynamodb

import (
	"strconv"

	"github.com/sockgate/sockgate/service/table"
)

// usage is what an operation took of one table's capacity, in units.
type usage struct {
	table         string
	read, write   float64 // of the table itself
	local, global []indexUsage
	transaction   byte // 'r' or 'w': whose units are told by their kind as well
}

type indexUsage struct {
	name  string
	units float64
}

// readUnits is what reading an item of size bytes takes: one unit for each 4 KB begun, half of it when a stale answer is good enough.
// An item that is not there takes as much as a small one. Source: Developer Guide, "Capacity unit consumption for read operations".
func readUnits(size int, consistent bool) float64 {
	units := float64(max(1, (size+4095)/4096))
	if !consistent {
		units /= 2
	}
	return units
}

func (u *usage) total() float64 {
	total := u.read + u.write
	for _, x := range u.local {
		total += x.units
	}
	for _, x := range u.global {
		total += x.units
	}
	return total
}

// addIndexes adds what a write took of indexes.
func (u *usage) addIndexes(xs []table.IndexUnits) {
	for _, x := range xs {
		u.addIndex(x.Name, x.Global, x.Units)
	}
}

func (u *usage) addIndex(name string, global bool, units float64) {
	list := &u.local
	if global {
		list = &u.global
	}
	for i := range *list {
		if (*list)[i].name == name {
			(*list)[i].units += units
			return
		}
	}
	*list = append(*list, indexUsage{name, units})
}

// appendCapacity appends ConsumedCapacity when it was asked for.
func (c *call) appendCapacity(u *usage) {
	asked := c.text("ReturnConsumedCapacity")
	if asked != "TOTAL" && asked != "INDEXES" {
		return
	}
	c.comma()
	c.out = appendUsage(append(c.out, `"ConsumedCapacity":`...), u, asked == "INDEXES")
}

// appendCapacities appends ConsumedCapacity of several tables when it was asked for.
func (c *call) appendCapacities(us []*usage) {
	asked := c.text("ReturnConsumedCapacity")
	if asked != "TOTAL" && asked != "INDEXES" {
		return
	}
	c.comma()
	c.out = append(c.out, `"ConsumedCapacity":[`...)
	for i, u := range us {
		if i > 0 {
			c.out = append(c.out, ',')
		}
		c.out = appendUsage(c.out, u, asked == "INDEXES")
	}
	c.out = append(c.out, ']')
}

func appendUsage(b []byte, u *usage, indexes bool) []byte {
	b = appendText(append(b, `{"TableName":`...), u.table)
	b = appendUnits(append(b, ','), u, u.total())
	if indexes {
		b = appendUnits(append(b, `,"Table":{`...), u, u.read+u.write)
		b = append(b, '}')
		b = appendIndexUsage(b, `,"LocalSecondaryIndexes":{`, u, u.local)
		b = appendIndexUsage(b, `,"GlobalSecondaryIndexes":{`, u, u.global)
	}
	return append(b, '}')
}

func appendUnits(b []byte, u *usage, units float64) []byte {
	b = appendFloat(append(b, `"CapacityUnits":`...), units)
	switch u.transaction {
	case 'r':
		b = appendFloat(append(b, `,"ReadCapacityUnits":`...), units)
	case 'w':
		b = appendFloat(append(b, `,"WriteCapacityUnits":`...), units)
	}
	return b
}

func appendIndexUsage(b []byte, name string, u *usage, xs []indexUsage) []byte {
	if len(xs) == 0 {
		return b
	}
	b = append(b, name...)
	for i, x := range xs {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendText(b, x.name), ':', '{')
		b = append(appendUnits(b, u, x.units), '}')
	}
	return append(b, '}')
}

// appendFloat appends units as AWS does: 1.0, 0.5.
func appendFloat(b []byte, f float64) []byte { return strconv.AppendFloat(b, f, 'f', 1, 64) }

// usages are what an operation took of several tables, in the order in which they were first met.
type usages struct{ list []*usage }

func (us *usages) of(name string) *usage {
	for _, u := range us.list {
		if u.table == name {
			return u
		}
	}
	u := &usage{table: name}
	us.list = append(us.list, u)
	return u
}
