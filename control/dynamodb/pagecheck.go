package dynamodb

import (
	"slices"
	"strings"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/ddb/expression"
	"github.com/sockgate/sockgate/lang/ddb/value"
	"github.com/sockgate/sockgate/service/table"
)

// The checks of Query and Scan, in the words and the order that dynalite's tests have from Amazon.

// checkStart checks the values of ExclusiveStartKey.
func checkStart(p params) error {
	if err := p.node("ExclusiveStartKey").item.Err(); err != nil {
		return sockgate.Invalidf("The provided starting key is invalid: %s", err)
	}
	return nil
}

func errStart() error { return sockgate.Invalidf("The provided starting key is invalid") }

// prepare makes the checks that Query and Scan share, and finds the table and the index.
func (pg *page) prepare(p params, verb string, bound expression.Bound, older []expression.AttributeCondition) error {
	if err := pg.checkSelect(p, verb); err != nil {
		return err
	}
	if bound.Projection != nil {
		pg.wanted = bound.Projection
	}
	if len(older) > 0 {
		f, err := expression.CompileFilter(older, p.node("ConditionalOperator").text == "OR")
		if err != nil {
			return err
		}
		pg.filter = f
	}
	if p.node("ConditionalOperator").set && len(older) == 0 {
		return invalid("ConditionalOperator cannot be used without Filter or Expected")
	}
	pg.consistent, pg.limit = p.node("ConsistentRead").truth, int(p.node("Limit").n)
	t, err := pg.c.s.Tables.Table(p.node("TableName").text)
	// Whether a table is there, and how it is made, only those may know who may ask. A Query's question needs the key; see query.
	if verb == "Scan" || err != nil {
		if refused := pg.c.allow(verb, pg.path(p), nil); refused != nil {
			return refused
		}
	}
	if err != nil {
		return err
	}
	pg.t, pg.d = t, t.Def()
	name := p.node("IndexName")
	if !name.set {
		return nil
	}
	pg.x = pg.d.Index(name.text)
	if pg.x == nil || pg.x.Status == table.Deleting {
		if verb == "Scan" && p.node("ExclusiveStartKey").set {
			return errStart()
		}
		return sockgate.Invalidf("The table does not have the specified index: %s", name.text)
	}
	if pg.x.Global && pg.consistent {
		return sockgate.Invalidf("Consistent reads are not supported on global secondary indexes")
	}
	if pg.x.Backfilling {
		return sockgate.Invalidf("Cannot read from backfilling global secondary index: %s", name.text)
	}
	return nil
}

// checkSelect checks that Select fits the projection. Source: the API reference's page of Query, "Select".
func (pg *page) checkSelect(p params, verb string) error {
	sel := p.node("Select").text
	given := ""
	if p.node("ProjectionExpression").set {
		given = "ProjectionExpression"
	} else if p.node("AttributesToGet").set {
		given = "AttributesToGet"
	}
	pg.count = sel == "COUNT"
	switch {
	case sel == "SPECIFIC_ATTRIBUTES" && given == "":
		return sockgate.Invalidf("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
	case sel == "COUNT" && given != "":
		return sockgate.Invalidf("Cannot specify the %s when choosing to get only the Count", given)
	case (sel == "ALL_ATTRIBUTES" || sel == "ALL_PROJECTED_ATTRIBUTES") && given != "":
		return sockgate.Invalidf("Cannot specify the %s when choosing to get %s", given, sel)
	case sel == "ALL_PROJECTED_ATTRIBUTES" && !p.node("IndexName").set:
		doing := "Querying"
		if verb == "Scan" {
			doing = "Scanning"
		}
		return sockgate.Invalidf("ALL_PROJECTED_ATTRIBUTES can be used only when %s using an IndexName", doing)
	}
	return nil
}

// path is the resource that is read: the table or the index.
func (pg *page) path(p params) string {
	name, index := p.node("TableName").text, p.node("IndexName")
	if !index.set {
		return name
	}
	return name + "/index/" + index.text
}

// keyNames are the attributes of a starting key: the table's key and the index's.
func (pg *page) keyNames() []string {
	names := make([]string, 0, 4)
	for _, k := range [...]table.Key{pg.d.Key, pg.d.Schema(pg.x)} {
		for _, name := range [...]string{k.Hash, k.Range} {
			if name != "" && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// pick returns, of an item, the attributes of a key.
func pick(it value.Item, k table.Key) value.Item {
	var fields []value.Field
	for _, name := range [...]string{k.Hash, k.Range} {
		if v, ok := it.Get(name); ok && name != "" {
			fields = append(fields, value.Field{Name: name, Value: v})
		}
	}
	return value.MakeItem(fields)
}

// checkStartKey checks one key attribute of a starting key.
func checkStartKey(d *table.Definition, start value.Item, name string) error {
	v, ok := start.Get(name)
	if !ok {
		return errStart()
	}
	if v.Kind() != d.Kind(name) {
		return sockgate.Invalidf("The provided key element does not match the schema")
	}
	return nil
}

// checkStartIn checks that a Query's starting key is one of those that the conditions allow.
func (pg *page) checkStartIn(start value.Item, k table.Key, r expression.KeyRange) error {
	if err := pg.d.CheckKey(pick(start, pg.d.Key)); err != nil {
		return sockgate.Invalidf("The provided starting key is invalid: %s", err)
	}
	hash, _ := start.Get(k.Hash)
	same := value.Equal(hash, r.Hash)
	if k.Range == "" || !r.HasRange {
		if !same {
			return sockgate.Invalidf("The provided starting key is outside query boundaries based on provided conditions")
		}
		return nil
	}
	if v, _ := start.Get(k.Range); !r.Matches(v) {
		return sockgate.Invalidf("The provided starting key does not match the range key predicate")
	}
	if !same {
		return sockgate.Invalidf("The query can return at most one row and cannot be restarted")
	}
	return nil
}

// checkScanStart checks the attributes of a Scan's starting key.
func (pg *page) checkScanStart(start value.Item) error {
	if len(start) != len(pg.keyNames()) {
		if pg.x != nil {
			return errStart()
		}
		return sockgate.Invalidf("The provided starting key is invalid: The provided key element does not match the schema")
	}
	if pg.x == nil {
		return nil
	}
	for _, name := range [...]string{pg.x.Key.Hash, pg.x.Key.Range} {
		if name == "" {
			continue
		}
		if err := checkStartKey(pg.d, start, name); err != nil {
			return err
		}
	}
	return nil
}

// checkFilter checks that a Query's filter leaves the key attributes alone.
func (pg *page) checkFilter(p params, k table.Key) error {
	if pg.filter == nil {
		return nil
	}
	what := "Filter Expression"
	if p.node("QueryFilter").set {
		what = "QueryFilter"
	}
	var heads []string
	pg.filter.Paths(func(path expression.Path) { heads = append(heads, path[0].Name) })
	for _, name := range [...]string{k.Hash, k.Range} {
		if name != "" && slices.Contains(heads, name) {
			return sockgate.Invalidf("%s can only contain non-primary key attributes: Primary key attribute: %s", what, name)
		}
	}
	return pg.d.CheckPaths(pg.filter.Paths)
}

// checkProjected finds out whether an index holds what is wanted of it; a local one is completed from the table.
func (pg *page) checkProjected(p params) error {
	x := pg.x
	if x == nil || x.Projection == "ALL" {
		return nil
	}
	if p.node("Select").text == "ALL_ATTRIBUTES" {
		if x.Global {
			return invalid("Select type ALL_ATTRIBUTES is not supported for global secondary index %s because its projection type is not ALL", x.Name)
		}
		pg.whole = true
	}
	if pg.wanted == nil {
		return nil
	}
	var missing []string
	pg.wanted.Paths(func(path expression.Path) {
		if name := path[0].Name; !x.Projected(pg.d, name) && !slices.Contains(missing, name) {
			missing = append(missing, name)
		}
	})
	if len(missing) == 0 {
		return nil
	}
	if x.Global {
		return invalid("Global secondary index %s does not project [%s]", x.Name, strings.Join(missing, ", "))
	}
	pg.whole = true
	return nil
}
