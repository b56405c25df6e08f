package dynamodb_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"hash/crc32"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/awswire"
)

func TestTables(t *testing.T) {
	h := start(t)
	ctx := t.Context()
	in := indexed("t-1")
	in.BillingMode = types.BillingModePayPerRequest
	in.Tags = []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}
	in.DeletionProtectionEnabled = aws.Bool(true)
	out, err := h.CreateTable(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	d := out.TableDescription
	if d.TableStatus != "CREATING" || *d.TableArn != "arn:aws:dynamodb:us-east-1:000000000000:table/t-1" || *d.TableId == "" || d.CreationDateTime == nil || d.BillingModeSummary.BillingMode != "PAY_PER_REQUEST" {
		t.Errorf("%+v", d)
	}
	if d.GlobalSecondaryIndexes[0].IndexStatus != "CREATING" || *d.GlobalSecondaryIndexes[0].IndexArn != *d.TableArn+"/index/global" {
		t.Errorf("%+v", d.GlobalSecondaryIndexes[0])
	}
	if d = h.settled(t, "t-1"); d.GlobalSecondaryIndexes[0].IndexStatus != "ACTIVE" || !*d.DeletionProtectionEnabled || len(d.LocalSecondaryIndexes) != 1 {
		t.Errorf("%+v", d)
	}
	for _, name := range []string{"t-2", "t-3"} {
		h.create(t, hashTable(name))
	}
	var names []string
	for p := ddb.NewListTablesPaginator(h.Client, &ddb.ListTablesInput{Limit: aws.Int32(2)}); p.HasMorePages(); {
		page, err := p.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, page.TableNames...)
	}
	same(t, "names", names, []string{"t-1", "t-2", "t-3"})
	if _, err := h.DeleteTable(ctx, &ddb.DeleteTableInput{TableName: aws.String("t-1")}); code(err) != "ValidationException" || !strings.Contains(err.Error(), "protected against deletion") {
		t.Errorf("a protected table is deleted: %v", err)
	}
	if _, err := h.UpdateTable(ctx, &ddb.UpdateTableInput{TableName: aws.String("t-1"), DeletionProtectionEnabled: aws.Bool(false)}); err != nil {
		t.Fatal(err)
	}
	h.settled(t, "t-1")
	del, err := h.DeleteTable(ctx, &ddb.DeleteTableInput{TableName: aws.String("t-1")})
	if err != nil || del.TableDescription.TableStatus != "DELETING" {
		t.Fatal(del, err)
	}
	if _, err := h.DescribeTable(ctx, &ddb.DescribeTableInput{TableName: aws.String("t-1")}); code(err) != "ResourceNotFoundException" {
		t.Errorf("after its deletion: %v", err)
	}
	backups, err := h.DescribeContinuousBackups(ctx, &ddb.DescribeContinuousBackupsInput{TableName: aws.String("t-2")})
	if err != nil || backups.ContinuousBackupsDescription.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus != "DISABLED" {
		t.Error(backups, err)
	}
	if _, err := h.DescribeLimits(ctx, &ddb.DescribeLimitsInput{}); err != nil {
		t.Error(err)
	}
	if _, err := h.DescribeEndpoints(ctx, &ddb.DescribeEndpointsInput{}); err != nil {
		t.Error(err)
	}
}

func TestUpdateTable(t *testing.T) {
	h := start(t)
	ctx, name := t.Context(), aws.String("grows")
	in := hashTable("grows")
	in.ProvisionedThroughput = &types.ProvisionedThroughput{ReadCapacityUnits: aws.Int64(5), WriteCapacityUnits: aws.Int64(5)}
	h.create(t, in)
	for i := range 50 {
		if _, err := h.PutItem(ctx, &ddb.PutItemInput{TableName: name, Item: item{"id": s(fmt.Sprint(i)), "g": n(fmt.Sprint(i % 5))}}); err != nil {
			t.Fatal(err)
		}
	}
	units := func(r, w int64) *types.ProvisionedThroughput {
		return &types.ProvisionedThroughput{ReadCapacityUnits: &r, WriteCapacityUnits: &w}
	}
	if _, err := h.UpdateTable(ctx, &ddb.UpdateTableInput{TableName: name, ProvisionedThroughput: units(5, 5)}); code(err) != "ValidationException" {
		t.Errorf("the same units: %v", err)
	}
	out, err := h.UpdateTable(ctx, &ddb.UpdateTableInput{TableName: name, ProvisionedThroughput: units(3, 5)})
	if err != nil || out.TableDescription.TableStatus != "UPDATING" || *out.TableDescription.ProvisionedThroughput.ReadCapacityUnits != 5 {
		t.Fatal(out, err)
	}
	if _, err := h.UpdateTable(ctx, &ddb.UpdateTableInput{TableName: name, ProvisionedThroughput: units(4, 4)}); code(err) != "ResourceInUseException" {
		t.Errorf("while it is updated: %v", err)
	}
	p := h.settled(t, "grows").ProvisionedThroughput
	if *p.ReadCapacityUnits != 3 || *p.NumberOfDecreasesToday != 1 || p.LastDecreaseDateTime == nil {
		t.Errorf("%+v", p)
	}
	x, err := h.UpdateTable(ctx, &ddb.UpdateTableInput{TableName: name, AttributeDefinitions: []types.AttributeDefinition{attr("g", "N")},
		GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{Create: &types.CreateGlobalSecondaryIndexAction{IndexName: aws.String("by-g"), KeySchema: []types.KeySchemaElement{hash("g")},
			Projection: &types.Projection{ProjectionType: "ALL"}, ProvisionedThroughput: units(1, 1)}}}})
	if err != nil || x.TableDescription.GlobalSecondaryIndexes[0].IndexStatus != "CREATING" || !*x.TableDescription.GlobalSecondaryIndexes[0].Backfilling {
		t.Fatal(x, err)
	}
	h.settled(t, "grows")
	found, err := h.Query(ctx, &ddb.QueryInput{TableName: name, IndexName: aws.String("by-g"), KeyConditionExpression: aws.String("g = :g"), ExpressionAttributeValues: item{":g": n("3")}})
	if err != nil || found.Count != 10 {
		t.Fatal(found, err)
	}
	if _, err := h.UpdateTable(ctx, &ddb.UpdateTableInput{TableName: name, BillingMode: "PAY_PER_REQUEST"}); err != nil {
		t.Fatal(err)
	}
	if d := h.settled(t, "grows"); d.BillingModeSummary.BillingMode != "PAY_PER_REQUEST" || *d.ProvisionedThroughput.ReadCapacityUnits != 0 {
		t.Errorf("%+v", d)
	}
	if _, err := h.UpdateTable(ctx, &ddb.UpdateTableInput{TableName: name, GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{Delete: &types.DeleteGlobalSecondaryIndexAction{IndexName: aws.String("by-g")}}}}); err != nil {
		t.Fatal(err)
	}
	if d := h.settled(t, "grows"); len(d.GlobalSecondaryIndexes) != 0 || len(d.AttributeDefinitions) != 1 {
		t.Errorf("%+v", d)
	}
	if _, err := h.engine.Check(ctx, func(_, problem string) { t.Error(problem) }); err != nil {
		t.Error(err)
	}
}

func TestTags(t *testing.T) {
	h := start(t)
	ctx := t.Context()
	h.create(t, hashTable("tagged"))
	arn := aws.String("arn:aws:dynamodb:us-east-1:000000000000:table/tagged")
	tags := []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}, {Key: aws.String("b"), Value: aws.String("")}}
	if _, err := h.TagResource(ctx, &ddb.TagResourceInput{ResourceArn: arn, Tags: tags}); err != nil {
		t.Fatal(err)
	}
	out, err := h.ListTagsOfResource(ctx, &ddb.ListTagsOfResourceInput{ResourceArn: arn})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "tags", out.Tags, tags)
	if _, err := h.UntagResource(ctx, &ddb.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"a"}}); err != nil {
		t.Fatal(err)
	}
	out, err = h.ListTagsOfResource(ctx, &ddb.ListTagsOfResourceInput{ResourceArn: arn})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "tags left", out.Tags, tags[1:])
}

// TestPermissions: who is not the root is asked for each action, on the table's or index's ARN and with the hash keys.
func TestPermissions(t *testing.T) {
	h := start(t)
	h.create(t, indexed("guarded"))
	ctx, name := t.Context(), aws.String("guarded")
	ann := client(h.url, userKey)
	var asked []string
	h.allow = func(p *sockgate.Principal, action string, resources []string, keys awswire.Keys) error {
		leading, _ := keys.Key("dynamodb:leadingkeys")
		asked = append(asked, fmt.Sprintf("%s%v%v", action, resources, leading))
		if action == "dynamodb:DeleteItem" {
			return awswire.Denied(p, action, resources[0])
		}
		return nil
	}
	key := item{"h": s("a"), "r": n("1")}
	if _, err := ann.GetItem(ctx, &ddb.GetItemInput{TableName: name, Key: key}); err != nil {
		t.Error(err)
	}
	if _, err := ann.Query(ctx, &ddb.QueryInput{TableName: name, IndexName: aws.String("global"), KeyConditionExpression: aws.String("g = :g"), ExpressionAttributeValues: item{":g": s("x")}}); err != nil {
		t.Error(err)
	}
	_, err := ann.TransactWriteItems(ctx, &ddb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: &types.Put{TableName: name, Item: key}}, {Delete: &types.Delete{TableName: name, Key: item{"h": s("b"), "r": n("1")}}}}})
	if code(err) != "AccessDeniedException" || !strings.Contains(err.Error(), "User: arn:aws:iam::000000000000:user/ann is not authorized to perform: dynamodb:DeleteItem on resource: arn:aws:dynamodb:us-east-1:000000000000:table/guarded") {
		t.Error(err)
	}
	const arn = "arn:aws:dynamodb:us-east-1:000000000000:table/guarded"
	same(t, "asked", asked, []string{"dynamodb:GetItem[" + arn + "][a]", "dynamodb:Query[" + arn + "/index/global][x]", "dynamodb:PutItem[" + arn + "][a]", "dynamodb:DeleteItem[" + arn + "][b]"})
}

// TestWire: the headers of answers, compressed requests, and what is no call at all.
func TestWire(t *testing.T) {
	h := start(t)
	for _, content := range []string{"application/x-amz-json-1.0", "application/json"} {
		resp, answer := h.raw(t, items+"ListTables", `{"hi":"yo","Limit":null}`, func(r *http.Request) { r.Header.Set("Content-Type", content) })
		if answer != `{"TableNames":[]}` || resp.Header.Get("Content-Type") != content || resp.Header.Get("X-Amz-Crc32") != fmt.Sprint(crc32.ChecksumIEEE([]byte(answer))) || resp.Header.Get("X-Amzn-Requestid") == "" {
			t.Errorf("%s %v", answer, resp.Header)
		}
	}
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	w.Write([]byte(`{"Limit":5}`))
	w.Close()
	gzipped := func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }
	if resp, answer := h.raw(t, items+"ListTables", z.String(), gzipped); resp.StatusCode != 200 {
		t.Errorf("gzip: %s", answer)
	}
	z.Reset()
	w.Reset(&z)
	w.Write(bytes.Repeat([]byte(" "), 17<<20))
	w.Close()
	if resp, _ := h.raw(t, items+"ListTables", z.String(), gzipped); resp.StatusCode != 413 {
		t.Errorf("a body that grows: %d", resp.StatusCode)
	}
	if resp, answer := h.raw(t, items+"ListTables", "hi", func(r *http.Request) { r.Header.Set("Content-Type", "whatever") }); resp.StatusCode != 404 || answer != "<UnknownOperationException/>\n" || resp.Header.Get("X-Amz-Crc32") != "3552371480" {
		t.Errorf("another content: %d %s", resp.StatusCode, answer)
	}
	unsigned := func(edit func(*http.Request)) string {
		t.Helper()
		r, err := http.NewRequest("POST", h.url, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Amz-Target", items+"ListTables")
		r.Header.Set("Content-Type", "application/x-amz-json-1.0")
		edit(r)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var b bytes.Buffer
		b.ReadFrom(resp.Body)
		return fmt.Sprint(resp.StatusCode, " ", b.String())
	}
	for want, edit := range map[string]func(*http.Request){
		`400 {"__type":"com.amazon.coral.service#MissingAuthenticationTokenException","message":"Request is missing Authentication Token"}`: func(*http.Request) {},
		`400 {"__type":"com.amazon.coral.service#UnrecognizedClientException","message":"The security token included in the request is invalid."}`: func(r *http.Request) {
			sign(t, r, []byte("{}"), "AKIDNOBODY")
		},
	} {
		if got := unsigned(edit); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	if got := unsigned(func(r *http.Request) { sign(t, r, []byte("other"), rootKey) }); !strings.HasPrefix(got, `400 {"__type":"com.amazon.coral.service#InvalidSignatureException","message":"The request signature we calculated`) {
		t.Error(got)
	}
}

// FuzzServe: no body makes the service fail, and what it answers is an object.
func FuzzServe(f *testing.F) {
	h := start(f)
	h.create(f, indexed("fuzz"))
	ops := []string{"PutItem", "GetItem", "UpdateItem", "Query", "Scan", "BatchWriteItem", "BatchGetItem", "TransactWriteItems", "TransactGetItems", "DeleteItem"}
	for _, body := range []string{
		`{"TableName":"fuzz","Item":{"h":{"S":"a"},"r":{"N":"1"},"g":{"S":"x"}}}`, `{"TableName":"fuzz","Key":{"h":{"S":"a"},"r":{"N":"1"}}}`,
		`{"TableName":"fuzz","KeyConditions":{"h":{"ComparisonOperator":"EQ","AttributeValueList":[{"S":"a"}]}},"QueryFilter":{"x":null}}`,
		`{"RequestItems":{"fuzz":[null,{"PutRequest":null}]}}`, `{"RequestItems":{"fuzz":{"Keys":[null]}}}`, `{"TransactItems":[null,{"Put":{}}]}`, `{"Expected":{"a":null},"AttributeUpdates":{"a":null}}`,
	} {
		for i := range ops {
			f.Add(i, body)
		}
	}
	f.Fuzz(func(t *testing.T, op int, body string) {
		resp, answer := h.raw(t, items+ops[uint(op)%uint(len(ops))], body)
		if resp.StatusCode >= 500 || !strings.HasPrefix(answer, "{") || !slices.Contains([]int{200, 400}, resp.StatusCode) {
			t.Errorf("%d %s", resp.StatusCode, answer)
		}
	})
}
