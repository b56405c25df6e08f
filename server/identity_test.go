package server_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	v1types "github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/sockgate/sockgate/internal/gatewaytest"
)

// signer is somebody with a key.
type signer struct {
	g    *gatewaytest.Gateway
	keys aws.CredentialsProvider
}

func by(g *gatewaytest.Gateway, id, secret, token string) signer {
	return signer{g, credentials.NewStaticCredentialsProvider(id, secret, token)}
}

func root(g *gatewaytest.Gateway) signer {
	id, secret := g.Key()
	return by(g, id, secret, "")
}

func (s signer) base() *string { return aws.String("http://" + s.g.ManagementAddr()) }

func (s signer) iam() *iam.Client {
	return iam.New(iam.Options{Region: "us-east-1", Credentials: s.keys, HTTPClient: s.g.HTTP(), RetryMaxAttempts: 1, BaseEndpoint: s.base()})
}

func (s signer) sts() *sts.Client {
	return sts.New(sts.Options{Region: "us-east-1", Credentials: s.keys, HTTPClient: s.g.HTTP(), RetryMaxAttempts: 1, BaseEndpoint: s.base()})
}

func (s signer) control() *apigatewayv2.Client {
	return apigatewayv2.New(apigatewayv2.Options{Region: "us-east-1", Credentials: s.keys, HTTPClient: s.g.HTTP(), RetryMaxAttempts: 1, BaseEndpoint: s.base()})
}

// push posts to a connection and returns what came back.
func (s signer) push(t *testing.T, url string) (status int, typ, body string) {
	t.Helper()
	const text = "pushed"
	r, err := http.NewRequest("POST", url, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	creds, err := s.keys.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(text))
	if err := v4.NewSigner().SignHTTP(t.Context(), creds, r, hex.EncodeToString(sum[:]), "execute-api", "us-east-1", time.Now()); err != nil {
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

func awsError(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode() + ": " + api.ErrorMessage()
	}
	return ""
}

func allows(action, resource string) *string {
	return aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"` + action + `","Resource":"` + resource + `"}]}`)
}

// TestUsersAndRoles: what a user and a role may do is what their policies say, on every API, at once and after a restart.
func TestUsersAndRoles(t *testing.T) {
	d := deploy(t, gatewaytest.Start(t, nil))
	ctx := t.Context()
	admin := root(d.Gateway).iam()
	must(admin.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("ann")}))(t)
	key := must(admin.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: aws.String("ann")}))(t).AccessKey
	ann := by(d.Gateway, *key.AccessKeyId, *key.SecretAccessKey, "")
	give := func(name string, document *string) {
		t.Helper()
		must(admin.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: aws.String("ann"), PolicyName: &name, PolicyDocument: document}))(t)
	}
	refused := func(err error, text string) {
		t.Helper()
		if got := awsError(err); got != text {
			t.Errorf("got  %s\nwant %s", got, text)
		}
	}
	who := "User: arn:aws:iam::000000000000:user/ann is not authorized to perform: "

	_, err := ann.control().GetApi(ctx, &apigatewayv2.GetApiInput{ApiId: &d.api})
	refused(err, "AccessDeniedException: "+who+"apigateway:GET on resource: arn:aws:apigateway:us-east-1::/apis/"+d.api+" because no identity-based policy allows the apigateway:GET action")
	give("read", allows("apigateway:GET", "arn:aws:apigateway:us-east-1::/apis/*"))
	must(ann.control().GetApi(ctx, &apigatewayv2.GetApiInput{ApiId: &d.api}))(t)
	_, err = ann.control().DeleteApi(ctx, &apigatewayv2.DeleteApiInput{ApiId: &d.api})
	refused(err, "AccessDeniedException: "+who+"apigateway:DELETE on resource: arn:aws:apigateway:us-east-1::/apis/"+d.api+" because no identity-based policy allows the apigateway:DELETE action")

	c, id := d.connect(t)
	url := "http://" + d.Host(d.api) + "/dev/@connections/" + strings.Replace(id, "=", "%3D", 1)
	plain := "http://" + d.Addr() + "/dev/@connections/" + strings.Replace(id, "=", "%3D", 1)
	denied := `{"Message":"` + who + "execute-api:ManageConnections on resource: arn:aws:execute-api:us-east-1:********0000:" + d.api + `/dev/POST/@connections/{connectionId}"}`
	for _, u := range []string{url, plain} {
		if status, typ, body := ann.push(t, u); status != 403 || typ != "AccessDeniedException" || body != denied {
			t.Errorf("%d %s %s", status, typ, body)
		}
	}
	give("push", allows("execute-api:ManageConnections", "arn:aws:execute-api:us-east-1:000000000000:"+d.api+"/dev/POST/@connections/*"))
	for _, u := range []string{url, plain} {
		if status, typ, body := ann.push(t, u); status != 200 {
			t.Errorf("%d %s %s", status, typ, body)
		}
		if text, err := c.Read(); text != "pushed" {
			t.Errorf("the client read %q, %v", text, err)
		}
	}

	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:user/ann"},"Action":"sts:AssumeRole"}]}`
	r := must(admin.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("backend"), AssumeRolePolicyDocument: &trust}))(t).Role
	must(admin.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: r.RoleName, PolicyArn: aws.String("arn:aws:iam::aws:policy/AmazonAPIGatewayInvokeFullAccess")}))(t)
	out := must(ann.sts().AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: r.Arn, RoleSessionName: aws.String("job")}))(t)
	session := by(d.Gateway, *out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken)
	check := func() {
		t.Helper()
		if got := must(session.sts().GetCallerIdentity(context.Background(), &sts.GetCallerIdentityInput{}))(t); *got.Arn != "arn:aws:sts::000000000000:assumed-role/backend/job" {
			t.Errorf("the session is %s", *got.Arn)
		}
		c, id := d.connect(t)
		if status, typ, body := session.push(t, "http://"+d.Host(d.api)+"/dev/@connections/"+strings.Replace(id, "=", "%3D", 1)); status != 200 {
			t.Errorf("%d %s %s", status, typ, body)
		}
		if text, err := c.Read(); text != "pushed" {
			t.Errorf("the client read %q, %v", text, err)
		}
		_, err := session.control().GetApis(ctx, &apigatewayv2.GetApisInput{})
		refused(err, "AccessDeniedException: User: arn:aws:sts::000000000000:assumed-role/backend/job is not authorized to perform: apigateway:GET on resource: "+
			"arn:aws:apigateway:us-east-1::/apis because no identity-based policy allows the apigateway:GET action")
		must(ann.control().GetApi(ctx, &apigatewayv2.GetApiInput{ApiId: &d.api}))(t)
	}
	check()
	if err := d.Restart(); err != nil {
		t.Fatal(err)
	}
	check()
	for _, secret := range []string{*key.SecretAccessKey, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken} {
		if strings.Contains(d.Log.String(), secret) {
			t.Error("the log holds a secret")
		}
	}
	info, err := os.Stat(filepath.Join(d.Config.Data, "secrets.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key of the secrets: %v, %v", info, err)
	}

	admin = root(d.Gateway).iam()
	must(admin.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: r.RoleName, PolicyArn: aws.String("arn:aws:iam::aws:policy/AmazonAPIGatewayInvokeFullAccess")}))(t)
	must(admin.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: r.RoleName}))(t)
	if status, typ, _ := session.push(t, url); status != 403 || typ != "UnrecognizedClientException" {
		t.Errorf("a session of a role that is gone: %d %s", status, typ)
	}
	must(admin.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: aws.String("ann"), AccessKeyId: key.AccessKeyId}))(t)
	_, err = ann.control().GetApis(ctx, &apigatewayv2.GetApisInput{})
	refused(err, "UnrecognizedClientException: The security token included in the request is invalid.")
}

// TestConnectByUser: on a route with AWS_IAM the policies of who signs decide.
func TestConnectByUser(t *testing.T) {
	d := deploy(t, gatewaytest.Start(t, nil))
	ctx := t.Context()
	for _, r := range must(d.Control().GetRoutes(ctx, &apigatewayv2.GetRoutesInput{ApiId: &d.api}))(t).Items {
		if *r.RouteKey == "$connect" {
			must(d.Control().UpdateRoute(ctx, &apigatewayv2.UpdateRouteInput{ApiId: &d.api, RouteId: r.RouteId, AuthorizationType: "AWS_IAM"}))(t)
		}
	}
	admin := root(d.Gateway).iam()
	must(admin.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("ann")}))(t)
	key := must(admin.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: aws.String("ann")}))(t).AccessKey
	ann := by(d.Gateway, *key.AccessKeyId, *key.SecretAccessKey, "")
	temp := must(ann.sts().GetSessionToken(ctx, &sts.GetSessionTokenInput{}))(t).Credentials
	signers := map[string]signer{"key": ann, "session": by(d.Gateway, *temp.AccessKeyId, *temp.SecretAccessKey, *temp.SessionToken)}
	connect := func(s signer) (int, string) {
		t.Helper()
		r, err := http.NewRequest("GET", "http://"+d.Host(d.api)+"/dev", nil)
		if err != nil {
			t.Fatal(err)
		}
		creds, err := s.keys.Retrieve(ctx)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(nil)
		if err := v4.NewSigner().SignHTTP(ctx, creds, r, hex.EncodeToString(sum[:]), "execute-api", "us-east-1", time.Now()); err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="} {
			r.Header.Set(name, value)
		}
		resp, err := d.HTTP().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode == http.StatusSwitchingProtocols {
			return resp.StatusCode, ""
		}
		raw, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(raw)
	}
	arn := "arn:aws:execute-api:us-east-1:000000000000:" + d.api + "/dev/$connect"
	for name, s := range signers {
		want := `{"Message":"User: arn:aws:iam::000000000000:user/ann is not authorized to perform: execute-api:Invoke on resource: ` + strings.Replace(arn, "000000000000", "********0000", 1) + `"}`
		if status, body := connect(s); status != 403 || body != want {
			t.Errorf("%s: %d %s\nwant %s", name, status, body, want)
		}
	}
	document := strings.Replace(*allows("execute-api:Invoke", arn), `"Resource"`, `"Condition":{"IpAddress":{"aws:SourceIp":"127.0.0.0/8"}},"Resource"`, 1)
	must(admin.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: aws.String("ann"), PolicyName: aws.String("p"), PolicyDocument: &document}))(t)
	for name, s := range signers {
		if status, body := connect(s); status != 101 {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
}

// TestPassRole: who makes an integration or an authorizer that acts as a role must be allowed to give the role away.
func TestPassRole(t *testing.T) {
	d := deploy(t, gatewaytest.Start(t, nil))
	ctx := t.Context()
	admin := root(d.Gateway).iam()
	must(admin.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("ann")}))(t)
	key := must(admin.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: aws.String("ann")}))(t).AccessKey
	ann := by(d.Gateway, *key.AccessKeyId, *key.SecretAccessKey, "").control()
	give := func(name string, document *string) {
		t.Helper()
		must(admin.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: aws.String("ann"), PolicyName: &name, PolicyDocument: document}))(t)
	}
	give("api", allows("apigateway:*", "*"))
	const role, function = "arn:aws:iam::000000000000:role/invoker", "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000:function:f/invocations"
	integration := &apigatewayv2.CreateIntegrationInput{ApiId: &d.api, IntegrationType: "AWS_PROXY", IntegrationUri: aws.String(function), CredentialsArn: aws.String(role)}
	authorizer := &apigatewayv2.CreateAuthorizerInput{ApiId: &d.api, Name: aws.String("a"), AuthorizerType: "REQUEST", AuthorizerUri: aws.String(function),
		IdentitySource: []string{"route.request.header.Auth"}, AuthorizerCredentialsArn: aws.String(role)}
	const refusal = "AccessDeniedException: User: arn:aws:iam::000000000000:user/ann is not authorized to perform: iam:PassRole on resource: " + role +
		" because no identity-based policy allows the iam:PassRole action"
	try := func(want string) {
		t.Helper()
		if _, err := ann.CreateIntegration(ctx, integration); awsError(err) != want {
			t.Errorf("integration: %v", err)
		}
		if _, err := ann.CreateAuthorizer(ctx, authorizer); awsError(err) != want {
			t.Errorf("authorizer: %v", err)
		}
	}
	try(refusal)
	passTo := func(service string) *string {
		return aws.String(strings.Replace(*allows("iam:PassRole", role), `"Resource"`, `"Condition":{"StringEquals":{"iam:PassedToService":"`+service+`"}},"Resource"`, 1))
	}
	give("pass", passTo("lambda.amazonaws.com"))
	try(refusal)
	give("pass", passTo("apigateway.amazonaws.com"))
	try("")
	must(admin.DeleteUserPolicy(ctx, &iam.DeleteUserPolicyInput{UserName: aws.String("ann"), PolicyName: aws.String("pass")}))(t)
	integration.CredentialsArn = aws.String("arn:aws:iam::*:user/*") // who calls, which is no role
	must(ann.CreateIntegration(ctx, integration))(t)
}

// TestPassRoleByVariables: a role that depends on stage variables is passed by whoever gives them values, or deploys with them.
func TestPassRoleByVariables(t *testing.T) {
	d := deploy(t, gatewaytest.Start(t, nil))
	ctx := t.Context()
	ann := user(t, d.Gateway, "ann")
	give := func(name string, document *string) {
		t.Helper()
		must(root(d.Gateway).iam().PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: aws.String("ann"), PolicyName: &name, PolicyDocument: document}))(t)
	}
	give("api", allows("apigateway:*", "*"))
	const role = "arn:aws:iam::000000000000:role/admin"
	const refusal = "AccessDeniedException: User: arn:aws:iam::000000000000:user/ann is not authorized to perform: iam:PassRole on resource: " + role +
		" because no identity-based policy allows the iam:PassRole action"
	c := ann.control()
	api := must(c.CreateApi(ctx, &apigatewayv2.CreateApiInput{Name: aws.String("a"), ProtocolType: "WEBSOCKET", RouteSelectionExpression: aws.String("$request.body.a")}))(t).ApiId
	integration := must(c.CreateIntegration(ctx, &apigatewayv2.CreateIntegrationInput{
		ApiId: api, IntegrationType: "AWS_PROXY", CredentialsArn: aws.String("arn:aws:iam::000000000000:${stageVariables.role}"),
		IntegrationUri: aws.String("arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000:function:f/invocations"),
	}))(t).IntegrationId
	must(c.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{ApiId: api, RouteKey: aws.String("$default"), Target: aws.String("integrations/" + *integration)}))(t)
	deployment := must(c.CreateDeployment(ctx, &apigatewayv2.CreateDeploymentInput{ApiId: api}))(t).DeploymentId
	must(c.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: api, StageName: aws.String("s"), DeploymentId: deployment}))(t)
	variables := map[string]string{"role": "role/admin"}
	steps := func(want string) {
		t.Helper()
		_, err := c.UpdateStage(ctx, &apigatewayv2.UpdateStageInput{ApiId: api, StageName: aws.String("s"), StageVariables: variables})
		if awsError(err) != want {
			t.Errorf("UpdateStage: %v", err)
		}
		_, err = c.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: api, StageName: aws.String("t"), StageVariables: variables, DeploymentId: deployment})
		if awsError(err) != want {
			t.Errorf("CreateStage: %v", err)
		}
	}
	steps(refusal)
	// Variables without a deployment are harmless until there is one.
	must(c.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: api, StageName: aws.String("u"), StageVariables: variables}))(t)
	_, err := c.CreateDeployment(ctx, &apigatewayv2.CreateDeploymentInput{ApiId: api, StageName: aws.String("u")})
	if awsError(err) != refusal {
		t.Errorf("CreateDeployment: %v", err)
	}
	_, err = c.UpdateStage(ctx, &apigatewayv2.UpdateStageInput{ApiId: api, StageName: aws.String("u"), DeploymentId: deployment})
	if awsError(err) != refusal {
		t.Errorf("UpdateStage with a deployment: %v", err)
	}
	must(c.UpdateStage(ctx, &apigatewayv2.UpdateStageInput{ApiId: api, StageName: aws.String("u"), AutoDeploy: aws.Bool(true)}))(t)
	if s := must(c.GetStage(ctx, &apigatewayv2.GetStageInput{ApiId: api, StageName: aws.String("u")}))(t); s.DeploymentId != nil ||
		!strings.Contains(aws.ToString(s.LastDeploymentStatusMessage), "iam:PassRole") {
		t.Errorf("an automatic deployment: %v %v", aws.ToString(s.DeploymentId), aws.ToString(s.LastDeploymentStatusMessage))
	}
	give("pass", allows("iam:PassRole", role))
	steps("")
}

// TestPassRoleToAccount: the role for logs is passed too.
func TestPassRoleToAccount(t *testing.T) {
	g := gatewaytest.Start(t, nil)
	ann := user(t, g, "ann")
	must(root(g).iam().PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{UserName: aws.String("ann"), PolicyName: aws.String("api"), PolicyDocument: allows("apigateway:*", "*")}))(t)
	c := apigateway.New(apigateway.Options{Region: "us-east-1", Credentials: ann.keys, HTTPClient: g.HTTP(), RetryMaxAttempts: 1, BaseEndpoint: ann.base()})
	set := func(value string) error {
		_, err := c.UpdateAccount(t.Context(), &apigateway.UpdateAccountInput{PatchOperations: []v1types.PatchOperation{
			{Op: "replace", Path: aws.String("/cloudwatchRoleArn"), Value: aws.String(value)}}})
		return err
	}
	const role = "arn:aws:iam::000000000000:role/logs"
	if err := set(role); awsError(err) != "AccessDeniedException: User: arn:aws:iam::000000000000:user/ann is not authorized to perform: iam:PassRole on resource: "+
		role+" because no identity-based policy allows the iam:PassRole action" {
		t.Error(err)
	}
	if err := set(""); err != nil {
		t.Error(err)
	}
}

// TestDenyOfOneAPI: no other spelling of a path leads around the denial of one resource.
func TestDenyOfOneAPI(t *testing.T) {
	d := deploy(t, gatewaytest.Start(t, nil))
	ann := user(t, d.Gateway, "ann")
	tag := "arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Fapis%2F" + d.api
	must(root(d.Gateway).iam().PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{UserName: aws.String("ann"), PolicyName: aws.String("p"), PolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"apigateway:*","Resource":"*"},{"Effect":"Deny","Action":"*","Resource":[` +
			`"arn:aws:apigateway:us-east-1::/apis/` + d.api + `","arn:aws:apigateway:us-east-1::/tags/` + tag + `"]}]}`)}))(t)
	hex := ""
	for _, c := range []byte(d.api) {
		hex += fmt.Sprintf("%%%02x", c)
	}
	for _, path := range []string{
		"/v2/apis/" + d.api, "/v2/apis/" + hex, "/v2/apis/" + hex[:3] + d.api[1:], "//v2/apis/" + d.api, "/v2//apis/" + d.api, "/v2/apis/./" + d.api,
		"/v2/%61pis/" + d.api, "/%76%32/apis/" + d.api, "/v2/apis/" + d.api + "/", "/v2/apis/x/../" + d.api, "/V2/apis/" + d.api, "/apis/" + d.api,
		"/v2/tags/" + tag, "/v2/tags/" + strings.ToLower(tag), "/v2/tags/" + strings.NewReplacer("%3A", ":").Replace(tag),
		"/v2/tags/" + strings.Replace(tag, "aws", "aws-cn", 1), "/v2/tags/" + strings.Replace(tag, "apis", "%61pis", 1),
	} {
		if status, _, body := ann.send(t, sent{method: "GET", path: path, service: "apigateway"}); status == 200 {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

// TestManyWritersOfOneUser: what many writers change of one user at once is all there, on disk too.
func TestManyWritersOfOneUser(t *testing.T) {
	g := gatewaytest.Start(t, nil)
	user(t, g, "ann")
	const writers = 50
	admin := root(g).iam()
	errs := make(chan error, writers)
	for i := range writers {
		go func() {
			_, err := admin.TagUser(t.Context(), &iam.TagUserInput{UserName: aws.String("ann"), Tags: []iamtypes.Tag{{Key: aws.String(fmt.Sprint("k", i)), Value: aws.String("v")}}})
			errs <- err
		}()
	}
	for range writers {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if err := g.Restart(); err != nil {
		t.Fatal(err)
	}
	out := must(root(g).iam().ListUserTags(t.Context(), &iam.ListUserTagsInput{UserName: aws.String("ann"), MaxItems: aws.Int32(100)}))(t)
	if len(out.Tags) != writers {
		t.Errorf("%d tags, want %d", len(out.Tags), writers)
	}
}

// TestLambdaConditionKeys: policies can say to whom a function may be opened.
func TestLambdaConditionKeys(t *testing.T) {
	g := gatewaytest.Start(t, nil)
	ann := user(t, g, "ann")
	must(root(g).iam().PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{UserName: aws.String("ann"), PolicyName: aws.String("p"), PolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"lambda:AddPermission","Resource":"*","Condition":{"StringEquals":{"lambda:Principal":"apigateway.amazonaws.com"}}}]}`)}))(t)
	c := lambda.New(lambda.Options{Region: "us-east-1", Credentials: ann.keys, HTTPClient: g.HTTP(), RetryMaxAttempts: 1, BaseEndpoint: ann.base()})
	for principal, want := range map[string]string{"apigateway.amazonaws.com": "ResourceNotFoundException", "*": "AccessDeniedException"} {
		_, err := c.AddPermission(t.Context(), &lambda.AddPermissionInput{FunctionName: aws.String("f"), StatementId: aws.String("s"), Action: aws.String("lambda:InvokeFunction"), Principal: &principal})
		if codeOf(err) != want {
			t.Errorf("%s: %v", principal, err)
		}
	}
}
