package apigateway_test

import (
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/smithy-go"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/service/balancer"
)

const ordersARN = "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/net/orders/0123456789abcdef"

// newBalancers knows the load balancer "orders" and the link "fixed" to it, which the configuration declares.
func newBalancers() *balancer.Service {
	return balancer.New(balancer.Config{Log: slog.New(slog.DiscardHandler), Declared: balancer.Declared{
		Balancers: []sockgate.LoadBalancer{{ARN: ordersARN, Name: "orders", Declared: true}},
		Links:     []sockgate.VPCLink{{ID: "fixed", Name: "fixed", LoadBalancerARN: ordersARN, Status: "AVAILABLE", Declared: true}},
	}})
}

func (g *gateway) link(t *testing.T, arn string) *sdk.CreateVpcLinkOutput {
	t.Helper()
	l, err := g.sdk.CreateVpcLink(ctx, &sdk.CreateVpcLinkInput{Name: aws.String("to orders"), Description: aws.String("d"), TargetArns: []string{arn}, Tags: map[string]string{"a": "b"}})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func linkRefused(t *testing.T, err error, code, text string) {
	t.Helper()
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok || api.ErrorCode() != code || api.ErrorMessage() != text {
		t.Errorf("got  %v\nwant %s %q", err, code, text)
	}
}

func TestVPCLinks(t *testing.T) {
	g := newGateway(t)
	l := g.link(t, ordersARN)
	if len(*l.Id) != 6 || l.Status != types.VpcLinkStatusPending || !slices.Equal(l.TargetArns, []string{ordersARN}) || *l.Name != "to orders" || l.Tags["a"] != "b" {
		t.Errorf("new link: %+v", l)
	}
	lost := g.link(t, ordersARN+"0")
	other := g.link(t, "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/app/web/0123456789abcdef")
	g.now.Add(1)
	get := func(id *string) *sdk.GetVpcLinkOutput {
		out, err := g.sdk.GetVpcLink(ctx, &sdk.GetVpcLinkInput{VpcLinkId: id})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if got := get(l.Id); got.Status != types.VpcLinkStatusAvailable || got.StatusMessage != nil {
		t.Errorf("settled: %+v", got)
	}
	for _, id := range []*string{lost.Id, other.Id} {
		if got := get(id); got.Status != types.VpcLinkStatusFailed || *got.StatusMessage == "" {
			t.Errorf("to no network load balancer: %+v", got)
		}
	}
	var ids []string
	pages := 0
	for p := sdk.NewGetVpcLinksPaginator(g.sdk, &sdk.GetVpcLinksInput{Limit: aws.Int32(3)}); p.HasMorePages(); pages++ {
		out, err := p.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range out.Items {
			ids = append(ids, *l.Id)
		}
	}
	if len(ids) != 4 || pages != 2 || !slices.IsSorted(ids) || !slices.Contains(ids, "fixed") {
		t.Errorf("%d pages: %v", pages, ids)
	}
	patch := func(id *string, path string) (*sdk.UpdateVpcLinkOutput, error) {
		return g.sdk.UpdateVpcLink(ctx, &sdk.UpdateVpcLinkInput{VpcLinkId: id, PatchOperations: []types.PatchOperation{{Op: types.OpReplace, Path: &path, Value: aws.String("new")}}})
	}
	up, err := patch(l.Id, "/name")
	if err != nil || *up.Name != "new" || *up.Description != "d" {
		t.Errorf("patched: %+v %v", up, err)
	}
	_, err = patch(l.Id, "/targetArns/0")
	linkRefused(t, err, "BadRequestException", "Target arns are not allowed to be changed/added.")
	_, err = patch(l.Id, "/status")
	linkRefused(t, err, "BadRequestException", "Invalid patch path  '/status' specified for op 'replace'. Must be one of: [/name, /description]")
	_, err = patch(aws.String("fixed"), "/name")
	linkRefused(t, err, "BadRequestException", "Vpc Link fixed is declared in the gateway's configuration file. Change it there.")

	arn := "arn:aws:apigateway:us-east-1::/vpclinks/" + *l.Id
	if _, err := g.sdk.TagResource(ctx, &sdk.TagResourceInput{ResourceArn: &arn, Tags: map[string]string{"c": "d"}}); err != nil {
		t.Error(err)
	}
	if _, err := g.sdk.UntagResource(ctx, &sdk.UntagResourceInput{ResourceArn: &arn, TagKeys: []string{"a"}}); err != nil {
		t.Error(err)
	}
	if tags, err := g.sdk.GetTags(ctx, &sdk.GetTagsInput{ResourceArn: &arn}); err != nil || len(tags.Tags) != 1 || tags.Tags["c"] != "d" {
		t.Errorf("tags: %+v %v", tags, err)
	}

	_, err = g.sdk.CreateVpcLink(ctx, &sdk.CreateVpcLinkInput{Name: aws.String("x"), TargetArns: []string{ordersARN, ordersARN}})
	linkRefused(t, err, "BadRequestException", "More than one target arn specified for vpc link.")
	if a := g.do(http.MethodPost, "/vpclinks", `{"name":"x"}`); a.status != 400 || a.message() != "1 validation error detected: Value null at 'createVpcLinkInput.targetArns' failed to satisfy constraint: Member must not be null" {
		t.Errorf("without a target: %d %s", a.status, a.body)
	}
	if a := g.do(http.MethodDelete, "/vpclinks/"+*l.Id, ""); a.status != 202 || a.body != "" {
		t.Errorf("deletion: %d %s", a.status, a.body)
	}
	_, err = g.sdk.GetVpcLink(ctx, &sdk.GetVpcLinkInput{VpcLinkId: l.Id})
	linkRefused(t, err, "NotFoundException", "Invalid Vpc Link identifier specified")
	_, err = g.sdk.DeleteVpcLink(ctx, &sdk.DeleteVpcLinkInput{VpcLinkId: aws.String("fixed")})
	linkRefused(t, err, "BadRequestException", "Vpc Link fixed is declared in the gateway's configuration file. Change it there.")
}

// TestVPCLinkInUse: a link that an integration names by its id stays, one that a stage variable names does not have to.
func TestVPCLinkInUse(t *testing.T) {
	g := newGateway(t)
	id := *g.link(t, ordersARN).Id
	edit := func(connection string) {
		err := g.catalog.ChangeAPI(ctx, "chat", func(rec *sockgate.APIRecord) error {
			rec.Integrations = []sockgate.Integration{{ID: "i1", Type: sockgate.HTTP, Method: "POST", ConnectionType: "VPC_LINK", ConnectionID: connection}}
			rec.Routes = []sockgate.Route{{ID: "r1", Key: "send", Target: "integrations/i1"}}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	remove := func() error {
		_, err := g.sdk.DeleteVpcLink(ctx, &sdk.DeleteVpcLinkInput{VpcLinkId: &id})
		return err
	}
	edit(id)
	linkRefused(t, remove(), "BadRequestException", "Cannot delete vpc link. Vpc link '"+id+"', is referenced in [POST:r1] in format of [Method:Resource].")

	rec, err := g.catalog.API(ctx, "chat")
	if err != nil {
		t.Fatal(err)
	}
	if err := g.catalog.Freeze(ctx, "chat", "d1", &rec.Definition); err != nil {
		t.Fatal(err)
	}
	if err := g.catalog.ChangeAPI(ctx, "chat", func(rec *sockgate.APIRecord) error { rec.Stages[0].DeploymentID = "d1"; return nil }); err != nil {
		t.Fatal(err)
	}
	edit("${stageVariables.link}")
	linkRefused(t, remove(), "BadRequestException", "Cannot delete vpc link. Vpc link '"+id+"', is referenced in [POST:r1:prod] in format of [Method:Resource:Stage].")

	if err := g.catalog.ChangeAPI(ctx, "chat", func(rec *sockgate.APIRecord) error { rec.Stages[0].DeploymentID = ""; return nil }); err != nil {
		t.Fatal(err)
	}
	if err := remove(); err != nil {
		t.Errorf("a link that only a stage variable may name: %v", err)
	}
}

func TestVPCLinkQuota(t *testing.T) {
	g := newGateway(t)
	for range 20 {
		g.link(t, ordersARN)
	}
	_, err := g.sdk.CreateVpcLink(ctx, &sdk.CreateVpcLinkInput{Name: aws.String("x"), TargetArns: []string{ordersARN}})
	linkRefused(t, err, "LimitExceededException", "Maximum number of Vpc Links for this account has been reached.  Please contact AWS if you need additional Vpc Links.")
}
