package apigatewayv2_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/apigatewayv2"
	"github.com/sockgate/sockgate/state/store/memory"
)

const (
	certPrefix = "arn:aws:acm:us-east-1:000000000000:certificate/"
	exampleARN = certPrefix + "example" // api.example.com and *.example.com
	otherARN   = certPrefix + "other"   // the same names
	pendingARN = certPrefix + "pending"
)

// certificate is a double of the certificates' service.
type certificate struct {
	issued bool
	names  []string
}

func (c certificate) Issued() bool            { return c.issued }
func (c certificate) Covers(name string) bool { return slices.Contains(c.names, name) }

// newDomains is a gateway that knows three certificates and the truststores under s3://trust/.
func newDomains(t testing.TB) *gateway {
	names := []string{"api.example.com", "*.example.com", "b.example.com", "xn--bcher-kva.example"}
	return newGatewayOn(t, memory.New(), func(c *apigatewayv2.Config) {
		c.Domains = apigatewayv2.Domains{
			Certificate: func(arn string) (apigatewayv2.Certificate, bool) {
				switch arn {
				case exampleARN, otherARN:
					return certificate{true, names}, true
				case pendingARN:
					return certificate{false, names}, true
				}
				return nil, false
			},
			Truststore: func(_ context.Context, uri, version string) (string, []string, error) {
				if !strings.HasPrefix(uri, "s3://trust/") {
					return "", nil, sockgate.Invalidf("The truststore at %s cannot be read", uri)
				}
				return "bundle " + uri + " " + version, []string{"Certificate 2 of the truststore cannot be read"}, nil
			},
		}
	})
}

func configuration(arn string) []types.DomainNameConfiguration {
	return []types.DomainNameConfiguration{{CertificateArn: aws.String(arn)}}
}

func (g *gateway) newDomain(t *testing.T, name string) *sdk.CreateDomainNameOutput {
	t.Helper()
	return must[sdk.CreateDomainNameOutput](t)(g.sdk.CreateDomainName(ctx, &sdk.CreateDomainNameInput{
		DomainName: aws.String(name), DomainNameConfigurations: configuration(exampleARN)}))
}

func TestSDKDomainNames(t *testing.T) {
	g := newDomains(t)
	created := must[sdk.CreateDomainNameOutput](t)(g.sdk.CreateDomainName(ctx, &sdk.CreateDomainNameInput{
		DomainName: aws.String("API.Example.com"), Tags: map[string]string{"env": "dev"},
		DomainNameConfigurations: []types.DomainNameConfiguration{{CertificateArn: aws.String(exampleARN), EndpointType: types.EndpointTypeRegional,
			SecurityPolicy: types.SecurityPolicyTls12, OwnershipVerificationCertificateArn: aws.String(otherARN)}},
	}))
	equal(t, "name", *created.DomainName, "api.example.com")
	equal(t, "ARN", *created.DomainNameArn, "arn:aws:apigateway:us-east-1::/domainnames/api.example.com")
	equal(t, "expression", *created.ApiMappingSelectionExpression, "$request.basepath")
	equal(t, "routing mode", created.RoutingMode, types.RoutingModeApiMappingOnly)
	equal(t, "tags", created.Tags, map[string]string{"env": "dev"})
	c := created.DomainNameConfigurations[0]
	if !regexp.MustCompile(`^d-[a-z0-9]{10}\.execute-api\.us-east-1\.amazonaws\.com$`).MatchString(*c.ApiGatewayDomainName) {
		t.Errorf("gateway's name: %s", *c.ApiGatewayDomainName)
	}
	equal(t, "zone", *c.HostedZoneId, "Z1UJRXOUMOOFQ8")
	equal(t, "status", c.DomainNameStatus, types.DomainNameStatusAvailable)
	equal(t, "type", c.EndpointType, types.EndpointTypeRegional)
	equal(t, "policy", c.SecurityPolicy, types.SecurityPolicyTls12)
	equal(t, "address type", c.IpAddressType, types.IpAddressTypeIpv4)
	equal(t, "certificate", *c.CertificateArn, exampleARN)
	equal(t, "ownership", *c.OwnershipVerificationCertificateArn, otherARN)

	got := must[sdk.GetDomainNameOutput](t)(g.sdk.GetDomainName(ctx, &sdk.GetDomainNameInput{DomainName: aws.String("api.example.com")}))
	equal(t, "configuration", *got.DomainNameConfigurations[0].ApiGatewayDomainName, *c.ApiGatewayDomainName)

	_, err := g.sdk.CreateDomainName(ctx, &sdk.CreateDomainNameInput{DomainName: aws.String("api.example.COM"), DomainNameConfigurations: configuration(exampleARN)})
	equal(t, "the same name again", code(err), "ConflictException")

	g.newDomain(t, "*.example.com")
	updated := must[sdk.UpdateDomainNameOutput](t)(g.sdk.UpdateDomainName(ctx, &sdk.UpdateDomainNameInput{
		DomainName: aws.String("*.example.com"), DomainNameConfigurations: configuration(otherARN)}))
	equal(t, "certificate", *updated.DomainNameConfigurations[0].CertificateArn, otherARN)

	var names []string
	for page := range pages(t, func(token *string) ([]types.DomainName, *string) {
		out := must[sdk.GetDomainNamesOutput](t)(g.sdk.GetDomainNames(ctx, &sdk.GetDomainNamesInput{MaxResults: aws.String("1"), NextToken: token}))
		return out.Items, out.NextToken
	}) {
		names = append(names, *page.DomainName)
	}
	equal(t, "names", names, []string{"*.example.com", "api.example.com"})

	arn := aws.String("arn:aws:apigateway:us-east-1::/domainnames/api.example.com")
	must[sdk.TagResourceOutput](t)(g.sdk.TagResource(ctx, &sdk.TagResourceInput{ResourceArn: arn, Tags: map[string]string{"a": "b"}}))
	must[sdk.UntagResourceOutput](t)(g.sdk.UntagResource(ctx, &sdk.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"env"}}))
	equal(t, "tags", must[sdk.GetTagsOutput](t)(g.sdk.GetTags(ctx, &sdk.GetTagsInput{ResourceArn: arn})).Tags, map[string]string{"a": "b"})

	must[sdk.DeleteDomainNameOutput](t)(g.sdk.DeleteDomainName(ctx, &sdk.DeleteDomainNameInput{DomainName: aws.String("api.example.com")}))
	_, err = g.sdk.GetDomainName(ctx, &sdk.GetDomainNameInput{DomainName: aws.String("api.example.com")})
	equal(t, "after its end", code(err), "NotFoundException")
	_, err = g.sdk.DeleteDomainName(ctx, &sdk.DeleteDomainNameInput{DomainName: aws.String("api.example.com")})
	equal(t, "a second time", code(err), "NotFoundException")
}

// pages goes through the items of a list operation.
func pages[T any](t *testing.T, get func(token *string) ([]T, *string)) func(func(T) bool) {
	return func(yield func(T) bool) {
		var token *string
		for range 100 {
			items, next := get(token)
			for _, item := range items {
				if !yield(item) {
					return
				}
			}
			if token = next; token == nil {
				return
			}
		}
		t.Error("the list has no end")
	}
}

func TestSDKMutualTLS(t *testing.T) {
	g := newDomains(t)
	created := must[sdk.CreateDomainNameOutput](t)(g.sdk.CreateDomainName(ctx, &sdk.CreateDomainNameInput{
		DomainName: aws.String("api.example.com"), DomainNameConfigurations: configuration(exampleARN),
		MutualTlsAuthentication: &types.MutualTlsAuthenticationInput{TruststoreUri: aws.String("s3://trust/a.pem"), TruststoreVersion: aws.String("v1")}}))
	m := created.MutualTlsAuthentication
	equal(t, "URI", *m.TruststoreUri, "s3://trust/a.pem")
	equal(t, "version", *m.TruststoreVersion, "v1")
	equal(t, "warnings", m.TruststoreWarnings, []string{"Certificate 2 of the truststore cannot be read"})
	stored := func() *sockgate.MutualTLS {
		d, err := g.catalog.DomainName(ctx, "api.example.com")
		if err != nil {
			t.Fatal(err)
		}
		return d.MutualTLS
	}
	equal(t, "bundle", stored().Bundle, "bundle s3://trust/a.pem v1")

	update := func(uri, version *string) error {
		_, err := g.sdk.UpdateDomainName(ctx, &sdk.UpdateDomainNameInput{DomainName: aws.String("api.example.com"),
			MutualTlsAuthentication: &types.MutualTlsAuthenticationInput{TruststoreUri: uri, TruststoreVersion: version}})
		return err
	}
	equal(t, "new version", code(update(nil, aws.String("v2"))), "")
	equal(t, "bundle", stored().Bundle, "bundle s3://trust/a.pem v2")
	equal(t, "unreadable", code(update(aws.String("s3://elsewhere/a"), nil)), "BadRequestException")
	equal(t, "bundle", stored().Bundle, "bundle s3://trust/a.pem v2")
	equal(t, "off", code(update(aws.String(""), nil)), "")
	if stored() != nil {
		t.Error("mutual TLS stays on")
	}
}

func TestDomainNameRefusals(t *testing.T) {
	g := newDomains(t)
	g.newDomain(t, "b.example.com")
	config := func(members string) string {
		return `{"domainName":"api.example.com","domainNameConfigurations":[{` + members + `}]}`
	}
	named := func(name string) string {
		return fmt.Sprintf(`{"domainName":%q,"domainNameConfigurations":[{"certificateArn":%q}]}`, name, exampleARN)
	}
	long := strings.Repeat("a.", 125) + "test"
	for _, c := range []struct {
		name, body string
		status     int
		message    string
	}{
		{"no name", `{"domainNameConfigurations":[{"certificateArn":"` + exampleARN + `"}]}`, 400, "1 validation error detected: Value null at 'domainName' failed to satisfy constraint: Member must not be null"},
		{"no configuration", `{"domainName":"api.example.com"}`, 400, "Invalid input. Expected one domain name configuration"},
		{"empty configurations", `{"domainName":"api.example.com","domainNameConfigurations":[]}`, 400, "Invalid input. Expected one domain name configuration"},
		{"two configurations", `{"domainName":"api.example.com","domainNameConfigurations":[{},{}]}`, 400, "Invalid input. Expected one domain name configuration"},
		{"a configuration that is none", `{"domainName":"api.example.com","domainNameConfigurations":["x"]}`, 400, "Invalid request body: the value of 'domainNameConfigurations.1.member' can not be converted to Structure"},
		{"configurations that are none", `{"domainName":"api.example.com","domainNameConfigurations":{}}`, 400, "Invalid request body: the value of 'domainNameConfigurations' can not be converted to List"},
		{"edge", config(`"endpointType":"EDGE","certificateArn":"` + exampleARN + `"`), 400, "EDGE endpoint type is not supported for APIGatewayV2 domainName"},
		{"TLS 1.0", config(`"securityPolicy":"TLS_1_0","certificateArn":"` + exampleARN + `"`), 400, "TLS_1_0 is not supported for APIGatewayV2 domainName."},
		{"no certificate", config(``), 400, "A certificate was not provided for the endpoint type REGIONAL."},
		{"no ARN", config(`"certificateArn":"example"`), 400, "Invalid certificate ARN: example."},
		{"certificate of IAM", config(`"certificateArn":"arn:aws:iam::000000000000:server-certificate/x"`), 400, "Invalid certificate ARN: arn:aws:iam::000000000000:server-certificate/x."},
		{"other region", config(`"certificateArn":"arn:aws:acm:eu-west-1:000000000000:certificate/x"`), 400, "Invalid certificate ARN: arn:aws:acm:eu-west-1:000000000000:certificate/x. Certificate must be in 'us-east-1'."},
		{"other account", config(`"certificateArn":"arn:aws:acm:us-east-1:111111111111:certificate/x"`), 400, "The certificate provided must be owned by the account creating the domain."},
		{"unknown certificate", config(`"certificateArn":"` + certPrefix + `none"`), 400, "The provided certificate does not exist."},
		{"pending certificate", config(`"certificateArn":"` + pendingARN + `"`), 400, "Certificate " + pendingARN + " in account 000000000000 not yet issued"},
		{"name that the certificate lacks", named("api.example.org"), 400, "The domain name api.example.org does not match the names of the provided certificate."},
		{"unknown ownership certificate", config(`"certificateArn":"` + exampleARN + `","ownershipVerificationCertificateArn":"` + certPrefix + `none"`), 400, "The provided certificate does not exist."},
		{"routing rules", `{"domainName":"api.example.com","routingMode":"ROUTING_RULE_ONLY","domainNameConfigurations":[{"certificateArn":"` + exampleARN + `"}]}`, 501, "apigatewayv2 routing mode ROUTING_RULE_ONLY is not built"},
		{"bad tag", `{"domainName":"api.example.com","tags":{"aws:x":"y"},"domainNameConfigurations":[{"certificateArn":"` + exampleARN + `"}]}`, 400, "Invalid tag key: aws:x. Keys that begin with aws: are reserved"},
		{"unreadable truststore", `{"domainName":"api.example.com","mutualTlsAuthentication":{"truststoreUri":"file:///etc/passwd"},"domainNameConfigurations":[{"certificateArn":"` + exampleARN + `"}]}`, 400, "The truststore at file:///etc/passwd cannot be read"},
		{"taken", named("b.example.com"), 409, "The domain name resource already exists."},
		{"taken in capitals", named("B.EXAMPLE.com"), 409, "The domain name resource already exists."},

		{"one label", named("localhost"), 400, "Invalid domain name specified: localhost"},
		{"address", named("127.0.0.1"), 400, "Invalid domain name specified: 127.0.0.1"},
		{"IPv6 address", named("::1"), 400, "Invalid domain name specified: ::1"},
		{"port", named("api.example.com:443"), 400, "Invalid domain name specified: api.example.com:443"},
		{"path", named("api.example.com/x"), 400, "Invalid domain name specified: api.example.com/x"},
		{"space", named("api .example.com"), 400, "Invalid domain name specified: api .example.com"},
		{"underscore", named("my_api.example.com"), 400, "Invalid domain name specified: my_api.example.com"},
		{"not ASCII", named("bücher.example"), 400, "Invalid domain name specified: bücher.example"},
		{"empty label", named("api..example.com"), 400, "Invalid domain name specified: api..example.com"},
		{"final dot", named("api.example.com."), 400, "Invalid domain name specified: api.example.com."},
		{"hyphen first", named("-api.example.com"), 400, "Invalid domain name specified: -api.example.com"},
		{"long label", named(strings.Repeat("a", 64) + ".example.com"), 400, "Invalid domain name specified: " + strings.Repeat("a", 64) + ".example.com"},
		{"long name", named(long), 400, "Invalid domain name specified: " + long[:128] + "..."},
		{"wildcard of everything", named("*.com"), 400, "Invalid domain name specified: *.com"},
		{"wildcard inside", named("api.*.example.com"), 400, "Invalid domain name specified: api.*.example.com"},
		{"wildcard in a label", named("a*.example.com"), 400, "Invalid domain name specified: a*.example.com"},
		{"two wildcards", named("*.*.example.com"), 400, "Invalid domain name specified: *.*.example.com"},
		{"an API's own host", named("abc.execute-api.localhost"), 400, "The domain name abc.execute-api.localhost is reserved"},
		{"all APIs' own hosts", named("*.execute-api.localhost"), 400, "The domain name *.execute-api.localhost is reserved"},
		{"a service's host", named("apigateway.us-east-1.amazonaws.com"), 400, "The domain name apigateway.us-east-1.amazonaws.com is reserved"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := g.do("POST", "/v2/domainnames", c.body)
			got.t = t
			got.refused(c.status, c.message)
		})
	}
	// An endpoint type that is none gives a regional domain name, as was seen of AWS.
	if got := g.do("POST", "/v2/domainnames", config(`"endpointType":"PRIVATE","certificateArn":"`+exampleARN+`"`)).ok(201); !strings.Contains(fmt.Sprint(got), "endpointType:REGIONAL") {
		t.Errorf("endpoint type PRIVATE: %v", got)
	}
}

// Policies are held against the path, so there is one way to write a name.
func TestDomainNamesHaveOneSpelling(t *testing.T) {
	g := newDomains(t)
	g.newDomain(t, "API.example.com")
	const missing = "The domain name resource specified in the request was not found."
	g.do("GET", "/v2/domainnames/API.example.com", "").refused(404, missing)
	g.do("DELETE", "/v2/domainnames/api.example.com.", "").refused(404, missing)
	g.do("GET", "/v2/domainnames/"+strings.Repeat("a", 600), "").refused(404, missing)
	g.do("GET", "/v2/tags/arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Fdomainnames%2FAPI.example.com", "").refused(404, missing)
	g.do("GET", "/v2/domainnames/api.example.com", "").ok(200)
}
