package main

import (
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	v1 "github.com/aws/aws-sdk-go-v2/service/apigateway"
	v1types "github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"

	"github.com/sockgate/sockgate/internal/gatewaytest"
)

const keyValue = "speak-friend-and-enter-0001"

func keysOf(p *process) *v1.Client {
	id, secret := p.Key()
	return v1.New(v1.Options{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider(id, secret, ""),
		BaseEndpoint: aws.String("http://" + p.Addr()), HTTPClient: p.HTTP()})
}

// used is what a key used in a plan, yesterday included: midnight may pass in between.
func used(t *testing.T, p *process, plan, key string) (n int64) {
	t.Helper()
	from, to := time.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly), time.Now().UTC().Format(time.DateOnly)
	out, err := keysOf(p).GetUsage(t.Context(), &v1.GetUsageInput{UsagePlanId: &plan, KeyId: &key, StartDate: &from, EndDate: &to})
	if err != nil {
		t.Fatal(err)
	}
	for _, day := range out.Items[key] {
		n += day[0]
	}
	return n
}

// TestUsageAfterKill: of what a key used, a kill takes at most what was counted in the last second.
func TestUsageAfterKill(t *testing.T) {
	dir, backend := t.TempDir(), startBackend(t)
	p := startProcess(t, dir)
	api := newAPI(t, p.Gateway, backend.Addr())
	ctx := t.Context()
	key, err := keysOf(p).CreateApiKey(ctx, &v1.CreateApiKeyInput{Value: aws.String(keyValue), Enabled: true})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := keysOf(p).CreateUsagePlan(ctx, &v1.CreateUsagePlanInput{Name: aws.String("basic"),
		Quota:     &v1types.QuotaSettings{Limit: 1_000_000, Period: v1types.QuotaPeriodTypeMonth},
		ApiStages: []v1types.ApiStage{{ApiId: &api, Stage: aws.String("dev")}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keysOf(p).CreateUsagePlanKey(ctx, &v1.CreateUsagePlanKeyInput{UsagePlanId: plan.Id, KeyId: key.Id, KeyType: aws.String("API_KEY")}); err != nil {
		t.Fatal(err)
	}
	routes, err := p.Control().GetRoutes(ctx, &apigatewayv2.GetRoutesInput{ApiId: &api})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range routes.Items {
		if _, err := p.Control().UpdateRoute(ctx, &apigatewayv2.UpdateRouteInput{ApiId: &api, RouteId: r.RouteId, ApiKeyRequired: aws.Bool(true)}); err != nil {
			t.Fatal(err)
		}
	}
	c, err := gatewaytest.Dial(p.Addr(), p.Host(api), "/dev", "x-api-key: "+keyValue)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Drop()

	// A count is on disk a second after it; a busy machine has another one for the write.
	const atRisk = 2 * time.Second
	began, count := time.Now(), int64(1)
	safe := int64(0)
	for ; time.Since(began) < atRisk+time.Second; count++ {
		echo(t, c)
		if time.Since(began) < time.Second {
			safe = count
		}
	}
	if n := used(t, p, *plan.Id, *key.Id); n != count {
		t.Errorf("before the kill %d were used, %d requests were made", n, count)
	}
	p.end(t, syscall.SIGKILL)
	p = startProcess(t, dir)
	n := used(t, p, *plan.Id, *key.Id)
	t.Logf("of %d requests %d are remembered", count, n)
	if n < safe || n > count {
		t.Errorf("after the kill %d were used, of %d requests, %d of which are older than %v", n, count, safe, atRisk)
	}
	p.end(t, syscall.SIGTERM)
	p = startProcess(t, dir)
	if again := used(t, p, *plan.Id, *key.Id); again != n {
		t.Errorf("after an orderly stop %d were used, before %d", again, n)
	}
}
