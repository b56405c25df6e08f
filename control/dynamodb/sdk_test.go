package dynamodb_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func TestItems(t *testing.T) {
	h := start(t)
	h.create(t, hashTable("things"))
	name, ctx := aws.String("things"), t.Context()
	put := item{"id": s("a"), "n": n("1.50"), "l": &types.AttributeValueMemberL{Value: []types.AttributeValue{s("x"), &types.AttributeValueMemberBOOL{Value: true}}}}
	if _, err := h.PutItem(ctx, &ddb.PutItemInput{TableName: name, Item: put}); err != nil {
		t.Fatal(err)
	}
	put["n"] = n("1.5")
	got, err := h.GetItem(ctx, &ddb.GetItemInput{TableName: name, Key: item{"id": s("a")}, ReturnConsumedCapacity: "TOTAL"})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "GetItem", got.Item, put)
	same(t, "capacity", *got.ConsumedCapacity.CapacityUnits, 0.5)
	got, err = h.GetItem(ctx, &ddb.GetItemInput{TableName: name, Key: item{"id": s("b")}})
	if err != nil || got.Item != nil {
		t.Errorf("an item that is not there: %v, %v", got.Item, err)
	}
	for _, test := range []struct {
		values types.ReturnValue
		want   item
	}{
		{"NONE", nil},
		{"ALL_OLD", item{"id": s("u"), "n": n("1")}},
		{"UPDATED_OLD", item{"n": n("2")}},
		{"ALL_NEW", item{"id": s("u"), "n": n("4"), "m": s("x")}},
		{"UPDATED_NEW", item{"n": n("5"), "m": s("x")}},
	} {
		out, err := h.UpdateItem(ctx, &ddb.UpdateItemInput{TableName: name, Key: item{"id": s("u")}, ReturnValues: test.values,
			UpdateExpression: aws.String("ADD n :one SET m = :x"), ExpressionAttributeValues: item{":one": n("1"), ":x": s("x")}})
		if err != nil {
			t.Fatal(err)
		}
		want := test.want
		if test.values == "ALL_OLD" || test.values == "UPDATED_OLD" {
			want["m"] = s("x")
		}
		same(t, string(test.values), out.Attributes, want)
	}
	del, err := h.DeleteItem(ctx, &ddb.DeleteItemInput{TableName: name, Key: item{"id": s("u")}, ReturnValues: "ALL_OLD"})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "deleted", del.Attributes, item{"id": s("u"), "n": n("5"), "m": s("x")})
	d, err := h.DescribeTable(ctx, &ddb.DescribeTableInput{TableName: name})
	if err != nil || *d.Table.ItemCount != 1 || *d.Table.TableSizeBytes == 0 {
		t.Errorf("DescribeTable: %+v, %v", d, err)
	}
}

func TestConditions(t *testing.T) {
	h := start(t)
	h.create(t, hashTable("things"))
	name, ctx := aws.String("things"), t.Context()
	in := &ddb.PutItemInput{TableName: name, Item: item{"id": s("a"), "v": n("1")}, ConditionExpression: aws.String("attribute_not_exists(id)"),
		ReturnValuesOnConditionCheckFailure: "ALL_OLD"}
	if _, err := h.PutItem(ctx, in); err != nil {
		t.Fatal(err)
	}
	_, err := h.PutItem(ctx, in)
	var failed *types.ConditionalCheckFailedException
	if !errors.As(err, &failed) || *failed.Message != "The conditional request failed" {
		t.Fatalf("the second: %v", err)
	}
	same(t, "the item of the failure", failed.Item, item{"id": s("a"), "v": n("1")})
	_, err = h.DeleteItem(ctx, &ddb.DeleteItemInput{TableName: name, Key: item{"id": s("a")}, Expected: map[string]types.ExpectedAttributeValue{"v": {Value: n("2")}}})
	if !errors.As(err, &failed) || failed.Item != nil {
		t.Errorf("Expected: %v", err)
	}
}

// indexed is a table with every kind of index.
func indexed(name string) *ddb.CreateTableInput {
	all, keysOnly := &types.Projection{ProjectionType: "ALL"}, &types.Projection{ProjectionType: "KEYS_ONLY"}
	return &ddb.CreateTableInput{
		TableName:            &name,
		AttributeDefinitions: []types.AttributeDefinition{attr("h", "S"), attr("r", "N"), attr("l", "S"), attr("g", "S")},
		KeySchema:            []types.KeySchemaElement{hash("h"), rng("r")},
		LocalSecondaryIndexes: []types.LocalSecondaryIndex{
			{IndexName: aws.String("local"), KeySchema: []types.KeySchemaElement{hash("h"), rng("l")}, Projection: keysOnly},
		},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{
			{IndexName: aws.String("global"), KeySchema: []types.KeySchemaElement{hash("g"), rng("r")}, Projection: all},
			{IndexName: aws.String("include"), KeySchema: []types.KeySchemaElement{hash("g")}, Projection: &types.Projection{ProjectionType: "INCLUDE", NonKeyAttributes: []string{"x"}}},
		},
	}
}

func TestQueryAndScan(t *testing.T) {
	h := start(t)
	h.create(t, indexed("many"))
	name, ctx := aws.String("many"), t.Context()
	for i := range 20 {
		it := item{"h": s("a"), "r": n(fmt.Sprint(i - 10)), "x": s("x"), "y": s("y")}
		if i%2 == 0 {
			it["g"] = s("even")
		}
		if i%4 == 0 {
			it["l"] = s(fmt.Sprintf("l%02d", 20-i))
		}
		if _, err := h.PutItem(ctx, &ddb.PutItemInput{TableName: name, Item: it}); err != nil {
			t.Fatal(err)
		}
	}
	values := item{":a": s("a"), ":e": s("even")}
	query := func(in *ddb.QueryInput) (rs []string) {
		t.Helper()
		in.TableName = name
		for {
			out, err := h.Query(ctx, in)
			if err != nil {
				t.Fatal(err)
			}
			for _, it := range out.Items {
				rs = append(rs, it["r"].(*types.AttributeValueMemberN).Value)
			}
			if in.ExclusiveStartKey = out.LastEvaluatedKey; out.LastEvaluatedKey == nil {
				return rs
			}
		}
	}
	with := func(key string, v ...string) item {
		vs := item{":a": values[":a"]}
		for i, x := range v {
			vs[fmt.Sprintf(":%d", i)] = n(x)
		}
		return vs
	}
	for _, test := range []struct {
		name string
		in   ddb.QueryInput
		want []string
	}{
		{"backwards, by pages", ddb.QueryInput{KeyConditionExpression: aws.String("h = :a and r > :0"), ExpressionAttributeValues: with("a", "5"), ScanIndexForward: aws.Bool(false), Limit: aws.Int32(2)}, []string{"9", "8", "7", "6"}},
		{"between", ddb.QueryInput{KeyConditionExpression: aws.String("h = :a and r between :0 and :1"), ExpressionAttributeValues: with("a", "-2", "1")}, []string{"-2", "-1", "0", "1"}},
		{"below", ddb.QueryInput{KeyConditionExpression: aws.String("h = :a and r < :0"), ExpressionAttributeValues: with("a", "-8")}, []string{"-10", "-9"}},
		{"equal", ddb.QueryInput{KeyConditionExpression: aws.String("h = :a and r = :0"), ExpressionAttributeValues: with("a", "-8.0")}, []string{"-8"}},
		{"filtered", ddb.QueryInput{KeyConditionExpression: aws.String("h = :a and r >= :0"), FilterExpression: aws.String("attribute_exists(g)"), ExpressionAttributeValues: with("a", "5")}, []string{"6", "8"}},
		{"global index", ddb.QueryInput{IndexName: aws.String("global"), KeyConditionExpression: aws.String("g = :e and r < :0"), ExpressionAttributeValues: item{":e": s("even"), ":0": n("-4")}, Limit: aws.Int32(2)}, []string{"-10", "-8", "-6"}},
		{"local index", ddb.QueryInput{IndexName: aws.String("local"), KeyConditionExpression: aws.String("h = :a and begins_with(l, :0)"), ExpressionAttributeValues: item{":a": s("a"), ":0": s("l")}, Limit: aws.Int32(2)}, []string{"6", "2", "-2", "-6", "-10"}},
	} {
		t.Run(test.name, func(t *testing.T) { same(t, "found", query(&test.in), test.want) })
	}
	out, err := h.Query(ctx, &ddb.QueryInput{TableName: name, IndexName: aws.String("local"), KeyConditionExpression: aws.String("h = :a"), ExpressionAttributeValues: item{":a": s("a")},
		ProjectionExpression: aws.String("x"), ReturnConsumedCapacity: "INDEXES", Limit: aws.Int32(1)})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "completed from the table", out.Items, []item{{"x": s("x")}})
	same(t, "units of the table", *out.ConsumedCapacity.Table.CapacityUnits, 0.5)
	same(t, "units of the index", *out.ConsumedCapacity.LocalSecondaryIndexes["local"].CapacityUnits, 0.5)
	out, err = h.Query(ctx, &ddb.QueryInput{TableName: name, IndexName: aws.String("include"), KeyConditionExpression: aws.String("g = :e"), ExpressionAttributeValues: item{":e": s("even")}, Limit: aws.Int32(1)})
	if err != nil {
		t.Fatal(err)
	}
	if it := out.Items[0]; it["x"] == nil || it["y"] != nil || it["h"] == nil {
		t.Errorf("projected: %v", it)
	}
	seen := map[string]bool{}
	for segment := range 3 {
		in := &ddb.ScanInput{TableName: name, Segment: aws.Int32(int32(segment)), TotalSegments: aws.Int32(3), Limit: aws.Int32(3)}
		for {
			out, err := h.Scan(ctx, in)
			if err != nil {
				t.Fatal(err)
			}
			for _, it := range out.Items {
				r := it["r"].(*types.AttributeValueMemberN).Value
				if seen[r] {
					t.Errorf("%s twice", r)
				}
				seen[r] = true
			}
			if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
				break
			}
		}
	}
	same(t, "scanned", len(seen), 20)
	count, err := h.Scan(ctx, &ddb.ScanInput{TableName: name, IndexName: aws.String("global"), Select: "COUNT", ReturnConsumedCapacity: "TOTAL"})
	if err != nil || count.Count != 10 || count.ScannedCount != 10 || count.Items != nil {
		t.Errorf("count: %+v, %v", count, err)
	}
	d := h.settled(t, "many")
	same(t, "items of the table", *d.ItemCount, int64(20))
	for _, x := range d.GlobalSecondaryIndexes {
		same(t, "entries of "+*x.IndexName, *x.ItemCount, int64(10))
	}
	same(t, "entries of local", *d.LocalSecondaryIndexes[0].ItemCount, int64(5))
}

func TestBatches(t *testing.T) {
	h := start(t)
	h.create(t, hashTable("one"))
	h.create(t, hashTable("two"))
	ctx := t.Context()
	write := func(name string, ids ...string) []types.WriteRequest {
		var rs []types.WriteRequest
		for _, id := range ids {
			rs = append(rs, types.WriteRequest{PutRequest: &types.PutRequest{Item: item{"id": s(id), "of": s(name)}}})
		}
		return rs
	}
	out, err := h.BatchWriteItem(ctx, &ddb.BatchWriteItemInput{ReturnConsumedCapacity: "TOTAL",
		RequestItems: map[string][]types.WriteRequest{"one": write("one", "a", "b"), "two": write("two", "a")}})
	if err != nil || len(out.UnprocessedItems) != 0 || len(out.ConsumedCapacity) != 2 {
		t.Fatalf("%+v, %v", out, err)
	}
	got, err := h.BatchGetItem(ctx, &ddb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
		"one": {Keys: []map[string]types.AttributeValue{{"id": s("a")}, {"id": s("b")}, {"id": s("c")}}},
		"two": {Keys: []map[string]types.AttributeValue{{"id": s("a")}}, ProjectionExpression: aws.String("#o"), ExpressionAttributeNames: map[string]string{"#o": "of"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "one", len(got.Responses["one"]), 2)
	same(t, "two", got.Responses["two"], []map[string]types.AttributeValue{{"of": s("two")}})
	if _, err := h.BatchWriteItem(ctx, &ddb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"one": {{DeleteRequest: &types.DeleteRequest{Key: item{"id": s("a")}}}}}}); err != nil {
		t.Fatal(err)
	}
	same(t, "items left", *h.settled(t, "one").ItemCount, int64(1))
}

func TestTransactions(t *testing.T) {
	h := start(t)
	h.create(t, hashTable("acc"))
	name, ctx := aws.String("acc"), t.Context()
	add := func(id, by string) types.TransactWriteItem {
		return types.TransactWriteItem{Update: &types.Update{TableName: name, Key: item{"id": s(id)}, UpdateExpression: aws.String("ADD v :v"), ExpressionAttributeValues: item{":v": n(by)}}}
	}
	in := &ddb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{add("a", "-5"), add("b", "5")}, ClientRequestToken: aws.String("once"), ReturnConsumedCapacity: "TOTAL"}
	for range 2 { // the second does nothing
		out, err := h.TransactWriteItems(ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "units", *out.ConsumedCapacity[0].CapacityUnits, 4.0)
	}
	get, err := h.TransactGetItems(ctx, &ddb.TransactGetItemsInput{TransactItems: []types.TransactGetItem{
		{Get: &types.Get{TableName: name, Key: item{"id": s("a")}}}, {Get: &types.Get{TableName: name, Key: item{"id": s("zz")}}}, {Get: &types.Get{TableName: name, Key: item{"id": s("b")}, ProjectionExpression: aws.String("v")}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "a", get.Responses[0].Item, item{"id": s("a"), "v": n("-5")})
	same(t, "zz", get.Responses[1].Item, item(nil))
	same(t, "b", get.Responses[2].Item, item{"v": n("5")})
	in.TransactItems[0] = add("a", "-6")
	var mismatch *types.IdempotentParameterMismatchException
	if _, err := h.TransactWriteItems(ctx, in); !errors.As(err, &mismatch) {
		t.Errorf("another transaction with the token: %v", err)
	}
	check := types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{TableName: name, Key: item{"id": s("a")}, ConditionExpression: aws.String("v > :z"),
		ExpressionAttributeValues: item{":z": n("0")}, ReturnValuesOnConditionCheckFailure: "ALL_OLD"}}
	_, err = h.TransactWriteItems(ctx, &ddb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{add("b", "1"), check}})
	var canceled *types.TransactionCanceledException
	if !errors.As(err, &canceled) || *canceled.Message != "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed]" {
		t.Fatalf("%v", err)
	}
	same(t, "reason", *canceled.CancellationReasons[1].Message, "The conditional request failed")
	same(t, "item", canceled.CancellationReasons[1].Item, item{"id": s("a"), "v": n("-5")})
	b, err := h.GetItem(ctx, &ddb.GetItemInput{TableName: name, Key: item{"id": s("b")}})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "b after a canceled transaction", b.Item["v"], n("5"))
}

// TestRemoveNothing: an update that only removes makes no item; one that says nothing makes one of the key alone.
func TestRemoveNothing(t *testing.T) {
	h := start(t)
	h.create(t, hashTable("things"))
	name, ctx := aws.String("things"), t.Context()
	for id, e := range map[string]*string{"removed": aws.String("REMOVE a, b"), "bare": nil} {
		out, err := h.UpdateItem(ctx, &ddb.UpdateItemInput{TableName: name, Key: item{"id": s(id)}, UpdateExpression: e, ReturnValues: "ALL_NEW"})
		got, getErr := h.GetItem(ctx, &ddb.GetItemInput{TableName: name, Key: item{"id": s(id)}})
		if err != nil || getErr != nil {
			t.Fatal(err, getErr)
		}
		want := item(nil)
		if e == nil {
			want = item{"id": s(id)}
		}
		same(t, id, got.Item, want)
		same(t, id+", told", out.Attributes, want)
	}
}

// TestTransactionMismatch: a key of the wrong type cancels a transaction; an empty one is an error of the request.
func TestTransactionMismatch(t *testing.T) {
	h := start(t)
	h.create(t, indexed("many"))
	name, ctx := aws.String("many"), t.Context()
	key := item{"h": s("a"), "r": n("1")}
	set := func(v types.AttributeValue) types.TransactWriteItem {
		return types.TransactWriteItem{Update: &types.Update{TableName: name, Key: key, UpdateExpression: aws.String("SET g = :v"), ExpressionAttributeValues: item{":v": v}}}
	}
	for _, test := range []struct {
		name, reason string
		in           types.TransactWriteItem
	}{
		{"key of a put", "One or more parameter values were invalid: Type mismatch for key r expected: N actual: S", types.TransactWriteItem{Put: &types.Put{TableName: name, Item: item{"h": s("a"), "r": s("1")}}}},
		{"key of a delete", "The provided key element does not match the schema", types.TransactWriteItem{Delete: &types.Delete{TableName: name, Key: item{"h": s("a"), "r": s("1")}}}},
		{"key of an index", "One or more parameter values were invalid: Type mismatch for Index Key g Expected: S Actual: N IndexName: global", set(n("5"))},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := h.TransactWriteItems(ctx, &ddb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{test.in}})
			var canceled *types.TransactionCanceledException
			if !errors.As(err, &canceled) || *canceled.CancellationReasons[0].Code != "ValidationError" || *canceled.CancellationReasons[0].Message != test.reason {
				t.Error(err)
			}
		})
	}
	_, err := h.TransactWriteItems(ctx, &ddb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{set(s(""))}})
	if code(err) != "ValidationException" {
		t.Error(err)
	}
}
