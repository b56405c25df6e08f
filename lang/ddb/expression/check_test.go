package expression_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/sockgate/sockgate/lang/ddb/expression"
	"github.com/sockgate/sockgate/lang/ddb/value"
)

// decode reads an item of DynamoDB JSON; "" is nil.
func decode(t testing.TB, src string) value.Item {
	t.Helper()
	if src == "" {
		return nil
	}
	it, _, err := value.DecodeItem(src, 0)
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	return it
}

// texts makes a request of one expression, with names "#a=a #b=b" and values in DynamoDB JSON.
func texts(t testing.TB, kind, text, names, values string) expression.Texts {
	t.Helper()
	out := expression.Texts{Values: decode(t, values)}
	for _, pair := range strings.Fields(names) {
		if out.Names == nil {
			out.Names = map[string]string{}
		}
		name, of, _ := strings.Cut(pair, "=")
		out.Names[name] = of
	}
	switch kind {
	case "update":
		out.Update = &text
	case "condition":
		out.Condition = &text
	case "key":
		out.KeyCondition = &text
	case "filter":
		out.Filter = &text
	case "projection":
		out.Projection = &text
	}
	return out
}

func bind(t testing.TB, kind, text, names, values string) (expression.Bound, error) {
	t.Helper()
	return expression.NewCache(10).Bind(texts(t, kind, text, names, values))
}

type faulty struct{ text, names, values, want string }

func checkFaults(t *testing.T, kind, prefix string, cases []faulty) {
	t.Helper()
	for _, c := range cases {
		t.Run(kind+" "+c.text[:min(len(c.text), 60)], func(t *testing.T) {
			_, err := bind(t, kind, c.text, c.names, c.values)
			if want := prefix + c.want; err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}

func TestSyntax(t *testing.T) {
	for kind, all := range map[string]string{
		"filter": `things are not gonna be ok|a > 4|attribute_exists(Pictures-RearView)|attribute_exists("Pictures.RearView")
attribute_exists(Pictures..RearView)|attribute_exists(Pi#ctures.RearView)|attribute_exists(asdf[a])|a in b, c|a > between|a in b
a in (b,c,)|(a)between(b.(c.d))and(c)|(a)between(b.c.d)and((c)|#$.b > a|a > :things.stuff|b[:a] > a|b[#_] > a|ü > a
(a)between(b.c[4.5].#d)and(:a)|size(a).b > a|(size(a)).b > a|size(a)[0] > a|(size(a))[0] > a|foo|:a|a = b = c|(a = b) = c|not a
a = b and|(a = b|a = b)|attribute_exists()|_id = :a|a and b = c`,
		"update": `whatever|set a|add a|delete a|set a=set|remove a = b|add a = b|delete a = b|delete a b|delete a if_not_exist(b)|add abort b
add a if_not_exist(b)|remove a b|set a b|set :a = b|add :a b|delete :a b|remove :a|set a = b / c|set a = b * c|set a[1] = "eight"
set a[1] = 1|SET a = if_not_exist(a, 100)|SET if_not_exist(a, b) = a|set (a = (b + c))|set a = (b.c).d + e|set a = (b.c)[0] + e
set a = b + c + d|set a = list_append(a, b + c)|set|set a = b,`,
		"projection": `a b|a,|,a|(a)|:a|a[|a[0|a.|a[b]|a = b`,
	} {
		for line := range strings.SplitSeq(all, "\n") {
			for text := range strings.SplitSeq(line, "|") {
				_, err := bind(t, kind, text, "", "")
				if err == nil || !regexp.MustCompile(`^Invalid \w+: Syntax error; token: ".+", near: ".+"$`).MatchString(err.Error()) {
					t.Errorf("%s %q: %v", kind, text, err)
				}
			}
		}
	}
	checkFaults(t, "condition", "Invalid ConditionExpression: Syntax error; ", []faulty{
		{text: "foo", want: `token: "<EOF>", near: "foo"`},
		{text: ":hashId a", want: `token: "a", near: ":hashId a"`},
		{text: "a = ", want: `token: "<EOF>", near: "="`},
	})
	checkFaults(t, "update", "Invalid UpdateExpression: Syntax error; ", []faulty{
		{text: "INVALID SYNTAX HERE", want: `token: "INVALID", near: "INVALID SYNTAX"`},
		{text: "SET path = VALUE 1", want: `token: "1", near: "VALUE 1"`},
		{text: "SET a = if_not_exists(a, 0) + :b", want: `token: "0", near: ", 0)"`},
	})
}

func TestConditionFaults(t *testing.T) {
	const (
		operandType  = "Incorrect operand type for operator or function; operator or function: "
		operandCount = "Incorrect number of operands for operator or function; operator or function: "
		misused      = "The function is not allowed to be used this way in an expression; function: "
		reserved     = "Attribute name is a reserved keyword; reserved keyword: "
		noName       = "An expression attribute name used in the document path is not defined; attribute name: "
		noValue      = "An expression attribute value used in expression is not defined; attribute value: "
		same         = "The first operand must be distinct from the remaining operands for this operator or function; operator: "
		noPath       = "Operator or function requires a document path; operator or function: "
		parentheses  = "The expression has redundant parentheses;"
	)
	in := "a in (:x" + strings.Repeat(", :x", 100) + ")"
	checkFaults(t, "filter", "Invalid FilterExpression: ", []faulty{
		{text: "", want: "The expression can not be empty;"},
		{text: strings.Repeat("a", 4097), want: "Expression size has exceeded the maximum allowed size; expression size: 4097"},
		{text: "a=a and a > ((views))", want: parentheses},
		{text: "(a)between(((b.c)).d)and(c)", want: parentheses},
		{text: "a > whatever((:things), ((a)))", want: parentheses},
		{text: "a=a AND ((a=a AND a=a)) AND a=a", want: parentheses},
		{text: "a=a OR ((a=a OR (a=a OR a=a)))", want: parentheses},
		{text: "((a = b))", want: parentheses},
		{text: "a=a and whatever((:things)) > a", want: "Invalid function name; function: whatever"},
		{text: "attRIbute_exIsts((views), #a)", want: "Invalid function name; function: attRIbute_exIsts"},
		{text: "a = if_not_exists(a, b)", want: "The function is not allowed in a condition expression; function: if_not_exists"},
		{text: "a=a and attribute_exists((views), (#a)) > b", want: misused + "attribute_exists"},
		{text: "size(contains(a, b)) > a", want: misused + "contains"},
		{text: "size(things)", want: misused + "size"},
		{text: "not size(things)", want: misused + "size"},
		{text: "a between b and attribute_exists(things)", want: misused + "attribute_exists"},
		{text: "a in (b, attribute_exists(things))", want: misused + "attribute_exists"},
		{text: "attribute_exists(views, #a)", want: reserved + "views"},
		{text: ":a < abOrT", want: reserved + "abOrT"},
		{text: "a.b[2147483648] = :a", want: "List index is not within the allowable range; index: [2147483648]"},
		{text: "attribute_exists(#Pictures.RearView, :a) and a=a", want: noName + "#Pictures"},
		{text: "begins_with(Pictures.#RearView)", want: noName + "#RearView"},
		{text: "(#P between :lo and :hi) and (#PC in (:cat1, :cat2))", want: noName + "#P"},
		{text: "#4g > a", want: noName + "#4g"},
		{text: "(a)between(b.c[45].#d)and(:a)", want: noName + "#d"},
		{text: "begins_with(:hello, #a, #b)", want: noValue + ":hello"},
		{text: ":_ > a", want: noValue + ":_"},
		{text: "attribute_exists(things, a) and a=a", want: operandCount + "attribute_exists, number of operands: 2"},
		{text: "attribute_type(things)", want: operandCount + "attribute_type, number of operands: 1"},
		{text: "begins_with(things, size(a), b)", want: operandCount + "begins_with, number of operands: 3"},
		{text: "size(things, a) > b", want: operandCount + "size, number of operands: 2"},
		{text: "attribute_type(ab.bc[1].a, SS)", want: operandType + "attribute_type, operand type: {NS,SS,L,BS,N,M,B,BOOL,NULL,S}"},
		{text: "attribute_type(a, size(a)) and a=a and a=:a", values: `{":a":{"N":"1"}}`, want: operandType + "attribute_type, operand type: N"},
		{text: "attribute_type(a, :a)", values: `{":a":{"BOOL":true}}`, want: operandType + "attribute_type, operand type: BOOL"},
		{text: "attribute_type(a, :a)", values: `{":a":{"S":"1"}}`, want: "Invalid attribute type name found; type: 1, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}"},
		{text: "begins_with(a, size(a)) and a=:a", values: `{":a":{"N":"1"}}`, want: operandType + "begins_with, operand type: N"},
		{text: "begins_with(:a, a)", values: `{":a":{"L":[]}}`, want: operandType + "begins_with, operand type: L"},
		{text: "size(size(a)) > :a", values: `{":a":{"N":"1"}}`, want: operandType + "size, operand type: N"},
		{text: "attribute_not_exists(size(:a))", values: `{":a":{"N":"1"}}`, want: operandType + "size, operand type: N"},
		{text: "attribute_not_exists(size(:a))", values: `{":a":{"S":"1"}}`, want: noPath + "attribute_not_exists"},
		{text: "attribute_exists(:a) and a=a", values: `{":a":{"S":"1"}}`, want: noPath + "attribute_exists"},
		{text: "a < :a", values: `{":a":{"M":{}}}`, want: operandType + "<, operand type: M"},
		{text: "a = a AND #a = b AND :views > a", names: "#a=a", want: same + "=, first operand: [a]"},
		{text: "a > #a", names: "#a=a", want: same + ">, first operand: [a]"},
		{text: "((a=a) OR (a=#a))", names: "#a=a", want: same + "=, first operand: [a]"},
		{text: "contains(ab.bc[1].a, ab.bc[1].#a)", names: "#a=a", want: same + "contains, first operand: [ab, bc, [1], a]"},
		{text: "a between :b and :a", values: `{":a":{"S":"a"},":b":{"N":"1"}}`, want: "The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: {N:1}, upper bound operand: AttributeValue: {S:a}"},
		{text: "a between :b and :a", values: `{":a":{"S":"a"},":b":{"S":"b"}}`, want: "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {S:b}, upper bound operand: AttributeValue: {S:a}"},
		{text: in, values: `{":x":{"S":"a"}}`, want: "The IN operator is provided with too many operands; number of operands: 101"},
		{text: "a" + strings.Repeat(".b", 32) + " = :a", values: `{":a":{"S":"a"}}`, want: "The document path has too many nesting levels; nesting levels: 33"},
		{text: "a=b" + strings.Repeat(" or a=b", 150), want: "The expression contains too many operators; operator count: 301"},
	})
}

func TestConditionsThatPass(t *testing.T) {
	for _, c := range []faulty{
		{text: "(a = :a) AND (b = :a)", values: `{":a":{"S":"a"}}`},
		{text: "(a = :a AND (b = :a))", values: `{":a":{"S":"a"}}`},
		{text: "(a.b).c[1] = (:a)", values: `{":a":{"S":"a"}}`},
		{text: "((a).b) = :a or not not a < :a", values: `{":a":{"S":"a"}}`},
		{text: ":a > :a and a IN (:a) and size(a) >= size(b)", values: `{":a":{"S":"a"}}`},
		{text: "contains(a, :a) and (attribute_type((#0), :b))", names: "#0=0", values: `{":a":{"SS":["a"]},":b":{"S":"NULL"}}`},
	} {
		if _, err := bind(t, "filter", c.text, c.names, c.values); err != nil {
			t.Errorf("%s: %v", c.text, err)
		}
	}
}

func TestUpdateFaults(t *testing.T) {
	const (
		operandType  = "Incorrect operand type for operator or function; operator or function: "
		operandCount = "Incorrect number of operands for operator or function; operator or function: "
		reserved     = "Attribute name is a reserved keyword; reserved keyword: "
		once         = " section can only be used once in an update expression;"
		overlap      = "Two document paths overlap with each other; must remove or rewrite one of these paths; "
		conflict     = "Two document paths conflict with each other; must remove or rewrite one of these paths; "
		noName       = "An expression attribute name used in the document path is not defined; attribute name: "
		noValue      = "An expression attribute value used in expression is not defined; attribute value: "
		noPath       = "Operator or function requires a document path; operator or function: "
		values       = `{":a":{"S":"a"},":b":{"S":"a"}}`
	)
	cases := []faulty{
		{text: "", want: "The expression can not be empty;"},
		{text: " set #c = :c set abOrt = true ", want: reserved + "abOrt"},
		{text: " remove Absolute ", want: reserved + "Absolute"},
		{text: "set #c = if_not_exist(:c) set c = d", want: "Invalid function name; function: if_not_exist"},
		{text: "set c = size(d)", want: "The function is not allowed in an update expression; function: size"},
		{text: "set a = #c set c = :d", want: `The "SET"` + once},
		{text: "remove #d set a = b remove e", want: `The "REMOVE"` + once},
		{text: "add #d :e set a = b add e :f", want: `The "ADD"` + once},
		{text: "delete #d :e set a = b delete #e :f", want: `The "DELETE"` + once},
		{text: "SET #c = if_not_exists(:c)", want: noName + "#c"},
		{text: "SET #a = if_not_exists(:c)", names: "#a=a", want: noValue + ":c"},
		{text: "set d[1] = a, d.b = a, c[1].a = a, #c = if_not_exists(a)", names: "#c=c", want: overlap + "path one: [c, [1], a], path two: [c]"},
		{text: "set #c[3].#d = a, #c[3] = a", names: "#c=c #d=[3]", want: overlap + "path one: [c, [3], [3]], path two: [c, [3]]"},
		{text: "set a = :a, a = :a", values: values, want: overlap + "path one: [a], path two: [a]"},
		{text: "set #c[3].#d = a, #c.#d[3] = if_not_exists(a)", names: "#c=c #d=[3]", want: conflict + "path one: [c, [3], [3]], path two: [c, [3], [3]]"},
		{text: "remove a.#c set a[1] = #d", names: "#c=c #d=[3]", want: conflict + "path one: [a, c], path two: [a, [1]]"},
		{text: "set b = list_append(:a, a), c = if_not_exists(a) add a.b :a", values: values, want: "Incorrect operand type for operator or function; operator: ADD, operand type: STRING"},
		{text: "delete a.b :a", values: `{":a":{"N":"1"}}`, want: "Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER"},
		{text: "add a.b :a", values: `{":a":{"BOOL":"0"}}`, want: "Incorrect operand type for operator or function; operator: ADD, operand type: BOOLEAN"},
		{text: "set a = if_not_exists(c)", want: operandCount + "if_not_exists, number of operands: 1"},
		{text: "set a = if_not_exists(if_not_exists(a, b), c)", want: noPath + "if_not_exists"},
		{text: "set a = list_append(a, :a)", values: values, want: operandType + "list_append, operand type: S"},
		{text: "set a = a - :a", values: `{":a":{"NS":["1"]}}`, want: operandType + "-, operand type: NS"},
		{text: "set a" + strings.Repeat("[0]", 32) + " = :a", values: values, want: "The document path has too many nesting levels; nesting levels: 33"},
	}
	checkFaults(t, "update", "Invalid UpdateExpression: ", cases)
	var sums []string
	for i := range 301 {
		sums = append(sums, fmt.Sprintf("a%d=a+b", i))
	}
	checkFaults(t, "update", "Invalid UpdateExpression: ", []faulty{
		{text: "set " + strings.Join(sums, ","), want: "The expression contains too many operators; operator count: 301"},
	})
}

func TestProjectionFaults(t *testing.T) {
	checkFaults(t, "projection", "Invalid ProjectionExpression: ", []faulty{
		{text: "", want: "The expression can not be empty;"},
		{text: "a, abort", want: "Attribute name is a reserved keyword; reserved keyword: abort"},
		{text: "#a, b", want: "An expression attribute name used in the document path is not defined; attribute name: #a"},
		{text: "a, a.b", want: "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a, b]"},
		{text: "a[1], a.b", want: "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [a, [1]], path two: [a, b]"},
		{text: "a" + strings.Repeat(".b", 32), want: "The document path has too many nesting levels; nesting levels: 33"},
	})
}

func TestKeyConditionFaults(t *testing.T) {
	const (
		operator = "Invalid operator used in KeyConditionExpression: "
		bad      = "Invalid condition in KeyConditionExpression: "
		nested   = "KeyConditionExpressions cannot contain nested operations"
		deep     = "KeyConditionExpressions cannot have conditions on nested attributes"
		several  = "KeyConditionExpressions must only contain one condition per key"
		values   = `{":a":{"S":"1"},":b":{"S":"1"}}`
		one      = `{":a":{"N":"1"}}`
	)
	checkFaults(t, "key", "", []faulty{
		{text: "((a = :a)) and (b = :b)", values: values, want: "Invalid KeyConditionExpression: The expression has redundant parentheses;"},
		{text: "attribute_type(a, :a)", values: `{":a":{"S":"S"}}`, want: operator + "attribute_type"},
		{text: "a > b and size(b) > c or a > c", want: operator + "OR"},
		{text: "a in (b, size(c), d)", want: operator + "IN"},
		{text: "attribute_exists(a)", want: operator + "attribute_exists"},
		{text: "contains(a.d, b)", want: operator + "contains"},
		{text: "not a > b", want: operator + "NOT"},
		{text: "a <> b", want: operator + "<>"},
		{text: ":a between size(b) and size(a) and b > :b", values: values, want: bad + "BETWEEN operator must have the key attribute as its first operand"},
		{text: "begins_with(:a, b) and a > :b", values: values, want: bad + "begins_with operator must have the key attribute as its first operand"},
		{text: "size(b) > a AND a.b > b AND b > c", want: nested},
		{text: "a > size(b.d)", want: nested},
		{text: "a between size(b) and size(a)", want: nested},
		{text: "b > a.b", want: bad + "Multiple attribute names used in one condition"},
		{text: "b between c[1] and d", want: bad + "Multiple attribute names used in one condition"},
		{text: "b.d > a AND c.d > e.f", want: deep},
		{text: "b[0] > a", want: deep},
		{text: ":b > :a AND a < :b", values: values, want: bad + "No key attribute specified"},
		{text: "b > :a AND b < :a and c = :a and d = :a", values: one, want: several},
		{text: "(a > :a and b > :a) and (b > :a and c > :a)", values: one, want: several},
		{text: ":a = a and b = :a and :a = c", values: one, want: "Conditions can be of length 1 or 2 only"},
	})
}

func TestParameters(t *testing.T) {
	checkFaults(t, "condition", "", []faulty{
		{text: "a = :a", names: "a=a", want: `ExpressionAttributeNames contains invalid key: Syntax error; key: "a"`},
		{text: "a = :a", names: "#=a", want: `ExpressionAttributeNames contains invalid key: Syntax error; key: "#"`},
		{text: "a = :a", values: "{}", want: "ExpressionAttributeValues must not be empty"},
		{text: "a = :a", values: `{"b":{"S":"a"},":b":{}}`, want: `ExpressionAttributeValues contains invalid key: Syntax error; key: "b"`},
		{text: "", values: `{":b":{}}`, want: "ExpressionAttributeValues contains invalid value: Supplied AttributeValue is empty, must contain exactly one of the supported datatypes for key :b"},
		{text: "", values: `{":b":{"NS":["1","1"]}}`, want: "ExpressionAttributeValues contains invalid value: Input collection contains duplicates for key :b"},
		{text: "b = :b", names: "#b=b #a=a", values: `{":b":{"S":"a"}}`, want: "Value provided in ExpressionAttributeNames unused in expressions: keys: {#a, #b}"},
		{text: "b = :b", values: `{":b":{"S":"a"},":c":{"S":"a"}}`, want: "Value provided in ExpressionAttributeValues unused in expressions: keys: {:c}"},
	})
	text := "a = :a"
	if _, err := expression.NewCache(1).Bind(expression.Texts{Condition: &text, Names: map[string]string{}}); err == nil || err.Error() != "ExpressionAttributeNames must not be empty" {
		t.Error(err)
	}
	bare := texts(t, "condition", text, "", `{":a":{"N":""}}`)
	bare.Current = true
	if _, err := expression.NewCache(1).Bind(bare); err == nil || err.Error() != "The parameter cannot be converted to a numeric value: " {
		t.Error(err)
	}
}

func TestCacheIsBounded(t *testing.T) {
	cache := expression.NewCache(3)
	for i := range 20 {
		text := fmt.Sprintf("a%d = :v or a0 <> :v", i%5+1)
		b, err := cache.Bind(texts(t, "condition", text, "", `{":v":{"S":"x"}}`))
		if err != nil {
			t.Fatal(err)
		}
		item := value.Item{}.With("a0", value.String("x")).With(fmt.Sprintf("a%d", i%5+1), value.String("x"))
		if !b.Condition.Match(item) {
			t.Errorf("%s does not match", text)
		}
	}
}
