package identity

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"time"

	"github.com/sockgate/sockgate/lang/policy"
)

// awsManagedPolicies are those of AWS's managed policies that templates for WebSocket APIs attach. They permit what AWS's do on
// the services that exist here; of services that do not, some actions are left out.
// Source: AWS Managed Policy Reference.
var awsManagedPolicies = []struct{ path, name, description, statements string }{
	{"/", "AdministratorAccess", "Provides full access to AWS services and resources.", allow("*")},
	{"/", "PowerUserAccess", "Provides full access to AWS services and resources, but does not allow management of Users and groups.",
		`{"Effect":"Allow","NotAction":["iam:*","organizations:*","account:*"],"Resource":"*"},` +
			allow("account:GetAccountInformation", "account:GetPrimaryEmail", "account:ListRegions", "iam:CreateServiceLinkedRole",
				"iam:DeleteServiceLinkedRole", "iam:ListRoles", "organizations:DescribeOrganization")},
	{"/", "IAMFullAccess", "Provides full access to IAM via the AWS Management Console.", allow("iam:*")},
	{"/", "IAMReadOnlyAccess", "Provides read only access to IAM via the AWS Management Console.",
		allow("iam:GenerateCredentialReport", "iam:GenerateServiceLastAccessedDetails", "iam:Get*", "iam:List*", "iam:SimulateCustomPolicy", "iam:SimulatePrincipalPolicy")},

	{"/service-role/", "AWSLambdaBasicExecutionRole", "Provides write permissions to CloudWatch Logs.", allow(writeLogs...)},
	{"/service-role/", "AWSLambdaVPCAccessExecutionRole", "Provides minimum permissions for a Lambda function to execute while accessing a resource within a VPC",
		allow(append([]string{"ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:DeleteNetworkInterface",
			"ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses"}, writeLogs...)...)},
	{"/service-role/", "AWSLambdaDynamoDBExecutionRole", "Provides list and read access to DynamoDB streams and write permissions to CloudWatch Logs.",
		allow(append([]string{"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"}, writeLogs...)...)},
	{"/service-role/", "AWSLambdaSQSQueueExecutionRole", "Provides receive message, delete message, and read attribute access to SQS queues, and write permissions to CloudWatch logs.",
		allow(append([]string{"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}, writeLogs...)...)},
	{"/service-role/", "AWSLambdaRole", "Default policy for AWS Lambda service role.", allow("lambda:InvokeFunction")},
	{"/service-role/", "AmazonAPIGatewayPushToCloudWatchLogs", "Allows API Gateway to push logs to user's account.",
		allow("logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogGroups", "logs:DescribeLogStreams", "logs:PutLogEvents", "logs:GetLogEvents", "logs:FilterLogEvents")},
	{"/", "AWSLambdaExecute", "Provides Put, Get access to S3 and full access to CloudWatch Logs.",
		allow("logs:*") + `,{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::*"}`},
	{"/", "AWSLambdaInvocation-DynamoDB", "Provides read access to DynamoDB Streams.",
		allow("lambda:InvokeFunction") + "," + allow("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams")},
	{"/", "AWSLambda_FullAccess", "Grants full access to AWS Lambda service, AWS Lambda console features, and other related AWS services.",
		allow("cloudformation:DescribeStacks", "cloudformation:ListStackResources", "cloudwatch:ListMetrics", "cloudwatch:GetMetricData",
			"iam:GetPolicy", "iam:GetPolicyVersion", "iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies",
			"iam:ListRoles", "lambda:*", "logs:DescribeLogGroups", "tag:GetResources", "xray:GetTraceSummaries", "xray:BatchGetTraces") +
			`,{"Effect":"Allow","Action":"iam:PassRole","Resource":"*","Condition":{"StringEquals":{"iam:PassedToService":"lambda.amazonaws.com"}}}` +
			`,{"Effect":"Allow","Action":["logs:DescribeLogStreams","logs:GetLogEvents","logs:FilterLogEvents"],"Resource":"arn:aws:logs:*:*:log-group:/aws/lambda/*"}`},
	{"/", "AWSLambda_ReadOnlyAccess", "Grants read-only access to AWS Lambda service, AWS Lambda console features, and other related AWS services.",
		allow("cloudformation:DescribeStacks", "cloudformation:ListStackResources", "cloudwatch:GetMetricData", "cloudwatch:ListMetrics",
			"iam:GetPolicy", "iam:GetPolicyVersion", "iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies",
			"iam:ListRoles", "logs:DescribeLogGroups", "lambda:Get*", "lambda:List*", "tag:GetResources", "xray:GetTraceSummaries", "xray:BatchGetTraces")},

	{"/", "AmazonDynamoDBFullAccess", "Provides full access to Amazon DynamoDB via the AWS Management Console.", fullTables},
	{"/", "AmazonDynamoDBFullAccess_v2", "Provides full access to Amazon DynamoDB via the AWS Management Console.", fullTables},
	{"/", "AmazonDynamoDBReadOnlyAccess", "Provides read only access to Amazon DynamoDB via the AWS Management Console.",
		allow("cloudwatch:DescribeAlarms", "cloudwatch:ListMetrics", "dynamodb:BatchGetItem", "dynamodb:Describe*", "dynamodb:List*", "dynamodb:GetAbacStatus",
			"dynamodb:GetItem", "dynamodb:GetResourcePolicy", "dynamodb:Query", "dynamodb:Scan", "dynamodb:PartiQLSelect", "iam:GetRole", "iam:ListRoles")},

	{"/", "AmazonAPIGatewayInvokeFullAccess", "Provides full access to invoke APIs in Amazon API Gateway.",
		`{"Effect":"Allow","Action":["execute-api:Invoke","execute-api:ManageConnections"],"Resource":"arn:aws:execute-api:*:*:*"}`},
	{"/", "AmazonAPIGatewayAdministrator", "Provides full access to create/edit/delete APIs in Amazon API Gateway via the AWS Management Console.",
		`{"Effect":"Allow","Action":["apigateway:*"],"Resource":"arn:aws:apigateway:*::/*"}`},

	{"/", "CloudWatchLogsFullAccess", "Provides full access to CloudWatch Logs", allow("logs:*", "cloudwatch:GenerateQuery")},
	{"/", "AWSXRayDaemonWriteAccess", "Allow the AWS X-Ray Daemon to relay raw trace segments data to the service's API and retrieve sampling data to be used by the X-Ray SDK.",
		allow("xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets", "xray:GetSamplingStatisticSummaries")},
	{"/", "AWSXrayWriteOnlyAccess", "AWS X-Ray write only managed policy",
		allow("xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets", "xray:GetSamplingStatisticSummaries")},
	{"/", "AmazonS3FullAccess", "Provides full access to all buckets via the AWS Management Console.", allow("s3:*", "s3-object-lambda:*")},
	{"/", "AmazonS3ReadOnlyAccess", "Provides read only access to all buckets via the AWS Management Console.",
		allow("s3:Get*", "s3:List*", "s3:Describe*", "s3-object-lambda:Get*", "s3-object-lambda:List*")},
	{"/", "AmazonSQSFullAccess", "Provides full access to Amazon SQS via the AWS Management Console.", allow("sqs:*")},
	{"/", "AmazonSNSFullAccess", "Provides full access to Amazon SNS via the AWS Management Console.", allow("sns:*")},
}

var writeLogs = []string{"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"}

var fullTables = allow("dynamodb:*", "dax:*", "application-autoscaling:*", "cloudwatch:*", "iam:GetRole", "iam:ListRoles", "kms:DescribeKey", "kms:ListAliases",
	"lambda:CreateFunction", "lambda:ListFunctions", "lambda:ListEventSourceMappings", "lambda:CreateEventSourceMapping", "lambda:DeleteEventSourceMapping",
	"lambda:GetFunctionConfiguration", "lambda:DeleteFunction", "resource-groups:*", "tag:GetResources", "kinesis:ListStreams", "kinesis:DescribeStream") +
	`,{"Effect":"Allow","Action":"iam:PassRole","Resource":"*","Condition":{"StringLike":{"iam:PassedToService":["application-autoscaling.amazonaws.com","dax.amazonaws.com"]}}}`

// allow is a statement that allows actions on everything.
func allow(actions ...string) string {
	return fmt.Sprintf(`{"Effect":"Allow","Action":[%s],"Resource":"*"}`, quoted(actions))
}

func quoted(words []string) string {
	list := ""
	for i, w := range words {
		if i > 0 {
			list += ","
		}
		list += `"` + w + `"`
	}
	return list
}

// awsManagedSince stands for the dates of AWS's policies.
var awsManagedSince = time.Date(2015, 2, 6, 18, 39, 46, 0, time.UTC)

// awsManaged compiles AWS's managed policies.
func awsManaged() []*managed {
	list := make([]*managed, len(awsManagedPolicies))
	for i, p := range awsManagedPolicies {
		sum := sha256.Sum256([]byte(p.name))
		doc := &Policy{
			Name: p.name, Path: p.path, Description: p.description, AWS: true, Created: awsManagedSince, Updated: awsManagedSince,
			ID:      policyID + base32.StdEncoding.EncodeToString(sum[:10]),
			Default: "v1", Versions: []PolicyVersion{{"v1", `{"Version":"2012-10-17","Statement":[` + p.statements + `]}`, awsManagedSince}},
		}
		m, err := compilePolicy(doc, "aws")
		if err != nil {
			panic(fmt.Sprintf("identity: policy %s: %v", p.name, err)) // our own text
		}
		list[i] = m
	}
	return list
}

func mustParse(document string) *policy.Policy {
	p, err := policy.Parse([]byte(document))
	if err != nil {
		panic(err) // our own text
	}
	return p
}
