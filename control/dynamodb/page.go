package dynamodb

import (
	"strconv"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/ddb/expression"
	"github.com/sockgate/sockgate/lang/ddb/value"
	"github.com/sockgate/sockgate/service/table"
)

// page is a Query or Scan under way.
type page struct {
	c          *call
	t          *table.Table
	d          *table.Definition
	x          *table.Index // nil: the table
	filter     *expression.Condition
	wanted     *expression.Projection
	count      bool // only counts are wanted
	whole      bool // the entries of a local index are completed from the table
	consistent bool
	limit      int

	scanned, matched int
	size             int // of what was scanned, in bytes
	fetched          float64
	last             []byte // the last entry, when the page ended before the range did
}

func query(c *call) error {
	p := c.params()
	err := p.checkMix([]string{"ProjectionExpression", "FilterExpression", "KeyConditionExpression"},
		[]string{"AttributesToGet", "QueryFilter", "ConditionalOperator", "KeyConditions"})
	if err != nil {
		return err
	}
	older := p.node("QueryFilter").conditions()
	if err := expression.CheckConditions(older); err != nil {
		return err
	}
	wanted, err := expression.CompileAttributesToGet(p.node("AttributesToGet").texts())
	if err != nil {
		return err
	}
	if err := checkStart(p); err != nil {
		return err
	}
	if !p.node("KeyConditions").set && !p.node("KeyConditionExpression").set {
		return sockgate.Invalidf("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	}
	bound, err := p.bind(c.s.texts)
	if err != nil {
		return err
	}
	keys := bound.KeyCondition
	if keys == nil {
		if keys, err = expression.CompileKeyConditions(p.node("KeyConditions").conditions()); err != nil {
			return err
		}
	}
	pg := &page{c: c, filter: bound.Filter, wanted: wanted}
	if err := pg.prepare(p, "Query", bound, older); err != nil {
		return err
	}
	return pg.query(p, keys)
}

// query is what of a Query needs the table.
func (pg *page) query(p params, keys *expression.KeyCondition) error {
	d, start := pg.d, p.node("ExclusiveStartKey")
	names := pg.keyNames()
	if start.set && len(start.item) != len(names) {
		return errStart()
	}
	k := d.Schema(pg.x)
	schema := expression.Schema{Hash: k.Hash, Range: k.Range, HashKind: d.Kind(k.Hash), RangeKind: d.Kind(k.Range)}
	r, err := keys.Check(schema, func(name string, _ bool) error {
		if !start.set {
			return nil
		}
		return checkStartKey(d, start.item, name)
	})
	if err != nil {
		return err
	}
	if start.set {
		if err := pg.checkStartIn(start.item, k, r); err != nil {
			return err
		}
	}
	if pg.wanted != nil {
		if err := d.CheckPaths(pg.wanted.Paths); err != nil {
			return err
		}
	}
	if err := pg.checkFilter(p, k); err != nil {
		return err
	}
	if err := pg.checkProjected(p); err != nil {
		return err
	}
	rng := d.Partition(pg.x, r.Hash)
	if r.HasRange {
		narrow(&rng, r)
	}
	rng.Reverse = p.node("ScanIndexForward").set && !p.node("ScanIndexForward").truth
	if start.set {
		rng.Start(d, start.item)
	}
	name := pg.path(p)
	if err := pg.c.allow("Query", name, func() []string { return []string{r.Hash.Text()} }); err != nil {
		return err
	}
	return pg.answer(p, rng)
}

func narrow(rng *table.Range, r expression.KeyRange) {
	switch r.Op {
	case expression.EQ:
		rng.Narrow(r.Low, false, r.Low, true)
	case expression.LT:
		rng.To(r.Low, false)
	case expression.LE:
		rng.To(r.Low, true)
	case expression.GT:
		rng.From(r.Low, true)
	case expression.GE:
		rng.From(r.Low, false)
	case expression.BeginsWith:
		rng.Begins(r.Low)
	case expression.Between:
		rng.Narrow(r.Low, false, r.High, true)
	}
}

func scan(c *call) error {
	p := c.params()
	err := p.checkMix([]string{"ProjectionExpression", "FilterExpression"}, []string{"AttributesToGet", "ScanFilter", "ConditionalOperator"})
	if err != nil {
		return err
	}
	wanted, err := expression.CompileAttributesToGet(p.node("AttributesToGet").texts())
	if err != nil {
		return err
	}
	older := p.node("ScanFilter").conditions()
	if err := expression.CheckConditions(older); err != nil {
		return err
	}
	if err := checkStart(p); err != nil {
		return err
	}
	segment, total := p.node("Segment"), p.node("TotalSegments")
	switch {
	case segment.set && !total.set:
		return sockgate.Invalidf("The TotalSegments parameter is required but was not present in the request when Segment parameter is present")
	case total.set && !segment.set:
		return sockgate.Invalidf("The Segment parameter is required but was not present in the request when parameter TotalSegments is present")
	case total.set && segment.n >= total.n:
		return sockgate.Invalidf("The Segment parameter is zero-based and must be less than parameter TotalSegments: "+
			"Segment: %d is not less than TotalSegments: %d", segment.n, total.n)
	}
	bound, err := p.bind(c.s.texts)
	if err != nil {
		return err
	}
	pg := &page{c: c, filter: bound.Filter, wanted: wanted}
	if err := pg.prepare(p, "Scan", bound, older); err != nil {
		return err
	}
	return pg.scan(p, int(segment.n), int(total.n))
}

// scan is what of a Scan needs the table.
func (pg *page) scan(p params, segment, total int) error {
	d, start := pg.d, p.node("ExclusiveStartKey")
	if start.set {
		if err := pg.checkScanStart(start.item); err != nil {
			return err
		}
	}
	if err := pg.checkProjected(p); err != nil {
		return err
	}
	rng := d.All(pg.x, segment, total)
	if start.set {
		key := pick(start.item, d.Key)
		if err := d.CheckKey(key); err != nil {
			return sockgate.Invalidf("The provided starting key is invalid: %s", err)
		}
		if !rng.Start(d, start.item) && total > 1 {
			return sockgate.Invalidf("The provided starting key is invalid: Invalid ExclusiveStartKey. "+
				"Please use ExclusiveStartKey with correct Segment. TotalSegments: %d Segment: %d", total, segment)
		}
	}
	if pg.wanted != nil {
		if err := d.CheckPaths(pg.wanted.Paths); err != nil {
			return err
		}
	}
	if pg.filter != nil {
		if err := d.CheckPaths(pg.filter.Paths); err != nil {
			return err
		}
	}
	return pg.answer(p, rng)
}

// answer walks the range and appends the answer.
func (pg *page) answer(p params, r table.Range) error {
	c := pg.c
	c.out = append(c.out, '{')
	if !pg.count {
		c.out = append(c.out, `"Items":[`...)
	}
	if err := pg.t.Walk(r, pg.visit); err != nil {
		return err
	}
	if !pg.count {
		c.out = append(c.out, `],`...)
	}
	c.out = strconv.AppendInt(append(c.out, `"Count":`...), int64(pg.matched), 10)
	c.out = strconv.AppendInt(append(c.out, `,"ScannedCount":`...), int64(pg.scanned), 10)
	if pg.last != nil {
		it, err := value.ReadStored(string(pg.last))
		if err != nil {
			return err
		}
		var fields []value.Field
		for _, name := range pg.keyNames() {
			v, _ := it.Get(name)
			fields = append(fields, value.Field{Name: name, Value: v})
		}
		c.out = value.MakeItem(fields).AppendJSON(append(c.out, `,"LastEvaluatedKey":`...))
	}
	u := &usage{table: pg.d.Name}
	units := readUnits(pg.size, pg.consistent)
	switch {
	case pg.x == nil:
		u.read = units
	default:
		u.read = pg.fetched
		u.addIndex(pg.x.Name, pg.x.Global, units)
	}
	c.appendCapacity(u)
	c.out = append(c.out, '}')
	return nil
}

// visit takes one entry into the page.
func (pg *page) visit(stored []byte, size int) (more bool, err error) {
	if pg.scanned%1024 == 1023 && pg.c.ctx.Err() != nil {
		return false, &sockgate.Error{Kind: sockgate.Timeout, Message: "The request took too long", Cause: pg.c.ctx.Err()}
	}
	pg.scanned++
	pg.size += size
	entry := stored
	if pg.whole {
		if entry, err = pg.complete(stored); err != nil {
			return false, err
		}
	}
	if err := pg.take(entry); err != nil {
		return false, err
	}
	if pg.scanned == pg.limit || pg.size >= table.MaxPage {
		pg.last = append([]byte(nil), stored...)
		return false, nil
	}
	return true, nil
}

// take appends an entry that passes the filter.
func (pg *page) take(entry []byte) error {
	if pg.filter == nil && pg.count {
		pg.matched++
		return nil
	}
	c := pg.c
	if pg.filter == nil && pg.wanted == nil {
		pg.separate()
		pg.matched++
		return c.appendItem("", entry, nil)
	}
	it, err := value.ReadStored(string(entry))
	if err != nil {
		return err
	}
	if !pg.filter.Match(it) {
		return nil
	}
	if !pg.count {
		pg.separate()
		c.out = pg.wanted.Project(it).AppendJSON(c.out)
	}
	pg.matched++
	return nil
}

// separate appends a comma between items.
func (pg *page) separate() {
	if pg.matched > 0 {
		pg.c.out = append(pg.c.out, ',')
	}
}

// complete returns the table's item of a local index's entry.
func (pg *page) complete(stored []byte) ([]byte, error) {
	it, err := value.ReadStored(string(stored))
	if err != nil {
		return nil, err
	}
	whole := stored
	err = pg.t.Get(pg.d.KeyOf(it), func(b []byte, size int) error {
		pg.fetched += readUnits(size, pg.consistent)
		whole = append([]byte(nil), b...)
		return nil
	})
	return whole, err
}
