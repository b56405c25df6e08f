package sockgate

import "time"

// DomainName is a custom domain name: a host that clients may use instead of an API's own, with its certificate and the APIs
// behind it. It is stored as one document with its mappings, so that every change is atomic.
type DomainName struct {
	Name           string // lower case; "*.example.com" stands for every name one label below example.com
	CertificateARN string // of the certificate that clients are shown
	// OwnershipCertificateARN is of a certificate that shows that the domain is the caller's; stored and shown, without effect.
	OwnershipCertificateARN string
	CertificateName         string     // stored and shown, without effect
	EndpointType            string     // "REGIONAL"
	SecurityPolicy          string     // "TLS_1_2"
	IPAddressType           string     // "ipv4" or "dualstack"; stored and shown, without effect here
	GatewayName             string     // "d-{10 letters and digits}.execute-api.{region}.amazonaws.com": what DNS records of AWS users point at
	MutualTLS               *MutualTLS // nil: clients show no certificates
	Mappings                []APIMapping
	Tags                    map[string]string
	CreatedAt               time.Time
}

// MutualTLS says which certificates clients of a domain name must show.
type MutualTLS struct {
	TruststoreURI     string // "s3://bucket/key" or "file:///path"
	TruststoreVersion string // of the S3 object; empty for the newest
	Warnings          []string
	// Bundle is the truststore as it was when the domain name was last changed, in PEM: every node needs it, and a file that is
	// replaced must not change who is let in.
	Bundle string
}

// APIMapping leads a path of a domain name to a stage.
type APIMapping struct {
	ID    string // 6 lowercase letters and digits
	Key   string // "", "orders" or "orders/v1": what stands between host and end of the path
	APIID string
	Stage string
}
