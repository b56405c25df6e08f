package gatewaytest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	acmtypes "github.com/aws/aws-sdk-go-v2/service/acm/types"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/smithy-go"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sockgate/sockgate/server"
)

// ACM returns an SDK client of the certificates. It does not retry.
func (g *Gateway) ACM() *acm.Client {
	return acm.New(acm.Options{
		Region: g.Config.Region, Credentials: g.credentials(), HTTPClient: g.http, RetryMaxAttempts: 1,
		BaseEndpoint: aws.String("http://" + g.ManagementAddr()),
	})
}

// setDomain makes a domain name with a certificate of the gateway's own authority, and maps keys of it to stages of the current API.
func (s *story) setDomain(ts *testscript.TestScript, args []string) error {
	if len(args) < 1 {
		return usage("domain NAME [KEY=STAGE ...]")
	}
	err := s.makeDomain(args[0], args[1:])
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return &refused{api.ErrorCode() + ": " + api.ErrorMessage()}
	}
	return err
}

func (s *story) makeDomain(name string, mappings []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	c := s.gateway.ACM()
	requested, err := c.RequestCertificate(ctx, &acm.RequestCertificateInput{DomainName: &name, ValidationMethod: acmtypes.ValidationMethodDns})
	if err != nil {
		return err
	}
	for {
		d, err := c.DescribeCertificate(ctx, &acm.DescribeCertificateInput{CertificateArn: requested.CertificateArn})
		if err != nil {
			return err
		}
		if d.Certificate.Status == acmtypes.CertificateStatusIssued {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	_, err = s.gateway.Control().CreateDomainName(ctx, &apigatewayv2.CreateDomainNameInput{DomainName: &name,
		DomainNameConfigurations: []types.DomainNameConfiguration{{CertificateArn: requested.CertificateArn}}})
	if err != nil {
		return err
	}
	for _, m := range mappings {
		key, stage, ok := strings.Cut(m, "=")
		if !ok {
			return fmt.Errorf("%q is not of the form KEY=STAGE", m)
		}
		_, err := s.gateway.Control().CreateApiMapping(ctx, &apigatewayv2.CreateApiMappingInput{
			DomainName: &name, ApiId: &s.api, ApiMappingKey: &key, Stage: &stage})
		if err != nil {
			return err
		}
	}
	return nil
}

// dial opens a WebSocket at the current API, or with by=NAME over TLS at a domain name.
func (s *story) dial(target string, options []string) (*Client, error) {
	var headers []string
	name := ""
	for _, o := range options {
		if by, ok := strings.CutPrefix(o, "by="); ok {
			name = by
		} else {
			headers = append(headers, o)
		}
	}
	if name == "" {
		return Dial(s.gateway.Addr(), s.gateway.Host(s.api), target, headers...)
	}
	pem, err := os.ReadFile(server.AuthorityFile(s.gateway.Config.Data))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: Patience}, "tcp", s.gateway.Addr(), &tls.Config{ServerName: name, RootCAs: roots, MinVersion: tls.VersionTLS12})
	if err != nil {
		return nil, err
	}
	c, err := Handshake(conn, name+":"+s.gateway.Port(), target, headers...)
	if err != nil {
		conn.Close()
	}
	return c, err
}

// toDomain makes a request that was made for the gateway's address one for a domain name.
func (s *story) toDomain(req *http.Request, name string) {
	req.URL.Host, req.Host = s.gateway.Addr(), name+":"+s.gateway.Port()
}
