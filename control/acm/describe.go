package acm

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/sockgate/sockgate/service/certificate"
)

type named struct{ Name string }

type extendedUsage struct {
	Name string
	OID  string
}

type resourceRecord struct{ Name, Type, Value string }

// domainValidation of an imported certificate has nothing but its name.
type domainValidation struct {
	DomainName       string
	ValidationDomain string          `json:",omitempty"`
	ValidationStatus string          `json:",omitempty"`
	ResourceRecord   *resourceRecord `json:",omitempty"`
	ValidationMethod string          `json:",omitempty"`
	ValidationEmails *[]string       `json:",omitempty"`
}

type renewalSummary struct {
	RenewalStatus           string
	RenewalStatusReason     string `json:",omitempty"`
	DomainValidationOptions []domainValidation
	UpdatedAt               *timestamp
}

type transparency struct{ CertificateTransparencyLoggingPreference string }

// detail is a CertificateDetail.
type detail struct {
	CertificateArn           string
	DomainName               string
	SubjectAlternativeNames  []string
	DomainValidationOptions  []domainValidation
	Serial                   string `json:",omitempty"`
	Subject                  string `json:",omitempty"`
	Issuer                   string `json:",omitempty"`
	CreatedAt                *timestamp
	IssuedAt                 *timestamp `json:",omitempty"`
	ImportedAt               *timestamp `json:",omitempty"`
	Status                   certificate.Status
	NotBefore                *timestamp `json:",omitempty"`
	NotAfter                 *timestamp `json:",omitempty"`
	KeyAlgorithm             string
	SignatureAlgorithm       string
	InUseBy                  []string
	FailureReason            string `json:",omitempty"`
	Type                     string
	RenewalSummary           *renewalSummary `json:",omitempty"`
	KeyUsages                []named
	ExtendedKeyUsages        []extendedUsage
	RenewalEligibility       string
	Options                  transparency
	CertificateKeyPairOrigin string
}

func (s *Service) describeCertificate(c *call) (any, error) {
	in, err := read[arnOnly](c)
	if err == nil {
		err = checkARN("certificateArn", in.CertificateArn)
	}
	if err != nil {
		return nil, err
	}
	r, err := s.Certificates.Get(c.ctx, *in.CertificateArn)
	if err != nil {
		return nil, err
	}
	return struct{ Certificate *detail }{s.describe(r)}, nil
}

// describe shows a record. What is there of it and when follows answers of AWS's that were recorded; the kinds of keys are spelled as in the
// API's model ("RSA_2048"), although AWS has been seen to write "RSA-2048".
func (s *Service) describe(r *certificate.Record) *detail {
	arn := s.Certificates.ARN(r.ID)
	d := &detail{
		CertificateArn: arn, DomainName: r.Domain(), SubjectAlternativeNames: names(r), CreatedAt: when(r.Created),
		Status: r.StatusAt(s.Clock()), InUseBy: s.Certificates.InUseBy(arn), FailureReason: r.Failure, RenewalEligibility: "INELIGIBLE",
		Options: transparency{"ENABLED"}, KeyUsages: []named{}, ExtendedKeyUsages: []extendedUsage{}, DomainValidationOptions: []domainValidation{},
	}
	if d.InUseBy == nil {
		d.InUseBy = []string{}
	}
	if r.Imported {
		d.Type, d.CertificateKeyPairOrigin, d.ImportedAt = "IMPORTED", "CUSTOMER_PROVIDED", when(r.Replaced)
		d.Options = transparency{"DISABLED"}
		for _, name := range d.SubjectAlternativeNames {
			d.DomainValidationOptions = append(d.DomainValidationOptions, domainValidation{DomainName: name})
		}
	} else {
		d.Type, d.CertificateKeyPairOrigin, d.IssuedAt = "AMAZON_ISSUED", "AWS_MANAGED", when(r.Issued)
		if r.Opaque {
			d.Options = transparency{"DISABLED"}
		}
		d.KeyAlgorithm, d.Subject, d.SignatureAlgorithm = r.Request.Algorithm, "CN="+r.Request.Domain, "SHA256WITHRSA"
		d.DomainValidationOptions = validations(r, d.Status)
		if len(d.InUseBy) > 0 && d.Status == certificate.Issued {
			d.RenewalEligibility = "ELIGIBLE"
		}
		if n := r.Renewal; n != nil {
			d.RenewalSummary = &renewalSummary{n.Status, n.Reason, d.DomainValidationOptions, when(n.Updated)}
		}
	}
	if leaf := r.Certificate(); leaf != nil {
		d.Serial, d.Subject, d.Issuer = serial(leaf), distinguishedName(leaf.RawSubject), issuer(leaf)
		d.NotBefore, d.NotAfter = when(leaf.NotBefore), when(leaf.NotAfter)
		d.KeyAlgorithm, d.SignatureAlgorithm = certificate.Algorithm(leaf), signatureAlgorithm(leaf)
		for _, name := range keyUsages(leaf) {
			d.KeyUsages = append(d.KeyUsages, named{name})
		}
		d.ExtendedKeyUsages = append(d.ExtendedKeyUsages, extendedUsages(leaf)...)
	}
	return d
}

// names returns all names of a certificate, the first of which is its own.
func names(r *certificate.Record) []string {
	all := []string{}
	if domain := r.Domain(); domain != "" {
		all = append(all, domain)
	}
	for _, name := range r.Names() {
		if !slices.ContainsFunc(all, func(have string) bool { return strings.EqualFold(have, name) }) {
			all = append(all, name)
		}
	}
	return all
}

func validations(r *certificate.Record, status certificate.Status) []domainValidation {
	var list []domainValidation
	for i, name := range r.Request.Names {
		v := domainValidation{DomainName: name, ValidationDomain: name, ValidationMethod: r.Request.Validation, ValidationStatus: "SUCCESS"}
		if i == 0 {
			v.DomainName, v.ValidationDomain = r.Request.Domain, r.Request.Domain
		}
		if domain := r.Request.Domains[name]; domain != "" {
			v.ValidationDomain = domain
		}
		switch status {
		case certificate.Pending:
			v.ValidationStatus = "PENDING_VALIDATION"
		case certificate.Failed, certificate.TimedOut:
			v.ValidationStatus = "FAILED"
		}
		switch r.Request.Validation {
		case "DNS":
			record, value := r.Request.DNSRecord(name)
			v.ResourceRecord = &resourceRecord{record, "CNAME", value}
		case "EMAIL":
			v.ValidationEmails = &[]string{}
		}
		list = append(list, v)
	}
	return list
}

// serial is a serial number in pairs of hexadecimal digits: "0a:1b".
func serial(c *x509.Certificate) string {
	raw := c.SerialNumber.Bytes()
	if len(raw) == 0 {
		raw = []byte{0}
	}
	pairs := make([]string, len(raw))
	for i := range raw {
		pairs[i] = hex.EncodeToString(raw[i : i+1])
	}
	return strings.Join(pairs, ":")
}

// issuer names who signed a certificate: AWS shows the organization.
func issuer(c *x509.Certificate) string {
	if len(c.Issuer.Organization) > 0 {
		return c.Issuer.Organization[0]
	}
	if c.Issuer.CommonName != "" {
		return c.Issuer.CommonName
	}
	return distinguishedName(c.RawIssuer)
}

// attributeNames are the short names of a distinguished name's attributes.
var attributeNames = map[string]string{
	"2.5.4.3": "CN", "2.5.4.4": "SN", "2.5.4.5": "SERIALNUMBER", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.9": "STREET", "2.5.4.10": "O",
	"2.5.4.11": "OU", "2.5.4.12": "T", "2.5.4.17": "POSTALCODE", "2.5.4.42": "GIVENNAME", "0.9.2342.19200300.100.1.25": "DC",
	"1.2.840.113549.1.9.1": "EMAILADDRESS",
}

// distinguishedName writes a name in the order in which the certificate has it: "C=AU,O=Example,CN=example.com".
func distinguishedName(raw []byte) string {
	type attribute struct {
		Type  asn1.ObjectIdentifier
		Value asn1.RawValue
	}
	type attributeSET []attribute
	var sets []attributeSET
	if _, err := asn1.Unmarshal(raw, &sets); err != nil {
		return ""
	}
	var parts []string
	for _, set := range sets {
		for _, a := range set {
			name, ok := attributeNames[a.Type.String()]
			if !ok {
				name = a.Type.String()
			}
			parts = append(parts, name+"="+escapeName(string(a.Value.Bytes)))
		}
	}
	return strings.Join(parts, ",")
}

// escapeName escapes what separates attributes. Source: RFC 4514, section 2.4.
var nameEscaper = strings.NewReplacer(`\`, `\\`, `,`, `\,`, `+`, `\+`, `"`, `\"`, `<`, `\<`, `>`, `\>`, `;`, `\;`)

func escapeName(v string) string { return nameEscaper.Replace(v) }

func signatureAlgorithm(c *x509.Certificate) string {
	switch c.SignatureAlgorithm {
	case x509.SHA256WithRSA, x509.SHA256WithRSAPSS:
		return "SHA256WITHRSA"
	case x509.SHA384WithRSA, x509.SHA384WithRSAPSS:
		return "SHA384WITHRSA"
	case x509.SHA512WithRSA, x509.SHA512WithRSAPSS:
		return "SHA512WITHRSA"
	case x509.ECDSAWithSHA256:
		return "SHA256WITHECDSA"
	case x509.ECDSAWithSHA384:
		return "SHA384WITHECDSA"
	case x509.ECDSAWithSHA512:
		return "SHA512WITHECDSA"
	}
	return strings.ToUpper(c.SignatureAlgorithm.String())
}

// keyUsageNames are in the order of their bits.
var keyUsageNames = []struct {
	bit  x509.KeyUsage
	name string
}{
	{x509.KeyUsageDigitalSignature, "DIGITAL_SIGNATURE"}, {x509.KeyUsageContentCommitment, "NON_REPUDIATION"},
	{x509.KeyUsageKeyEncipherment, "KEY_ENCIPHERMENT"}, {x509.KeyUsageDataEncipherment, "DATA_ENCIPHERMENT"},
	{x509.KeyUsageKeyAgreement, "KEY_AGREEMENT"}, {x509.KeyUsageCertSign, "CERTIFICATE_SIGNING"}, {x509.KeyUsageCRLSign, "CRL_SIGNING"},
	{x509.KeyUsageEncipherOnly, "ENCIPHER_ONLY"}, {x509.KeyUsageDecipherOnly, "DECIPHER_ONLY"},
}

func keyUsages(c *x509.Certificate) []string {
	all := []string{}
	for _, u := range keyUsageNames {
		if c.KeyUsage&u.bit != 0 {
			all = append(all, u.name)
		}
	}
	return all
}

var extendedUsageNames = map[x509.ExtKeyUsage]extendedUsage{
	x509.ExtKeyUsageAny:             {"ANY", "2.5.29.37.0"},
	x509.ExtKeyUsageServerAuth:      {"TLS_WEB_SERVER_AUTHENTICATION", "1.3.6.1.5.5.7.3.1"},
	x509.ExtKeyUsageClientAuth:      {"TLS_WEB_CLIENT_AUTHENTICATION", "1.3.6.1.5.5.7.3.2"},
	x509.ExtKeyUsageCodeSigning:     {"CODE_SIGNING", "1.3.6.1.5.5.7.3.3"},
	x509.ExtKeyUsageEmailProtection: {"EMAIL_PROTECTION", "1.3.6.1.5.5.7.3.4"},
	x509.ExtKeyUsageIPSECEndSystem:  {"IPSEC_END_SYSTEM", "1.3.6.1.5.5.7.3.5"},
	x509.ExtKeyUsageIPSECTunnel:     {"IPSEC_TUNNEL", "1.3.6.1.5.5.7.3.6"},
	x509.ExtKeyUsageIPSECUser:       {"IPSEC_USER", "1.3.6.1.5.5.7.3.7"},
	x509.ExtKeyUsageTimeStamping:    {"TIME_STAMPING", "1.3.6.1.5.5.7.3.8"},
	x509.ExtKeyUsageOCSPSigning:     {"OCSP_SIGNING", "1.3.6.1.5.5.7.3.9"},
}

func extendedUsages(c *x509.Certificate) []extendedUsage {
	var all []extendedUsage
	for _, u := range c.ExtKeyUsage {
		if e, ok := extendedUsageNames[u]; ok {
			all = append(all, e)
		} else {
			all = append(all, extendedUsage{Name: "CUSTOM"})
		}
	}
	for _, oid := range c.UnknownExtKeyUsage {
		all = append(all, extendedUsage{"CUSTOM", oid.String()})
	}
	return all
}

// getCertificate shows the certificate and its chain. The text for one that is not issued is UNCONFIRMED.
func (s *Service) getCertificate(c *call) (any, error) {
	in, err := read[arnOnly](c)
	if err == nil {
		err = checkARN("certificateArn", in.CertificateArn)
	}
	if err != nil {
		return nil, err
	}
	r, err := s.Certificates.Get(c.ctx, *in.CertificateArn)
	if err != nil {
		return nil, err
	}
	if r.Leaf == "" {
		return nil, refuse("RequestInProgressException", "Certificate %s in account %s has not been issued.", *in.CertificateArn, s.Account)
	}
	return struct {
		Certificate      string
		CertificateChain string `json:",omitempty"`
	}{r.Leaf, r.Chain}, nil
}
