package sts_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/awswire"
	"github.com/sockgate/sockgate/control/sts"
	"github.com/sockgate/sockgate/lang/sigv4"
	"github.com/sockgate/sockgate/service/identity"
	"github.com/sockgate/sockgate/state/store/memory"
)

var ctx = context.Background()

// gateway is the API behind the real front and the real verifier.
type gateway struct {
	t         *testing.T
	url       string
	directory *identity.Directory
	later     atomic.Int64 // nanoseconds by which the gateway's clock is ahead
}

func newGateway(t *testing.T) *gateway {
	g := &gateway{t: t}
	clock := func() time.Time { return time.Now().Add(time.Duration(g.later.Load())) }
	st := memory.New()
	var err error
	g.directory, err = identity.Open(ctx, identity.Config{Store: st, Account: "000000000000", Region: "eu-west-1", RootID: "AKIDROOT", RootSecret: "root", Clock: clock, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	// The signatures are made now whatever the gateway's clock says, so the verifier is patient.
	v := sigv4.New(g.directory, sigv4.Options{Region: "eu-west-1", Global: []string{"iam", "sts"}, Clock: clock, Skew: 100 * time.Hour})
	srv := httptest.NewServer(awswire.New(awswire.Config{
		Verify: func(r *http.Request, body []byte, services ...string) (*sockgate.Principal, error) {
			req := sigv4.FromHTTP(r)
			s, err := v.Verify(&req, sha256.Sum256(body), services...)
			if e, ok := errors.AsType[*sigv4.Error](err); ok {
				return nil, &awswire.StatusError{Status: e.Status, Type: e.Type, Message: e.Message}
			}
			if err != nil {
				return nil, err
			}
			return s.Principal, nil
		},
		Screen: func(*http.Request, ...string) error { return nil },
		Authorize: func(p *sockgate.Principal, action string, resources []string, keys awswire.Keys) error {
			return g.directory.Authorize(p, action, resources, keys)
		},
		Services: []awswire.Service{sts.New(g.directory), tables{}}, Account: "000000000000", Region: "eu-west-1", Log: slog.New(slog.DiscardHandler),
	}))
	g.url = srv.URL
	t.Cleanup(func() {
		srv.Close()
		st.Close()
	})
	return g
}

// tables is an API that needs dynamodb:PutItem for everything.
type tables struct{}

func (tables) Name() string               { return "dynamodb" }
func (tables) Protocol() awswire.Protocol { return awswire.JSON10{} }
func (tables) Permission(*awswire.Request) (string, []string) {
	return "dynamodb:PutItem", []string{"arn:aws:dynamodb:eu-west-1:000000000000:table/t"}
}
func (tables) Serve(context.Context, *awswire.Request) (*awswire.Response, error) {
	return &awswire.Response{Body: []byte("{}")}, nil
}

// put asks the tables API with credentials, and returns its status and body.
func (g *gateway) put(c *types.Credentials) (int, string) {
	g.t.Helper()
	r := httptest.NewRequest("POST", g.url+"/", strings.NewReader("{}"))
	r.RequestURI = ""
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810.PutItem")
	req := sigv4.FromHTTP(r)
	for _, h := range sigv4.Sign(&req, sha256.Sum256([]byte("{}")), sigv4.Credentials{AccessKeyID: *c.AccessKeyId, Secret: *c.SecretAccessKey, SessionToken: *c.SessionToken},
		sigv4.Scope{Region: "eu-west-1", Service: "dynamodb"}, time.Now()) {
		r.Header.Set(h.Name, h.Value)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	var body strings.Builder
	if err := resp.Write(&body); err != nil {
		g.t.Fatal(err)
	}
	_, text, _ := strings.Cut(body.String(), "\r\n\r\n")
	return resp.StatusCode, text
}

func (g *gateway) as(id, secret, token string) *awssts.Client {
	return awssts.New(awssts.Options{Region: "us-east-1", BaseEndpoint: aws.String(g.url), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(id, secret, token)})
}

func (g *gateway) with(c *types.Credentials) *awssts.Client {
	return g.as(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken)
}

func (g *gateway) change(fn func(*identity.Changes) error) {
	g.t.Helper()
	if err := g.directory.Change(ctx, fn); err != nil {
		g.t.Fatal(err)
	}
}

func (g *gateway) user(name string, documents map[string]string) *awssts.Client {
	g.t.Helper()
	var c *awssts.Client
	g.change(func(tx *identity.Changes) error {
		k, secret := tx.NewKey()
		c = g.as(k.ID, secret, "")
		return tx.CreateUser(&identity.User{Holder: identity.Holder{Name: name, Path: "/", Inline: documents}, Keys: []identity.AccessKey{k}})
	})
	return c
}

func (g *gateway) role(name, trust string, documents map[string]string) string {
	g.t.Helper()
	g.change(func(tx *identity.Changes) error {
		return tx.CreateRole(&identity.Role{Holder: identity.Holder{Name: name, Path: "/", Inline: documents}, MaxSession: 7200, Trust: trust})
	})
	return "arn:aws:iam::000000000000:role/" + name
}

func refused(t *testing.T, err error, status int, code, text string) {
	t.Helper()
	var api smithy.APIError
	var resp interface{ HTTPStatusCode() int }
	if !errors.As(err, &api) || !errors.As(err, &resp) {
		t.Errorf("got %v, want %s", err, code)
		return
	}
	if api.ErrorCode() != code || api.ErrorMessage() != text || resp.HTTPStatusCode() != status {
		t.Errorf("got  %d %s %q\nwant %d %s %q", resp.HTTPStatusCode(), api.ErrorCode(), api.ErrorMessage(), status, code, text)
	}
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

const (
	byAccount = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"000000000000"},"Action":["sts:AssumeRole","sts:TagSession"]}]}`
	allowPut  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"dynamodb:*","Resource":"*"}]}`
	mayAssume = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession"],"Resource":"*"}]}`
)

func TestCallerIdentity(t *testing.T) {
	g := newGateway(t)
	ann := g.user("ann", nil)
	id := must(ann.GetCallerIdentity(ctx, &awssts.GetCallerIdentityInput{}))(t)
	if *id.Account != "000000000000" || *id.Arn != "arn:aws:iam::000000000000:user/ann" || !strings.HasPrefix(*id.UserId, "AIDA") {
		t.Errorf("%+v", id)
	}
	id = must(g.as("AKIDROOT", "root", "").GetCallerIdentity(ctx, &awssts.GetCallerIdentityInput{}))(t)
	if *id.Arn != "arn:aws:iam::000000000000:root" || *id.UserId != "000000000000" {
		t.Errorf("%+v", id)
	}
	_, err := g.as("AKIDNOBODY", "x", "").GetCallerIdentity(ctx, &awssts.GetCallerIdentityInput{})
	refused(t, err, 403, "InvalidClientTokenId", "The security token included in the request is invalid.")
	_, err = g.as("AKIDROOT", "root", "token").GetCallerIdentity(ctx, &awssts.GetCallerIdentityInput{})
	refused(t, err, 403, "InvalidClientTokenId", "The security token included in the request is invalid.")
	_, err = g.as("AKIDROOT", "wrong", "").GetCallerIdentity(ctx, &awssts.GetCallerIdentityInput{})
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "SignatureDoesNotMatch" || !strings.HasPrefix(api.ErrorMessage(), "The request signature we calculated does not match") {
		t.Error(err)
	}
	info := must(g.as("AKIDROOT", "root", "").GetAccessKeyInfo(ctx, &awssts.GetAccessKeyInfoInput{AccessKeyId: aws.String("AKIAIOSFODNN7EXAMPLE")}))(t)
	if *info.Account != "000000000000" {
		t.Errorf("%+v", info)
	}
	_, err = ann.GetAccessKeyInfo(ctx, &awssts.GetAccessKeyInfoInput{AccessKeyId: aws.String("AKIAIOSFODNN7EXAMPLE")})
	refused(t, err, 403, "AccessDenied", "User: arn:aws:iam::000000000000:user/ann is not authorized to perform: sts:GetAccessKeyInfo on resource: * because no identity-based policy allows the sts:GetAccessKeyInfo action")
	_, err = ann.GetFederationToken(ctx, &awssts.GetFederationTokenInput{Name: aws.String("fed")})
	refused(t, err, 501, "NotImplemented", "sts GetFederationToken is not built")
}

// TestPresigned: a URL proves who made it, with the header that was signed into it, and is read as JSON by who accepts that.
func TestPresigned(t *testing.T) {
	g := newGateway(t)
	r := httptest.NewRequest("GET", g.url+"/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Expires=60", nil)
	r.RequestURI = ""
	r.Header.Set("X-K8s-Aws-Id", "cluster")
	sum := sha256.Sum256(nil)
	url, signed, err := v4.NewSigner().PresignHTTP(ctx, aws.Credentials{AccessKeyID: "AKIDROOT", SecretAccessKey: "root"}, r, hex.EncodeToString(sum[:]), "sts", "us-east-1", time.Now())
	if err != nil || signed.Get("X-K8s-Aws-Id") != "cluster" {
		t.Fatal(err, signed)
	}
	get := func(url, cluster string) (int, string, string) {
		t.Helper()
		r := httptest.NewRequest("GET", url, nil)
		r.RequestURI = ""
		r.Header = http.Header{"X-K8s-Aws-Id": {cluster}, "Accept": {"application/json"}}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, resp.Header.Get("Content-Type"), string(body)
	}
	status, kind, body := get(url, "cluster")
	if !regexp.MustCompile(`^{"GetCallerIdentityResponse":{"GetCallerIdentityResult":{"Arn":"arn:aws:iam::000000000000:root","UserId":"000000000000","Account":"000000000000"},`+
		`"ResponseMetadata":{"RequestId":"[0-9a-f-]{36}"}}}$`).MatchString(body) || status != 200 || kind != "application/json" {
		t.Errorf("%d %s %s", status, kind, body)
	}
	if status, _, body := get(url, "another"); status != 403 || !strings.Contains(body, "SignatureDoesNotMatch") {
		t.Errorf("%d %s", status, body)
	}
	if status, _, body := get(strings.Replace(url, "GetCallerIdentity", "GetSessionToken", 1), "cluster"); status != 403 {
		t.Errorf("%d %s", status, body)
	}
}

func TestAssumeRole(t *testing.T) {
	g := newGateway(t)
	arn := g.role("writer", byAccount, map[string]string{"p": allowPut})
	ann := g.user("ann", map[string]string{"p": mayAssume})
	in := &awssts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("job")}
	out := must(ann.AssumeRole(ctx, in))(t)
	if *out.AssumedRoleUser.Arn != "arn:aws:sts::000000000000:assumed-role/writer/job" || !regexp.MustCompile(`^AROA[A-Z2-7]{16}:job$`).MatchString(*out.AssumedRoleUser.AssumedRoleId) ||
		!regexp.MustCompile(`^ASIA[A-Z2-7]{16}$`).MatchString(*out.Credentials.AccessKeyId) {
		t.Errorf("%+v", out)
	}
	if left := time.Until(*out.Credentials.Expiration); left < 59*time.Minute || left > time.Hour {
		t.Errorf("expires in %v", left)
	}
	session := g.with(out.Credentials)
	id := must(session.GetCallerIdentity(ctx, &awssts.GetCallerIdentityInput{}))(t)
	if *id.Arn != *out.AssumedRoleUser.Arn || *id.UserId != *out.AssumedRoleUser.AssumedRoleId {
		t.Errorf("%+v", id)
	}
	if status, body := g.put(out.Credentials); status != 200 {
		t.Errorf("%d %s", status, body)
	}

	bound := *in
	bound.Policy = aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"dynamodb:GetItem","Resource":"*"}]}`)
	less := must(ann.AssumeRole(ctx, &bound))(t)
	if *less.SessionTokenSize != int32(len(*less.Credentials.SessionToken)) || *less.SessionTokenUtilization <= *out.SessionTokenUtilization {
		t.Errorf("a token of %d bytes takes %d%%, one without a policy %d%%", *less.SessionTokenSize, *less.SessionTokenUtilization, *out.SessionTokenUtilization)
	}
	const refusal = `{"__type":"com.amazon.coral.service#AccessDeniedException","message":"User: arn:aws:sts::000000000000:assumed-role/writer/job is not authorized to perform: ` +
		`dynamodb:PutItem on resource: arn:aws:dynamodb:eu-west-1:000000000000:table/t because no session policy allows the dynamodb:PutItem action"}`
	if status, body := g.put(less.Credentials); status != 400 || body != refusal {
		t.Errorf("%d %s", status, body)
	}

	bob := g.user("bob", nil)
	_, err := bob.AssumeRole(ctx, in)
	refused(t, err, 403, "AccessDenied", "User: arn:aws:iam::000000000000:user/bob is not authorized to perform: sts:AssumeRole on resource: "+arn)
	_, err = ann.AssumeRole(ctx, &awssts.AssumeRoleInput{RoleArn: aws.String(arn + "s"), RoleSessionName: aws.String("job")})
	refused(t, err, 403, "AccessDenied", "User: arn:aws:iam::000000000000:user/ann is not authorized to perform: sts:AssumeRole on resource: "+arn+"s")

	t.Run("expired", func(t *testing.T) {
		g.later.Store(int64(2 * time.Hour))
		defer g.later.Store(0)
		_, err := session.GetCallerIdentity(ctx, &awssts.GetCallerIdentityInput{})
		refused(t, err, 403, "ExpiredToken", "The security token included in the request is expired")
		if status, body := g.put(out.Credentials); status != 400 || body != `{"__type":"com.amazon.coral.service#ExpiredTokenException","message":"The security token included in the request is expired"}` {
			t.Errorf("%d %s", status, body)
		}
	})
	t.Run("the role is deleted", func(t *testing.T) {
		g.change(func(tx *identity.Changes) error {
			return tx.DeleteRole("writer", func(*identity.Role) error { return nil })
		})
		_, err := session.GetCallerIdentity(ctx, &awssts.GetCallerIdentityInput{})
		refused(t, err, 403, "InvalidClientTokenId", "The security token included in the request is invalid.")
		if status, body := g.put(out.Credentials); status != 400 || !strings.Contains(body, "#UnrecognizedClientException") {
			t.Errorf("%d %s", status, body)
		}
	})
}

func TestAssumeRoleChecks(t *testing.T) {
	g := newGateway(t)
	arn := g.role("r", byAccount, map[string]string{"p": mayAssume})
	root := g.as("AKIDROOT", "root", "")
	in := func(edit func(*awssts.AssumeRoleInput)) *awssts.AssumeRoleInput {
		i := &awssts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("job")}
		edit(i)
		return i
	}
	tag := func(k, v string) types.Tag { return types.Tag{Key: &k, Value: &v} }
	tests := []struct {
		name       string
		in         *awssts.AssumeRoleInput
		code, text string
	}{
		{"no arn", in(func(i *awssts.AssumeRoleInput) { i.RoleArn = aws.String("nothing-valid-in-here") }), "ValidationError", "nothing-valid-in-here is invalid"},
		{"no partition", in(func(i *awssts.AssumeRoleInput) { i.RoleArn = aws.String("arn::b:::something/test-role") }), "ValidationError", "arn::b:::something/test-role is invalid"},
		{"no resource", in(func(i *awssts.AssumeRoleInput) { i.RoleArn = aws.String("arn:a:a::aaaaaaaaaa:") }), "ValidationError", "arn:a:a::aaaaaaaaaa: is invalid"},
		{"session name", in(func(i *awssts.AssumeRoleInput) { i.RoleSessionName = aws.String("Session1:2") }), "ValidationError",
			`1 validation error detected: Value 'Session1:2' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*`},
		{"long session name", in(func(i *awssts.AssumeRoleInput) { i.RoleSessionName = aws.String(strings.Repeat("s", 65)) }), "ValidationError",
			"1 validation error detected: Value '" + strings.Repeat("s", 65) + "' at 'roleSessionName' failed to satisfy constraint: Member must have length less than or equal to 64"},
		{"short", in(func(i *awssts.AssumeRoleInput) { i.DurationSeconds = aws.Int32(60) }), "ValidationError",
			"1 validation error detected: Value '60' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900"},
		{"longer than the role's", in(func(i *awssts.AssumeRoleInput) { i.DurationSeconds = aws.Int32(7201) }), "ValidationError",
			"The requested DurationSeconds exceeds the MaxSessionDuration set for this role."},
		{"policy", in(func(i *awssts.AssumeRoleInput) { i.Policy = aws.String("{") }), "MalformedPolicyDocument", "Syntax errors in policy."},
		{"tags twice", in(func(i *awssts.AssumeRoleInput) { i.Tags = []types.Tag{tag("a", "1"), tag("A", "2")} }), "InvalidParameterValue",
			"Duplicate tag keys found. Please note that Tag keys are case insensitive."},
		{"transitive", in(func(i *awssts.AssumeRoleInput) { i.TransitiveTagKeys = []string{"x"} }), "InvalidParameterValue",
			"The specified transitive tag key must be included in the requested tags."},
		{"too much", in(func(i *awssts.AssumeRoleInput) {
			for n := range 50 {
				i.Tags = append(i.Tags, tag("k"+strings.Repeat("x", n), strings.Repeat("v", 256)))
			}
		}), "PackedPolicyTooLarge", "Packed policy consumes 344% of allotted space, please use smaller policy."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := root.AssumeRole(ctx, tt.in)
			refused(t, err, 400, tt.code, tt.text)
		})
	}

	t.Run("external id", func(t *testing.T) {
		arn := g.role("outside", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"000000000000"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"x1"}}}]}`, nil)
		_, err := root.AssumeRole(ctx, &awssts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("job")})
		refused(t, err, 403, "AccessDenied", "User: arn:aws:iam::000000000000:root is not authorized to perform: sts:AssumeRole on resource: "+arn)
		must(root.AssumeRole(ctx, &awssts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("job"), ExternalId: aws.String("x1")}))(t)
	})
	t.Run("source identity", func(t *testing.T) {
		ask := in(func(i *awssts.AssumeRoleInput) { i.SourceIdentity = aws.String("ann") })
		_, err := root.AssumeRole(ctx, ask)
		refused(t, err, 403, "AccessDenied", "User: arn:aws:iam::000000000000:root is not authorized to perform: sts:SetSourceIdentity on resource: "+arn)
		open := strings.Replace(byAccount, `"sts:TagSession"`, `"sts:SetSourceIdentity"`, 1)
		named := g.role("named", open, map[string]string{"p": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:*","Resource":"*"},` +
			`{"Effect":"Allow","Action":"dynamodb:*","Resource":"*","Condition":{"StringEquals":{"aws:SourceIdentity":"ann"}}}]}`})
		ask.RoleArn = &named
		first := must(root.AssumeRole(ctx, ask))(t)
		if *first.SourceIdentity != "ann" {
			t.Errorf("%+v", first)
		}
		if status, body := g.put(first.Credentials); status != 200 {
			t.Errorf("%d %s", status, body)
		}
		// It goes on to the next role, which must let it in, and cannot be changed on the way.
		second := must(g.with(first.Credentials).AssumeRole(ctx, &awssts.AssumeRoleInput{RoleArn: &named, RoleSessionName: aws.String("two")}))(t)
		if *second.SourceIdentity != "ann" {
			t.Errorf("%+v", second)
		}
		ask.SourceIdentity = aws.String("bob")
		_, err = g.with(first.Credentials).AssumeRole(ctx, ask)
		refused(t, err, 403, "AccessDenied", "User: arn:aws:sts::000000000000:assumed-role/named/job is not authorized to perform: sts:SetSourceIdentity on resource: "+named)
		_, err = g.with(first.Credentials).AssumeRole(ctx, &awssts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("two")})
		refused(t, err, 403, "AccessDenied", "User: arn:aws:sts::000000000000:assumed-role/named/job is not authorized to perform: sts:SetSourceIdentity on resource: "+arn)
	})
	t.Run("chained, with tags", func(t *testing.T) {
		first := must(root.AssumeRole(ctx, in(func(i *awssts.AssumeRoleInput) {
			i.Tags, i.TransitiveTagKeys = []types.Tag{tag("team", "blue"), tag("x", "y")}, []string{"team"}
		})))(t)
		second := g.role("second", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"`+arn+`"},"Action":["sts:AssumeRole","sts:TagSession"],`+
			`"Condition":{"StringEquals":{"aws:PrincipalTag/team":"blue"}}}]}`,
			map[string]string{"p": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"dynamodb:*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"blue"},"Null":{"aws:PrincipalTag/x":"true"}}}]}`})
		out := must(g.with(first.Credentials).AssumeRole(ctx, &awssts.AssumeRoleInput{RoleArn: &second, RoleSessionName: aws.String("two")}))(t)
		if status, body := g.put(out.Credentials); status != 200 {
			t.Errorf("%d %s", status, body)
		}
		_, err := g.with(first.Credentials).AssumeRole(ctx, &awssts.AssumeRoleInput{RoleArn: &second, RoleSessionName: aws.String("two"), Tags: []types.Tag{tag("TEAM", "red")}})
		refused(t, err, 400, "InvalidParameterValue", "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.")
		_, err = g.with(first.Credentials).AssumeRole(ctx, &awssts.AssumeRoleInput{RoleArn: &second, RoleSessionName: aws.String("two"), DurationSeconds: aws.Int32(3601)})
		refused(t, err, 400, "ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
	})
}

func TestSessionToken(t *testing.T) {
	g := newGateway(t)
	ann := g.user("ann", map[string]string{"p": allowPut})
	out := must(ann.GetSessionToken(ctx, &awssts.GetSessionTokenInput{DurationSeconds: aws.Int32(900)}))(t)
	if left := time.Until(*out.Credentials.Expiration); left < 14*time.Minute || left > 15*time.Minute {
		t.Errorf("expires in %v", left)
	}
	id := must(g.with(out.Credentials).GetCallerIdentity(ctx, &awssts.GetCallerIdentityInput{}))(t)
	if *id.Arn != "arn:aws:iam::000000000000:user/ann" {
		t.Errorf("%+v", id)
	}
	if status, body := g.put(out.Credentials); status != 200 {
		t.Errorf("%d %s", status, body)
	}
	_, err := g.with(out.Credentials).GetSessionToken(ctx, &awssts.GetSessionTokenInput{})
	refused(t, err, 403, "AccessDenied", "Cannot call GetSessionToken with session credentials")
	rooted := must(g.as("AKIDROOT", "root", "").GetSessionToken(ctx, &awssts.GetSessionTokenInput{}))(t)
	if left := time.Until(*rooted.Credentials.Expiration); left > time.Hour {
		t.Errorf("the root's expires in %v", left)
	}
	if status, _ := g.put(rooted.Credentials); status != 200 {
		t.Errorf("the root's session: %d", status)
	}
}

// TestLargeSession: whatever a session's policy holds, its token is usable or it is not issued.
func TestLargeSession(t *testing.T) {
	g := newGateway(t)
	arn := g.role("r", byAccount, map[string]string{"p": allowPut})
	root := g.as("AKIDROOT", "root", "")
	tags := func(n int, c string) (tags []types.Tag) {
		for i := range n {
			tags = append(tags, types.Tag{Key: aws.String("k" + strings.Repeat("x", i)), Value: aws.String(strings.Repeat(c, 50))})
		}
		return tags
	}
	policy := func(resource string) *string {
		p := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"dynamodb:*","Resource":["*","arn:aws:s3:::` + resource + `"]}]}`
		return &p
	}
	out := must(root.AssumeRole(ctx, &awssts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("job"), Policy: policy(strings.Repeat("x", 1900)), Tags: tags(30, "v")}))(t)
	if status, body := g.put(out.Credentials); status != 200 {
		t.Errorf("a token of %d bytes: %d %s", len(*out.Credentials.SessionToken), status, body)
	}
	_, err := root.AssumeRole(ctx, &awssts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("job"), Policy: policy(strings.Repeat("<", 1900))})
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "PackedPolicyTooLarge" {
		t.Errorf("a policy that is six times as large in a token: %v", err)
	}
}
