package server_test

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sockgate/sockgate/internal/gatewaytest"
	"github.com/sockgate/sockgate/lang/sigv4"
	"github.com/sockgate/sockgate/template"
	"github.com/sockgate/sockgate/template/build"
	"github.com/sockgate/sockgate/template/resource/wire"
	"github.com/sockgate/sockgate/template/stack"
)

// everything makes one of each kind of resource.
const everything = `Transform: AWS::Serverless-2016-10-31
Resources:
  Api:
    Type: AWS::ApiGatewayV2::Api
    Properties: {Name: chat, ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.action}
  Integration:
    Type: AWS::ApiGatewayV2::Integration
    Properties: {ApiId: !Ref Api, IntegrationType: HTTP_PROXY, IntegrationMethod: POST, IntegrationUri: "http://127.0.0.1:9/", ConnectionType: VPC_LINK, ConnectionId: !Ref Link}
  Route:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref Api, RouteKey: $default, Target: !Sub "integrations/${Integration}"}
  Deployment:
    Type: AWS::ApiGatewayV2::Deployment
    Properties: {ApiId: !Ref Api}
  Stage:
    Type: AWS::ApiGatewayV2::Stage
    Properties: {ApiId: !Ref Api, StageName: live, DeploymentId: !Ref Deployment}
  Function:
    Type: AWS::Serverless::Function
    Properties: {InlineCode: "exports.handler = async () => ({})", Handler: index.handler, Runtime: nodejs20.x, AutoPublishAlias: live}
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: things
      BillingMode: PAY_PER_REQUEST
      DeletionProtectionEnabled: true
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
  User: {Type: AWS::IAM::User, Properties: {UserName: somebody}}
  Key: {Type: AWS::IAM::AccessKey, Properties: {UserName: !Ref User}}
  Policy:
    Type: AWS::IAM::ManagedPolicy
    Properties: {PolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "*", Resource: "*"}]}, Users: [!Ref User]}
  ApiKey: {Type: AWS::ApiGateway::ApiKey, Properties: {Enabled: true, Value: a-key-of-twenty-characters}}
  Plan: {Type: AWS::ApiGateway::UsagePlan, Properties: {UsagePlanName: plan, ApiStages: [{ApiId: !Ref Api, Stage: !Ref Stage}]}}
  PlanKey: {Type: AWS::ApiGateway::UsagePlanKey, Properties: {KeyId: !Ref ApiKey, KeyType: API_KEY, UsagePlanId: !Ref Plan}}
  Balancer: {Type: AWS::ElasticLoadBalancingV2::LoadBalancer, Properties: {Name: inside, Type: network, Scheme: internal, Subnets: [subnet-1]}}
  Group: {Type: AWS::ElasticLoadBalancingV2::TargetGroup, Properties: {Name: targets, Port: 80, Protocol: TCP, TargetType: ip, VpcId: vpc-1}}
  Listener:
    Type: AWS::ElasticLoadBalancingV2::Listener
    Properties: {LoadBalancerArn: !Ref Balancer, Port: 80, Protocol: TCP, DefaultActions: [{Type: forward, TargetGroupArn: !Ref Group}]}
  Link: {Type: AWS::ApiGateway::VpcLink, Properties: {Name: link, TargetArns: [!Ref Balancer]}}
  Certificate: {Type: AWS::CertificateManager::Certificate, Properties: {DomainName: chat.example.com, ValidationMethod: DNS}}
  Domain:
    Type: AWS::ApiGatewayV2::DomainName
    Properties: {DomainName: chat.example.com, DomainNameConfigurations: [{CertificateArn: !Ref Certificate, EndpointType: REGIONAL}]}
  Mapping: {Type: AWS::ApiGatewayV2::ApiMapping, Properties: {DomainName: !Ref Domain, ApiId: !Ref Api, Stage: !Ref Stage}}
  Logs: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: logs}}
Outputs:
  Api: {Value: !Ref Api, Export: {Name: api}}
`

func makeEverything(t *testing.T, g *gatewaytest.Gateway, cache *build.Cache) *stack.Result {
	t.Helper()
	parsed := must(template.Parse("template.yaml", []byte(everything)))(t)
	id, secret := g.Key()
	return must(stack.Make(t.Context(), parsed, stack.Options{
		Client: &wire.Client{Endpoint: "http://" + g.Addr(), Region: "us-east-1", Keys: sigv4.Credentials{AccessKeyID: id, Secret: secret}},
		Cache:  cache, Name: "everything", Dir: t.TempDir(),
	}))(t)
}

// TestResetOfEverything makes one of each resource and finds none afterwards; then all can be made again.
func TestResetOfEverything(t *testing.T) {
	g, cache := startDev(t), must(build.Open(t.TempDir()))(t)
	const lb, iam, lambda = "Version=2015-12-01&Action=", "Version=2010-05-08&Action=", "/2015-03-31/functions/"
	for round := range 2 {
		if made := makeEverything(t, g, cache); made.Unchanged {
			t.Fatalf("round %d: nothing was deployed", round)
		}
		signedCall(t, g, "lambda", "POST", "/2018-10-31/layers/l/versions", `{"Content":{"ZipFile":"`+smallZip(t)+`"}}`, "")
		signedCall(t, g, "sockgate", "POST", "/_sockgate/link-tokens", `{"loadBalancer":"inside"}`, "")
		began := time.Now()
		if status, body := askDev(t, g, "POST", "/_sockgate/reset"); status != http.StatusOK {
			t.Fatalf("reset: %d %v", status, body)
		}
		t.Logf("the reset took %v", time.Since(began))
		for name, c := range map[string]struct{ service, method, path, body, target, none string }{
			"APIs":           {"apigateway", "GET", "/v2/apis", "", "", `"items":[]`},
			"domains":        {"apigateway", "GET", "/v2/domainnames", "", "", `"items":[]`},
			"keys":           {"apigateway", "GET", "/apikeys", "", "", `"item":[]`},
			"plans":          {"apigateway", "GET", "/usageplans", "", "", `"item":[]`},
			"links":          {"apigateway", "GET", "/vpclinks", "", "", `"item":[]`},
			"functions":      {"lambda", "GET", lambda, "", "", `"Functions":[]`},
			"layers":         {"lambda", "GET", "/2018-10-31/layers", "", "", `"Layers":[]`},
			"tables":         {"dynamodb", "POST", "/", "{}", "DynamoDB_20120810.ListTables", `"TableNames":[]`},
			"certificates":   {"acm", "POST", "/", "{}", "CertificateManager.ListCertificates", `"CertificateSummaryList":[]`},
			"users":          {"iam", "POST", "/", iam + "ListUsers", "", "<Users></Users>"},
			"roles":          {"iam", "POST", "/", iam + "ListRoles", "", "<Roles></Roles>"},
			"policies":       {"iam", "POST", "/", iam + "ListPolicies&Scope=Local", "", "<Policies></Policies>"},
			"load balancers": {"elasticloadbalancing", "POST", "/", lb + "DescribeLoadBalancers", "", "<LoadBalancers></LoadBalancers>"},
			"target groups":  {"elasticloadbalancing", "POST", "/", lb + "DescribeTargetGroups", "", "<TargetGroups></TargetGroups>"},
			"stacks":         {"sockgate", "GET", "/_sockgate/stacks", "", "", `"stacks":[]`},
			"link tokens":    {"sockgate", "GET", "/_sockgate/link-tokens", "", "", `[]`},
		} {
			got := signedCall(t, g, c.service, c.method, c.path, c.body, c.target)
			if !strings.Contains(strings.Join(strings.Fields(got), ""), c.none) {
				t.Errorf("%s: %s", name, got)
			}
		}
	}
	if _, _, err := g.DynamoDB("DescribeTable", `{"TableName":"things"}`); err != nil {
		t.Fatal(err)
	}
	_, body := askDev(t, g, "GET", "/_sockgate/events?type=CALL&wait=10s")
	if got := fmt.Sprint(body["events"]); !strings.Contains(got, "operation:DescribeTable") || !strings.Contains(got, "ResourceNotFoundException: ") || strings.Contains(got, "stacks") {
		t.Errorf("refused calls: %s", got)
	}
	if status, _ := askDev(t, g, "POST", "/_sockgate/reset?deploy=true"); status != http.StatusBadRequest {
		t.Errorf("a deploy without a template: %d", status)
	}
}

// smallZip is a zip with one file, in base64.
func smallZip(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	must(w.Create("a"))(t)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes())
}
