package server_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/sockgate/sockgate/internal/gatewaytest"
)

// user makes a user without any policy.
func user(t *testing.T, g *gatewaytest.Gateway, name string) signer {
	t.Helper()
	admin := root(g).iam()
	must(admin.CreateUser(t.Context(), &iam.CreateUserInput{UserName: &name}))(t)
	key := must(admin.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: &name}))(t).AccessKey
	return by(g, *key.AccessKeyId, *key.SecretAccessKey, "")
}

// TestNothingIsAllowedByItself calls every operation of every AWS API, with parameters that pass for valid, as a user without policies. All are
// refused, for lack of a permission or because they are not built; the exceptions are AWS's own.
func TestNothingIsAllowedByItself(t *testing.T) {
	g := gatewaytest.Start(t, nil)
	ann := user(t, g, "ann")
	cfg := aws.Config{Region: "us-east-1", Credentials: ann.keys, HTTPClient: g.HTTP(), BaseEndpoint: ann.base(),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} }}
	free := map[string]bool{"sts.GetCallerIdentity": true, "sts.GetSessionToken": true}
	// How many operations are built; more are known by name.
	least := map[string]int{"acm": 14, "apigateway": 26, "apigatewayv2": 66, "dynamodb": 23, "elbv2": 22, "iam": 64, "lambda": 32, "sts": 2}
	clients := map[string]any{
		"acm": acm.NewFromConfig(cfg), "apigateway": apigateway.NewFromConfig(cfg), "apigatewayv2": apigatewayv2.NewFromConfig(cfg),
		"dynamodb": dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) { o.EnableAcceptEncodingGzip = false }),
		"elbv2":    elasticloadbalancingv2.NewFromConfig(cfg), "iam": iam.NewFromConfig(cfg),
		"lambda": lambda.NewFromConfig(cfg), "sts": sts.NewFromConfig(cfg),
	}
	specials := given()
	for service, client := range clients {
		t.Run(service, func(t *testing.T) {
			refused := 0
			v := reflect.ValueOf(client)
			for i := range v.NumMethod() {
				name := v.Type().Method(i).Name
				m := v.Method(i)
				if m.Type().NumIn() != 3 || !m.Type().IsVariadic() {
					continue // Options
				}
				operation := service + "." + name
				if unsendable[operation] {
					continue
				}
				in := reflect.New(m.Type().In(1).Elem())
				plausible(in.Elem(), 0)
				if special, ok := specials[operation]; ok {
					in = reflect.ValueOf(special)
				}
				results := m.Call([]reflect.Value{reflect.ValueOf(t.Context()), in})
				err, _ := results[1].Interface().(error)
				switch code := codeOf(err); {
				case free[operation]:
					if err != nil {
						t.Errorf("%s: %v", operation, err)
					}
				case err == nil:
					t.Errorf("%s was carried out", operation)
				case strings.HasPrefix(code, "AccessDenied"), code == "AuthorizationError":
					refused++
				case !slices.Contains([]string{"NotImplemented", "NotImplementedException", "UnknownOperationException", "InvalidAction"}, code):
					t.Errorf("%s: %v", operation, err)
				}
			}
			if refused < least[service] {
				t.Errorf("%d operations were refused for lack of a permission, want at least %d", refused, least[service])
			}
		})
	}
}

func codeOf(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return ""
}

const (
	someRole     = "arn:aws:iam::000000000000:role/r"
	someBalancer = "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/net/b/50dc6c495c0c9188"
	someGroup    = "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/g/50dc6c495c0c9188"
	somePolicy   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
)

// texts are values that pass the checks which some APIs make before they ask for a permission, by the names of members.
var texts = map[string]string{
	"Role": someRole, "PolicySourceArn": "arn:aws:iam::000000000000:user/ann",
	"PolicyArn": "arn:aws:iam::000000000000:policy/p", "PermissionsBoundary": "arn:aws:iam::000000000000:policy/p",
	"PolicyDocument": somePolicy, "AssumeRolePolicyDocument": somePolicy, "Policy": somePolicy, "AccessKeyId": "AKIAAAAAAAAAAAAAAAAA",
	"VersionId": "v1", "Path": "/", "PathPrefix": "/", "NewPath": "/p/", "Status": "Active",
	"TableName": "table", "IndexName": "index", "LoadBalancerArn": someBalancer, "TargetGroupArn": someGroup,
	"Resource": "arn:aws:lambda:us-east-1:000000000000:function:f", "Arn": "arn:aws:lambda:us-east-1:000000000000:layer:l:1",
	"VersionNumber": "1", "FunctionVersion": "1", "Qualifier": "1", "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com",
	"ResourceArn": "arn:aws:dynamodb:us-east-1:000000000000:table/table",
}

// plausible fills a structure: texts by their names or as "x", numbers with 1.
func plausible(v reflect.Value, depth int) {
	for i := range v.NumField() {
		if f := v.Field(i); f.CanSet() {
			fill(f, v.Type().Field(i).Name, depth)
		}
	}
}

func fill(f reflect.Value, name string, depth int) {
	switch f.Kind() {
	case reflect.String:
		f.SetString(textOf(name))
	case reflect.Int32, reflect.Int64:
		f.SetInt(1)
	case reflect.Pointer:
		if depth > 3 {
			return
		}
		f.Set(reflect.New(f.Type().Elem()))
		if f.Elem().Kind() == reflect.Struct && f.Elem().Type() != reflect.TypeFor[time.Time]() {
			plausible(f.Elem(), depth+1)
			return
		}
		fill(f.Elem(), name, depth)
	case reflect.Struct:
		if f.Type() != reflect.TypeFor[time.Time]() {
			plausible(f, depth+1)
		}
	case reflect.Slice:
		if f.Type().Elem().Kind() == reflect.Uint8 {
			f.SetBytes([]byte("{}"))
			return
		}
		f.Set(reflect.MakeSlice(f.Type(), 1, 1))
		fill(f.Index(0), name, depth)
	case reflect.Map:
		e := reflect.New(f.Type().Elem()).Elem()
		fill(e, name, depth)
		f.Set(reflect.MakeMap(f.Type()))
		k := reflect.New(f.Type().Key()).Elem()
		k.SetString(textOf(name))
		f.SetMapIndex(k, e)
	}
}

func textOf(name string) string {
	if text, ok := texts[name]; ok {
		return text
	}
	return "x"
}

// given are parameters of operations that the plausible ones do not fit.
func given() map[string]any {
	table, one := aws.String("table"), map[string]ddb.AttributeValue{"id": &ddb.AttributeValueMemberS{Value: "1"}}
	return map[string]any{
		"dynamodb.BatchGetItem":       &dynamodb.BatchGetItemInput{RequestItems: map[string]ddb.KeysAndAttributes{"table": {Keys: []map[string]ddb.AttributeValue{one}}}},
		"dynamodb.BatchWriteItem":     &dynamodb.BatchWriteItemInput{RequestItems: map[string][]ddb.WriteRequest{"table": {{PutRequest: &ddb.PutRequest{Item: one}}}}},
		"dynamodb.DeleteItem":         &dynamodb.DeleteItemInput{TableName: table, Key: one},
		"dynamodb.GetItem":            &dynamodb.GetItemInput{TableName: table, Key: one},
		"dynamodb.PutItem":            &dynamodb.PutItemInput{TableName: table, Item: one},
		"dynamodb.UpdateItem":         &dynamodb.UpdateItemInput{TableName: table, Key: one},
		"dynamodb.ListTables":         &dynamodb.ListTablesInput{},
		"dynamodb.Scan":               &dynamodb.ScanInput{TableName: table},
		"dynamodb.TransactGetItems":   &dynamodb.TransactGetItemsInput{TransactItems: []ddb.TransactGetItem{{Get: &ddb.Get{TableName: table, Key: one}}}},
		"dynamodb.TransactWriteItems": &dynamodb.TransactWriteItemsInput{TransactItems: []ddb.TransactWriteItem{{Put: &ddb.Put{TableName: table, Item: one}}}},
		"dynamodb.UpdateTable":        &dynamodb.UpdateTableInput{TableName: table, BillingMode: ddb.BillingModePayPerRequest},
		"dynamodb.Query": &dynamodb.QueryInput{TableName: table, KeyConditionExpression: aws.String("id = :i"),
			ExpressionAttributeValues: map[string]ddb.AttributeValue{":i": &ddb.AttributeValueMemberS{Value: "1"}}},
		"dynamodb.CreateTable": &dynamodb.CreateTableInput{TableName: table, BillingMode: ddb.BillingModePayPerRequest,
			AttributeDefinitions: []ddb.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: ddb.ScalarAttributeTypeS}},
			KeySchema:            []ddb.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: ddb.KeyTypeHash}}},
		"iam.CreateRole":            &iam.CreateRoleInput{RoleName: aws.String("r"), AssumeRolePolicyDocument: aws.String(somePolicy)},
		"iam.UpdateRole":            &iam.UpdateRoleInput{RoleName: aws.String("r")},
		"iam.ListPolicies":          &iam.ListPoliciesInput{},
		"iam.ListEntitiesForPolicy": &iam.ListEntitiesForPolicyInput{PolicyArn: aws.String("arn:aws:iam::000000000000:policy/p")},
		"lambda.CreateFunction": &lambda.CreateFunctionInput{FunctionName: aws.String("f"), Role: aws.String(someRole),
			Code: &lambdatypes.FunctionCode{ZipFile: []byte("zip")}},
		"sts.AssumeRole":      &sts.AssumeRoleInput{RoleArn: aws.String(someRole), RoleSessionName: aws.String("ann")},
		"sts.GetSessionToken": &sts.GetSessionTokenInput{},
	}
}

// unsendable are operations whose parameters are unions or streams that cannot be made up. None is built.
var unsendable = map[string]bool{
	"dynamodb.UpdateGlobalTableSettings": true, "dynamodb.UpdateTableReplicaAutoScaling": true, "dynamodb.ExportTableToPointInTime": true,
	"dynamodb.SearchVectors": true, "lambda.InvokeAsync": true, "acm.CreateAcmeDomainValidation": true, "acm.CreateAcmeEndpoint": true,
	"sts.AssumeRoleWithSAML": true, "sts.AssumeRoleWithWebIdentity": true, // the SDK does not sign them
}

// TestOwnAPIsAsk does the same for what AWS does not have, and for the APIs that no client here is made for.
func TestOwnAPIsAsk(t *testing.T) {
	d := deploy(t, gatewaytest.Start(t, nil))
	ann := user(t, d.Gateway, "ann")
	_, id := d.connect(t)
	id = strings.ReplaceAll(id, "=", "%3D")
	const stack = `{"revision":0,"status":"s","document":{}}`
	streams := func(operation, body string) sent {
		return sent{method: "POST", path: "/", service: "dynamodb", body: body,
			header: []string{"X-Amz-Target", "DynamoDBStreams_20120810." + operation, "Content-Type", "application/x-amz-json-1.0"}}
	}
	const stream = `"arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/2026-01-01T00:00:00.000"`
	for _, tt := range []sent{
		{method: "GET", path: "/_sockgate/stacks", service: "sockgate"},
		{method: "GET", path: "/_sockgate/stacks/s", service: "sockgate"},
		{method: "PUT", path: "/_sockgate/stacks/s", service: "sockgate", body: stack},
		{method: "DELETE", path: "/_sockgate/stacks/s", service: "sockgate"},
		{method: "POST", path: "/_sockgate/stacks/s/lock", service: "sockgate", body: `{"owner":"o"}`},
		{method: "GET", path: "/_sockgate/link-tokens", service: "sockgate"},
		{method: "POST", path: "/_sockgate/link-tokens", service: "sockgate", body: `{"loadBalancer":"b"}`},
		{method: "GET", path: "/_sockgate/link-tokens/x", service: "sockgate"},
		{method: "DELETE", path: "/_sockgate/link-tokens/x", service: "sockgate"},
		streams("ListStreams", "{}"),
		streams("DescribeStream", `{"StreamArn":`+stream+`}`),
		streams("GetShardIterator", `{"StreamArn":`+stream+`,"ShardId":"shardId-00000000000000000000-00000000","ShardIteratorType":"LATEST"}`),
		{method: "POST", path: "/_aws/execute-api/" + d.api + "/dev/@connections/" + id, service: "execute-api", body: "x"},
		{method: "GET", path: "/_aws/execute-api/" + d.api + "/dev/@connections/" + id, service: "execute-api"},
		{method: "DELETE", path: "/_aws/execute-api/" + d.api + "/dev/%40connections/" + id, service: "execute-api"},
		{method: "POST", path: "/dev/@connections/" + id, service: "execute-api", body: "x"},
	} {
		status, typ, body := ann.send(t, tt)
		if status != 403 && status != 400 || !strings.HasSuffix(typ, "AccessDeniedException") {
			t.Errorf("%s %s %v: %d %s %s", tt.method, tt.path, tt.header, status, typ, body)
		}
	}
}

// TestLinkTokenBody: the load balancer that the policy is asked about is the one that the token is made for.
func TestLinkTokenBody(t *testing.T) {
	g := gatewaytest.Start(t, nil)
	ann := user(t, g, "ann")
	must(root(g).iam().PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{UserName: aws.String("ann"), PolicyName: aws.String("p"), PolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"sockgate:CreateLinkToken","Resource":"arn:aws:sockgate:*:*:load-balancer/prod"}]}`)}))(t)
	must(elasticloadbalancingv2.New(elasticloadbalancingv2.Options{Region: "us-east-1", Credentials: root(g).keys, HTTPClient: g.HTTP(), BaseEndpoint: ann.base()}).
		CreateLoadBalancer(t.Context(), &elasticloadbalancingv2.CreateLoadBalancerInput{Name: aws.String("prod"), Type: "network", Subnets: []string{"subnet-1"}}))(t)
	for body, want := range map[string]int{
		`{"loadBalancer":"prod"}`: 403, `{"loadBalancer":"prod"}}`: 400, `{"loadBalancer":"prod"}]`: 400, `{"loadBalancer":"prod"} {}`: 400,
		`{"loadBalancer":"dev","loadbalancer":"prod"}`: 403, `{"loadBalancer":"\u0070rod"}`: 403,
	} {
		if status, _, text := ann.send(t, sent{method: "POST", path: "/_sockgate/link-tokens", service: "sockgate", body: body}); status != want {
			t.Errorf("%s: %d %s", body, status, text)
		}
	}
}

// sent is a request that no client of the SDK makes.
type sent struct {
	method, path, service, body string
	header                      []string // names and values in turn
}

// send sends a request with its path as it is given, signed.
func (s signer) send(t *testing.T, what sent) (status int, typ, body string) {
	t.Helper()
	r, err := http.NewRequest(what.method, *s.base(), strings.NewReader(what.body))
	if err != nil {
		t.Fatal(err)
	}
	r.URL.Opaque = what.path
	for i := 0; i < len(what.header); i += 2 {
		r.Header.Set(what.header[i], what.header[i+1])
	}
	creds, err := s.keys.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(what.body))
	if err := v4.NewSigner().SignHTTP(t.Context(), creds, r, hex.EncodeToString(sum[:]), what.service, "us-east-1", time.Now()); err != nil {
		t.Fatal(err)
	}
	resp, err := s.g.HTTP().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header.Get("x-amzn-ErrorType"), string(raw)
}
