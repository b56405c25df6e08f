package expression_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/sockgate/sockgate/lang/ddb/expression"
	"github.com/sockgate/sockgate/lang/ddb/value"
)

func values(t *testing.T, src ...string) []value.Value {
	t.Helper()
	var list []value.Value
	for _, s := range src {
		v, _, err := value.DecodeValue(s, 0)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, v)
	}
	return list
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

const invalidParameter = "One or more parameter values were invalid: "

func TestFilterConditions(t *testing.T) {
	for _, c := range []struct {
		op     string
		values []string
		want   string
	}{
		{"EQ", nil, invalidParameter + "Invalid number of argument(s) for the EQ ComparisonOperator"},
		{"NULL", []string{`{"S":"a"}`}, invalidParameter + "Invalid number of argument(s) for the NULL ComparisonOperator"},
		{"IN", nil, invalidParameter + "Invalid number of argument(s) for the IN ComparisonOperator"},
		{"BETWEEN", []string{`{"S":"a"}`}, invalidParameter + "Invalid number of argument(s) for the BETWEEN ComparisonOperator"},
		{"LT", []string{`{"SS":["a"]}`}, invalidParameter + "ComparisonOperator LT is not valid for SS AttributeValue type"},
		{"IN", []string{`{"BOOL":true}`}, invalidParameter + "ComparisonOperator IN is not valid for BOOL AttributeValue type"},
		{"NOT_CONTAINS", []string{`{"M":{}}`}, invalidParameter + "ComparisonOperator NOT_CONTAINS is not valid for M AttributeValue type"},
		{"BEGINS_WITH", []string{`{"N":"1"}`}, invalidParameter + "ComparisonOperator BEGINS_WITH is not valid for N AttributeValue type"},
		{"IN", []string{`{"S":"b"}`, `{"N":"1"}`}, invalidParameter + "AttributeValues inside AttributeValueList must be of same type"},
		{"BETWEEN", []string{`{"S":"b"}`, `{"S":"a"}`}, "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"},
		{"EQ", []string{`{"N":"1"}`, `{"S":"a","N":"1"}`}, "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"},
		{"EQ", []string{`null`}, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"},
		{"EQ", []string{`{"L":[]}`}, ""},
		{"CONTAINS", []string{`{"BOOL":true}`}, ""},
	} {
		op, ok := expression.ParseOperator(c.op)
		if !ok {
			t.Fatal(c.op)
		}
		_, err := expression.CompileFilter([]expression.AttributeCondition{{Attribute: "a", Op: op, Values: values(t, c.values...)}}, false)
		if got := message(err); got != c.want {
			t.Errorf("%s %s: %s", c.op, c.values, got)
		}
	}
	if _, ok := expression.ParseOperator("LIKE"); ok {
		t.Error("an operator that does not exist")
	}
}

func TestFilterMatches(t *testing.T) {
	for _, c := range []struct {
		attribute, op string
		values        []string
		want          bool
	}{
		{"s", "EQ", []string{`{"S":"apple"}`}, true},
		{"s", "NE", []string{`{"S":"apple"}`}, false},
		{"none", "NE", []string{`{"S":"apple"}`}, true},
		{"n", "LE", []string{`{"N":"10.0"}`}, true},
		{"n", "LT", []string{`{"N":"10"}`}, false},
		{"n", "GE", []string{`{"N":"11"}`}, false},
		{"n", "GT", []string{`{"N":"9"}`}, true},
		{"s", "NOT_NULL", nil, true},
		{"none", "NULL", nil, true},
		{"ss", "CONTAINS", []string{`{"S":"a"}`}, true},
		{"ss", "NOT_CONTAINS", []string{`{"S":"a"}`}, false},
		{"none", "NOT_CONTAINS", []string{`{"S":"a"}`}, true},
		{"s", "BEGINS_WITH", []string{`{"S":"app"}`}, true},
		{"s", "IN", []string{`{"S":"x"}`, `{"S":"apple"}`}, true},
		{"n", "BETWEEN", []string{`{"N":"9"}`, `{"N":"11"}`}, true},
		{"m.c", "NULL", nil, true}, // names are names, not paths
	} {
		op, _ := expression.ParseOperator(c.op)
		f, err := expression.CompileFilter([]expression.AttributeCondition{{Attribute: c.attribute, Op: op, Values: values(t, c.values...)}}, false)
		if err != nil {
			t.Fatal(err)
		}
		if f.Match(decode(t, sample)) != c.want {
			t.Errorf("%s %s %s", c.attribute, c.op, c.values)
		}
	}
	two := []expression.AttributeCondition{{Attribute: "s", Op: expression.Null}, {Attribute: "n", Op: expression.NotNull}}
	for _, either := range []bool{true, false} {
		if f, err := expression.CompileFilter(two, either); err != nil || f.Match(decode(t, sample)) != either {
			t.Errorf("either %v: %v", either, err)
		}
	}
}

func TestExpected(t *testing.T) {
	yes, no, lt, eq, null := true, false, expression.LT, expression.EQ, expression.Null
	s := value.String("a")
	for _, c := range []struct {
		name string
		in   expression.Expectation
		want string
	}{
		{"nothing", expression.Expectation{}, "Value must be provided when Exists is null for Attribute: a"},
		{"exists", expression.Expectation{Exists: &yes}, "Value must be provided when Exists is true for Attribute: a"},
		{"not exists", expression.Expectation{Exists: &no, Value: s}, "Value cannot be used when Exists is false for Attribute: a"},
		{"only an operator", expression.Expectation{Op: &lt}, "Value or AttributeValueList must be used with ComparisonOperator: LT for Attribute: a"},
		{"operator and exists", expression.Expectation{Op: &lt, Exists: &yes}, "Exists and ComparisonOperator cannot be used together for Attribute: a"},
		{"value and list", expression.Expectation{Op: &lt, Value: s, Values: []value.Value{s}, HasValues: true}, "Value and AttributeValueList cannot be used together for Attribute: a"},
		{"only a list", expression.Expectation{Exists: &yes, Values: []value.Value{s}, HasValues: true}, "AttributeValueList can only be used with a ComparisonOperator for Attribute: a"},
		{"empty list", expression.Expectation{Op: &eq, HasValues: true}, "Invalid number of argument(s) for the EQ ComparisonOperator"},
		{"null with a value", expression.Expectation{Op: &null, Value: s}, "Invalid number of argument(s) for the NULL ComparisonOperator"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.in.Attribute = "a"
			if _, err := expression.CompileExpected([]expression.Expectation{c.in}, false); message(err) != invalidParameter+c.want {
				t.Error(err)
			}
		})
	}
	for _, c := range []struct {
		in   expression.Expectation
		want bool
	}{
		{expression.Expectation{Attribute: "s", Value: value.String("apple")}, true},
		{expression.Expectation{Attribute: "s", Exists: &yes, Value: value.String("x")}, false},
		{expression.Expectation{Attribute: "s", Exists: &no}, false},
		{expression.Expectation{Attribute: "none", Exists: &no}, true},
		{expression.Expectation{Attribute: "none", Op: &null}, true},
		{expression.Expectation{Attribute: "s", Op: &lt, Value: value.String("b")}, true},
	} {
		e, err := expression.CompileExpected([]expression.Expectation{c.in}, false)
		if err != nil || e.Match(decode(t, sample)) != c.want {
			t.Errorf("%+v: %v", c.in, err)
		}
	}
}

func TestAttributeUpdates(t *testing.T) {
	n, ss := value.Integer(5), value.Set(value.SS, []value.Value{value.String("b"), value.String("c")})
	for _, c := range []struct {
		name string
		in   expression.AttributeUpdate
		want string
	}{
		{"no value", expression.AttributeUpdate{Attribute: "n"}, invalidParameter + "Only DELETE action is allowed when no attribute value is specified"},
		{"delete a number", expression.AttributeUpdate{Attribute: "n", Action: "DELETE", Value: n}, invalidParameter + "DELETE action with value is not supported for the type N"},
		{"add a string", expression.AttributeUpdate{Attribute: "n", Action: "ADD", Value: value.String("")}, invalidParameter + "ADD action is not supported for the type S"},
		{"add to another type", expression.AttributeUpdate{Attribute: "ss", Action: "ADD", Value: n}, "Type mismatch for attribute to update"},
		{"delete of another type", expression.AttributeUpdate{Attribute: "ns", Action: "DELETE", Value: ss}, "Type mismatch for attribute to update"},
		{"put", expression.AttributeUpdate{Attribute: "s", Value: n}, `{"s":{"N":"5"}}`},
		{"add", expression.AttributeUpdate{Attribute: "n", Action: "ADD", Value: n}, `{"n":{"N":"15"}}`},
		{"add to a set", expression.AttributeUpdate{Attribute: "ss", Action: "ADD", Value: ss}, `{"ss":{"SS":["a","b","c"]}}`},
		{"add to a list", expression.AttributeUpdate{Attribute: "l2", Action: "ADD", Value: value.List(n)}, `{"l2":{"L":[{"N":"5"}]}}`},
		{"delete members", expression.AttributeUpdate{Attribute: "ss", Action: "DELETE", Value: ss}, `{"ss":{"SS":["a"]}}`},
		{"delete", expression.AttributeUpdate{Attribute: "n", Action: "DELETE"}, `{}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ""
			u, err := expression.CompileUpdates([]expression.AttributeUpdate{c.in})
			if err == nil {
				var after value.Item
				if after, err = u.Apply(decode(t, sample)); err == nil {
					got = string(u.Touched(after).AppendJSON(nil))
				}
			}
			if err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got %s", got)
			}
		})
	}
}

func TestManyAttributeUpdates(t *testing.T) {
	var updates []expression.AttributeUpdate
	item := decode(t, sample)
	for i := range 2000 {
		updates = append(updates, expression.AttributeUpdate{Attribute: fmt.Sprintf("n%d", (i*7)%2000), Value: value.Integer(int64(i))})
	}
	updates = append(updates, expression.AttributeUpdate{Attribute: "s", Action: "DELETE"}, expression.AttributeUpdate{Attribute: "n", Action: "ADD", Value: value.Integer(1)})
	u, err := expression.CompileUpdates(updates)
	if err != nil {
		t.Fatal(err)
	}
	after, err := u.Apply(item)
	if err != nil || len(after) != len(item)+2000-1 {
		t.Fatalf("%d attributes, %v", len(after), err)
	}
	for name, want := range map[string]string{"n7": "1", "n": "11", "s": ""} {
		if v, _ := after.Get(name); v.Text() != want {
			t.Errorf("%s is %q", name, v.Text())
		}
	}
}

func TestAttributesToGet(t *testing.T) {
	if _, err := expression.CompileAttributesToGet([]string{"a", "b", "a"}); message(err) != invalidParameter+"Duplicate value in attribute name: a" {
		t.Error(err)
	}
	p, err := expression.CompileAttributesToGet([]string{"s", "m.c"})
	if err != nil || string(p.Project(decode(t, sample)).AppendJSON(nil)) != `{"s":{"S":"apple"}}` {
		t.Error(err)
	}
	if p, err := expression.CompileAttributesToGet(nil); p != nil || err != nil {
		t.Error(p, err)
	}
}

func TestKeyCheck(t *testing.T) {
	both := expression.Schema{Hash: "h", HashKind: value.S, Range: "r", RangeKind: value.N}
	hash := expression.Schema{Hash: "h", HashKind: value.S}
	const vals = `{":s":{"S":"x"},":n":{"N":"5"},":m":{"N":"7"}}`
	for _, c := range []struct {
		text   string
		schema expression.Schema
		want   string
	}{
		{"h = :s", both, "x"},
		{":s = h", hash, "x"},
		{"h = :s and r = :n", both, "x EQ 5"},
		{":n < r and h = :s", both, "x GT 5"},
		{":n >= r and h = :s", both, "x LE 5"},
		{"h = :s and r between :n and :m", both, "x BETWEEN 5 7"},
		{"r = :n", both, "Query condition missed key schema element: h"},
		{"h = :s and z = :n", both, "Query condition missed key schema element: r"},
		{"h = :s and z = :n", hash, "Query key condition not supported"},
		{"h < :s", both, "Query key condition not supported"},
		{"h = :n", both, "One or more parameter values were invalid: Condition parameter type does not match schema type"},
		{"h = :s and begins_with(r, :s)", both, "One or more parameter values were invalid: Condition parameter type does not match schema type"},
	} {
		v := value.Item{}
		for _, f := range decode(t, vals) {
			for i := range c.text {
				if len(c.text) >= i+2 && c.text[i:i+2] == f.Name {
					v = v.With(f.Name, f.Value)
				}
			}
		}
		b, err := bind(t, "key", c.text, "", string(v.AppendJSON(nil)))
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		r, err := b.KeyCondition.Check(c.schema, nil)
		got := message(err)
		if err == nil {
			got = r.Hash.Text()
			if r.HasRange {
				got += " " + r.Op.String() + " " + r.Low.Text()
			}
			if r.Op == expression.Between {
				got += " " + r.High.Text()
			}
		}
		if got != c.want {
			t.Errorf("%s: %s", c.text, got)
		}
	}
	legacy, err := expression.CompileKeyConditions([]expression.AttributeCondition{{Attribute: "h", Op: expression.Null}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := legacy.Check(hash, nil); message(err) != "Attempted conditional constraint is not an indexable operation" {
		t.Error(err)
	}
	stop := errors.New("stop")
	var seen []string
	if _, err := legacy.Check(both, func(name string, hash bool) error { seen = append(seen, name); return stop }); err != stop || len(seen) != 1 {
		t.Error(err, seen)
	}
	if _, err := expression.CompileKeyConditions(nil); message(err) != "Conditions can be of length 1 or 2 only" {
		t.Error(err)
	}
}

func TestKeyRangeMatches(t *testing.T) {
	s := value.String
	for _, c := range []struct {
		r    expression.KeyRange
		in   string
		want bool
	}{
		{expression.KeyRange{}, "x", true},
		{expression.KeyRange{HasRange: true, Op: expression.GT, Low: s("a")}, "a", false},
		{expression.KeyRange{HasRange: true, Op: expression.GE, Low: s("a")}, "a", true},
		{expression.KeyRange{HasRange: true, Op: expression.BeginsWith, Low: s("ab")}, "abc", true},
		{expression.KeyRange{HasRange: true, Op: expression.BeginsWith, Low: s("ab")}, "a", false},
		{expression.KeyRange{HasRange: true, Op: expression.Between, Low: s("a"), High: s("c")}, "c", true},
		{expression.KeyRange{HasRange: true, Op: expression.Between, Low: s("a"), High: s("c")}, "d", false},
	} {
		if c.r.Matches(s(c.in)) != c.want {
			t.Errorf("%+v %s", c.r, c.in)
		}
	}
}
