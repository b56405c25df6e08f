package dynamodb_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// The namespaces of error types.
const (
	coral    = "com.amazon.coral.service#"
	validate = "com.amazon.coral.validate#"
	dynamo   = "com.amazonaws.dynamodb.v20120810#"
)

// startTexts has the tables that the cases are about.
func startTexts(t *testing.T) *harness {
	h := start(t)
	h.create(t, hashTable("hash"))
	h.create(t, &ddb.CreateTableInput{
		TableName: ptr("range"), AttributeDefinitions: []types.AttributeDefinition{attr("a", "S"), attr("b", "S"), attr("c", "S"), attr("d", "S")},
		KeySchema: []types.KeySchemaElement{hash("a"), rng("b")},
		LocalSecondaryIndexes: []types.LocalSecondaryIndex{
			{IndexName: ptr("index1"), KeySchema: []types.KeySchemaElement{hash("a"), rng("c")}, Projection: &types.Projection{ProjectionType: "ALL"}},
			{IndexName: ptr("index2"), KeySchema: []types.KeySchemaElement{hash("a"), rng("d")}, Projection: &types.Projection{ProjectionType: "INCLUDE", NonKeyAttributes: []string{"c"}}},
		},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{
			{IndexName: ptr("index3"), KeySchema: []types.KeySchemaElement{hash("c")}, Projection: &types.Projection{ProjectionType: "ALL"}},
			{IndexName: ptr("index4"), KeySchema: []types.KeySchemaElement{hash("c"), rng("d")}, Projection: &types.Projection{ProjectionType: "INCLUDE", NonKeyAttributes: []string{"e"}}},
		},
	})
	return h
}

func ptr(s string) *string { return &s }

func TestValidationTexts(t *testing.T) {
	h := startTexts(t)
	const values = "One or more parameter values were invalid: "
	const noName = "Value null at 'tableName' failed to satisfy constraint: Member must not be null"
	long := strings.Repeat("a", 256)
	tests := []struct{ op, body, want string }{
		{"GetItem", `{}`, "2 validation errors detected: " + noName + "; Value null at 'key' failed to satisfy constraint: Member must not be null"},
		{"GetItem", `{"TableName":"a;","Key":{}}`, "2 validation errors detected: Value 'a;' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+; " +
			"Value 'a;' at 'tableName' failed to satisfy constraint: Member must have length greater than or equal to 3"},
		{"GetItem", `{"TableName":"` + long + `","Key":{}}`, "1 validation error detected: Value '" + long + "' at 'tableName' failed to satisfy constraint: Member must have length less than or equal to 255"},
		{"GetItem", `{"TableName":"abc","Key":{},"AttributesToGet":[],"ReturnConsumedCapacity":"hi"}`, "2 validation errors detected: " +
			"Value 'hi' at 'returnConsumedCapacity' failed to satisfy constraint: Member must satisfy enum value set: [INDEXES, TOTAL, NONE]; " +
			"Value '[]' at 'attributesToGet' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"GetItem", `{"TableName":"abc","Key":{"a":{}},"AttributesToGet":["a"],"ExpressionAttributeNames":{},"ProjectionExpression":""}`,
			"Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {AttributesToGet} Expression parameters: {ProjectionExpression}"},
		{"GetItem", `{"TableName":"abc","Key":{"a":{}},"AttributesToGet":["a"],"ExpressionAttributeNames":{}}`, "ExpressionAttributeNames can only be specified when using expressions"},
		{"GetItem", `{"TableName":"abc","Key":{"a":{}},"ProjectionExpression":"","ExpressionAttributeNames":{}}`, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"},
		{"GetItem", `{"TableName":"abc","Key":{},"AttributesToGet":["a","a"]}`, values + "Duplicate value in attribute name: a"},
		{"GetItem", `{"TableName":"abc","Key":{},"ProjectionExpression":"","ExpressionAttributeNames":{}}`, "ExpressionAttributeNames must not be empty"},
		{"GetItem", `{"TableName":"abc","Key":{},"ProjectionExpression":""}`, "Invalid ProjectionExpression: The expression can not be empty;"},
		{"GetItem", `{"TableName":"hash","Key":{}}`, "The provided key element does not match the schema"},
		{"GetItem", `{"TableName":"hash","Key":{"id":{"N":"1"}}}`, "The provided key element does not match the schema"},
		{"GetItem", `{"TableName":"hash","Key":{"id":{"S":""}}}`, "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: id"},
		{"GetItem", `{"TableName":"hash","Key":{"id":{"S":"` + strings.Repeat("k", 2049) + `"}}}`, values + "Size of hashkey has exceeded the maximum size limit of2048 bytes"},
		{"GetItem", `{"TableName":"range","Key":{"a":{"S":"a"},"b":{"S":"` + strings.Repeat("k", 1025) + `"}}}`, values + "Aggregated size of all range keys has exceeded the size limit of 1024 bytes"},
		{"GetItem", `{"TableName":"hash","Key":{"id":{"S":"a"}},"ProjectionExpression":"id.b"}`, "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: id"},
		{"GetItem", `{"TableName":"range","Key":{"a":{"S":"a"},"b":{"S":"b"}},"ProjectionExpression":"d[0]"}`, "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: IndexKey: d"},

		{"PutItem", `{"TableName":"abc","Item":{},"ReturnValues":"UPDATED_OLD"}`, "ReturnValues can only be ALL_OLD or NONE"},
		{"PutItem", `{"TableName":"abc","Item":{"a":{"S":"` + strings.Repeat("x", 409600) + `"}},"Expected":{"a":{}}}`, "Item size has exceeded the maximum allowed size"},
		{"PutItem", `{"TableName":"abc","Item":{},"Expected":{"a":{}}}`, values + "Value must be provided when Exists is null for Attribute: a"},
		{"PutItem", `{"TableName":"abc","Item":{"a":{}},"Expected":{"a":{}},"ExpressionAttributeValues":{}}`, "ExpressionAttributeValues can only be specified when using expressions: ConditionExpression is null"},
		{"PutItem", `{"TableName":"hash","Item":{}}`, values + "Missing the key id in the item"},
		{"PutItem", `{"TableName":"hash","Item":{"id":{"L":[]}}}`, values + "Type mismatch for key id expected: S actual: L"},
		{"PutItem", `{"TableName":"range","Item":{"a":{"S":"a"},"b":{"S":"a"},"c":{"N":"1"}}}`, values + "Type mismatch for Index Key c Expected: S Actual: N IndexName: index3"},
		{"PutItem", `{"TableName":"range","Item":{"a":{"S":"a"},"b":{"S":"a"},"c":{"S":""}}}`,
			"One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: index3, IndexKey: c"},

		{"UpdateItem", `{"TableName":"abc","Key":{},"AttributeUpdates":{"a":{"x":"whatever"}},"Expected":{"a":{}}}`, values + "Only DELETE action is allowed when no attribute value is specified"},
		{"UpdateItem", `{"TableName":"abc","Key":{"a":{}},"Expected":{"a":{}},"ExpressionAttributeValues":{}}`, "ExpressionAttributeValues can only be specified when using expressions: UpdateExpression and ConditionExpression are null"},
		{"UpdateItem", `{"TableName":"hash","Key":{"id":{"S":"a"}},"UpdateExpression":"add id.b :a","ExpressionAttributeValues":{":a":{"N":"1"}}}`, values + "Cannot update attribute id. This attribute is part of the key"},
		{"UpdateItem", `{"TableName":"range","Key":{"a":{"S":"a"},"b":{"S":"b"}},"UpdateExpression":"set d.a = a add c :a","ExpressionAttributeValues":{":a":{"N":"1"}}}`, values + "Type mismatch for Index Key c Expected: S Actual: N IndexName: index3"},
		{"UpdateItem", `{"TableName":"hash","Key":{"id":{"S":"a"}},"UpdateExpression":"set x = y"}`, "The provided expression refers to an attribute that does not exist in the item"},

		{"DeleteItem", `{"TableName":"hash","Key":{"id":{"S":"a"}},"ReturnValues":"ALL_NEW"}`, "ReturnValues can only be ALL_OLD or NONE"},

		{"Query", `{}`, "1 validation error detected: " + noName},
		{"Query", `{"TableName":"abc"}`, "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."},
		{"Query", `{"TableName":"abc","ExclusiveStartKey":{"a":{}},"KeyConditions":{}}`, "The provided starting key is invalid: Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"},
		{"Query", `{"TableName":"hash","KeyConditionExpression":"x = :a","ExpressionAttributeValues":{":a":{"S":"a"}}}`, "Query condition missed key schema element: id"},
		{"Query", `{"TableName":"hash","IndexName":"whatever","KeyConditionExpression":"x = :a","ExpressionAttributeValues":{":a":{"S":"a"}}}`, "The table does not have the specified index: whatever"},
		{"Query", `{"TableName":"range","IndexName":"index3","ConsistentRead":true,"KeyConditionExpression":"x = :a","ExpressionAttributeValues":{":a":{"S":"a"}}}`, "Consistent reads are not supported on global secondary indexes"},
		{"Query", `{"TableName":"range","ExclusiveStartKey":{"z":{"N":"1"}},"KeyConditionExpression":"z = :a","ExpressionAttributeValues":{":a":{"S":"a"}}}`, "The provided starting key is invalid"},
		{"Query", `{"TableName":"hash","ExclusiveStartKey":{"id":{"N":"1"}},"KeyConditions":{"z":{"ComparisonOperator":"NULL"}}}`, "The provided key element does not match the schema"},
		{"Query", `{"TableName":"range","ExclusiveStartKey":{"a":{"S":"a"},"b":{"N":"1"}},"KeyConditions":{"z":{"ComparisonOperator":"NULL"}}}`, "Query condition missed key schema element: a"},
		{"Query", `{"TableName":"range","IndexName":"index1","ExclusiveStartKey":{"a":{"S":"1"},"b":{"N":"1"},"c":{"S":"a"}},"KeyConditionExpression":"a = :a","ExpressionAttributeValues":{":a":{"S":"b"}}}`,
			"The provided starting key is invalid: The provided key element does not match the schema"},
		{"Query", `{"TableName":"hash","ExclusiveStartKey":{"id":{"S":"a"}},"KeyConditionExpression":"id = :a","ExpressionAttributeValues":{":a":{"S":"b"}}}`,
			"The provided starting key is outside query boundaries based on provided conditions"},
		{"Query", `{"TableName":"range","KeyConditionExpression":"a = :a","FilterExpression":"b = :a","ExpressionAttributeValues":{":a":{"S":"b"}}}`,
			"Filter Expression can only contain non-primary key attributes: Primary key attribute: b"},
		{"Query", `{"TableName":"range","IndexName":"index4","Select":"ALL_ATTRIBUTES","KeyConditionExpression":"c = :a","ExpressionAttributeValues":{":a":{"S":"b"}}}`,
			values + "Select type ALL_ATTRIBUTES is not supported for global secondary index index4 because its projection type is not ALL"},
		{"Query", `{"TableName":"range","IndexName":"index4","ProjectionExpression":"x","KeyConditionExpression":"c = :a","ExpressionAttributeValues":{":a":{"S":"b"}}}`,
			values + "Global secondary index index4 does not project [x]"},
		{"Query", `{"TableName":"hash","Select":"ALL_PROJECTED_ATTRIBUTES","KeyConditionExpression":"id = :a","ExpressionAttributeValues":{":a":{"S":"b"}}}`,
			"ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName"},

		{"Scan", `{"TableName":"abc","Segment":1}`, "The TotalSegments parameter is required but was not present in the request when Segment parameter is present"},
		{"Scan", `{"TableName":"abc","TotalSegments":1}`, "The Segment parameter is required but was not present in the request when parameter TotalSegments is present"},
		{"Scan", `{"TableName":"abc","TotalSegments":1,"Segment":1}`, "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 1 is not less than TotalSegments: 1"},
		{"Scan", `{"TableName":"hash","ExclusiveStartKey":{}}`, "The provided starting key is invalid: The provided key element does not match the schema"},
		{"Scan", `{"TableName":"hash","IndexName":"whatever"}`, "The table does not have the specified index: whatever"},
		{"Scan", `{"TableName":"abc;","IndexName":"abc;","Segment":-1,"TotalSegments":-1,"Select":"hi","Limit":-1}`, "6 validation errors detected: " +
			"Value 'hi' at 'select' failed to satisfy constraint: Member must satisfy enum value set: [SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES]; " +
			"Value 'abc;' at 'indexName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+; " +
			"Value '-1' at 'totalSegments' failed to satisfy constraint: Member must have value greater than or equal to 1; " +
			"Value 'abc;' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+; " +
			"Value '-1' at 'segment' failed to satisfy constraint: Member must have value greater than or equal to 0; " +
			"Value '-1' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1"},

		{"BatchGetItem", `{"RequestItems":{}}`, "1 validation error detected: Value '{}' at 'requestItems' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"BatchGetItem", `{"RequestItems":{"abc":{"Keys":[{"a":{"S":"a"}},{"a":{"S":"a"}}]}}}`, "Provided list of item keys contains duplicates"},
		{"BatchGetItem", `{"RequestItems":{"aa;":{}}}`, `/^2 validation errors detected: Value '\{.+\}' at 'requestItems' failed to satisfy constraint: Map keys must satisfy constraint: ` +
			`\[Member must have length less than or equal to 255, Member must have length greater than or equal to 3, Member must satisfy regular expression pattern: \[a-zA-Z0-9_.-\]\+\]; ` +
			`Value null at 'requestItems.aa;.member.keys' failed to satisfy constraint: Member must not be null$`},
		{"BatchWriteItem", `{"RequestItems":{"abc":[{}]}}`, "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"},
		{"BatchWriteItem", `{"RequestItems":{"hash":[{"PutRequest":{"Item":{"id":{"S":"a"},"c":{"S":"c"}}}},{"DeleteRequest":{"Key":{"id":{"S":"a"}}}}]}}`, "Provided list of item keys contains duplicates"},
		{"BatchWriteItem", `{"RequestItems":{"hash":[{"PutRequest":{"Item":{"id":{"N":"1"}}}}]}}`, "The provided key element does not match the schema"},
		{"BatchWriteItem", `{"RequestItems":{"a":[]}}`, `/^2 validation errors detected: Value '\{.+\}' at 'requestItems' failed to satisfy constraint: Map keys .+; Value '\{.+\}' at 'requestItems' ` +
			`failed to satisfy constraint: Map value must satisfy constraint: \[Member must have length less than or equal to 25, Member must have length greater than or equal to 1\]$`},
		{"TransactWriteItems", `{"TransactItems":[]}`, "1 validation error detected: Value '[]' at 'transactItems' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"hash","Item":{"id":{"S":"a"}}}},{"Delete":{"TableName":"hash","Key":{"id":{"S":"a"}}}}]}`, "Transaction request cannot include multiple operations on one item"},
		{"TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"hash","Item":{"id":{"S":""}}}}]}`,
			"One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: id"},

		{"CreateTable", `{}`, "The parameter 'TableName' is required but was not present in the request"},
		{"CreateTable", `{"TableName":"a;"}`, "TableName must be at least 3 characters long and at most 255 characters long"},
		{"CreateTable", `{"TableName":"abc;"}`, "3 validation errors detected: Value null at 'attributeDefinitions' failed to satisfy constraint: Member must not be null; " +
			"Value 'abc;' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+; Value null at 'keySchema' failed to satisfy constraint: Member must not be null"},
		{"CreateTable", `{"TableName":"abc","AttributeDefinitions":[],"KeySchema":[{"KeyType":"HASH","AttributeName":"a"}]}`, values + "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"},
		{"CreateTable", `{"TableName":"abc","AttributeDefinitions":[{"AttributeName":"b","AttributeType":"S"}],"KeySchema":[{"KeyType":"HASH","AttributeName":"a"}],"ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":1}}`,
			values + "Some index key attributes are not defined in AttributeDefinitions. Keys: [a], AttributeDefinitions: [b]"},
		{"CreateTable", `{"TableName":"abc","AttributeDefinitions":[],"KeySchema":[{"KeyType":"HASH","AttributeName":"a"}],"BillingMode":"PAY_PER_REQUEST"}`, "Invalid KeySchema: Some index key attribute have no definition"},
		{"CreateTable", `{"TableName":"abc","AttributeDefinitions":[],"KeySchema":[{"KeyType":"HASH","AttributeName":"pk"},{"KeyType":"RANGE","AttributeName":"sk"},{"KeyType":"RANGE","AttributeName":"x"}],"BillingMode":"PAY_PER_REQUEST"}`,
			"1 validation error detected: Value '[KeySchemaElement(attributeName=pk, keyType=HASH), KeySchemaElement(attributeName=sk, keyType=RANGE), KeySchemaElement(attributeName=x, keyType=RANGE)]' at 'keySchema' " +
				"failed to satisfy constraint: Member must have length less than or equal to 2"},
		{"UpdateTable", `{"TableName":"abc","GlobalSecondaryIndexUpdates":[{}]}`, values + "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete must not be null"},
		{"UpdateTable", `{"TableName":"abc","GlobalSecondaryIndexUpdates":[{"Delete":{"IndexName":"abc"}},{"Delete":{"IndexName":"abc"}}]}`,
			values + "Only one global secondary index update per index is allowed simultaneously. Index: abc"},
		{"ListTables", `{"ExclusiveStartTableName":"a;","Limit":500}`, "3 validation errors detected: Value '500' at 'limit' failed to satisfy constraint: " +
			"Member must have value less than or equal to 100; Value 'a;' at 'exclusiveStartTableName' failed to satisfy constraint: Member must satisfy " +
			"regular expression pattern: [a-zA-Z0-9_.-]+; Value 'a;' at 'exclusiveStartTableName' failed to satisfy constraint: Member must have length greater than or equal to 3"},
		{"UpdateTable", `{"TableName":"abc","GlobalSecondaryIndexUpdates":[{"Update":{}}]}`, "2 validation errors detected: " +
			"Value null at 'globalSecondaryIndexUpdates.1.member.update.indexName' failed to satisfy constraint: Member must not be null; " +
			"Value null at 'globalSecondaryIndexUpdates.1.member.update.provisionedThroughput' failed to satisfy constraint: Member must not be null"},
		{"UpdateTable", `{"TableName":"hash","GlobalSecondaryIndexUpdates":[{"Update":{"IndexName":"abc","ProvisionedThroughput":{"ReadCapacityUnits":1000000000001,"WriteCapacityUnits":1}}}]}`,
			"This operation cannot be performed with given input values. Please contact DynamoDB service team for more info: Action Blocked: IndexUpdate"},
		{"UpdateTable", `{"TableName":"hash","GlobalSecondaryIndexUpdates":[{"Create":{"IndexName":"abc","KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}}]}`,
			"One or more parameter values were invalid: Some index key attributes are not defined in AttributeDefinitions. Keys: [id], AttributeDefinitions: []"},
		{"UpdateItem", `{"TableName":"hash","Key":{"id":{"S":"a"}},"UpdateExpression":"SET _a = :v","ExpressionAttributeValues":{":v":{"S":"b"}}}`,
			`Invalid UpdateExpression: Syntax error; token: "_", near: "SET _a"`},
		{"UpdateTimeToLive", `{"TableName":"abc","TimeToLiveSpecification":{"AttributeName":"","Enabled":true}}`, "1 validation error detected: Value '' at 'timeToLiveSpecification.attributeName' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"UpdateTimeToLive", `{"TableName":"hash","TimeToLiveSpecification":{"AttributeName":"a","Enabled":false}}`, "TimeToLive is already disabled"},
		{"ListTables", `{"Limit":101}`, "1 validation error detected: Value '101' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 100"},
		{"TagResource", `{}`, "Invalid TableArn"},
		{"ListTagsOfResource", `{"ResourceArn":"a:b:c:d:e:f/g"}`, "Invalid TableArn: Invalid ResourceArn provided as input a:b:c:d:e:f/g"},
	}
	for i, test := range tests {
		t.Run(fmt.Sprintf("%d %s", i, test.op), func(t *testing.T) {
			typ, message := h.told(t, test.op, test.body)
			if typ != validate+"ValidationException" {
				t.Errorf("type %s", typ)
			}
			if pattern, ok := strings.CutPrefix(test.want, "/"); ok {
				if !regexp.MustCompile(pattern).MatchString(message) {
					t.Errorf("got  %s\nwant %s", message, pattern)
				}
			} else if message != test.want {
				t.Errorf("got  %s\nwant %s", message, test.want)
			}
		})
	}
}

func TestOtherTexts(t *testing.T) {
	h := startTexts(t)
	tests := []struct{ op, body, typ, want string }{
		{"GetItem", `{"TableName":"nothing","Key":{}}`, dynamo + "ResourceNotFoundException", "Requested resource not found"},
		{"DescribeTable", `{"TableName":"nothing"}`, dynamo + "ResourceNotFoundException", "Requested resource not found: Table: nothing not found"},
		{"DeleteTable", `{"TableName":"nothing"}`, dynamo + "ResourceNotFoundException", "Requested resource not found: Table: nothing not found"},
		{"BatchGetItem", `{"RequestItems":{"nothing":{"Keys":[{}]}}}`, dynamo + "ResourceNotFoundException", "Requested resource not found"},
		{"ListTagsOfResource", `{"ResourceArn":"arn:aws:dynamodb:us-east-1:000000000000:table/nothing"}`, dynamo + "ResourceNotFoundException",
			"Requested resource not found: ResourcArn: arn:aws:dynamodb:us-east-1:000000000000:table/nothing not found"},
		{"CreateTable", `{"TableName":"hash","AttributeDefinitions":[{"AttributeName":"a","AttributeType":"S"}],"KeySchema":[{"KeyType":"HASH","AttributeName":"a"}],"BillingMode":"PAY_PER_REQUEST"}`,
			dynamo + "ResourceInUseException", "Table already exists: hash"},
		{"PutItem", `{"TableName":"hash","Item":{"id":{"S":"x"}},"ConditionExpression":"attribute_exists(id)"}`, dynamo + "ConditionalCheckFailedException", "The conditional request failed"},
		{"ExecuteStatement", `{}`, coral + "UnknownOperationException", "ExecuteStatement is not built"},
		{"Whatever", `{}`, coral + "UnknownOperationException", ""},
	}
	for i, test := range tests {
		t.Run(fmt.Sprintf("%d %s", i, test.op), func(t *testing.T) {
			if typ, message := h.told(t, test.op, test.body); typ != test.typ || message != test.want {
				t.Errorf("got %s: %s", typ, message)
			}
		})
	}
}

// TestMisfits: a value of another type than its parameter's is a SerializationException in the words of DynamoDB's parser.
func TestMisfits(t *testing.T) {
	h := start(t)
	const structure = "Start of structure or map found where not expected"
	const field = "Unexpected field type"
	const cast = "class sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl cannot be cast to class java.lang.Class " +
		"(sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl and java.lang.Class are in module java.base of loader 'bootstrap')"
	tests := []struct{ op, path, value, want string }{
		{"GetItem", `{"ConsistentRead":%s}`, `"23"`, "Unexpected token received from parser"},
		{"GetItem", `{"ConsistentRead":%s}`, `23`, "NUMBER_VALUE cannot be converted to Boolean"},
		{"GetItem", `{"ConsistentRead":%s}`, `34.56`, "DECIMAL_VALUE cannot be converted to Boolean"},
		{"GetItem", `{"ConsistentRead":%s}`, `[]`, "Unrecognized collection type class java.lang.Boolean"},
		{"GetItem", `{"ConsistentRead":%s}`, `{}`, structure},
		{"GetItem", `{"TableName":%s}`, `true`, "TRUE_VALUE cannot be converted to String"},
		{"GetItem", `{"TableName":%s}`, `-2147483648`, "NUMBER_VALUE cannot be converted to String"},
		{"GetItem", `{"TableName":%s}`, `[]`, "Unrecognized collection type class java.lang.String"},
		{"Query", `{"Limit":%s}`, `"23"`, "STRING_VALUE cannot be converted to Integer"},
		{"Query", `{"Limit":%s}`, `[]`, "Unrecognized collection type class java.lang.Integer"},
		{"UpdateTable", `{"ProvisionedThroughput":{"ReadCapacityUnits":%s}}`, `false`, "FALSE_VALUE cannot be converted to Long"},
		{"UpdateTable", `{"ProvisionedThroughput":%s}`, `[]`, "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.ProvisionedThroughput"},
		{"GetItem", `{"AttributesToGet":%s}`, `23`, field},
		{"GetItem", `{"AttributesToGet":%s}`, `{}`, structure},
		{"GetItem", `{"Key":%s}`, `"23"`, field},
		{"GetItem", `{"Key":%s}`, `[]`, "Unrecognized collection type java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.AttributeValue>"},
		{"GetItem", `{"Key":{"a":%s}}`, `"23"`, "Unexpected value type in payload"},
		{"GetItem", `{"Key":{"a":%s}}`, `[]`, "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.AttributeValue"},
		{"GetItem", `{"Key":{"a":{"S":%s}}}`, `23`, "NUMBER_VALUE cannot be converted to String"},
		{"GetItem", `{"Key":{"a":{"B":%s}}}`, `true`, "only base-64-encoded strings are convertible to bytes"},
		{"PutItem", `{"Expected":%s}`, `[]`, "Unrecognized collection type java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.ExpectedAttributeValue>"},
		{"PutItem", `{"Expected":{"a":%s}}`, `true`, "Unexpected value type in payload"},
		{"PutItem", `{"Expected":{"a":{"Value":%s}}}`, `true`, field},
		{"PutItem", `{"Expected":{"a":{"Value":%s}}}`, `[]`, "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.AttributeValue"},
		{"PutItem", `{"ExpressionAttributeNames":%s}`, `[]`, "Unrecognized collection type java.util.Map<java.lang.String, java.lang.String>"},
		{"BatchWriteItem", `{"RequestItems":%s}`, `[]`, "Unrecognized collection type java.util.Map<java.lang.String, java.util.List<com.amazonaws.dynamodb.v20120810.WriteRequest>>"},
		{"BatchWriteItem", `{"RequestItems":{"a":%s}}`, `"23"`, cast},
		{"BatchWriteItem", `{"RequestItems":{"a":%s}}`, `{}`, structure},
		{"BatchWriteItem", `{"RequestItems":{"a":[%s]}}`, `23`, "Unexpected value type in payload"},
		{"BatchGetItem", `{"RequestItems":{"a":{"Keys":[%s]}}}`, `23`, cast},
		{"BatchGetItem", `{"RequestItems":{"a":{"Keys":[%s]}}}`, `[]`, "Unrecognized collection type java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.AttributeValue>"},
		{"BatchGetItem", `{"RequestItems":{"a":%s}}`, `[]`, "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.KeysAndAttributes"},
	}
	for i, test := range tests {
		t.Run(fmt.Sprintf("%d %s", i, test.op), func(t *testing.T) {
			resp, answer := h.raw(t, items+test.op, fmt.Sprintf(test.path, test.value))
			want := fmt.Sprintf(`{"__type":%q,"Message":%q}`, coral+"SerializationException", test.want)
			if resp.StatusCode != 400 || answer != want {
				t.Errorf("got  %d %s\nwant %s", resp.StatusCode, answer, want)
			}
		})
	}
	for name, body := range map[string]string{"no JSON": "hi", "half": `{"TableName":`, "list": `[]`, "two": `{}{}`, "empty": ``, "deep": strings.Repeat(`{"a":`, 100000), "comma": `{"TableName":"abc",}`} {
		t.Run(name, func(t *testing.T) {
			resp, answer := h.raw(t, items+"GetItem", body)
			if want := `{"__type":"com.amazon.coral.service#SerializationException"}`; resp.StatusCode != 400 || answer != want {
				t.Errorf("got %d %s", resp.StatusCode, answer)
			}
			if name == "no JSON" && resp.Header.Get("X-Amz-Crc32") != "3948637019" {
				t.Errorf("crc %s", resp.Header.Get("X-Amz-Crc32"))
			}
		})
	}
}
