package gatewaytest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"go.uber.org/goleak"

	"github.com/sockgate/sockgate/config"
	"github.com/sockgate/sockgate/server"
	"github.com/sockgate/sockgate/service/function/runtime/supervise"
)

// Patience is how long tests wait for what must happen. It is generous: a test that passes never waits for it to end.
const Patience = 20 * time.Second

// Main runs a package's tests and fails if they leave goroutines behind.
func Main(m *testing.M) {
	supervise.Main()
	goleak.VerifyTestMain(m)
}

// Gateway is a gateway in this process.
type Gateway struct {
	Config *config.Config
	Log    *Log // what the gateway itself wrote

	server *server.Server // nil when stopped, or when it is another process
	http   *http.Client

	addr, managementAddr string
	keyID, secret        string
}

// Start runs a gateway on a free port with a data directory of its own, until the test ends. edit may change the
// configuration before; it may be nil.
func Start(t *testing.T, edit func(*config.Config)) *Gateway {
	t.Helper()
	g, err := New(t.TempDir(), edit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Stop(); err != nil {
			t.Errorf("stop the gateway: %v", err)
		}
		if t.Failed() {
			t.Logf("the gateway's log:\n%s", g.Log)
		}
	})
	return g
}

// New starts a gateway whose data directory is dir. Stop must follow.
func New(dir string, edit func(*config.Config)) (*Gateway, error) {
	g := &Gateway{Config: config.Default(), Log: new(Log)}
	g.Config.Listen, g.Config.Data = "127.0.0.1:0", dir
	g.Config.Grace = Patience
	if edit != nil {
		edit(g.Config)
	}
	g.http = newHTTPClient()
	return g, g.start()
}

// Attach returns a Gateway for one that another process runs. It cannot be stopped or restarted here.
func Attach(t *testing.T, addr, keyID, secret string) *Gateway {
	g := &Gateway{Config: config.Default(), http: newHTTPClient(), addr: addr, managementAddr: addr, keyID: keyID, secret: secret}
	t.Cleanup(g.http.CloseIdleConnections)
	return g
}

func newHTTPClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				// Every *.localhost name is this machine; not every resolver knows.
				if host, port, err := net.SplitHostPort(addr); err == nil && strings.HasSuffix(host, ".localhost") {
					addr = net.JoinHostPort("127.0.0.1", port)
				}
				return new(net.Dialer).DialContext(ctx, network, addr)
			},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (g *Gateway) start() error {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	s, err := server.Start(ctx, g.Config, slog.New(slog.NewTextHandler(g.Log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		return err
	}
	g.server = s
	g.addr, g.managementAddr = s.Addr().String(), s.ManagementAddr().String()
	g.keyID, g.secret = s.RootKey()
	return nil
}

// Stop shuts the gateway down in order, as SIGTERM does. Stopping twice is harmless.
func (g *Gateway) Stop() error {
	g.http.CloseIdleConnections()
	if g.server == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), g.Config.Grace)
	defer cancel()
	s := g.server
	g.server = nil
	return s.Stop(ctx)
}

// Restart stops the gateway in order and starts it again on the same data and port.
func (g *Gateway) Restart() error {
	g.Config.Listen = g.Addr()
	if err := g.Stop(); err != nil {
		return err
	}
	return g.start()
}

// Addr is host and port of the gateway's port.
func (g *Gateway) Addr() string { return g.addr }

// ManagementAddr is host and port of the AWS APIs, the same as Addr unless the configuration splits them.
func (g *Gateway) ManagementAddr() string { return g.managementAddr }

// Port is the number of the gateway's port.
func (g *Gateway) Port() string {
	_, port, _ := net.SplitHostPort(g.Addr())
	return port
}

// Host is the name that clients of an API use: {apiId}.execute-api.localhost:port.
func (g *Gateway) Host(apiID string) string { return apiID + ".execute-api.localhost:" + g.Port() }

// Key returns the root user's access key.
func (g *Gateway) Key() (id, secret string) { return g.keyID, g.secret }

// HTTP returns a client that finds every *.localhost name and follows no redirect.
func (g *Gateway) HTTP() *http.Client { return g.http }

func (g *Gateway) credentials() aws.CredentialsProvider {
	id, secret := g.Key()
	return credentials.NewStaticCredentialsProvider(id, secret, "")
}

// Control returns an SDK client of the control plane. It does not retry.
func (g *Gateway) Control() *apigatewayv2.Client {
	return apigatewayv2.New(apigatewayv2.Options{
		Region: g.Config.Region, Credentials: g.credentials(), HTTPClient: g.http, RetryMaxAttempts: 1,
		BaseEndpoint: aws.String("http://" + g.ManagementAddr()),
	})
}

// Push returns an SDK client of @connections for one stage, by the API's host name. It does not retry.
func (g *Gateway) Push(apiID, stage string) *apigatewaymanagementapi.Client {
	return g.PushAt("http://" + g.Host(apiID) + "/" + stage)
}

// PushAt is Push with another form of the address.
func (g *Gateway) PushAt(url string) *apigatewaymanagementapi.Client {
	return apigatewaymanagementapi.New(apigatewaymanagementapi.Options{
		Region: g.Config.Region, Credentials: g.credentials(), HTTPClient: g.http, RetryMaxAttempts: 1, BaseEndpoint: aws.String(url),
	})
}

// Presign returns a URL that carries the root user's signature in its query.
func (g *Gateway) Presign(t *testing.T, method, url, service string, at time.Time) string {
	t.Helper()
	req, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	creds, err := g.credentials().Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(nil)
	signed, _, err := v4.NewSigner().PresignHTTP(t.Context(), creds, req, hex.EncodeToString(sum[:]), service, g.Config.Region, at)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// Log collects what was written to it. It may be used by many goroutines.
type Log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
