package resource

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"

	"github.com/sockgate/sockgate/template/resource/wire"
)

// The types of DynamoDB. Source: AWS CloudFormation Template Reference, "AWS::DynamoDB::Table".
var dynamoDBTypes = []*Type{
	{Name: "AWS::DynamoDB::Table", named: "TableName", attributes: []string{"Arn", "StreamArn"}, volatile: []string{"StreamArn"}, provider: table{}, shape: tableShape, further: tableRules},
}

var (
	keySchema  = listOf(object(need("AttributeName", str()), need("KeyType", str())))
	projection = object(opt("NonKeyAttributes", listOf(str())), opt("ProjectionType", str()))
	throughput = object(need("ReadCapacityUnits", whole()), need("WriteCapacityUnits", whole()))
	onDemand   = object(opt("MaxReadRequestUnits", whole()), opt("MaxWriteRequestUnits", whole()))
	insights   = object(need("Enabled", flag()), opt("Mode", str()))
	tableShape = object(
		fixed("TableName", str()),
		opt("AttributeDefinitions", listOf(object(need("AttributeName", str()), need("AttributeType", str())))).keep(),
		needFixed("KeySchema", keySchema),
		opt("BillingMode", str()).back("PROVISIONED"),
		opt("ProvisionedThroughput", throughput).keep(),
		opt("OnDemandThroughput", onDemand).keep(),
		opt("GlobalSecondaryIndexes", listOf(object(
			need("IndexName", str()), need("KeySchema", keySchema), need("Projection", projection), opt("ProvisionedThroughput", throughput),
			opt("OnDemandThroughput", onDemand), opt("ContributorInsightsSpecification", insights), opt("WarmThroughput", anything()),
		))).back([]any{}),
		fixed("LocalSecondaryIndexes", listOf(object(
			need("IndexName", str()), need("KeySchema", keySchema), need("Projection", projection),
		))),
		opt("DeletionProtectionEnabled", flag()).back(false),
		opt("SSESpecification", object(need("SSEEnabled", flag()), opt("SSEType", str()), opt("KMSMasterKeyId", str()))).keep(),
		opt("StreamSpecification", object(need("StreamViewType", str()), opt("ResourcePolicy", anything()))).back(map[string]any{}),
		opt("TableClass", str()).back("STANDARD"),
		opt("TimeToLiveSpecification", object(need("Enabled", flag()), opt("AttributeName", str()))).back(map[string]any{}),
		opt("Tags", tagList()).back([]any{}),
		// What a local table has no use for is taken and has no effect.
		opt("PointInTimeRecoverySpecification", object(opt("PointInTimeRecoveryEnabled", flag()), opt("RecoveryPeriodInDays", whole()))).keep(),
		opt("ContributorInsightsSpecification", insights).keep(),
		opt("WarmThroughput", anything()).keep(),
		refused("KinesisStreamSpecification", notBuilt),
		refused("ImportSourceSpecification", notBuilt),
		refused("ResourcePolicy", notBuilt),
	)
)

func tableRules(props map[string]any) error {
	if props["AttributeDefinitions"] == nil {
		return errors.New("property AttributeDefinitions is required")
	}
	return nil
}

type table struct{}

func (table) call(ctx context.Context, c *Call, operation string, in map[string]any) (map[string]any, error) {
	return c.Client.JSON(ctx, "dynamodb", "DynamoDB_20120810."+operation, in)
}

// indexes are the global indexes as the API has them.
func indexes(props map[string]any) []any {
	var list []any
	for _, i := range wire.List(props, "GlobalSecondaryIndexes") {
		list = append(list, onlyOf(i, "IndexName", "KeySchema", "Projection", "ProvisionedThroughput", "OnDemandThroughput"))
	}
	return list
}

func onlyOf(v any, names ...string) map[string]any {
	out := map[string]any{}
	for _, n := range names {
		if item := wire.At(v, n); item != nil {
			out[n] = item
		}
	}
	return out
}

func stream(props map[string]any) map[string]any {
	if view := wire.Text(props, "StreamSpecification", "StreamViewType"); view != "" {
		return map[string]any{"StreamEnabled": true, "StreamViewType": view}
	}
	return map[string]any{"StreamEnabled": false}
}

func encryption(props map[string]any) map[string]any {
	in := onlyOf(props["SSESpecification"], "SSEType", "KMSMasterKeyId")
	in["Enabled"] = wire.At(props, "SSESpecification", "SSEEnabled") == true
	return in
}

func (t table) create(ctx context.Context, c *Call) (*State, error) {
	p := c.Properties
	name := textOr(p, "TableName", c.Name)
	in := onlyOf(p, "AttributeDefinitions", "KeySchema", "BillingMode", "ProvisionedThroughput", "OnDemandThroughput", "LocalSecondaryIndexes",
		"DeletionProtectionEnabled", "TableClass")
	if tags := wire.List(p, "Tags"); len(tags) > 0 {
		in["Tags"] = tags
	}
	in["TableName"] = name
	if list := indexes(p); len(list) > 0 {
		in["GlobalSecondaryIndexes"] = list
	}
	if p["StreamSpecification"] != nil {
		in["StreamSpecification"] = stream(p)
	}
	if p["SSESpecification"] != nil {
		in["SSESpecification"] = encryption(p)
	}
	if _, err := t.call(ctx, c, "CreateTable", in); err != nil {
		return nil, err
	}
	st, err := t.active(ctx, c, name)
	if err == nil && p["TimeToLiveSpecification"] != nil && wire.At(p, "TimeToLiveSpecification", "Enabled") == true {
		_, err = t.call(ctx, c, "UpdateTimeToLive", map[string]any{"TableName": name, "TimeToLiveSpecification": p["TimeToLiveSpecification"]})
	}
	if err != nil {
		return nil, undo(ctx, err, func(ctx context.Context) error {
			_, err := t.call(ctx, c, "DeleteTable", map[string]any{"TableName": name})
			return err
		})
	}
	return st, nil
}

// active waits until the table and its indexes are.
func (t table) active(ctx context.Context, c *Call, name string) (*State, error) {
	st := &State{PhysicalID: name}
	err := wait(ctx, "table "+name, func() (bool, error) {
		answer, err := t.call(ctx, c, "DescribeTable", map[string]any{"TableName": name})
		if err != nil {
			return false, err
		}
		st.Attributes = map[string]any{"Arn": wire.Text(answer, "Table", "TableArn")}
		if arn := wire.Text(answer, "Table", "LatestStreamArn"); arn != "" {
			st.Attributes["StreamArn"] = arn
		}
		ready := wire.Text(answer, "Table", "TableStatus") == "ACTIVE"
		for _, i := range wire.List(answer, "Table", "GlobalSecondaryIndexes") {
			ready = ready && wire.Text(i, "IndexStatus") == "ACTIVE"
		}
		return ready, nil
	})
	return st, err
}

// update makes one call for each kind of change, as DynamoDB wants it.
func (t table) update(ctx context.Context, c *Call) (*State, error) {
	name := c.Old.PhysicalID
	for _, in := range tableUpdates(c.Old.Properties, c.Properties) {
		in["TableName"] = name
		if _, err := t.call(ctx, c, "UpdateTable", in); err != nil && !(c.Again && wire.Is(err, "ValidationException", "ResourceInUseException", "ResourceNotFoundException")) {
			return nil, err // an interrupted update may have made this change already
		}
		if _, err := t.active(ctx, c, name); err != nil {
			return nil, err
		}
	}
	if err := t.updateTTL(ctx, c); err != nil {
		return nil, err
	}
	st, err := t.active(ctx, c, name)
	if err != nil {
		return nil, err
	}
	return st, t.retag(ctx, c, wire.Text(st.Attributes, "Arn"))
}

// tableUpdates returns the bodies of the UpdateTable calls that lead from old to now.
func tableUpdates(old, now map[string]any) (calls []map[string]any) {
	differs := func(name string) bool { return !reflect.DeepEqual(old[name], now[name]) }
	if differs("BillingMode") || differs("ProvisionedThroughput") || differs("OnDemandThroughput") {
		in := onlyOf(now, "OnDemandThroughput")
		if differs("BillingMode") {
			in["BillingMode"] = textOr(now, "BillingMode", "PROVISIONED")
		}
		if now["ProvisionedThroughput"] != nil && text(now, "BillingMode") != "PAY_PER_REQUEST" {
			in["ProvisionedThroughput"] = now["ProvisionedThroughput"]
		}
		if len(in) > 0 {
			calls = append(calls, in)
		}
	}
	calls = append(calls, indexUpdates(old, now)...)
	if differs("StreamSpecification") {
		if wire.Text(old, "StreamSpecification", "StreamViewType") != "" {
			calls = append(calls, map[string]any{"StreamSpecification": map[string]any{"StreamEnabled": false}})
		}
		if s := stream(now); s["StreamEnabled"] == true {
			calls = append(calls, map[string]any{"StreamSpecification": s})
		}
	}
	if differs("DeletionProtectionEnabled") {
		calls = append(calls, map[string]any{"DeletionProtectionEnabled": now["DeletionProtectionEnabled"] == true})
	}
	if differs("TableClass") {
		calls = append(calls, map[string]any{"TableClass": textOr(now, "TableClass", "STANDARD")})
	}
	if differs("SSESpecification") && now["SSESpecification"] != nil {
		calls = append(calls, map[string]any{"SSESpecification": encryption(now)})
	}
	return calls
}

// indexUpdates deletes, then creates, one index in each call. An index whose keys or projection changed is made anew.
func indexUpdates(old, now map[string]any) (calls []map[string]any) {
	byName := func(props map[string]any) map[string]any {
		all := map[string]any{}
		for _, i := range indexes(props) {
			all[wire.Text(i, "IndexName")] = i
		}
		return all
	}
	before, after := byName(old), byName(now)
	update := func(verb string, body any) {
		in := map[string]any{"GlobalSecondaryIndexUpdates": []any{map[string]any{verb: body}}}
		if verb == "Create" {
			in["AttributeDefinitions"] = now["AttributeDefinitions"]
		}
		calls = append(calls, in)
	}
	made := func(name string) bool {
		return reflect.DeepEqual(onlyOf(before[name], "KeySchema", "Projection"), onlyOf(after[name], "KeySchema", "Projection"))
	}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if !made(name) {
			update("Delete", map[string]any{"IndexName": name})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if !made(name) {
			update("Create", after[name])
		} else if !reflect.DeepEqual(before[name], after[name]) {
			update("Update", onlyOf(after[name], "IndexName", "ProvisionedThroughput", "OnDemandThroughput"))
		}
	}
	return calls
}

func (t table) updateTTL(ctx context.Context, c *Call) error {
	before, after := c.Old.Properties["TimeToLiveSpecification"], c.Properties["TimeToLiveSpecification"]
	if reflect.DeepEqual(before, after) {
		return nil
	}
	set := func(spec any, on bool) error {
		_, err := t.call(ctx, c, "UpdateTimeToLive", map[string]any{"TableName": c.Old.PhysicalID,
			"TimeToLiveSpecification": map[string]any{"AttributeName": wire.Text(spec, "AttributeName"), "Enabled": on}})
		if c.Again && wire.Is(err, "ValidationException") {
			return nil
		}
		return err
	}
	was, is := wire.At(before, "Enabled") == true, wire.At(after, "Enabled") == true
	if was && (!is || wire.Text(before, "AttributeName") != wire.Text(after, "AttributeName")) {
		if err := set(before, false); err != nil {
			return err
		}
		was = false
	}
	if is && !was {
		return set(after, true)
	}
	return nil
}

func (t table) retag(ctx context.Context, c *Call, arn string) error {
	if reflect.DeepEqual(c.Old.Properties["Tags"], c.Properties["Tags"]) {
		return nil
	}
	if gone := goneTags(c); len(gone) > 0 {
		if _, err := t.call(ctx, c, "UntagResource", map[string]any{"ResourceArn": arn, "TagKeys": gone}); err != nil {
			return err
		}
	}
	if tags := wire.List(c.Properties, "Tags"); len(tags) > 0 {
		_, err := t.call(ctx, c, "TagResource", map[string]any{"ResourceArn": arn, "Tags": tags})
		return err
	}
	return nil
}

func (t table) delete(ctx context.Context, c *Call) error {
	if _, err := t.call(ctx, c, "DeleteTable", map[string]any{"TableName": c.Old.PhysicalID}); err != nil {
		return err
	}
	return wait(ctx, "the deletion of table "+c.Old.PhysicalID, func() (bool, error) {
		_, err := t.call(ctx, c, "DescribeTable", map[string]any{"TableName": c.Old.PhysicalID})
		if wire.NotFound(err) {
			return true, nil
		}
		return false, err
	})
}

func (t table) find(ctx context.Context, c *Call) (*State, error) {
	return t.active(ctx, c, textOr(c.Properties, "TableName", c.Name))
}
