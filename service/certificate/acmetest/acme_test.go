package acmetest_test

import (
	"crypto/tls"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/acm/types"

	"github.com/sockgate/sockgate/config"
	"github.com/sockgate/sockgate/internal/gatewaytest"
)

// gateway is a whole gateway that has its certificates issued by pebble.
type gateway struct {
	*gatewaytest.Gateway
	t      *testing.T
	pebble *pebble
	client *acm.Client
}

func startGateway(t *testing.T, edit func(*config.Config)) *gateway {
	t.Helper()
	g := &gateway{t: t, pebble: startPebble(t)}
	g.Gateway = gatewaytest.Start(t, func(c *config.Config) {
		c.RootAccessKeyID, c.RootSecretAccessKey = "AKIDROOT", "root-secret"
		c.TLS.ACMEDirectory, c.TLS.ACMECAFile, c.TLS.ACMEAgreed, c.TLS.ACMEEmail = g.pebble.directory, g.pebble.caFile, true, "admin@example.test"
		if edit != nil {
			edit(c)
		}
	})
	_, portText, err := net.SplitHostPort(g.Addr())
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		t.Fatal(err)
	}
	g.pebble.serve(t, port)
	g.client = acm.New(acm.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://" + g.ManagementAddr()), Credentials: credentials.NewStaticCredentialsProvider("AKIDROOT", "root-secret", ""),
	})
	return g
}

func (g *gateway) request(names ...string) string {
	g.t.Helper()
	in := &acm.RequestCertificateInput{DomainName: &names[0], ValidationMethod: types.ValidationMethodDns, KeyAlgorithm: types.KeyAlgorithmEcPrime256v1}
	if len(names) > 1 {
		in.SubjectAlternativeNames = names[1:]
	}
	out, err := g.client.RequestCertificate(g.t.Context(), in)
	if err != nil {
		g.t.Fatal(err)
	}
	return *out.CertificateArn
}

func (g *gateway) describe(arn string) *types.CertificateDetail {
	g.t.Helper()
	out, err := g.client.DescribeCertificate(g.t.Context(), &acm.DescribeCertificateInput{CertificateArn: &arn})
	if err != nil {
		g.t.Fatal(err)
	}
	return out.Certificate
}

// await describes a certificate until ok agrees.
func (g *gateway) await(arn, what string, ok func(*types.CertificateDetail) bool) *types.CertificateDetail {
	g.t.Helper()
	for end := time.Now().Add(gatewaytest.Patience); ; time.Sleep(20 * time.Millisecond) {
		d := g.describe(arn)
		if ok(d) {
			return d
		}
		if time.Now().After(end) {
			g.t.Fatalf("%s is not to be seen; the certificate is %s", what, d.Status)
		}
	}
}

func issued(d *types.CertificateDetail) bool { return d.Status == types.CertificateStatusIssued }

// TestACME: names are proven at the gateway's own port, in both ways, and the certificate is served.
func TestACME(t *testing.T) {
	for _, challenge := range []string{"http-01", "tls-alpn-01", "any"} {
		t.Run(challenge, func(t *testing.T) {
			t.Parallel()
			g := startGateway(t, func(c *config.Config) {
				c.TLS.ACMEChallenges = challenge
				if challenge == "any" {
					c.Listeners.Management = "127.0.0.1:0" // the edge alone answers challenges too
				}
			})
			// certmagic keeps the challenges of a process, by name: tests that run at the same time have names of their own.
			name := "ws." + challenge + ".example.test"
			other := g.request("other."+challenge+".example.test", name) // at the same time, and it wants one of the names too
			arn := g.request(name, "other."+challenge+".example.test")
			g.await(other, "the other certificate", issued)
			d := g.await(arn, "the certificate", issued)
			if !strings.HasPrefix(*d.Issuer, "Pebble") || d.IssuedAt == nil || d.DomainValidationOptions[0].ValidationStatus != types.DomainStatusSuccess {
				t.Errorf("%+v", d)
			}
			for _, name := range []string{name, "other." + challenge + ".example.test"} {
				conn, err := tls.Dial("tcp", g.Addr(), &tls.Config{RootCAs: g.pebble.roots(), ServerName: name})
				if err != nil {
					t.Fatal(err)
				}
				_ = conn.Close()
			}
			if _, err := g.client.RenewCertificate(t.Context(), &acm.RenewCertificateInput{CertificateArn: &arn}); err != nil {
				t.Fatal(err)
			}
			g.await(arn, "the renewed one", func(n *types.CertificateDetail) bool {
				return *n.Serial != *d.Serial && n.RenewalSummary.RenewalStatus == types.RenewalStatusSuccess
			})
		})
	}
}

// TestACMERefuses: what the authority will never issue fails, with a reason; what it would not issue now is tried again later.
func TestACMERefuses(t *testing.T) {
	t.Parallel()
	g := startGateway(t, nil)
	if err := g.pebble.db.AddBlockedDomain("blocked.test"); err != nil {
		t.Fatal(err)
	}
	failed := func(d *types.CertificateDetail) bool { return d.Status == types.CertificateStatusFailed }
	if d := g.await(g.request("a.blocked.test"), "the failure", failed); d.FailureReason != types.FailureReasonDomainNotAllowed ||
		d.DomainValidationOptions[0].ValidationStatus != types.DomainStatusFailed {
		t.Errorf("%+v", d)
	}
	asked := g.pebble.asked.Load()
	if d := g.await(g.request("*.example.test"), "the failure", failed); d.FailureReason != types.FailureReasonAdditionalVerificationRequired {
		t.Errorf("%+v", d)
	}
	if g.pebble.asked.Load() != asked {
		t.Error("the authority was asked for a wildcard, which it would have to refuse")
	}
}

// TestACMEChallengePath: questions that nobody has reason to ask are answered without a sign of what else is there.
func TestACMEChallengePath(t *testing.T) {
	t.Parallel()
	g := startGateway(t, nil)
	for _, path := range []string{"/.well-known/acme-challenge/x", "/.well-known/acme-challenge/", "/.well-known/acme-challenge/../x"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+g.Addr()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "stranger.example.test"
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusNotFound && resp.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
	_, err := tls.Dial("tcp", g.Addr(), &tls.Config{InsecureSkipVerify: true, ServerName: "stranger.example.test", NextProtos: []string{"acme-tls/1"}})
	if err == nil {
		t.Error("a TLS-ALPN question about a name that is not being checked was answered")
	}
}

// TestACMEIsAway: a pending certificate waits for its authority and holds up no other; what was issued outlives the gateway, and so does the account.
func TestACMEIsAway(t *testing.T) {
	t.Parallel()
	g := startGateway(t, nil)
	handler := g.pebble.handler.Swap(nil) // it answers 503
	asked := g.pebble.asked.Load()
	late := g.request("late.example.test")
	for g.pebble.asked.Load() == asked {
		time.Sleep(10 * time.Millisecond)
	}
	if d := g.describe(late); d.Status != types.CertificateStatusPendingValidation {
		t.Errorf("%s", d.Status)
	}
	g.pebble.handler.Store(handler)
	g.await(g.request("second.example.test"), "another certificate", issued)
	if err := g.Restart(); err != nil {
		t.Fatal(err)
	}
	conn, err := tls.Dial("tcp", g.Addr(), &tls.Config{RootCAs: g.pebble.roots(), ServerName: "second.example.test"})
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	g.await(g.request("third.example.test"), "a certificate of the gateway that came back", issued)
	if n := g.pebble.accounts.Load(); n != 1 {
		t.Errorf("%d accounts were made", n)
	}
	if d := g.describe(late); d.Status != types.CertificateStatusPendingValidation { // for a minute
		t.Errorf("%s", d.Status)
	}
}
