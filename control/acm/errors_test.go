package acm_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/acm"
	"github.com/sockgate/sockgate/control/awswire"
	"github.com/sockgate/sockgate/service/certificate"
)

func TestRefusals(t *testing.T) {
	w := open(t, nil)
	const absent = `"CertificateArn":"arn:aws:acm:us-east-1:000000000000:certificate/11111111-2222-4333-8444-555555555555"`
	long := strings.Repeat("a", 60) + ".example.test"
	for _, tt := range []struct {
		name, operation, body, typ, text string
	}{
		{"no such operation", "MakeCertificate", `{}`, "UnknownOperationException", ""},
		{"not JSON", "DescribeCertificate", `{`, "SerializationException", ""},
		{"wrong type", "DescribeCertificate", `{"CertificateArn":5}`, "SerializationException", ""},
		{"not base64", "ImportCertificate", `{"Certificate":"-----BEGIN"}`, "SerializationException", ""},
		{"no ARN", "DescribeCertificate", `{}`, "ValidationException",
			"1 validation error detected: Value null at 'certificateArn' failed to satisfy constraint: Member must not be null"},
		{"no ARN and no body", "GetCertificate", ``, "ValidationException", "Value null at 'certificateArn'"},
		{"short ARN", "DeleteCertificate", `{"CertificateArn":"x"}`, "ValidationException",
			"2 validation errors detected: Value 'x' at 'certificateArn' failed to satisfy constraint: Member must have length greater than or equal to 20; " +
				"Value 'x' at 'certificateArn' failed to satisfy constraint: Member must satisfy regular expression pattern: arn:"},
		{"ARN of something else", "DescribeCertificate", `{"CertificateArn":"arn:aws:acm:us-east-1:000000000000:thing/x"}`, "InvalidArnException", "thing/x"},
		{"absent: describe", "DescribeCertificate", `{` + absent + `}`, "ResourceNotFoundException", "Could not find certificate arn:aws:acm:us-east-1:"},
		{"absent: get", "GetCertificate", `{` + absent + `}`, "ResourceNotFoundException", "Could not find certificate "},
		{"absent: delete", "DeleteCertificate", `{` + absent + `}`, "ResourceNotFoundException", "Could not find certificate "},
		{"absent: renew", "RenewCertificate", `{` + absent + `}`, "ResourceNotFoundException", "Could not find certificate "},
		{"absent: tags", "ListTagsForCertificate", `{` + absent + `}`, "ResourceNotFoundException", "Could not find certificate "},
		{"absent: add tags", "AddTagsToCertificate", `{` + absent + `,"Tags":[{"Key":"a"}]}`, "ResourceNotFoundException", "Could not find certificate "},
		{"absent: remove tags", "RemoveTagsFromCertificate", `{` + absent + `,"Tags":[{"Key":"a"}]}`, "ResourceNotFoundException", "Could not find certificate "},
		{"absent: options", "UpdateCertificateOptions", `{` + absent + `,"Options":{}}`, "ResourceNotFoundException", "Could not find certificate "},
		{"another region", "DescribeCertificate", `{"CertificateArn":"arn:aws:acm:eu-west-1:000000000000:certificate/x"}`, "ResourceNotFoundException", "eu-west-1"},
		{"key of the store", "DescribeCertificate", `{"CertificateArn":"arn:aws:acm:us-east-1:000000000000:certificate/a/../../b"}`, "ResourceNotFoundException", ""},

		{"no domain", "RequestCertificate", `{}`, "ValidationException", "Value null at 'domainName' failed"},
		{"bad domain", "RequestCertificate", `{"DomainName":"a_b.test"}`, "ValidationException", "Value 'a_b.test' at 'domainName' failed to satisfy constraint: Member must satisfy regular expression pattern: (\\*\\.)?"},
		{"no dot", "RequestCertificate", `{"DomainName":"localhost"}`, "ValidationException", "'domainName'"},
		{"inner wildcard", "RequestCertificate", `{"DomainName":"a.*.test"}`, "ValidationException", "'domainName'"},
		{"label ends in a dash", "RequestCertificate", `{"DomainName":"a-.example.test"}`, "ValidationException", "'domainName'"},
		{"final dot", "RequestCertificate", `{"DomainName":"example.test."}`, "ValidationException", "'domainName'"},
		{"long first name", "RequestCertificate", `{"DomainName":"` + long + `"}`, "InvalidDomainValidationOptionsException", "The first domain name can be no longer than 64 characters."},
		{"bad other name", "RequestCertificate", `{"DomainName":"a.test.test","SubjectAlternativeNames":["x.test.test","ccc"]}`, "ValidationException",
			"Value '[x.test.test, ccc]' at 'subjectAlternativeNames' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 253, "},
		{"no other names", "RequestCertificate", `{"DomainName":"a.example.test","SubjectAlternativeNames":[]}`, "ValidationException", "Member must have length greater than or equal to 1"},
		{"too many names", "RequestCertificate", `{"DomainName":"a.example.test","SubjectAlternativeNames":["` +
			strings.Join([]string{"b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8", "b9", "b10", "b11"}, `.example.test","`) + `.example.test"]}`, "LimitExceededException", "limit of 10"},
		{"bad token", "RequestCertificate", `{"DomainName":"a.example.test","IdempotencyToken":"a b"}`, "ValidationException", `pattern: \\w+`},
		{"bad method", "RequestCertificate", `{"DomainName":"a.example.test","ValidationMethod":"PHONE"}`, "ValidationException", "enum value set: [EMAIL, DNS, HTTP]"},
		{"bad algorithm", "RequestCertificate", `{"DomainName":"a.example.test","KeyAlgorithm":"DSA"}`, "ValidationException", "enum value set: [RSA_1024, "},
		{"algorithm of imports", "RequestCertificate", `{"DomainName":"a.example.test","KeyAlgorithm":"RSA_4096"}`, "ValidationException", "for imported certificates only"},
		{"private authority", "RequestCertificate", `{"DomainName":"a.example.test","CertificateAuthorityArn":"arn:aws:acm-pca:us-east-1:0:certificate-authority/x"}`, "ValidationException", "not supported"},
		{"options for another name", "RequestCertificate", `{"DomainName":"a.example.test","DomainValidationOptions":[{"DomainName":"b.example.test","ValidationDomain":"example.test"}]}`,
			"InvalidDomainValidationOptionsException", "b.example.test"},
		{"no superdomain", "RequestCertificate", `{"DomainName":"a.example.test","DomainValidationOptions":[{"DomainName":"a.example.test","ValidationDomain":"ple.test"}]}`,
			"InvalidDomainValidationOptionsException", "ple.test"},
		{"long tag key", "RequestCertificate", `{"DomainName":"a.example.test","Tags":[{"Key":"` + strings.Repeat("X", 200) + `"}]}`, "ValidationException",
			"'tags.1.member.key' failed to satisfy constraint: Member must have length less than or equal to 128"},
		{"long tag value", "RequestCertificate", `{"DomainName":"a.example.test","Tags":[{"Key":"a"},{"Key":"b","Value":"` + strings.Repeat("X", 300) + `"}]}`, "ValidationException",
			"'tags.2.member.value' failed to satisfy constraint: Member must have length less than or equal to 256"},
		{"tag without a key", "RequestCertificate", `{"DomainName":"a.example.test","Tags":[{}]}`, "ValidationException", "Value null at 'tags.1.member.key'"},
		{"AWS's tag", "RequestCertificate", `{"DomainName":"a.example.test","Tags":[{"Key":"AWS:x"}]}`, "InvalidTagException", "AWS internal tags"},

		{"nothing to import", "ImportCertificate", `{}`, "ValidationException", "2 validation errors detected: Value null at 'certificate' failed"},
		{"large certificate", "ImportCertificate", `{"PrivateKey":"YQ==","Certificate":"` + strings.Repeat("YWFh", 32768/3+1) + `"}`, "ValidationException",
			"Value 'java.nio.HeapByteBuffer[pos=0 lim=32769 cap=32769]' at 'certificate' failed to satisfy constraint: Member must have length less than or equal to 32768"},
		{"large key", "ImportCertificate", `{"Certificate":"YQ==","PrivateKey":"` + strings.Repeat("YWFh", 5120/3+1) + `"}`, "ValidationException", "less than or equal to 5120"},
		{"no tags", "AddTagsToCertificate", `{` + absent + `}`, "ValidationException", "Value null at 'tags'"},

		{"bad status", "ListCertificates", `{"CertificateStatuses":["GOOD"]}`, "ValidationException", "'certificateStatuses'"},
		{"no page", "ListCertificates", `{"MaxItems":0}`, "ValidationException", "Value '0' at 'maxItems' failed to satisfy constraint: Member must have value greater than or equal to 1"},
		{"large page", "ListCertificates", `{"MaxItems":1001}`, "ValidationException", "less than or equal to 1000"},
		{"bad token of a list", "ListCertificates", `{"NextToken":"zzz"}`, "ValidationException", "NextToken"},
		{"half a sort", "ListCertificates", `{"SortBy":"CREATED_AT"}`, "InvalidArgsException", ""},
		{"bad kind", "ListCertificates", `{"Includes":{"keyTypes":["RSA"]}}`, "ValidationException", "'includes.keyTypes'"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, typ, body := w.raw(tt.operation, tt.body)
			var got struct{ Message string }
			_ = json.Unmarshal([]byte(body), &got) // shown below
			if status != http.StatusBadRequest || typ != tt.typ || !strings.Contains(got.Message, strings.ReplaceAll(tt.text, `\\`, `\`)) {
				t.Errorf("got  %d %s\nwant %s %s", status, body, tt.typ, tt.text)
			}
		})
	}
	if all, err := w.service.List(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("a refused request left %d certificates: %v", len(all), err)
	}
	if status, typ, _ := w.raw("ExportCertificate", `{}`); status != http.StatusNotImplemented || typ != "NotImplementedException" {
		t.Errorf("an operation that is not built: %d %s", status, typ)
	}
	if status, _, body := w.raw("ListCertificates", ``); status != 200 || body != `{"CertificateSummaryList":[]}` {
		t.Errorf("a list without a body: %d %s", status, body)
	}
}

// TestPending: a certificate that is not issued yet cannot be fetched, and says so.
func TestPending(t *testing.T) {
	w := open(t, func(c *certificate.Config) { c.ACME = &certificate.ACME{Directory: "https://127.0.0.1:1/dir"} }) // nothing runs
	_, _, body := w.raw("RequestCertificate", `{"DomainName":"a.example.test","ValidationMethod":"DNS"}`)
	var made struct{ CertificateArn string }
	if err := json.Unmarshal([]byte(body), &made); err != nil || made.CertificateArn == "" {
		t.Fatal(body)
	}
	arn := `{"CertificateArn":"` + made.CertificateArn + `"}`
	if _, typ, body := w.raw("GetCertificate", arn); typ != "RequestInProgressException" {
		t.Error(body)
	}
	_, _, body = w.raw("DescribeCertificate", arn)
	for _, part := range []string{`"Status":"PENDING_VALIDATION"`, `"ValidationStatus":"PENDING_VALIDATION"`, `"Subject":"CN=a.example.test"`, `"KeyUsages":[]`, `"InUseBy":[]`} {
		if !strings.Contains(body, part) {
			t.Errorf("%s is missing in %s", part, body)
		}
	}
	if _, typ, body := w.raw("RenewCertificate", arn); typ != "ValidationException" {
		t.Error(body)
	}
}

func TestPermissions(t *testing.T) {
	w := open(t, nil)
	api := acm.New(acm.Config{Certificates: w.service, Account: account, Region: "us-east-1"})
	const arn = "arn:aws:acm:us-east-1:000000000000:certificate/x"
	for _, tt := range []struct{ operation, body, action, resource string }{
		{"ImportCertificate", `{}`, "acm:ImportCertificate", "arn:aws:acm:us-east-1:000000000000:certificate/*"},
		{"ImportCertificate", `{"CertificateArn":"` + arn + `"}`, "acm:ImportCertificate", arn},
		{"RequestCertificate", `{}`, "acm:RequestCertificate", "arn:aws:acm:us-east-1:000000000000:certificate/*"},
		{"DescribeCertificate", `{"CertificateArn":"` + arn + `"}`, "acm:DescribeCertificate", arn},
		{"TagResource", `{"ResourceArn":"` + arn + `"}`, "acm:TagResource", arn},
		{"ListCertificates", ``, "acm:ListCertificates", "*"},
		{"GetCertificate", `{`, "acm:GetCertificate", "*"},
		{"UntagResource", `{"CertificateArn":"mine","ResourceArn":"` + arn + `"}`, "acm:UntagResource", "mine " + arn}, // each is asked about
	} {
		r := &awswire.Request{Header: http.Header{"X-Amz-Target": {"CertificateManager." + tt.operation}}, Body: []byte(tt.body), Principal: &sockgate.Principal{}}
		if action, resources := api.Permission(r); action != tt.action || strings.Join(resources, " ") != tt.resource {
			t.Errorf("%s %s asks %s %v", tt.operation, tt.body, action, resources)
		}
	}
}

func FuzzServe(f *testing.F) {
	for operation := range map[string]bool{"ImportCertificate": true, "RequestCertificate": true, "ListCertificates": true, "AddTagsToCertificate": true, "DescribeCertificate": true} {
		f.Add(operation, `{"CertificateArn":"arn:aws:acm:us-east-1:000000000000:certificate/x","Tags":[{"Key":"a"}],"DomainName":"*.a.test.test","Certificate":"YQ==","PrivateKey":"YQ=="}`)
		f.Add(operation, `{"Options":null,"SubjectAlternativeNames":[null],"DomainValidationOptions":[{}],"Includes":{},"MaxItems":1e2}`)
	}
	var api *acm.Service
	f.Fuzz(func(t *testing.T, operation, body string) {
		if api == nil {
			api = acm.New(acm.Config{Certificates: open(t, func(c *certificate.Config) { c.ACME = &certificate.ACME{} }).service, Account: account, Region: "us-east-1"})
		}
		r := &awswire.Request{Method: http.MethodPost, Header: http.Header{"X-Amz-Target": {"CertificateManager." + operation}}, Body: []byte(body), Principal: &sockgate.Principal{}}
		api.Permission(r)
		resp, err := api.Serve(context.Background(), r)
		if status, typ, _ := awswire.Describe(err); err != nil && status >= 500 && typ != "NotImplementedException" {
			t.Errorf("%v", err)
		}
		if err == nil && len(resp.Body) > 0 && !json.Valid(resp.Body) {
			t.Errorf("answer %s", resp.Body)
		}
	})
}
