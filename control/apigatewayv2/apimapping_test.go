package apigatewayv2_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
)

func TestSDKApiMappings(t *testing.T) {
	g := newDomains(t)
	domain := g.newDomain(t, "api.example.com").DomainName
	api := createAPI(t, g).ApiId
	for _, stage := range []string{"dev", "prod"} {
		must[sdk.CreateStageOutput](t)(g.sdk.CreateStage(ctx, &sdk.CreateStageInput{ApiId: api, StageName: aws.String(stage)}))
	}
	create := func(key *string) (*sdk.CreateApiMappingOutput, error) {
		return g.sdk.CreateApiMapping(ctx, &sdk.CreateApiMappingInput{DomainName: domain, ApiId: api, Stage: aws.String("dev"), ApiMappingKey: key})
	}
	root := must[sdk.CreateApiMappingOutput](t)(create(nil))
	equal(t, "root's key", *root.ApiMappingKey, "")
	equal(t, "id", len(*root.ApiMappingId), 6)
	_, err := create(aws.String(""))
	equal(t, "the root again", code(err), "ConflictException")
	orders := must[sdk.CreateApiMappingOutput](t)(create(aws.String("orders/v1")))
	_, err = create(aws.String("orders/v1"))
	equal(t, "a key again", code(err), "ConflictException")

	got := must[sdk.GetApiMappingOutput](t)(g.sdk.GetApiMapping(ctx, &sdk.GetApiMappingInput{DomainName: domain, ApiMappingId: orders.ApiMappingId}))
	equal(t, "key", *got.ApiMappingKey, "orders/v1")
	equal(t, "API", *got.ApiId, *api)

	updated := must[sdk.UpdateApiMappingOutput](t)(g.sdk.UpdateApiMapping(ctx, &sdk.UpdateApiMappingInput{
		DomainName: domain, ApiMappingId: orders.ApiMappingId, ApiId: api, Stage: aws.String("prod")}))
	equal(t, "stage", *updated.Stage, "prod")
	equal(t, "key", *updated.ApiMappingKey, "orders/v1")
	_, err = g.sdk.UpdateApiMapping(ctx, &sdk.UpdateApiMappingInput{DomainName: domain, ApiMappingId: orders.ApiMappingId, ApiId: api, ApiMappingKey: aws.String("")})
	equal(t, "onto the root", code(err), "ConflictException")
	_, err = g.sdk.UpdateApiMapping(ctx, &sdk.UpdateApiMappingInput{DomainName: domain, ApiMappingId: orders.ApiMappingId, ApiId: aws.String("nope")})
	equal(t, "onto no API", code(err), "BadRequestException")

	var keys []string
	for item := range pages(t, func(token *string) ([]types.ApiMapping, *string) {
		out := must[sdk.GetApiMappingsOutput](t)(g.sdk.GetApiMappings(ctx, &sdk.GetApiMappingsInput{DomainName: domain, MaxResults: aws.String("1"), NextToken: token}))
		return out.Items, out.NextToken
	}) {
		keys = append(keys, *item.ApiMappingKey)
	}
	equal(t, "number of keys", len(keys), 2)

	_, err = g.sdk.DeleteStage(ctx, &sdk.DeleteStageInput{ApiId: api, StageName: aws.String("prod")})
	equal(t, "a mapped stage's end", code(err), "BadRequestException")
	_, err = g.sdk.DeleteApi(ctx, &sdk.DeleteApiInput{ApiId: api})
	equal(t, "a mapped API's end", code(err), "BadRequestException")
	if !strings.Contains(err.Error(), "Deleting API "+*api+" failed. Please remove all API mappings for the API from your custom domain names.") {
		t.Error(err)
	}
	must[sdk.DeleteApiMappingOutput](t)(g.sdk.DeleteApiMapping(ctx, &sdk.DeleteApiMappingInput{DomainName: domain, ApiMappingId: orders.ApiMappingId}))
	must[sdk.DeleteStageOutput](t)(g.sdk.DeleteStage(ctx, &sdk.DeleteStageInput{ApiId: api, StageName: aws.String("prod")}))
	must[sdk.DeleteDomainNameOutput](t)(g.sdk.DeleteDomainName(ctx, &sdk.DeleteDomainNameInput{DomainName: domain}))
	must[sdk.DeleteApiOutput](t)(g.sdk.DeleteApi(ctx, &sdk.DeleteApiInput{ApiId: api}))
}

func TestApiMappingRefusals(t *testing.T) {
	g := newDomains(t)
	g.newDomain(t, "api.example.com")
	api := strings.TrimPrefix(g.newAPI(), "/v2/apis/")
	g.do("POST", "/v2/apis/"+api+"/stages", `{"stageName":"dev"}`).ok(201)
	path := "/v2/domainnames/api.example.com/apimappings"
	keyed := func(key string) string {
		return fmt.Sprintf(`{"apiId":%q,"stage":"dev","apiMappingKey":%q}`, api, key)
	}
	const (
		end        = "API mapping key should not end with a '/'."
		start      = "API mapping key should not start with a '/' or have consecutive '/'s."
		characters = "An API mapping key may contain only letters, numbers and one of $-_.+!*'(), characters."
		noDomain   = "The domain name resource specified in the request was not found."
		noMapping  = "The api mapping resource specified in the request was not found."
	)
	for _, c := range []struct {
		name, method, path, body string
		status                   int
		message                  string
	}{
		{"slash", "POST", path, keyed("/"), 400, end},
		{"slash at the end", "POST", path, keyed("a/"), 400, end},
		{"slash at both ends", "POST", path, keyed("/a/"), 400, end},
		{"slash first", "POST", path, keyed("/a"), 400, start},
		{"two slashes", "POST", path, keyed("a//b"), 400, start},
		{"space first", "POST", path, keyed(" a"), 400, characters},
		{"tilde", "POST", path, keyed("a~b"), 400, characters},
		{"question mark", "POST", path, keyed("a?b"), 400, characters},
		{"escape", "POST", path, keyed("a%20b"), 400, characters},
		{"at sign", "POST", path, keyed("@connections"), 400, characters},
		{"backslash", "POST", path, keyed(`a\b`), 400, characters},
		{"not ASCII", "POST", path, keyed("ä"), 400, characters},
		{"control character", "POST", path, `{"apiId":"` + api + `","stage":"dev","apiMappingKey":"a\u0000"}`, 400, characters},
		{"301 characters", "POST", path, keyed(strings.Repeat("a", 301)), 400, "ApiMapping key length must be under 300 characters."},
		{"no text", "POST", path, `{"apiId":"` + api + `","stage":"dev","apiMappingKey":1}`, 400, "Invalid request body: the value of 'apiMappingKey' can not be converted to String"},
		{"no API", "POST", path, `{"stage":"dev"}`, 400, "1 validation error detected: Value null at 'apiId' failed to satisfy constraint: Member must not be null"},
		{"no stage", "POST", path, `{"apiId":"` + api + `"}`, 400, "1 validation error detected: Value null at 'stage' failed to satisfy constraint: Member must not be null"},
		{"unknown API", "POST", path, `{"apiId":"zzzzzzzzzz","stage":"dev"}`, 400, "Invalid API identifier specified: zzzzzzzzzz"},
		{"unknown stage", "POST", path, `{"apiId":"` + api + `","stage":"nope"}`, 400, "Invalid stage identifier specified"},
		{"unknown domain name", "POST", "/v2/domainnames/none.example.com/apimappings", keyed("a"), 404, noDomain},
		{"list of an unknown domain name", "GET", "/v2/domainnames/none.example.com/apimappings", "", 404, noDomain},
		{"unknown mapping", "GET", path + "/zzzzzz", "", 404, noMapping},
		{"change of an unknown mapping", "PATCH", path + "/zzzzzz", `{"apiId":"` + api + `"}`, 404, noMapping},
		{"end of an unknown mapping", "DELETE", path + "/zzzzzz", "", 404, noMapping},
		{"bad page", "GET", path + "?maxResults=x", "", 400, "Invalid value for maxResults: x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := g.do(c.method, c.path, c.body)
			got.t = t
			if c.name == "bad page" { // the text is another package's
				c.message = got.message()
			}
			got.refused(c.status, c.message)
		})
	}
	for _, key := range []string{"a,b$", "$-_.+!*'()/x", strings.Repeat("a", 300), "UPPER", "   "} {
		g.do("POST", path, keyed(key)).ok(201)
	}
	id := g.do("POST", path, keyed("move")).str("apiMappingId")
	blank := func(key string) string { return fmt.Sprintf(`{"apiId":%q,"apiMappingKey":%q}`, api, key) }
	g.do("PATCH", path+"/"+id, blank("  ")).refused(400, start)
	g.do("PATCH", path+"/"+id, blank("/")).refused(400, end)
	g.do("PATCH", path+"/"+id, `{"apiMappingKey":"x"}`).refused(400, "1 validation error detected: Value null at 'apiId' failed to satisfy constraint: Member must not be null")
	if got := g.do("PATCH", path+"/"+id, blank("moved")).str("apiMappingKey"); got != "moved" {
		t.Errorf("moved to %q", got)
	}
}

func TestMappingsAreBounded(t *testing.T) {
	g := newDomains(t)
	g.newDomain(t, "api.example.com")
	api := strings.TrimPrefix(g.newAPI(), "/v2/apis/")
	g.do("POST", "/v2/apis/"+api+"/stages", `{"stageName":"dev"}`).ok(201)
	const most = 200
	for i := range most + 1 {
		got := g.do("POST", "/v2/domainnames/api.example.com/apimappings", fmt.Sprintf(`{"apiId":%q,"stage":"dev","apiMappingKey":"k%d"}`, api, i))
		if want := map[bool]int{true: 201, false: 400}[i < most]; got.status != want {
			t.Fatalf("mapping %d: %d %s", i+1, got.status, got.body)
		}
	}
}
