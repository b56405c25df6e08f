package apigateway_test

import (
	"maps"
	"regexp"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// same compares what the SDK understood, apart from its own bookkeeping.
func same[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if d := cmp.Diff(want, got, cmpopts.IgnoreUnexported(types.ApiKey{}, types.UsagePlan{}, types.ApiStage{}, types.ThrottleSettings{},
		types.QuotaSettings{}, types.UsagePlanKey{}, sdk.GetAccountOutput{}, sdk.GetUsageOutput{}),
		cmpopts.IgnoreFields(sdk.GetAccountOutput{}, "ResultMetadata"), cmpopts.IgnoreFields(sdk.GetUsageOutput{}, "ResultMetadata")); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func op(op types.Op, path, value string) types.PatchOperation {
	return types.PatchOperation{Op: op, Path: &path, Value: &value}
}

func TestAPIKeys(t *testing.T) {
	g := newGateway(t)
	c := g.sdk
	made := must[sdk.CreateApiKeyOutput](t)(c.CreateApiKey(ctx, &sdk.CreateApiKeyInput{
		Name: aws.String("ann"), Description: aws.String("hers"), Enabled: true, Value: aws.String(value), CustomerId: aws.String("c1"),
		Tags: map[string]string{"team": "a"}, StageKeys: []types.StageKey{{RestApiId: aws.String("chat"), StageName: aws.String("prod")}},
	}))
	if !regexp.MustCompile(`^[a-z0-9]{10}$`).MatchString(*made.Id) || *made.Value != value || !made.CreatedDate.Equal(start.Truncate(1e9)) {
		t.Errorf("made %s %s %s", *made.Id, *made.Value, made.CreatedDate)
	}
	g.now.Store(60)
	updated := must[sdk.UpdateApiKeyOutput](t)(c.UpdateApiKey(ctx, &sdk.UpdateApiKeyInput{ApiKey: made.Id, PatchOperations: []types.PatchOperation{
		op(types.OpReplace, "/name", "bob"), op(types.OpReplace, "/description", "his"), op(types.OpReplace, "/enabled", "false"),
		op(types.OpReplace, "/customerId", "c2"), op(types.OpAdd, "/stages", "chat/dev"), op(types.OpRemove, "/stages", "chat/prod"), op(types.OpAdd, "/labels", "x"),
	}}))
	if updated.Value != nil || updated.LastUpdatedDate.Sub(*updated.CreatedDate).Seconds() != 60 {
		t.Errorf("updated: value %v, %s after %s", updated.Value, updated.LastUpdatedDate, updated.CreatedDate)
	}
	got := must[sdk.GetApiKeyOutput](t)(c.GetApiKey(ctx, &sdk.GetApiKeyInput{ApiKey: made.Id, IncludeValue: aws.Bool(true)}))
	same(t, "the key", types.ApiKey{
		Id: got.Id, Name: got.Name, Description: got.Description, Enabled: got.Enabled, CustomerId: got.CustomerId, StageKeys: got.StageKeys, Tags: got.Tags, Value: got.Value,
	}, types.ApiKey{
		Id: made.Id, Name: aws.String("bob"), Description: aws.String("his"), CustomerId: aws.String("c2"), StageKeys: []string{"chat/dev"},
		Tags: map[string]string{"team": "a"}, Value: aws.String(value),
	})
	if v := must[sdk.GetApiKeyOutput](t)(c.GetApiKey(ctx, &sdk.GetApiKeyInput{ApiKey: made.Id})).Value; v != nil {
		t.Errorf("an unasked value: %s", *v)
	}

	bare := must[sdk.CreateApiKeyOutput](t)(c.CreateApiKey(ctx, &sdk.CreateApiKeyInput{}))
	if !regexp.MustCompile(`^[a-zA-Z0-9]{40}$`).MatchString(*bare.Value) || bare.Enabled || bare.Name != nil || bare.StageKeys == nil {
		t.Errorf("a key of nothing: %+v", bare)
	}
	_, err := c.CreateApiKey(ctx, &sdk.CreateApiKeyInput{Value: aws.String(value)})
	if code(err) != "ConflictException" {
		t.Errorf("a second key with the value: %v", err)
	}
	for range 5 {
		must[sdk.CreateApiKeyOutput](t)(c.CreateApiKey(ctx, &sdk.CreateApiKeyInput{Name: aws.String("bobby"), CustomerId: aws.String("c3")}))
	}
	tests := []struct {
		name string
		in   sdk.GetApiKeysInput
		want int
	}{
		{"all", sdk.GetApiKeysInput{}, 7},
		{"by prefix", sdk.GetApiKeysInput{NameQuery: aws.String("bob")}, 6},
		{"by prefix in another case", sdk.GetApiKeysInput{NameQuery: aws.String("Bob")}, 0},
		{"by customer", sdk.GetApiKeysInput{CustomerId: aws.String("c3")}, 5},
		{"by both", sdk.GetApiKeysInput{CustomerId: aws.String("c2"), NameQuery: aws.String("bobb")}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, values := range []bool{false, true} {
				seen := map[string]bool{}
				in := tt.in
				in.Limit, in.IncludeValues = aws.Int32(2), &values
				pages := sdk.NewGetApiKeysPaginator(c, &in)
				for pages.HasMorePages() {
					out := must[sdk.GetApiKeysOutput](t)(pages.NextPage(ctx))
					if len(out.Items) > 2 || len(out.Items) == 0 && tt.want > 0 {
						t.Errorf("a page of %d", len(out.Items))
					}
					for _, k := range out.Items {
						seen[*k.Id] = true
						if (k.Value != nil) != values {
							t.Errorf("asked for values %t: %v", values, k.Value)
						}
					}
				}
				if len(seen) != tt.want {
					t.Errorf("%d keys, want %d", len(seen), tt.want)
				}
			}
		})
	}
	must[sdk.DeleteApiKeyOutput](t)(c.DeleteApiKey(ctx, &sdk.DeleteApiKeyInput{ApiKey: made.Id}))
	if _, err := c.GetApiKey(ctx, &sdk.GetApiKeyInput{ApiKey: made.Id}); code(err) != "NotFoundException" {
		t.Errorf("a deleted key: %v", err)
	}
	must[sdk.CreateApiKeyOutput](t)(c.CreateApiKey(ctx, &sdk.CreateApiKeyInput{Value: aws.String(value)})) // it is free again
}

func TestUsagePlans(t *testing.T) {
	g := newGateway(t)
	c := g.sdk
	made := must[sdk.CreateUsagePlanOutput](t)(c.CreateUsagePlan(ctx, &sdk.CreateUsagePlanInput{
		Name: aws.String("gold"), Description: aws.String("the best"),
		Throttle:  &types.ThrottleSettings{BurstLimit: 10, RateLimit: 2.5},
		Quota:     &types.QuotaSettings{Limit: 100, Offset: 3, Period: types.QuotaPeriodTypeWeek},
		ApiStages: []types.ApiStage{{ApiId: aws.String("chat"), Stage: aws.String("prod"), Throttle: map[string]types.ThrottleSettings{"send": {BurstLimit: 1, RateLimit: 1}}}},
		Tags:      map[string]string{"team": "a"},
	}))
	if !regexp.MustCompile(`^[a-z0-9]{6}$`).MatchString(*made.Id) {
		t.Errorf("id %s", *made.Id)
	}
	read := func() types.UsagePlan {
		t.Helper()
		p := must[sdk.GetUsagePlanOutput](t)(c.GetUsagePlan(ctx, &sdk.GetUsagePlanInput{UsagePlanId: made.Id}))
		return types.UsagePlan{Id: p.Id, Name: p.Name, Description: p.Description, ProductCode: p.ProductCode, ApiStages: p.ApiStages, Throttle: p.Throttle, Quota: p.Quota, Tags: p.Tags}
	}
	want := types.UsagePlan{
		Id: made.Id, Name: aws.String("gold"), Description: aws.String("the best"), Tags: map[string]string{"team": "a"},
		Throttle:  &types.ThrottleSettings{BurstLimit: 10, RateLimit: 2.5},
		Quota:     &types.QuotaSettings{Limit: 100, Offset: 3, Period: types.QuotaPeriodTypeWeek},
		ApiStages: []types.ApiStage{{ApiId: aws.String("chat"), Stage: aws.String("prod"), Throttle: map[string]types.ThrottleSettings{"send": {BurstLimit: 1, RateLimit: 1}}}},
	}
	same(t, "as it was made", read(), want)

	update := func(ops ...types.PatchOperation) {
		t.Helper()
		must[sdk.UpdateUsagePlanOutput](t)(c.UpdateUsagePlan(ctx, &sdk.UpdateUsagePlanInput{UsagePlanId: made.Id, PatchOperations: ops}))
	}
	update(op(types.OpReplace, "/name", "silver"), op(types.OpReplace, "/description", "good"), op(types.OpReplace, "/productCode", "pc"),
		op(types.OpReplace, "/throttle/rateLimit", "7"), op(types.OpReplace, "/throttle/burstLimit", "8"),
		op(types.OpReplace, "/quota/limit", "9"), op(types.OpReplace, "/quota/offset", "0"), op(types.OpReplace, "/quota/period", "DAY"))
	want.Name, want.Description, want.ProductCode = aws.String("silver"), aws.String("good"), aws.String("pc")
	want.Throttle = &types.ThrottleSettings{BurstLimit: 8, RateLimit: 7}
	want.Quota = &types.QuotaSettings{Limit: 9, Period: types.QuotaPeriodTypeDay}
	same(t, "replaced", read(), want)

	update(op(types.OpAdd, "/apiStages", "chat:dev"), op(types.OpAdd, "/apiStages", "chat:dev"),
		op(types.OpReplace, "/apiStages/chat:dev/throttle/$connect/rateLimit", "1.5"),
		op(types.OpAdd, "/apiStages/chat:dev/throttle/$connect/burstLimit", "3"),
		op(types.OpReplace, "/apiStages/chat:dev/throttle//send/burstLimit", "4"), // as tools for REST APIs spell it
		op(types.OpReplace, "/apiStages/chat:dev/throttle/a~1b~1/burstLimit", "5"),
		op(types.OpReplace, "/apiStages/chat:dev/throttle/later//burstLimit", "6"),
		op(types.OpRemove, "/apiStages/chat:prod/throttle/send", ""),
		op(types.OpRemove, "/productCode", ""))
	want.ProductCode = nil
	want.ApiStages = []types.ApiStage{{ApiId: aws.String("chat"), Stage: aws.String("prod")}, {ApiId: aws.String("chat"), Stage: aws.String("dev"),
		Throttle: map[string]types.ThrottleSettings{"$connect": {BurstLimit: 3, RateLimit: 1.5}, "send": {BurstLimit: 4}, "a/b/": {BurstLimit: 5}, "later": {BurstLimit: 6}}}}
	same(t, "with routes", read(), want)

	update(op(types.OpReplace, "/apiStages/chat:dev/throttle", `{"send":{"rateLimit":2,"burstLimit":2}}`), op(types.OpRemove, "/apiStages", "chat:prod"))
	want.ApiStages = want.ApiStages[1:]
	want.ApiStages[0].Throttle = map[string]types.ThrottleSettings{"send": {BurstLimit: 2, RateLimit: 2}}
	same(t, "with other routes", read(), want)

	update(op(types.OpRemove, "/apiStages/chat:dev/throttle", ""), op(types.OpRemove, "/throttle", ""), op(types.OpRemove, "/quota", ""))
	want.ApiStages[0].Throttle, want.Throttle, want.Quota = nil, nil, nil
	same(t, "without limits", read(), want)

	update(op(types.OpAdd, "/throttle/rateLimit", "1"), op(types.OpAdd, "/quota/limit", "0"), op(types.OpAdd, "/quota/offset", "27"), op(types.OpAdd, "/quota/period", "MONTH"))
	want.Throttle, want.Quota = &types.ThrottleSettings{RateLimit: 1}, &types.QuotaSettings{Offset: 27, Period: types.QuotaPeriodTypeMonth}
	same(t, "with new limits", read(), want)

	if _, err := c.DeleteUsagePlan(ctx, &sdk.DeleteUsagePlanInput{UsagePlanId: made.Id}); code(err) != "BadRequestException" {
		t.Errorf("a plan with a stage was deleted: %v", err)
	}
	update(op(types.OpRemove, "/apiStages", "chat:dev"))
	must[sdk.DeleteUsagePlanOutput](t)(c.DeleteUsagePlan(ctx, &sdk.DeleteUsagePlanInput{UsagePlanId: made.Id}))
	if _, err := c.GetUsagePlan(ctx, &sdk.GetUsagePlanInput{UsagePlanId: made.Id}); code(err) != "NotFoundException" {
		t.Errorf("a deleted plan: %v", err)
	}
}

// TestAStageThatIsGone: the plans that name it keep it until it is taken out.
func TestAStageThatIsGone(t *testing.T) {
	g := newGateway(t)
	plan := g.newPlan(`{"name":"p","apiStages":[{"apiId":"news","stage":"prod"}]}`)
	if err := g.catalog.DeleteAPI(ctx, "news"); err != nil {
		t.Fatal(err)
	}
	g.do("PATCH", "/usageplans/"+plan, patch("replace", "/name", "q")).ok(200)
	g.do("DELETE", "/usageplans/"+plan, "").refused(400, "Cannot delete Usage Plan "+plan+" because there are API Stages associated with it, including news:prod")
	g.do("PATCH", "/usageplans/"+plan, patch("remove", "/apiStages", "news:prod")).ok(200)
	g.do("PATCH", "/usageplans/"+plan, patch("add", "/apiStages", "news:prod")).refused(404, "API Stage not found: news:prod")
	g.do("DELETE", "/usageplans/"+plan, "").ok(202)
}

func TestUsagePlanKeys(t *testing.T) {
	g := newGateway(t)
	c := g.sdk
	plan := g.newPlan(`{"name":"gold","apiStages":[{"apiId":"chat","stage":"prod"}]}`)
	var keys []string
	for _, name := range []string{"ann", "bob", "bobby"} {
		keys = append(keys, g.newKey(`{"name":"`+name+`"}`))
	}
	for _, k := range keys {
		out := must[sdk.CreateUsagePlanKeyOutput](t)(c.CreateUsagePlanKey(ctx, &sdk.CreateUsagePlanKeyInput{UsagePlanId: &plan, KeyId: &k, KeyType: aws.String("API_KEY")}))
		if *out.Id != k || *out.Type != "API_KEY" || len(*out.Value) != 40 {
			t.Errorf("%+v", out)
		}
	}
	one := must[sdk.GetUsagePlanKeyOutput](t)(c.GetUsagePlanKey(ctx, &sdk.GetUsagePlanKeyInput{UsagePlanId: &plan, KeyId: &keys[1]}))
	if *one.Name != "bob" || *one.Id != keys[1] || len(*one.Value) != 40 {
		t.Errorf("%+v", one)
	}
	count := func(name *string) int {
		n := 0
		pages := sdk.NewGetUsagePlanKeysPaginator(c, &sdk.GetUsagePlanKeysInput{UsagePlanId: &plan, NameQuery: name, Limit: aws.Int32(1)})
		for pages.HasMorePages() {
			n += len(must[sdk.GetUsagePlanKeysOutput](t)(pages.NextPage(ctx)).Items)
		}
		return n
	}
	if all, bobs := count(nil), count(aws.String("bob")); all != 3 || bobs != 2 {
		t.Errorf("%d keys, %d bobs", all, bobs)
	}
	g.join(plan, keys[0]).refused(409, "Usage Plan "+plan+" already contains API Key "+keys[0])

	// One plan per stage, whichever comes first: the stage or the key.
	same := g.newPlan(`{"name":"same","apiStages":[{"apiId":"chat","stage":"prod"}]}`)
	g.join(same, keys[0]).refused(409, "Usage Plan "+same+" cannot be added because API Key "+keys[0]+" cannot reference multiple Usage Plans with the same API stage: chat:prod")
	other := g.newPlan(`{"name":"other","apiStages":[{"apiId":"chat","stage":"dev"}]}`)
	g.join(other, keys[0]).ok(201)
	g.do("PATCH", "/usageplans/"+other, patch("add", "/apiStages", "chat:prod")).refused(409,
		"Usage Plan "+other+" cannot be added because API Key "+keys[0]+" cannot reference multiple Usage Plans with the same API stage: chat:prod")

	plans := func(key string) []string {
		out := must[sdk.GetUsagePlansOutput](t)(c.GetUsagePlans(ctx, &sdk.GetUsagePlansInput{KeyId: &key}))
		var names []string
		for _, p := range out.Items {
			names = append(names, *p.Name)
		}
		slices.Sort(names)
		return names
	}
	if got := plans(keys[0]); !slices.Equal(got, []string{"gold", "other"}) {
		t.Errorf("plans of a key: %v", got)
	}
	must[sdk.DeleteUsagePlanKeyOutput](t)(c.DeleteUsagePlanKey(ctx, &sdk.DeleteUsagePlanKeyInput{UsagePlanId: &plan, KeyId: &keys[0]}))
	if got := plans(keys[0]); !slices.Equal(got, []string{"other"}) {
		t.Errorf("plans of a key that left one: %v", got)
	}
	if _, err := c.GetUsagePlanKey(ctx, &sdk.GetUsagePlanKeyInput{UsagePlanId: &plan, KeyId: &keys[0]}); code(err) != "NotFoundException" {
		t.Errorf("a key that left: %v", err)
	}
	g.do("DELETE", "/apikeys/"+keys[1], "").ok(202) // also from its plans
	if n := count(nil); n != 1 {
		t.Errorf("%d keys in the plan of a deleted one", n)
	}
}

func TestUsage(t *testing.T) {
	g := newGateway(t)
	c := g.sdk
	plan := g.newPlan(`{"name":"gold","quota":{"limit":100,"period":"DAY"}}`)
	keys := []string{g.newKey(`{}`), g.newKey(`{}`), g.newKey(`{}`)}
	slices.Sort(keys)
	for _, k := range keys {
		g.join(plan, k).ok(201)
	}
	in := &sdk.GetUsageInput{UsagePlanId: &plan, StartDate: aws.String("2026-01-31"), EndDate: aws.String("2026-02-01"), KeyId: &keys[0]}
	same(t, "one key", must[sdk.GetUsageOutput](t)(c.GetUsage(ctx, in)), &sdk.GetUsageOutput{
		UsagePlanId: &plan, StartDate: in.StartDate, EndDate: in.EndDate, Items: map[string][][]int64{keys[0]: {{10, 90}, {10, 90}}},
	})
	in.KeyId, in.Limit = nil, aws.Int32(2)
	var seen []string
	for pages := sdk.NewGetUsagePaginator(c, in); pages.HasMorePages(); {
		seen = append(seen, slices.Sorted(maps.Keys(must[sdk.GetUsageOutput](t)(pages.NextPage(ctx)).Items))...)
	}
	if !slices.Equal(seen, keys) {
		t.Errorf("keys %v, want %v", seen, keys)
	}
	out := must[sdk.UpdateUsageOutput](t)(c.UpdateUsage(ctx, &sdk.UpdateUsageInput{UsagePlanId: &plan, KeyId: &keys[1],
		PatchOperations: []types.PatchOperation{op(types.OpReplace, "/remaining", "1000")}}))
	if *out.StartDate != "2026-01-02" || *out.EndDate != "2026-01-02" || !slices.Equal(out.Items[keys[1]][0], []int64{10, 1000}) {
		t.Errorf("%+v", out)
	}
}

func TestAccount(t *testing.T) {
	g := newGateway(t)
	c := g.sdk
	want := &sdk.GetAccountOutput{ThrottleSettings: &types.ThrottleSettings{BurstLimit: 5000, RateLimit: 10000}, Features: []string{"UsagePlans"}, ApiKeyVersion: aws.String("4")}
	same(t, "at first", must[sdk.GetAccountOutput](t)(c.GetAccount(ctx, nil)), want)
	const role = "arn:aws:iam::000000000000:role/service-role/logs"
	must[sdk.UpdateAccountOutput](t)(c.UpdateAccount(ctx, &sdk.UpdateAccountInput{PatchOperations: []types.PatchOperation{
		op(types.OpReplace, "/cloudwatchRoleArn", role), op(types.OpAdd, "/features", "UsagePlans")}}))
	want.CloudwatchRoleArn = aws.String(role)
	same(t, "with a role", must[sdk.GetAccountOutput](t)(c.GetAccount(ctx, nil)), want)
	must[sdk.UpdateAccountOutput](t)(c.UpdateAccount(ctx, &sdk.UpdateAccountInput{PatchOperations: []types.PatchOperation{op(types.OpReplace, "/cloudwatchRoleArn", "")}}))
	want.CloudwatchRoleArn = nil
	same(t, "without it", must[sdk.GetAccountOutput](t)(c.GetAccount(ctx, nil)), want)
}

func TestTags(t *testing.T) {
	g := newGateway(t)
	c := g.sdk
	for _, arn := range []string{"arn:aws:apigateway:us-east-1::/apikeys/" + g.newKey(`{}`), "arn:aws:apigateway:us-east-1::/usageplans/" + g.newPlan(`{"name":"p"}`)} {
		read := func() map[string]string {
			return must[sdk.GetTagsOutput](t)(c.GetTags(ctx, &sdk.GetTagsInput{ResourceArn: &arn})).Tags
		}
		same(t, "none", read(), map[string]string{})
		must[sdk.TagResourceOutput](t)(c.TagResource(ctx, &sdk.TagResourceInput{ResourceArn: &arn, Tags: map[string]string{"a": "1", "b": "2", "c": ""}}))
		must[sdk.TagResourceOutput](t)(c.TagResource(ctx, &sdk.TagResourceInput{ResourceArn: &arn, Tags: map[string]string{"b": "3"}}))
		same(t, "three", read(), map[string]string{"a": "1", "b": "3", "c": ""})
		must[sdk.UntagResourceOutput](t)(c.UntagResource(ctx, &sdk.UntagResourceInput{ResourceArn: &arn, TagKeys: []string{"a", "c", "z"}}))
		same(t, "one", read(), map[string]string{"b": "3"})
	}
}

func TestImportBySDK(t *testing.T) {
	g := newGateway(t)
	out := must[sdk.ImportApiKeysOutput](t)(g.sdk.ImportApiKeys(ctx, &sdk.ImportApiKeysInput{
		Format: types.ApiKeysFormatCsv, FailOnWarnings: true, Body: []byte("Key,name\napikey1234abcdefghij0123456789,MyFirstApiKey\n"),
	}))
	if len(out.Ids) != 1 || len(out.Warnings) != 0 {
		t.Fatalf("%+v", out)
	}
	key := must[sdk.GetApiKeyOutput](t)(g.sdk.GetApiKey(ctx, &sdk.GetApiKeyInput{ApiKey: &out.Ids[0], IncludeValue: aws.Bool(true)}))
	if *key.Name != "MyFirstApiKey" || *key.Value != "apikey1234abcdefghij0123456789" || !key.Enabled {
		t.Errorf("%+v", key)
	}
}
