package dynamodb

// The shapes of the operations' parameters. The order of a structure's fields is the order in which broken rules are told.
// Sources: the API reference's pages of the operations; dynalite's tests for the order.

func bound(n int64) *int64 { return &n }

func needed(name string, s *shape) field   { return field{name: name, shape: s, needed: true} }
func optional(name string, s *shape) field { return field{name: name, shape: s} }

// neededBut is a member that is needed unless another one is there.
func neededBut(name string, s *shape, other string) field {
	return field{name: name, shape: s, needed: true, unless: other}
}

func listOf(s *shape) *shape { return &shape{kind: list, elem: s} }
func mapOf(s *shape) *shape  { return &shape{kind: dictionary, elem: s} }

func struc(class string, fields ...field) *shape {
	return &shape{kind: structure, class: class, fields: fields}
}

func oneOf(values ...string) *shape { return &shape{kind: text, enum: values} }

var (
	anyText = &shape{kind: text}
	flag    = &shape{kind: boolean}
	anItem  = &shape{kind: item}
	aValue  = &shape{kind: attribute}

	name      = &shape{kind: text, named: true, short: 3, long: 255} // of a table or index
	tableName = &shape{kind: text, named: true}                      // where the length is checked before all else
	limit     = &shape{kind: integer, least: bound(1)}
	stringMap = mapOf(anyText)

	returnCapacity    = oneOf("INDEXES", "TOTAL", "NONE")
	returnMetrics     = oneOf("SIZE", "NONE")
	returnValues      = oneOf("ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW")
	returnOnFailure   = oneOf("ALL_OLD", "NONE")
	conditionalOp     = oneOf("OR", "AND")
	selection         = oneOf("SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES")
	comparison        = oneOf("IN", "NULL", "BETWEEN", "LT", "NOT_CONTAINS", "EQ", "GT", "NOT_NULL", "NE", "LE", "BEGINS_WITH", "GE", "CONTAINS")
	attributesToGet   = &shape{kind: list, elem: &shape{kind: text, long: maxName}, short: 1, long: 255}
	condition         = struc("Condition", optional("AttributeValueList", listOf(aValue)), needed("ComparisonOperator", comparison))
	conditions        = mapOf(condition)
	expectations      = mapOf(struc("ExpectedAttributeValue", optional("AttributeValueList", listOf(aValue)), optional("ComparisonOperator", comparison), optional("Exists", flag), optional("Value", aValue)))
	updates           = mapOf(struc("AttributeValueUpdate", optional("Action", oneOf("ADD", "PUT", "DELETE")), optional("Value", aValue)))
	unit              = &shape{kind: long, least: bound(1)}
	throughput        = struc("ProvisionedThroughput", needed("WriteCapacityUnits", unit), needed("ReadCapacityUnits", unit))
	onDemand          = struc("OnDemandThroughput", optional("MaxReadRequestUnits", &shape{kind: long}), optional("MaxWriteRequestUnits", &shape{kind: long}))
	keyAttribute      = &shape{kind: text, short: 1, long: 255}
	keySchema         = &shape{kind: list, short: 1, long: 2, elem: struc("KeySchemaElement", needed("AttributeName", keyAttribute), needed("KeyType", oneOf("HASH", "RANGE")))}
	definitions       = listOf(struc("AttributeDefinition", needed("AttributeName", keyAttribute), needed("AttributeType", oneOf("B", "N", "S"))))
	projection        = struc("Projection", optional("ProjectionType", oneOf("ALL", "INCLUDE", "KEYS_ONLY")), optional("NonKeyAttributes", &shape{kind: list, elem: keyAttribute, short: 1}))
	billingMode       = oneOf("PROVISIONED", "PAY_PER_REQUEST")
	tableClass        = oneOf("STANDARD", "STANDARD_INFREQUENT_ACCESS")
	streamSpec        = struc("StreamSpecification", needed("StreamEnabled", flag), optional("StreamViewType", oneOf("NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES", "KEYS_ONLY")))
	encryption        = struc("SSESpecification", optional("Enabled", flag), optional("SSEType", oneOf("AES256", "KMS")), optional("KMSMasterKeyId", anyText))
	tags              = listOf(struc("Tag", optional("Key", anyText), optional("Value", anyText)))
	localIndex        = struc("LocalSecondaryIndex", needed("IndexName", name), needed("KeySchema", keySchema), needed("Projection", projection))
	globalIndex       = struc("GlobalSecondaryIndex", needed("IndexName", name), optional("ProvisionedThroughput", throughput), needed("KeySchema", keySchema), needed("Projection", projection), optional("OnDemandThroughput", onDemand))
	updateGlobalIndex = struc("UpdateGlobalSecondaryIndexAction", needed("IndexName", name), neededBut("ProvisionedThroughput", throughput, "OnDemandThroughput"), optional("OnDemandThroughput", onDemand))
	deleteGlobalIndex = struc("DeleteGlobalSecondaryIndexAction", needed("IndexName", name))
	createGlobalIndex = struc("CreateGlobalSecondaryIndexAction", needed("IndexName", name), optional("ProvisionedThroughput", throughput), needed("KeySchema", keySchema), needed("Projection", projection), optional("OnDemandThroughput", onDemand))
	globalUpdates     = listOf(struc("GlobalSecondaryIndexUpdate", optional("Update", updateGlobalIndex), optional("Create", createGlobalIndex), optional("Delete", deleteGlobalIndex)))
	streamARN         = &shape{kind: text, short: 37, long: 1024}
	sequenceNumber    = &shape{kind: text, sequence: true, short: 21, long: 40}
)

// expressionNames and expressionValues are what goes with every expression.
var (
	expressionNames  = optional("ExpressionAttributeNames", stringMap)
	expressionValues = optional("ExpressionAttributeValues", anItem)
)

// keysAndAttributes is a table's part of a BatchGetItem.
var keysAndAttributes = struc("KeysAndAttributes",
	needed("Keys", &shape{kind: list, elem: anItem, short: 1, long: 100}),
	optional("AttributesToGet", attributesToGet), optional("ConsistentRead", flag),
	optional("ProjectionExpression", anyText), expressionNames)

var writeRequest = struc("WriteRequest",
	optional("PutRequest", struc("PutRequest", needed("Item", anItem))),
	optional("DeleteRequest", struc("DeleteRequest", needed("Key", anItem))))

// The actions of a transaction.
var (
	transactWrite = struc("TransactWriteItem",
		optional("ConditionCheck", struc("ConditionCheck", needed("Key", anItem), needed("TableName", name), needed("ConditionExpression", anyText),
			expressionNames, expressionValues, optional("ReturnValuesOnConditionCheckFailure", returnOnFailure))),
		optional("Put", struc("Put", needed("Item", anItem), needed("TableName", name), optional("ConditionExpression", anyText),
			expressionNames, expressionValues, optional("ReturnValuesOnConditionCheckFailure", returnOnFailure))),
		optional("Delete", struc("Delete", needed("Key", anItem), needed("TableName", name), optional("ConditionExpression", anyText),
			expressionNames, expressionValues, optional("ReturnValuesOnConditionCheckFailure", returnOnFailure))),
		optional("Update", struc("Update", needed("Key", anItem), needed("UpdateExpression", anyText), needed("TableName", name), optional("ConditionExpression", anyText),
			expressionNames, expressionValues, optional("ReturnValuesOnConditionCheckFailure", returnOnFailure))))
	transactGet = struc("TransactGetItem",
		needed("Get", struc("Get", needed("Key", anItem), needed("TableName", name), optional("ProjectionExpression", anyText), expressionNames)))
)

// items are the operations on items.
var items = []operation{
	{name: "GetItem", run: getItem, shape: struc("",
		optional("ReturnConsumedCapacity", returnCapacity), optional("AttributesToGet", attributesToGet), needed("TableName", name), needed("Key", anItem),
		optional("ConsistentRead", flag), optional("ProjectionExpression", anyText), expressionNames)},
	{name: "PutItem", run: putItem, shape: struc("",
		optional("ReturnConsumedCapacity", returnCapacity), needed("TableName", name), needed("Item", anItem), optional("ConditionalOperator", conditionalOp),
		optional("Expected", expectations), optional("ReturnValues", returnValues), optional("ReturnItemCollectionMetrics", returnMetrics),
		optional("ConditionExpression", anyText), expressionValues, expressionNames, optional("ReturnValuesOnConditionCheckFailure", returnOnFailure))},
	{name: "DeleteItem", run: deleteItem, shape: struc("",
		optional("ReturnConsumedCapacity", returnCapacity), needed("TableName", name), optional("ReturnValues", returnValues),
		optional("ReturnItemCollectionMetrics", returnMetrics), needed("Key", anItem), optional("ConditionalOperator", conditionalOp),
		optional("Expected", expectations), optional("ConditionExpression", anyText), expressionValues, expressionNames,
		optional("ReturnValuesOnConditionCheckFailure", returnOnFailure))},
	{name: "UpdateItem", run: updateItem, shape: struc("",
		optional("ReturnConsumedCapacity", returnCapacity), needed("TableName", name), optional("ReturnItemCollectionMetrics", returnMetrics),
		optional("ReturnValues", returnValues), needed("Key", anItem), optional("ConditionalOperator", conditionalOp), optional("Expected", expectations),
		optional("AttributeUpdates", updates), optional("ConditionExpression", anyText), optional("UpdateExpression", anyText),
		expressionValues, expressionNames, optional("ReturnValuesOnConditionCheckFailure", returnOnFailure))},
	{name: "Query", run: query, shape: struc("",
		optional("Select", selection), optional("IndexName", name), optional("ReturnConsumedCapacity", returnCapacity), optional("QueryFilter", conditions),
		needed("TableName", name), optional("ConditionalOperator", conditionalOp), optional("AttributesToGet", attributesToGet), optional("Limit", limit),
		optional("ExclusiveStartKey", anItem), optional("KeyConditions", conditions), optional("ConsistentRead", flag), optional("ScanIndexForward", flag),
		optional("KeyConditionExpression", anyText), optional("FilterExpression", anyText), optional("ProjectionExpression", anyText),
		expressionValues, expressionNames)},
	{name: "Scan", run: scan, shape: struc("",
		optional("Select", selection), optional("IndexName", name), optional("TotalSegments", &shape{kind: integer, least: bound(1), most: bound(1000000)}),
		optional("ReturnConsumedCapacity", returnCapacity), needed("TableName", name), optional("ConditionalOperator", conditionalOp),
		optional("ScanFilter", conditions), optional("Segment", &shape{kind: integer, least: bound(0), most: bound(999999)}), optional("Limit", limit),
		optional("AttributesToGet", attributesToGet), optional("ExclusiveStartKey", anItem), optional("ConsistentRead", flag),
		optional("FilterExpression", anyText), optional("ProjectionExpression", anyText), expressionValues, expressionNames)},
	{name: "BatchGetItem", run: batchGetItem, shape: struc("",
		optional("ReturnConsumedCapacity", returnCapacity),
		needed("RequestItems", &shape{kind: dictionary, elem: keysAndAttributes, short: 1, keyNamed: true}))},
	{name: "BatchWriteItem", run: batchWriteItem, shape: struc("",
		optional("ReturnConsumedCapacity", returnCapacity), optional("ReturnItemCollectionMetrics", returnMetrics),
		needed("RequestItems", &shape{kind: dictionary, elem: listOf(writeRequest), short: 1, keyNamed: true, few: 1, many: 25}))},
	{name: "TransactGetItems", run: transactGetItems, shape: struc("",
		optional("ReturnConsumedCapacity", returnCapacity), needed("TransactItems", &shape{kind: list, elem: transactGet, short: 1, long: 100}))},
	{name: "TransactWriteItems", run: transactWriteItems, shape: struc("",
		optional("ClientRequestToken", &shape{kind: text, short: 1, long: 36}),
		optional("ReturnConsumedCapacity", returnCapacity), optional("ReturnItemCollectionMetrics", returnMetrics),
		needed("TransactItems", &shape{kind: list, elem: transactWrite, short: 1, long: 100}))},
}

// tables are the operations on tables. titled ones check their TableName before all else, in other words.
var tables = []operation{
	{name: "CreateTable", run: createTable, titled: true, shape: struc("",
		optional("BillingMode", billingMode), needed("AttributeDefinitions", definitions), optional("TableName", tableName),
		optional("ProvisionedThroughput", throughput), needed("KeySchema", keySchema), optional("LocalSecondaryIndexes", listOf(localIndex)),
		optional("GlobalSecondaryIndexes", listOf(globalIndex)), optional("StreamSpecification", streamSpec), optional("SSESpecification", encryption),
		optional("Tags", tags), optional("TableClass", tableClass), optional("DeletionProtectionEnabled", flag), optional("OnDemandThroughput", onDemand))},
	{name: "UpdateTable", run: updateTable, titled: true, shape: struc("",
		optional("TableName", tableName), optional("BillingMode", billingMode), optional("ProvisionedThroughput", throughput),
		optional("GlobalSecondaryIndexUpdates", globalUpdates), optional("AttributeDefinitions", definitions), optional("StreamSpecification", streamSpec),
		optional("SSESpecification", encryption), optional("TableClass", tableClass), optional("DeletionProtectionEnabled", flag),
		optional("OnDemandThroughput", onDemand), optional("ReplicaUpdates", listOf(struc("ReplicationGroupUpdate"))))},
	{name: "DescribeTable", run: describeTable, titled: true, shape: struc("", optional("TableName", tableName))},
	{name: "DeleteTable", run: deleteTable, titled: true, shape: struc("", optional("TableName", tableName))},
	{name: "ListTables", run: listTables, shape: struc("",
		optional("Limit", &shape{kind: integer, least: bound(1), most: bound(100)}), optional("ExclusiveStartTableName", name))},
	{name: "UpdateTimeToLive", run: updateTimeToLive, titled: true, shape: struc("",
		optional("TableName", tableName),
		needed("TimeToLiveSpecification", struc("TimeToLiveSpecification", needed("AttributeName", keyAttribute), needed("Enabled", flag))))},
	{name: "DescribeTimeToLive", run: describeTimeToLive, titled: true, shape: struc("", optional("TableName", tableName))},
	{name: "DescribeContinuousBackups", run: describeContinuousBackups, titled: true, shape: struc("", optional("TableName", tableName))},
	{name: "TagResource", run: tagResource, shape: struc("", optional("ResourceArn", anyText), optional("Tags", tags))},
	{name: "UntagResource", run: untagResource, shape: struc("", optional("ResourceArn", anyText), optional("TagKeys", listOf(anyText)))},
	{name: "ListTagsOfResource", run: listTagsOfResource, shape: struc("", optional("ResourceArn", anyText), optional("NextToken", anyText))},
	{name: "DescribeLimits", run: describeLimits, shape: struc("")},
	{name: "DescribeEndpoints", run: describeEndpoints, shape: struc("")},
}

// streams are the operations of the API of streams.
var streams = []operation{
	{name: "ListStreams", run: listStreams, shape: struc("",
		optional("TableName", name), optional("Limit", &shape{kind: integer, least: bound(1), most: bound(100)}), optional("ExclusiveStartStreamArn", streamARN))},
	{name: "DescribeStream", run: describeStream, shape: struc("",
		needed("StreamArn", streamARN), optional("Limit", &shape{kind: integer, least: bound(1), most: bound(100)}),
		optional("ExclusiveStartShardId", &shape{kind: text, short: 28, long: 65}))},
	{name: "GetShardIterator", run: getShardIterator, shape: struc("",
		needed("ShardId", &shape{kind: text, short: 28, long: 65}),
		needed("ShardIteratorType", oneOf("AT_SEQUENCE_NUMBER", "LATEST", "AFTER_SEQUENCE_NUMBER", "TRIM_HORIZON")),
		needed("StreamArn", streamARN), optional("SequenceNumber", sequenceNumber))},
	{name: "GetRecords", run: getRecords, shape: struc("",
		needed("ShardIterator", &shape{kind: text, short: 1, long: 2048}),
		optional("Limit", &shape{kind: integer, least: bound(1), most: bound(1000)}))},
}

// notBuilt are operations that DynamoDB has and this service has not, so that a call says so by name.
var notBuilt = map[string]bool{
	"ExecuteStatement": true, "BatchExecuteStatement": true, "ExecuteTransaction": true,
	"CreateBackup": true, "DeleteBackup": true, "DescribeBackup": true, "ListBackups": true, "RestoreTableFromBackup": true,
	"RestoreTableToPointInTime": true, "UpdateContinuousBackups": true,
	"CreateGlobalTable": true, "DescribeGlobalTable": true, "DescribeGlobalTableSettings": true, "ListGlobalTables": true,
	"UpdateGlobalTable": true, "UpdateGlobalTableSettings": true, "DescribeTableReplicaAutoScaling": true, "UpdateTableReplicaAutoScaling": true,
	"ExportTableToPointInTime": true, "DescribeExport": true, "ListExports": true,
	"ImportTable": true, "DescribeImport": true, "ListImports": true,
	"EnableKinesisStreamingDestination": true, "DisableKinesisStreamingDestination": true, "UpdateKinesisStreamingDestination": true,
	"DescribeKinesisStreamingDestination": true,
	"DescribeContributorInsights":         true, "ListContributorInsights": true, "UpdateContributorInsights": true,
	"GetResourcePolicy": true, "PutResourcePolicy": true, "DeleteResourcePolicy": true,
}
