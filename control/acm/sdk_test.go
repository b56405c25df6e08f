//lint:file-ignore SA1019 certificate transparency can no longer be opted out of at AWS, but callers still try

package acm_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/acm/types"

	"github.com/sockgate/sockgate/service/certificate/certtest"
)

func TestImported(t *testing.T) {
	w := open(t, nil)
	root := certtest.NewAuthority(t, "Root Org")
	sub := root.Under(t, "Sub Org")
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	leaf := sub.Sign(t, certtest.Leaf{
		Names: []string{"www.example.test", "*.example.test"}, Key: key, Usage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		Subject: &pkix.Name{Country: []string{"AU"}, Organization: []string{"Acme, Inc"}, CommonName: "www.example.test"},
	})
	chain := append(slices.Clone(sub.Cert), root.Cert...)
	arn := *do(t, w.client.ImportCertificate, &sdk.ImportCertificateInput{
		Certificate: leaf.Cert, PrivateKey: leaf.Key, CertificateChain: chain, Tags: []types.Tag{{Key: str("a"), Value: str("")}, {Key: str("b")}},
	}).CertificateArn
	if !regexp.MustCompile(`^arn:aws:acm:us-east-1:000000000000:certificate/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`).MatchString(arn) {
		t.Errorf("ARN %s", arn)
	}
	w.users[arn] = []string{"arn:aws:apigateway:us-east-1::/domainnames/www.example.test"}

	d := do(t, w.client.DescribeCertificate, &sdk.DescribeCertificateInput{CertificateArn: &arn}).Certificate
	for what, got := range map[string][2]any{
		"arn":         {*d.CertificateArn, arn},
		"domain":      {*d.DomainName, "www.example.test"},
		"names":       {fmt.Sprint(d.SubjectAlternativeNames), "[www.example.test *.example.test]"},
		"status":      {d.Status, types.CertificateStatusIssued},
		"type":        {d.Type, types.CertificateTypeImported},
		"key":         {d.KeyAlgorithm, types.KeyAlgorithmRsa2048},
		"signature":   {*d.SignatureAlgorithm, "SHA256WITHECDSA"},
		"issuer":      {*d.Issuer, "Sub Org"},
		"subject":     {*d.Subject, `C=AU,O=Acme\, Inc,CN=www.example.test`},
		"serial":      {*d.Serial, fmt.Sprintf("0a:bc:%02x", byte(leaf.Parsed.SerialNumber.Int64()))},
		"from":        {d.NotBefore.Unix(), leaf.Parsed.NotBefore.Unix()},
		"until":       {d.NotAfter.Unix(), leaf.Parsed.NotAfter.Unix()},
		"users":       {fmt.Sprint(d.InUseBy), fmt.Sprint(w.users[arn])},
		"usages":      {fmt.Sprintf("%s %s %d", d.KeyUsages[0].Name, d.KeyUsages[1].Name, len(d.KeyUsages)), "DIGITAL_SIGNATURE KEY_ENCIPHERMENT 2"},
		"extended":    {string(d.ExtendedKeyUsages[0].Name) + *d.ExtendedKeyUsages[0].OID, "TLS_WEB_SERVER_AUTHENTICATION1.3.6.1.5.5.7.3.1"},
		"eligibility": {d.RenewalEligibility, types.RenewalEligibilityIneligible},
		"options":     {d.Options.CertificateTransparencyLoggingPreference, types.CertificateTransparencyLoggingPreferenceDisabled},
		"imported":    {d.ImportedAt.Unix(), w.now.Unix()},
		"created":     {d.CreatedAt.Unix(), w.now.Unix()},
		"validation":  {len(d.DomainValidationOptions), 2},
	} {
		if got[0] != got[1] {
			t.Errorf("%s: got %v, want %v", what, got[0], got[1])
		}
	}
	if d.IssuedAt != nil || d.RenewalSummary != nil {
		t.Error("an imported certificate is issued or renewed")
	}

	g := do(t, w.client.GetCertificate, &sdk.GetCertificateInput{CertificateArn: &arn})
	if *g.Certificate != string(leaf.Cert) || *g.CertificateChain != string(chain) {
		t.Error("GetCertificate shows something else")
	}
	tags := do(t, w.client.ListTagsForCertificate, &sdk.ListTagsForCertificateInput{CertificateArn: &arn}).Tags
	if len(tags) != 2 || *tags[0].Value != "" || tags[1].Value != nil {
		t.Errorf("tags %v", tags)
	}

	_, err = w.client.DeleteCertificate(t.Context(), &sdk.DeleteCertificateInput{CertificateArn: &arn})
	wantError(t, err, "ResourceInUseException", "Certificate "+arn+" in account 000000000000 is in use.")
	delete(w.users, arn)
	do(t, w.client.DeleteCertificate, &sdk.DeleteCertificateInput{CertificateArn: &arn})
	_, err = w.client.DescribeCertificate(t.Context(), &sdk.DescribeCertificateInput{CertificateArn: &arn})
	wantError(t, err, "ResourceNotFoundException", "Could not find certificate "+arn+" in account 000000000000.")
	if _, ok := w.service.Certificate(arn); ok {
		t.Error("a deleted certificate is still there")
	}
}

func TestImportedAgain(t *testing.T) {
	w := open(t, nil)
	root := certtest.NewAuthority(t, "Root")
	old := root.Sign(t, certtest.Leaf{Names: []string{"a.example.test", "b.example.test"}})
	arn := *do(t, w.client.ImportCertificate, &sdk.ImportCertificateInput{Certificate: old.Cert, PrivateKey: old.Key, CertificateChain: root.Cert}).CertificateArn
	held, _ := w.service.Certificate(arn)
	w.users[arn] = []string{"arn:aws:apigateway:us-east-1::/domainnames/b.example.test"}
	first := w.now
	w.now = w.now.Add(time.Hour)

	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	other := certtest.NewAuthority(t, "Other")
	for name, tt := range map[string]struct {
		leaf          *certtest.Pair
		by            *certtest.Authority
		arn           string
		tags          []types.Tag
		code, message string
	}{
		"another kind of key": {leaf: root.Sign(t, certtest.Leaf{Names: []string{"b.example.test"}, Key: rsaKey}), code: "ValidationException", message: "key type"},
		"no name is left":     {leaf: root.Sign(t, certtest.Leaf{Names: []string{"c.example.test"}}), code: "ValidationException", message: "all domain names"},
		"a domain in use":     {leaf: root.Sign(t, certtest.Leaf{Names: []string{"a.example.test"}}), code: "ValidationException", message: "b.example.test"},
		"usages go": {leaf: root.Sign(t, certtest.Leaf{Names: []string{"b.example.test"}, Usage: x509.KeyUsageKeyAgreement}), code: "ValidationException",
			message: "Key Usage"},
		"extended usages go": {leaf: root.Sign(t, certtest.Leaf{Names: []string{"b.example.test"}, Extended: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}),
			code: "ValidationException", message: "Extended Key Usage"},
		"tags":            {leaf: old, tags: []types.Tag{{Key: str("a")}}, code: "ValidationException", message: "Tagging is not permitted on re-import."},
		"chain of others": {leaf: old, by: other, code: "ValidationException", message: "Could not validate the certificate with the certificate chain."},
		"no such ARN": {leaf: old, arn: "arn:aws:acm:us-east-1:000000000000:certificate/x", code: "ResourceNotFoundException",
			message: "Could not find certificate arn:aws:acm:us-east-1:000000000000:certificate/x."},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.arn == "" {
				tt.arn = arn
			}
			if tt.by == nil {
				tt.by = root
			}
			_, err := w.client.ImportCertificate(t.Context(), &sdk.ImportCertificateInput{
				CertificateArn: &tt.arn, Certificate: tt.leaf.Cert, PrivateKey: tt.leaf.Key, CertificateChain: tt.by.Cert, Tags: tt.tags,
			})
			wantError(t, err, tt.code, tt.message)
		})
	}
	if held.TLS().Leaf.SerialNumber.Cmp(old.Parsed.SerialNumber) != 0 {
		t.Error("a refused import changed what is served")
	}

	fresh := root.Sign(t, certtest.Leaf{Names: []string{"*.example.test"}})
	_, err = w.client.ImportCertificate(t.Context(), &sdk.ImportCertificateInput{CertificateArn: &arn, Certificate: fresh.Cert, PrivateKey: fresh.Key, CertificateChain: root.Cert})
	wantError(t, err, "ValidationException", "all domain names")
	fresh = root.Sign(t, certtest.Leaf{Names: []string{"*.example.test", "a.example.test"}})
	again := *do(t, w.client.ImportCertificate, &sdk.ImportCertificateInput{CertificateArn: &arn, Certificate: fresh.Cert, PrivateKey: fresh.Key, CertificateChain: root.Cert}).CertificateArn
	if again != arn {
		t.Errorf("ARN changed to %s", again)
	}
	if held.TLS().Leaf.SerialNumber.Cmp(fresh.Parsed.SerialNumber) != 0 {
		t.Error("who holds the certificate does not see the new version")
	}
	d := do(t, w.client.DescribeCertificate, &sdk.DescribeCertificateInput{CertificateArn: &arn}).Certificate
	if d.ImportedAt.Unix() != w.now.Unix() || d.CreatedAt.Unix() != first.Unix() {
		t.Errorf("imported at %s, created at %s", d.ImportedAt, d.CreatedAt)
	}
}

func TestRequested(t *testing.T) {
	w := open(t, nil)
	in := &sdk.RequestCertificateInput{
		DomainName: str("WWW.example.test"), SubjectAlternativeNames: []string{"*.example.test", "www.EXAMPLE.test"}, ValidationMethod: types.ValidationMethodDns,
		IdempotencyToken: str("token1"), Tags: []types.Tag{{Key: str("k"), Value: str("v")}},
		DomainValidationOptions: []types.DomainValidationOption{{DomainName: str("www.example.test"), ValidationDomain: str("example.test")}},
	}
	arn := *do(t, w.client.RequestCertificate, in).CertificateArn
	if again := *do(t, w.client.RequestCertificate, in).CertificateArn; again != arn {
		t.Error("the same token led to another certificate")
	}
	in.Tags = nil
	if other := *do(t, w.client.RequestCertificate, in).CertificateArn; other == arn {
		t.Error("the same token with other tags led to the same certificate")
	}
	d := do(t, w.client.DescribeCertificate, &sdk.DescribeCertificateInput{CertificateArn: &arn}).Certificate
	v := d.DomainValidationOptions
	if d.Status != types.CertificateStatusIssued || d.Type != types.CertificateTypeAmazonIssued || d.KeyAlgorithm != types.KeyAlgorithmRsa2048 ||
		*d.DomainName != "WWW.example.test" || fmt.Sprint(d.SubjectAlternativeNames) != "[WWW.example.test *.example.test]" || *d.Issuer != "Sockgate local" ||
		d.IssuedAt == nil || d.ImportedAt != nil || d.InUseBy == nil || d.RenewalEligibility != types.RenewalEligibilityIneligible ||
		d.Options.CertificateTransparencyLoggingPreference != types.CertificateTransparencyLoggingPreferenceEnabled {
		t.Errorf("%+v", d)
	}
	if len(v) != 2 || *v[0].ValidationDomain != "example.test" || v[0].ValidationStatus != types.DomainStatusSuccess || v[0].ResourceRecord.Type != types.RecordTypeCname ||
		!regexp.MustCompile(`^_[0-9a-f]{32}\.www\.example\.test\.$`).MatchString(*v[0].ResourceRecord.Name) ||
		!regexp.MustCompile(`^_[0-9a-f]{32}\.[a-z0-9]{10}\.acm-validations\.aws\.$`).MatchString(*v[0].ResourceRecord.Value) ||
		!strings.HasSuffix(*v[1].ResourceRecord.Name, ".example.test.") || strings.Contains(*v[1].ResourceRecord.Name, "*") {
		t.Errorf("%+v", v)
	}
	g := do(t, w.client.GetCertificate, &sdk.GetCertificateInput{CertificateArn: &arn})
	block, rest := pem.Decode([]byte(*g.Certificate))
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil || len(rest) != 0 || leaf.VerifyHostname("x.example.test") != nil {
		t.Errorf("certificate: %v", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(*g.CertificateChain)) {
		t.Error("no chain")
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots}); err != nil {
		t.Error(err)
	}

	w.users[arn] = []string{"arn:aws:apigateway:us-east-1::/domainnames/www.example.test"}
	w.now = w.now.Add(time.Minute)
	do(t, w.client.RenewCertificate, &sdk.RenewCertificateInput{CertificateArn: &arn})
	renewed := do(t, w.client.DescribeCertificate, &sdk.DescribeCertificateInput{CertificateArn: &arn}).Certificate
	if *renewed.Serial == *d.Serial || renewed.RenewalSummary.RenewalStatus != types.RenewalStatusSuccess || renewed.RenewalEligibility != types.RenewalEligibilityEligible ||
		renewed.IssuedAt.Unix() != d.IssuedAt.Unix() {
		t.Errorf("renewed: %+v", renewed)
	}
	do(t, w.client.UpdateCertificateOptions, &sdk.UpdateCertificateOptionsInput{CertificateArn: &arn, Options: &types.CertificateOptions{
		CertificateTransparencyLoggingPreference: types.CertificateTransparencyLoggingPreferenceDisabled,
	}})
	d = do(t, w.client.DescribeCertificate, &sdk.DescribeCertificateInput{CertificateArn: &arn}).Certificate
	if d.Options.CertificateTransparencyLoggingPreference != types.CertificateTransparencyLoggingPreferenceDisabled {
		t.Error("options are not stored")
	}
	w.now = w.now.AddDate(1, 0, 0)
	if d := do(t, w.client.DescribeCertificate, &sdk.DescribeCertificateInput{CertificateArn: &arn}).Certificate; d.Status != types.CertificateStatusExpired {
		t.Errorf("a year later it is %s", d.Status)
	}
}

func TestRequestedKeys(t *testing.T) {
	w := open(t, nil)
	for _, algorithm := range []types.KeyAlgorithm{types.KeyAlgorithmEcPrime256v1, types.KeyAlgorithmEcSecp384r1} {
		arn := do(t, w.client.RequestCertificate, &sdk.RequestCertificateInput{DomainName: str("a.example.test"), KeyAlgorithm: algorithm}).CertificateArn
		d := do(t, w.client.DescribeCertificate, &sdk.DescribeCertificateInput{CertificateArn: arn}).Certificate
		if d.KeyAlgorithm != algorithm || d.DomainValidationOptions[0].ValidationMethod != types.ValidationMethodEmail || d.DomainValidationOptions[0].ValidationEmails == nil {
			t.Errorf("%+v", d)
		}
	}
}

func TestList(t *testing.T) {
	w := open(t, nil)
	var arns []string
	for i := range 5 {
		w.now = w.now.Add(time.Minute)
		in := &sdk.RequestCertificateInput{DomainName: str(fmt.Sprintf("h%d.example.test", i))}
		if i == 2 {
			in.KeyAlgorithm = types.KeyAlgorithmEcPrime256v1
		}
		arns = append(arns, *do(t, w.client.RequestCertificate, in).CertificateArn)
	}
	list := func(in sdk.ListCertificatesInput) (got []string) {
		t.Helper()
		pages := sdk.NewListCertificatesPaginator(w.client, &in)
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if in.MaxItems != nil && len(page.CertificateSummaryList) > int(*in.MaxItems) {
				t.Errorf("a page of %d", len(page.CertificateSummaryList))
			}
			for _, c := range page.CertificateSummaryList {
				got = append(got, *c.CertificateArn)
			}
		}
		return got
	}
	rsaOnly := slices.Delete(slices.Clone(arns), 2, 3)
	reversed := slices.Clone(rsaOnly)
	slices.Reverse(reversed)
	one := int32(1)
	both := &types.Filters{KeyTypes: []types.KeyAlgorithm{types.KeyAlgorithmRsa2048, types.KeyAlgorithmEcPrime256v1}}
	for name, tt := range map[string]struct {
		in   sdk.ListCertificatesInput
		want []string
	}{
		"RSA by default":   {sdk.ListCertificatesInput{}, rsaOnly},
		"all kinds":        {sdk.ListCertificatesInput{Includes: both}, arns},
		"pages of one":     {sdk.ListCertificatesInput{Includes: both, MaxItems: &one}, arns},
		"newest first":     {sdk.ListCertificatesInput{SortBy: types.SortByCreatedAt, SortOrder: types.SortOrderDescending, MaxItems: &one}, reversed},
		"issued":           {sdk.ListCertificatesInput{CertificateStatuses: []types.CertificateStatus{"ISSUED", "FAILED"}}, rsaOnly},
		"pending":          {sdk.ListCertificatesInput{CertificateStatuses: []types.CertificateStatus{"PENDING_VALIDATION"}}, nil},
		"usage":            {sdk.ListCertificatesInput{Includes: &types.Filters{KeyUsage: []types.KeyUsageName{"KEY_ENCIPHERMENT"}}}, rsaOnly},
		"another usage":    {sdk.ListCertificatesInput{Includes: &types.Filters{KeyUsage: []types.KeyUsageName{"CRL_SIGNING"}}}, nil},
		"extended usage":   {sdk.ListCertificatesInput{Includes: &types.Filters{ExtendedKeyUsage: []types.ExtendedKeyUsageName{"TLS_WEB_SERVER_AUTHENTICATION"}}}, rsaOnly},
		"exportable":       {sdk.ListCertificatesInput{Includes: &types.Filters{ExportOption: types.CertificateExportEnabled}}, nil},
		"of customers":     {sdk.ListCertificatesInput{CertificateKeyPairOrigins: []types.CertificateKeyPairOrigin{"CUSTOMER_PROVIDED"}}, nil},
		"of AWS's own key": {sdk.ListCertificatesInput{CertificateKeyPairOrigins: []types.CertificateKeyPairOrigin{"AWS_MANAGED"}}, rsaOnly},
	} {
		t.Run(name, func(t *testing.T) {
			if got := list(tt.in); !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
	sum := do(t, w.client.ListCertificates, &sdk.ListCertificatesInput{}).CertificateSummaryList[0]
	if *sum.DomainName != "h0.example.test" || *sum.InUse || *sum.Exported || *sum.HasAdditionalSubjectAlternativeNames || len(sum.SubjectAlternativeNameSummaries) != 1 ||
		sum.NotAfter == nil || sum.CreatedAt == nil || sum.IssuedAt == nil || sum.Status != "ISSUED" || sum.Type != "AMAZON_ISSUED" || sum.KeyAlgorithm != "RSA_2048" {
		t.Errorf("%+v", sum)
	}
}

func TestTags(t *testing.T) {
	w := open(t, nil)
	arn := do(t, w.client.RequestCertificate, &sdk.RequestCertificateInput{DomainName: str("a.example.test"), KeyAlgorithm: "EC_prime256v1"}).CertificateArn
	shown := func() string {
		t.Helper()
		var all []string
		for _, tag := range do(t, w.client.ListTagsForCertificate, &sdk.ListTagsForCertificateInput{CertificateArn: arn}).Tags {
			text := *tag.Key
			if tag.Value != nil {
				text += "=" + *tag.Value
			}
			all = append(all, text)
		}
		return strings.Join(all, " ")
	}
	do(t, w.client.AddTagsToCertificate, &sdk.AddTagsToCertificateInput{CertificateArn: arn, Tags: []types.Tag{
		{Key: str("k1"), Value: str("v1")}, {Key: str("k2")}, {Key: str("k3"), Value: str("v3")}, {Key: str("k4"), Value: str("v4")},
	}})
	do(t, w.client.AddTagsToCertificate, &sdk.AddTagsToCertificateInput{CertificateArn: arn, Tags: []types.Tag{{Key: str("k3"), Value: str("new")}}})
	if got := shown(); got != "k1=v1 k2 k3=new k4=v4" {
		t.Error(got)
	}
	do(t, w.client.RemoveTagsFromCertificate, &sdk.RemoveTagsFromCertificateInput{CertificateArn: arn, Tags: []types.Tag{
		{Key: str("k1"), Value: str("other")}, {Key: str("k2")}, {Key: str("k4"), Value: str("v4")}, {Key: str("absent")},
	}})
	if got := shown(); got != "k1=v1 k3=new" {
		t.Error(got)
	}
	do(t, w.client.TagResource, &sdk.TagResourceInput{ResourceArn: arn, Tags: []types.Tag{{Key: str("r"), Value: str("1")}}})
	do(t, w.client.UntagResource, &sdk.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"k1"}})
	if got := do(t, w.client.ListTagsForResource, &sdk.ListTagsForResourceInput{ResourceArn: arn}).Tags; len(got) != 2 || *got[1].Key != "r" {
		t.Errorf("%v", got)
	}
	var many []types.Tag
	for i := range 49 {
		many = append(many, types.Tag{Key: str(fmt.Sprintf("a-%d", i)), Value: str("x")})
	}
	_, err := w.client.AddTagsToCertificate(t.Context(), &sdk.AddTagsToCertificateInput{CertificateArn: arn, Tags: many})
	wantError(t, err, "TooManyTagsException", "contains too many Tags")
	_, err = w.client.AddTagsToCertificate(t.Context(), &sdk.AddTagsToCertificateInput{CertificateArn: arn, Tags: []types.Tag{{Key: str("aws:x")}}})
	wantError(t, err, "InvalidTagException", `Invalid Tag Key: "aws:x". AWS internal tags cannot be changed with this API`)
	if got := shown(); got != "k3=new r=1" {
		t.Error(got)
	}
}
