package apigatewayv2

import (
	"context"
	"strings"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/awswire"
)

// Domains is what domain names need of other parts. Without a function, no certificate or truststore is known.
type Domains struct {
	// Certificate finds a certificate by its ARN.
	Certificate func(arn string) (c Certificate, ok bool)
	// Truststore reads and checks a truststore: its bundle in PEM form, and what is wrong with parts of it. Its errors are Invalid.
	Truststore func(ctx context.Context, uri, version string) (bundle string, warnings []string, err error)
}

// Certificate is what must be known of a certificate before a domain name uses it.
type Certificate interface {
	Issued() bool            // it can be shown to clients
	Covers(name string) bool // name may be a wildcard
}

// The only values of their kind that WebSocket APIs have. Source: reference websocket-api section 13.
const (
	regional = "REGIONAL"
	tls12    = "TLS_1_2"
)

type domainOut struct {
	APIMappingSelectionExpression string            `json:"apiMappingSelectionExpression"`
	DomainName                    string            `json:"domainName"`
	DomainNameARN                 string            `json:"domainNameArn"`
	DomainNameConfigurations      []domainConfigOut `json:"domainNameConfigurations"`
	MutualTLSAuthentication       *mutualTLSOut     `json:"mutualTlsAuthentication,omitempty"`
	RoutingMode                   string            `json:"routingMode"`
	Tags                          map[string]string `json:"tags"`
}

type domainConfigOut struct {
	APIGatewayDomainName    string `json:"apiGatewayDomainName"`
	CertificateARN          string `json:"certificateArn"`
	CertificateName         string `json:"certificateName,omitempty"`
	DomainNameStatus        string `json:"domainNameStatus"`
	EndpointType            string `json:"endpointType"`
	HostedZoneID            string `json:"hostedZoneId"`
	IPAddressType           string `json:"ipAddressType"`
	OwnershipCertificateARN string `json:"ownershipVerificationCertificateArn,omitempty"`
	SecurityPolicy          string `json:"securityPolicy"`
}

type mutualTLSOut struct {
	TruststoreURI      string   `json:"truststoreUri"`
	TruststoreVersion  string   `json:"truststoreVersion,omitempty"`
	TruststoreWarnings []string `json:"truststoreWarnings,omitempty"`
}

// showDomain shows a domain name. Its status is always AVAILABLE: a change is live when it is answered.
func (s *Service) showDomain(d *sockgate.DomainName) any {
	out := &domainOut{
		APIMappingSelectionExpression: "$request.basepath",
		DomainName:                    d.Name,
		DomainNameARN:                 s.domainARN(d.Name),
		DomainNameConfigurations: []domainConfigOut{{
			APIGatewayDomainName: d.GatewayName, CertificateARN: d.CertificateARN, CertificateName: d.CertificateName,
			DomainNameStatus: "AVAILABLE", EndpointType: d.EndpointType, HostedZoneID: hostedZone(s.Region), IPAddressType: d.IPAddressType,
			OwnershipCertificateARN: d.OwnershipCertificateARN, SecurityPolicy: d.SecurityPolicy,
		}},
		RoutingMode: "API_MAPPING_ONLY",
		Tags:        shown(d.Tags),
	}
	if m := d.MutualTLS; m != nil {
		out.MutualTLSAuthentication = &mutualTLSOut{m.TruststoreURI, m.TruststoreVersion, m.Warnings}
	}
	return out
}

func (s *Service) domainARN(name string) string {
	return "arn:aws:apigateway:" + s.Region + "::/domainnames/" + name
}

// domainVar returns the name in a call's path. One with capitals is no name: AWS was seen to keep names in lower case and to answer 404
// for others. Policies, too, are held against the path as it is written.
func domainVar(in *input) string { return in.vars["domainName"] }

// applyDomain copies the members onto d and checks them. Of a configuration, the members that are there replace the older ones.
func (s *Service) applyDomain(ctx context.Context, m members, d *sockgate.DomainName) error {
	var mode string
	if set(m, "routingMode", &mode) && mode != "API_MAPPING_ONLY" {
		return awswire.NotBuilt(s.Name(), "routing mode "+mode)
	}
	var configs []members
	if given := set(m, "domainNameConfigurations", &configs); given && len(configs) != 1 || !given && d.CertificateARN == "" {
		return sockgate.Invalidf("Invalid input. Expected one domain name configuration")
	}
	if len(configs) == 1 {
		if err := s.applyConfig(configs[0], d); err != nil {
			return err
		}
	}
	return s.applyMutualTLS(ctx, m, d)
}

func (s *Service) applyConfig(c members, d *sockgate.DomainName) error {
	var endpoint, policy string
	// Seen of AWS: EDGE is refused, and what is no type at all gives a REGIONAL domain name.
	if set(c, "endpointType", &endpoint) && endpoint == "EDGE" {
		return sockgate.Invalidf("EDGE endpoint type is not supported for APIGatewayV2 domainName")
	}
	if set(c, "securityPolicy", &policy) && policy != tls12 && policy != "" {
		return sockgate.Invalidf("%s is not supported for APIGatewayV2 domainName.", policy)
	}
	set(c, "certificateArn", &d.CertificateARN)
	set(c, "certificateName", &d.CertificateName)
	set(c, "ipAddressType", &d.IPAddressType)
	set(c, "ownershipVerificationCertificateArn", &d.OwnershipCertificateARN)
	if d.CertificateARN == "" {
		return sockgate.Invalidf("A certificate was not provided for the endpoint type %s.", regional)
	}
	if err := s.checkCertificate(d.CertificateARN, d.Name); err != nil {
		return err
	}
	if d.OwnershipCertificateARN == "" {
		return nil
	}
	return s.checkCertificate(d.OwnershipCertificateARN, d.Name)
}

// checkCertificate checks that a certificate can be shown for a name. The texts were seen of AWS, but for the last two: UNCONFIRMED.
func (s *Service) checkCertificate(arn, name string) error {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "acm" || !strings.HasPrefix(parts[5], "certificate/") {
		return sockgate.Invalidf("Invalid certificate ARN: %s.", arn)
	}
	if parts[3] != s.Region {
		return sockgate.Invalidf("Invalid certificate ARN: %s. Certificate must be in '%s'.", arn, s.Region)
	}
	if parts[4] != s.Account {
		return sockgate.Invalidf("The certificate provided must be owned by the account creating the domain.")
	}
	var c Certificate
	var ok bool
	if s.Domains.Certificate != nil {
		c, ok = s.Domains.Certificate(arn)
	}
	switch {
	case !ok:
		return sockgate.Invalidf("The provided certificate does not exist.")
	case !c.Issued():
		return sockgate.Invalidf("Certificate %s in account %s not yet issued", arn, s.Account)
	case !c.Covers(name):
		return sockgate.Invalidf("The domain name %s does not match the names of the provided certificate.", name)
	}
	return nil
}

// applyMutualTLS turns mutual TLS on, to another truststore, or with an empty URI off. The truststore is read whenever it is named,
// as on AWS: that is how a new version comes into use.
func (s *Service) applyMutualTLS(ctx context.Context, m members, d *sockgate.DomainName) error {
	var given members
	if !set(m, "mutualTlsAuthentication", &given) {
		return nil
	}
	now := sockgate.MutualTLS{}
	if d.MutualTLS != nil {
		now.TruststoreURI = d.MutualTLS.TruststoreURI
	}
	set(given, "truststoreUri", &now.TruststoreURI)
	set(given, "truststoreVersion", &now.TruststoreVersion)
	if now.TruststoreURI == "" {
		d.MutualTLS = nil
		return nil
	}
	if s.Domains.Truststore == nil {
		return sockgate.Invalidf("Mutual TLS needs a truststore, and none can be read here")
	}
	var err error
	if now.Bundle, now.Warnings, err = s.Domains.Truststore(ctx, now.TruststoreURI, now.TruststoreVersion); err != nil {
		return err
	}
	d.MutualTLS = &now
	return nil
}

func (s *Service) createDomainName(ctx context.Context, in *input) (any, error) {
	d := &sockgate.DomainName{EndpointType: regional, SecurityPolicy: tls12, IPAddressType: "ipv4", CreatedAt: s.Clock()}
	set(in.body, "domainName", &d.Name)
	d.Name = strings.ToLower(d.Name)
	if err := checkDomainName(d.Name); err != nil {
		return nil, err
	}
	if _, err := s.Catalog.DomainName(ctx, d.Name); err == nil {
		return nil, errDomainExists
	}
	if err := s.applyDomain(ctx, in.body, d); err != nil {
		return nil, err
	}
	var err error
	if d.Tags, err = newTags(in.body); err != nil {
		return nil, err
	}
	d.GatewayName = "d-" + newID(apiIDLength) + ".execute-api." + s.Region + ".amazonaws.com"
	err = s.Catalog.CreateDomainName(ctx, d)
	if sockgate.KindOf(err) == sockgate.Conflict && err != nil {
		return nil, errDomainExists.Because(err)
	}
	if err != nil {
		return nil, err
	}
	return s.showDomain(d), nil
}

// errDomainExists is as in reference control-plane section 1.6. UNCONFIRMED: others saw AWS answer 400 BadRequestException with "The
// domain name you provided already exists."
var errDomainExists = sockgate.Conflictf("The domain name resource already exists.")

func (s *Service) getDomainNames(ctx context.Context, in *input) (any, error) {
	all, err := s.Catalog.DomainNames(ctx)
	if err != nil {
		return nil, err
	}
	domains := make([]sockgate.DomainName, len(all))
	for i, d := range all {
		domains[i] = *d
	}
	return list(in, "GetDomainNames", domains, func(d *sockgate.DomainName) string { return d.Name }, s.showDomain)
}

func (s *Service) getDomainName(ctx context.Context, in *input) (any, error) {
	d, err := s.Catalog.DomainName(ctx, domainVar(in))
	if err != nil {
		return nil, err
	}
	return s.showDomain(d), nil
}

// changeDomain edits a domain name as one atomic step, and returns it as it is then.
func (s *Service) changeDomain(ctx context.Context, name string, edit func(*sockgate.DomainName) error) (*sockgate.DomainName, error) {
	done, err := s.turn(ctx, "domain name "+name)
	if err != nil {
		return nil, err
	}
	defer done()
	return s.Catalog.ChangeDomainName(ctx, name, edit)
}

func (s *Service) updateDomainName(ctx context.Context, in *input) (any, error) {
	d, err := s.changeDomain(ctx, domainVar(in), func(d *sockgate.DomainName) error { return s.applyDomain(ctx, in.body, d) })
	if err != nil {
		return nil, err
	}
	return s.showDomain(d), nil
}

// deleteDomainName deletes the mappings with the domain name. UNCONFIRMED: that AWS does so too rather than refuse.
func (s *Service) deleteDomainName(ctx context.Context, in *input) (any, error) {
	name := domainVar(in)
	done, err := s.turn(ctx, "domain name "+name)
	if err != nil {
		return nil, err
	}
	defer done()
	return nil, s.Catalog.DeleteDomainName(ctx, name)
}
