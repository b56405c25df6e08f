package acm

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/sockgate/sockgate/service/certificate"
)

// The largest parts of an import, in bytes. Source: the service's model.
const (
	maxCertificate = 32768
	maxPrivateKey  = 5120
	maxChain       = 2097152
)

// blob is bytes in base64. Text that is none is an error of the call's form.
type blob []byte

// UnmarshalJSON reads base64; null is absent.
func (b *blob) UnmarshalJSON(text []byte) error {
	var v []byte
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	*b = v
	return nil
}

type arnOnly struct{ CertificateArn *string }

func (s *Service) importCertificate(c *call) (any, error) {
	in, err := read[struct {
		CertificateArn                            *string
		Certificate, PrivateKey, CertificateChain blob
		Tags                                      []tag
	}](c)
	if err != nil {
		return nil, err
	}
	var f faults
	f.arn("certificateArn", in.CertificateArn, false)
	f.blob("certificate", in.Certificate, maxCertificate)
	f.blob("privateKey", in.PrivateKey, maxPrivateKey)
	if len(in.CertificateChain) > 0 {
		f.blob("certificateChain", in.CertificateChain, maxChain)
	}
	f.tags(in.Tags)
	if err := f.err(); err != nil {
		return nil, err
	}
	i := certificate.Import{Certificate: in.Certificate, PrivateKey: in.PrivateKey, Chain: in.CertificateChain}
	if in.CertificateArn != nil {
		if err := certificateARN(*in.CertificateArn); err != nil {
			return nil, err
		}
		if len(in.Tags) > 0 {
			return nil, invalid("Tagging is not permitted on re-import.")
		}
		i.ARN = *in.CertificateArn
	}
	if i.Tags, err = withTags(nil, in.Tags); err != nil {
		return nil, err
	}
	arn, err := s.Certificates.Import(c.ctx, i)
	return arnAnswer(arn, err)
}

// arnAnswer is the answer of what makes certificates.
func arnAnswer(arn string, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return struct{ CertificateArn string }{arn}, nil
}

// maxNames is how many names a certificate may have besides its first. Source: ACM User Guide, "Quotas".
const maxNames = 10

func (s *Service) requestCertificate(c *call) (any, error) {
	in, err := read[struct {
		DomainName, IdempotencyToken, CertificateAuthorityArn *string
		ValidationMethod, KeyAlgorithm, ManagedBy             string
		SubjectAlternativeNames                               []string
		DomainValidationOptions                               []struct{ DomainName, ValidationDomain *string }
		Options                                               *options
		Tags                                                  []tag
	}](c)
	if err != nil {
		return nil, err
	}
	var f faults
	f.need("domainName", in.DomainName != nil)
	f.text("domainName", in.DomainName, 1, 253, domainForm, domainPattern)
	f.text("idempotencyToken", in.IdempotencyToken, 1, 32, tokenForm, tokenPattern)
	f.oneOf("validationMethod", in.ValidationMethod, "EMAIL", "DNS", "HTTP")
	f.oneOf("keyAlgorithm", in.KeyAlgorithm, keyAlgorithms...)
	f.oneOf("managedBy", in.ManagedBy, "CLOUDFRONT")
	f.names("subjectAlternativeNames", in.SubjectAlternativeNames)
	for i, o := range in.DomainValidationOptions {
		f.need(indexed("domainValidationOptions", i, "domainName"), o.DomainName != nil)
		f.need(indexed("domainValidationOptions", i, "validationDomain"), o.ValidationDomain != nil)
		f.text(indexed("domainValidationOptions", i, "domainName"), o.DomainName, 1, 253, domainForm, domainPattern)
		f.text(indexed("domainValidationOptions", i, "validationDomain"), o.ValidationDomain, 1, 253, domainForm, domainPattern)
	}
	in.Options.check(&f)
	f.tags(in.Tags)
	if err := f.err(); err != nil {
		return nil, err
	}
	switch {
	case in.CertificateAuthorityArn != nil:
		return nil, invalid("Private certificate authorities are not supported.")
	case in.KeyAlgorithm != "" && !slices.Contains(requestable, in.KeyAlgorithm):
		return nil, invalid("The key algorithm %s is for imported certificates only.", in.KeyAlgorithm)
	case len(*in.DomainName) > 64:
		return nil, refuse("InvalidDomainValidationOptionsException", "The first domain name can be no longer than 64 characters.")
	}
	q := certificate.Request{Domain: *in.DomainName, Names: []string{strings.ToLower(*in.DomainName)}, Validation: "EMAIL", Algorithm: certificate.RSA2048}
	for _, name := range in.SubjectAlternativeNames {
		if name = strings.ToLower(name); !slices.Contains(q.Names, name) {
			q.Names = append(q.Names, name)
		}
	}
	if len(q.Names) > maxNames+1 {
		return nil, refuse("LimitExceededException", "The number of domain names exceeds the limit of %d.", maxNames)
	}
	if in.ValidationMethod != "" {
		q.Validation = in.ValidationMethod
	}
	if in.KeyAlgorithm != "" {
		q.Algorithm = in.KeyAlgorithm
	}
	if in.IdempotencyToken != nil {
		q.Token = *in.IdempotencyToken
	}
	for _, o := range in.DomainValidationOptions {
		name, domain := strings.ToLower(*o.DomainName), strings.ToLower(*o.ValidationDomain)
		if !q.HasName(name) {
			return nil, refuse("InvalidDomainValidationOptionsException", "The domain name %s is not one of the domain names of the certificate.", *o.DomainName)
		}
		if bare := strings.TrimPrefix(name, "*."); domain != name && domain != bare && !strings.HasSuffix(bare, "."+domain) {
			return nil, refuse("InvalidDomainValidationOptionsException", "The validation domain %s is not a superdomain of %s.", *o.ValidationDomain, *o.DomainName)
		}
		if q.Domains == nil {
			q.Domains = map[string]string{}
		}
		q.Domains[name] = domain
	}
	tags, err := withTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	arn, err := s.Certificates.Request(c.ctx, q, tags, in.Options.opaque())
	return arnAnswer(arn, err)
}

// The kinds of keys: all that ACM names, and those that certificates can be requested with.
var (
	keyAlgorithms = []string{"RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1"}
	requestable   = []string{certificate.RSA2048, certificate.P256, certificate.P384}
)

// names checks the names besides the first.
func (f *faults) names(member string, names []string) {
	if names != nil && (len(names) < 1 || len(names) > 100) {
		shown := "[" + strings.Join(names[:min(len(names), 3)], ", ") + "]"
		if len(names) > 100 {
			f.add(shown, member, atMost, 100)
		} else {
			f.add(shown, member, atLeast, 1)
		}
		return
	}
	for _, name := range names {
		if len(name) > 253 || !domainForm.MatchString(name) {
			f.add("["+strings.Join(names, ", ")+"]", member, "Member must satisfy constraint: [Member must have length less than or equal to 253, "+
				"Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: %s]", domainPattern)
			return
		}
	}
}

// options are CertificateOptions.
type options struct {
	CertificateTransparencyLoggingPreference, Export, ValidationMethod string
}

func (o *options) check(f *faults) {
	if o == nil {
		return
	}
	f.oneOf("options.certificateTransparencyLoggingPreference", o.CertificateTransparencyLoggingPreference, "ENABLED", "DISABLED")
	f.oneOf("options.export", o.Export, "ENABLED", "DISABLED")
	f.oneOf("options.validationMethod", o.ValidationMethod, "EMAIL", "DNS", "HTTP")
}

func (o *options) opaque() bool {
	return o != nil && o.CertificateTransparencyLoggingPreference == "DISABLED"
}

// updateCertificateOptions stores what is told back; nothing here logs certificates.
func (s *Service) updateCertificateOptions(c *call) (any, error) {
	in, err := read[struct {
		CertificateArn *string
		Options        *options
	}](c)
	if err != nil {
		return nil, err
	}
	var f faults
	f.arn("certificateArn", in.CertificateArn, true)
	f.need("options", in.Options != nil)
	in.Options.check(&f)
	if err := f.err(); err != nil {
		return nil, err
	}
	if err := certificateARN(*in.CertificateArn); err != nil {
		return nil, err
	}
	return nil, s.Certificates.Change(c.ctx, *in.CertificateArn, func(r *certificate.Record) error {
		switch {
		case r.Imported:
			return refuse("InvalidStateException", "The options of imported certificate %s cannot be changed.", *in.CertificateArn)
		case in.Options.Export == "ENABLED":
			return invalid("Certificates cannot be exported.")
		case in.Options.CertificateTransparencyLoggingPreference != "":
			r.Opaque = in.Options.opaque()
		}
		if in.Options.ValidationMethod != "" {
			r.Request.Validation = in.Options.ValidationMethod
		}
		return nil
	})
}

func (s *Service) deleteCertificate(c *call) (any, error) {
	in, err := read[arnOnly](c)
	if err == nil {
		err = checkARN("certificateArn", in.CertificateArn)
	}
	if err != nil {
		return nil, err
	}
	return nil, s.Certificates.Delete(c.ctx, *in.CertificateArn)
}

// renewCertificate renews what was issued here; AWS does so for private certificates alone.
func (s *Service) renewCertificate(c *call) (any, error) {
	in, err := read[arnOnly](c)
	if err == nil {
		err = checkARN("certificateArn", in.CertificateArn)
	}
	if err != nil {
		return nil, err
	}
	return nil, s.Certificates.Renew(c.ctx, *in.CertificateArn)
}
