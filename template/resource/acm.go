package resource

import (
	"context"
	"fmt"
	"reflect"

	"github.com/sockgate/sockgate/template/resource/wire"
)

// The types of Certificate Manager.
var acmTypes = []*Type{
	{
		Name: "AWS::CertificateManager::Certificate", provider: certificate{},
		shape: object(
			needFixed("DomainName", str()),
			fixed("SubjectAlternativeNames", listOf(str())),
			fixed("ValidationMethod", str()),
			fixed("DomainValidationOptions", listOf(object(need("DomainName", str()), opt("HostedZoneId", str()), opt("ValidationDomain", str())))),
			fixed("KeyAlgorithm", str()),
			fixed("CertificateAuthorityArn", str()),
			fixed("CertificateExport", str()),
			opt("CertificateTransparencyLoggingPreference", str()).keep(),
			opt("Tags", tagList()).back([]any{}),
		),
	},
}

type certificate struct{}

const acmTarget = "CertificateManager."

func (certificate) body(c *Call) map[string]any {
	body := map[string]any{"DomainName": c.Properties["DomainName"]}
	for _, name := range []string{"SubjectAlternativeNames", "ValidationMethod", "KeyAlgorithm", "CertificateAuthorityArn", "Tags"} {
		if v := c.Properties[name]; v != nil {
			body[name] = v
		}
	}
	var options []any
	for _, o := range wire.List(c.Properties, "DomainValidationOptions") {
		if d := wire.Text(o, "ValidationDomain"); d != "" {
			options = append(options, map[string]any{"DomainName": wire.Text(o, "DomainName"), "ValidationDomain": d})
		}
	}
	if options != nil {
		body["DomainValidationOptions"] = options
	}
	if p := text(c.Properties, "CertificateTransparencyLoggingPreference"); p != "" {
		body["Options"] = map[string]any{"CertificateTransparencyLoggingPreference": p}
	}
	return body
}

func (p certificate) create(ctx context.Context, c *Call) (*State, error) {
	answer, err := c.Client.JSON(ctx, "acm", acmTarget+"RequestCertificate", p.body(c))
	if err != nil {
		return nil, err
	}
	st := &State{PhysicalID: wire.Text(answer, "CertificateArn")}
	if err := p.issued(ctx, c, st.PhysicalID); err != nil {
		return nil, undo(ctx, err, func(ctx context.Context) error {
			_, err := c.Client.JSON(ctx, "acm", acmTarget+"DeleteCertificate", map[string]any{"CertificateArn": st.PhysicalID})
			return err
		})
	}
	return st, nil
}

// issued waits until a certificate is, as CloudFormation does.
func (certificate) issued(ctx context.Context, c *Call, arn string) error {
	return wait(ctx, "certificate "+arn, func() (bool, error) {
		answer, err := c.Client.JSON(ctx, "acm", acmTarget+"DescribeCertificate", map[string]any{"CertificateArn": arn})
		switch status := wire.Text(answer, "Certificate", "Status"); status {
		case "FAILED", "VALIDATION_TIMED_OUT", "REVOKED":
			return false, fmt.Errorf("the certificate is %s: %s", status, wire.Text(answer, "Certificate", "FailureReason"))
		default:
			return status == "ISSUED", err
		}
	})
}

func (certificate) update(ctx context.Context, c *Call) (*State, error) {
	arn := c.Old.PhysicalID
	if !reflect.DeepEqual(c.Old.Properties["Tags"], c.Properties["Tags"]) {
		if gone := goneTags(c); len(gone) > 0 {
			var keys []any
			for _, k := range gone {
				keys = append(keys, map[string]any{"Key": k})
			}
			if _, err := c.Client.JSON(ctx, "acm", acmTarget+"RemoveTagsFromCertificate", map[string]any{"CertificateArn": arn, "Tags": keys}); err != nil {
				return nil, err
			}
		}
		if tags := wire.List(c.Properties, "Tags"); len(tags) > 0 {
			if _, err := c.Client.JSON(ctx, "acm", acmTarget+"AddTagsToCertificate", map[string]any{"CertificateArn": arn, "Tags": tags}); err != nil {
				return nil, err
			}
		}
	}
	return &State{PhysicalID: arn}, nil
}

func (certificate) delete(ctx context.Context, c *Call) error {
	_, err := c.Client.JSON(ctx, "acm", acmTarget+"DeleteCertificate", map[string]any{"CertificateArn": c.Old.PhysicalID})
	return err
}

func (certificate) list(ctx context.Context, c *Call) ([]string, error) {
	var arns []string
	next := ""
	for {
		in := map[string]any{"MaxItems": 1000}
		if next != "" {
			in["NextToken"] = next
		}
		answer, err := c.Client.JSON(ctx, "acm", acmTarget+"ListCertificates", in)
		if err != nil {
			return nil, err
		}
		for _, s := range wire.List(answer, "CertificateSummaryList") {
			if wire.Text(s, "DomainName") == text(c.Properties, "DomainName") {
				arns = append(arns, wire.Text(s, "CertificateArn"))
			}
		}
		if next = wire.Text(answer, "NextToken"); next == "" {
			return arns, nil
		}
	}
}

func (p certificate) find(ctx context.Context, c *Call) (*State, error) {
	arns, err := p.list(ctx, c)
	for _, arn := range arns {
		if !accounted(c, arn) {
			return &State{PhysicalID: arn}, p.issued(ctx, c, arn)
		}
	}
	return nil, err
}
