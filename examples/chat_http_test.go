package examples_test

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/gobwas/ws"

	"github.com/sockgate/sockgate/internal/browsertest"
)

// prodKey is the API key of the stage prod, as the template has it.
const prodKey = "only-friends-use-prod"

// TestChatHTTP goes through the tutorial: each of its sections is seen to work.
func TestChatHTTP(t *testing.T) {
	t.Parallel()
	backend, private := freeAddr(t), freeAddr(t)
	_, port, err := net.SplitHostPort(private)
	if err != nil {
		t.Fatal(err)
	}
	e, dir := start(t, "chat-http", "--parameters", "Backend="+backend, "PrivatePort="+port, "--",
		"go", "run", "./examples/chat-http", "-listen", backend, "-private", private)
	tables := &tables{t: t, endpoint: e.await(` gateway +(http\S+)`)}
	dev, prod := e.await(`(ws://127\S+/dev)`), e.await(`(ws://127\S+/prod)`)
	await(t, "http://"+backend+"/")
	await(t, "http://"+private+"/health")

	for _, tt := range []struct {
		name, address string
		status        int
	}{
		{"without a password", dev + "?name=Eve", http.StatusUnauthorized},
		{"without a name", dev + "?token=mellon", http.StatusUnauthorized},
		{"with another password", dev + "?name=Eve&token=friend", http.StatusForbidden},
		{"with a name that is none", dev + "?name=E%20v%20e&token=mellon", http.StatusUnauthorized},
		{"without a key", prod + "?name=Eve&token=mellon", http.StatusForbidden},
		{"with the other stage's key", prod + "?name=Eve&token=mellon&key=everyone-may-try-dev", http.StatusForbidden},
	} {
		refused(t, tt.name, tt.address, tt.status)
	}

	ann := dial(t, dev+"?name=Ann&token=mellon")
	p := browsertest.Open(t, "http://"+backend+"/?"+url.Values{"address": {dev}, "name": {"Bob"}}.Encode())
	p.Await("#state", "connected as Bob")
	p.Type("#text", `hi <b>"Ann"</b>`)
	p.Click("#say")
	ann.expect(`{"from":"Bob","text":"hi \u003cb\u003e\"Ann\"\u003c/b\u003e"}`)
	p.Await("#log", `Bob: hi <b>"Ann"</b>`)

	// The model refuses, and the private backend answers.
	ann.expectError(`{"action":"sendmessage","text":""}`, "Invalid request body")
	ann.expectError(`{"action":"sendmessage","text":7}`, "Invalid request body")
	p.Type("#text", strings.Repeat("x", 201))
	p.Click("#say")
	p.Await("#log", "gateway: Invalid request body")
	ann.send(`{"action":"online"}`)
	ann.expect(`{"online":["Ann","Bob"]}` + "\n")
	p.Click("#online")
	p.Await("#log", "there: Ann, Bob")

	// prod is another table, so another room; its clients come by the domain name as well, with TLS.
	bycert := domain(t, dir, tables.endpoint)
	cid := dialBy(t, ws.Dialer{Header: ws.HandshakeHeaderHTTP{"x-api-key": {prodKey}}}, prod+"?name=Cid&token=mellon")
	dora := dialBy(t, bycert, "wss://chat.localhost/?name=Dora&token=mellon&key="+prodKey)
	eli := dialBy(t, bycert, "wss://chat.localhost/dev?name=Eli&token=mellon")
	tables.expect("connections-dev", "Ann", "Bob", "Eli")
	tables.expect("connections-prod", "Cid", "Dora")
	cid.send(`{"action":"sendmessage","text":"secret"}`)
	cid.expect(`{"from":"Cid","text":"secret"}`)
	dora.expect(`{"from":"Cid","text":"secret"}`)
	eli.send(`{"action":"sendmessage","text":"here"}`)
	eli.expect(`{"from":"Eli","text":"here"}`)
	ann.expect(`{"from":"Eli","text":"here"}`)

	// The plan lets five requests through at once, and then one in two seconds.
	for range 20 {
		cid.send(`{"action":"sendmessage","text":"spam"}`)
	}
	cid.find("Too Many Requests")
	tables.expect("connections-prod", "Cid", "Dora") // who is throttled stays connected

	for _, c := range []*client{ann, cid, dora, eli} {
		c.Close()
	}
	tables.expect("connections-dev", "Bob")
	tables.expect("connections-prod")
}

// refused dials an address and expects that the handshake is answered with a status.
func refused(t *testing.T, name, address string, status int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, _, _, err := ws.Dial(ctx, address)
	if err == nil {
		conn.Close()
	}
	if got, ok := errors.AsType[ws.StatusError](err); !ok || int(got) != status {
		t.Errorf("%s: got %v, want status %d", name, err, status)
	}
}

// expectError sends a message and expects an error frame with these words.
func (c *client) expectError(text, message string) {
	c.t.Helper()
	c.send(text)
	if got := c.next(); !strings.HasPrefix(got, `{"message": "`+message+`", "connectionId":"`) {
		c.t.Errorf("%s: got %s", text, got)
	}
}

// find reads until a message contains text.
func (c *client) find(text string) {
	c.t.Helper()
	for !strings.Contains(c.next(), text) {
	}
}

// domain returns a dialer for domain names that lead to the gateway; it trusts nobody but the gateway's authority.
func domain(t *testing.T, dir, endpoint string) ws.Dialer {
	t.Helper()
	pem, err := os.ReadFile(filepath.Join(dir, ".sockgate", "ca", "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	authority := x509.NewCertPool()
	authority.AppendCertsFromPEM(pem)
	return ws.Dialer{
		NetDial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, strings.TrimPrefix(endpoint, "http://"))
		},
		TLSConfig: &tls.Config{RootCAs: authority, MinVersion: tls.VersionTLS12, VerifyConnection: func(s tls.ConnectionState) error {
			if names := s.PeerCertificates[0].DNSNames; !slices.Equal(names, []string{"chat.localhost"}) {
				t.Errorf("the certificate is for %v", names)
			}
			return nil
		}},
	}
}

// tables looks at a gateway's tables.
type tables struct {
	t        *testing.T
	endpoint string
}

// expect waits until a table has these names and no others.
func (b *tables) expect(table string, want ...string) {
	b.t.Helper()
	client := dynamodb.New(dynamodb.Options{BaseEndpoint: &b.endpoint, Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		out, err := client.Scan(b.t.Context(), &dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true)})
		if err != nil {
			b.t.Fatal(err)
		}
		var got []string
		for _, item := range out.Items {
			if s, ok := item["name"].(*types.AttributeValueMemberS); ok {
				got = append(got, s.Value)
			}
		}
		slices.SortFunc(got, cmp.Compare)
		if slices.Equal(got, want) {
			return
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("%s has %v, want %v", table, got, want)
		}
	}
}
